"""Apply a learned finder to a micrograph: the probability of pore takes the place of the grey."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.detection import DetectionRecipe
from poregui.domain.geometry import Box, Mask
from poregui.vision.pores.detection import UNSURE, Detected, Progress, detect_by
from poregui.vision.pores.plan import Plan, Source, plan_of_shares, sampled
from poregui.vision.pores.segmentation import FloatImage, grey_of

Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Return the probability (1, h, w, 1) of each pixel of inputs (1, h, w, channels)."""
FULL = 65535
"""What a probability of 1 is stored as."""
SURE = 0.9
"""The probability that a pore reaches somewhere, unless it is left out."""
TILE = 1024
"""Side in px of the part of a tile that is kept."""
_IN_MEMORY = 1 << 26
"""Pixels up to which the probabilities of an image stay in memory; larger ones lie on disk."""
_SAMPLED = 1_000_000
_LOW = 2.0
_HIGH = 98.0
_SMALLEST_SPREAD = 1e-6
COLOURS = 3
CHROMA = 8.0
"""How much finer differences of colours are taken than those of greys."""


def colours_of(pixels: NDArray[Any]) -> FloatImage:
    """Return the grey of pixels, and how much more red and blue they are than green, (h, w,
    `COLOURS`) float32.
    """
    grey = grey_of(pixels)
    found = np.zeros((*grey.shape, COLOURS), np.float32)
    found[..., 0] = grey
    if pixels.ndim == 3 and pixels.shape[2] >= 3:
        colours = pixels[..., :3].astype(np.float32)
        found[..., 1] = colours[..., 0] - colours[..., 1]
        found[..., 2] = colours[..., 2] - colours[..., 1]
    return found


@dataclass(frozen=True)
class Range:
    """Hold what `colours_of` gives in the middle of a whole micrograph, and how far its greys reach
    from there.
    """

    middle: float
    spread: float
    red: float = 0.0
    blue: float = 0.0

    def of(self, colours: FloatImage) -> FloatImage:
        """Return colours that mean the same in every micrograph, whatever is added to it or by
        what it is multiplied.
        """
        middle = np.array([self.middle, self.red, self.blue], np.float32)
        spread = np.float32(self.spread) / np.array([1, CHROMA, CHROMA], np.float32)
        return np.asarray((colours - middle) / spread, np.float32)


def range_of(source: Source) -> Range:
    """Return the range of a micrograph, from about a million of its pixels."""
    step = max(1, int(np.sqrt(source.width * source.height / _SAMPLED)))
    rows = []
    for top in range(0, source.height, step):
        box = Box(0, top, source.width, 1)
        colours = colours_of(source.read(box))[0, ::step]
        hidden = source.missing(box) if source.missing is not None else None
        rows.append(colours if hidden is None else colours[~hidden[0, ::step]])
    colours = np.concatenate(rows)
    if not len(colours):
        return Range(0.0, 1.0)
    low, high = np.percentile(colours[:, 0], (_LOW, _HIGH))
    middle, red, blue = (float(value) for value in np.median(colours, axis=0))
    return Range(middle, max(float(high - low) / 2, _SMALLEST_SPREAD), red, blue)


def colours_in(source: Source, box: Box, range_: Range) -> FloatImage:
    """Return the colours (h, w, `COLOURS`) of a box; pixels without a value have those in the
    middle of the range.
    """
    colours = colours_of(source.read(box))
    missing = source.missing(box) if source.missing is not None else None
    if missing is not None:
        colours[missing] = (range_.middle, range_.red, range_.blue)
    return colours


# ---- what an instant finder looks at --------------------------------------------------------

_SIGMAS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_CUT = 3.0
"""Standard deviations at which a Gaussian is cut off."""
_OF_COLOUR = (2.0, 8.0)
FEATURES = 1 + 6 * len(_SIGMAS) + 2 * len(_OF_COLOUR)
FEATURE_REACH = 2 * int(np.ceil(_CUT * _SIGMAS[-1])) + 3


