"""Show the labelled crops of each class that look most like the current one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import GAP, theme
from poregui.gui.lists.crop_list import no_image

_ROW_SIDE = 34
_BETWEEN = 2
_ROW_BADGE = 20
_EACH = 2


class AlikeRow(QWidget):
    """Draw a cell for each class: its letter over its crops; `chosen` carries the id of a crop that
    was clicked.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("alike_row")
        self.setAccessibleName("Most similar labelled crops of each class")
        self.setToolTip("Labelled crops of each class most similar to this one; click to go there")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._marks = ClassMarks(())
        self._cells: tuple[tuple[int, tuple[int, ...]], ...] = ()
        self._image: Callable[[int], QImage | None] = no_image
        theme().changed.connect(self.update)
        self._fit()

    def set_images(self, image: Callable[[int], QImage | None]) -> None:
        """Take images from `image(crop id)`."""
        self._image = image

    def show_alike(self, marks: ClassMarks, of_each: Mapping[int, Sequence[int]]) -> None:
        """Show the first crops of each label; a label without crops keeps its cell, empty."""
        self._marks = marks
        self._cells = tuple((label, tuple(ids)[:_EACH]) for label, ids in of_each.items())
        names = [
            f"{marks.name(label)}: {', '.join(map(str, ids)) or 'none'}"
            for label, ids in self._cells
        ]
        self.setAccessibleDescription("; ".join(names))
        self._fit()
        self.update()

    def shown(self) -> dict[int, tuple[int, ...]]:
        """Return the ids of the crops that are drawn, by label."""
        return dict(self._cells)

    def sizeHint(self) -> QSize:
        return QSize(3 * self._step, self.height())

    @property
    def _step(self) -> int:
        return _EACH * (_ROW_SIDE + _BETWEEN) + GAP // 2

    def _fit(self) -> None:
        in_row = max(1, (self.width() + GAP) // self._step)
        rows = -(-max(1, len(self._cells)) // in_row)
        self.setFixedHeight(rows * (_ROW_BADGE + _ROW_SIDE + GAP // 2))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()

    def _squares(self) -> list[tuple[int, int, QRect]]:
        """Return label, place among the crops of the label and square of all that can be drawn."""
        in_row = max(1, (self.width() + GAP) // self._step)
        found = []
        for number, (label, _) in enumerate(self._cells):
            row, column = divmod(number, in_row)
            left = column * self._step
            top = row * (_ROW_BADGE + _ROW_SIDE + GAP // 2) + _ROW_BADGE
            found += [
                (label, i, QRect(left + i * (_ROW_SIDE + _BETWEEN), top, _ROW_SIDE, _ROW_SIDE))
                for i in range(_EACH)
            ]
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        crops = self.shown()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if not any(crops.values()):
            return  # nothing to compare with yet; the room is kept
        for label, position, square in self._squares():
            if position == 0:
                self._marks.draw_badge(painter, square.left(), square.top() - 2, label)
            painter.fillRect(square, QColor(theme().tokens.canvas))
            ids = crops[label]
            if position < len(ids):
                image = self._image(ids[position])
            else:
                image = None
            if image is not None and not image.isNull():
                size = image.size().scaled(square.size(), Qt.AspectRatioMode.KeepAspectRatio)
                target = QRect(0, 0, size.width(), size.height())
                target.moveCenter(square.center())
                painter.drawImage(QRectF(target), image)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        crop_id = self.crop_at(event.position().toPoint())
        if crop_id is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(crop_id)

    def crop_at(self, point: QPoint) -> int | None:
        """Return the id of the crop at a point, or None."""
        crops = self.shown()
        for label, position, square in self._squares():
            if square.contains(point) and position < len(crops[label]):
                return crops[label][position]
        return None


_SIDE = 56
_GAP = 4
_BADGE = 24


class AlikeStrip(QWidget):
    """Draw a row of crops for each class with images from a function; `chosen` carries the id of
    a click.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("alike_strip")
        self.setAccessibleName("Most similar labelled crops of each class")
        self.setToolTip(
            "Labelled crops of each class most similar to the current one; click to go there"
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._marks = ClassMarks(())
        self._rows: tuple[tuple[int, tuple[int, ...]], ...] = ()
        self._image: Callable[[int], QImage | None] = no_image
        theme().changed.connect(self.update)

    def set_images(self, image: Callable[[int], QImage | None]) -> None:
        """Take images from `image(crop id)`."""
        self._image = image

    def show_alike(self, marks: ClassMarks, of_each: Mapping[int, Sequence[int]]) -> None:
        """Show crops for each label."""
        self._marks = marks
        self._rows = tuple((label, tuple(ids)) for label, ids in of_each.items() if ids)
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(_BADGE + 3 * (_SIDE + _GAP), max(1, len(self._rows)) * (_SIDE + _GAP))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for row, (label, ids) in enumerate(self._rows):
            top = row * (_SIDE + _GAP)
            self._marks.draw_badge(painter, 0, top + _SIDE / 2 + 8, label)
            for column, crop_id in enumerate(ids):
                square = QRectF(_BADGE + column * (_SIDE + _GAP), top, _SIDE, _SIDE)
                painter.fillRect(square, QColor(theme().tokens.canvas))
                image = self._image(crop_id)
                if image is not None and not image.isNull():
                    scale = _SIDE / max(image.width(), image.height())
                    wide = image.width() * scale
                    high = image.height() * scale
                    middle = square.center()
                    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                    painter.drawImage(
                        QRectF(middle.x() - wide / 2, middle.y() - high / 2, wide, high), image
                    )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        crop_id = self.crop_at(event.position().toPoint())
        if crop_id is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(crop_id)

    def crop_at(self, point: QPoint) -> int | None:
        """Return the id of the crop at a point, or None."""
        row = point.y() // (_SIDE + _GAP)
        column = (point.x() - _BADGE) // (_SIDE + _GAP)
        if 0 <= row < len(self._rows) and 0 <= column < len(self._rows[row][1]):
            return self._rows[row][1][column]
        return None
