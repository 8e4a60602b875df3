"""Make folders of finders with small drawn images, for tests of learning and finding."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from poregui.domain.detection import DetectionRecipe
from poregui.domain.events import Finished
from poregui.store.finder_folder import (
    FinderDescription,
    FinderFolder,
    FinderImage,
    FinderKind,
    FinderRequest,
    MarkedImage,
)
from poregui.store.run_folder import new_folder
from poregui.vision.pores.finder import colours_of

SIDE = 96


def marked_image(seed: int = 0) -> MarkedImage:
    """Return a noisy image with three dark discs, two of which touch."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    labels = np.zeros((SIDE, SIDE), np.int32)
    for number, (x, y, radius) in enumerate(((25, 30, 9), (60, 60, 10), (78, 60, 9)), start=1):
        labels[np.hypot(columns - x, rows - y) < radius] = number
    grey = np.where(labels > 0, 60.0, 180.0) + random.normal(0, 6, labels.shape)
    return MarkedImage(colours_of(grey), labels, np.ones(labels.shape, np.bool_))


def finder_folder(
    project: Path, kind: FinderKind, images: int = 2, epochs: int = 1
) -> FinderFolder:
    """Return a folder with a request that waits to be trained."""
    project.mkdir(exist_ok=True)
    folder = FinderFolder(new_folder(project).path)
    facts = tuple(
        FinderImage(number, f"{number}.png", f"{number}.png", 180.0, 60.0)
        for number in range(images)
    )
    request = FinderRequest(kind, epochs, "micrograph", facts, DetectionRecipe())
    folder.write_request(request, [marked_image(number) for number in range(images)])
    return folder


def write_drawn_finder(folder: FinderFolder) -> None:
    """Complete a folder with a network that takes what is much darker than the middle for pore."""
    weights = {
        "kernel": np.array([-8.0, 0.0, 0.0], np.float32).reshape(1, 3, 1, 1),
        "bias": np.array([-8.0], np.float32),
    }
    nodes = [
        helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", *weights], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["share"]),
        helper.make_node("Transpose", ["share"], ["probability"], perm=[0, 2, 3, 1]),
    ]
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "h", "w", channels])
        for name, channels in (("image", 3), ("probability", 1))
    ]
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "drawn", tensors[:1], tensors[1:], constants)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    folder.onnx_file.write_bytes(proto.SerializeToString())
    folder.write_description(FinderDescription("network", 4, 4, 3, {}))
    metrics = {"kind": "network", "by": "micrograph", "finding": {"iou": 0.71}, "groups": []}
    folder.metrics_file.write_text(json.dumps(metrics), encoding="utf-8")
    with closing(folder.open_events()) as events:
        events.write(Finished(1, 1, 0.71, 3, 1.0))
