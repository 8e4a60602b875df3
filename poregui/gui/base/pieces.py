"""Make the small pieces that pages are laid out with."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poregui.gui.base.theme import GAP, MARGIN


class ElidedLabel(QLabel):
    """Show one line of plain text; what does not fit is in the tooltip."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("muted", True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumSize(QSize(1, 1))

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(text)
        self._update_tip()

    def shown(self) -> str:
        """Return what can be read in the room there is."""
        return self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, self.contentsRect().width()
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the tooltip in step with what can be read."""
        super().resizeEvent(event)
        self._update_tip()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw what fits."""
        painter = QPainter(self)
        self.style().drawItemText(
            painter,
            self.contentsRect(),
            int(self.alignment()),
            self.palette(),
            self.isEnabled(),
            self.shown(),
            self.foregroundRole(),
        )

    def _update_tip(self) -> None:
        tip = ""
        if self.shown() != self.text():
            tip = self.text()
        self.setToolTip(tip)


def fill(box: QComboBox, entries: Sequence[tuple[str, object]]) -> None:
    """Offer entries (text, value) and keep the chosen value where it is still offered."""
    if [(box.itemText(i), box.itemData(i)) for i in range(box.count())] == list(entries):
        return
    kept = entries[0][1]
    if box.count():
        kept = box.currentData()
    with QSignalBlocker(box):
        box.clear()
        for text, value in entries:
            box.addItem(text, value)
        values = [value for _, value in entries]
        if kept in values:
            box.setCurrentIndex(values.index(kept))


def combo(name: str, accessible: str) -> QComboBox:
    """Return a combo box that gives way in a narrow row."""
    box = QComboBox()
    box.setObjectName(name)
    box.setAccessibleName(accessible)
    box.setToolTip(accessible)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    box.setMaximumWidth(170)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    box.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
    return box


def button(name: str, text: str, tip: str) -> QToolButton:
    """Return a small framed button."""
    made = QToolButton()
    made.setObjectName(name)
    made.setText(text)
    made.setProperty("boxed", True)
    made.setAccessibleName(tip)
    made.setToolTip(tip)
    return made


def heading(text: str, *, name: str = "", strong: bool = False) -> QLabel:
    """Return a heading, or a stronger title."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setProperty("title", strong)
    label.setProperty("heading", not strong)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def muted(name: str) -> QLabel:
    """Return a quiet label."""
    label = QLabel()
    label.setObjectName(name)
    label.setProperty("muted", True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def close_buttons(dialog: QDialog, *, on_enter: bool = True) -> QDialogButtonBox:
    """Return the Close button of a dialog; Enter presses it too, unless Enter means something else
    there.

    A default button counts only once it belongs to the dialog, so the box is made as its child.
    """
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
    box.rejected.connect(dialog.reject)
    close = box.button(QDialogButtonBox.StandardButton.Close)
    close.setAutoDefault(on_enter)
    close.setDefault(on_enter)
    return box


def panel() -> QWidget:
    """Return an area in the colour of panels."""
    made = QWidget()
    made.setProperty("panel", True)
    made.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    return made


def column(area: QWidget, spacing: int) -> QVBoxLayout:
    """Return a layout without margins on a panel."""
    layout = QVBoxLayout(area)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    return layout


def row(*widgets: QWidget | None) -> QHBoxLayout:
    """Return widgets side by side; None is the space that takes what is left."""
    layout = QHBoxLayout()
    layout.setContentsMargins(MARGIN, GAP // 2, MARGIN, GAP // 2)
    layout.setSpacing(GAP)
    for widget in widgets:
        if widget is None:
            layout.addStretch(0)
        else:
            layout.addWidget(widget)
    return layout
