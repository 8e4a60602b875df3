"""Hold that wrong labels come first in the queue, and how it follows a person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from finished_runs import add_baseline, all_right, finish, finished_run, project_with
from run_folders import draw_crop

from poregui.domain.dataset import DatasetCrop
from poregui.domain.errors import ProjectError
from poregui.domain.evaluation import (
    Prediction,
    can_judge,
    confident_learning,
    unusual_shapes,
)
from poregui.domain.recipe import Recipe
from poregui.domain.records import Crop, Remark
from poregui.learning.shape_forest import write_baseline
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops, remove_crops
from poregui.workflow.evaluating.label_issues import FOREST, follow, label_issues
from poregui.workflow.training.prepare_dataset import freeze

CROPS, FLIPPED, LOOKED_AT = 600, 30, 60


def unseen_answers(seed: int, apart: float, sharp: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return (600, 3) probabilities of classes that lie `apart`, and the (600,) true places."""
    random = np.random.default_rng(seed)
    truth = random.choice(3, CROPS, p=[0.45, 0.33, 0.22])
    seen = random.normal(size=(CROPS, 3))
    seen[np.arange(CROPS), truth] += apart
    powers = np.exp(seen * apart * sharp)
    return powers / powers.sum(axis=1, keepdims=True), truth


