"""Hold that a class is its id within a project: renaming moves words, and never a pore, a crop or a
number.
"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from builders import add_crops, labelled_project
from renaming import (
    RENAMINGS,
    Renaming,
    applied,
    as_older,
    asked,
    by_id,
    change,
    ids_by_name,
    name_all,
    project_with_named_pores,
    rename,
)

from poregui.domain.classes import NOT_A_PORE
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.store.project import Project
from poregui.workflow.applying.human_labels import class_indices
from poregui.workflow.applying.inputs import model_of_run
from poregui.workflow.applying.result_table import LEFT, REMOVED
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import (
    accept_suggestions,
    add_class,
    label_crops,
    merge_classes,
    retire_class,
)
from poregui.workflow.evaluating.compare import compare
from poregui.workflow.evaluating.evaluate import evaluation_json, review
from poregui.workflow.evaluating.label_issues import label_issues
from poregui.workflow.exporting.export_run import export_predictions, figures_of
from poregui.workflow.training.prepare_dataset import summarise

every_renaming = pytest.mark.parametrize("renaming", RENAMINGS.values(), ids=RENAMINGS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project_with_named_pores(tmp_path)


def pores(folder: Path) -> dict[tuple[str, str], tuple[int | None, str, dict[int, str]]]:
    """Return of each pore in the tables the id of its class, who named it, and its probabilities by
    id.
    """
    with Project.open(folder, read_only=True) as project:
        ids = ids_by_name(project)
    found = {}
    for file in sorted((folder.parent / "out" / "fields").glob("*/pores.csv")):
        with open(file, newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                chances = {
                    ids[head[2:-1]]: text for head, text in row.items() if head.startswith("p(")
                }
                named = ids[row["class"]] if row["class"] else None
                found[file.parent.name, row["pore"]] = named, row["source"], chances
        outlines = json.loads(file.with_name("pores.geojson").read_text(encoding="utf-8"))
        drawn = [
            one["properties"].get("classification", {}).get("name") for one in outlines["features"]
        ]
        with open(file, newline="", encoding="utf-8") as lines:
            assert drawn == [row["class"] or None for row in csv.DictReader(lines)]
    return found


@every_renaming
def test_renaming_moves_no_porosity_and_no_pore_on_the_command_line(
    folder: Path, capsys: pytest.CaptureFixture[str], renaming: Renaming
) -> None:
    before, written = applied(capsys, folder), pores(folder)
    assert [one for _, one, _ in written.values()].count("person") == 3
    change(folder, renaming)
    after = applied(capsys, folder)
    assert after["taken_up"] == 2  # nothing has to be found again for a name
    assert by_id(after) == by_id(before)
    assert after["whole"]["left"] == before["whole"]["left"] == 0
    assert pores(folder) == written
    with Project.open(folder, read_only=True) as project:
        ids = ids_by_name(project)
    assert [ids[name] for name in after["classes"]] == [1, 2, 3]
    shutil.rmtree(folder.parent / "out")
    report = folder.parent / "report.html"
    assert by_id(applied(capsys, folder, "--report", report)) == by_id(before)
    assert pores(folder) == written
    page = report.read_text(encoding="utf-8")
    assert all(name in page for name in after["classes"])


def test_swapped_names_come_back_as_they_were(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = applied(capsys, folder)
    change(folder, name_all({1: "Keyhole", 2: "Gas"}))
    applied(capsys, folder)
    change(folder, name_all({1: "Gas", 2: "Keyhole"}))
    again = applied(capsys, folder)
    assert {**again, "taken_up": 0} == {**before, "taken_up": 0}


def test_a_project_of_an_older_version_goes_by_ids_in_its_own_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    as_older(folder)
    before = applied(capsys, folder)
    change(folder, name_all({1: "Keyhole", 2: "Gas", 3: "Spatter"}))
    assert by_id(applied(capsys, folder)) == by_id(before)


def test_a_merged_class_stays_with_the_answers_of_an_old_run_and_that_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = applied(capsys, folder)
    change(folder, lambda project, apply: apply(merge_classes(project, 2, 3, who="ada")))
    after = applied(capsys, folder)
    assert after["warnings"][0].startswith(
        "The network still predicts Keyhole, archived in this project"
    )
    assert not any("archived" in text for text in before["warnings"])
    # the disc that a person called a keyhole went over with the label, what the network calls so
    # did not
    assert after["class_ids"] == [1, 2, 3]
    assert {i: n for i, (_, n) in by_id(before).items()} == {1: 3, 2: 4, 3: 3}
    assert {i: n for i, (_, n) in by_id(after).items()} == {1: 3, 2: 3, 3: 4}


def test_a_class_that_the_network_does_not_know_is_left_and_never_taken_for_one_of_its_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    applied(capsys, folder)

    def other(project: Project, apply: Any) -> None:
        rename(project, apply, 3, "Spatter")
        apply(add_class(project, "Lack of Fusion"))
        crop = next(c for c in project.crops() if c.label == 3 and c.box is not None)
        apply(label_crops(project, [crop.id], 4, who="ada"))

    change(folder, other)
    after = applied(capsys, folder)
    assert after["whole"]["left"] == 1
    assert ("field_1.png", None) in {(name, one[0]) for (name, _), one in pores(folder).items()}


# ---- reviewing and exporting ----------------------------------------------------------------


def checked(project: Project, out: Path) -> dict[str, Any]:
    """Return all that is said of a run, by the ids of classes."""
    run = project.runs()[0]
    reviewed = review(project, run)
    ids = ids_by_name(project)
    assert [ids[name] for name in reviewed.classes] == list(reviewed.class_ids)
    export_predictions(project, run, out)
    with open(out, newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    words = ("label", "label when trained", "predicted")
    doubts = label_issues(project, run)
    received = doubts.to_json()["suspects"]
    return {
        "ids": reviewed.class_ids,
        "matrix": reviewed.evaluation().matrix.tolist(),
        "rows": [[row["crop"], row["loss"], *(ids[row[word]] for word in words)] for row in rows],
        "shares": [
            {ids[h[2:]]: text for h, text in row.items() if h.startswith("p:")} for row in rows
        ],
        "recalls": {
            ids[one["class"]]: one["recall"] for one in evaluation_json(project, run)["per_class"]
        },
        "doubts": [(one.crop_id, one.label, one.proposed) for one in doubts.queue],
        "said": [(one["crop_id"], ids[one["label"]], ids[one["proposed"]]) for one in received],
        "model": model_of_run(project, run).class_ids,
    }


@every_renaming
def test_review_export_and_doubts_attribute_crops_to_the_same_class(
    folder: Path, renaming: Renaming
) -> None:
    with Project.open(folder) as project:
        before = checked(project, folder.parent / "p.csv")
        renaming(project, History(project).apply)
        assert checked(project, folder.parent / "p.csv") == before
        figures = figures_of(project, project.runs()[0])
        assert all(
            c.name in figures["confusion-matrix"]
            for c in project.classes()
            if c.id in before["ids"]
        )


def test_two_runs_are_compared_by_ids_and_the_order_of_classes_is_no_difference(
    folder: Path,
) -> None:
    from finished_runs import finished_run

    with Project.open(folder) as project:
        RENAMINGS["one is added and stands first"](project, History(project).apply)
        finished_run(project)
        first, second = project.runs()
        assert first.read_dataset().class_ids != second.read_dataset().class_ids
        found = compare(project, first, second)
        assert not any("same classes" in note for note in found.notes)
        for flip in found.flipped:
            ids = ids_by_name(project)
            assert (ids[flip.first], ids[flip.second]) == (flip.first_id, flip.second_id)


def test_an_older_project_with_one_name_twice_tells_the_two_apart(folder: Path) -> None:
    with Project.open(folder) as project:
        crops = [crop.id for crop in project.crops() if crop.label == 2]
        History(project).apply(label_crops(project, crops, None, who="ada"))
        History(project).apply(retire_class(project, 2))
        with project.transaction():  # as older versions allowed
            project._db.execute("UPDATE classes SET name = 'Gas' WHERE id = 2")
        run = project.runs()[0]
        assert review(project, run).classes == (
            "Gas (class 1)",
            "Gas (retired class 2)",
            "Lack of Fusion",
        )
        assert model_of_run(project, run).class_ids == (1, 2, 3)


def test_a_run_of_another_project_is_not_reviewed_here(folder: Path, tmp_path: Path) -> None:
    labelled_project(tmp_path / "other").close()
    shutil.copytree(folder / "runs" / "001", tmp_path / "other" / "runs" / "001")
    with Project.open(tmp_path / "other") as project:
        for look in (review, label_issues):
            with pytest.raises(ProjectError, match="Run 1 was trained in another project"):
                look(project, project.runs()[0])
        assert model_of_run(project, project.runs()[0]).class_ids == (1, 2, 3)  # by their names
        History(project).apply(retire_class_after(project, 3))
        rename(project, History(project).apply, 2, "Spatter")
        with pytest.raises(PoreguiError, match="other has no class Keyhole"):
            model_of_run(project, project.runs()[0])


def retire_class_after(project: Project, class_id: int) -> Any:
    """Return the edit that retires a class whose crops lose their labels."""
    crops = [crop.id for crop in project.crops() if crop.label == class_id]
    History(project).apply(label_crops(project, crops, None, who="ada"))
    History(project).apply(add_class(project, "Crack"))
    return retire_class(project, class_id)


@pytest.mark.soak
def test_suggestions_keep_their_classes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Project.open(folder) as project:
        add_crops(project, [None] * 4, specimen_id=1, seed=77)
    before = asked(capsys, "suggest", folder)["suggestions"]
    with Project.open(folder) as project:
        ids = ids_by_name(project)
    change(folder, name_all({1: "Keyhole", 2: "Gas", 3: "Spatter"}))
    after = asked(capsys, "suggest", folder)["suggestions"]
    with Project.open(folder) as project:
        now = ids_by_name(project)
    assert before
    assert [(one["crop"], ids[one["label"]]) for one in before] == [
        (one["crop"], now[one["label"]]) for one in after
    ]


def test_a_suggestion_of_a_class_that_was_retired_meanwhile_is_not_accepted(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        first, second, third = add_crops(project, [None, None, None])
        History(project).apply(retire_class(project, 3))
        edit = accept_suggestions(project, {first: 1, second: 3, third: NOT_A_PORE}, who="ada")
        assert {one.crop_id: one.after for one in edit.changes} == {first: 1, third: NOT_A_PORE}


def test_the_fixed_labels_stay_what_they_are() -> None:
    assert class_indices([3, 1]) == {3: 0, 1: 1, -2: LEFT, -1: REMOVED}
    assert class_indices([3, 1, NOT_A_PORE]) == {3: 0, 1: 1, -1: 2, -2: LEFT}


def test_what_is_trained_on_is_said_by_ids_too(folder: Path) -> None:
    from poregui.domain.recipe import Recipe

    with Project.open(folder) as project:
        RENAMINGS["one is added and stands first"](project, History(project).apply)
        received = summarise(project, Recipe())
        assert [ids_by_name(project)[name] for name in received.classes] == list(received.class_ids)
