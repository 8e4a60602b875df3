"""Hold that outlines are scored against masks pixel by pixel, as the definitions say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from builders import add_micrograph
from PIL import Image

from poregui.cli.main import main
from poregui.domain.classes import NOT_A_PORE
from poregui.domain.geometry import Box, Mask, Outline
from poregui.domain.records import Crop
from poregui.store.project import Project
from poregui.vision.pores.finding_score import FindingScore, score_outlines
from poregui.vision.pores.marked import marked_in
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.editing.history import History
from poregui.workflow.editing.micrograph_edits import set_masks


def square(x: int, y: int, side: int) -> np.ndarray:
    return np.array([(x, y), (x + side, y), (x + side, y + side), (x, y + side)], np.float32)


def truth(*squares: tuple[int, int, int]) -> np.ndarray:
    mask = np.zeros((100, 100), np.uint8)
    for x, y, side in squares:
        mask[y : y + side, x : x + side] = 255
    return mask


def test_a_pore_is_found_by_more_than_half_of_it_and_an_outline_right_by_more_than_half_in_it() -> (
    None
):
    marked = marked_in(truth((10, 10, 10), (50, 10, 10)))
    half = score_outlines([square(15, 10, 10), square(54, 10, 10)], marked)
    assert (half.truth, half.found, half.outlines, half.right) == (2, 1, 2, 1)
    assert (half.both_px, half.outlined_px, half.truth_px) == (50 + 60, 200, 200)
    assert half.iou == pytest.approx(110 / 290)
    assert (half.recall, half.precision) == (0.5, 0.5)
    assert half.area_percent == pytest.approx(2.0)


def test_small_outlines_are_not_scored_and_overlapping_ones_count_a_pixel_once() -> None:
    marked = marked_in(truth((10, 10, 10)))
    score = score_outlines([square(10, 10, 10), square(10, 10, 10), square(80, 80, 4)], marked)
    assert (score.outlines, score.right, score.outlined_px) == (2, 2, 116)


def test_what_is_hidden_counts_nowhere() -> None:
    hidden = np.zeros((100, 100), np.bool_)
    hidden[:, 50:] = True
    score = score_outlines([square(60, 10, 10)], marked_in(truth((70, 70, 20))), hidden)
    assert score == FindingScore(field_px=5000)
    assert (score.iou, score.recall, score.precision) == (None, None, None)


def test_an_outline_finds_several_pores_together_and_touching_labels_are_counted_apart() -> None:
    labels = np.zeros((100, 100), np.uint16)
    labels[10:20, 10:20] = 1
    labels[10:20, 20:30] = 2
    score = score_outlines([square(10, 10, 20)], marked_in(labels))
    assert (score.truth, score.found, score.right) == (2, 2, 0)


def test_the_command_line_scores_each_micrograph_and_all_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.create(tmp_path / "p") as project:
        micrograph = add_micrograph(project, tmp_path / "a.png")
        add_micrograph(project, tmp_path / "b.png", seed=1)
        history = History(project)
        crops = tuple(
            Crop(i, "h", 10, 10, micrograph.id, Box(10 * i, 10, 10, 10), label=label)
            for i, label in ((1, None), (2, NOT_A_PORE))
        )
        outlines = tuple((i, Outline.of(square(10 * i, 10, 10))) for i in (1, 2))
        history.apply(AddCrops(crops, "Ada", outlines=outlines))
        history.apply(set_masks(micrograph, [Mask.of_box(Box(0, 100, 200, 50), "bar")]))
    masks = tmp_path / "masks"
    masks.mkdir()
    mask = np.zeros((150, 200), np.uint8)
    mask[10:20, 10:20] = mask[120:, :] = 1
    Image.fromarray(mask).save(masks / "a_mask.png")
    Image.fromarray(mask).save(masks / "b_mask.png")
    Image.fromarray(mask).save(masks / "c_mask.png")
    assert main(["score-detection", str(tmp_path / "p"), str(masks), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    a, b = found["micrographs"]
    assert (a["name"], a["iou"], a["recall"], a["precision"]) == ("a.png", 1.0, 1.0, 1.0)
    assert a["area_percent"] == a["truth_area_percent"] == pytest.approx(100 * 100 / 20_000)
    assert (b["found"], b["truth"], b["precision"]) == (0, 2, None)
    assert found["pooled"]["recall"] == pytest.approx(1 / 3)
    assert "c_mask.png" in " ".join(found["notes"])
    assert main(["score-detection", str(tmp_path / "p"), str(masks)]) == 0
    assert "together" in capsys.readouterr().out
