"""Measure pores from their outlines: size, form, grey and distances, all pores in one pass; changes with the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.domain.masks import Mask
from poregui.domain.measurement import COLUMNS, RELIABLE_PX, Measurement
from poregui.vision.distances import nearest_edges, surface_distances
from poregui.vision.inside import mean_greys
from poregui.vision.masked import touching
from poregui.vision.rings import FloatArray, Rings
from poregui.vision.shape_numbers import hulls, moments, perimeters

Pixels = NDArray[Any] | Callable[[Box], NDArray[Any]]
UP = 90.0
"""The build direction where nobody gave one: upwards in the image."""


@dataclass(frozen=True)
class Measured:
    """Hold the numbers of all pores of one micrograph, by column of domain/measurement.py.

    `columns` maps each name but `unit` to (n,) float64, or bool for `touches_edge` and `shape_reliable`; NaN stands for
    what is not known. `unit` is that of the lengths: "um" or "px".
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
    return None if value != value else value


def measure(
    outlines: Sequence[NDArray[Any]],
    pixels: Pixels | None,
    um_per_px: float | None,
    *,
    size: tuple[int, int],
    masks: Sequence[Mask] = (),
    build_direction_deg: float | None = None,
    surface: NDArray[Any] | None = None,
) -> Measured:
    """Return the numbers of pores whose outlines, (N, 2) each in px, lie in a micrograph of `size` (width, height) px.

    `pixels` is the micrograph, (H, W) or (H, W, channels), or a callable that returns the pixels of a box, or None
    where they are out of reach: then the mean greys are not known. `build_direction_deg` is counted counter-clockwise
    from the x axis, upwards without one. `surface` is the specimen's surface in view, a line of (M, 2) points in px.
    Raises ValueError for outlines of fewer than three points.

    Area is measured on the outline in the manner of ASTM E1245, which counts pixels of inclusions in fields of steel;
    no standard covers pores of additive titanium (ASTM E2109 is for thermal spray coatings). Formulas:
    equivalent circular diameter 2 sqrt(A / pi); circularity 4 pi A / P² (E. P. Cox, J. Paleontol. 1 (1927) 179);
    roundness 4 A / (pi Fmax²) (ISO 9276-6:2008, there the square of "compactness"); aspect ratio Fmax / Fmin (there
    its inverse); solidity A / A of the convex hull; convexity P of the hull / P (both there).
    """
    rings = Rings.of(outlines)
    scale = 1.0 if um_per_px is None else um_per_px
    inner, length, hull = moments(rings), perimeters(rings), hulls(rings)
    area = inner.area
    ecd = 2 * np.sqrt(area / np.pi)
    lengths = {
        "ecd": ecd,
        "perimeter": length,
        "feret_max": hull.feret_max,
        "feret_min": hull.feret_min,
        "nearest_edge": nearest_edges(rings),
        "surface": surface_distances(rings, surface),
    }
    columns: dict[str, NDArray[Any]] = {
        "x": inner.centroid[:, 0],
        "y": inner.centroid[:, 1],
        "area_px": area,
        "area_um2": np.full(len(area), np.nan) if um_per_px is None else area * scale**2,
        **{name: values * scale for name, values in lengths.items()},
        "circularity": _ratio(4 * np.pi * area, length**2),
        "roundness": _ratio(4 * area, np.pi * hull.feret_max**2),
        "aspect_ratio": _ratio(hull.feret_max, hull.feret_min),
        "solidity": _ratio(area, hull.area),
        "convexity": _ratio(hull.perimeter, length),
        "orientation_deg": orientation(inner.angle, UP if build_direction_deg is None else build_direction_deg),
        "mean_grey": mean_greys(rings, pixels, size),
        "touches_edge": touching(rings, size, masks),
        "shape_reliable": ecd >= RELIABLE_PX,
    }
    return Measured(columns, "px" if um_per_px is None else "um")


def orientation(angle: FloatArray, build_direction_deg: float) -> FloatArray:
    """Return long axes against the build direction in degrees, above -90 to 90, counter-clockwise as one sees it.

    `angle` is in radians from the x axis towards the y axis, which points down. 0 lies along the build direction.
    """
    turned = 90 - (90 + np.degrees(angle) + build_direction_deg) % 180
    return np.asarray(turned, dtype=np.float64)


def _ratio(upper: FloatArray, lower: FloatArray) -> FloatArray:
    """Return a quotient, NaN where the outline has no extent."""
    return np.asarray(np.divide(upper, lower, out=np.full(len(upper), np.nan), where=lower > 0))
