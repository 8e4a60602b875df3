"""Fill the menus that depend on the open project, and enable only what can be done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from poregui.gui.base.actions import ACTIONS, fill_menus, name_keys
from poregui.gui.base.key_map import key_map
from poregui.gui.shell.project_flow import guarded
from poregui.gui.shell.specimen_names import ask_naming
from poregui.gui.train.train_presenter import TrainPresenter
from poregui.workflow.training.grouping import groups_by_source, set_sources

if TYPE_CHECKING:
    from poregui.gui.shell.main_window import MainWindow


class Menus(QObject):
    """Own the menu bar of the window: `follow` enables its actions after page, project or training
    changed.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        actions = window.actions_by_name
        self._menus = fill_menus(window.menuBar(), actions)
        self._recent = QMenu("Open recent", window)
        self._menus["File"].insertMenu(actions["try_sample"], self._recent)
        self._recent.aboutToShow.connect(self._fill_recent)
        actions["keep_trainer_ready"].setChecked(window.preferences.keeps_trainer_ready)
        key_map().load(window.preferences.keys)
        key_map().changed.connect(self._keys_changed)
        self._keys_changed()
        self._classes = QMenu("Label as", window)
        self._menus["Label"].insertMenu(actions["press_not_a_pore"], self._classes)
        self._classes.aboutToShow.connect(self._fill_classes)

    def connect_pages(self) -> None:
        """Let the actions of the pages act."""
        window = self._window
        called: dict[str, Callable[[], object]] = {
            "name_specimens": lambda: ask_naming(window),
            "group_by_file_name": self._group_by_file_name,
            "keep_trainer_ready": self._keep_trainer_ready,
            "train_start": self._train,
            "train_stop": lambda: self._ask_trainer(TrainPresenter.stop),
            "train_cancel": lambda: self._ask_trainer(TrainPresenter.cancel),
            "review_newest": self._review_newest,
            "review_errors": lambda: window.review_page.choose_all_errors(),
            "review_heat": lambda: window.review_page.detail.heat_switch.click(),
            "review_micrograph": lambda: window.review_page.detail.show_button.click(),
            "review_mark": lambda: window.review_page.detail.reviewed_box.click(),
            "review_note": lambda: window.review_page.detail.note_field.setFocus(),
            "review_keep": lambda: window.review_page.answer("keep"),
            "review_change": lambda: window.review_page.answer("change"),
            "review_report": lambda: window.review_page.column.export_requested.emit(
                "export_report"
            ),
        }
        for spec in ACTIONS:
            if spec.name.startswith("press_"):
                called[spec.name] = partial(self._press, spec.name.removeprefix("press_"))
        for name, call in called.items():
            window.actions_by_name[name].triggered.connect(lambda _=False, call=call: guarded(call))

    def follow(self) -> None:
        """Enable what can be done now."""
        window = self._window
        session = self._window.session
        page = window.stack.currentWidget() if session else None
        writable = session is not None and not session.project.read_only
        fits = {
            "": True,
            "project": session is not None,
            "writable": writable,
            "runs": session is not None and bool(session.project.runs()),
            "label": page is window.label_page,
            "crops": page in (window.label_page, window.review_page),
            "labels": writable and page in (window.label_page, window.review_page),
            "boxes": writable and page is window.label_page,
            "review": page is window.review_page,
            "idle": writable and not self._running,
            "running": self._running,
        }
        for spec in ACTIONS:
            window.actions_by_name[spec.name].setEnabled(fits[spec.needs])
        self._classes.setEnabled(fits["labels"])
        grouped = session is None or groups_by_source(session.project)
        window.actions_by_name["group_by_file_name"].setChecked(grouped)
        self._recent.setEnabled(bool(window.preferences.recent))
        self.follow_history()

    def follow_history(self) -> None:
        """Say what can be undone and done again, which is all that a label changes here."""
        window = self._window
        session = window.session
        for name, word in (("undo", "Undo"), ("redo", "Redo")):
            text = getattr(session, f"{name}_text") if session else ""
            window.actions_by_name[name].setText(f"{word} {text}".strip())
            window.actions_by_name[name].setEnabled(bool(text))

    @property
    def _running(self) -> bool:
        return self._window.services is not None and self._window.services.trainer.running

    def _keys_changed(self) -> None:
        self._window.preferences.keys = key_map().changes
        name_keys(self._window.actions_by_name, key_map().key)

    def _fill_recent(self) -> None:
        self._recent.clear()
        for folder in self._window.preferences.recent:
            action = self._recent.addAction(f"{folder.name}\t{folder.parent}".replace("&", "&&"))
            action.triggered.connect(
                lambda _=False, folder=folder: self._window.open_project(folder)
            )

    def _fill_classes(self) -> None:
        self._classes.clear()
        if self._window.session is None:
            return
        for pore_class in self._window.session.project.classes():
            if pore_class.key:
                key = key_map().words(f"class_{pore_class.key}")
                action = self._classes.addAction(f"{pore_class.name}\t{key}".replace("&", "&&"))
                action.triggered.connect(
                    lambda _=False, key=pore_class.key: self._press(f"class_{key}")
                )

    def _press(self, meant: str) -> None:
        page = self._window.stack.currentWidget()
        if page in (self._window.label_page, self._window.review_page):
            page.key_pressed.emit(meant)

    def _group_by_file_name(self) -> None:
        session = self._window.session
        if session is not None:
            together = self._window.actions_by_name["group_by_file_name"].isChecked()
            session.apply(set_sources(session.project, together=together))

    def _keep_trainer_ready(self) -> None:
        window = self._window
        wanted = window.actions_by_name["keep_trainer_ready"].isChecked()
        window.preferences.keeps_trainer_ready = wanted
        if window.services is not None:
            window.services.trainer.warm.wanted = wanted
            if (
                wanted
                and window.stack.currentWidget() is window.train_page
                and window.train_page.train_button.isEnabled()
            ):
                window.services.trainer.keep_ready()

    def _train(self) -> None:
        workspace = self._window.workspace
        if workspace is not None:
            self._window.show_page(self._window.train_page)
            workspace.train.train()

    def _ask_trainer(self, wish: Callable[[TrainPresenter], None]) -> None:
        workspace = self._window.workspace
        if workspace is not None and self._running:
            wish(workspace.train)

    def _review_newest(self) -> None:
        session = self._window.session
        runs = session.project.runs() if session is not None else []
        if runs:
            self._window.show_run(runs[-1].number)
