"""Hold the predictions of a run against the labels as they are now."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from poregui.domain.dataset import Dataset, DatasetCrop, Part
from poregui.domain.evaluation import Evaluation, Prediction, evaluate
from poregui.domain.headline import HeadlineInterval, interval_of
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.class_identity import check_of_project, classes_of_run

_SMALLEST_PROBABILITY = 1e-12


@dataclass(frozen=True)
class Judged:
    """Hold one prediction beside its label.

    `crop` is the crop as it was frozen, `truth` the place of the label as it is now: None when the crop was deleted,
    lost its label, is unsure, or has a class that the run does not know.
    """

    prediction: Prediction
    crop: DatasetCrop
    truth: int | None
    exists: bool

    @property
    def crop_id(self) -> int:
        """Return the id of the crop."""
        return self.crop.crop_id

    @property
    def part(self) -> Part:
        """Return the part of the dataset that the crop was in."""
        return self.crop.part

    @property
    def trained_label(self) -> int:
        """Return the place of the label when the run was frozen."""
        return self.crop.label

    @property
    def name(self) -> str:
        """Return how the crop is called."""
        return self.crop.name

    @property
    def right(self) -> bool:
        """Tell whether the prediction is the label as it is now."""
        return self.truth == self.prediction.index

    @property
    def probability(self) -> float:
        """Return the probability that the label as it is now was given; 0 without a label."""
        return self.prediction.probabilities[self.truth] if self.truth is not None else 0.0

    @property
    def loss(self) -> float | None:
        """Return the cross-entropy of the prediction in nats; None without a label."""
        return None if self.truth is None else -math.log(max(self.probability, _SMALLEST_PROBABILITY))

    @property
    def margin(self) -> float:
        """Return how far the most probable class stands above the second."""
        first, second = sorted(self.prediction.probabilities, reverse=True)[:2]
        return first - second


@dataclass(frozen=True)
class RunReview:
    """Hold all predictions of a run beside the labels, and what the run said when it ended.

    `classes` have their names as they are now; `relabelled` counts test crops whose label changed since the freeze.
    """

    run: int
    preset: str
    classes: tuple[str, ...]
    class_ids: tuple[int, ...]
    judged: tuple[Judged, ...]
    accuracy_as_trained: float | None
    split_kind: str
    groups_train: int
    groups_test: int
    folds: int

    @property
    def relabelled(self) -> int:
        """Return how many test crops have another label than when the run was frozen, or none any more."""
        return sum(j.truth != j.trained_label for j in self.judged if j.part == "test")

    def counted(self, part: Part = "test") -> list[Judged]:
        """Return the crops of one part that have a label which the run knows."""
        return [j for j in self.judged if j.part == part and j.truth is not None]

    def evaluation(self, part: Part = "test") -> Evaluation:
        """Return the numbers of one part with the labels as they are now."""
        counted = self.counted(part)
        truth = np.array([j.truth for j in counted], np.int64)
        predicted = np.array([j.prediction.index for j in counted], np.int64)
        return evaluate(self.classes, truth, predicted)

    def cell(self, row: int, column: int, part: Part = "test") -> list[Judged]:
        """Return the crops of one cell of the matrix, the most confident ones first."""
        found = [j for j in self.judged if j.part == part and j.truth == row and j.prediction.index == column]
        return worst_first(found)

    def errors(self, part: Part = "test") -> list[Judged]:
        """Return the crops of one part that are predicted wrongly, the most confident ones first."""
        return worst_first(j for j in self.judged if j.part == part and j.truth is not None and not j.right)


def worst_first(judged: Iterable[Judged]) -> list[Judged]:
    """Return crops by the loss of their prediction, -log of the probability of the label, the greatest first."""

    return sorted(judged, key=lambda j: (j.probability, -j.prediction.confidence, j.crop_id))


@dataclass(frozen=True)
class RunAnswers:
    """Hold what the files of a run say, read without the project."""

    run: int
    preset: str
    dataset: Dataset
    predictions: tuple[Prediction, ...]
    accuracy_as_trained: float | None
    folds: int


def read_answers(run: RunFolder) -> RunAnswers:
    """Return what the files of a run say; fit for any thread.

    Raises ProjectError when the run has no predictions or is damaged.
    """
    dataset = run.read_dataset()
    predictions = run.read_predictions(dataset)
    metrics = run.read_metrics()
    return RunAnswers(
        run=run.number,
        preset=run.read_recipe().preset,
        dataset=dataset,
        predictions=tuple(predictions),
        accuracy_as_trained=metrics.get("accuracy_as_trained", metrics.get("pooled_accuracy")),
        folds=len(run.read_folds()),
    )


def review(project: Project, run: RunFolder) -> RunReview:
    """Return the predictions of a run beside the labels as they are now.

    Raises ProjectError when the run has no predictions, is damaged or was trained in another project.
    """
    return review_answers(project, read_answers(run))


def review_answers(project: Project, answers: RunAnswers) -> RunReview:
    """Return predictions that were read already beside the labels as they are now.

    Raises ProjectError when the run was trained in another project.
    """
    dataset = answers.dataset
    check_of_project(project, dataset, answers.run)
    here = classes_of_run(project, dataset)
    frozen = {crop.crop_id: crop for crop in dataset.crops}
    labels = project.labels()
    place = {class_id: i for i, class_id in enumerate(here.ids)}
    judged = tuple(
        Judged(
            prediction=answer,
            crop=frozen[answer.crop_id],
            truth=_place(labels.get(answer.crop_id), place),
            exists=answer.crop_id in labels,
        )
        for answer in answers.predictions
    )
    return RunReview(
        run=answers.run,
        preset=answers.preset,
        classes=here.names,
        class_ids=here.ids,
        judged=judged,
        accuracy_as_trained=answers.accuracy_as_trained,
        split_kind=dataset.split_kind,
        groups_train=dataset.groups_train,
        groups_test=dataset.groups_test,
        folds=answers.folds,
    )


def _place(label: int | None, place: dict[int, int]) -> int | None:
    return None if label is None else place.get(label)


def follow(reviewed: RunReview, project: Project, crop_ids: Iterable[int]) -> RunReview:
    """Return the review with the labels of these crops (or, when there are none, of all) read again."""
    wanted = set(crop_ids)
    place = {class_id: i for i, class_id in enumerate(reviewed.class_ids)}
    if not wanted or len(wanted) > 200:
        labels = project.labels()
    else:
        labels = project.labels_of(wanted)
    judged = tuple(
        replace(j, truth=_place(labels.get(j.crop_id), place), exists=j.crop_id in labels)
        if not wanted or j.crop_id in wanted
        else j
        for j in reviewed.judged
    )
    return replace(reviewed, judged=judged)


def headline_interval(reviewed: RunReview, part: Part = "test") -> HeadlineInterval | None:
    """Return the interval to show beside the accuracy of a part (see `interval_of`), None when no crop is counted."""
    judged = reviewed.counted(part)
    return interval_of(np.array([j.right for j in judged], bool), [j.crop.group for j in judged])


def evaluation_json(project: Project, run: RunFolder) -> dict[str, Any]:
    """Return what `poregui evaluate --json` prints for a run."""
    reviewed = review(project, run)
    interval = headline_interval(reviewed)
    return {
        "run": reviewed.run,
        "preset": reviewed.preset,
        **reviewed.evaluation().to_json(),
        "accuracy_interval_over_groups": interval.to_json() if interval else None,
        "accuracy_as_trained": reviewed.accuracy_as_trained,
        "relabelled_since": reviewed.relabelled,
        "split": {
            "kind": reviewed.split_kind,
            "groups_train": reviewed.groups_train,
            "groups_test": reviewed.groups_test,
        },
        "warnings": list(run.read_dataset().warnings),
    }
