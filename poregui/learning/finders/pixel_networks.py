"""Build what an instant finder learns with: a small classifier of single pixels, by what ImageNet
taught EfficientNet-Lite0 of their surroundings or by numbers at several scales.
"""

from __future__ import annotations

from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from poregui.learning.finders.pretrained_stages import STAGE_STEP, stages
from poregui.vision.pores.finder import COLOURS, features_of

UNITS = 16
_HALVINGS = 4
_SMALLEST_VARIANCE = 1e-6
Rows = NDArray[np.float32]


def classify(image: Any) -> Any:
    """Return the hidden numbers of pixels from their given ones (batch, height, width, n)."""
    flow = keras.layers.BatchNormalization(trainable=False, name="standardised")(image)
    flow = keras.layers.Conv2D(UNITS, 1, name="dense")(flow)
    return keras.layers.Activation("relu", name="dense_relu")(flow)


def standardise(learns: keras.Model, rows: Rows) -> None:
    """Let a classifier bring its numbers, as in `rows` (n, numbers), to mean 0 and spread 1."""
    wide = rows.shape[1]
    variance = np.maximum(rows.var(axis=0), _SMALLEST_VARIANCE)
    layer = learns.get_layer("standardised")
    layer.set_weights([np.ones(wide), np.zeros(wide), rows.mean(axis=0), variance])


def features_at(colours: NDArray[np.float32], places: NDArray[np.int64]) -> Rows:
    """Return what `features_of` says of the pixels at flat `places`, (n, features)."""
    features = features_of(colours)
    return np.asarray(features.reshape(-1, features.shape[-1])[places], np.float32)


class Surroundings:
    """Say of pixels their colours and what the stages of EfficientNet-Lite0 see about them, and
    turn a classifier of these numbers into a network on the whole image.
    """

    def __init__(self) -> None:
        image = keras.Input((None, None, COLOURS), name="image")
        self._stages = keras.Model(image, stages(image))
        self._widths = [int(output.shape[-1]) for output in self._stages.outputs]

    @property
    def count(self) -> int:
        """Return how many numbers there are of a pixel."""
        return COLOURS + sum(self._widths)

    def at(self, colours: NDArray[np.float32], places: NDArray[np.int64]) -> Rows:
        """Return the numbers of the pixels at flat `places` of an image (h, w, 3), (n, count).

        Between the middles of what a stage sees they are smooth, as `hidden` makes them.
        """
        height, width = colours.shape[:2]
        below = -height % STAGE_STEP
        right = -width % STAGE_STEP
        wide = cv2.copyMakeBorder(colours, 0, below, 0, right, cv2.BORDER_REPLICATE)
        row, column = np.divmod(places, width)
        found = [colours.reshape(-1, COLOURS)[places]]
        for output in self._stages(wide[None], training=False):
            found.append(_between(np.asarray(output)[0], row, column, wide.shape[0]))
        return np.concatenate(found, axis=1).astype(np.float32)

    def hidden(self, image: Any) -> Any:
        """Return what `classify` makes of the numbers of all pixels of an image.

        Weights and enlarging are linear, so that a stage is weighed before it is enlarged.
        """
        flow = None
        for halving, stage in zip(range(_HALVINGS, 0, -1), reversed(stages(image)), strict=True):
            part = keras.layers.Conv2D(UNITS, 1, name=_weighed(halving))(stage)
            if flow is not None:
                part = keras.layers.Add(name=f"with_{halving}")([part, flow])
            flow = _doubled(part, halving)
        own = keras.layers.Conv2D(UNITS, 1, name=_weighed(0))(image)
        flow = keras.layers.Add(name="with_0")([own, flow])
        return keras.layers.Activation("relu", name="dense_relu")(flow)

    def take(self, learns: keras.Model, answers: keras.Model) -> None:
        """Give a network made by `hidden` the weights of a classifier made by `classify`.

        A stage gives 0 on average, which is what lies beyond the edge of an image.
        """
        layer = learns.get_layer("standardised")
        _, _, mean, variance = layer.get_weights()
        kernel, bias = learns.get_layer("dense").get_weights()
        kernel = kernel / np.sqrt(variance + layer.epsilon)[:, None]
        first = 0
        for halving, wide in enumerate([COLOURS, *self._widths]):
            part = kernel[:, :, first : first + wide]
            shift = -(mean[first : first + wide] @ part[0, 0])
            own = bias if halving == 0 else 0.0
            answers.get_layer(_weighed(halving)).set_weights([part, shift + own])
            first += wide
        for name in ("pore", "apart"):
            answers.get_layer(name).set_weights(learns.get_layer(name).get_weights())
        for halving in range(1, _HALVINGS + 1):
            answers.get_layer(_softened(halving)).set_weights([_softening()])


def _weighed(halving: int) -> str:
    return f"weighed_{2**halving}"


def _softened(halving: int) -> str:
    return f"softened_{2**halving}"


def _softening() -> NDArray[np.float32]:
    """Return the kernel that makes of repeated pixels what lies on lines between their middles."""
    line = np.array([0.25, 0.5, 0.25], np.float32)
    return np.repeat(np.outer(line, line)[:, :, None, None], UNITS, axis=2)


def _doubled(flow: Any, halving: int) -> Any:
    """Return a flow of twice the height and width, bilinear."""
    flow = keras.layers.UpSampling2D(name=f"repeated_{2**halving}")(flow)
    soften = keras.layers.DepthwiseConv2D(
        3, padding="same", use_bias=False, trainable=False, name=_softened(halving)
    )
    return soften(flow)


def _between(seen: NDArray[np.float32], row: Any, column: Any, height: int) -> Rows:
    """Return what a stage (h, w, channels) sees at rows and columns of an image of a height, as
    `_doubled` again and again would.
    """
    size = height // seen.shape[0]
    taps = _taps(size)
    found = np.zeros((len(row), seen.shape[2]), np.float32)
    for down in range(3):
        rows = np.clip(row // size + down - 1, 0, seen.shape[0] - 1)
        for across in range(3):
            columns = np.clip(column // size + across - 1, 0, seen.shape[1] - 1)
            share = taps[row % size, down] * taps[column % size, across]
            found += seen[rows, columns] * share[:, None]
    return found


def _taps(size: int) -> NDArray[np.float32]:
    """Return how much a pixel, its one before and the next count (size, 3) in each of the `size`
    pixels that it becomes by doubling.
    """
    taps = np.array([[0.0, 1.0, 0.0]], np.float32)
    while len(taps) < size:
        before = np.vstack([np.append(taps[-1, 1:], 0), taps[:-1]])
        behind = np.vstack([taps[1:], np.append(0, taps[0, :-1])])
        halves = np.stack([0.75 * taps + 0.25 * before, 0.75 * taps + 0.25 * behind], axis=1)
        taps = halves.reshape(-1, 3).astype(np.float32)
    return taps
