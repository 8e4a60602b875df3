"""Start the window: the application, its looks, its log, and the event loop."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from poregui.gui.base.icons import app_icon
from poregui.gui.base.messages import install_hook, log_to_file
from poregui.gui.base.preferences import Preferences
from poregui.gui.base.theme import theme
from poregui.gui.shell.main_window import MainWindow

NO_WINDOW = 2
NO_DISPLAY = (
    "No window can be opened: Qt found no usable display. Run poregui on a desktop, or use its "
    "commands: poregui --help."
)


def application() -> QApplication:
    """Return the one application, made and dressed when there is none yet."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    app.setApplicationName("poregui")
    app.setOrganizationName("poregui")
    app.setWindowIcon(app_icon())
    theme().set_mode(Preferences().mode)
    theme().apply(app)
    return app


def build_window(
    project_folder: Path | None = None, preferences: Preferences | None = None
) -> MainWindow:
    """Return the main window, on a project when one is given, without starting the event loop."""
    application()
    window = MainWindow(preferences)
    if project_folder is not None:
        window.open_project(project_folder)
    return window


@contextmanager
def _explain_missing_display() -> Iterator[None]:
    """Exit with a sentence where Qt would abort because it finds no display."""
    messages: list[str] = []

    def hear(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
        messages.append(text)
        if kind == QtMsgType.QtFatalMsg:
            sys.stderr.write(f"poregui: {NO_DISPLAY}\n")
            sys.stderr.flush()
            os._exit(NO_WINDOW)

    before = qInstallMessageHandler(hear)
    try:
        yield
    finally:
        qInstallMessageHandler(before)
        for text in messages:
            sys.stderr.write(f"{text}\n")


def main(project_folder: Path | None = None) -> int:
    """Show the window until it is closed and return the exit code."""
    with _explain_missing_display():
        app = application()
    log_to_file()
    install_hook()
    window = build_window(project_folder)
    window.show()
    return app.exec()
