"""Build what all dialogs share: a form, number fields, a message for bad input, buttons."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.errors import PoreguiError
from poregui.domain.records import PIXEL_SIZES, is_pixel_size
from poregui.gui.base.theme import GAP, MARGIN


def scale_from(text: str) -> float | None:
    """Return µm per px from a text; None for an empty one.

    A comma and a point both separate decimals, whatever the desktop's language. Raises PoreguiError
    for anything that is no pixel size.
    """
    cleaned = text.strip().replace(",", ".")
    if not cleaned:
        return None
    try:
        value = float(cleaned)
    except ValueError as error:
        raise PoreguiError(
            f"{text!r} is not a pixel size.", "Enter µm per px, e.g. 0.42."
        ) from error
    if not is_pixel_size(value):
        raise PoreguiError(f"{text!r} is not a pixel size.", PIXEL_SIZES)
    return value


class FormDialog(QDialog):
    """Hold a form; `check` is called on OK and keeps the dialog open with its sentence when it
    raises.

    Enter accepts, Esc cancels; when it opens, the first field has the focus, and Tab leads through
    the fields to the buttons.
    """

    def __init__(self, title: str, ok_text: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(480)
        self.form = QFormLayout()
        self.form.setVerticalSpacing(GAP)
        self.form.setHorizontalSpacing(2 * GAP)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._problem = QLabel()
        self._problem.setObjectName("dialog_problem")
        self._problem.setProperty("bad", True)
        self._problem.setWordWrap(True)
        self._problem.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.ok = QPushButton(ok_text)
        self.ok.setObjectName("dialog_ok")
        self.ok.setProperty("primary", True)
        self.buttons.addButton(self.ok, QDialogButtonBox.ButtonRole.AcceptRole)
        self.ok.setDefault(True)  # counts only because the box is a child of the dialog already
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * MARGIN, 2 * MARGIN, 2 * MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addLayout(self.form)
        layout.addWidget(self._problem)
        layout.addStretch()
        layout.addWidget(self.buttons)

    def check(self) -> None:
        """Read the form. Raises PoreguiError when something in it is unfit."""

    def fields(self) -> list[QWidget]:
        """Return what can be filled in or chosen, from top to bottom."""
        return list(_focusable(self.form))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        fields = self.fields()
        if not event.spontaneous() and fields:
            for before, after in pairwise([*fields, self.ok]):
                QWidget.setTabOrder(before, after)
            fields[0].setFocus()

    def _accept(self) -> None:
        try:
            self.check()
        except PoreguiError as error:
            self._problem.setText(str(error))
            self._problem.show()
            return
        self.accept()


def _focusable(layout: QLayout) -> Iterator[QWidget]:
    for index in range(layout.count()):
        item = layout.itemAt(index)
        assert item is not None
        widget = item.widget()
        inner = item.layout()
        if widget is not None and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            yield widget
        elif widget is not None:
            inner = widget.layout()
        if inner is not None:
            yield from _focusable(inner)


def open_dialog(dialog: QDialog) -> None:
    """Open a dialog over its parent without waiting, and forget it when it is closed."""
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def hint(text: str) -> QLabel:
    """Return a muted explanation under a field."""
    label = QLabel(text)
    label.setProperty("muted", True)
    label.setWordWrap(True)
    return label
