"""Train a finder from checked areas, find out how well it finds, and export it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import TrainingError
from poregui.domain.events import (
    FINDS,
    BatchEnded,
    Cancelled,
    EpochEnded,
    Finished,
    Interrupted,
    Note,
    Stage,
    Started,
    moment,
)
from poregui.domain.statistics.finding_check import area_bias_interval
from poregui.learning import checkpoint
from poregui.learning.export_onnx import build_image_graph
from poregui.learning.finders.finder_networks import (
    PROBABILITY,
    FinderNetwork,
    build_network,
    loss_of,
    right_of,
)
from poregui.learning.finders.finder_samples import SIDE, Lesson, patches, pixels_of
from poregui.learning.finders.pixel_networks import standardise
from poregui.learning.fitting import Report, ShouldStop
from poregui.learning.job import make_repeatable
from poregui.learning.onnx_graph import PARITY, write_network
from poregui.store.files import write_json
from poregui.store.finder_folder import (
    FinderDescription,
    FinderFolder,
    FinderRequest,
    MarkedImage,
)
from poregui.vision.pores.finder import Range, look
from poregui.vision.pores.finding_score import FindingScore, score_outlines
from poregui.vision.pores.marked import Marked
from poregui.vision.pores.plan import Source

STEPS = 50
"""Steps of an epoch."""
_PATCHES = 8
_PIXELS = 4096
_RATE = 3e-3
_DECAY = 1e-3
_WARM = 30
"""Steps in which the learning rate rises."""
_RED = 0.299
_BLUE = 0.114
"""How much of red and blue is in a grey: the weights of `grey_of`."""
_PATIENCE = 0


class _LeftOffError(Exception):
    """Say that a person gave the finder up, or that nobody waits for it."""

    def __init__(self, wish: str) -> None:
        super().__init__(wish)
        self.wish = wish


class _Start:
    """Hold a network as it is before it learned, so that it can begin again without being made
    again, which takes TensorFlow many seconds.
    """

    def __init__(self, request: FinderRequest) -> None:
        make_repeatable(request.seed)
        self.network = build_network(request.kind)
        model = self.network.learns
        model.compile(
            optimizer=keras.optimizers.AdamW(_RATE, weight_decay=_DECAY),
            loss=loss_of,
            metrics=[keras.metrics.MeanMetricWrapper(right_of, name="right")],
            jit_compile=False,
        )
        model.optimizer.build(model.trainable_variables)
        self._weights = checkpoint.copy_of(model.variables)
        self._optimizer = checkpoint.copy_of(model.optimizer.variables)

    def again(self) -> FinderNetwork:
        """Return the network with nothing learned."""
        model = self.network.learns
        checkpoint.assign(model.variables, self._weights)
        checkpoint.assign(model.optimizer.variables, self._optimizer)
        return self.network


@dataclass
class _FinderJob:
    """Hold what the steps of a finder's training share."""

    folder: FinderFolder
    request: FinderRequest
    images: Sequence[MarkedImage]
    lessons: Sequence[Lesson]
    report: Report
    should_stop: ShouldStop
    start: _Start
    began: float = field(default_factory=time.monotonic)
    stopped: bool = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def asked(self) -> str:
        """Return what a person wants; raise _LeftOffError where that is the end."""
        wish = self.should_stop()
        if wish in ("cancel", "interrupt"):
            raise _LeftOffError(wish)
        self.stopped = self.stopped or wish == "stop"
        return wish


def train_finder(folder: Path, report: Report, should_stop: ShouldStop) -> None:
    """Train what the folder of a finder asks for and leave model and metrics in it.

    `report` is given events, exactly one of them final unless an error is raised. `should_stop` is
    asked after every step: '' goes on, 'stop' takes the finder as it is, 'cancel' gives up,
    'interrupt' ends, and the next call begins again. Raises PoreguiError when the folder is damaged
    or nothing is marked, and seeds the random numbers of the whole process.
    """
    finder = FinderFolder(folder)
    request = finder.read_request()
    report(Stage("Reading the checked areas"))
    images = finder.read_images(request)
    lessons = [Lesson.of(image, facts) for image, facts in zip(images, request.images, strict=True)]
    if not any(len(lesson.at) for lesson in lessons):
        raise TrainingError(
            "No pore is marked in the checked areas.", "Outline pores in them, then train again."
        )
    start = _Start(request)
    job = _FinderJob(finder, request, images, lessons, report, should_stop, start)
    try:
        finder.break_seal()
        final = _train(job)
    except _LeftOffError as ended:
        if ended.wish == "cancel":
            report(Cancelled(job.seconds))
        else:
            report(Interrupted(0))
        return
    finder.write_seal()
    report(final)


