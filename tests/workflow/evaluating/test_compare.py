"""Hold what is said of two runs on the crops that they share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from finished_runs import all_right, finish, finished_run, mostly_right, project_with
from scipy import stats

from poregui.domain.recipe import Recipe
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops
from poregui.workflow.evaluating.compare import compare
from poregui.workflow.evaluating.evaluate import review
from poregui.workflow.training.prepare_dataset import freeze


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with project_with(tmp_path / "p", specimens=12) as opened:
        yield opened


def test_two_runs_are_compared_on_their_shared_crops_with_the_exact_test(project: Project) -> None:
    first, second = finished_run(project, mostly_right), finished_run(project, all_right)
    found = compare(project, first, second)
    predictions = review(project, first)
    wrong = predictions.ids[predictions.errors()].tolist()
    assert found.shared == len(review(project, first).counted())
    assert found.left_out == 0
    assert found.accuracy_second == 1
    assert {flip.crop_id for flip in found.flipped} == set(wrong)
    assert all(flip.second_right and not flip.first_right for flip in found.flipped)
    assert found.pairing.p_value == pytest.approx(stats.binomtest(0, len(wrong), 0.5).pvalue)
    assert found.difference == pytest.approx(len(wrong) / found.shared)
    assert found.difference_interval is not None
    assert found.difference_interval[0] < found.difference < found.difference_interval[1]
    assert "the difference may be due to chance" in found.sentence


def test_a_clear_difference_names_the_better_run(project: Project) -> None:
    def all_wrong(crop: object) -> tuple[float, ...]:
        return tuple(reversed(all_right(crop)))  # type: ignore[arg-type]

    found = compare(project, finished_run(project, all_right), finished_run(project, all_wrong))
    assert "; run 1 is better (McNemar p = " in found.sentence


def test_a_run_compared_with_its_twin_has_no_flips(project: Project) -> None:
    found = compare(project, finished_run(project), finished_run(project))
    assert (found.flipped, found.difference, found.pairing.p_value) == ((), 0.0, 1.0)
    assert found.curves_first[0].roc is not None
    assert found.curves_second[0].roc is not None
    assert found.curves_first[0].roc.area == found.curves_second[0].roc.area


def test_the_comparison_follows_the_labels_of_now(project: Project) -> None:
    first, second = finished_run(project, mostly_right), finished_run(project, all_right)
    flip = compare(project, first, second).flipped[0]
    rather = next(c.id for c in project.classes() if c.name == flip.first)
    History(project).apply(label_crops(project, [flip.crop_id], rather, who="x"))
    again = next(
        one for one in compare(project, first, second).flipped if one.crop_id == flip.crop_id
    )
    assert (again.first_right, again.second_right) == (True, False)


def test_crops_that_the_other_run_learned_from_are_left_out_and_said(project: Project) -> None:
    tested = finished_run(project)
    cross_validation = finish(freeze(project, Recipe(), folds=4))
    found = compare(project, tested, cross_validation)
    assert found.shared == len(review(project, tested).counted())
    assert found.left_out == 144 - found.shared
    assert any("used for training in run 1" in note for note in found.notes)


def test_runs_without_a_shared_crop_say_so(project: Project) -> None:
    first = finished_run(project)
    second = finished_run(project)
    dataset = second.read_dataset()
    splits = {"train": "test", "validation": "train", "test": "train"}
    swapped = replace(
        dataset, crops=tuple(replace(crop, split=splits[crop.split]) for crop in dataset.crops)
    )  # type: ignore[arg-type]
    second.write_dataset(second.read_recipe(), swapped, second.read_crops(dataset.crops))
    found = compare(project, first, second)
    assert (found.shared, found.accuracy_first, found.difference, found.difference_interval) == (
        0,
        None,
        None,
        None,
    )
    assert "have no test crop in common" in found.sentence
    assert found.to_json()["accuracy"] == [None, None]
