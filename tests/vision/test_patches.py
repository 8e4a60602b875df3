"""Test how crops become the input of a network and maps come back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from poregui.vision.patches import (
    InputSpec,
    input_spec_from_json,
    letterbox,
    network_input,
    set_channels,
    size_input,
)

KEPT = InputSpec(64, 1, stretched=False, sees_size=True, calibrated=True)
STRETCHED = InputSpec(64, 3, stretched=True, sees_size=False, calibrated=True)


def test_a_letterboxed_crop_keeps_its_proportions_and_gets_no_edge() -> None:
    crop = np.full((20, 40), 200, np.uint8)
    crop[5:15, 10:30] = 50
    square = KEPT.image(crop, 0, 255)[..., 0]
    rows, columns = np.nonzero(square < 0.5)
    assert np.ptp(columns) + 1 == 2 * (np.ptp(rows) + 1) == 32
    assert np.allclose(square[:16], 200 / 255, atol=1e-6)


def test_a_stretched_crop_fills_the_square() -> None:
    crop = np.full((20, 40), 200, np.uint8)
    crop[5:15, 10:30] = 50
    rows, columns = np.nonzero(STRETCHED.image(crop, 0, 255)[..., 2] < 0.5)
    assert np.ptp(rows) == np.ptp(columns)


def test_quarter_turns_and_letterboxing_may_change_places() -> None:
    crop = np.random.default_rng(0).random((24, 60, 1), np.float32)
    assert np.allclose(
        np.rot90(letterbox(crop, 60)),
        letterbox(np.ascontiguousarray(np.rot90(crop)), 60),
        atol=1e-5,
    )


@pytest.mark.parametrize(("dtype", "high"), [(np.uint8, 255), (np.uint16, 65535)])
def test_the_grey_range_of_a_crop_becomes_0_to_1(dtype: type, high: int) -> None:
    crop = np.array([[0, high // 4], [high // 2, high]], dtype)
    given = network_input(crop, low=high // 4, high=high // 2, side=2, channels=1)[..., 0]
    assert given == pytest.approx(np.array([[0, 0], [1, 1]]), abs=1e-4)


def test_channels_follow_the_network() -> None:
    colour = np.zeros((2, 2, 4), np.float32)
    colour[..., 1] = 1
    assert set_channels(colour, 3).shape == (2, 2, 3)
    assert set_channels(colour, 1)[0, 0, 0] == pytest.approx(0.587)
    assert np.all(set_channels(np.full((2, 2), 0.25, np.float32), 3) == 0.25)


def test_sizes_are_in_um_only_where_the_network_was_trained_so() -> None:
    assert KEPT.size(30, 20, 0.5) == (15, 10)
    assert InputSpec(64, 1, stretched=False, sees_size=True, calibrated=False).size(
        30, 20, 0.5
    ) == (30, 20)
    assert size_input(30, 20, None) == (30, 20)


@pytest.mark.parametrize("spec", [KEPT, STRETCHED])
def test_a_map_comes_back_to_the_place_in_the_crop_that_it_speaks_of(spec: InputSpec) -> None:
    drawn = np.zeros((8, 8), np.float32)
    drawn[3:5, 5:7] = 1.0  # about (0.75, 0.5) of the square
    for turned, (height, width) in ((drawn, (40, 120)), (drawn.T, (120, 40))):
        back = spec.back_to_crop(turned, width, height)
        assert back.shape == (height, width)
        y, x = np.mgrid[:height, :width] + 0.5
        middle = (back * x).sum() / back.sum() / width, (back * y).sum() / back.sum() / height
        assert middle == pytest.approx((0.75, 0.5) if width > height else (0.5, 0.75), abs=0.02)


def test_a_specification_survives_json() -> None:
    assert input_spec_from_json(json.loads(json.dumps(KEPT.to_json()))) == KEPT
    with pytest.raises(KeyError):
        input_spec_from_json({"side": 64})
