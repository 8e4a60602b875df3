"""Put what a run is worth into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poregui.domain.dataset import Part
from poregui.domain.evaluation import Evaluation
from poregui.domain.events import Cancelled, Event, Failed, Interrupted
from poregui.domain.intervals import HeadlineInterval
from poregui.gui.lists.run_picker import accuracy_words
from poregui.gui.plots.confusion_matrix import EVERYTHING, Cell
from poregui.workflow.evaluating.evaluate import Judged, RunReview

PART_WORDS: dict[Part, str] = {"test": "Test", "validation": "Validation", "train": "Training"}
_GROUPS = {"specimen": "specimen", "micrograph": "micrograph", "source": "source", "mixed": "group"}


@dataclass(frozen=True)
class RunHeadline:
    """Hold what a run is worth: `number` large, `detail` beside it, `note` and `warning` below
    (empty: nothing).
    """

    number: str
    detail: str
    note: str
    warning: str = ""

    @property
    def text(self) -> str:
        """Return number and detail in one line."""
        if self.number:
            return f"{self.number}, {self.detail}"
        return self.detail


def headline(
    reviewed: RunReview,
    evaluation: Evaluation,
    interval: HeadlineInterval | None,
    part: Part,
    relabelled: tuple[int, int],
) -> RunHeadline:
    """Return accuracy and interval of a part in words, and what the run said when it was trained.

    `relabelled` is how many labels of test crops, and how many others, changed since then.
    """
    if evaluation.accuracy is None or interval is None:
        return RunHeadline("", "No crop of this part carries a label that the run knows.", "")
    ends = f"{100 * interval.low:.0f} to {100 * interval.high:.0f}"
    detail = f"95 % interval {ends}, {_crops_words(reviewed, evaluation.n, part)}"
    if part == "test":
        note = _as_trained(reviewed, relabelled)
        warning = interval.warning
    else:
        note = ""
        warning = ""
    return RunHeadline(accuracy_words(evaluation.accuracy), detail, note, warning)


def _crops_words(reviewed: RunReview, n: int, part: Part) -> str:
    if part == "train":
        return f"{_count(n, 'crop')} that it learned from"
    if part == "validation":
        return f"{_count(n, 'crop')} that steered its training"
    if reviewed.folds:
        return f"{_count(n, 'crop')}, cross-validation of {reviewed.folds} folds, pooled"
    group = _GROUPS.get(reviewed.split_kind)
    if group is None or reviewed.groups_test < 1:
        return f"{_count(n, 'unseen crop')}"
    return f"{_count(n, 'unseen crop')} of {_count(reviewed.groups_test, group)}"


def _as_trained(reviewed: RunReview, relabelled: tuple[int, int]) -> str:
    tested, others = relabelled
    if others:
        learned = f"It was trained before {_count(others, 'label')} of its other crops changed."
    else:
        learned = ""
    if not tested:
        return learned
    changed = f"{_count(tested, 'test label')} changed since" + (f"\n{learned}" if learned else "")
    if reviewed.accuracy_as_trained is None:
        return changed
    return f"as trained: {accuracy_words(reviewed.accuracy_as_trained)}; {changed}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def list_title(names: Sequence[str], cells: Sequence[Cell], count: int) -> str:
    """Return what a list of crops shows that was chosen by cells of the matrix."""
    if EVERYTHING in cells:
        return f"All errors · {count}"
    if len(cells) > 1:
        return f"{len(cells)} cells · {count}"
    cell = cells[0]
    if cell.row is None:
        return f"Predicted as {names[cell.column or 0]} · {count}"
    if cell.column is None:
        return f"Labelled {names[cell.row]} · {count}"
    if cell.row == cell.column:
        return f"{names[cell.row]}, predicted rightly · {count}"
    return f"{names[cell.row]}, predicted as {names[cell.column]} · {count}"


def empty_list_words(cells: Sequence[Cell]) -> str:
    """Say why a list of crops is empty."""
    if EVERYTHING in cells:
        return "No errors in this part. Choose a cell of the matrix to see its crops."
    return "No crop fell here. Choose another cell of the matrix."


def state_words(final: Event | None) -> str:
    """Return in a word or two how a run without predictions ended; None stands for one that goes
    on.
    """
    if final is None:
        return "training"
    ways = {Interrupted: "interrupted", Cancelled: "cancelled", Failed: "failed"}
    return ways.get(type(final), "no predictions")


def why_nothing(number: int, final: Event | None) -> str:
    """Say why a run without predictions has none, and what to do."""
    if final is None:
        return f"Run {number} is being trained. Its predictions appear here when it ends."
    if isinstance(final, Interrupted):
        if final.epochs:
            epochs = f"after {_count(final.epochs, 'epoch')}"
        else:
            epochs = "before its first epoch ended"
        return (
            f"Run {number} was interrupted {epochs}, so nothing was tested. "
            "Train again, or "
            "choose another run."
        )
    if isinstance(final, Cancelled):
        return (
            f"Run {number} was cancelled, so nothing was tested. Choose "
            "another run, or "
            "train again."
        )
    if isinstance(final, Failed):
        return f"Run {number} failed: {final.what} {final.remedy}".strip()
    return f"The predictions of run {number} are missing. Put predictions.csv back, or train again."


def answer_words(judged: Judged, classes: Sequence[str], label: str) -> str:
    """Return what a run said of a crop, beside the label that it has now."""
    said = f"Predicted {classes[judged.prediction.index]}"
    if judged.right:
        return f"{said}, as labelled"
    if not judged.exists:
        return f"{said}; the crop was deleted (its label was {classes[judged.trained_label]})"
    return f"{said}, labelled {label}"


def change_words(judged: Judged, classes: Sequence[str], *, moved: bool) -> str:
    """Return what is otherwise than when the run was trained; empty when nothing is."""
    changes = []
    if judged.exists and judged.truth != judged.trained_label:
        changes.append(f"Label when trained: {classes[judged.trained_label]}.")
    if moved:
        changes.append("Its box was changed since: the run judged what is shown above.")
    return " ".join(changes)
