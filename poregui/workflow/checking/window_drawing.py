"""Draw the windows of a check of the finding: blind, and uniformly over what is specimen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Detection, Micrograph
from poregui.domain.wording import about, count
from poregui.store.project import Project
from poregui.vision.pores.plan import Source, hidden_in, sampled, source_of
from poregui.vision.shape.overlaps import shared_area
from poregui.workflow.checking.finding_checks import (
    CheckWindow,
    FindingCheck,
    FoundPore,
    checks_of,
)
from poregui.workflow.detecting.find_pores import detection_recipe
from poregui.workflow.detecting.learned_finder import FINDER_KEY
from poregui.workflow.detecting.measuring import field_area, outlined_pores
from poregui.workflow.importing.image_identity import opened_micrograph

Progress = Callable[[int, int, str], None]
USUAL_GRID = 8
"""Grid points along each side of a window."""
MOST_WINDOWS = 1000
SMALLEST_SIDE = 16
LARGEST_SIDE = 4096
_PORES_IN_WINDOW = 6
_SIDES = (96, 512)
_FILLED = 0.25
"""Part of the area up to which windows fill it; boxes that are put at random jam at half of it."""
_COARSE = 1024
"""Longest side of the small map of what is specimen."""
_BAND = 2048
_TRIES = 400
_MOST_PARTS = 6


@dataclass(frozen=True, eq=False)
class _Field:
    """Hold a micrograph to draw from: where it is `valid` on a coarse grid, its area in px², and
    the outlines of its pores by crop id.
    """

    micrograph: Micrograph
    valid: NDArray[np.bool_]
    area_px: float
    pores: Mapping[int, Outline]


def draw_check(
    project: Project,
    windows: int,
    *,
    seed: int | None = None,
    side: int | None = None,
    grid: int = USUAL_GRID,
    micrographs: Sequence[Micrograph] | None = None,
    progress: Progress = lambda done, total, text: None,
) -> FindingCheck:
    """Return a new check with windows of `side` px in some micrographs, all where none are given.

    Each pixel of the specimens is as likely the middle of a window as any other; a window lies
    within its micrograph, on nothing that is masked, without value or mount, and meets no other.
    `notes` say what was left out. Raises PoreguiError where nothing can be drawn.
    """
    _refuse_odd(windows, side, grid)
    known = checks_of(project)
    chosen = list(project.micrographs() if micrographs is None else micrographs)
    fields, notes = _fields(project, chosen, progress)
    number = len(known) + 1
    rng = np.random.default_rng(number if seed is None else seed)
    length = side or _usual_side(fields, windows)
    specimens = {one.id: one.name for one in project.specimens()}
    drawn = []
    for field, wanted in zip(fields, _shares(fields, windows, rng), strict=True):
        boxes = _boxes(field, wanted, length, rng)
        name = specimens.get(field.micrograph.specimen_id or 0, "")
        drawn += [_window(field, box, name) for box in boxes]
    if not drawn:
        raise PoreguiError(
            f"No window of {length} px fits into these micrographs.", "Choose a smaller size."
        )
    if len(drawn) < windows:
        notes.append(f"Only {count(len(drawn), 'window')} of {length} px could be placed.")
    order = rng.permutation(len(drawn))
    numbered = tuple(
        _numbered(drawn[place], index + 1) for index, place in enumerate(order.tolist())
    )
    return FindingCheck(
        number,
        number if seed is None else seed,
        grid,
        windows,
        _area_percent(fields),
        _found_by(project),
        numbered,
        tuple(notes),
    )


def same_windows_now(project: Project, check: FindingCheck) -> FindingCheck:
    """Return a new check with the windows of an earlier one and the pores that are found now, to
    compare recipes. Raises PoreguiError where a micrograph is gone.
    """
    there = {one.id: one for one in project.micrographs()}
    wanted = {window.micrograph_id for window in check.windows}
    if not wanted <= set(there):
        raise PoreguiError(
            f"A micrograph of check {check.number} is no longer in the project.",
            "Restore it, or draw new windows.",
        )
    fields, _ = _fields(project, [there[i] for i in sorted(wanted)], lambda *_: None)
    by_id = {field.micrograph.id: field for field in fields}
    missing = wanted - set(by_id)
    if missing:
        raise PoreguiError(f"{there[min(missing)].shown_name} cannot be read.", "Restore its file.")
    windows = tuple(
        _numbered(_window(by_id[one.micrograph_id], one.box, one.specimen), one.number)
        for one in check.windows
    )
    number = len(checks_of(project)) + 1
    found_by = _found_by(project)
    area = _area_percent(fields)
    return FindingCheck(number, check.seed, check.grid, check.asked, area, found_by, windows)


def _refuse_odd(windows: int, side: int | None, grid: int) -> None:
    if not 1 <= windows <= MOST_WINDOWS:
        raise PoreguiError(f"{windows} windows cannot be drawn.", f"Ask for 1 to {MOST_WINDOWS}.")
    if side is not None and not SMALLEST_SIDE <= side <= LARGEST_SIDE:
        raise PoreguiError(
            f"A window of {side} px cannot be checked.",
            f"Choose a size from {SMALLEST_SIDE} to {LARGEST_SIDE} px.",
        )
    if not 2 <= grid <= 40:
        raise PoreguiError(f"A grid of {grid} points per side does not work.", "Choose 2 to 40.")


def _found_by(project: Project) -> str:
    finder = project.meta(FINDER_KEY)
    if finder:
        return f"learned finder {finder}"
    return f"threshold: {detection_recipe(project).method}"


def _fields(
    project: Project, micrographs: Sequence[Micrograph], progress: Progress
) -> tuple[list[_Field], list[str]]:
    detections = project.detections()
    fields = []
    notes = []
    for index, one in enumerate(micrographs):
        progress(index, len(micrographs), one.shown_name)
        pores = outlined_pores(
            project.crops(micrograph_id=one.id), project.outlines(micrograph_id=one.id)
        )
        detection = detections.get(one.id)
        if detection is None and not pores:
            notes.append(f"{one.shown_name} is left out: nobody has looked for pores in it.")
            continue
        try:
            fields.append(_field(project, one, detection, pores))
        except PoreguiError as error:
            notes.append(about(one.shown_name, error))
    if not fields:
        raise PoreguiError("There is nothing to check.", " ".join(notes) or "Find pores first.")
    return fields, notes


def _field(
    project: Project,
    micrograph: Micrograph,
    detection: Detection | None,
    pores: Mapping[int, Outline],
) -> _Field:
    file = project.micrograph_file(micrograph)
    with opened_micrograph(micrograph, file, project.folder) as image:
        source, _ = sampled(source_of(image), micrograph.masks)
        hidden, number = _hidden(source, micrograph)
    area = float(max(1, micrograph.width * micrograph.height - number))
    if detection is not None and detection.masks == micrograph.masks:
        area = field_area(micrograph, detection)
        hidden |= _mount(micrograph, detection, ~hidden)
    return _Field(micrograph, ~hidden, area, pores)


def _hidden(source: Source, micrograph: Micrograph) -> tuple[NDArray[np.bool_], int]:
    """Return which cells of a coarse grid have a masked pixel or one without value, and how many
    such pixels there are.
    """
    step = max(1, math.ceil(max(source.width, source.height) / _COARSE))
    shape = (math.ceil(source.height / step), math.ceil(source.width / step))
    hidden = np.zeros(shape, np.bool_)
    if source.missing is None and not micrograph.masks:
        return hidden, 0
    number = 0
    for top in range(0, source.height, _BAND // step * step or step):
        high = min(_BAND // step * step or step, source.height - top)
        found = hidden_in(source, micrograph.masks, Box(0, top, source.width, high))
        if found is None:
            continue
        number += int(np.count_nonzero(found))
        rows, columns = np.nonzero(found)
        hidden[(rows + top) // step, columns // step] = True
    return hidden, number


def _mount(
    micrograph: Micrograph, detection: Detection, valid: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which coarse cells lie beyond the surfaces that detection found.

    Lines part the field; the specimen is those parts whose area fits the field that detection saw
    best.
    """
    none = np.zeros(valid.shape, np.bool_)
    if not detection.surfaces:
        return none
    lines = np.zeros(valid.shape, np.uint8)
    scale = np.array([valid.shape[1] / micrograph.width, valid.shape[0] / micrograph.height])
    for line in detection.surfaces:
        points = np.rint(_lengthened(np.asarray(line)) * scale - 0.5).astype(np.int32)
        cv2.polylines(lines, [points.reshape(-1, 1, 2)], False, 1, 2)
    parts = (valid & (lines == 0)).astype(np.uint8)
    number, labels, stats, _ = cv2.connectedComponentsWithStats(parts, connectivity=4)
    sizes = stats[1:, cv2.CC_STAT_AREA] / float(valid.size)
    if number < 3:
        return none
    share = detection.field_area_px / (micrograph.width * micrograph.height)
    largest = np.argsort(-sizes)[:_MOST_PARTS].tolist()
    sets = [kept for n in range(1, len(largest) + 1) for kept in combinations(largest, n)]
    best = min(sets, key=lambda kept: abs(float(sizes[list(kept)].sum()) - share))
    return valid & ~np.isin(labels, [place + 1 for place in best])


