"""Show the sheet of keys and what poregui is."""

from __future__ import annotations

import html
import platform
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

import poregui
from poregui.gui.base import pieces
from poregui.gui.base.actions import ACTIONS, PAGE_KEYS, ActionSpec
from poregui.gui.base.key_map import key_map
from poregui.gui.base.theme import MARGIN, theme

_KEY_WIDTH = 136
_PAGE_MENUS = ("Label", "Train")


class KeysDialog(QDialog):
    """Show every key of the window, made from the declared actions."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setObjectName("keys_dialog")
        menus = dict.fromkeys(spec.menu.partition("/")[0] for spec in ACTIONS)
        actions = {
            m: [(_keys(s), s.text) for s in ACTIONS if s.menu.partition("/")[0] == m] for m in menus
        }
        actions["Label"] = [*_label_keys(), *actions["Label"]]
        pages = [*PAGE_KEYS, *((menu, actions[menu]) for menu in _PAGE_MENUS)]
        window = [(menu, rows) for menu, rows in actions.items() if menu not in _PAGE_MENUS]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * MARGIN, 2 * MARGIN, 2 * MARGIN, MARGIN)
        columns = QHBoxLayout()
        columns.setSpacing(3 * MARGIN)
        for name, sections in (("keys_of_pages", pages), ("keys_of_window", window)):
            label = QLabel("".join(_section(title, rows) for title, rows in sections))
            label.setObjectName(name)
            columns.addWidget(label, 1, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(columns)
        self.change_button = QPushButton("Change keys…")
        self.change_button.setObjectName("open_keys_button")
        self.change_button.setAccessibleName("Change keys")
        buttons = pieces.close_buttons(self)
        buttons.addButton(self.change_button, QDialogButtonBox.ButtonRole.ActionRole)
        layout.addWidget(buttons)


class AboutDialog(QDialog):
    """Say what poregui is, which version, and under which licence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About poregui")
        text = QLabel(
            f"<h2>poregui {poregui.__version__}</h2><p>Label pores in micrographs, train a network "
            "and review every error it makes.</p><p>BSD 3-Clause licence. Built with Qt, "
            "pyqtgraph, Keras, ONNX Runtime, OpenCV and numpy.</p><p>Python "
            f"{platform.python_version()} on {html.escape(platform.platform())}</p>"
        )
        text.setWordWrap(True)
        text.setMinimumWidth(420)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * MARGIN, MARGIN, 2 * MARGIN, MARGIN)
        layout.addWidget(text)
        layout.addWidget(pieces.close_buttons(self))


def _keys(spec: ActionSpec) -> str:
    if spec.page_keys:
        return key_map().text(spec.name.removeprefix("press_"))
    if spec.shortcuts:
        return key_map().text(f"window_{spec.name}")
    return ""


def _label_keys() -> list[tuple[str, str]]:
    """Return the keys of labelling that no action stands for; nine classes in a
    row are one line.
    """
    key = key_map().text
    digits = [key(f"class_{i}") for i in range(1, 10)]
    if digits == list("123456789"):
        classes = "1 to 9"
    else:
        classes = " ".join(digits)
    return [
        (classes, "label with the class, go to the next crop"),
        (f"{key('undo')}, {key('redo')}", "undo, redo"),
    ]


def _section(title: str, rows: Sequence[tuple[str, str]]) -> str:
    muted = theme().tokens.muted
    lines = "".join(_line(keys, text.rstrip("…")) for keys, text in rows if keys)
    heading = f"<p style='color:{muted}; margin-bottom:2px'>{html.escape(title)}</p>"
    return f"{heading}<table cellpadding='1'>{lines}</table>"


def _line(keys: str, text: str) -> str:
    first = f"<td width='{_KEY_WIDTH}'><b>{html.escape(keys)}</b></td>"
    return f"<tr>{first}<td>{html.escape(text)}</td></tr>"
