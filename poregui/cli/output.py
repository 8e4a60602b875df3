"""Print results, notes, progress and PDF of the command line, and ask who is working."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poregui.domain import wording
from poregui.domain.errors import PoreguiError
from poregui.launching import child_environment, python_command

if TYPE_CHECKING:
    from poregui.store.project import Project
    from poregui.store.run_folder import RunFolder

_BAR = 24


class Screen:
    """Print one result to standard output, as JSON when asked, and everything else to standard
    error.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._drawn = False
        self._quarter = -1

    def result(self, values: Mapping[str, Any], text: str) -> None:
        """Print the result of a verb: `values` as one JSON object, or `text` for people."""
        self.clear()
        print(json.dumps(values, allow_nan=False) if self.as_json else text, flush=True)

    def note(self, text: str) -> None:
        """Print a line that is no result."""
        self.clear()
        print(text, file=sys.stderr, flush=True)

    def error(self, text: str) -> None:
        """Print the sentence for what went wrong."""
        self.note(f"poregui: {text}")

    def progress(self, done: int, total: int, text: str = "", *, counted: bool = True) -> None:
        """Show how far work has come: a bar in a terminal, elsewhere a line at each quarter.

        `counted` writes the numbers before the text, which else holds them.
        """
        if not sys.stderr.isatty():
            quarter = 4 * done // max(total, 1)
            if quarter > self._quarter and done:
                print(
                    f"{done} of {total} {text}".rstrip() if counted else text,
                    file=sys.stderr,
                    flush=True,
                )
            self._quarter = quarter if done < total else -1
            return
        filled = _BAR * done // max(total, 1)
        self.draw(
            f"[{'#' * filled}{'.' * (_BAR - filled)}] "
            f"{f'{done}/{total} {text}' if counted else text}"
        )

    def draw(self, line: str) -> None:
        """Draw a line of a terminal that the next one replaces."""
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:width]:<{width}}", end="", file=sys.stderr, flush=True)
        self._drawn = True

    def clear(self) -> None:
        """Take the drawn line away."""
        if self._drawn:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r{'':<{width}}\r", end="", file=sys.stderr, flush=True)
            self._drawn = False


