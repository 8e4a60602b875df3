"""Run the verbs that make, fill, describe, share and export projects."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from poregui.cli.output import (
    Screen,
    add_annotator_option,
    annotator_of,
    run_for,
    state_in_a_word,
    table,
)
from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Plane
from poregui.domain.wording import count
from poregui.store import backups
from poregui.store.database import check_presence
from poregui.store.finder_folder import finders_in
from poregui.store.project import Project
from poregui.store.run_check import problem_of, sentence_of_lost_pixels


def demo(args: argparse.Namespace, screen: Screen) -> int:
    """Draw the sample project."""
    from poregui.workflow.importing.sample_project import make_sample

    truth = make_sample(args.folder, args.seed, screen.progress)
    with Project.open(args.folder, read_only=True) as project:
        values = {**_description(project), "truth": str(truth), "seed": args.seed}
    text = (
        f"The sample project {args.folder} holds {count(values['micrographs'], 'micrograph')} of "
        f"{count(values['specimens'], 'specimen')} and "
        f"{count(values['labelled'], 'labelled crop')}.\n"
        f"The true classes of its unlabelled specimens are in {truth}."
    )
    screen.result(values, text)
    return 0


def new(args: argparse.Namespace, screen: Screen) -> int:
    """Make an empty project."""
    if args.classes is not None:
        names = [name.strip() for name in args.classes.split(",")]
    else:
        names = None
    with (
        Project.create(args.project)
        if names is None
        else Project.create(args.project, names) as project
    ):
        values = _description(project)
    listed = ", ".join(c["name"] for c in values["classes"])
    screen.result(values, f"Made the project {args.project} with the classes {listed}.")
    return 0


def import_images(args: argparse.Namespace, screen: Screen) -> int:
    """Bring micrographs and ready-made crops in."""
    from poregui.workflow.editing.history import History
    from poregui.workflow.importing.images import ImportOptions, collect, settle

    with Project.open(args.project) as project:
        project.check_writable()
        options = ImportOptions(
            kind=args.kind,
            specimen=args.specimen,
            specimen_pattern=args.specimen_from,
            um_per_px=args.um_per_px,
            known_classes=tuple(c.name for c in project.classes()),
            plane=Plane(args.page, args.channel, args.z),
        )
        collected = collect(args.paths, options, project.pixels, screen.progress)
        plan = settle(project, collected, annotator_of(args))
        before = {m.id for m in project.micrographs()}
        if plan.edit is not None:
            History(project).apply(plan.edit, backup="before-import")
        if args.mask_info_bar:
            masked = _mask_info_bars(project, before)
        else:
            masked = []
    report = plan.report
    if not report.imported and not report.present and report.skipped:
        first, *others = report.skipped
        more = ""
        if others:
            more = f" {count(len(others), 'more file')} skipped."
        raise PoreguiError(f"Nothing was imported: {first.name} {first.reason}{more}")
    screen.result(report.to_json() | {"info_bars": masked}, "\n".join([*report.lines, *masked]))
    return 0


def _mask_info_bars(project: Project, before: set[int]) -> list[str]:
    """Mask the info bars of the micrographs that were not there before, and return a sentence for
    each thing to say.
    """
    from poregui.cli.micrograph_verbs import info_bars
    from poregui.workflow.editing.history import History
    from poregui.workflow.editing.micrograph_edits import mask_info_bars

    notes: list[str] = []
    found = info_bars(project, [m for m in project.micrographs() if m.id not in before], notes)
    if found:
        History(project).apply(mask_info_bars(found))
    return [
        *notes,
        *(f"{one.shown_name}: the info bar is masked ({box.height} px)." for one, box in found),
    ]


def add_import_outlines_options(parser: argparse.ArgumentParser) -> None:
    """Add what `import-outlines` understands."""
    parser.add_argument(
        "path",
        type=Path,
        metavar="PATH",
        help="COCO (.json), GeoJSON or ImageJ ROIs (.zip), or a folder of the last two; "
        "masks (binary or label images as PNG or TIFF, named as the micrographs, with _mask, "
        "_labels or _seg behind) or a folder of them; labels as CSV",
    )
    parser.add_argument(
        "--class",
        dest="class_name",
        metavar="NAME",
        help="the class of pores for which the files name none; otherwise they get no label",
    )
    parser.add_argument(
        "--complete",
        action="store_true",
        help="every pore of these micrographs is outlined there: they become checked areas, and "
        "the pores replace their candidates",
    )
    add_annotator_option(parser)


def import_outlines(args: argparse.Namespace, screen: Screen) -> int:
    """Bring outlines that other programs drew onto the micrographs of a project."""
    from poregui.workflow.editing.history import History
    from poregui.workflow.importing.outlines import (
        cut_outlines,
        match_images,
        read_outlines,
        settle_outlines,
    )

    with Project.open(args.project) as project:
        project.check_writable()
        images = read_outlines(args.path, project.micrographs())
        matched, notes = match_images(project, images, args.class_name or "")
        collected = cut_outlines(matched, notes, project.pixels, screen.progress)
        plan = settle_outlines(project, collected, annotator_of(args), complete=args.complete)
        if plan.edit is not None:
            History(project).apply(plan.edit, backup="before-import")
    values = {
        "imported": plan.added,
        "labelled": plan.labelled,
        "present": plan.present,
        "checked": plan.checked,
        "notes": list(plan.notes),
    }
    screen.result(values, "\n".join(plan.lines))
    return 0


def info(args: argparse.Namespace, screen: Screen) -> int:
    """Describe a project."""
    with Project.open(args.project, read_only=True) as project:
        values = _description(project)
        lost = sentence_of_lost_pixels(project)
        runs = [
            (run.number, problem_of(run) or state_in_a_word(run.final_event()))
            for run in project.runs()
        ]
    rows = [[c["name"], c["key"], c["colour"], c["count"]] for c in values["classes"]]
    rows += [["Not a pore", "0", "", values["not_a_pore"]], ["Unsure", "U", "", values["unsure"]]]
    facts = table(
        [args.project.name or str(args.project), "number"],
        [
            [name, values[name]]
            for name in (
                "micrographs",
                "checked",
                "specimens",
                "crops",
                "labelled",
                "runs",
                "finders",
            )
        ],
    )
    if runs:
        listed = table(["run", "state"], [list(row) for row in runs])
    else:
        listed = "No runs yet."
    if lost:
        screen.note(lost)
    values["run_states"] = [{"run": number, "state": state} for number, state in runs]
    screen.result(
        values, "\n\n".join([facts, table(["class", "key", "colour", "crops"], rows), listed])
    )
    return 0


def _description(project: Project) -> dict[str, Any]:
    counts = project.label_counts()
    crops = sum(counts.values())
    return {
        "project": str(project.folder),
        "classes": [
            {"id": c.id, "name": c.name, "colour": c.colour, "key": c.key, "count": counts[c.id]}
            for c in project.classes()
        ],
        "micrographs": len(project.micrographs()),
        "crops": crops,
        "labelled": crops - counts[None] - counts[UNSURE],
        "not_a_pore": counts[NOT_A_PORE],
        "unsure": counts[UNSURE],
        "specimens": len(project.specimens()),
        "checked": sum(bool(one.checked_areas) for one in project.micrographs()),
        "runs": len(project.runs()),
        "finders": len(finders_in(project.folder)),
    }


def export(args: argparse.Namespace, screen: Screen) -> int:
    """Write labels, crops and outlines for other programs."""
    from poregui.workflow.exporting.export_kinds import EXPORTS
    from poregui.workflow.exporting.export_run import export_model

    chosen = EXPORTS[args.format]
    if args.run is not None and args.format != "model":
        raise PoreguiError(
            "Only a network belongs to a run.", "Leave out --run, or give --format model."
        )
    with Project.open(args.project, read_only=True) as project:
        if args.format == "model":
            written = export_model(
                project, run_for(project, args.run, screen, network=True), args.out
            )
        else:
            written = chosen.write(project, args.out, screen.progress)
    out = str(Path(args.out).absolute())
    values = {"format": args.format, "out": out, f"{chosen.unit}s": written}
    screen.result(values, f"Wrote {count(written, chosen.unit)} to {args.out}.")
    return 0


def add_backup_options(parser: argparse.ArgumentParser) -> None:
    """Let the verb backup list or restore instead."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--list", action="store_true", help="list the backups, the newest first")
    choice.add_argument(
        "--restore",
        metavar="NAME",
        help="replace project.db with this backup (newest: the newest undamaged one); the current "
        "file is kept as a backup or set aside",
    )


