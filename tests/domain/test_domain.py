"""Hold boxes, recipes, events, datasets and statistics to their definitions; scipy and scikit-learn
are the oracles.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poregui.domain.classes import default_classes, full_name, letter_for
from poregui.domain.dataset import Dataset, DatasetCrop, dataset_from_json
from poregui.domain.errors import PoreguiError
from poregui.domain.evaluation import evaluate
from poregui.domain.events import (
    BatchEnded,
    EpochEnded,
    Failed,
    Finished,
    FoldEnded,
    Note,
    Started,
    from_line,
    to_line,
)
from poregui.domain.geometry import Box
from poregui.domain.recipe import Recipe, parameters, recipe_for, recipe_from_json
from poregui.domain.statistics.intervals import wilson_interval

boxes = st.builds(
    Box, st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 60), st.integers(1, 60)
)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_one_only_for_equal_boxes(a: Box, b: Box) -> None:
    assert a.overlap(b) == b.overlap(a)
    assert (a.overlap(b) == 1) == (a == b)


@given(boxes)
def test_a_box_moved_inside_keeps_its_size_where_it_fits(box: Box) -> None:
    moved = box.moved_inside(60, 70)
    assert moved.clipped(60, 70) == moved
    assert (moved.width, moved.height) == (min(box.width, 60), min(box.height, 70))


def test_a_box_around_a_point_has_it_in_its_middle() -> None:
    assert Box.around(100, 50, 40).centre == (100, 50)
    assert Box.between(9.6, 20, 3, 4.4) == Box(3, 4, 7, 16)


@pytest.mark.parametrize(("right", "total"), [(0, 10), (10, 10), (3, 7), (88, 120), (1, 1)])
def test_the_wilson_interval_is_that_of_scipy(right: int, total: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(right, total).proportion_ci(0.95, method="wilson")
    assert wilson_interval(right, total) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_nothing_counted_has_no_interval() -> None:
    assert wilson_interval(0, 0) is None


def test_the_original_studys_matrix_gives_its_numbers() -> None:
    matrix = np.array([[17, 23, 0], [1, 33, 6], [0, 2, 38]])
    truth, predicted = np.indices((3, 3)).reshape(2, -1).repeat(matrix.ravel(), axis=1)
    found = evaluate(("Gas", "Keyhole", "Lack of Fusion"), truth, predicted)
    assert found.matrix.tolist() == matrix.tolist()
    assert found.accuracy == pytest.approx(0.7333, abs=1e-4)
    assert [score.recall for score in found.per_class] == [0.425, 0.825, 0.95]


def test_scores_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    random = np.random.default_rng(0)
    truth, predicted = random.integers(0, 4, 300), random.integers(0, 4, 300)
    found = evaluate(("a", "b", "c", "d"), truth, predicted)
    assert found.matrix.tolist() == confusion_matrix(truth, predicted).tolist()
    expected = np.array(precision_recall_fscore_support(truth, predicted)).T
    assert np.allclose(
        [[s.precision, s.recall, s.f1, s.support] for s in found.per_class], expected
    )


def test_a_class_without_crops_has_no_recall_instead_of_zero() -> None:
    found = evaluate(("a", "b"), np.array([0, 0]), np.array([0, 0]))
    assert found.per_class[1].recall is None
    assert found.per_class[1].precision is None
    assert json.dumps(found.to_json())


def test_every_recipe_field_is_declared_with_label_help_and_a_default_in_its_range() -> None:
    for parameter in parameters():
        assert parameter.label
        assert parameter.help.endswith(".")
        assert getattr(recipe_for("default"), parameter.name) is not None


@pytest.mark.parametrize(
    "values",
    [
        {"epochs": 0},
        {"epochs": 2.5},
        {"augment": 1},
        {"preset": "vgg"},
        {"learning_rate": 2.0},
        {"seed": -1},
    ],
)
def test_a_value_outside_its_range_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(PoreguiError):
        Recipe(**values)


def test_a_recipe_comes_back_from_json_and_later_fields_are_passed_over() -> None:
    recipe = recipe_for("seed", epochs=7, learning_rate=0.01)
    assert recipe_from_json({**json.loads(json.dumps(recipe.to_json())), "later": 1}) == recipe


def test_a_recipe_of_an_earlier_version_trains_as_it_did() -> None:
    earlier = {
        name: v
        for name, v in Recipe().to_json().items()
        if name not in ("schedule", "label_smoothing")
    }
    assert recipe_from_json(earlier) == Recipe(schedule="plateau", label_smoothing=0.0)


@pytest.mark.parametrize(
    "event",
    [
        Started("001", ("Gas", "Größe"), 1, 2, 3, 4, 5, 6),
        BatchEnded(1, 2, 3, 0.5, 0.25),
        EpochEnded(1, 2, 0.1, 0.2, 0.3, 0.4, 1e-3, 1, 0, 10, 1.5, 3.0),
        FoldEnded(1, 5, 0.5, 12),
        Note("a\nb"),
        Finished(10, 4, 0.9, 120, 61.0, stopped=True),
        Failed("what", "remedy", "detail"),
    ],
)
def test_an_event_comes_back_from_its_line(event: object) -> None:
    line = to_line(event)  # type: ignore[arg-type]
    assert "\n" not in line
    assert from_line(line) == event


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "7", '{"event": "Later"}', '{"event": "Note"}', "TF: noise"]
)
def test_a_line_that_holds_no_event_is_passed_over(line: str) -> None:
    assert from_line(line) is None


def test_a_dataset_comes_back_from_json_with_its_hash() -> None:
    crop = DatasetCrop(7, 1, "test", "specimen:1", "n", "ff", 3, 4, 3, 16, 0, 0.0, 9.0, 0.5)
    dataset = Dataset(("a", "b"), (1, 2), (crop,), "specimen", 4, 1, ("note",))
    assert crop.nbytes == 72
    written = dataset.to_json()
    assert dataset_from_json(json.loads(json.dumps(written))) == dataset
    assert (written["crops"][0]["part"], "split" in written["crops"][0]) == ("test", False)
    assert Dataset(("a", "b"), (1, 2), (), "specimen", 4, 1).hash != dataset.hash


@pytest.mark.parametrize(
    ("short", "full"),
    [("LOF", "Lack of Fusion"), ("k", "Keyhole"), ("G", "Gas"), ("Crack", "Crack")],
)
def test_the_usual_abbreviations_of_pore_classes_are_known(short: str, full: str) -> None:
    assert full_name(short) == full


def test_a_letter_is_taken_from_the_name_and_never_twice() -> None:
    assert letter_for("Gas", {"G"}) == "A"
    assert letter_for("気孔", set()) == "気"
    assert len({c.letter for c in default_classes(["Gas", "Grain", "Gap", "GAG"])}) == 4
