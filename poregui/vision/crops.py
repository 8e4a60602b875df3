"""Cut crops out of images at the image's own depth; changes with what a crop keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.vision.image_io import Image


def cut(image: Image, box: Box) -> NDArray[Any]:
    """Return a copy of the pixels in a box, (height, width) or (height, width, 3), uint8 or uint16.

    Raises PoreguiError when the box does not lie inside the image.
    """
    if box.x < 0 or box.y < 0 or box.right > image.width or box.bottom > image.height:
        raise PoreguiError(
            f"The box at {box.x}, {box.y} does not lie inside the image of {image.width} x {image.height} px.",
            "Draw the crop inside the image.",
        )
    return np.array(image.pixels[box.y : box.bottom, box.x : box.right], order="C")
