"""Fit one network to crops, epoch by epoch, keeping its best weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import TrainingError
from poregui.domain.events import BatchEnded, EpochEnded, Event
from poregui.domain.recipe import Recipe
from poregui.learning import checkpoint
from poregui.learning.batches import Batch, Crops, augmentation, batch_count, batches, class_weights
from poregui.learning.callbacks import BestEpoch, cosine, early_stopping, reduce_on_plateau
from poregui.learning.checkpoint import Snapshot, State
from poregui.learning.pretrained import begin_epoch, optimizer_for

MIXED = "mixed_float16"
FULL = "float32"


def has_gpu() -> bool:
    """Tell whether TensorFlow uses a graphics card."""
    import tensorflow

    return bool(tensorflow.config.list_physical_devices("GPU"))


def policy_of(recipe: Recipe) -> str:
    """Return Keras's name of the precision that a recipe trains in here; without a GPU 16 bits are
    only slower.
    """
    if recipe.mixed_precision and has_gpu():
        return MIXED
    return FULL


@contextmanager
def layers_of(policy: str) -> Iterator[None]:
    """Let layers that are made meanwhile compute in a precision; their weights
    stay 32 bits long.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


Report = Callable[[Event], None]
ShouldStop = Callable[[], str]

PREDICTION_BATCH = 64
_SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Fit:
    """Say how a fit went.

    `ended` is `done`, `stop`, `cancel` or `interrupt`; `earlier_seconds` passed before an
    interruption.
    """

    ended: str
    epochs: int
    best_epoch: int
    earlier_seconds: float


def feed(model: keras.Model, crops: Crops | Batch) -> dict[str, Any]:
    """Return the inputs of a network by name."""
    known = {"image": crops.images, "size": crops.sizes, "shape": crops.shapes}
    return {tensor.name: known[tensor.name] for tensor in model.inputs}


def predict(model: keras.Model, crops: Crops) -> NDArray[np.float32]:
    """Return (n, classes) probabilities in inference mode."""
    pieces = [
        slice(start, start + PREDICTION_BATCH) for start in range(0, len(crops), PREDICTION_BATCH)
    ]
    predictions = [model.predict_on_batch(feed(model, crops.take(piece))) for piece in pieces]
    if predictions:
        return np.concatenate(predictions)
    return np.empty((0, model.output_shape[-1]), np.float32)


