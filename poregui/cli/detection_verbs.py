"""Run the verbs that find pores and measure them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from poregui.cli.output import (
    Screen,
    add_annotator_option,
    add_micrograph_option,
    annotator_of,
    table,
)
from poregui.domain.detection import METHODS, DetectionRecipe
from poregui.domain.errors import PoreguiError
from poregui.domain.measurement import EXAMPLE, conditions_from
from poregui.domain.records import Micrograph
from poregui.domain.wording import about, count, interval, noun
from poregui.store.project import Project
from poregui.vision.pores.detection import TOO_LARGE
from poregui.vision.pores.finding_score import FindingScore
from poregui.vision.pores.recipe_choice import Choice
from poregui.workflow.checking.finding_checks import checked_finding
from poregui.workflow.detecting.find_pores import (
    DetectedPores,
    DetectionPlan,
    Present,
    detection_recipe,
    find_in_file,
    left_out_words,
    plan_detection,
    read_recipe,
    warnings_of,
)
from poregui.workflow.detecting.learned_finder import (
    OpenedFinder,
    finder_numbered,
    finder_of_project,
    open_finder,
)
from poregui.workflow.detecting.measuring import (
    MeasuredField,
    measure_project,
    summary,
    write_measurements,
)
from poregui.workflow.detecting.recipe_trials import choose_automatically
from poregui.workflow.detecting.removals import removed_by_rule
from poregui.workflow.detecting.score_finding import score_project
from poregui.workflow.editing.edits import Edit
from poregui.workflow.editing.history import History
from poregui.workflow.editing.micrograph_choice import micrographs_called


def add_detect_options(parser: argparse.ArgumentParser) -> None:
    """Add what `detect` understands."""
    add_micrograph_option(parser)
    parser.add_argument(
        "--recipe",
        type=Path,
        metavar="FILE",
        help="detection settings as JSON, saved in the project (default: the project's own)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--method",
        choices=("auto", *METHODS),
        help="threshold, in place of the recipe's; auto tries recipes on a sample, takes the one "
        "whose pores depend least on its threshold, and saves it in the project",
    )
    how.add_argument(
        "--finder",
        type=int,
        metavar="RUN",
        help="number of a learned finder, in the place of a threshold; limits of size, split and "
        "edge stay those of the settings (default: as the pores were found last)",
    )
    mount = parser.add_mutually_exclusive_group()
    mount.add_argument(
        "--surface",
        action="store_true",
        help="the specimen ends in view: what lies along more than half of an edge is mounting "
        "material; saved with the micrograph",
    )
    mount.add_argument(
        "--no-surface",
        action="store_true",
        help="the specimen fills the image: what lies along an edge is pore; saved with the "
        "micrograph",
    )
    add_annotator_option(parser)


def add_measure_options(parser: argparse.ArgumentParser) -> None:
    """Add what `measure` understands."""
    parser.add_argument(
        "out", type=Path, metavar="OUT.csv", help="the file to write, one line a pore"
    )
    parser.add_argument(
        "--where",
        metavar="CONDITIONS",
        default="",
        help=f'write only pores that meet these conditions, such as "{EXAMPLE}"; lengths in µm '
        "where the pixel size is known, otherwise in px",
    )


def add_score_detection_options(parser: argparse.ArgumentParser) -> None:
    """Add what `score-detection` understands."""
    parser.add_argument(
        "masks",
        type=Path,
        metavar="MASKS",
        help="a binary or label image, or a folder of them, named as the micrographs, with _mask, "
        "_labels or _seg behind",
    )


def detect(args: argparse.Namespace, screen: Screen) -> int:
    """Find the pores of micrographs; labels stay with the pores that are found again."""
    with Project.open(args.project) as project:
        project.check_writable()
        who = annotator_of(args)
        finder = _finder(args, project)
        wanted = _wanted(project, args.micrograph)
        recipe, choice = _recipe(args, project, wanted, screen)
        found = []
        failed = {}
        for micrograph in wanted:
            file = project.micrograph_file(micrograph)
            try:
                found.append(
                    find_in_file(
                        micrograph,
                        file,
                        project.folder,
                        recipe,
                        project.pixels,
                        screen.progress,
                        finder,
                        is_mount=_mount_answer(args),
                    )
                )
            except PoreguiError as error:
                failed[micrograph.shown_name] = str(error)
                screen.note(about(micrograph.shown_name, error))
        if not found:
            raise PoreguiError("No micrograph could be searched.", "The lines above say why.")
        there = Present.of(project, [one.micrograph for one in found])
        plan = plan_detection(found, there, recipe, who)
        _apply(project, plan.edit)
    values = {**_detected(found, plan, choice), "finder": found[0].finder or None, "failed": failed}
    screen.result(values, _detected_text(found, plan, choice, finder))
    return 0


def _finder(args: argparse.Namespace, project: Project) -> OpenedFinder | None:
    """Return the finder that was asked for, else the one that found the project's pores last."""
    if args.finder is not None:
        return open_finder(finder_numbered(project, args.finder))
    if args.method is not None or args.recipe is not None:
        return None
    kept = finder_of_project(project)
    return None if kept is None else open_finder(kept)


