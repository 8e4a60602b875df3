"""Hold what the steps of a run share: its job, its start, its end, and that it is trained."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras

from poregui.domain.checked import mapping, number, text, whole
from poregui.domain.dataset import Dataset, DatasetCrop
from poregui.domain.errors import PoreguiError, TrainingError
from poregui.domain.events import (
    BatchEnded,
    Cancelled,
    EpochEnded,
    Event,
    Interrupted,
    Stage,
    Started,
    moment,
)
from poregui.domain.recipe import Recipe
from poregui.learning import networks
from poregui.learning.batches import Crops, batch_count, load
from poregui.learning.blend import Shapes, blends
from poregui.learning.fitting import FULL, Fit, Fitter, Report, ShouldStop, layers_of, policy_of
from poregui.learning.results import Check, leave_off, never
from poregui.learning.shape_forest import ShapeRows, write_baseline
from poregui.store.files import write_json
from poregui.store.run_files import BROKEN, parse_json, read_whole
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import InputSpec

EXPORTING = "Exporting the model"
"""What is told when model.keras has been saved, also by versions that wrote no trained.json."""


def write_trained(folder: RunFolder, fit: Fit, seconds: float) -> None:
    """Write trained.json beside model.keras: how its training went and which weights they are."""
    values = {
        "ended": fit.ended,
        "epochs": fit.epochs,
        "best_epoch": fit.best_epoch,
        "seconds": seconds,
        "made_from": _hashes(folder),
    }
    write_json(folder.trained_file, values)


def read_trained(folder: RunFolder) -> Fit | None:
    """Return how the training of the weights in model.keras went, None where they have to be
    trained first.

    They count only with the recipe and the dataset that they were trained by.
    """
    try:
        if not folder.trained_file.exists():
            if folder.model_file.is_file():
                return _fit_from_events(folder.events())
            return None
        values: dict[str, Any] = mapping(parse_json(read_whole(folder.trained_file)))
        if values["made_from"] != _hashes(folder):
            return None
        return Fit(
            text(values["ended"]),
            whole(values["epochs"]),
            whole(values["best_epoch"]),
            number(values["seconds"]),
        )
    except (PoreguiError, *BROKEN):
        return None


def _hashes(folder: RunFolder) -> dict[str, str]:
    files = (folder.recipe_file, folder.dataset_file, folder.model_file)
    return {path.name: hashlib.sha256(read_whole(path)).hexdigest() for path in files}


def _fit_from_events(events: list[Event]) -> Fit | None:
    """Return the same of a run that was ended in its last steps by a version that wrote no
    trained.json.
    """
    last: EpochEnded | None = None
    exported = False
    for event in events:
        if isinstance(event, Started | BatchEnded | EpochEnded):
            exported = False
        if isinstance(event, EpochEnded):
            last = event
        exported = exported or (isinstance(event, Stage) and event.text == EXPORTING)
    if last is None or not exported:
        return None
    return Fit("done", last.epoch, last.best_epoch, last.seconds)


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


def make_repeatable(seed: int) -> None:
    """Let equal runs give equal weights: seeds everywhere, and only operations that do not depend
    on chance.
    """
    import tensorflow

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()  # costs nothing measurable on processors


def load_split(job: Job, crops: Sequence[DatasetCrop], what: str) -> Crops:
    """Load crops. Raises TrainingError when there are none."""
    if not crops:
        raise TrainingError(
            f"There is no crop to {what} with.", "Label more crops, then train again."
        )
    return load(job.folder, crops, job.spec)


def start(
    job: Job,
    name: str,
    train: Crops,
    validation: Crops,
    n_test: int,
    *,
    fold: int = 0,
    folds: int = 0,
) -> Fitter:
    """Build the network, say that training (of one of `folds` folds) begins, and return what fits
    it.
    """
    build = partial(
        networks.build, job.recipe, job.spec, len(job.dataset.classes), train.sizes, train.shapes
    )
    policy = policy_of(job.recipe)
    with layers_of(policy):
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
            at=moment(),
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
        exact=build if policy != FULL else None,
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


def shapes_of(job: Job) -> Shapes | None:
    """Measure all crops of a run whose network is blended with a forest, None for any other one."""
    if not blends(job.recipe, job.spec):
        return None
    return Shapes.of(job.folder, job.recipe, job.dataset, job.check)


def add_baseline(job: Job, check: Check = never, rows: ShapeRows | None = None) -> None:
    """Predict the run's crops from their shapes alone, to compare the network with; `check` may
    raise LeftOff.
    """
    job.report(Stage("Comparing with shape-only baseline"))
    write_baseline(job.folder, job.recipe, job.dataset, check, rows)
