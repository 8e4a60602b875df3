"""Test what is decided after each epoch."""

from __future__ import annotations

import math

import pytest

from poregui.domain.recipe import recipe_for
from poregui.learning.callbacks import (
    BestEpoch,
    Cosine,
    EarlyStopping,
    ReduceOnPlateau,
    cosine,
    early_stopping,
    reduce_on_plateau,
)


def test_the_best_epoch_is_the_first_with_the_lowest_loss() -> None:
    best = BestEpoch()
    assert [
        best.improved(epoch, loss) for epoch, loss in enumerate((0.9, 0.5, 0.6, 0.5), start=1)
    ] == [
        True,
        True,
        False,
        False,
    ]
    assert (best.epoch, best.loss) == (2, 0.5)


def test_a_loss_that_is_no_number_is_never_the_best() -> None:
    best = BestEpoch()
    assert not best.improved(1, math.nan)
    assert best.improved(2, 3.0)


def test_early_stopping_waits_for_its_patience() -> None:
    stopping = EarlyStopping(3)
    assert [stopping.ends(epoch, best_epoch=2) for epoch in (2, 3, 4, 5)] == [
        False,
        False,
        False,
        True,
    ]


def test_the_rate_falls_on_a_plateau_and_not_below_the_floor() -> None:
    plateau = ReduceOnPlateau(patience=2, factor=0.5, smallest=0.003)
    rates, rate = [], 0.01
    for loss in (1.0, 0.8, 0.8, 0.79995, 0.8, 0.8, 0.8, 0.8):
        rate = plateau.next_rate(loss, rate)
        rates.append(rate)
    assert rates == pytest.approx([0.01, 0.01, 0.01, 0.005, 0.005, 0.003, 0.003, 0.003])


def test_a_rate_that_began_below_the_floor_is_not_raised() -> None:
    plateau = ReduceOnPlateau(patience=1, factor=0.5, smallest=0.01)
    assert plateau.next_rate(1.0, 0.001) == 0.001
    assert plateau.next_rate(1.0, 0.001) == 0.001


def test_what_a_recipe_switches_off_never_acts() -> None:
    recipe = recipe_for("default", early_stopping=False, reduce_on_plateau=False)
    assert not early_stopping(recipe).ends(1000, 1)
    plateau = reduce_on_plateau(recipe)
    assert {plateau.next_rate(1.0, 0.01) for _ in range(50)} == {0.01}


def test_a_cosine_rises_for_two_epochs_and_falls_to_the_smallest_rate_in_the_last_one() -> None:
    rates = [Cosine(0.003, 0.0001, 7).rate(epoch) for epoch in range(1, 8)]
    middle = (0.003 + 0.0001) / 2
    assert rates[:3] == pytest.approx([0.001, 0.002, 0.003])
    assert rates[4] == pytest.approx(middle)
    assert rates[6] == pytest.approx(0.0001)
    assert rates[2:] == sorted(rates[2:], reverse=True)


@pytest.mark.parametrize("epochs", [1, 2, 3, 4])
def test_a_short_cosine_still_reaches_its_peak_and_goes_no_higher(epochs: int) -> None:
    rates = [Cosine(0.01, 0.001, epochs).rate(epoch) for epoch in range(1, epochs + 1)]
    assert max(rates) == pytest.approx(0.01)
    assert min(rates) > 0


def test_a_cosine_whose_floor_lies_above_its_peak_stays_at_the_peak() -> None:
    assert Cosine(0.001, 0.01, 5).rate(5) == pytest.approx(0.001)


def test_a_recipe_has_either_a_cosine_or_a_plateau() -> None:
    chosen = recipe_for("default", schedule="cosine")
    plateau = reduce_on_plateau(chosen)
    assert {plateau.next_rate(1.0, 0.01) for _ in range(50)} == {0.01}
    assert cosine(chosen) == Cosine(
        chosen.learning_rate, chosen.smallest_learning_rate, chosen.epochs
    )
    assert cosine(recipe_for("default", schedule="plateau")) is None
