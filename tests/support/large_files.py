"""Write image files that are small but kept as large ones are, and take what is built of them for
large.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray


def textured(
    width: int, height: int, dtype: type = np.uint8, *, colour: bool = False
) -> NDArray[Any]:
    """Return values that differ from place to place, so that a shift or a turn is seen."""
    rng = np.random.default_rng(width + height)
    shape = (height, width, 3) if colour else (height, width)
    most = 60_000 if dtype == np.uint16 else 255
    ramp = np.linspace(0, 0.5, width)[None, :] + np.linspace(0, 0.4, height)[:, None]
    values = ramp[..., None] if colour else ramp
    return ((values + rng.random(shape) * 0.1) * most).astype(dtype)


def halves(array: NDArray[Any], many: int) -> list[NDArray[Any]]:
    """Return an image and `many` smaller ones, each of the means of 2 x 2 px; sides have to be
    even.
    """
    found = [array]
    for _ in range(many):
        last = found[-1].astype(np.float64)
        means = (last[::2, ::2] + last[1::2, ::2] + last[::2, 1::2] + last[1::2, 1::2]) / 4
        found.append(np.rint(means).astype(array.dtype))
    return found


def write_pyramid(
    file: Path, sizes: list[NDArray[Any]], *, sub_pages: bool = False, tile: int = 256, **more: Any
) -> Path:
    """Write images as one tiled TIFF, the smaller ones as sub-pages of the first or as reduced
    pages behind it.
    """
    kind: dict[str, Any] = {
        "tile": (tile, tile),
        "photometric": "rgb" if sizes[0].ndim == 3 else "minisblack",
    }
    with tifffile.TiffWriter(file, bigtiff=True, ome=False) as writer:
        extra = {"subifds": len(sizes) - 1} if sub_pages else {}
        writer.write(sizes[0], metadata=None, **kind, **extra, **more)
        for size in sizes[1:]:
            writer.write(size, metadata=None, subfiletype=1, **kind, **more)
    return file


def take_for_large(
    monkeypatch: pytest.MonkeyPatch, pixels: int = 100_000, coarsest: int = 300
) -> None:
    """Let images above a few pixels be handled as large ones."""
    from poregui.vision.io import pyramid

    monkeypatch.setattr(pyramid, "LARGE", pixels)
    monkeypatch.setattr(pyramid, "COARSEST", coarsest)
