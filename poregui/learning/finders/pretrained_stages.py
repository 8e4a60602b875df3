"""Give the stages of EfficientNet-Lite0 with what ImageNet taught them; they stand alone for both
kinds of finders.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from poregui.domain.errors import PoreguiError
from poregui.learning import pretrained
from poregui.store.pretrained_weights import check_pretrained, pretrained_weights
from poregui.vision.pores.finder import CHROMA

_ENDS = (
    *("net_blocks_0__bn2", "net_blocks_2_add", "net_blocks_4_add"),
    "net_blocks_10_add",
)
"""Where EfficientNet-Lite0 is left: at halves, quarters, eighths and sixteenths of the image."""
STAGE_STEP = 16
_SEEN = 0.75
"""What the range of a micrograph is multiplied by, to be like the images of ImageNet."""
_RED = (0.701, -0.299, -0.299)
_BLUE = (-0.114, -0.114, 0.886)
_TO_COLOURS = np.stack([np.ones(3), np.array(_RED) / CHROMA, np.array(_BLUE) / CHROMA]) * _SEEN
"""From grey, and red and blue less green, to red, green and blue (see `colours_of`)."""


def has_weights() -> bool:
    """Tell whether the weights that ImageNet taught are installed and sound."""
    try:
        check_pretrained()
    except PoreguiError:
        return False
    return True


def stages(image: Any) -> list[Any]:
    """Return what the stages see of an image of a common range, at halves, quarters, eighths and
    sixteenths; they are never trained.
    """
    colours = keras.layers.Conv2D(3, 1, use_bias=False, trainable=False, name="colours")(image)
    whole = keras.Model(image, pretrained.backbone(colours))
    whole.get_layer("colours").set_weights([_TO_COLOURS[None, None]])
    pretrained.give_weights(whole, pretrained_weights())
    for layer in whole.layers:
        layer.trainable = False
    return [whole.get_layer(name).output for name in _ENDS]
