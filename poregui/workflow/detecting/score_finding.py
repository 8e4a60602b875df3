"""Compare the outlines of a project with masks: a step that needs both, so it stands alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poregui.domain.classes import NOT_A_PORE
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.records import Micrograph
from poregui.store.project import Project
from poregui.vision.pores.finding_score import FindingScore, score_outlines
from poregui.vision.pores.specimen_area import masked_pixels
from poregui.workflow.importing.masks import match_masks

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class ScoredMicrograph:
    """Hold how well the outlines of a micrograph agree with its mask."""

    micrograph: Micrograph
    score: FindingScore


def score_project(
    project: Project,
    masks: Path,
    progress: Progress = lambda done, total, text: None,
) -> tuple[list[ScoredMicrograph], tuple[str, ...]]:
    """Return the score of each micrograph that has a mask, and sentences about files without one.

    Raises PoreguiError where no mask belongs to a micrograph.
    """
    matched, notes = match_masks(masks, project.micrographs())
    if not matched:
        raise PoreguiError(f"No mask in {masks.name} fits a micrograph.", " ".join(notes))
    found = []
    for number, one in enumerate(matched):
        progress(number, len(matched), one.micrograph.shown_name)
        outlines = pore_outlines(project, one.micrograph)
        score = score_outlines(outlines, one.marked, hidden_of(one.micrograph))
        found.append(ScoredMicrograph(one.micrograph, score))
    return found, notes


def pore_outlines(project: Project, micrograph: Micrograph) -> list[NDArray[np.float32]]:
    """Return the outlines of a micrograph but for those that people said are no pores."""
    crops = project.crops(micrograph_id=micrograph.id)
    refused = {crop.id for crop in crops if crop.label == NOT_A_PORE}
    outlines = project.outlines(micrograph_id=micrograph.id)
    return [outline.points for crop_id, outline in outlines.items() if crop_id not in refused]


def hidden_of(micrograph: Micrograph) -> NDArray[np.bool_] | None:
    """Return which pixels of a micrograph are masked, None where none is."""
    whole = Box(0, 0, micrograph.width, micrograph.height)
    return masked_pixels(micrograph.masks, whole)
