"""Hold what a run keeps: the weights of which epoch, and how often a checkpoint
while it goes on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from run_folders import make_run, small_recipe

from poregui.domain.events import BatchEnded, EpochEnded, Event, Finished
from poregui.learning import fitting
from poregui.learning.checkpoint import LARGEST_SHARE, MIN_SECONDS, Pace
from poregui.learning.fitting import score
from poregui.learning.train import train
from poregui.store.run_folder import RunFolder


def never() -> str:
    return ""


def of_kind(received: list[Event], kind: type[Event]) -> list[Event]:
    return [event for event in received if isinstance(event, kind)]


def kept_loss(folder: RunFolder) -> float:
    """Return the validation loss of the weights that a run kept."""
    pairs = zip(folder.read_predictions(), folder.read_dataset().crops, strict=True)
    given = [
        prediction.probabilities[crop.label]
        for prediction, crop in pairs
        if crop.split == "validation"
    ]
    return float(-np.log(given).mean())


def test_the_best_epochs_weights_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses: list[float] = []

    def second_is_best(predictions: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
        loss, accuracy = score(predictions, labels)
        losses.append(loss)
        return loss + (0 if len(losses) == 2 else 100), accuracy

    monkeypatch.setattr(fitting, "score", second_is_best)
    folder = make_run(tmp_path / "1", small_recipe(epochs=4, schedule="plateau"), crops=60)
    train(folder.path, lambda event: None, never)
    assert len(set(losses)) == 4
    assert kept_loss(folder) == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.soak
def test_a_cosine_that_nothing_ends_early_keeps_its_last_epoch_and_a_stopped_one_the_best(
    tmp_path: Path,
) -> None:
    recipe = small_recipe(epochs=5, learning_rate=0.02)
    folder = make_run(tmp_path / "1", recipe, crops=60)
    received: list[Event] = []
    train(folder.path, received.append, never)
    losses = [epoch.validation_loss for epoch in of_kind(received, EpochEnded)]
    assert kept_loss(folder) == pytest.approx(losses[-1], rel=1e-4)
    assert of_kind(received, Finished)[0].best_epoch == 5
    stopped = make_run(tmp_path / "2", recipe, crops=60)
    received = []
    train(
        stopped.path,
        received.append,
        lambda: "stop" if len(of_kind(received, BatchEnded)) >= 9 else "",
    )
    assert kept_loss(stopped) == pytest.approx(
        min(e.validation_loss for e in of_kind(received, EpochEnded)), rel=1e-4
    )


def test_checkpoints_take_a_small_part_of_the_time_whatever_one_costs() -> None:
    for cost, apart in ((0.01, MIN_SECONDS), (1.0, 1.0 / LARGEST_SHARE)):
        pace, now, written = Pace(100.0), 100.0, []
        while now < 400.0:
            now += 0.5  # an epoch
            if pace.is_due(now):
                written.append(now)
                pace.wrote(now, now + cost)
                now += cost
        assert written[0] == pytest.approx(100 + MIN_SECONDS, abs=0.6)
        assert np.diff(written) == pytest.approx(apart + cost, abs=0.6)
        assert len(written) * cost <= LARGEST_SHARE * 300 + cost
