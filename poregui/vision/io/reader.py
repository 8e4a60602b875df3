"""Read image files through one door that tells what is wrong with them."""

from __future__ import annotations

import errno
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from poregui.domain.errors import TOO_MANY_FILES, ImageError
from poregui.domain.records import FIRST, Plane
from poregui.vision.io.header import Header, image_header, tiff_header
from poregui.vision.io.pixel_values import (
    Decoded,
    Missing,
    Unfit,
    check_shape,
    check_size,
    damaged,
    decoded,
    drop_channels,
    grey_range,
    grey_when_equal,
    oriented,
    to_unsigned,
    transparent,
)
from poregui.vision.io.scale import SPOILT
from poregui.vision.io.tiff_decoding import (
    is_tiff,
    one_channel,
    read_tiff,
    read_tiff_values,
    tiff_size,
)
from poregui.vision.io.tiff_stack import absent
from poregui.vision.io.vendor import MAKER_SUFFIXES, maker_header, maker_of, read_maker

SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".bmp",
    ".dib",
    ".tif",
    ".tiff",
    *MAKER_SUFFIXES,
)
"""How files that we read are usually called; what counts is their first bytes."""
_REMEDY = "Save it as PNG, JPEG, BMP or TIFF."
_FORMATS = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"BM": "BMP"}
_ORIENTATION = 274
_DEFLATE_AT_BEST = 1040
"""No PNG holds more bytes of image for each of its own, so that one that claims to is refused at
once.
"""

# Our own limit is checked before anything is decoded, and Pillow's remarks about odd metadata help
# nobody.
PIL.Image.MAX_IMAGE_PIXELS = None
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True, eq=False)
class Image:
    """Hold an image as read: pixels (H, W) or (H, W, 3), uint8 or uint16, not writeable.

    `grey_low` and `grey_high` are the grey values that become 0 and 1 for screens and networks.
    `um_per_px` is None unless the file is sure of it, and `scale_source` says how it knows.
    `warnings` are sentences for a person. `missing` (H, W) tells which pixels have no value, None
    where all have one; `turned` the orientation (1 to 8) from which it was turned upright.
    """

    pixels: NDArray[Any] = field(repr=False)
    grey_low: float
    grey_high: float
    um_per_px: float | None = None
    scale_source: str = ""
    warnings: tuple[str, ...] = ()
    missing: NDArray[np.bool_] | None = field(default=None, repr=False)
    turned: int = 1

    @property
    def width(self) -> int:
        """Return the width in px."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Return the height in px."""
        return int(self.pixels.shape[0])

    @property
    def channels(self) -> int:
        """Return 1 for grey and 3 for colour."""
        if self.pixels.ndim == 2:
            return 1
        return 3

    @property
    def bits(self) -> int:
        """Return 8 or 16."""
        return 8 * self.pixels.dtype.itemsize


def read_image(path: Path, plane: Plane = FIRST) -> Image:
    """Return the image in a file of a known format, or one plane of several, upright and without
    alpha.

    Palettes become grey or RGB, one to seven bits become eight, floating point and 32-bit values
    are scaled to 16 bits with a warning. Raises ImageError, and nothing else, with a sentence that
    names the file.
    """
    with in_a_sentence(path):
        found = _decode(path, plane)
        pixels = np.ascontiguousarray(found.pixels)
        pixels.flags.writeable = False
        low, high = grey_range(pixels)
    return Image(
        pixels,
        low,
        high,
        found.um_per_px,
        found.scale_source,
        found.warnings,
        found.missing,
        found.turned,
    )


def read_values(path: Path) -> NDArray[Any]:
    """Return the values of a mask or label image exactly as a file stores them, of any depth.

    They are (H, W), or (H, W, 3) for colours; of palettes the indices; upright. Raises ImageError,
    and nothing else, with a sentence that names the file.
    """
    with in_a_sentence(path), _opened(path) as (file, head, size):
        if is_tiff(head):
            return read_tiff_values(file, size)
        name = _known_format(head)
        if name == "JPEG":
            raise Unfit("is a JPEG, which blurs its values.", "Export it as PNG or TIFF.")
        content = io.BytesIO(file.read())
        with _checked_image(content, name, head, size) as image:
            image.load()
            orientation = _orientation(image)
            if name == "PNG" and head[24] == 16:
                pixels = _deep_png(content)
            elif image.mode in ("P", "PA"):
                pixels = np.asarray(image)
            else:
                pixels = _pixels(image)
        return oriented(drop_channels(pixels), orientation)


