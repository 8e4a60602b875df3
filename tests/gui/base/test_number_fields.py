"""Hold every number field of the window to one rule: a point or a comma, in any language."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QDialog, QWidget

import poregui.gui
from poregui.domain.wording import decimal_from
from poregui.gui.base.pieces import NumberBox, WholeNumberBox
from poregui.gui.dialogs.base import WholeNumberDialog, scale_from
from poregui.gui.dialogs.micrograph_dialogs import BarLengthDialog
from poregui.gui.label.image_panel import FrameBox, ImagePanel

GUI = Path(poregui.gui.__file__).parent
LANGUAGES = ["C", "de_DE", "fr_FR", "en_US", "ar_EG"]
OF_QT = {"QSpinBox", "QDoubleSpinBox", "QDoubleValidator", "QIntValidator", "getInt", "getDouble"}
BASE = GUI / "base" / "pieces.py"


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest):
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


def typed(box: NumberBox | WholeNumberBox, text: str) -> float:
    """Return the value of a field after a person typed over what was there."""
    if box.validate(text, len(text))[0] != QValidator.State.Invalid:
        box.lineEdit().setText(text)
    box.interpretText()
    return box.value()


def test_no_field_of_the_window_takes_numbers_by_qts_own_rule() -> None:
    found = [
        f"{path.relative_to(GUI)}:{node.lineno} {name}"
        for path in GUI.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for name in [getattr(node.func, "attr", getattr(node.func, "id", ""))]
        if name in OF_QT
    ]
    assert found == []
    derived = [
        (path, node.name)
        for path in GUI.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and OF_QT & {ast.unparse(base) for base in node.bases}
    ]
    assert derived == [(BASE, "NumberBox"), (BASE, "WholeNumberBox")]


def test_no_typed_text_becomes_a_number_by_pythons_own_rule() -> None:
    """A comma is a decimal, an underscore is none; `decimal_from` knows."""
    typed_text = re.compile(r"\.text\(\)|replace\('[.,]', '[.,]?'\)")
    found = [
        f"{path.relative_to(GUI)}:{node.lineno}"
        for path in GUI.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") in ("float", "int")
        and typed_text.search(ast.unparse(node))
    ]
    assert found == []


@pytest.mark.parametrize("text", ["12.5", "12,5", "12.5°", " 12,5 °"])
def test_the_build_direction_is_what_was_typed(qtbot, language: str, text: str) -> None:
    frame = FrameBox()
    qtbot.addWidget(frame)
    assert typed(frame.angle_box, text) == 12.5
    assert frame.angle_box.text() == "12.5°"
    assert typed(frame.angle_box, "project default") == frame.angle_box.minimum()


def test_every_field_of_the_image_panel_shows_and_takes_a_point(qtbot, language: str) -> None:
    panel = ImagePanel()
    qtbot.addWidget(panel)
    boxes = panel.findChildren(QAbstractSpinBox)
    assert len(boxes) >= 2
    assert all(isinstance(box, NumberBox | WholeNumberBox) for box in boxes)
    assert typed(panel.gamma_box, "1,5") == 1.5
    assert panel.gamma_box.text() == "1.5"


@pytest.mark.parametrize("text", ["1.234,5", "1,234.5", "1 234", "1_5", "1e5x", "--1", "१२"])
def test_marks_of_thousands_are_refused_rather_than_guessed(
    qtbot, language: str, text: str
) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        decimal_from(text)
    box = NumberBox()
    qtbot.addWidget(box)
    box.setRange(0, 1e6)
    box.setValue(7)
    assert typed(box, text) == 7


@pytest.mark.parametrize("text", ["12.5", "12,5", "1.250", "1,250", "-3"])
def test_a_whole_number_takes_neither_decimals_nor_thousands(
    qtbot, language: str, text: str
) -> None:
    box = WholeNumberBox()
    qtbot.addWidget(box)
    box.setRange(1, 100_000)
    box.setValue(20)
    assert typed(box, text) == 20
    assert typed(box, "1250") == 1250
    assert box.text() == "1250"


def test_a_field_that_may_be_negative_takes_a_sign(qtbot) -> None:
    box = NumberBox()
    qtbot.addWidget(box)
    box.setRange(-10, 10)
    assert typed(box, "-2,25") == -2.25
    assert typed(box, "200") == -2.25


@pytest.mark.parametrize("text", ["0.25", "0,25"])
def test_text_fields_take_both_signs(qtbot, language: str, text: str) -> None:
    assert scale_from(text) == 0.25
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = BarLengthDialog(100.0, parent)
    dialog.findChild(QWidget, "bar_length_edit").setText(text)
    dialog.check()
    assert dialog.um == 0.25


def test_a_whole_number_is_asked_for_by_the_same_rule(qtbot, language: str) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = WholeNumberDialog("Memory", "MB", 128, (32, 4096), parent)
    assert typed(dialog.box, "1.024") == 128
    assert typed(dialog.box, "512") == 512
    dialog.ok.click()
    assert (dialog.result(), dialog.number) == (QDialog.DialogCode.Accepted.value, 512)
