"""Hold detection to pores whose size, form and place are known; the drawn specimens are the judges
of recall.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from drawn_pores import cover, disc, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from poregui.domain.detection import (
    DetectionRecipe,
    detection_parameters,
    detection_recipe_from_json,
)
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Mask
from poregui.vision.pores.contours import trace
from poregui.vision.pores.detection import Detected, detect, preview
from poregui.vision.pores.half_level import Levels, bands_of, move_to_level
from poregui.vision.pores.plan import Source, make_plan
from poregui.vision.pores.segmentation import otsu, regions_of
from poregui.vision.pores.tiling import find_all
from poregui.vision.shape.measurement import measure
from poregui.vision.synthetic import SyntheticMicrograph, draw_specimen, draw_unseen

RECIPE = DetectionRecipe()


@pytest.fixture(scope="module")
def specimens() -> list[SyntheticMicrograph]:
    """Return the micrographs of all fourteen specimens' looks, one field of the labelled ones."""
    labelled = [next(draw_specimen(number, seed=0)) for number in range(1, 11)]
    return labelled + list(draw_unseen(0))


def two_discs(side: int = 120) -> NDArray[np.uint8]:
    return picture(cover(lambda x, y: disc(30, -25, 0)(x, y) | disc(20, 25, 5)(x, y), side))


@cache
def tileable() -> NDArray[np.uint8]:
    counts = {"Gas": 6, "Keyhole": 3, "Lack of Fusion": 3}
    return next(draw_specimen(3, seed=5, width=520, height=400, counts=counts)).image


def matched(found: Detected, drawn: SyntheticMicrograph) -> list[int]:
    """Return for each found pore the number of the true one that it overlaps by more than half, or
    0.
    """
    return [_true_pore(outline, drawn.mask) for outline in found.outlines]


def _true_pore(outline: NDArray[np.float32], mask: NDArray[np.int32]) -> int:
    left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.ceil(outline.max(axis=0)).astype(int) + 1
    part = mask[top:bottom, left:right]
    inside = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(
        inside, [np.rint((outline - [left + 0.5, top + 0.5]) * 16).astype(np.int32)], 1, shift=4
    )
    counts = np.bincount(part[inside > 0], minlength=2)
    number = int(counts[1:].argmax()) + 1
    together = int(inside.sum()) + int((mask == number).sum()) - counts[number]
    return number if counts[number] > 0.5 * together else 0


def diameters(areas: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2 * np.sqrt(areas / np.pi))


def test_the_drawn_pores_are_found_and_nothing_else(specimens: list[SyntheticMicrograph]) -> None:
    true = found_true = received = told_right = 0
    for micrograph in specimens:
        found = detect(micrograph.image, RECIPE, micrograph.um_per_px)
        numbers = np.array(matched(found, micrograph))
        large = diameters(found.areas) >= 6
        received, told_right = (
            received + int(large.sum()),
            told_right + int((numbers[large] > 0).sum()),
        )
        wanted = {
            pore.number for pore in micrograph.pores if diameters(np.array(pore.area_px)) >= 6
        }
        true, found_true = true + len(wanted), found_true + len(wanted & set(numbers.tolist()))
    assert true > 400
    assert found_true / true > 0.98
    assert told_right / received > 0.98


def test_the_area_per_cent_of_each_specimen_is_that_of_the_drawing(
    specimens: list[SyntheticMicrograph],
) -> None:
    for micrograph in specimens:
        found = detect(micrograph.image, RECIPE, micrograph.um_per_px)
        truth = 100 * sum(pore.area_px for pore in micrograph.pores) / micrograph.image.size
        assert found.area_percent == pytest.approx(truth, rel=0.03), micrograph.name