def read_header(path: Path, plane: Plane = FIRST) -> Header:
    """Return what the header of a PNG, JPEG, BMP or TIFF file tells; nothing is decoded.

    Raises ImageError, and nothing else, with a sentence that names the file; for an image that is
    merely too large to open there is a warning instead.
    """
    with in_a_sentence(path), _opened(path) as (file, head, size):
        if is_tiff(head):
            return tiff_header(file, size, plane)
        maker = maker_of(head)
        if maker is not None:
            return maker_header(path, maker, plane)
        with PIL.Image.open(file, formats=(_known_format(head),)) as image:
            _at_page(image, plane)
            # Of a PNG, Pillow looks for Exif behind the pixels too, and decodes them to get there.
            unseen = image.format == "PNG" and "exif" not in image.info
            return image_header(image, head, 1 if unseen else _orientation(image))


@contextmanager
def in_a_sentence(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with a file into an ImageError that names it."""
    try:
        yield
    except Unfit as error:
        raise ImageError(f"{path.name} {error.what}", error.remedy) from error
    except FileNotFoundError as error:
        raise ImageError(
            f"{path.name} no longer exists.", f"Look for it in {path.parent}."
        ) from error
    except PermissionError as error:
        raise ImageError(
            f"{path.name} cannot be read: no permission.", "Ask for permission to read it."
        ) from error
    except OSError as error:
        raise _unread(path, error) from error
    except MemoryError as error:
        raise ImageError(
            f"{path.name} needs more memory than there is.", "Cut it into smaller images."
        ) from error
    except Exception as error:
        unfit = damaged(_first_line(error))
        raise ImageError(f"{path.name} {unfit.what}", unfit.remedy) from error


def _unread(path: Path, error: OSError) -> ImageError:
    """Return the sentence for a file that could not be opened or read, whatever it holds."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        what = f"{path.name} cannot be read: this program has too many files open."
        return ImageError(what, TOO_MANY_FILES)
    if error.errno == errno.EIO:
        what = f"{path.name} cannot be read: its disk failed."
        return ImageError(what, "Check that its drive is connected and sound.")
    unfit = damaged(_first_line(error))
    return ImageError(f"{path.name} {unfit.what}", unfit.remedy)


def is_image(path: Path) -> bool:
    """Tell whether a file begins as, or is called like, an image that we read."""
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError:
        return False
    return is_tiff(head) or maker_of(head) is not None or _format_of(head) in ("PNG", "JPEG")


def read_size(path: Path, plane: Plane = FIRST) -> tuple[int, int] | None:
    """Return (width, height) in px from a file's header, or None when it cannot be read; nothing is
    decoded.
    """
    try:
        if not path.is_file():
            return None
        with open(path, "rb") as file:
            head = file.read(32)
            file.seek(0)
            if is_tiff(head):
                return tiff_size(file, path.stat().st_size, plane)
            maker = maker_of(head)
            if maker is not None:
                found = maker_header(path, maker, plane)
                return found.width, found.height
            name = _format_of(head)
            if name is None:
                return None
            with PIL.Image.open(file, formats=(name,)) as image:
                return image.size
    except (OSError, SyntaxError, MemoryError, RuntimeError, ImageError, *SPOILT):
        return None


def _first_line(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0]
    return text[:120] or type(error).__name__


def _format_of(head: bytes) -> str | None:
    return next((name for magic, name in _FORMATS.items() if head.startswith(magic)), None)


def _known_format(head: bytes) -> str:
    name = _format_of(head)
    if name is None:
        raise Unfit("is not an image of a known format.", _REMEDY)
    return name


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], bytes, int]]:
    """Give the open file, its first bytes and its size."""
    if path.exists() and not path.is_file():
        raise Unfit("is not a file.", "Choose image files.")
    size = path.stat().st_size
    if size == 0:
        raise Unfit("is empty.", "Export it again, or leave it out.")
    with open(path, "rb") as file:
        head = file.read(32)
        file.seek(0)
        yield file, head, size


