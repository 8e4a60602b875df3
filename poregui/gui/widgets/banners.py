"""Draw the bars above the pages: the read-only banner, and the notes that go away by themselves."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

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
        self._timer.start(ERROR_MS if kind == "error" else NOTE_MS)
