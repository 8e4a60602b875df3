"""Run the verbs that apply a network, lock a recipe and list unsure pores."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from poregui.cli.output import Screen, add_annotator_option, annotator_of, print_pdf, run_for, table
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Plane
from poregui.domain.wording import about, count, span
from poregui.launching import login_name
from poregui.store.project import Project
from poregui.workflow.applying.cluster import Scheduler
from poregui.workflow.applying.inputs import (
    AppliedModel,
    ToApply,
    micrographs_of,
    model_of_file,
    model_of_run,
    names_beside,
)
from poregui.workflow.applying.locked_recipe import Lock, lock_of_project, model_of_lock
from poregui.workflow.applying.study import ApplyStudy
from poregui.workflow.applying.summary import (
    GroupSummary,
    Summary,
    calibration_text,
    out_of_distribution_text,
    sensitivity_text,
)
from poregui.workflow.applying.unsure_pores import (
    UnsurePore,
    cut_unsure,
    settle_unsure,
    strangers_of,
    unsure_pores,
    write_queue,
)
from poregui.workflow.detecting.find_pores import read_recipe
from poregui.workflow.editing.history import History
from poregui.workflow.importing.images import ImportOptions, collect, settle
from poregui.workflow.importing.specimen_names import doubt_text, same_by_name, specimen_rule
from poregui.workflow.reporting.documents import check_ending

_FIXED = {
    "run": "--run",
    "recipe": "--recipe",
    "finder": "--finder",
    "min_confidence": "--min-confidence",
    "um_per_px": "--um-per-px",
    "keep_unlike": "--keep-unlike",
}


@dataclass(frozen=True)
class Chosen:
    """Hold what is applied, the project that knows of micrographs (None: none does), and what is
    locked.
    """

    model: AppliedModel
    project: Project | None
    min_confidence: float
    um_per_px: float | None
    lock: Lock | None = None


def choose_model(args: argparse.Namespace, stack: ExitStack, screen: Screen) -> Chosen:
    """Return what the words of a command line ask for; a project that is opened ends with `stack`.

    Raises PoreguiError when something is missing or damaged, or goes against a locked recipe.
    """
    min_confidence = 0.0
    if args.min_confidence is not None:
        min_confidence = args.min_confidence
    if not 0 <= min_confidence < 1:
        raise PoreguiError(
            f"{min_confidence:g} is not a valid confidence.",
            "Enter a number from 0 to below 1, such as 0.8.",
        )
    source = args.project.absolute()
    bare = source.suffix.lower() in (".onnx", ".json")
    if bare:
        project = None
    else:
        project = stack.enter_context(Project.open(source, read_only=True))
    if source.suffix.lower() == ".json":
        locked = source
    else:
        if args.locked:
            locked = args.locked.absolute()
        elif bare:
            locked = None
        else:
            locked = lock_of_project(source)
    if locked is not None:
        return _locked(args, locked, project)
    model = _model(args, source, project, screen)
    return Chosen(model, project, min_confidence, args.um_per_px)


def _model(
    args: argparse.Namespace, source: Path, project: Project | None, screen: Screen
) -> AppliedModel:
    """Return the network of a project's run or of a file; a recipe that is given finds pores by its
    threshold, unless a finder is given as well.
    """
    recipe = read_recipe(args.recipe) if args.recipe else None
    finder = args.finder
    if recipe is not None and finder is None:
        finder = 0
    if project is not None:
        run = run_for(project, args.run, screen, network=True)
        model = model_of_run(project, run, finder)
        return model if recipe is None else replace(model, recipe=recipe)
    if args.finder is not None:
        raise PoreguiError("--finder needs a project.", "Give a project, or leave out --finder.")
    model = model_of_file(source, recipe)
    return model if recipe is None else model.by_finder(None)


def name_specimens(
    fields: Sequence[ToApply], pattern: str | None
) -> tuple[list[ToApply], list[str]]:
    """Return micrographs with the specimens that a pattern finds in the names of those that have
    none, and notes.

    Raises PoreguiError for an unfit pattern (see `specimen_rule`).
    """
    if pattern is None:
        return list(fields), []
    rule = specimen_rule(pattern)
    found = [
        (field.file.as_posix(), field.specimen or rule.of_file(field.file)) for field in fields
    ]
    without = [index for index, one in enumerate(fields) if not one.specimen]
    if rule.sees_folders:
        doubtful = set()
    else:
        doubtful = set(same_by_name(found)).intersection(without)
    named = [
        one
        if index not in without or index in doubtful
        else replace(one, specimen=found[index][1] or "")
        for index, one in enumerate(fields)
    ]
    names = names_beside([field.file for field in fields])
    shown = ", ".join(dict.fromkeys(names[index] for index in sorted(doubtful)))
    return named, [doubt_text(shown)] if shown else []


def _locked(args: argparse.Namespace, file: Path, project: Project | None) -> Chosen:
    model, lock = model_of_lock(file, project)
    given = [option for name, option in _FIXED.items() if getattr(args, name) is not None]
    if given:
        raise PoreguiError(
            f"The recipe is {lock.sentence}.",
            f"Leave out {', '.join(given)}, or unlock the project with poregui lock PROJECT --off.",
        )
    return Chosen(model, project, lock.min_confidence, lock.um_per_px, lock)


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb apply the machines that it may use."""
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="work on a dask cluster (extra cluster); its machines need the same files under "
        "the same paths",
    )
    for name, text in (
        ("ca", "of the authority"),
        ("cert", "that you show"),
        ("key", "that belongs to yours"),
    ):
        what = "certificate"
        if name == "key":
            what = "key"
        parser.add_argument(
            f"--tls-{name}",
            type=Path,
            metavar="FILE",
            help=f"the {what} {text}, for tls:// addresses",
        )


