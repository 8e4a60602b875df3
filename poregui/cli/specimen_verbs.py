"""Run the verbs that know what was done to specimens."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from poregui.cli.output import Screen, add_annotator_option, annotator_of, table
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.specimens.specimen_table import (
    ChangeSpecimenTable,
    SpecimenTable,
    add_formula,
    plan_table,
    remove_attribute,
)
from poregui.workflow.specimens.table_files import read_table


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
