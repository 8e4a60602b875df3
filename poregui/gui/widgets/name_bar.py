"""Draw the line that asks a person's name once, above the pages; changes with how it asks."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from poregui.gui.base.theme import GAP

_WIDTH = 220


class NameBar(QFrame):
    """Ask for a name without being in the way; `named` carries it once, when the person has agreed."""

    named = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("name_bar")
        self._proposed = ""
        self._edit = QLineEdit()
        self._edit.setObjectName("name_bar_edit")
        self._edit.setAccessibleName("The name under which your labels are logged")
        self._edit.setFixedWidth(_WIDTH)
        self._edit.setMaxLength(80)
        words = QLabel("Your labels are logged under this name:")
        words.setBuddy(self._edit)
        later = QLabel("Change it later under Edit, Your name.")
        later.setProperty("muted", True)
        self._agree = QPushButton("Use this name")
        self._agree.setObjectName("name_bar_agree")
        self._agree.setAccessibleName("Use this name for my labels")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 8, 6)
        row.setSpacing(GAP)
        for widget in (words, self._edit, self._agree, later):
            row.addWidget(widget)
        row.addStretch(1)
        self._edit.returnPressed.connect(self._answer)
        self._agree.clicked.connect(self._answer)
        self.hide()

    def ask(self, proposed: str) -> None:
        """Show the line with a name to agree to; the keyboard stays where it is."""
        self._proposed = proposed
        self._edit.setText(proposed)
        self.show()

    def _answer(self) -> None:
        name = " ".join(self._edit.text().split()) or self._proposed
        self.hide()
        self.named.emit(name)
