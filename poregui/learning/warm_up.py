"""Load TensorFlow before a run is known, so that a training begins at once."""

from __future__ import annotations

import gc
import json
import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poregui.domain.errors import TrainingError
from poregui.learning.child import DONE, REFUSED, fit
from poregui.learning.hardware import check_address_space, set_limits

_LOOK_S = 0.2


def wait_and_fit() -> int:
    """Load all that a training needs, read a run folder from standard input, and train it as `fit`
    does with control.

    The folder is one line of JSON text; the lines after it are wishes. Returns the exit code of
    `fit`, and 0 when the input ends before a run was named, because the window is gone. Uses all
    processor threads: a recipe that asks for another number needs a process of its own.
    """
    set_limits(0, os.environ)
    try:
        check_address_space()
    except TrainingError:
        return REFUSED  # a process of its own says so when a run begins
    with _silent(), _leaving_with_the_window():
        _load()
    named = _first_line()
    if not named:
        return DONE
    return fit(Path(json.loads(named)), events=True, control=True)


def _load() -> None:
    """Import what a run imports, and let TensorFlow trace and run one step, which loads the rest of
    it.
    """
    import keras
    import numpy as np

    import poregui.learning.folds
    import poregui.learning.shape_forest
    import poregui.learning.train  # noqa: F401

    image = keras.Input((8, 8, 1))
    flow = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(image))
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(flow))
    model.compile("adam", keras.losses.CategoricalCrossentropy(), jit_compile=False)
    model.train_on_batch(np.zeros((2, 8, 8, 1), np.float32), np.eye(2, dtype=np.float32))
    model.predict_on_batch(np.zeros((2, 8, 8, 1), np.float32))
    keras.backend.clear_session()
    gc.collect()
    # what is loaded stays: looking through all of it again would take 0.2 s of the first step
    gc.freeze()


def _first_line() -> bytes:
    """Read to the end of a line and no further, for what follows is read by the
    control of the run.
    """
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return b""
        line += byte
    return line


@contextmanager
def _leaving_with_the_window() -> Iterator[None]:
    """End this process at once when its input ends meanwhile: loading takes long where others keep
    the machine busy.
    """
    if not hasattr(select, "poll"):
        yield
        return
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(done,), name="window", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _watch(done: threading.Event) -> None:
    watched = select.poll()
    watched.register(0, select.POLLIN | select.POLLHUP)
    while not done.wait(_LOOK_S):
        ready = watched.poll(0)
        if ready and ready[0][1] & select.POLLHUP and not ready[0][1] & select.POLLIN:
            os._exit(DONE)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what TensorFlow writes while it loads away from the events."""
    sys.stdout.flush()
    saved = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        sys.stdout.flush()
        for index, copy in enumerate(saved, start=1):
            os.dup2(copy, index)
            os.close(copy)
