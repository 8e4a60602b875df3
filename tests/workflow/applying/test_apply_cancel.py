"""Hold that applying tells how far it is within a micrograph, and that no process outlives a cancel
or its parent.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from size_model import draw_discs, write_size_model

from poregui.workflow.applying.classify import Stopped, Talk
from poregui.workflow.applying.field import FieldTask, apply_field
from poregui.workflow.applying.inputs import ToApply, model_of_file, tasks_of
from poregui.workflow.applying.pool import _processes, apply_all, left_text, time_left


def tasks_in(tmp_path: Path, fields: int, discs: int = 9, side: int = 600) -> list[FieldTask]:
    found = []
    for number in range(fields):
        found.append(ToApply(tmp_path / f"{number}.png", "S"))
        draw_discs(found[-1].file, [12.0] * discs, side=side, seed=number)
    return tasks_of(model_of_file(write_size_model(tmp_path / "m")), found, tmp_path / "out")


def test_one_micrograph_tells_how_far_it_is_from_finding_to_writing(tmp_path: Path) -> None:
    (task,) = tasks_in(tmp_path, 1)
    heard: list[tuple[int, int]] = []
    apply_field(task, lambda done, total, text: heard.append((done, total)))
    assert {total for _, total in heard} == {100}
    parts = [done for done, _ in heard]
    assert parts == sorted(parts)
    assert parts[0] == 0
    assert len(set(parts)) >= 3


def test_an_exception_of_the_listener_ends_the_work_on_a_micrograph(tmp_path: Path) -> None:
    (task,) = tasks_in(tmp_path, 1)

    def stop(done: int, total: int, text: str) -> None:
        if done >= 35:
            raise Stopped

    with pytest.raises(Stopped):
        apply_field(task, stop)
    assert not task.folder.exists()


def test_work_that_cannot_be_interrupted_ends_with_its_process() -> None:
    talk = Talk(1)
    with _processes(1, talk) as pool:
        sleeping = pool.submit(time.sleep, 600)
        while not sleeping.running():
            time.sleep(0.01)
        talk.stop()
    assert isinstance(sleeping.exception(), BrokenProcessPool)
    assert multiprocessing.active_children() == []


def test_a_cancel_ends_all_processes_and_what_is_done_is_taken_up(tmp_path: Path) -> None:
    tasks = tasks_in(tmp_path, 6)
    heard: list[str] = []
    applied = apply_all(
        tasks,
        workers=2,
        progress=lambda done, total, text: heard.append(text),
        cancelled=lambda: not heard[-1].startswith("0 of"),
    )
    assert applied.cancelled
    assert multiprocessing.active_children() == []
    assert 1 <= len(applied.results) < 6
    assert applied.problems == ()
    there = sum(one.result_file.exists() for one in tasks)
    assert there >= len(applied.results)
    assert apply_all(tasks, workers=1).taken_up == there


def test_left_over_files_of_a_process_that_was_ended_are_removed(tmp_path: Path) -> None:
    (task,) = tasks_in(tmp_path, 1)
    task.folder.mkdir(parents=True)
    (task.folder / ".pores.0123abcd.csv").write_text("half", encoding="utf-8")
    apply_all([task], workers=1)
    assert not list(task.folder.glob(".*"))
    assert (task.folder / "pores.csv").exists()


_PARENT = """
import os, sys, time
from poregui.workflow.applying.pool import _processes
from poregui.workflow.applying.classify import Talk
if __name__ == "__main__":
    with _processes(1, Talk(1)) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600).result()
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a process as POSIX does")
def test_a_process_ends_when_its_parent_was_killed(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(_PARENT, encoding="utf-8")
    asked, here = (
        [sys.executable, str(tmp_path / "parent.py")],
        str(Path(__file__).resolve().parents[3]),
    )
    surroundings = {**os.environ, "PYTHONPATH": here}
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True, env=surroundings) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 60
    while _runs(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    """Tell whether a process still runs; one that has ended and that nobody asked about counts as
    gone.
    """
    received = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return bool(received.strip()) and not received.strip().startswith("Z")


def test_what_is_left_is_said_in_words() -> None:
    assert left_text(0, 1) == "0 of 1 done, 1 micrograph left"
    assert left_text(3, 3) == "3 of 3 done"
    assert left_text(1, 3) == "1 of 3 done, 2 micrographs left"
    assert time_left(0.0, 3.0, 10.0) == ""
    assert time_left(0.5, 1.5, 10.0) == "about 30 s"
    assert time_left(2.0, 4.0, 50.0) == "about 1 min 40 s"
    assert time_left(2.0, 0.0, 50.0) == ""
