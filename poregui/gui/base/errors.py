"""Catch what nobody caught: errors of the world become messages, bugs of ours a dialog, both go into the log."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QStandardPaths

from poregui.domain.errors import PoreguiError
from poregui.gui.base.messages import messages


def log_to_file() -> Path | None:
    """Send the log to a rotating file in the person's own folder; return its path, or None when that is refused."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation)
    file = Path(place) / "poregui.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(file, maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True)
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
