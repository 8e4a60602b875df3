"""Bring decoded pixels to grey or RGB of 8 or 16 bits, and map them to shown greys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import ImageError
from poregui.domain.geometry import orientation_of, turned_text
from poregui.domain.records import Display
from poregui.domain.wording import count, noun, percent

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
    """Hold what a decoder found: pixels, um per px where the file is sure of it, remarks for a
    person, which pixels are missing, and the orientation (1 to 8) from which they were turned
    upright.
    """

    pixels: NDArray[Any]
    um_per_px: float | None = None
    scale_source: str = ""
    warnings: tuple[str, ...] = ()
    missing: NDArray[np.bool_] | None = None
    turned: int = 1


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


@dataclass(frozen=True, eq=False)
class Greys:
    """Hold pixels as uint8 or uint16, which of them are `missing` (H, W), None for none, and
    remarks for a person.

    A missing pixel holds the middle grey of the others, so that it is no pore to look at, either.
    """

    pixels: NDArray[Any]
    missing: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()


def to_unsigned(
    pixels: NDArray[Any], missing: Missing | None = None, nodata: float | None = None
) -> Greys:
    """Return pixels as uint8 or uint16, which of them are missing and what was done to them.

    uint8 and uint16 stay as they are; whole numbers from 0 to 65535 of any type keep their values;
    all others are scaled so that the smallest value becomes 0 and the largest 65535, without the
    few that lie far from all others. `missing` are pixels known to be so (a transparent part), and
    `nodata` is the value that the file gives for missing ones; where all would be missing, none is.
    Raises Unfit for complex numbers, or when no value is finite.
    """
    if pixels.dtype.kind == "b":
        return Greys(spread_bits(pixels, 1))
    if pixels.dtype.kind not in "iuf":
        raise Unfit(
            "holds complex numbers or text instead of grey values.", "Export it with 8 or 16 bits."
        )
    found = missing or Missing()
    if nodata is not None:
        marked = _of_type(nodata, pixels.dtype)
        found = found.and_where(
            _where(pixels, lambda part: part == marked, every=True), f"{nodata:g}"
        )
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:
        kept = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
        return _filled(kept, found, ())
    found = _no_values(pixels, found)
    low, high = _range_of(pixels, found.where)
    if _are_whole(pixels, found.where) and low >= 0 and high <= 65535:
        values = np.where(np.isfinite(pixels), pixels, high) if found else pixels
        return _filled(np.clip(values, 0, 65535).astype(np.uint16), found, ())
    return _scaled(pixels, found, low, high)


def _scaled(pixels: NDArray[Any], found: Missing, low: float, high: float) -> Greys:
    scaled = np.empty(pixels.shape, np.uint16)
    beyond = 0
    for rows in _bands(pixels):
        values = pixels[rows].astype(np.float64)
        if found.where is not None:
            values[found.where[rows]] = low
        beyond += int(np.count_nonzero((values < low) | (values > high)))
        values = np.clip(values, low, high)
        scaled[rows] = np.rint((values / 2 - low / 2) / max(high / 2 - low / 2, 1e-300) * 65535)
    note = (
        f"Its {8 * pixels.dtype.itemsize}-bit values from {low:g} to {high:g} were scaled to 16 "
        "bits."
    )
    if beyond:
        note += (
            f" {count(beyond, 'value')} far outside of them {noun(beyond, 'is', 'are')} cut off."
        )
    return _filled(scaled, found, (note,))


@dataclass(frozen=True, eq=False)
class Missing:
    """Hold which pixels (H, W) have no value, None for none, and the reasons."""

    where: NDArray[np.bool_] | None = None
    why: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.where is not None

    def and_where(self, more: NDArray[np.bool_], why: str) -> Missing:
        """Return it with further pixels, unless those are none or nothing would be left."""
        both = more if self.where is None else self.where | more
        if not more.any() or both.all():
            return self
        return Missing(both, (*self.why, why))

    @property
    def note(self) -> str:
        """Return a sentence for a person, empty where nothing is missing."""
        if self.where is None:
            return ""
        many = int(np.count_nonzero(self.where))
        share = percent(many / self.where.size, 2)
        return (
            f"{count(many, 'pixel')} ({share}) without a value ({', '.join(self.why)}), counted "
            "neither as pore nor as field."
        )


def transparent(alpha: NDArray[Any], *, whole: bool = True) -> Missing:
    """Return the pixels of an alpha channel (H, W) that are more transparent than not; none where
    the `whole` image would be.
    """
    if alpha.dtype.kind not in "bu":
        return Missing()
    if alpha.dtype.kind == "b":
        most = 1
    else:
        most = int(np.iinfo(alpha.dtype).max)
    hidden = alpha < (most + 1) // 2
    if whole:
        return Missing().and_where(hidden, "transparent")
    return Missing(hidden, ("transparent",))


def _filled(pixels: NDArray[Any], missing: Missing, notes: tuple[str, ...]) -> Greys:
    if missing.where is None:
        return Greys(pixels, None, notes)
    filled = pixels.copy()
    filled[missing.where] = middle_grey(pixels[~missing.where])
    return Greys(filled, missing.where, (" ".join((*notes, missing.note)),))


def middle_grey(values: NDArray[Any]) -> NDArray[Any]:
    """Return the median of greys (n,) or of each channel of colours (n, channels)."""
    step = max(1, len(values) // _SAMPLED)
    return np.asarray(np.median(values[::step], axis=0)).astype(values.dtype)


_ABSURD = 1e30
"""Greater values, of either sign, are no greys but marks of programs for a missing one."""
_NINES = (99, 999, 9999, 99999, 999999)
_MARKS = frozenset(
    {-1, *_NINES, *(-n for n in _NINES), -(2**15), 1 - 2**15, -(2**31), 2**31 - 1, 2**32 - 1}
)
"""Values that programs write where there is none."""
_LARGEST_GREY = 2.0**32
_ROUNDS = 4


def _no_values(pixels: NDArray[Any], found: Missing) -> Missing:
    """Add what is no number, absurd, or a mark for missing values that lies apart from all greys.

    A whole number that occurs again among fractions is such a mark as well where it is negative and
    all others are not, or far above them. Among whole numbers it may be a pore.
    Positive infinity is a grey that was too bright.
    """
    if pixels.dtype.kind == "f":
        found = found.and_where(_where(pixels, np.isnan), "not a number")
        found = found.and_where(_where(pixels, np.isneginf), "minus infinity")
        for text, sign in (("far below", -1), ("far above", 1)):
            found = found.and_where(_where(pixels, partial(_absurd, sign)), f"{text} all greys")
    for _ in range(_ROUNDS):
        seen = _finite(pixels, found.where)
        mark = _mark_in(seen, pixels)
        if mark is None:
            return found
        more = found.and_where(_where(pixels, partial(np.equal, mark)), f"{mark:g}")
        if more is found:
            return found
        found = more
    return found


def _mark_in(seen: NDArray[np.float64], pixels: NDArray[Any]) -> float | None:
    """Return the least or greatest of the values `seen` where it stands for a missing one, else
    None, as for an image of two values.
    """
    for mark, sign in ((seen.min(), 1), (seen.max(), -1)):
        rest = seen[seen != mark]
        if not len(rest) or rest.min() == rest.max():
            return None
        low, high = trusted_range(rest)
        apart = sign * ((low if sign > 0 else high) - mark)
        far = mark < 0 <= low if sign > 0 else apart > _FAR * (high - low)
        odd = far and mark % 1 == 0 and bool((rest % 1).any() or abs(mark) > _LARGEST_GREY)
        if apart > high - low and (mark in _MARKS or (odd and _again(pixels, mark))):
            return float(mark)
    return None


def _again(pixels: NDArray[Any], value: float) -> bool:
    return int(np.count_nonzero(pixels == value)) > 1


def _finite(pixels: NDArray[Any], missing: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Return the finite values that are not missing, the least and the greatest and about four
    million of the others.

    Raises Unfit where there is none.
    """
    step = max(1, pixels.size // _SAMPLED)
    finite = []
    for rows in _bands(pixels):
        values = pixels[rows]
        if missing is not None:
            values = values[~missing[rows]]
        flat = values.reshape(-1).astype(np.float64)
        flat = flat[np.isfinite(flat)]
        if len(flat):
            finite += [flat[::step], np.array([flat.min(), flat.max()])]
    if not finite:
        raise Unfit("holds no finite grey value.", "Export it with 8 or 16 bits.")
    return np.concatenate(finite)


def _range_of(pixels: NDArray[Any], missing: NDArray[np.bool_] | None) -> tuple[float, float]:
    return trusted_range(_finite(pixels, missing))


_NEARLY_ALL = 99.0
_FAR = 10.0
"""How many times the width of nearly all values an outlier lies away from them."""
_FEW = 3


def trusted_range(values: NDArray[Any]) -> tuple[float, float]:
    """Return the least and greatest value, but for outliers such as hot pixels.

    What lies further from nearly all values than ten times their width is cut off: single pixels do
    not count at all, more dark ones become as dark as that, for they may be rare pores, and more
    bright ones a little brighter than all others.
    """
    low = float(values.min())
    high = float(values.max())
    flat = values.reshape(-1)
    inner = np.percentile(flat[:: max(1, flat.size // 500_000)], (_LOW, _NEARLY_ALL))
    width = float(inner[1] - inner[0])
    reach = _FAR * width
    if reach <= 0 or (low >= inner[0] - reach and high <= inner[1] + reach):
        return low, high
    few = max(_FEW, flat.size // 400_000)
    for sign in (1.0, -1.0):
        limit = float(sign * (inner[1] if sign > 0 else inner[0])) + reach
        beyond = sign * flat > limit
        if not beyond.any():
            continue
        greatest = float((sign * flat[~beyond]).max())
        if np.count_nonzero(beyond) <= few:
            limit = greatest
        elif sign > 0:
            limit = max(greatest, float(inner[1]) + width)
        if sign > 0:
            high = limit
        else:
            low = -limit
    return low, high


def _are_whole(pixels: NDArray[Any], missing: NDArray[np.bool_] | None) -> bool:
    """Tell whether all values that are not missing are whole numbers; infinity is none."""
    if pixels.dtype.kind != "f":
        return True
    for rows in _bands(pixels):
        values = pixels[rows]
        if missing is not None:
            values = values[~missing[rows]]
        if not np.isfinite(values).all() or not np.array_equal(values, np.floor(values)):
            return False
    return True


def _where(
    pixels: NDArray[Any], test: Callable[[NDArray[Any]], NDArray[np.bool_]], *, every: bool = False
) -> NDArray[np.bool_]:
    """Return where (H, W) a test holds for any channel of a pixel, or for every one."""
    found = np.empty(pixels.shape[:2], np.bool_)
    for rows in _bands(pixels):
        part = test(pixels[rows])
        if part.ndim == 2:
            found[rows] = part
        elif every:
            found[rows] = part.all(axis=2)
        else:
            found[rows] = part.any(axis=2)
    return found


def _absurd(sign: int, values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.itemsize < 4:  # none of so few bits is
        return np.zeros(values.shape, np.bool_)
    return np.asarray(np.isfinite(values) & (sign * values >= _ABSURD))


def _of_type(value: float, dtype: np.dtype[Any]) -> float:
    """Return a number as a pixel of this type would hold it."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return float(np.asarray(value).astype(dtype))
    return value


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


def decoded(greys: Greys, orientation: object, notes: tuple[str, ...] = ()) -> Decoded:
    """Return greys upright, with what was remarked before them, of a file that tells no scale."""
    missing = greys.missing
    if missing is not None:
        missing = np.ascontiguousarray(oriented(missing, orientation))
    pixels = oriented(greys.pixels, orientation)
    warnings = (*notes, *greys.notes, *turned_text(orientation))
    return Decoded(pixels, warnings=warnings, missing=missing, turned=orientation_of(orientation))


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

    A gamma above 1 makes middle greys brighter: shown = fraction ** (1 / gamma).
    """
    fraction = (np.arange(2**bits, dtype=np.float64) - display.low) / (display.high - display.low)
    return np.rint(np.clip(fraction, 0, 1) ** (1 / display.gamma) * 255).astype(np.uint8)
