"""Draw the outlines of pores in their class colours over a micrograph; changes with how results are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 1600
"""Longer side of the picture in px, where the micrograph is at least as large."""
_LEFT = (150, 150, 150)
_AROUND = 5
"""Distance in px of the picture between a pore and its frame."""
_SHIFT = 4
"""Outlines are drawn to a sixteenth of a px."""
_FEWEST = 8
"""Points that an outline keeps at least."""


def draw_overlay(
    overview: NDArray[Any],
    size: tuple[int, int],
    outlines: Sequence[NDArray[np.float32]],
    chosen: NDArray[np.int64],
    colours: Sequence[str],
    unlike: NDArray[np.bool_] | None = None,
) -> bytes:
    """Return a PNG of a micrograph of `size` (width, height) px with every pore outlined.

    `overview` is the micrograph at any smaller size, of any depth; `outlines` are in px of the full one; `chosen` is
    the place of each pore's class in `colours` ('#rrggbb'), -1 (grey) for none. Pores that are `unlike` all training
    crops stand in a white frame.
    """
    shown = _shown(overview)
    factor = min(1.0, _SIDE / max(size)) * size[0] / shown.shape[1]
    wide, high = max(1, round(shown.shape[1] * factor)), max(1, round(shown.shape[0] * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    shown = np.asarray(cv2.resize(shown, (wide, high), interpolation=method), np.uint8)
    scale = np.array([wide / size[0], high / size[1]]) * (1 << _SHIFT)
    every = max(1, size[0] // wide)
    for kind in range(-1, len(colours)):
        lines = [
            np.rint(_thinned(points, every) * scale).astype(np.int32)
            for points, own in zip(outlines, chosen, strict=True)
            if own == kind
        ]
        colour = _LEFT if kind < 0 else _bgr(colours[kind])
        cv2.polylines(shown, lines, True, colour, 2, cv2.LINE_AA, _SHIFT)
    for place in np.flatnonzero(unlike if unlike is not None else ()).tolist():
        _frame(shown, outlines[place] * (scale / (1 << _SHIFT)))
    done, coded = cv2.imencode(".png", shown)
    if not done:
        raise ValueError(f"no PNG of an overlay of shape {shown.shape}")
    return bytes(coded)


def _frame(shown: NDArray[np.uint8], points: NDArray[Any]) -> None:
    """Draw a white box with dark edges around an outline in px of the picture."""
    left, top = (int(v) - _AROUND for v in np.floor(points.min(axis=0)))
    right, bottom = (int(v) + _AROUND for v in np.ceil(points.max(axis=0)))
    for colour, width in (((0, 0, 0), 4), ((255, 255, 255), 2)):
        cv2.rectangle(shown, (left, top), (right, bottom), colour, width)


def _thinned(points: NDArray[np.float32], every: int) -> NDArray[np.float32]:
    """Return every n-th point of an outline, which has one and more for each px, where a picture shows fewer."""
    return points[:: min(every, max(1, len(points) // _FEWEST))]


def _shown(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return what a screen shows of pixels of any depth: (h, w, 3) blue, green, red."""
    if pixels.dtype != np.uint8:
        low, high = (float(v) for v in np.percentile(pixels, [0.5, 99.5]))
        pixels = np.clip((pixels.astype(np.float32) - low) * (255 / max(high - low, 1e-9)), 0, 255).astype(np.uint8)
    if pixels.ndim == 2:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_GRAY2BGR), np.uint8)
    return np.ascontiguousarray(pixels[..., ::-1])


def _bgr(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return blue, green, red
