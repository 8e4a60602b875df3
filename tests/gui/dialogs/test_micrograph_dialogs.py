"""Hold what the dialogs about micrographs give back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Micrograph
from poregui.gui.dialogs.micrograph_dialogs import BarLengthDialog, MicrographDialog

MEASURED = Micrograph(1, "a.tif", "a.tif", "", 100, 80, 8, 1, um_per_px=0.123456789)


def test_a_measured_pixel_size_keeps_its_digits_when_only_the_specimen_is_changed(
    qtbot: QtBot,
) -> None:
    dialog = MicrographDialog(MEASURED, "S1", ["S1", "S2"])
    qtbot.addWidget(dialog)
    dialog.findChild(QComboBox, "micrograph_specimen_box").setCurrentText("S2")
    dialog.ok.click()
    assert dialog.specimen == "S2"
    assert dialog.um_per_px == MEASURED.um_per_px


@pytest.mark.parametrize(("text", "value"), [("0,5", 0.5), ("", None)])
def test_a_pixel_size_that_is_changed_is_read(qtbot: QtBot, text: str, value: float | None) -> None:
    dialog = MicrographDialog(replace(MEASURED, scale_source="measured"), "", [])
    qtbot.addWidget(dialog)
    dialog.findChild(QLineEdit, "micrograph_scale_edit").setText(text)
    dialog.ok.click()
    assert dialog.um_per_px == value


@pytest.mark.parametrize(
    ("text", "unit", "um"), [("20", "µm", 20.0), ("500", "nm", 0.5), ("0,5", "mm", 500.0)]
)
def test_the_length_of_a_scale_bar_is_given_in_micrometres(
    qtbot: QtBot, text: str, unit: str, um: float
) -> None:
    dialog = BarLengthDialog(120.0)
    qtbot.addWidget(dialog)
    dialog.findChild(QLineEdit, "bar_length_edit").setText(text)
    dialog.findChild(QComboBox, "bar_unit_box").setCurrentText(unit)
    dialog.check()
    assert dialog.um == pytest.approx(um)


def test_a_scale_bar_without_a_length_is_refused(qtbot: QtBot) -> None:
    dialog = BarLengthDialog(120.0)
    qtbot.addWidget(dialog)
    with pytest.raises(PoreguiError, match="is not a length"):
        dialog.check()
