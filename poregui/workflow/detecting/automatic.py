"""Choose a recipe on a sample of some micrographs, for window and command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError, faults_of
from poregui.domain.records import Micrograph, Plane
from poregui.vision.io.pyramid import open_pyramid
from poregui.vision.pores.plan import source_of
from poregui.vision.pores.recipe_choice import (
    SAMPLED,
    Choice,
    Sample,
    choose_recipe,
    samples_of,
)
from poregui.workflow.importing.image_identity import kept_sizes

Progress = Callable[[int, int, str], None]
_MOST_SAMPLED = 3
"""Micrographs that recipes are tried on."""


def choose_automatically(
    searched: Sequence[tuple[Micrograph, Path]],
    folder: Path,
    start: DetectionRecipe,
    progress: Progress = lambda done, total, text: None,
) -> Choice:
    """Return the recipe that suits a sample of some micrographs best; needs no project, so any
    thread may.

    `folder` is the project's. Of many micrographs a few are looked at, evenly spread. Raises
    PoreguiError where none can be read.
    """
    step = max(1, -(-len(searched) // _MOST_SAMPLED))
    chosen = searched[::step]
    samples: list[list[Sample]] = []
    failed: list[PoreguiError] = []
    for micrograph, file in chosen:
        plane = Plane.parse(micrograph.plane)
        try:
            with (
                faults_of(micrograph.shown_name),
                open_pyramid(file, kept_sizes(folder, micrograph), plane) as image,
            ):
                pixels = SAMPLED // len(chosen)
                source = source_of(image)
                samples.append(samples_of(source, micrograph.um_per_px, micrograph.masks, pixels))
        except PoreguiError as error:
            failed.append(error)
    if not samples:
        raise failed[0]
    return choose_recipe(
        samples, start, lambda done, total: progress(done, total, "Trying thresholds")
    )