def _train(job: _FinderJob) -> Finished:
    groups = job.request.groups
    job.asked()
    _fit(job, job.lessons, fold=0, folds=0)
    network = job.start.network
    seconds = job.seconds
    job.report(Stage("Exporting the finder"))
    difference = _export(job, network)
    scores = []
    if len(groups) > 1 and not job.stopped:
        scores = [_score(job, group, number) for number, group in enumerate(groups, start=1)]
    else:
        job.report(Note(_why_unscored(job)))
    pooled = FindingScore.together(score for _, score in scores)
    write_json(
        job.folder.metrics_file,
        {
            "kind": job.request.kind,
            "by": job.request.by,
            "finding": _pooled_json(scores) if scores else None,
            "groups": [{"name": name, **_as_json(score)} for name, score in scores],
            "epochs": job.request.epochs,
            "seconds": seconds,
            "seconds_with_scores": job.seconds,
            "stopped": job.stopped,
            "parameters": int(network.learns.count_params()),
            "parity": difference,
        },
    )
    return Finished(
        epochs=job.request.epochs,
        best_epoch=job.request.epochs,
        accuracy=pooled.iou or 0.0,
        n_test=pooled.truth,
        seconds=seconds,
        stopped=job.stopped,
    )


def _why_unscored(job: _FinderJob) -> str:
    if job.stopped:
        return "Stopped: how well the finder finds was not measured."
    return (
        f"All checked areas are of one {job.request.by}, so how well the finder finds on others "
        "cannot be said."
    )


def _pooled_json(scores: Sequence[tuple[str, FindingScore]]) -> dict[str, Any]:
    """Return what all groups come to, with the 95 % interval of the area bias over them."""
    every = [score for _, score in scores]
    ends = area_bias_interval(
        np.array([one.outlined_px - one.truth_px for one in every], np.float64),
        np.array([one.field_px for one in every], np.float64),
    )
    pooled = _as_json(FindingScore.together(every))
    return {**pooled, "area_bias_interval95": None if ends is None else list(ends)}


def _as_json(score: FindingScore) -> dict[str, Any]:
    return {**score.to_json(), "area_bias": score.area_percent - score.truth_area_percent}


def _score(job: _FinderJob, group: str, number: int) -> tuple[str, FindingScore]:
    """Return how well a network that saw nothing of a group finds in it."""
    groups = job.request.groups
    own = [facts.group == group for facts in job.request.images]
    others = [lesson for lesson, held in zip(job.lessons, own, strict=True) if not held]
    job.report(Stage(f"Scoring on {group}, trained on the others"))
    if not any(len(lesson.at) for lesson in others):
        return group, FindingScore()
    _fit(job, others, fold=number, folds=len(groups))
    finder = job.start.network.finder()
    scores = []
    for image, facts in zip(job.images, job.request.images, strict=True):
        if facts.group != group:
            continue
        job.asked()
        looked = look(
            finder,
            _source_of(image),
            job.request.recipe,
            facts.um_per_px,
            range_=Range(facts.middle, facts.spread, facts.red, facts.blue),
            tile=1024,
        )
        truth = Marked(image.labels, int(image.labels.max()))
        scores.append(score_outlines(looked.pores().outlines, truth, ~image.checked))
    return group, FindingScore.together(scores)


def _source_of(image: MarkedImage) -> Source:
    """Return a source whose colours are those of a marked image."""
    grey, red, blue = np.moveaxis(image.colours, -1, 0)
    green = grey - _RED * red - _BLUE * blue
    return Source.of(np.stack([green + red, green, green + blue], axis=-1))


# ---- fitting --------------------------------------------------------------------------------


def _fit(job: _FinderJob, lessons: Sequence[Lesson], *, fold: int, folds: int) -> None:
    """Let the network learn from lessons alone; with folds, to score fold `fold`."""
    network = job.start.again()
    held = [one for one in job.lessons if not any(one is other for other in lessons)]
    fit = _Fit(job, network, lessons, held or lessons, fold)
    job.report(
        Started(
            run=job.folder.path.name,
            classes=FINDS,
            n_train=sum(len(lesson.at) > 0 for lesson in lessons),
            n_validation=0,
            n_test=len(job.images) - len(lessons),
            epochs=job.request.epochs,
            batches=STEPS,
            parameters=int(network.learns.count_params()),
            fold=fold,
            folds=folds,
            at=moment(),
        )
    )
    fit.run()


