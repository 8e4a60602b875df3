"""Build what a finder learns with: a small U-Net on greys, or a classifier on numbers of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from poregui.store.finder_folder import FinderKind
from poregui.vision.pores.finder import COLOURS, FEATURE_REACH, FEATURES, Forward, PoreFinder

_WIDTHS = (8, 16, 32, 64)
"""Channels at each size of the U-Net, each half of the one before."""
_UNITS = (48, 24)
PROBABILITY = "probability"
_APART = 4.0
"""How much more a pixel between two pores that touch counts than one of the matrix."""
_PORE = 2.0
"""How much more a pixel of a pore counts."""


@dataclass(frozen=True)
class FinderNetwork:
    """Hold a network that is trained (`learns`: pore and apart) and the same one as it is applied
    (`answers`: their product).

    Pixels between two pores that touch are not `apart`: there the product is low.
    """

    kind: FinderKind
    learns: keras.Model
    answers: keras.Model

    def finder(self) -> PoreFinder:
        """Return the finder that this network is now."""
        return finder_of(self.kind, forward_of(self.answers))


def finder_of(kind: FinderKind, forward: Forward) -> PoreFinder:
    """Return the finder of a kind whose network answers by `forward`."""
    if kind == "network":
        return PoreFinder(forward, _reach(len(_WIDTHS)), 2 ** (len(_WIDTHS) - 1))
    return PoreFinder(forward, FEATURE_REACH, 1, by_features=True)


def forward_of(model: keras.Model) -> Forward:
    """Return the answers of a Keras network."""
    return lambda inputs: np.asarray(model(inputs, training=False))


def channels_of(kind: FinderKind) -> int:
    """Return how many numbers of each pixel a network of a kind is given."""
    if kind == "instant":
        return FEATURES
    return COLOURS


def build_network(kind: FinderKind) -> FinderNetwork:
    """Return an untrained network."""
    image = keras.Input((None, None, channels_of(kind)), name="image")
    if kind == "network":
        flow = _unet(image)
    else:
        flow = keras.layers.BatchNormalization(trainable=False, name="standardised")(image)
        for number, units in enumerate(_UNITS, start=1):
            flow = keras.layers.Conv2D(units, 1, activation="relu", name=f"dense_{number}")(flow)
    pore = keras.layers.Conv2D(1, 1, activation="sigmoid", name="pore")(flow)
    apart = keras.layers.Conv2D(
        1, 1, activation="sigmoid", bias_initializer=keras.initializers.Constant(2.0), name="apart"
    )(flow)
    both = keras.layers.Concatenate(name="both")([pore, apart])
    product = keras.layers.Multiply(name="product")([pore, apart])
    return FinderNetwork(
        kind, keras.Model(image, both, name=kind), keras.Model(image, product, name=kind)
    )


def _unet(image: Any) -> Any:
    """Stack a U-Net (O. Ronneberger, P. Fischer and T. Brox, MICCAI 2015, 234) with batch
    normalisation.
    """
    flow = image
    beside = []
    for level, width in enumerate(_WIDTHS):
        if level:
            flow = keras.layers.MaxPooling2D(name=f"pool_{level}")(flow)
        flow = _block(flow, width, f"down_{level}")
        beside.append(flow)
    for level in range(len(_WIDTHS) - 2, -1, -1):
        flow = keras.layers.UpSampling2D(name=f"enlarge_{level}")(flow)
        flow = keras.layers.Concatenate(name=f"join_{level}")([flow, beside[level]])
        flow = _block(flow, _WIDTHS[level], f"up_{level}")
    return flow


def _block(flow: Any, width: int, name: str) -> Any:
    for number in (1, 2):
        flow = keras.layers.Conv2D(
            width, 3, padding="same", use_bias=False, name=f"{name}_conv_{number}"
        )(flow)
        flow = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm_{number}")(flow)
        flow = keras.layers.Activation("relu", name=f"{name}_relu_{number}")(flow)
    return flow


def _reach(levels: int) -> int:
    """Return how many px around a pixel decide the answer of a U-Net of `levels` sizes.

    Two convolutions of 3 x 3 reach 2 pixels of their size, once down and once up; halving and
    enlarging add what a pixel of the next size covers.
    """
    down_and_up = sum(2 * 2 * 2**level for level in range(levels - 1))
    lowest = 2 * 2 ** (levels - 1)
    halved = sum(2 * 2**level for level in range(levels - 1))
    return down_and_up + lowest + halved


def standardise(network: FinderNetwork, inputs: NDArray[np.float32]) -> None:
    """Let an instant network bring its numbers, as in `inputs` (n, channels), to mean 0 and spread
    1.
    """
    layer = network.learns.get_layer("standardised")
    wide = inputs.shape[1]
    variance = np.maximum(inputs.var(axis=0), 1e-6)
    layer.set_weights([np.ones(wide), np.zeros(wide), inputs.mean(axis=0), variance])


def loss_of(truth: Any, answer: Any) -> Any:
    """Return the loss of answers (..., 2) for a truth (..., 3): pore, apart, and how much a pixel
    counts.

    Weighted cross-entropy, and for the pores the overlap too (F. Milletari, N. Navab and S.-A.
    Ahmadi, 3DV 2016, 565), which does not forget the few among many.
    """
    ops = keras.ops
    safe = ops.clip(answer, 1e-6, 1 - 1e-6)
    pore = truth[..., 0]
    apart = truth[..., 1]
    counts = truth[..., 2]
    of_pore = _entropy(pore, safe[..., 0]) * (1 + (_PORE - 1) * pore)
    of_apart = _entropy(apart, safe[..., 1]) * (1 + (_APART - 1) * (1 - apart))
    entropy = ops.sum((of_pore + 0.5 * of_apart) * counts) / (ops.sum(counts) + 1)
    given = safe[..., 0] * counts
    both = ops.sum(pore * given)
    overlap = (2 * both + 1) / (ops.sum(pore * counts) + ops.sum(given) + 1)
    return entropy + 0.5 * (1 - overlap)


def _entropy(truth: Any, answer: Any) -> Any:
    ops = keras.ops
    return -(truth * ops.log(answer) + (1 - truth) * ops.log(1 - answer))