def apply(args: argparse.Namespace, screen: Screen) -> int:
    """Find, measure and classify the pores of micrographs and sum up the porosity of each class."""
    if args.report is not None:
        check_ending(args.report)
    cluster = _cluster(args)
    with ExitStack() as stack:
        chosen = choose_model(args, stack, screen)
        fields = _fields(args, chosen, screen)
        check_queue_options(args, chosen.project)
        out = args.out or Path(f"{args.project.stem}-porosity")
        study = ApplyStudy.open(
            chosen.model,
            fields,
            out.absolute(),
            lock=chosen.lock,
            min_confidence=chosen.min_confidence,
        )
        if chosen.project is not None:
            study = study.with_labels(chosen.project)
    progress = partial(screen.progress, counted=False)
    study = study.run(workers=args.workers, scheduler=cluster, progress=progress)
    _note_problems(study, screen)
    if args.keep_unlike:
        study = study.keeping_out_of_distribution()
    view = study.at(chosen.min_confidence)
    values = view.save()
    if values["kept"]:
        screen.note(f"{out} held a summary of other micrographs; it was kept as {values['kept']}.")
    values |= see_to_queue(args, unsure_pores(view), screen)
    if args.report is not None:
        view.report(args.report, print_pdf)
        screen.note(f"Wrote the report to {args.report}.")
        values["report"] = str(args.report.absolute())
    screen.result(values, _text(view.summary, out))
    return 0


def _fields(args: argparse.Namespace, chosen: Chosen, screen: Screen) -> list[ToApply]:
    """Return the micrographs that are asked for, with what is known of them."""
    paths = [path.absolute() for path in args.paths]
    fields = micrographs_of(paths, chosen.project, chosen.um_per_px, args.specimen)
    named, notes = name_specimens(fields, args.specimen_from)
    for note in notes:
        screen.note(note)
    return named


