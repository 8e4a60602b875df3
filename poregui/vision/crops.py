"""Cut crops out of images at the image's own depth, one or many at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
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


_BLOCK = 2048


def cut_many(image: Pyramid, boxes: Sequence[Box]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield (place in `boxes`, copy of the pixels), block by block of the image; each box once,
    inside the image.

    Raises ImageError where the file is damaged.
    """
    blocks: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, box in enumerate(boxes):
        blocks[box.y // _BLOCK, box.x // _BLOCK].append(index)
    for block in sorted(blocks):
        small = [
            index
            for index in blocks[block]
            if max(boxes[index].width, boxes[index].height) <= _BLOCK
        ]
        if small:
            left = min(boxes[i].x for i in small)
            top = min(boxes[i].y for i in small)
            right = max(boxes[i].right for i in small)
            bottom = max(boxes[i].bottom for i in small)
            pixels = image.read(0, Box(left, top, right - left, bottom - top))
        for index in blocks[block]:
            box = boxes[index]
            if max(box.width, box.height) <= _BLOCK:
                yield (
                    index,
                    np.array(
                        pixels[box.y - top : box.bottom - top, box.x - left : box.right - left],
                        order="C",
                    ),
                )
            else:
                yield index, np.array(image.read(0, box), order="C")
