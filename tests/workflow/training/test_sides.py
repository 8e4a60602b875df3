"""Hold the choice of test specimens to one undoable edit, in workflow, command line and window."""

from __future__ import annotations

import json

import pytest
from builders import add_crops, add_specimens, labelled_project
from finished_runs import finished_run
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from train_desk import Desk

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError, ProjectError, TrainingError
from poregui.domain.recipe import Recipe
from poregui.gui.dialogs.test_split_dialog import TestSplitDialog
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.training.prepare_dataset import freeze, summarise
from poregui.workflow.training.test_split import (
    Group,
    choose_test_split,
    groups,
    keys_of_names,
    warnings_for,
)


@pytest.fixture
def project(tmp_path):
    with labelled_project(tmp_path / "project") as made:
        yield made


def shown(project):
    return groups(project, [(row.name, row.split) for row in summarise(project, Recipe()).groups])


def split_of(project):
    return [group.name for group in shown(project) if group.tested]


def choose(project, *names):
    return choose_test_split(project, keys_of_names(shown(project), names))


def test_the_chosen_specimens_are_the_test_side_of_the_next_run(project):
    History(project).apply(choose(project, "S02", "S04"))
    assert split_of(project) == ["S02", "S04"]
    crops = freeze(project, Recipe()).read_dataset().crops
    assert {crop.group for crop in crops if crop.split == "test"} == {"specimen:2", "specimen:4"}
    assert split_of(project) == ["S02", "S04"]


def test_undo_gives_the_old_side_back_as_free_as_it_was(project):
    before, history = split_of(project), History(project)
    history.apply(choose(project, "S02", "S04"))
    assert project.meta("test_side_fixed") == "1"
    history.undo()
    assert split_of(project) == before
    assert project.test_split() == frozenset()
    assert project.meta("test_side_fixed") == ""
    history.redo()
    assert split_of(project) == ["S02", "S04"]


def test_a_side_that_leaves_nothing_to_train_on_or_to_test_is_refused(project):
    with pytest.raises(TrainingError, match="The test set would be empty"):
        choose(project)
    with pytest.raises(TrainingError, match="in the test set, none for training"):
        choose(project, "S01", "S02", "S03", "S04", "S05")


def test_a_specimen_that_does_not_exist_is_refused_with_those_that_do(project):
    with pytest.raises(PoreguiError, match=r"'S9' with labelled crops\. Choose among: S01, S02"):
        choose(project, "S9")


def test_sides_that_folders_gave_are_not_chosen_here(project):
    add_crops(project, [1, 2], given_split="test")
    with pytest.raises(ProjectError, match="folders"):
        choose(project, "S01")


def test_a_change_says_what_it_costs(project):
    assert not any(
        "used another test set" in w
        for w in warnings_for(project, choose(project, "S01"), shown(project))
    )
    finished_run(project)
    before = set(split_of(project))
    new = next(group.name for group in shown(project) if group.name not in before)
    said = warnings_for(project, choose(project, new), shown(project))
    assert "Run 1 used another test set: the results cannot be compared." in said
    assert f"Already used for training: {new}. Unseen only by networks trained from now on." in said
    assert warnings_for(project, choose(project, *before), shown(project)) == ()


def test_a_class_that_no_test_specimen_shows_is_named(project):
    (only,) = add_specimens(project, "S09")
    add_crops(project, [1] * 4, specimen_id=only.id, seed=3)
    said = warnings_for(project, choose(project, "S09"), shown(project))
    names = [c.name for c in project.classes()]
    assert f"No test crop of {names[1]} or {names[2]}: recall cannot be measured." in said


def test_the_command_line_shows_and_chooses_the_test_side(tmp_path, capsys):
    labelled_project(tmp_path / "p").close()
    assert main(["split", str(tmp_path / "p"), "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert sum(first["crops"].values()) == 60
    assert main(["split", str(tmp_path / "p"), "--test", "S03, S04", "--json"]) == 0
    received = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in received["groups"] if row["part"] == "test"] == ["S03", "S04"]
    assert received["crops"]["test"] == 24
    with Project.open(tmp_path / "p") as project:
        assert split_of(project) == ["S03", "S04"]
    assert main(["split", str(tmp_path / "p"), "--test", "nobody"]) == 2
    assert main(["split", str(tmp_path / "p")]) == 0
    assert "24 crops for test" in capsys.readouterr().out


@pytest.fixture
def desk(qtbot, project):
    made = Desk(qtbot, project, "finishes")
    yield made
    made.close()


def tick(dialog, names):
    for row in range(dialog.table.rowCount()):
        item = dialog.table.item(row, 0)
        item.setCheckState(
            Qt.CheckState.Checked if item.text() in names else Qt.CheckState.Unchecked
        )


def test_ticking_specimens_in_the_window_is_one_edit_that_can_be_undone(qtbot, desk, monkeypatch):
    before = split_of(desk.session.project)

    def accept(dialog):
        tick(dialog, ("S01", "S05"))
        dialog.ok.click()
        return dialog.result()

    monkeypatch.setattr(TestSplitDialog, "exec", accept)
    desk.page.test_split_button.click()
    assert split_of(desk.session.project) == ["S01", "S05"]
    qtbot.waitUntil(lambda: "S01" in names_below(desk, "Test"))
    desk.session.undo()
    assert split_of(desk.session.project) == before
    assert desk.session.undo_text == ""


def names_below(desk, heading):
    bars, found = desk.page.split_bars.bars(), []
    inside = False
    for bar in bars:
        inside = bar.name == heading if bar.heading else inside
        found += [bar.name] if inside and not bar.heading else []
    return found


def test_a_choice_that_cannot_be_keeps_the_dialog_open_and_says_why(qtbot, desk, monkeypatch):
    seen = []

    def look(dialog):
        tick(dialog, ())
        seen.append((dialog.ok.isEnabled(), dialog.summary.text()))
        dialog.reject()
        return dialog.result()

    monkeypatch.setattr(TestSplitDialog, "exec", look)
    desk.page.test_split_button.click()
    assert seen[0][0] is False
    assert "The test set would be empty." in seen[0][1]
    assert desk.session.undo_text == ""


@pytest.mark.parametrize(
    ("kinds", "word"),
    [
        (["specimen"], "specimen"),
        (["micrograph"], "micrograph"),
        (["source"], "source"),
        (["specimen", "source"], "group"),
    ],
)
def test_the_dialog_calls_the_groups_what_they_are(qtbot, kinds, word):
    shown = [Group(f"{kinds[i % len(kinds)]}:{i}", f"G{i}", (5, 5), i == 0) for i in range(4)]
    dialog = TestSplitDialog(shown, ("Gas", "Keyhole"), lambda keys: ())
    qtbot.addWidget(dialog)
    assert dialog.windowTitle() == f"Test {word}s"
    assert dialog.table.horizontalHeaderItem(0).text() == word.capitalize()
    assert any(f"Ticked {word}s are" in label.text() for label in dialog.findChildren(QLabel))