def _recipe(
    args: argparse.Namespace, project: Project, wanted: list[Micrograph], screen: Screen
) -> tuple[DetectionRecipe, Choice | None]:
    """Return the recipe that was asked for, and how it was chosen where the program did."""
    if args.recipe:
        recipe = read_recipe(args.recipe)
    else:
        recipe = detection_recipe(project)
    if args.method is None:
        return recipe, None
    if args.method != "auto":
        return replace(recipe, method=args.method, chosen_by="person"), None
    searched = [(one, project.micrograph_file(one)) for one in wanted]
    choice = choose_automatically(searched, project.folder, recipe, screen.progress)
    return choice.recipe, choice


def _mount_answer(args: argparse.Namespace) -> bool | None:
    if args.surface or args.no_surface:
        return bool(args.surface)
    return None


def _wanted(project: Project, names: Sequence[str] | None) -> list[Micrograph]:
    micrographs = list(project.micrographs())
    if not micrographs:
        raise PoreguiError(f"{project.name} has no micrographs.", "Import some first.")
    if names is None:
        return micrographs
    return micrographs_called(micrographs, names, project.micrograph_file)


def _apply(project: Project, edit: Edit | None) -> None:
    if edit is not None:
        History(project).apply(edit, backup="before-detection")


def _detected(
    found: list[DetectedPores], plan: DetectionPlan, choice: Choice | None
) -> dict[str, Any]:
    doubts = [choice.warning] if choice is not None and choice.warning else []
    return {
        **_choice(choice),
        "micrographs": [
            {
                "micrograph": one.micrograph.shown_name,
                "id": one.micrograph.id,
                "path": one.micrograph.path,
                "pores": len(one.pores),
                "area_percent": one.area_percent,
                "seconds": one.seconds,
                "too_large": one.removed.get(TOO_LARGE, 0),
                "mount_percent": one.mount_percent,
                "removed": removed_by_rule([one.removed]),
                "notes": [*one.warnings, *one.notes],
            }
            for one in found
        ],
        "removed": removed_by_rule(one.removed for one in found),
        "warnings": [*doubts, *warnings_of(found)],
        "pores": sum(len(one.pores) for one in found),
        "proposals_added": plan.added,
        "proposals_removed": plan.removed,
        "labels_carried": plan.carried,
        "labelled_without_pore": list(plan.stayed),
    }


def _choice(choice: Choice | None) -> dict[str, Any]:
    if choice is None:
        return {}
    trial = choice.trial
    values = {
        "recipe": choice.recipe.to_json(),
        "why": choice.why,
        "trusted": trial.trusted,
        "area_change": trial.change,
        "agreement": trial.agreement,
        "recipes_tried": choice.tried,
    }
    return {"auto": values}


