"""Measure how fast the review page answers on a run with many predictions."""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

CROPS, TRIED = 20_000, 5
PAGE = 50


def review(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Time clicks on cells, a relabelling, the opening of a run of 20,000 crops, and heat maps for
    a page of 50.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["XDG_CONFIG_HOME"] = str(
        folder / "settings"
    )  # the window's settings of a person stay as they are
    from PySide6.QtWidgets import QApplication

    from poregui.gui.app import build_window
    from poregui.gui.shell.page_images import settle

    run = make_large_project(folder / "large", CROPS)
    window: Any = build_window(folder / "large")
    window.resize(1400, 900)
    window.show()
    settle(window)
    app: Any = QApplication.instance()
    page = window.review_page
    opening = longest_gap(partial(window.show_page, page), partial(settle, window))
    matrix = page.confusion_matrix
    clicks = []
    for index in range(9):
        cell = matrix.cell_rect(index // 3, index % 3).center()
        clicks.append(_timed(partial(_click, matrix, cell), app.processEvents))
    cell_sizes = matrix.counts.ravel().tolist()
    page.choose_all_errors()
    relabelled = []
    for _ in range(TRIED):
        label = window.session.project.crop(page.prediction_list.current_id()).label
        other = f"class_{label % 3 + 1}"
        relabelled.append(_timed(partial(page.key_pressed.emit, other), app.processEvents))
    window.close()
    window.deleteLater()
    app.processEvents()
    return {
        "crops": CROPS,
        "cells_hold": cell_sizes,
        "click_on_cell_ms": _spread(clicks),
        "relabel_until_numbers_follow_ms": _spread(relabelled),
        "opening_longest_gap_ms": opening,
        "heat_maps_of_50_s": heat_maps(options.project) if options.project else None,
        "peer_plain_filter_ms": _spread([_timed(partial(plain_filter, run)) for _ in range(TRIED)]),
    }


def make_large_project(folder: Path, count: int) -> Any:
    """Write a project of `count` small crops and a run that answers them, without a training."""
    from poregui.domain.evaluation import Prediction
    from poregui.domain.recipe import Recipe
    from poregui.domain.records import Crop, Specimen
    from poregui.store.files import write_json
    from poregui.store.pixels import CropPixels
    from poregui.store.project import Project
    from poregui.workflow.editing.edits import AddCrops, AddSpecimens
    from poregui.workflow.editing.history import History
    from poregui.workflow.training.prepare_dataset import freeze

    random = np.random.default_rng(0)
    with Project.create(folder) as project:
        history = History(project)
        history.apply(AddSpecimens(tuple(Specimen(i, f"S{i:02d}") for i in range(1, 21))))
        keys = [
            project.pixels.add(CropPixels(random.integers(0, 255, (24, 24), np.uint8), 0, 255))
            for _ in range(40)
        ]
        crops = [
            Crop(
                i,
                keys[i % 40],
                24,
                24,
                source=f"{i}.png",
                specimen_id=i % 20 + 1,
                um_per_px=0.5,
                label=i % 3 + 1,
            )
            for i in range(1, count + 1)
        ]
        history.apply(AddCrops(tuple(crops), who="bench", how="import"))
        run = freeze(
            project, Recipe(), folds=5
        )  # all crops are tested, so that cells hold as many as there can be
    dataset = run.read_dataset()
    answers = []
    for crop in dataset.crops:
        confidence = random.uniform(0.4, 0.98)
        shares = np.full(3, (1 - confidence) / 2)
        shares[crop.label if random.random() < 0.8 else random.integers(3)] = confidence
        answers.append(
            Prediction(crop.crop_id, tuple(float(share) for share in shares / shares.sum()))
        )
    split_of = {crop.crop_id: crop.split for crop in dataset.crops}
    run.write_predictions(dataset.classes, split_of, answers)
    write_json(run.metrics_file, {"accuracy_as_trained": 0.8})
    return run


def heat_maps(project: Path) -> float:
    """Return the seconds until the heat maps of 50 crops of a trained run have come, with its
    network opened anew.
    """
    from poregui.store.pixels import CropPixels
    from poregui.store.project import Project
    from poregui.workflow.evaluating.predict import Predictor, ScaledCrop

    with Project.open(project, read_only=True) as opened:
        run = next(run for run in reversed(opened.runs()) if run.onnx_file.exists())
    crops = run.read_dataset().crops[:PAGE]
    began = time.perf_counter()
    predictor = Predictor(run, threads=1)
    for crop, array in zip(crops, run.read_crops(crops), strict=True):
        predictor.activation_maps(
            ScaledCrop(CropPixels(array, crop.grey_low, crop.grey_high), crop.um_per_px)
        )
    return round(time.perf_counter() - began, 3)


def plain_filter(run: Any) -> int:
    """Filter and sort the predictions of a run as plain Python does it, the peer of a click on a
    cell.
    """
    answers = run.read_predictions()
    wrong = [answer for answer in answers if answer.index == 1]
    return len(sorted(wrong, key=lambda answer: -answer.confidence))


def longest_gap(*works: Callable[[], object]) -> float:
    """Return the longest time in ms that a timer of 5 ms was kept from firing while something was
    done.
    """
    from PySide6.QtCore import Qt, QTimer

    times = [time.perf_counter()]
    timer = QTimer(interval=5, timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: times.append(time.perf_counter()))
    timer.start()
    for work in works:
        work()
    timer.stop()
    return round(1000 * max(b - a for a, b in itertools.pairwise(times)), 1)


def _click(widget: Any, point: Any) -> None:
    from PySide6.QtCore import QEvent, Qt
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    on_screen = widget.mapToGlobal(point)
    for kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
        QApplication.sendEvent(widget, QMouseEvent(kind, point, on_screen, left, left, none))


def _timed(*works: Callable[[], object]) -> float:
    began = time.perf_counter()
    for work in works:
        work()
    return 1000 * (time.perf_counter() - began)


def _spread(times: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(times), 1), "longest": round(max(times), 1)}
