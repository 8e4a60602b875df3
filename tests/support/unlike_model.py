"""Make a network that answers every crop alike and gives its grey pattern as features, and a
reference for it.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from poregui.domain.statistics.out_of_distribution import Reference, make_reference
from poregui.vision.patches import input_spec_from_json

SPEC = {"side": 32, "channels": 1, "stretched": False, "sees_size": False, "calibrated": False}
CLASSES = ("Gas", "Keyhole", "Lack of Fusion")


def write_pattern_model(folder: Path, crops: list[NDArray[np.uint8]] | None) -> Path:
    """Write model.onnx and model.json whose features are an 8 x 8 picture of the crop; without
    crops it cannot tell.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_graph(folder / "model.onnx", with_features=crops is not None)
    received = {"classes": CLASSES, "class_ids": [1, 2, 3], "input": SPEC, "um_per_px": None}
    if crops is not None:
        received["trained_on"] = _reference(crops).to_json()
    (folder / "model.json").write_text(json.dumps(received), encoding="utf-8")
    return folder / "model.onnx"


def _write_graph(path: Path, *, with_features: bool) -> None:
    weights = {
        "shape": np.array([-1, 64], np.int64),
        "zero": np.zeros((64, 3), np.float32),
        "bias": np.array([2, 0, 0], np.float32),
    }
    nodes = [
        helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool", ["planes"], ["pooled"], kernel_shape=[4, 4], strides=[4, 4]
        ),
        helper.make_node("Reshape", ["pooled", "shape"], ["penultimate"]),
        helper.make_node("Gemm", ["penultimate", "zero", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    outputs = [("probabilities", 3), ("penultimate", 64)][: 2 if with_features else 1]
    graph = helper.make_graph(
        nodes,
        "pattern",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 32, 32, 1])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", wide])
            for name, wide in outputs
        ],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path
    )


def _reference(crops: list[NDArray[np.uint8]]) -> Reference:
    spec = input_spec_from_json(SPEC)
    shown = np.stack([spec.image(crop, 0, 255)[:, :, 0] for crop in crops])
    features = shown.reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4)).reshape(-1, 64)
    found = make_reference(features, np.arange(len(crops)) % 3 > 0)
    assert found is not None
    return found


def draw_field(path: Path, letters: str, *, discs: int, seed: int = 0) -> int:
    """Write a grey PNG with dark discs of many sizes and letters among them; return how many
    letters there are.
    """
    rng = np.random.default_rng(seed)
    image = np.full((900, 900), 190, np.uint8)
    indices = [(x, y) for y in range(45, 900, 90) for x in range(45, 900, 90)]
    for number, (x, y) in enumerate(indices[: discs + len(letters)]):
        if number < discs:
            cv2.circle(image, (x, y), int(rng.integers(8, 25)), 60, -1, cv2.LINE_AA)
        else:
            cv2.putText(
                image,
                letters[number - discs],
                (x - 22, y + 22),
                cv2.FONT_HERSHEY_SIMPLEX,
                2.0,
                60,
                7,
            )
    noisy = np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)
    path.write_bytes(bytes(cv2.imencode(".png", noisy)[1]))
    return len(letters)
