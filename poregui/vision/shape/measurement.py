"""Measure pores from their outlines: size, form, grey and distances, in one pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box, Mask
from poregui.domain.measurement import COLUMNS, RELIABLE_PX, Measurement
from poregui.vision.pores.contours import trace
from poregui.vision.pores.specimen_area import touching
from poregui.vision.shape.distances import nearest_edges, surface_distances
from poregui.vision.shape.polygons import FloatArray, Polygons, mean_greys
from poregui.vision.shape.shape_numbers import Moments, hulls, moments, perimeters

_DIRECTIONS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, np.sqrt(2)), (1, -1, np.sqrt(2)))
"""Step in rows and columns, and the distance of two pixels along it, which is that of the lines as
well.
"""


def crofton_perimeters(labels: NDArray[Any]) -> FloatArray:
    """Return the perimeter of each label from 1 to the largest in px, (n,), 0 for those without
    pixels.

    Cauchy and Crofton: the length of a line is pi / 2 times the mean over directions of how often
    parallel lines cross it, times their distance. Counted along rows, columns and both diagonals
    (D. Legland, K. Kieu and M.-F. Devaux, Image Anal. Stereol. 26 (2007) 83), for each label on its
    own: where two pores touch, the side between them counts for both and changes nothing else.
    """
    framed = np.pad(labels, 1).astype(np.int64)
    total = np.zeros(int(labels.max(initial=0)) + 1)
    for down, across, step in _DIRECTIONS:
        here, there = _pairs(framed, down, across)
        differ = here != there
        count = np.bincount(here[differ], minlength=len(total)) + np.bincount(
            there[differ], minlength=len(total)
        )
        total += count * (np.pi / 8 / step)
    return total[1:]


def mask_polygons(labels: NDArray[Any]) -> Polygons:
    """Return the outer line of each label that has pixels, half way to the pixels outside, in
    rising order.
    """
    count = int(labels.max(initial=0))
    framed = np.pad(labels, 1)
    traced = trace(framed, np.zeros(framed.shape, np.float32), np.zeros(count + 1))
    order = np.lexsort((traced.area, traced.label))
    outer = order[np.flatnonzero(np.diff(traced.label[order], append=count + 1))]
    starts = traced.polygons.starts
    points = traced.polygons.points
    return Polygons.of([points[starts[polygon] : starts[polygon + 1]] for polygon in outer])


def _pairs(
    framed: NDArray[np.int64], down: int, across: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    height, width = framed.shape
    left = max(0, -across)
    right = width - max(0, across)
    return framed[: height - down, left:right], framed[down:, left + across : right + across]


Pixels = NDArray[Any] | Callable[[Box], NDArray[Any]]
_THREADS = max(1, min(4, os.cpu_count() or 1))


@dataclass(frozen=True)
class Measured:
    """Hold the numbers of all pores of one micrograph, by column of domain/measurement.py.

    `columns` maps each name but `unit` to (n,) float64, or bool for `touches_edge` and
    `shape_reliable`; NaN stands for what is not known. `unit` is that of the lengths: "um" or "px".
    """

    columns: dict[str, NDArray[Any]]
    unit: str

    def __len__(self) -> int:
        return len(self.columns["area_px"])

    def rows(self) -> list[Measurement]:
        """Return one Measurement a pore."""
        names = [column.name for column in COLUMNS if column.name != "unit"]
        lists = [self.columns[name].tolist() for name in names]
        return [
            Measurement(**{"unit": self.unit, **dict(zip(names, map(_known, values), strict=True))})
            for values in zip(*lists, strict=True)
        ]


def _known(value: Any) -> Any:
    if value != value:
        return None
    return value


def measure(
    outlines: Sequence[NDArray[Any]],
    pixels: Pixels | None,
    um_per_px: float | None,
    *,
    size: tuple[int, int],
    masks: Sequence[Mask] = (),
    build_direction_deg: float | None = None,
    surfaces: Sequence[NDArray[Any]] = (),
) -> Measured:
    """Return the numbers of pores whose outlines, (N, 2) each in px, lie in a micrograph of `size`
    (width, height) px.

    `pixels` is the micrograph, (H, W) or (H, W, channels), or a callable that returns the pixels of
    a box, or None where they are out of reach: then the mean greys are not known.
    `build_direction_deg` is counted counter-clockwise from the x axis; without one the orientation
    is not known. `surfaces` are lines (M, 2) in px where the specimen ends (see Detected). Raises
    ValueError for outlines of fewer than three points.

    Area is measured on the outline in the manner of ASTM E1245, which counts pixels of inclusions
    in fields of steel; no standard covers pores of additive titanium (ASTM E2109 is for thermal
    spray coatings). Formulas: equivalent circular diameter 2 sqrt(A / pi); circularity 4 pi A / P²
    (E. P. Cox, J. Paleontol. 1 (1927) 179); roundness 4 A / (pi Fmax²) (ISO 9276-6:2008, there the
    square of "compactness"); aspect ratio Fmax / Fmin (there its inverse); solidity A / A of the
    convex hull; convexity P of the hull / P (both there).
    """
    polygons = Polygons.of(outlines)
    scale = 1.0
    if um_per_px is not None:
        scale = um_per_px
    with ThreadPoolExecutor(_THREADS) as pool:
        nearest = pool.submit(nearest_edges, polygons)
        shape = partial(_shapes, um_per_px=um_per_px, build_direction_deg=build_direction_deg)
        shapes = pool.map(shape, map(polygons.block, polygons.blocks()))
        greys = mean_greys(polygons, pixels, size)
        parts = list(shapes) or [shape(polygons)]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        columns |= {
            "nearest_edge": nearest.result() * scale,
            "surface": surface_distances(polygons, surfaces) * scale,
            "mean_grey": greys,
            "touches_edge": touching(polygons, Box(0, 0, *size), masks),
        }
    return Measured(columns, "px" if um_per_px is None else "um")


def measure_labels(
    labels: NDArray[Any],
    pixels: Pixels | None,
    um_per_px: float | None,
    *,
    masks: Sequence[Mask] = (),
    build_direction_deg: float | None = None,
) -> Measured:
    """Return the numbers of the regions of a label image, int (H, W), 0 outside, for masks that
    others have made.

    One row for each label that has pixels, in rising order. Area counts pixels, the perimeter is
    Crofton's (see `crofton_perimeters`), everything else is that of the line half way between the
    pixels inside and outside. For want of grey levels these numbers are coarser than those of
    `measure`: of discs of 10 px or more they are right in the mean over where the disc lies on the
    grid, and the aspect ratio from 50 px on.
    """
    polygons = mask_polygons(labels)
    count = np.bincount(labels.reshape(-1))[1:].astype(np.float64)
    present = count > 0
    inner = replace(moments(polygons), area=count[present])
    perimeter = crofton_perimeters(labels)[present]
    columns = form_columns(polygons, inner, perimeter, um_per_px, build_direction_deg)
    scale = 1.0
    if um_per_px is not None:
        scale = um_per_px
    size = (labels.shape[1], labels.shape[0])
    columns |= {
        "nearest_edge": nearest_edges(polygons) * scale,
        "surface": surface_distances(polygons, ()),
        "mean_grey": mean_greys(polygons, pixels, size),
        "touches_edge": touching(polygons, Box(0, 0, *size), masks),
    }
    return Measured(columns, "px" if um_per_px is None else "um")


def _shapes(
    polygons: Polygons, um_per_px: float | None, build_direction_deg: float | None
) -> dict[str, NDArray[Any]]:
    return form_columns(
        polygons, moments(polygons), perimeters(polygons), um_per_px, build_direction_deg
    )


def form_columns(
    polygons: Polygons,
    inner: Moments,
    perimeter: FloatArray,
    um_per_px: float | None,
    build_direction_deg: float | None = None,
) -> dict[str, NDArray[Any]]:
    """Return the columns that follow from the outlines; `perimeter` is in px."""
    scale = 1.0
    if um_per_px is not None:
        scale = um_per_px
    area = inner.area
    hull = hulls(polygons)
    ecd = 2 * np.sqrt(area / np.pi)
    return {
        "x": inner.centroid[:, 0],
        "y": inner.centroid[:, 1],
        "area_px": area,
        "area_um2": np.full(len(area), np.nan) if um_per_px is None else area * scale**2,
        "ecd": ecd * scale,
        "perimeter": perimeter * scale,
        "circularity": _ratio(4 * np.pi * area, perimeter**2),
        "roundness": _ratio(4 * area, np.pi * hull.feret_max**2),
        "feret_max": hull.feret_max * scale,
        "feret_min": hull.feret_min * scale,
        "aspect_ratio": _ratio(hull.feret_max, hull.feret_min),
        "solidity": _ratio(area, hull.area),
        "convexity": _ratio(hull.perimeter, perimeter),
        "orientation_deg": orientation(
            inner.angle, np.nan if build_direction_deg is None else build_direction_deg
        ),
        "shape_reliable": ecd >= RELIABLE_PX,
    }


def orientation(angle: FloatArray, build_direction_deg: float) -> FloatArray:
    """Return long axes against the build direction in degrees, above -90 to 90, counter-clockwise
    as one sees it.

    `angle` is in radians from the x axis towards the y axis, which points down. 0 lies along the
    build direction.
    """
    turned = 90 - (90 + np.degrees(angle) + build_direction_deg) % 180
    return np.asarray(turned, dtype=np.float64)


def _ratio(upper: FloatArray, lower: FloatArray) -> FloatArray:
    """Return a quotient, NaN where the outline has no extent."""
    return np.asarray(np.divide(upper, lower, out=np.full(len(upper), np.nan), where=lower > 0))