def flip(truth: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels of which 5 % were turned into another class, and which ones."""
    random = np.random.default_rng(seed + 1000)
    wrong = random.choice(len(truth), FLIPPED, replace=False)
    labels = truth.copy()
    labels[wrong] = (labels[wrong] + random.integers(1, 3, FLIPPED)) % 3
    return labels, wrong


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("sharp", [0.6, 1.0, 2.0])
def test_of_5_per_cent_flipped_labels_80_per_cent_are_in_the_first_60_where_answers_are_good(
    seed: int, sharp: float
) -> None:
    predictions, truth = unseen_answers(seed, apart=2.4, sharp=sharp)
    assert (predictions.argmax(axis=1) == truth).mean() >= 0.9
    labels, wrong = flip(truth, seed)
    first = np.argsort(-confident_learning(predictions, labels).doubt, kind="stable")[:LOOKED_AT]
    assert len(set(first) & set(wrong)) >= 0.8 * FLIPPED


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("apart", [1.2, 1.6, 2.0])
def test_elsewhere_the_first_60_hold_three_times_as_many_as_by_chance(
    seed: int, apart: float
) -> None:
    predictions, truth = unseen_answers(seed, apart)
    assert 0.6 < (predictions.argmax(axis=1) == truth).mean() < 0.9
    labels, wrong = flip(truth, seed)
    first = np.argsort(-confident_learning(predictions, labels).doubt, kind="stable")[:LOOKED_AT]
    by_chance = FLIPPED * LOOKED_AT / CROPS
    assert len(set(first) & set(wrong)) >= 3 * by_chance


def test_confident_learning_counts_about_as_many_errors_as_there_are() -> None:
    predictions, truth = unseen_answers(3, apart=3.5)
    labels, wrong = flip(truth, 3)
    found = confident_learning(predictions, labels)
    assert len(set(wrong) & set(np.flatnonzero(found.likely))) >= 0.9 * FLIPPED
    assert FLIPPED * 0.8 <= found.expected_errors <= FLIPPED * 1.4
    assert (found.proposed[wrong] == truth[wrong]).mean() >= 0.9
    assert found.joint.sum() <= CROPS


def test_a_class_without_labels_neither_breaks_nor_is_proposed_for_lack_of_a_threshold() -> None:
    predictions, truth = unseen_answers(3, apart=3.0)
    labels = np.where(truth == 2, 1, truth)
    found = confident_learning(predictions, labels)
    assert not found.likely[(truth == 2)].any()


def test_a_shape_far_from_its_class_is_marked_and_the_class_it_fits_is_named() -> None:
    random = np.random.default_rng(0)
    numbers = np.concatenate([random.normal(0, 1, (40, 3)), random.normal(8, 1, (40, 3))])
    labels = np.repeat([0, 1], 40)
    labels[0] = 1
    numbers[1, 0] = np.nan
    found = unusual_shapes(numbers, labels, 2)
    assert found.marked[0]
    assert found.nearest[0] == 0
    assert found.marked[1:].sum() == 0
    few = unusual_shapes(numbers[:5], np.zeros(5, int), 2)
    assert np.isnan(few.distance).all()
    assert not few.marked.any()


# ---- in a project ---------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with project_with(tmp_path / "p") as opened:
        yield opened


def test_a_wrong_label_comes_first_says_why_and_leaves_the_queue_when_it_is_mended(
    project: Project,
) -> None:
    history = History(project)
    wrong = project.crops()[7].id
    right = project.crop(wrong).label
    run = finished_run(project, all_right)
    add_baseline(run)
    history.apply(label_crops(project, [wrong], 3 if right != 3 else 1, who="x"))
    found = label_issues(project, run)
    assert [one.crop_id for one in found.queue] == [wrong]
    first = found.queue[0]
    assert (first.proposed, first.likely) == (right, True)
    assert f"{found.names[right]} 90 %" in first.why
    assert found.checked == 60
    history.apply(label_crops(project, [wrong], right, who="x"))
    assert follow(found, project).queue == ()
    history.undo()
    assert follow(found, project).queue == found.queue
    history.apply(remove_crops([wrong]))
    assert follow(found, project).queue == ()


def test_a_crop_that_was_kept_in_review_is_not_asked_for_again(project: Project) -> None:
    wrong = project.crops()[3].id
    run = finished_run(project, all_right)
    add_baseline(run)
    History(project).apply(
        label_crops(project, [wrong], 3 if project.crop(wrong).label != 3 else 1, who="x")
    )
    found = label_issues(project, run)
    with project.transaction():
        project.put_remarks([(wrong, Remark("looks odd, is right", reviewed=True))])
    assert follow(found, project).queue == ()
    assert label_issues(project, run).queue == ()
    assert len(label_issues(project, run, reviewed_too=True).queue) == 1


def test_without_a_baseline_only_crops_that_the_network_never_learned_are_judged(
    project: Project,
) -> None:
    run = finished_run(project, all_right)
    found = label_issues(project, run)
    learned = len(run.read_dataset().split("train"))
    assert found.checked == 60 - learned
    assert "was trained on the others" in found.notes[0]


def test_a_cross_validation_judges_every_crop(project: Project) -> None:
    run = finish(freeze(project, Recipe(), folds=5), all_right)
    found = label_issues(project, run)
    assert (found.checked, found.notes) == (60, ())


def test_a_run_of_shapes_alone_judges_every_crop_out_of_its_folds(project: Project) -> None:
    run = finish(freeze(project, Recipe(preset="shape")), all_right)
    add_baseline(run)
    found = label_issues(project, run)
    assert (found.checked, found.notes) == (60, ())


def test_a_run_that_nobody_finished_has_no_suspects(project: Project) -> None:
    freeze(project, Recipe())
    with pytest.raises(ProjectError, match="no finished run"):
        label_issues(project)


def project_of_shapes(folder: Path, seed: int) -> tuple[Project, set[int]]:
    """Make a project of 600 drawn discs, squares and specks, 5 % of them labelled wrongly; return
    the wrong ones.
    """
    random = np.random.default_rng(seed)
    truth = np.arange(CROPS) % 3
    labels, wrong = flip(truth, seed)
    project = Project.create(folder, ["Disc", "Square", "Speck"])
    crops = []
    for number, (index, label) in enumerate(
        zip(truth.tolist(), labels.tolist(), strict=True), start=1
    ):
        pixels = draw_crop(index, random)
        kept = project.pixels.add(CropPixels(pixels, 0.0, 255.0))
        height, width = pixels.shape
        crops.append(Crop(number, kept, width, height, source=f"{number}.png", label=label + 1))
    History(project).apply(AddCrops(tuple(crops), who="test", how="import"))
    return project, {index + 1 for index in wrong.tolist()}


@pytest.mark.slow
def test_flipped_labels_of_real_crops_come_first_after_one_training(tmp_path: Path) -> None:
    project, wrong = project_of_shapes(tmp_path / "shapes", seed=5)
    with project:
        run = freeze(project, Recipe(preset="shape", threads=1))  # whose own answers do not count
        dataset = run.read_dataset()
        write_baseline(run, run.read_recipe(), dataset)
        alike = tuple(1 / len(dataset.classes) for _ in dataset.classes)
        predictions = [Prediction(crop.crop_id, alike) for crop in dataset.crops]
        run.write_predictions(
            dataset.classes, {crop.crop_id: crop.split for crop in dataset.crops}, predictions
        )
        found = label_issues(project, run)
    assert found.accuracy is not None
    assert found.accuracy >= 0.85, "judged against labels of which 5 % are wrong"
    assert {one.source for one in found.queue} == {FOREST}
    assert len({one.crop_id for one in found.queue[:LOOKED_AT]} & wrong) >= 0.8 * FLIPPED


def test_answers_no_better_than_chance_or_mostly_wrong_can_doubt_no_label() -> None:
    random = np.random.default_rng(3)
    labels = random.integers(0, 3, 360)
    guessed = random.dirichlet((1, 1, 1), 360)
    against = np.eye(3)[(labels + 1) % 3]
    one_class = np.tile([0.8, 0.1, 0.1], (360, 1))
    rare = (np.arange(360) % 10 == 0).astype(np.int64)
    assert not can_judge(guessed, labels)
    assert not can_judge(against, labels)
    assert not can_judge(one_class, labels)
    assert not can_judge(one_class, rare)
    assert not can_judge(np.empty((0, 3)), labels[:0])
    assert can_judge(np.eye(3)[labels], labels)
    found_some = np.where(np.arange(360) % 20 == 0, 1, 0)
    assert can_judge(np.eye(3)[found_some], rare)


def test_a_run_that_is_mostly_wrong_says_so_and_calls_no_label_wrong(project: Project) -> None:
    def wrongly(crop: DatasetCrop) -> tuple[float, ...]:
        return tuple(0.9 if i == (crop.label + 1) % 3 else 0.05 for i in range(3))

    found = label_issues(project, finish(freeze(project, Recipe(), folds=5), wrongly))
    assert not found.able
    assert found.expected_errors == 0
    assert not any(one.likely for one in found.queue)
    assert found.notes[0].startswith("Run 001 agrees with 0.0 % of 60 labels")
    assert found.to_json()["able_to_judge"] is False
