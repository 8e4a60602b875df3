"""Hold that numbers of porosity say how they depend on the threshold, and how far pores lie from
each other.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from size_model import draw_discs, write_size_model

from poregui.domain.detection import DetectionRecipe
from poregui.domain.measurement import distance_summary
from poregui.gui.apply.apply_text import note_of, rows_of
from poregui.vision.pores.detection import Detected, detect
from poregui.vision.pores.plan import Source, make_plan
from poregui.workflow.applying.field import FieldResult, apply_field
from poregui.workflow.applying.inputs import AppliedModel, ToApply, model_of_file, tasks_of
from poregui.workflow.applying.result_table import read_pores
from poregui.workflow.applying.sensitivity import (
    FILE,
    SHIFTS,
    WHOLE,
    Sensitivity,
    find_shifted,
    read_sensitivity,
    sense,
    write_sensitivity,
)
from poregui.workflow.applying.summary import Summary, sensitivity_text, summarise

MATRIX, DARK, FAINT = 190, 60, 134
DISC = np.pi * 20.5**2
"""Square px of a disc that is drawn with a radius of 20 px."""
LEVEL = DetectionRecipe(method="manual", level=125.0)


def picture(
    side: int, dark: list[tuple[int, int]], faint: list[tuple[int, int]], radius: int = 20
) -> np.ndarray:
    """Return a grey picture with dark discs, and with faint ones whose grey is above the level of
    125 by 7 % of the step from dark to matrix.
    """
    image = np.full((side, side), MATRIX, np.uint8)
    for indices, grey in ((dark, DARK), (faint, FAINT)):
        for x, y in indices:
            cv2.circle(image, (x, y), radius, grey, -1, cv2.LINE_AA)
    return image


def sensed(image: np.ndarray, recipe: DetectionRecipe = LEVEL) -> tuple[Sensitivity, list[int]]:
    """Return what shifted thresholds find where the unshifted one's pores are of class 1 and new
    ones of class 2.
    """
    found, asked = detect(image, recipe, None), []

    def classify(new: Detected) -> np.ndarray:
        asked.append(len(new.outlines))
        return np.tile(np.array([[0.1, 0.1, 0.8]], np.float32), (len(new.outlines), 1))

    predictions = np.tile(np.array([[0.2, 0.7, 0.1]], np.float32), (len(found.outlines), 1))
    plan = make_plan(Source.of(image), recipe, None)
    return sense(found, predictions, find_shifted(found, plan, None), classify), asked


def test_pores_that_only_a_higher_threshold_finds_are_classified_and_others_keep_theirs() -> None:
    received, asked = sensed(picture(400, [(80, 80), (300, 90)], [(200, 300)]))
    disc = 100 * DISC / 400**2
    for shift in (-10, -5, 0):
        assert received.percents(shift, 3, 0.0) == pytest.approx([0, 2 * disc, 0, 0], rel=0.03)
    assert received.percents(10, 3, 0.0) == pytest.approx([0, 2 * disc, disc, 0], rel=0.03)
    assert received.change(10, 3, 0.0)[2] == pytest.approx(disc, rel=0.03)
    assert received.percents(10, 3, 0.75) == pytest.approx([0, 0, disc, 2 * disc], rel=0.03)
    assert asked == [1]


def test_a_local_threshold_is_shifted_against_its_surroundings() -> None:
    local = DetectionRecipe(method="local", offset=48.0, window=301.0)
    received, asked = sensed(picture(400, [(80, 80), (300, 90)], [(200, 300)]), local)
    assert received.percents(-10, 3, 0.0)[2] == 0
    assert received.percents(10, 3, 0.0)[2] > 0
    assert set(asked) == {1}


def test_of_a_large_micrograph_four_windows_are_looked_at() -> None:
    side = int(np.sqrt(WHOLE)) + 600
    indices = [(x, y) for x in range(100, side, 200) for y in range(100, side, 200)]
    received, _ = sensed(picture(side, indices, []))
    assert received.seen_px.tolist() == [4 * 768**2] * 5
    share = 100 * DISC / 200**2
    assert received.percents(0, 3, 0.0)[1] == pytest.approx(
        share, rel=0.2
    )  # windows of 3.84 pores across
    assert received.change(5, 3, 0.0)[1] == pytest.approx(0.0, abs=0.02 * share)


def test_the_mount_around_a_large_specimen_is_no_pore_at_any_threshold() -> None:
    side = int(np.sqrt(WHOLE)) + 600
    image = picture(side, [(side // 4, side // 4)], [])
    image[:, : side // 4 - 100] = DARK
    received, _ = sensed(image)
    assert received.seen_px.max() < 4 * 768**2  # without the mount
    disc = 100 * DISC / received.seen_px[0]
    for shift in (0, *SHIFTS):
        assert received.percents(shift, 3, 0.0).sum() == pytest.approx(disc, rel=0.05)


def test_a_mount_that_only_a_higher_threshold_sees_is_no_pore_and_no_part_of_its_field() -> None:
    image = picture(400, [(300, 300)], [])
    image[:180] = FAINT
    received, _ = sensed(image)
    assert received.percents(0, 3, 0.0).sum() == pytest.approx(100 * DISC / 400**2, rel=0.03)
    assert received.percents(10, 3, 0.0).sum() == pytest.approx(100 * DISC / (400 * 220), rel=0.03)


def test_what_was_found_survives_a_file_and_damage_is_as_if_nobody_had_looked(
    tmp_path: Path,
) -> None:
    received, _ = sensed(picture(400, [(80, 80)], [(200, 300)]))
    write_sensitivity(received, tmp_path)
    read = read_sensitivity(tmp_path)
    assert all(
        np.array_equal(read.percents(s, 3, 0.5), received.percents(s, 3, 0.5)) for s in (0, *SHIFTS)
    )
    (tmp_path / FILE).write_bytes(b"nothing")
    assert read_sensitivity(tmp_path) is None
    assert read_sensitivity(tmp_path / "nowhere") is None


def summed(
    tmp_path: Path, um_per_px: float | None
) -> tuple[AppliedModel, list[FieldResult], Summary]:
    model = model_of_file(
        write_size_model(tmp_path / "m", confusion=[[50, 0, 0], [0, 45, 5], [0, 5, 45]])
    )
    model = replace(model, recipe=LEVEL)
    fields = []
    for number in range(2):
        file = tmp_path / f"{number}.png"
        cv2.imwrite(
            str(file),
            picture(400, [(100, 100), (200, 100), (300, 330)][: 2 + number], [(300, 200)]),
        )
        fields.append(ToApply(file, "S1", um_per_px))
    tasks = tasks_of(model, fields, tmp_path / "out")
    results = [apply_field(one) for one in tasks]
    return model, results, summarise(model, results, [read_pores(one.folder, 3) for one in tasks])


def test_the_summary_says_how_the_area_moves_and_how_far_pores_lie_apart(tmp_path: Path) -> None:
    _, _, summary = summed(tmp_path, 0.5)
    (group,) = summary.specimens
    disc = 100 * DISC / 400**2
    moved = {one.shift: one for one in group.sensitivity}
    assert group.porosity.mean == pytest.approx(2.5 * disc, rel=0.03)
    assert moved[-10].total == pytest.approx(group.porosity.mean, rel=0.02)
    assert moved[10].total == pytest.approx(group.porosity.mean + disc, rel=0.03)
    ratio = moved[10].classes[1] / group.classes[1].area.corrected
    assert ratio == pytest.approx(3.5 / 2.5, rel=0.03)
    text = sensitivity_text(group)
    assert text == (
        "Porosity with the threshold shifted by up to ±5 %: 2.083 to 2.084 %; by up to "
        "±10 %: 2.083 to 2.916 %."
    )
    assert text in note_of(summary, group)
    keyhole = group.classes[1]
    assert keyhole.nearest.minimum == pytest.approx((100 - 2 * 20.5) * 0.5, rel=0.02)
    assert (keyhole.nearest.pores, keyhole.surface) == (5, None)
    tip = rows_of(group, "um", {})[1].tip
    assert "nearest other pore: median 29.4" in tip
    assert "not valid for other specimens" in note_of(summary, group)
    assert "Pores per mm²: 70.3 (95 % CI 0–" in tip
    assert "D10, D50, D90: 20.6, 20.6, 20.6 µm, weighted by area" in tip


def test_distances_are_in_px_where_some_scale_is_unknown(tmp_path: Path) -> None:
    model, results, summary = summed(tmp_path, 0.5)
    unknown = [results[0], replace(results[1], um_per_px=None)]
    tables = [read_pores(tmp_path / "out" / "fields" / f"{number}.png", 3) for number in range(2)]
    mixed = summarise(
        model, unknown, [tables[0], replace(tables[1], unit="px", nearest=tables[1].nearest * 2)]
    )
    assert mixed.size_unit == "px"
    assert mixed.whole.classes[1].nearest.middle == pytest.approx(
        2 * summary.whole.classes[1].nearest.middle
    )


def test_results_without_shifted_thresholds_are_summed_up_without_them(tmp_path: Path) -> None:
    model, results, _ = summed(tmp_path, None)
    (tmp_path / "out" / "fields" / "1.png" / FILE).unlink()
    tables = [read_pores(tmp_path / "out" / "fields" / f"{number}.png", 3) for number in range(2)]
    group = summarise(model, results, tables).whole
    assert group.sensitivity == ()
    assert sensitivity_text(group) == ""


def test_distances_are_summed_up_without_those_that_are_not_known() -> None:
    received = distance_summary(np.array([np.nan, 4.0, 1.0, 2.0, 3.0, 5.0]))
    assert (received.pores, received.minimum, received.middle) == (5, 1.0, 3.0)
    assert (received.low, received.high) == (pytest.approx(1.4), pytest.approx(4.6))
    assert distance_summary(np.array([np.nan])) is None


def test_a_field_without_pores_is_sensed_too(tmp_path: Path) -> None:
    draw_discs(tmp_path / "a.png", [], side=64)
    received, asked = sensed(np.full((64, 64), MATRIX, np.uint8))
    assert asked == []
    assert received.percents(10, 3, 0.0).tolist() == [0, 0, 0, 0]
