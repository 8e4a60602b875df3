"""Let a person add, rename, recolour, reorder, merge and archive classes, and write their cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import (
    QColorDialog,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.classes import PoreClass
from poregui.domain.errors import PoreguiError
from poregui.gui.base import pieces
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.pieces import Index
from poregui.gui.base.theme import GAP, MARGIN, theme

_IMAGE = 72
_ROW = 32


class ClassesDialog(QDialog):
    """Show classes with their counts and cards; every change is asked for by a signal and on disk
    at once.

    `set_classes` shows what the project holds after each change.
    """

    add_requested = Signal(str)
    change_requested = Signal(object)
    """A PoreClass as it shall be."""
    order_requested = Signal(object)
    """Class ids in their new order."""
    merge_requested = Signal(int)
    retire_requested = Signal(int)
    references_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("classes_dialog")
        self.setWindowTitle("Classes")
        self.resize(760, 480)
        self._classes: tuple[PoreClass, ...] = ()
        self._shown: PoreClass | None = None
        self._images: Callable[[int], Sequence[QImage]] = _no_images
        columns = QHBoxLayout()
        columns.setSpacing(2 * MARGIN)
        columns.addLayout(self._build_list(), 2)
        columns.addLayout(self._build_card(), 3)
        self._problem = QLabel()
        self._problem.setObjectName("classes_problem")
        self._problem.setProperty("bad", True)
        self._problem.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * MARGIN, 2 * MARGIN, 2 * MARGIN, MARGIN)
        layout.addLayout(columns)
        layout.addWidget(self._problem)
        layout.addWidget(pieces.close_buttons(self, on_enter=False))

    def _build_list(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(GAP)
        self._list = QListWidget()
        self._list.setProperty("boxed", True)
        self._list.setItemDelegate(ClassDelegate(self._list))
        self._list.setObjectName("classes_list")
        self._list.setAccessibleName("Classes")
        self._list.currentRowChanged.connect(self._choose)
        self._new = QLineEdit()
        self._new.setObjectName("class_new_edit")
        self._new.setAccessibleName("Name of a new class")
        self._new.setPlaceholderText("Name of a new class")
        self._new.returnPressed.connect(self._add)
        add = _button("Add", "class_add_button", self._add)
        up = _button("Up", "class_up_button", partial(self._move, -1))
        down = _button("Down", "class_down_button", partial(self._move, 1))
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self._new, 1)
        row.addWidget(add)
        order = QHBoxLayout()
        order.setSpacing(GAP)
        order.addWidget(up)
        order.addWidget(down)
        order.addStretch()
        column.addWidget(self._list, 1)
        column.addLayout(order)
        column.addLayout(row)
        return column

    def _build_card(self) -> QVBoxLayout:
        self._references = QLabel()
        self._references.setObjectName("class_references")
        self._references.setMinimumHeight(_IMAGE + 8)
        title = QLabel("Reference crops")
        title.setProperty("heading", True)
        choose = _button("Use selected crops", "class_references_button", self._ask_references)
        choose.setToolTip("Use the crops selected in the grid of the Label page")
        ends = QHBoxLayout()
        ends.setSpacing(GAP)
        ends.addStretch()
        ends.addWidget(_button("Merge into…", "class_merge_button", self._ask_merge))
        ends.addWidget(_button("Archive class", "class_retire_button", self._ask_retire))
        column = QVBoxLayout()
        column.setSpacing(GAP)
        column.addLayout(self._build_definition())
        column.addSpacing(GAP)
        column.addWidget(title)
        column.addWidget(self._references)
        column.addWidget(choose, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch()
        column.addLayout(ends)
        return column

    def _build_definition(self) -> QGridLayout:
        self._name = QLineEdit()
        self._name.setObjectName("class_name_edit")
        self._name.setAccessibleName("Name of the class")
        self._name.editingFinished.connect(self._rename)
        self._colour = _button("Colour…", "class_colour_button", self._recolour)
        self._definition = QPlainTextEdit()
        self._definition.setObjectName("class_definition_edit")
        self._definition.setAccessibleName("Definition of the class")
        self._definition.setPlaceholderText("How to tell this class from the others")
        self._definition.setTabChangesFocus(True)
        self._definition.setFixedHeight(96)
        save = _button("Save definition", "class_definition_button", self._define)
        grid = QGridLayout()
        grid.setSpacing(GAP)
        grid.addWidget(QLabel("Name"), 0, 0)
        grid.addWidget(self._name, 0, 1)
        grid.addWidget(self._colour, 0, 2)
        grid.addWidget(QLabel("Definition"), 1, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self._definition, 1, 1, 1, 2)
        grid.addWidget(save, 2, 1, Qt.AlignmentFlag.AlignLeft)
        return grid

    # ---- what is shown ----------------------------------------------------------------------

    def set_classes(
        self,
        classes: Sequence[PoreClass],
        counts: Sequence[int],
        images: Callable[[int], Sequence[QImage]],
    ) -> None:
        """Show classes with the crops that carry each, and a function that gives a class's
        reference images.
        """
        row = max(self._list.currentRow(), 0)
        self._classes = tuple(classes)
        self._images = images
        self._problem.clear()
        self._list.blockSignals(True)
        self._list.clear()
        for pore_class, count in zip(classes, counts, strict=True):
            item = QListWidgetItem(pore_class.name)
            item.setData(Qt.ItemDataRole.UserRole, (pore_class, count))
            self._list.addItem(item)
        self._list.setCurrentRow(min(row, len(classes) - 1))
        self._list.blockSignals(False)
        self._show_card(self._list.currentRow())

    def show_problem(self, error: PoreguiError) -> None:
        """Show why a change was refused; the card shows the class as it is."""
        self._show_card(self._list.currentRow())
        self._problem.setText(str(error))

    def _current(self) -> PoreClass | None:
        row = self._list.currentRow()
        if 0 <= row < len(self._classes):
            return self._classes[row]
        return None

    def _choose(self, row: int) -> None:
        """Show another class; what was written about the one before is kept."""
        before = self._shown
        written = self._definition.toPlainText()
        self._show_card(row)
        self._keep_definition(before, written)

    def done(self, result: int) -> None:
        """Close; what was written is kept."""
        self._define()
        super().done(result)

    def _show_card(self, _: int) -> None:
        shown = self._shown = self._current()
        if shown is None:
            return
        self._problem.clear()
        self._name.setText(shown.name)
        self._definition.setPlainText(shown.definition)
        self._colour.setIcon(_swatch(shown.colour))
        self._references.setPixmap(_strip(self._images(shown.id)))

    # ---- what a person asks for -------------------------------------------------------------

    def _add(self) -> None:
        name = self._new.text().strip()
        if name:
            self._define()
            self._new.clear()
            self.add_requested.emit(name)

    def _move(self, step: int) -> None:
        self._define()
        row = self._list.currentRow()
        ids = [c.id for c in self._classes]
        if 0 <= row < len(ids) and 0 <= row + step < len(ids):
            ids.insert(row + step, ids.pop(row))
            self._list.blockSignals(True)
            self._list.setCurrentRow(row + step)
            self._list.blockSignals(False)
            self.order_requested.emit(ids)

    def _rename(self) -> None:
        shown = self._current()
        if shown is not None and self._name.text().strip() not in ("", shown.name):
            written = self._definition.toPlainText().strip()
            self.change_requested.emit(replace(shown, name=self._name.text(), definition=written))

    def _define(self) -> None:
        self._keep_definition(self._current(), self._definition.toPlainText())

    def _keep_definition(self, pore_class: PoreClass | None, written: str) -> None:
        if pore_class is not None and written.strip() != pore_class.definition.strip():
            self.change_requested.emit(replace(pore_class, definition=written.strip()))

    def _recolour(self) -> None:
        self._define()
        shown = self._current()
        if shown is not None:
            chosen = QColorDialog.getColor(QColor(shown.colour), self, f"Colour of {shown.name}")
            if chosen.isValid():
                self.change_requested.emit(replace(shown, colour=chosen.name()))

    def _ask_merge(self) -> None:
        self._emit(self.merge_requested.emit)

    def _ask_retire(self) -> None:
        self._emit(self.retire_requested.emit)

    def _ask_references(self) -> None:
        self._emit(self.references_requested.emit)

    def _emit(self, emit: Callable[[int], None]) -> None:
        self._define()
        shown = self._current()
        if shown is not None:
            emit(shown.id)


class ClassDelegate(QStyledItemDelegate):
    """Paint a class in one row: letter on its colour, name, crops, key."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        pore_class, count = index.data(Qt.ItemDataRole.UserRole)
        tokens = theme().tokens
        area = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, QColor(tokens.selection))
        ClassMarks([pore_class]).draw_badge(
            painter, area.left() + GAP, area.center().y() + 9, pore_class.id
        )
        key = area.adjusted(area.width() - 24, 0, -GAP, 0)
        crops = area.adjusted(area.width() - 90, 0, -36, 0)
        name = area.adjusted(36, 0, -92, 0)
        right = Qt.AlignmentFlag.AlignRight
        left = Qt.AlignmentFlag.AlignLeft
        elided = painter.fontMetrics().elidedText(
            pore_class.name, Qt.TextElideMode.ElideRight, name.width()
        )
        for rectangle, text, side, colour in (
            (name, elided, left, tokens.text),
            (crops, f"{count:,}", right, tokens.text),
            (key, pore_class.key, right, tokens.muted),
        ):
            painter.setPen(QColor(colour))
            painter.drawText(rectangle, Qt.AlignmentFlag.AlignVCenter | side, text)
        painter.restore()


def _button(text: str, name: str, pressed: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(text)
    button.setAutoDefault(False)
    button.clicked.connect(pressed)
    return button


def _no_images(_class_id: int) -> tuple[QImage, ...]:
    return ()


def _swatch(colour: str) -> QIcon:
    pixmap = QPixmap(16, 16)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)


def _strip(images: Sequence[QImage]) -> QPixmap:
    strip = QPixmap(max(1, len(images)) * (_IMAGE + GAP), _IMAGE)
    strip.fill(Qt.GlobalColor.transparent)
    painter = QPainter(strip)
    for index, image in enumerate(images):
        keep = Qt.AspectRatioMode.KeepAspectRatio
        smooth = Qt.TransformationMode.SmoothTransformation
        scaled = image.scaled(_IMAGE, _IMAGE, keep, smooth)
        painter.drawImage(index * (_IMAGE + GAP), (_IMAGE - scaled.height()) // 2, scaled)
    painter.end()
    return strip
