"""Be the one door for what the window tells a person: notes, errors, questions, bugs."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, QStandardPaths, Signal
from PySide6.QtWidgets import (
    QDialog,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.errors import PoreguiError
from poregui.gui.base import pieces
from poregui.gui.base.theme import MARGIN

_log = logging.getLogger(__name__)


class Messages(QObject):
    """Show messages over the window that is open; `noted` carries short texts for its note bar."""

    noted = Signal(str, str)
    """Text and kind: `note`, `error`."""
    linked = Signal(str, str, object)
    """Text, what its link is called, and what the link does."""

    def __init__(self) -> None:
        super().__init__()
        self._window: QWidget | None = None
        self.log_file: Path | None = None

    def set_window(self, window: QWidget | None) -> None:
        """Say over which window dialogs open."""
        self._window = window

    def note(self, text: str) -> None:
        """Show a short text that goes away by itself."""
        self.noted.emit(text, "note")

    def note_with_link(self, text: str, link: str, then: Callable[[], object]) -> None:
        """Show a short text with a button beside it; `then` is called when that is clicked."""
        self.noted.emit(text, "note")
        self.linked.emit(text, link, then)

    def error(self, error: PoreguiError) -> None:
        """Show what happened and what to do, without stopping the work."""
        _log.warning("%s", error)
        self.noted.emit(str(error), "error")

    def ask(self, title: str, text: str, yes_text: str, no_text: str) -> bool:
        """Ask before something that cannot be missed; both answers are named by what they do, and
        the safe one is the default, which Esc gives too.
        """
        box = QMessageBox(QMessageBox.Icon.Question, title, text, parent=self._window)
        yes = box.addButton(yes_text, QMessageBox.ButtonRole.AcceptRole)
        no = box.addButton(no_text, QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(no)
        box.setEscapeButton(no)
        box.exec()
        answer = box.clickedButton() is yes
        box.deleteLater()
        return answer

    def offer(self, title: str, text: str, yes_text: str, then: Callable[[], None]) -> None:
        """Ask without holding the program up; `then` is called when the answer is yes."""
        box = QMessageBox(QMessageBox.Icon.Question, "poregui", title, parent=self._window)
        box.setInformativeText(text)
        box.setObjectName("offer")
        yes = box.addButton(yes_text, QMessageBox.ButtonRole.AcceptRole)
        later = box.addButton("Not now", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(yes)
        box.setEscapeButton(later)
        box.finished.connect(box.deleteLater)
        yes.clicked.connect(then)
        box.open()

    def bug(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Show a fault of ours with its trace and where the log lies."""
        text = "".join(traceback.format_exception(kind, error, trace))
        _log.error("unexpected error\n%s", text)
        dialog = BugDialog(text, self.log_file, self._window)
        dialog.exec()
        dialog.deleteLater()


class BugDialog(QDialog):
    """Show the trace of a fault of ours."""

    def __init__(self, trace: str, log_file: Path | None, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Unexpected error")
        self.resize(720, 420)
        explained = QLabel(
            "This is an error in poregui, not yours. All changes are saved: continue, or close the "
            "window and open the project again."
        )
        explained.setWordWrap(True)
        shown = QPlainTextEdit(trace)
        shown.setReadOnly(True)
        shown.setObjectName("bug_trace")
        shown.setAccessibleName("Error trace")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * MARGIN, 2 * MARGIN, 2 * MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addWidget(explained)
        layout.addWidget(shown)
        if log_file is not None:
            where = QLabel(f"Log: {log_file}")
            where.setProperty("muted", True)
            where.setWordWrap(True)
            layout.addWidget(where)
        layout.addWidget(pieces.close_buttons(self))


_MESSAGES: list[Messages] = []


def messages() -> Messages:
    """Return the one door of this process."""
    if not _MESSAGES:
        _MESSAGES.append(Messages())
    return _MESSAGES[0]


def guarded(call: Callable[[], object]) -> None:
    """Call something and show its PoreguiError as a message."""
    try:
        call()
    except PoreguiError as error:
        messages().error(error)


def log_to_file() -> Path | None:
    """Send the log to a rotating file in the person's own folder; return its path, or None when
    that is refused.
    """
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation)
    file = Path(folder) / "poregui.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            file, maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True
        )
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("poregui")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    messages().log_file = file
    return file


def install_hook() -> None:
    """Show what nobody caught instead of printing it."""
    sys.excepthook = show


def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show an exception that reached the event loop."""
    if isinstance(error, PoreguiError):
        messages().error(error)
    elif isinstance(error, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        messages().bug(kind, error, trace)
