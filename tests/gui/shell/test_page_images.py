"""Hold what the pictures of the pages show and leave alone."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import labelled_project
from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from poregui.gui.base.preferences import Preferences
from poregui.gui.base.theme import theme
from poregui.gui.shell.page_images import main as save_pictures


@pytest.fixture
def folder(qtbot: QtBot, tmp_path: Path) -> Iterator[Path]:
    labelled_project(tmp_path / "pores").close()
    yield tmp_path / "pores"
    theme().set_mode("system")


def test_pictures_of_all_pages_are_saved(folder: Path, tmp_path: Path) -> None:
    assert save_pictures([str(folder), str(tmp_path / "out"), "--dark", "--size", "1024x700"]) == 0
    pages = ("start", "label", "train", "review", "apply")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {f"{page}.png" for page in pages}
    assert QImage(str(tmp_path / "out" / "label.png")).size() == QSize(1024, 700)


def test_taking_pictures_leaves_the_recent_projects_of_a_person_alone_and_nothing_behind(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    assert save_pictures([str(folder), str(tmp_path / "out")]) == 0
    assert Preferences().recent == []
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_pictures_of_no_project_are_refused_with_a_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert save_pictures([str(tmp_path), str(tmp_path / "out")]) == 2
    assert "not a poregui project" in capsys.readouterr().err
