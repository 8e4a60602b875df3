"""Hold that a crop is measured from what is known of it, alike on every road."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from poregui.vision.shape.crop_measurement import (
    CROP_NUMBERS,
    KnownCrop,
    measure_crops,
    shape_inputs,
    shape_names,
    shape_table_of,
    shape_width,
)
from poregui.vision.shape.crop_shapes import shape_input, shape_numbers
from poregui.vision.shape.measurement import measure, measure_labels

SAME = {
    "Equivalent diameter": "ecd",
    "Length": "feret_max",
    "Width": "feret_min",
    "Aspect ratio": "aspect_ratio",
    "Circularity": "circularity",
    "Solidity": "solidity",
    "Roundness": "roundness",
    "Convexity": "convexity",
}


def ellipse(long: float, short: float, middle: tuple[float, float] = (60.0, 45.0)) -> NDArray:
    """Return the outline of an ellipse whose long axis lies at 30 degrees."""
    turn = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    along, across = long / 2 * np.cos(turn), short / 2 * np.sin(turn)
    angle = np.radians(30)
    x = middle[0] + along * np.cos(angle) - across * np.sin(angle)
    y = middle[1] + along * np.sin(angle) + across * np.cos(angle)
    return np.stack([x, y], axis=1)


def drawn(outline: NDArray, width: int = 120, height: int = 90) -> NDArray:
    """Return the share of each pixel that an outline covers."""
    large = np.zeros((height * 8, width * 8), np.uint8)
    cv2.fillPoly(large, [np.rint(outline * 8 - 0.5).astype(np.int32)], 255)
    return cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA) / 255.0


def named(crop: KnownCrop) -> dict[str, float]:
    """Return the numbers of one crop by name."""
    return dict(zip(CROP_NUMBERS, measure_crops([crop])[0].tolist(), strict=True))


def grey(share: NDArray) -> NDArray:
    """Return a crop of grey 200 with a pore of grey 50."""
    return np.rint(200 - 150 * share).astype(np.uint8)


def test_an_outline_has_the_numbers_of_the_table_of_measurements() -> None:
    outline = ellipse(60, 24)
    row = measure([outline + 300], None, 0.5, size=(900, 900)).rows()[0]
    found = named(KnownCrop(grey(drawn(outline)), 0, 255, 0.5, outline))
    for name, column in SAME.items():
        assert found[name] == pytest.approx(getattr(row, column), rel=1e-9)


def test_a_mask_has_the_numbers_of_the_same_label() -> None:
    mask = drawn(ellipse(60, 24)) > 0.5
    row = measure_labels(mask.astype(np.int32), None, None).rows()[0]
    found = named(KnownCrop(mask.astype(np.uint8) * 255, 0, 255))
    for name, column in SAME.items():
        assert found[name] == pytest.approx(getattr(row, column), rel=1e-9)


def test_greys_alone_give_nearly_the_numbers_of_the_outline() -> None:
    outline = ellipse(60, 24)
    crop = grey(drawn(outline))
    known = named(KnownCrop(crop, 0, 255, None, outline))
    found = named(KnownCrop(crop, 0, 255))
    for name in SAME:
        assert found[name] == pytest.approx(known[name], rel=0.03)
    assert found["Contrast"] == pytest.approx(known["Contrast"], rel=0.05)
    assert found["Touches the frame"] == known["Touches the frame"] == 0


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("long", "short"), [(60, 24), (14, 9), (4, 3)])
def test_a_mask_cut_at_its_pore_keeps_its_numbers_whichever_value_is_the_pore(
    long: float, short: float, swapped: bool
) -> None:
    mask = (drawn(ellipse(long, short)) > 0.5).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    tight = mask[top : top + height, left : left + width]
    if swapped:
        tight = 1 - tight
    whole = named(KnownCrop(mask, 0, 1))
    found = named(KnownCrop(tight * 255, 0, 255))
    for name in SAME:
        assert found[name] == pytest.approx(whole[name], rel=1e-9)
    assert found["Touches the frame"] > 0


def test_a_mask_that_fills_its_crop_is_a_rectangle() -> None:
    found = named(KnownCrop(np.full((4, 12), 255, np.uint8), 0, 255))
    assert found["Equivalent diameter"] == pytest.approx(np.sqrt(48 * 4 / np.pi))
    assert found["Touches the frame"] == 1


@pytest.mark.parametrize("swapped", [False, True])
def test_a_grey_crop_that_its_pore_touches_on_all_sides_shows_that_pore(swapped: bool) -> None:
    outline = ellipse(60, 30)
    share = drawn(outline)
    left, top, width, height = cv2.boundingRect((share > 0.2).astype(np.uint8))
    crop = grey(share)[top : top + height, left : left + width]
    if swapped:
        crop = 255 - crop
    found = named(KnownCrop(crop, 0, 255))
    assert found["Aspect ratio"] == pytest.approx(2, rel=0.05)
    assert found["Equivalent diameter"] == pytest.approx(np.sqrt(60 * 30), rel=0.03)
    assert found["Touches the frame"] > 0


def test_numbers_of_an_older_version_stay_what_they_were() -> None:
    crop = grey(drawn(ellipse(60, 24)))
    known = KnownCrop(crop, 0, 255, 0.5)
    assert np.array_equal(shape_table_of(1, [known])[0], shape_numbers(crop, 0, 255, 0.5))
    assert np.allclose(shape_inputs(1, [known])[0], shape_input(crop, 0, 255, 0.5), atol=1e-6)
    assert shape_width(1) == 15
    with pytest.raises(ValueError, match="version 3"):
        shape_names(3)


def test_a_network_is_told_numbers_for_every_crop() -> None:
    empty = KnownCrop(np.full((20, 30), 128, np.uint8), 0, 255)
    beside = KnownCrop(grey(drawn(ellipse(60, 24))), 0, 255, None, ellipse(9, 5, (-30, -30)))
    found = shape_inputs(2, [empty, beside])
    assert found.shape == (2, shape_width(2))
    assert np.isfinite(found).all()
    assert found[:, -1].tolist() == [1, 0]
    assert measure_crops([]).shape == (0, len(CROP_NUMBERS))


def test_the_numbers_do_not_depend_on_the_crops_beside() -> None:
    crops = [KnownCrop(grey(drawn(ellipse(size, 20))), 0, 255) for size in (22, 40, 60)]
    crops.append(KnownCrop(crops[0].pixels, 0, 255, None, ellipse(22, 20)))
    together = measure_crops(crops)
    for row, crop in zip(together, crops, strict=True):
        assert np.array_equal(row, measure_crops([crop])[0])
