"""Count how often the test side was looked at and mended since."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

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
        looked = f"The test side was looked at {_times(self.looks_of_all_runs)}"
        if self.looks != self.looks_of_all_runs:
            looked += f", {_times(self.looks)} with this run"
        if not self.mended:
            return f"{looked}; none of its labels changed since."
        if self.mended == 1:
            crops = "1 test crop was"
        else:
            crops = f"{self.mended} test crops were"
        return (
            f"{looked}; {crops} relabelled after the first look, so it is no longer quite unseen."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the counts as a dictionary fit for JSON."""
        return asdict(self)


def log_look(project: Project, run_name: str, who: str) -> None:
    """Count that the predictions for the test side of a run (`001`) were opened; nothing in a
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
    first = min([*(look.when for look in looks), *([marked] if marked else [])], default=None)
    mine = sum(look.run.isdigit() and int(look.run) == predictions.run for look in looks)
    return Unseen(
        mine, len(looks), first, _mended(project, predictions, first) if first is not None else 0
    )


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
        tested = set(predictions.ids[predictions.in_part("test")].tolist())
    else:
        tested = set()
    count = 0
    for crop_id in tested.intersection(given):
        before = [entry.label for entry in project.label_log(crop_id) if entry.when < first]
        count += bool(before) and before[-1] != given[crop_id]
    return count


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
