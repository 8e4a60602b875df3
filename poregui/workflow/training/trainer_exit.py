"""Say how a trainer died that told no end of its run."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterable
from pathlib import Path

from poregui.domain.errors import TrainingError
from poregui.store.run_folder import RunFolder

_LAST_LINES = 6
_LAST_BYTES = 16_384
_LONGEST_LINE = 300
_NOISE = re.compile(
    r"^[IW]\d{4} |: [IW] tensorflow/|WARNING: All log messages|"
    r"^To enable the following instructions"
)
"""What TensorFlow says at every start, which is nobody's last word."""


_MEMORY = re.compile(r"bad_alloc|out of memory|MemoryError|RESOURCE_EXHAUSTED", re.IGNORECASE)


def last_words(log_file: Path, also: Iterable[str] = ()) -> list[str]:
    """Return the last lines of a trainer's log, and of what it said elsewhere,
    that say something.
    """
    messages: list[str] = []
    with contextlib.suppress(OSError), open(log_file, "rb") as log:
        log.seek(max(0, log_file.stat().st_size - _LAST_BYTES))
        messages = log.read().decode("utf-8", "replace").splitlines()
    lines = [line.strip()[:_LONGEST_LINE] for line in (*messages, *also)]
    return [line for line in lines if line and not _NOISE.search(line)][-_LAST_LINES:]


def death_of(run: RunFolder, code: int, also: Iterable[str] = ()) -> TrainingError:
    """Return the sentence for a trainer that ended with an exit code (negative: by that signal) and
    told nothing.
    """
    how = f"with code {code}"
    messages = last_words(run.log_file, also)
    memory = code == -9 or any(_MEMORY.search(line) for line in messages)
    if code < 0:
        with contextlib.suppress(ValueError):
            how = f"by {signal.Signals(-code).name}"
    if memory:
        how += ", perhaps for want of memory"
    words = " / ".join(messages)
    if memory:
        remedy = "Choose fewer crops per batch or a smaller input size, or close other programs"
    else:
        remedy = "Train again"
    kept = ""
    if run.checkpoint_file.exists() or run.model_file.exists():
        if run.model_file.exists():
            what = "Its network is kept"
        else:
            what = "Its last checkpoint is kept"
        kept = f" {what}: Resume on the Train page, or poregui fit {run.path}, goes on from there."
    return TrainingError(
        f"The trainer of run {run.path.name} died {how}. Its last words: {words or 'none'}.",
        f"The labels are not concerned.{kept} {remedy}, or look into the log {run.log_file}.",
    )
