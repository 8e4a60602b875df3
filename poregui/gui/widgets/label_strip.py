"""Offer the labels of a crop as small buttons, and what is suggested for it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.classes import NOT_A_PORE, UNSURE, PoreClass
from poregui.domain.wording import percent
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.pieces import button, keep_room, steady
from poregui.gui.base.theme import GAP

_PER_ROW = 5
_WIDTH = 42
_STATE_LINES = 2


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
        for own, shown in self.buttons.items():
            shown.setChecked(own == label)

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
        for label, pressed in self.buttons.items():
            if pressed is self.sender():
                pressed.setChecked(not pressed.isChecked())  # the crop's label says what is marked
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


class _Badge(QWidget):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.label: int | None = None
        self.marks = ClassMarks(())
        self.setFixedSize(QSize(20, 20))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.label is not None:
            self.marks.draw_suggested(QPainter(self), QRectF(1, 1, 18, 18), self.label)


class SuggestionLine(QWidget):
    """Show the suggested label with its probability and, below, how the suggestions stand; it is
    as high while it says nothing.

    `accept_requested` tells of a click on Accept.
    """

    accept_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("suggestion_line")
        self.setAccessibleName("Suggestion")
        self._badge = _Badge(self)
        self.text = QLabel(self)
        self.text.setObjectName("suggestion_words")
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.accept_button = button(
            "accept_button",
            "Accept",
            "Label the selected crops as suggested (A); Shift+A accepts all visible suggestions",
        )
        self.accept_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.accept_button.setAccessibleName("Accept suggestion")
        self.state = QLabel(self)
        self.state.setObjectName("suggestion_state")
        self.state.setProperty("muted", True)
        keep_room(self.accept_button)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self._badge)
        line.addWidget(self.text, 1)
        line.addWidget(self.accept_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        layout.addLayout(line)
        layout.addWidget(steady(_STATE_LINES, self.state))
        self.accept_button.clicked.connect(self.accept_requested)
        self.show_suggestion(None, 0.0)

    def set_marks(self, marks: ClassMarks) -> None:
        """Use the names, letters and colours of these classes."""
        self._badge.marks = marks
        self._badge.update()

    def show_suggestion(
        self, label: int | None, confidence: float, *, writable: bool = True
    ) -> None:
        """Show a label with its probability (0 to 1); None hides the line."""
        self._badge.label = label
        for widget in (self._badge, self.text, self.accept_button):
            widget.setVisible(label is not None)
        self.accept_button.setEnabled(writable)
        text = ""
        tip = ""
        if label is not None:
            text = f"{self._badge.marks.name(label)} {percent(confidence, 0)}"
            tip = f"Suggested: {text}. Not a label until you accept it."
        self.text.setText(text)
        self.text.setToolTip(tip)
        self._badge.update()

    def show_state(self, text: str, tip: str = "") -> None:
        """Say how the suggestions stand, and where the mouse rests how sure that is."""
        self.state.setText(text)
        self.state.setToolTip(tip)