def backup(args: argparse.Namespace, screen: Screen) -> int:
    """Back up project.db, list its backups or restore one."""
    if args.list:
        return _list_backups(args.project, screen)
    if args.restore is not None:
        restored = backups.restore(args.project, args.restore)
        values = {"restored": restored.backup.name, "labels": restored.content.labels}
        kept = str(restored.kept) if restored.kept else None
        screen.result({**values, "kept": kept}, restored.text)
        return 0
    check_presence(args.project / "project.db")
    made = backups.make_backup(args.project)
    content = backups.content_of(made)
    size = made.path.stat().st_size
    values = {"backup": str(made.path), "labels": content.labels, "bytes": size}
    text = f"{made.path} holds {content.text} ({size / 2**20:.1f} MB). {backups.NOT_COVERED}"
    screen.result(values, text)
    return 0


def _list_backups(folder: Path, screen: Screen) -> int:
    rows = []
    values = []
    found = backups.backups_of(folder)
    if not found:
        check_presence(folder / "project.db")
    for one in found:
        content = backups.sound_content(one)
        labels = content.labels if content else None
        state = f"{labels:,}" if content else "damaged"
        rows.append([one.name, f"{one.when:%Y-%m-%d %H:%M} UTC", one.why, state])
        values.append({"name": one.name, "when": one.when.isoformat(), "labels": labels})
    text = table(["backup", "made", "why", "labels"], rows) if rows else "No backups yet."
    screen.result({"backups": values}, f"{text}\n\n{backups.NOT_COVERED}")
    return 0


