"""List the micrographs that a network can be applied to, with a tick each and quick ways to tick.

It stands alone for its only page is full.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poregui.gui.base import pieces
from poregui.gui.base.pieces import Index
from poregui.gui.base.theme import GAP, theme

_KEY = int(Qt.ItemDataRole.UserRole)
_ROW = _KEY + 1
_TICKED = Qt.CheckState.Checked
_CLEAR = Qt.CheckState.Unchecked
DONE = "done"
_NO_SPECIMEN = "No specimen"


@dataclass(frozen=True)
class FieldRow:
    """Hold one micrograph that can be worked on; `key` is its file, `done` tells that its pores
    have been found and classified.
    """

    key: str
    text: str
    tip: str
    state: str = ""
    specimen: str = ""
    done: bool = False


class _Delegate(QStyledItemDelegate):
    """Draw the state of a micrograph at the right end of its row."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """Leave room for the state beside the name."""
        super().initStyleOption(option, index)
        state = _state(index)
        if state:
            room = option.rect.width() - 40 - option.fontMetrics.horizontalAdvance(state)
            option.text = option.fontMetrics.elidedText(
                option.text, Qt.TextElideMode.ElideMiddle, room
            )

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw name and tick, then the state."""
        super().paint(painter, option, index)
        state = _state(index)
        if not state:
            return
        tokens = theme().tokens
        colour = tokens.muted
        if option.state & QStyle.StateFlag.State_Selected:
            colour = tokens.text
        painter.save()
        painter.setPen(QColor(colour))
        flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(option.rect.adjusted(0, 0, -8, 0), flags, state)
        painter.restore()


def _state(index: Index) -> str:
    row: FieldRow | None = index.data(_ROW)
    if row is None:
        return ""
    if row.done:
        return f"✓ {DONE}"
    return row.state