def test_small_pores_are_not_shrunk_or_swollen_by_the_smoothing(
    specimens: list[SyntheticMicrograph],
) -> None:
    ratios = []
    for micrograph in specimens:
        found = detect(micrograph.image, RECIPE, micrograph.um_per_px)
        truth = {pore.number: pore.area_px for pore in micrograph.pores}
        for number, area in zip(matched(found, micrograph), found.areas, strict=True):
            if number and 6 <= diameters(np.array(truth[number])) < 9:
                ratios.append(area / truth[number])
    assert len(ratios) > 20
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("diameter", [10, 12, 15, 20, 50, 100, 200])
@pytest.mark.parametrize("smoothing", [0.0, 0.8, 1.5])
def test_a_disc_keeps_its_size_and_form_wherever_it_lies_on_the_grid(
    diameter: int, smoothing: float
) -> None:
    recipe, shifts = (
        DetectionRecipe(smoothing=smoothing),
        np.random.default_rng(diameter).uniform(-0.5, 0.5, (4, 2)),
    )
    for x, y in shifts:
        image = picture(cover(disc(diameter, x, y), diameter + 30))
        found = detect(image, recipe, None)
        numbers = measure(found.outlines, image, None, size=image.shape[::-1]).columns
        assert len(found.outlines) == 1
        assert numbers["ecd"][0] == pytest.approx(diameter, rel=0.02)
        assert numbers["circularity"][0] == pytest.approx(1.0, abs=0.03)
        assert numbers["aspect_ratio"][0] <= 1.03


@pytest.mark.parametrize("diameter", [5, 6, 8])
def test_a_disc_too_small_for_its_form_is_still_counted_and_marked(diameter: int) -> None:
    image = picture(cover(disc(diameter, 0.2, -0.3), 40))
    found = detect(image, DetectionRecipe(smallest=3.0), None)
    (row,) = measure(found.outlines, image, None, size=(40, 40)).rows()
    assert row.ecd == pytest.approx(diameter, rel=0.06)
    assert not row.shape_reliable


@settings(max_examples=30, deadline=None)
@given(
    tile=st.integers(60, 400),
    overlap=st.integers(8, 60),
    method=st.sampled_from(["otsu", "local"]),
    split=st.booleans(),
    holes=st.booleans(),
    masked=st.booleans(),
)
def test_tiles_find_the_same_outlines_as_the_whole_image(
    tile: int, overlap: int, method: str, split: bool, holes: bool, masked: bool
) -> None:
    image = tileable()
    recipe = DetectionRecipe(method=method, split=split, fill_holes=holes, smallest=3.0)
    masks = (Mask(((100.0, 50.0), (300.0, 80.0), (180.0, 300.0))),) if masked else ()
    plan = make_plan(Source.of(image), recipe, None, masks)
    whole = find_all(plan, lambda *_: None)
    tiled = find_all(plan, lambda *_: None, tile=tile, overlap=overlap, whole=0)
    assert {line.tobytes() for line in tiled.found.outlines} == {
        line.tobytes() for line in whole.found.outlines
    }
    assert len(tiled.found.outlines) == len(whole.found.outlines)
    assert tiled.field_area == whole.field_area


def test_a_source_that_reads_boxes_gives_what_the_array_gives() -> None:
    image = two_discs()
    asked: list[Box] = []

    def read(box: Box) -> NDArray[np.uint8]:
        asked.append(box)
        return image[box.y : box.bottom, box.x : box.right]

    ours, theirs = detect(read, RECIPE, None, size=(120, 120)), detect(image, RECIPE, None)
    assert [line.tobytes() for line in ours.outlines] == [
        line.tobytes() for line in theirs.outlines
    ]
    assert asked


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), threshold=st.floats(-0.8, 0.8), shift=st.floats(-0.6, 0.6))
def test_lines_traced_from_the_edges_alone_are_those_of_all_pixels(
    seed: int, threshold: float, shift: float
) -> None:
    noise = (
        cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(50, 60)), (0, 0), 1.5).astype(
            np.float32
        )
        * 4
    )
    regions = regions_of((noise < threshold).astype(np.uint8))
    grey, framed = np.pad(noise, 1, mode="edge"), np.pad(regions.labels, 1)
    bands = bands_of(framed, int(framed.max()))
    edge = np.full(regions.count + 1, threshold + shift)
    move_to_level(grey, framed, bands, Levels(edge + 1, edge - 1, edge))
    some, every = trace(framed, grey, edge, bands.edges(framed)), trace(framed, grey, edge)
    assert np.array_equal(some.polygons.starts, every.polygons.starts)
    assert np.array_equal(some.polygons.points, every.polygons.points)
    assert np.array_equal(some.label, every.label)


def test_bright_pores_are_found_as_dark_ones_of_the_negative() -> None:
    image = two_discs()
    dark, bright = (
        detect(image, RECIPE, None),
        detect(255 - image, DetectionRecipe(polarity="bright"), None),
    )
    assert len(bright.outlines) == 2
    assert bright.areas == pytest.approx(dark.areas, rel=1e-3)


