"""Run the verb runs: list the runs of a project, name them, delete them and take them back."""

from __future__ import annotations

import argparse
from typing import Any

from poregui.cli.output import Screen, percent, state_in_a_word, table
from poregui.domain.errors import PoreguiError
from poregui.store.project import Project
from poregui.store.run_check import problem_of
from poregui.store.run_folder import RunFolder
from poregui.store.run_notes import RunNotes, deleted_runs, read_notes, run_numbered
from poregui.workflow.training.run_keeping import delete_run, describe_run, restore_run


def add_runs_options(parser: argparse.ArgumentParser) -> None:
    """Add what `runs` understands."""
    parser.add_argument("run", type=int, nargs="?", metavar="N", help="the run to change")
    parser.add_argument("--name", metavar="TEXT", help="name the run; empty removes the name")
    parser.add_argument("--note", metavar="TEXT", help="add a note to the run")
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--delete",
        action="store_true",
        help="move the run to the bin of the project (--restore brings it back)",
    )
    way.add_argument("--restore", action="store_true", help="restore a deleted run")


def runs(args: argparse.Namespace, screen: Screen) -> int:
    """List the runs of a project, or rename, note, delete or restore one."""
    changes = args.name is not None or args.note is not None or args.delete or args.restore
    if changes and args.run is None:
        raise PoreguiError("No run is given.", "Write its number after the project.")
    if changes:
        with Project.open(args.project) as project:
            _change_run(project, args, screen)
    with Project.open(args.project, read_only=True) as project:
        here = [_run_values(run) for run in project.runs()]
        gone = [_run_values(run) for run in deleted_runs(project.folder)]
    if args.run is not None:
        here = [one for one in here if one["run"] == args.run]
        gone = [one for one in gone if one["run"] == args.run]
        if not here + gone:
            raise PoreguiError(f"There is no run {args.run}.", "List them: poregui runs PROJECT.")
    rows = [list(one.values()) for one in here]
    rows += [[*list(one.values())[:-2], "deleted", one["note"]] for one in gone]
    text = "No runs yet."
    if rows:
        text = table(["run", "name", "network", "accuracy", "state", "note"], rows)
    screen.result({"runs": here, "deleted": gone}, text)
    return 0


def _change_run(project: Project, args: argparse.Namespace, screen: Screen) -> None:
    if args.restore:
        restore_run(project, args.run)
    if args.name is not None or args.note is not None:
        before = read_notes(run_numbered(project.folder, args.run))
        name = before.name if args.name is None else args.name
        note = before.note if args.note is None else args.note
        describe_run(project, args.run, RunNotes(name, note))
    if args.delete:
        use = delete_run(project, args.run)
        screen.note(
            f"Run {args.run} is in the bin; --restore takes it back. {use.sentence}".strip()
        )


def _run_values(run: RunFolder) -> dict[str, Any]:
    try:
        network = run.read_recipe().preset
        accuracy = run.read_metrics().get("accuracy_as_trained")
    except PoreguiError:
        network = ""
        accuracy = None
    notes = read_notes(run)
    return {
        "run": run.number,
        "name": notes.name,
        "network": network,
        "accuracy": accuracy and percent(accuracy),
        "state": problem_of(run) or state_in_a_word(run.final_event()),
        "note": notes.note,
    }
