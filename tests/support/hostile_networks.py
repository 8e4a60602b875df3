"""Make networks that are not what their description says, or more than networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SIDECAR: dict[str, Any] = {
    "classes": ["Gas", "Keyhole", "Lack of Fusion"],
    "class_ids": [1, 2, 3],
    "um_per_px": None,
    "input": {
        "side": 32,
        "channels": 1,
        "stretched": False,
        "sees_size": True,
        "calibrated": False,
    },
}
FLOAT = TensorProto.FLOAT


def value(name: str, shape: list[Any], kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def model(change: Callable[[Any], None] = lambda graph: None, **more: Any) -> bytes:
    """Return a network that answers by the size of a crop, after a change to its graph."""
    constants = {
        "weights": np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]], np.float32),
        "bias": np.zeros(3, np.float32),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["size", "weights", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["shares"], axis=1),
            helper.make_node("Identity", ["shares"], ["probabilities"]),
            helper.make_node("Identity", ["size"], ["penultimate"]),
        ],
        "network",
        [value("image", ["n", 32, 32, 1]), value("size", ["n", 2])],
        [value("probabilities", ["n", 3]), value("penultimate", ["n", 2])],
        [numpy_helper.from_array(one, name) for name, one in constants.items()],
    )
    change(graph)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    for name, one in more.items():
        getattr(made, name).extend(one)
    return made.SerializeToString()


def predictions(node: Any, *constants: tuple[str, np.ndarray]) -> Callable[[Any], None]:
    """Return the change that lets another operation make the probabilities."""

    def change(graph: Any) -> None:
        graph.node[2].CopyFrom(node)
        graph.initializer.extend(numpy_helper.from_array(one, name) for name, one in constants)

    return change


def replaced(field: str, index: int, one: Any) -> Callable[[Any], None]:
    return lambda graph: getattr(graph, field)[index].CopyFrom(one)


def dropped(field: str, index: int) -> Callable[[Any], None]:
    return lambda graph: getattr(graph, field).pop(index)


def added(field: str, one: Any) -> Callable[[Any], None]:
    return lambda graph: getattr(graph, field).append(one)


def in_a_row(source: str, to: str) -> Any:
    """Return the operation that leaves one number a crop."""
    return helper.make_node("ReduceSum", [source, "second"], [to], keepdims=0)


def answers_alone(graph: Any) -> None:
    """Let a network without sizes answer the same for all crops."""
    graph.node[0].CopyFrom(helper.make_node("Identity", ["weights"], ["logits"]))
    graph.node[3].CopyFrom(helper.make_node("Identity", ["weights"], ["penultimate"]))


def endless_loop(graph: Any) -> None:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes"]),
            helper.make_node("Identity", ["kept"], ["keeps"]),
        ],
        "body",
        [
            value("turn", [], TensorProto.INT64),
            value("going", [], TensorProto.BOOL),
            value("kept", ["n", 3]),
        ],
        [value("goes", [], TensorProto.BOOL), value("keeps", ["n", 3])],
    )
    graph.initializer.append(numpy_helper.from_array(np.array(2**62), "many"))
    graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    predictions(helper.make_node("Loop", ["many", "yes", "shares"], ["probabilities"], body=body))(
        graph
    )


def _elsewhere(graph: Any) -> None:
    weights = graph.initializer[1]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../etc/passwd")


def _hidden_elsewhere(graph: Any) -> None:
    tensor = helper.make_tensor("hidden", FLOAT, [3], [0.0] * 3)
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    graph.node.append(helper.make_node("Constant", [], ["hidden"], value=tensor))


def _function() -> Any:
    node = helper.make_node("Loop", ["a"], ["b"])
    return helper.make_function("own", "F", ["a"], ["b"], [node], [helper.make_opsetid("", 17)])


EMPTY = helper.make_graph([], "empty", [], [])
NOT_OF_THE_KIND: dict[str, bytes] = {
    "an endless loop": model(endless_loop),
    "a choice of graphs": model(
        predictions(helper.make_node("If", ["c"], ["probabilities"], then_branch=EMPTY))
    ),
    "weights in another file": model(_elsewhere),
    "a constant in another file": model(_hidden_elsewhere),
    "an operation of another maker": model(
        predictions(helper.make_node("Relu", ["shares"], ["probabilities"], domain="com.evil"))
    ),
    "an operation that nobody knows": model(
        predictions(helper.make_node("RunCommand", ["shares"], ["probabilities"]))
    ),
    "an operation that makes much of little": model(
        predictions(helper.make_node("Expand", ["shares", "sides"], ["probabilities"]))
    ),
    "a function of its own": model(functions=[_function()]),
    "no graph": helper.make_model(EMPTY).SerializeToString()[:4],
    "two graphs": model() + model(),
    "cut in half": model()[: len(model()) // 2],
    "nothing": b"",
    "words": b"words and more words",
    "a newer kind of file": model().replace(b"\x08\x09", b"\x08\x7f", 1),
}  # fmt: skip
MISMATCHES: dict[str, bytes] = {
    "no image": model(dropped("input", 0)),
    "no size": model(lambda graph: (dropped("input", 1)(graph), answers_alone(graph))),
    "one input more": model(added("input", value("more", ["n", 3]))),
    "another name": model(replaced("input", 0, value("picture", ["n", 32, 32, 1]))),
    "channels first": model(replaced("input", 0, value("image", ["n", 1, 32, 32]))),
    "another side": model(replaced("input", 0, value("image", ["n", 64, 64, 1]))),
    "colour": model(replaced("input", 0, value("image", ["n", 32, 32, 3]))),
    "any side": model(replaced("input", 0, value("image", ["n", "h", "w", 1]))),
    "one crop at a time": model(replaced("input", 0, value("image", [1, 32, 32, 1]))),
    "seven crops at a time": model(replaced("input", 0, value("image", [7, 32, 32, 1]))),
    "no rank": model(replaced("input", 0, value("image", []))),
    "bytes": model(replaced("input", 0, value("image", ["n", 32, 32, 1], TensorProto.UINT8))),
    "doubles": model(replaced("input", 0, value("image", ["n", 32, 32, 1], TensorProto.DOUBLE))),
    "texts": model(replaced("input", 0, value("image", ["n", 32, 32, 1], TensorProto.STRING))),
    "three sizes": model(replaced("input", 1, value("size", ["n", 3]))),
    "no probabilities": model(dropped("output", 0)),
    "probabilities of two classes": model(
        lambda graph: (
            predictions(helper.make_node("Identity", ["size"], ["probabilities"]))(graph),
            replaced("output", 0, value("probabilities", ["n", 2]))(graph),
        )
    ),
    "probabilities in a row": model(
        lambda graph: (
            predictions(in_a_row("shares", "probabilities"), ("second", np.array([1])))(graph),
            replaced("output", 0, value("probabilities", ["n"]))(graph),
        )
    ),
    "whole numbers": model(
        lambda graph: (
            predictions(helper.make_node("Cast", ["shares"], ["probabilities"], to=7))(graph),
            replaced("output", 0, value("probabilities", ["n", 3], TensorProto.INT64))(graph),
        )
    ),
    "features in a row": model(
        lambda graph: (
            replaced("node", 3, in_a_row("size", "penultimate"))(graph),
            added("initializer", numpy_helper.from_array(np.array([1]), "second"))(graph),
            replaced("output", 1, value("penultimate", ["n"]))(graph),
        )
    ),
    "maps of other classes": model(
        lambda graph: (
            graph.node.append(helper.make_node("Transpose", ["image"], ["activation_maps"])),
            added("output", value("activation_maps", ["n", 32, 32, 1]))(graph),
        )
    ),
    "weights that do not fit": model(
        replaced("initializer", 0, numpy_helper.from_array(np.ones((5, 3), np.float32), "weights"))
    ),
    "a weight that is missing": model(dropped("initializer", 1)),
    "a node that is missing": model(dropped("node", 0)),
    "a circle": model(
        replaced("node", 0, helper.make_node("Gemm", ["size", "shares", "bias"], ["logits"]))
    ),
}


def _scaled(factor: float) -> bytes:
    times = np.full(3, factor, np.float32)
    node = helper.make_node("Mul", ["shares", "times"], ["probabilities"])
    return model(predictions(node, ("times", times)))


NO_PROBABILITIES: dict[str, bytes] = {
    "twice as much": _scaled(2.0),
    "half of it": _scaled(0.5),
    "no number": _scaled(float("nan")),
    "infinite": _scaled(float("inf")),
    "below nothing": model(
        predictions(
            helper.make_node("Add", ["shares", "more"], ["probabilities"]),
            ("more", np.array([-2.0, 1.0, 1.0], np.float32)),
        )
    ),
    "logits": model(predictions(helper.make_node("Identity", ["logits"], ["probabilities"]))),
    "shares of other crops": model(
        predictions(
            helper.make_node("Concat", ["shares", "shares"], ["probabilities"], axis=0),
        )
    ),
    "a shape that only running tells": model(
        predictions(
            helper.make_node("Reshape", ["shares", "flat"], ["probabilities"]),
            ("flat", np.array([-1, 1])),
        )
    ),
}  # fmt: skip
DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "two classes": {"classes": ["Gas", "Keyhole"], "class_ids": [1, 2]},
    "four classes": {"classes": list("abcd"), "class_ids": [1, 2, 3, 4]},
    "no classes": {"classes": [], "class_ids": []},
    "classes that are numbers": {"classes": [1, 2, 3]},
    "another side": {"input": {**SIDECAR["input"], "side": 64}},
    "a side of a million": {"input": {**SIDECAR["input"], "side": 10**6}},
    "a side below nothing": {"input": {**SIDECAR["input"], "side": -32}},
    "a side in words": {"input": {**SIDECAR["input"], "side": "32"}},
    "two channels": {"input": {**SIDECAR["input"], "channels": 2}},
    "three channels": {"input": {**SIDECAR["input"], "channels": 3}},
    "no size": {"input": {**SIDECAR["input"], "sees_size": False}},
    "a shape as well": {"input": {**SIDECAR["input"], "sees_shape": True}},
    "yes in words": {"input": {**SIDECAR["input"], "sees_size": "yes"}},
    "no input": {"input": {}},
    "a scale of 0": {"um_per_px": {"median": 0, "low": 0, "high": 0}},
    "features of another number": {
        "trained_on": {
            "features": 3,
            "mean": "AAAAAAAAAAAAAAAA",
            "spread": "AACAPwAAgD8AAIA/",
            "crops": "AAAAAAAA" * 5,
            "limit": 1.0,
            "measured": 5,
        }
    },
    "features that are none": {"trained_on": {"features": 2}},
}


def write(folder: Path, content: bytes, **received: Any) -> Path:
    """Write a network and its description, with changes to it; return the file of the network."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "model.json").write_text(json.dumps({**SIDECAR, **received}), encoding="utf-8")
    return folder / "model.onnx"
