"""Draw the rail on the left, from which pages are reached."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QToolButton, QVBoxLayout, QWidget

WIDTH = 76


class Rail(QFrame):
    """Show one button per page, driven by the actions of the window."""

    def __init__(self, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setFixedWidth(WIDTH)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 8)
        layout.setSpacing(2)
        for action in actions:
            button = QToolButton()
            button.setObjectName(f"rail_{action.text().lower()}")
            button.setAccessibleName(f"Page {action.text()}")
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setIconSize(QSize(24, 24))
            button.setFixedSize(WIDTH - 1, 64)
            layout.addWidget(button)
        layout.addStretch()
