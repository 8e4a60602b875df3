"""Start a training in a child process and show what it tells."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO, Any

from poregui.cli.output import Screen
from poregui.domain.errors import TrainingError
from poregui.domain.events import (
    FINAL,
    BatchEnded,
    Cancelled,
    EpochEnded,
    Event,
    Failed,
    Finished,
    FoldEnded,
    Note,
    Stage,
    Started,
    from_line,
)
from poregui.domain.wording import count, fraction_of, noun
from poregui.launching import child_environment, poregui_command
from poregui.store.run_folder import RunFolder
from poregui.workflow.training.training_request import death_of

_BAR = 16
_GRACE_SECONDS = 20


def follow(run: RunFolder, screen: Screen) -> Finished:
    """Train a run folder in a child process, show its progress, and return how it finished.

    The first Ctrl+C lets it stop and keep the best weights, the second cancels it, the third kills
    it. Raises TrainingError when it fails or dies, with its last words, and KeyboardInterrupt when
    it was cancelled.
    """
    final: Event | None = None
    with (
        tempfile.TemporaryFile() as stderr,
        _child(run, stderr) as process,
        _stoppable(process, screen),
    ):
        assert process.stdout is not None
        display = Display(screen)
        for line in process.stdout:
            event = from_line(line)
            if event is not None:
                display.show(event)
                final = event if isinstance(event, FINAL) else final
        code = process.wait()
        screen.clear()
        if final is None:
            stderr.seek(0)
            raise death_of(run, code, stderr.read().decode("utf-8", "replace").splitlines())
    if isinstance(final, Finished):
        return final
    if isinstance(final, Failed):
        raise TrainingError(final.what, final.remedy)
    if isinstance(final, Cancelled):
        raise KeyboardInterrupt
    raise TrainingError(
        f"Run {run.path.name} was interrupted.", f"Go on with it: poregui fit {run.path}."
    )


@contextlib.contextmanager
def _child(run: RunFolder, stderr: IO[bytes]) -> Iterator[subprocess.Popen[str]]:
    """Start `poregui fit` apart from the terminal's Ctrl+C; it ends by itself when our end of its
    input closes.
    """
    process = subprocess.Popen(
        _command(run.path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=child_environment(),
        encoding="utf-8",
        errors="replace",
        **_apart(),
    )
    try:
        yield process
    finally:
        _end(process)


def _command(run_folder: Path) -> tuple[str, ...]:
    return poregui_command("fit", "--events", "--control", "--", str(run_folder))


def _apart() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    process.stdout.close()
    try:
        process.wait(_GRACE_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()


@contextlib.contextmanager
def _stoppable(process: subprocess.Popen[str], screen: Screen) -> Iterator[None]:
    """Turn Ctrl+C into what the child understands while the body runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    presses = 0

    def pressed(_signal: int, _frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        if presses == 1:
            screen.note("Stopping and keeping the best weights; Ctrl+C again cancels.")
        if presses > 2 or not _tell(process, "stop" if presses == 1 else "cancel"):
            process.kill()

    before = signal.signal(signal.SIGINT, pressed)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(process: subprocess.Popen[str], word: str) -> bool:
    assert process.stdin is not None
    try:
        process.stdin.write(f"{word}\n")
        process.stdin.flush()
    except (OSError, ValueError):
        return process.poll() is not None
    return True


class Display:
    """Show events: one line that moves in a terminal, one line per epoch elsewhere."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._moves = sys.stderr.isatty()
        self._last: EpochEnded | None = None

    def show(self, event: Event) -> None:
        """Write what an event says."""
        if isinstance(event, Started):
            self._last = None
            self._screen.note(_started_text(event))
        elif isinstance(event, Note | Stage):
            self._screen.note(
                f"Note: {event.text}" if isinstance(event, Note) else f"{event.text} ..."
            )
        elif isinstance(event, FoldEnded):
            right = fraction_of(event.accuracy, event.n)
            self._screen.note(
                f"Fold {event.fold} of {event.folds}: {right} {noun(event.n, 'crop')} right."
            )
        elif isinstance(event, BatchEnded) and self._moves:
            filled = _BAR * event.batch // max(event.batches, 1)
            bar = f"[{'#' * filled}{'.' * (_BAR - filled)}]"
            last = ""
            if self._last:
                last = f"  {_epoch_text(self._last)}"
            self._screen.draw(f"epoch {event.epoch} {bar} loss {event.loss:.3f}{last}")
        elif isinstance(event, EpochEnded):
            self._last = event
            if not self._moves:
                self._screen.note(
                    f"epoch {event.epoch}/{event.epochs}  loss {event.loss:.3f}  "
                    f"{_epoch_text(event)}"
                )


def _started_text(event: Started) -> str:
    if event.finds_pores:
        images = count(event.n_train, "checked micrograph")
        weights = count(event.parameters, "weight")
        return f"Run {event.run}: a finder that learns from {images}; {weights}."
    return (
        f"Run {event.run}: {count(event.n_train, 'crop')} for training, "
        f"{event.n_validation:,} for validation, {event.n_test:,} for testing; "
        f"{', '.join(event.classes)}; {count(event.parameters, 'weight')}."
    )


def _epoch_text(event: EpochEnded) -> str:
    minutes, seconds = divmod(round(event.seconds_left), 60)
    return (
        f"accuracy {event.accuracy:.3f}  validation loss {event.validation_loss:.3f}  accuracy "
        f"{event.validation_accuracy:.3f}  best epoch {event.best_epoch}  at most "
        f"{minutes}:{seconds:02d} left"
    )
