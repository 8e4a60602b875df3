"""Run the verb that checks how well pores were found, in windows that a person looks at."""

from __future__ import annotations

import argparse
from pathlib import Path

from poregui.cli.output import (
    Screen,
    add_annotator_option,
    add_micrograph_option,
    annotator_of,
    table,
)
from poregui.domain.errors import PoreguiError
from poregui.domain.wording import count
from poregui.store.project import Project
from poregui.workflow.checking.check_summary import gauge_sentences, summary_of
from poregui.workflow.checking.finding_checks import (
    FindingCheck,
    checks_of,
    newest_check,
    save_check,
    with_answers_of,
    write_check,
)
from poregui.workflow.checking.window_drawing import USUAL_GRID, draw_check, same_windows_now
from poregui.workflow.editing.micrograph_choice import micrographs_called


def add_check_options(parser: argparse.ArgumentParser) -> None:
    """Add what `check` understands."""
    parser.add_argument(
        "--windows",
        type=int,
        metavar="N",
        help="draw N windows, blind; where the newest check has N already, read the answers in "
        "its file instead (default: only say what the newest check says)",
    )
    parser.add_argument("--new", action="store_true", help="draw new windows in any case")
    parser.add_argument(
        "--seed",
        type=int,
        metavar="S",
        help="random seed of the windows (default: the number of the check)",
    )
    parser.add_argument(
        "--size", type=int, metavar="PX", help="side of a window (default: from pores per area)"
    )
    parser.add_argument(
        "--grid",
        type=int,
        default=USUAL_GRID,
        metavar="N",
        help=f"points along each side of a window for the point count (default {USUAL_GRID})",
    )
    add_micrograph_option(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="the file with the windows, to be answered (default: check-NUMBER.json in the "
        "project's folder)",
    )
    parser.add_argument(
        "--read",
        type=Path,
        action="append",
        metavar="FILE",
        help="a copy of that file which somebody answered elsewhere; repeat for several people",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="the same windows with the pores that are found now, to compare recipes",
    )
    parser.add_argument(
        "--who", metavar="NAME", help="whose answers count (default: of who answered most)"
    )
    add_annotator_option(parser)


def check(args: argparse.Namespace, screen: Screen) -> int:
    """Draw windows, read what people answered, and say how well pores were found."""
    who = annotator_of(args)
    writes = args.windows is not None or args.again or bool(args.read)
    with Project.open(args.project, read_only=not writes) as project:
        if writes:
            project.check_writable()
        one, drawn = _wanted(args, project, screen)
        file = args.out or project.folder / f"check-{one.number}.json"
        if drawn and file.exists():
            raise PoreguiError(f"{file} exists already.", "Give another name with --out.")
        for source in [*([] if drawn or not file.exists() else [file]), *(args.read or ())]:
            one = with_answers_of(one, source)
        if args.who is not None and args.who not in one.people:
            raise PoreguiError(
                f"{args.who} has answered no window of check {one.number}.",
                f"Who has: {', '.join(one.people) or 'nobody'}.",
            )
        if writes:
            write_check(one, file, who)
            save_check(project, one)
        values = summary_of(one, checks_of(project), args.who)
    kept = str(file) if file.exists() else None
    screen.result({**values, "file": kept, "notes": list(one.notes)}, _text(one, args.who, kept))
    return 0


def _wanted(
    args: argparse.Namespace, project: Project, screen: Screen
) -> tuple[FindingCheck, bool]:
    """Return the check that is meant, and whether it is new."""
    newest = newest_check(project)
    if args.again:
        if newest is None:
            raise _nothing_drawn(project)
        return same_windows_now(project, newest), True
    if args.windows is None and not args.new:
        if newest is None:
            raise _nothing_drawn(project)
        return newest, False
    if newest is not None and not args.new and _is_meant(args, newest):
        return newest, False
    if args.windows is None:
        raise PoreguiError("The number of windows is missing.", "Add --windows N.")
    micrographs = None
    if args.micrograph:
        known = list(project.micrographs())
        micrographs = micrographs_called(known, args.micrograph, project.micrograph_file)
    drawn = draw_check(
        project,
        args.windows,
        seed=args.seed,
        side=args.size,
        grid=args.grid,
        micrographs=micrographs,
        progress=screen.progress,
    )
    return drawn, True


def _is_meant(args: argparse.Namespace, newest: FindingCheck) -> bool:
    asked = newest.asked == args.windows and args.seed in (None, newest.seed)
    side = args.size in (None, newest.windows[0].box.width)
    return asked and side and args.grid == newest.grid


def _nothing_drawn(project: Project) -> PoreguiError:
    return PoreguiError(
        f"No windows have been drawn in {project.name} yet.",
        "Draw some: poregui check PROJECT --windows N.",
    )


def _text(one: FindingCheck, who: str | None, file: str | None) -> str:
    result = one.result(who)
    rows = [
        [name, estimate.text(factor=factor, digits=digits)]
        for name, estimate, factor, digits in (
            ("recall", result.recall, 100, 1),
            ("precision", result.precision, 100, 1),
            ("area by point count", result.point_area, 1, 2),
            ("missed area", result.missed_area, 1, 2),
            ("false area", result.false_area, 1, 2),
            ("corrected area", result.corrected, 1, 2),
        )
        if estimate is not None
    ]
    lines = [table(["check of the finding", "result"], rows), ""] if rows else []
    lines.append(result.sentence)
    if result.warning:
        lines.append(result.warning)
    lines += gauge_sentences(one)
    left = len(one.windows) - result.windows
    if left and file:
        lines.append(f"{count(left, 'window')} left. Answer them in {file}, or in the window.")
    return "\n".join([*lines, *one.notes])
