"""Hold what a run is taken away as: report as HTML and PDF, figures as SVG and PNG, predictions,
heat maps in lists.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import labelled_project
from PySide6.QtCore import QSize, QSizeF
from PySide6.QtGui import QImage, QTextDocument
from PySide6.QtWidgets import QFileDialog
from review_desk import ReviewDesk, make_run, review_desks
from size_model import write_size_model

from poregui.domain.errors import PoreguiError
from poregui.gui.base.messages import messages
from poregui.gui.review import heat_maps
from poregui.gui.services.printing import drawn, heading_alone, laid_out
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.inputs import model_of_file
from poregui.workflow.editing.label_edits import change_class
from poregui.workflow.evaluating.predict import ScaledCrop

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" '
    'height="20"><rect width="40" '
    'height="20" fill="#ff0000"/></svg>'
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return labelled_project(tmp_path / "pores")


@pytest.fixture
def open_desk(qtbot) -> Iterator[Callable[[Project], ReviewDesk]]:
    with review_desks(qtbot) as build:
        yield build


@pytest.fixture
def desk(project, open_desk) -> ReviewDesk:
    make_run(project)
    return open_desk(project)


def take(desk: ReviewDesk, name: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(out))
    desk.page.column.export_requested.emit(name)
    desk.background.wait()


def test_the_report_is_written_as_html_with_names_that_stay_text(
    desk: ReviewDesk, tmp_path: Path, monkeypatch
) -> None:
    named = replace(desk.project.classes()[0], name="<b>Gas</b>")
    desk.session.apply(change_class(desk.project, named))
    take(desk, "export_report", tmp_path / "report.html", monkeypatch)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Gas&lt;/b&gt;" in text
    assert "<b>Gas</b>" not in text
    assert "report.html" in desk.notes[-1]


def test_the_report_is_printed_as_pdf_of_a_few_pages(
    desk: ReviewDesk, tmp_path: Path, monkeypatch
) -> None:
    take(desk, "export_report_pdf", tmp_path / "report.pdf", monkeypatch)
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert 2 <= content.count(b"/Type /Page\n") <= 8


def test_predictions_are_written_as_csv(desk: ReviewDesk, tmp_path: Path, monkeypatch) -> None:
    take(desk, "export_predictions", tmp_path / "answers.csv", monkeypatch)
    with open(tmp_path / "answers.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(desk.presenter.predictions)
    assert {"crop", "label", "predicted"} <= set(rows[0])


def test_matrix_and_curves_are_written_as_svg_and_as_sharper_png(
    desk: ReviewDesk, tmp_path: Path, monkeypatch
) -> None:
    for name in ("export_figures_svg", "export_figures_png"):
        take(desk, name, tmp_path, monkeypatch)
    for stem in ("confusion-matrix", "roc", "precision-recall", "calibration"):
        assert (tmp_path / f"run-001-{stem}.svg").read_text(encoding="utf-8").startswith("<svg")
        assert QImage(str(tmp_path / f"run-001-{stem}.png")).width() > 600


def test_the_network_is_taken_away_with_its_card_and_can_be_applied(
    desk: ReviewDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write_size_model(tmp_path / "network")
    run = desk.project.runs()[0]
    run.onnx_file.write_bytes(model.read_bytes())
    run.sidecar_file.write_bytes(model.with_suffix(".json").read_bytes())
    take(desk, "export_model", tmp_path / "out", monkeypatch)
    assert "model card" in desk.notes[-1]
    assert (tmp_path / "out" / "MODEL_CARD.md").exists()
    counted = model_of_file(tmp_path / "out" / "model.onnx").confusion.sum()
    assert counted == len(run.read_dataset().split("test"))


def test_a_place_that_cannot_be_written_is_told_and_a_dialog_that_is_closed_writes_nothing(
    desk: ReviewDesk, tmp_path: Path, monkeypatch
) -> None:
    received: list[PoreguiError] = []
    monkeypatch.setattr(messages(), "error", received.append)
    (tmp_path / "file").touch()
    take(desk, "export_predictions", tmp_path / "file" / "answers.csv", monkeypatch)
    assert len(received) == 1
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    desk.page.column.export_requested.emit("export_report")
    desk.background.wait()
    assert sorted(tmp_path.iterdir()) == before


def test_a_drawing_is_three_times_as_sharp_and_nonsense_is_refused(qapp) -> None:
    image = drawn(SVG, 80)
    assert image.size() == QSize(240, 120)
    assert image.pixelColor(120, 60).name() == "#ff0000"
    with pytest.raises(PoreguiError, match="cannot be read"):
        drawn("nonsense")


def test_a_heading_never_stands_alone_at_the_end_of_a_page(qapp) -> None:
    alone = 0
    for lines in range(12, 28):
        text = (
            "<p>text</p>" * lines
            + "<h2>One</h2><p>more</p>"
            + "<p>text</p>" * lines
            + "<h2>Two</h2><p>end</p>"
        )
        plain = QTextDocument()
        plain.setPageSize(QSizeF(600, 600))
        plain.setHtml(text)
        alone += heading_alone(plain) is not None
        assert heading_alone(laid_out(text, QSizeF(600, 600))) is None
    assert alone > 0


class HalfPredictor:
    """Answer that the left half of every crop speaks for all classes."""

    def __init__(self, _run: RunFolder, *, threads: int = 0) -> None:
        self.threads = threads

    def activation_maps(self, crop: ScaledCrop) -> np.ndarray:
        height, width = crop.pixels.array.shape[:2]
        maps = np.zeros((3, height, width), np.float32)
        maps[:, :, : width // 2] = 1
        return maps


def test_the_pictures_of_a_list_carry_heat_maps_while_they_are_wanted(
    project, open_desk, monkeypatch, qtbot
) -> None:
    monkeypatch.setattr(heat_maps, "Predictor", HalfPredictor)
    run = make_run(project)
    for file in (run.onnx_file, run.sidecar_file):
        file.touch()
    desk = open_desk(project)
    first = desk.listed()[0]
    image = desk.presenter._grid_heat.image
    qtbot.waitUntil(lambda: image(first) is not None)
    plain = image(first)
    desk.page.crops.grid_heat_button.click()
    qtbot.waitUntil(lambda: image(first) != plain)
    warm = image(first)
    assert warm.pixelColor(2, 10) != plain.convertToFormat(warm.format()).pixelColor(2, 10)
    assert warm.pixelColor(28, 10) == plain.convertToFormat(warm.format()).pixelColor(28, 10)
    desk.background.wait()
    desk.page.crops.grid_heat_button.click()
    assert image(first) == plain


def test_lists_of_a_run_without_a_network_offer_no_heat_maps(project, open_desk) -> None:
    make_run(project, folds=5)
    desk = open_desk(project)
    assert not desk.page.crops.grid_heat_button.isEnabled()
