"""Measure the pores of crops from what is known of them: their outlines, masks, or only pixels.

An outline, or the pixels of a mask, are measured as `measurement` measures them for people. Only
where nothing is known the pore is looked for: the ground is what most of the border shows, unless
the border shows both, as that of a crop that its pore touches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import SHAPE_VERSION, DatasetCrop
from poregui.vision.patches import scale_grey, set_channels
from poregui.vision.pores.contours import trace
from poregui.vision.pores.half_level import REACH
from poregui.vision.shape.crop_shapes import (
    ENOUGH_PIXELS,
    LENGTHS,
    NAMES,
    SMALLEST,
    is_dark,
    shape_numbers,
)
from poregui.vision.shape.measurement import crofton_perimeters, form_columns, mask_polygons
from poregui.vision.shape.polygons import Polygons, all_spans, ranges
from poregui.vision.shape.shape_numbers import moments, perimeters

FORMS = (
    "Equivalent diameter", "Length", "Width", "Aspect ratio", "Circularity", "Solidity", "Extent",
    "Roundness", "Convexity",
)  # fmt: skip
GREYS = (
    "Filled share", "Pieces", "Contrast", "Inner contrast", "Edge sharpness", "Brightness",
    "Touches the frame",
)  # fmt: skip
CROP_NUMBERS = (*FORMS, *GREYS, "Crop size")
_BLUR = 0.8
_FEW_PIXELS = 4
_MIN_CONTRAST = 0.02
_SPECK = 0.02
"""Pieces below this share of the pore are noise."""
_ONE_GROUND = 0.25
"""Share of the border beyond the threshold from which it shows both pore and ground."""
_FLOOR = 0.7
_MARGIN = 2
"""Pixels about a pore that the slopes at its edge depend on."""
_NEIGHBOURS = np.ones((3, 3), np.uint8)
_ONE_MORE = (1, 1, 1, 1)
"""Pixels on each side."""
_REACHED = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)

Grey = NDArray[np.float32]
Mask = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class KnownCrop:
    """Hold a crop and what is known of it.

    `pixels` (height, width) or (height, width, channels), `low` and `high` their grey range,
    `um_per_px` None where lengths are wanted in px, `outline` (N, 2) in px of the crop, None where
    nobody drew or found one.
    """

    pixels: NDArray[Any]
    low: float
    high: float
    um_per_px: float | None = None
    outline: NDArray[Any] | None = None


@dataclass(frozen=True, eq=False)
class _Region:
    """Hold a pore within its crop: the `line` around it in px, its pixels as 0 and 1, and area and
    perimeter where pixels were counted.
    """

    line: NDArray[np.float64]
    mask: Mask
    counted: tuple[float, float] | None = None


def measure_crops(crops: Sequence[KnownCrop]) -> NDArray[np.float64]:
    """Return the numbers called `CROP_NUMBERS`, (n, 17) float64, NaN where no pore stands out.

    Lengths are in um where a scale is given, else in px.
    """
    greys = [_grey(crop) for crop in crops]
    found: list[_Region | None] = [None] * len(crops)
    outlined = [index for index, crop in enumerate(crops) if crop.outline is not None]
    lines = [np.asarray(crops[index].outline, np.float64) for index in outlined]
    masks = _rasterised(lines, [greys[index].shape for index in outlined])
    for index, line, mask in zip(outlined, lines, masks, strict=True):
        found[index] = _Region(line, mask)
    smooth: list[Grey] = []
    for index, (crop, grey) in enumerate(zip(crops, greys, strict=True)):
        binary = _binary(crop.pixels)
        smooth.append(grey if binary else _blurred(grey))
        if found[index] is None:
            found[index] = _of_mask(crop.pixels) if binary else _of_greys(smooth[index])
    numbers = np.full((len(crops), len(CROP_NUMBERS)), np.nan)
    forms = _forms([region for region in found if region is not None])
    row = 0
    for index, region in enumerate(found):
        scale = crops[index].um_per_px or 1.0
        numbers[index, -1] = math.sqrt(greys[index].size) * scale
        numbers[index, -3] = _border_median(greys[index])
        if region is not None:
            form = forms[row]
            row += 1
            numbers[index, : len(FORMS)] = form
            numbers[index, :3] *= scale
            numbers[index, len(FORMS) : -1] = _looks(smooth[index], region.mask)
    return numbers


def _grey(crop: KnownCrop) -> Grey:
    scaled = set_channels(scale_grey(crop.pixels, crop.low, crop.high), 1)
    return np.ascontiguousarray(scaled[..., 0])


def _blurred(grey: Grey) -> Grey:
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), _BLUR), np.float32)


def _forms(regions: Sequence[_Region]) -> NDArray[np.float64]:
    """Return the numbers called `FORMS` in px, (n, 9), all regions in one pass."""
    if not regions:
        return np.empty((0, len(FORMS)))
    polygons = Polygons.of([region.line for region in regions])
    inner = moments(polygons)
    length = perimeters(polygons)
    area = inner.area.copy()
    for row, region in enumerate(regions):
        if region.counted is not None:
            area[row], length[row] = region.counted
    columns = form_columns(polygons, replace(inner, area=area), length, None)
    extent = area / np.maximum(columns["feret_max"] * columns["feret_min"], 1e-9)
    return np.stack(
        [
            columns["ecd"], columns["feret_max"], columns["feret_min"], columns["aspect_ratio"],
            columns["circularity"], columns["solidity"], extent, columns["roundness"],
            columns["convexity"],
        ],
        axis=1,
    )  # fmt: skip


def _rasterised(
    lines: Sequence[NDArray[np.float64]], shapes: Sequence[tuple[int, ...]]
) -> list[Mask]:
    """Return the pixels of crops whose middles lie inside their lines, as 0 and 1."""
    if not lines:
        return []
    runs = all_spans(Polygons.of(lines))
    height = np.array([shape[0] for shape in shapes])
    width = np.array([shape[1] for shape in shapes])
    first = np.concatenate(([0], np.cumsum(height * width)))
    owner = runs.polygon
    left = np.clip(runs.left, 0, width[owner])
    right = np.clip(runs.right, 0, width[owner])
    kept = (runs.row >= 0) & (runs.row < height[owner]) & (right > left)
    start = first[owner] + runs.row * width[owner] + left
    flat = np.zeros(first[-1], np.uint8)
    flat[ranges(start[kept], (right - left)[kept])] = 1
    return [
        flat[begin:end].reshape(shape)
        for begin, end, shape in zip(first[:-1], first[1:], shapes, strict=True)
    ]


# ---- masks ----------------------------------------------------------------------------------


def _binary(pixels: NDArray[Any]) -> bool:
    """Tell whether a crop is a mask: of two values, or of the least or greatest one alone."""
    low = pixels.min()
    high = pixels.max()
    if low == high:
        return bool(low == 0 or high == np.iinfo(pixels.dtype).max)
    return bool(((pixels == low) | (pixels == high)).all())


def _of_mask(pixels: NDArray[Any]) -> _Region | None:
    """Return the pore of a mask: all its pieces that are not the ground."""
    plain = pixels if pixels.ndim == 2 else pixels[..., 0]
    high = plain == plain.max()
    mask = np.ascontiguousarray(high, np.uint8)
    if plain.min() < plain.max() and _bright_is_ground(mask):
        mask = 1 - mask
    piece = _main_piece(mask)
    if piece is None:
        return None
    return _counted(_filled(piece))


def _counted(mask: Mask) -> _Region:
    labels = mask.astype(np.int32)
    polygons = mask_polygons(labels)
    perimeter = float(crofton_perimeters(labels)[0])
    return _Region(polygons.points, mask, (float(cv2.countNonZero(mask)), perimeter))


def _bright_is_ground(bright: Mask) -> bool:
    """Tell which side of a threshold is the ground of a crop.

    The ground is all of the border, or most of it. Where the border shows both, a pore that fills
    its crop touches all four sides in one piece, and the ground does not.
    """
    border = _border(bright)
    share = float(border.mean())
    if share <= _ONE_GROUND or share >= 1 - _ONE_GROUND:
        return share > 0.5
    light = _spans_all(bright)
    dark = _spans_all(1 - bright)
    if light != dark:
        return dark
    corners = float(bright[[0, 0, -1, -1], [0, -1, 0, -1]].mean())
    if corners != 0.5:
        return corners > 0.5
    return False


def _spans_all(mask: Mask) -> bool:
    """Tell whether the largest piece touches all four sides."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return False
    best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return stats[best, cv2.CC_STAT_WIDTH] == mask.shape[1] and (
        stats[best, cv2.CC_STAT_HEIGHT] == mask.shape[0]
    )


