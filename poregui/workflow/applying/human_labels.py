"""Find what people said of pores that a network was applied to."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.records import Plane
from poregui.domain.wording import count, noun
from poregui.store.project import Project
from poregui.workflow.applying.field import AppliedField, FieldTask
from poregui.workflow.applying.result_table import LEFT, NOBODY, OTHER, REMOVED, PoreTable
from poregui.workflow.importing.image_identity import micrographs_by_file

_NEAR = 0.25
"""Distance of the middles of two outlines of one pore, in parts of its diameter."""
_ALIKE = 2.0
"""Ratio of the areas of two outlines of one pore."""
_AROUND = 0.75
"""Distance of the middle of a box from that of its pore, in parts of the pore's half length."""
_SEEN = 0.005
"""Part of a box that a pore fills at least to be what the box was put for."""
_DOUBLE = 0.35
"""As `_AROUND`, for a second box around a pore; from there on it was put for another one."""
_ROUNDS = 4
_ALONE = 2.0
"""How much larger than any other one in its box a pore is that does not lie around its middle."""


@dataclass(frozen=True, eq=False)
class PlacedCrops:
    """Hold where the crops of a micrograph are: `ids`, `boxes` (n, 4) of left, top, right, bottom
    and `middles` (n, 2) in px, and the `label` of each.

    `areas` (n,) in px² are NaN for those without an outline.
    """

    ids: tuple[int, ...]
    boxes: NDArray[np.float64]
    middles: NDArray[np.float64]
    areas: NDArray[np.float64]
    labels: tuple[int | None, ...]

    def of_pores(
        self,
        middles: NDArray[np.float64],
        areas: NDArray[np.float64],
        lengths: NDArray[np.float64] | None = None,
        *,
        whole: bool = True,
    ) -> dict[int, int]:
        """Return by place in (m, 2) `middles`, (m,) `areas` and largest Feret diameters `lengths`
        of pores, in px, the place here of the crop that shows it.

        A crop with an outline shows the pore of about that place and area. A box shows the pore
        that lies around its middle, else, of the `whole` pores of a micrograph, the one in it that
        is by far the largest. No pore belongs to two crops: the nearest has it.
        """
        from scipy.spatial import cKDTree

        if not len(middles) or not self.ids:
            return {}
        half = np.sqrt(areas / np.pi) if lengths is None or not len(lengths) else lengths / 2
        there = _Pores(cKDTree(middles), middles, areas, half)
        boxed = np.isnan(self.areas)
        found = _each_once(self._outlined(there, np.flatnonzero(~boxed)))
        waiting = np.flatnonzero(boxed).tolist()
        for _ in range(_ROUNDS):
            taken = set(found)
            pairs = [self._in_box(there, index, taken, whole=whole) for index in waiting]
            new = _each_once([pair for pair in pairs if pair is not None])
            if not new:
                break
            found |= new
            lost = [pair for pair in pairs if pair is not None and new[pair.pore] != pair.crop]
            waiting = [pair.crop for pair in lost if pair.away > _DOUBLE]
        return found

    def _outlined(self, there: _Pores, outlined: NDArray[np.int64]) -> list[_Pair]:
        """Return the crops with outlines that show a pore."""
        if not len(outlined):
            return []
        away, pore = there.tree.query(self.middles[outlined])
        own = self.areas[outlined]
        smaller = np.minimum(there.areas[pore], own)
        larger = np.maximum(there.areas[pore], own)
        reach = _NEAR * np.sqrt(4 / np.pi * smaller) + 0.5
        same = (away <= reach) & (larger <= _ALIKE * smaller)
        rows = zip(away[same].tolist(), pore[same].tolist(), outlined[same].tolist(), strict=True)
        return [_Pair(*row) for row in rows]

    def _in_box(self, there: _Pores, index: int, taken: Set[int], *, whole: bool) -> _Pair | None:
        """Return the pore that a box was put for, None where that is not clear."""
        left, top, right, bottom = self.boxes[index]
        middle = self.middles[index]
        reach = float(np.hypot(right - left, bottom - top)) / 2
        near = [k for k in there.tree.query_ball_point(middle, reach) if k not in taken]
        pores = np.array(near, np.int64)
        x, y = there.middles[pores].T
        seen = there.areas[pores] >= _SEEN * (right - left) * (bottom - top)
        pores = pores[(x >= left) & (x < right) & (y >= top) & (y < bottom) & seen]
        if not len(pores):
            return None
        away = np.hypot(*(there.middles[pores] - middle).T) / there.half[pores]
        order = np.argsort(-there.areas[pores], kind="stable")
        large = there.areas[pores[order]]
        if away.min() <= _AROUND:
            best = int(away.argmin())
        elif whole and (len(order) == 1 or large[0] >= _ALONE * large[1]):
            best = int(order[0])
        else:
            return None
        return _Pair(float(away[best]), int(pores[best]), index)


