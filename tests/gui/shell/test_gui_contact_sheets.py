"""Hold that the window prints and exports the contact sheets that the command line writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import labelled_project
from PySide6.QtPrintSupport import QPrintDialog, QPrinter
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from poregui.domain.errors import PoreguiError
from poregui.gui.app import build_window
from poregui.gui.base.messages import messages
from poregui.gui.shell.main_window import MainWindow
from poregui.store.project import Project
from poregui.workflow.reporting.contact_sheets import plan_sheets


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """Show the window with a project of 60 labelled crops."""
    labelled_project(tmp_path / "pores").close()
    made = build_window(None)
    made.show()
    made.open_project(tmp_path / "pores")
    yield made
    made.close()
    made.deleteLater()


def pages_of(pdf: Path) -> int:
    """Return how many pages a PDF has."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))


def printer_to(out: Path) -> QPrinter:
    """Return a printer that prints into a PDF."""
    printer = QPrinter()
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(out))
    return printer


def test_all_sheets_are_printed_or_those_that_were_asked_for(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    monkeypatch.setattr(messages(), "note", notes.append)
    sheets = len(plan_sheets(window.session.project))
    assert sheets > 1
    window.workspace.printing.print(printer_to(tmp_path / "all.pdf"))
    window.background.wait()
    assert pages_of(tmp_path / "all.pdf") == sheets
    some = printer_to(tmp_path / "some.pdf")
    some.setFromTo(2, 2)
    window.workspace.printing.print(some)
    window.background.wait()
    assert pages_of(tmp_path / "some.pdf") == 1
    assert notes == [f"{sheets} pages printed.", "1 page printed."]


def test_nothing_is_printed_when_a_person_thinks_better_of_it(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def decline(dialog: QPrintDialog) -> int:
        asked.append((dialog.minPage(), dialog.maxPage()))
        return int(QPrintDialog.DialogCode.Rejected)

    monkeypatch.setattr(QPrintDialog, "exec", decline)
    monkeypatch.setattr(
        window.workspace.printing, "print", lambda printer: pytest.fail("it printed")
    )
    window.actions_by_name["print_sheets"].trigger()
    assert asked == [(1, len(plan_sheets(window.session.project)))]


def test_a_project_without_labels_gets_a_sentence_and_no_dialog(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Project.create(tmp_path / "empty").close()
    window.open_project(tmp_path / "empty")
    received: list[PoreguiError] = []
    monkeypatch.setattr(messages(), "error", received.append)
    window.actions_by_name["print_sheets"].trigger()
    assert "nothing to show" in str(received[0])


@pytest.mark.parametrize(
    ("action", "proposed", "out"),
    [
        ("export_contact_sheets", "pores-contact-sheets.pdf", "sheets.pdf"),
        ("export_contact_sheets_png", "pores-export-contact-sheets-png", "sheets"),
        ("export_crops_with_bar", "pores-export-crops-with-bar", "crops"),
    ],
)
def test_the_menu_exports_pictures_to_show(
    window: MainWindow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    proposed: str,
    out: str,
) -> None:
    asked: list[str] = []

    def choose(_parent: object, _title: str, index: str, _kinds: str) -> tuple[str, str]:
        asked.append(Path(index).name)
        return str(tmp_path / out), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    window.actions_by_name[action].trigger()
    window.background.wait()
    assert asked == [proposed]
    assert (tmp_path / out).exists()
