"""Hold who said what of a crop, as opinions, labels and the log tell it."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from builders import add_crops, labelled_project
from old_projects import project_of_version_1

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Opinion
from poregui.store.database import MIGRATIONS, SCHEMA_VERSION
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddOpinions
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import accept_suggestions, label_crops
from poregui.workflow.exporting.pack import pack
from poregui.workflow.importing.merge_labels import plan_merge
from poregui.workflow.rating.agreement_report import agreement_of
from poregui.workflow.rating.raters import rating_table


def opinions(project: Project, who: str, labels: dict[int, int], **more: object) -> AddOpinions:
    first = project.opinions.next_id()
    rows = [
        Opinion(first + i, crop_id, label, who, **more)  # type: ignore[arg-type]
        for i, (crop_id, label) in enumerate(labels.items())
    ]
    return AddOpinions(tuple(rows))


def test_a_project_of_the_version_before_gets_the_table_of_opinions(tmp_path: Path) -> None:
    folder = project_of_version_1(tmp_path / "old")
    with sqlite3.connect(folder / "project.db") as database:
        for version in range(1, SCHEMA_VERSION - 1):
            MIGRATIONS[version](database)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    database.close()
    with Project.open(folder) as project:
        assert project.opinions.all() == []
        assert project.crops()[0].label == 1


def test_opinions_never_touch_labels_and_are_undone_and_done_again(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "p", specimens=2, per_class=1) as project:
        labels = project.labels()
        history = History(project)
        history.apply(opinions(project, "Bea", {1: 2, 2: UNSURE}, seconds=1.5, blind=True))
        given = project.opinions.all()
        assert [(o.crop_id, o.label, o.seconds, o.blind) for o in given] == [
            (1, 2, 1.5, True),
            (2, UNSURE, 1.5, True),
        ]
        assert history.undo_text == "add 2 second opinions"
        history.undo()
        assert project.opinions.all() == []
        history.redo()
        assert project.opinions.all() == given
        assert project.labels() == labels
        assert project.opinions.next_id() == 3


def test_an_impossible_opinion_is_found_when_a_project_is_opened(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "p", specimens=2, per_class=1) as project:
        History(project).apply(opinions(project, "Bea", {1: 2}))
    with sqlite3.connect(tmp_path / "p" / "project.db") as database:
        database.execute("UPDATE opinions SET label = 77")
    database.close()
    with pytest.raises(PoreguiError, match="label in row 1 of opinions is impossible"):
        Project.open(tmp_path / "p")


def test_the_first_rating_of_a_person_counts_and_later_ones_are_repeats(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "p", specimens=2, per_class=1) as project:
        history = History(project)
        history.apply(opinions(project, "test", {1: 1, 2: 3}, blind=True))
        history.apply(opinions(project, "Bea", {1: 2, 3: NOT_A_PORE, 4: UNSURE}))
        table = rating_table(project)
        assert table.raters == ("test", "Bea", "test (again)")
        assert (table.people, dict(table.again)) == ((0, 1), {0: 2})
        assert dict(table.unsure) == {"Bea": 1}
        assert [crop.id for crop in table.disagreed()] == [1, 2, 3]
        found = agreement_of(project)
        pairs = {(pair.a, pair.b): pair.numbers for pair in found.pairs}
        assert pairs["test", "test (again)"].agreement.value == 0.5
        assert pairs["test", "Bea"].n == 2
        assert found.of_all.n == 2
        assert found.ceiling_from == "repeats"


def test_labels_that_came_by_accepting_a_suggestion_are_counted_apart(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        ids = add_crops(project, [None] * 6)
        history = History(project)
        history.apply(label_crops(project, ids[:3], 1, who="Ann"))
        history.apply(accept_suggestions(project, dict.fromkeys(ids[3:], 2), who="Ann"))
        history.apply(opinions(project, "Bea", dict.fromkeys(ids, 2)))
        table = rating_table(project)
        assert table.raters == ("Bea", "Ann", "Ann (accepted suggestions)")
        found = agreement_of(project)
        numbers = {(pair.a, pair.b): pair.numbers.agreement.value for pair in found.pairs}
        assert numbers == {("Bea", "Ann"): 0, ("Bea", "Ann (accepted suggestions)"): 1}
        assert found.of_all.agreement.value == 0
        assert any("inflate agreement" in note for note in found.notes)


def test_a_settled_label_belongs_to_nobody_and_the_one_before_counts(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        (crop_id,) = add_crops(project, [None])
        history = History(project)
        history.apply(label_crops(project, [crop_id], 1, who="Ann"))
        history.apply(opinions(project, "Bea", {crop_id: 2}))
        history.apply(label_crops(project, [crop_id], 2, who="Ann", how="settled"))
        (pair,) = agreement_of(project).pairs
        assert (pair.numbers.n, pair.numbers.agreement.value) == (1, 0)


def test_who_undid_a_label_is_not_taken_for_who_gave_it(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        (crop_id,) = add_crops(project, [None])
        History(project).apply(label_crops(project, [crop_id], 1, who="Ann"))
        history = History(project)
        history.apply(label_crops(project, [crop_id], 2, who="Bea"))
        history.undo()
        assert rating_table(project).raters == ("Ann",)


def test_merging_copies_takes_opinions_over_once_and_packing_keeps_them(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "p", specimens=2, per_class=1) as project:
        pass
    shutil.copytree(tmp_path / "p", tmp_path / "copy")
    with Project.open(tmp_path / "copy") as copy:
        History(copy).apply(opinions(copy, "Bea", {1: 2, 2: NOT_A_PORE}, session="s", seconds=2))
        pack(copy, tmp_path / "copy.zip")
    shutil.unpack_archive(tmp_path / "copy.zip", tmp_path / "unpacked")
    with (
        Project.open(tmp_path / "p") as project,
        Project.open(tmp_path / "unpacked" / "copy", read_only=True) as other,
    ):
        plan = plan_merge(project, other)
        assert plan.opinions == 2
        assert "2 second opinions to merge." in plan.lines
        assert plan.edit is not None
        History(project).apply(plan.edit, backup="before-merge")
        assert project.opinions.all() == other.opinions.all()
        assert plan_merge(project, other).edit is None
