"""Show micrographs with image, specimen, crops and scale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QImage, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from poregui.gui.base.pieces import Index
from poregui.gui.base.theme import theme
from poregui.gui.lists.crop_list import QuietList

_IMAGE = 52
_PAD = 6
_ROLE = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True)
class MicrographRow:
    """Hold what the list shows of one micrograph."""

    micrograph_id: int
    name: str
    specimen: str
    crops: int
    labelled: int
    um_per_px: float | None

    @property
    def crops_text(self) -> str:
        """Say how many crops there are and how many of them are labelled."""
        if self.crops:
            return f"{self.labelled:,} of {self.crops:,} labelled"
        return "no crops"

    @property
    def scale_text(self) -> str:
        """Say the scale."""
        if self.um_per_px:
            return f"{self.um_per_px:.4g} µm/px"
        return "scale unknown"


class _Rows(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[MicrographRow] = []
        self._indices: dict[int, int] = {}

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row = self.rows[index.row()]
        if role == _ROLE:
            return row
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return ", ".join(filter(None, (row.name, row.specimen, row.crops_text, row.scale_text)))
        return None

    def show(self, rows: Sequence[MicrographRow]) -> None:
        if [r.micrograph_id for r in rows] != [r.micrograph_id for r in self.rows]:
            self.beginResetModel()
            self.rows = list(rows)
            self._indices = {row.micrograph_id: position for position, row in enumerate(rows)}
            self.endResetModel()
            return
        self.change(rows)

    def change(self, rows: Iterable[MicrographRow]) -> None:
        for row in rows:
            position = self.position(row.micrograph_id)
            if position is not None and row != self.rows[position]:
                self.rows[position] = row
                self.touch(row.micrograph_id)

    def touch(self, micrograph_id: int) -> None:
        position = self.position(micrograph_id)
        if position is not None:
            self.dataChanged.emit(self.index(position), self.index(position), [_ROLE])

    def position(self, micrograph_id: int | None) -> int | None:
        if micrograph_id is None:
            return None
        return self._indices.get(micrograph_id)


class _Delegate(QStyledItemDelegate):
    image: Callable[[int], QImage | None] | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, max(_IMAGE, 3 * option.fontMetrics.height()) + 2 * _PAD)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row: MicrographRow | None = index.data(_ROLE)
        if row is None:
            return
        tokens = theme().tokens
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(tokens.selection))
            painter.fillRect(
                QRect(option.rect.left(), option.rect.top(), 3, option.rect.height()),
                QColor(tokens.accent),
            )
        top = option.rect.top() + (option.rect.height() - _IMAGE) // 2
        square = QRectF(option.rect.left() + _PAD + 4, top, _IMAGE, _IMAGE)
        self._draw_image(painter, square, row)
        left = int(square.right()) + 8
        self._draw_text(
            painter,
            option,
            QRect(left, option.rect.top(), option.rect.right() - left - 4, option.rect.height()),
            row,
        )
        painter.restore()

    def _draw_image(self, painter: QPainter, square: QRectF, row: MicrographRow) -> None:
        painter.fillRect(square, QColor(theme().tokens.canvas))
        if self.image is None:
            return
        image = self.image(row.micrograph_id)
        if image is None:
            return
        if image.isNull():
            painter.setPen(QColor(theme().tokens.muted))
            painter.drawText(square, int(Qt.AlignmentFlag.AlignCenter), "no\nfile")
            return
        side = min(image.width(), image.height())
        cropped = QRectF((image.width() - side) / 2, (image.height() - side) / 2, side, side)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(square, image, cropped)

    def _draw_text(
        self, painter: QPainter, option: QStyleOptionViewItem, area: QRect, row: MicrographRow
    ) -> None:
        tokens = theme().tokens
        metrics = option.fontMetrics
        top = area.top() + (area.height() - 3 * metrics.height()) // 2
        if row.specimen:
            second = f"{row.specimen} · {row.scale_text}"
        else:
            second = row.scale_text
        for line, (text, colour, weight) in enumerate(
            (
                (row.name, tokens.text, QFont.Weight.DemiBold),
                (second, tokens.muted, QFont.Weight.Normal),
                (row.crops_text, tokens.muted, QFont.Weight.Normal),
            )
        ):
            font = QFont(option.font)
            font.setWeight(weight)
            painter.setFont(font)
            painter.setPen(QColor(colour))
            box = QRect(area.left(), top + line * metrics.height(), area.width(), metrics.height())
            if line == 0:
                mode = Qt.TextElideMode.ElideMiddle
            else:
                mode = Qt.TextElideMode.ElideRight
            caption = painter.fontMetrics().elidedText(text, mode, area.width())
            painter.drawText(
                box, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), caption
            )


class MicrographList(QuietList):
    """Show MicrographRows; `chosen` carries the id of the one that a person chose."""

    chosen = Signal(int)
    properties_requested = Signal(int)
    delete_requested = Signal(object)
    accept_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("micrograph_list")
        self.setAccessibleName("Micrographs")
        self.model_rows = _Rows(self)
        self._delegate = _Delegate(self)
        self.setModel(self.model_rows)
        self.setItemDelegate(self._delegate)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)
        self.selectionModel().currentChanged.connect(self._current_changed)
        theme().changed.connect(self.viewport().update)

    def set_images(self, image: Callable[[int], QImage | None]) -> None:
        """Take small images from `image(micrograph id)`; a null image means that the file is
        gone.
        """
        self._delegate.image = image

    def image_ready(self, micrograph_id: int) -> None:
        """Draw a micrograph again whose image has come."""
        self.model_rows.touch(micrograph_id)

    def set_rows(self, rows: Sequence[MicrographRow]) -> None:
        """Show these micrographs; the current one stays."""
        current = self.current_id()
        self.model_rows.show(rows)
        if self.current_id() != current:
            self.choose(current)

    def change_rows(self, rows: Iterable[MicrographRow]) -> None:
        """Replace rows of micrographs that are listed; the others are passed over."""
        self.model_rows.change(rows)

    def choose(self, micrograph_id: int | None) -> None:
        """Make a micrograph the current one without telling."""
        if (
            micrograph_id is not None
            and self.current_id() == micrograph_id
            and self.selected_ids() == [micrograph_id]
        ):
            return
        position = self.model_rows.position(micrograph_id)
        model = self.selectionModel()
        blocked = model.blockSignals(True)
        if position is None:
            model.clear()
        else:
            model.setCurrentIndex(
                self.model_rows.index(position), model.SelectionFlag.ClearAndSelect
            )
        model.blockSignals(blocked)
        if position is not None:
            self.scrollTo(self.model_rows.index(position))
        self.viewport().update()

    def current_id(self) -> int | None:
        """Return the id of the current micrograph, or None."""
        position = self.currentIndex().row()
        if 0 <= position < len(self.model_rows.rows):
            return self.model_rows.rows[position].micrograph_id
        return None

    def selected_ids(self) -> list[int]:
        """Return the ids of the selected micrographs in their order."""
        indices = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self.model_rows.rows[position].micrograph_id for position in indices]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End):
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Delete and self.selected_ids():
            self.delete_requested.emit(self.selected_ids())
        else:
            event.ignore()

    def _current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self.model_rows.rows[current.row()].micrograph_id)

    def _request_deletion(self) -> None:
        self.delete_requested.emit(self.selected_ids())

    def _open_menu(self, at: QPoint) -> None:
        index = self.indexAt(at)
        if not index.isValid():
            return
        micrograph_id = self.model_rows.rows[index.row()].micrograph_id
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Properties…").triggered.connect(
            lambda: self.properties_requested.emit(micrograph_id)
        )
        accept = menu.addAction("Accept changed file")
        accept.setToolTip("Use the file as it is now, although it changed since import")
        accept.triggered.connect(lambda: self.accept_requested.emit(micrograph_id))
        menu.addAction("Delete…").triggered.connect(self._request_deletion)
        menu.popup(self.viewport().mapToGlobal(at))
