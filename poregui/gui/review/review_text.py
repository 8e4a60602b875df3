"""Say what a run is worth, and what a list or a crop of it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poregui.domain.dataset import SplitName
from poregui.domain.evaluation import Evaluation
from poregui.domain.wording import count, noun
from poregui.gui.lists.run_picker import accuracy_text
from poregui.gui.plots.confusion_matrix import EVERYTHING, Cell
from poregui.workflow.evaluating.evaluate import Predictions

SPLIT_NAMES: dict[SplitName, str] = {
    "test": "Test",
    "validation": "Validation",
    "train": "Training",
}
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


def headline(predictions: Predictions, evaluation: Evaluation, split: SplitName) -> RunHeadline:
    """Return accuracy and interval of a split as text, and what changed since the training."""
    interval = predictions.interval(split)
    if evaluation.accuracy is None or interval is None:
        return RunHeadline("", "No crop in this split has a label that the run knows.", "")
    ends = f"{100 * interval.low:.0f}–{100 * interval.high:.0f} %"
    detail = f"95 % CI {ends}, {_crops_text(predictions, evaluation.n, split)}"
    number = accuracy_text(evaluation.accuracy)
    if split != "test":
        return RunHeadline(number, detail, "")
    return RunHeadline(number, detail, _changes_text(predictions), interval.warning)


def _crops_text(predictions: Predictions, n: int, split: SplitName) -> str:
    if split == "train":
        return f"{count(n, 'training crop')}"
    if split == "validation":
        return f"{count(n, 'validation crop')}"
    if predictions.folds:
        return f"{count(n, 'crop')}, pooled over {predictions.folds} folds of a cross-validation"
    unseen = count(n, "unseen crop")
    dataset = predictions.dataset
    group = _GROUPS.get(dataset.split_kind)
    if group is None or dataset.groups_test < 1:
        return unseen
    return f"{unseen} from {count(dataset.groups_test, group)}"


def _changes_text(predictions: Predictions) -> str:
    others = predictions.relabelled_others
    learned = ""
    if others:
        was = noun(others, "was", "were")
        learned = f"{count(others, 'other label')} {was} changed after training."
    if not predictions.relabelled:
        return learned
    lines = [f"{count(predictions.relabelled, 'test label')} changed since training"]
    if predictions.accuracy_as_trained is not None:
        lines[0] += f" (accuracy then: {accuracy_text(predictions.accuracy_as_trained)})"
    if learned:
        lines.append(learned)
    return "\n".join(lines)


def list_title(names: Sequence[str], cells: Sequence[Cell] | None, group: str, listed: int) -> str:
    """Return what a list of crops shows that was chosen by cells of the matrix, or as a group."""
    return f"{_list_name(names, cells, group)} · {listed:,}"


def _list_name(names: Sequence[str], cells: Sequence[Cell] | None, group: str) -> str:
    if group:
        return group
    if cells is None:
        return "Not counted"
    if EVERYTHING in cells:
        return "All errors"
    if len(cells) > 1:
        return f"{len(cells)} cells"
    cell = cells[0]
    if cell.row is None:
        return f"Predicted as {names[cell.column or 0]}"
    if cell.column is None:
        return f"Labelled {names[cell.row]}"
    if cell.row == cell.column:
        return f"{names[cell.row]}, predicted correctly"
    return f"{names[cell.row]}, predicted as {names[cell.column]}"


def empty_list_text(cells: Sequence[Cell] | None) -> str:
    """Say why a list of crops is empty."""
    if cells is None:
        return "Every crop of this split counts."
    if EVERYTHING in cells:
        return "No errors in this split. Choose a cell of the matrix to see its crops."
    return "No crops in this cell. Choose another cell of the matrix."


def prediction_text(predictions: Predictions, row: int, label: str) -> str:
    """Return what a run predicted for a crop, beside the label that it has now."""
    text = f"Predicted {predictions.classes[predictions.predicted[row]]}"
    if predictions.is_right(row):
        return f"{text}, as labelled"
    if not predictions.exists[row]:
        trained = predictions.classes[predictions.trained[row]]
        return f"{text}; the crop was deleted (its label was {trained})"
    return f"{text}, labelled {label}"


def change_text(predictions: Predictions, row: int, *, moved: bool) -> str:
    """Return what changed since the run was trained; empty when nothing did."""
    changes = []
    relabelled = predictions.truth[row] != predictions.trained[row]
    if predictions.exists[row] and relabelled:
        changes.append(f"Label when trained: {predictions.classes[predictions.trained[row]]}.")
    if moved:
        changes.append("Its box was changed since: the run saw the crop shown above.")
    return " ".join(changes)