def _note_problems(study: ApplyStudy, screen: Screen) -> None:
    """Name the micrographs that failed. Raises PoreguiError when all did."""
    for problem in study.problems:
        screen.note(about(problem.name, problem.reason))
    if not study.fields:
        raise PoreguiError("No micrograph could be processed.", study.problems[0].reason)


def _cluster(args: argparse.Namespace) -> Scheduler | None:
    """Return the cluster that was asked for, None for this machine."""
    files = (args.tls_ca, args.tls_cert, args.tls_key)
    if args.scheduler is None:
        if any(files):
            raise PoreguiError(
                "TLS files only work with --scheduler.",
                "Give --scheduler, or leave them out.",
            )
        return None
    if args.workers:
        raise PoreguiError(
            "--workers counts processes on this machine.", "Leave it out with --scheduler."
        )
    return Scheduler(
        args.scheduler, *(None if file is None else file.absolute() for file in files)
    ).checked()


def _text(summary: Summary, out: Path) -> str:
    groups: tuple[GroupSummary, ...] = summary.specimens
    several = len(groups) > 1
    if several:
        groups = (*groups, summary.whole)
    rows = [
        [
            group.name,
            group.fields,
            *(_cell(pore_class.area) for pore_class in group.classes),
            _left(group),
        ]
        for group in groups
    ]
    head = ["specimen", "fields", *(f"{name} (area %)" for name in summary.classes), "unclassified"]
    if summary.corrected:
        note = "corrected for confusion"
    else:
        note = f"not corrected for confusion: {summary.why_not}"
    over = "95 % CI over fields"
    if several:
        over += ", in the last row over specimens"
    more = (
        sensitivity_text(summary.whole),
        out_of_distribution_text(summary.whole),
        calibration_text(summary),
    )
    lines = [
        table(head, rows),
        f"{over}; {note}.",
        *(text for text in more if text),
        *summary.warnings,
        f"Tables and images are in {out}.",
    ]
    return "\n".join(lines)


def _cell(one: object) -> str:
    low, high, value = (getattr(one, name) for name in ("low", "high", "corrected"))
    if low is None:
        return f"{value:.4f}"
    return f"{value:.4f} ({span(low, high, digits=4)})"


def _left(group: GroupSummary) -> str:
    if group.left:
        return f"{count(group.left, 'pore')}, {group.left_percent:.4f} %"
    return "none"


def add_finder_option(parser: argparse.ArgumentParser) -> None:
    """Let pores be found by a learned finder."""
    parser.add_argument(
        "--finder",
        type=int,
        metavar="RUN",
        help="number of the learned finder that finds the pores (default: as the project's pores "
        "were found last)",
    )


