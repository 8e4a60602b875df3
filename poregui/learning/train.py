"""Train the network of a run folder from its dataset to its exported model; changes with the steps of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras

from poregui.domain.dataset import Dataset, DatasetCrop
from poregui.domain.errors import TrainingError
from poregui.domain.events import Cancelled, Finished, Interrupted, Note, Stage, Started
from poregui.domain.recipe import Recipe
from poregui.learning import outcome, precision, zoo
from poregui.learning.answers import accuracy_of, common_metrics, judge, trust, write_predictions
from poregui.learning.data import Crops, batch_count, load
from poregui.learning.features import write_features
from poregui.learning.fitting import Fit, Fitter, Report, ShouldStop
from poregui.learning.leaving import Check, LeftOff, leave_off, never
from poregui.learning.trained import EXPORTING, read_trained, write_trained
from poregui.store.files import write_json
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import InputSpec


@dataclass(frozen=True)
class Job:
    """Hold what the steps of a run share."""

    folder: RunFolder
    recipe: Recipe
    dataset: Dataset
    spec: InputSpec
    report: Report
    should_stop: ShouldStop
    began: float

    def check(self) -> None:
        """Raise LeftOff when the run was cancelled, or nobody waits for it any more."""
        leave_off(self.should_stop())

    @property
    def seconds(self) -> float:
        """Return the seconds since this process took the run up."""
        return time.monotonic() - self.began


def train(run_folder: Path, report: Report, should_stop: ShouldStop) -> None:
    """Train what the run folder asks for and leave model, predictions and metrics in it.

    `report` is given events, exactly one of them final unless an error is raised. `should_stop` is asked after every
    batch: '' goes on, 'stop' keeps the best weights and finishes, 'cancel' gives up, 'interrupt' leaves a checkpoint
    from which the next call goes on. A folder that holds folds is cross-validated instead and gets no model. Raises
    PoreguiError when the folder is damaged, the disk is full, or the loss is no longer a number. Seeds the random
    numbers of Python, NumPy and TensorFlow for the whole process.
    """
    from poregui.learning.folds import cross_validate

    folder = RunFolder(run_folder)
    recipe, dataset = folder.read_recipe(), folder.read_dataset()
    make_repeatable(recipe.seed)
    spec = zoo.input_spec(recipe, colour=dataset.colour, calibrated=dataset.calibrated)
    job = Job(folder, recipe, dataset, spec, report, should_stop, time.monotonic())
    if recipe.mixed_precision and precision.policy_of(recipe) == precision.FULL:
        report(Note("No GPU is used, so the training computes in 32 bits in spite of mixed precision."))
    for warning in dataset.warnings:
        report(Note(warning))
    folds = folder.read_folds()
    if folds:
        cross_validate(job, folds)
    else:
        _train_one(job)


def make_repeatable(seed: int) -> None:
    """Let equal runs give equal weights: seeds everywhere, and only operations that do not depend on chance."""
    import tensorflow

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()  # costs nothing measurable on processors


def load_part(job: Job, crops: Sequence[DatasetCrop], what: str) -> Crops:
    """Load crops. Raises TrainingError when there are none."""
    if not crops:
        raise TrainingError(f"There is no crop to {what} with.", "Label more crops, then train again.")
    return load(job.folder, crops, job.spec)


def start(
    job: Job, name: str, train: Crops, validation: Crops, n_test: int, *, fold: int = 0, folds: int = 0
) -> Fitter:
    """Build the network, say that training (of one of `folds` folds) begins, and return what fits it."""
    build = partial(zoo.build, job.recipe, job.spec, len(job.dataset.classes), train.sizes, train.shapes)
    policy = precision.policy_of(job.recipe)
    with precision.layers_of(policy):
        model = build()
    job.report(
        Started(
            run=name,
            classes=job.dataset.classes,
            n_train=len(train),
            n_validation=len(validation),
            n_test=n_test,
            epochs=job.recipe.epochs,
            batches=batch_count(len(train), job.recipe.batch_size),
            parameters=int(model.count_params()),
            fold=fold,
            folds=folds,
        )
    )
    alone = not job.folder.folds_file.exists()
    return Fitter(
        model,
        train,
        validation,
        job.recipe,
        report=job.report,
        should_stop=job.should_stop,
        checkpoint_file=job.folder.checkpoint_file if alone else None,
        exact=build if policy != precision.FULL else None,
    )


def gave_up(job: Job, ended: str, epochs: int) -> bool:
    """Report the end of a run that was cancelled or interrupted; return whether it was."""
    if ended == "cancel":
        folder = job.folder
        folder.break_seal()
        network = (folder.model_file, folder.trained_file, folder.onnx_file, folder.sidecar_file)
        for made in (folder.checkpoint_file, *network):
            made.unlink(missing_ok=True)
        job.report(Cancelled(job.seconds))
    elif ended == "interrupt":
        job.report(Interrupted(epochs))
    return ended in ("cancel", "interrupt")


def add_baseline(job: Job, check: Check = never) -> None:
    """Answer the run's crops from their shapes alone, to hold the network against; `check` may raise LeftOff."""
    from poregui.learning.baseline import write_baseline

    job.report(Stage("Comparing with shapes alone"))
    write_baseline(job.folder, job.recipe, job.dataset, check)


