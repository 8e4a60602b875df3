"""Build what a finder learns with: a small U-Net on greys, or a classifier on numbers of pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from poregui.learning.finders.pixel_networks import Surroundings, classify, features_at
from poregui.learning.finders.pretrained_stages import STAGE_STEP, has_weights, stages
from poregui.store.finder_folder import FinderKind
from poregui.vision.pores.finder import COLOURS, FEATURE_REACH, FEATURES, Forward, PoreFinder

_WIDTHS = (8, 16, 32, 64)
"""Channels at each size of the U-Net, each half of the one before."""
_UP = (48, 32, 24, 16)
_FINE = 8
_PRETRAINED_REACH = 256
"""The stages reach 169 px, the way up 39 px, and enlarging up to 30 px more."""
_SURROUNDINGS_REACH = 208
PROBABILITY = "probability"
_LIKELY = 0.5
_APART = 4.0
"""How much more a pixel between two pores that touch counts than one of the matrix."""
_PORE = 2.0
"""How much more a pixel of a pore counts."""


Numbers = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]
"""Return numbers (n, count) of the pixels at flat places of an image (h, w, 3)."""


@dataclass(frozen=True)
class FinderNetwork:
    """Hold a network that is trained (`learns`: pore and apart) and the same one as it is applied
    (`answers`: their product).

    Pixels between two pores that touch are not `apart`: there the product is low. `numbers` are
    what a classifier of pixels is taught of each, None where patches are taught; `settle` gives
    `answers` what `learns` has learned, where they do not share it. `channels` is how many numbers
    `answers` is given of each pixel.
    """

    learns: keras.Model
    answers: keras.Model
    reach: int
    step: int
    numbers: Numbers | None = None
    settle: Callable[[], None] = lambda: None

    @property
    def channels(self) -> int:
        """Return how many numbers of each pixel it is given when it is applied."""
        return int(self.answers.inputs[0].shape[-1])

    def finder(self) -> PoreFinder:
        """Return the finder that this network is now."""
        by_features = self.channels == FEATURES
        return PoreFinder(forward_of(self.answers), self.reach, self.step, by_features=by_features)


def forward_of(model: keras.Model) -> Forward:
    """Return the answers of a Keras network."""
    return lambda inputs: np.asarray(model(inputs, training=False))


def build_network(kind: FinderKind) -> FinderNetwork:
    """Return an untrained network; where its weights are installed, it begins with what ImageNet
    taught EfficientNet-Lite0.
    """
    if kind == "instant":
        return _pixels_by_surroundings() if has_weights() else _pixels_by_features()
    image = keras.Input((None, None, COLOURS), name="image")
    if has_weights():
        flow, reach, step = _on_pretrained(image), _PRETRAINED_REACH, STAGE_STEP
    else:
        flow, reach, step = _unet(image), _reach(len(_WIDTHS)), 2 ** (len(_WIDTHS) - 1)
    learns, answers = _both(image, flow, kind)
    return FinderNetwork(learns, answers, reach, step)


def _pixels_by_features() -> FinderNetwork:
    image = keras.Input((None, None, FEATURES), name="image")
    learns, answers = _both(image, classify(image), "instant")
    return FinderNetwork(learns, answers, FEATURE_REACH, 1, features_at)


def _pixels_by_surroundings() -> FinderNetwork:
    seen = Surroundings()
    given = keras.Input((None, None, seen.count), name="image")
    learns, _ = _both(given, classify(given), "instant")
    image = keras.Input((None, None, COLOURS), name="image")
    _, answers = _both(image, seen.hidden(image), "instant")
    return FinderNetwork(
        learns,
        answers,
        _SURROUNDINGS_REACH,
        STAGE_STEP,
        seen.at,
        lambda: seen.take(learns, answers),
    )


def _both(image: Any, flow: Any, name: str) -> tuple[keras.Model, keras.Model]:
    """Return the network that learns and the one that answers, from the last numbers of pixels."""
    pore = keras.layers.Conv2D(1, 1, activation="sigmoid", name="pore")(flow)
    apart = keras.layers.Conv2D(
        1, 1, activation="sigmoid", bias_initializer=keras.initializers.Constant(2.0), name="apart"
    )(flow)
    both = keras.layers.Concatenate(name="both")([pore, apart])
    product = keras.layers.Multiply(name="product")([pore, apart])
    return keras.Model(image, both, name=name), keras.Model(image, product, name=name)


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
    beside = stages(image)
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