def _decode(path: Path, plane: Plane) -> Decoded:
    with _opened(path) as (file, head, size):
        if is_tiff(head):
            return read_tiff(file, size, plane)
        maker = maker_of(head)
        if maker is not None:
            return read_maker(path, maker, plane)
        name = _known_format(head)
        # From memory, for a read of the length that a spoilt header claims then takes no more than
        # there is.
        return _read_with_pillow(io.BytesIO(file.read()), name, head, size, plane)


@contextmanager
def _checked_image(file: IO[bytes], name: str, head: bytes, size: int) -> Iterator[PIL.Image.Image]:
    """Give an image of a known format whose header promises no more than there can be."""
    with PIL.Image.open(file, formats=(name,)) as image:
        width, height = image.size
        deep = name == "PNG" and head[24] == 16
        sample_bytes = 2 if deep or image.mode.startswith("I") else 1
        check_size(width, height, len(image.getbands()), sample_bytes)
        if name == "PNG" and width * height * head[24] // 8 > _DEFLATE_AT_BEST * size:
            raise damaged(f"{size} bytes cannot hold {width} x {height} px")
        yield image


def _read_with_pillow(file: IO[bytes], name: str, head: bytes, size: int, plane: Plane) -> Decoded:
    with _checked_image(file, name, head, size) as image:
        width, height = image.size
        deep = name == "PNG" and head[24] == 16
        _at_page(image, plane)
        image.load()
        orientation = _orientation(image)
        pixels = _deep_png(file) if deep else _pixels(image)
    check_shape(pixels, width, height)
    known = Missing()
    if plane.channel is None:
        known = _transparent(image, pixels)
    greys = to_unsigned(_chosen(pixels, plane), known)
    return decoded(greys, orientation)


def _at_page(image: PIL.Image.Image, plane: Plane) -> None:
    """Turn to the page of a plane; only a moving PNG has more than one.

    Raises Unfit where it is not there.
    """
    pages = int(getattr(image, "n_frames", 1))
    if plane.page > pages:
        raise absent("page", plane.page, pages)
    if plane.z > 1:
        raise absent("slice", plane.z, 1)
    if plane.page > 1:
        image.seek(plane.page - 1)


def _chosen(pixels: NDArray[Any], plane: Plane) -> NDArray[Any]:
    if plane.channel is None:
        return drop_channels(pixels)
    return one_channel(pixels if pixels.ndim == 3 else pixels[..., None], plane.channel - 1)


def _orientation(image: PIL.Image.Image) -> object:
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, IndexError, AttributeError):
        return 1  # an image with spoilt notes is still an image


def _deep_png(file: IO[bytes]) -> NDArray[Any]:
    """Return a PNG of 16 bits as it is; Pillow would take its colours down to 8."""
    import imagecodecs

    file.seek(0)
    return np.asarray(imagecodecs.png_decode(file.read()))


def _transparent(image: PIL.Image.Image, pixels: NDArray[Any]) -> Missing:
    """Return which pixels an image, decoded as `pixels`, shows nothing at."""
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        return transparent(pixels[..., -1])
    if image.mode == "PA" or "transparency" in image.info:
        return transparent(np.asarray(image.convert("RGBA"))[..., 3])
    return Missing()


def _pixels(image: PIL.Image.Image) -> NDArray[Any]:
    if image.mode == "1":
        return np.asarray(image.convert("L"))
    if image.mode in ("P", "PA"):
        return grey_when_equal(np.asarray(image.convert("RGBA"))[..., :3])
    if image.mode in ("L", "LA", "RGB", "RGBA") or image.mode.startswith(("I", "F")):
        return np.asarray(image)
    return np.asarray(image.convert("RGB"))
