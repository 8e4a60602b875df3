"""Draw the bars above the pages: read-only, notes, and the question for a name."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from poregui.gui.base.theme import GAP

NOTE_MS = 6_000
ERROR_MS = 20_000


class Banner(QFrame):
    """Show one sentence across the window until it is hidden."""

    def __init__(self, name: str, parent: QWidget | None = None, *, closable: bool = False) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 8, 6)
        self._text = QLabel()
        self._text.setObjectName(f"{name}_text")
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self._text, 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        if closable:
            close = QToolButton()
            close.setText("✕")
            close.setAutoRaise(True)
            close.setObjectName(f"{name}_close")
            close.setAccessibleName("Close this message")
            close.clicked.connect(self.hide)
            row.addWidget(close)
        self.hide()

    @property
    def text(self) -> str:
        """Return what is shown."""
        return self._text.text()

    def show_text(self, text: str, kind: str = "note") -> None:
        """Show a sentence for as long as `hide` is not called."""
        self._text.setText(text)
        self._text.setProperty("bad", kind == "error")
        self._text.style().unpolish(self._text)
        self._text.style().polish(self._text)
        self.show()

    def show_for_a_while(self, text: str, kind: str) -> None:
        """Show a sentence that goes away by itself, errors later than notes."""
        self.show_text(text, kind)
        if kind == "error":
            self._timer.start(ERROR_MS)
        else:
            self._timer.start(NOTE_MS)


_WIDTH = 220


class NameBar(QFrame):
    """Ask for a name without being in the way; `named` carries it once, when
    the person has agreed.
    """

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
        question = QLabel("Your labels are logged under this name:")
        question.setBuddy(self._edit)
        later = QLabel("You can change it later in Edit > Your name.")
        later.setProperty("muted", True)
        self._agree = QPushButton("Use this name")
        self._agree.setObjectName("name_bar_agree")
        self._agree.setAccessibleName("Use this name for my labels")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 8, 6)
        row.setSpacing(GAP)
        for widget in (question, self._edit, self._agree, later):
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
