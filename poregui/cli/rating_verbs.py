"""Run the verbs agreement, import-ratings and rate."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poregui.cli.output import Screen, add_annotator_option, interval, percent, table
from poregui.domain.wording import count
from poregui.launching import child_environment, python_command
from poregui.store.project import Project
from poregui.store.rating_file import RatingFile

_MOST_FAULTS = 20


def add_agreement_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb agreement its run."""
    parser.add_argument(
        "--run",
        type=int,
        metavar="N",
        help="put a run beside the people: its predictions of crops it was not trained on",
    )


def agreement(args: argparse.Namespace, screen: Screen) -> int:
    """Say how far people agree, and a run with them."""
    from poregui.workflow.evaluating.newest_run import find_run
    from poregui.workflow.rating.agreement_report import agreement_of
    from poregui.workflow.rating.agreement_text import ceiling_text

    with Project.open(args.project, read_only=True) as project:
        run = None
        if args.run is not None:
            run = find_run(project, args.run)
        found = agreement_of(project, run)
    values = found.to_json()
    parts = [_pairs_text(values), _all_text(values), _classes_text(values)]
    parts += [one.sentence for one in found.beside[:1]]
    parts += [ceiling_text(found), *(f"Note: {note}" for note in found.notes)]
    screen.result(values, "\n\n".join(part for part in parts if part))
    return 0


def _pairs_text(values: Mapping[str, Any]) -> str:
    head = ["raters", "crops", "agreement", "95 % CI", "kappa", "95 % CI", "AC1", "95 % CI"]
    rows = [[f"{pair['a']} – {pair['b']}", pair["n"], *_cells(pair)] for pair in values["pairs"]]
    return table(head, rows)


def _classes_text(values: Mapping[str, Any]) -> str:
    if not values["per_class"]:
        return ""
    head = ["class", "crops", "agreement", "95 % CI", "kappa", "95 % CI", "AC1", "95 % CI"]
    return table(head, [[one["class"], one["n"], *_cells(one)] for one in values["per_class"]])


def _cells(one: Mapping[str, Any]) -> list[str | None]:
    return [
        percent(one["agreement"]),
        interval(one["agreement_interval95"]),
        _number(one["kappa"]),
        _ends(one["kappa_interval95"]),
        _number(one["ac1"]),
        _ends(one["ac1_interval95"]),
    ]


def _all_text(values: Mapping[str, Any]) -> str:
    found = values["all"]
    if not found["n"]:
        return ""
    rows = [
        [name, _number(found[key]), _ends(found[f"{key}_interval95"])]
        for name, key in (
            ("Fleiss' kappa", "fleiss_kappa"),
            ("Krippendorff's alpha", "alpha"),
            ("Gwet's AC1", "ac1"),
        )
    ]
    over = f"95 % CI over {values['groups']} {values['over']}"
    return table([f"all people, {count(found['n'], 'crop')}", "value", over], rows)


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:.3f}"


def _ends(ends: list[float] | None) -> str | None:
    if ends is None:
        return None
    return f"{ends[0]:.3f} to {ends[1]:.3f}"


def add_import_ratings_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb import-ratings its file."""
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="a table (.csv or .xlsx) with the columns crop, rater, label and, where known, when "
        "and seconds; or a file that a colleague rated (pack --for-rating)",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")


def import_ratings(args: argparse.Namespace, screen: Screen) -> int:
    """Take in second opinions; labels stay as they are."""
    from poregui.workflow.editing.history import History
    from poregui.workflow.rating.import_ratings import plan_import
    from poregui.workflow.rating.rating_pack import is_rating_file, plan_rated

    with Project.open(args.project, read_only=args.dry_run) as project:
        if not args.dry_run:
            project.check_writable()
        if is_rating_file(args.file):
            plan = plan_rated(project, args.file)
        else:
            plan = plan_import(project, args.file)
        if plan.edit is not None and not args.dry_run:
            History(project).apply(plan.edit, backup="before-import")
    for fault in plan.faults[:_MOST_FAULTS]:
        screen.note(fault)
    if len(plan.faults) > _MOST_FAULTS:
        screen.note(f"… and {len(plan.faults) - _MOST_FAULTS:,} more rows.")
    screen.result(plan.to_json(), plan.text)
    return 0


def add_rate_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb rate its file."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a .rating file, as pack --for-rating writes it"
    )
    add_annotator_option(parser)


def rate(args: argparse.Namespace, screen: Screen) -> int:
    """Open a window in which the crops of a file are rated, one key each."""
    with RatingFile(args.file):
        screen.note(f"Rating {args.file} in a window.")
    who = args.annotator or ""
    command = python_command("-m", "poregui.gui.rating.rate_window", str(args.file), who)
    done = subprocess.run(command, env=child_environment(), check=False)
    with RatingFile(args.file, read_only=True) as opened:
        content = opened.content()
    total = len(content.tokens)
    text = f"{len(content.rated):,} of {count(total, 'crop')} rated; send {args.file} back."
    screen.result({"rated": len(content.rated), "crops": total}, text)
    return done.returncode
