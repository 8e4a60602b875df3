"""Draw the outlines of pores above a micrograph, thousands of them at once.

Qt's painter takes 0.4 s for the rims and dashes of 600 outlines, and would for each step of a pan;
OpenCV takes 15 ms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap, QPolygonF

from poregui.domain.classes import PoreClass
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.canvas.canvas_view import CanvasView
from poregui.vision.shape.polygons import Polygons, ranges

_FRACTION = 4
"""Bits behind the point of coordinates that OpenCV draws at."""
_RIM = 130
"""How opaque the dark rim of a line is, of 255."""
_ON = 4.5
_OFF = 3.75
_DASH_POINTS = 4
"""Length of a dash and of the gap behind it, in px at a ratio of 1, and points that a dash is drawn
through.
"""
_TIMES = 2
"""How often a line is drawn over itself: once, its edges are too faint."""


@dataclass(frozen=True, eq=False)
class Lines:
    """Hold closed lines, in px of the image, that look alike."""

    polygons: Polygons
    colour: QColor
    dashed: bool = False


def line_image(groups: Sequence[Lines], width: int, height: int, ratio: float) -> QImage:
    """Return `width` x `height` px of lines on nothing; `ratio` is how many px are one of an
    ordinary screen.
    """
    pixels: NDArray[Any] = np.zeros((height, width, 4), np.uint8)
    rim: NDArray[Any] = np.zeros((height, width), np.uint8)
    for group in groups:
        whole = _fixed(group.polygons.points)
        polygons = [
            whole[start:end]
            for start, end in zip(group.polygons.starts, group.polygons.starts[1:], strict=False)
        ]
        cv2.polylines(rim, polygons, True, 255, 1, cv2.LINE_AA, _FRACTION)
        if group.dashed:
            lines = list(_fixed(_dashes(group.polygons, ratio)))
        else:
            lines = polygons
        colour = (group.colour.red(), group.colour.green(), group.colour.blue(), 255)
        for _ in range(_TIMES):
            cv2.polylines(pixels, lines, not group.dashed, colour, 1, cv2.LINE_AA, _FRACTION)
    thick = 1 + 2 * round(0.8 * (ratio - 1))
    if thick > 1:
        pixels = cv2.dilate(pixels, _disc(thick))
    rim = cv2.dilate(rim, _disc(thick + 2 * max(1, round(0.7 * ratio))))
    cover = np.ascontiguousarray(pixels[..., 3])
    pixels[..., 3] = cv2.add(cover, cv2.multiply(rim, 255 - cover, scale=_RIM / 255**2))
    return _image_of(pixels, QImage.Format.Format_RGBA8888_Premultiplied)


def _dashes(polygons: Polygons, ratio: float) -> NDArray[np.float64]:
    """Return (dashes, points, 2) in px: as many on each ring as fit evenly, one at least."""
    # Each ring with its first point again at its end, and how far along all rings together each
    # point lies.
    order = np.insert(np.arange(len(polygons.points)), polygons.starts[1:], polygons.starts[:-1])
    corners = polygons.points[order]
    ends = polygons.starts[1:] + np.arange(1, polygons.count + 1)
    steps = np.hypot(*np.diff(corners, axis=0, prepend=corners[:1]).T)
    steps[ends[:-1]] = 0.0  # from one ring to the next
    along = np.cumsum(steps)
    begins = along[np.concatenate([[0], ends[:-1]])]
    lengths = along[ends - 1] - begins
    counts = np.maximum(1, np.rint(lengths / ((_ON + _OFF) * ratio))).astype(np.int64)
    owner = np.repeat(np.arange(polygons.count), counts)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    pitch = (lengths / counts)[owner]
    first = begins[owner] + number * pitch
    places = first[:, None] + pitch[:, None] * np.linspace(0, _ON / (_ON + _OFF), _DASH_POINTS)
    return np.stack([np.interp(places, along, corners[:, axis]) for axis in (0, 1)], axis=-1)


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return coordinates as OpenCV takes them, whose px have their middle at whole numbers."""
    return np.asarray(np.rint((points - 0.5) * (1 << _FRACTION)), np.int32)


