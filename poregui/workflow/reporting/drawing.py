"""Draw text, scale bars and crops with Pillow, for what leaves a project as images."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from poregui.domain.measurement import length_text, nice_length
from poregui.store.pixels import CropPixels

INK = (20, 20, 20)
PAPER = (255, 255, 255)
_FONTS: tuple[str, ...] = (
    "DejaVuSans.ttf",
    "Arial.ttf",
    "LiberationSans-Regular.ttf",
    "NotoSans-Regular.ttf",
    "Helvetica.ttc",
    "segoeui.ttf",
)
_BOLD = (
    "DejaVuSans-Bold.ttf",
    "Arial Bold.ttf",
    "arialbd.ttf",
    "LiberationSans-Bold.ttf",
    "NotoSans-Bold.ttf",
)
"""Fonts that Windows, macOS and Linux have, the first found is taken; Pillow's own one knows plain
letters only.
"""
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=64)
def font(px: int, *, bold: bool = False) -> Font:
    """Return a font of a height in px."""
    names = _FONTS
    if bold:
        names = (*_BOLD, *_FONTS)
    for name in names:
        try:
            return ImageFont.truetype(name, px)
        except OSError:
            continue
    return ImageFont.load_default(px)


def writable(text: str, face: Font) -> str:
    """Return a text with what a font cannot write put in plain letters: 'um'
    for 'µm', 'e' for 'é'.
    """
    if isinstance(
        getattr(face, "path", None), str
    ):  # a font of the system; Pillow's own comes as a stream
        return text
    plain = unicodedata.normalize(
        "NFKD", text.replace("µ", "u").replace("μ", "u").replace("–", "-")
    )
    return plain.encode("ascii", "ignore").decode()


def write(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    px: int,
    *,
    anchor: str = "la",
    widest: float | None = None,
    colour: tuple[int, int, int] = INK,
    bold: bool = False,
) -> float:
    """Write a text, cut with … where it is wider than `widest` px, and return its width in px.

    `anchor` is Pillow's: 'la' puts the upper left corner at `place`, 'ra' the upper right, 'ma' the
    upper middle.
    """
    face = font(px, bold=bold)
    text = writable(text, face)
    if widest is not None and draw.textlength(text, face) > widest:
        while text and draw.textlength(text.rstrip() + "…", face) > widest:
            text = text[:-1]
        text = text.rstrip() + "…"
    draw.text(place, text, fill=colour, font=face, anchor=anchor)
    return float(draw.textlength(text, face))


def shown(pixels: CropPixels) -> NDArray[np.uint8]:
    """Return what a screen shows of a crop, with its grey range as black and white: (h, w) or (h,
    w, 3) uint8.
    """
    array: NDArray[Any] = pixels.array
    if array.ndim == 3:
        array = array[..., :3]
    if array.dtype == np.uint8 and (pixels.grey_low, pixels.grey_high) == (0.0, 255.0):
        return np.asarray(array, np.uint8)
    span = max(pixels.grey_high - pixels.grey_low, 1e-9)
    scaled = np.clip((array.astype(np.float32) - pixels.grey_low) * (255 / span), 0, 255)
    return np.asarray(np.rint(scaled), np.uint8)


def bar_length(widest_px: float, um_per_px: float | None) -> tuple[float, str]:
    """Return the length in px of a bar of a round length that is at most `widest_px` long, and its
    text.

    Lengths are in um where the scale is known and else in px.
    """
    if um_per_px is None:
        whole = max(1.0, nice_length(max(widest_px, 1.0)))
        return whole, f"{whole:g} px"
    length = nice_length(widest_px * um_per_px)
    return length / um_per_px, length_text(length)


def draw_bar(
    draw: ImageDraw.ImageDraw,
    right: float,
    top: float,
    bar: tuple[float, str],
    px: int,
    *,
    thick: int = 4,
) -> float:
    """Draw a bar with its text above so that it ends at `right` and begins at `top`; return where
    it ends below.
    """
    wide, text = bar
    face = font(px)
    text = writable(text, face)
    text_length = draw.textlength(text, face)
    across = max(wide, text_length)
    draw.text((right - across / 2, top), text, fill=INK, font=face, anchor="ma")
    below = top + round(1.35 * px)
    left = right - across / 2 - wide / 2
    draw.rectangle((round(left), below, round(left + wide) - 1, below + thick - 1), fill=INK)
    return float(below + thick)


def with_bar(pixels: NDArray[np.uint8], um_per_px: float | None, minimum: int = 320) -> Image.Image:
    """Return a crop, each px enlarged to a square so that its shorter side has `minimum` px, with a
    scale bar below it.

    Nothing is drawn over the crop, and no px between its own is made up. `pixels` are (h, w) or (h,
    w, 3).
    """
    factor = max(1, -(-minimum // min(pixels.shape[:2])))
    large = Image.fromarray(np.repeat(np.repeat(pixels, factor, axis=0), factor, axis=1)).convert(
        "RGB"
    )
    px = 22
    margin = 10
    strip = 2 * margin + round(1.35 * px) + 4
    image = Image.new("RGB", (large.width, large.height + strip), PAPER)
    image.paste(large, (0, 0))
    if um_per_px is None:
        wide, text = bar_length(large.width / 2.5 / factor, None)
        bar = (wide * factor, text)
    else:
        bar = bar_length(large.width / 2.5, um_per_px / factor)
    draw_bar(ImageDraw.Draw(image), large.width - margin, large.height + margin, bar, px)
    return image
