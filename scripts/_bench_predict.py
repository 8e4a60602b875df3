"""Measure how fast exported networks answer beside Keras."""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

BATCHES = (1, 256)
CROPS = {1: 64, 256: 512}
"""Crops that one round answers at a batch size."""
ROUNDS = 5
CLASSES = 3
Ways = Callable[[], Any]


def predict(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Compare ONNX Runtime with Keras's model.predict: crops a second at batch 1 and 256, and their
    largest difference.

    Both get the same finished squares, in turns, with the same number of threads. The networks are
    untrained, for weights do not change how long they take. At batch 1 `model.predict` is given all
    crops at once with batch_size=1, which is kinder to it than a call for each crop; that is told
    as well.
    """
    from poregui.launching import available_cores
    from poregui.learning.hardware import set_limits

    threads = options.threads or available_cores()
    set_limits(threads, os.environ)
    return {
        "threads": threads,
        "rounds": ROUNDS,
        "networks": {preset: _one(preset, folder, threads) for preset in options.presets},
    }


def _one(preset: str, folder: Path, threads: int) -> dict[str, Any]:
    import keras

    from poregui.domain.recipe import recipe_for
    from poregui.learning import networks
    from poregui.learning.batches import Crops
    from poregui.learning.export_onnx import export
    from poregui.vision.shape.crop_measurement import shape_width
    from poregui.workflow.evaluating.predict import open_session

    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    recipe = recipe_for(preset)
    spec = networks.input_spec(recipe, colour=False, calibrated=True)
    count = max(CROPS.values())
    images = random.random((count, spec.side, spec.side, spec.channels), np.float32)
    sizes = random.uniform(10, 200, (count, 2)).astype(np.float32)
    wide = shape_width(spec.shape_version)
    shapes = random.normal(0, 1, (count, wide)).astype(np.float32) if spec.sees_shape else None
    model = networks.build(recipe, spec, CLASSES, sizes, shapes)
    file = folder / f"{preset}.onnx"
    many = Crops(images, sizes, np.zeros(count, np.int64), np.arange(count), shapes)
    parity = export(model, file, many.take(slice(64)))
    session, running = open_session(file.read_bytes(), file, threads)
    onnx = partial(_answer, session, running, many)
    measured: dict[str, Any] = {
        "side": spec.side,
        "weights": int(model.count_params()),
        "parity": parity,
    }
    for batch in BATCHES:
        n = CROPS[batch]
        rates = _rates(_ways(model, onnx, many.take(slice(n)), batch), n)
        measured[f"batch_{batch}"] = _summary(rates)
    return measured


def _answer(session: Any, running: Any, crops: Any, first: int, last: int) -> None:
    """Let an exported network answer the crops from `first` to below `last`."""
    inputs = {"image": crops.images[first:last], "size": crops.sizes[first:last]}
    if crops.shapes is not None:
        inputs["shape"] = crops.shapes[first:last]
    wanted = {given.name: inputs[given.name] for given in session.get_inputs()}
    session.run(["probabilities"], wanted, running)


def _summary(rates: dict[str, Sequence[float]]) -> dict[str, float]:
    """Return the median rate of each way, and how ours compares with that of Keras."""
    medians = {name: statistics.median(values) for name, values in rates.items()}
    ratios = [a / b for a, b in zip(rates["onnx"], rates["keras"], strict=True)]
    return {
        **{f"{name}_crops_per_s": round(median, 1) for name, median in medians.items()},
        "onnx_over_keras": round(medians["onnx"] / medians["keras"], 2),
        "onnx_over_keras_lowest": round(min(ratios), 2),
    }


def _ways(model: Any, onnx: Callable[[int, int], None], crops: Any, batch: int) -> dict[str, Ways]:
    from poregui.learning.fitting import feed

    n = len(crops)

    def each() -> None:
        for i in range(n):
            model.predict(feed(model, crops.take(slice(i, i + 1))), verbose=0)

    def in_batches() -> None:
        for i in range(0, n, batch):
            onnx(i, i + batch)

    ways: dict[str, Ways] = {
        "onnx": in_batches,
        "keras": lambda: model.predict(feed(model, crops), batch_size=batch, verbose=0),
    }
    return {**ways, "keras_call_for_each": each} if batch == 1 else ways


def _rates(ways: dict[str, Ways], crops: int) -> dict[str, Sequence[float]]:
    """Return crops a second of each way in each round, all ways in turns, after one round that does
    not count.
    """
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, answer in ways.items():
            began = time.perf_counter()
            answer()
            if number:
                rates[name].append(crops / (time.perf_counter() - began))
    return dict(rates)
