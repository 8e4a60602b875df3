"""Run the verbs that make, fill, describe and export projects; changes with what they print."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from poregui.cli.annotator import annotator_of
from poregui.cli.output import Screen, table
from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.errors import PoreguiError
from poregui.domain.plane import Plane
from poregui.store.project import Project
from poregui.store.run_check import problem_of


def demo(args: argparse.Namespace, screen: Screen) -> int:
    """Draw the sample project."""
    from poregui.workflow.sample import make_sample

    truth = make_sample(args.folder, args.seed, screen.progress)
    with Project.open(args.folder, read_only=True) as project:
        values = {**_description(project), "truth": str(truth), "seed": args.seed}
    text = (
        f"The sample project {args.folder} holds {values['micrographs']} micrographs of {values['specimens']} "
        f"specimens and {values['labelled']} labelled crops.\nThe truth of its unlabelled specimens is in {truth}."
    )
    screen.result(values, text)
    return 0


def new(args: argparse.Namespace, screen: Screen) -> int:
    """Make an empty project."""
    names = [name.strip() for name in args.classes.split(",")] if args.classes is not None else None
    with Project.create(args.project) if names is None else Project.create(args.project, names) as project:
        values = _description(project)
    listed = ", ".join(c["name"] for c in values["classes"])
    screen.result(values, f"Made the project {args.project} with the classes {listed}.")
    return 0


def import_pictures(args: argparse.Namespace, screen: Screen) -> int:
    """Bring micrographs and ready-made crops in."""
    from poregui.workflow.history import History
    from poregui.workflow.importing import ImportOptions, collect, settle

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
            History(project).apply(plan.edit)
        masked = _mask_info_bars(project, before) if args.mask_info_bar else []
    report = plan.report
    if not report.imported and not report.present and report.skipped:
        first, *others = report.skipped
        files = "1 more file was" if len(others) == 1 else f"{len(others)} more files were"
        more = f" {files} passed over." if others else ""
        raise PoreguiError(f"Nothing was imported: {first.name} {first.reason}{more}")
    screen.result(report.to_json() | {"info_bars": masked}, "\n".join([*report.lines, *masked]))
    return 0


def _mask_info_bars(project: Project, before: set[int]) -> list[str]:
    """Mask the info bars of the micrographs that were not there before, and return a sentence for each thing to say."""
    from poregui.cli.micrographs import info_bars
    from poregui.workflow.cleaning import mask_info_bars
    from poregui.workflow.history import History

    notes: list[str] = []
    found = info_bars(project, [m for m in project.micrographs() if m.id not in before], notes)
    if found:
        History(project).apply(mask_info_bars(found))
    return [*notes, *(f"{one.shown_name}: the info bar is masked ({box.height} px)." for one, box in found)]


def import_outlines(args: argparse.Namespace, screen: Screen) -> int:
    """Bring outlines that other programs drew onto the micrographs of a project."""
    from poregui.workflow.history import History
    from poregui.workflow.import_outlines import cut_outlines, match_images, read_outlines, settle_outlines

    with Project.open(args.project) as project:
        project.check_writable()
        matched, notes = match_images(project, read_outlines(args.path))
        collected = cut_outlines(matched, notes, project.pixels, screen.progress)
        plan = settle_outlines(project, collected, annotator_of(args))
        if plan.edit is not None:
            History(project).apply(plan.edit)
    values = {"imported": plan.added, "labelled": plan.labelled, "present": plan.present, "notes": list(plan.notes)}
    screen.result(values, "\n".join(plan.lines))
    return 0


def info(args: argparse.Namespace, screen: Screen) -> int:
    """Describe a project."""
    with Project.open(args.project, read_only=True) as project:
        values = _description(project)
        runs = [(run.number, problem_of(run) or _state(run.final_event())) for run in project.runs()]
    rows = [[c["name"], c["key"], c["colour"], c["count"]] for c in values["classes"]]
    rows += [["Not a pore", "0", "", values["not_a_pore"]], ["Unsure", "U", "", values["unsure"]]]
    facts = table(
        [args.project.name or str(args.project), "number"],
        [[name, values[name]] for name in ("micrographs", "specimens", "crops", "labelled", "runs")],
    )
    listed = table(["run", "state"], [list(row) for row in runs]) if runs else "No runs yet."
    values["run_states"] = [{"run": number, "state": state} for number, state in runs]
    screen.result(values, "\n\n".join([facts, table(["class", "key", "colour", "crops"], rows), listed]))
    return 0


def _state(event: object) -> str:
    return "running" if event is None else type(event).__name__.lower()


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
        "runs": len(project.runs()),
    }


def export(args: argparse.Namespace, screen: Screen) -> int:
    """Write labels, crops and outlines for other programs."""
    from poregui.cli.chosen import run_for
    from poregui.workflow.export_model import export_model
    from poregui.workflow.exports import EXPORTS

    chosen = EXPORTS[args.format]
    if args.run is not None and args.format != "model":
        raise PoreguiError("Only a network belongs to a run.", "Leave out --run, or give --format model.")
    with Project.open(args.project, read_only=True) as project:
        if args.format == "model":
            written = export_model(project, run_for(project, args.run, screen, network=True), args.out)
        else:
            written = chosen.write(project, args.out, screen.progress)
    values = {"format": args.format, "out": str(Path(args.out).absolute()), chosen.unit: written}
    screen.result(values, f"Wrote {written} {chosen.unit} to {args.out}.")
    return 0
