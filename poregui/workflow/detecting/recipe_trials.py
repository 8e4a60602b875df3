"""Look at what recipes find before anything is searched: in the part that is seen, and on a sample
of some micrographs to choose one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.records import Micrograph
from poregui.vision.io.pyramid import Pyramid
from poregui.vision.pores.detection import Detected, preview
from poregui.vision.pores.plan import Plan, make_plan, source_of
from poregui.vision.pores.recipe_choice import (
    SAMPLED,
    Choice,
    Sample,
    choose_recipe,
    samples_of,
)
from poregui.vision.pores.specimen_area import ends_in_view
from poregui.workflow.importing.image_identity import opened_micrograph

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
        try:
            with opened_micrograph(micrograph, file, folder) as image:
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


LARGEST_VIEW = 4_000_000
"""Pixels that are looked at; of a larger view, the middle."""


@dataclass(frozen=True)
class Seen:
    """Hold what was found in a box of the micrograph; `partly` tells that the view is larger than
    the box.
    """

    detected: Detected
    box: Box
    partly: bool


class Previewer:
    """Keep what the whole micrograph says of light and threshold, as long as that part of the
    recipe stays.
    """

    def __init__(self) -> None:
        self._known: tuple[object, Plan] | None = None

    def look(
        self,
        image: Pyramid,
        micrograph: Micrograph,
        recipe: DetectionRecipe,
        edges: tuple[float, float, float, float],
    ) -> Seen:
        """Return the pores between the left, upper, right and lower edge of the view (px).

        Raises PoreguiError where the file is damaged, or the recipe has lengths in um and there is
        no scale.
        """
        view = Box.between(*edges).clipped(image.width, image.height) or Box(0, 0, 1, 1)
        box = _middle(view)
        plan = self._plan(image, micrograph, recipe)
        detected = preview(
            source_of(image),
            recipe,
            micrograph.um_per_px,
            micrograph.masks,
            view=box,
            plan=plan,
        )
        return Seen(detected, box, box != view)

    def _plan(self, image: Pyramid, micrograph: Micrograph, recipe: DetectionRecipe) -> Plan:
        usual = DetectionRecipe()
        free = {
            "contrast",
            "edge",
            "fill_holes",
            "split",
            "split_strength",
            "view",
            "view_multiple",
            "chosen_by",
        }
        if recipe.method != "noise" and recipe.correction != "subtract":
            free.add("smoothing")
        shared = replace(recipe, **{name: getattr(usual, name) for name in free})
        key = (id(image), micrograph.id, micrograph.masks, micrograph.um_per_px, shared)
        if self._known is None or self._known[0] != key:
            self._known = (
                key,
                make_plan(source_of(image), recipe, micrograph.um_per_px, micrograph.masks),
            )
        return replace(
            self._known[1], recipe=recipe, specimen_ends=ends_in_view(micrograph.surfaces)
        )


def _middle(view: Box) -> Box:
    """Return a view, or the part around its middle that is small enough."""
    if view.area <= LARGEST_VIEW:
        return view
    shrink = (LARGEST_VIEW / view.area) ** 0.5
    width = max(1, int(view.width * shrink))
    height = max(1, int(view.height * shrink))
    return Box(
        view.x + (view.width - width) // 2, view.y + (view.height - height) // 2, width, height
    )