def _detected_text(
    found: list[DetectedPores],
    plan: DetectionPlan,
    choice: Choice | None = None,
    finder: OpenedFinder | None = None,
) -> str:
    rows = [
        [one.micrograph.shown_name, len(one.pores), f"{one.area_percent:.3f}", f"{one.seconds:.2f}"]
        for one in found
    ]
    lines = [table(["micrograph", "pores", "porosity %", "seconds"], rows), ""]
    if choice is not None:
        lines += [text for text in (choice.why, choice.warning) if text]
    if finder is not None:
        lines.append(f"Found by the learned finder {finder.number}.")
    lines.append(
        f"{count(plan.added, 'new candidate')}, {plan.removed:,} removed; "
        f"{count(plan.carried, 'label')} kept with the pore."
    )
    if plan.stayed:
        lines.append(
            f"No pore was found at {count(len(plan.stayed), 'labelled crop')}; the "
            f"{noun(len(plan.stayed), 'crop is', 'crops are')} kept unchanged."
        )
    lines += left_out_words(found, "run: poregui detect PROJECT --micrograph NAME --no-surface")
    if any(one.unsure_percent for one in found):
        lines.append("Say it with --surface (mounting material) or --no-surface (pore).")
    return "\n".join(lines)


def measure(args: argparse.Namespace, screen: Screen) -> int:
    """Measure the outlined pores and write one line for each."""
    conditions = conditions_from(args.where)
    with Project.open(args.project, read_only=True) as project:
        fields = measure_project(project, progress=screen.progress)
        if not fields:
            raise PoreguiError(
                "No pore has an outline.", "Find pores first: poregui detect PROJECT."
            )
        written = write_measurements(project, fields, args.out, conditions)
        totals = summary(project, fields)
        check = checked_finding(project)
    text = _measured_text(fields, totals, written, args.out)
    if check is not None:
        text += f"\n{check.sentence}"
    values = {**totals, "check": check and check.to_json(), "file": str(args.out)}
    screen.result(values, text)
    return 0


def _measured_text(
    fields: list[MeasuredField], values: dict[str, Any], written: int, out: Path
) -> str:
    rows = [
        [field.micrograph.shown_name, len(field.crop_ids), f"{field.area_percent:.3f}"]
        for field in fields
    ]
    lines = [
        table(["micrograph", "pores", "porosity %"], rows),
        "",
        porosity_sentence(values["porosity"]),
    ]
    if values["without_outline"]:
        without = count(values["without_outline"], "crop")
        lines.append(f"{without} without an outline not measured.")
    lines += [*values["empty_because"].values(), *values["notes"]]
    return "\n".join([*lines, f"{count(written, 'pore')} written to {out}."])


def porosity_sentence(over: dict[str, Any]) -> str:
    """Return mean porosity, its interval and its relative accuracy in words."""
    if over["interval95"] is None:
        return f"Porosity {over['mean']:.3f} %; no CI from a single field. Measure more fields."
    low, high = over["interval95"]
    accuracy = ""
    if over["relative_accuracy"] is not None:
        accuracy = f", relative accuracy {over['relative_accuracy']:.0f} %"
    mean = f"Porosity {over['mean']:.3f} % over {count(over['fields'], 'field')}"
    return f"{mean} ({interval(low, high, digits=3)}{accuracy})."


def score_detection(args: argparse.Namespace, screen: Screen) -> int:
    """Compare the outlines that a project holds with masks in which every pore is marked."""
    with Project.open(args.project, read_only=True) as project:
        scored, notes = score_project(project, args.masks, screen.progress)
    pooled = FindingScore.together(one.score for one in scored)
    values = {
        "micrographs": [
            {"name": one.micrograph.shown_name, "id": one.micrograph.id, **one.score.to_json()}
            for one in scored
        ],
        "pooled": pooled.to_json(),
        "notes": list(notes),
    }
    rows = [_score_row(one.micrograph.shown_name, one.score) for one in scored]
    if len(rows) > 1:
        rows.append(_score_row("together", pooled))
    names = [
        "micrograph",
        "IoU",
        "found",
        "true pores",
        "recall",
        "correct",
        "outlines",
        "precision",
    ]
    names += ["area %", "true area %"]
    screen.result(values, "\n".join([table(names, rows), *notes]))
    return 0


def _score_row(name: str, score: FindingScore) -> list[object]:
    shares = [
        "" if share is None else f"{share:.3f}"
        for share in (score.iou, score.recall, score.precision)
    ]
    iou, recall, precision = shares
    areas = [f"{area:.3f}" for area in (score.area_percent, score.truth_area_percent)]
    counts = [score.found, score.truth, recall, score.right, score.outlines, precision]
    return [name, iou, *counts, *areas]
