"""Work through many micrographs, one process per core, taking up what is done."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from poregui.domain.errors import PoreguiError, faults_of
from poregui.domain.wording import count
from poregui.launching import available_cores
from poregui.store.run_files import remove_leftovers
from poregui.workflow.applying.classify import LOOK_S, Stopped, Talk, current_talk, prepare
from poregui.workflow.applying.field import (
    FieldProblem,
    FieldResult,
    FieldTask,
    apply_field,
    read_result,
)


def work_at(index: int, task: FieldTask) -> FieldResult | FieldProblem:
    """Do what `work_on` does for one of the micrographs that are talked about."""
    talk = current_talk()
    if talk is None:
        return work_on(task)
    try:
        talk.tell(index, 0.0)
        return work_on(task, lambda done, total, text: talk.tell(index, done / max(total, 1)))
    except Stopped:
        return FieldProblem(task.name, "It was cancelled.")


def work_on(
    task: FieldTask, progress: Callable[[int, int, str], None] = lambda done, total, text: None
) -> FieldResult | FieldProblem:
    """Apply a network to one micrograph and return the result, or why there is none.

    Any fault is of this micrograph alone; what is not the world's leaves its trace in the log.
    """
    try:
        with faults_of(task.name):
            return apply_field(task, progress)
    except PoreguiError as error:
        return FieldProblem(task.name, str(error))
    except BrokenProcessPool:
        return FieldProblem(task.name, ENDED_ITS_PROCESS)
    except (Stopped, InterruptedError):
        raise
    except Exception as error:
        logging.getLogger(__name__).exception("%s", task.name)
        why = f"{type(error).__name__}: {error}".partition("\n")[0]
        return FieldProblem(task.name, f"An unexpected fault ended the work on it ({why}).")


STEPS = 1000
"""Progress counts so many steps for each micrograph."""
_ENOUGH = 0.1
"""Micrographs, or part of one, from which on the time left is said."""
ENDED_ITS_PROCESS = (
    "The process ended unexpectedly, probably out of memory. Close other programs and try again."
)


@dataclass(frozen=True)
class Applied:
    """Hold what became of all tasks, in their order; `taken_up` of the results
    were there already.
    """

    results: tuple[FieldResult, ...]
    problems: tuple[FieldProblem, ...]
    taken_up: int
    cancelled: bool = False


Progress = Callable[[int, int, str], None]


def apply_all(
    tasks: Sequence[FieldTask],
    *,
    workers: int = 0,
    progress: Progress = lambda done, total, text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Applied:
    """Apply a network to micrographs with `workers` processes (0: one per core) and return what
    became of each.

    A micrograph whose results are there and still hold is not worked on again, so that an
    interrupted work is resumed by asking for it again. A micrograph that cannot be read, or ends
    its process, is reported and the others go on. Processes are started afresh, never forked, and
    end with the call, about a second after a person cancelled, also in the middle of a micrograph.
    `progress` hears `STEPS` for each micrograph.
    """
    found = take_up(tasks)
    taken_up = sum(isinstance(one, FieldResult) for one in found.values())
    open_tasks = [index for index in range(len(tasks)) if index not in found]
    count = min(workers or available_cores(), len(open_tasks))
    share = max(1, available_cores() // max(count, 1))
    tasks = [replace(task, threads=share) for task in tasks]
    worked_on = [tasks[index] for index in open_tasks]
    tidy(worked_on)
    stopped = False
    while open_tasks and not stopped:
        clock = _Clock(tasks, found, progress)
        with _processes(count, clock.talk) as pool:
            waiting = {pool.submit(work_at, index, tasks[index]): index for index in open_tasks}
            stopped = _collect(waiting, found, clock, cancelled)
        if stopped:
            _take_finished(waiting, found)
        if not stopped:
            open_tasks = _after_a_crash(open_tasks, tasks, found)
        else:
            open_tasks = []
        count = min(count, max(len(open_tasks), 1))
    tidy(worked_on)
    return applied_of(found, taken_up, stopped)


def tidy(tasks: Sequence[FieldTask]) -> None:
    """Remove what processes that died in the middle of writing left; only when nobody writes any
    more.
    """
    for task in tasks:
        with suppress(OSError):
            remove_leftovers(task.folder)


@contextmanager
def _processes(count: int, talk: Talk) -> Iterator[ProcessPoolExecutor]:
    """Give processes that are gone afterwards, at once where their work is of no use any more."""
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), prepare, (talk,)) as pool:
        try:
            yield pool
        except BaseException:
            talk.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def take_up(tasks: Sequence[FieldTask]) -> dict[int, FieldResult | FieldProblem]:
    """Return by place the results that are there and still hold, and what is wrong with files that
    cannot be read.
    """
    found: dict[int, FieldResult | FieldProblem] = {}
    for index, task in enumerate(tasks):
        try:
            there: FieldResult | FieldProblem | None = read_result(task)
        except PoreguiError as error:
            there = FieldProblem(task.name, str(error))
        if there is not None:
            found[index] = there
    return found


def applied_of(
    found: Mapping[int, FieldResult | FieldProblem], taken_up: int, cancelled: bool
) -> Applied:
    """Return what became of tasks, in the order of their places."""
    results = [found[index] for index in sorted(found)]
    return Applied(
        tuple(result for result in results if isinstance(result, FieldResult)),
        tuple(result for result in results if isinstance(result, FieldProblem)),
        taken_up,
        cancelled,
    )


class _Clock:
    """Tell how far all micrographs are, those in hand too, and how long the rest takes."""

    def __init__(
        self,
        tasks: Sequence[FieldTask],
        found: Mapping[int, FieldResult | FieldProblem],
        progress: Progress,
    ) -> None:
        self.talk = Talk(len(tasks))
        self._count = len(tasks)
        self._found = found
        self._progress = progress
        self._began, self._first = time.monotonic(), self._done()

    def tell(self) -> None:
        """Tell it now."""
        done = self._done()
        text = time_left(done - self._first, self._count - done, time.monotonic() - self._began)
        left = left_text(len(self._found), self._count)
        self._progress(int(STEPS * done), STEPS * self._count, f"{left}, {text}" if text else left)

    def _done(self) -> float:
        return sum(
            1.0 if index in self._found else self.talk.part(index) for index in range(self._count)
        )


def _collect(
    waiting: dict[Future[FieldResult | FieldProblem], int],
    found: dict[int, FieldResult | FieldProblem],
    clock: _Clock,
    cancelled: Callable[[], bool],
) -> bool:
    """Take results as they come; return whether a person cancelled.

    A process that died ends the round.
    """
    open_ones = set(waiting)
    while open_ones:
        done, open_ones = wait(open_ones, LOOK_S, FIRST_COMPLETED)
        for one in done:
            try:
                found[waiting[one]] = one.result()
            except BrokenProcessPool:
                return False
        clock.tell()
        if cancelled():
            clock.talk.stop()
            return True
    return False


def _take_finished(
    waiting: dict[Future[FieldResult | FieldProblem], int],
    found: dict[int, FieldResult | FieldProblem],
) -> None:
    """Take the results that came while all processes were ending."""
    for one, index in waiting.items():
        if index not in found and not one.cancelled() and one.exception() is None:
            result = one.result()
            if isinstance(result, FieldResult):
                found[index] = result


def left_text(done: int, total: int) -> str:
    """Say how many micrographs are done and left."""
    left = total - done
    if left:
        what = f", {count(left, 'micrograph')} left"
    else:
        what = ""
    return f"{done} of {total} done{what}"


def time_left(done: float, left: float, seconds: float) -> str:
    """Say how long `left` micrographs take when `done` took so many seconds; empty as long as
    nobody can tell.
    """
    if done < _ENOUGH or left <= 0:
        return ""
    minutes, rest = divmod(round(seconds / done * left), 60)
    if minutes:
        return f"about {minutes} min {rest:02d} s"
    return f"about {rest} s"


def _after_a_crash(
    indices: list[int], tasks: Sequence[FieldTask], found: dict[int, FieldResult | FieldProblem]
) -> list[int]:
    """Return what is left to do after a process died; the first of it, tried alone, is given up if
    it dies again.
    """
    left = [index for index in indices if index not in found]
    if not left:
        return []
    doubtful = left[0]
    with _processes(1, Talk(len(tasks))) as pool:
        try:
            found[doubtful] = pool.submit(work_at, doubtful, tasks[doubtful]).result()
        except BrokenProcessPool:
            found[doubtful] = FieldProblem(tasks[doubtful].name, ENDED_ITS_PROCESS)
    return left[1:]
