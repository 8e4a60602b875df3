"""Hold the numbers of a run as review, report and command line show them."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import numpy as np
import pytest
from builders import add_crops, add_specimens
from finished_runs import (
    add_baseline,
    add_features,
    all_right,
    finish,
    finished_run,
    mostly_right,
    project_with,
)

from poregui.domain.errors import ProjectError
from poregui.domain.recipe import Recipe
from poregui.domain.statistics.intervals import wilson_interval
from poregui.store.files import write_json
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops
from poregui.workflow.evaluating.cross_validation import cross_validations, pooled_beside_grouped
from poregui.workflow.evaluating.evaluate import Nearest, follow, review
from poregui.workflow.evaluating.run_statistics import curves, numbers
from poregui.workflow.evaluating.shape_baseline import (
    beside_baseline,
    distributions,
    read_baseline,
    shape_table,
)
from poregui.workflow.evaluating.test_views import log_look, unseen
from poregui.workflow.training.prepare_dataset import freeze


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with project_with(tmp_path / "p") as opened:
        yield opened


def test_the_numbers_follow_a_relabelled_crop(project: Project) -> None:
    before = review(project, finished_run(project))
    wrong = before.errors()[0]
    wrong_id = before.crops[wrong].crop_id
    right = before.class_ids[before.predicted[wrong]]
    History(project).apply(label_crops(project, [wrong_id], right, who="x"))
    after = numbers(follow(before, project, [wrong_id]))
    assert after.scores.kappa is not None
    was = numbers(before).scores.kappa
    assert was is not None
    assert after.scores.kappa > was


def test_a_test_of_one_specimen_has_the_interval_of_its_crops_and_says_so(project: Project) -> None:
    predictions = review(project, finished_run(project))
    found = predictions.interval()
    assert found is not None
    assert predictions.dataset.groups_test == 1
    counted = predictions.counted()
    right = int(predictions.right[counted].sum())
    assert (found.low, found.high) == wilson_interval(right, len(counted))
    assert "next specimen" in found.warning


def test_a_test_of_many_specimens_has_the_wider_interval_over_them(tmp_path: Path) -> None:
    with project_with(tmp_path / "many", specimens=30, per_class=1) as project:
        predictions = review(project, finished_run(project))
        found, whole = predictions.interval(), numbers(predictions)
    assert found is not None
    groups_test = predictions.dataset.groups_test
    assert (found.counts, found.groups, found.warning) == ("specimens", groups_test, "")
    crops = whole.evaluation.interval
    assert crops is not None
    assert found.low <= crops[0]
    assert set(whole.intervals) == {"balanced_accuracy", "kappa", "macro_f1"}
    low, high = whole.intervals["kappa"]
    assert whole.scores.kappa is not None
    assert low < whole.scores.kappa < high


def test_crops_of_unknown_origin_are_counted_one_by_one(tmp_path: Path) -> None:
    with Project.create(tmp_path / "loose") as project:
        add_crops(project, [1, 2, 3] * 20)
        found = review(project, finished_run(project)).interval()
    assert found is not None
    assert found.counts == "crops"
    assert found.warning == ""


def test_the_temperature_comes_from_validation_crops_and_never_from_test_crops(
    project: Project,
) -> None:
    run = freeze(project, Recipe(validation_share=0.5))
    validated = {crop.crop_id for crop in run.read_dataset().split("validation")}
    assert len(validated) >= 20
    finish(run, lambda crop: all_right(crop) if crop.crop_id in validated else mostly_right(crop))
    sharper = numbers(review(project, run)).temperature
    finish(run, lambda crop: all_right(crop))
    assert sharper == numbers(review(project, run)).temperature
    finish(run, mostly_right)
    warmer = numbers(review(project, run)).temperature
    assert sharper is not None
    assert warmer is not None
    assert warmer > sharper


def test_a_cross_validation_has_no_validation_crops_and_so_no_temperature(project: Project) -> None:
    run = finish(freeze(project, Recipe(), folds=5))
    found = numbers(review(project, run))
    assert found.temperature is None
    assert found.evaluation.n == 60


def test_every_class_has_its_curves(project: Project) -> None:
    found = curves(review(project, finished_run(project)))
    assert [one.name for one in found] == ["Gas", "Keyhole", "Lack of Fusion"]
    assert all(one.roc is not None and 0.5 < one.roc.area <= 1 for one in found)


def test_errors_are_divided_by_what_varies_and_named_as_in_the_project(tmp_path: Path) -> None:
    with project_with(tmp_path / "p", specimens=12, per_class=2) as project:
        run = finished_run(project)
        names = {f"specimen:{s.id}": s.name for s in project.specimens()}
        found = {
            one.title: one
            for one in numbers(review(project, run), "test", shape_table(run), names).breakdowns
        }
    assert set(found) == {"Specimen", "Pore size", "Background brightness"}, (
        "all crops are equally large here"
    )
    assert {share.name for share in found["Specimen"].shares} < set(names.values())


# ---- unseen ---------------------------------------------------------------------------------


def test_looks_are_counted_and_said(project: Project) -> None:
    run = finished_run(project)
    reviewed = review(project, run)
    assert unseen(project, reviewed).sentence == ""
    log_look(project, run.path.name, "ada")
    log_look(project, run.path.name, "ada")
    log_look(project, "007", "ada")
    found = unseen(project, reviewed)
    assert (found.looks, found.looks_of_all_runs, found.mended) == (2, 3, 0)
    assert found.sentence == (
        "Test results viewed 3 times, 2 times with this run; no test label changed since."
    )


def test_test_crops_relabelled_after_a_look_are_counted_and_undo_takes_them_back(
    project: Project,
) -> None:
    run = finished_run(project)
    reviewed = review(project, run)
    one, two = reviewed.ids[reviewed.in_split("test")][:2].tolist()
    trained = int(reviewed.ids[reviewed.in_split("train")][0])
    history = History(project)
    history.apply(label_crops(project, [one], 3 if project.crop(one).label != 3 else 1, who="x"))
    assert unseen(project, reviewed).mended == 0, (
        "a label that was mended before anybody looked is no peek"
    )
    time.sleep(0.002)  # the log knows milliseconds
    log_look(project, run.path.name, "ada")
    history.apply(
        label_crops(project, [two, trained], 3 if project.crop(two).label != 3 else 1, who="x")
    )
    found = unseen(project, reviewed)
    assert found.mended == 1
    assert "1 test crop relabelled since" in found.sentence
    history.undo()
    assert unseen(project, reviewed).mended == 0


def test_mending_goes_on_counting_in_the_next_run(tmp_path: Path) -> None:
    with project_with(
        tmp_path / "large", specimens=10
    ) as project:  # from 100 labelled crops on the test side is fixed
        _mends_between_two_runs(project)


def _mends_between_two_runs(project: Project) -> None:
    run = finished_run(project)
    log_look(project, run.path.name, "ada")
    predictions = review(project, run)
    tested = predictions.ids[predictions.in_split("test")].tolist()
    History(project).apply(
        label_crops(project, tested[:1], 3 if project.crop(tested[0]).label != 3 else 1, who="x")
    )
    again = review(project, finished_run(project))
    assert again.relabelled == 0
    assert unseen(project, again).mended == 1


def test_looking_into_a_project_that_may_not_be_written_changes_nothing(tmp_path: Path) -> None:
    with project_with(tmp_path / "p") as project:
        run = finished_run(project)
    with Project.open(tmp_path / "p", read_only=True) as project:
        log_look(project, run.path.name, "ada")
        assert project.looks() == []


# ---- baseline, shapes, neighbours, cross-validations ----------------------------------------


def test_the_shape_baseline_is_held_against_the_network_with_the_labels_of_now(
    project: Project,
) -> None:
    run = finished_run(project)
    assert read_baseline(run) is None
    add_baseline(run)
    baseline = read_baseline(run)
    assert baseline is not None
    assert baseline.importances[0] == ("Circularity", 0.75)
    reviewed = review(project, run)
    found = beside_baseline(reviewed, baseline)
    assert found.baseline.accuracy == 1
    assert found.pairing.only_second == len(reviewed.errors())
    assert found.pairing.only_first == 0
    first = reviewed.counted()[0]
    other = 3 if reviewed.truth[first] != 2 else 1
    History(project).apply(label_crops(project, [reviewed.crops[first].crop_id], other, who="x"))
    assert beside_baseline(review(project, run), baseline).baseline.accuracy != 1


def test_a_damaged_baseline_is_said_in_a_sentence(project: Project) -> None:
    run = finished_run(project)
    run.baseline_file.write_text('{"test": 3}')
    with pytest.raises(ProjectError, match=r"baseline\.json is damaged"):
        read_baseline(run)


@pytest.mark.parametrize("text", ["", "x\n", "crop,Area\n1,2,3\n", "crop,Area\nfirst,2\n"])
def test_damaged_shapes_are_said_in_a_sentence(project: Project, text: str) -> None:
    run = finished_run(project)
    run.shapes_file.write_text(text)
    with pytest.raises(ProjectError, match=r"shapes\.csv is damaged"):
        shape_table(run)


def test_shapes_are_measured_anew_where_a_run_kept_none(project: Project) -> None:
    run = finished_run(project)
    measured = shape_table(run)
    dataset = run.read_dataset()
    columns = [
        f"{name} ({unit})" if unit else name
        for name, unit in zip(measured.names, measured.units, strict=True)
    ]
    run.write_shapes(columns, measured.crop_ids.tolist(), measured.values)
    kept = shape_table(run)
    assert (kept.names, kept.units) == (measured.names, measured.units)
    np.testing.assert_array_equal(kept.crop_ids, [crop.crop_id for crop in dataset.crops])
    np.testing.assert_allclose(kept.values, measured.values, rtol=1e-5)
    assert kept.unit("Length") == "px"
    assert kept.of(-1) is None
    spread = distributions(kept, review(project, run), "Length")
    assert {name: len(values) for name, values in spread.items()} == {
        "Gas": 20,
        "Keyhole": 20,
        "Lack of Fusion": 20,
    }


def test_the_nearest_training_crops_are_those_with_like_features(project: Project) -> None:
    run = finished_run(project)
    assert Nearest.read(run) is None
    add_features(run)
    nearest = Nearest.read(run)
    assert nearest is not None
    crops = {crop.crop_id: crop for crop in run.read_dataset().crops}
    for crop in list(crops.values())[:10]:
        found = nearest.of(crop.crop_id, 4)
        assert len(found) == 4
        assert {crops[i].label for i, _ in found} == {crop.label}
        assert {crops[i].split for i, _ in found} == {"train"}
        assert crop.crop_id not in {i for i, _ in found}
        assert all(one[1] <= other[1] for one, other in itertools.pairwise(found))
    assert nearest.of(-1) == []
    run.write_features(np.zeros((3, 2), np.float32))
    with pytest.raises(ProjectError, match=r"features\.npy is damaged"):
        Nearest.read(run)


def test_pooled_and_grouped_cross_validations_are_set_side_by_side(project: Project) -> None:
    add_specimens(project, "spare")
    for grouped, pooled in ((False, 0.9), (True, 0.8)):
        run = finish(freeze(project, Recipe(), folds=5, grouped=grouped))
        folds = [{"accuracy": pooled + step, "n": 12} for step in (-0.05, -0.02, 0.0, 0.02, 0.05)]
        received = {
            **run.read_metrics(),
            "folds": folds,
            "pooled_accuracy": pooled,
            "mean_accuracy": pooled,
        }
        write_json(run.metrics_file, received)
    newest, older = cross_validations(project)
    assert (newest.grouped, older.grouped) == (True, False)
    assert newest.mean == pytest.approx(0.8)
    assert newest.mean_interval is not None
    assert older.mean_interval is None
    found = pooled_beside_grouped(project)
    assert found is not None
    assert found.sentence == (
        "On unseen specimens the network reaches 80.0 %; with crops of one specimen in training "
        "and test sets 90.0 %: 10.0 percentage points come from knowing the specimen."
    )
