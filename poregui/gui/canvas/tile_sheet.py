"""Lay tiles beside one another into one picture that Qt draws at once; changes with how values become colours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from poregui.vision.io.pyramid import TILE

GREY = 128
"""The grey of what cannot be read."""


@dataclass
class Sheet:
    """Hold the tiles of a level from `left`, `top` up to before `right`, `below` (columns, rows) as they are shown.

    `ready` are the tiles that are there as they shall be; others are blurred or empty.
    """

    level: int
    left: int
    top: int
    right: int
    below: int
    ready: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        height, width = (self.below - self.top) * TILE, (self.right - self.left) * TILE
        self.array: NDArray[np.uint8] = np.full((height, width, 4), GREY, np.uint8)
        self.image = QImage(self.array.data, width, height, self.array.strides[0], QImage.Format.Format_RGB32)

    def covers(self, level: int, left: int, top: int, right: int, below: int) -> bool:
        """Tell whether tiles of a level lie on it."""
        return (
            self.level == level
            and self.left <= left
            and self.top <= top
            and right <= self.right
            and below <= self.below
        )

    def holds(self, column: int, row: int) -> bool:
        """Tell whether a tile has its place here."""
        return self.left <= column < self.right and self.top <= row < self.below

    def put(self, column: int, row: int, colours: NDArray[np.uint8], *, ready: bool = True) -> None:
        """Put a tile (h, w, 4), which at the image's edge may be smaller than others."""
        y, x = (row - self.top) * TILE, (column - self.left) * TILE
        height, width = colours.shape[:2]
        place = self.array[y : y + TILE, x : x + TILE]
        place[:height, :width] = colours
        if height < TILE:  # smooth scaling looks one px beyond the edge
            place[height : height + 1, :width] = colours[-1:]
        if width < TILE:
            place[:height, width : width + 1] = colours[:, -1:]
        if ready:
            self.ready.add((column, row))

    def take_from(self, other: Sheet) -> None:
        """Take over the tiles that are ready on another sheet of the same level."""
        for column, row in other.ready:
            if self.holds(column, row):
                y, x = (row - other.top) * TILE, (column - other.left) * TILE
                self.put(column, row, other.array[y : y + TILE, x : x + TILE])


def to_colours(pixels: NDArray[Any], lookup: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Return (h, w) or (h, w, 3) values as Qt's (h, w, 4) colours; `lookup` holds the shown grey of every value."""
    shown = lookup.take(pixels) if lookup is not None else np.ascontiguousarray(pixels)
    code = cv2.COLOR_GRAY2BGRA if shown.ndim == 2 else cv2.COLOR_RGB2BGRA
    return np.asarray(cv2.cvtColor(shown, code), np.uint8)


def enlarged(
    pixels: NDArray[Any], scale: tuple[float, float], corner: tuple[float, float], size: tuple[int, int]
) -> NDArray[Any]:
    """Return `size` (w, h) px of which each is `scale` px of `pixels`, from `corner` (x, y) in px of `pixels`."""
    across, down = scale
    matrix = np.array(
        [[across, 0, corner[0] + across / 2 - 0.5], [0, down, corner[1] + down / 2 - 0.5]], dtype=np.float64
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(np.ascontiguousarray(pixels), matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    )