@pytest.mark.parametrize("kind", ["colour", "sixteen bits", "with alpha", "one channel"])
def test_depth_and_channels_do_not_matter(kind: str) -> None:
    image = two_discs()
    shapes = {
        "colour": np.repeat(image[..., None], 3, axis=2),
        "sixteen bits": image.astype(np.uint16) * 257,
        "with alpha": np.dstack([image, image, image, np.full_like(image, 255)]),
        "one channel": image[..., None],
    }
    assert detect(shapes[kind], RECIPE, None).areas == pytest.approx(
        detect(image, RECIPE, None).areas, rel=2e-3
    )


def test_glints_inside_a_pore_belong_to_it_unless_one_asks_otherwise() -> None:
    polygon = picture(cover(lambda x, y: disc(60, 0, 0)(x, y) & ~disc(24, 3, 0)(x, y), 100))
    filled, open_ = (
        detect(polygon, RECIPE, None),
        detect(polygon, DetectionRecipe(fill_holes=False), None),
    )
    assert filled.areas == pytest.approx([np.pi * 30**2], rel=0.01)
    assert open_.areas == pytest.approx([np.pi * (30**2 - 12**2)], rel=0.01)
    (row,) = measure(open_.outlines, polygon, None, size=(100, 100)).rows()
    assert row.area_px == pytest.approx(np.pi * (30**2 - 12**2), rel=0.01)
    assert row.perimeter == pytest.approx(np.pi * (60 + 24), rel=0.02)
    assert row.mean_grey == pytest.approx(50, abs=6)


def test_two_pores_that_touch_are_cut_at_the_waist_and_one_long_pore_is_not() -> None:
    touching = picture(cover(lambda x, y: disc(40, -17, 0)(x, y) | disc(40, 17, 0)(x, y), 110))
    together, apart = (
        detect(touching, RECIPE, None),
        detect(touching, DetectionRecipe(split=True), None),
    )
    assert len(together.outlines) == 1
    assert len(apart.outlines) == 2
    assert apart.areas.sum() == pytest.approx(together.areas.sum(), rel=0.01)
    long = picture(cover(lambda x, y: (np.abs(x) < 45) & (np.abs(y) < 8), 110))
    assert len(detect(long, DetectionRecipe(split=True, split_strength=1.0), None).outlines) == 1


def test_a_stronger_split_never_cuts_less() -> None:
    shape = picture(
        cover(
            lambda x, y: disc(40, -15, 0)(x, y) | disc(30, 14, 0)(x, y) | disc(16, 30, 0)(x, y), 110
        )
    )
    counts = [
        len(detect(shape, DetectionRecipe(split=True, split_strength=s), None).outlines)
        for s in (0.0, 0.5, 1.0)
    ]
    assert counts == sorted(counts)
    assert counts[-1] >= 2


@pytest.mark.parametrize(
    ("limits", "left"), [({"smallest": 25.0}, 1), ({"largest": 25.0}, 1), ({"smallest": 40.0}, 0)]
)
def test_sizes_outside_the_limits_are_left_out(limits: dict[str, float], left: int) -> None:
    image = two_discs()
    assert len(detect(image, DetectionRecipe(**limits), None).outlines) == left
    in_um = {name: value / 2 for name, value in limits.items()}
    assert len(detect(image, DetectionRecipe(**in_um, size_unit="um"), 0.5).outlines) == left


def test_a_length_in_um_without_a_scale_is_refused_in_a_sentence() -> None:
    with pytest.raises(PoreguiError, match="pixel size of this micrograph is unknown"):
        detect(two_discs(), DetectionRecipe(size_unit="um"), None)


def test_pores_at_the_edge_are_marked_or_dropped_and_count_for_the_area_either_way() -> None:
    image = two_discs()[:, 30:]
    kept, dropped = detect(image, RECIPE, None), detect(image, DetectionRecipe(edge="drop"), None)
    assert kept.touches_edge.tolist() == [True, False]
    assert len(dropped.outlines) == 1
    assert dropped.area_percent == kept.area_percent


def test_a_mask_takes_its_pores_and_its_field_away() -> None:
    image = two_discs()
    found = detect(image, RECIPE, None, (Mask.of_box(Box(0, 0, 60, 120)),))
    assert len(found.outlines) == 1
    assert found.field_area_px == image.size / 2
    assert not found.touches_edge.any()