_MOST_ROWS = 50


def add_pack_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb pack its target and its choice."""
    parser.add_argument("out", type=Path, metavar="OUT", help="the zip file to write")
    parser.add_argument(
        "--without", metavar="A,B", default="", help="leave out micrographs, runs, or both"
    )
    parser.add_argument(
        "--for-rating",
        action="store_true",
        help="write only a sample of crops, without labels, for a second opinion (poregui rate)",
    )


def pack(args: argparse.Namespace, screen: Screen) -> int:
    """Write a project into one verified zip file."""
    from poregui.workflow.exporting.pack import pack as pack_project

    if args.for_rating:
        return _pack_for_rating(args, screen)
    without = {word.strip() for word in args.without.split(",") if word.strip()}
    if without - {"micrographs", "runs"}:
        raise PoreguiError(
            f"{args.without} cannot be left out.",
            "Leave out micrographs, runs, or micrographs,runs.",
        )
    with Project.open(args.project, read_only=True) as project:
        packed = pack_project(
            project,
            args.out,
            micrographs="micrographs" not in without,
            runs="runs" not in without,
            progress=screen.progress,
        )
    screen.result(packed.to_json(), packed.text)
    return 0


def _pack_for_rating(args: argparse.Namespace, screen: Screen) -> int:
    from poregui.workflow.rating.rating_pack import pack_for_rating

    with Project.open(args.project) as project:
        text = pack_for_rating(project, args.out)
    screen.result({"out": str(args.out), "text": text}, text)
    return 0


def add_merge_labels_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb merge-labels the other copy and how to settle."""
    parser.add_argument(
        "other", type=Path, metavar="OTHER", help="the folder of the other copy; it is only read"
    )
    parser.add_argument(
        "--settle",
        choices=("mine", "theirs", "newest"),
        default="mine",
        help="which label to keep where both copies have one (mine, the default: the one in "
        "PROJECT)",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")


def merge_labels(args: argparse.Namespace, screen: Screen) -> int:
    """Take the labels of another copy over and list the conflicts."""
    from poregui.workflow.editing.history import History
    from poregui.workflow.importing.merge_labels import plan_merge

    with Project.open(args.project, read_only=args.dry_run) as project:
        if not args.dry_run:
            project.check_writable()
        with Project.open(args.other, read_only=True) as other:
            plan = plan_merge(project, other, settle=args.settle)
        if plan.edit is not None and not args.dry_run:
            History(project).apply(plan.edit, backup="before-merge")
    rows = [
        [c.crop_id, c.mine, c.my_who, c.theirs, c.their_who, c.taken]
        for c in plan.conflicts[:_MOST_ROWS]
    ]
    lines = list(plan.lines)
    if rows:
        lines.append("\n" + table(["crop", "mine", "by", "theirs", "by", "taken"], rows))
    if len(plan.conflicts) > _MOST_ROWS:
        lines.append(f"… and {len(plan.conflicts) - _MOST_ROWS:,} more; --json lists all.")
    screen.result({**plan.to_json(), "done": not args.dry_run}, "\n".join(lines))
    return 0
