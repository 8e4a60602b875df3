"""Run the verb lock: fix a recipe for operators, or take the lock away; changes with what it takes and prints."""

from __future__ import annotations

import argparse
import getpass
from pathlib import Path

from poregui.cli.chosen import run_for
from poregui.cli.output import Screen
from poregui.domain.errors import PoreguiError
from poregui.store.project import Project


def add_lock_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb lock what it fixes."""
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="a new folder; else the project itself is locked")
    parser.add_argument("--name", metavar="TEXT", default="", help="a name for the recipe")
    parser.add_argument("--by", metavar="NAME", help="who locks it; else who is logged in")
    parser.add_argument("--min-confidence", type=float, default=0.0, metavar="P", help="confidence that is fixed")
    parser.add_argument(
        "--take", type=Path, metavar="FILE", help="a locked.json from elsewhere, which fixes it here, too"
    )
    parser.add_argument("--off", action="store_true", help="take the lock of the project away")


def lock(args: argparse.Namespace, screen: Screen) -> int:
    """Fix recipe, network, scale and confidence, take what was fixed elsewhere, or unlock a project."""
    from poregui.workflow.applying.locking import FOLDER, LOCKED, lock_of_project, lock_run, unlock_project

    if args.take is not None:
        return _take(args, screen)
    if args.off:
        with Project.open(args.project) as project:
            project.check_writable()
            removed = unlock_project(args.project)
        screen.result({"locked": False, "removed": removed}, "Unlocked." if removed else "Nothing was locked.")
        return 0
    out = args.out or args.project / FOLDER
    with Project.open(args.project, read_only=args.out is not None) as project:
        if args.out is None:
            project.check_writable()
            if lock_of_project(args.project) is not None:
                raise PoreguiError("This project is locked already.", "Unlock it first: poregui lock PROJECT --off.")
        made = lock_run(
            project,
            run_for(project, args.run, screen, network=True),
            out,
            who=args.by if args.by is not None else getpass.getuser(),
            title=args.name,
            least=args.min_confidence,
            um_per_px=args.um_per_px,
        )
    file = out / LOCKED
    screen.result({"locked": True, "file": str(file.absolute()), **made.to_json()}, f"{made.sentence}: {file}.")
    return 0


def _take(args: argparse.Namespace, screen: Screen) -> int:
    from poregui.workflow.applying.locking import take_lock

    options = ("--out", "--off", "--run", "--by", "--name", "--min-confidence", "--um-per-px")
    given = [name for name in options if getattr(args, name[2:].replace("-", "_"))]
    if given:
        raise PoreguiError(f"--take goes without {' and '.join(given)}.", "What it takes is fixed already.")
    with Project.open(args.project) as project:
        project.check_writable()
        taken = take_lock(args.take.absolute(), project)
    screen.result({"locked": True, **taken.to_json()}, f"{args.project} applies the recipe {taken.sentence}.")
    return 0
