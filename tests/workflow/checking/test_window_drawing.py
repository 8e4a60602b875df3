"""Hold that windows are drawn blind and evenly, on nothing that is no specimen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from detect_bench import HEIGHT, WIDTH, Bench, field, grid_of_pores

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Mask
from poregui.store.project import Project
from poregui.workflow.checking.check_summary import gauge_of_recipes
from poregui.workflow.checking.finding_checks import (
    Answer,
    MissedPore,
    checks_of,
    read_check,
    same_windows,
    save_check,
    with_answers_of,
    write_check,
)
from poregui.workflow.checking.window_drawing import draw_check, same_windows_now
from poregui.workflow.detecting.find_pores import DetectionRecipe


def found_bench(folder: Path):
    made = Bench(folder, grid_of_pores())
    made.find()
    yield made
    made.project.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory):
    """Return a project that no test changes."""
    yield from found_bench(tmp_path_factory.mktemp("checking") / "pores")


@pytest.fixture
def own(tmp_path: Path):
    """Return a project for one test."""
    yield from found_bench(tmp_path / "pores")


def test_windows_lie_in_the_micrograph_and_meet_no_other(bench: Bench) -> None:
    check = draw_check(bench.project, 12, side=96)
    boxes = [one.box for one in check.windows]
    assert len(boxes) == 12
    assert all(box.clipped(WIDTH, HEIGHT) == box for box in boxes)
    assert all(a.overlap(b) == 0 for a in boxes for b in boxes if a is not b)
    assert [one.number for one in check.windows] == list(range(1, 13))


def test_a_seed_draws_the_same_windows_and_another_one_others(bench: Bench) -> None:
    first, again, other = (draw_check(bench.project, 6, seed=seed) for seed in (3, 3, 4))
    assert same_windows(first, again)
    assert not same_windows(first, other)


def test_no_window_reaches_into_a_mask_or_a_black_border(own: Bench) -> None:
    pixels = field(grid_of_pores())
    pixels[:, :160] = 0
    own.show(pixels)
    with own.project.transaction():
        masked = replace(own.micrograph, masks=(Mask.of_box(Box(0, 400, WIDTH, 80), "bar"),))
        own.project.put_micrographs([masked])
    check = draw_check(own.project, 12, side=64)
    assert len(check.windows) == 12
    assert all(one.box.x >= 160 and one.box.bottom <= 400 for one in check.windows)


def test_windows_are_spread_evenly_over_the_micrograph(bench: Bench) -> None:
    middles = [
        one.box.centre
        for seed in range(25)
        for one in draw_check(bench.project, 5, seed=seed, side=32).windows
    ]
    x, y = np.array(middles).T
    quarters, _, _ = np.histogram2d(x, y, bins=2, range=[[0, WIDTH], [0, HEIGHT]])
    assert quarters.min() > 17


def test_no_window_lies_on_the_mount(own: Bench) -> None:
    pixels = field([(80.0 * i, 60.0 * j, 6.0) for i in range(1, 8) for j in range(1, 5)])
    pixels[340:] = 40
    own.show(pixels)
    own.find()
    (detection,) = own.project.detections().values()
    assert detection.surfaces
    check = draw_check(own.project, 8, side=64)
    assert all(one.box.bottom <= 345 for one in check.windows)
    assert check.area_percent == pytest.approx(100 * 28 * np.pi * 36 / (340 * WIDTH), rel=0.05)


def test_each_pore_belongs_to_the_window_that_its_middle_lies_in(bench: Bench) -> None:
    check = draw_check(bench.project, 10, side=100)
    truth = grid_of_pores()
    for one in check.windows:
        inside = [(x, y, r) for x, y, r in truth if one.box.contains(x, y)]
        assert len(one.found) == len(inside)
        assert sum(pore.area_px for pore in one.found) == pytest.approx(
            sum(np.pi * r**2 for _, _, r in inside), rel=0.03
        )


def test_what_nobody_has_searched_is_no_field_and_says_so(tmp_path: Path) -> None:
    made = Bench(tmp_path / "new", grid_of_pores())
    with pytest.raises(PoreguiError, match="nobody has looked for pores"):
        draw_check(made.project, 5)
    made.project.close()


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ({"windows": 0}, "0 windows cannot be drawn"),
        ({"windows": 3, "side": 5}, "A window of 5 px"),
        ({"windows": 3, "side": 600}, "No window of 600 px fits"),
        ({"windows": 3, "grid": 1}, "A grid of 1 points"),
    ],
)
def test_a_wish_that_cannot_be_met_gets_a_sentence(bench: Bench, wish: dict, text: str) -> None:
    with pytest.raises(PoreguiError, match=text):
        draw_check(bench.project, **wish)


def test_fewer_windows_than_asked_are_told(bench: Bench) -> None:
    check = draw_check(bench.project, 40, side=160)
    assert 0 < len(check.windows) < 12
    assert "Only" in check.notes[0]


def test_answers_come_back_from_the_project_and_from_a_file(own: Bench, tmp_path: Path) -> None:
    check = draw_check(own.project, 4, side=120)
    x, y = check.windows[1].box.centre
    false = tuple(one.crop_id for one in check.windows[1].found[:1])
    answer = Answer("ada", 1, (MissedPore(x, y, 50.0),), false)
    answered = check.with_answer(2, answer)
    save_check(own.project, answered)
    with Project.open(own.project.folder, read_only=True) as reader:
        assert checks_of(reader) == [replace(answered, notes=())]
    write_check(answered, tmp_path / "check.json", "ben")
    received = read_check(tmp_path / "check.json")
    assert received.windows[1].answer_of("ada") == answer
    assert received.windows[0].answers == (Answer("ben"),)
    assert with_answers_of(check, tmp_path / "check.json").windows[1].answers == (answer,)
    assert received.people == ("ada",)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('"poregui finding check"', '"else"', "holds no windows"),
        ('"missed": null', '"missed": [{"x": -9, "y": 1}]', "outside the window"),
        ('"points": []', '"points": ["perhaps"]', "'perhaps' is not hit, half or miss"),
        ('"false": []', '"false": [999]', "no pore 999 was found in window"),
        ('"x":', '"y":', "field is missing"),
        ("{", "[", "not JSON"),
    ],
)
def test_a_file_that_is_no_check_gets_a_sentence(
    bench: Bench, tmp_path: Path, old: str, new: str, text: str
) -> None:
    check = draw_check(bench.project, 2)
    file = tmp_path / "check.json"
    write_check(check, file, "ada")
    content = file.read_text(encoding="utf-8")
    if "999" in new:  # an empty answer is none, so that it is marked too
        content = content.replace('"missed": null', '"missed": []')
    file.write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(PoreguiError, match=text):
        with_answers_of(check, file)


def test_recipes_are_compared_in_the_same_windows(own: Bench) -> None:
    first = draw_check(own.project, 6, side=150)
    save_check(own.project, first)
    own.find(DetectionRecipe(smallest=20.0))
    second = same_windows_now(own.project, first)
    assert same_windows(first, second)
    assert second.number == 2
    found = gauge_of_recipes([first, second])
    assert found is not None
    assert found.repeatability + found.reproducibility > 0
    assert len(second.windows[0].found) <= len(first.windows[0].found)
