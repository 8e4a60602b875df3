"""Hold the window against lost pixels: a project opens, says so, and nothing is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import labelled_project
from pytestqt.qtbot import QtBot

from poregui.gui.app import build_window
from poregui.gui.widgets.banners import Banner


@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_a_project_without_pixels_opens_and_says_so(qtbot: QtBot, tmp_path: Path, how: str) -> None:
    folder = tmp_path / "pores"
    with labelled_project(folder, specimens=2, per_class=1):
        pass
    (folder / "pixels.db").unlink()
    if how == "damaged":
        (folder / "pixels.db").write_bytes(b"words " * 2000)
    window = build_window(None)
    window.show()
    window.open_project(folder)
    assert window.session is not None
    window.background.wait()
    banner = window.findChild(Banner, "read_only_banner")
    assert banner is not None
    assert banner.isVisible()
    assert f"pixels.db is {how}" in banner.text
    assert "Labels are" in banner.text
    assert (folder / "pixels.db").exists() == (how == "damaged")
    window.close()
    window.deleteLater()