def _lengthened(line: NDArray[Any]) -> NDArray[np.float64]:
    """Return a line that reaches two px beyond its ends, and so the edge of its image."""
    points = np.asarray(line, np.float64)
    ends = []
    for end, before in ((points[0], points[1]), (points[-1], points[-2])):
        along = end - before
        ends.append(end + 2 * along / max(float(np.hypot(*along)), 1e-9))
    return np.concatenate([ends[0][None], points, ends[1][None]])


def _usual_side(fields: Sequence[_Field], windows: int) -> int:
    """Return the side in px of a window that holds some pores, so that all find room."""
    pores = sum(len(one.pores) for one in fields)
    area = sum(one.area_px for one in fields)
    side = math.sqrt(_PORES_IN_WINDOW * area / pores) if pores else _SIDES[1]
    shortest = min(min(one.micrograph.width, one.micrograph.height) for one in fields)
    wanted = min(max(side, _SIDES[0]), _SIDES[1], math.sqrt(_FILLED * area / windows))
    return max(SMALLEST_SIDE, min(round(wanted / 16) * 16, shortest // 3))


def _shares(fields: Sequence[_Field], windows: int, rng: np.random.Generator) -> list[int]:
    """Return how many windows each field gets: as its area is, rounded by chance."""
    areas = np.array([one.area_px for one in fields])
    ends = np.concatenate([[0.0], np.cumsum(areas)]) / areas.sum() * windows
    steps = np.floor(ends + rng.random()).astype(int)
    steps[0] = 0
    steps[-1] = windows
    return np.diff(steps).tolist()


def _boxes(field: _Field, wanted: int, side: int, rng: np.random.Generator) -> list[Box]:
    """Return boxes whose middles are drawn uniformly over the valid cells, as many as fit."""
    cells = np.argwhere(field.valid)
    width = field.micrograph.width
    height = field.micrograph.height
    if not len(cells) or side > min(width, height):
        return []
    step = max(1, math.ceil(max(width, height) / _COARSE))
    bad = np.pad(np.cumsum(np.cumsum(~field.valid, axis=0), axis=1), ((1, 0), (1, 0)))
    boxes: list[Box] = []
    for _ in range(wanted * _TRIES):
        if len(boxes) == wanted:
            break
        row, column = cells[rng.integers(len(cells))]
        y, x = (np.array([row, column]) + rng.random(2)) * step
        box = Box(round(x - side / 2), round(y - side / 2), side, side).moved_inside(width, height)
        if _is_clear(box, bad, step) and all(box.overlap(other) == 0 for other in boxes):
            boxes.append(box)
    return boxes


def _is_clear(box: Box, bad: NDArray[Any], step: int) -> bool:
    """Tell whether no coarse cell in a box is bad; `bad` are sums from the corner."""
    top = box.y // step
    left = box.x // step
    bottom = math.ceil(box.bottom / step)
    right = math.ceil(box.right / step)
    inside = bad[bottom, right] - bad[top, right] - bad[bottom, left] + bad[top, left]
    return int(inside) == 0


def _window(field: _Field, box: Box, specimen: str) -> CheckWindow:
    found = []
    for crop_id, outline in field.pores.items():
        x, y = _middle(outline)
        if box.contains(x, y):
            found.append(FoundPore(crop_id, round(x, 2), round(y, 2), round(outline.area, 2)))
    one = field.micrograph
    return CheckWindow(1, one.id, one.shown_name, one.sha256, specimen, box, tuple(found))


def _middle(outline: Outline) -> tuple[float, float]:
    """Return the centre of gravity of an outline in px."""
    x, y = outline.points.astype(np.float64).T
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    twice = float(cross.sum())
    if abs(twice) < 1e-9:
        return float(x.mean()), float(y.mean())
    return (
        float(((x + np.roll(x, -1)) * cross).sum()) / (3 * twice),
        float(((y + np.roll(y, -1)) * cross).sum()) / (3 * twice),
    )


def _numbered(window: CheckWindow, number: int) -> CheckWindow:
    return CheckWindow(
        number,
        window.micrograph_id,
        window.micrograph,
        window.sha256,
        window.specimen,
        window.box,
        window.found,
    )


def _area_percent(fields: Sequence[_Field]) -> float:
    """Return the part of the fields that lies in outlines, each pixel counted once, in per cent."""
    pores = 0.0
    for one in fields:
        lines = [outline.points for outline in one.pores.values()]
        area = sum(outline.area for outline in one.pores.values())
        pores += max(0.0, area - shared_area(lines, one.micrograph.masks))
    return min(100.0, 100 * pores / sum(one.area_px for one in fields))
