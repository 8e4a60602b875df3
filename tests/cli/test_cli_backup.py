"""Hold that labels are backed up, listed and restored on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders import labelled_project

from poregui.cli.main import OK, REFUSED, main
from poregui.store.backups import backups_of
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labelled_project(tmp_path / "p", specimens=1, per_class=2).close()
    return tmp_path / "p"


def said(capsys: pytest.CaptureFixture[str], *text: str | Path) -> Any:
    assert main([*map(str, text), "--json"]) == OK
    return json.loads(capsys.readouterr().out)


def test_a_backup_is_made_listed_and_restored_by_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = said(capsys, "backup", folder)
    assert (made["labels"], Path(made["backup"]).exists()) == (6, True)
    with Project.open(folder) as project:
        History(project).apply(label_crops(project, [1, 2], None, who="Ada"))
    (listed,) = said(capsys, "backup", folder, "--list")["backups"]
    assert (listed["labels"], Path(made["backup"]).name) == (6, listed["name"])
    restored = said(capsys, "backup", folder, "--restore", listed["name"])
    assert restored["labels"] == 6
    assert said(capsys, "info", folder)["labelled"] == 6
    assert main(["backup", str(folder), "--list"]) == OK
    received = capsys.readouterr().out
    assert "before another backup was restored" in received
    assert "Crop pixels (pixels.db), runs and image files are not included." in received


def test_a_damaged_project_says_how_to_restore_it_and_that_works(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "backup", folder)
    (folder / "project.db").write_bytes(b"no database at all" * 300)
    assert main(["info", str(folder)]) == REFUSED
    assert "poregui backup PROJECT --list" in capsys.readouterr().err
    restored = said(capsys, "backup", folder, "--restore", "newest")
    assert Path(restored["kept"]).read_bytes() == b"no database at all" * 300
    assert said(capsys, "info", folder)["labelled"] == 6


def test_without_a_backup_or_a_project_that_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup", str(folder), "--restore", "newest"]) == REFUSED
    assert "has no backups" in capsys.readouterr().err
    assert main(["backup", str(folder.with_name("none"))]) == REFUSED
    assert "is not a poregui project" in capsys.readouterr().err
    assert not folder.with_name("none").exists()
    (folder / "project.db").write_bytes(b"")
    assert main(["info", str(folder)]) == REFUSED
    assert "there are no backups" in capsys.readouterr().err


def test_a_backup_is_made_before_labels_are_merged_and_not_for_a_dry_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = labelled_project(folder.with_name("other"), specimens=1, per_class=2)
    with other:
        History(other).apply(label_crops(other, [1], 3, who="Bo"))
    text = ["merge-labels", str(folder), str(other.folder), "--settle", "theirs"]
    assert main([*text, "--dry-run"]) == OK
    assert backups_of(folder) == []
    assert main(text) == OK
    (one,) = backups_of(folder)
    assert one.reason == "before-merge"
    capsys.readouterr()
    said(capsys, "backup", folder, "--restore", one.name)
    with Project.open(folder, read_only=True) as project:
        assert project.labels()[1] == 1


def test_a_change_of_the_split_is_backed_up_once_a_day(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("--by-file-name", "--no-by-file-name"):
        assert main(["split", str(folder), name]) == OK
    capsys.readouterr()
    assert [one.reason for one in backups_of(folder)] == ["scheduled"]
