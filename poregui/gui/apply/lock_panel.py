"""Show beside the network whether its recipe is locked and what is fixed; changes with how a lock looks."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from poregui.gui.base import pieces
from poregui.gui.base.theme import GAP


class LockPanel(QWidget):
    """Hold a sentence and buttons; `lock_requested`, `take_requested`, `unlock_requested` say what a person wants."""

    lock_requested = Signal()
    take_requested = Signal()
    unlock_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lock_panel")
        self.setAccessibleName("Locked recipe")
        self.state = pieces.muted("lock_state")
        self.text = pieces.muted("lock_text")
        for label in (self.state, self.text):
            label.setWordWrap(True)
        self.button = pieces.button("lock_button", "Lock…", "")
        self.button.clicked.connect(self._clicked)
        self.take_button = pieces.button(
            "take_lock_button", "Take…", "Apply a recipe that was locked in another project"
        )
        self.take_button.setAccessibleName("Take a locked recipe")
        self.take_button.clicked.connect(self.take_requested)
        self._locked = False
        head = pieces.row(self.state, self.take_button, self.button)
        head.setContentsMargins(0, 0, 0, 0)
        head.setStretch(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        layout.addLayout(head)
        layout.addWidget(self.text)
        self.set_unlocked()

    def set_unlocked(self, *, may_lock: bool = False) -> None:
        """Say that nothing is locked, and offer to lock where that can be done."""
        self._locked = False
        self.take_button.setVisible(True)
        self.take_button.setEnabled(may_lock)
        self.state.setText("Not locked")
        self.text.setVisible(False)
        self.setToolTip("")
        self.button.setText("Lock…")
        self.button.setToolTip("Fix network, recipe and confidence, so that an operator runs them unchanged")
        self.button.setAccessibleName("Lock the recipe")
        self.button.setEnabled(may_lock)

    def set_locked(self, state: str, sentence: str, details: str, *, may_unlock: bool) -> None:
        """Say who locked and what is fixed; `details` appear where the mouse rests."""
        self._locked = True
        self.take_button.setVisible(False)
        self.state.setText(state)
        self.text.setText(sentence)
        self.text.setVisible(True)
        self.setToolTip(details)
        self.button.setText("Unlock…")
        self.button.setToolTip("Let network, recipe and confidence be chosen again")
        self.button.setAccessibleName("Unlock the recipe")
        self.button.setEnabled(may_unlock)

    def _clicked(self) -> None:
        (self.unlock_requested if self._locked else self.lock_requested).emit()
