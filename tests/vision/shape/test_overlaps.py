"""Hold that any line becomes an outline that crosses itself nowhere, or is refused, and that area
that several outlines share counts once.
"""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Mask, Outline
from poregui.vision.shape.crossings import odd, parts_of
from poregui.vision.shape.overlaps import (
    checked_outline,
    checked_outlines,
    shared_area,
    united,
    with_holes,
)

SIZE = (300, 200)
SPIKE = np.array([(10, 10), (50, 10), (50, 50), (80, 50), (50, 50), (10, 50)], np.float64)
BOW = np.array([(46, 36), (74, 64), (74, 36), (46, 64)], np.float64)


def disc(
    x: float, y: float, radius: float, corners: int = 40, turns: int = 1
) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi * turns, corners * turns, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def area(line: NDArray[np.float64]) -> float:
    return shapely.Polygon(line).area


@pytest.mark.parametrize(
    ("line", "inside", "change"),
    [
        (BOW, 392.0, "crossed"),
        (disc(60, 60, 12, turns=2), area(disc(60, 60, 12)), "crossed"),
        (disc(60, 60, 12, turns=5), area(disc(60, 60, 12)), "crossed"),
        (np.concatenate([disc(60, 60, 12), disc(60, 60, 11)]), area(disc(60, 60, 12)), "crossed"),
        (disc(297, 100, 30), area(disc(297, 100, 30)) * 0.5627, "cut"),
        (disc(0, 0, 10), area(disc(0, 0, 10)) / 4, "cut"),
        (np.array([(-9, -9), (400, -9), (400, 300), (-9, 300.0)]), 60_000.0, "cut"),
        (SPIKE, 1600.0, "crossed"),
        (disc(60, 60, 12), area(disc(60, 60, 12)), ""),
        (disc(60, 60, 12)[::-1], area(disc(60, 60, 12)), ""),
    ],
    ids=[
        "bow", "twice", "five times", "twice unlike", "over the edge", "corner", "all around",
        "spike", "right", "other way round",
    ],
)  # fmt: skip
def test_an_outline_is_what_its_line_goes_around_inside_the_image(
    line: NDArray[np.float64], inside: float, change: str
) -> None:
    (found,) = checked_outlines([line], SIZE)
    assert found.change == change
    assert found.outline.area == pytest.approx(inside, rel=2e-3)
    assert found.outline.bounds.clipped(*SIZE) == found.outline.bounds
    again = checked_outline(found.outline.points, SIZE)
    assert again == found.outline


def test_an_outline_that_is_right_stays_bit_for_bit() -> None:
    line = disc(60.123456, 60.654321, 12).astype(np.float32)
    assert checked_outline(line, SIZE).data == line.tobytes()
    (polygon,) = with_holes(disc(100, 100, 22), [disc(100, 100, 10)])
    kept = checked_outline(polygon.astype(np.float32), SIZE)
    assert kept.data == polygon.astype(np.float32).tobytes()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (np.empty((0, 2)), "no three points"),
        (BOW[:2], "no three points"),
        (np.array([(0, 0), (np.nan, 5), (5, 0)]), "no three points"),
        (np.array([(0, 0), (np.inf, 5), (5, 0)]), "no three points"),
        (disc(50, 50, 1e12), "no three points"),
        (np.array([(5, 5), (10, 10), (20, 20.0)]), "less than one pixel"),
        (np.array([(5, 5), (5, 5), (5, 5.0)]), "less than one pixel"),
        (disc(500, 500, 12), "outside the image"),
        (disc(-12.5, 100, 12), "outside the image"),
    ],
)
def test_a_line_that_can_be_no_outline_is_refused_in_a_sentence(
    line: NDArray[np.float64], problem: str
) -> None:
    with pytest.raises(PoreguiError, match=problem):
        checked_outline(line, SIZE)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-20, 320), st.integers(-20, 220)), min_size=3, max_size=14))
