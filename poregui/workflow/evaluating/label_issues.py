"""Queue the crops whose label is probably wrong, the most doubtful first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import Dataset
from poregui.domain.errors import ProjectError
from poregui.domain.evaluation import (
    Prediction,
    can_judge,
    confident_learning,
    unusual_shapes,
)
from poregui.domain.wording import fraction, percent
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.vision.shape.crop_shapes import LENGTHS
from poregui.workflow.evaluating.class_identity import ClassesHere, check_of_project, classes_of_run
from poregui.workflow.evaluating.newest_run import find_run
from poregui.workflow.evaluating.shape_baseline import ShapeTable, read_baseline, shape_table

_SHAPE_NUMBERS = (
    "Equivalent diameter", "Length", "Width", "Aspect ratio", "Circularity", "Solidity", "Extent",
)  # fmt: skip
NETWORK = "network"
FOREST = "shapes"
BOTH = "network and shapes"
_WHO = {
    NETWORK: "Network",
    FOREST: "Shape-only baseline",
    BOTH: "Network and shape-only baseline",
}


@dataclass(frozen=True)
class LabelIssue:
    """Hold one crop whose label may be wrong.

    `label` and `proposed` are class ids, `doubt` is 1 minus the probability of the label; `likely`:
    confident learning counts it as wrong; `shape_distance` is 1 at the edge of what is usual for
    the label, None where that is not known; `why` is a sentence; `source` says who answered:
    `network`, `shapes` or `network and shapes`.
    """

    crop_id: int
    name: str
    label: int
    proposed: int
    doubt: float
    likely: bool
    shape_distance: float | None
    why: str
    source: str


@dataclass(frozen=True)
class LabelIssues:
    """Hold the queue of a run, the most doubtful first.

    `expected_errors` is how many labels confident learning takes for wrong among `checked`;
    `accuracy` is how often the unseen predictions agree with the labels; `notes` say what the
    predictions rest on and what is missing. `able` is false where the predictions are so often
    wrong that they can doubt no label: then only shapes do, and the first note says so.
    """

    run: int
    queue: tuple[LabelIssue, ...]
    expected_errors: int
    checked: int
    accuracy: float | None
    names: Mapping[int, str]
    notes: tuple[str, ...]
    able: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the queue as a dictionary fit for JSON, with names of classes."""
        rows = [
            {
                **asdict(one),
                "label": self.names.get(one.label),
                "proposed": self.names.get(one.proposed),
            }
            for one in self.queue
        ]
        return {
            "run": self.run,
            "judged": self.checked,
            "expected_errors": self.expected_errors,
            "out_of_fold_accuracy": self.accuracy,
            "able_to_judge": self.able,
            "suspects": rows,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class _Predictions:
    """Hold (n, classes) probabilities of crops, each by models that never saw the crop, and where
    they come from.
    """

    crop_ids: list[int]
    probabilities: NDArray[np.float64]
    sources: list[str]
    notes: tuple[str, ...]


def label_issues(
    project: Project, run: RunFolder | None = None, *, reviewed_too: bool = False
) -> LabelIssues:
    """Return the labels that are probably wrong among the crops of a run (the newest finished one
    when not given).

    Predictions of the network count for crops that it never learned from: all of a
    cross-validation, test and validation crops otherwise. Predictions of the shape baseline are out
    of fold for all crops. Where both are known, their mean is. Crops marked as reviewed are left
    out unless asked for; labels are those of now. Raises ProjectError when there is no finished
    run, nothing predicted the crops unseen, or the run was trained in another project.
    """
    run = run or find_run(project, None)
    dataset = run.read_dataset()
    check_of_project(project, dataset, run.number)
    here = classes_of_run(project, dataset)
    predictions = _predictions(run, dataset)
    labels = project.labels()
    index_of = {class_id: i for i, class_id in enumerate(here.ids)}
    kept = [
        row for row, crop_id in enumerate(predictions.crop_ids) if labels.get(crop_id) in index_of
    ]
    ids = [predictions.crop_ids[row] for row in kept]
    labelled = np.array([index_of[labels[i]] for i in ids], np.int64)  # type: ignore[index]
    able = can_judge(predictions.probabilities[kept], labelled)
    judge = _Judge(dataset, here, predictions.probabilities[kept], labelled, able)
    found = judge.label_issues(ids, [predictions.sources[row] for row in kept], shape_table(run))
    passed: set[int] = set()
    if not reviewed_too:
        passed = {i for i, remark in project.remarks().items() if remark.reviewed}
    right = judge.probabilities.argmax(axis=1) == labelled
    accuracy: float | None = None
    if ids:
        accuracy = float(right.mean())
    return LabelIssues(
        run=run.number,
        queue=tuple(one for one in found if one.crop_id not in passed),
        expected_errors=sum(one.likely for one in found),
        checked=len(ids),
        accuracy=accuracy,
        names=dict(zip(here.ids, here.names, strict=True)),
        notes=predictions.notes if able else (_unable(run, right), *predictions.notes),
        able=able,
    )


def _unable(run: RunFolder, right: NDArray[np.bool_]) -> str:
    """Say that the predictions of a run are too often wrong to doubt a label."""
    agreed = fraction(int(right.sum()), len(right))
    return (
        f"Run {run.path.name} agrees with {agreed} labels, which is no better than "
        "chance or less than half; it cannot say which labels are wrong. Train again with more "
        "labels or for longer."
    )


def follow(found: LabelIssues, project: Project) -> LabelIssues:
    """Return the queue without the crops that were relabelled, deleted or marked as reviewed
    meanwhile.

    Order and doubt stay as they were. Give the queue as `label_issues` found it, and undo brings
    crops back.
    """
    labels = project.labels()
    remarks = project.remarks()

    def settled(one: LabelIssue) -> bool:
        remark = remarks.get(one.crop_id)
        return labels.get(one.crop_id) != one.label or (remark is not None and remark.reviewed)

    return replace(found, queue=tuple(one for one in found.queue if not settled(one)))


def _predictions(run: RunFolder, dataset: Dataset) -> _Predictions:
    baseline = read_baseline(run)
    forest: dict[int, Prediction] = {}
    if baseline is not None:
        forest = dict(baseline.out_of_fold)
    only_shapes = run.read_recipe().preset == "shape"
    folds = bool(run.read_folds())
    split_of = {crop.crop_id: crop.split for crop in dataset.crops}
    network = {
        prediction.crop_id: prediction
        for prediction in run.read_predictions(dataset)
        if folds or split_of.get(prediction.crop_id) in ("test", "validation")
    }
    if only_shapes and forest:
        network = {}  # the run is the forest itself, and out of its folds it knows all crops
    width = len(dataset.classes)
    ids = []
    rows = []
    sources = []
    for crop in dataset.crops:
        known = [of[crop.crop_id].probabilities for of in (network, forest) if crop.crop_id in of]
        if known and all(len(one) == width for one in known):
            ids.append(crop.crop_id)
            rows.append(np.mean(known, axis=0))
            if len(known) == 2:
                sources.append(BOTH)
            elif crop.crop_id in network:
                sources.append(NETWORK)
            else:
                sources.append(FOREST)
    if not ids:
        raise ProjectError(
            f"Run {run.path.name} has no predictions for crops it was not trained on.",
            "Train again.",
        )
    notes: tuple[str, ...] = ()
    if not only_shapes:
        notes = _notes(run, len(network), len(forest), len(dataset.crops))
    return _Predictions(ids, np.array(rows, np.float64), sources, notes)


def _notes(run: RunFolder, network: int, forest: int, total: int) -> tuple[str, ...]:
    notes = []
    if network < total and forest:
        notes.append(
            f"The network of run {run.path.name} was trained on {total - network:,} of {total:,} "
            "crops; these are checked by shape only. Cross-validate to check all with the network: "
            "poregui train PROJECT --folds 5."
        )
    elif network < total:
        notes.append(
            f"Only {network:,} of {total:,} crops can be checked: the network of run "
            f"{run.path.name} was trained on the others. Train again or cross-validate to check "
            "all."
        )
    return tuple(notes)


@dataclass(frozen=True, eq=False)
class _Judge:
    """Judge (n,) labels by (n, classes) unseen probabilities, where these are `able` to, and by
    shapes.
    """

    dataset: Dataset
    here: ClassesHere
    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    able: bool

    def label_issues(
        self, ids: Sequence[int], sources: Sequence[str], shapes: ShapeTable
    ) -> list[LabelIssue]:
        """Return the crops that confident learning or their shape puts in doubt, or whose label is
        not the answer.
        """
        learned = confident_learning(self.probabilities, self.labels)
        unusual = unusual_shapes(_logs(shapes, ids), self.labels, len(self.dataset.classes))
        odd = unusual.marked & (unusual.nearest != self.labels)
        crop_names = {crop.crop_id: crop.name for crop in self.dataset.crops}
        found = []
        for row in np.argsort(-learned.doubt, kind="stable").tolist():
            proposed = int(learned.proposed[row])
            disagrees = (
                self.probabilities[row, proposed] > self.probabilities[row, self.labels[row]]
            )
            if not odd[row] and not (self.able and (learned.likely[row] or disagrees)):
                continue
            distance = float(unusual.distance[row])
            shape: float | None = None
            if np.isfinite(distance):
                shape = distance
            unlikely_shape = shape if odd[row] else None
            found.append(
                LabelIssue(
                    crop_id=ids[row],
                    name=crop_names[ids[row]],
                    label=self.here.ids[self.labels[row]],
                    proposed=self.here.ids[proposed],
                    doubt=float(learned.doubt[row]),
                    likely=self.able and bool(learned.likely[row]),
                    shape_distance=shape,
                    why=self._why(row, proposed, unlikely_shape, sources[row]),
                    source=sources[row],
                )
            )
        return found

    def _why(self, row: int, proposed: int, odd: float | None, source: str) -> str:
        label = self.here.names[self.labels[row]]
        other = self.here.names[proposed]
        own = self.probabilities[row, self.labels[row]]
        proposed_share = self.probabilities[row, proposed]
        text = f"{_WHO[source]}: {other} {percent(proposed_share, 0)}, {label} {percent(own, 0)}"
        if odd:
            return f"{text}; the shape is {odd:.1f} times the usual distance from {label}."
        return f"{text}."


def _logs(shapes: ShapeTable, ids: Sequence[int]) -> NDArray[np.float64]:
    """Return the shape numbers that tell classes apart, lengths and ratios as logarithms: factors
    count alike.
    """
    rows = shapes.rows_of(list(ids))
    columns = []
    for name in _SHAPE_NUMBERS:
        values = rows[:, shapes.names.index(name)]
        scaled = name in LENGTHS or name == "Aspect ratio"
        if scaled:
            values = np.log(np.maximum(values, 1e-9))
        columns.append(values)
    return np.stack(columns, axis=1)
