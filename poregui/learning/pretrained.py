"""Build EfficientNet-Lite0 with weights that ImageNet taught it.

M. Tan and Q. V. Le, EfficientNet, ICML 2019 (arXiv:1905.11946), Table 1, without
squeeze-and-excitation and with ReLU6, as TensorFlow's `efficientnet-lite0` has it. Convolutions pad
as TensorFlow's `same` does, more on the right and below, as the weights were trained; padding both
sides alike, as PyTorch would, moves the grids by half a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from poregui.domain.recipe import Recipe
from poregui.store.pretrained_weights import pretrained_weights

LAYERS_PREFIX = "net_"
"""Names of the layers that come with weights begin with it."""
FIXED_BLOCKS = 5
"""First blocks that are never trained: their edges and blobs serve any image, and they take most
of the time.
"""
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Of each stage: blocks, kernel, stride of the first block, expansion, channels."""
_STEM = 32
_HEAD = 1280
_EPSILON = 1e-3
_HIDDEN = 64
_STEPS_OF_GREY = 255
_SMALLEST_SPREAD = 0.3
"""Least standard deviation of log sizes, as in the default network."""


def build(image: Any, size: Any, classes: int, sizes: NDArray[np.float32]) -> Any:
    """Return the probabilities of `classes` from an image of three channels from 0 to 1 and the
    size of the crop.

    The mean of an image takes the place of the middle grey, for specimens differ in light. `sizes`
    are as in `networks.build`. The weights are put in by `start_from_pretrained`.
    """
    layers = keras.layers
    side = int(image.shape[1])
    # Columns first, then their means, as in the default network.
    mean = layers.AveragePooling2D((side, 1), name="mean_of_columns")(image)
    mean = layers.AveragePooling2D((1, side), name="mean_grey")(mean)
    flow = layers.Subtract(name="centred")([image, mean])
    flow = layers.Rescaling(_STEPS_OF_GREY / 128, name="scaled")(flow)
    flow = layers.GlobalAveragePooling2D(name="average")(backbone(flow))
    logs = np.log(np.maximum(sizes, 1e-6))
    spread = np.maximum(logs.std(axis=0), _SMALLEST_SPREAD)
    scaled = layers.Normalization(
        mean=logs.mean(axis=0).tolist(), variance=(spread**2).tolist(), name="size_scaled"
    )(keras.ops.log(size))
    flow = layers.Concatenate(name="joined")([flow, scaled])
    flow = layers.Dropout(0.3, name="dropout")(flow)
    flow = layers.Dense(_HIDDEN, activation="relu", name="dense")(flow)
    return layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(flow)


def start_from_pretrained(model: keras.Model) -> None:
    """Give a fresh network its weights and let only its later convolutions and its head be trained.

    Batch normalisation keeps the statistics that it came with: a few hundred crops give worse ones.
    Raises TrainingError when the weights are not installed.
    """
    give_weights(model, pretrained_weights())
    fixed = tuple(_named(f"_blocks.{block}.") for block in range(FIXED_BLOCKS))
    for layer in model.layers:
        if layer.name.startswith(LAYERS_PREFIX):
            early = layer.name.startswith((*fixed, _named("_conv_stem")))
            layer.trainable = not (early or isinstance(layer, keras.layers.BatchNormalization))


@keras.saving.register_keras_serializable("poregui")
class PacedAdam(keras.optimizers.Adam):
    """Take steps for the layers that came with weights that are `pace` times as
    long as the others.
    """

    def __init__(self, learning_rate: float = 0.001, **others: Any) -> None:
        super().__init__(learning_rate, **others)
        self.pace: Any = None
        self._came: list[bool] = []

    def build(self, variables: Any) -> None:
        """Make the moments of the variables, and the pace, so that a checkpoint holds it too."""
        super().build(variables)
        self._came = [variable.path.startswith(LAYERS_PREFIX) for variable in variables]
        if self.pace is None:
            self.pace = self.add_variable((), initializer="zeros", name="pace")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one variable."""
        came = self._came[self._get_variable_index(variable)]
        super().update_step(
            gradient, variable, learning_rate * self.pace if came else learning_rate
        )


def optimizer_for(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Return the optimiser of a recipe."""
    if recipe.preset == "pretrained":
        return PacedAdam(recipe.learning_rate)
    return keras.optimizers.Adam(recipe.learning_rate)


def begin_epoch(optimizer: keras.optimizers.Optimizer, recipe: Recipe, epoch: int) -> None:
    """Hold the layers that came with weights in the first epochs (counted from 1), and let them
    move slowly later.
    """
    if isinstance(optimizer, PacedAdam):
        optimizer.pace.assign(0.0 if epoch <= recipe.frozen_epochs else recipe.fine_tuning_rate)


def backbone(image: Any) -> Any:
    """Return (height / 32, width / 32, 1280) features of an image of three channels: (grey - 127) /
    128 of 0 to 255.
    """
    layers = keras.layers
    flow = layers.Conv2D(_STEM, 3, 2, padding="same", use_bias=False, name=_named("_conv_stem"))(
        image
    )
    flow = _normed(flow, "_bn0", active=True)
    block = 0
    for count, kernel, first_stride, expansion, width in _STAGES:
        for repeat in range(count):
            stride = 1
            if repeat == 0:
                stride = first_stride
            flow = _block(flow, f"_blocks.{block}.", kernel, stride, expansion, width)
            block += 1
    flow = layers.Conv2D(_HEAD, 1, padding="same", use_bias=False, name=_named("_conv_head"))(flow)
    return _normed(flow, "_bn1", active=True, activation="features")


def _block(flow: Any, prefix: str, kernel: int, stride: int, expansion: int, width: int) -> Any:
    layers = keras.layers
    entered = flow
    inside = int(flow.shape[-1])
    if expansion > 1:
        flow = layers.Conv2D(
            inside * expansion, 1, use_bias=False, name=_named(f"{prefix}_expand_conv")
        )(flow)
        flow = _normed(flow, f"{prefix}_bn0", active=True)
    name = _named(f"{prefix}_depthwise_conv")
    flow = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, name=name)(flow)
    flow = _normed(flow, f"{prefix}_bn1", active=True)
    flow = layers.Conv2D(width, 1, use_bias=False, name=_named(f"{prefix}_project_conv"))(flow)
    flow = _normed(flow, f"{prefix}_bn2", active=False)
    if stride == 1 and inside == width:
        flow = layers.Add(name=_named(f"{prefix}add"))([flow, entered])
    return flow


def _normed(flow: Any, name: str, *, active: bool, activation: str = "") -> Any:
    layers = keras.layers
    flow = layers.BatchNormalization(epsilon=_EPSILON, name=_named(name))(flow)
    if active:
        return layers.Activation("relu6", name=activation or _named(f"{name}_relu"))(flow)
    return flow


def _named(name: str) -> str:
    return LAYERS_PREFIX + name.strip("_").replace(".", "_")


def give_weights(model: keras.Model, weights: Mapping[str, NDArray[np.float32]]) -> None:
    """Put the weights of `store.pretrained_weights` into the layers of `backbone`; KeyError when
    one is missing.
    """
    for name in sorted({name.rpartition(".")[0] for name in weights}):
        layer = model.get_layer(_named(name))
        if isinstance(layer, keras.layers.BatchNormalization):
            parts = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([weights[f"{name}.{part}"] for part in parts])
        elif isinstance(layer, keras.layers.DepthwiseConv2D):
            layer.set_weights([weights[f"{name}.weight"].transpose(0, 1, 3, 2)])
        else:
            layer.set_weights([weights[f"{name}.weight"]])
