"""Write graphs of ONNX: nodes, weights, and forests as operators of trees. Needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from poregui.domain.errors import TrainingError
from poregui.domain.statistics.out_of_distribution import PENULTIMATE
from poregui.store.files import write_bytes

OPSET = 17
IR_VERSION = 9
TREES = "ai.onnx.ml"
TREES_OPSET = 3
"""Domain and version of ONNX's operators for trees."""
PARITY = 1e-4
"""Largest difference of a probability between what was trained and the exported graph."""


class Graph:
    """Collect the nodes and weights of a graph; tensors are named after the
    layers that make them.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: dict[str, Any] = {}

    def weight(self, name: str, value: NDArray[Any] | list[int] | list[float] | float) -> str:
        """Add a constant once and return its name."""
        if name not in self.weights:
            array = np.asarray(value)
            array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
            self.weights[name] = numpy_helper.from_array(
                np.ascontiguousarray(array).reshape(array.shape), name
            )
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node with one output and return the name of that."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output


Tensors = list[tuple[str, list[Any]]]


def finished(graph: Graph, name: str, inputs: Tensors, outputs: Tensors) -> onnx.ModelProto:
    """Return the model of a graph with inputs and outputs by name and shape."""
    written = helper.make_graph(
        graph.nodes,
        name,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
        list(graph.weights.values()),
    )
    imports = [helper.make_opsetid("", OPSET)]
    if any(node.domain == TREES for node in graph.nodes):
        imports.append(helper.make_opsetid(TREES, TREES_OPSET))
    proto = helper.make_model(
        written,
        opset_imports=imports,
        ir_version=IR_VERSION,
        producer_name="poregui",
    )
    onnx.checker.check_model(proto)
    return proto


def write_network(proto: onnx.ModelProto, path: Path) -> None:
    """Write a model to a file, whole or not at all."""
    write_bytes(path, proto.SerializeToString())


def add_forest(graph: Graph, forest: Any, classes: int, source: str, output: str) -> None:
    """Add a random forest of scikit-learn: (n, numbers) `source` to (n, `classes`) probabilities.

    Branches compare 32 bits in both; thresholds are rounded down, so that every number goes the
    same way.
    """
    trees = [one.tree_ for one in forest.estimators_]
    leaves = [_leaves(tree, forest.classes_, len(trees)) for tree in trees]
    sizes = [len(tree.feature) for tree in trees]
    inner = np.concatenate([tree.children_left >= 0 for tree in trees])
    numbers = {
        "nodes_treeids": np.repeat(np.arange(len(trees)), sizes),
        "nodes_nodeids": np.concatenate([np.arange(size) for size in sizes]),
        "nodes_featureids": np.concatenate([np.maximum(tree.feature, 0) for tree in trees]),
        "nodes_truenodeids": np.concatenate([np.maximum(t.children_left, 0) for t in trees]),
        "nodes_falsenodeids": np.concatenate([np.maximum(t.children_right, 0) for t in trees]),
        "nodes_values": _rounded_down(np.concatenate([tree.threshold for tree in trees])),
        "target_treeids": np.repeat(np.arange(len(trees)), [len(one[0]) for one in leaves]),
        "target_nodeids": np.concatenate([one[0] for one in leaves]),
        "target_ids": np.concatenate([one[1] for one in leaves]),
        "target_weights": np.concatenate([one[2] for one in leaves]),
    }
    node = helper.make_node(
        "TreeEnsembleRegressor",
        [source],
        [output],
        name=output,
        domain=TREES,
        n_targets=classes,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_modes=["BRANCH_LEQ" if one else "LEAF" for one in inner.tolist()],
        **{name: values.tolist() for name, values in numbers.items()},
    )
    graph.nodes.append(node)


def _leaves(tree: Any, classes: NDArray[Any], trees: int) -> tuple[NDArray[Any], ...]:
    """Return node, class and weight of all that the leaves of a tree say."""
    nodes = np.flatnonzero(tree.children_left < 0)
    shares = tree.value[nodes, 0, :]
    shares = shares / shares.sum(axis=1, keepdims=True)
    rows, columns = np.nonzero(shares)
    return nodes[rows], classes[columns], shares[rows, columns] / trees


def _rounded_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    rounded = values.astype(np.float32)
    above = rounded.astype(np.float64) > values
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return rounded


def forest_graph(forest: Any, classes: int, width: int) -> onnx.ModelProto:
    """Return the ONNX model of a forest alone.

    Input `shape` (batch, `width`); outputs `probabilities` (batch, classes) and `penultimate`,
    the input itself, by which pores unlike the training crops are known. All float32.
    """
    graph = Graph()
    add_forest(graph, forest, classes, "shape", "probabilities")
    graph.add("Identity", ["shape"], PENULTIMATE)
    outputs: Tensors = [
        ("probabilities", ["batch", classes]),
        (PENULTIMATE, ["batch", width]),
    ]
    return finished(graph, "shape", [("shape", ["batch", width])], outputs)


def check_parity(worst: float) -> None:
    """Raise TrainingError for an exported graph that answers otherwise than what was trained."""
    if worst < PARITY:
        return
    raise TrainingError(
        f"Predictions of the exported network differ from the trained one (by up to {worst:.2g}).",
        "Train again; if it happens again, report it with the run's folder.",
    )


def answers_of(content: bytes) -> Callable[[Mapping[str, NDArray[Any]]], NDArray[np.float32]]:
    """Return what gives the probabilities of an exported graph for its inputs by name."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda inputs: np.asarray(session.run(["probabilities"], dict(inputs))[0], np.float32)
