"""Write a trained network as an ONNX graph that also explains itself.

The graph is written from the layers and their weights directly. That is exact, takes a second
(Keras's own exporter takes 17 s for the `seed` network) and can hold what no exporter writes: the
activation maps, features times the gradient of each logit with respect to them, summed over
channels, as plain forward operations (HiResCAM: R. L. Draelos and L. Carin, arXiv:2011.08891;
without a hidden layer behind the average it would be the class activation map).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto

from poregui.domain.statistics.out_of_distribution import PENULTIMATE
from poregui.learning.batches import Crops
from poregui.learning.blend import Blend
from poregui.learning.fitting import feed
from poregui.learning.networks import FEATURES
from poregui.learning.onnx_graph import Graph, add_forest, answers_of, check_parity, finished
from poregui.store.files import write_bytes

_BATCH = 32


def build_graph(model: keras.Model, blend: Blend | None = None) -> onnx.ModelProto:
    """Return the ONNX model of a network from networks.py.

    Inputs `image` (batch, side, side, channels) and, where the network has them, `size` (batch, 2)
    and `shape` (batch, numbers); outputs `probabilities` (batch, classes), `activation_maps`
    (batch, classes, height, width) of the features' grid and `penultimate` (batch, units), the
    input of the last layer. All float32. With a `blend` the probabilities are those of network and
    forest; what explains them is the network. Raises TypeError for a layer that it does not know.
    """
    graph = Graph()
    made = _write_layers(graph, model)
    if blend is not None:
        _write_blend(graph, blend)
    height, width, channels = model.get_layer(FEATURES).output.shape[1:]
    _write_maps(graph, model, (height, width, channels))
    classes = int(model.output_shape[-1])
    units = int(model.get_layer("probabilities").input.shape[-1])
    graph.add("Identity", [made[_key(model.get_layer("probabilities").input)]], PENULTIMATE)
    outputs = [
        ("probabilities", ["batch", classes]),
        ("activation_maps", ["batch", classes, height, width]),
        (PENULTIMATE, ["batch", units]),
    ]
    inputs = [(tensor.name, ["batch", *tensor.shape[1:]]) for tensor in model.inputs]
    return finished(graph, model.name, inputs, outputs)


def _write_blend(graph: Graph, blend: Blend) -> None:
    """Let the answer of the network and that of a forest become one."""
    last = next(node for node in graph.nodes if "probabilities" in node.output)
    last.name = "network_probabilities"
    last.output[:] = [last.name]
    add_forest(graph, blend.forest, blend.classes, "shape", "forest_probabilities")
    parts = []
    for name, share in (("network", blend.network), ("forest", 1 - blend.network)):
        weight = graph.weight(f"share_of_{name}", share)
        parts.append(graph.add("Mul", [f"{name}_probabilities", weight], f"part_of_{name}"))
    graph.add("Add", parts, "probabilities")


def build_image_graph(model: keras.Model, output: str) -> onnx.ModelProto:
    """Return the ONNX model of a network that gives an image of the same size as its input.

    Input `image` (batch, height, width, channels), `output` (batch, height, width, 1), float32.
    Raises TypeError for a layer that it does not know.
    """
    graph = Graph()
    made = _write_layers(graph, model)
    graph.add("Transpose", [made[_key(model.output)]], output, perm=[0, 2, 3, 1])
    shape = ["batch", "height", "width"]
    inputs = [(model.inputs[0].name, [*shape, int(model.inputs[0].shape[-1])])]
    return finished(graph, model.name, inputs, [(output, [*shape, 1])])


def _write_layers(graph: Graph, model: keras.Model) -> dict[str, str]:
    """Write all layers; return the names of their tensors by `_key`."""
    made: dict[str, str] = {}
    for operation in model.operations:
        sources = [made[_key(tensor)] for tensor in _inputs_of(operation)]
        made[_key(operation.output)] = _write(graph, operation, sources)
    return made


def _key(tensor: Any) -> str:
    return str(id(tensor))


def _inputs_of(operation: Any) -> list[Any]:
    if isinstance(operation, keras.layers.InputLayer):
        return []
    return list(_flat(operation.input))


def _flat(tensors: Any) -> list[Any]:
    if isinstance(tensors, list | tuple):
        return list(tensors)
    return [tensors]


def _write(graph: Graph, layer: Any, sources: list[str]) -> str:
    """Write one layer; image tensors are (batch, channels, height, width) inside the graph."""
    kind = type(layer).__name__
    if kind == "InputLayer":
        if len(layer.output.shape) == 4:
            return graph.add("Transpose", [layer.name], f"{layer.name}_planes", perm=[0, 3, 1, 2])
        return str(layer.name)
    if kind in ("Dropout", "SpatialDropout2D"):
        return sources[0]
    writer = _WRITERS.get(kind)
    if writer is None:
        raise TypeError(f"No ONNX operation is known for the layer {kind}.")
    return writer(graph, layer, sources)


def _conv(graph: Graph, layer: Any, sources: list[str]) -> str:
    kernel = np.array(layer.kernel).transpose(3, 2, 0, 1)
    inputs = [sources[0], graph.weight(f"{layer.name}_kernel", kernel)]
    if layer.use_bias:
        inputs.append(graph.weight(f"{layer.name}_bias", np.array(layer.bias)))
    pads = "VALID"
    if layer.padding == "same":
        pads = "SAME_UPPER"
    strides = list(layer.strides)
    flow = graph.add("Conv", inputs, f"{layer.name}_sum", auto_pad=pads, strides=strides)
    return _activate(graph, layer, flow)


def _depthwise(graph: Graph, layer: Any, sources: list[str]) -> str:
    kernel = np.array(layer.kernel).transpose(2, 3, 0, 1)  # one filter per channel
    inputs = [sources[0], graph.weight(f"{layer.name}_kernel", kernel)]
    pads = "VALID"
    if layer.padding == "same":
        pads = "SAME_UPPER"
    groups = kernel.shape[0]
    strides = list(layer.strides)
    flow = graph.add(
        "Conv", inputs, f"{layer.name}_sum", auto_pad=pads, strides=strides, group=groups
    )
    return _activate(graph, layer, flow)


def _norm(graph: Graph, layer: Any, sources: list[str]) -> str:
    values = [layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance]
    names = ("gamma", "beta", "mean", "variance")
    inputs = [
        graph.weight(f"{layer.name}_{name}", np.array(v))
        for name, v in zip(names, values, strict=True)
    ]
    return graph.add(
        "BatchNormalization", [sources[0], *inputs], layer.name, epsilon=float(layer.epsilon)
    )


def _pool(graph: Graph, layer: Any, sources: list[str]) -> str:
    size = list(layer.pool_size)
    strides = list(layer.strides)
    pads = "VALID"
    if layer.padding == "same":
        pads = "SAME_UPPER"
    if isinstance(layer, keras.layers.MaxPooling2D):
        kind = "MaxPool"
    else:
        kind = "AveragePool"
    return graph.add(kind, sources, layer.name, kernel_shape=size, strides=strides, auto_pad=pads)


def _rescale(graph: Graph, layer: Any, sources: list[str]) -> str:
    scale = graph.weight(f"{layer.name}_scale", [float(layer.scale)])
    offset = graph.weight(f"{layer.name}_offset", [float(layer.offset)])
    scaled = graph.add("Mul", [sources[0], scale], f"{layer.name}_scaled")
    return graph.add("Add", [scaled, offset], layer.name)


def _standardise(graph: Graph, layer: Any, sources: list[str]) -> str:
    mean = graph.weight(f"{layer.name}_mean", np.array(layer.mean))
    spread = graph.weight(f"{layer.name}_spread", np.sqrt(np.array(layer.variance)))
    centred = graph.add("Sub", [sources[0], mean], f"{layer.name}_centred")
    return graph.add("Div", [centred, spread], layer.name)


def _average(graph: Graph, layer: Any, sources: list[str]) -> str:
    return graph.add("ReduceMean", sources, layer.name, axes=[2, 3], keepdims=int(layer.keepdims))


def _flatten(graph: Graph, layer: Any, sources: list[str]) -> str:
    last = graph.add("Transpose", sources, f"{layer.name}_channels_last", perm=[0, 2, 3, 1])
    return graph.add("Flatten", [last], layer.name)


def _dense(graph: Graph, layer: Any, sources: list[str]) -> str:
    kernel = graph.weight(f"{layer.name}_kernel", np.array(layer.kernel))
    bias = graph.weight(f"{layer.name}_bias", np.array(layer.bias))
    flow = graph.add("Gemm", [sources[0], kernel, bias], f"{layer.name}_sum")
    return _activate(graph, layer, flow)


def _activate(graph: Graph, layer: Any, flow: str) -> str:
    name = layer.activation.__name__
    if name == "linear":
        return flow
    if name == "relu6":
        return graph.add(
            "Clip",
            [flow, graph.weight("clip_low", 0.0), graph.weight("clip_high", 6.0)],
            str(layer.name),
        )
    kinds = {"relu": "Relu", "softmax": "Softmax", "sigmoid": "Sigmoid"}
    if name not in kinds:
        raise TypeError(f"No ONNX operation is known for the activation {name}.")
    return graph.add(kinds[name], [flow], str(layer.name))


def _enlarge(graph: Graph, layer: Any, sources: list[str]) -> str:
    """Write the doubling of both sides by repetition: four times the channels, laid out as space.

    No operation that makes a tensor of any size from a small one is written (see network_files).
    """
    if tuple(layer.size) != (2, 2) or layer.interpolation != "nearest":
        raise TypeError("No ONNX operation is known for this enlargement.")
    again = graph.add("Concat", sources * 4, f"{layer.name}_again", axis=1)
    return graph.add("DepthToSpace", [again], layer.name, blocksize=2, mode="DCR")


_WRITERS: dict[str, Callable[[Graph, Any, list[str]], str]] = {
    "Add": lambda graph, layer, sources: graph.add("Add", sources, layer.name),
    "AveragePooling2D": _pool,
    "Activation": lambda graph, layer, sources: _activate(graph, layer, sources[0]),
    "BatchNormalization": _norm,
    "Concatenate": lambda graph, layer, sources: graph.add("Concat", sources, layer.name, axis=1),
    "Conv2D": _conv,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise,
    "Flatten": _flatten,
    "GlobalAveragePooling2D": _average,
    "Log": lambda graph, layer, sources: graph.add("Log", sources, layer.name),
    "MaxPooling2D": _pool,
    "Multiply": lambda graph, layer, sources: graph.add("Mul", sources, layer.name),
    "Normalization": _standardise,
    "Rescaling": _rescale,
    "Subtract": lambda graph, layer, sources: graph.add("Sub", sources, layer.name),
    "UpSampling2D": _enlarge,
}


def _write_maps(graph: Graph, model: keras.Model, grid: tuple[int, int, int]) -> None:
    """Write the activation maps of a head `[average or flatten] - dense (ReLU) - dense (softmax)`.

    Where the hidden units are above zero the head is linear: the gradient of logit c with respect
    to feature f is the sum over these units u of kernel_1[f, u] kernel_2[u, c].
    """
    height, width, channels = grid
    hidden = model.get_layer("dense")
    units = int(model.get_layer("dense").units)
    classes = int(model.output_shape[-1])
    averaged = any(layer.name == "average" for layer in model.layers)
    kernel = np.array(hidden.kernel)
    if averaged:
        first = graph.weight("map_kernel", kernel[:channels] / (height * width))
    else:
        first = f"{hidden.name}_kernel"  # shared: it is nearly all that the seed network weighs
    live = graph.add(
        "Cast", [graph.add("Sign", [hidden.name], "live_sign")], "live", to=TensorProto.FLOAT
    )
    rows = graph.add("Unsqueeze", [live, graph.weight("axis_1", [1])], "live_rows")
    second = graph.weight("map_logits", np.array(model.get_layer("probabilities").kernel).T[None])
    masked = graph.add("Mul", [rows, second], "masked_logits")
    flat = graph.add("Reshape", [masked, graph.weight("flat_units", [-1, units])], "masked_flat")
    gradient = graph.add("Gemm", [flat, first], "gradient_flat", transB=1)
    spatial = [height, width]
    if averaged:
        spatial = [1, 1]
    shape = graph.weight("gradient_shape", [-1, classes, *spatial, channels])
    gradient = graph.add("Reshape", [gradient, shape], "gradient")
    features = graph.add("Transpose", [FEATURES], "features_last", perm=[0, 2, 3, 1])
    features = graph.add("Unsqueeze", [features, graph.weight("axis_1", [1])], "features_rows")
    product = graph.add("Mul", [features, gradient], "products")
    graph.add("ReduceSum", [product, graph.weight("axis_4", [4])], "activation_maps", keepdims=0)


def export(model: keras.Model, path: Path, crops: Crops, blend: Blend | None = None) -> float:
    """Write the network to `path` and return the largest difference to Keras's probabilities for
    these crops.

    Raises TrainingError, and leaves no file, when the two differ by more than 1e-4.
    """
    content = build_graph(model, blend).SerializeToString()
    worst = _difference(model, content, crops, blend)
    check_parity(worst)
    write_bytes(path, content)
    return worst


def _difference(model: keras.Model, content: bytes, crops: Crops, blend: Blend | None) -> float:
    answer = answers_of(content)
    worst = 0.0
    for start in range(0, len(crops), _BATCH):
        inputs = feed(model, crops.take(slice(start, start + _BATCH)))
        wanted = model.predict_on_batch(inputs)
        if blend is not None:
            wanted = blend.mix(wanted, inputs["shape"])
        worst = max(worst, float(np.abs(answer(inputs) - wanted).max()))
    return worst
