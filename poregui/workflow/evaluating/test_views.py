"""Count how often the test results were viewed and test labels changed since."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from poregui.domain.wording import count
from poregui.store.project import Project
from poregui.workflow.evaluating.evaluate import Predictions

_BROUGHT_ABOUT = ("hand", "review", "accepted", "applied", "undo", "redo")
"""How a label changes because a person decided on this crop; a merge of classes or an import is no
look.
"""


@dataclass(frozen=True)
class Unseen:
    """Hold how unseen the test crops of a run still are.

    `looks` opened this run's predictions, `looks_of_all_runs` those of any run; `first_look` (ISO
    8601, UTC) is the first one of any run. `mended` counts test crops with another label than
    before the first look.
    """

    looks: int
    looks_of_all_runs: int
    first_look: str | None
    mended: int

    @property
    def sentence(self) -> str:
        """Return what to say beside the headline; empty when nobody has looked."""
        if not self.looks_of_all_runs and not self.mended:
            return ""
        text = f"Test results viewed {count(self.looks_of_all_runs, 'time')}"
        if self.looks != self.looks_of_all_runs:
            text += f", {count(self.looks, 'time')} with this run"
        if not self.mended:
            return f"{text}; no test label changed since."
        crops = count(self.mended, "test crop")
        return f"{text}; {crops} relabelled since, so the test set is no longer fully unseen."

    def to_json(self) -> dict[str, Any]:
        """Return the counts as a dictionary fit for JSON."""
        return asdict(self)


def log_look(project: Project, run_name: str, who: str) -> None:
    """Count that the predictions for the test set of a run (`001`) were opened; nothing in a
    read-only project.
    """
    if project.read_only:
        return
    with project.transaction():
        project.log_look(run_name, who)


def unseen(project: Project, predictions: Predictions) -> Unseen:
    """Return how unseen the test crops of a run are; a label given on the review page is a look,
    too.
    """
    looks = project.looks()
    marked = project.first_label("review")
    times = [look.when for look in looks]
    if marked:
        times.append(marked)
    first = min(times, default=None)
    mended = 0
    if first is not None:
        mended = _mended(project, predictions, first)
    mine = sum(look.run.isdigit() and int(look.run) == predictions.run for look in looks)
    return Unseen(mine, len(looks), first, mended)


def _mended(project: Project, predictions: Predictions, first: str) -> int:
    """Count the crops whose label differs from the last one before the first look; a first label
    mends nothing.
    """
    given = {
        entry.crop_id: entry.label
        for entry in project.labels_since(first)
        if entry.how in _BROUGHT_ABOUT
    }
    if given:
        tested = set(predictions.ids[predictions.in_split("test")].tolist())
    else:
        tested = set()
    mended = 0
    for crop_id in tested.intersection(given):
        before = [entry.label for entry in project.label_log(crop_id) if entry.when < first]
        mended += bool(before) and before[-1] != given[crop_id]
    return mended
