"""Be the main window: rail, pages, menus, banners, status; knows which project is open and little
more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

from PySide6.QtCore import Qt
from PySide6.QtGui import QActionGroup, QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QVBoxLayout, QWidget

from poregui.domain.classes import NOT_A_PORE, NOT_A_PORE_COLOUR, UNSURE, UNSURE_COLOUR
from poregui.domain.errors import DamagedProjectError, PoreguiError
from poregui.domain.events import EpochEnded, Event, Stage
from poregui.domain.records import Changed
from poregui.gui.apply.apply_page import ApplyPage
from poregui.gui.base.actions import ACTIONS, build_actions, dress_actions
from poregui.gui.base.messages import guarded, messages
from poregui.gui.base.preferences import Preferences
from poregui.gui.base.theme import Mode, theme
from poregui.gui.label.label_page import LabelPage
from poregui.gui.rating.rate_window import ask_to_rate
from poregui.gui.review.review_page import ReviewPage
from poregui.gui.services.jobs import Background, TaskHandle
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.gui.shell.menus import Menus, zoom_commands
from poregui.gui.shell.project_flow import BackupFlow, OwnName, ProjectFlow, SettingsFlow
from poregui.gui.shell.window_frame import Rail, StatusBar
from poregui.gui.shell.workspace import OpenProject, Pages, Workspace
from poregui.gui.start.start_page import StartPage
from poregui.gui.train.train_page import TrainPage
from poregui.gui.widgets.banners import Banner, FloatingBars, PageStack
from poregui.store.project import Project
from poregui.store.run_check import sentence_of_lost_pixels
from poregui.workflow.exporting.export_kinds import EXPORTS
from poregui.workflow.training.grouping import set_sources


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
        self._tasks: list[TaskHandle] = []
        self.actions_by_name = build_actions(self)
        self._make_pages()
        self.opened = OpenProject(self, self._pages, self.background, self.preferences)
        self.own_name = OwnName(self, self.opened, self.preferences)
        self.projects = ProjectFlow(self, self.opened, self.background)
        self.backups = BackupFlow(self, self.opened, self.background)
        self._settings = SettingsFlow(self, self.opened, self.preferences)
        self._menus = Menus(self.menuBar(), self.actions_by_name, self.opened, self.preferences)
        self._build()
        self._commands = self._window_commands() | self._page_commands()
        self._connect_actions()
        self._connect_pages()
        self._connect_project()
        messages().set_window(self)
        messages().noted.connect(self._notes.show_for_a_while)
        messages().linked.connect(self._notes.offer)
        theme().changed.connect(self._dress)
        self._dress()
        self._show_project_state()
        self.preferences.restore_window(self)

    # ---- building ---------------------------------------------------------------------------

    def _make_pages(self) -> None:
        self.start_page = StartPage()
        self.label_page = LabelPage()
        self.train_page = TrainPage()
        self.review_page = ReviewPage()
        self.apply_page = ApplyPage()
        self._pages = Pages(self.label_page, self.train_page, self.review_page, self.apply_page)
        self._by_name: dict[str, QWidget] = {
            "label": self.label_page,
            "train": self.train_page,
            "review": self.review_page,
            "apply": self.apply_page,
        }
        self.stack = PageStack()
        for page in (self.start_page, *self._by_name.values()):
            self.stack.addWidget(page)

    def _build(self) -> None:
        self.stack.currentChanged.connect(self._follow_menus)
        self._read_only = Banner("read_only_banner")
        self._notes = Banner("note_bar", closable=True)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._read_only)  # while a project is open it neither comes nor goes
        column.addWidget(self.stack, 1)
        self.rail = Rail([self.actions_by_name[f"show_{name}"] for name in self._by_name])
        centre = QWidget()
        row = QHBoxLayout(centre)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addLayout(column, 1)
        FloatingBars(self.stack, (self.own_name.bar, self._notes))
        self._notes.left.connect(self._focus_page)
        self.setCentralWidget(centre)
        self.status = StatusBar(self)
        self.setStatusBar(self.status)

    def _window_commands(self) -> dict[str, Callable[[], object]]:
        """Return what actions do that need no project, or ask for one themselves."""
        commands: dict[str, Callable[[], object]] = {
            "new_project": self.projects.new_project,
            "open_project": self.projects.open_project,
            "try_sample": self.projects.sample,
            "backups": self.backups.show,
            "save": self._say_saved,
            "close_project": self.opened.leave,
            "rate_file": partial(ask_to_rate, self),
            "quit": self.close,
            "undo": self._undo,
            "redo": self._redo,
            "edit_name": self.own_name.change,
            "group_by_file_name": self._group_by_file_name,
            "keep_trainer_ready": self._keep_trainer_ready,
            "full_screen": self._toggle_full_screen,
            "train_start": self._train,
            "review_newest": self._review_newest,
        }
        for name in EXPORTS:
            commands[f"export_{name.replace('-', '_')}"] = partial(self._export, name)
        for mode in get_args(Mode):
            commands[f"theme_{mode}"] = partial(self._choose_theme, mode)
        return commands | self._settings.commands() | zoom_commands(self.stack)

    def _page_commands(self) -> dict[str, Callable[[], object]]:
        """Return what actions do on the pages."""
        review = self.review_page
        commands: dict[str, Callable[[], object]] = {
            "review_errors": review.choose_all_errors,
            "review_heat": review.detail.heat_switch.click,
            "review_micrograph": review.detail.show_button.click,
            "review_mark": review.detail.reviewed_box.click,
            "review_note": review.detail.note_field.setFocus,
            "review_keep": partial(review.answer, "keep"),
            "review_change": partial(review.answer, "change"),
            "review_report": partial(review.column.export_requested.emit, "export_report"),
        }
        for name, page in self._by_name.items():
            commands[f"show_{name}"] = partial(self.show_page, page)
        for spec in ACTIONS:
            if spec.name.startswith("press_"):
                commands[spec.name] = partial(self._press, spec.name.removeprefix("press_"))
        return commands

    def _connect_actions(self) -> None:
        for name, action in self.actions_by_name.items():
            action.triggered.connect(partial(self._act, name))
        pages = [f"show_{name}" for name in self._by_name]
        modes = [f"theme_{mode}" for mode in get_args(Mode)]
        for names in (pages, modes):
            group = QActionGroup(self)
            for name in names:
                group.addAction(self.actions_by_name[name])
        self.actions_by_name[f"theme_{theme().mode}"].setChecked(True)
        self._menus.class_chosen.connect(self._press)
        self._menus.offer_on_pages(self._pages)
        self.status.cancel_requested.connect(self.background.cancel_all)
        self.status.training_chosen.connect(self._show_training)
        self.background.started.connect(self._work_started)
        self.background.finished.connect(self._work_ended)

    def _connect_pages(self) -> None:
        start = self.start_page
        start.new_requested.connect(self.projects.new_project)
        start.open_requested.connect(self.projects.open_project)
        start.sample_requested.connect(self.projects.sample)
        start.recent_chosen.connect(self.open_project)
        start.images_requested.connect(self.projects.ask_images)
        self.label_page.import_requested.connect(partial(self._act, "import_files"))
        self.label_page.train_requested.connect(partial(self._act, "train_start"))
        self.label_page.properties_requested.connect(self._ask_micrographs)
        self.label_page.micrograph_list.accept_requested.connect(self._accept_file)
        self.train_page.review_requested.connect(self.show_run)
        for page in (self.review_page, self.apply_page):
            page.train_requested.connect(self._show_training)
        self.review_page.show_in_label_requested.connect(self.show_crop)

    def _connect_project(self) -> None:
        self.opened.entered.connect(self._entered)
        self.opened.left.connect(self._left)
        self.opened.refused.connect(self._refused)
        self.own_name.name_chosen.connect(self._focus_page)

    def _act(self, name: str, _checked: bool = False) -> None:
        """Do what an action stands for, in the window or with the open project."""
        command = self._commands.get(name)
        if command is None and self.workspace is not None:
            command = self.workspace.commands()[name]
        if command is not None:
            guarded(command)

    # ---- the project ------------------------------------------------------------------------

    @property
    def workspace(self) -> Workspace | None:
        """Return what belongs to the open project."""
        return self.opened.workspace

    @property
    def session(self) -> Session | None:
        """Return the session of the open project."""
        return self.opened.session

    @property
    def services(self) -> Services | None:
        """Return the services of the open project."""
        return self.opened.services

    def open_project(self, folder: Path) -> None:
        """Open a project in the place of the one that is open; say on the start page why it cannot
        be opened.
        """
        self.opened.open(folder)

    def enter(self, project: Project) -> None:
        """Make a project the one that the window shows; where that fails the start page is shown,
        and it raises.
        """
        self.opened.enter(project)

    def may_leave(self) -> bool:
        """Tell whether the open project may be closed; ask when a training goes on in it."""
        return self.opened.may_leave()

    def close_project(self) -> None:
        """Close the project and show the start page; a training that goes on is interrupted and can
        be resumed.
        """
        self.opened.close()

    def _entered(self) -> None:
        try:
            self._show_workspace()
        except BaseException:
            self.opened.close()
            raise

    def _show_workspace(self) -> None:
        workspace = self.workspace
        assert workspace is not None
        self.start_page.set_problem("")
        workspace.session.changed.connect(self._follow)
        trainer = workspace.services.trainer
        trainer.received.connect(self._training_received)
        trainer.started.connect(self._follow_menus)
        trainer.finished.connect(self._follow_menus)
        trainer.finished.connect(self._training_ended)
        project = workspace.session.project
        sentences = [sentence_of_lost_pixels(project, quickly=True)]
        if project.read_only:
            sentences.insert(
                0,
                f"{project.name} is read-only: it is open in another window, or its folder cannot "
                "be written to. Changes are not kept.",
            )
        if any(sentences):
            self._read_only.show_text(" ".join(sentences).strip())
        self._show_project_state()
        self.own_name.ask_once()
        self.show_page(self.label_page)

    def _left(self) -> None:
        self.own_name.ask_once()
        self._read_only.hide()
        self._notes.hide()
        self.status.set_training("")
        self._show_project_state()
        self.stack.setCurrentWidget(self.start_page)

    def _refused(self, error: PoreguiError) -> None:
        if self.workspace is None:
            self.start_page.set_problem(str(error))
        else:
            messages().error(error)
        if isinstance(error, DamagedProjectError):
            self.backups.offer(error)

    def _follow(self, changed: Changed) -> None:
        if changed.kinds & {"labels", "crops", "classes"}:
            self._show_counts()
        if changed.kinds == {"labels"}:
            self._menus.follow_history()
        else:
            self._follow_menus()

    def _follow_menus(self, *_: object) -> None:
        page = ""
        if self.workspace is not None:
            shown = self.stack.currentWidget()
            page = next((name for name, one in self._by_name.items() if one is shown), "")
        self._menus.follow(page)

    def _show_project_state(self) -> None:
        title = "poregui"
        name = ""
        read_only = False
        if self.session is not None:
            name = self.session.project.name
            title = f"{name} - poregui"
            read_only = self.session.project.read_only
        self.setWindowTitle(title)
        self.status.set_project(name, read_only=read_only)
        self.rail.setVisible(self.session is not None)
        self.start_page.set_recent(self.preferences.recent)
        self._follow_menus()
        self._show_counts()

    def _show_counts(self) -> None:
        if self.workspace is None:
            return
        counts = self.workspace.label.label_counts()
        chips = [(c.letter, c.colour, counts[c.id]) for c in self.workspace.label.classes]
        chips += [("–", NOT_A_PORE_COLOUR, counts[NOT_A_PORE])] * bool(counts[NOT_A_PORE])
        chips += [("?", UNSURE_COLOUR, counts[UNSURE])] * bool(counts[UNSURE])
        self.status.set_counts(chips, counts[None])

    # ---- pages ------------------------------------------------------------------------------

    def show_page(self, page: QWidget) -> None:
        """Show one of the pages of the open project."""
        if self.workspace is None:
            return
        self.stack.setCurrentWidget(page)
        for name, known in self._by_name.items():
            self.actions_by_name[f"show_{name}"].setChecked(known is page)
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

    def _show_training(self) -> None:
        self.show_page(self.train_page)

    def _focus_page(self) -> None:
        page = self.stack.currentWidget()
        if page is not None:
            page.setFocus()

    def _press(self, meant: str) -> None:
        page = self.stack.currentWidget()
        if page in (self.label_page, self.review_page):
            page.key_pressed.emit(meant)

    # ---- what actions do --------------------------------------------------------------------

    def _undo(self) -> None:
        """Take the last edit back; the label page goes to the crop concerned as well."""
        if self.workspace is None:
            return
        if self.stack.currentWidget() is self.label_page:
            self.workspace.label.undo()
        else:
            self.workspace.session.undo()

    def _redo(self) -> None:
        if self.workspace is None:
            return
        if self.stack.currentWidget() is self.label_page:
            self.workspace.label.redo()
        else:
            self.workspace.session.redo()

    def _say_saved(self) -> None:
        messages().note("All changes are saved already, each as soon as you see it.")

    def _export(self, name: str) -> None:
        if self.workspace is not None:
            self.workspace.exporting.ask(name)

    def _ask_micrographs(self, ids: list[int]) -> None:
        if self.workspace is not None:
            self.workspace.micrographs.ask(ids)

    def _accept_file(self, micrograph_id: int) -> None:
        if self.workspace is not None:
            guarded(partial(self.workspace.micrographs.accept_file, micrograph_id))

    def _group_by_file_name(self) -> None:
        if self.session is not None:
            together = self.actions_by_name["group_by_file_name"].isChecked()
            self.session.apply(set_sources(self.session.project, together=together))

    def _keep_trainer_ready(self) -> None:
        wanted = self.actions_by_name["keep_trainer_ready"].isChecked()
        self.preferences.keeps_trainer_ready = wanted
        if self.services is None:
            return
        self.services.trainer.warm.wanted = wanted
        on_page = self.stack.currentWidget() is self.train_page
        if wanted and on_page and self.train_page.train_button.isEnabled():
            self.services.trainer.keep_ready()

    def _train(self) -> None:
        if self.workspace is not None:
            self.show_page(self.train_page)
            if self.actions_by_name["train_start"].isEnabled():
                self.workspace.train.train()

    def _review_newest(self) -> None:
        if self.session is not None:
            runs = self.session.project.runs()
            if runs:
                self.show_run(runs[-1].number)

    # ---- looks and work ---------------------------------------------------------------------

    def _choose_theme(self, mode: Mode) -> None:
        self.preferences.mode = mode
        theme().set_mode(mode)

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _dress(self) -> None:
        dress_actions(self.actions_by_name)

    def _training_received(self, event: Event) -> None:
        if isinstance(event, Stage):
            self.status.set_training(event.text)
            self._follow_menus()
        elif isinstance(event, EpochEnded):
            self.status.set_training(f"Training: epoch {event.epoch} of {event.epochs}")

    def _training_ended(self, _final: Event) -> None:
        self.status.set_training("")

    def _work_started(self, handle: TaskHandle) -> None:
        self._tasks.append(handle)
        self.status.show_work(handle.title)
        handle.progressed.connect(partial(self._show_progress, handle.title))

    def _show_progress(self, title: str, done: int, total: int, _text: str) -> None:
        self.status.show_work(f"{title} {done}/{total}", done, total)

    def _work_ended(self, handle: TaskHandle) -> None:
        self._tasks = [task for task in self._tasks if task is not handle]
        if self._tasks:
            self.status.show_work(self._tasks[-1].title)
        else:
            self.status.hide_work()

    # ---- Qt ---------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            self.start_page.set_drop_active(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.start_page.set_drop_active(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.start_page.set_drop_active(False)
        self.projects.drop(
            [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        )
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
        messages().linked.disconnect(self._notes.offer)
        messages().set_window(None)
        event.accept()
