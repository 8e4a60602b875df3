"""Freeze the checked areas of a project into the folder of a finder that is to learn from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError, TrainingError
from poregui.domain.geometry import Box, Mask
from poregui.domain.records import Line, Micrograph
from poregui.store.finder_folder import (
    FinderFolder,
    FinderImage,
    FinderKind,
    FinderRequest,
    MarkedImage,
)
from poregui.store.project import Project
from poregui.store.run_folder import new_folder
from poregui.vision.io.pyramid import Pyramid
from poregui.vision.pores.finder import colours_in, range_of
from poregui.vision.pores.plan import hidden_in, sampled, source_of
from poregui.vision.pores.specimen_area import masked_pixels
from poregui.vision.shape.polygons import Polygons, all_spans, ranges
from poregui.workflow.detecting.find_pores import Progress, detection_recipe
from poregui.workflow.detecting.score_finding import pore_outlines
from poregui.workflow.importing.image_identity import opened_micrograph

EPOCHS: dict[FinderKind, int] = {"network": 12, "instant": 12}
"""How many epochs a finder learns when nobody says."""
_LARGEST = 4096
"""Longest side in px of the part of a checked area that is learned from."""
_MOST = 32_000_000
"""Pixels of all these parts together: learning holds them in memory, 36 bytes each."""
_AROUND = 64
"""Pixels around a checked area that are shown with it."""


def freeze_finder(
    project: Project,
    kind: FinderKind,
    epochs: int | None = None,
    progress: Progress = lambda done, total, text: None,
) -> tuple[FinderFolder, tuple[str, ...]]:
    """Write what a finder is to learn from into a new folder; return it with sentences about what
    was left out.

    Raises PoreguiError when nothing is checked, or no file of what is can be read.
    """
    checked = [one for one in project.micrographs() if one.checked_areas]
    if not checked:
        raise TrainingError(
            "No area is marked as checked, so a finder has nothing to learn from.",
            "Outline every pore of a micrograph and mark it as checked, or import complete masks.",
        )
    facts: list[FinderImage] = []
    images: list[MarkedImage] = []
    notes = []
    by, groups = _groups(project, checked)
    most = min(_LARGEST, math.isqrt(_MOST // len(checked)))
    for number, one in enumerate(checked):
        progress(number, len(checked), one.shown_name)
        try:
            found, image, cut = _read(project, one, groups[one.id], most)
        except PoreguiError as error:
            notes.append(f"{one.shown_name}: {error}")
            continue
        facts.append(found)
        images.append(image)
        if cut:
            notes.append(f"{one.shown_name}: the middle {most} px of its checked area are used.")
    if not images:
        raise TrainingError("No checked micrograph can be read.", " ".join(notes))
    request = FinderRequest(
        kind,
        EPOCHS[kind] if epochs is None else epochs,
        by,
        tuple(facts),
        detection_recipe(project),
    )
    folder = FinderFolder(new_folder(project.folder).path)
    folder.write_request(request, images)
    return folder, tuple(notes)


def _groups(project: Project, micrographs: Sequence[Micrograph]) -> tuple[str, dict[int, str]]:
    """Return what scores are taken by, and the group of each micrograph by its id."""
    groups = {one.id: one.shown_name for one in micrographs}
    of_specimens = [one for one in micrographs if one.specimen_id is not None]
    if len({one.specimen_id for one in of_specimens}) < 2:
        return "micrograph", groups
    names = {one.id: one.name for one in project.specimens()}
    groups |= {one.id: names.get(one.specimen_id or 0, one.shown_name) for one in of_specimens}
    return "specimen", groups


def _read(
    project: Project, micrograph: Micrograph, group: str, most: int
) -> tuple[FinderImage, MarkedImage, bool]:
    """Return the checked part of a micrograph, and whether it is larger than what is taken."""
    file = project.micrograph_file(micrograph)
    with opened_micrograph(micrograph, file, project.folder) as image:
        box, cut = _box_of(micrograph.checked_areas, image, most)
        source, _ = sampled(source_of(image), micrograph.masks)
        range_ = range_of(source)
        colours = colours_in(source, box, range_)
        hidden = hidden_in(source, micrograph.masks, box)
    checked = masked_pixels([Mask(area) for area in micrograph.checked_areas], box)
    if checked is None:
        checked = np.zeros(colours.shape[:2], np.bool_)
    if hidden is not None:
        checked &= ~hidden
    labels = _labels(pore_outlines(project, micrograph), box)
    facts = FinderImage(
        micrograph.id,
        micrograph.shown_name,
        group,
        range_.middle,
        range_.spread,
        range_.red,
        range_.blue,
        micrograph.um_per_px,
    )
    return facts, MarkedImage(colours, labels, checked), cut


def _box_of(areas: Sequence[Line], image: Pyramid, most: int) -> tuple[Box, bool]:
    """Return the box around checked areas, at most `most` px each way, and whether it was cut."""
    points = np.concatenate([np.asarray(area, np.float64) for area in areas])
    left, top = np.floor(points.min(axis=0)).astype(int) - _AROUND
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + _AROUND
    whole = Box(int(left), int(top), int(right - left), int(bottom - top))
    inner = whole.clipped(image.width, image.height)
    if inner is None:
        raise PoreguiError("Its checked area lies outside the image.", "Mark it again.")
    width = min(inner.width, most)
    height = min(inner.height, most)
    x = inner.x + (inner.width - width) // 2
    y = inner.y + (inner.height - height) // 2
    return Box(x, y, width, height), (width, height) != (inner.width, inner.height)


def _labels(outlines: Sequence[NDArray[Any]], box: Box) -> NDArray[np.int32]:
    """Return the number of the outline that each pixel of a box is in, from 1; 0 for none."""
    labels = np.zeros((box.height, box.width), np.int32)
    if not len(outlines):
        return labels
    runs = all_spans(Polygons.of(outlines))
    row = runs.row - box.y
    left = np.clip(runs.left - box.x, 0, box.width)
    right = np.clip(runs.right - box.x, 0, box.width)
    kept = (row >= 0) & (row < box.height) & (right > left)
    lengths = (right - left)[kept]
    places = ranges(row[kept] * box.width + left[kept], lengths)
    labels.reshape(-1)[places] = np.repeat(runs.polygon[kept] + 1, lengths)
    return labels