def test_any_scribble_encloses_what_winds_around_it_as_another_program_finds(
    corners: list[tuple[int, int]],
) -> None:
    line = np.array(corners, np.float64)
    (found,) = checked_outlines([line], SIZE)
    closed = [*corners, corners[0]]
    sides = shapely.union_all(
        [shapely.LineString(pair) for pair in pairwise(closed) if pair[0] != pair[1]]
    )
    faces = shapely.get_parts(shapely.polygonize([sides]))
    image = shapely.box(0, 0, *SIZE)
    wound = [face for face in faces if winding(line, face.representative_point())]
    expected = sum(face.intersection(image).area for face in wound)
    assert (found.outline.area if found.outline else 0.0) == pytest.approx(
        expected, rel=1e-3, abs=1.1
    )


def winding(line: NDArray[np.float64], point: shapely.Point) -> int:
    """Return how often a line runs around a point, by the angles that it passes."""
    away = line - (point.x, point.y)
    angle = np.unwrap(np.arctan2(*np.concatenate([away, away[:1]]).T))
    return round(float(angle[-1] - angle[0]) / (2 * np.pi))


def test_holes_are_left_out_and_parts_stay_apart() -> None:
    (polygon,) = with_holes(disc(100, 100, 22), [disc(100, 100, 10), disc(112, 100, 5)])
    assert checked_outline(polygon).area == pytest.approx(
        area(disc(100, 100, 22))
        - shapely.union(
            shapely.Polygon(disc(100, 100, 10)), shapely.Polygon(disc(112, 100, 5))
        ).area,
        abs=0.1,
    )
    cut = np.array([(90, 0), (110, 0), (110, 200), (90, 200.0)])
    assert len(with_holes(disc(100, 100, 22), [cut])) == 2
    assert with_holes(disc(100, 100, 5), [disc(100, 100, 9)]) == []
    two = parts_of([disc(50, 50, 22), disc(150, 50, 10)], odd)
    assert [len(part) for part in two] == [1, 1]
    assert len(united([disc(50, 50, 22), disc(60, 50, 22), disc(150, 50, 10)])) == 2


def test_a_pore_of_hundreds_of_holes_is_one_line_in_seconds() -> None:
    outer = np.array([(0, 0), (400, 0), (400, 400), (0, 400)], np.float64)
    square = np.array([(0, 0), (0, 4), (4, 4), (4, 0)], np.float64)
    corners = [(x, y) for x in range(10, 390, 14) for y in range(10, 390, 14)]
    corners += [(x + 4, y + 4) for x, y in corners[:20]]  # these touch at a corner
    began = time.monotonic()
    (line,) = with_holes(outer, [square + corner for corner in corners])
    assert time.monotonic() - began < 20  # it took minutes
    assert Outline.of(line).area == pytest.approx(400**2 - 16 * len(corners))


def test_area_that_outlines_share_is_found_once() -> None:
    one = disc(50, 50, 22)
    other = disc(60, 50, 22)
    both = shapely.intersection(shapely.Polygon(one), shapely.Polygon(other)).area
    assert shared_area([one, other]) == pytest.approx(both, rel=1e-3)
    assert shared_area([one, other, disc(200, 50, 9)]) == pytest.approx(both, rel=1e-3)
    assert shared_area([one, one, one]) == pytest.approx(2 * area(one), rel=1e-3)
    assert shared_area([one, disc(200, 50, 9)]) == 0
    assert shared_area([]) == 0


def test_outlines_with_one_side_in_common_share_nothing() -> None:
    left = np.array([(10, 10), (20, 10), (20, 20), (10, 20.0)])
    assert shared_area([left, np.add(left, (10, 0)), np.add(left, (5, 10))]) == 0


def test_what_lies_in_a_mask_is_no_pore_area_and_masks_may_overlap() -> None:
    half = Mask.of_box(Box(0, 0, 50, 100))
    one = disc(50, 50, 22)
    assert shared_area([one], [half]) == pytest.approx(area(one) / 2, rel=1e-3)
    assert shared_area([one], [half, half]) == pytest.approx(area(one) / 2, rel=1e-3)
