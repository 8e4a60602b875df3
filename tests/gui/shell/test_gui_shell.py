"""Hold what the window around the pages promises: opening, refusing, undoing, dropping, keys,
themes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import add_crops, grey, labelled_project
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import (
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from poregui.domain.classes import UNSURE
from poregui.domain.events import EpochEnded, Finished
from poregui.gui.app import build_window
from poregui.gui.base.actions import ACTIONS
from poregui.gui.base.messages import BugDialog, messages
from poregui.gui.base.theme import DARK, LIGHT, theme
from poregui.gui.dialogs.base import WholeNumberDialog, scale_from
from poregui.gui.shell.main_window import MainWindow
from poregui.store.project import Project
from poregui.workflow.editing.label_edits import label_crops
from poregui.workflow.importing.images import ImportOptions

PARTS = (
    "label_page", "train_page", "review_page", "apply_page", "image_canvas", "crop_grid",
    "class_bar", "train_button", "stop_button", "loss_plot", "accuracy_plot", "confusion_matrix",
    "prediction_list", "context_view",
)  # fmt: skip


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    made = build_window(None)
    made.show()
    yield made
    made.close()
    theme().set_mode("system")
    made.deleteLater()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labelled_project(tmp_path / "pores").close()
    return tmp_path / "pores"


def text_of(window: QWidget, name: str) -> str:
    return window.findChild(QLabel, name).text()


def test_without_a_project_the_start_page_offers_the_ways_in(window: MainWindow) -> None:
    assert window.stack.currentWidget() is window.start_page
    for name in ("new_button", "open_button", "sample_button"):
        assert window.findChild(QPushButton, name).isVisible()
    assert not window.actions_by_name["import_files"].isEnabled()


def test_an_opened_project_shows_its_name_its_counts_and_that_all_is_saved(
    window: MainWindow, folder: Path
) -> None:
    window.open_project(folder)
    assert window.stack.currentWidget() is window.label_page
    assert text_of(window, "status_project") == "pores"
    assert text_of(window, "status_counts").count("20") == 3
    assert text_of(window, "status_saved") == "All changes saved"


def test_the_window_can_be_built_on_a_project_right_away(qtbot: QtBot, folder: Path) -> None:
    window = build_window(folder)
    assert window.session is not None
    for name in PARTS:
        assert window.findChild(QWidget, name) is not None, name
    window.close()
    window.deleteLater()


def test_a_project_that_cannot_be_opened_is_explained_on_the_start_page(
    window: MainWindow, folder: Path
) -> None:
    database = sqlite3.connect(folder / "project.db")
    database.execute("PRAGMA user_version = 99")
    database.commit()
    database.close()
    window.open_project(folder)
    assert "newer poregui" in text_of(window, "start_problem")
    assert window.stack.currentWidget() is window.start_page
    assert window.session is None


def test_a_damaged_project_is_explained_and_left_as_it_was(
    window: MainWindow, folder: Path
) -> None:
    (folder / "project.db").write_bytes(b"no database at all" * 200)
    window.open_project(folder)
    assert "project.db" in text_of(window, "start_problem")
    assert window.session is None
    assert (folder / "project.db").read_bytes() == b"no database at all" * 200


def test_opening_the_project_that_is_open_changes_nothing(window: MainWindow, folder: Path) -> None:
    window.open_project(folder)
    before = window.session
    window.open_project(folder / ".." / folder.name)
    assert window.session is before
    assert not window.session.project.read_only


def test_a_folder_that_is_no_project_leaves_the_open_one_alone(
    window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    window.open_project(folder)
    window.open_project(tmp_path)
    assert window.session is not None
    assert "not a poregui project" in text_of(window, "note_bar_text")


def test_a_project_that_is_open_elsewhere_opens_read_only_with_a_banner(
    window: MainWindow, folder: Path
) -> None:
    with Project.open(folder):
        window.open_project(folder)
        assert "pores is read-only" in text_of(window, "read_only_banner_text")
        assert window.findChild(QWidget, "read_only_banner").isVisible()
        assert not window.actions_by_name["import_files"].isEnabled()
        assert text_of(window, "status_saved") == "Read-only"
        window.close_project()
    assert not window.findChild(QWidget, "read_only_banner").isVisible()


def test_a_project_that_was_opened_is_among_the_recent_ones(
    window: MainWindow, folder: Path
) -> None:
    window.open_project(folder)
    window.close_project()
    recent = window.findChild(QListWidget, "recent_list")
    assert recent.item(0).data(Qt.ItemDataRole.UserRole) == folder
    recent.itemActivated.emit(recent.item(0))
    assert window.session is not None


def menu_of(window: MainWindow, title: str) -> QMenu:
    return next(menu for menu in window.findChildren(QMenu) if menu.title() == title)


def test_a_recent_project_is_opened_from_the_menu(window: MainWindow, folder: Path) -> None:
    window.open_project(folder)
    window.close_project()
    recent = menu_of(window, "Open recent")
    recent.aboutToShow.emit()
    recent.actions()[0].trigger()
    assert window.session.project.folder == folder


def test_a_crop_is_labelled_from_the_menu(window: MainWindow, folder: Path) -> None:
    window.open_project(folder)
    crop = window.workspace.label.current
    classes = menu_of(window, "Label as")
    classes.aboutToShow.emit()
    classes.actions()[2].trigger()
    assert window.session.project.crop(crop).label == 3
    window.workspace.label.choose(crop)
    window.actions_by_name["press_unsure"].trigger()
    assert window.session.project.crop(crop).label == UNSURE


def test_only_what_can_be_done_on_a_page_is_offered(window: MainWindow, folder: Path) -> None:
    offered = {name: action.isEnabled for name, action in window.actions_by_name.items()}
    assert not offered["train_start"]()
    assert not offered["press_unsure"]()
    window.open_project(folder)
    assert offered["press_unsure"]()
    assert offered["train_start"]()
    assert not offered["train_stop"]()
    assert not offered["review_newest"]()
    assert not offered["review_heat"]()
    window.show_page(window.train_page)
    assert not offered["press_unsure"]()
    assert not offered["press_delete"]()


def test_a_project_is_not_left_during_a_training_without_asking(
    window: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.open_project(folder)
    asked = []
    monkeypatch.setattr(messages(), "ask", lambda *texts: asked.append(texts[0]))
    monkeypatch.setattr(type(window.services.trainer), "running", property(lambda self: True))
    window.actions_by_name["close_project"].trigger()
    assert not window.close()
    assert window.session is not None
    assert asked == ["Training is running"] * 2
    monkeypatch.undo()


def test_the_status_bar_says_how_far_a_training_is(window: MainWindow, folder: Path) -> None:
    window.open_project(folder)
    received = EpochEnded(3, 60, 0.5, 0.8, 0.6, 0.7, 0.001, 2, 1, 10, 9.0, 90.0)
    window.services.trainer.received.emit(received)
    shown = window.findChild(QToolButton, "status_training")
    assert shown.text() == "Training: epoch 3 of 60"
    shown.click()
    assert window.stack.currentWidget() is window.train_page
    window.services.trainer.finished.emit(Finished(3, 2, 0.7, 10, 9.0))
    assert not shown.isVisible()


def test_a_window_whose_monitor_is_gone_comes_back_on_one_that_is_there(window: MainWindow) -> None:
    window.move(30_000, 20_000)
    window.preferences.save_window(window)
    again = QMainWindow()
    window.preferences.restore_window(again)
    assert again.screen().availableGeometry().intersects(again.frameGeometry())
    again.deleteLater()


def test_a_fault_of_ours_is_shown_with_its_trace_and_the_log(qtbot: QtBot, tmp_path: Path) -> None:
    dialog = BugDialog("Traceback: the reason", tmp_path / "poregui.log", None)
    qtbot.addWidget(dialog)
    assert "the reason" in dialog.findChild(QPlainTextEdit, "bug_trace").toPlainText()
    assert any("poregui.log" in label.text() for label in dialog.findChildren(QLabel))


def test_the_edit_menu_says_what_undo_takes_back(window: MainWindow, folder: Path) -> None:
    window.open_project(folder)
    session = window.session
    ids = [crop.id for crop in session.project.crops() if crop.label == 1][:7]
    session.apply(label_crops(session.project, ids, 2, who="x"))
    undo, redo = window.actions_by_name["undo"], window.actions_by_name["redo"]
    assert undo.text() == "Undo label 7 crops"
    undo.trigger()
    assert session.project.crop(ids[0]).label == 1
    assert (undo.isEnabled(), redo.text()) == (False, "Redo label 7 crops")
    redo.trigger()
    assert session.project.crop(ids[0]).label == 2


def test_the_counts_follow_every_label(window: MainWindow, folder: Path) -> None:
    window.open_project(folder)
    session = window.session
    session.apply(label_crops(session.project, [session.project.crops()[0].id], 2, who="x"))
    assert "<b>19</b>" in text_of(window, "status_counts")
    assert "<b>21</b>" in text_of(window, "status_counts")


def test_saving_says_that_all_is_saved_already(window: MainWindow, folder: Path) -> None:
    window.open_project(folder)
    window.actions_by_name["save"].trigger()
    assert "saved already" in text_of(window, "note_bar_text")


@pytest.mark.parametrize(("mode", "tokens"), [("dark", DARK), ("light", LIGHT)])
def test_a_chosen_theme_dresses_the_window_and_is_remembered(
    window: MainWindow, mode: str, tokens: object
) -> None:
    window.actions_by_name[f"theme_{mode}"].trigger()
    assert theme().tokens == tokens
    assert window.palette().window().color().name() == tokens.window
    assert window.preferences.mode == mode


def test_the_sheet_of_keys_lists_every_shortcut(window: MainWindow) -> None:
    window.actions_by_name["show_keys"].trigger()
    sheet = window.findChild(QDialog, "keys_dialog")
    shown = text_of(sheet, "keys_of_window") + text_of(sheet, "keys_of_pages")
    for spec in ACTIONS:
        if spec.shortcuts or spec.page_keys:
            assert f"<td>{spec.text.rstrip('…')}</td>" in shown
    sheet.close()


def test_pages_are_reached_by_the_keyboard(window: MainWindow, folder: Path, qtbot: QtBot) -> None:
    window.open_project(folder)
    for name, page in (("show_train", window.train_page), ("show_review", window.review_page)):
        window.actions_by_name[name].trigger()
        assert window.stack.currentWidget() is page
        assert window.actions_by_name[name].isChecked()


def write_pictures(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.fromarray(grey(number + 500)).save(folder / name)
    return folder


def test_pictures_dropped_on_an_open_project_are_imported_and_reported(
    window: MainWindow, folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    window.open_project(folder)
    images = write_pictures(tmp_path / "in", "G.1.PNG", "K.2.PNG", "LOF.3.PNG")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(images))])
    window.dropEvent(
        QDropEvent(
            QPointF(10, 10),
            Qt.DropAction.CopyAction,
            mime,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )
    dialog = next(d for d in window.findChildren(QDialog) if d.isVisible())
    dialog.findChild(QLineEdit, "import_specimen_edit").setText("S99")
    dialog.findChild(QPushButton, "dialog_ok").click()
    window.background.wait()
    assert len(window.session.project.crops()) == 63
    assert "S99" in [s.name for s in window.session.project.specimens()]
    assert window.actions_by_name["undo"].isEnabled()


def test_an_import_names_the_damaged_file_and_brings_the_others(
    window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    window.open_project(folder)
    images = write_pictures(tmp_path / "in" / "Gas", "a.png", "b.png")
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    window.workspace.importing.start(
        [tmp_path / "in"], ImportOptions(known_classes=("Gas", "Keyhole"))
    )
    window.background.wait()
    report = window.workspace.importing.report
    assert "broken.png" in report.findChild(QPlainTextEdit, "import_report").toPlainText()
    assert len(window.session.project.crops()) == 62
    report.close()


def test_bad_input_in_the_import_dialog_keeps_it_open_with_a_sentence(
    window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    window.open_project(folder)
    window.workspace.importing.ask([tmp_path])
    dialog = next(d for d in window.findChildren(QDialog) if d.isVisible())
    dialog.findChild(QLineEdit, "import_scale_edit").setText("about half")
    dialog.findChild(QPushButton, "dialog_ok").click()
    assert dialog.isVisible()
    assert "not a pixel size" in text_of(dialog, "dialog_problem")
    dialog.close()


@pytest.mark.parametrize(
    ("text", "value"), [("0,42", 0.42), ("0.1349", 0.1349), (" 1 ", 1.0), ("", None)]
)
def test_a_scale_is_read_with_comma_and_with_point(text: str, value: float | None) -> None:
    assert scale_from(text) == value


def test_a_new_project_is_made_from_the_dialog(window: MainWindow, tmp_path: Path) -> None:
    window.actions_by_name["new_project"].trigger()
    dialog = next(d for d in window.findChildren(QDialog) if d.isVisible())
    dialog.findChild(QLineEdit, "project_name_edit").setText("Größe 1")
    dialog.findChild(QLineEdit, "project_place_edit").setText(str(tmp_path))
    dialog.findChild(QLineEdit, "project_classes_edit").setText("Round, Long, Round")
    dialog.findChild(QPushButton, "dialog_ok").click()
    assert "already" in text_of(dialog, "dialog_problem")
    dialog.findChild(QLineEdit, "project_classes_edit").setText("Round, Long")
    dialog.findChild(QPushButton, "dialog_ok").click()
    assert window.session.project.folder == tmp_path / "Größe 1"
    assert [c.name for c in window.session.project.classes()] == ["Round", "Long"]


def test_classes_are_changed_in_their_dialog_and_a_refusal_is_a_sentence(
    window: MainWindow, folder: Path
) -> None:
    window.open_project(folder)
    window.actions_by_name["edit_classes"].trigger()
    dialog = window.findChild(QDialog, "classes_dialog")
    dialog.findChild(QLineEdit, "class_new_edit").setText("Crack")
    dialog.findChild(QPushButton, "class_add_button").click()
    assert [c.name for c in window.session.project.classes()][-1] == "Crack"
    dialog.findChild(QListWidget, "classes_list").setCurrentRow(0)
    dialog.findChild(QPushButton, "class_retire_button").click()
    assert "20 crops are labelled Gas" in text_of(dialog, "classes_problem")
    name = dialog.findChild(QLineEdit, "class_name_edit")
    name.setText("Bubble")
    name.editingFinished.emit()
    dialog.findChild(QPushButton, "class_down_button").click()
    assert [c.name for c in window.session.project.classes()] == [
        "Keyhole",
        "Bubble",
        "Lack of Fusion",
        "Crack",
    ]
    dialog.close()


def test_every_page_fits_into_a_small_window(window: MainWindow, folder: Path) -> None:
    window.open_project(folder)
    window.resize(1024, 700)
    for page in (window.label_page, window.train_page, window.review_page, window.apply_page):
        window.show_page(page)
        assert window.minimumSizeHint().width() <= 1024, page.objectName()
        assert window.minimumSizeHint().height() <= 614, page.objectName()


def test_an_unlabelled_project_counts_its_unlabelled_crops(
    window: MainWindow, tmp_path: Path
) -> None:
    with Project.create(tmp_path / "new") as project:
        add_crops(project, [None, None])
    window.open_project(tmp_path / "new")
    assert "2 unlabelled" in text_of(window, "status_counts")


def test_the_memory_of_tiles_is_a_preference_that_holds_at_once(window, folder):
    window.open_project(folder)
    cache = window.services.micrograph_images._tiles
    assert cache.most_bytes == 128 * 2**20
    window.actions_by_name["edit_tile_memory"].trigger()
    dialog = window.findChild(WholeNumberDialog)
    dialog.box.setValue(64)
    dialog.ok.click()
    assert window.preferences.tile_megabytes == 64
    assert cache.most_bytes == 64 * 2**20
    window.preferences._settings.setValue("tile_megabytes", "much")
    assert window.preferences.tile_megabytes == 128
