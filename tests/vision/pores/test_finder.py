"""Hold that a learned finder answers the same for any tile and any light, and outlines by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poregui.domain.detection import DetectionRecipe
from poregui.domain.geometry import Box, Mask
from poregui.vision.pores.detection import UNSURE
from poregui.vision.pores.finder import (
    FEATURE_REACH,
    FEATURES,
    FULL,
    PoreFinder,
    Range,
    colours_of,
    features_of,
    look,
    probabilities,
    range_of,
)
from poregui.vision.pores.plan import Source
from poregui.workflow.detecting.removals import removed_sentences

WEIGHTS = np.linspace(-0.04, 0.05, FEATURES).astype(np.float32)


def by_features(inputs: np.ndarray) -> np.ndarray:
    return (1 / (1 + np.exp(-(inputs @ WEIGHTS))))[..., None].astype(np.float32)


def dark(inputs: np.ndarray) -> np.ndarray:
    """Return a probability that falls from 1 to 0 about a grey of -1 of the common range."""
    return np.clip(0.5 - 2 * (inputs[..., :1] + 1), 0, 1).astype(np.float32)


def noise(height: int = 131, width: int = 157) -> np.ndarray:
    return np.random.default_rng(0).normal(100, 20, (height, width)).astype(np.float32)


@pytest.mark.parametrize("tile", [64, 97])
@pytest.mark.parametrize("gaps", [False, True])
def test_the_answer_is_the_same_for_any_tile(tile: int, gaps: bool) -> None:
    finder = PoreFinder(by_features, FEATURE_REACH, 1, by_features=True)
    grey = noise(48, 520)
    source = Source.of(grey)
    if gaps:
        gone = grey > 120
        source = replace(source, missing=lambda box: gone[box.y : box.bottom, box.x : box.right])
    range_ = range_of(source)
    whole = finder.probability(source, Box(0, 0, source.width, source.height), range_)
    parts = probabilities(finder, source, range_, tile=tile)
    assert np.abs(parts / FULL - whole).max() < 2e-5


def test_a_window_begins_at_a_step_and_reaches_beyond_the_edge_of_the_image() -> None:
    seen = []

    def forward(inputs: np.ndarray) -> np.ndarray:
        seen.append(inputs.shape[1:3])
        return inputs[..., :1] * 0 + 0.25

    found = probabilities(PoreFinder(forward, 10, 8), Source.of(noise()), Range(100, 20), tile=50)
    assert (found == round(0.25 * FULL)).all()
    assert all(height % 8 == 0 and width % 8 == 0 for height, width in seen)


def test_brightness_and_contrast_of_a_picture_change_nothing() -> None:
    colours = np.random.default_rng(0).normal(100, 20, (131, 157, 3)).astype(np.float32)
    other = 3 * colours - 50
    first = range_of(Source.of(colours)).of(colours_of(colours))
    assert np.abs(first - range_of(Source.of(other)).of(colours_of(other))).max() < 1e-3
    assert (colours_of(noise())[..., 1:] == 0).all()


def test_the_numbers_of_a_pixel_turn_with_the_image() -> None:
    colours = Range(100, 20).of(colours_of(noise(64, 64)))
    turned = features_of(np.ascontiguousarray(np.rot90(colours)))
    assert np.abs(np.rot90(features_of(colours)) - turned).max() < 2e-3


def test_pores_are_outlined_where_they_are_more_likely_than_not() -> None:
    rows, columns = np.mgrid[:120, :140] + 0.5
    depth = np.clip(12 + 1 - np.hypot(columns - 50, rows - 60), 0, 2) / 2
    grey = (200 - 150 * depth).astype(np.float32)
    grey[100:, :] = 50
    finder = PoreFinder(dark, 4, 4)
    masks = [Mask.of_box(Box(0, 98, 140, 22))]
    recipe = DetectionRecipe(polarity="bright", level=3.0, contrast=99.0)
    found = look(
        finder, Source.of(grey), recipe, None, masks, range_=Range(200.0, 75.0), tile=64
    ).pores()
    assert len(found.outlines) == 1
    assert found.areas[0] == pytest.approx(np.pi * 12**2, rel=0.02)
    assert (found.threshold, found.field_area_px) == (None, 140 * 98)
    small = DetectionRecipe(smallest=40.0)
    assert not look(finder, Source.of(grey), small, None, masks).pores().outlines


def test_a_pore_of_which_the_finder_is_nowhere_sure_is_left_out_and_counted() -> None:
    grey = np.full((80, 120), 200, np.float32)
    grey[20:40, 20:40] = 50
    grey[20:40, 70:90] = 122
    found = look(
        PoreFinder(dark, 4, 4), Source.of(grey), DetectionRecipe(), None, range_=Range(200, 75)
    ).pores()
    assert len(found.outlines) == len(found.areas) == len(found.boxes) == 1
    assert found.removed[UNSURE] == 1
    assert found.removed_area_px[UNSURE] == pytest.approx(400, rel=0.1)
    assert removed_sentences([found.removed]) == ["The finder is not sure of 1 region; left out."]
    assert found.pore_area_px == pytest.approx(400, rel=0.1)


def test_a_matrix_without_doubt_is_field_and_the_black_border_of_an_image_is_not() -> None:
    rows, columns = np.mgrid[:200, :200] + 0.5
    grey = np.where(np.hypot(columns - 100, rows - 100) < 12, 50.0, 200.0).astype(np.float32)
    finder = PoreFinder(dark, 4, 4)
    recipe = DetectionRecipe()
    range_ = Range(200.0, 75.0)
    found = look(finder, Source.of(grey), recipe, None, range_=range_).pores()
    assert (found.field_area_px, found.border_share, len(found.outlines)) == (200 * 200, 0.0, 1)
    grey[:40] = 0
    found = look(finder, Source.of(grey), recipe, None, range_=range_).pores()
    assert (found.field_area_px, found.border_share, len(found.outlines)) == (200 * 160, 0.2, 1)
