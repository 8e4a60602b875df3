"""Hold the predictions of a run beside the labels as they are now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import SPLITS, Dataset, DatasetCrop, SplitName
from poregui.domain.evaluation import Evaluation, evaluate
from poregui.domain.statistics.intervals import HeadlineInterval, interval_of
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.store.run_notes import read_notes
from poregui.workflow.evaluating.class_identity import check_of_project, classes_of_run

NO_TRUTH = -1
_SMALLEST_PROBABILITY = 1e-12
_MOST_LABELS_ONE_BY_ONE = 200


@dataclass(frozen=True, eq=False)
class Predictions:
    """Hold the predictions of a run beside the labels: one row per crop, in the order of the run.

    `classes` and `class_ids` are the run's classes with their names and ids in the project as they
    are now, `crops` (n,) are as they were frozen, `rows` their rows by crop id. `splits` (n,) are
    indices of SPLITS, `probabilities` is (n, classes); `predicted`, `trained` (the label when the
    run was frozen) and `truth` (the label as it is now) are (n,) indices of classes. `truth` is
    NO_TRUTH where the crop was deleted, lost its label, is unsure, or has a class that the run does
    not know; `exists` is False where it was deleted. `name` and `note` are a person's.
    """

    run: int
    preset: str
    dataset: Dataset
    accuracy_as_trained: float | None
    folds: int
    classes: tuple[str, ...]
    class_ids: tuple[int, ...]
    crops: tuple[DatasetCrop, ...]
    rows: Mapping[int, int]
    ids: NDArray[np.int64]
    splits: NDArray[np.int8]
    probabilities: NDArray[np.float64]
    predicted: NDArray[np.int64]
    trained: NDArray[np.int64]
    truth: NDArray[np.int64]
    exists: NDArray[np.bool_]
    name: str = ""
    note: str = ""

    def __len__(self) -> int:
        return len(self.crops)

    # ---- columns ----------------------------------------------------------------------------

    @property
    def right(self) -> NDArray[np.bool_]:
        """Tell of each row whether the prediction is the label as it is now."""
        return np.asarray(self.predicted == self.truth)

    def is_right(self, row: int) -> bool:
        """Tell whether the prediction of one row is the label as it is now."""
        return bool(self.predicted[row] == self.truth[row])

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Return the probabilities of the predicted classes."""
        return self.probabilities.max(axis=1, initial=0.0)

    @property
    def margin(self) -> NDArray[np.float64]:
        """Return how far the most probable class stands above the second."""
        ordered = np.sort(self.probabilities, axis=1)
        return np.asarray(ordered[:, -1] - ordered[:, -2])

    @property
    def label_probability(self) -> NDArray[np.float64]:
        """Return the probabilities of the labels as they are now; 0 without a label."""
        known = self.truth != NO_TRUTH
        own = self.probabilities[np.arange(len(self)), np.where(known, self.truth, 0)]
        return np.where(known, own, 0.0)

    @property
    def loss(self) -> NDArray[np.float64]:
        """Return the cross-entropy of each row in nats; infinite without a label."""
        nats = -np.log(np.maximum(self.label_probability, _SMALLEST_PROBABILITY))
        return np.where(self.truth != NO_TRUTH, nats, np.inf)

    # ---- rows -------------------------------------------------------------------------------

    def in_split(self, split: SplitName) -> NDArray[np.bool_]:
        """Tell which rows are of a split."""
        return np.asarray(self.splits == SPLITS.index(split))

    def counted(self, split: SplitName = "test") -> NDArray[np.intp]:
        """Return the rows of a split that have a label which the run knows."""
        return np.flatnonzero(self.in_split(split) & (self.truth != NO_TRUTH))

    def errors(self, split: SplitName = "test") -> NDArray[np.intp]:
        """Return the counted rows of a split with a wrong prediction, the greatest loss first."""
        counted = self.counted(split)
        wrong = counted[~self.right[counted]]
        order = (self.ids[wrong], -self.confidence[wrong], self.label_probability[wrong])
        return wrong[np.lexsort(order)]

    def groups(self, rows: NDArray[np.intp]) -> list[str]:
        """Return the groups of rows, such as `specimen:3`."""
        return [self.crops[row].group for row in rows.tolist()]

    def sizes(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.float64], str]:
        """Return the longer sides of the crops of rows and their unit: `um`, or `px` where a scale
        is unknown.
        """
        crops = [self.crops[row] for row in rows.tolist()]
        sides = np.array([max(crop.width, crop.height) for crop in crops], np.float64)
        scales = np.array([crop.um_per_px or np.nan for crop in crops], np.float64)
        if len(crops) and np.isfinite(scales).all():
            return sides * scales, "um"
        return sides, "px"

    def only(self, rows: NDArray[np.intp]) -> Predictions:
        """Return these rows alone."""
        crops = tuple(self.crops[row] for row in rows.tolist())
        return replace(
            self,
            crops=crops,
            rows=_rows_of(crops),
            ids=self.ids[rows],
            splits=self.splits[rows],
            probabilities=self.probabilities[rows],
            predicted=self.predicted[rows],
            trained=self.trained[rows],
            truth=self.truth[rows],
            exists=self.exists[rows],
        )

    # ---- numbers ----------------------------------------------------------------------------

    @property
    def available_splits(self) -> set[SplitName]:
        """Return the splits that have predictions."""
        return {SPLITS[index] for index in np.unique(self.splits).tolist()}

    @property
    def relabelled(self) -> int:
        """Return how many test crops have another label than when the run was frozen, or none any
        more.
        """
        return int(((self.truth != self.trained) & self.in_split("test")).sum())

    @property
    def relabelled_others(self) -> int:
        """Return the same of the crops that the run was not tested on."""
        return int(((self.truth != self.trained) & ~self.in_split("test")).sum())

    def evaluation(self, split: SplitName = "test") -> Evaluation:
        """Return the numbers of one split with the labels as they are now."""
        rows = self.counted(split)
        return evaluate(self.classes, self.truth[rows], self.predicted[rows])

    def interval(self, split: SplitName = "test") -> HeadlineInterval | None:
        """Return the interval to show beside the accuracy of a split (see `interval_of`), None when
        no crop is counted.
        """
        rows = self.counted(split)
        return interval_of(self.right[rows], self.groups(rows))


