"""Decide after each epoch whether weights are the best, the learning rate falls or the training
ends.

Free of Keras, so that they are tested with plain numbers; each keeps its state in fields that a
checkpoint can hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from poregui.domain.recipe import Recipe

_WARM_UP = 2
"""Epochs in which a cosine schedule rises: the first steps of Adam are its wildest."""
_MIN_GAIN = 1e-4
"""Falls of the loss below this do not reset the wait for a lower learning rate (as in Keras)."""


@dataclass
class BestEpoch:
    """Remember the epoch (counted from 1; 0 for none) with the lowest validation loss; the first of
    equals.
    """

    epoch: int = 0
    loss: float = math.inf

    def improved(self, epoch: int, loss: float) -> bool:
        """Take in the loss of an epoch and tell whether it is the best so far."""
        if loss < self.loss:
            self.epoch = epoch
            self.loss = loss
            return True
        return False


@dataclass
class EarlyStopping:
    """End the training when the best epoch lies `patience` epochs back; 0 never ends it."""

    patience: int

    def ends(self, epoch: int, best_epoch: int) -> bool:
        """Tell whether the training should end after this epoch."""
        return self.patience > 0 and epoch - best_epoch >= self.patience


@dataclass(frozen=True)
class Cosine:
    """Let the learning rate rise to `peak` over two epochs and fall along half a cosine to
    `smallest` in the last one.

    Loshchilov and Hutter, SGDR, 2017, without restarts. The rate depends on the number of the epoch
    alone, so that a training that was interrupted goes on with it.
    """

    peak: float
    smallest: float
    epochs: int

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 1."""
        warm = min(_WARM_UP, self.epochs - 1)
        if epoch <= warm:
            return self.peak * epoch / (warm + 1)
        passed = (epoch - warm - 1) / max(self.epochs - warm - 1, 1)
        floor = min(self.smallest, self.peak)
        return floor + (self.peak - floor) * 0.5 * (1 + math.cos(math.pi * passed))


@dataclass
class ReduceOnPlateau:
    """Multiply the learning rate by `factor` when the loss has not fallen for `patience` epochs; 0
    never does.
    """

    patience: int
    factor: float
    smallest: float
    best: float = math.inf
    waited: int = 0

    def next_rate(self, loss: float, rate: float) -> float:
        """Take in the loss of an epoch and return the learning rate for the next one."""
        if loss < self.best - _MIN_GAIN:
            self.best = loss
            self.waited = 0
            return rate
        self.waited += 1
        if self.patience == 0 or self.waited < self.patience:
            return rate
        self.waited = 0
        return max(rate * self.factor, min(rate, self.smallest))


def early_stopping(recipe: Recipe) -> EarlyStopping:
    """Return the early stopping that a recipe asks for."""
    return EarlyStopping(recipe.early_stopping_patience if recipe.early_stopping else 0)


def reduce_on_plateau(recipe: Recipe) -> ReduceOnPlateau:
    """Return what a recipe asks for on a plateau; with another schedule it never acts."""
    acts = recipe.schedule == "plateau" and recipe.reduce_on_plateau
    patience = 0
    if acts:
        patience = recipe.plateau_patience
    return ReduceOnPlateau(patience, recipe.plateau_factor, recipe.smallest_learning_rate)


def cosine(recipe: Recipe) -> Cosine | None:
    """Return the cosine schedule of the learning rate; None where a recipe asks for another."""
    if recipe.schedule != "cosine":
        return None
    return Cosine(recipe.learning_rate, recipe.smallest_learning_rate, recipe.epochs)