def _train_one(job: Job) -> None:
    fit = read_trained(job.folder)
    if fit is None:
        fit = _fit(job)
    else:
        job.report(Note("The network of this run is trained; what comes after is done now."))
    if fit is not None:
        _finish(job, fit)


def _fit(job: Job) -> Fit | None:
    """Train and save the network; None when the run was cancelled or interrupted, which is told."""
    job.report(Stage("Reading the crops"))
    train = load_part(job, job.dataset.part("train"), "train")
    validation = load_part(job, job.dataset.part("validation"), "validate")
    tested = job.dataset.part("test")
    if not tested:
        raise TrainingError("There is no crop to test with.", "Label more crops, then train again.")
    fitter = start(job, job.folder.path.name, train, validation, len(tested))
    resumed = fitter.resume()
    if resumed:
        job.report(Note(f"The training goes on after epoch {resumed}, where it was interrupted."))
    elif job.folder.checkpoint_file.exists():
        job.report(Note("The checkpoint of this run cannot be read, so its training begins again."))
    fit = fitter.fit()
    if gave_up(job, fit.ended, fit.epochs):
        return None
    job.report(Stage("Saving the best weights"))
    job.folder.break_seal()
    outcome.save_model(job.folder, fitter.model)
    write_trained(job.folder, fit, fit.earlier_seconds + job.seconds)
    return fit


def _finish(job: Job, fit: Fit) -> None:
    """Test the weights that were saved and say that the run is complete, or that it was left off before.

    Whoever goes on with it then begins here, for the weights are trained.
    """
    try:
        job.folder.break_seal()
        final = _test(job, fit)
    except LeftOff as left:
        gave_up(job, left.wish, fit.epochs)
        return
    job.folder.write_seal()
    job.folder.checkpoint_file.unlink(missing_ok=True)
    job.report(final)


def _test(job: Job, fit: Fit) -> Finished:
    """Test the very weights that were saved, export them, and return what is to be told at the end."""
    folder, dataset = job.folder, job.dataset
    model = outcome.load_model(folder)
    job.report(Stage(EXPORTING))
    difference = outcome.export_model(folder, model, job.recipe, dataset, job.spec)
    job.check()
    job.report(Stage("Testing on unseen crops"))
    answers = outcome.predict_crops(model, folder, dataset.crops, job.spec, job.check)
    write_predictions(folder, dataset, dataset.crops, answers)
    tested = [place for place, crop in enumerate(dataset.crops) if crop.part == "test"]
    evaluation = judge(dataset, [dataset.crops[place] for place in tested], answers[tested])
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
            "training_accuracy": accuracy_of(dataset, answers, "train"),
            "validation_accuracy": accuracy_of(dataset, answers, "validation"),
            "parity": difference,
        },
    )
    write_features(folder, model, dataset, job.spec, job.check)
    add_baseline(job, job.check)
    return Finished(
        epochs=fit.epochs,
        best_epoch=fit.best_epoch,
        accuracy=evaluation.accuracy or 0.0,
        n_test=evaluation.n,
        seconds=seconds,
        stopped=fit.ended == "stop",
        **trust([dataset.crops[place] for place in tested], answers[tested]),
    )
