"""Build the two networks that a recipe can name.

Both take `image`, float32 (batch, side, side, channels) from 0 to 1, as `vision.patches` makes it
from a crop. Greys are centred inside the graph. Fitting a crop into the square stays outside: one
batch holds crops of many sizes, a graph would need them padded to the largest and resized one by
one, and training and prediction share the one function for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import SHAPE_VERSION, Dataset
from poregui.domain.recipe import Recipe
from poregui.learning import pretrained
from poregui.vision.patches import InputSpec

SEED_SIDE = 150
FEATURES = "features"
"""Name of the layer whose output the head reads; the activation maps explain it."""
_WIDTHS = (16, 32, 64, 96, 96, 96)
_POOLED = 3
"""Convolutions of the default network by their channels, and how many of them halve the grid."""
_SMALLEST_SPREAD = 0.3
"""Least standard deviation of log sizes: crops all of one size shall not make the scale infinitely
fine.
"""
_SMALLEST_SHAPE_SPREAD = 0.02
_SHAPE_UNITS = 32


def input_spec(
    recipe: Recipe,
    *,
    colour: bool,
    calibrated: bool,
    outlined: bool = False,
    shape_version: int = SHAPE_VERSION,
) -> InputSpec:
    """Return what the network of a recipe is given for a crop; the arguments are as in Dataset."""
    if recipe.preset == "seed":
        return InputSpec(SEED_SIDE, 3, stretched=True, sees_size=False, calibrated=calibrated)
    channels = 1
    if colour or recipe.preset == "pretrained":
        channels = 3
    return InputSpec(
        recipe.input_size,
        channels,
        stretched=False,
        sees_size=True,
        calibrated=calibrated,
        sees_shape=recipe.preset == "default" and recipe.sees_shape,
        shape_version=shape_version,
        outlined=outlined,
    )


def input_spec_of(recipe: Recipe, dataset: Dataset) -> InputSpec:
    """Return what the network of a recipe is given for the crops of a dataset."""
    return input_spec(
        recipe,
        colour=dataset.colour,
        calibrated=dataset.calibrated,
        outlined=dataset.outlined,
        shape_version=dataset.shape_version,
    )


def build(
    recipe: Recipe,
    spec: InputSpec,
    classes: int,
    sizes: NDArray[np.float32],
    shapes: NDArray[np.float32] | None = None,
) -> keras.Model:
    """Return the untrained network of a recipe with `classes` outputs named `probabilities`.

    `sizes` are the (n, 2) width and height of the training crops (um or px), `shapes` what
    `vision.shape.crop_measurement` makes of them, where the network sees that: mean and spread of
    the sizes' logarithms and of the shapes become part of it.
    """
    model = without_weights(recipe, spec, classes, sizes, shapes)
    if recipe.preset == "pretrained":
        pretrained.start_from_pretrained(model)
    return model


def without_weights(
    recipe: Recipe,
    spec: InputSpec,
    classes: int,
    sizes: NDArray[np.float32],
    shapes: NDArray[np.float32] | None = None,
) -> keras.Model:
    """Return what `build` does for weights that are put in later."""
    image = keras.Input((spec.side, spec.side, spec.channels), name="image")
    if recipe.preset == "seed":
        return keras.Model({"image": image}, _seed(image, classes), name="seed")
    size = keras.Input((2,), name="size")
    if recipe.preset == "pretrained":
        probabilities = pretrained.build(image, size, classes, sizes)
        return keras.Model({"image": image, "size": size}, probabilities, name="pretrained")
    inputs = {"image": image, "size": size}
    if spec.sees_shape and shapes is not None:
        inputs["shape"] = keras.Input((shapes.shape[1],), name="shape")
    return keras.Model(inputs, _default(inputs, classes, sizes, shapes), name="default")


def _seed(image: Any, classes: int) -> Any:
    """Stack the original study's network: 7.98 million parameters for three classes."""
    layers = keras.layers
    flow = layers.Conv2D(32, 3, activation="relu", name="conv_1")(image)
    flow = layers.MaxPooling2D(name="pool_1")(flow)
    flow = layers.Dropout(0.25, name="dropout_1")(flow)
    flow = layers.Conv2D(64, 3, activation="relu", name="conv_2")(flow)
    flow = layers.MaxPooling2D(name=FEATURES)(flow)
    flow = layers.Dropout(0.25, name="dropout_2")(flow)
    flow = layers.Flatten(name="flatten")(flow)
    flow = layers.Dense(96, activation="relu", name="dense")(flow)
    flow = layers.Dropout(0.5, name="dropout_3")(flow)
    return layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(flow)


def _default(
    inputs: Mapping[str, Any],
    classes: int,
    sizes: NDArray[np.float32],
    shapes: NDArray[np.float32] | None,
) -> Any:
    """Stack convolutions with batch normalisation, average their features, and read them with the
    size and the shape.

    The last three convolutions share one grid: they see 70 px about each of its points, so the
    whole shape of a pore, and leave a map of 8 x 8 for a crop of 64 px.
    """
    layers = keras.layers
    image = inputs["image"]
    side = int(image.shape[1])
    # Columns first, then their means: one sum over all pixels loses digits, and the layers below
    # make much of them.
    mean = layers.AveragePooling2D((side, 1), name="mean_of_columns")(image)
    mean = layers.AveragePooling2D((1, side), name="mean_grey")(mean)
    flow = layers.Subtract(name="centred")([image, mean])  # specimens differ in light
    flow = layers.Rescaling(4.0, name="scaled")(flow)
    for number, width in enumerate(_WIDTHS, start=1):
        last = number == len(_WIDTHS)
        flow = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"conv_{number}")(flow)
        # Runs are a few hundred steps long: momentum 0.99 would not have caught up with the weights
        # at their end.
        flow = layers.BatchNormalization(momentum=0.9, name=f"norm_{number}")(flow)
        flow = layers.Activation("relu", name=FEATURES if last else f"relu_{number}")(flow)
        if number <= _POOLED:
            flow = layers.MaxPooling2D(name=f"pool_{number}")(flow)
    flow = layers.GlobalAveragePooling2D(name="average")(flow)
    logs = np.log(np.maximum(sizes, 1e-6))
    joined = [
        flow,
        _standardised(keras.ops.log(inputs["size"]), logs, _SMALLEST_SPREAD, "size_scaled"),
    ]
    if shapes is not None and "shape" in inputs:
        shape = _standardised(inputs["shape"], shapes, _SMALLEST_SHAPE_SPREAD, "shape_scaled")
        joined.append(layers.Dense(_SHAPE_UNITS, activation="relu", name="shape_units")(shape))
    flow = layers.Concatenate(name="joined")(joined)
    flow = layers.Dropout(0.3, name="dropout")(flow)
    flow = layers.Dense(64, activation="relu", name="dense")(flow)
    return layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(flow)


def _standardised(values: Any, known: NDArray[np.float32], smallest: float, name: str) -> Any:
    """Bring values to mean 0 and spread 1 of the `known` (n, columns) ones; a spread is `smallest`
    at least.
    """
    mean = known.mean(axis=0)
    spread = np.maximum(known.std(axis=0), smallest)
    return keras.layers.Normalization(mean=mean.tolist(), variance=(spread**2).tolist(), name=name)(
        values
    )