@dataclass(frozen=True, eq=False)
class _Pores:
    """Hold the pores of a micrograph: a tree of their `middles` (m, 2), `areas` (m,) in px², and
    half of their lengths in px.
    """

    tree: Any
    middles: NDArray[np.float64]
    areas: NDArray[np.float64]
    half: NDArray[np.float64]


@dataclass(frozen=True, order=True)
class _Pair:
    """Hold places of a pore and of a crop that shows it, and how far `away` their middles are."""

    away: float
    pore: int
    crop: int


def _each_once(pairs: Sequence[_Pair]) -> dict[int, int]:
    """Return the crop of each pore; of several that of the nearest."""
    return {pair.pore: pair.crop for pair in sorted(pairs, reverse=True)}


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
        boxes = [(box.x, box.y, box.right, box.bottom) for _, box in crops]
        key = (
            str(project.micrograph_file(micrograph).resolve()),
            str(Plane.parse(micrograph.plane)),
        )
        ids = tuple(crop.id for crop, _ in crops)
        labels = tuple(crop.label for crop, _ in crops)
        found[key] = PlacedCrops(
            ids,
            np.array(boxes, np.float64),
            np.array(middles, np.float64),
            np.array(areas),
            labels,
        )
    return found


def placed_key(task: FieldTask) -> tuple[str, str]:
    """Return the key of a micrograph in `Placed`."""
    return str(task.file.resolve()), str(task.plane)


def class_indices(class_ids: Sequence[int]) -> dict[int, int]:
    """Return for each label that a network can answer the place of its class in the answers, and of
    the fixed labels.

    `class_ids` are those of the project, in the order of the predictions. *Not a pore* is `REMOVED`
    where the network has no such answer.
    """
    return {UNSURE: LEFT, NOT_A_PORE: REMOVED} | {
        class_id: index for index, class_id in enumerate(class_ids)
    }


@dataclass(frozen=True)
class HumanLabels:
    """Hold the crops that people labelled, and the index of each label among the
    classes of a network.
    """

    labelled: Placed
    class_of: dict[int, int]


def human_labels(project: Project, class_ids: Sequence[int]) -> HumanLabels:
    """Return what people said in a project, fit for a network whose predictions are these classes
    of the project.
    """
    return HumanLabels(placed_crops(project, labelled=True), class_indices(class_ids))


def with_human_labels(field: AppliedField, human: HumanLabels) -> AppliedField:
    """Return a micrograph whose pores have the answers of people, where there are some, before the
    network's.
    """
    own = human.labelled.get(placed_key(field.task))
    if own is None:
        pores = replace(field.pores, human_label=np.empty(0, np.int64), labelled=0, unmatched=0)
    else:
        pores = _answered(field.pores, own, human.class_of)
    return replace(field, pores=pores)


def _answered(table: PoreTable, own: PlacedCrops, class_of: dict[int, int]) -> PoreTable:
    human = np.full(len(table.areas), NOBODY, np.int64)
    shown = own.of_pores(table.middles, table.areas, table.lengths)
    for pore, crop in shown.items():
        label = own.labels[crop]
        if label is not None:
            human[pore] = class_of.get(label, OTHER)
    pores = {index for index, label in enumerate(own.labels) if label not in _NO_PORES}
    unmatched = len(pores - set(shown.values()))
    return replace(table, human_label=human, labelled=len(pores), unmatched=unmatched)


_NO_PORES = (None, NOT_A_PORE, UNSURE)


def unmatched_text(tables: Sequence[PoreTable]) -> str:
    """Say how many labelled crops show no pore that was found; empty for none."""
    unmatched = sum(table.unmatched for table in tables)
    if not unmatched:
        return ""
    labelled = sum(table.labelled for table in tables)
    crops = count(labelled, "labelled crop")
    return (
        f"{unmatched:,} of {crops} {noun(unmatched, 'shows', 'show')} no pore that was found, or "
        f"not clearly which; {noun(unmatched, 'its label does', 'their labels do')} not count here."
    )


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
