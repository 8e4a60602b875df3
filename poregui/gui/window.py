"""Be the main window: rail, pages, menus, banners, status; knows which project is open and little more."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

from PySide6.QtCore import Qt
from PySide6.QtGui import QActionGroup, QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.classes import NOT_A_PORE, NOT_A_PORE_COLOUR, UNSURE, UNSURE_COLOUR
from poregui.domain.errors import PoreguiError
from poregui.domain.events import EpochEnded, Event, Stage
from poregui.domain.records import Changed
from poregui.gui.actions import build_actions, dress_actions
from poregui.gui.apply.page import ApplyPage
from poregui.gui.asking import Asking, guarded
from poregui.gui.background import Background, TaskHandle
from poregui.gui.dialogs.sheets import AboutDialog
from poregui.gui.label.page import LabelPage
from poregui.gui.label.presenter import LabelPresenter
from poregui.gui.menus import Menus
from poregui.gui.messages import messages
from poregui.gui.own_name import OwnName
from poregui.gui.preferences import Preferences
from poregui.gui.review.page import ReviewPage
from poregui.gui.services import Services
from poregui.gui.session import Session
from poregui.gui.start.page import StartPage
from poregui.gui.theme import Mode, theme
from poregui.gui.train.page import TrainPage
from poregui.gui.widgets.banner import Banner
from poregui.gui.widgets.rail import Rail
from poregui.gui.widgets.status_bar import StatusBar
from poregui.gui.workspace import Workspace
from poregui.store.project import Project
from poregui.workflow.exports import EXPORTS


class MainWindow(QMainWindow):
    """Show the start page, or the pages of the project that is open."""

    def __init__(self, preferences: Preferences | None = None) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowTitle("poregui")
        self.setAcceptDrops(True)
        self.setMinimumSize(900, 560)
        self.preferences = preferences or Preferences()
        self.background = Background(self)
        self.asking = Asking(self)
        self.own_name = OwnName(self)
        self.workspace: Workspace | None = None
        self._tasks: list[TaskHandle] = []
        self.actions_by_name = build_actions(self)
        self._menus = Menus(self)
        self._build()
        self._connect_actions()
        self._connect_pages()
        self._menus.connect_pages()
        messages().set_window(self)
        messages().noted.connect(self._notes.show_for_a_while)
        theme().changed.connect(self._dress)
        self._dress()
        self._show_project_state()
        self.preferences.restore_window(self)

    # ---- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.start_page, self.label_page = StartPage(), LabelPage()
        self.train_page, self.review_page, self.apply_page = TrainPage(), ReviewPage(), ApplyPage()
        self._pages: dict[str, QWidget] = {
            "show_label": self.label_page,
            "show_train": self.train_page,
            "show_review": self.review_page,
            "show_apply": self.apply_page,
        }
        self.stack = QStackedWidget()
        for page in (self.start_page, *self._pages.values()):
            self.stack.addWidget(page)
        self.stack.currentChanged.connect(lambda _: self._menus.follow())
        self._read_only = Banner("read_only_banner")
        self._notes = Banner("note_bar", closable=True)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self._read_only, self.own_name.bar, self._notes):
            column.addWidget(widget)
        column.addWidget(self.stack, 1)
        self.rail = Rail([self.actions_by_name[name] for name in self._pages])
        centre = QWidget()
        row = QHBoxLayout(centre)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addLayout(column, 1)
        self.setCentralWidget(centre)
        self.status = StatusBar(self)
        self.setStatusBar(self.status)

    def _connect_actions(self) -> None:
        called: dict[str, Callable[[], object]] = {
            "new_project": self.asking.new_project,
            "open_project": self.asking.open_project,
            "try_sample": self.asking.sample,
            "import_files": self.asking.import_files,
            "import_folder": self.asking.import_folder,
            "import_outlines": lambda: self._with(lambda open_: open_.importing.ask_outlines()),
            "print_sheets": lambda: self._with(lambda open_: open_.printing.ask()),
            "pack": lambda: self._with(lambda open_: open_.sharing.ask_pack()),
            "merge_labels": lambda: self._with(lambda open_: open_.sharing.ask_merge()),
            "save": lambda: messages().note("Everything is saved already: each change is on disk when you see it."),
            "close_project": lambda: self.close_project() if self.may_leave() else None,
            "quit": self.close,
            "undo": lambda: self._with(lambda open_: self._turn_back(open_).undo()),
            "redo": lambda: self._with(lambda open_: self._turn_back(open_).redo()),
            "edit_classes": lambda: self._with(lambda open_: open_.classes.show()),
            "edit_name": self.own_name.change,
            "edit_keys": self.asking.change_keys,
            "edit_tile_memory": self.asking.tile_memory,
            "full_screen": self._toggle_full_screen,
            "show_keys": self.asking.keys,
            "show_about": lambda: self.asking.show(AboutDialog(self)),
        }
        called |= {name: partial(self.show_page, page) for name, page in self._pages.items()}
        called |= {f"export_{name.replace('-', '_')}": self._exporter(name) for name in EXPORTS}
        called |= {f"theme_{mode}": partial(self._choose_theme, mode) for mode in get_args(Mode)}
        for name, call in called.items():
            self.actions_by_name[name].triggered.connect(lambda _=False, call=call: guarded(call))
        for names in (tuple(self._pages), ("theme_system", "theme_light", "theme_dark")):
            group = QActionGroup(self)
            for name in names:
                group.addAction(self.actions_by_name[name])
        self.actions_by_name[f"theme_{theme().mode}"].setChecked(True)
        self.status.cancel_requested.connect(self.background.cancel_all)
        self.status.training_chosen.connect(lambda: self.show_page(self.train_page))
        self.background.started.connect(self._work_started)
        self.background.finished.connect(self._work_ended)

    def _connect_pages(self) -> None:
        start = self.start_page
        start.new_requested.connect(self.asking.new_project)
        start.open_requested.connect(self.asking.open_project)
        start.sample_requested.connect(self.asking.sample)
        start.recent_chosen.connect(self.open_project)
        self.label_page.import_requested.connect(lambda: guarded(self.asking.import_files))
        self.label_page.properties_requested.connect(self.asking.micrographs)
        self.label_page.micrograph_list.accept_requested.connect(self.asking.accept_file)
        self.train_page.review_requested.connect(self.show_run)
        for asking in (self.review_page, self.apply_page):
            asking.train_requested.connect(lambda: self.show_page(self.train_page))
        self.review_page.show_in_label_requested.connect(self.show_crop)

    # ---- the project ---------------------------------------------------------------------------------------------

    @property
    def session(self) -> Session | None:
        """Return the session of the open project."""
        return self.workspace.session if self.workspace else None

    @property
    def services(self) -> Services | None:
        """Return the services of the open project."""
        return self.workspace.services if self.workspace else None

    def open_project(self, folder: Path) -> None:
        """Open a project in the place of the one that is open; say on the start page why it cannot be opened."""
        if self.session is not None and self.session.project.folder.resolve() == Path(folder).resolve():
            return
        if not self.may_leave():
            return
        try:
            project = Project.open(Path(folder))
        except PoreguiError as error:
            if self.workspace is None:
                self.start_page.set_problem(str(error))
            else:
                messages().error(error)
            return
        try:
            self.enter(project)
        except PoreguiError as error:
            self.start_page.set_problem(str(error))
        except Exception as error:  # noqa: BLE001 - it is shown, and the window stays
            self.start_page.set_problem(f"{project.name} cannot be shown. Nothing in it was changed.")
            sys.excepthook(type(error), error, error.__traceback__)

    def enter(self, project: Project) -> None:
        """Make a project the one that the window shows; where that fails the start page is shown, and it raises."""
        self.close_project()
        self.start_page.set_problem("")
        try:
            self._enter(project)
        except BaseException:
            self.close_project()
            project.close()
            self._show_project_state()
            raise

    def _enter(self, project: Project) -> None:
        pages = (self.label_page, self.train_page, self.review_page, self.apply_page)
        self.workspace = Workspace(project, self.preferences.annotator, self, pages, self.background)
        self.workspace.services.micrograph_images.set_tile_megabytes(self.preferences.tile_megabytes)
        self.workspace.session.changed.connect(self._follow)
        trainer = self.workspace.services.trainer
        trainer.warm.wanted = self.preferences.keeps_trainer_ready
        trainer.told.connect(self._training_told)
        for signal in (trainer.started, trainer.finished):
            signal.connect(lambda _: self._menus.follow())
        trainer.finished.connect(lambda _: self.status.set_training(""))
        self.preferences.remember_project(project.folder)
        if project.read_only:
            self._read_only.show_text(
                f"{project.name} is open for reading only: another window writes it, or its folder cannot be written. "
                "Nothing that you do here is kept."
            )
        self._show_project_state()
        self.own_name.ask_once()
        self.show_page(self.label_page)

    def may_leave(self) -> bool:
        """Tell whether the open project may be closed; ask when a training goes on in it."""
        if self.services is None or not self.services.trainer.running:
            return True
        run = self.services.trainer.run_folder
        again = ", a cross-validation from its beginning" if run is not None and run.folds_file.exists() else ""
        text = f"It is interrupted when the project closes. The Train page can go on with it later{again}."
        waiting = len(self.services.trainer.queue.orders)
        if waiting:
            text += f" {waiting} more {'runs wait' if waiting > 1 else 'run waits'} and will not begin."
        return messages().ask("A training goes on", text, "Close and interrupt")

    def close_project(self) -> None:
        """Close the project and show the start page; a training that goes on is interrupted and can be resumed."""
        if self.workspace is None:
            return
        self.workspace.close()
        self.workspace = None
        self.own_name.ask_once()
        self._read_only.hide()
        self._notes.hide()
        self.status.set_training("")
        self._show_project_state()
        self.stack.setCurrentWidget(self.start_page)

    def _follow(self, changed: Changed) -> None:
        if changed.kinds & {"labels", "crops", "classes"}:
            self._show_counts()
        self._menus.follow()

    def _show_project_state(self) -> None:
        session = self.session
        self.setWindowTitle(f"{session.project.name} - poregui" if session else "poregui")
        self.status.set_project(
            session.project.name if session else "", read_only=bool(session and session.project.read_only)
        )
        self.rail.setVisible(session is not None)
        self.start_page.set_recent(self.preferences.recent)
        self._menus.follow()
        self._show_counts()

    def _show_counts(self) -> None:
        if self.session is None or self.workspace is None:
            return
        counts = self.workspace.label.label_counts()
        chips = [(c.letter, c.colour, counts[c.id]) for c in self.session.project.classes()]
        chips += [("–", NOT_A_PORE_COLOUR, counts[NOT_A_PORE])] * bool(counts[NOT_A_PORE])
        chips += [("?", UNSURE_COLOUR, counts[UNSURE])] * bool(counts[UNSURE])
        self.status.set_counts(chips, counts[None])

    # ---- pages ---------------------------------------------------------------------------------------------------

    def show_page(self, page: QWidget) -> None:
        """Show one of the pages of the open project."""
        if self.workspace is None:
            return
        self.stack.setCurrentWidget(page)
        for name, known in self._pages.items():
            self.actions_by_name[name].setChecked(known is page)
        page.setFocus()

    def show_run(self, number: int) -> None:
        """Show a run on the review page."""
        if self.workspace is not None:
            self.workspace.review.show_run(number)
            self.show_page(self.review_page)

    def show_crop(self, crop_id: int) -> None:
        """Show a crop in its micrograph on the label page."""
        if self.workspace is not None:
            self.show_page(self.label_page)
            self.workspace.label.choose(crop_id)

    def _turn_back(self, workspace: Workspace) -> LabelPresenter | Session:
        """Return who undoes: the label page goes to the crop concerned as well."""
        return workspace.label if self.stack.currentWidget() is self.label_page else workspace.session

    def _exporter(self, name: str) -> Callable[[], object]:
        return lambda: self._with(lambda open_: open_.exporting.ask(name))

    def _with(self, use: Callable[[Workspace], object]) -> None:
        if self.workspace is not None:
            use(self.workspace)

    # ---- looks and work ------------------------------------------------------------------------------------------

    def _choose_theme(self, mode: Mode) -> None:
        self.preferences.mode = mode
        theme().set_mode(mode)

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _dress(self) -> None:
        dress_actions(self.actions_by_name)

    def _training_told(self, event: Event) -> None:
        if isinstance(event, Stage):
            self.status.set_training(event.text)
            self._menus.follow()
        elif isinstance(event, EpochEnded):
            self.status.set_training(f"Training: epoch {event.epoch} of {event.epochs}")

    def _work_started(self, handle: TaskHandle) -> None:
        self._tasks.append(handle)
        self.status.show_work(handle.title)
        handle.progressed.connect(
            lambda done, total, text: self.status.show_work(f"{handle.title} {done}/{total}", done, total)
        )

    def _work_ended(self, handle: TaskHandle) -> None:
        self._tasks = [task for task in self._tasks if task is not handle]
        if self._tasks:
            self.status.show_work(self._tasks[-1].title)
        else:
            self.status.hide_work()

    # ---- Qt ------------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            self.start_page.set_drop_active(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.start_page.set_drop_active(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.start_page.set_drop_active(False)
        self.asking.drop([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.may_leave():
            event.ignore()
            return
        self.preferences.save_window(self)
        self.close_project()
        self.background.cancel_all()
        self.background.wait()
        messages().noted.disconnect(self._notes.show_for_a_while)
        messages().set_window(None)
        event.accept()
