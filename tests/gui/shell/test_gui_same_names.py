"""Hold that the window keeps two micrographs of one name apart, and notices when a file is another
picture now.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QLabel, QLineEdit
from pytestqt.qtbot import QtBot
from size_model import draw_discs
from two_folders import DISCS, TwoFolders, add_network, two_folders

from poregui.gui.app import build_window
from poregui.gui.base.messages import messages
from poregui.gui.shell.main_window import MainWindow
from poregui.gui.shell.micrograph_flow import NamingDialog
from poregui.store.files import file_hash
from poregui.store.project import Project
from poregui.workflow.exporting.export_kinds import export

BOTH = ["S1/image_001.png", "S2/image_001.png"]


@pytest.fixture
def two(tmp_path: Path) -> TwoFolders:
    return two_folders(tmp_path)


@pytest.fixture
def window(two: TwoFolders, qtbot: QtBot) -> MainWindow:
    return opened(two, qtbot)


def opened(two: TwoFolders, qtbot: QtBot) -> MainWindow:
    shown = build_window(two.project)
    qtbot.addWidget(shown)
    shown.show()
    shown.background.wait()
    return shown


def choose(window: MainWindow, index: int, qtbot: QtBot) -> None:
    """Choose a micrograph of the list and wait until it is shown."""
    page = window.label_page
    page.micrograph_list.setCurrentIndex(page.micrograph_list.model_rows.index(index))
    qtbot.waitUntil(
        lambda: page.canvas_title.text() == BOTH[index] and is_shown(window), timeout=20_000
    )


def is_shown(window: MainWindow) -> bool:
    return window.label_page.image_canvas.view is not None


def counts(project: Project) -> list[int]:
    return [len(project.crops(micrograph_id=one.id)) for one in project.micrographs()]


def test_both_stand_in_list_filter_and_title_with_their_folder(
    window: MainWindow, qtbot: QtBot
) -> None:
    page = window.label_page
    assert [row.name for row in page.micrograph_list.model_rows.rows] == BOTH
    choose(window, 1, qtbot)
    assert [page.micrograph_filter.itemText(k) for k in range(1, 3)] == BOTH


def test_pores_are_found_and_measured_on_each(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    session = window.session
    for index in range(2):
        choose(window, index, qtbot)
        window.label_page.find_panel.find_here_requested.emit()
        window.background.wait()
    assert counts(session.project) == [len(DISCS["S1"]), len(DISCS["S2"])]
    undo = window.session.undo_text
    assert undo == "find pores in S2/image_001.png"


def test_outlines_come_back_onto_their_own_picture(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    project = window.session.project
    for index in range(2):
        choose(window, index, qtbot)
        window.label_page.find_panel.find_here_requested.emit()
        window.background.wait()
    with project.transaction():
        project.put_labels(((crop.id, 1) for crop in project.crops()), who="ada", how="hand")
    export(project, "imagej", tmp_path / "rois")
    for _ in range(2):
        window.session.undo()
    assert counts(project) == [0, 0]
    file = tmp_path / "rois" / "S2" / "image_001.png.RoiSet.zip"
    window.workspace.importing.outlines(file)
    window.background.wait()
    assert counts(project) == [0, len(DISCS["S2"])]


def test_what_moved_is_found_in_another_folder_and_linked_in_one_step_of_undo(
    window: MainWindow, two: TwoFolders, tmp_path: Path
) -> None:
    project = window.session.project
    before = [project.micrograph_file(one) for one in project.micrographs()]
    before[0].parent.parent.rename(tmp_path / "elsewhere")
    window.workspace.importing.find_moved(tmp_path / "elsewhere")
    window.background.wait()
    after = [project.micrograph_file(one) for one in project.micrographs()]
    assert [file.relative_to(tmp_path / "elsewhere").as_posix() for file in after] == BOTH
    assert window.session.undo_text == "relink micrographs"
    window.session.undo()
    assert [project.micrograph_file(one) for one in project.micrographs()] == before


def test_both_are_applied_and_their_results_told_apart(
    two: TwoFolders, qtbot: QtBot, tmp_path: Path
) -> None:
    add_network(two, tmp_path)
    window = opened(two, qtbot)
    window.show_page(window.apply_page)
    window.background.wait()
    page = window.apply_page
    page.apply_button.click()
    window.background.wait()
    folder = two.project / "applied" / "run-001" / "fields"
    found = {Path(one["file"]).parent.name: one["pores"] for one in results(folder)}
    assert found == {"S1": 4, "S2": 9}
    groups = [page.group_box.itemText(k) for k in range(page.group_box.count())]
    assert groups == ["All", *BOTH]
    page.group_box.setCurrentIndex(2)
    key = str(two.file("S2"))
    page.choose_field(key)
    window.background.wait()
    assert page.image_title.text() == BOTH[1]


def results(folder: Path) -> list[dict]:
    return [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*/field.json"))
    ]


def said(window: MainWindow) -> str:
    return window.label_page.image_canvas._message


def test_a_replaced_picture_is_not_shown_and_can_be_accepted(two: TwoFolders, qtbot: QtBot) -> None:
    draw_discs(two.file("S2"), [50.0] * 3, seed=7)
    window = opened(two, qtbot)
    page, images = window.label_page, window.workspace.services.micrograph_images
    with qtbot.waitSignal(images.failed, timeout=20_000):
        page.micrograph_list.setCurrentIndex(page.micrograph_list.model_rows.index(1))
    assert "S2/image_001.png has changed since it was imported" in said(window)
    with qtbot.waitSignal(images.loaded, timeout=20_000):
        page.micrograph_list.accept_requested.emit(2)
        window.background.wait()
    assert window.session.project.micrographs()[1].sha256 == file_hash(two.file("S2"))
    assert is_shown(window)
    window.session.undo()
    assert window.session.project.micrographs()[1].sha256 != file_hash(two.file("S2"))


def test_a_picture_that_is_replaced_while_the_window_is_open_is_noticed_at_the_next_look(
    window: MainWindow, two: TwoFolders, qtbot: QtBot
) -> None:
    page, images = window.label_page, window.workspace.services.micrograph_images
    choose(window, 1, qtbot)
    choose(window, 0, qtbot)
    draw_discs(two.file("S2"), [50.0] * 3, seed=7)
    with qtbot.waitSignal(images.failed, timeout=20_000):
        page.micrograph_list.setCurrentIndex(page.micrograph_list.model_rows.index(1))
    assert not is_shown(window)


def test_a_large_file_is_shown_at_once_and_taken_away_when_it_proves_to_be_another_picture(
    two: TwoFolders, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from poregui.gui.services import micrograph_images

    monkeypatch.setattr(micrograph_images, "_HELD_FIRST", 0)
    draw_discs(two.file("S2"), [50.0] * 3, seed=7)
    window = opened(two, qtbot)
    page, images = window.label_page, window.workspace.services.micrograph_images
    with qtbot.waitSignals([images.loaded, images.failed], timeout=20_000, order="strict"):
        page.micrograph_list.setCurrentIndex(page.micrograph_list.model_rows.index(1))
    assert not is_shown(window)
    assert "has changed since it was imported" in said(window)


def test_a_picture_saved_anew_is_accepted_with_a_sentence(two: TwoFolders, qtbot: QtBot) -> None:
    file = two.file("S1")
    Image.open(file).save(file, compress_level=1)
    window = opened(two, qtbot)
    notes: list[str] = []
    messages().noted.connect(lambda text, _kind: notes.append(text))
    window.label_page.micrograph_list.accept_requested.emit(1)
    window.background.wait()
    assert any("S1/image_001.png is accepted as it is now." in note for note in notes)
    window.label_page.micrograph_list.accept_requested.emit(1)
    window.background.wait()
    assert any("nothing to accept" in note for note in notes)


def test_the_dialog_of_names_shows_folders_and_says_when_a_name_alone_would_make_one_specimen(
    window: MainWindow,
) -> None:
    window.actions_by_name["name_specimens"].trigger()
    dialog = window.findChild(NamingDialog)
    pattern = dialog.findChild(QLineEdit, "naming_pattern_edit")
    pattern.setText("{specimen}_*.png")
    assert [dialog.table.item(row, 0).text() for row in range(2)] == BOTH
    assert [dialog.table.item(row, 1).text() for row in range(2)] == ["", ""]
    assert (
        "images in different folders share a file name"
        in dialog.findChild(QLabel, "naming_hint").text()
    )
    pattern.setText("{specimen}/*.png")
    dialog.ok.click()
    project = window.session.project
    names = {one.id: one.name for one in project.specimens()}
    assert [names[one.specimen_id or 0] for one in project.micrographs()] == ["S1", "S2"]