def _disc(side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


_LETTER_FROM = 14.0
"""Screen px that a pore is at least large to carry its letter."""
_POINT_EVERY = 1.0
"""Screen px between two points of a line that is drawn; nobody sees more."""
_MOST_LETTERS = 400
_MANY = 800
"""Outlines from which lines are drawn coarsely."""
_COARSE = 1.0
_COARSE_STEP = 2.0
_FINE_STEP = 0.8
_CANDIDATE = QColor("#ffffff")
BRIGHT = QColor("#ffe600")
"""Colour of the current pore, and of filled ones, where nobody has labelled them."""
_FAINT = 0.55
"""How opaque lines are beside that of the current pore."""
_FILL = 72
"""How opaque filled pores are, of 255."""
_CURRENT_WIDTH = 2.4
_CURRENT_RIM = 2.0
Style = Literal["lines", "filled", "hidden"]
STYLES: tuple[Style, ...] = ("lines", "filled", "hidden")


@dataclass(frozen=True, eq=False)
class DrawnOutline:
    """Hold an outline in px of the image, (N, 2), and what it is drawn as; proposals are dashed."""

    crop_id: int
    points: NDArray[np.float32]
    label: int | None


class OutlineLayer:
    """Paint outlines in the colours of their classes; what was painted is kept while neither view
    nor outlines change.

    They are thin and half transparent, for a dense image to be seen; that of the current pore is
    bright and solid (the crop `current`), whatever the `style` of the others. `colour` draws all
    outlines in one colour, for a preview.
    """

    def __init__(self, colour: QColor | None = None) -> None:
        self._outlines: tuple[DrawnOutline, ...] = ()
        self._polygons = Polygons.of([])
        self._low, self._high = self._polygons.bounds()
        self._places: dict[int, int] = {}
        self._marks = ClassMarks(())
        self._colour = colour
        self._hidden: int | None = None
        self.current: int | None = None
        self._style: Style = "lines"
        self._kept: tuple[CanvasView, float, QPixmap] | None = None

    @property
    def outlines(self) -> tuple[DrawnOutline, ...]:
        """Return what is drawn."""
        return self._outlines

    def set_outlines(self, outlines: Sequence[DrawnOutline]) -> None:
        """Draw these."""
        self._outlines = tuple(outlines)
        self._kept = None
        self._polygons = Polygons.of([outline.points for outline in outlines])
        self._low, self._high = self._polygons.bounds()
        self._places = {one.crop_id: place for place, one in enumerate(outlines)}

    def set_labels(self, labels: Mapping[int, int | None]) -> None:
        """Draw some crops (crop id to label) as labelled otherwise; those that are not drawn are
        passed over.
        """
        changed = list(self._outlines)
        for crop_id, label in labels.items():
            place = self._places.get(crop_id)
            if place is not None:
                changed[place] = replace(changed[place], label=label)
        self._outlines = tuple(changed)
        self._kept = None

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Use the colours and letters of these classes."""
        self._marks = ClassMarks(classes)
        self._kept = None

    @property
    def style(self) -> Style:
        """Return how outlines are drawn."""
        return self._style

    def set_style(self, style: Style) -> None:
        """Draw outlines as lines, filled, or not at all but for the current one."""
        self._style = style
        self._kept = None

    def hide(self, crop_id: int | None) -> None:
        """Leave one out, while a tool draws it."""
        self._hidden = crop_id
        self._kept = None

    def paint(self, painter: QPainter, view: CanvasView) -> None:
        """Draw what is seen, in screen px."""
        if not self._outlines:
            return
        ratio = painter.device().devicePixelRatioF()
        if self._kept is None or self._kept[:2] != (view, ratio):
            self._kept = (view, ratio, self._drawn(view, ratio))
        painter.drawPixmap(0, 0, self._kept[2])
        place = self._places.get(self.current or 0)
        if place is not None and self.current != self._hidden:
            one = self._outlines[place]
            draw_current(painter, screen_line(one.points, view), self._bright(one.label))

    def _drawn(self, view: CanvasView, ratio: float) -> QPixmap:
        seen = [] if self._style == "hidden" else self._seen(view)
        many = len(seen) >= _MANY
        image = (self._coarsely if many else self._finely)(view, ratio, seen)
        pixmap = QPixmap(image.size())
        pixmap.fill(QColor(0, 0, 0, 0))
        painter = QPainter(pixmap)
        if self._style == "filled":
            painter.drawImage(0, 0, self._filled(view, ratio, seen))
        if self._colour is None:
            painter.setOpacity(_FAINT)
        painter.drawImage(0, 0, image)
        painter.end()
        pixmap.setDevicePixelRatio(ratio)
        if self._colour is None and not many:
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._letters(painter, view, seen)
            painter.end()
        return pixmap

    def _finely(self, view: CanvasView, ratio: float, seen: Sequence[int]) -> QImage:
        """Draw lines with rims, dashed where nobody has labelled a pore."""
        size = view.window.toSize() * ratio
        groups = [
            Lines(
                self._few_points(np.array(places), view, ratio, _FINE_STEP),
                self._colour_of(label),
                dashed=label is None and self._colour is None,
            )
            for label, places in self._by_label(seen).items()
        ]
        return line_image(groups, size.width(), size.height(), ratio)

    def _filled(self, view: CanvasView, ratio: float, seen: Sequence[int]) -> QImage:
        """Draw pores filled in the colours of their lines."""
        size = view.window.toSize() * ratio
        pixels: NDArray[Any] = np.zeros((size.height(), size.width(), 4), np.uint8)
        for label, places in self._by_label(seen).items():
            polygons = self._few_points(np.array(places), view, ratio, _FINE_STEP)
            whole = _fixed(polygons.points)
            colour = self._bright(label)
            fill = (colour.red(), colour.green(), colour.blue(), _FILL)
            for start, end in zip(polygons.starts, polygons.starts[1:], strict=False):
                cv2.fillPoly(pixels, [whole[start:end]], fill, cv2.LINE_8, _FRACTION)
        return _image_of(pixels, QImage.Format.Format_RGBA8888)

    def _by_label(self, seen: Sequence[int]) -> dict[int | None, list[int]]:
        chosen: dict[int | None, list[int]] = {}
        for place in seen:
            one = self._outlines[place]
            if self._hidden is None or one.crop_id != self._hidden:
                chosen.setdefault(one.label, []).append(place)
        return chosen

    def _colour_of(self, label: int | None) -> QColor:
        return self._colour or (_CANDIDATE if label is None else self._marks.colour(label))

    def _bright(self, label: int | None) -> QColor:
        return BRIGHT if label is None and self._colour is None else self._colour_of(label)

    def _seen(self, view: CanvasView) -> list[int]:
        visible = view.visible()
        low = np.array([visible.left(), visible.top()])
        high = np.array([visible.right(), visible.bottom()])
        inside = (self._high >= low).all(axis=1) & (self._low <= high).all(axis=1)
        return [int(place) for place in np.flatnonzero(inside)]

    def _coarsely(self, view: CanvasView, ratio: float, seen: Sequence[int]) -> QImage:
        """Draw thousands at once, without dashes, rims and letters, which are too small to be seen
        then.
        """
        size = view.window.toSize() * ratio
        pixels = np.zeros((size.height(), size.width(), 4), np.uint8)
        for label, places in self._by_label(seen).items():
            polygons = self._few_points(np.array(places), view, ratio, _COARSE_STEP)
            there = np.rint(polygons.points).astype(np.int32)
            lines = [
                there[start:end]
                for start, end in zip(polygons.starts, polygons.starts[1:], strict=False)
            ]
            colour = self._colour_of(label)
            thick = max(1, round(_COARSE * ratio))
            cv2.polylines(
                pixels, lines, True, (colour.red(), colour.green(), colour.blue(), 255), thick
            )
        return _image_of(pixels, QImage.Format.Format_RGBA8888)

    def _few_points(
        self, seen: NDArray[np.int64], view: CanvasView, ratio: float, step: float
    ) -> Polygons:
        """Return the lines on the screen of some outlines, in its px, with about one point for each
        `step` of them.
        """
        lengths = self._polygons.lengths[seen]
        first = self._polygons.starts[seen]
        around = 3 * (self._high - self._low).max(axis=1)[seen] * view.scale * ratio
        kept = np.clip((around / step).astype(np.int64), 3, lengths)
        places = ranges(np.zeros(len(seen), np.int64), kept)
        stride = np.repeat(lengths / kept, kept)
        points = self._polygons.points[np.repeat(first, kept) + (places * stride).astype(np.int64)]
        return Polygons(_on_screen(points, view) * ratio, np.concatenate([[0], np.cumsum(kept)]))

    def _letters(self, painter: QPainter, view: CanvasView, seen: Sequence[int]) -> None:
        large = (self._high - self._low).max(axis=1) * view.scale >= _LETTER_FROM
        lettered = [i for i in seen if large[i] and self._outlines[i].label is not None]
        if len(lettered) > _MOST_LETTERS:
            return
        for place in lettered:
            label = self._outlines[place].label
            corner = _on_screen(np.array([self._low[place]]), view)[0]
            if label is not None and self._outlines[place].crop_id != self._hidden:
                self._marks.draw_badge(painter, float(corner[0]) - 2, float(corner[1]), label)


def draw_current(painter: QPainter, line: QPolygonF, colour: QColor) -> None:
    """Draw the line around the current pore, bright and solid, with a dark rim."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for shade, width in ((QColor(0, 0, 0, 220), _CURRENT_WIDTH + _CURRENT_RIM), (colour, 0.0)):
        painter.setPen(QPen(shade, width or _CURRENT_WIDTH))
        painter.drawPolygon(line)
    painter.restore()


def _image_of(pixels: NDArray[Any], form: QImage.Format) -> QImage:
    """Return an image of (H, W, 4) values that keeps them itself."""
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, pixels.strides[0], form).copy()


def screen_line(points: NDArray[np.float32], view: CanvasView) -> QPolygonF:
    """Return the closed line on the screen through points (N, 2) of the image, without needless
    points.
    """
    there = _on_screen(points, view)
    extent = float((there.max(axis=0) - there.min(axis=0)).sum())
    step = max(1, int(len(there) * _POINT_EVERY / max(2 * extent, 4.0)))
    kept = there[::step]
    line = [QPointF(x, y) for x, y in kept.tolist()]
    return QPolygonF([*line, line[0]])


def _on_screen(
    points: NDArray[np.float64] | NDArray[np.float32], view: CanvasView
) -> NDArray[np.float64]:
    centre = np.array([view.centre.x(), view.centre.y()])
    middle = np.array([view.window.width(), view.window.height()]) / 2
    return np.asarray((points - centre) * view.scale + middle, np.float64)
