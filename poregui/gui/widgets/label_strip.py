"""Offer the labels as small buttons in rows, each with badge and key."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QGridLayout, QToolButton, QWidget

from poregui.domain.classes import NOT_A_PORE, UNSURE, PoreClass
from poregui.gui.base.class_marks import ClassMarks

_PER_ROW = 5
_WIDTH = 42


class LabelStrip(QWidget):
    """Show one button per class, *not a pore* and *unsure*; `label_requested` carries the label of
    a click.
    """

    label_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("label_strip")
        self.setAccessibleName("Label of the selected crop")
        self.buttons: dict[int, QToolButton] = {}
        self._classes: tuple[PoreClass, ...] | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        self._grid.setColumnStretch(_PER_ROW, 1)

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Make one button per class, unless they are those that are there."""
        if tuple(classes) == self._classes:
            return
        self._classes = tuple(classes)
        marks = ClassMarks(classes)
        for old in self.buttons.values():
            self._grid.removeWidget(old)
            old.hide()
            old.deleteLater()
        entries = [(c.id, c.key, f"review_label_{c.position + 1}") for c in classes]
        entries += [
            (NOT_A_PORE, "0", "review_label_not_a_pore"),
            (UNSURE, "U", "review_label_unsure"),
        ]
        self.buttons = {}
        for index, (label, key, name) in enumerate(entries):
            button = self._button(marks, label, key, name)
            self._grid.addWidget(button, index // _PER_ROW, index % _PER_ROW)
            self.buttons[label] = button

    def set_current(self, label: int | None) -> None:
        """Mark the label that the crop has."""
        for own, button in self.buttons.items():
            button.setChecked(own == label)

    def _button(self, marks: ClassMarks, label: int, key: str, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setProperty("boxed", True)
        button.setStyleSheet("QToolButton { padding: 3px 4px; }")
        button.setFixedWidth(_WIDTH)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setIcon(_badge(marks, label, self))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setText(key)
        tip = f"Label as {marks.name(label)}"
        if label < 0:
            tip = f"Label as {marks.name(label).lower()}"
        if key:
            tip = f"{tip} ({key})"
        button.setToolTip(tip)
        button.setAccessibleName(button.toolTip())
        button.clicked.connect(self._clicked)
        return button

    def _clicked(self) -> None:
        for label, button in self.buttons.items():
            if button is self.sender():
                button.setChecked(not button.isChecked())  # the crop's label says what is marked
                self.label_requested.emit(label)
                return


def _badge(marks: ClassMarks, label: int, of: QWidget) -> QIcon:
    side = round(of.fontMetrics().height() * 1.05)
    ratio = 2
    pixmap = QPixmap(QSize(side, side) * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setFont(of.font())
    marks.draw_badge(painter, 0, side, label)
    painter.end()
    return QIcon(pixmap)
