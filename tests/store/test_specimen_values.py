"""Hold that what is known of specimens is kept, and that older projects gain its tables."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from old_projects import project_of_version_1

from poregui.domain.attributes import Attribute
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Specimen
from poregui.store.backups import backups_of
from poregui.store.database import MIGRATIONS
from poregui.store.project import Project

POWER = Attribute(1, "Power", "number", "W")


def filled(folder: Path) -> None:
    with Project.create(folder) as project, project.transaction():
        project.put_specimens([Specimen(1, "A1")])
        project.specimen_values.put_attributes([POWER])
        project.specimen_values.put_values([(1, 1, "200.0")], who="Ada", how="hand")


def test_values_of_specimens_last_with_who_gave_them(tmp_path: Path) -> None:
    filled(tmp_path / "p")
    with Project.open(tmp_path / "p") as project:
        table = project.specimen_values
        assert (table.attributes(), table.values()) == ((POWER,), {(1, 1): "200.0"})
        with project.transaction():
            table.put_values([(1, 1, "")], who="Bo", how="undo")
        assert table.values() == {}
        assert [(e.who, e.value, e.how) for e in table.log()] == [
            ("Ada", "200.0", "hand"),
            ("Bo", "", "undo"),
        ]


def test_a_project_of_version_4_gains_the_table_and_leaves_a_backup(tmp_path: Path) -> None:
    folder = project_of_version_1(tmp_path / "old")
    with sqlite3.connect(folder / "project.db") as database:
        for version in (1, 2, 3):
            MIGRATIONS[version](database)
        database.execute("PRAGMA user_version = 4")
    database.close()
    with Project.open(folder, read_only=True) as project:
        assert project.specimen_values.attributes() == ()
    with Project.open(folder) as project:
        assert project.specimen_values.values() == {}
        assert project.crops()[0].label == 1
    backup = sqlite3.connect(backups_of(folder)[0].path)
    assert backup.execute("PRAGMA user_version").fetchone() == (4,)
    backup.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE attributes SET kind = 'odd'", "attributes cannot be read"),
        ("UPDATE specimen_values SET value = ''", "value in row 1 of specimen_values"),
        ("UPDATE specimen_values SET specimen_id = 9", "specimens that does not exist"),
    ],
)
def test_a_table_that_nobody_wrote_is_found_when_the_project_is_opened(
    tmp_path: Path, change: str, message: str
) -> None:
    filled(tmp_path / "p")
    with sqlite3.connect(tmp_path / "p" / "project.db") as database:
        database.execute(change)
    database.close()
    with pytest.raises(PoreguiError, match=message):
        Project.open(tmp_path / "p")
