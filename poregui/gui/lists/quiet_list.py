"""Share what lists of crops and micrographs have in common: letters are keys of the page, an empty
list says why.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QListView, QWidget

from poregui.gui.base.theme import theme

_MANY = 200
"""Changed rows from which on all that is in sight is drawn again."""


class QuietList(QListView):
    """Show a sentence while nothing is listed, and choose nothing by focus or by letters."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty_text = ""
        self.setFrameShape(QListView.Shape.NoFrame)

    def set_empty_text(self, text: str) -> None:
        """Show a sentence while nothing is listed."""
        if text != self._empty_text:
            self._empty_text = text
            self.viewport().update()

    def dataChanged(self, first: QModelIndex, last: QModelIndex, roles: Sequence[int] = ()) -> None:
        """Draw the changed cells again; Qt would lay out all of them anew, though none changes its
        size.
        """
        if last.row() - first.row() > _MANY:
            self.viewport().update()
            return
        for row in range(first.row(), last.row() + 1):
            self.update(first.siblingAtRow(row))

    def keyboardSearch(self, search: str) -> None:
        """Letters are keys of the page, not the beginning of a name."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.model().rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(QColor(theme().tokens.muted))
            words = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(
                self.viewport().rect().adjusted(16, 8, -16, -8), words, self._empty_text
            )

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Take the focus without choosing anything, which Qt would do where nothing is chosen."""
        if self.currentIndex().isValid():
            super().focusInEvent(event)
        else:
            QWidget.focusInEvent(self, event)
