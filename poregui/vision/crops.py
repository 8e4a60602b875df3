"""Cut crops out of images at the image's own depth; changes with what a crop keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.io.pyramid import ArrayLevel, Pyramid
from poregui.vision.io.reader import Image


def cut(image: Image | Pyramid, box: Box) -> NDArray[Any]:
    """Return a copy of the pixels in a box, (height, width) or (height, width, 3), uint8 or uint16.

    Raises PoreguiError when the box does not lie inside the image, or the image is damaged there.
    """
    if isinstance(image, Image):
        image = Pyramid([ArrayLevel(image.pixels)], grey=(image.grey_low, image.grey_high))
    return np.array(image.read(0, box), order="C")
