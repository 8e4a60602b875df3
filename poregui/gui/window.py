"""Be the main window: rail, pages, menus, banners, status; knows which project is open and little more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QActionGroup, QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.classes import NOT_A_PORE, NOT_A_PORE_COLOUR, UNSURE, UNSURE_COLOUR
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed
from poregui.gui.actions import ACTIONS, build_actions, dress_actions, fill_menus
from poregui.gui.background import Background, TaskHandle
from poregui.gui.dialogs.micrograph import MicrographDialog
from poregui.gui.dialogs.new_project import NewProjectDialog
from poregui.gui.dialogs.sheets import AboutDialog, KeysDialog
from poregui.gui.label.page import LabelPage
from poregui.gui.messages import messages
from poregui.gui.preferences import Preferences
from poregui.gui.review.page import ReviewPage
from poregui.gui.services import Services
from poregui.gui.session import Session
from poregui.gui.start.page import StartPage
from poregui.gui.theme import theme
from poregui.gui.train.page import TrainPage
from poregui.gui.widgets.banner import Banner
from poregui.gui.widgets.rail import Rail
from poregui.gui.widgets.status_bar import StatusBar
from poregui.gui.workspace import Workspace
from poregui.store.project import Project
from poregui.workflow.changes import set_scale, set_specimen
from poregui.workflow.edits import Combined
from poregui.workflow.sample import make_sample


class MainWindow(QMainWindow):
    """Show the start page, or the pages of the project that is open."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.setWindowTitle("poregui")
        self.setAcceptDrops(True)
        self.setMinimumSize(900, 560)
        self.preferences = Preferences()
        self.background = Background(self)
        self.workspace: Workspace | None = None
        self._tasks: list[TaskHandle] = []
        self.actions_by_name = build_actions(self)
        self.menus = fill_menus(self.menuBar(), self.actions_by_name)
        self._build()
        self._connect_actions()
        self._connect_pages()
        messages().set_window(self)
        messages().noted.connect(self._notes.show_for_a_while)
        theme().changed.connect(self._dress)
        self._dress()
        self._show_project_state()
        self.preferences.restore_window(self)

    # ---- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.start_page, self.label_page = StartPage(), LabelPage()
        self.train_page, self.review_page = TrainPage(), ReviewPage()
        self._pages: dict[str, QWidget] = {
            "show_label": self.label_page,
            "show_train": self.train_page,
            "show_review": self.review_page,
        }
        self.stack = QStackedWidget()
        for page in (self.start_page, *self._pages.values()):
            self.stack.addWidget(page)
        self._read_only = Banner("read_only_banner")
        self._notes = Banner("note_bar", closable=True)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self._read_only, self._notes):
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
            "new_project": self.ask_new_project,
            "open_project": self.ask_open_project,
            "try_sample": self.ask_sample,
            "import_files": self.ask_import_files,
            "import_folder": self.ask_import_folder,
            "export_csv": lambda: self._with(lambda open_: open_.exporting.ask_csv()),
            "export_folders": lambda: self._with(lambda open_: open_.exporting.ask_folders()),
            "save": lambda: messages().note("Everything is saved already: each change is on disk when you see it."),
            "close_project": self.close_project,
            "quit": self.close,
            "undo": lambda: self._with(lambda open_: open_.session.undo()),
            "redo": lambda: self._with(lambda open_: open_.session.redo()),
            "edit_classes": lambda: self._with(lambda open_: open_.classes.show()),
            "edit_name": self.ask_name,
            "full_screen": self._toggle_full_screen,
            "show_keys": lambda: self._show(KeysDialog(self)),
            "show_about": lambda: self._show(AboutDialog(self)),
        }
        called |= {name: lambda page=page: self.show_page(page) for name, page in self._pages.items()}
        called |= {f"theme_{mode}": lambda mode=mode: self._choose_theme(mode) for mode in ("system", "light", "dark")}
        for name, call in called.items():
            self.actions_by_name[name].triggered.connect(lambda _=False, call=call: self._guarded(call))
        for names in (tuple(self._pages), ("theme_system", "theme_light", "theme_dark")):
            group = QActionGroup(self)
            for name in names:
                group.addAction(self.actions_by_name[name])
        self.actions_by_name[f"theme_{theme().mode}"].setChecked(True)
        self.status.cancel_requested.connect(self.background.cancel_all)
        self.background.started.connect(self._work_started)
        self.background.finished.connect(self._work_ended)

    def _connect_pages(self) -> None:
        start = self.start_page
        start.new_requested.connect(self.ask_new_project)
        start.open_requested.connect(self.ask_open_project)
        start.sample_requested.connect(self.ask_sample)
        start.recent_chosen.connect(self.open_project)
        self.label_page.import_requested.connect(lambda: self._guarded(self.ask_import_files))
        self.label_page.properties_requested.connect(self.ask_micrograph)
        self.train_page.review_requested.connect(self.show_run)
        self.review_page.train_requested.connect(lambda: self.show_page(self.train_page))
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
        try:
            project = Project.open(Path(folder))
        except PoreguiError as error:
            if self.workspace is None:
                self.start_page.set_problem(str(error))
            else:
                messages().error(error)
            return
        self._enter(project)

    def _enter(self, project: Project) -> None:
        self.close_project()
        self.start_page.set_problem("")
        pages = (self.label_page, self.train_page, self.review_page)
        self.workspace = Workspace(project, self.preferences.annotator, self, pages, self.background)
        self.workspace.session.changed.connect(self._follow)
        self.preferences.remember_project(project.folder)
        if project.read_only:
            self._read_only.show_text(
                f"{project.name} is open for reading only: another window writes it, or its folder cannot be written. "
                "Nothing that you do here is kept."
            )
        self._show_project_state()
        self.show_page(self.label_page)

    def close_project(self) -> None:
        """Close the project and show the start page; a training that goes on is interrupted and can be resumed."""
        if self.workspace is None:
            return
        self.workspace.close()
        self.workspace = None
        self._read_only.hide()
        self._notes.hide()
        self._show_project_state()
        self.stack.setCurrentWidget(self.start_page)

    def _follow(self, changed: Changed) -> None:
        if changed.kinds & {"labels", "crops", "classes"}:
            self._show_counts()
        self._show_undo()

    def _show_project_state(self) -> None:
        session = self.session
        self.setWindowTitle(f"{session.project.name} - poregui" if session else "poregui")
        self.status.set_project(
            session.project.name if session else "", read_only=bool(session and session.project.read_only)
        )
        self.rail.setVisible(session is not None)
        self.start_page.set_recent(self.preferences.recent)
        writable = session is not None and not session.project.read_only
        for spec in ACTIONS:
            fits = {"": True, "project": session is not None, "writable": writable}[spec.needs]
            self.actions_by_name[spec.name].setEnabled(fits)
        self._show_undo()
        self._show_counts()

    def _show_counts(self) -> None:
        if self.session is None:
            return
        counts = self.session.project.label_counts()
        chips = [(c.letter, c.colour, counts[c.id]) for c in self.session.project.classes()]
        chips += [("0", NOT_A_PORE_COLOUR, counts[NOT_A_PORE])] * bool(counts[NOT_A_PORE])
        chips += [("U", UNSURE_COLOUR, counts[UNSURE])] * bool(counts[UNSURE])
        self.status.set_counts(chips, counts[None])

    def _show_undo(self) -> None:
        for name, word in (("undo", "Undo"), ("redo", "Redo")):
            text = getattr(self.session, f"{name}_text") if self.session else ""
            self.actions_by_name[name].setText(f"{word} {text}".strip())
            self.actions_by_name[name].setEnabled(bool(text))

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
            self.workspace.label.show_crop(crop_id)

    # ---- what a person asks for ----------------------------------------------------------------------------------

    def ask_new_project(self) -> None:
        """Ask for name, place and classes, make the project and open it."""
        dialog = NewProjectDialog(self)
        dialog.accepted.connect(
            lambda: self._guarded(lambda: self._enter(Project.create(dialog.folder, dialog.classes)))
        )
        self._show(dialog)

    def ask_sample(self) -> None:
        """Ask for a place, draw the sample project there in the background, and open it."""
        dialog = NewProjectDialog(self, title="Sample project", with_classes=False)
        dialog.accepted.connect(lambda: self.make_sample(dialog.folder))
        self._show(dialog)

    def make_sample(self, folder: Path) -> None:
        """Draw the sample project in the background and open it."""
        self.background.run(
            "Drawing the sample",
            lambda control: make_sample(folder, progress=control.progress),
            lambda _: self.open_project(folder),
        )

    def ask_open_project(self) -> None:
        """Ask for a project folder and open it."""
        chosen = QFileDialog.getExistingDirectory(self, "Open a project")
        if chosen:
            self.open_project(Path(chosen))

    def ask_import_files(self) -> None:
        """Ask for pictures and import them."""
        patterns = "Pictures (*.png *.jpg *.jpeg *.bmp *.tif *.tiff);;All files (*)"
        chosen, _ = QFileDialog.getOpenFileNames(self, "Import pictures", "", patterns)
        self._import([Path(name) for name in chosen])

    def ask_import_folder(self) -> None:
        """Ask for a folder and import what is in it."""
        chosen = QFileDialog.getExistingDirectory(self, "Import a folder")
        self._import([Path(chosen)] if chosen else [])

    def _import(self, paths: Sequence[Path]) -> None:
        if paths:
            self._with(lambda open_: open_.importing.ask(paths))

    def ask_micrograph(self, micrograph_id: int) -> None:
        """Ask for the specimen and the scale of a micrograph and change them as one edit."""
        if self.session is None:
            return
        session = self.session
        micrograph = next((m for m in session.project.micrographs() if m.id == micrograph_id), None)
        if micrograph is None:
            return
        names = {s.id: s.name for s in session.project.specimens()}
        specimen = names.get(micrograph.specimen_id or 0, "")
        dialog = MicrographDialog(micrograph, specimen, tuple(names.values()), self)

        def change() -> None:
            scaled = set_scale([micrograph], dialog.um_per_px)
            moved = set_specimen(session.project, scaled.after, dialog.specimen)
            session.apply(Combined((scaled, moved), text="change micrograph"))

        dialog.accepted.connect(lambda: self._guarded(change))
        self._show(dialog)

    def ask_name(self) -> None:
        """Ask under which name labels are logged."""
        name, fine = QInputDialog.getText(
            self, "Your name", "Labels are logged under this name:", text=self.preferences.annotator
        )
        if fine and name.strip():
            self.preferences.annotator = name
            if self.session is not None:
                self.session.who = self.preferences.annotator

    def _with(self, use: Callable[[Workspace], object]) -> None:
        if self.workspace is not None:
            use(self.workspace)

    def _guarded(self, call: Callable[[], object]) -> None:
        try:
            call()
        except PoreguiError as error:
            messages().error(error)

    def _show(self, dialog: QDialog) -> None:
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # ---- looks and work ------------------------------------------------------------------------------------------

    def _choose_theme(self, mode: str) -> None:
        self.preferences.mode = mode
        theme().set_mode(mode)

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _dress(self) -> None:
        dress_actions(self.actions_by_name)

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
        self.drop([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])
        event.acceptProposedAction()

    def drop(self, paths: Sequence[Path]) -> None:
        """Open a project that was dropped, or import pictures into the open one, or into a new one."""
        if len(paths) == 1 and (paths[0] / "project.db").exists():
            self.open_project(paths[0])
        elif self.workspace is not None:
            self._guarded(lambda: self._import(paths))
        elif paths:
            dialog = NewProjectDialog(self, title="New project for these pictures")

            def make() -> None:
                self._enter(Project.create(dialog.folder, dialog.classes))
                self._import(paths)

            dialog.accepted.connect(lambda: self._guarded(make))
            self._show(dialog)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.preferences.save_window(self)
        self.close_project()
        self.background.cancel_all()
        self.background.wait()
        messages().noted.disconnect(self._notes.show_for_a_while)
        messages().set_window(None)
        event.accept()