def score(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return mean cross-entropy and accuracy of (n, classes) probabilities over all n crops."""
    of_label = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    loss = -np.log(np.maximum(of_label, _SMALLEST_PROBABILITY)).mean()
    return float(loss), float((probabilities.argmax(axis=1) == labels).mean())


class Fitter:
    """Fit a network; `fit` may be called once.

    `train` and `validation` must not be empty. `exact` makes the same network of 32 bits, which
    takes over the weights in the end where the `model` computes in fewer. With a `checkpoint_file`
    the state is kept there while the training goes on, and a training that left one there goes on
    from it.
    """

    def __init__(
        self,
        model: keras.Model,
        train: Crops,
        validation: Crops,
        recipe: Recipe,
        *,
        report: Report,
        should_stop: ShouldStop,
        checkpoint_file: Path | None = None,
        exact: Callable[[], keras.Model] | None = None,
    ) -> None:
        self.model = model
        self.train = train
        self.validation = validation
        self.recipe = recipe
        self.report = report
        self.should_stop = should_stop
        self.checkpoint_file = checkpoint_file
        self._exact = exact
        self.classes = int(model.output_shape[-1])
        self.best = BestEpoch()
        self.stopping = early_stopping(recipe)
        self.plateau, self.cosine = reduce_on_plateau(recipe), cosine(recipe)
        self.epoch = 0
        self.snapshot: Snapshot | None = None
        self.earlier_seconds = 0.0
        self._began = time.monotonic()
        self._pace = checkpoint.Pace(self._began)
        model.compile(
            optimizer=optimizer_for(recipe),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
            # A metric named by text makes its variables in the first step, which is then traced
            # twice.
            metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
            jit_compile=False,  # XLA made training on processors four times slower
        )
        model.optimizer.build(model.trainable_variables)

    @property
    def seconds(self) -> float:
        """Return how long the training took up to now, with its parts before an interruption."""
        return self.earlier_seconds + time.monotonic() - self._began

    @property
    def _optimizer(self) -> keras.optimizers.Optimizer:
        """Return what holds the learning rate: Keras wraps it where a network
        computes in 16 bits.
        """
        return getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)

    def resume(self) -> int:
        """Take up the training that left a checkpoint; return after which epoch, 0 for a fresh
        start.
        """
        if self.checkpoint_file:
            stored = checkpoint.read(self.checkpoint_file)
        else:
            stored = None
        if stored is None:
            return 0
        try:
            checkpoint.assign(self.model.variables, stored.variables)
            checkpoint.assign(self.model.optimizer.variables, stored.optimizer)
        except ValueError as error:
            raise TrainingError(
                "The checkpoint of this run does not fit its network.",
                f"Remove {self.checkpoint_file} and train again.",
            ) from error
        state = stored.state
        self.snapshot = stored
        self.epoch = state.epoch
        self.best = BestEpoch(state.best_epoch, state.best_loss)
        self.plateau.best = state.plateau_best
        self.plateau.waited = state.plateau_waited
        self.earlier_seconds = state.seconds
        return state.epoch

    def fit(self) -> Fit:
        """Train until the recipe or a person ends it and leave the best weights in the network.

        Raises TrainingError when the loss is no longer a number.
        """
        ended = "done"
        resumed = self.seconds
        first = self.epoch
        while self.epoch < self.recipe.epochs and not self.stopping.ends(
            self.epoch, self.best.epoch
        ):
            if self.cosine is not None:
                self._optimizer.learning_rate.assign(self.cosine.rate(self.epoch + 1))
            begin_epoch(self._optimizer, self.recipe, self.epoch + 1)
            ended, loss, accuracy = self._run_epoch(self.epoch + 1)
            if ended in ("cancel", "interrupt"):
                break
            if ended == "stop" and self.best.epoch:
                break
            self._end_epoch(loss, accuracy, (self.seconds - resumed) / (self.epoch + 1 - first))
            if ended == "stop":
                break
            self._keep_checkpoint()
        if ended == "interrupt" and self.checkpoint_file and self.snapshot:
            checkpoint.write(self.checkpoint_file, self.snapshot)
        if self.snapshot and ended != "interrupt":
            checkpoint.assign(self.model.variables, self.snapshot.best)
        if self._exact is not None:
            weights = self.model.get_weights()
            self.model = self._exact()
            self.model.set_weights(weights)
        return Fit(ended, self.epoch, self.best.epoch, self.earlier_seconds)

    def _run_epoch(self, epoch: int) -> tuple[str, float, float]:
        """Run the batches of an epoch; return how it ended, and loss and accuracy over the crops
        that it saw.
        """
        recipe = self.recipe
        if recipe.class_weights:
            weights = class_weights(self.train.labels, self.classes)
        else:
            weights = np.ones(self.classes, np.float32)
        # Random numbers of an epoch depend on its number alone, so that a resumed training repeats
        # them.
        random = np.random.default_rng([recipe.seed, epoch])
        count = batch_count(len(self.train), recipe.batch_size)
        augment = augmentation(recipe.preset, recipe.augment)
        seen = 0
        lost = 0.0
        right = 0.0
        for number, batch in enumerate(
            batches(self.train, recipe.batch_size, weights, augment, random), start=1
        ):
            loss, accuracy = self._step(batch, at_once=epoch == number == 1)
            seen += len(batch.labels)
            lost += loss * len(batch.labels)
            right += accuracy * len(batch.labels)
            self.report(BatchEnded(epoch, number, count, loss, accuracy))
            wish = self.should_stop()
            if wish:
                return wish, lost / seen, right / seen
        return "done", lost / seen, right / seen

    def _step(self, batch: Batch, *, at_once: bool) -> tuple[float, float]:
        """Do one step of the optimiser and return its loss and accuracy.

        `at_once` does it without tracing it first, which takes TensorFlow more than a second: a
        person sees a first point, or that memory is short, so much sooner.
        """
        self.model.reset_metrics()
        targets = np.eye(self.classes, dtype=np.float32)[batch.labels]
        if at_once:
            logs = self.model.train_step((feed(self.model, batch), targets, batch.weights))
        else:
            logs = self.model.train_on_batch(
                feed(self.model, batch), targets, sample_weight=batch.weights, return_dict=True
            )
        loss = float(logs["loss"])
        self._check(loss)
        return loss, float(logs["accuracy"])

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            if self.checkpoint_file:
                self.checkpoint_file.unlink(
                    missing_ok=True
                )  # going on from there would end here again
            raise TrainingError(
                "Training diverged: the loss is not a finite number.",
                "Train again with a smaller learning rate, such as "
                f"{self.recipe.learning_rate / 10:g}.",
            )

    def _end_epoch(self, loss: float, accuracy: float, epoch_seconds: float) -> None:
        self.epoch += 1
        optimizer = self._optimizer
        validation_loss, validation_accuracy = score(
            predict(self.model, self.validation), self.validation.labels
        )
        self._check(validation_loss)  # the last step of an epoch can spoil the weights, too
        improved = self._improved(validation_loss)
        rate = float(np.array(optimizer.learning_rate))
        optimizer.learning_rate.assign(self.plateau.next_rate(validation_loss, rate))
        self._take_snapshot(improved)
        self.report(
            EpochEnded(
                epoch=self.epoch,
                epochs=self.recipe.epochs,
                loss=loss,
                accuracy=accuracy,
                validation_loss=validation_loss,
                validation_accuracy=validation_accuracy,
                learning_rate=rate,
                best_epoch=self.best.epoch,
                plateau=self.epoch - self.best.epoch,
                patience=self.stopping.patience,
                seconds=self.seconds,
                seconds_left=(self.recipe.epochs - self.epoch) * epoch_seconds,
            )
        )

    def _improved(self, validation_loss: float) -> bool:
        """Tell whether the weights of this epoch are those to keep.

        A cosine that nothing may end early leads to its last epoch, whose weights are kept whatever
        the loss of the few validation crops: picking another by them cost accuracy. Before, as when
        a person stops it, the best are.
        """
        improved = self.best.improved(self.epoch, validation_loss)
        if self.cosine is None or self.recipe.early_stopping or self.epoch < self.recipe.epochs:
            return improved
        self.best = BestEpoch(self.epoch, validation_loss)
        return True

    def _take_snapshot(self, improved: bool) -> None:
        variables = checkpoint.copy_of(self.model.variables)
        state = State(
            self.epoch,
            self.best.epoch,
            self.best.loss,
            self.plateau.best,
            self.plateau.waited,
            self.seconds,
        )
        if improved or self.snapshot is None:
            best = variables
        else:
            best = self.snapshot.best
        self.snapshot = Snapshot(
            state, variables, checkpoint.copy_of(self.model.optimizer.variables), best
        )

    def _keep_checkpoint(self) -> None:
        began = time.monotonic()
        if self.checkpoint_file and self.snapshot and self._pace.is_due(began):
            checkpoint.write(self.checkpoint_file, self.snapshot)
            self._pace.wrote(began, time.monotonic())
