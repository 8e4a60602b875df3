"""Make a network that knows pores by the size of their crops alone, so that
tests need no training.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
from finished_runs import finished_run
from onnx import TensorProto, helper, numpy_helper

from poregui.store.project import Project
from poregui.store.run_folder import RunFolder


def write_size_model(
    folder: Path,
    centres: tuple[float, ...] = (20.0, 60.0, 160.0),
    classes: tuple[str, ...] = ("Gas", "Keyhole", "Lack of Fusion"),
    um_per_px: float | None = None,
    **more: object,
) -> Path:
    """Write model.onnx and model.json: a crop is of the class whose centre (px, or um) is nearest
    by ratio.
    """
    constants = {
        "logs": np.log(np.array([centres], np.float32)),
        "steep": np.array(-8.0, np.float32),
        "axes": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("ReduceMean", ["size", "axes"], ["side"], keepdims=1),
        helper.make_node("Log", ["side"], ["log"]),
        helper.make_node("Sub", ["log", "logs"], ["far"]),
        helper.make_node("Mul", ["far", "far"], ["squared"]),
        helper.make_node("Mul", ["squared", "steep"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "size",
        [
            helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 32, 32, 1]),
            helper.make_tensor_value_info("size", TensorProto.FLOAT, ["n", 2]),
        ],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(classes)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    folder.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    _write_sidecar(folder / "model.json", classes, um_per_px, more)
    return folder / "model.onnx"


def _write_sidecar(
    path: Path, classes: tuple[str, ...], um_per_px: float | None, more: dict[str, object]
) -> None:
    sidecar = {
        "classes": classes,
        "class_ids": list(range(1, len(classes) + 1)),
        "input": {
            "side": 32,
            "channels": 1,
            "stretched": False,
            "sees_size": True,
            "calibrated": um_per_px is not None,
        },
        "um_per_px": None
        if um_per_px is None
        else {"median": um_per_px, "low": um_per_px, "high": um_per_px},
        **more,
    }
    path.write_text(json.dumps(sidecar), encoding="utf-8")


def draw_discs(path: Path, diameters: list[float], *, side: int = 600, seed: int = 0) -> float:
    """Write a grey PNG with dark discs on a grid and return their area in square px."""
    step = side / (int(np.ceil(np.sqrt(len(diameters)))) or 1)
    columns = int(side // step)
    down, across = np.mgrid[:side, :side] + 0.5
    inside = np.zeros((side, side))
    for index, diameter in enumerate(diameters):
        x, y = (index % columns + 0.5) * step, (index // columns + 0.5) * step
        inside += np.clip(diameter / 2 - np.hypot(across - x, down - y) + 0.5, 0, 1)
    image = 190 - 130 * inside
    noise = np.random.default_rng(seed).normal(0, 2, image.shape)
    coded = cv2.imencode(".png", np.clip(image + noise, 0, 255).astype(np.uint8))[1]
    path.write_bytes(bytes(coded))
    return float(sum(np.pi / 4 * d * d for d in diameters))


def run_with_sizes(project: Project, tmp_path: Path) -> RunFolder:
    """Return a finished run whose network judges by size and whose shapes were measured."""
    run = finished_run(project)
    model = write_size_model(tmp_path / "network")
    run.onnx_file.write_bytes(model.read_bytes())
    run.sidecar_file.write_bytes(model.with_suffix(".json").read_bytes())
    ids = [crop.crop_id for crop in run.read_dataset().crops]
    sizes = np.random.default_rng(0).uniform(5, 80, (len(ids), 1))
    sizes[0] = np.nan
    run.write_shapes(["Equivalent diameter (um)", "Brightness"], ids, np.hstack([sizes, sizes]))
    return run
