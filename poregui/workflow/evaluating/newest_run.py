"""Find the newest run that is complete, and say why newer ones are passed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.events import Cancelled, Event, Failed, Interrupted
from poregui.store.project import Project
from poregui.store.run_check import fault_of
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.predict import Predictor


@dataclass(frozen=True)
class Newest:
    """Hold the newest complete run, None without one, and a sentence for each newer one that is not
    complete.
    """

    run: RunFolder | None
    passed_over: tuple[str, ...] = ()


def newest_complete(runs: Sequence[RunFolder], *, network: bool = False) -> Newest:
    """Return the newest of `runs` (oldest first) that finished and whose files are as it left them.

    With `network` only runs that left one are looked at. All files are read for it.
    """
    passed: list[str] = []
    for run in reversed(runs):
        why = why_incomplete(run)
        if not why and network and run.has_network:
            why = _fault_of_network(run)
        if not why and (run.has_network or not network):
            return Newest(run, tuple(passed))
        if why and (not network or run.left_network):
            passed.append(why)
    return Newest(None, tuple(passed))


def passed_over_for(runs: Sequence[RunFolder], taken: int | None) -> tuple[str, ...]:
    """Say of each run that left a network and is newer than the one `taken` why
    it is not complete.
    """
    newer = [
        run for run in reversed(runs) if run.left_network and (taken is None or run.number > taken)
    ]
    return tuple(why for run in newer if (why := why_incomplete(run)))


def why_incomplete(run: RunFolder) -> str:
    """Say why a run is not complete, empty when it is."""
    ended = _ending_text(run.number, run.final_event())
    return fault_of(run) or ended


def find_run(project: Project, number: int | None) -> RunFolder:
    """Return the run of a number, or the newest complete one.

    Raises ProjectError when there is none.
    """
    return chosen_run(project, number)[0]


def chosen_run(
    project: Project, number: int | None, *, network: bool = False
) -> tuple[RunFolder, tuple[str, ...]]:
    """Return the run of a number, or the newest complete one, with why newer ones were passed over.

    Raises ProjectError when there is no such run.
    """
    runs = project.runs()
    if number is not None:
        run = next((run for run in runs if run.number == number), None)
        if run is None:
            known = ", ".join(str(run.number) for run in runs) or "none"
            raise ProjectError(f"There is no run {number}.", f"Runs of this project: {known}.")
        return run, ()
    for wanted in (
        (True, False) if network else (False,)
    ):  # one without a network says why it has none
        newest = newest_complete(runs, network=wanted)
        if newest.run is not None:
            return newest.run, newest.passed_over
    why = f" {newest.passed_over[0]}" if newest.passed_over else ""
    raise ProjectError(
        f"{project.name} has no finished run.{why}", "Train first: poregui train PROJECT."
    )


def _fault_of_network(run: RunFolder) -> str:
    """Say why the network of a run cannot be used, empty when it can."""
    try:
        Predictor(run, threads=1)
    except PoreguiError as error:
        return error.what
    return ""


def _ending_text(number: int, ended: Event | None) -> str:
    """Say how a run ended that did not finish, empty for one that did."""
    if ended is None:
        return f"Run {number} is still being trained."
    ways = {Interrupted: "was interrupted", Cancelled: "was cancelled", Failed: "failed"}
    way = ways.get(type(ended))
    return f"Run {number} {way}." if way else ""
