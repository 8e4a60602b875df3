"""Measure the label page in a project of 100,000 crops."""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

IMAGES, MICROGRAPHS, CLASSES = 2000, 500, 3
PAGE_STEP = 120


def label(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Time opening, keys, scrolling and one step of 10,000 labels in a project of 100,000 crops,
    with its memory.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["XDG_CONFIG_HOME"] = str(
        folder / "settings"
    )  # the window's settings of a person stay as they are
    from PySide6.QtWidgets import QApplication

    from poregui.gui.app import build_window

    project = make_project(folder / "many", options.crops)
    window = build_window(None)
    window.resize(1400, 900)
    window.show()
    app = QApplication.instance()
    assert app is not None
    app.processEvents()
    before = memory_mb()
    began = time.perf_counter()
    window.open_project(project)
    window.label_page.crop_grid.viewport().repaint()
    opened = time.perf_counter() - began
    app.processEvents()
    settled = time.perf_counter() - began
    functions = functions_of_a_key(window.label_page.crop_grid, "1")
    keys = _keys(window, app, options.keys, project)
    wait(app, 1.0)
    stored = on_disk(project)
    found = {
        "load_before": _load(),
        "crops": options.crops,
        "open_s": round(opened, 2),
        "open_and_idle_s": round(settled, 2),
        "key_to_next_painted_ms": _spread(keys["painted"]),
        "of_that_own_processor_time_ms": _spread(keys["processor"]),
        "one_fsync_in_that_folder_ms": _spread(keys["fsync"]),
        "labels_on_disk": stored == options.keys + 1,
        "functions_of_a_key": functions,
        "scroll_frame_ms": _spread(_scroll(window, app)),
        "scroll_frame_at_one_scale_ms": _spread(_scroll_at_one_scale(window, app)),
        "key_in_unlabelled_only_ms": _spread(
            _unlabelled_only(window, app, options.keys // 3, project)["painted"]
        ),
        **_one_step(window, app, options.selected),
        "memory_mb": {"empty_window": before, "at_the_end": memory_mb()},
    }
    window.close()
    window.deleteLater()
    wait(app, 0.1)
    return found


def make_project(folder: Path, count: int, images: int = IMAGES) -> Path:
    """Write a project of `count` crops of so many different images, without labels, on
    micrographs that are gone.
    """
    from poregui.domain.geometry import Box
    from poregui.domain.records import Crop, Micrograph, Specimen
    from poregui.store.pixels import CropPixels
    from poregui.store.project import Project

    random = np.random.default_rng(0)
    with Project.create(folder) as project:
        with project.pixels.batch():
            keys = [
                project.pixels.add(CropPixels(random.integers(0, 256, (40, 48), np.uint8), 0, 255))
                for _ in range(images)
            ]
        with project.transaction():
            project.put_specimens(Specimen(i + 1, f"S{i + 1:02d}") for i in range(20))
            project.put_micrographs(
                Micrograph(
                    i + 1,
                    f"gone_{i}.tif",
                    f"gone_{i}.tif",
                    f"{i:064d}",
                    4000,
                    3000,
                    8,
                    1,
                    0.5,
                    "made",
                    i % 20 + 1,
                )
                for i in range(MICROGRAPHS)
            )
            project.put_crops(
                Crop(
                    i + 1, keys[i % images], 48, 40,
                    micrograph_id=i * MICROGRAPHS // count + 1,
                    um_per_px=0.5 + i % 7 / 10, box=Box(i * 37 % 3900, i * 53 % 2900, 48, 40),
                )
                for i in range(count)
            )  # fmt: skip
    return folder


def functions_of_a_key(grid: Any, key: str) -> dict[str, int]:
    """Return how many functions of poregui one key in the grid runs, until nothing is left to do.

    `handled` counts those that run before the key press returns, `all` also what is painted and
    what waits for the event loop; comprehensions count as part of their function.
    """
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    root = str(Path(__file__).resolve().parent.parent / "poregui")
    seen: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        own = event == "call" and code.co_filename.startswith(root)
        if own and code.co_name not in _NOT_FUNCTIONS:
            seen.add((code.co_filename, code.co_qualname))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        QTest.keyClicks(grid, key)
        handled = len(seen)
        for _ in range(5):
            QApplication.processEvents()
    finally:
        sys.setprofile(before)
    modules = {file for file, _ in seen}
    return {"handled": handled, "all": len(seen), "modules": len(modules)}


_NOT_FUNCTIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})