def _rows_of(crops: tuple[DatasetCrop, ...]) -> dict[int, int]:
    return {crop.crop_id: row for row, crop in enumerate(crops)}


def read_predictions(run: RunFolder) -> Predictions:
    """Return what the files of a run say, with the labels of the freeze; fit for any thread.

    Raises ProjectError when the run has no predictions or is damaged.
    """
    dataset = run.read_dataset()
    predictions = run.read_predictions(dataset)
    frozen = {crop.crop_id: crop for crop in dataset.crops}
    metrics = run.read_metrics()
    crops = tuple(frozen[p.crop_id] for p in predictions)
    probabilities = np.array([p.probabilities for p in predictions], np.float64)
    probabilities = probabilities.reshape(len(crops), len(dataset.classes))
    trained = np.array([crop.label for crop in crops], np.int64)
    notes = read_notes(run)
    return Predictions(
        run=run.number,
        preset=run.read_recipe().preset,
        dataset=dataset,
        accuracy_as_trained=metrics.get("accuracy_as_trained", metrics.get("pooled_accuracy")),
        folds=len(run.read_folds()),
        classes=dataset.classes,
        class_ids=dataset.class_ids,
        crops=crops,
        rows=_rows_of(crops),
        ids=np.array([crop.crop_id for crop in crops], np.int64),
        splits=np.array([SPLITS.index(crop.split) for crop in crops], np.int8),
        probabilities=probabilities,
        predicted=probabilities.argmax(axis=1).astype(np.int64),
        trained=trained,
        truth=trained,
        exists=np.ones(len(crops), np.bool_),
        name=notes.name,
        note=notes.note,
    )


