"""Write large images that look like polished sections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def rows_of_metal(side: int, height: int, seed: int, dtype: type = np.uint8) -> NDArray[Any]:
    """Return grey rows with grain and dark spots, as a polished section has, in little time."""
    rng = np.random.default_rng(seed)
    grain = rng.normal(0, 6, (512, 512)).astype(np.float32)
    rows = np.tile(grain, (-(-height // 512), -(-side // 512)))[:height, :side] + 170
    rows += np.linspace(-20, 20, side, dtype=np.float32)
    spots = side // 60
    circles = (
        rng.integers(40, side - 40, spots),
        rng.integers(40, height - 40, spots),
        rng.integers(4, 30, spots),
    )
    for x, y, r in zip(*circles, strict=True):
        rows[y - r : y + r, x - r : x + r] -= 110
    values = np.clip(rows, 0, 255)
    return (values * (200 if dtype is np.uint16 else 1)).astype(dtype)


def write_tiled(file: Path, side: int) -> Path:
    """Write a grey square of 8 bits as tiles with its smaller sizes, and return its path."""
    import tifffile

    def tiles(width: int, height: int) -> Iterator[NDArray[Any]]:
        for row in range(-(-height // 512)):
            band = rows_of_metal(-(-width // 512) * 512, 512, row % 16)
            for left in range(0, width, 512):
                yield np.ascontiguousarray(band[:, left : left + 512])

    sizes = [(side, side)]
    while sizes[-1][0] > 1024:
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    with tifffile.TiffWriter(file, bigtiff=True) as writer:
        for number, (width, height) in enumerate(sizes):
            writer.write(
                tiles(width, height),
                shape=(height, width),
                dtype=np.uint8,
                tile=(512, 512),
                compression="zlib",
                photometric="minisblack",
                subfiletype=1 if number else 0,
                metadata=None,
                maxworkers=2,
            )
    return file


def write_striped(file: Path, side: int) -> Path:
    """Write a grey square of 16 bits in strips of 16 rows, and return its path."""
    import tifffile

    with tifffile.TiffWriter(file, bigtiff=True) as writer:
        rows = (rows_of_metal(side, 512, top % 16, np.uint16) for top in range(-(-side // 512)))
        strips = (band[top : top + 16] for band in rows for top in range(0, 512, 16))
        wanted = -(-side // 16)
        writer.write(
            (strip[: side - 16 * i] for i, strip in zip(range(wanted), strips, strict=False)),
            shape=(side, side),
            dtype=np.uint16,
            rowsperstrip=16,
            photometric="minisblack",
            metadata=None,
        )
    return file
