"""Hold the apply page and the ways in and out of the File menu: pores found, numbers that follow
the slider.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from apply_desk import add_run, apply, page_of
from builders import labelled_project
from hostile_networks import NO_PROBABILITIES, NOT_OF_THE_KIND, write
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QToolButton
from pytestqt.qtbot import QtBot
from size_model import draw_discs

from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Outline
from poregui.gui.apply.apply_page import HEADS
from poregui.gui.base.messages import messages
from poregui.gui.base.theme import theme
from poregui.gui.shell.main_window import MainWindow
from poregui.store.project import Project
from poregui.workflow.applying.study import ApplyStudy
from poregui.workflow.detecting.find_pores import RECIPE_KEY
from poregui.workflow.editing.edits import SetSetting
from poregui.workflow.editing.label_edits import label_crops
from poregui.workflow.exporting.formats.coco import write_coco
from poregui.workflow.exporting.formats.shapes import ImageShapes, PoreShape, shapes_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labelled_project(tmp_path / "pores").close()
    return tmp_path / "pores"


@pytest.fixture
def with_run(folder: Path, tmp_path: Path) -> Path:
    """Return a project with two micrographs of discs and a run whose network judges by size."""
    return add_run(folder, tmp_path)


def test_without_a_network_the_page_leads_to_training(window: MainWindow, folder: Path) -> None:
    page = page_of(window, folder)
    assert page.train_button.isVisible()
    page.train_button.click()
    assert window.stack.currentWidget() is window.train_page


def test_pores_are_found_shown_and_summed_up(window: MainWindow, with_run: Path) -> None:
    page = page_of(window, with_run)
    assert page.table.rows == ()
    apply(window)
    assert {row.name: row.cells[2] for row in page.table.rows} == {
        "Gas": "5",
        "Keyhole": "4",
        "Lack of Fusion": "1",
    }
    assert "2 micrographs processed" in page.state_text.text()
    assert "field" in page.result_note.text()
    assert page.image_title.text() == "field_0.png"
    window.background.wait()
    assert page.canvas.view is not None
    assert (with_run / "applied" / "run-001" / "fields" / "field_0.png" / "pores.csv").exists()


def test_what_was_found_is_taken_up_where_a_project_was_copied_to(
    window: MainWindow, with_run: Path, tmp_path: Path
) -> None:
    page_of(window, with_run)
    apply(window)
    window.close_project()
    copied = tmp_path / "elsewhere"
    shutil.copytree(with_run, copied / with_run.name)
    for image in tmp_path.glob("field_*.png"):
        shutil.copy(image, copied)
    page = page_of(window, copied / with_run.name)
    assert len(page.table.rows) > 0
    assert page.wanted() == []
    page.findChild(QToolButton, "apply_tick_all").click()
    apply(window)
    assert "2 had been processed before" in page.state_text.text()


def test_after_a_network_that_is_none_or_answers_nonsense_the_next_one_is_applied(
    window: MainWindow, with_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_of(window, with_run)
    with Project.open(with_run, read_only=True) as project:
        (run,) = project.runs()
    good = run.onnx_file.read_bytes(), run.sidecar_file.read_bytes()
    errors: list[PoreguiError] = []
    monkeypatch.setattr(messages(), "error", errors.append)
    write(run.path, NOT_OF_THE_KIND["an endless loop"])
    apply(window)
    assert "model.onnx" in errors[0].what
    write(run.path, NO_PROBABILITIES["logits"])
    apply(window)
    assert "values that are not probabilities" in page.state_text.text()
    assert page.apply_button.isEnabled()
    run.onnx_file.write_bytes(good[0])
    run.sidecar_file.write_bytes(good[1])
    apply(window)
    assert "2 micrographs processed" in page.state_text.text()
    assert len(errors) == 1


def test_a_fault_of_ours_does_not_leave_the_page_waiting(
    window: MainWindow, with_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*asked: object, **more: object) -> None:
        raise RuntimeError("a fault")

    faults: list[BaseException] = []
    page = page_of(window, with_run)
    monkeypatch.setattr("poregui.workflow.applying.study.apply_all", fail)
    monkeypatch.setattr("sys.excepthook", lambda kind, fault, trace: faults.append(fault))
    apply(window)
    assert [str(fault) for fault in faults] == ["a fault"]
    assert page.apply_button.isVisible()
    assert not page.cancel_button.isVisible()
    monkeypatch.undo()
    apply(window)
    assert "2 micrographs processed" in page.state_text.text()


def test_pores_that_were_found_again_in_another_way_are_drawn(
    window: MainWindow, with_run: Path
) -> None:
    page = page_of(window, with_run)
    apply(window)
    before = page.image_detail.text()
    recipe = json.dumps(DetectionRecipe(smallest=60.0).to_json())
    window.session.apply(SetSetting(RECIPE_KEY, "", recipe))
    apply(window)
    assert page.image_detail.text() != before
    assert page.canvas.view is not None


def test_labels_are_looked_at_once_the_page_is_in_sight(
    window: MainWindow, with_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_of(window, with_run)
    apply(window)
    taken = []
    take = ApplyStudy.with_labels
    monkeypatch.setattr(ApplyStudy, "with_labels", lambda *asked: taken.append(1) or take(*asked))
    window.show_page(window.label_page)
    project = window.session.project
    for crop in project.crops()[:3]:
        window.session.apply(label_crops(project, [crop.id], None, who="ada"))
    window.background.wait()
    assert taken == []
    window.show_page(page)
    window.background.wait()
    assert taken == [1]


def test_the_sizes_of_each_class_are_drawn_for_the_confidence_and_the_theme_of_now(
    window: MainWindow, with_run: Path
) -> None:
    page = page_of(window, with_run)
    assert page.sizes_button.isHidden()
    apply(window)
    page.sizes_button.click()
    assert page.size_view.isVisible()
    assert page.table.isHidden()
    assert page.result_note.isHidden()
    svg = page.size_view.svg()
    drawn = [
        int(count) for count in re.findall(r"Gas \((\d+)\)|Keyhole \((\d+)\)", svg)[0] if count
    ]
    assert drawn == [int(page.table.rows[0].cells[2])]
    mode = theme().mode
    theme().set_mode("light" if theme().dark else "dark")
    assert page.size_view.svg() != svg
    theme().set_mode(mode)
    assert not page.size_view.grab().toImage().isNull()
    page.confidence_slider.setValue(99)
    assert page.size_view.svg() != svg
    page.sizes_button.click()
    assert page.table.isVisible()
    assert page.size_view.isHidden()


def test_a_long_note_scrolls_instead_of_lying_over_the_table(
    window: MainWindow, with_run: Path, qtbot: QtBot
) -> None:
    page = page_of(window, with_run)
    window.resize(1024, 700)
    apply(window)
    page.set_numbers("5 % pores", HEADS, page.table.rows, "A remark that goes on and on. " * 30)
    qtbot.wait(50)
    assert not page.table.geometry().intersects(page.result_note.geometry())
    assert page.result_note.height() >= page.result_note.heightForWidth(page.result_note.width())


def test_the_slider_leaves_doubtful_pores_to_a_person_and_says_what_that_costs(
    window: MainWindow, with_run: Path
) -> None:
    page = page_of(window, with_run)
    apply(window)
    assert "No threshold: 12 of 12 test crops classified" in page.confidence_text.text()
    page.confidence_slider.setValue(90)
    assert page.table.rows[-1].name == "Unclassified"
    assert page.table.rows[-1].cells[2] == "1"
    assert "90 %" in page.confidence_text.text()
    page.confidence_slider.setValue(0)
    assert len(page.table.rows) == 3


def test_the_report_is_written_as_pdf_and_as_html_for_the_confidence_that_is_set(
    window: MainWindow, with_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_of(window, with_run)
    assert not page.report_button.isVisible()
    apply(window)
    page.confidence_slider.setValue(90)
    for name in ("report", "report.html"):
        chosen = (str(tmp_path / name), "PDF (*.pdf)")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, chosen=chosen: chosen)
        page.report_button.click()
        window.background.wait()
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Pores below the minimum confidence of 90 % (1 pore, " in text


def test_results_are_there_again_when_the_project_is_reopened(
    window: MainWindow, with_run: Path
) -> None:
    page = page_of(window, with_run)
    apply(window)
    before = page.table.rows
    window.close_project()
    assert page.table.rows == ()
    page = page_of(window, with_run)
    assert page.table.rows == before
    assert page.wanted() == []
    page.findChild(QToolButton, "apply_tick_all").click()
    apply(window)
    assert "2 had been processed before" in page.state_text.text()


def test_only_ticked_micrographs_are_worked_on_and_files_can_be_added(
    window: MainWindow, with_run: Path, tmp_path: Path
) -> None:
    page = page_of(window, with_run)
    draw_discs(tmp_path / "other.png", [90.0])
    window.workspace.apply.add([tmp_path / "other.png"])
    assert page.fields_count.text() == "3 of 3"
    page.field_list.item(0).setCheckState(Qt.CheckState.Unchecked)
    page.field_list.item(1).setCheckState(Qt.CheckState.Unchecked)
    assert page.fields_count.text() == "1 of 3"
    apply(window)
    assert [row.cells[2] for row in page.table.rows] == ["0", "0", "1"]
    page.field_list.item(2).setCheckState(Qt.CheckState.Unchecked)
    assert not page.apply_button.isEnabled()


def test_a_micrograph_that_vanished_is_said_and_the_others_are_done(
    window: MainWindow, with_run: Path, tmp_path: Path
) -> None:
    page = page_of(window, with_run)
    (tmp_path / "field_1.png").unlink()
    apply(window)
    assert "1 could not be processed: field_1.png" in page.state_text.text()
    assert page.table.rows[0].cells[2] == "4"


def test_a_folder_without_pictures_is_refused_with_a_sentence(
    window: MainWindow, with_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_of(window, with_run)
    received: list[PoreguiError] = []
    monkeypatch.setattr(messages(), "error", received.append)
    (tmp_path / "empty").mkdir()
    window.workspace.apply.add([tmp_path / "empty"])
    assert "There is no image" in str(received[0])


def test_labels_are_exported_in_the_background(
    window: MainWindow, folder: Path, tmp_path: Path
) -> None:
    window.open_project(folder)
    window.workspace.exporting.export("csv", tmp_path / "labels.csv")
    window.workspace.exporting.export("class-folders", tmp_path / "crops")
    window.background.wait()
    assert len((tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()) == 61
    assert len(list((tmp_path / "crops").rglob("*.png"))) == 60


def test_outlines_are_imported_and_exported_from_the_window(
    window: MainWindow, with_run: Path, tmp_path: Path
) -> None:
    window.open_project(with_run)
    (micrograph, _) = window.session.project.micrographs()
    box = np.array([[100.0, 100.0], [140.0, 100.0], [120.0, 150.0]], np.float32)
    outline = Outline.of(box)
    shape = PoreShape(1, outline.bounds, outline, "Gas")
    write_coco([ImageShapes(micrograph.name, 600, 600, None, (shape,))], tmp_path / "in.json")
    window.workspace.importing.outlines(tmp_path / "in.json")
    window.background.wait()
    (image,) = shapes_of(window.session.project)
    assert image.shapes[0].outline == outline
    window.workspace.exporting.export("coco", tmp_path / "out.json")
    window.background.wait()
    assert len(json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["annotations"]) == 1
    window.session.undo()
    assert not window.session.project.outlines()
