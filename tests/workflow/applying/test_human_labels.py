"""Hold that a label goes to the pore that its crop was put for, and that labels which go to none
are told.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from apply_desk import add_run
from builders import labelled_project
from numpy.typing import NDArray

from poregui.cli.main import main
from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.geometry import Box
from poregui.domain.records import Crop
from poregui.store.project import Project
from poregui.vision.pores.detection import detect
from poregui.vision.shape.measurement import measure
from poregui.vision.synthetic import SyntheticMicrograph, draw_sample
from poregui.workflow.applying.human_labels import PlacedCrops, unmatched_text
from poregui.workflow.applying.result_table import PoreTable
from poregui.workflow.detecting.find_pores import DetectionRecipe
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.editing.history import History


def boxes(*edges: tuple[float, float, float, float]) -> PlacedCrops:
    """Return crops without outlines at these boxes of left, top, right, bottom."""
    table = np.array(edges, np.float64)
    middles = (table[:, :2] + table[:, 2:]) / 2
    count = len(edges)
    return PlacedCrops(tuple(range(count)), table, middles, np.full(count, np.nan), (1,) * count)


def discs(*rows: tuple[float, float, float]) -> tuple[NDArray[np.float64], ...]:
    """Return middles, areas and lengths of discs of x, y and radius."""
    x, y, radius = np.array(rows, np.float64).T
    return np.stack([x, y], axis=1), np.pi * radius**2, 2 * radius


@pytest.mark.parametrize(
    ("crops", "pores", "matched"),
    [
        (boxes((0, 0, 40, 40)), discs((20, 20, 8)), {0: 0}),
        (boxes((0, 0, 60, 60)), discs((18, 42, 8)), {0: 0}),
        (boxes((0, 0, 40, 40)), discs((18, 22, 5), (36, 36, 12)), {0: 0}),
        (boxes((0, 0, 60, 60)), discs((12, 12, 9), (45, 50, 3)), {0: 0}),
        (boxes((0, 0, 60, 60)), discs((12, 12, 6), (48, 48, 6)), {}),
        (boxes((0, 0, 40, 40)), discs((60, 20, 8)), {}),
        (boxes((0, 0, 400, 400)), discs((200, 200, 3)), {}),
        (boxes((0, 0, 40, 40), (2, 2, 42, 42)), discs((20, 20, 12), (38, 38, 4)), {0: 0}),
        (boxes((0, 0, 40, 40), (10, 0, 70, 40)), discs((20, 20, 12), (60, 20, 6)), {0: 0, 1: 1}),
    ],
    ids=[
        "around the middle",
        "alone in a wide box",
        "small one in the middle before a large one beside",
        "by far the largest",
        "two alike",
        "outside",
        "far too small",
        "two boxes on one pore take no other",
        "the second box takes what is left in it",
    ],
)
def test_a_box_shows_the_pore_that_it_was_put_for(
    crops: PlacedCrops, pores: tuple[NDArray[np.float64], ...], matched: dict[int, int]
) -> None:
    assert crops.of_pores(*pores) == matched


def test_of_one_pore_alone_a_box_shows_only_what_lies_around_its_middle() -> None:
    middles, areas, lengths = discs((18, 42, 8))
    assert boxes((0, 0, 60, 60)).of_pores(middles, areas, lengths, whole=False) == {}
    middles, areas, _ = discs((31, 32, 8))
    assert boxes((0, 0, 60, 60)).of_pores(middles, areas, whole=False) == {0: 0}


def _on_pore(drawn: SyntheticMicrograph, number: int, outline: NDArray[np.float32]) -> bool:
    """Tell whether most of an outline's corners lie close to a drawn pore."""
    here = cv2.dilate((drawn.mask == number + 1).astype(np.uint8), np.ones((9, 9), np.uint8))
    columns, rows = np.clip(outline.astype(int), 0, np.array(drawn.mask.shape[::-1]) - 1).T
    return bool(here[rows, columns].mean() > 0.5)


def test_nearly_all_boxes_of_a_drawn_micrograph_go_to_their_own_pore() -> None:
    drawn = next(draw_sample())
    height, width = drawn.image.shape
    found = detect(
        lambda box: drawn.image[box.y : box.bottom, box.x : box.right],
        DetectionRecipe(),
        drawn.um_per_px,
        (),
        size=(width, height),
    )
    numbers = measure(found.outlines, None, None, size=(width, height)).columns
    middles = np.stack([numbers["x"], numbers["y"]], axis=1)
    edges = [pore.crop_box for pore in drawn.pores]
    crops = boxes(*((box.x, box.y, box.right, box.bottom) for box in edges))
    matched = crops.of_pores(middles, found.areas, numbers["feret_max"])
    right = sum(_on_pore(drawn, crop, found.outlines[pore]) for pore, crop in matched.items())
    assert len(matched) >= 0.9 * len(edges)
    assert right >= 0.9 * len(matched)


def test_what_matches_no_pore_is_said() -> None:
    tables = [
        PoreTable(np.ones(1), np.ones((1, 2)), labelled=30, unmatched=3),
        PoreTable(np.ones(1), np.ones((1, 2)), labelled=25),
    ]
    assert unmatched_text(tables[1:]) == ""
    assert unmatched_text(tables) == (
        "3 of 55 labelled crops show no pore that was found, or not clearly which; their labels do "
        "not count here."
    )


def test_labels_of_boxes_go_before_the_network_and_the_command_line_says_how_many_did_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled_project(tmp_path / "pores").close()
    folder = add_run(tmp_path / "pores", tmp_path)
    file = tmp_path / "field_1.png"
    with Project.open(folder) as project:
        (micrograph,) = [m for m in project.micrographs() if m.name == file.name]
        gas = project.classes()[0].id
        first = project.next_id("crops")
        indices = [(0, 0, gas), (0, 1, NOT_A_PORE), (1, 0, UNSURE)]
        crops = tuple(
            Crop(first + k, "h", 9, 9, micrograph.id, Box(x, y, 9, 9), label=label, origin="hand")
            for k, (x, y, label) in enumerate(indices)
        )
        History(project).apply(AddCrops(crops, "Ada"))
    asked = ["apply", str(folder), str(file), "--out", str(tmp_path / "out"), "--workers", "1"]
    assert main([*asked, "--json"]) == 0
    received = json.loads(capsys.readouterr().out)
    assert received["warnings"][0].startswith("1 of 1 labelled crop shows no pore that was found")
