"""Run the verbs that find pores and measure them; changes with what they print."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poregui.cli.annotator import add_annotator_option, annotator_of
from poregui.cli.output import Screen, table
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Micrograph
from poregui.store.project import Project
from poregui.workflow.choosing import micrographs_called
from poregui.workflow.detect import (
    DetectionPlan,
    Found,
    Present,
    detection_recipe,
    find_in_file,
    mount_words,
    plan_detection,
    read_recipe,
)
from poregui.workflow.edits import Edit
from poregui.workflow.measure import MeasuredField, measure_project, summary, write_measurements


def add_detect_options(parser: argparse.ArgumentParser) -> None:
    """Add what `detect` understands."""
    parser.add_argument(
        "--micrograph",
        action="append",
        metavar="NAME",
        help="only the micrograph of this name, path or #id, once for each that is wanted; all otherwise",
    )
    parser.add_argument(
        "--recipe",
        type=Path,
        metavar="FILE",
        help="how to find pores, as JSON; becomes the project's own, which is taken otherwise",
    )
    add_annotator_option(parser)


def add_measure_options(parser: argparse.ArgumentParser) -> None:
    """Add what `measure` understands."""
    parser.add_argument("out", type=Path, metavar="OUT.csv", help="the file to write, one line a pore")


def detect(args: argparse.Namespace, screen: Screen) -> int:
    """Find the pores of micrographs; labels stay with the pores that are found again."""
    with Project.open(args.project) as project:
        project.check_writable()
        who = annotator_of(args)
        recipe = read_recipe(args.recipe) if args.recipe else detection_recipe(project)
        wanted = _wanted(project, args.micrograph)
        found, failed = [], {}
        for micrograph in wanted:
            file = project.micrograph_file(micrograph)
            try:
                found.append(find_in_file(micrograph, file, project.folder, recipe, project.pixels, screen.progress))
            except PoreguiError as error:
                failed[micrograph.shown_name] = str(error)
                screen.note(f"{micrograph.shown_name}: {error}")
        if not found:
            raise PoreguiError("No micrograph could be searched.", "The lines above say why.")
        there = Present.of(project, [one.micrograph for one in found])
        plan = plan_detection(found, there, recipe, who)
        _apply(project, plan.edit)
    screen.result({**_detected(found, plan), "failed": failed}, _detected_text(found, plan))
    return 0


def _wanted(project: Project, names: Sequence[str] | None) -> list[Micrograph]:
    micrographs = list(project.micrographs())
    if not micrographs:
        raise PoreguiError(f"{project.name} has no micrographs.", "Import some first.")
    return micrographs if names is None else micrographs_called(micrographs, names, project.micrograph_file)


def _apply(project: Project, edit: Edit | None) -> None:
    if edit is not None:
        with project.transaction():
            edit.do(project)


def _detected(found: list[Found], plan: DetectionPlan) -> dict[str, Any]:
    return {
        "micrographs": [
            {
                "micrograph": one.micrograph.shown_name,
                "id": one.micrograph.id,
                "path": one.micrograph.path,
                "pores": len(one.pores),
                "area_percent": one.area_percent,
                "seconds": one.seconds,
                "too_large": one.too_large,
                "mount_percent": one.mount_percent,
            }
            for one in found
        ],
        "pores": sum(len(one.pores) for one in found),
        "proposals_added": plan.added,
        "proposals_removed": plan.removed,
        "labels_carried": plan.carried,
        "labelled_without_pore": list(plan.stayed),
    }


def _detected_text(found: list[Found], plan: DetectionPlan) -> str:
    rows = [
        [one.micrograph.shown_name, len(one.pores), f"{one.area_percent:.3f}", f"{one.seconds:.2f}"] for one in found
    ]
    lines = [table(["micrograph", "pores", "area %", "seconds"], rows), ""]
    lines.append(
        f"{plan.added} proposals are new and {plan.removed} went; {plan.carried} labels stayed with their pore."
    )
    if plan.stayed:
        lines.append(f"No pore was found at {len(plan.stayed)} labelled crops, which stay as they were.")
    mount = mount_words(found)
    if mount:
        lines.append(f"{mount} If it is pore: poregui micrographs PROJECT --name NAME --no-surface.")
    return "\n".join(lines)


def measure(args: argparse.Namespace, screen: Screen) -> int:
    """Measure the outlined pores and write one line for each."""
    with Project.open(args.project, read_only=True) as project:
        fields = measure_project(project, progress=screen.progress)
        if not fields:
            raise PoreguiError("No pore has an outline.", "Find pores first: poregui detect PROJECT.")
        written = write_measurements(project, fields, args.out)
        told = summary(project, fields)
    screen.result({**told, "file": str(args.out)}, _measured_text(fields, told, written, args.out))
    return 0


def _measured_text(fields: list[MeasuredField], told: dict[str, Any], written: int, out: Path) -> str:
    rows = [[field.micrograph.shown_name, len(field.crop_ids), f"{field.area_percent:.3f}"] for field in fields]
    lines = [table(["micrograph", "pores", "area %"], rows), "", porosity_sentence(told["porosity"])]
    if told["without_outline"]:
        lines.append(f"{told['without_outline']} crops have no outline and are not among them.")
    lines += [*told["empty_because"].values(), *told["notes"]]
    return "\n".join([*lines, f"{written} pores written to {out}."])


def porosity_sentence(over: dict[str, Any]) -> str:
    """Return mean porosity, its interval and its relative accuracy in words."""
    if over["interval95"] is None:
        return f"Porosity {over['mean']:.3f} area %; one field says nothing about how far that can be trusted."
    low, high = over["interval95"]
    accuracy = f", relative accuracy {over['relative_accuracy']:.0f} %" if over["relative_accuracy"] is not None else ""
    mean = f"Porosity {over['mean']:.3f} area % over {over['fields']} fields"
    return f"{mean} (95 % interval {low:.3f} to {high:.3f}{accuracy})."
