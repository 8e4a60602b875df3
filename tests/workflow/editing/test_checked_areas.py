"""Hold that people can say where every pore has its outline, that it lasts and can be undone."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from builders import add_micrograph
from old_projects import project_of_version_1

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError
from poregui.store.backups import backups_of
from poregui.store.database import MIGRATIONS
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.micrograph_edits import add_checked_area, set_checked

CORNER = ((0.0, 0.0), (50.5, 0.0), (0.0, 40.0))


def test_a_project_of_version_3_opens_with_everything_and_leaves_a_backup(tmp_path: Path) -> None:
    folder = project_of_version_1(tmp_path / "old")
    with sqlite3.connect(folder / "project.db") as database:
        MIGRATIONS[1](database)
        MIGRATIONS[2](database)
        database.execute("PRAGMA user_version = 3")
    database.close()
    with Project.open(folder) as project:
        assert [one.checked_areas for one in project.micrographs()] == [()]
        assert project.crops()[0].label == 1
    backup = sqlite3.connect(backups_of(folder)[0].path)
    assert backup.execute("PRAGMA user_version").fetchone() == (3,)
    backup.close()


def test_checked_areas_last_and_are_undone(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        micrograph = add_micrograph(project, tmp_path / "a.png")
        history = History(project)
        history.apply(add_checked_area(micrograph, CORNER))
        (now,) = project.micrographs()
        assert (now.checked_areas, now.is_checked) == ((CORNER,), False)
        history.apply(set_checked([now]))
    with Project.open(tmp_path / "p") as project:
        (now,) = project.micrographs()
        assert now.is_checked
        assert set_checked([now]) is None
    with Project.open(tmp_path / "p") as project:
        History(project).apply(set_checked(project.micrographs(), checked=False))
        assert project.micrographs() == (micrograph,)


def test_an_area_that_is_none_is_found_when_a_project_is_opened(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        add_micrograph(project, tmp_path / "a.png")
    with sqlite3.connect(tmp_path / "p" / "project.db") as database:
        database.execute("UPDATE micrographs SET checked_areas = '[[[0, 0], [1, 1]]]'")
    database.close()
    with pytest.raises(PoreguiError, match="micrographs cannot be read"):
        Project.open(tmp_path / "p")


def test_the_command_line_marks_micrographs_as_checked_and_takes_it_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.create(tmp_path / "p") as project:
        add_micrograph(project, tmp_path / "a.png")
        add_micrograph(project, tmp_path / "b.png", seed=1)

    def checked(*options: str) -> list[bool]:
        assert main(["micrographs", str(tmp_path / "p"), *options, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["micrographs"]
        return [one["checked"] for one in found]

    assert checked("--name", "a.png", "--checked") == [True]
    assert checked() == [True, False]
    assert checked("--not-checked") == [False, False]
