"""Say of each run what the run picker shows; changes with the files that tell how a run ended."""

from __future__ import annotations

from collections.abc import Sequence

from poregui.domain.errors import PoreguiError
from poregui.gui.lists.run_picker import RunEntry
from poregui.gui.review.review_text import state_words, why_nothing
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder


class RunList:
    """Read the runs of a project; those that have ended are read once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._ended: dict[int, RunEntry] = {}
        self.runs: dict[int, RunFolder] = {}

    def read(self) -> Sequence[RunEntry]:
        """Return an entry for each run, the oldest first."""
        self.runs = {run.number: run for run in self._project.runs()}
        return [self._entry(run) for run in self.runs.values()]

    def newest(self) -> int | None:
        """Return the number of the newest run that has predictions, of the newest one when none has, or None."""
        with_answers = [number for number, run in self.runs.items() if run.predictions_file.exists()]
        return max(with_answers or self.runs, default=None)

    def _entry(self, run: RunFolder) -> RunEntry:
        if not run.predictions_file.exists():
            return self._without_answers(run)
        known = self._ended.get(run.number) or run_entry(run)
        if run.metrics_file.exists():
            self._ended[run.number] = known
        return known

    def _without_answers(self, run: RunFolder) -> RunEntry:
        return RunEntry(run.number, _preset(run), None, state_words(run.final_event()), reviewable=False)

    def why_nothing(self, number: int) -> str:
        """Say why a run has no predictions."""
        return why_nothing(number, self.runs[number].final_event())


def run_entry(run: RunFolder) -> RunEntry:
    """Return what tells a run with predictions apart, read from its files."""
    try:
        metrics = run.read_metrics()
    except PoreguiError:
        return RunEntry(run.number, _preset(run), None, "damaged")
    state = "cross-validation" if run.folds_file.exists() else "stopped early" if metrics.get("stopped") else ""
    accuracy = metrics.get("accuracy_as_trained", metrics.get("pooled_accuracy"))
    return RunEntry(run.number, _preset(run), accuracy, state)


def _preset(run: RunFolder) -> str:
    try:
        return run.read_recipe().preset
    except PoreguiError:
        return ""
