"""Show what the trainer of a run wrote; changes with how a log is read."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QTextCursor
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

_LONGEST = 200_000


class LogDialog(QDialog):
    """Show the end of a log file beside the window."""

    def __init__(self, log_file: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("log_dialog")
        self.setWindowTitle(f"Log of run {log_file.parent.name}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(760, 480)
        self.text = QPlainTextEdit(_end_of(log_file))
        self.text.setObjectName("log_text")
        self.text.setAccessibleName("Log of the trainer")
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.moveCursor(QTextCursor.MoveOperation.End)
        where = QLabel(str(log_file))
        where.setProperty("muted", True)
        where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        for widget in (where, self.text, buttons):
            layout.addWidget(widget)


def _end_of(log_file: Path) -> str:
    try:
        with open(log_file, "rb") as log:
            log.seek(max(0, log_file.stat().st_size - _LONGEST))
            return log.read().decode("utf-8", "replace") or "The log is empty."
    except OSError as error:
        return f"There is no log: {error.strerror}."