def _keys(window: Any, app: Any, count: int, project: Path) -> dict[str, list[float]]:
    """Return the times in ms from each key to the next crop painted; the label is on disk by then.

    Beside them the processor time of the window's thread in them, which a busy machine does not
    lengthen, and the time in turns with them that one write of 4 kB takes to be on this disk (a
    label takes three or four such waits).
    """
    from PySide6.QtTest import QTest

    grid = window.label_page.crop_grid
    times: dict[str, list[float]] = {"painted": [], "processor": [], "fsync": []}
    with open(project / "fsync.tmp", "wb") as file:
        for number in range(count):
            began, worked = time.perf_counter(), time.thread_time()
            QTest.keyClicks(grid, "123"[number % CLASSES])
            app.processEvents()
            grid.viewport().repaint()
            times["painted"].append(1000 * (time.perf_counter() - began))
            times["processor"].append(1000 * (time.thread_time() - worked))
            wait(app, 0.02)
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            times["fsync"].append(1000 * (time.perf_counter() - began))
    return times


def _unlabelled_only(window: Any, app: Any, count: int, project: Path) -> dict[str, list[float]]:
    """Do as `_keys` while the grid lists only crops without a label, so that each key takes one out
    of it.
    """
    from poregui.gui.label.catalogue import CropFilter

    page = window.label_page
    page.set_filter(CropFilter(None))
    wait(app, 0.5)
    times = _keys(window, app, count, project)
    page.set_filter(CropFilter())
    wait(app, 0.5)
    return times


def _load() -> list[float] | None:
    return [round(load, 1) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None


def _scroll_at_one_scale(window: Any, app: Any) -> list[float]:
    grid, button = window.label_page.crop_grid, window.label_page.one_scale_button
    grid.verticalScrollBar().setValue(0)
    button.click()
    app.processEvents()
    times = _scroll(window, app)
    button.click()
    return times


def _scroll(window: Any, app: Any) -> list[float]:
    grid, times = window.label_page.crop_grid, []
    bar = grid.verticalScrollBar()
    for step in range(200):
        began = time.perf_counter()
        bar.setValue(bar.value() + PAGE_STEP * (1 + step % 7 * 20))
        grid.viewport().repaint()
        times.append(1000 * (time.perf_counter() - began))
        app.processEvents()
    return times


def _one_step(window: Any, app: Any, count: int) -> dict[str, Any]:
    """Label many selected crops with one key, and take it back."""
    from PySide6.QtTest import QTest

    grid = window.label_page.crop_grid
    ids = grid.ids()[1000 : 1000 + count]
    grid.choose(ids[0], also=ids)
    times = []
    for key in ("2", "z"):
        began = time.perf_counter()
        QTest.keyClicks(grid, key)
        app.processEvents()
        grid.viewport().repaint()
        times.append(round(time.perf_counter() - began, 2))
    return {"selected": len(ids), "label_selected_s": times[0], "undo_selected_s": times[1]}


def on_disk(project: Path) -> int:
    """Return how many labels a project's file holds."""
    with sqlite3.connect(f"{(project / 'project.db').as_uri()}?mode=ro", uri=True) as connection:
        return int(
            connection.execute("SELECT COUNT(*) FROM crops WHERE label IS NOT NULL").fetchone()[0]
        )


def wait(app: Any, seconds: float) -> None:
    """Let the window live for some seconds."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        app.processEvents()
        time.sleep(0.002)


def _spread(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    at = {
        name: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
        for name, share in _SHARES
    }
    return {"median": round(statistics.median(ordered), 1), **at, "longest": round(ordered[-1], 1)}


_SHARES = (("p95", 0.95), ("p99", 0.99))


def memory_mb() -> float | None:
    """Return what the process holds in memory now, in MB; None where the system does not say."""
    if sys.platform != "linux":
        return None
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)
