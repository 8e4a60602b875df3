"""Count open files and memory over thousands of label keys."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from _bench_label import CLASSES, make_project, memory_mb, on_disk, wait

FEW_DESCRIPTORS = 256
"""The least that a usual system gives a program; Windows and macOS give no fewer."""
REPORT_EVERY = 1000
_MOST_LOOKED_AT = 4096
PAGES_PER_KEYS = 50
"""One page is scrolled after so many keys, so that images are loaded as they are for a person."""


def keys(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Label 5,000 of 20,000 crops by key and count descriptors, at most 256, and memory."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["XDG_CONFIG_HOME"] = str(folder / "settings")  # a person's own stay as they are
    from PySide6.QtWidgets import QApplication

    from poregui.gui.app import build_window
    from poregui.gui.base.messages import messages

    project = make_project(folder / "many", options.crops, images=options.crops)
    limit = limit_descriptors(FEW_DESCRIPTORS)
    window = build_window(project)
    errors: Counter[str] = Counter()

    def hear(text: str, kind: str) -> None:
        if kind == "error":
            errors[text] += 1

    messages().noted.connect(hear)
    window.resize(1400, 900)
    window.show()
    try:
        reports = _label(window, options.keys)
    finally:
        window.close()
        window.deleteLater()
        wait(QApplication, 0.1)
    return {
        "crops": options.crops,
        "keys": options.keys,
        "limit_of_descriptors": limit,
        "on_the_way": reports,
        "labels_on_disk": on_disk(project),
        "errors": dict(errors.most_common(3)),
    }


def _label(window: Any, count: int) -> list[dict[str, Any]]:
    """Press `count` label keys, scroll a page now and then, and return what was held on the way."""
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    grid = window.label_page.crop_grid
    wait(QApplication, 0.5)
    reports = [_held(window, 0)]
    for number in range(1, count + 1):
        QTest.keyClicks(grid, "123"[number % CLASSES])
        QApplication.processEvents()
        if number % PAGES_PER_KEYS == 0:
            _scroll_a_page(grid)
        if number % REPORT_EVERY == 0 or number == count:
            wait(QApplication, 0.5)
            reports.append(_held(window, number))
    return reports


def _scroll_a_page(grid: Any) -> None:
    from PySide6.QtWidgets import QApplication

    bar = grid.verticalScrollBar()
    here = bar.value()
    for position in (here + bar.pageStep(), here):
        bar.setValue(position)
        grid.viewport().repaint()
        wait(QApplication, 0.02)


def _held(window: Any, number: int) -> dict[str, Any]:
    """Return what is held after so many keys; images at hand are bounded, and stand apart."""
    images = window.services.thumbnails.nbytes / 2**20
    return {
        "keys": number,
        "descriptors": open_descriptors(),
        "memory_mb": memory_mb(),
        "of_that_pictures_mb": round(images, 1),
    }


def open_descriptors() -> int | None:
    """Return how many descriptors this process has open; None where they are not numbered."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sum(_is_open(number) for number in range(min(soft, _MOST_LOOKED_AT)))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def limit_descriptors(most: int) -> int | None:
    """Let this process open at most so many descriptors; return None without such a limit."""
    if sys.platform == "win32":
        return None
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most
