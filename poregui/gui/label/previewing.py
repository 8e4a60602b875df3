"""Find the pores of the part of a micrograph that is seen, again and again while a recipe is tuned; for one thread."""

from __future__ import annotations

from dataclasses import dataclass, replace

from poregui.domain.detection import DetectionRecipe
from poregui.domain.geometry import Box
from poregui.domain.records import Micrograph
from poregui.vision.io.pyramid import Pyramid
from poregui.vision.pores.detection import Detected, preview
from poregui.vision.pores.plan import Plan, Source, make_plan

LARGEST_VIEW = 4_000_000
"""Pixels that are looked at; of a larger view, the middle."""


@dataclass(frozen=True)
class Seen:
    """Hold what was found in a box of the micrograph; `partly` tells that the view is larger than the box."""

    detected: Detected
    box: Box
    partly: bool


class Previewer:
    """Keep what the whole micrograph says of light and threshold, as long as that part of the recipe stays."""

    def __init__(self) -> None:
        self._known: tuple[object, Plan] | None = None

    def look(
        self, image: Pyramid, micrograph: Micrograph, recipe: DetectionRecipe, edges: tuple[float, float, float, float]
    ) -> Seen:
        """Return the pores between the left, upper, right and lower edge of the view (px).

        Raises PoreguiError where the file is damaged, or the recipe has lengths in um and there is no scale.
        """
        view = Box.between(*edges).clipped(image.width, image.height) or Box(0, 0, 1, 1)
        box = _middle(view)
        plan = self._plan(image, micrograph, recipe)
        detected = preview(
            lambda part: image.read(0, part),
            recipe,
            micrograph.um_per_px,
            micrograph.masks,
            size=(image.width, image.height),
            view=box,
            plan=plan,
        )
        return Seen(detected, box, box != view)

    def _plan(self, image: Pyramid, micrograph: Micrograph, recipe: DetectionRecipe) -> Plan:
        usual = DetectionRecipe()
        free = ("contrast", "edge", "fill_holes", "split", "split_strength", "smoothing", "view", "view_multiple")
        shared = replace(recipe, **{name: getattr(usual, name) for name in free})
        key = (id(image), micrograph.id, micrograph.masks, micrograph.um_per_px, shared)
        if self._known is None or self._known[0] != key:
            source = Source.of(lambda box: image.read(0, box), (image.width, image.height))
            self._known = key, make_plan(source, recipe, micrograph.um_per_px, micrograph.masks)
        return replace(self._known[1], recipe=recipe, specimen_ends=micrograph.surfaces != ())


def _middle(view: Box) -> Box:
    """Return a view, or the part around its middle that is small enough."""
    if view.area <= LARGEST_VIEW:
        return view
    shrink = (LARGEST_VIEW / view.area) ** 0.5
    width, height = max(1, int(view.width * shrink)), max(1, int(view.height * shrink))
    return Box(view.x + (view.width - width) // 2, view.y + (view.height - height) // 2, width, height)
