"""Stand in for `poregui fit` in tests: speak its protocol without TensorFlow, as told by the first
word.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from poregui.domain.evaluation import Prediction
from poregui.domain.events import (
    BatchEnded,
    Cancelled,
    EpochEnded,
    Event,
    Failed,
    Finished,
    Interrupted,
    Note,
    Stage,
    Started,
    to_line,
)
from poregui.store.files import write_json
from poregui.store.run_folder import RunFolder

EPOCHS, BATCHES = 3, 4


def epochs(last: int = EPOCHS) -> list[Event]:
    """Return the events of a training whose second epoch is the best one."""
    received: list[Event] = []
    for epoch in range(1, last + 1):
        loss = 1.0 / epoch
        received += [
            BatchEnded(epoch, batch, BATCHES, loss + 0.01 * batch, 0.3 * epoch)
            for batch in range(1, BATCHES + 1)
        ]
        best = min(epoch, 2)
        received.append(
            EpochEnded(
                epoch,
                EPOCHS,
                loss,
                0.3 * epoch,
                abs(2 - epoch) + 0.5,
                0.25 * epoch,
                0.001,
                best,
                epoch - best,
                10,
                epoch,
                9,
            )
        )
    return received


BEGIN: list[Event] = [
    Stage("Loading"),
    Note("A warning."),
    Started("001", ("Gas", "Keyhole"), 20, 5, 6, EPOCHS, BATCHES, 1234),
]
FINISHED = Finished(EPOCHS, 2, 0.75, 120, 5.0, low=0.664, high=0.819, over="3 specimens")
STOPPED = Finished(1, 1, 0.5, 120, 5.0, stopped=True)


def prediction(run: RunFolder) -> None:
    """Leave answers as every trainer does, where there is something to answer."""
    if run.dataset_file.exists():
        dataset = run.read_dataset()
        alike = tuple(1 / len(dataset.classes) for _ in dataset.classes)
        predictions = [Prediction(crop.crop_id, alike) for crop in dataset.crops]
        run.write_predictions(
            dataset.classes, {crop.crop_id: crop.split for crop in dataset.crops}, predictions
        )
        write_json(run.metrics_file, {"accuracy_as_trained": 0.75, "pooled_accuracy": 0.75})


def play(way: str, run: RunFolder) -> int:
    """Behave in one of the ways that tests need; return the exit code."""
    if way == "sleeps":
        time.sleep(100)
    lock = run.lock()
    writer = run.open_events()

    def tell(*events: Event) -> None:
        for event in events:
            writer.write(event)
            os.write(1, (to_line(event) + "\n").encode())

    if way == "dies":
        tell(*BEGIN)
        sys.stderr.write("2026-01-01 00:00:00.0: I tensorflow/core: noise\nthe very last words\n")
        return 7
    if way == "refuses":
        tell(Failed("The disk is full.", "Make room."))
        return 2
    if way == "floods":
        os.write(1, b"\xff{not json}\n" * 20_000 + b"x" * 300_000 + b"\n")
        os.write(2, b"noise without an end\n" * 100_000)
    tell(*BEGIN)
    if way in ("waits", "deaf"):
        tell(*epochs(1))
        return _obey(way, run, tell)
    tell(*epochs())
    prediction(run)
    tell(FINISHED)
    lock.release()
    return 0


def _obey(way: str, run: RunFolder, tell: object) -> int:
    while way == "deaf":
        time.sleep(0.05)
    wish = os.read(0, 100).decode()
    assert callable(tell)
    if "stop" in wish:
        prediction(run)
    tell(STOPPED if "stop" in wish else Cancelled(1.0) if "cancel" in wish else Interrupted(1))
    return 0


if __name__ == "__main__":
    sys.exit(play(sys.argv[1], RunFolder(Path(sys.argv[2]))))
