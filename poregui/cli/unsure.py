"""List the pores that applying left to a person and bring them into the project; changes with what can be asked."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poregui.cli.annotator import add_annotator_option, annotator_of
from poregui.cli.output import Screen
from poregui.domain.errors import PoreguiError
from poregui.domain.plane import Plane
from poregui.store.project import Project
from poregui.workflow.applying.unsure_pores import (
    UnsurePore,
    cut_unsure,
    settle_unsure,
    strangers_of,
    write_queue,
)
from poregui.workflow.editing.history import History
from poregui.workflow.importing.images import ImportOptions, collect, settle


def add_queue_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb apply what may become of pores that are left to a person."""
    parser.add_argument("--queue", type=Path, metavar="FILE", help="write the pores that are left to a person as CSV")
    parser.add_argument(
        "--keep-unlike",
        action="store_const",
        const=True,
        help="count pores unlike anything trained on as the network answers them; else they are left to a person",
    )
    parser.add_argument(
        "--import-unsure",
        action="store_true",
        help="bring them into the project as proposals to label; apply again takes the answers over",
    )
    add_annotator_option(parser)


def check_queue_options(args: argparse.Namespace, project: Project | None) -> None:
    """Raise PoreguiError when pores shall be brought into a project and there is none."""
    if args.import_unsure and project is None:
        raise PoreguiError("A bare model has no project to bring pores into.", "Give a project, or use --queue.")


def see_to_queue(args: argparse.Namespace, waiting: Sequence[UnsurePore], screen: Screen) -> dict[str, Any]:
    """Do what the options ask with the pores that wait, and return what is said of it."""
    values: dict[str, Any] = {"waiting": len(waiting)}
    if args.queue is not None:
        write_queue(waiting, args.queue)
        values["queue"] = str(args.queue.absolute())
        screen.note(f"Wrote {len(waiting)} pores to {args.queue}.")
    if args.import_unsure:
        values["brought_in"] = _bring_in(args, waiting, screen)
        screen.note(f"Brought {values['brought_in']} pores into the project; label them and apply again.")
    return values


def _bring_in(args: argparse.Namespace, waiting: Sequence[UnsurePore], screen: Screen) -> int:
    folder, specimen, who = args.project.absolute(), args.specimen, annotator_of(args)
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
                history.apply(plan.edit)
        settled = settle_unsure(project, cut_unsure(waiting, project.pixels, screen.progress), who)
        if settled.edit is None:
            return 0
        history.apply(settled.edit)
        return len(settled.edit.crops)
