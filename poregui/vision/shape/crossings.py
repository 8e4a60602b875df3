"""Resolve closed lines that cross, touch or repeat themselves into lines that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.vision.shape.polygons import FloatArray, IntArray, Polygons, ranges

_LATTICE = 2.0**28
"""Cells along the longer side of a line when its sides are cut where they meet, so that products of
two differences are exact in 64 bits."""
_FINEST = 4096.0
_ROUNDS = 12
_PAIRS_AT_ONCE = 1 << 20
_MOST_SIDES = 20_000
_SLIVER_PX2 = 0.01


def crossing(polygons: Polygons) -> NDArray[np.bool_]:
    """Return which rings cross or touch themselves, (n,), seams that lead there and back too."""
    found = np.zeros(polygons.count, np.bool_)
    start = polygons.points
    end = polygons.following()
    owner = polygons.owner
    real = np.flatnonzero((start != end).any(axis=1))
    start, end, owner = start[real], end[real], owner[real]
    for one, other in _pairs(start, end, owner):
        nearby = _meet(start, end, one, other)
        one = one[nearby]
        other = other[nearby]
        apart = (start[one] != end[other]).any(axis=1) & (end[one] != start[other]).any(axis=1)
        found[owner[one[apart]]] = True
    return found


def _pairs(
    start: NDArray[Any], end: NDArray[Any], owner: IntArray
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the places of pairs of sides of one ring whose boxes meet, some at once."""
    low = np.minimum(start, end)
    high = np.maximum(start, end)
    order = np.lexsort((low[:, 0], owner))
    rank = np.arange(len(order))
    reach = _last_within(low[order, 0], high[order, 0], owner[order])
    counts = reach - rank - 1
    cuts = np.flatnonzero(np.diff(np.cumsum(counts) // _PAIRS_AT_ONCE, prepend=-1, append=-1))
    for first, last in pairwise(cuts.tolist()):
        block = counts[first:last]
        one = order[np.repeat(rank[first:last], block)]
        other = order[ranges(rank[first:last] + 1, block)]
        near = (low[one, 1] <= high[other, 1]) & (low[other, 1] <= high[one, 1])
        yield one[near], other[near]


def _last_within(low: NDArray[Any], high: NDArray[Any], owner: IntArray) -> IntArray:
    """Return for each side, sorted by ring and left end, the place after the last one of its ring
    that begins before it ends.
    """
    ends = np.empty(len(low), np.int64)
    edges = np.flatnonzero(np.diff(owner, prepend=-1, append=-1))
    for first, last in pairwise(edges.tolist()):
        ends[first:last] = first + np.searchsorted(low[first:last], high[first:last], "right")
    return ends


def _turn(a: NDArray[Any], b: NDArray[Any], c: NDArray[Any]) -> NDArray[Any]:
    """Return twice the signed area of triangles; 0 where three points lie on a line."""
    return np.asarray(
        (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    )


def _meet(
    start: NDArray[Any], end: NDArray[Any], one: IntArray, other: IntArray
) -> NDArray[np.bool_]:
    """Return which pairs of sides, whose boxes meet, have a point in common."""
    p, q, r, s = start[one], end[one], start[other], end[other]
    across = np.sign(_turn(p, q, r)) * np.sign(_turn(p, q, s)) <= 0
    return np.asarray(across & (np.sign(_turn(r, s, p)) * np.sign(_turn(r, s, q)) <= 0))


def parts_of(
    polygons: Sequence[NDArray[Any]], inside: Callable[[IntArray], NDArray[np.bool_]]
) -> list[list[FloatArray]]:
    """Return the connected areas that closed lines (N, 2) in px bound together, the largest first.

    `inside` tells which winding numbers count as inside. Each area is its outer line and the lines
    of its holes, none of which crosses another; what is smaller than a hundredth of a px² is left
    out. Raises PoreguiError where lines cross too often.
    """
    lattice = _Lattice.of(polygons)
    sides = _net(_split(lattice.sides(polygons)))
    left, right = _windings(sides)
    within = inside(left)
    border = within != inside(right)
    loops = _loops(np.where(within[:, None, None], sides.ends, sides.ends[:, ::-1])[border])
    return _grouped([lattice.px(loop) for loop in loops])


def not_zero(winding: IntArray) -> NDArray[np.bool_]:
    """Tell which winding numbers are inside a line that a hand drew: whatever it goes around."""
    return np.asarray(winding != 0)


def odd(winding: IntArray) -> NDArray[np.bool_]:
    """Tell which winding numbers are inside by the even-odd rule."""
    return np.asarray(winding % 2 == 1)


def positive(winding: IntArray) -> NDArray[np.bool_]:
    """Tell which winding numbers are inside lines whose holes run the other way round."""
    return np.asarray(winding > 0)


@dataclass(frozen=True)
class _Lattice:
    """Hold the fine lattice on which sides are cut: its corner in px and its points a px."""

    corner: FloatArray
    scale: float

    @staticmethod
    def of(polygons: Sequence[NDArray[Any]]) -> _Lattice:
        points = np.concatenate(polygons).astype(np.float64)
        corner = np.floor(points.min(axis=0))
        extent = max(1.0, float((points.max(axis=0) - corner).max()))
        return _Lattice(corner, min(_FINEST, 2.0 ** np.floor(np.log2(_LATTICE / extent))))

    def sides(self, polygons: Sequence[NDArray[Any]]) -> IntArray:
        """Return the sides (M, 2, 2) of rings: where each starts and ends."""
        found = []
        for polygon in polygons:
            points = np.rint((polygon - self.corner) * self.scale).astype(np.int64)
            found.append(np.stack([points, np.roll(points, -1, axis=0)], axis=1))
        return _real(np.concatenate(found))

    def px(self, points: IntArray) -> FloatArray:
        return np.asarray(points / self.scale + self.corner)


def _real(sides: IntArray) -> IntArray:
    return sides[(sides[:, 0] != sides[:, 1]).any(axis=1)]


def _split(sides: IntArray) -> IntArray:
    """Return sides cut in pieces so that no two have a point in common but their ends."""
    for _ in range(_ROUNDS):
        if len(sides) > _MOST_SIDES:
            raise PoreguiError(
                "An outline crosses itself thousands of times.", "Draw it again, around the pore."
            )
        side, at = _cuts(sides)
        if not len(side):
            break
        sides = _cut_at(sides, side, at)
    return sides


def _cuts(sides: IntArray) -> tuple[IntArray, IntArray]:
    """Return where sides are to be cut: their places (k,) and the points (k, 2)."""
    start = sides[:, 0]
    end = sides[:, 1]
    cut = [np.zeros(0, np.int64)]
    points = [np.zeros((0, 2), np.int64)]
    for one, other in _pairs(start, end, np.zeros(len(sides), np.int64)):
        near = _meet(start, end, one, other)
        one = one[near]
        other = other[near]
        for at in (_crossings(sides[one], sides[other]), *_ends_on(sides, one, other)):
            cut += [one[at.pair], other[at.pair]]
            points += [at.points, at.points]
    side = np.concatenate(cut)
    points_cut = np.concatenate(points)
    new = (points_cut != start[side]).any(axis=1) & (points_cut != end[side]).any(axis=1)
    return side[new], points_cut[new]


@dataclass(frozen=True)
class _Meetings:
    """Hold points (k, 2) where pairs of sides meet, and the place of each pair."""

    pair: IntArray
    points: IntArray


def _crossings(one: IntArray, other: IntArray) -> _Meetings:
    """Return where sides run through each other, to the nearest point of the lattice."""
    p, q, r, s = one[:, 0], one[:, 1], other[:, 0], other[:, 1]
    here = _turn(r, s, p)
    there = _turn(r, s, q)
    crosses = (np.sign(here) * np.sign(there) < 0) & (
        np.sign(_turn(p, q, r)) * np.sign(_turn(p, q, s)) < 0
    )
    pair = np.flatnonzero(crosses)
    begin = here[pair].astype(np.float64)
    fraction = begin / (begin - there[pair])
    along = (q - p)[pair]
    return _Meetings(pair, p[pair] + np.rint(along * fraction[:, None]).astype(np.int64))


def _ends_on(sides: IntArray, one: IntArray, other: IntArray) -> Iterator[_Meetings]:
    """Yield the ends of one side of a pair that lie upon the other."""
    for line, point in ((one, other), (other, one)):
        for which in (0, 1):
            a = sides[line, 0]
            b = sides[line, 1]
            c = sides[point, which]
            between = (np.minimum(a, b) <= c).all(axis=1) & (c <= np.maximum(a, b)).all(axis=1)
            pair = np.flatnonzero(between & (_turn(a, b, c) == 0))
            yield _Meetings(pair, c[pair])


def _cut_at(sides: IntArray, side: IntArray, at: IntArray) -> IntArray:
    """Return sides cut at points (k, 2) of theirs."""
    owner = np.concatenate([np.arange(len(sides)), side])
    points = np.concatenate([sides[:, 0], at])
    along = sides[owner, 1] - sides[owner, 0]
    far = ((points - sides[owner, 0]) * along).sum(axis=1)
    order = np.lexsort((far, owner))
    owner = owner[order]
    points = points[order]
    following = np.concatenate([points[1:], points[:1]])
    last = np.flatnonzero(np.diff(owner, append=-1))
    following[last] = sides[owner[last], 1]
    return _real(np.stack([points, following], axis=1))


@dataclass(frozen=True)
class _Sides:
    """Hold sides, `ends` (m, 2, 2), and how often lines run along each, `times` (m,)."""

    ends: IntArray
    times: IntArray


def _net(sides: IntArray) -> _Sides:
    """Return each side once; those along which as many lines run back as there are left out."""
    points, number = np.unique(sides.reshape(-1, 2), axis=0, return_inverse=True)
    number = number.reshape(-1, 2)
    low = number.min(axis=1)
    high = number.max(axis=1)
    key, index = np.unique(low * len(points) + high, return_inverse=True)
    times = np.zeros(len(key), np.int64)
    np.add.at(times, index.reshape(-1), np.where(number[:, 0] == low, 1, -1))
    kept = times != 0
    ends = np.stack([points[key // len(points)], points[key % len(points)]], axis=1)
    return _Sides(ends[kept], times[kept])


def _windings(sides: _Sides) -> tuple[IntArray, IntArray]:
    """Return the winding numbers left and right of each side, (m,) each, the y axis up."""
    level = sides.ends[:, 0, 1] == sides.ends[:, 1, 1]
    far = np.where(level, -_beyond(sides, 0, level), _beyond(sides, 1, ~level))
    step = np.diff(sides.ends, axis=1)[:, 0]
    far_is_left = np.where(level, step[:, 0] > 0, step[:, 1] < 0)
    left = np.where(far_is_left, far, far + sides.times)
    return left, left - sides.times


def _beyond(sides: _Sides, up: int, wanted: NDArray[np.bool_]) -> IntArray:
    """Return the winding number just beyond the middle of the wanted sides along an axis, (m,).

    It is counted along a ray from there in the direction of the axis that is not `up`.
    """
    found = np.zeros(len(sides.times), np.int64)
    start = 2 * sides.ends[:, 0]
    end = 2 * sides.ends[:, 1]
    middle = sides.ends.sum(axis=1)
    step = end - start
    rows = max(1, _PAIRS_AT_ONCE // max(1, len(start)))
    indices = np.flatnonzero(wanted)
    for first in range(0, len(indices), rows):
        chosen = indices[first : first + rows]
        here = middle[chosen][:, None]
        rises = (start[:, up] <= here[..., up]) & (here[..., up] < end[:, up])
        falls = (end[:, up] <= here[..., up]) & (here[..., up] < start[:, up])
        side = step[:, 1 - up] * (here[..., up] - start[:, up]) - step[:, up] * (
            here[..., 1 - up] - start[:, 1 - up]
        )
        count = (rises & (side > 0)).astype(np.int64) - (falls & (side < 0))
        found[chosen] = count @ sides.times
    return found


def _loops(sides: IntArray) -> list[IntArray]:
    """Return the closed lines (k, 2) that directed sides (m, 2, 2) form, the area left of them."""
    leaving: dict[tuple[int, int], list[int]] = {}
    starts = [(int(x), int(y)) for x, y in sides[:, 0]]
    ends = [(int(x), int(y)) for x, y in sides[:, 1]]
    for index, start in enumerate(starts):
        leaving.setdefault(start, []).append(index)
    step = (sides[:, 1] - sides[:, 0]).astype(np.float64)
    angle = np.arctan2(step[:, 1], step[:, 0])
    loops = []
    for first in range(len(starts)):
        if first not in leaving.get(starts[first], ()):
            continue
        leaving[starts[first]].remove(first)
        loop = [first]
        while ends[loop[-1]] != starts[first]:
            ways = leaving.get(ends[loop[-1]])
            if not ways:
                break
            back = angle[loop[-1]] + np.pi
            best = min(ways, key=lambda way: float((back - angle[way]) % (2 * np.pi)) or 7.0)
            ways.remove(best)
            loop.append(best)
        loops.append(sides[loop, 0])
    return [loop for loop in loops if len(loop) >= 3]


def _grouped(loops: list[FloatArray]) -> list[list[FloatArray]]:
    """Return lines by the area that they bound: an outer line, which has its area left, and its
    holes.
    """
    areas = [signed_area(loop) for loop in loops]
    outer = sorted(
        (k for k, area in enumerate(areas) if area > _SLIVER_PX2), key=lambda k: areas[k]
    )
    groups = {k: [loops[k]] for k in outer}
    for k, area in enumerate(areas):
        if area < -_SLIVER_PX2:
            around = [o for o in outer if areas[o] > -area and _holds(loops[o], loops[k])]
            if around:
                groups[around[0]].append(loops[k])
    return [groups[k] for k in reversed(outer)]


def signed_area(points: NDArray[Any]) -> float:
    """Return the area of a closed line (n, 2) by the shoelace formula, above 0 where it has its
    area left, and 0 for fewer than three points.
    """
    if len(points) < 3:
        return 0.0
    x, y = (points - points[0]).T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _holds(outer: FloatArray, inner: FloatArray) -> bool:
    """Tell whether most corners of a line that crosses another one nowhere lie inside it."""
    around = (outer - outer[0]).astype(np.float32)
    corners = (inner - outer[0]).astype(np.float32).tolist()
    signs = [cv2.pointPolygonTest(around, corner, False) for corner in corners]
    return sum(signs) > 0


def one_line(lines: Sequence[NDArray[Any]]) -> FloatArray:
    """Return one ring (N, 2) that runs along all given ones, joined by seams there and back where
    they are nearest.
    """
    polygons = [np.asarray(line, np.float64) for line in lines]
    if len(polygons) <= _FEW:
        return without_repeats(_joined_in_turn(polygons))
    seams = _seams(polygons)
    leaving: list[list[_Seam]] = [[] for _ in polygons]
    for seam in seams:
        leaving[seam.polygon].append(seam)
    joined = list(polygons)
    for seam in reversed(seams):  # each after all that hang on it
        there_and_back = _with_joined(polygons[seam.to], leaving[seam.to], joined, seam.into)
        joined[seam.to] = np.concatenate([there_and_back, there_and_back[:1]])
    return without_repeats(_with_joined(polygons[0], leaving[0], joined, 0))


_FEW = 16
"""Lines up to which joining one after the other is quicker than triangles between all of them."""


def _joined_in_turn(polygons: Sequence[FloatArray]) -> FloatArray:
    from scipy.spatial import cKDTree

    line = polygons[0]
    left = list(polygons[1:])
    while left:
        tree = cKDTree(line)
        near = [tree.query(polygon) for polygon in left]
        which = int(np.argmin([away.min() for away, _ in near]))
        into = int(near[which][0].argmin())
        at = int(near[which][1][into])
        polygon = left.pop(which)
        line = np.concatenate([line[: at + 1], polygon[into:], polygon[: into + 1], line[at:]])
    return line


@dataclass(frozen=True)
class _Seam:
    """Hold a seam from the point `at` of a polygon to the point `into` of the polygon `to`."""

    polygon: int
    at: int
    to: int
    into: int


def _seams(polygons: Sequence[FloatArray]) -> list[_Seam]:
    """Return the shortest seams that join all polygons to the first, one nearer to it before those
    that hang on it.

    They are among the sides of the triangles of B. Delaunay, Bull. Acad. Sci. URSS 6 (1934) 793.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    count = len(polygons)
    points = np.concatenate(polygons)
    owner = np.repeat(np.arange(count), [len(polygon) for polygon in polygons])
    starts = np.searchsorted(owner, np.arange(count))
    ends = _between(points, owner)
    lengths = np.hypot(*(points[ends[:, 0]] - points[ends[:, 1]]).T)
    ends = ends[np.argsort(lengths, kind="stable")]
    key, first = np.unique(owner[ends[:, 0]] * count + owner[ends[:, 1]], return_index=True)
    ranks = csr_array((first + 1.0, np.divmod(key, count)), (count, count))
    order, before = breadth_first_order(minimum_spanning_tree(ranks), 0, directed=False)
    shortest = dict(zip(key.tolist(), ends[first].tolist(), strict=True))
    found = []
    for to in order[1:].tolist():
        near = int(before[to])
        at, into = shortest[min(near, to) * count + max(near, to)]
        if near > to:
            at, into = into, at
        found.append(_Seam(near, at - int(starts[near]), to, into - int(starts[to])))
    return found


def _between(points: FloatArray, owner: IntArray) -> IntArray:
    """Return the sides (m, 2) of triangles between points of different polygons, the point of the
    lower one first, and pairs of points that lie upon each other.
    """
    from scipy.spatial import Delaunay

    found = Delaunay(points)
    corners = found.simplices
    pairs = [corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]], found.coplanar[:, [0, 2]]]
    sides = np.sort(np.concatenate(pairs), axis=1)  # points lie in the order of their polygons
    return sides[owner[sides[:, 0]] != owner[sides[:, 1]]]


def _with_joined(
    polygon: FloatArray, seams: Sequence[_Seam], joined: Sequence[FloatArray], start: int
) -> FloatArray:
    """Return a polygon from a point of it on, with the lines to which its seams lead."""
    turned = np.roll(polygon, -start, axis=0)
    pieces = []
    done = 0
    for seam in sorted(seams, key=lambda one: (one.at - start) % len(polygon)):
        at = (seam.at - start) % len(polygon)
        pieces += [turned[done : at + 1], joined[seam.to]]
        done = at
    return np.concatenate([*pieces, turned[done:]])


def without_repeats(points: FloatArray) -> FloatArray:
    """Return a ring without corners that lie where the one before does."""
    return points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