def _border(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _border_median(grey: Grey) -> float:
    return _median(_border(grey))


def _median(values: NDArray[Any]) -> float:
    """Return the median as numpy does, which takes ten times as long for a few values."""
    half = values.size // 2
    if values.size % 2:
        return float(np.partition(values, half)[half])
    pair = np.partition(values, (half - 1, half))[half - 1 : half + 1]
    return float((pair[0] + pair[1]) / 2)


def _main_piece(mask: Mask) -> Mask | None:
    """Return the largest piece, the middle counting more."""
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    if count < 2:
        return None
    if count == 2:
        return mask
    _, labels, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
    middle = np.array([mask.shape[1] / 2, mask.shape[0] / 2])
    away = np.hypot(*(centres[1:] - middle).T) / np.hypot(*middle)
    return (labels == 1 + int(np.argmax(areas * (1.2 - away)))).view(np.uint8)


def _filled(mask: Mask) -> Mask:
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(mask.copy(), outlines, -1, 1, cv2.FILLED), np.uint8)


# ---- greys ----------------------------------------------------------------------------------


def _of_greys(smooth: Grey) -> _Region | None:
    """Return the pore of a crop of which nothing but its pixels is known, its line at the half
    level between ground and pore.
    """
    low, high, _, _ = cv2.minMaxLoc(smooth)
    if high - low < _MIN_CONTRAST:
        return None
    depth = _depth(smooth, low, high)
    top = float(depth.max())
    if top < _MIN_CONTRAST:
        return None
    first = _main_piece(_above(np.maximum(depth, 0.0), 0.0, top))
    if first is None or cv2.countNonZero(first) < _FEW_PIXELS:
        return None
    return _at_half_level(depth, first)


