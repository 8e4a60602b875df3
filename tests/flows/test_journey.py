"""Walk the whole way in the real window: new project, import, crop, label, train, review, relabel,
apply, export.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from poregui.domain.geometry import Box
from poregui.domain.records import Micrograph
from poregui.gui.app import build_window
from poregui.gui.base.theme import theme
from poregui.gui.plots.confusion_matrix import EVERYTHING, Cell
from poregui.gui.shell.main_window import MainWindow
from poregui.gui.shell.page_images import save_pages, settle
from poregui.store.project import Project
from poregui.vision.synthetic import SyntheticMicrograph, draw_specimen
from poregui.workflow.importing.images import ImportOptions

PICTURES = Path(__file__).resolve().parents[2] / "build" / "screenshots"
"""Where the pages are saved; the README's pictures are chosen from there."""
KEYS = {"Gas": "1", "Keyhole": "2", "Lack of Fusion": "3"}
EACH = 5
LEFT, PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
TRAINING_MS = 240_000


@pytest.fixture
def drawn(tmp_path: Path) -> dict[str, SyntheticMicrograph]:
    (tmp_path / "micrographs").mkdir()
    fields = {}
    for number in range(201, 206):
        counts = dict.fromkeys(KEYS, EACH)
        for field in draw_specimen(number, seed=3, fields=1, counts=counts):
            Image.fromarray(field.image).save(tmp_path / "micrographs" / field.name)
            fields[field.name] = field
    return fields


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    made = build_window(None)
    theme().set_mode("light")
    made.resize(1400, 900)
    made.show()
    made.enter(Project.create(tmp_path / "journey"))
    yield made
    made.close()
    theme().set_mode("system")
    made.deleteLater()


def split(window: QWidget, kind: type, name: str):
    found = window.findChild(kind, name)
    assert found is not None, name
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_person_gets_from_micrographs_to_a_network_and_mends_a_label(
    window: MainWindow, drawn: dict[str, SyntheticMicrograph], qtbot: QtBot, tmp_path: Path
) -> None:
    import_micrographs(window, tmp_path / "micrographs")
    project = window.session.project
    assert len(project.micrographs()) == 5
    for micrograph in project.micrographs():
        crop_and_label(window, qtbot, micrograph, drawn[micrograph.name])
    assert project.label_counts() == {1: 5 * EACH, 2: 5 * EACH, 3: 5 * EACH}

    run = train(window, qtbot)
    assert run.predictions_file.exists()
    assert run.onnx_file.exists()

    review_and_relabel(window, qtbot)
    apply(window)
    window.workspace.exporting.export("csv", tmp_path / "labels.csv")
    window.background.wait()
    assert len((tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()) == 1 + 15 * EACH
    for mode in ("light", "dark"):
        theme().set_mode(mode)
        assert all(path.stat().st_size > 5_000 for path in save_pages(window, PICTURES / mode))


def import_micrographs(window: MainWindow, folder: Path) -> None:
    options = ImportOptions(kind="micrographs", specimen_pattern=r"^(S\d+)_", um_per_px=0.5)
    window.workspace.importing.start([folder], options)
    window.background.wait()
    if window.workspace.importing.report is not None:
        window.workspace.importing.report.close()
    assert {m.um_per_px for m in window.session.project.micrographs()} == {0.5}
    assert len(window.session.project.specimens()) == 5


def crop_and_label(
    window: MainWindow, qtbot: QtBot, micrograph: Micrograph, truth: SyntheticMicrograph
) -> None:
    """Draw a box around every pore with the mouse and press the key of its class."""
    canvas, grid = window.label_page.image_canvas, window.label_page.crop_grid
    listed = window.label_page.micrograph_list
    listed.scrollTo(row := listed.model().index(listed.model().position(micrograph.id), 0))
    QTest.mouseClick(listed.viewport(), LEFT, PLAIN, listed.visualRect(row).center())
    qtbot.waitUntil(
        lambda: (
            canvas.view is not None
            and window.services.micrograph_images.get(micrograph) is not None
        )
    )
    qtbot.waitUntil(lambda: window.label_page.canvas_title.text() == micrograph.name)
    settle(window, 0.1)
    for pore in truth.pores:
        window.workspace.label.choose(None)  # a drag inside the chosen crop would move it
        before = {crop.id for crop in window.session.project.crops()}
        drag(canvas, pore.crop_box)
        (new,) = [crop for crop in window.session.project.crops() if crop.id not in before]
        assert new.box.overlap(pore.crop_box) > 0.8
        QTest.keyClick(grid, KEYS[pore.class_name])
        assert window.session.project.crop(new.id).label == int(KEYS[pore.class_name])


def drag(canvas: QWidget, box: Box) -> None:
    """Draw a box with the mouse."""

    def at(x: int, y: int) -> QPoint:
        return canvas.view.to_screen(Box(x, y, 1, 1)).center().toPoint()

    start, end = at(box.x, box.y), at(box.right - 1, box.bottom - 1)
    QTest.mousePress(canvas, LEFT, PLAIN, start)
    QTest.mouseMove(canvas, (start + end) / 2)
    QTest.mouseMove(canvas, end)
    QTest.mouseRelease(canvas, LEFT, PLAIN, end)


def apply(window: MainWindow) -> None:
    """Let the new network find and sort the pores of all five micrographs."""
    window.actions_by_name["show_apply"].trigger()
    split(window, QPushButton, "apply_button").click()
    window.background.wait()
    page = window.apply_page
    assert "5 micrographs processed" in page.state_text.text()
    assert sum(int(row.cells[2]) for row in page.table.rows) > 12 * EACH
    assert "over 5 specimens" in page.result_note.text()


def train(window: MainWindow, qtbot: QtBot):
    window.actions_by_name["show_train"].trigger()
    split(window, QSpinBox, "recipe_epochs").setValue(4)
    button = split(window, QPushButton, "train_button")
    qtbot.waitUntil(button.isEnabled)
    with qtbot.waitSignal(window.services.trainer.finished, timeout=TRAINING_MS):
        QTest.mouseClick(button, LEFT)
        assert window.services.trainer.running
    settle(window, 0.3)
    (run,) = window.session.project.runs()
    return run


def review_and_relabel(window: MainWindow, qtbot: QtBot) -> None:
    """Choose a cell of the matrix, give one of its crops another label, and take that back."""
    window.show_run(1)
    page, project = window.review_page, window.session.project
    matrix, predictions = split(window, QWidget, "confusion_matrix"), page.prediction_list
    qtbot.waitUntil(lambda: matrix.count(EVERYTHING) > 0, timeout=10_000)
    assert "95 % CI" in page.column.headline.text()
    cell = next(c for c in (Cell(r, p) for r in range(3) for p in range(3)) if matrix.count(c))
    QTest.mouseClick(
        matrix, LEFT, PLAIN, matrix.cell_rect(cell.row, cell.column).center().toPoint()
    )
    shown = matrix.count(cell)
    assert len(predictions.ids()) == shown
    chosen = predictions.ids()[0]
    predictions.choose(chosen)
    label = project.crop(chosen).label
    QTest.keyClick(predictions, str(label % 3 + 1))
    assert project.crop(chosen).label == label % 3 + 1
    assert matrix.count(cell) == shown - 1
    window.actions_by_name["undo"].trigger()
    assert project.crop(chosen).label == label
    assert matrix.count(cell) == shown
