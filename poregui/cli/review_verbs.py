"""Run the verbs evaluate, report, compare and label-errors."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poregui.cli.output import Screen, evaluation_text, interval, percent, print_pdf, run_for, table
from poregui.domain.errors import PoreguiError
from poregui.domain.wording import count, fraction_of, noun, points, points_span
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.newest_run import find_run

_MOST_ROWS = 40


def add_evaluate_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb evaluate its files."""
    parser.add_argument(
        "--predictions", type=Path, metavar="FILE", help="also write every prediction as CSV"
    )
    parser.add_argument(
        "--figures", type=Path, metavar="FOLDER", help="also write matrix and curves as SVG files"
    )


def evaluate(args: argparse.Namespace, screen: Screen) -> int:
    """Hold the predictions of a run against the labels as they are now."""
    from poregui.workflow.exporting.export_run import export_figures, export_predictions
    from poregui.workflow.reporting.run_report import run_json

    with Project.open(args.project, read_only=True) as project:
        run = run_for(project, args.run, screen)
        values = run_json(project, run)
        if args.predictions is not None:
            rows = export_predictions(project, run, args.predictions)
            screen.note(f"Wrote {count(rows, 'prediction')} to {args.predictions}.")
        if args.figures is not None:
            files = export_figures(project, run, args.figures)
            screen.note(f"Wrote {count(len(files), 'figure')} to {args.figures}.")
    if args.predictions is not None:
        _count_look(args.project, run)
    screen.result(values, f"{evaluation_text(values)}\n\n{_more(values)}")
    return 0


def _count_look(folder: Path, *runs: RunFolder) -> None:
    """Count that single test crops of these runs were shown; nothing where the project may not be
    written now.
    """
    from poregui.workflow.evaluating.test_views import log_look

    with Project.open(folder) as project:
        for run in runs:
            log_look(project, run.path.name, "command line")


def _more(values: Mapping[str, Any]) -> str:
    ends = values["intervals95"]
    over = values["accuracy_interval_over_groups"]
    rows = [
        [
            "balanced accuracy",
            percent(values["balanced_accuracy"]),
            interval(ends.get("balanced_accuracy")),
        ],
        ["Cohen's kappa", _decimals(values["kappa"]), _plain(ends.get("kappa"))],
        ["F1, mean over classes", percent(values["macro"]["f1"]), interval(ends.get("macro_f1"))],
        ["F1, weighted by crops", percent(values["weighted"]["f1"]), None],
        ["calibration error", percent(values["calibration"]["error"]), None],
    ]
    if over is not None and over["over"] != "crops":
        rows.insert(
            0, ["accuracy", percent(values["accuracy"]), interval((over["low"], over["high"]))]
        )
    if over is not None:
        title = f"95 % CI over {over['groups']} {over['over']}"
    else:
        title = "95 % CI"
    lines = [table(["number", "value", title], rows)]
    baseline = values["shape_baseline"]
    if baseline is not None and baseline["accuracy"] is not None:
        p = baseline["pairing"]["p_value"]
        lines.append(
            "Shape-only baseline (random forest): "
            f"{fraction_of(baseline['accuracy'], baseline['n'])} "
            f"{noun(baseline['n'], 'crop')} (McNemar p = {p:.2g})."
        )
    if values["grouped_and_torn"] is not None:
        lines.append(values["grouped_and_torn"]["sentence"])
    notes = [over["warning"] if over else "", values["test_side"]["sentence"]]
    lines += [f"Note: {note}" for note in notes if note]
    return "\n\n".join(lines)


def _decimals(value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:.3f}"


