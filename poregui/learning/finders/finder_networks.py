"""Build what a finder learns with: a small U-Net on greys, or a classifier on numbers of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.learning import pretrained
from poregui.store.finder_folder import FinderKind
from poregui.store.pretrained_weights import check_pretrained, pretrained_weights
from poregui.vision.pores.finder import (
    CHROMA,
    COLOURS,
    FEATURE_REACH,
    FEATURES,
    Forward,
    PoreFinder,
)

_WIDTHS = (8, 16, 32, 64)
"""Channels at each size of the U-Net, each half of the one before."""
_UNITS = (24,)
_STAGE_ENDS = (
    *("net_blocks_0__bn2", "net_blocks_2_add", "net_blocks_4_add"),
    "net_blocks_10_add",
)
"""Where EfficientNet-Lite0 is left: at halves, quarters, eighths and sixteenths of the image."""
_UP = (48, 32, 24, 16)
_FINE = 8
_PRETRAINED_REACH = 256
"""The stages reach 169 px, the way up 39 px, and enlarging up to 30 px more."""
_PRETRAINED_STEP = 16
_SEEN = 0.75
"""What the range of a micrograph is multiplied by, to be like the images of ImageNet."""
_RED = (0.701, -0.299, -0.299)
_BLUE = (-0.114, -0.114, 0.886)
_TO_COLOURS = np.stack([np.ones(3), np.array(_RED) / CHROMA, np.array(_BLUE) / CHROMA]) * _SEEN
"""From grey, and red and blue less green, to red, green and blue (see `colours_of`)."""
PROBABILITY = "probability"
_LIKELY = 0.5
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
    reach: int
    step: int

    def finder(self) -> PoreFinder:
        """Return the finder that this network is now."""
        by_features = self.kind == "instant"
        return PoreFinder(forward_of(self.answers), self.reach, self.step, by_features=by_features)


def forward_of(model: keras.Model) -> Forward:
    """Return the answers of a Keras network."""
    return lambda inputs: np.asarray(model(inputs, training=False))


def channels_of(kind: FinderKind) -> int:
    """Return how many numbers of each pixel a network of a kind is given."""
    if kind == "instant":
        return FEATURES
    return COLOURS


def build_network(kind: FinderKind) -> FinderNetwork:
    """Return an untrained network; where its weights are installed, a U-Net begins with what
    ImageNet taught EfficientNet-Lite0.
    """
    image = keras.Input((None, None, channels_of(kind)), name="image")
    if kind == "instant":
        flow, reach, step = _dense(image), FEATURE_REACH, 1
    elif has_weights():
        flow, reach, step = _on_pretrained(image), _PRETRAINED_REACH, _PRETRAINED_STEP
    else:
        flow, reach, step = _unet(image), _reach(len(_WIDTHS)), 2 ** (len(_WIDTHS) - 1)
    pore = keras.layers.Conv2D(1, 1, activation="sigmoid", name="pore")(flow)
    apart = keras.layers.Conv2D(
        1, 1, activation="sigmoid", bias_initializer=keras.initializers.Constant(2.0), name="apart"
    )(flow)
    both = keras.layers.Concatenate(name="both")([pore, apart])
    product = keras.layers.Multiply(name="product")([pore, apart])
    learns = keras.Model(image, both, name=kind)
    return FinderNetwork(kind, learns, keras.Model(image, product, name=kind), reach, step)


def has_weights() -> bool:
    """Tell whether the weights that ImageNet taught are installed and sound."""
    try:
        check_pretrained()
    except PoreguiError:
        return False
    return True


def _dense(image: Any) -> Any:
    flow = keras.layers.BatchNormalization(trainable=False, name="standardised")(image)
    for number, units in enumerate(_UNITS, start=1):
        flow = keras.layers.Conv2D(units, 1, activation="relu", name=f"dense_{number}")(flow)
    return flow


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


def _on_pretrained(image: Any) -> Any:
    """Stack the way up of a U-Net on the first stages of EfficientNet-Lite0, which stay as they
    came: two images teach too little to do better.
    """
    colours = keras.layers.Conv2D(3, 1, use_bias=False, trainable=False, name="colours")(image)
    whole = keras.Model(image, pretrained.backbone(colours))
    whole.get_layer("colours").set_weights([_TO_COLOURS[None, None]])
    pretrained.give_weights(whole, pretrained_weights())
    for layer in whole.layers:
        layer.trainable = False
    beside = [whole.get_layer(name).output for name in _STAGE_ENDS]
    flow = keras.layers.SpatialDropout2D(0.1, name="dropout")(beside.pop())
    flow = _block(flow, _UP[0], "up_16", 1)
    for width in _UP[1:]:
        size = 2 ** len(beside)
        flow = keras.layers.UpSampling2D(name=f"enlarge_{size}")(flow)
        flow = keras.layers.Concatenate(name=f"join_{size}")([flow, beside.pop()])
        flow = _block(flow, width, f"up_{size}", 1 if size == 8 else 2)
    flow = keras.layers.UpSampling2D(name="enlarge_1")(flow)
    own = _block(image, _FINE, "fine", 1)
    return _block(keras.layers.Concatenate(name="join_1")([flow, own]), _FINE, "up_1")


def _block(flow: Any, width: int, name: str, convolutions: int = 2) -> Any:
    for number in range(1, convolutions + 1):
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


def right_of(truth: Any, answer: Any) -> Any:
    """Return the share of pixels (of what they count) that are rightly answered as pore or not."""
    ops = keras.ops
    pore = ops.cast(answer[..., 0] > _LIKELY, "float32")
    counts = truth[..., 2]
    right = ops.sum((1 - ops.abs(pore - ops.round(truth[..., 0]))) * counts)
    return right / (ops.sum(counts) + 1e-6)


def _entropy(truth: Any, answer: Any) -> Any:
    ops = keras.ops
    return -(truth * ops.log(answer) + (1 - truth) * ops.log(1 - answer))
