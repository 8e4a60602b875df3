"""Say of each run what the run picker shows; changes with the files that tell how a run ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from poregui.domain.errors import DamagedRunError, PoreguiError
from poregui.gui.messages import messages
from poregui.gui.review.words import state_words, why_nothing
from poregui.gui.widgets.run_picker import RunEntry
from poregui.store.project import Project
from poregui.store.run_check import glance_at
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
        """Return the number of the newest complete run, of the newest one with predictions, or of the newest one."""
        with_answers = [number for number, run in self.runs.items() if run.predictions_file.exists()]
        complete = [number for number in with_answers if is_complete(self.runs[number])]
        return max(complete or with_answers or self.runs, default=None)

    def _entry(self, run: RunFolder) -> RunEntry:
        problem = glance_at(run)
        if problem:
            return damaged_entry(run, problem)
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
        problem = glance_at(self.runs[number])
        if problem:
            return f"{problem} {DamagedRunError.REMEDY}"
        return why_nothing(number, self.runs[number].final_event())


def run_entry(run: RunFolder) -> RunEntry:
    """Return what tells a run with predictions apart, read from its files."""
    problem = glance_at(run)
    if problem:
        return damaged_entry(run, problem)
    try:
        metrics = run.read_metrics()
    except PoreguiError as error:
        return damaged_entry(run, error.what)
    state = "cross-validation" if run.folds_file.exists() else "stopped early" if metrics.get("stopped") else ""
    accuracy = metrics.get("accuracy_as_trained", metrics.get("pooled_accuracy"))
    return RunEntry(run.number, _preset(run), accuracy, state)


def damaged_entry(run: RunFolder, problem: str) -> RunEntry:
    """Return what marks a run whose files are not as they should be; `problem` is a sentence that says why."""
    return RunEntry(run.number, _preset(run), None, fault_in(problem), reviewable=False, problem=problem)


def fault_in(problem: str) -> str:
    """Return what is wrong with a run without its name and the full stop."""
    return problem.rpartition(" cannot be read: ")[2].rstrip(".")


def is_complete(run: RunFolder) -> bool:
    """Tell whether a run finished, as far as one sees without reading all of it."""
    return run.finished and not glance_at(run)


def run_to_show(runs: Mapping[int, RunFolder], chosen: int | None, wanted: Collection[int | None] = ()) -> int | None:
    """Return the chosen one of `runs` as long as it is complete or `wanted`, else the newest complete one."""
    complete = [number for number, run in runs.items() if is_complete(run)]
    if chosen in runs and (chosen in complete or chosen in wanted):
        return chosen
    return max(complete or runs, default=None)


def tell_passed_over(entries: Sequence[RunEntry], taken: int | None, told: str) -> str:
    """Note why the newest run with damaged files is not the one that is taken, unless that was `told`; return it."""
    newer = [entry for entry in entries if entry.problem and entry.number > (taken or 0)]
    if not newer or taken is None:
        return told
    sentence = f"{newer[-1].problem} Run {taken} is taken instead."
    if sentence != told:
        messages().note(sentence)
    return sentence


def _preset(run: RunFolder) -> str:
    try:
        return run.read_recipe().preset
    except PoreguiError:
        return ""