class _Fit:
    """Train a network for the epochs of a request, with a learning rate that rises and falls."""

    def __init__(
        self,
        job: _FinderJob,
        network: FinderNetwork,
        lessons: Sequence[Lesson],
        held: Sequence[Lesson],
        fold: int,
    ) -> None:
        self._job = job
        self._network = network
        self._lessons = lessons
        self._random = np.random.default_rng([job.request.seed, fold])
        self._steps = job.request.epochs * STEPS
        self._pixels: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        if network.numbers is not None:
            self._pixels = pixels_of(lessons, self._random, network.numbers)
            standardise(network.learns, self._pixels[0])
        self._held = self._held_batch(held)

    def run(self) -> None:
        """Train until the last epoch, or until a person stops it."""
        began = time.monotonic()
        epochs = self._job.request.epochs
        for epoch in range(1, epochs + 1):
            losses = []
            shares = []
            for step in range(1, STEPS + 1):
                loss, share = self._step((epoch - 1) * STEPS + step)
                losses.append(loss)
                shares.append(share)
                self._job.report(BatchEnded(epoch, step, STEPS, loss, share))
                if self._job.asked() == "stop":
                    self._network.settle()
                    return
            seconds = time.monotonic() - began
            held_loss, held_share = self._on_held()
            self._job.report(
                EpochEnded(
                    epoch=epoch,
                    epochs=epochs,
                    loss=float(np.mean(losses)),
                    accuracy=float(np.mean(shares)),
                    validation_loss=held_loss,
                    validation_accuracy=held_share,
                    learning_rate=self._rate(epoch * STEPS),
                    best_epoch=epoch,
                    plateau=0,
                    patience=_PATIENCE,
                    seconds=seconds,
                    seconds_left=seconds / epoch * (epochs - epoch),
                )
            )
        self._network.settle()

    def _rate(self, step: int) -> float:
        rises = min(1.0, step / _WARM)
        falls = 0.5 + 0.5 * np.cos(np.pi * (step - 1) / self._steps)
        return float(_RATE * rises * falls + _RATE / 300)

    def _step(self, step: int) -> tuple[float, float]:
        """Return the loss of a step, and the share of pixels that were answered rightly before."""
        model = self._network.learns
        model.optimizer.learning_rate.assign(self._rate(step))
        model.reset_metrics()
        loss, share = (float(np.asarray(value)) for value in model.train_on_batch(*self._batch()))
        if not np.isfinite(loss):
            raise TrainingError(
                "Training diverged: the loss is not a finite number.", "Train the finder again."
            )
        return loss, _as_share(share)

    def _batch(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self._pixels is None:
            return patches(self._lessons, _PATCHES, self._random)
        return _drawn(self._pixels, self._random)

    def _held_batch(
        self, held: Sequence[Lesson]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        random = np.random.default_rng(self._job.request.seed)
        if self._network.numbers is None:
            return patches(held, _PATCHES, random)
        return _drawn(pixels_of(held, random, self._network.numbers, 0), random)

    def _on_held(self) -> tuple[float, float]:
        """Return loss and share of right pixels of what was held back."""
        inputs, truth = self._held
        answer = self._network.learns(inputs, training=False)
        return float(np.asarray(loss_of(truth, answer))), _as_share(right_of(truth, answer))


def _drawn(
    pixels: tuple[NDArray[np.float32], NDArray[np.float32]], random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    inputs, truth = pixels
    drawn = random.integers(len(inputs), size=_PIXELS)
    return inputs[drawn][:, None, None], truth[drawn][:, None, None]


def _as_share(value: Any) -> float:
    return float(np.clip(np.asarray(value), 0.0, 1.0))


# ---- export ---------------------------------------------------------------------------------


def _export(job: _FinderJob, network: FinderNetwork) -> float:
    """Write model.onnx and model.json; return the largest difference from the trained network.

    Raises TrainingError where that is not small.
    """
    proto = build_image_graph(network.answers, PROBABILITY)
    kind = job.request.kind
    inputs = np.random.default_rng(0).normal(size=(1, SIDE, SIDE, network.channels))
    worst = _difference(network, proto.SerializeToString(), inputs.astype(np.float32))
    if not worst < PARITY:
        raise TrainingError(
            f"The exported finder differs from the trained one (by up to {worst:.2g}).",
            "Train again; if it happens again, report it with the finder's folder.",
        )
    write_network(proto, job.folder.onnx_file)
    recipe = job.request.recipe.to_json()
    job.folder.write_description(
        FinderDescription(kind, network.reach, network.step, network.channels, recipe)
    )
    return worst


def _difference(network: FinderNetwork, content: bytes, inputs: NDArray[np.float32]) -> float:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (answer,) = session.run([PROBABILITY], {"image": inputs})
    return float(np.abs(answer - np.asarray(network.answers(inputs, training=False))).max())
