"""Run a training as a process of its own: lock, events, control, log."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from poregui.domain.errors import PoreguiError, ProjectError, TrainingError
from poregui.domain.events import FINAL, Event, Failed, Stage, to_line
from poregui.learning.hardware import check_address_space, set_limits
from poregui.store.files import open_to_append
from poregui.store.finder_folder import FinderFolder
from poregui.store.run_files import EventWriter, remove_leftovers
from poregui.store.run_folder import RunFolder

DONE = 0
BROKEN = 1
REFUSED = 2
"""Exit codes: the run ended as asked, a bug, something that a person can put right."""
_LONGEST_START_S = 300
"""Seconds after which a trainer ends whose TensorFlow has not started, whatever it does."""
_OUT_OF_MEMORY = (
    "Training ran out of memory.",
    "Choose fewer crops per batch or a smaller input size, or close other programs, then train "
    "again.",
)


class Control:
    """Hold what a person last asked a running training for: '', 'stop', 'cancel' or 'interrupt'."""

    _RANK = (
        "",
        "interrupt",
        "stop",
        "cancel",
    )  # who asked to stop and went away wants the run to be complete

    def __init__(self) -> None:
        self._asked = ""

    def ask(self, wish: str) -> None:
        """Take in a wish; a weaker one never takes back a stronger one."""
        if wish in self._RANK and self._RANK.index(wish) > self._RANK.index(self._asked):
            self._asked = wish

    def asked(self) -> str:
        """Return what `train` should do."""
        return self._asked

    def listen(self) -> None:
        """Read wishes, one a line, from standard input in the background; its end interrupts the
        training.
        """
        threading.Thread(target=self._read, name="control", daemon=True).start()

    def _read(self) -> None:
        # A buffered reader would hold its lock when the interpreter ends and abort the process.
        rest = b""
        while True:
            try:
                content = os.read(0, 4096)
            except OSError:
                content = b""
            if not content:
                self.ask("interrupt")
                return
            *lines, rest = (rest + content).split(b"\n")
            for line in lines:
                self.ask(line.decode("utf-8", "replace").strip())

    def signalled(self, number: int, frame: FrameType | None) -> None:
        """Answer Ctrl+C: the first stops and keeps the best weights, the second gives up."""
        self.ask("cancel" if self._asked == "stop" else "stop")


class Teller:
    """Tell events to events.jsonl and, where wanted, as lines to a descriptor."""

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor = descriptor
        self.writer: EventWriter | None = None
        self.ended = False

    def __call__(self, event: Event) -> None:
        """Tell an event; a window that no longer listens is no error, for the training learns of it
        by its control.
        """
        self.ended = self.ended or isinstance(event, FINAL)
        if self.writer is not None:
            self.writer.write(event)
        if self.descriptor is None:
            return
        line = (to_line(event) + "\n").encode()
        try:
            while line:
                line = line[os.write(self.descriptor, line) :]
        except OSError:
            self.descriptor = None


def fit(run_folder: Path, *, events: bool, control: bool) -> int:
    """Train the run folder and return the exit code: 0, 1 for a bug of ours, 2 for what a person
    can put right.

    `events`: each event is written to standard output as a line of JSON; they stand in events.jsonl
    anyway. `control`: lines `stop` and `cancel` on standard input are obeyed, and its end
    interrupts; without it Ctrl+C stops and a second one cancels. Whatever TensorFlow writes goes to
    trainer.log. A failure is told as a `Failed` event, or, without `events`, as one sentence on
    standard error.
    """
    folder = _folder_of(run_folder)
    wishes = Control()
    try:
        if not _what_to_learn(folder).exists():
            raise ProjectError(
                f"{run_folder} is not a run folder.",
                "Give the folder of a run, such as PROJECT/runs/001.",
            )
        lock = folder.lock()
    except PoreguiError as error:
        return _refuse(error, events)
    try:
        with _diverted(folder.log_file) as (out, err), _signals(wishes, control):
            teller = Teller(out if events else None)
            failed = _run(folder, teller, wishes, control)
            if failed and not events:
                _say(err, f"{failed.what} {failed.remedy}")
            if failed is None:
                return DONE
            if failed.detail:
                return BROKEN
            return REFUSED
    except PoreguiError as error:
        return _refuse(error, events)
    finally:
        lock.release()


def _folder_of(path: Path) -> RunFolder:
    finder = FinderFolder(path)
    return finder if finder.request_file.exists() else RunFolder(path)


def _what_to_learn(folder: RunFolder) -> Path:
    if isinstance(folder, FinderFolder):
        return folder.request_file
    return folder.dataset_file


def _refuse(error: PoreguiError, events: bool) -> int:
    """Tell why a training cannot begin, without touching the events of another trainer."""
    failed = Failed(error.what, error.remedy)
    _say(1 if events else 2, to_line(failed) if events else f"{failed.what} {failed.remedy}")
    return REFUSED


def _say(descriptor: int, line: str) -> None:
    with suppress(OSError):  # nobody listens any more
        os.write(descriptor, f"{line}\n".encode())


def _run(folder: RunFolder, teller: Teller, wishes: Control, control: bool) -> Failed | None:
    """Train and tell its end; return how it failed, None when it did not."""
    teller.writer = folder.open_events()
    try:
        teller(Stage("Starting"))
        remove_leftovers(folder.path)
        if control:
            wishes.listen()
        failed = _failure(folder, teller, wishes)
        if failed is not None and not teller.ended:
            teller(failed)
        return failed
    finally:
        teller.writer.close()


def _failure(folder: RunFolder, teller: Teller, wishes: Control) -> Failed | None:
    try:
        _learn(folder, teller, wishes)
    except PoreguiError as error:
        _say(2, traceback.format_exc())
        return Failed(error.what, error.remedy)
    except Exception as error:  # noqa: BLE001 - whatever it is, the window must hear of it
        _say(2, traceback.format_exc())
        if _wants_memory(error):
            return Failed(*_OUT_OF_MEMORY)
        return Failed(
            f"Training failed: {type(error).__name__}: {_first_line(error)}.",
            f"See {folder.log_file} and report it.",
            traceback.format_exc(),
        )
    return None


def _learn(folder: RunFolder, teller: Teller, wishes: Control) -> None:
    """Train what a folder asks for. Raises what goes wrong."""
    if isinstance(folder, FinderFolder):
        set_limits(0, os.environ)
        teller(Stage("Starting TensorFlow"))
        _start_finder()(folder.path, teller, wishes.asked)
        return
    recipe = folder.read_recipe()
    set_limits(recipe.threads, os.environ)
    if recipe.preset == "shape":
        from poregui.learning.shape_forest import train_shapes

        train_shapes(folder.path, teller, wishes.asked)
        return
    teller(Stage("Starting TensorFlow"))
    _start_tensorflow()(folder.path, teller, wishes.asked)


Train = Callable[[Path, Teller, Callable[[], str]], None]


def _start_finder() -> Train:
    """Import what trains a finder. Raises TrainingError where a limit leaves too little memory."""
    with _must_start():
        from poregui.learning.finders.finder_training import train_finder
    return train_finder


def _start_tensorflow() -> Train:
    """Import what trains a network. Raises TrainingError as `_start_finder` does."""
    with _must_start():
        from poregui.learning.train import train
    return train


@contextmanager
def _must_start() -> Iterator[None]:
    """End the process where TensorFlow loops for ever, as it does in too little address space."""
    check_address_space()
    faulthandler.dump_traceback_later(_LONGEST_START_S, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _wants_memory(error: Exception) -> bool:
    """Tell whether memory was refused: by Python, by TensorFlow, or by the driver of a GPU below
    it.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return True
    text = str(error).lower()
    return "out of memory" in text or "cuda_error_out_of_memory" in text


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    if lines:
        return lines[0].rstrip(".")[:200]
    return "no further message"


@contextmanager
def _diverted(log_file: Path) -> Iterator[tuple[int, int]]:
    """Send descriptors 1 and 2 to the log, as TensorFlow writes to them from C; yield copies of the
    real ones.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        with open_to_append(log_file) as opened:
            log = os.dup(opened.fileno())
    except OSError as error:
        raise TrainingError(
            f"{log_file} cannot be written: {error.strerror}.",
            "Choose a folder you can write to.",
        ) from error
    saved = os.dup(1), os.dup(2)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    try:
        yield saved
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for index, copy in enumerate(saved, start=1):
            os.dup2(copy, index)
            os.close(copy)


@contextmanager
def _signals(wishes: Control, control: bool) -> Iterator[None]:
    """Let Ctrl+C stop a training that nobody controls; one that a window controls leaves Ctrl+C to
    the window.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler: Any = signal.SIG_IGN if control else wishes.signalled
    before = signal.signal(signal.SIGINT, handler)
    terminated = signal.signal(signal.SIGTERM, lambda number, frame: wishes.ask("interrupt"))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, terminated)