def test_a_black_info_bar_does_not_move_the_threshold_when_it_is_masked() -> None:
    image = two_discs()
    barred = np.vstack([image, np.zeros((40, 120), np.uint8)])
    found = detect(barred, RECIPE, None, (Mask.of_box(Box(0, 120, 120, 40), "bar"),))
    assert found.areas == pytest.approx(detect(image, RECIPE, None).areas, rel=1e-3)


def test_pores_are_found_under_uneven_light() -> None:
    image = two_discs(200).astype(np.float64)
    light = np.linspace(0.25, 1.0, 200)
    uneven = np.clip(image * light, 0, 255).astype(np.uint8)
    truth = detect(two_discs(200), RECIPE, None).areas
    assert (
        len(detect(uneven, RECIPE, None).outlines) != 2
        or detect(uneven, RECIPE, None).areas.max() > 1.5 * truth.max()
    )
    for recipe in (
        DetectionRecipe(flatten=True, background_radius=30.0),
        DetectionRecipe(method="local", offset=40.0),
    ):
        assert detect(uneven, recipe, None).areas == pytest.approx(truth, rel=0.03)


def test_a_dark_network_along_an_edge_is_the_mount_unless_one_says_that_nothing_ends_here() -> None:
    pixels = np.full((200, 300), 200, np.uint8)
    pixels[150:] = 40
    pixels[20:40, 20:40] = 40
    ended = detect(pixels, DetectionRecipe(), None)
    assert (len(ended.outlines), len(ended.surfaces)) == (1, 1)
    assert ended.mount_percent == pytest.approx(25, abs=0.5)
    endless = detect(pixels, DetectionRecipe(), None, specimen_ends=False)
    assert (len(endless.outlines), endless.surfaces, endless.mount_percent) == (2, (), 0)
    assert endless.field_area_px == pixels.size
    assert endless.area_percent == pytest.approx(100 * (50 * 300 + 400) / pixels.size, rel=0.01)


def joined_cells() -> NDArray[np.uint8]:
    """Return dark cells in a bright matrix, joined by bars that a threshold takes for pore and the
    half level does not.
    """
    pixels = np.full((160, 300), 200, np.uint8)
    pixels[78:82, 30:250] = 120
    for left in (30, 90, 150, 210):
        pixels[50:110, left : left + 40] = 20
    return pixels


def test_a_region_that_falls_apart_at_its_half_level_gives_a_pore_for_each_part() -> None:
    pixels = joined_cells()
    recipe = DetectionRecipe(method="manual", level=150.0)
    found = detect(pixels, recipe, None)
    assert found.areas == pytest.approx([2400] * 4, rel=0.02)
    one = Source.of(pixels)
    tiled = find_all(make_plan(one, recipe, None), lambda *_: None, tile=64, overlap=48, whole=0)
    whole = find_all(make_plan(one, recipe, None), lambda *_: None)
    assert sorted(line.tobytes() for line in tiled.found.outlines) == sorted(
        line.tobytes() for line in whole.found.outlines
    )


def test_an_island_in_a_hole_is_part_of_the_pore_unless_holes_are_kept() -> None:
    rows, columns = np.mgrid[:120, :120] + 0.5
    away = np.hypot(columns - 60, rows - 60)
    pixels = np.where((away < 12) | ((away > 24) & (away < 45)), 30, 200).astype(np.uint8)
    pixels[58:62, 60:90] = 140
    recipe = DetectionRecipe(method="manual", level=160.0)
    assert detect(pixels, recipe, None).areas == pytest.approx([np.pi * 45**2], rel=0.02)
    apart = detect(pixels, replace(recipe, fill_holes=False), None)
    assert sorted(apart.areas) == pytest.approx([np.pi * 12**2, np.pi * (45**2 - 24**2)], rel=0.06)


def test_a_specimen_that_its_mount_surrounds_is_no_hole_of_it() -> None:
    pixels = np.full((300, 300), 30, np.uint8)
    pixels[40:260, 30:270] = 200
    pixels[100:130, 100:130] = 40
    found = detect(pixels, RECIPE, None)
    assert found.areas == pytest.approx([900], rel=0.02)
    assert found.field_area_px == pytest.approx(220 * 240, rel=0.01)
    assert (found.removed["mount"], found.unsure_percent) == (1, 0)


