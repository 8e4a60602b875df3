"""Show a micrograph with its crops and turn gestures into boxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from poregui.domain.classes import PoreClass
from poregui.domain.geometry import Box
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import theme
from poregui.gui.canvas.canvas_boxes import (
    CURSORS,
    CanvasBox,
    dragged,
    draw_boxes,
    draw_new,
    draw_plate,
    grip_at,
    smallest_at,
)
from poregui.gui.canvas.canvas_inset import CanvasInset
from poregui.gui.canvas.canvas_view import CanvasTool, CanvasView, draw_scale_bar
from poregui.gui.canvas.tile_layer import TileLayer

MIN_BOX = 8
"""Shortest side in px of a box that can be drawn."""
_WHEEL_STEP = 1.25
_MARGIN = 12


class ImageCanvas(QWidget):
    """Draw one image and boxes on it, all in one paint event, and hold no truth about either.

    `box_drawn` (Box) after a drag, `point_clicked` (x, y in px) after a click beside all boxes,
    `crop_clicked` (id) on one, `box_changed` (id, Box) after the current box was moved or resized,
    `zoomed` (scale, 0 without an image).
    """

    box_drawn = Signal(object)
    point_clicked = Signal(float, float)
    crop_clicked = Signal(int)
    box_changed = Signal(int, object)
    zoomed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("image_canvas")
        self.setAccessibleName("Micrograph")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(160, 120)
        self._image: TileLayer | None = None
        self._view: CanvasView | None = None
        self._fits = True
        self._message = ""
        self._read_out: Callable[[int, int], str] | None = None
        self._um_per_px: float | None = None
        self._boxes: tuple[CanvasBox, ...] = ()
        self._current: int | None = None
        self._marks = ClassMarks(())
        self._editable = False
        self._pan_held = False
        self._pan_from: QPointF | None = None
        self._pressed: QPointF | None = None
        self._grip: str | None = None
        self._gripped: CanvasBox | None = None
        self._drag_box: Box | None = None
        self._pointer: QPointF | None = None
        self._tool: CanvasTool | None = None
        self._outlined: dict[int, Box] = {}
        self._overlays: list[Callable[[QPainter, CanvasView], None]] = []
        self._set_cursor()
        self._inset = self._make_inset()
        theme().changed.connect(self.update)

    def _make_inset(self) -> CanvasInset:
        inset = CanvasInset(self)
        inset.pointed.connect(self.centre_on)
        self.zoomed.connect(self._show_inset)
        return inset

    # ---- what is shown ----------------------------------------------------------------------

    def set_tiles(
        self,
        tiles: TileLayer,
        *,
        um_per_px: float | None = None,
        read_out: Callable[[int, int], str] | None = None,
        editable: bool = True,
    ) -> None:
        """Show an image, fitted; `read_out(x, y)` gives the words for the values of a px."""
        self._stop_gesture()
        self._follow(tiles)
        self._message = ""
        self._um_per_px = um_per_px
        self._read_out = read_out
        self._editable = editable
        self._view = CanvasView.fitted(QSizeF(tiles.width, tiles.height), QSizeF(self.size()))
        self._fits = True
        self._set_cursor()
        self.zoomed.emit(self._view.scale)
        self.update()

    def _follow(self, tiles: TileLayer | None) -> None:
        """Draw this image from now on, whenever there is more of it to see."""
        if self._image is not None:
            self._image.changed.disconnect(self.update)
        self._image = tiles
        if tiles is not None:
            tiles.changed.connect(self.update)

    def set_scale(self, um_per_px: float | None) -> None:
        """Take the scale for bar and read-out, None when it is unknown."""
        self._um_per_px = um_per_px
        self.update()

    def show_message(self, text: str) -> None:
        """Show a sentence in the place of an image."""
        self.set_tool(None)
        self._stop_gesture()
        self._follow(None)
        self._view = None
        self._message = text
        self._boxes = ()
        self._editable = False
        self._set_cursor()
        self.zoomed.emit(0.0)
        self.update()

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Draw labels in the colours and letters of these classes."""
        self._marks = ClassMarks(classes)
        self.update()

    def set_boxes(self, boxes: Sequence[CanvasBox]) -> None:
        """Show these boxes of crops."""
        self._boxes = tuple(boxes)
        self.update()

    def set_current(self, crop_id: int | None) -> None:
        """Give a crop handles, and bring it into sight."""
        self._current = crop_id
        if self._view is None:
            return
        box = self._current_box()
        if box is not None and self._pressed is None:
            seen = QRectF(0, 0, self.width(), self.height())
            frame = self._view.to_screen(box.box)
            if not seen.contains(frame.center()):
                self._show(self._view.at(QPointF(*box.box.centre)))
        self.update()

    def set_tool(self, tool: CanvasTool | None = None) -> None:
        """Give the pointer to a tool until it says `done`, or back to drawing crops with None."""
        if self._tool is not None:
            self._tool.cancel()
            self._tool.changed.disconnect(self.update)
            self._tool.done.disconnect(self.set_tool)
        self._stop_gesture()
        self._tool = tool
        if tool is not None:
            tool.changed.connect(self.update)
            tool.done.connect(self.set_tool)
            self.setFocus()
        self._set_cursor()

    @property
    def tool(self) -> CanvasTool | None:
        """Return the tool that has the pointer."""
        return self._tool

    def add_overlay(self, paint: Callable[[QPainter, CanvasView], None]) -> None:
        """Draw something between image and boxes, in screen px, whenever there is an image."""
        self._overlays.append(paint)

    def remove_overlay(self, paint: Callable[[QPainter, CanvasView], None]) -> None:
        """Draw it no more."""
        self._overlays.remove(paint)
        self.update()

    def set_outlined(self, bounds: Mapping[int, Box]) -> None:
        """Take the bounds of outlines by crop id: those crops are clicked there, and drawn without
        their boxes.
        """
        self._outlined = dict(bounds)
        self.update()

    @property
    def scale(self) -> float:
        """Return the screen px per px of the image, 1 while there is none."""
        return self._view.scale if self._view else 1.0

    @property
    def tiles(self) -> TileLayer | None:
        """Return what is drawn, or None while there is none."""
        return self._image

    @property
    def view(self) -> CanvasView | None:
        """Return what of the image is seen, or None while there is none."""
        return self._view

    def fit(self) -> None:
        """Show the whole image."""
        if self._view:
            self._show(CanvasView.fitted(self._view.size, self._view.window), fits=True)

    def one_to_one(self) -> None:
        """Show each px of the image as one px of the screen, around the current crop where there is
        one.
        """
        if self._view:
            box = self._current_box()
            if box:
                view = self._view.at(QPointF(*box.box.centre))
            else:
                view = self._view
            self.zoom(1.0 / view.scale, view)

    def zoom(self, factor: float, view: CanvasView | None = None) -> None:
        """Enlarge around the middle."""
        view = view or self._view
        if view:
            self._show(
                view.zoomed(factor, QPointF(view.window.width() / 2, view.window.height() / 2))
            )

    def centre_on(self, point: QPointF) -> None:
        """Bring a point of the image (px) to the middle."""
        if self._view:
            self._show(self._view.at(point))

    def hold_pan(self, held: bool) -> None:
        """Let the left button pan while Space is held."""
        self._pan_held = held
        self._set_cursor()

    # ---- painting ---------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(640, 420)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme().tokens.canvas))
        if self._image is None or self._view is None:
            painter.setPen(QColor(theme().tokens.muted))
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect().adjusted(32, 16, -32, -16), flags, self._message)
            return
        source = self._view.visible()
        self._image.draw(painter, self._view.to_screen(source), source)
        for paint in self._overlays:
            paint(painter, self._view)
        bare = (
            box
            for box in self._boxes
            if box.crop_id not in self._outlined or box.crop_id == self._current
        )
        shown = [self._as_dragged(one) for one in bare]
        draw_boxes(painter, self._view, shown, self._current, self._marks)
        if self._drag_box is not None and self._gripped is None:
            size = f"{self._drag_box.width} × {self._drag_box.height} px"
            draw_new(painter, self._view.to_screen(self._drag_box), size)
        if self._tool is not None:
            self._tool.paint(painter, self._view)
            draw_plate(
                painter,
                QPointF(_MARGIN, _MARGIN + painter.fontMetrics().height() + 6),
                self._tool.hint,
            )
        if self._um_per_px:
            draw_scale_bar(painter, QRectF(self.rect()), self._um_per_px / self._view.scale)
        self._draw_read_out(painter)

    def _as_dragged(self, one: CanvasBox) -> CanvasBox:
        if self._gripped and one.crop_id == self._gripped.crop_id:
            box = self._drag_box
        else:
            box = None
        return replace(one, box=box) if box else one

    def _draw_read_out(self, painter: QPainter) -> None:
        if (
            self._pointer is None
            or self._view is None
            or self._image is None
            or self._read_out is None
        ):
            return
        at = self._view.to_image(self._pointer)
        if self._image.holds(at.x(), at.y()):
            corner = QPointF(
                self.width() - _MARGIN, self.height() - _MARGIN - painter.fontMetrics().height() - 6
            )
            draw_plate(painter, corner, self._read_out(int(at.x()), int(at.y())), from_right=True)

    # ---- gestures ---------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._view and event.angleDelta().y():
            factor = _WHEEL_STEP ** (event.angleDelta().y() / 120)
            self._show(self._view.zoomed(factor, event.position()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._view is None:
            return
        left = event.button() == Qt.MouseButton.LeftButton
        if event.button() == Qt.MouseButton.MiddleButton or (left and self._pan_held):
            self._pan_from = event.position()
        elif left and self._tool is not None:
            self._tool.press(self._view.to_image(event.position()), event.modifiers())
        elif left:
            self._pressed = event.position()
            current = self._current_box()
            self._grip = None
            if current is not None and self._editable:
                self._grip = grip_at(self._view.to_screen(current.box), event.position())
            self._gripped = current if self._grip else None
        self._set_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        if self._view is None:
            return
        if self._pan_from is not None:
            moved = event.position() - self._pan_from
            self._pan_from = event.position()
            self._show(self._view.panned(moved))
        elif self._tool is not None:
            pressed = bool(event.buttons() & Qt.MouseButton.LeftButton)
            self._tool.move(self._view.to_image(event.position()), pressed=pressed)
        elif self._pressed is not None and self._editable:
            self._drag_to(event.position())
        else:
            self._set_cursor()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pan_from is not None and event.button() in (
            Qt.MouseButton.MiddleButton,
            Qt.MouseButton.LeftButton,
        ):
            self._pan_from = None
            self._set_cursor()
            return
        if (
            self._tool is not None
            and self._view is not None
            and event.button() == Qt.MouseButton.LeftButton
        ):
            self._tool.release(self._view.to_image(event.position()))
            return
        if (
            event.button() != Qt.MouseButton.LeftButton
            or self._pressed is None
            or self._view is None
        ):
            return
        pressed = self._pressed
        box = self._drag_box
        gripped = self._gripped
        self._stop_gesture()
        if box is None:
            self._click(self._view.to_image(pressed))
        elif gripped is None:
            self.box_drawn.emit(box)
        elif box != gripped.box:
            self.box_changed.emit(gripped.crop_id, box)

    def leaveEvent(self, event: QEvent) -> None:
        self._pointer = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._tool is not None and self._tool.key(event):
            return
        if event.key() == Qt.Key.Key_Escape and (self._tool or self._pressed):
            self.set_tool(None)
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(_WHEEL_STEP)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom(1 / _WHEEL_STEP)
        else:
            event.ignore()

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._view:
            view = self._view.resized(QSizeF(self.size()))
            self._show(
                CanvasView.fitted(view.size, view.window) if self._fits else view, fits=self._fits
            )

        self._show_inset()

    def _show_inset(self) -> None:
        self._inset.follow(self._view, self._image)

    def choose_at(self, at: QPoint) -> None:
        """Choose the crop at a point of the widget, where there is one."""
        if self._view is not None:
            hit = self._hit(self._view.to_image(QPointF(at)))
            if hit is not None:
                self.crop_clicked.emit(hit.crop_id)

    def _hit(self, at: QPointF) -> CanvasBox | None:
        where = self._outlined
        return smallest_at(
            (CanvasBox(box.crop_id, where.get(box.crop_id, box.box), None) for box in self._boxes),
            at,
        )

    def _click(self, at: QPointF) -> None:
        hit = self._hit(at)
        if hit is not None:
            self.crop_clicked.emit(hit.crop_id)
        elif self._editable and self._image is not None and self._image.holds(at.x(), at.y()):
            self.point_clicked.emit(at.x(), at.y())

    def _drag_to(self, point: QPointF) -> None:
        assert self._pressed is not None
        assert self._view is not None
        assert self._image is not None
        moved = point - self._pressed
        if self._drag_box is None and moved.manhattanLength() < QApplication.startDragDistance():
            return
        width = self._image.width
        height = self._image.height
        if self._gripped is not None and self._grip is not None:
            by = moved / self._view.scale
            self._drag_box = dragged(self._gripped.box, self._grip, by, width, height, MIN_BOX)
            return
        start = self._view.to_image(self._pressed)
        end = self._view.to_image(point)
        self._drag_box = Box.between(start.x(), start.y(), end.x(), end.y()).clipped(width, height)

    def _stop_gesture(self) -> None:
        self._pressed = self._gripped = self._drag_box = self._grip = self._pan_from = None
        self.update()

    def _current_box(self) -> CanvasBox | None:
        return next((box for box in self._boxes if box.crop_id == self._current), None)

    def _show(self, view: CanvasView, *, fits: bool = False) -> None:
        self._view = view
        self._fits = fits
        self.zoomed.emit(view.scale)
        self.update()

    def _set_cursor(self) -> None:
        self.setCursor(self._cursor())

    def _cursor(self) -> Qt.CursorShape:
        if self._view is None:
            return Qt.CursorShape.ArrowCursor
        if self._pan_from is not None:
            return Qt.CursorShape.ClosedHandCursor
        if self._pan_held:
            return Qt.CursorShape.OpenHandCursor
        if self._tool is not None:
            return self._tool.cursor
        current = self._current_box()
        if current is not None and self._pointer is not None and self._editable:
            grip = grip_at(self._view.to_screen(current.box), self._pointer)
            if grip:
                return CURSORS[grip]
        if self._editable:
            return Qt.CursorShape.CrossCursor
        return Qt.CursorShape.ArrowCursor