def _above(values: Grey, low: float, high: float) -> Mask:
    """Return what lies above Otsu's threshold as 1."""
    factor = 255 / (high - low)
    steps = cv2.convertScaleAbs(values, alpha=factor, beta=-low * factor)
    threshold, _ = cv2.threshold(steps, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    _, above = cv2.threshold(steps, max(threshold, 1.0), 1, cv2.THRESH_BINARY)
    return np.asarray(above, np.uint8)


def _depth(smooth: Grey, low: float, high: float) -> Grey:
    """Return how far each pixel departs from the ground, positive on the side of the pore."""
    bright = _above(smooth, low, high)
    share = float(_border(bright).mean())
    if _ONE_GROUND < share < 1 - _ONE_GROUND:
        bright_ground = _bright_is_ground(bright)
        ground = _median(smooth[bright == bright_ground])
        depth = ground - smooth
        return np.asarray(depth if bright_ground else -depth, np.float32)
    depth = np.asarray(_border_median(smooth) - smooth, np.float32)
    if is_dark(depth, _step(depth)):
        return depth
    return -depth


def _step(values: NDArray[Any]) -> int:
    """Return of how many pixels either way one is enough for ranks of the whole crop."""
    return max(1, int(math.sqrt(values.size / ENOUGH_PIXELS)))


def _at_half_level(depth: Grey, first: Mask) -> _Region:
    """Return the pore whose line runs where the grey is half way to the floor, which three tenths
    of the pixels of `first` pass, within `REACH` px of those.
    """
    inside = depth[first > 0]
    rank = int(_FLOOR * (len(inside) - 1))
    level = float(np.partition(inside, rank)[rank]) / 2
    window, (left, top) = _window(first, REACH + 1)
    near = first[window]
    beyond = (depth[window] > level) & (cv2.dilate(near, _REACHED) > 0)
    found = _main_piece(np.asarray(beyond, np.uint8))
    part = _filled(near if found is None else found)
    around = cv2.copyMakeBorder(-depth[window], *_ONE_MORE, cv2.BORDER_REPLICATE)
    labels = cv2.copyMakeBorder(part.astype(np.int32), *_ONE_MORE, cv2.BORDER_CONSTANT)
    traced = trace(np.asarray(labels), np.asarray(around), np.array([0.0, -level]))
    starts = traced.polygons.starts
    outer = int(np.argmax(traced.area))
    line = traced.polygons.points[starts[outer] : starts[outer + 1]]
    mask = np.zeros_like(first)
    mask[window] = part
    return _Region(line + np.array([left, top]), mask)


def _window(mask: Mask, margin: int) -> tuple[tuple[slice, slice], tuple[int, int]]:
    """Return the part of a crop about a pore, and where it begins (x, y)."""
    left, top, width, height = cv2.boundingRect(mask)
    rows = slice(max(0, top - margin), top + height + margin)
    columns = slice(max(0, left - margin), left + width + margin)
    return (rows, columns), (columns.start, rows.start)


def _looks(smooth: Grey, mask: Mask) -> list[float]:
    """Return the numbers called `GREYS` of a pore, 0 and 1 in `mask`."""
    area = float(cv2.countNonZero(mask))
    if not area:
        return [math.nan] * len(GREYS)
    ground = _ground_around(smooth, mask)
    depth = np.asarray(ground - smooth, np.float32)
    mean, spread = (float(one[0, 0]) for one in cv2.meanStdDev(depth, mask=mask))
    if mean < 0:
        np.negative(depth, out=depth)
        mean = -mean
    middle = _median(depth[mask.view(np.bool_)])
    top = max(float(cv2.minMaxLoc(depth, mask)[1]), _MIN_CONTRAST)
    beyond = (depth > max(middle / 2, _MIN_CONTRAST / 2)).view(np.uint8)
    pieces = _pieces(beyond, max(2.0, _SPECK * area))
    return [
        cv2.countNonZero(cv2.bitwise_and(beyond, mask)) / area,
        float(pieces),
        mean,
        spread / top,
        _sharpness(depth, mask) / top,
        ground,
        float(_border(mask).mean()),
    ]


def _ground_around(smooth: Grey, mask: Mask) -> float:
    """Return the median of what lies apart from a pore, 0 where it fills its crop."""
    around = cv2.dilate(mask, _NEIGHBOURS) == 0
    step = _step(smooth)
    some = smooth[::step, ::step][around[::step, ::step]]
    if not some.size:
        some = smooth[around]
    if not some.size:
        some = smooth[mask == 0]
    if not some.size:
        return 0.0
    return _median(some)


def _pieces(mask: Mask, minimum: float) -> int:
    count, _ = cv2.connectedComponents(mask, connectivity=8)
    if count <= 2:
        return count - 1
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return int((stats[1:, cv2.CC_STAT_AREA] >= minimum).sum())


def _sharpness(depth: Grey, mask: Mask) -> float:
    """Return the mean slope at the edge of a pore, per px."""
    window, _ = _window(mask, _MARGIN)
    about = depth[window].copy()
    edge = cv2.morphologyEx(mask[window], cv2.MORPH_GRADIENT, _NEIGHBOURS)
    across = cv2.Sobel(about, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(about, cv2.CV_32F, 0, 1)
    slope = np.sqrt(across * across + down * down)
    return cv2.mean(slope, mask=edge)[0] / 8


# ---- for networks and forests ---------------------------------------------------------------


def known_crop(
    crop: DatasetCrop, pixels: NDArray[Any], um_per_px: float | None, *, outlined: bool = True
) -> KnownCrop:
    """Return what is known of a crop of a dataset; `um_per_px` as in `KnownCrop`, its outline only
    where `outlined`.
    """
    line = crop.outline if outlined else None
    points = None if line is None else line.points
    return KnownCrop(pixels, crop.grey_low, crop.grey_high, um_per_px, points)


def shape_names(version: int) -> tuple[str, ...]:
    """Return what the shape numbers of a version are called; ValueError for one that is not known.

    Runs and networks say of which version their numbers are, and go on with those.
    """
    if version == 1:
        return NAMES
    if version == SHAPE_VERSION:
        return CROP_NUMBERS
    raise ValueError(f"no shape numbers of version {version}")


def shape_table_of(version: int, crops: Sequence[KnownCrop]) -> NDArray[np.float64]:
    """Return the numbers of a version, (n, numbers), NaN where no pore stands out."""
    if version == SHAPE_VERSION:
        return measure_crops(crops)
    rows = [shape_numbers(crop.pixels, crop.low, crop.high, crop.um_per_px) for crop in crops]
    return np.array(rows, np.float64).reshape(len(crops), len(shape_names(version)))


def shape_width(version: int) -> int:
    """Return how many numbers a network is told: those of its version, and 1 where no pore was
    found, else 0.
    """
    return len(shape_names(version)) + 1


def shape_inputs(version: int, crops: Sequence[KnownCrop]) -> NDArray[np.float32]:
    """Return what a network is told of shapes, (n, `shape_width`) float32 without NaN.

    Lengths, aspect ratio and pieces come as natural logarithms, numbers that could not be measured
    as 0. Turning or mirroring a crop leaves them as they are but for the sampling of a large crop.
    """
    return network_numbers(version, shape_table_of(version, crops))


def network_numbers(version: int, table: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return what `shape_inputs` does of numbers that were measured, (n, numbers)."""
    names = shape_names(version)
    numbers = table.copy()
    logarithms = [names.index(name) for name in (*LENGTHS, "Aspect ratio", "Pieces")]
    numbers[:, logarithms] = np.log(np.maximum(numbers[:, logarithms], SMALLEST))
    nothing = np.isnan(numbers[:, :1])
    return np.hstack([np.nan_to_num(numbers, nan=0.0), nothing]).astype(np.float32)
