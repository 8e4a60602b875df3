"""Save images of the real window's pages: python -m poregui.gui.shell.page_images PROJECT OUT
[--dark] [--size 1400x900].
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from poregui.domain.errors import PoreguiError

if TYPE_CHECKING:
    from poregui.gui.shell.main_window import MainWindow

_QUIET_S = 1.0
_PATIENCE_S = 20.0


def save_pages(window: MainWindow, out: Path) -> list[Path]:
    """Save the pages of the window's project as PNG files in a folder and return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    saved = []
    pages = {
        "label": window.label_page,
        "train": window.train_page,
        "review": window.review_page,
        "apply": window.apply_page,
    }
    for name, page in pages.items():
        window.show_page(page)
        settle(window)
        path = out / f"{name}.png"
        window.grab().save(str(path))
        saved.append(path)
    return saved


def settle(window: MainWindow, quiet_s: float = _QUIET_S) -> None:
    """Let the window work until nothing has run in the background for a while."""
    from PySide6.QtCore import QCoreApplication

    start = last_busy = time.monotonic()
    while time.monotonic() - last_busy < quiet_s and time.monotonic() - start < _PATIENCE_S:
        QCoreApplication.processEvents()
        time.sleep(0.01)
        if window.background.busy:
            last_busy = time.monotonic()


def main(argv: Sequence[str] | None = None) -> int:
    """Open a project in a window without a screen and save its pages."""
    parser = argparse.ArgumentParser(
        prog="python -m poregui.gui.shell.page_images", description=__doc__
    )
    parser.add_argument("project", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument(
        "--size", type=_size, default=(1400, 900), help="width and height in px, such as 1400x900"
    )
    args = parser.parse_args(argv)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory(prefix="poregui-pictures-") as own:
        return _save(args, Path(own) / "settings.ini")


def _save(args: argparse.Namespace, settings: Path) -> int:
    """Use settings of its own, so that no image shows what a person opened, and nobody's window
    moves.
    """
    from PySide6.QtCore import QSettings

    from poregui.gui.app import build_window
    from poregui.gui.base.preferences import Preferences
    from poregui.gui.base.theme import theme

    kept = QSettings(str(settings), QSettings.Format.IniFormat)
    preferences = Preferences(kept)
    preferences.keeps_trainer_ready = False
    preferences.annotator = "ada"
    window = build_window(None, preferences)
    try:
        theme().set_mode("dark" if args.dark else "light")
        window.resize(*args.size)
        window.show()
        settle(window, 0.1)
        args.out.mkdir(parents=True, exist_ok=True)
        window.grab().save(str(args.out / "start.png"))
        window.open_project(args.project)
        if window.workspace is None:
            raise PoreguiError(window.start_page.problem)
        save_pages(window, args.out)
    except (PoreguiError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        window.close()
        window.deleteLater()
        kept.sync()  # what is written later would make the folder anew after it was removed
    return 0


def _size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


if __name__ == "__main__":
    sys.exit(main())