def _plain(ends: tuple[float, float] | None) -> str | None:
    if ends is None:
        return None
    return f"{ends[0]:.3f} to {ends[1]:.3f}"


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb report its file."""
    parser.add_argument(
        "out",
        type=Path,
        metavar="OUT",
        help="the .html or .pdf file to write; a file of that name is replaced",
    )


def report(args: argparse.Namespace, screen: Screen) -> int:
    """Write the report of a run as one HTML or PDF file."""
    from poregui.workflow.reporting.documents import check_ending
    from poregui.workflow.reporting.run_report import write_report

    check_ending(args.out)
    with Project.open(args.project, read_only=True) as project:
        run = run_for(project, args.run, screen)
        write_report(project, run, args.out, print_pdf)
    _count_look(args.project, run)
    size = args.out.stat().st_size
    values = {"run": run.number, "out": str(args.out.absolute()), "bytes": size}
    screen.result(
        values, f"Wrote the report of run {run.number} to {args.out} ({size / 1024:.0f} KB)."
    )
    return 0


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb compare its two runs."""
    parser.add_argument(
        "--runs", required=True, metavar="A,B", help="numbers of the two runs, such as 3,5"
    )


def compare(args: argparse.Namespace, screen: Screen) -> int:
    """Hold two runs against each other on the test crops that both share."""
    from poregui.workflow.evaluating.compare import compare as compare_runs

    first, second = _two(args.runs)
    with Project.open(args.project, read_only=True) as project:
        runs = find_run(project, first), find_run(project, second)
        found = compare_runs(project, *runs)
    _count_look(args.project, *runs)
    lines = [found.sentence]
    if found.shared:
        lines.append(
            f"Both right {found.pairing.both_right}, only run {first} {found.pairing.only_first}, "
            f"only run {second} {found.pairing.only_second}, neither {found.pairing.both_wrong}."
        )
    if found.difference_interval is not None and found.difference is not None:
        lines.append(
            f"Run {second} minus run {first}: {points(found.difference)} (95 % CI "
            f"{points_span(*found.difference_interval)} over {found.groups} groups)."
        )
    lines += [f"Note: {note}" for note in found.notes]
    rows = [[flip.name, flip.truth, flip.first, flip.second] for flip in found.flipped[:_MOST_ROWS]]
    if rows:
        lines.append(f"\n{table(['crop', 'label', f'run {first}', f'run {second}'], rows)}")
        lines += _left_over(len(found.flipped))
    screen.result(found.to_json(), "\n".join(lines))
    return 0


def _two(text: str) -> tuple[int, int]:
    numbers = [number.strip() for number in text.split(",")]
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        raise PoreguiError(
            f"{text} does not name two runs.",
            "Give two numbers with a comma between, such as --runs 3,5.",
        )
    if int(numbers[0]) == int(numbers[1]):
        raise PoreguiError(f"{text} names one run twice.", "Give two different runs.")
    return int(numbers[0]), int(numbers[1])


def add_label_errors_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb label-errors its choice."""
    parser.add_argument(
        "--reviewed", action="store_true", help="also list crops marked as reviewed"
    )


def label_issues(args: argparse.Namespace, screen: Screen) -> int:
    """List the labels that are probably wrong, the most doubtful first."""
    from poregui.workflow.evaluating.label_issues import label_issues as find_label_issues

    with Project.open(args.project, read_only=True) as project:
        run = run_for(project, args.run, screen)
        found = find_label_issues(project, run, reviewed_too=args.reviewed)
    _count_look(args.project, run)
    rows = [
        [one.name, found.names.get(one.label), found.names.get(one.proposed), percent(one.doubt),
         "likely" if one.likely else "", _decimals(one.shape_distance)]
        for one in found.queue[:_MOST_ROWS]
    ]  # fmt: skip
    lines = []
    if found.able:
        lines.append(
            f"Run {run.number} checked {count(found.checked, 'label')}; "
            f"{found.expected_errors:,} {noun(found.expected_errors, 'is', 'are')} probably wrong."
        )
    lines += [f"Note: {note}" for note in found.notes]
    if rows:
        head = ["crop", "label", "suggested", "doubt", "probably wrong", "shape distance"]
        lines.append(f"\n{table(head, rows)}")
        lines += _left_over(len(found.queue))
    screen.result(found.to_json(), "\n".join(lines))
    return 0


def _left_over(number: int) -> list[str]:
    if number > _MOST_ROWS:
        return [f"… and {number - _MOST_ROWS:,} more; --json lists all."]
    return []
