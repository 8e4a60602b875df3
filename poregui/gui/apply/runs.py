"""Offer the runs that left a network and know which one is applied; changes with what can be applied."""

from __future__ import annotations

from poregui.domain.errors import DamagedRunError
from poregui.gui.apply.locking import LockFlow
from poregui.gui.apply.page import ApplyPage
from poregui.gui.review.runs import run_entry, run_to_show, tell_passed_over
from poregui.gui.session import Session
from poregui.store.run_check import glance_at
from poregui.store.run_folder import RunFolder


class ApplyRuns:
    """Fill the list of runs: the newest complete one is chosen until a person takes another, or a lock names one."""

    def __init__(self, page: ApplyPage, session: Session, lock: LockFlow) -> None:
        self._page = page
        self._session = session
        self._lock = lock
        self._runs: dict[int, RunFolder] = {}
        self._taken: int | None = None
        self._told = ""

    def fill(self) -> None:
        """List the runs as they are now."""
        runs = [run for run in self._session.project.runs() if run.left_network]
        self._runs = {run.number: run for run in runs}
        chosen = self._page.run_picker.number
        locked = self._lock.lock.run if self._lock.lock is not None else None
        if locked in self._runs:
            chosen = locked
        number = run_to_show(self._runs, chosen, wanted=(self._taken, locked))
        entries = [run_entry(run) for run in runs]
        self._page.set_runs(entries, number)
        self._page.show_empty(not runs and not self._lock.foreign)
        self._told = tell_passed_over(entries, number, self._told)

    def take(self, number: int) -> None:
        """Remember that a person took a run."""
        self._taken = number

    @property
    def chosen(self) -> RunFolder | None:
        """Return the run that is chosen; None also where what is locked came from elsewhere."""
        return None if self._lock.foreign else self._runs.get(self._page.run_picker.number or 0)

    @property
    def problem(self) -> str:
        """Say what is wrong with the files of the chosen run and what to do, empty when nothing is."""
        run = self.chosen
        problem = glance_at(run) if run is not None else ""
        return f"{problem} {DamagedRunError.REMEDY}" if problem else ""
