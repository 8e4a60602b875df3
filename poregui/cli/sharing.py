"""Run the verbs by which several people work on one project; changes with what they print."""

from __future__ import annotations

import argparse
from pathlib import Path

from poregui.cli.output import Screen, table
from poregui.domain.errors import PoreguiError
from poregui.store.project import Project

_MOST_ROWS = 50


def add_pack_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb pack its target and its choice."""
    parser.add_argument("out", type=Path, metavar="OUT", help="the zip file to write")
    parser.add_argument("--without", metavar="A,B", default="", help="leave out micrographs, runs, or both")


def pack(args: argparse.Namespace, screen: Screen) -> int:
    """Write a project into one verified zip file."""
    from poregui.workflow.exporting.pack import pack as pack_project

    without = {word.strip() for word in args.without.split(",") if word.strip()}
    if without - {"micrographs", "runs"}:
        raise PoreguiError(f"{args.without} cannot be left out.", "Leave out micrographs, runs, or micrographs,runs.")
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


def add_merge_labels_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb merge-labels the other copy and how to settle."""
    parser.add_argument("other", type=Path, metavar="OTHER", help="the folder of the other copy; it is only read")
    parser.add_argument(
        "--settle",
        choices=("mine", "theirs", "newest"),
        default="mine",
        help="whose label a crop gets to which both gave one (mine, the default, is PROJECT's)",
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
            History(project).apply(plan.edit)
    rows = [[c.crop_id, c.mine, c.my_who, c.theirs, c.their_who, c.taken] for c in plan.conflicts[:_MOST_ROWS]]
    lines = list(plan.lines)
    if rows:
        lines.append("\n" + table(["crop", "mine", "by", "theirs", "by", "taken"], rows))
    if len(plan.conflicts) > _MOST_ROWS:
        lines.append(f"... and {len(plan.conflicts) - _MOST_ROWS} more; --json lists all.")
    screen.result({**plan.to_json(), "done": not args.dry_run}, "\n".join(lines))
    return 0
