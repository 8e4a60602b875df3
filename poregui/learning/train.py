"""Train the network of a run folder from its dataset to its exported model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import TrainingError
from poregui.domain.events import Finished, Note, Stage
from poregui.learning import networks, trained_network
from poregui.learning.blend import Blend, Shapes
from poregui.learning.fitting import FULL, Fit, Report, ShouldStop, policy_of
from poregui.learning.folds import cross_validate
from poregui.learning.job import (
    EXPORTING,
    Job,
    add_baseline,
    gave_up,
    load_split,
    make_repeatable,
    read_trained,
    shapes_of,
    start,
    write_trained,
)
from poregui.learning.results import (
    LeftOff,
    accuracy_interval,
    accuracy_of,
    common_metrics,
    judge,
    write_predictions,
)
from poregui.store.files import write_json
from poregui.store.run_folder import RunFolder


def train(run_folder: Path, report: Report, should_stop: ShouldStop) -> None:
    """Train what the run folder asks for and leave model, predictions and metrics in it.

    `report` is given events, exactly one of them final unless an error is raised. `should_stop` is
    asked after every batch: '' goes on, 'stop' keeps the best weights and finishes, 'cancel' gives
    up, 'interrupt' leaves a checkpoint from which the next call goes on. A folder that holds folds
    is cross-validated instead and gets no model. Raises PoreguiError when the folder is damaged,
    the disk is full, or the loss is no longer a number. Seeds the random numbers of Python, NumPy
    and TensorFlow for the whole process.
    """
    folder = RunFolder(run_folder)
    recipe = folder.read_recipe()
    dataset = folder.read_dataset()
    make_repeatable(recipe.seed)
    spec = networks.input_spec_of(recipe, dataset)
    job = Job(folder, recipe, dataset, spec, report, should_stop, time.monotonic())
    if recipe.mixed_precision and policy_of(recipe) == FULL:
        report(Note("No GPU is used, so training computes in 32 bits despite mixed precision."))
    for warning in dataset.warnings:
        report(Note(warning))
    folds = folder.read_folds()
    if folds:
        cross_validate(job, folds)
    else:
        _train_one(job)


def _train_one(job: Job) -> None:
    fit = read_trained(job.folder)
    left = fit is not None
    if fit is None:
        fit = _fit(job)
    else:
        job.report(Note("The network is already trained; completing the remaining steps."))
    if fit is not None:
        _finish(job, fit, left=left)


def _fit(job: Job) -> Fit | None:
    """Train and save the network; None when the run was cancelled or interrupted, which is told."""
    job.report(Stage("Reading the crops"))
    train = load_split(job, job.dataset.split("train"), "train")
    validation = load_split(job, job.dataset.split("validation"), "validate")
    tested = job.dataset.split("test")
    if not tested:
        raise TrainingError("There is no crop to test with.", "Label more crops, then train again.")
    fitter = start(job, job.folder.path.name, train, validation, len(tested))
    resumed = fitter.resume()
    if resumed:
        job.report(Note(f"Training resumes after epoch {resumed}, where it was interrupted."))
    elif job.folder.checkpoint_file.exists():
        job.report(Note("The checkpoint of this run cannot be read, so training starts again."))
    fit = fitter.fit()
    if gave_up(job, fit.ended, fit.epochs):
        return None
    job.report(Stage("Saving the best weights"))
    job.folder.break_seal()
    trained_network.save_model(job.folder, fitter.model)
    write_trained(job.folder, fit, fit.earlier_seconds + job.seconds)
    return fit


def _finish(job: Job, fit: Fit, *, left: bool) -> None:
    """Test the weights that were saved and say that the run is complete, or that it was left off
    before.

    Whoever goes on with it then begins here, for the weights are trained.
    """
    try:
        job.folder.break_seal()
        final = _test(job, fit, _left_model(job) if left else _own_model(job))
    except LeftOff as ended:
        gave_up(job, ended.wish, fit.epochs)
        return
    job.folder.write_seal()
    job.folder.checkpoint_file.unlink(missing_ok=True)
    job.report(final)


def _own_model(job: Job) -> keras.Model:
    """Return the network that this process has just saved."""
    return trained_network.load_model(job.folder)


def _left_model(job: Job) -> keras.Model:
    """Return the network whose training was left earlier: anybody may have written its file since.

    It is built from the recipe, so that nothing but numbers is taken from the file.
    """
    train = load_split(job, job.dataset.split("train"), "train")
    classes = len(job.dataset.classes)
    sizes, shapes = train.sizes, train.shapes
    model = networks.without_weights(job.recipe, job.spec, classes, sizes, shapes)
    return trained_network.with_weights_of(job.folder, model)


def _blend(job: Job, shapes: Shapes | None, network: NDArray[np.float32]) -> Blend | None:
    """Return what joins the network to a forest; `network` are its predictions for all crops."""
    if shapes is None:
        return None
    held_out = [crop.split == "validation" for crop in job.dataset.crops]
    train = job.dataset.split("train")
    return shapes.blend(train, job.dataset.split("validation"), network[np.array(held_out)])


def _alone(
    job: Job, blend: Blend, network: NDArray[np.float32], forest: NDArray[np.float64]
) -> dict[str, Any]:
    """Return what network and forest are worth alone, for metrics.json."""
    return {
        "share_of_network": blend.network,
        "accuracy_of_network": accuracy_of(job.dataset, network, "test"),
        "accuracy_of_forest": accuracy_of(job.dataset, forest.astype(np.float32), "test"),
    }


def _test(job: Job, fit: Fit, model: keras.Model) -> Finished:
    """Test the very weights that were saved, export them, and return what is to
    be told at the end.
    """
    folder = job.folder
    dataset = job.dataset
    job.report(Stage(EXPORTING))
    shapes = shapes_of(job)
    predictions = trained_network.predict_crops(model, folder, dataset.crops, job.spec, job.check)
    blend = _blend(job, shapes, predictions)
    difference = trained_network.export_model(folder, model, job.recipe, dataset, job.spec, blend)
    job.check()
    job.report(Stage("Testing on unseen crops"))
    alone: dict[str, Any] = {}
    if shapes is not None and blend is not None:
        numbers = shapes.of_crops(dataset.crops)
        alone = _alone(job, blend, predictions, blend.answers(numbers))
        predictions = blend.mix(predictions, numbers)
    write_predictions(folder, dataset, dataset.crops, predictions)
    tested = [index for index, crop in enumerate(dataset.crops) if crop.split == "test"]
    evaluation = judge(dataset, [dataset.crops[index] for index in tested], predictions[tested])
    seconds = fit.earlier_seconds + job.seconds
    write_json(
        folder.metrics_file,
        {
            **common_metrics(dataset, job.recipe, evaluation),
            "best_epoch": fit.best_epoch,
            "epochs": fit.epochs,
            "seconds": seconds,
            "stopped": fit.ended == "stop",
            "parameters": int(model.count_params()),
            "training_accuracy": accuracy_of(dataset, predictions, "train"),
            "validation_accuracy": accuracy_of(dataset, predictions, "validation"),
            "parity": difference,
            **alone,
        },
    )
    trained_network.write_features(folder, model, dataset, job.spec, job.check)
    add_baseline(job, job.check, None if shapes is None else shapes.rows)
    return Finished(
        epochs=fit.epochs,
        best_epoch=fit.best_epoch,
        accuracy=evaluation.accuracy or 0.0,
        n_test=evaluation.n,
        seconds=seconds,
        stopped=fit.ended == "stop",
        **accuracy_interval([dataset.crops[index] for index in tested], predictions[tested]),
    )
