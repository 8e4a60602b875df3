"""Settle for a whole micrograph what its parts share: light, threshold, sizes in px."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypedDict

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.detection import DetectionRecipe, in_px
from poregui.domain.geometry import Box, Mask
from poregui.vision.io.pixel_values import trusted_range
from poregui.vision.io.pyramid import MissingIn, Pyramid
from poregui.vision.pores.borders import border_of, without_border
from poregui.vision.pores.segmentation import FloatImage, Light, closed, grey_of, light_of, otsu
from poregui.vision.pores.specimen_area import masked_pixels

_SAMPLED = 2_000_000
"""Pixels that the histogram and the light are taken from."""
_LARGEST_HOLE = 0.1
_ANY_HOLE = 20_000.0
"""Part of the image, and px, up to which a hole belongs to the pore around it."""
_STRIP = 1 << 24
_MEDIAN_FROM = 250_000
_WINDOW = 448
"""Side in px of each of nine windows that are looked at as closely as the pores."""
_OF_SPREAD = 1.4826
"""Standard deviation of a Gaussian over the median of how far its values lie from their own."""
_OF_MEDIAN = 1.0484
"""Standard deviation of a Gaussian over the median of the differences of its values."""
_ABOVE_NOISE = 25.0
"""How many times the standard deviation of the noise black lies at least below the matrix, so that
specks of noise have little contrast.
"""


@dataclass(frozen=True)
class Source:
    """Hold where pixels come from: an image of `width` x `height` px that `read` gives the boxes
    of.

    `missing` gives the pixels (h, w) of a box that have no value, None where all have one, and is
    None where the whole image has none such.
    """

    width: int
    height: int
    read: Callable[[Box], NDArray[Any]]
    missing: MissingIn | None = None

    @staticmethod
    def of(
        pixels: NDArray[Any] | Callable[[Box], NDArray[Any]] | Source,
        size: tuple[int, int] | None = None,
    ) -> Source:
        """Return the source of an array (H, W) or (H, W, channels), or of a callable with the
        `size` of its image; one that is a source already as it is.
        """
        if isinstance(pixels, Source):
            return pixels
        if not callable(pixels):
            array = pixels
            return Source(
                array.shape[1],
                array.shape[0],
                lambda box: array[box.y : box.bottom, box.x : box.right],
            )
        if size is None:
            raise ValueError("a callable source needs the size of its image")
        return Source(*size, pixels)


def source_of(image: Pyramid) -> Source:
    """Return the source of the full size of an image that is read by parts."""
    return Source(image.width, image.height, partial(image.read, 0), image.missing)


@dataclass(frozen=True)
class Plan:
    """Hold a recipe made ready for one micrograph.

    All greys in it are depths turned round, dark inside pores: those of the file times `sign`, less
    `black`. `threshold` is such a grey under even light, `span` the least and the greatest one of
    the sample and `middle` their median; `window` is the side of the local threshold's window in
    px, odd; `smallest` and `largest` are equivalent diameters in px. Where `specimen_ends` is false
    nothing in view is the mount: what lies along an edge of the image is pore like the rest; where
    it is None nobody has said. `border_share` is the part of the image that is black border;
    `hat` is the radius in px of what is subtracted as background, 0 for nothing, and `flat` the
    grey that the background has then.
    """

    source: Source
    recipe: DetectionRecipe
    masks: tuple[Mask, ...]
    light: Light
    threshold: float
    span: tuple[float, float]
    window: int
    smallest: float
    largest: float
    specimen_ends: bool | None = None
    black: float = 0.0
    middle: float = 0.0
    border_share: float = 0.0
    hat: int = 0
    flat: float = 0.0

    @property
    def largest_hole(self) -> float:
        """Return the px up to which a hole belongs to the pore around it."""
        return max(_ANY_HOLE, _LARGEST_HOLE * self.source.width * self.source.height)

    @property
    def sign(self) -> int:
        """Return what greys of the file are multiplied by for pores to be dark."""
        return -1 if self.recipe.polarity == "bright" else 1

    @property
    def level(self) -> float | None:
        """Return the threshold as a grey of the file; None for a local one."""
        if self.recipe.method == "local":
            return None
        return self.sign * (self.threshold + self.black)

    @property
    def halo(self) -> int:
        """Return how many px beyond a window its pixels can depend on."""
        if self.recipe.method == "local":
            local = self.window // 2 + 1
        else:
            local = 0
        return local + 2 * self.hat + int(np.ceil(4 * self.recipe.smoothing)) + 1

    def smoothed(self, box: Box) -> FloatImage:
        """Return the greys of a box, dark inside pores, under even light and smoothed as if the
        whole image had been.
        """
        wide = _widened(box, self.halo, self.source.width, self.source.height)
        grey = np.float32(self.sign) * grey_of(self.source.read(wide)) - np.float32(self.black)
        grey = self.light.correct(grey, wide)
        if self.recipe.smoothing > 0:
            grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), self.recipe.smoothing), np.float32)
        if self.hat:
            grey += np.float32(self.flat) - closed(grey, self.hat)
        return grey

    def within(self, box: Box) -> FloatImage:
        """Return what `smoothed` gives without the margin around the box that it comes with."""
        top = min(self.halo, box.y)
        left = min(self.halo, box.x)
        return self.smoothed(box)[top : top + box.height, left : left + box.width]

    def hidden(self, box: Box) -> NDArray[np.bool_] | None:
        """Return which pixels of a box are masked or have no value, None where none is."""
        return hidden_in(self.source, self.masks, box)


def hidden_in(source: Source, masks: Sequence[Mask], box: Box) -> NDArray[np.bool_] | None:
    """Return which pixels of a box are in masks or have no value, None where none is."""
    masked = masked_pixels(masks, box)
    missing = source.missing(box) if source.missing is not None else None
    if masked is None or missing is None:
        return missing if masked is None else masked
    return masked | missing


def _widened(box: Box, by: int, width: int, height: int) -> Box:
    wide = Box(box.x - by, box.y - by, box.width + 2 * by, box.height + 2 * by).clipped(
        width, height
    )
    assert wide is not None
    return wide


@dataclass(frozen=True)
class SmallCopy:
    """Hold a sample of a micrograph: its `greys` (h, w), which of them are `hidden`, None where
    none is, and the part of the image that is black border.
    """

    greys: FloatImage
    hidden: NDArray[np.bool_] | None
    border_share: float = 0.0

    def seen(self, greys: FloatImage) -> FloatImage:
        """Return those of the greys (h, w) that are not hidden, all where all are."""
        if self.hidden is None or self.hidden.all():
            return greys
        return greys[~self.hidden]


def sampled(source: Source, masks: Sequence[Mask] = ()) -> tuple[Source, SmallCopy]:
    """Return a micrograph whose black border has no value, and a sample of its pixels."""
    sample = _sample(source, masks)
    border = border_of(sample.greys, source.width, source.height)
    if border is None:
        return source, sample
    hidden = border.coarse if sample.hidden is None else sample.hidden | border.coarse
    sample = SmallCopy(sample.greys, hidden, border.share)
    fill = 0.0 if hidden.all() else _median(sample.seen(sample.greys))
    read, missing = without_border(source.read, source.missing, border, fill)
    return replace(source, read=read, missing=missing), sample


def make_plan(
    source: Source, recipe: DetectionRecipe, um_per_px: float | None, masks: Sequence[Mask] = ()
) -> Plan:
    """Look at a sample of a micrograph's pixels and return what all its parts share.

    Raises PoreguiError when the recipe has a length in um and the scale is unknown.
    """
    source, sample = sampled(source, masks)
    sign = np.float32(-1 if recipe.polarity == "bright" else 1)
    small = sample.greys * sign
    black = _black_of(sample.seen(small), small)
    small -= np.float32(black)
    light = Light(None, source.width, source.height)
    if recipe.flatten and recipe.correction == "divide":
        radius = in_px(recipe.background_radius, recipe.background_unit, um_per_px)
        light = light_of(small, sample.hidden, radius, source.width, source.height)
    rows, columns = small.shape
    even = Light(light.gain, columns, rows).correct(small, Box(0, 0, columns, rows))
    greys = sample.seen(even)
    middle = _median(greys)
    plan = Plan(
        source,
        recipe,
        tuple(masks),
        light,
        float(sign) * recipe.level - black,
        trusted_range(greys),
        **_lengths(recipe, um_per_px),
        black=black,
        middle=middle,
        flat=middle,
        border_share=sample.border_share,
    )
    if plan.hat or recipe.method == "noise":
        greys = _smoothed_greys(plan)
        plan = replace(plan, span=trusted_range(greys), middle=_median(greys))
    return replace(plan, threshold=_threshold_of(plan, greys))


def plan_of_shares(
    source: Source,
    recipe: DetectionRecipe,
    um_per_px: float | None,
    masks: Sequence[Mask] = (),
    *,
    full: int,
) -> Plan:
    """Return the plan for an image of probabilities, 0 to `full`: pore is what is more likely than
    not.

    Of the recipe count sizes, edge, holes and split. Raises PoreguiError when it has a length in um
    and the scale is unknown.
    """
    even = replace(
        recipe,
        polarity="bright",
        method="manual",
        level=full / 2,
        smoothing=0.0,
        flatten=False,
        contrast=0.0,
    )
    return Plan(
        source,
        even,
        tuple(masks),
        Light(None, source.width, source.height),
        full / 2,
        (0.0, float(full)),
        **_lengths(even, um_per_px),
        specimen_ends=False,
        black=-float(full),
        middle=float(full),
    )


class _Lengths(TypedDict):
    window: int
    smallest: float
    largest: float
    hat: int


def _lengths(recipe: DetectionRecipe, um_per_px: float | None) -> _Lengths:
    """Return the lengths of a recipe in px, as the fields of a plan."""
    largest = np.inf
    if recipe.largest:
        largest = in_px(recipe.largest, recipe.size_unit, um_per_px)
    smallest = 0.0
    if recipe.smallest:
        smallest = in_px(recipe.smallest, recipe.size_unit, um_per_px)
    window = 3
    if recipe.method == "local":
        window = round(in_px(recipe.window, recipe.window_unit, um_per_px))
    hat = 0
    if recipe.flatten and recipe.correction == "subtract":
        hat = max(1, round(in_px(recipe.background_radius, recipe.background_unit, um_per_px)))
    return {
        "window": max(3, window | 1),
        "smallest": smallest,
        "largest": float(largest),
        "hat": hat,
    }


def _threshold_of(plan: Plan, greys: FloatImage) -> float:
    """Return the threshold for the greys of a sample."""
    if plan.recipe.method == "otsu":
        return otsu(greys)
    if plan.recipe.method == "noise":
        spread = _median(np.abs(greys - np.float32(plan.middle))) * _OF_SPREAD
        return plan.middle - plan.recipe.deviations * spread
    return plan.threshold


def _smoothed_greys(plan: Plan) -> FloatImage:
    """Return the greys of some windows as they are looked at, without those that are hidden."""
    found = []
    for box in sample_boxes(plan.source.width, plan.source.height):
        grey = plan.within(box)
        hidden = plan.hidden(box)
        found.append(grey.reshape(-1) if hidden is None else grey[~hidden])
    greys = np.concatenate(found)
    if greys.size:
        return greys
    return np.zeros(1, np.float32)


def sample_boxes(width: int, height: int) -> list[Box]:
    """Return the whole image, or of a large one nine windows, wherever its pores are."""
    if width * height <= _SAMPLED:
        return [Box(0, 0, width, height)]
    side = min(_WINDOW, width, height)
    return [
        Box((width - side) * column // 2, (height - side) * row // 2, side, side)
        for row in range(3)
        for column in range(3)
    ]


def _black_of(seen: FloatImage, small: FloatImage) -> float:
    """Return the grey from which on greys count: the darkest, or far below the matrix where there
    is little but noise.

    The contrast of a pore, uneven light and a local threshold are shares of what lies above it, so
    that neither an offset nor a factor of the greys changes what is found. `small` is the picture
    of which `seen` are the greys that count.
    """
    low, _ = trusted_range(seen)
    return min(low, _median(seen) - _ABOVE_NOISE * _noise_of(small))


def _median(values: FloatImage) -> float:
    """Return the median of many values, from a part of them."""
    return float(np.median(values.reshape(-1)[:: max(1, values.size // _MEDIAN_FROM)]))


def _noise_of(small: FloatImage) -> float:
    """Return the standard deviation of the noise, from the differences of neighbours."""
    rows = small[:: max(1, small.size // _MEDIAN_FROM)]
    if rows.shape[1] < 2:
        return 0.0
    return _OF_MEDIAN * float(np.median(np.abs(np.diff(rows, axis=1))))


def _sample(source: Source, masks: Sequence[Mask]) -> SmallCopy:
    """Return every s-th pixel of every s-th row, two to eight million."""
    step = max(1, int(np.sqrt(source.width * source.height / _SAMPLED)))
    rows = max(step, _STRIP // source.width // step * step)
    greys = []
    hidden = []
    for top in range(0, source.height, rows):
        box = Box(0, top, source.width, min(rows, source.height - top))
        greys.append(grey_of(source.read(box)[::step, ::step]))
        found = hidden_in(source, masks, box)
        hidden.append(
            np.zeros(greys[-1].shape, np.bool_) if found is None else found[::step, ::step]
        )
    masked = np.concatenate(hidden)
    return SmallCopy(np.concatenate(greys), masked if masked.any() else None)
