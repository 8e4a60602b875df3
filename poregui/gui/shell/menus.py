"""Fill the menus that depend on the open project, and enable only what can be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar, QStackedWidget, QWidget

from poregui.gui.base.actions import ACTIONS, fill_menus, name_keys
from poregui.gui.base.key_map import key_map
from poregui.gui.base.preferences import Preferences
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.shell.workspace import OpenProject, Pages
from poregui.workflow.training.grouping import groups_by_source

_ZOOM = 1.25
LABELLING = (
    "press_not_a_pore", "press_unsure", "press_clear", "press_accept",
)  # fmt: skip
OF_A_CROP = (*LABELLING, "", "press_draw_outline", "press_edit_outline", "", "press_delete")
OF_A_PREDICTION = (*LABELLING, "", "review_micrograph", "review_heat")
OF_A_CLASS = ("press_what_classes_are", "edit_classes")
"""What a right click offers, by the names of actions; an empty one is a line."""


def zoom_commands(stack: QStackedWidget) -> dict[str, Callable[[], object]]:
    """Return what the zoom actions do with the micrograph in sight."""

    def act(call: Callable[[ImageCanvas], object]) -> None:
        page = stack.currentWidget()
        canvases = page.findChildren(ImageCanvas) if page is not None else []
        for canvas in canvases:
            if canvas.isVisible():
                call(canvas)

    return {
        "zoom_in": partial(act, lambda canvas: canvas.zoom(_ZOOM)),
        "zoom_out": partial(act, lambda canvas: canvas.zoom(1 / _ZOOM)),
        "zoom_fit": partial(act, ImageCanvas.fit),
        "zoom_actual": partial(act, ImageCanvas.one_to_one),
    }


class Menus(QObject):
    """Own the menu bar of the window: `follow` enables its actions after page, project or training
    changed.

    `class_chosen` carries the key entry of a class, such as `class_1`.
    """

    class_chosen = Signal(str)

    def __init__(
        self,
        bar: QMenuBar,
        actions: Mapping[str, QAction],
        opened: OpenProject,
        preferences: Preferences,
    ) -> None:
        super().__init__(bar)
        self._actions = actions
        self._opened = opened
        self._preferences = preferences
        menus = fill_menus(bar, actions)
        self._recent = QMenu("Open recent", bar)
        menus["File"].insertMenu(actions["try_sample"], self._recent)
        self._recent.aboutToShow.connect(self._fill_recent)
        actions["keep_trainer_ready"].setChecked(preferences.keeps_trainer_ready)
        key_map().load(preferences.keys)
        key_map().changed.connect(self._keys_changed)
        self._keys_changed()
        self._classes = QMenu("Label as", bar)
        menus["Label"].insertMenu(actions["press_not_a_pore"], self._classes)
        self._classes.aboutToShow.connect(self._fill_classes)

    def offer(
        self,
        widget: QWidget,
        names: Sequence[str],
        *,
        classes: bool = True,
        before: Callable[[QPoint], object] | None = None,
    ) -> None:
        """Let a right click on a widget offer actions, `classes` first; `before` is called with the
        point on it.
        """
        menu = QMenu(widget)
        menu.setObjectName(f"{widget.objectName()}_menu")
        if classes:
            menu.addAction(self._classes.menuAction())
        for name in names:
            if name:
                menu.addAction(self._actions[name])
            else:
                menu.addSeparator()

        def open_menu(at: QPoint) -> None:
            if before is not None:
                before(at)
            menu.popup(widget.mapToGlobal(at))

        widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        widget.customContextMenuRequested.connect(open_menu)

    def offer_on_pages(self, pages: Pages) -> None:
        """Let right clicks on crops, pores and classes offer what can be done with them."""
        canvas = pages.label.image_canvas
        self.offer(canvas, OF_A_CROP, before=canvas.choose_at)
        self.offer(pages.label.crop_grid, OF_A_CROP)
        self.offer(pages.label.class_bar, OF_A_CLASS, classes=False)
        for grid in pages.review.grids:
            self.offer(grid, OF_A_PREDICTION)

    def follow(self, page: str) -> None:
        """Enable what can be done now on a page: `label`, `train`, `review`, `apply`, or none."""
        session = self._opened.session
        writable = session is not None and not session.project.read_only
        services = self._opened.services
        running = services is not None and services.trainer.running
        met = {
            "": True,
            "project": session is not None,
            "writable": writable,
            "runs": session is not None and bool(session.project.runs()),
            "label": page == "label",
            "crops": page in ("label", "review"),
            "labels": writable and page in ("label", "review"),
            "boxes": writable and page == "label",
            "review": page == "review",
            "idle": writable and not running,
            "running": running,
        }
        for spec in ACTIONS:
            self._actions[spec.name].setEnabled(met[spec.needs])
        self._classes.setEnabled(met["labels"])
        grouped = session is None or groups_by_source(session.project)
        self._actions["group_by_file_name"].setChecked(grouped)
        self._recent.setEnabled(bool(self._preferences.recent))
        self.follow_history()

    def follow_history(self) -> None:
        """Say what can be undone and done again, which is all that a label changes here."""
        session = self._opened.session
        texts = ("", "")
        if session is not None:
            texts = (session.undo_text, session.redo_text)
        for name, verb, text in zip(("undo", "redo"), ("Undo", "Redo"), texts, strict=True):
            self._actions[name].setText(f"{verb} {text}".strip())
            self._actions[name].setEnabled(bool(text))

    def _keys_changed(self) -> None:
        self._preferences.keys = key_map().changes
        name_keys(self._actions, key_map().key)

    def _fill_recent(self) -> None:
        self._recent.clear()
        for folder in self._preferences.recent:
            action = self._recent.addAction(f"{folder.name}\t{folder.parent}".replace("&", "&&"))
            action.triggered.connect(partial(self._opened.open, folder))

    def _fill_classes(self) -> None:
        self._classes.clear()
        if self._opened.session is None:
            return
        for pore_class in self._opened.session.project.classes():
            if pore_class.key:
                entry = f"class_{pore_class.key}"
                text = f"{pore_class.name}\t{key_map().text(entry)}"
                action = self._classes.addAction(text.replace("&", "&&"))
                action.triggered.connect(partial(self.class_chosen.emit, entry))
