"""Compute size and form of many outlines at once, with the source of each formula."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.vision.shape.polygons import FloatArray, IntArray, Polygons

_MIXED = np.array([0.7548776662466927, 0.5698402909980532])
"""Makes one number of x and y that hardly two middles share."""


@dataclass(frozen=True)
class Moments:
    """Hold the moments of the area inside each ring.

    `area` in px², `centroid` (n, 2) in px, `angle` of the long axis in radians from the x axis
    towards the y axis (down in the image), from -pi/2 to pi/2.
    """

    area: FloatArray
    centroid: FloatArray
    angle: FloatArray


def moments(polygons: Polygons) -> Moments:
    """Return area, centroid and long axis of each ring.

    Green's theorem turns the integrals over the area into sums along the outline: the shoelace
    formula and its second moments (C. Steger, On the Calculation of Arbitrary Moments of Polygons,
    FGBV-96-05, 1996). The long axis is that of the ellipse of equal second moments. The points are
    taken from a corner of their ring, so that no digits are lost.
    """
    corner = polygons.bounds()[0]
    local = Polygons(polygons.points - np.repeat(corner, polygons.lengths, axis=0), polygons.starts)
    (x, y), (u, v) = local.points.T, local.following().T
    cross = x * v - u * y
    weights = (
        1.0,
        x + u,
        y + v,
        x * x + x * u + u * u,
        y * y + y * v + v * v,
        x * v + 2 * (x * y + u * v) + u * y,
    )
    sums = np.stack([polygons.sums(cross * weight) for weight in weights], axis=1)
    signed = sums[:, 0] / 2
    safe = np.where(signed == 0, 1.0, signed)
    centre = sums[:, 1:3] / (6 * safe[:, None])
    spread_x = sums[:, 3] / (12 * safe) - centre[:, 0] ** 2
    spread_y = sums[:, 4] / (12 * safe) - centre[:, 1] ** 2
    mixed = sums[:, 5] / (24 * safe) - centre[:, 0] * centre[:, 1]
    return Moments(np.abs(signed), centre + corner, np.arctan2(2 * mixed, spread_x - spread_y) / 2)


def perimeters(polygons: Polygons) -> FloatArray:
    """Return the length of each outline in px.

    The Cauchy-Crofton formula counts how often straight lines cross an outline; over lines of all
    directions and places that is the length of a polygon exactly, so that the sub-pixel outline
    needs no count. Binary masks do: see `crofton_perimeters`. Seams that lead into holes and back
    do not count.
    """
    ends = polygons.following()
    length = np.hypot(*(ends - polygons.points).T)
    length[_seams(polygons, ends)] = 0.0
    return polygons.sums(length)


def _seams(polygons: Polygons, ends: FloatArray) -> NDArray[np.int64]:
    """Return the places of sides that their ring goes along in both directions: a pair of them has
    the same middle.
    """
    if not polygons.count:
        return np.zeros(0, np.int64)
    middle = (polygons.points + ends) / 2
    key = middle @ _MIXED
    if (np.diff(np.sort(key)) > 0).all():
        return np.zeros(0, np.int64)
    order = np.argsort(key)
    one = order[:-1][np.diff(key[order]) == 0]
    other = order[1:][np.diff(key[order]) == 0]
    owner = polygons.owner
    back = (polygons.points[one] == ends[other]).all(axis=1) & (
        ends[one] == polygons.points[other]
    ).all(axis=1)
    back &= owner[one] == owner[other]
    return np.concatenate([one[back], other[back]])


@dataclass(frozen=True)
class Hulls:
    """Hold what follows from the convex hull of each ring, (n,) each: area in
    px², the rest in px.
    """

    area: FloatArray
    perimeter: FloatArray
    feret_max: FloatArray
    feret_min: FloatArray


def hulls(polygons: Polygons) -> Hulls:
    """Return convex hull and Feret diameters of each ring.

    The largest Feret diameter is the largest distance of two corners of the hull; the smallest is
    the least width over the directions of the hull's edges, where the minimum lies (H. Freeman and
    R. Shapira, Commun. ACM 18 (1975) 409). Both are exact for the polygon.
    """
    hull = _convex(polygons)
    x, y = hull.points.T
    u, v = hull.following().T
    angle = np.arctan2(v - y, u - x) % (2 * np.pi) + 2 * np.pi * hull.owner
    order = np.argsort(
        angle, kind="stable"
    )  # quick, as they rise along each hull but for one place
    first = hull.points
    here = hull.points[order]
    after = hull.following()[order]
    far = order[_antipodes(angle[order], hull)]
    farther = hull.following()[far]
    long = np.hypot(*(after - here).T)
    (along_x, along_y), (to_x, to_y) = (after - here).T, (first[far] - here).T
    width = np.abs(along_x * to_y - along_y * to_x) / np.where(long == 0, 1.0, long)
    pairs = [np.hypot(*(one - other).T) for one in (here, after) for other in (first[far], farther)]
    starts = hull.starts[:-1]
    return Hulls(
        area=np.abs(hull.sums(x * v - u * y)) / 2,
        perimeter=hull.sums(np.hypot(u - x, v - y)),
        feret_max=np.maximum.reduceat(np.max(pairs, axis=0), starts)
        if polygons.count
        else np.zeros(0),
        feret_min=np.minimum.reduceat(np.where(long > 0, width, np.inf), starts)
        if polygons.count
        else np.zeros(0),
    )


def _antipodes(angle: FloatArray, hull: Polygons) -> IntArray:
    """Return for each edge, sorted by direction within its hull, the place of the edge that starts
    at its antipode.

    `angle` rises by 2 pi from hull to hull. The corner farthest from an edge lies where the
    directions of the edges pass the opposite one.
    """
    owner = hull.owner
    opposite = (angle - 2 * np.pi * owner + np.pi) % (2 * np.pi) + 2 * np.pi * owner
    index = np.searchsorted(angle, opposite)
    return np.where(index >= hull.starts[owner + 1], hull.starts[owner], index)


def _convex(polygons: Polygons) -> Polygons:
    """Return the convex hulls, each seen from a corner of its ring so that float32 keeps its
    digits.
    """
    points = polygons.points - np.repeat(polygons.bounds()[0], polygons.lengths, axis=0)
    coarse = points.astype(np.float32)
    parts = [
        cv2.convexHull(coarse[start:end], clockwise=False, returnPoints=False).reshape(-1) + start
        for start, end in zip(
            polygons.starts[:-1].tolist(), polygons.starts[1:].tolist(), strict=True
        )
    ]
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    index = np.concatenate(parts) if parts else np.empty(0, np.int64)
    return Polygons(points[index], np.concatenate(([0], np.cumsum(lengths))))
