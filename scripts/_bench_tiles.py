"""Measure how large images open and move."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _large_files import rows_of_metal, write_striped, write_tiled

_PEER_SIDES = (10_000, 20_000)
_FRAMES = 240
_IN_SIGHT = 600
"""Outlines in sight while a micrograph is panned."""
_WINDOW = (1400, 900)


def open_large(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Open a tiled pyramid and a striped file in the real window; a whole array in pyqtgraph is the
    peer.
    """
    _offscreen(folder)
    side, striped = options.side, options.striped
    _needs_room(folder, 3 * side * side // 2 + 5 * striped * striped)
    tiled_file = write_tiled(folder / "tiled.tif", side)
    tiled = _in_a_process(_open_tiled, tiled_file, folder / "one")
    cuts = _cuts(tiled_file)
    tiled_file.unlink()
    striped_file = write_striped(folder / "striped.tif", striped)
    in_strips = _in_a_process(_open_striped, striped_file, folder / "two")
    striped_file.unlink()
    peers = {
        str(one): _in_a_process(_peer_opens, one, folder) for one in _PEER_SIDES if one <= side
    }
    return {
        "side": side,
        "tiled": tiled,
        "crops": cuts,
        "striped_side": striped,
        "striped": in_strips,
        "peer": peers,
    }


def pan(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Draw frames while a tiled pyramid is panned and zoomed; a whole array in pyqtgraph is the
    peer.
    """
    _offscreen(folder)
    _needs_room(folder, 3 * options.side * options.side // 2)
    file = write_tiled(folder / "tiled.tif", options.side)
    ours = _in_a_process(_pan_ours, file, folder / "one")
    file.unlink()
    peers = {
        str(one): _in_a_process(_pan_peer, one, folder)
        for one in _PEER_SIDES
        if one <= options.side
    }
    return {"side": options.side, "window": list(_WINDOW), "ours": ours, "peer": peers}


# ---- ours -----------------------------------------------------------------------------------


def _window(file: Path, folder: Path) -> Any:
    """Return the real window with a project that holds one micrograph, just before it is shown."""
    from poregui.domain.records import Micrograph
    from poregui.gui.app import build_window
    from poregui.store.files import file_hash
    from poregui.store.project import Project
    from poregui.vision.io.pyramid import open_pyramid
    from poregui.workflow.editing.edits import AddMicrographs

    project = Project.create(folder)
    with open_pyramid(file) as image:
        record = Micrograph(
            project.next_id("micrographs"), project.path_for(file), file.name, file_hash(file),
            image.width, image.height, image.bits, image.channels,
        )  # fmt: skip
    with project.transaction():
        AddMicrographs((record,)).do(project)
    project.close()
    window = build_window(None)
    window.resize(*_WINDOW)
    window.show()
    _events(0.5)
    return window


def _open_tiled(file: Path, folder: Path) -> dict[str, Any]:
    window = _window(file, folder)
    before = _memory()
    began = time.perf_counter()
    window.open_project(folder)
    canvas = window.label_page.image_canvas
    _until(lambda: canvas.tiles is not None)
    canvas.repaint()
    first = time.perf_counter() - began
    _until(lambda: not canvas.tiles.busy)
    canvas.one_to_one()
    canvas.repaint()
    _until(lambda: not canvas.tiles.busy)
    _wander(canvas, 120)
    grown = _memory() - before
    _close(window)
    return {
        "first_pixels_s": round(first, 3),
        "memory_grown_mb": round(grown),
        "peak_mb": round(_peak()),
    }


def _open_striped(file: Path, folder: Path) -> dict[str, Any]:
    from bench import Ticks

    window = _window(file, folder)
    canvas = window.label_page.image_canvas
    ticks, heard, overview = Ticks(), [], 0.0
    window.background.started.connect(
        lambda handle: handle.progressed.connect(lambda done, total, text: heard.append(done))
    )
    began = time.perf_counter()
    window.open_project(folder)
    opened = time.perf_counter() - began
    canvas.repaint()

    def complete() -> bool:
        nonlocal overview
        if canvas.tiles is not None and not overview:
            overview = time.perf_counter() - began
        return canvas.tiles is not None and canvas.tiles.pyramid.is_complete

    gaps = ticks.measure(300, complete)
    built = time.perf_counter() - began
    size = sum(one.stat().st_size for one in (folder / "cache").glob("*.tif"))
    _close(window)
    return {
        "project_opened_s": round(opened, 2),
        "overview_s_at_most": round(overview, 2),
        "pyramid_s": round(built, 1),
        "progress_told": len(heard),
        "longest_gap_ms": gaps["longest_gap_ms"],
        "longest_gap_after_s": gaps["longest_gap_after_s"],
        "next_longest_ms": gaps["next_longest_ms"],
        "p99_gap_ms": gaps["p99_gap_ms"],
        "cache_mb": round(size / 2**20),
        "peak_mb": round(_peak()),
    }


def _pan_ours(file: Path, folder: Path) -> dict[str, Any]:
    window = _window(file, folder)
    window.open_project(folder)
    canvas = window.label_page.image_canvas
    _until(lambda: canvas.tiles is not None and not canvas.tiles.busy)
    times = {"zoom": _zoom(canvas)}
    canvas.one_to_one()
    _events(0.5)
    times["pan"] = _wander(canvas, _FRAMES)
    canvas.zoom(0.3)
    _events(0.5)
    times["pan_shrunk"] = _wander(canvas, _FRAMES)
    _outline(canvas, _IN_SIGHT)
    times["pan_shrunk_with_outlines"] = _wander(canvas, _FRAMES)
    _close(window)
    return {name: _percentiles(one) for name, one in times.items()}


def _outline(canvas: Any, many: int) -> None:
    """Lay outlines that nobody has labelled over the whole image, about so many
    of them in sight.
    """
    from poregui.gui.canvas.outline_layer import DrawnOutline, OutlineLayer

    seen, turn = canvas.view.visible(), np.linspace(0, 2 * np.pi, 60, endpoint=False)
    step = float(np.sqrt(seen.width() * seen.height() / many))
    polygon = np.column_stack([np.cos(turn), 0.7 * np.sin(turn)]) * 0.3 * step
    middles = [
        (x, y)
        for y in np.arange(step, canvas.tiles.height, step)
        for x in np.arange(step, canvas.tiles.width, step)
    ]
    layer = OutlineLayer()
    layer.set_outlines(
        [
            DrawnOutline(i, np.asarray(polygon + at, np.float32), None)
            for i, at in enumerate(middles)
        ]
    )
    canvas.add_overlay(layer.paint)


def _zoom(canvas: Any) -> list[float]:
    times = []
    for number in range(_FRAMES):
        factor = 1.06 if number < _FRAMES // 2 else 1 / 1.06
        times.append(_frame(canvas, partial(canvas.zoom, factor)))
        time.sleep(0.004)
    return times


def _wander(canvas: Any, frames: int) -> list[float]:
    """Pan along a Lissajous curve across the whole image, and return the seconds of each frame."""
    from PySide6.QtCore import QPointF

    times = []
    width, height = canvas.tiles.width, canvas.tiles.height
    for number in range(frames):
        t = 2 * np.pi * number / frames
        at = QPointF(width * (0.5 + 0.3 * np.sin(t)), height * (0.5 + 0.3 * np.sin(2 * t)))
        times.append(_frame(canvas, partial(canvas._show, canvas.view.at(at))))
        time.sleep(0.004)
    return times


def _frame(widget: Any, move: Callable[[], object]) -> float:
    """Return the seconds that a frame takes with all that has come since the one before, such as
    tiles.
    """
    from PySide6.QtCore import QCoreApplication

    began = time.perf_counter()
    QCoreApplication.processEvents()
    move()
    widget.repaint()
    return time.perf_counter() - began


def _cuts(file: Path, many: int = 4000) -> dict[str, Any]:
    """Cut crops of 128 px at random places, in one thread and in two."""
    from poregui.domain.geometry import Box
    from poregui.vision.crops import cut
    from poregui.vision.io.pyramid import open_pyramid

    rng = np.random.default_rng(0)
    figures: dict[str, Any] = {}
    with open_pyramid(file) as image:
        corners = rng.integers(0, min(image.width, image.height) - 128, (many, 2)).tolist()
        for threads in (1, 2):

            def work(part: list[list[int]]) -> None:
                for x, y in part:
                    cut(image, Box(x, y, 128, 128))

            running = [
                threading.Thread(target=work, args=(corners[i::threads],)) for i in range(threads)
            ]
            began, used = time.perf_counter(), time.process_time()
            for thread in running:
                thread.start()
            for thread in running:
                thread.join()
            figures[f"random_per_s_{threads}_threads"] = round(many / (time.perf_counter() - began))
            figures[f"random_cpu_ms_each_{threads}_threads"] = round(
                1000 * (time.process_time() - used) / many, 3
            )
        corners = rng.integers(0, min(image.width, image.height) - 128, (5 * many, 2)).tolist()
        by_place = sorted(corners, key=lambda corner: (corner[1] // 512, corner[0]))
        began = time.perf_counter()
        for x, y in by_place:
            cut(image, Box(x, y, 128, 128))
        figures["in_order_per_s"] = round(5 * many / (time.perf_counter() - began))
    return figures


# ---- the peer -------------------------------------------------------------------------------


def _peer(side: int) -> tuple[Any, Any, float]:
    import pyqtgraph
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication([])
    view = pyqtgraph.GraphicsLayoutWidget()
    view.resize(*_WINDOW)
    box = view.addViewBox(lockAspect=True)
    view.show()
    app.processEvents()
    array = np.concatenate([rows_of_metal(side, 500, i % 16) for i in range(side // 500)])
    began = time.perf_counter()
    box.addItem(pyqtgraph.ImageItem(array))
    box.autoRange()
    view.viewport().repaint()
    return view, box, time.perf_counter() - began


def _peer_opens(side: int, _folder: Path) -> dict[str, Any]:
    _view, _box, first = _peer(side)
    return {"first_pixels_s_without_reading": round(first, 3), "peak_mb": round(_peak())}


def _pan_peer(side: int, _folder: Path) -> dict[str, Any]:
    view, box, _ = _peer(side)
    fitted = [
        _frame(view.viewport(), lambda: box.translateBy(x=side / 400)) for _ in range(_FRAMES // 4)
    ]
    box.setRange(
        xRange=(side / 2, side / 2 + _WINDOW[0]),
        yRange=(side / 2, side / 2 + _WINDOW[1]),
        padding=0,
    )
    view.viewport().repaint()
    times = [
        _frame(view.viewport(), lambda: box.translateBy(x=30, y=10)) for _ in range(_FRAMES // 4)
    ]
    return {"pan_fitted": _percentiles(fitted), "pan": _percentiles(times)}


# ---- tools ----------------------------------------------------------------------------------


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ms = sorted(1000 * one for one in seconds)
    return {
        "median_ms": round(statistics.median(ms), 1),
        "p95_ms": round(ms[int(0.95 * (len(ms) - 1))], 1),
        "longest_ms": round(ms[-1], 1),
    }


def _needs_room(folder: Path, bytes_needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < 2 * bytes_needed:
        raise SystemExit(
            f"{folder} has {free / 2**30:.1f} GiB free; this takes {2 * bytes_needed / 2**30:.1f}."
        )


def _offscreen(folder: Path) -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["XDG_CONFIG_HOME"] = str(
        folder / "settings"
    )  # the settings of a person stay as they are


def _in_a_process(task: Callable[..., dict[str, Any]], *of: Any) -> dict[str, Any]:
    """Run a task in a fresh process, so that its memory is its own."""
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(task, of)


def _memory(which: str = "VmRSS") -> float:
    """Return the memory of this process in MB, or the most that it had (VmHWM); Linux tells."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(which)) / 1024


def _peak() -> float:
    return _memory("VmHWM")


def _events(seconds: float) -> None:
    from PySide6.QtCore import QCoreApplication, QEventLoop

    end = time.perf_counter() + seconds
    while True:
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
        if time.perf_counter() > end:
            return
        time.sleep(0.001)


def _until(so: Callable[[], bool], patience: float = 120) -> None:
    end = time.perf_counter() + patience
    while not so() and time.perf_counter() < end:
        _events(0.002)


def _close(window: Any) -> None:
    window.close()
    window.deleteLater()
    _events(0.1)