class FieldList(QListWidget):
    """Show micrographs with a tick each; Space or a click on a tick sets those of all that are
    selected, a click with Shift those of all from the tick that was clicked before.

    `ticks_changed` follows any change of ticks; `opened` carries the key of a micrograph whose
    result is wanted.
    """

    ticks_changed = Signal()
    opened = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("apply_fields")
        self.setAccessibleName("Micrographs to work on")
        self.setProperty("roomy", True)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setItemDelegate(_Delegate(self))
        self._by_person = False
        self._anchor = 0
        self.itemChanged.connect(self._spread)
        self.itemActivated.connect(lambda item: self.opened.emit(item.data(_KEY)))
        self.customContextMenuRequested.connect(self._open_menu)

    def set_rows(self, rows: Sequence[FieldRow]) -> None:
        """List micrographs; those that stay keep tick and selection, new ones are ticked unless
        they are done.
        """
        ticks = {item.data(_KEY): item.checkState() for item in self.items_in_order()}
        selected = {item.data(_KEY) for item in self.selectedItems()}
        current = self.currentItem()
        chosen = current.data(_KEY) if current else None
        with QSignalBlocker(self):
            if list(ticks) != [row.key for row in rows]:
                self._make_items(rows, chosen, selected)
            for item, row in zip(self.items_in_order(), rows, strict=True):
                item.setText(row.text)
                item.setData(_ROW, row)
                item.setToolTip(row.tip)
                item.setData(
                    Qt.ItemDataRole.AccessibleTextRole, f"{row.text}, {_state(_index(item))}"
                )
                item.setCheckState(ticks.get(row.key, _CLEAR if row.done else _TICKED))
        self.viewport().update()
        self.ticks_changed.emit()

    def _make_items(
        self, rows: Sequence[FieldRow], chosen: str | None, selected: Collection[str]
    ) -> None:
        self.clear()
        for row in rows:
            item = QListWidgetItem(row.text, self)
            item.setData(_KEY, row.key)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            if row.key == chosen:
                self.setCurrentItem(item)
        for item in self.items_in_order():
            item.setSelected(item.data(_KEY) in selected)

    def items_in_order(self) -> list[QListWidgetItem]:
        """Return all items."""
        return [self.item(index) for index in range(self.count())]

    def rows(self) -> list[FieldRow]:
        """Return what is listed."""
        return [item.data(_ROW) for item in self.items_in_order()]

    def wanted(self) -> list[str]:
        """Return the keys of the ticked micrographs, in their order."""
        return [item.data(_KEY) for item in self.items_in_order() if item.checkState() == _TICKED]

    def chosen(self) -> str | None:
        """Return the key of the micrograph whose image is wanted."""
        item = self.currentItem()
        return item.data(_KEY) if item else None

    def choose(self, key: str) -> None:
        """Choose a micrograph."""
        for item in self.items_in_order():
            if item.data(_KEY) == key:
                self.setCurrentItem(item)
                return

    def tick(self, wanted: Callable[[FieldRow], bool]) -> None:
        """Tick those that are wanted and no others, as a person asked."""
        self._by_person = True
        self._tick(wanted)

    def propose(self) -> None:
        """Tick those that are not done, unless a person has chosen."""
        if not self._by_person:
            self._tick(lambda row: not row.done)

    def forget_choice(self) -> None:
        """Let `propose` tick again."""
        self._by_person = False

    def tick_selected(self, state: Qt.CheckState) -> None:
        """Tick the selected micrographs, or clear their ticks."""
        self._by_person = True
        with QSignalBlocker(self):
            for item in self.selectedItems():
                item.setCheckState(state)
        self.viewport().update()
        self.ticks_changed.emit()

    def tick_only_selected(self) -> None:
        """Tick the selected micrographs and no others."""
        chosen = {item.data(_KEY) for item in self.selectedItems()}
        self.tick(lambda row: row.key in chosen)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let a click on a tick with Shift set all ticks since the one that was clicked before."""
        before = self.wanted()
        super().mouseReleaseEvent(event)
        item = self.itemAt(event.position().toPoint())
        if item is None or self.wanted() == before:
            return
        row = self.row(item)
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._tick_range(min(row, self._anchor), max(row, self._anchor), item.checkState())
        self._anchor = row

    def _tick_range(self, first: int, last: int, state: Qt.CheckState) -> None:
        with QSignalBlocker(self):
            for row in range(first, last + 1):
                self.item(row).setCheckState(state)
        self.viewport().update()
        self.ticks_changed.emit()

    def _tick(self, wanted: Callable[[FieldRow], bool]) -> None:
        with QSignalBlocker(self):
            for item in self.items_in_order():
                item.setCheckState(_TICKED if wanted(item.data(_ROW)) else _CLEAR)
        self._anchor = 0
        self.viewport().update()
        self.ticks_changed.emit()

    def _spread(self, item: QListWidgetItem) -> None:
        """Give the tick of one selected micrograph to all that are selected with it."""
        self._by_person = True
        if item.isSelected():
            self.tick_selected(item.checkState())
        else:
            self.ticks_changed.emit()

    def _open_menu(self, at: QPoint) -> None:
        item = self.itemAt(at)
        if item is None:
            return
        row: FieldRow = item.data(_ROW)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        show = menu.addAction("Show result")
        show.setEnabled(row.done)
        show.triggered.connect(lambda: self.opened.emit(row.key))
        menu.addSeparator()
        menu.addAction("Tick").triggered.connect(lambda: self.tick_selected(_TICKED))
        menu.addAction("Clear tick").triggered.connect(lambda: self.tick_selected(_CLEAR))
        menu.addAction("Tick only selected").triggered.connect(self.tick_only_selected)
        menu.addAction("Tick only this specimen").triggered.connect(
            lambda: self.tick(lambda one: one.specimen == row.specimen)
        )
        menu.popup(self.viewport().mapToGlobal(at))


def _index(item: QListWidgetItem) -> Index:
    return item.listWidget().indexFromItem(item)


class FieldPanel(QWidget):
    """Hold the list of micrographs and buttons that tick all, none, those not done, a specimen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = FieldList(self)
        self.count = pieces.muted("fields_count")
        self.files_button = pieces.button(
            "apply_files_button", "Files…", "Add image files that are not in the project"
        )
        self.folder_button = pieces.button(
            "apply_folder_button", "Folder…", "Add the images of a folder"
        )
        head = pieces.row(pieces.heading("Micrographs"), None, self.count)
        foot = pieces.row(self.files_button, self.folder_button, None)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        ticks = pieces.row(*self._tick_buttons(), None)
        for line in (head, foot, ticks):
            line.setContentsMargins(0, 0, 0, 0)
        ticks.setSpacing(GAP // 2)
        layout.addLayout(head)
        layout.addLayout(ticks)
        layout.addWidget(self.list, 1)
        layout.addLayout(foot)
        self.list.ticks_changed.connect(self._follow)

    def _tick_buttons(self) -> list[QToolButton]:
        all_button = pieces.button("apply_tick_all", "All", "Tick all micrographs")
        none_button = pieces.button("apply_tick_none", "None", "Tick no micrograph")
        all_button.clicked.connect(lambda: self.list.tick(lambda _: True))
        none_button.clicked.connect(lambda: self.list.tick(lambda _: False))
        self.tick_button = pieces.button(
            "apply_tick_menu", "Only", "Tick only those not done, those selected, or a specimen"
        )
        self.tick_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.tick_button.setMenu(QMenu(self.tick_button))
        self.tick_button.menu().aboutToShow.connect(self._fill_menu)
        return [all_button, none_button, self.tick_button]

    def _follow(self) -> None:
        rows = self.list.rows()
        ticked = len(self.list.wanted())
        self.count.setText(f"{ticked:,} of {len(rows):,}" if rows else "none yet")
        self.tick_button.setEnabled(bool(rows))

    def _fill_menu(self) -> None:
        menu = self.tick_button.menu()
        menu.clear()
        rows = self.list.rows()
        new = menu.addAction("Not done")
        new.setEnabled(any(not row.done for row in rows))
        new.triggered.connect(lambda: self.list.tick(lambda row: not row.done))
        selected = menu.addAction("Selected")
        selected.setEnabled(bool(self.list.selectedItems()))
        selected.triggered.connect(self.list.tick_only_selected)
        menu.addSeparator()
        for name in dict.fromkeys(row.specimen for row in rows):
            action = menu.addAction((name or _NO_SPECIMEN).replace("&", "&&"))
            action.triggered.connect(partial(self._tick_specimen, name))

    def _tick_specimen(self, name: str, _checked: bool = False) -> None:
        self.list.tick(lambda row: row.specimen == name)
