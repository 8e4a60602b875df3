"""Show what is suggested for a crop, apart from labels, with a way to accept it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from poregui.domain.wording import percent
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.pieces import button
from poregui.gui.base.theme import GAP


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
    """Show the suggested label with its probability and, below, how the suggestions stand.

    `accept_requested` tells of a click on Accept.
    """

    accept_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("suggestion_line")
        self.setAccessibleName("Suggestion")
        self._badge = _Badge(self)
        self.words = QLabel(self)
        self.words.setObjectName("suggestion_words")
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
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
        self.state.setWordWrap(True)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self._badge)
        line.addWidget(self.words, 1)
        line.addWidget(self.accept_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        layout.addLayout(line)
        layout.addWidget(self.state)
        self.accept_button.clicked.connect(self.accept_requested)
        self.show_suggestion(None, 0.0)

    def set_marks(self, marks: ClassMarks) -> None:
        """Use the names, letters and colours of these classes."""
        self._badge.marks = marks
        self._badge.update()

    def show_suggestion(self, label: int | None, sure: float, *, writable: bool = True) -> None:
        """Show a label with its probability (0 to 1); None hides the line."""
        self._badge.label = label
        for widget in (self._badge, self.words, self.accept_button):
            widget.setVisible(label is not None)
        self.accept_button.setEnabled(writable)
        text = ""
        tip = ""
        if label is not None:
            text = f"{self._badge.marks.name(label)} {percent(sure, 0)}"
            tip = f"Suggested: {text}. Not a label until you accept it."
        self.words.setText(text)
        self.words.setToolTip(tip)
        self._badge.update()

    def show_state(self, text: str, how_sure: str = "") -> None:
        """Say how the suggestions stand, and where the mouse rests how sure that is; an empty text
        takes no room.
        """
        self.state.setText(text)
        self.state.setToolTip(how_sure)
        self.state.setVisible(bool(text))
