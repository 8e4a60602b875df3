"""Draw the outlines of pores in their class colours over a micrograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.classes import UNSURE_COLOUR
from poregui.store.run_files import BROKEN, read_arrays, write_arrays
from poregui.workflow.applying.result_table import LEFT, PoreTable

FILE = "picture.npz"
_SIDE = 1600
"""Longer side of the image in px, where the micrograph is at least as large."""
_AROUND = 5
"""Distance in px of the image between a pore and its frame."""
_SHIFT = 4
"""Outlines are drawn to a sixteenth of a px."""
_FEWEST = 8
"""Points that an outline keeps at least."""


@dataclass(frozen=True, eq=False)
class FieldImage:
    """Hold a micrograph as a screen shows it, `plain` (h, w) or (h, w, 3: blue, green, red) uint8,
    and its outlines.

    `points` (N, 2) int16 are those of all outlines, x and y in sixteenths of its px; `counts` (n,)
    those of each.
    """

    plain: NDArray[np.uint8]
    points: NDArray[np.int16]
    counts: NDArray[np.int32]

    @staticmethod
    def of(
        overview: NDArray[Any], size: tuple[int, int], outlines: Sequence[NDArray[np.float32]]
    ) -> FieldImage:
        """Return the image of a micrograph of `size` (width, height) px.

        `overview` is the micrograph at any smaller size, of any depth; `outlines` are in px of the
        full one.
        """
        shown = _shown(overview)
        factor = min(1.0, _SIDE / max(size)) * size[0] / shown.shape[1]
        wide = max(1, round(shown.shape[1] * factor))
        high = max(1, round(shown.shape[0] * factor))
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        plain = np.asarray(cv2.resize(shown, (wide, high), interpolation=method), np.uint8)
        scale = np.array([wide / size[0], high / size[1]]) * (1 << _SHIFT)
        every = max(1, size[0] // wide)
        lines = [np.rint(_thinned(points, every) * scale).astype(np.int16) for points in outlines]
        if lines:
            points = np.concatenate(lines)
        else:
            points = np.empty((0, 2), np.int16)
        return FieldImage(plain, points, np.array([len(line) for line in lines], np.int32))

    def drawn(
        self,
        chosen: NDArray[np.int64],
        colours: Sequence[str],
        out_of_distribution: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.uint8]:
        """Return (h, w, 3) blue, green, red with the outlines in the colours of their classes.

        `chosen` is the index of each pore's class in `colours` ('#rrggbb'). Pores that are `LEFT`
        have the colour of *unsure*, others without a class are not drawn. Those that are
        `out_of_distribution` stand in a white frame.
        """
        if self.plain.ndim == 2:
            shown = cv2.cvtColor(self.plain, cv2.COLOR_GRAY2BGR)
        else:
            shown = self.plain.copy()
        ends = np.cumsum(self.counts)
        if len(ends):
            lines = np.split(self.points.astype(np.int32), ends[:-1])
        else:
            lines = []
        for kind in range(LEFT, len(colours)):
            own = [lines[index] for index in np.flatnonzero(chosen == kind).tolist()]
            colour = _bgr(UNSURE_COLOUR if kind == LEFT else colours[kind])
            cv2.polylines(shown, own, True, colour, 2, cv2.LINE_AA, _SHIFT)
        for index in np.flatnonzero(
            out_of_distribution if out_of_distribution is not None else ()
        ).tolist():
            _frame(shown, lines[index] / (1 << _SHIFT))
        return np.asarray(shown, np.uint8)

    def of_table(
        self, table: PoreTable, colours: Sequence[str], min_confidence: float
    ) -> NDArray[np.uint8]:
        """Return what `drawn` does for the pores of a table at a confidence; what people named has
        no frame.
        """
        if len(table.out_of_distribution):
            out_of_distribution = table.out_of_distribution & ~table.by_person
        else:
            out_of_distribution = None
        return self.drawn(table.chosen(min_confidence), colours, out_of_distribution)

    def write(self, folder: Path) -> None:
        """Write it into a folder of results."""
        write_arrays(folder / FILE, vars(self))


def read_image(folder: Path) -> FieldImage | None:
    """Return what the image in a folder of results is drawn from, None where that is not there or
    damaged.
    """
    try:
        kept = read_arrays(folder / FILE)
        found = FieldImage(kept["plain"], kept["points"], kept["counts"])
    except BROKEN:
        return None
    if found.plain.dtype == np.uint8 and int(found.counts.sum()) == len(found.points):
        return found
    return None


def draw_overlay(
    overview: NDArray[Any],
    size: tuple[int, int],
    outlines: Sequence[NDArray[np.float32]],
    chosen: NDArray[np.int64],
    colours: Sequence[str],
) -> bytes:
    """Return a PNG of a micrograph with every pore outlined (see `FieldImage.of` and `drawn`)."""
    return as_png(FieldImage.of(overview, size, outlines).drawn(chosen, colours))


def as_png(shown: NDArray[np.uint8]) -> bytes:
    """Return (h, w, 3) blue, green, red as a PNG. Raises ValueError for what is no image."""
    done, coded = cv2.imencode(".png", shown)
    if not done:
        raise ValueError(f"no PNG of an overlay of shape {shown.shape}")
    return bytes(coded)


def _frame(shown: NDArray[Any], points: NDArray[Any]) -> None:
    """Draw a white box with dark edges around an outline in px of the image."""
    left, top = (int(v) - _AROUND for v in np.floor(points.min(axis=0)))
    right, bottom = (int(v) + _AROUND for v in np.ceil(points.max(axis=0)))
    for colour, width in (((0, 0, 0), 4), ((255, 255, 255), 2)):
        cv2.rectangle(shown, (left, top), (right, bottom), colour, width)


def _thinned(points: NDArray[np.float32], every: int) -> NDArray[np.float32]:
    """Return every n-th point of an outline, which has one and more for each px, where an image
    shows fewer.
    """
    return points[:: min(every, max(1, len(points) // _FEWEST))]


def _shown(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return what a screen shows of pixels of any depth: (h, w) grey, or (h, w, 3) blue, green,
    red.
    """
    if pixels.dtype != np.uint8:
        low, high = (float(v) for v in np.percentile(pixels, [0.5, 99.5]))
        pixels = np.clip(
            (pixels.astype(np.float32) - low) * (255 / max(high - low, 1e-9)), 0, 255
        ).astype(np.uint8)
    return np.ascontiguousarray(pixels if pixels.ndim == 2 else pixels[..., ::-1])


def _bgr(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return blue, green, red
