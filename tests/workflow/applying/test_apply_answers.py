"""Hold that many pores are answered by processes of their own, equally, and that none of them is
left behind.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from size_model import draw_discs, write_size_model

from poregui.domain.errors import ProjectError
from poregui.workflow.applying import classify
from poregui.workflow.applying.classify import NetworkFiles, Stopped
from poregui.workflow.applying.field import FieldProblem, FieldResult, FieldTask, apply_field
from poregui.workflow.applying.inputs import ToApply, model_of_file, tasks_of
from poregui.workflow.applying.pool import _Clock, _collect

ANSWERING = 40
"""Per cent of the work from which on pores are being answered."""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> FieldTask:
    """A micrograph with pores enough for two processes, to be worked on with two."""
    folder = tmp_path_factory.mktemp("many")
    down, across = np.mgrid[:16, :16] - 7.5
    one = 190 - 130 * np.clip(4.5 - np.hypot(across, down), 0, 1)
    cv2.imwrite(str(folder / "many.png"), np.tile(one, (64, 64)).astype(np.uint8))
    task = tasks_of(
        model_of_file(write_size_model(folder / "m")),
        [ToApply(folder / "many.png", "S")],
        folder / "out",
    )
    return replace(task[0], threads=2)


def test_many_pores_are_answered_in_processes_exactly_as_by_one_thread(
    many: FieldTask, tmp_path: Path
) -> None:
    seen: set[int] = set()

    def look(done: int, total: int, text: str) -> None:
        seen.add(len(multiprocessing.active_children()))

    written = []
    for threads, listen in ((1, lambda *heard: None), (2, look)):
        task = replace(many, threads=threads, folder=tmp_path / str(threads))
        assert apply_field(task, listen).pores >= 2 * classify._WORTH
        names = ("pores.csv", "pores.geojson")
        written.append([(task.folder / name).read_bytes() for name in names])
    assert written[0] == written[1]
    assert min(seen) == 0
    assert 1 <= max(seen) <= 2
    assert multiprocessing.active_children() == []


def test_few_pores_start_no_processes(tmp_path: Path) -> None:
    draw_discs(tmp_path / "few.png", [12.0] * 9)
    (task,) = tasks_of(
        model_of_file(write_size_model(tmp_path / "m")),
        [ToApply(tmp_path / "few.png", "S")],
        tmp_path,
    )
    seen = []
    apply_field(
        replace(task, threads=2), lambda *heard: seen.append(multiprocessing.active_children())
    )
    assert seen
    assert not any(seen)


def test_a_cancel_while_processes_answer_leaves_none_behind(
    many: FieldTask, tmp_path: Path
) -> None:
    def stop(done: int, total: int, text: str) -> None:
        if done >= ANSWERING:
            raise Stopped

    with pytest.raises(Stopped):
        apply_field(replace(many, folder=tmp_path / "out"), stop)
    assert multiprocessing.active_children() == []
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="kills a process as POSIX does")
def test_a_process_that_dies_while_it_answers_ends_the_micrograph_as_a_crash(
    many: FieldTask, tmp_path: Path
) -> None:
    def kill(done: int, total: int, text: str) -> None:
        for child in multiprocessing.active_children():
            os.kill(child.pid or 0, signal.SIGKILL)

    with pytest.raises(BrokenProcessPool):
        apply_field(replace(many, folder=tmp_path / "out"), kill)
    assert multiprocessing.active_children() == []


def test_a_crash_within_a_micrograph_is_taken_for_one_of_its_process() -> None:
    died: Future[FieldResult | FieldProblem] = Future()
    died.set_exception(BrokenProcessPool())
    found: dict[int, FieldResult | FieldProblem] = {}
    clock = _Clock([], found, lambda done, total, text: None)
    assert not _collect({died: 0}, found, clock, lambda: False)
    assert found == {}


def test_a_network_that_is_replaced_before_it_is_opened_is_refused(tmp_path: Path) -> None:
    model = write_size_model(tmp_path / "m")
    network = NetworkFiles.of(model, model.with_suffix(".json"))
    assert network.predictor().classes == ("Gas", "Keyhole", "Lack of Fusion")
    later = write_size_model(tmp_path / "m", centres=(1.0, 2.0, 3.0))
    assert network.predictor() is network.predictor()  # what is open goes on
    with pytest.raises(ProjectError, match="was changed"):
        replace(network, content=network.content[::-1]).predictor()
    assert NetworkFiles.of(later, later.with_suffix(".json")).content != network.content
