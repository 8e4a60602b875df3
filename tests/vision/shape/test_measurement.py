"""Hold the numbers of pores to forms whose numbers are known; scikit-image, shapely and scipy are
the oracles.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np
import pytest
from drawn_pores import cover, disc, ellipse, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from poregui.domain.detection import DetectionRecipe
from poregui.domain.geometry import Box, Mask
from poregui.domain.measurement import COLUMNS, RELIABLE_PX, Measurement, heading
from poregui.domain.statistics.porosity import porosity
from poregui.vision.pores.detection import detect
from poregui.vision.shape.measurement import Measured, crofton_perimeters, measure, measure_labels
from poregui.vision.shape.polygons import Polygons, spans

Points = list[tuple[float, float]]
SQUARE: Points = [(10, 10), (20, 10), (20, 20), (10, 20)]
L_SHAPE: Points = [(0, 0), (30, 0), (30, 10), (10, 10), (10, 40), (0, 40)]


def line(points: Points) -> NDArray[np.float32]:
    return np.array(points, dtype=np.float32)


def numbers(*outlines: NDArray[np.float32], size: tuple[int, int] = (1000, 1000)) -> Measured:
    return measure(outlines, None, None, size=size)


def turned(points: Points, degrees: float, x: float = 500, y: float = 500) -> NDArray[np.float32]:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (np.array(points) @ np.array([[cos, sin], [-sin, cos]]) + (x, y)).astype(np.float32)


def star(rng: np.random.Generator, x: float, y: float, radius: float) -> NDArray[np.float32]:
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 40))))
    away = radius * rng.uniform(0.4, 1.0, len(angles))
    return np.stack([x + away * np.cos(angles), y + away * np.sin(angles)], axis=1).astype(
        np.float32
    )


@pytest.mark.parametrize("degrees", [0, 17, 45, 90, 133])
def test_a_rectangle_has_the_numbers_of_the_textbook(degrees: float) -> None:
    (row,) = numbers(turned([(0, 0), (40, 0), (40, 10), (0, 10)], degrees)).rows()
    assert row.area_px == pytest.approx(400, rel=1e-4)
    assert row.perimeter == pytest.approx(100, rel=1e-4)
    assert row.feret_max == pytest.approx(np.hypot(40, 10), rel=1e-4)
    assert row.feret_min == pytest.approx(10, rel=1e-4)
    assert row.aspect_ratio == pytest.approx(np.hypot(40, 10) / 10, rel=1e-4)
    assert row.circularity == pytest.approx(4 * np.pi * 400 / 100**2, rel=1e-4)
    assert row.roundness == pytest.approx(4 * 400 / (np.pi * (40**2 + 10**2)), rel=1e-4)
    assert (row.solidity, row.convexity) == pytest.approx((1, 1), rel=1e-4)
    assert row.ecd == pytest.approx(2 * np.sqrt(400 / np.pi), rel=1e-4)


@pytest.mark.parametrize("degrees", [0, 30, 90, 211])
def test_an_l_shape_has_exact_feret_diameters_and_its_hull(degrees: float) -> None:
    (row,) = numbers(turned(L_SHAPE, degrees)).rows()
    assert row.feret_max == pytest.approx(50, rel=1e-4)
    assert row.feret_min == pytest.approx(30 * 40 / 50 + 10 * 30 / 50, rel=1e-4)
    assert row.solidity == pytest.approx(600 / 900, rel=1e-4)
    assert row.convexity == pytest.approx((30 + 10 + np.hypot(20, 30) + 10 + 40) / 140, rel=1e-4)


def test_without_a_build_direction_nothing_is_said_of_the_orientation() -> None:
    assert numbers(line(SQUARE)).rows()[0].orientation_deg is None


@pytest.mark.parametrize(
    ("long", "short", "degrees"), [(60, 30, 0), (60, 20, 30), (90, 30, 110), (25, 15, 75)]
)
def test_a_drawn_ellipse_has_its_axes_its_area_and_its_direction(
    long: float, short: float, degrees: float
) -> None:
    image = picture(cover(ellipse(long, short, degrees), 130))
    found = detect(image, DetectionRecipe(), None).outlines
    (row,) = measure(found, image, None, size=(130, 130), build_direction_deg=90).rows()
    assert row.area_px == pytest.approx(np.pi / 4 * long * short, rel=0.01)
    assert row.feret_max == pytest.approx(long, rel=0.01)
    assert row.feret_min == pytest.approx(short, rel=0.02)
    assert row.orientation_deg is not None
    beside = row.orientation_deg - (degrees - 90)
    assert (beside + 90) % 180 - 90 == pytest.approx(0, abs=1)


def test_a_drawn_rectangle_and_an_l_shape_keep_their_feret_diameters() -> None:
    boxes: list[tuple[Callable[..., NDArray[np.bool_]], float, float]] = [
        (lambda x, y: (np.abs(x) < 30) & (np.abs(y) < 15), np.hypot(60, 30), 30),
        (
            lambda x, y: (np.abs(x) < 30) & (np.abs(y) < 30) & ((x < -10) | (y > 10)),
            np.hypot(60, 60),
            80 / np.sqrt(2),
        ),
    ]
    for inside, largest, narrowest in boxes:
        image = picture(cover(inside, 100))
        found = detect(image, DetectionRecipe(smoothing=0.4), None)
        (row,) = measure(found.outlines, image, None, size=(100, 100)).rows()
        assert row.feret_max == pytest.approx(largest, rel=0.02)
        assert row.feret_min == pytest.approx(narrowest, rel=0.02)


@pytest.mark.parametrize("diameter", [10, 12, 15, 20, 50, 100, 200])
def test_a_disc_of_a_binary_mask_is_right_in_the_mean_over_shifts(diameter: int) -> None:
    rng, side = np.random.default_rng(diameter), diameter + 8
    masks = [
        cover(disc(diameter, *rng.uniform(-0.5, 0.5, 2)), side, fine=1).astype(np.int32)
        for _ in range(25)
    ]
    rows = [measure_labels(mask, None, None).rows()[0] for mask in masks]
    assert np.mean([row.ecd for row in rows]) == pytest.approx(diameter, rel=0.02)
    assert np.mean([row.circularity for row in rows]) == pytest.approx(1.0, abs=0.03)
    if diameter >= 50:
        assert np.mean([row.aspect_ratio for row in rows]) <= 1.03


@pytest.fixture(scope="module")
def blobs() -> NDArray[np.int32]:
    """Return labels of irregular regions that do not touch."""
    import cv2
    from skimage.measure import label

    noise = cv2.GaussianBlur(np.random.default_rng(4).normal(size=(260, 300)), (0, 0), 5)
    return np.asarray(label(noise > 0.06), dtype=np.int32)


def test_numbers_of_masks_agree_with_scikit_image_where_both_define_them_alike(
    blobs: NDArray[np.int32],
) -> None:
    from skimage.measure import regionprops

    grey = np.random.default_rng(5).integers(0, 255, blobs.shape).astype(np.uint8)
    ours = measure_labels(blobs, grey, None, build_direction_deg=90).columns
    regions = list(regionprops(blobs, grey))
    solid = [
        index
        for index, region in enumerate(regions)
        if region.area > 30 and region.euler_number == 1
    ]
    assert len(solid) > 15
    theirs = [regions[index] for index in solid]
    assert ours["area_px"].tolist() == [region.area for region in regions]
    assert ours["perimeter"][solid] == pytest.approx(
        [_alone(region, "perimeter_crofton") for region in theirs]
    )
    # theirs is of the pixels of the convex hull, which adds up to half a pixel at each end
    assert ours["feret_max"][solid] == pytest.approx(
        [region.feret_diameter_max for region in theirs], abs=0.8
    )
    assert ours["x"][solid] == pytest.approx(
        [region.centroid[1] + 0.5 for region in theirs], abs=0.5
    )
    assert ours["mean_grey"][solid] == pytest.approx([region.intensity_mean for region in theirs])
    apart = [
        _angle_between(ours["orientation_deg"][i], np.degrees(r.orientation))
        for i, r in zip(solid, theirs, strict=True)
    ]
    elongated = [region.axis_major_length > 1.5 * region.axis_minor_length for region in theirs]
    assert np.max(np.array(apart)[elongated]) < 5


def _alone(region: object, number: str) -> float:
    """Return a number of a region in a frame, for scikit-image counts nothing along the edge of an
    image.
    """
    from skimage.measure import regionprops

    framed = np.pad(region.image, 1).astype(np.uint8)  # type: ignore[attr-defined]
    return float(getattr(regionprops(framed)[0], number))


def _angle_between(one: float, other: float) -> float:
    return float(abs((one - other + 90) % 180 - 90))


def test_pores_that_touch_have_the_perimeters_that_they_have_alone() -> None:
    labels = np.zeros((60, 90), np.int32)
    y, x = np.mgrid[:60, :90]
    labels[(x - 30) ** 2 + (y - 30) ** 2 < 400] = 1
    labels[((x - 60) ** 2 + (y - 30) ** 2 < 400) & (labels == 0)] = 2
    alone = [crofton_perimeters((labels == label).astype(np.int32))[0] for label in (1, 2)]
    assert crofton_perimeters(labels) == pytest.approx(alone)
    measured = measure_labels(labels, None, None).columns
    assert measured["perimeter"] == pytest.approx(alone)
    assert measured["nearest_edge"].max() == 0


@settings(max_examples=60, deadline=None)
@given(arrays(np.int32, (7, 9), elements=st.integers(0, 2)))
def test_the_crofton_perimeter_is_that_of_scikit_image_for_any_mask(
    labels: NDArray[np.int32],
) -> None:
    from skimage.measure import perimeter_crofton

    ours = crofton_perimeters(labels)
    for label in range(1, len(ours) + 1):
        theirs = perimeter_crofton(np.pad(labels == label, 1), directions=4)
        assert ours[label - 1] == pytest.approx(theirs, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_polygon_has_the_numbers_that_shapely_gives_it(seed: int) -> None:
    from shapely import Polygon, minimum_rotated_rectangle

    rng = np.random.default_rng(seed)
    outlines = [star(rng, *rng.uniform(100, 900, 2), float(rng.uniform(2, 90))) for _ in range(4)]
    for outline, row in zip(outlines, numbers(*outlines).rows(), strict=True):
        polygon = Polygon(outline.astype(np.float64))
        hull = polygon.convex_hull
        assert row.area_px == pytest.approx(polygon.area, rel=1e-6)
        assert row.perimeter == pytest.approx(polygon.length, rel=1e-6)
        assert (row.x, row.y) == pytest.approx((polygon.centroid.x, polygon.centroid.y), abs=1e-3)
        assert row.solidity == pytest.approx(polygon.area / hull.area, rel=1e-4)
        assert row.convexity == pytest.approx(hull.length / polygon.length, rel=1e-4)
        corners = np.array(hull.exterior.coords)
        assert row.feret_max == pytest.approx(
            max(np.hypot(*(a - b)) for a, b in combinations(corners, 2)), rel=1e-4
        )
        assert row.feret_min == pytest.approx(_narrowest(corners), rel=1e-3, abs=1e-3)
        assert row.feret_min <= min(_sides(minimum_rotated_rectangle(polygon))) * (1 + 1e-3) + 1e-3


def _narrowest(corners: NDArray[np.float64]) -> float:
    widths = []
    for start, end in pairwise(corners):
        along = (end - start) / max(np.hypot(*(end - start)), 1e-12)
        away = (corners - start) @ np.array([-along[1], along[0]])
        widths.append(away.max() - away.min())
    return float(min(widths))


def _sides(rectangle: object) -> list[float]:
    corners = np.array(rectangle.exterior.coords)  # type: ignore[attr-defined]
    return [float(np.hypot(*(corners[k + 1] - corners[k]))) for k in (0, 1)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_the_nearest_edge_is_the_one_that_comparing_all_pairs_finds(seed: int, count: int) -> None:
    from shapely import MultiPoint, Polygon

    rng = np.random.default_rng(seed)
    outlines = []
    for place in range(count):
        middle = (70 + 130 * (place % 7), 70 + 130 * (place // 7))
        outlines.append(star(rng, *middle, float(rng.uniform(1, 60))))
    hulls = [
        np.array(MultiPoint(outline.astype(float)).convex_hull.exterior.coords)[:-1]
        for outline in outlines
    ]
    ours = numbers(*(hull.astype(np.float32) for hull in hulls)).columns["nearest_edge"]
    shapes = [Polygon(hull.astype(np.float32)).exterior for hull in hulls]
    for place, shape in enumerate(shapes):
        truth = min(shape.distance(other) for index, other in enumerate(shapes) if index != place)
        # the side opposite the nearest corner may be another one for coarse polygons, never for
        # outlines of pixels
        assert truth - 1e-3 <= ours[place]
        assert (
            ours[place]
            <= min(
                float(np.hypot(*(a - b)))
                for index, b_s in enumerate(hulls)
                if index != place
                for a in hulls[place]
                for b in b_s
            )
            + 1e-3
        )


def test_a_huge_pore_among_small_ones_is_their_nearest_neighbour() -> None:
    angles = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    huge = (500 + 300 * around).astype(np.float32)
    small = [
        (np.array([500 + 320 * c, 500 + 320 * s]) + 5 * around[::80]).astype(np.float32)
        for c, s in around[::400]
    ]
    nearest = numbers(huge, *small).columns["nearest_edge"]
    assert nearest == pytest.approx(np.full(len(nearest), 15.0), abs=0.05)


def test_a_pore_alone_has_no_neighbour_and_no_surface() -> None:
    (row,) = numbers(line(SQUARE)).rows()
    assert row.nearest_edge is None
    assert row.surface is None
    assert row.mean_grey is None


@pytest.mark.parametrize("steps", [1, 1000])
def test_the_surface_is_as_far_as_the_nearest_corner_from_the_line(steps: int) -> None:
    along = np.linspace(0, 100, steps + 1)
    surface = np.stack([along, np.full(len(along), 50)], axis=1)
    measured = measure([line(SQUARE)], None, 0.5, size=(200, 200), surfaces=[surface, surface + 90])
    assert measured.columns["surface"][0] == pytest.approx(15.0, rel=0.01)


def test_the_mount_is_no_pore_and_its_line_is_the_surface() -> None:
    pores = cover(lambda x, y: (y < -60) | disc(30, -25, 0)(x, y) | disc(20, 25, 5)(x, y), 160)
    image = picture(pores)
    found = detect(image, DetectionRecipe(), None)
    measured = measure(found.outlines, image, None, size=(160, 160), surfaces=found.surfaces)
    assert len(found.outlines) == 2
    assert found.field_area_px == pytest.approx(140 * 160, rel=1e-3)
    assert found.area_percent == pytest.approx(
        100 * np.pi * (15**2 + 10**2) / (140 * 160), rel=0.01
    )
    assert measured.columns["surface"].tolist() == pytest.approx([60 - 15, 60 + 5 - 10], abs=0.2)


@pytest.mark.parametrize(
    ("axis", "build", "expected"),
    [(90, 90, 0), (0, 90, -90), (30, 90, -60), (100, 90, 10), (170, 0, -10)],
)
def test_the_orientation_is_counted_counter_clockwise_from_the_build_direction(
    axis: float, build: float, expected: float
) -> None:
    outline = turned([(-20, -4), (20, -4), (20, 4), (-20, 4)], -axis)
    measured = measure([outline], None, None, size=(1000, 1000), build_direction_deg=build)
    assert _angle_between(measured.columns["orientation_deg"][0], expected) < 0.01
    assert -90 < measured.columns["orientation_deg"][0] <= 90


def test_lengths_are_in_um_where_the_scale_is_known() -> None:
    in_px, in_um = (
        numbers(line(SQUARE)).rows()[0],
        measure([line(SQUARE)], None, 0.5, size=(99, 99)).rows()[0],
    )
    assert (in_px.unit, in_um.unit) == ("px", "um")
    assert (in_px.area_um2, in_um.area_um2) == (None, 25.0)
    assert in_um.area_px == in_px.area_px == 100
    assert in_um.perimeter == in_px.perimeter / 2 == 20
    assert in_um.circularity == in_px.circularity


@pytest.mark.parametrize(
    ("across", "reliable"), [(RELIABLE_PX - 0.2, False), (RELIABLE_PX + 0.2, True)]
)
def test_shape_numbers_count_from_10_px_across(across: float, reliable: bool) -> None:
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    circle = 50 + across / 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert numbers(circle.astype(np.float32)).rows()[0].shape_reliable is reliable


def test_the_mean_grey_is_that_of_the_pixels_whose_middles_are_inside() -> None:
    image = np.arange(900, dtype=np.uint16).reshape(30, 30)
    (row,) = measure([line(SQUARE)], image, None, size=(30, 30)).rows()
    assert row.mean_grey == image[10:20, 10:20].mean()
    colour = np.dstack([image, image + 3, image + 6])
    assert (
        measure([line(SQUARE)], colour, None, size=(30, 30)).columns["mean_grey"][0]
        == row.mean_grey + 3
    )
    read = measure(
        [line(SQUARE)],
        lambda box: image[box.y : box.bottom, box.x : box.right],
        None,
        size=(30, 30),
    )
    assert read.columns["mean_grey"][0] == row.mean_grey


def test_an_outline_beyond_the_image_has_the_grey_of_its_part_inside() -> None:
    image = np.full((30, 30), 7, np.uint8)
    outside = line([(40, 40), (50, 40), (50, 50), (40, 50)])
    half = line([(25, 10), (45, 10), (45, 20), (25, 20)])
    greys = measure([outside, half], image, None, size=(30, 30)).columns["mean_grey"]
    assert np.isnan(greys[0])
    assert greys[1] == 7


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_pixels_inside_are_those_that_a_point_test_finds(seed: int) -> None:
    import cv2

    outline = star(np.random.default_rng(seed), 20.3, 19.7, 18)
    found = spans(Polygons.of([outline]))
    ours = np.zeros((40, 40), bool)
    for row, left, right in zip(found.row, found.left, found.right, strict=True):
        ours[row, left:right] = True
    theirs = [
        [cv2.pointPolygonTest(outline, (x + 0.5, y + 0.5), True) for x in range(40)]
        for y in range(40)
    ]
    clear = np.abs(theirs) > 1e-3
    assert (ours == (np.array(theirs) > 0))[clear].all()


def test_pores_at_the_edge_and_beside_a_mask_are_marked() -> None:
    squares = [
        line([(x + dx, y + dy) for x, y in SQUARE]) for dx, dy in ((-10, 30), (20, 20), (60, 20))
    ]
    measured = measure(squares, None, None, size=(90, 90), masks=(Mask.of_box(Box(80, 0, 10, 90)),))
    assert measured.columns["touches_edge"].tolist() == [True, False, True]


def test_no_pores_give_an_empty_table_without_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measured = measure([], np.zeros((5, 5), np.uint8), 0.5, size=(5, 5))
        flat = numbers(line([(0, 0), (5, 5), (9, 9)])).rows()
    assert len(measured) == 0
    assert measured.rows() == []
    assert flat[0].aspect_ratio is None or flat[0].aspect_ratio > 1e3


def test_every_column_has_a_heading_with_its_unit() -> None:
    assert {column.name for column in COLUMNS} == set(Measurement.__dataclass_fields__)
    headings = [heading(column, "um") for column in COLUMNS]
    assert len(set(headings)) == len(headings)
    assert "Perimeter (um)" in headings
    assert all(column.help for column in COLUMNS)


def test_the_porosity_over_fields_has_the_interval_of_astm_e562() -> None:
    from scipy import stats

    percents = [1.2, 0.8, 1.9, 1.1]
    found = porosity([percent / 100 * 5000 for percent in percents], [5000.0] * 4)
    assert found is not None
    low, high = stats.t.interval(0.95, 3, loc=np.mean(percents), scale=stats.sem(percents))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.relative_accuracy == pytest.approx(100 * (high - low) / 2 / np.mean(percents))
    assert found.mean == found.pooled == pytest.approx(1.25)


def test_the_porosity_of_one_field_has_no_interval_and_none_has_no_porosity() -> None:
    assert porosity([], []) is None
    one = porosity([10.0], [1000.0])
    assert one is not None
    assert (one.mean, one.low, one.high, one.relative_accuracy) == (1.0, None, None, None)
    none = porosity([0.0, 0.0], [10.0, 10.0])
    assert none is not None
    assert (none.low, none.high, none.relative_accuracy) == (0.0, 0.0, None)
    with pytest.raises(ValueError, match="area above 0"):
        porosity([1.0], [0.0])


def test_the_pooled_porosity_weighs_fields_by_their_area() -> None:
    found = porosity([10.0, 0.0], [100.0, 900.0])
    assert found is not None
    assert (found.mean, found.pooled) == (5.0, 1.0)