def features_of(colours: FloatImage) -> NDArray[np.float32]:
    """Return numbers of the surroundings of each pixel at several scales, (h, w, `FEATURES`), from
    colours of a common range (h, w, `COLOURS`).

    For each scale the smoothed grey, the length of its gradient, both eigenvalues of its second
    derivatives, and both of its structure tensor, the last four ordered, so that turning an image
    changes nothing; and the colour, smoothed.
    """
    grey = np.ascontiguousarray(colours[..., 0])
    found = [grey]
    for sigma in _SIGMAS:
        smooth = _gauss(grey, sigma)
        dx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
        dy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
        dxx = cv2.Sobel(smooth, cv2.CV_32F, 2, 0, scale=1 / 4)
        dyy = cv2.Sobel(smooth, cv2.CV_32F, 0, 2, scale=1 / 4)
        dxy = cv2.Sobel(smooth, cv2.CV_32F, 1, 1, scale=1 / 4)
        found += [smooth, sigma * cv2.magnitude(dx, dy)]
        found += [sigma**2 * part for part in _eigenvalues(dxx, dxy, dyy)]
        tensor = [_gauss(part, sigma) for part in (dx * dx, dx * dy, dy * dy)]
        for part in _eigenvalues(*tensor):
            found.append(np.asarray(sigma * np.sqrt(np.maximum(part, 0)), np.float32))
    for sigma in _OF_COLOUR:
        found += [_gauss(np.ascontiguousarray(colours[..., part]), sigma) for part in (1, 2)]
    return np.stack(found, axis=-1).astype(np.float32)


