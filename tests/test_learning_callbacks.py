"""Test what is decided after each epoch; changes with callbacks.py."""

from __future__ import annotations

import math

import pytest

from poregui.domain.recipe import recipe_for
from poregui.learning.callbacks import BestEpoch, EarlyStopping, ReduceOnPlateau, early_stopping, reduce_on_plateau


def test_the_best_epoch_is_the_first_with_the_lowest_loss() -> None:
    best = BestEpoch()
    assert [best.improved(epoch, loss) for epoch, loss in enumerate((0.9, 0.5, 0.6, 0.5), start=1)] == [
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
    assert [stopping.ends(epoch, best_epoch=2) for epoch in (2, 3, 4, 5)] == [False, False, False, True]


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
