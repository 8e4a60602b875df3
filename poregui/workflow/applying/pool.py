"""Work through many micrographs, one process per core, taking up what is done; changes with how work is shared."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

from poregui.domain.errors import PoreguiError
from poregui.workflow.applying.field import FieldResult, FieldTask, apply_field, read_result

_LOOK_S = 0.2
ENDED_ITS_PROCESS = "Working on it ended the process, as when memory is short. Close other programs and try again."


@dataclass(frozen=True)
class FieldProblem:
    """Say why a micrograph could not be worked on."""

    name: str
    reason: str


@dataclass(frozen=True)
class Applied:
    """Hold what became of all tasks, in their order; `taken_up` of the results were there already."""

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
    """Apply a network to micrographs with `workers` processes (0: one per core) and return what became of each.

    A micrograph whose results are there and still hold is not worked on again, so that an interrupted work is resumed
    by asking for it again. A micrograph that cannot be read, or ends its process, is reported and the others go on.
    Processes are started afresh, never forked, and end with the call.
    """
    found = take_up(tasks)
    taken_up = sum(isinstance(one, FieldResult) for one in found.values())
    open_tasks = [place for place in range(len(tasks)) if place not in found]
    count = min(workers or available_cores(), len(open_tasks))
    share = max(1, available_cores() // max(count, 1))
    tasks = [replace(task, threads=share) for task in tasks]
    stopped = False
    while open_tasks and not stopped:
        with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _prepare_process) as pool:
            waiting = {pool.submit(work_on, tasks[place]): place for place in open_tasks}
            try:
                stopped = _collect(waiting, tasks, found, progress, cancelled)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        open_tasks = _after_a_crash(open_tasks, tasks, found) if not stopped else []
        count = min(count, max(len(open_tasks), 1))
    return applied_of(found, taken_up, stopped)


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def take_up(tasks: Sequence[FieldTask]) -> dict[int, FieldResult | FieldProblem]:
    """Return by place the results that are there and still hold, and what is wrong with files that cannot be read."""
    found: dict[int, FieldResult | FieldProblem] = {}
    for place, task in enumerate(tasks):
        try:
            there: FieldResult | FieldProblem | None = read_result(task)
        except PoreguiError as error:
            there = FieldProblem(task.name, str(error))
        if there is not None:
            found[place] = there
    return found


def applied_of(found: Mapping[int, FieldResult | FieldProblem], taken_up: int, cancelled: bool) -> Applied:
    """Return what became of tasks, in the order of their places."""
    results = [found[place] for place in sorted(found)]
    return Applied(
        tuple(one for one in results if isinstance(one, FieldResult)),
        tuple(one for one in results if isinstance(one, FieldProblem)),
        taken_up,
        cancelled,
    )


def _prepare_process() -> None:
    import cv2

    cv2.setNumThreads(1)


def work_on(task: FieldTask) -> FieldResult | FieldProblem:
    """Apply a network to one micrograph and return the result, or why there is none."""
    try:
        return apply_field(task)
    except PoreguiError as error:
        return FieldProblem(task.name, str(error))


def _collect(
    waiting: dict[Future[FieldResult | FieldProblem], int],
    tasks: Sequence[FieldTask],
    found: dict[int, FieldResult | FieldProblem],
    progress: Progress,
    cancelled: Callable[[], bool],
) -> bool:
    """Take results as they come; return whether a person cancelled. A process that died ends the round."""
    began, first = time.monotonic(), len(found)
    open_ones = set(waiting)
    while open_ones:
        done, open_ones = wait(open_ones, _LOOK_S, FIRST_COMPLETED)
        for one in done:
            try:
                found[waiting[one]] = one.result()
            except BrokenProcessPool:
                return False
        progress(len(found), len(tasks), time_left(len(found) - first, len(open_ones), time.monotonic() - began))
        if cancelled():
            return True
    return False


def time_left(done: int, left: int, seconds: float) -> str:
    """Say how many micrographs are left, and how long they take when `done` took so many seconds."""
    if not done or not left:
        return f"{left} micrographs left"
    minutes, rest = divmod(round(seconds / done * left), 60)
    return f"{left} micrographs left, about {minutes} min {rest:02d} s" if minutes else f"{left} left, about {rest} s"


def _after_a_crash(
    places: list[int], tasks: Sequence[FieldTask], found: dict[int, FieldResult | FieldProblem]
) -> list[int]:
    """Return what is left to do after a process died; the first of it, tried alone, is given up if it dies again."""
    left = [place for place in places if place not in found]
    if not left:
        return []
    suspect = left[0]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _prepare_process) as pool:
        try:
            found[suspect] = pool.submit(work_on, tasks[suspect]).result()
        except BrokenProcessPool:
            found[suspect] = FieldProblem(tasks[suspect].name, ENDED_ITS_PROCESS)
    return left[1:]
