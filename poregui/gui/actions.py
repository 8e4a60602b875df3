"""Declare every action of the window once: menus, shortcuts and the sheet of keys come from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from poregui.gui.icons import icon


@dataclass(frozen=True)
class ActionSpec:
    """Hold one action: its name in code, its text, where it stands and which keys call it.

    `needs` is `project`, `writable` or empty; the window disables what cannot be done.
    """

    name: str
    text: str
    menu: str
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    needs: str = ""
    checkable: bool = False
    separated: bool = False


ACTIONS = (
    ActionSpec("new_project", "New project…", "File", ("Ctrl+N",), "new"),
    ActionSpec("open_project", "Open project…", "File", ("Ctrl+O",), "open"),
    ActionSpec("try_sample", "Try the sample…", "File", (), "sample"),
    ActionSpec("import_files", "Import pictures…", "File", ("Ctrl+I",), "import", "writable", separated=True),
    ActionSpec("import_folder", "Import folder…", "File", ("Ctrl+Shift+I",), "", "writable"),
    ActionSpec("export_csv", "Export labels as CSV…", "File", ("Ctrl+E",), "export", "project", separated=True),
    ActionSpec("export_folders", "Export class folders…", "File", (), "", "project"),
    ActionSpec("save", "Save", "File", ("Ctrl+S",), "", "project", separated=True),
    ActionSpec("close_project", "Close project", "File", ("Ctrl+W",), "", "project"),
    ActionSpec("quit", "Quit", "File", ("Ctrl+Q",), "", separated=True),
    ActionSpec("undo", "Undo", "Edit", ("Ctrl+Z",), "undo", "writable"),
    ActionSpec("redo", "Redo", "Edit", ("Ctrl+Y", "Ctrl+Shift+Z"), "redo", "writable"),
    ActionSpec("edit_classes", "Classes…", "Edit", ("Ctrl+K",), "classes", "project", separated=True),
    ActionSpec("edit_name", "Your name…", "Edit"),
    ActionSpec("show_label", "Label", "View", ("Ctrl+1",), "label", "project", checkable=True),
    ActionSpec("show_train", "Train", "View", ("Ctrl+2",), "train", "project", checkable=True),
    ActionSpec("show_review", "Review", "View", ("Ctrl+3",), "review", "project", checkable=True),
    ActionSpec("theme_system", "Colours of the desktop", "View", (), "", checkable=True, separated=True),
    ActionSpec("theme_light", "Light", "View", (), "", checkable=True),
    ActionSpec("theme_dark", "Dark", "View", (), "", checkable=True),
    ActionSpec("full_screen", "Full screen", "View", ("F11",), "", checkable=True, separated=True),
    ActionSpec("show_keys", "Keys", "Help", ("?",), "keys"),
    ActionSpec("show_about", "About poregui", "Help"),
)

PAGE_KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Label and Review",
        (
            ("1 to 9", "label with this class and go on"),
            ("0", "not a pore"),
            ("U", "unsure, never trained on"),
            ("Backspace", "take the label away"),
            ("Z, Y", "undo, redo"),
            ("Right, Enter", "next crop"),
            ("Left", "previous crop"),
        ),
    ),
    (
        "Micrograph",
        (
            ("Click", "crop the pore under the pointer"),
            ("Drag", "draw a crop, or move the chosen one"),
            ("Wheel", "zoom under the pointer"),
            ("Space and drag", "move the micrograph"),
            ("F", "show the whole micrograph"),
            ("Delete", "delete the chosen crops"),
        ),
    ),
)
"""Keys that pages hold themselves."""


def build_actions(parent: QWidget) -> dict[str, QAction]:
    """Return an action for every declaration, owned by a window."""
    made = {}
    for spec in ACTIONS:
        action = QAction(spec.text, parent)
        action.setObjectName(f"{spec.name}_action")
        action.setShortcuts([QKeySequence(keys) for keys in spec.shortcuts])
        action.setCheckable(spec.checkable)
        parent.addAction(action)
        made[spec.name] = action
    return made


def dress_actions(actions: Mapping[str, QAction]) -> None:
    """Give the actions icons in the colours of the theme."""
    for spec in ACTIONS:
        if spec.icon:
            actions[spec.name].setIcon(icon(spec.icon))


def fill_menus(bar: QMenuBar, actions: Mapping[str, QAction]) -> dict[str, QMenu]:
    """Put the actions into menus of a menu bar and return these by name."""
    menus: dict[str, QMenu] = {}
    for spec in ACTIONS:
        if spec.menu not in menus:
            menus[spec.menu] = bar.addMenu(f"&{spec.menu}")
        elif spec.separated:
            menus[spec.menu].addSeparator()
        menus[spec.menu].addAction(actions[spec.name])
    return menus