def _gauss(grey: FloatImage, sigma: float) -> FloatImage:
    side = 2 * int(np.ceil(_CUT * sigma)) + 1
    smooth = cv2.GaussianBlur(grey, (side, side), sigma, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(smooth, np.float32)


def _eigenvalues(a: Any, b: Any, c: Any) -> tuple[FloatImage, FloatImage]:
    """Return the greater and the lesser eigenvalue of symmetric matrices ((a, b), (b, c))."""
    middle = (a + c) / 2
    root = np.sqrt(((a - c) / 2) ** 2 + b * b)
    return middle + root, middle - root


# ---- tiles ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class PoreFinder:
    """Hold a learned finder: `forward` gives probabilities, `reach` px around a pixel decide it.

    `step` is what the corners of the windows that it is given are multiples of. `by_features`
    tells that it looks at `features_of` and not at the greys themselves.
    """

    forward: Forward
    reach: int
    step: int
    by_features: bool = False

    def probability(self, source: Source, box: Box, range_: Range) -> FloatImage:
        """Return the probability of pore of the pixels of a box, the same whatever the box is."""
        window = self._window(box, source)
        colours = range_.of(_around(source, window, range_))
        inputs = features_of(colours) if self.by_features else colours
        answer = self.forward(np.ascontiguousarray(inputs[None]))[0, ..., 0]
        top = box.y - window.y
        left = box.x - window.x
        return np.asarray(answer[top : top + box.height, left : left + box.width])

    def _window(self, box: Box, source: Source) -> Box:
        """Return a box with all that decides it; where the image ends, it is as wide for each tile
        that comes near.
        """
        left = self._begin(box.x)
        top = self._begin(box.y)
        right = min(self._end(box.right), self._end_of(source.width))
        bottom = min(self._end(box.bottom), self._end_of(source.height))
        return Box(left, top, right - left, bottom - top)

    def _begin(self, value: int) -> int:
        return max(0, (value - self.reach) // self.step * self.step)

    def _end(self, value: int) -> int:
        return self._end_of(value + self.reach)

    def _end_of(self, value: int) -> int:
        return -(-value // self.step) * self.step


def _around(source: Source, window: Box, range_: Range) -> FloatImage:
    """Return the colours of a window; beyond the right and the lower edge of the image those at the
    edge, and those in the middle of the range where there is no value.
    """
    inner = window.clipped(source.width, source.height)
    assert inner is not None
    colours = colours_in(source, inner, range_)
    below = window.bottom - inner.bottom
    right = window.right - inner.right
    if not below and not right:
        return colours
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.copyMakeBorder(colours, 0, below, 0, right, border), np.float32)


def probabilities(
    finder: PoreFinder,
    source: Source,
    range_: Range,
    progress: Progress = lambda done, total, text: None,
    tile: int = TILE,
) -> NDArray[np.uint16]:
    """Return the probability of pore of each pixel of an image, (H, W), `FULL` for 1."""
    shape = (source.height, source.width)
    found: NDArray[np.uint16]
    if source.width * source.height <= _IN_MEMORY:
        found = np.empty(shape, np.uint16)
    else:
        with tempfile.TemporaryFile() as file:
            found = np.memmap(file, np.uint16, "w+", shape=shape)
    boxes = [
        Box(x, y, min(tile, source.width - x), min(tile, source.height - y))
        for y in range(0, source.height, tile)
        for x in range(0, source.width, tile)
    ]
    for done, box in enumerate(boxes):
        progress(done, len(boxes), "")
        share = np.clip(finder.probability(source, box, range_), 0.0, 1.0)
        found[box.y : box.bottom, box.x : box.right] = np.rint(share * FULL)
    return found


@dataclass(frozen=True, eq=False)
class Looked:
    """Hold what a finder saw in a micrograph: the probability `shares` (H, W), `FULL` for 1, and
    the `plan` by which pores are outlined in them.
    """

    shares: NDArray[np.uint16]
    plan: Plan

    def pores(self, progress: Progress = lambda done, total, text: None) -> Detected:
        """Return the pores that are more likely than not, and sure somewhere."""
        return self.sure(replace(detect_by(self.plan, progress), threshold=None))

    def sure(self, found: Detected) -> Detected:
        """Return what was found without the pores of which the finder is nowhere sure."""
        return _sure_ones(found, self.shares)


def look(
    finder: PoreFinder,
    source: Source,
    recipe: DetectionRecipe,
    um_per_px: float | None,
    masks: Sequence[Mask] = (),
    progress: Progress = lambda done, total, text: None,
    *,
    range_: Range | None = None,
    tile: int = TILE,
) -> Looked:
    """Return what a finder sees in a micrograph; size, edge, holes and split are as the recipe
    says.

    What looks at greys in the recipe (polarity, threshold, contrast, light) has no meaning here.
    `range_` is that of the greys, where the source is not the whole micrograph. Raises PoreguiError
    when the recipe has a length in um and the scale is unknown.
    """
    source, sample = sampled(source, masks)
    shares = probabilities(finder, source, range_ or range_of(source), progress, tile)

    def read(box: Box) -> NDArray[Any]:
        return shares[box.y : box.bottom, box.x : box.right]

    drawn = Source(source.width, source.height, read, source.missing)
    plan = plan_of_shares(drawn, recipe, um_per_px, masks, full=FULL)
    return Looked(shares, replace(plan, border_share=sample.border_share))


def _sure_ones(found: Detected, shares: NDArray[np.uint16]) -> Detected:
    """Return what was found without the pores of which the finder is nowhere sure, which are
    counted.
    """
    sure = np.array(
        [_highest(found, index, shares) >= SURE * FULL for index in range(len(found.areas))],
        np.bool_,
    )
    if sure.all():
        return found
    left_out = float(found.areas[~sure].sum())
    return replace(
        found,
        outlines=tuple(line for line, kept in zip(found.outlines, sure, strict=True) if kept),
        boxes=found.boxes[sure],
        areas=found.areas[sure],
        touches_edge=found.touches_edge[sure],
        pore_area_px=max(0.0, found.pore_area_px - left_out),
        removed={**found.removed, UNSURE: int(np.count_nonzero(~sure))},
        removed_area_px={**found.removed_area_px, UNSURE: left_out},
    )


def _highest(found: Detected, index: int, shares: NDArray[np.uint16]) -> int:
    """Return the highest value inside an outline."""
    box = found.box(index)
    part = shares[box.y : box.bottom, box.x : box.right]
    inside = np.zeros(part.shape, np.uint8)
    corners = np.floor(found.outlines[index] - (box.x, box.y)).astype(np.int32)
    cv2.fillPoly(inside, [corners], 1)
    return int(part[inside > 0].max(initial=0))
