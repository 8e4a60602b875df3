"""Hold that numbers follow the labels as they are now, and that exports are
complete and harmless.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from builders import add_crops, add_specimens, labelled_project
from finished_runs import tell_finished

from poregui.domain.classes import UNSURE
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.evaluation import Prediction
from poregui.domain.recipe import Recipe
from poregui.store.files import harmless, write_json
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import (
    add_class,
    change_class,
    label_crops,
    merge_classes,
    remove_crops,
    retire_class,
)
from poregui.workflow.evaluating.evaluate import NO_TRUTH, evaluation_json, follow, review
from poregui.workflow.evaluating.newest_run import find_run
from poregui.workflow.exporting.export_labels import export_class_folders, export_csv
from poregui.workflow.training.prepare_dataset import freeze


def predicted_run(project: Project) -> RunFolder:
    """Freeze a run and answer everything rightly but the first test crop."""
    run = freeze(project, Recipe())
    dataset = run.read_dataset()
    predictions = []
    wrong = dataset.split("test")[0].crop_id
    for crop in dataset.crops:
        index = (crop.label + 1) % 3 if crop.crop_id == wrong else crop.label
        predictions.append(
            Prediction(crop.crop_id, tuple(0.8 if i == index else 0.1 for i in range(3)))
        )
    run.write_predictions(dataset.classes, {c.crop_id: c.split for c in dataset.crops}, predictions)
    tell_finished(run)
    n = len(dataset.split("test"))
    write_json(run.metrics_file, {"accuracy_as_trained": (n - 1) / n})
    return run


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with labelled_project(tmp_path / "p") as opened:
        yield opened


def test_relabelling_the_wrong_crop_raises_the_accuracy_and_keeps_what_was_said_when_trained(
    project: Project,
) -> None:
    run = predicted_run(project)
    before = review(project, run)
    (wrong,) = before.errors()
    n = before.evaluation().n
    assert before.evaluation().accuracy == pytest.approx((n - 1) / n)
    wrong_id = before.crops[wrong].crop_id
    right = before.class_ids[before.predicted[wrong]]
    edit = label_crops(project, [wrong_id], right, who="x")
    history = History(project)
    history.apply(edit)
    after = follow(before, project, [wrong_id])
    assert after.evaluation().accuracy == 1
    assert after.errors().tolist() == []
    assert (after.relabelled, after.accuracy_as_trained) == (1, pytest.approx((n - 1) / n))
    assert after.truth.tolist() == review(project, run).truth.tolist()
    history.undo()
    again = follow(after, project, [wrong_id])
    assert again.truth.tolist() == before.truth.tolist()
    assert again.exists.all()


def test_deleted_and_unsure_crops_drop_out_of_the_numbers_but_are_still_listed(
    project: Project,
) -> None:
    run = predicted_run(project)
    before = review(project, run)
    one, two = before.ids[before.in_split("test")][:2].tolist()
    history = History(project)
    history.apply(label_crops(project, [one], UNSURE, who="x"))
    history.apply(remove_crops([two]))
    after = review(project, run)
    assert after.evaluation().n == before.evaluation().n - 2
    assert after.exists[after.rows[one]]
    assert not after.exists[after.rows[two]]
    assert after.truth[[after.rows[one], after.rows[two]]].tolist() == [NO_TRUTH, NO_TRUTH]


def test_an_old_run_survives_renamed_merged_and_new_classes(project: Project) -> None:
    run = predicted_run(project)
    history = History(project)
    history.apply(change_class(project, replace(project.classes()[0], name="Bubble")))
    history.apply(merge_classes(project, 3, 2, who="x"))
    history.apply(add_class(project, "Crack"))
    found = review(project, run)
    assert found.classes == ("Bubble", "Keyhole", "Lack of Fusion")
    assert found.evaluation().per_class[2].support == 0


def test_an_old_run_survives_a_retired_class(project: Project) -> None:
    run = predicted_run(project)
    history = History(project)
    history.apply(label_crops(project, [c.id for c in project.crops() if c.label == 3], 1, who="x"))
    history.apply(retire_class(project, 3))
    assert review(project, run).classes == ("Gas", "Keyhole", "Lack of Fusion")


def test_the_evaluation_has_what_the_command_line_promises(project: Project) -> None:
    found = evaluation_json(project, predicted_run(project))
    promised = {
        "classes",
        "confusion_matrix",
        "accuracy",
        "accuracy_interval95",
        "per_class",
        "n_test",
        "accuracy_as_trained",
        "split",
    }
    assert promised <= found.keys()
    over = found["accuracy_interval_over_groups"]
    assert (over["over"], over["groups"]) == (
        "crops",
        found["n_test"],
    )  # the test side is a single specimen
    assert "are of one specimen" in over["warning"]
    assert {"precision", "recall", "f1", "recall_interval95", "support"} <= found["per_class"][
        0
    ].keys()
    assert found["split"] == {"kind": "specimen", "groups_train": 4, "groups_test": 1}
    assert sum(map(sum, found["confusion_matrix"])) == found["n_test"]


def test_asking_for_a_run_that_is_not_there_names_those_that_are(project: Project) -> None:
    with pytest.raises(ProjectError, match="no finished run"):
        find_run(project, None)
    freeze(project, Recipe())
    with pytest.raises(ProjectError, match=r"Runs of this project: 1\."):
        find_run(project, 9)


def test_a_csv_export_has_a_row_for_every_crop_with_its_label_and_side(
    project: Project, tmp_path: Path
) -> None:
    freeze(project, Recipe())
    out = tmp_path / "new" / "labels.csv"
    assert export_csv(project, out) == 60
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [row["label"] for row in rows[:3]] == ["Gas", "Keyhole", "Lack of Fusion"]
    assert {row["side"] for row in rows} == {"train", "test"}
    assert {row["how"] for row in rows} == {"import"}


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1+2", "-x", "--1", "@x", "\tx", "\r=1", "\n=1"])
def test_cells_that_a_spreadsheet_would_run_are_made_harmless(cell: str) -> None:
    assert harmless(cell) == "'" + cell
    assert harmless("S1") == "S1"


@pytest.mark.parametrize("number", [-1, -0.5, "-1", "-0.25", "-1.5e-07", "12"])
def test_negative_numbers_stay_numbers_in_a_table(number: object) -> None:
    assert harmless(number) == number


def test_class_folders_hold_every_labelled_crop_at_its_own_depth(
    project: Project, tmp_path: Path
) -> None:
    from PIL import Image

    assert export_class_folders(project, tmp_path / "out") == 60
    files = sorted((tmp_path / "out" / "Lack of Fusion").iterdir())
    assert len(files) == 20
    with Image.open(files[0]) as image:
        assert image.size == (32, 24)
    assert len((tmp_path / "out" / "manifest.csv").read_text(encoding="utf-8").splitlines()) == 61


def test_an_export_into_a_folder_with_files_is_refused_and_touches_nothing(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(PoreguiError, match="not empty"):
        export_class_folders(project, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_class_and_specimen_names_cannot_lead_outside_the_export(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", ["../../evil", "a/b"]) as project:
        (specimen,) = add_specimens(project, "../up")
        add_crops(project, [1, 2], specimen_id=specimen.id)
        export_class_folders(project, tmp_path / "deep" / "out")
    written = list(tmp_path.rglob("*.png"))
    assert len(written) == 2
    assert all((tmp_path / "deep" / "out") in p.parents for p in written)