def test_each_rule_says_how_many_regions_it_removed() -> None:
    pixels = np.full((200, 300), 200, np.uint8)
    for left, top, side, grey in (
        (20, 20, 30, 40),  # a pore
        (80, 20, 3, 40),  # small
        (120, 20, 30, 188),  # faint
        (170, 20, 70, 40),  # large
        (270, 60, 30, 40),  # at the edge
        (40, 100, 20, 40),  # masked
    ):
        pixels[top : top + side, left : left + side] = grey
    pixels[170:] = 40
    recipe = DetectionRecipe(method="manual", level=195.0, largest=60.0, edge="drop")
    found = detect(pixels, recipe, None, [Mask.of_box(Box(35, 95, 40, 40))])
    assert len(found.outlines) == 1
    assert found.removed == {
        "contrast": 1,
        "smallest": 1,
        "largest": 1,
        "edge": 1,
        "mount": 1,
        "mask": 1,
        "too_large": 0,
    }


def test_a_field_without_pores_has_none() -> None:
    noise = np.clip(np.random.default_rng(0).normal(210, 2, (300, 300)), 0, 255).astype(np.uint8)
    for image in (noise, np.full((50, 60), 128, np.uint8), np.zeros((1, 1), np.uint8)):
        found = detect(image, RECIPE, None)
        assert found.outlines == ()
        assert found.area_percent == 0


def test_the_preview_of_a_part_shows_what_the_whole_image_gives() -> None:
    image = np.hstack([two_discs()] * 3)
    plan = make_plan(Source.of(image), RECIPE, None)
    part = preview(image, RECIPE, None, view=Box(120, 0, 120, 120), plan=plan)
    whole = detect(image, RECIPE, None)
    inside = [
        line.tobytes()
        for line in whole.outlines
        if line.min() > 0 and 120 < line[:, 0].mean() < 240
    ]
    assert [line.tobytes() for line in part.outlines] == inside
    assert part.field_area_px == 120 * 120


def test_an_exception_of_the_progress_ends_the_work() -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, total: int, text: str) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        detect(two_discs(), RECIPE, None, progress=stop)


def test_otsu_agrees_with_scikit_image() -> None:
    from skimage.filters import threshold_otsu

    image = next(
        draw_specimen(2, seed=1, width=400, height=300, counts={"Keyhole": 5})
    ).image.astype(np.float32)
    theirs = threshold_otsu(image, nbins=512)
    assert otsu(image) == pytest.approx(theirs, abs=1.0)


def test_a_recipe_survives_its_file() -> None:
    recipe = DetectionRecipe(method="local", window=31.0, split=True, largest=50.0, view="fixed")
    assert (
        detection_recipe_from_json({**json.loads(json.dumps(recipe.to_json())), "later": 1})
        == recipe
    )
    assert detection_recipe_from_json({"smallest": 8}).smallest == 8.0


@pytest.mark.parametrize(
    "values",
    [
        {"method": "magic"},
        {"smoothing": -1.0},
        {"smoothing": "much"},
        {"split": 1},
        {"smallest": 9.0, "largest": 3.0},
    ],
)
def test_a_recipe_outside_its_ranges_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(PoreguiError):
        detection_recipe_from_json(values)


def test_a_file_that_is_no_recipe_is_refused_in_a_sentence() -> None:
    with pytest.raises(PoreguiError, match="not a detection recipe"):
        detection_recipe_from_json(["smoothing"])  # type: ignore[arg-type]


def test_every_choice_has_a_label_and_says_what_it_does() -> None:
    for parameter in detection_parameters():
        assert parameter.label
        assert parameter.help.endswith((".", ";"))


def test_the_field_of_view_follows_the_pore_or_stays() -> None:
    pore = Box(100, 100, 40, 20)
    assert DetectionRecipe(view_multiple=2.0).crop_box(pore, 500, 500, None) == Box(80, 70, 80, 80)
    fixed = DetectionRecipe(view="fixed", view_size=50.0, view_unit="um")
    assert fixed.crop_box(pore, 500, 500, 0.5) == Box(70, 60, 100, 100)
    assert fixed.crop_box(Box(0, 0, 200, 10), 500, 500, 0.5).width == 202
    with pytest.raises(PoreguiError, match="pixel size of this micrograph is unknown"):
        fixed.crop_box(pore, 500, 500, None)