def review(project: Project, run: RunFolder) -> Predictions:
    """Return the predictions of a run beside the labels as they are now.

    Raises ProjectError when the run has no predictions, is damaged or was trained in another
    project.
    """
    return beside_labels(read_predictions(run), project)


def beside_labels(predictions: Predictions, project: Project) -> Predictions:
    """Return predictions with the labels and the classes as they are now.

    Raises ProjectError when the run was trained in another project.
    """
    check_of_project(project, predictions.dataset, predictions.run)
    here = classes_of_run(project, predictions.dataset)
    return follow(replace(predictions, classes=here.names, class_ids=here.ids), project, ())


def follow(predictions: Predictions, project: Project, crop_ids: Collection[int]) -> Predictions:
    """Return predictions with the labels of these crops (or, when there are none, of all) read
    again.
    """
    wanted = [i for i in crop_ids or predictions.rows if i in predictions.rows]
    if crop_ids and len(wanted) <= _MOST_LABELS_ONE_BY_ONE:
        labels = project.labels_of(wanted)
    else:
        labels = project.labels()
    index_of: dict[int | None, int] = {i: n for n, i in enumerate(predictions.class_ids)}
    rows = [predictions.rows[crop_id] for crop_id in wanted]
    truth = predictions.truth.copy()
    truth[rows] = [index_of.get(labels.get(crop_id), NO_TRUTH) for crop_id in wanted]
    exists = predictions.exists.copy()
    exists[rows] = [crop_id in labels for crop_id in wanted]
    return replace(predictions, truth=truth, exists=exists)


def evaluation_json(project: Project, run: RunFolder) -> dict[str, Any]:
    """Return what `poregui evaluate --json` prints for a run."""
    predictions = review(project, run)
    interval = predictions.interval()
    return {
        "run": predictions.run,
        "name": predictions.name,
        "note": predictions.note,
        "preset": predictions.preset,
        **predictions.evaluation().to_json(),
        "accuracy_interval_over_groups": interval and interval.to_json(),
        "accuracy_as_trained": predictions.accuracy_as_trained,
        "relabelled_since": predictions.relabelled,
        "split": {
            "kind": predictions.dataset.split_kind,
            "groups_train": predictions.dataset.groups_train,
            "groups_test": predictions.dataset.groups_test,
        },
        "warnings": list(run.read_dataset().warnings),
    }


@dataclass(frozen=True, eq=False)
class Nearest:
    """Hold the network's features of a run's crops: `units` (n, features) float32, each row of
    length 1.

    `crop_ids` (n,) and `trained` (n,), which tells what was trained on.
    """

    crop_ids: NDArray[np.int64]
    trained: NDArray[np.bool_]
    units: NDArray[np.float32]

    @staticmethod
    def read(run: RunFolder) -> Nearest | None:
        """Return the features of a run; None where none were kept: cross-validations and runs of
        older versions.

        Raises ProjectError when the folder is damaged.
        """
        dataset = run.read_dataset()
        features = run.read_features(dataset)
        if features is None:
            return None
        crops = dataset.crops
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        return Nearest(
            np.array([crop.crop_id for crop in crops], np.int64),
            np.array([crop.split == "train" for crop in crops]),
            np.asarray(features / np.maximum(lengths, 1e-12), np.float32),
        )

    def of(self, crop_id: int, count: int = 6) -> list[tuple[int, float]]:
        """Return the ids of the `count` nearest training crops with their distance, nearest first,
        without itself.

        The distance is 1 minus the cosine of the features, from 0 to 2. Empty for a crop that the
        run does not hold.
        """
        index = np.flatnonzero(self.crop_ids == crop_id)
        if not len(index):
            return []
        candidates = np.flatnonzero(self.trained & (self.crop_ids != crop_id))
        distances = 1.0 - self.units[candidates] @ self.units[index[0]]
        order = np.argsort(distances, kind="stable")[:count]
        return [(int(self.crop_ids[candidates[i]]), float(max(distances[i], 0.0))) for i in order]
