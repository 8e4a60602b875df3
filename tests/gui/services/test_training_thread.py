"""Hold the trainer's thread to its promises with a child that speaks the
protocol and cannot train.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from builders import add_crops, labelled_project
from fake_trainer import BEGIN, FINISHED, STOPPED, epochs

from poregui.domain.errors import TrainingError
from poregui.domain.events import Cancelled, EpochEnded, Failed, Interrupted, Stage
from poregui.domain.recipe import Recipe
from poregui.gui.services.jobs import Background
from poregui.gui.services.session import Session
from poregui.gui.services.trainer import Trainer, TrainerThread
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.training.training_request import last_words

FAKE = Path(__file__).resolve().parents[3] / "tests" / "support" / "fake_trainer.py"


def fake(way):
    return (sys.executable, str(FAKE), way)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "001"
    folder.mkdir()
    return RunFolder(folder)


def listen(qtbot, thread, until_told=None):
    """Start a thread and return all that it tells until it ends; `until_told` runs after the first
    epoch.
    """
    received = []

    def hear(event):
        received.append(event)
        if until_told and isinstance(event, EpochEnded):
            until_told()

    thread.received.connect(hear)
    with qtbot.waitSignal(thread.finished, timeout=30_000):
        thread.start()
    qtbot.waitUntil(lambda: received and received[-1] == thread.final)
    thread.wait()
    return received


def test_all_events_of_the_child_arrive_in_order(qtbot, run):
    assert listen(qtbot, TrainerThread(run, fake("finishes"))) == [*BEGIN, *epochs(), FINISHED]


def test_the_run_folder_is_free_when_the_final_event_is_told(qtbot, run):
    thread = TrainerThread(run, fake("finishes"))
    running = []
    thread.received.connect(
        lambda event: running.append(run.is_running()) if event == FINISHED else None
    )
    listen(qtbot, thread)
    assert running == [False]


def test_stop_lets_the_child_finish_with_its_best_weights(qtbot, run):
    thread = TrainerThread(run, fake("waits"))
    assert listen(qtbot, thread, lambda: thread.ask("stop"))[-1] == STOPPED


def test_cancel_gives_the_run_up(qtbot, run):
    thread = TrainerThread(run, fake("waits"))
    assert listen(qtbot, thread, lambda: thread.ask("cancel"))[-1] == Cancelled(1.0)


def test_a_wish_before_the_child_started_is_not_lost(qtbot, run):
    thread = TrainerThread(run, fake("waits"))
    thread.ask("stop")
    assert listen(qtbot, thread)[-1] == STOPPED


def test_the_end_of_its_input_interrupts_the_child(qtbot, run):
    thread = TrainerThread(run, fake("waits"))
    assert listen(qtbot, thread, lambda: thread.ask("leave"))[-1] == Interrupted(1)


def test_a_child_that_dies_is_a_failure_with_its_last_words(qtbot, run):
    failed = listen(qtbot, TrainerThread(run, fake("dies")))[-1]
    assert isinstance(failed, Failed)
    assert "code 7" in failed.what
    assert "the very last words" in failed.what
    assert "noise" not in failed.what
    assert run.final_event() == failed


def test_a_child_that_refuses_says_why(qtbot, run):
    assert listen(qtbot, TrainerThread(run, fake("refuses")))[-1] == Failed(
        "The disk is full.", "Make room."
    )


def test_lines_that_are_no_events_are_passed_over(qtbot, run):
    assert listen(qtbot, TrainerThread(run, fake("floods"))) == [*BEGIN, *epochs(), FINISHED]


def test_a_command_that_does_not_exist_is_a_failure(qtbot, run):
    thread = TrainerThread(run, ("/nowhere/python",))
    received = listen(qtbot, thread)
    assert len(received) == 1
    assert "cannot be started" in received[0].what


def test_a_killed_child_that_was_to_leave_was_interrupted_after_its_epochs(qtbot, run):
    thread = TrainerThread(run, fake("deaf"))

    def leave():
        thread.ask("leave")
        thread.kill()

    assert listen(qtbot, thread, leave)[-1] == Interrupted(1)
    assert run.final_event() == Interrupted(1)


def test_the_last_words_of_a_log_that_is_missing_are_none(tmp_path):
    assert last_words(tmp_path / "trainer.log") == []


@pytest.fixture
def session(qapp, tmp_path):
    session = Session(labelled_project(tmp_path / "project"), who="ada")
    yield session
    session.close()


@pytest.fixture
def make_trainer(session):
    made = []

    def make(way, **more):
        background = Background()
        trainer = Trainer(session, background, fake(way), **more)
        made.append((trainer, background))
        return trainer

    yield make
    for trainer, background in made:
        trainer.close()
        background.wait()


def first_epoch(trainer):
    reached = threading.Event()
    trainer.received.connect(lambda event: reached.set() if isinstance(event, EpochEnded) else None)
    return reached.is_set


def test_a_training_freezes_the_labels_and_announces_its_run(qtbot, session, make_trainer):
    trainer = make_trainer("finishes")
    changes, runs, received = [], [], []
    session.changed.connect(changes.append)
    trainer.started.connect(runs.append)
    trainer.received.connect(received.append)
    with qtbot.waitSignal(trainer.finished, timeout=30_000) as finished:
        trainer.start(Recipe(epochs=7))
        assert trainer.running
    assert not trainer.running
    assert finished.args == [FINISHED]
    assert isinstance(received[0], Stage)
    assert received[-1] == FINISHED
    assert runs[0].read_recipe().epochs == 7
    assert len(runs[0].read_dataset().crops) == 60
    assert sum("runs" in change.kinds for change in changes) == 2


def test_a_second_training_is_refused_while_one_goes_on(qtbot, make_trainer):
    trainer = make_trainer("waits")
    trainer.start(Recipe())
    with pytest.raises(TrainingError, match="already running"):
        trainer.start(Recipe())
    qtbot.waitUntil(first_epoch(trainer), timeout=30_000)
    with pytest.raises(TrainingError, match="already running"):
        trainer.start(Recipe())
    with qtbot.waitSignal(trainer.finished, timeout=30_000):
        trainer.stop()


def test_a_run_that_another_program_trains_is_not_trained_beside(session, make_trainer):
    run = labelled_run(session)
    lock = run.lock()
    with pytest.raises(TrainingError, match="another program"):
        make_trainer("finishes").start(Recipe())
    lock.release()


def labelled_run(session):
    from poregui.workflow.training.prepare_dataset import freeze

    return freeze(session.project, Recipe())


def test_labels_that_do_not_allow_a_training_are_refused_at_once(qapp, tmp_path):
    with Project.create(tmp_path / "few") as project:
        add_crops(project, [1, 1, 1, 1, 1, 1])
        session, background = Session(project, who="ada"), Background()
        trainer = Trainer(session, background, fake("finishes"))
        with pytest.raises(TrainingError):
            trainer.start(Recipe())
        assert not trainer.running
        assert project.runs() == []


def test_a_cancel_while_the_labels_are_frozen_gives_the_run_up(qtbot, make_trainer):
    trainer = make_trainer("waits")
    with qtbot.waitSignal(trainer.finished, timeout=30_000) as finished:
        trainer.start(Recipe())
        trainer.cancel()
    assert isinstance(finished.args[0], Cancelled)


def test_closing_before_the_child_has_begun_to_learn_does_not_wait_for_it(
    qtbot, session, make_trainer
):
    trainer = make_trainer("sleeps", grace_ms=60_000)
    with qtbot.waitSignal(trainer.started, timeout=30_000):
        trainer.start(Recipe())
    trainer.close()
    assert session.project.runs()[0].final_event() == Interrupted(0)


def test_a_child_that_does_not_hear_a_cancel_is_killed_after_the_grace_time(
    qtbot, session, make_trainer
):
    trainer = make_trainer("deaf", grace_ms=50)
    trainer.start(Recipe())
    qtbot.waitUntil(first_epoch(trainer), timeout=30_000)
    with qtbot.waitSignal(trainer.finished, timeout=30_000) as finished:
        trainer.cancel()
    assert isinstance(finished.args[0], Cancelled)
    assert isinstance(session.project.runs()[0].final_event(), Cancelled)


def test_closing_leaves_a_run_that_can_be_gone_on_with(qtbot, session, make_trainer):
    trainer = make_trainer("waits")
    trainer.start(Recipe())
    qtbot.waitUntil(first_epoch(trainer), timeout=30_000)
    trainer.close()
    assert not trainer.running
    run = session.project.runs()[0]
    assert run.final_event() == Interrupted(1)
    again = make_trainer("finishes")
    with qtbot.waitSignal(again.finished, timeout=30_000):
        again.resume(run)
    assert run.final_event() == FINISHED
    assert len(session.project.runs()) == 1


def test_closing_does_not_wait_for_ever_for_a_child_that_hangs(qtbot, session, make_trainer):
    trainer = make_trainer("deaf", grace_ms=50)
    trainer.start(Recipe())
    qtbot.waitUntil(first_epoch(trainer), timeout=30_000)
    trainer.close()
    assert session.project.runs()[0].final_event() == Interrupted(1)