def add_lock_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb lock what it fixes."""
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="a new folder (default: lock the project itself)"
    )
    parser.add_argument("--name", metavar="TEXT", default="", help="a name for the recipe")
    parser.add_argument("--by", metavar="NAME", help="who locks it (default: the user logged in)")
    parser.add_argument(
        "--min-confidence", type=float, default=0.0, metavar="P", help="minimum confidence to lock"
    )
    parser.add_argument(
        "--take",
        type=Path,
        metavar="FILE",
        help="import a locked.json from another project",
    )
    parser.add_argument("--off", action="store_true", help="unlock the project")


def lock(args: argparse.Namespace, screen: Screen) -> int:
    """Fix recipe, network, scale and confidence, take what was fixed elsewhere, or unlock a
    project.
    """
    from poregui.workflow.applying.locked_recipe import (
        FOLDER,
        LOCKED,
        lock_of_project,
        lock_run,
        unlock_project,
    )

    if args.take is not None:
        return _take(args, screen)
    if args.off:
        with Project.open(args.project) as project:
            project.check_writable()
            removed = unlock_project(args.project)
        screen.result(
            {"locked": False, "removed": removed}, "Unlocked." if removed else "Nothing was locked."
        )
        return 0
    out = args.out or args.project / FOLDER
    with Project.open(args.project, read_only=args.out is not None) as project:
        if args.out is None:
            project.check_writable()
            if lock_of_project(args.project) is not None:
                raise PoreguiError(
                    "This project is locked already.",
                    "Unlock it first: poregui lock PROJECT --off.",
                )
        made = lock_run(
            project,
            run_for(project, args.run, screen, network=True),
            out,
            who=args.by if args.by is not None else login_name(),
            title=args.name,
            min_confidence=args.min_confidence,
            um_per_px=args.um_per_px,
            finder=args.finder,
        )
    file = out / LOCKED
    screen.result(
        {"locked": True, "file": str(file.absolute()), **made.to_json()},
        f"{made.sentence}: {file}.",
    )
    return 0


def _take(args: argparse.Namespace, screen: Screen) -> int:
    from poregui.workflow.applying.locked_recipe import take_lock

    options = ["--out", "--off", "--run", "--by", "--name", "--min-confidence", "--um-per-px"]
    options.append("--finder")
    given = [name for name in options if getattr(args, name[2:].replace("-", "_"))]
    if given:
        raise PoreguiError(
            f"--take cannot be combined with {' and '.join(given)}.",
            "The imported recipe already fixes these.",
        )
    with Project.open(args.project) as project:
        project.check_writable()
        taken = take_lock(args.take.absolute(), project)
    screen.result(
        {"locked": True, **taken.to_json()}, f"{args.project} applies the recipe {taken.sentence}."
    )
    return 0


def add_queue_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb apply what may become of pores that are left to a person."""
    parser.add_argument(
        "--queue",
        type=Path,
        metavar="FILE",
        help="write the unclassified pores as CSV",
    )
    parser.add_argument(
        "--keep-unlike",
        action="store_const",
        const=True,
        help="keep the predicted class of unusual pores (outside the training data); otherwise "
        "they stay unclassified",
    )
    parser.add_argument(
        "--import-unsure",
        action="store_true",
        help="import them into the project as candidates to label; applying again uses the labels",
    )
    add_annotator_option(parser)


def check_queue_options(args: argparse.Namespace, project: Project | None) -> None:
    """Raise PoreguiError when pores shall be brought into a project and there is none."""
    if args.import_unsure and project is None:
        raise PoreguiError(
            "A model file has no project to import pores into.", "Give a project, or use --queue."
        )


def see_to_queue(
    args: argparse.Namespace, waiting: Sequence[UnsurePore], screen: Screen
) -> dict[str, Any]:
    """Do what the options ask with the pores that wait, and return what is said of it."""
    values: dict[str, Any] = {"waiting": len(waiting)}
    if args.queue is not None:
        write_queue(waiting, args.queue)
        values["queue"] = str(args.queue.absolute())
        screen.note(f"Wrote {count(len(waiting), 'pore')} to {args.queue}.")
    if args.import_unsure:
        values["brought_in"] = _bring_in(args, waiting, screen)
        screen.note(
            f"Imported {count(values['brought_in'], 'pore')} into the project; label them and "
            "apply again."
        )
    return values


def _bring_in(args: argparse.Namespace, waiting: Sequence[UnsurePore], screen: Screen) -> int:
    folder = args.project.absolute()
    specimen = args.specimen
    who = annotator_of(args)
    with Project.open(folder) as project:
        project.check_writable()
        history = History(project)
        by_plane: dict[Plane, list[Path]] = defaultdict(list)
        for file, plane in strangers_of(project, waiting):
            by_plane[plane].append(file)
        for plane, files in by_plane.items():
            options = ImportOptions(kind="micrographs", specimen=specimen, plane=plane)
            plan = settle(project, collect(files, options, project.pixels), who)
            if plan.edit is not None:
                history.apply(plan.edit, backup="before-import")
        settled = settle_unsure(project, cut_unsure(waiting, project.pixels, screen.progress), who)
        if settled.edit is None:
            return 0
        history.apply(settled.edit, backup="before-import")
        return len(settled.edit.crops)
