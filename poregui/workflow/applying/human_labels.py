"""Find what people said of pores that a network was applied to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.records import Plane
from poregui.store.project import Project
from poregui.workflow.applying.field import AppliedField, FieldTask
from poregui.workflow.applying.result_table import LEFT, NOBODY, OTHER, REMOVED, PoreTable
from poregui.workflow.importing.image_identity import micrographs_by_file

_NEAR = 0.25
"""Distance of the middles of two outlines of one pore, in parts of its diameter."""
_ALIKE = 2.0
"""Ratio of the areas of two outlines of one pore."""


@dataclass(frozen=True, eq=False)
class PlacedCrops:
    """Hold where the crops of a micrograph are: `ids`, `middles` (n, 2) in px, and the `label` of
    each.

    `areas` (n,) in px² are NaN for those without an outline; there the middle of a pore must be
    within `reach` px.
    """

    ids: tuple[int, ...]
    middles: NDArray[np.float64]
    areas: NDArray[np.float64]
    reach: NDArray[np.float64]
    labels: tuple[int | None, ...]

    def of_pores(self, middles: NDArray[np.float64], areas: NDArray[np.float64]) -> dict[int, int]:
        """Return by place in (m, 2) `middles` and (m,) `areas` of pores the place here of the crop
        that shows it.
        """
        from scipy.spatial import cKDTree

        if not len(middles) or not self.ids:
            return {}
        away, pore = cKDTree(middles).query(self.middles)
        own = np.where(np.isnan(self.areas), areas[pore], self.areas)
        smaller = np.minimum(areas[pore], own)
        larger = np.maximum(areas[pore], own)
        reach = np.where(
            np.isnan(self.areas), self.reach, _NEAR * np.sqrt(4 / np.pi * smaller) + 0.5
        )
        same = (away <= reach) & (larger <= _ALIKE * smaller)
        return {int(pore[place]): place for place in np.flatnonzero(same).tolist()}


Placed = dict[tuple[str, str], PlacedCrops]
"""By resolved file and plane."""


def placed_crops(project: Project, *, labelled: bool) -> Placed:
    """Return where the crops of every micrograph that has some are, all or those that a person
    labelled.
    """
    found: Placed = {}
    for micrograph in micrographs_by_file(project):
        crops = [
            (one, one.box)
            for one in project.crops(micrograph_id=micrograph.id)
            if one.box is not None and (one.label is not None or not labelled)
        ]
        if not crops:
            continue
        lines = project.outlines(micrograph_id=micrograph.id)
        middles = []
        areas = []
        for crop, box in crops:
            line = lines.get(crop.id)
            if line is None:
                middle = box.centre
                area = np.nan
            else:
                middle, area = _middle(line.points.astype(np.float64))
            middles.append(middle)
            areas.append(area)
        reach = [_NEAR * min(box.width, box.height) / 2 for _, box in crops]
        key = (
            str(project.micrograph_file(micrograph).resolve()),
            str(Plane.parse(micrograph.plane)),
        )
        ids = tuple(crop.id for crop, _ in crops)
        labels = tuple(crop.label for crop, _ in crops)
        found[key] = PlacedCrops(
            ids, np.array(middles, np.float64), np.array(areas), np.array(reach), labels
        )
    return found


def place_of(task: FieldTask) -> tuple[str, str]:
    """Return the key of a micrograph in `Placed`."""
    return str(task.file.resolve()), str(task.plane)


def class_places(class_ids: Sequence[int]) -> dict[int, int]:
    """Return for each label that a network can answer the place of its class in the answers, and of
    the fixed labels.

    `class_ids` are those of the project, in the order of the answers. *Not a pore* is `REMOVED`
    where the network has no such answer.
    """
    return {UNSURE: LEFT, NOT_A_PORE: REMOVED} | {
        class_id: place for place, class_id in enumerate(class_ids)
    }


@dataclass(frozen=True)
class PeoplesAnswers:
    """Hold the crops that people labelled, and the place of each label in the
    answers of a network.
    """

    labelled: Placed
    places: dict[int, int]


def answers_of_people(project: Project, class_ids: Sequence[int]) -> PeoplesAnswers:
    """Return what people said in a project, fit for a network whose answers are these classes of
    the project.
    """
    return PeoplesAnswers(placed_crops(project, labelled=True), class_places(class_ids))


def with_answers(field: AppliedField, said: PeoplesAnswers) -> AppliedField:
    """Return a micrograph whose pores have the answers of people, where there are some, before the
    network's.
    """
    own = said.labelled.get(place_of(field.task))
    if own is None:
        answered = np.empty(0, np.int64)
    else:
        answered = _answers(field.pores, own, said.places)
    return replace(field, pores=replace(field.pores, answered=answered))


def _answers(table: PoreTable, own: PlacedCrops, places: dict[int, int]) -> NDArray[np.int64]:
    answered = np.full(len(table.areas), NOBODY, np.int64)
    for pore, crop in own.of_pores(table.middles, table.areas).items():
        label = own.labels[crop]
        if label is None:
            answered[pore] = NOBODY
        else:
            answered[pore] = places.get(label, OTHER)
    return answered


def _middle(points: NDArray[np.float64]) -> tuple[tuple[float, float], float]:
    """Return centroid and area of a closed line, by the shoelace formula."""
    corner = points[0]
    (x, y), (u, v) = (points - corner).T, (np.roll(points, -1, axis=0) - corner).T
    cross = x * v - u * y
    twice = float(cross.sum())
    if abs(twice) < 1e-9:
        middle = points.mean(axis=0)
        return (float(middle[0]), float(middle[1])), 0.0
    return (
        float(corner[0] + ((x + u) * cross).sum() / (3 * twice)),
        float(corner[1] + ((y + v) * cross).sum() / (3 * twice)),
    ), abs(twice) / 2
