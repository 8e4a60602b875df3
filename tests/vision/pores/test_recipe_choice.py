"""Hold that Auto finds the pores of slices that no usual threshold finds, keeps Otsu where it is as
good, and says where no threshold is to be trusted.
"""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from poregui.domain.detection import DetectionRecipe, detection_recipe_from_json
from poregui.vision.pores.detection import Detected, detect
from poregui.vision.pores.plan import Source, make_plan
from poregui.vision.pores.recipe_choice import Choice, choose_recipe, samples_of
from poregui.vision.pores.tiling import find_all
from poregui.vision.synthetic import draw_specimen
from poregui.vision.synthetic.slices import draw_slice

USUAL = DetectionRecipe()
HAT = replace(USUAL, flatten=True, correction="subtract", background_radius=14.0)


def chosen(pixels: NDArray[np.generic], start: DetectionRecipe = USUAL) -> Choice:
    return choose_recipe([samples_of(Source.of(pixels), None, ())], start)


def recall_and_precision(found: Detected, mask: NDArray[np.int32]) -> tuple[float, float]:
    """Return the part of the true pores, and of the outlines of 20 px and more, that are more than
    half in the others.
    """
    covered = np.zeros(mask.shape, np.uint8)
    right = []
    for outline, area in zip(found.outlines, found.areas, strict=True):
        own = np.zeros(mask.shape, np.uint8)
        cv2.fillPoly(own, [np.rint((outline - 0.5) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
        covered |= own
        if area >= 20:
            right.append(2 * np.count_nonzero(mask[own > 0]) > np.count_nonzero(own))
    pixels = np.bincount(mask.ravel())[1:]
    hit = np.bincount(mask[covered > 0], minlength=len(pixels) + 1)[1:]
    return float(np.mean(2 * hit > pixels)), float(np.mean(right))


@pytest.mark.parametrize("seed", range(6))
def test_auto_finds_the_pores_of_drawn_slices_of_computed_tomography(seed: int) -> None:
    drawn = draw_slice(seed, in_air=seed % 2 == 1)
    choice = chosen(drawn.image)
    assert choice.warning == ""
    recall, precision = recall_and_precision(detect(drawn.image, choice.recipe, None), drawn.mask)
    assert recall > 0.9
    assert precision > 0.8


def test_the_usual_recipe_does_not_find_the_pores_of_a_slice() -> None:
    drawn = draw_slice(1)
    recall, precision = recall_and_precision(detect(drawn.image, USUAL, None), drawn.mask)
    assert min(recall, precision) < 0.7


def test_auto_chooses_one_recipe_that_suits_unlike_micrographs() -> None:
    slices = [draw_slice(8, side=256, pores=20), draw_slice(9, side=256, pores=20)]
    even = np.full((256, 256), 180.0) + np.random.default_rng(1).normal(0, 4, (256, 256))
    rows, columns = np.mgrid[:256, :256] + 0.5
    for x in range(30, 250, 40):
        even[np.hypot(columns - x, rows - x) < 8] = 60
    images = [slices[0].image, slices[1].image, even]
    choice = choose_recipe([samples_of(Source.of(one), None, ()) for one in images], USUAL)
    assert choice.warning == ""
    found = [detect(image, choice.recipe, None) for image in images]
    for one, drawn in zip(found, slices, strict=False):
        assert min(recall_and_precision(one, drawn.mask)) > 0.8
    assert len(found[2].outlines) == 6


def test_auto_turns_with_the_greys_and_does_not_depend_on_their_range() -> None:
    drawn = draw_slice(2, side=256, pores=16)
    within = np.where(drawn.image > 0, drawn.image.astype(np.float64), np.nan)
    filled = np.where(np.isnan(within), np.nanmedian(within), within)
    usual = chosen(filled)
    for changed, polarity in ((3 * filled - 1e5, "dark"), (7e4 - filled, "bright")):
        one = chosen(changed, replace(USUAL, polarity=polarity))
        assert one.recipe == replace(usual.recipe, polarity=polarity)
        assert one.trial.change == pytest.approx(usual.trial.change, abs=0.01)


def test_auto_keeps_otsu_where_it_is_as_good() -> None:
    counts = {"Gas": 6, "Keyhole": 3, "Lack of Fusion": 3}
    micrograph = next(draw_specimen(3, seed=5, width=520, height=400, counts=counts))
    choice = chosen(micrograph.image)
    assert choice.recipe == replace(USUAL, chosen_by="auto")
    assert choice.warning == ""
    assert choice.why.startswith("Auto chose Otsu's threshold for dark pores out of 20 recipes:")


def test_auto_says_where_no_threshold_is_to_be_trusted() -> None:
    rng = np.random.default_rng(4)
    texture = sum(
        cv2.resize(rng.normal(0, 12, (n, n)), (300, 300), interpolation=cv2.INTER_CUBIC)
        for n in (12, 40, 110)
    )
    choice = chosen(np.clip(140 + texture, 0, 255).astype(np.uint8))
    assert choice.warning.startswith("No threshold can be trusted here: ")
    assert choice.warning.endswith("Train a finder on checked areas instead.")


def test_of_a_large_image_four_windows_are_looked_at() -> None:
    image = np.full((3000, 2000), 200, np.uint8)
    samples = samples_of(Source.of(image), None, (), 400_000)
    assert [(one.source.width, one.source.height) for one in samples] == [(316, 316)] * 4


@pytest.mark.parametrize("recipe", [HAT, replace(HAT, method="noise")], ids=["otsu", "noise"])
def test_a_subtracted_background_gives_the_same_outlines_for_any_tile(
    recipe: DetectionRecipe,
) -> None:
    source = Source.of(draw_slice(3, side=256, pores=20).image)
    plan = make_plan(source, recipe, None)
    whole = find_all(plan, lambda *_: None)
    tiled = find_all(plan, lambda *_: None, tile=96, overlap=40, whole=0)
    assert len(whole.found.outlines) >= 18
    assert sorted(line.tobytes() for line in tiled.found.outlines) == sorted(
        line.tobytes() for line in whole.found.outlines
    )


def test_a_recipe_of_older_versions_is_written_as_it_was() -> None:
    old = json.dumps(USUAL.to_json())
    assert "correction" not in old
    auto = replace(HAT, chosen_by="auto", method="noise", deviations=6.0)
    assert detection_recipe_from_json(json.loads(json.dumps(auto.to_json()))) == auto
