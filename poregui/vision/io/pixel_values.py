"""Bring decoded pixels to grey or RGB of 8 or 16 bits, and map them to shown greys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import ImageError
from poregui.domain.records import Display

MOST_BYTES = 768 * 2**20
"""Memory that one decoded image may take; a file that says it needs more is refused before it is
decoded.
"""
MOST_SIDE = 100_000
_SAMPLED = 4_000_000
_BAND = 2**22
_LOW = 0.1
_HIGH = 99.9


@dataclass(frozen=True)
class Decoded:
    """Hold what a decoder found: pixels, um per px where the file is sure of it, and remarks for a
    person.
    """

    pixels: NDArray[Any]
    um_per_px: float | None = None
    scale_source: str = ""
    warnings: tuple[str, ...] = ()


class Unfit(ImageError):
    """Say what is wrong with a file, as the end of a sentence that begins with its name."""


class TooLarge(Unfit):
    """Say that an image is larger than we can hold, though nothing may be wrong with it."""


def damaged(why: str) -> Unfit:
    """Return the error for a file whose content is not whole."""
    return Unfit(f"is damaged or incomplete ({why}).", "Export it again, or leave it out.")


def check_size(width: int, height: int, samples: int, bytes_per_sample: int) -> None:
    """Raise Unfit for an image without pixels, and TooLarge for one that would
    not fit into memory.
    """
    if width < 1 or height < 1 or samples < 1:
        raise damaged(f"{width} x {height} px")
    if (
        max(width, height) > MOST_SIDE
        or width * height * samples * max(bytes_per_sample, 1) > MOST_BYTES
    ):
        raise TooLarge(
            f"says that it is {width} x {height} px, which is too large to open.",
            "Cut it into smaller images.",
        )


def check_shape(pixels: NDArray[Any], width: int, height: int) -> None:
    """Raise Unfit when what was decoded is not what the header promised."""
    if pixels.ndim not in (2, 3) or pixels.shape[:2] != (height, width) or pixels.size == 0:
        raise damaged(
            f"its header says {width} x {height} px, its content has the shape {pixels.shape}"
        )


def drop_channels(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return (H, W) or (H, W, 3): alpha and further channels are dropped."""
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] >= 3:
        return pixels[..., :3]
    return pixels[..., 0]


def grey_when_equal(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return (H, W) when the three channels of a palette image are the same everywhere, else the
    image.
    """
    same = pixels.ndim == 3 and all(
        np.array_equal(pixels[..., 0], pixels[..., other]) for other in (1, 2)
    )
    if same:
        return pixels[..., 0]
    return pixels


def apply_palette(indices: NDArray[Any], palette: NDArray[Any]) -> NDArray[Any]:
    """Return the colours (8 bits) of (H, W) indices into a (3, n) TIFF palette of 16 bits."""
    if int(indices.max()) >= palette.shape[1]:
        raise damaged("a colour that its palette lacks")
    scale = 1  # writers spread 8 bits by 257, by 256 or not at all
    if int(palette.max()) > 255:
        scale = 256
    colours = (palette.T // scale).astype(np.uint8)
    return grey_when_equal(colours[indices.astype(np.intp)])


def spread_bits(pixels: NDArray[Any], bits: int) -> NDArray[Any]:
    """Return values of 1 to 7 bits as 8 bits, where the largest value becomes 255."""
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    if bits >= 8:
        return pixels
    return (pixels.astype(np.uint16) * 255 // (2**bits - 1)).astype(np.uint8)


def to_unsigned(pixels: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return pixels as uint8 or uint16 and what was done to them, for a person.

    uint8 and uint16 stay as they are; whole numbers from 0 to 65535 of any type keep their values;
    all others are scaled so that the smallest finite value becomes 0 and the largest 65535. Raises
    Unfit for complex numbers, or when no value is finite.
    """
    if pixels.dtype.kind == "b":
        return spread_bits(pixels, 1), ()
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=False), ()
    if pixels.dtype.kind not in "iuf":
        raise Unfit(
            "holds complex numbers or text instead of grey values.", "Export it with 8 or 16 bits."
        )
    low, high, whole = _span(pixels)
    if whole and low >= 0 and high <= 65535:
        return pixels.astype(np.uint16), ()
    scaled = np.empty(pixels.shape, np.uint16)
    for rows in _bands(pixels):
        values = pixels[rows].astype(np.float64)
        values = np.clip(np.where(np.isfinite(values), values, low), low, high)
        scaled[rows] = np.rint((values / 2 - low / 2) / max(high / 2 - low / 2, 1e-300) * 65535)
    note = (
        f"Its {8 * pixels.dtype.itemsize}-bit values from {low:g} to {high:g} were scaled to 16 "
        "bits."
    )
    return scaled, (note,)


