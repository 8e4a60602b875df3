"""Let a person change the keys: a list of what keys do, each with its key."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.errors import PoreguiError
from poregui.gui.base import pieces
from poregui.gui.base.key_map import ENTRIES, key_map, text_of
from poregui.gui.base.theme import GAP, MARGIN

_NAME_ROLE = int(Qt.ItemDataRole.UserRole)


class ChangeKeysDialog(QDialog):
    """Show what keys do; a double click or Enter waits for the new key of an action, Esc gives that
    up.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Change keys")
        self.setObjectName("change_keys_dialog")
        self.resize(480, 560)
        self._waits = ""
        self.list = self._build_list()
        self.message = QLabel()
        self.message.setObjectName("keys_words")
        self.message.setWordWrap(True)
        self.message.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.change_button = _button(
            "change_key_button", "Change…", "Change the key of the selected action"
        )
        self.reset_button = _button(
            "reset_keys_button", "Restore defaults", "Restore the default key of every action"
        )
        self._lay_out()
        self.list.itemDoubleClicked.connect(self._change)
        self.list.currentItemChanged.connect(self._stop)
        self.change_button.clicked.connect(self._change)
        self.reset_button.clicked.connect(self._reset)
        key_map().changed.connect(self._fill)
        self._build()
        self._stop()
        self.list.setFocus()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.change_button)
        row.addWidget(self.reset_button)
        row.addStretch()
        row.addWidget(pieces.close_buttons(self, on_enter=False))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * MARGIN, 2 * MARGIN, 2 * MARGIN, MARGIN)
        layout.setSpacing(GAP)
        for widget in (self.list, self.message):
            layout.addWidget(widget)
        layout.addLayout(row)

    def _build_list(self) -> QTreeWidget:
        keys = QTreeWidget()
        keys.setObjectName("keys_list")
        keys.setAccessibleName("Actions and their keys")
        keys.setHeaderLabels(["Action", "Key"])
        keys.setRootIsDecorated(False)
        keys.setUniformRowHeights(True)
        keys.setColumnWidth(0, 300)
        return keys

    def wait_for(self, name: str | None) -> None:
        """Take the next key that is pressed as the key of an entry; None (a heading) waits for
        nothing.
        """
        if not name:
            return
        self._waits = name
        self._show_message(
            f"Press the new key for “{self._items[name].text(0)}”. Esc keeps "
            f"{key_map().text(name)}."
        )
        self.grabKeyboard()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = text_of(event)
        if not self._waits:
            if key in ("Return", "Enter") and self.list.hasFocus():
                self._change()
            else:
                super().keyPressEvent(event)
            return
        if key == "Esc":
            self._stop()
        elif key:
            self._take(key)

    def hideEvent(self, event: object) -> None:
        self.releaseKeyboard()

    def _take(self, key: str) -> None:
        name = self._waits
        try:
            key_map().set(name, key)
        except PoreguiError as error:
            self._show_message(str(error), bad=True)
            return
        self._stop()
        self._show_message(f"“{self._items[name].text(0)}” is now {key_map().text(name)}.")

    def _build(self) -> None:
        self._items: dict[str, QTreeWidgetItem] = {}
        groups: dict[str, QTreeWidgetItem] = {}
        for entry in ENTRIES:
            if entry.group not in groups:
                groups[entry.group] = QTreeWidgetItem(self.list, [entry.group, ""])
                groups[entry.group].setFlags(Qt.ItemFlag.ItemIsEnabled)
            self._items[entry.name] = item = QTreeWidgetItem(groups[entry.group], [entry.text, ""])
            item.setData(0, _NAME_ROLE, entry.name)
        self.list.expandAll()
        self.list.setItemsExpandable(False)
        self._fill()
        self.list.setCurrentItem(next(iter(self._items.values())))

    def _fill(self) -> None:
        changes = key_map().changes
        for name, item in self._items.items():
            item.setText(1, key_map().text(name))
            font = item.font(1)
            font.setBold(name in changes)
            item.setFont(1, font)
        self.reset_button.setEnabled(bool(changes))

    def _change(self, *_: object) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.wait_for(item.data(0, _NAME_ROLE))

    def _reset(self) -> None:
        self._stop()
        key_map().reset()
        self._show_message("Default keys restored.")

    def _stop(self, *_: object) -> None:
        self._waits = ""
        self.releaseKeyboard()
        self._show_message("Double-click an action to change its key. Changed keys are bold.")

    def _show_message(self, text: str, *, bad: bool = False) -> None:
        self.message.setText(text)
        self.message.setProperty("bad", bad)
        self.message.setProperty("muted", not bad)
        self.message.style().unpolish(self.message)
        self.message.style().polish(self.message)


def _button(name: str, text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAccessibleName(tip)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    return button
