"""Run the verbs that know what was done to specimens."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from poregui.cli.output import Screen, add_annotator_option, annotator_of, run_for, table
from poregui.domain.wording import count
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.importing.table_files import read_table
from poregui.workflow.specimens.compare_specimens import (
    QUANTITIES,
    GroupPair,
    SpecimenComparison,
)
from poregui.workflow.specimens.compare_specimens import compare_specimens as comparison
from poregui.workflow.specimens.largest_pores import largest_pores
from poregui.workflow.specimens.specimen_fields import FieldSet, fields_of
from poregui.workflow.specimens.specimen_table import (
    ChangeSpecimenTable,
    SpecimenTable,
    add_formula,
    plan_table,
    remove_attribute,
)


def add_specimens_options(parser: argparse.ArgumentParser) -> None:
    """Add what `specimens` understands."""
    parser.add_argument(
        "--set",
        type=Path,
        metavar="FILE",
        help="set values from a table (.csv or .xlsx): a column of specimen names, and one for "
        "each attribute, such as Power (W)",
    )
    parser.add_argument(
        "--formula",
        metavar="TEXT",
        help="add a computed column: 'Energy (J/mm³) = power / (speed * hatch * layer)'",
    )
    parser.add_argument("--remove", metavar="NAME", help="remove an attribute")
    add_annotator_option(parser)


def specimens(args: argparse.Namespace, screen: Screen) -> int:
    """List the specimens with what is known of them, or change that."""
    changes = [one for one in (args.set, args.formula, args.remove) if one is not None]
    who = annotator_of(args)
    values: dict[str, Any] = {}
    lines: list[str] = []
    with Project.open(args.project, read_only=not changes) as project:
        history = History(project)
        if args.remove is not None:
            history.apply(remove_attribute(project, args.remove, who=who))
        if args.set is not None:
            plan = plan_table(project, read_table(args.set), who=who)
            _apply(history, plan.edit)
            values |= plan.to_json()
            lines += plan.lines
        if args.formula is not None:
            _apply(history, add_formula(project, args.formula, who=who))
        known = SpecimenTable.of(project)
    screen.result({**known.to_json(), **values}, "\n".join([_text(known), *lines]))
    return 0


def add_compare_specimens_options(parser: argparse.ArgumentParser) -> None:
    """Add what `compare-specimens` understands."""
    parser.add_argument(
        "--by", required=True, metavar="ATTRIBUTE", help="an attribute of the specimen table"
    )
    parser.add_argument(
        "--of",
        choices=tuple(QUANTITIES),
        default="porosity",
        help="area per cent (the default), pores per mm², or the largest pore of a field",
    )
    add_class_options(parser)


def add_class_options(parser: argparse.ArgumentParser) -> None:
    """Add which pores count."""
    parser.add_argument(
        "--class", dest="class_name", default="", metavar="NAME", help="only pores of this class"
    )
    parser.add_argument(
        "--run",
        type=int,
        metavar="N",
        help="pores that this run found when it was applied (default: those with outlines)",
    )


def compare_specimens(args: argparse.Namespace, screen: Screen) -> int:
    """Compare specimens by an attribute, each counting once."""
    with Project.open(args.project, read_only=True) as project:
        known = SpecimenTable.of(project)
        known.attribute(args.by)
        found = comparison(known, _fields(project, args, screen), args.by, args.of, args.class_name)
    screen.result(found.to_json(), _comparison_text(found))
    return 0


def add_extremes_options(parser: argparse.ArgumentParser) -> None:
    """Add what `extremes` understands."""
    parser.add_argument(
        "--area", type=float, required=True, metavar="MM2", help="the area of section in mm²"
    )
    add_class_options(parser)


def extremes(args: argparse.Namespace, screen: Screen) -> int:
    """Say how large the largest pore of an area is to be expected, by two methods."""
    with Project.open(args.project, read_only=True) as project:
        found = largest_pores(_fields(project, args, screen), args.area, args.class_name)
    lines = [
        f"Largest pore (√area) in {found.area_mm2:g} mm² of section, from "
        f"{count(found.n_fields, 'field')} of {found.examined_mm2:.3g} mm² in all:"
    ]
    for name, one in (("block maxima (Gumbel)", found.gumbel), ("peaks (Pareto)", found.pot)):
        if isinstance(one, str):
            lines.append(f"  {name}: {one}")
        else:
            ends = _ends((one.low, one.high))
            lines.append(f"  {name}: {one.largest:.3g} µm (95 % interval {ends} µm)")
    screen.result(found.to_json(), "\n".join([*lines, *found.notes]))
    return 0


def _fields(project: Project, args: argparse.Namespace, screen: Screen) -> FieldSet:
    run = None if args.run is None else run_for(project, args.run, screen, network=True)
    return fields_of(project, args.class_name, run, screen.progress)


def _comparison_text(found: SpecimenComparison) -> str:
    unit = found.quantity.unit
    head = ["specimen", found.attribute.heading, unit, "95 % CI over fields", "fields"]
    rows: list[list[object]] = [
        [one.specimen, _shown(one.x), f"{one.value:.4g}", _ends(one.interval95), one.n_fields]
        for one in found.points
    ]
    lines = [f"{found.quantity.title.capitalize()} ({found.source})", "", table(head, rows)]
    if found.groups:
        head = [found.attribute.name, f"mean ({unit})", "95 % CI over specimens", "specimens"]
        rows = [
            [one.name, f"{one.mean:.4g}", _ends(one.interval95), len(one.points)]
            for one in found.groups
        ]
        lines += ["", table(head, rows)]
    lines += [_pair_text(pair, several=len(found.pairs) > 1) for pair in found.pairs]
    if found.trend is not None:
        lines.append(f"Rank correlation {found.trend.rho:.2f} (p {found.trend.p:.3g}).")
    return "\n".join([*lines, *filter(None, [found.power]), *found.notes])


def _pair_text(pair: GroupPair, *, several: bool) -> str:
    one = pair.contrast
    p = "no p: a group has one specimen"
    if one.p is not None:
        p = f"p {one.p:.3g}, permutation test"
        if several:
            p += f"; {pair.p_holm:.3g} corrected for the number of pairs (Holm)"
    ratio = "no ratio" if one.ratio is None else f"factor {one.ratio:.3g}"
    return (
        f"{pair.second} against {pair.first}: difference {one.difference:.3g} "
        f"(95 % CI {_ends(one.difference_interval)}), {ratio} "
        f"(95 % CI {_ends(one.ratio_interval)}); {p}."
    )


def _ends(ends: tuple[float, float] | None) -> str:
    if ends is None:
        return "-"
    return f"{ends[0]:.3g} to {ends[1]:.3g}"


def _apply(history: History, edit: ChangeSpecimenTable | None) -> None:
    if edit is not None:
        history.apply(edit, backup="before-import")


def _text(known: SpecimenTable) -> str:
    if not known.specimens:
        return "No micrograph has a specimen yet: poregui micrographs PROJECT --specimen NAME."
    head = ["specimen", *(one.heading for one in known.attributes)]
    rows = [
        [one.name, *(_shown(known.value(one, attribute)) for attribute in known.attributes)]
        for one in known.specimens
    ]
    return table(head, rows)


def _shown(value: float | str | None) -> str | None:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value