def _span(pixels: NDArray[Any]) -> tuple[float, float, bool]:
    """Return the smallest and the largest finite value, and whether all values are finite whole
    numbers.
    """
    lows = []
    highs = []
    whole = True
    for rows in _bands(pixels):
        values = pixels[rows].astype(np.float64)
        finite = np.isfinite(values)
        whole = whole and bool(finite.all()) and np.array_equal(values, np.floor(values))
        if finite.any():
            lows.append(float(values[finite].min()))
            highs.append(float(values[finite].max()))
    if not lows:
        raise Unfit("holds no finite grey value.", "Export it with 8 or 16 bits.")
    return min(lows), max(highs), whole


def _bands(pixels: NDArray[Any]) -> Iterator[slice]:
    """Return rows to compute with at once, so that a large image needs no copy
    of double precision.
    """
    high = max(1, _BAND // max(1, pixels[:1].size))
    return (slice(top, top + high) for top in range(0, len(pixels), high))


def oriented(pixels: NDArray[Any], orientation: object) -> NDArray[Any]:
    """Return the pixels upright, as the EXIF and TIFF tag 274 (1 to 8) asks for; other values are
    passed over.
    """
    turns: dict[object, NDArray[Any]] = {
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: np.swapaxes(pixels, 0, 1),
        6: np.swapaxes(pixels, 0, 1)[:, ::-1],
        7: np.swapaxes(pixels, 0, 1)[::-1, ::-1],
        8: np.swapaxes(pixels, 0, 1)[::-1],
    }
    if isinstance(orientation, int):
        return turns.get(orientation, pixels)
    return pixels


def grey_range(pixels: NDArray[Any]) -> tuple[float, float]:
    """Return the grey values that become 0 and 1: 0 and 255 for 8 bits, else the 0.1 and 99.9
    percentiles.

    Large images are sampled evenly, which moves the percentiles by far less than a grey step of 8
    bits.
    """
    if pixels.dtype.itemsize == 1:
        return 0.0, 255.0
    flat = pixels.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLED)]
    low, high = (float(value) for value in np.percentile(sample, (_LOW, _HIGH)))
    return low, max(high, low + 1.0)


BINS = 256
AUTOMATIC = (0.35, 99.65)
"""Percentiles that automatic contrast shows as black and white (ImageJ leaves out as many)."""


def histogram(pixels: NDArray[Any], low: float, high: float) -> NDArray[np.int64]:
    """Return how many values of an image (all channels together) lie in each of `BINS` steps from
    low to high.
    """
    counts, _ = np.histogram(pixels, bins=BINS, range=(low, max(high, low + 1)))
    return counts.astype(np.int64)


def value_range(pixels: NDArray[Any], low: float, high: float) -> tuple[float, float]:
    """Return the range that holds all values of an image as well as low to high, the grey range of
    its file.
    """
    if not pixels.size:
        return low, high
    return min(low, float(pixels.min())), max(high, float(pixels.max()))


def automatic(pixels: NDArray[Any]) -> Display:
    """Return the contrast window that leaves out the darkest and the brightest
    few of the values.
    """
    low, high = np.percentile(pixels, AUTOMATIC)
    return Display(float(low), float(max(high, low + 1)))


def lookup(display: Display, bits: int) -> NDArray[np.uint8]:
    """Return the shown grey (0 to 255) of every stored value of `bits` depth, (2**bits,).

    A gamma above 1 makes middle greys brighter: shown = part ** (1 / gamma).
    """
    part = (np.arange(2**bits, dtype=np.float64) - display.low) / (display.high - display.low)
    return np.rint(np.clip(part, 0, 1) ** (1 / display.gamma) * 255).astype(np.uint8)
