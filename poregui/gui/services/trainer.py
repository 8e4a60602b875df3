"""Own the trainer: the queue of runs, the child process, the thread that listens to it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import IO

from PySide6.QtCore import QObject, QThread, QTimer, Signal

from poregui.domain.errors import PoreguiError, TrainingError
from poregui.domain.events import (
    FINAL,
    Cancelled,
    EpochEnded,
    Event,
    Failed,
    Interrupted,
    Stage,
    Started,
    from_line,
)
from poregui.domain.recipe import Recipe
from poregui.domain.records import Changed
from poregui.gui.services.jobs import Background, TaskControl
from poregui.gui.services.session import Session
from poregui.gui.services.warm_trainer import WarmTrainer, start
from poregui.launching import poregui_command
from poregui.store.files import open_to_append
from poregui.store.finder_folder import FinderKind, trainable
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.training.finder_request import freeze_finder
from poregui.workflow.training.prepare_dataset import prepare
from poregui.workflow.training.training_request import Order, death_of


class RunQueue(QObject):
    """Hold orders by ticket, a number from 1 that is never used twice; `changed` after each of its
    changes.

    `refused` carries an order whose turn came and that could not begin, and its PoreguiError.
    """

    changed = Signal()
    refused = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._orders: dict[int, Order] = {}
        self._tickets = 0

    @property
    def orders(self) -> dict[int, Order]:
        """Return what waits by ticket, the next one first."""
        return dict(self._orders)

    def add(self, order: Order) -> int:
        """Let an order wait behind the others; return its ticket."""
        self._tickets += 1
        self._orders[self._tickets] = order
        self.changed.emit()
        return self._tickets

    def remove(self, ticket: int) -> None:
        """Forget an order; one that is no longer here is passed over."""
        if self._orders.pop(ticket, None) is not None:
            self.changed.emit()

    def take(self) -> Order | None:
        """Return the order whose turn it is and let it wait no longer; None when nothing waits."""
        if not self._orders:
            return None
        order = self._orders.pop(next(iter(self._orders)))
        self.changed.emit()
        return order

    def clear(self) -> None:
        """Forget all orders."""
        if self._orders:
            self._orders.clear()
            self.changed.emit()


FIT = poregui_command("fit", "--events", "--control", "--")
"""The command that trains; the run folder follows."""
GRACE_MS = 20_000
"""Time that a child has to end after a cancel or when the window closes, before it is killed."""
SILENCE_MS = 60_000
"""Time after which it is told that a child has said nothing."""
_LONGEST_LINE = 1 << 16


class TrainerThread(QThread):
    """Run `command` on a run folder and tell what it says as domain events, the last one a final
    one.

    The final event comes when the child has ended, so that the run folder is free by then. `ask`
    may be called from any thread at any time.
    """

    received = Signal(object)

    def __init__(
        self,
        run: RunFolder,
        command: Sequence[str] = FIT,
        parent: QObject | None = None,
        ready: subprocess.Popen[bytes] | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("trainer")
        self.run_folder = run
        self.final: Event | None = None
        self.begun = False
        """Whether the child has come as far as learning: before that there is
        nothing to be saved.
        """
        self._killed = False
        self._command = [*command, str(run.path)]
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = ready
        self._heard = False
        self._guard = threading.Lock()
        self._wishes: list[str] = []
        self._began = time.monotonic()
        self._epochs = 0

    def ask(self, wish: str) -> None:
        """Ask the child to `stop` and keep the best weights, to `cancel`, or to `leave` because the
        window closes.
        """
        with self._guard:
            if wish not in self._wishes:
                self._wishes.append(wish)
                self._tell(wish)

    def kill(self) -> None:
        """End the child at once; the thread ends soon after."""
        with self._guard:
            self._killed = True
            if self._process is not None and self._process.poll() is None:
                self._process.kill()

    def run(self) -> None:
        try:
            with open_to_append(self.run_folder.log_file) as log:
                self._start(log)
                final = self._listen()
                if (
                    self._ready is not None
                    and not self._heard
                    and not self._wishes
                    and not self._killed
                ):
                    self._ready = None  # it died while it waited
                    self._start(log)
                    final = self._listen()
        except OSError as error:
            self._end(
                Failed(
                    f"The trainer cannot be started: {error}.",
                    "Free some space, or choose a folder you can write to.",
                )
            )
            return
        self._end(final or self._ending_without_text())

    def _start(self, log: IO[bytes]) -> None:
        process = self._ready or start(self._command, log)
        with self._guard:
            if self._ready is not None and process.stdin is not None:
                with contextlib.suppress(OSError):  # it died, which its output will tell
                    process.stdin.write(f"{json.dumps(str(self.run_folder.path))}\n".encode())
                    process.stdin.flush()
            self._process = process
            for wish in self._wishes:
                self._tell(wish)
            if self._killed:
                process.kill()

    def _tell(self, wish: str) -> None:
        if self._process is None or self._process.stdin is None or self._process.stdin.closed:
            return
        with contextlib.suppress(OSError):  # it has ended already, which its output will tell
            if wish == "leave":
                self._process.stdin.close()
            else:
                self._process.stdin.write(f"{wish}\n".encode())
                self._process.stdin.flush()

    def _listen(self) -> Event | None:
        assert self._process is not None
        assert self._process.stdout is not None
        final: Event | None = None
        while line := self._process.stdout.readline(_LONGEST_LINE):
            self._heard = True
            event = from_line(line.decode("utf-8", "replace"))
            if isinstance(event, FINAL):
                final = event
            elif event is not None:
                self.begun = self.begun or isinstance(event, Started)
                if isinstance(event, EpochEnded):
                    self._epochs = event.epoch
                self.received.emit(event)
        self._process.wait()
        with self._guard, contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        self._process.stdout.close()
        return final

    def _ending_without_text(self) -> Event:
        """Say how a child ended that did not say so itself, and write it down for those who open
        the run later.
        """
        ending: Event
        if "cancel" in self._wishes:
            ending = Cancelled(time.monotonic() - self._began)
        elif "leave" in self._wishes:
            ending = Interrupted(self._epochs)
        else:
            assert self._process is not None
            death = death_of(self.run_folder, self._process.returncode)
            ending = Failed(death.what, death.remedy)
        with contextlib.suppress(PoreguiError, OSError):
            if not self.run_folder.is_running():
                writer = self.run_folder.open_events()
                writer.write(ending)
                writer.close()
        return ending

    def _end(self, final: Event) -> None:
        self.final = final
        self.received.emit(final)


class Trainer(QObject):
    """Train runs of the open project one at a time; outlives the pages that show it.

    `started` carries the RunFolder, `received` every event of it in order, `finished` its final
    event once more when a new training can start. What waits in `queue` then begins, whatever
    became of the run before. Call `close` before the project closes.
    """

    received = Signal(object)
    started = Signal(object)
    finished = Signal(object)

    def __init__(
        self,
        session: Session,
        background: Background,
        command: Sequence[str] = FIT,
        parent: QObject | None = None,
        grace_ms: int = GRACE_MS,
        silence_ms: int = SILENCE_MS,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._background = background
        self._command = command
        self._grace_ms = grace_ms
        self.queue = RunQueue(self)
        self.warm = WarmTrainer()
        self._thread: TrainerThread | None = None
        self._preparing = False
        self._given_up = self._closed = False
        self._patience = QTimer(self, singleShot=True)
        self._patience.timeout.connect(self._lose_patience)
        self._silence = QTimer(self, singleShot=True, interval=silence_ms)
        self._silence.timeout.connect(self._tell_silence)

    @property
    def running(self) -> bool:
        """Tell whether a training goes on or is about to."""
        return self._preparing or self._thread is not None

    @property
    def run_folder(self) -> RunFolder | None:
        """Return the run that is being trained."""
        if self._thread is not None:
            return self._thread.run_folder
        return None

    def submit(self, order: Order) -> None:
        """Start a run, or let it wait when one goes on.

        Raises PoreguiError when it cannot start.
        """
        if self.running:
            self.queue.add(order)
        else:
            self.start(order.recipe, order.folds, grouped=order.grouped)

    def start(self, recipe: Recipe, folds: int = 0, *, grouped: bool = True) -> None:
        """Freeze the labelled crops and train on them.

        Raises PoreguiError when that cannot start.
        """
        self._refuse_second()
        project = self._session.project
        before = project.test_split()
        frozen = prepare(project, recipe, folds=folds, grouped=grouped)
        self._preparing = True
        self._given_up = False
        self.received.emit(Stage("Preparing dataset"))
        if project.test_split() != before:
            self._session.announce(Changed(frozenset({"test_side"})))

        def write(_control: TaskControl) -> RunFolder:
            return frozen.write()

        self._background.run(
            "Preparing dataset",
            write,
            self._launch,
            self._refuse,
        )

    def teach(self, kind: FinderKind) -> None:
        """Let a finder learn from the checked areas. Raises PoreguiError when that cannot start."""
        self._refuse_second()
        self._session.project.check_writable()
        folder = self._session.project.folder
        self._preparing = True
        self._given_up = False

        def write(control: TaskControl) -> RunFolder:
            with Project.open(folder, read_only=True) as project:
                return freeze_finder(project, kind, progress=control.progress)[0]

        self._background.run("Reading the checked areas", write, self._launch, self._refuse)

    def resume(self, run: RunFolder) -> None:
        """Go on with a run that was interrupted. Raises TrainingError when another one goes on."""
        self._refuse_second()
        self._given_up = False
        self._launch(run)

    def keep_ready(self) -> None:
        """Let a process wait for the next training, where a person wants that; called when one
        could begin.
        """
        if not self.running:
            self.warm.prepare()

    def stop(self) -> None:
        """Let the training end soon with its best weights; it still tests and exports them."""
        if self._thread is not None:
            self._thread.ask("stop")

    def cancel(self) -> None:
        """Give the training up."""
        self._given_up = True
        if self._thread is not None:
            self._thread.ask("cancel")
            self._patience.start(self._grace_ms if self._thread.begun else 0)

    def close(self) -> None:
        """Let the child write a checkpoint and end, and wait for that; the run can be gone on with
        later.

        Runs that wait are forgotten.
        """
        self._closed = True
        self.queue.clear()
        self.warm.close()
        if self._preparing:
            self._given_up = True
            self._background.wait()
        if self._thread is None:
            return
        thread = self._thread
        thread.ask("leave")
        if not thread.begun or not thread.wait(self._grace_ms):
            thread.kill()
            thread.wait()
        self._ended()

    def _refuse_second(self) -> None:
        if self.running:
            raise TrainingError(
                "Training is already running.", "Wait until it ends, or stop it first."
            )
        busy = next(
            (run for run in trainable(self._session.project.folder) if run.is_running()), None
        )
        if busy is not None:
            raise TrainingError(
                f"Run {busy.number} of this project is being trained by another program.",
                "Wait until it ends, or stop it there.",
            )

    def _launch(self, run: RunFolder) -> None:
        self._preparing = False
        self._thread = thread = TrainerThread(
            run, self._command, self, self.warm.take(_recipe_of(run))
        )
        thread.received.connect(self._hear)
        thread.finished.connect(self._ended)
        if self._given_up:
            thread.ask("leave" if self._closed else "cancel")
            thread.kill()
        self._session.announce(Changed(frozenset({"runs"})))
        self.started.emit(run)
        self._silence.start()
        thread.start()

    def _hear(self, event: Event) -> None:
        if self._thread is not None:
            self._silence.start()
        self.received.emit(event)

    def _tell_silence(self) -> None:
        seconds = self._silence.interval() / 1000
        self.received.emit(
            Stage(f"Waiting for the trainer, silent for {seconds:g} s; Cancel ends it")
        )

    def _refuse(self, error: PoreguiError) -> None:
        self._preparing = False
        failed = Failed(error.what, error.remedy)
        self.received.emit(failed)
        self.finished.emit(failed)
        self._start_next()

    def _ended(self) -> None:
        thread = self._thread
        self._thread = None
        if thread is None:
            return
        self._patience.stop()
        self._silence.stop()
        thread.wait()
        thread.deleteLater()
        self._session.announce(Changed(frozenset({"runs"})))
        self.finished.emit(thread.final)
        self._start_next()
        if not self._closed:
            self.keep_ready()

    def _start_next(self) -> None:
        while not self.running and (order := self.queue.take()) is not None:
            try:
                self.submit(order)
            except PoreguiError as error:
                self.queue.refused.emit(order, error)

    def _lose_patience(self) -> None:
        if self._thread is not None:
            self._thread.kill()


def _recipe_of(run: RunFolder) -> Recipe | None:
    try:
        return run.read_recipe()
    except PoreguiError:  # the child will say what is wrong
        return None