def sentence_of(error: OSError) -> str:
    """Return the sentence for what the system refused and nobody explained."""
    from poregui.store.files import FULL, explain_write_error

    if error.errno in FULL and error.filename:
        return str(explain_write_error(error, Path(error.filename)))
    if error.errno in FULL:
        return "The disk for temporary files (see TMPDIR) is full. Free some space and try again."
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}. Check the path, the permissions and the disk."


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows as text in columns: the first column to the left, the others to the right."""
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = [
        "  ".join(
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return str(value)


def percent(share: float | None) -> str | None:
    """Return a fraction as percent with one decimal, None for none."""
    if share is None:
        return None
    return wording.percent(share)


def interval(ends: Sequence[float] | None) -> str | None:
    """Return an interval of fractions as percent, None for none."""
    if ends is None:
        return None
    return wording.span(100 * ends[0], 100 * ends[1], "%")


def evaluation_text(values: Mapping[str, Any]) -> str:
    """Return what `evaluate --json` gives as tables for people: matrix, numbers of each class,
    split, warnings.
    """
    classes = values["classes"]
    matrix = table(
        ["truth \\ predicted", *classes],
        [[name, *row] for name, row in zip(classes, values["confusion_matrix"], strict=True)],
    )
    scores = table(
        ["class", "precision", "recall", "recall, 95 % CI", "F1", "crops"],
        [
            [
                score["class"],
                percent(score["precision"]),
                percent(score["recall"]),
                interval(score["recall_interval95"]),
                percent(score["f1"]),
                score["support"],
            ]
            for score in values["per_class"]
        ],
    )
    return "\n\n".join([headline(values), matrix, scores, _split_text(values)])


def state_in_a_word(event: object) -> str:
    """Return how a run ended, `running` where it has not."""
    if event is None:
        return "running"
    return type(event).__name__.lower()


def headline(values: Mapping[str, Any]) -> str:
    """Return accuracy, its interval and the number of crops as one sentence."""
    if values["accuracy"] is None:
        return f"Run {values['run']}: no crop of the test set has a label now."
    over = values["accuracy_interval_over_groups"]
    intervals = f"{interval(values['accuracy_interval95'])} over crops"
    if over is not None and over["over"] != "crops":
        ends = interval((over["low"], over["high"]))
        intervals = f"{ends} over {over['groups']} {over['over']}; {intervals}"
    run = wording.named_run(values["run"], values.get("name", ""))
    text = (
        f"{run} ({values['preset']}): accuracy {percent(values['accuracy'])} on "
        f"{wording.count(values['n_test'], 'unseen crop')} (95 % CI {intervals})"
    )
    if values["relabelled_since"]:
        was = percent(values["accuracy_as_trained"])
        changed = wording.count(values["relabelled_since"], "label")
        text += f"; {changed} changed since, it was {was} when the run ended"
    return f"{text}."


_SPLITS = {
    "given": "by the folders that the crops came in",
    "specimen": "by specimen",
    "micrograph": "by micrograph",
    "crop": "crop by crop",
    "mixed": "by specimen, micrograph or crop, whatever is known",
}


def _split_text(values: Mapping[str, Any]) -> str:
    split = values["split"]
    how = _SPLITS.get(split["kind"], split["kind"])
    lines = [
        f"Split {how}: {split['groups_train']} groups for training, {split['groups_test']} for the "
        "test."
    ]
    return "\n".join([*lines, *(f"Note: {warning}" for warning in values["warnings"])])


def print_pdf(html: str, out: Path) -> None:
    """Write HTML as PDF, whole or not at all.

    Raises PoreguiError when it cannot be printed or written.
    """
    with tempfile.TemporaryDirectory(prefix="poregui-report-") as folder:
        page = Path(folder) / "report.html"
        page.write_text(html, encoding="utf-8")
        command = python_command(
            "-m", "poregui.gui.services.printing", str(page), str(out.absolute())
        )
        done = subprocess.run(
            command, env=child_environment(), capture_output=True, text=True, check=False
        )
    if done.returncode:
        message = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PoreguiError(
            f"{out} could not be printed: {message}", "Write the report as .html instead."
        )


NOBODY = "command line"
"""What the log says where no name was given."""


def add_micrograph_option(parser: argparse.ArgumentParser) -> None:
    """Let a verb work on some micrographs only."""
    parser.add_argument(
        "--micrograph",
        action="append",
        metavar="NAME",
        help="only the micrograph of this name, path or #id; repeat for several (default: all)",
    )


def add_annotator_option(parser: argparse.ArgumentParser) -> None:
    """Give a verb that writes labels the name of who gave them."""
    parser.add_argument(
        "--annotator",
        metavar="NAME",
        help=f"who gave the labels, as the label log is to say; {NOBODY!r} otherwise",
    )


def annotator_of(args: argparse.Namespace) -> str:
    """Return the name for the label log. Raises PoreguiError for one that is empty."""
    if args.annotator is None:
        return NOBODY
    name = " ".join(args.annotator.split())
    if not name:
        raise PoreguiError(
            "The annotator name is empty.",
            "Give one after --annotator, or leave the option out.",
        )
    return name


def run_for(
    project: Project, number: int | None, screen: Screen, *, network: bool = False
) -> RunFolder:
    """Return the run of a number, or the newest complete one (with a network), and tell what is
    passed over for it.

    Raises ProjectError when there is no such run.
    """
    from poregui.workflow.evaluating.newest_run import chosen_run

    run, passed_over = chosen_run(project, number, network=network)
    for sentence in passed_over:
        screen.note(f"Note: {sentence} Run {run.number} is taken instead.")
    return run
