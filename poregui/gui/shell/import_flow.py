"""Lead a person through an import, and offer to mask info bars."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.records import Micrograph, Plane
from poregui.domain.wording import count, noun
from poregui.gui.base.messages import messages
from poregui.gui.dialogs.base import open_dialog
from poregui.gui.dialogs.import_dialog import ImportDialog, ImportReportDialog
from poregui.gui.services.jobs import Background, TaskControl
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.backups import make_backup
from poregui.store.project import Project
from poregui.vision.info_bar import find_info_bar
from poregui.vision.io.pyramid import open_pyramid
from poregui.workflow.editing.micrograph_edits import mask_info_bars
from poregui.workflow.importing.image_identity import check_same
from poregui.workflow.importing.images import ImportOptions, collect, settle
from poregui.workflow.importing.known_images import (
    Collected,
    FoundFiles,
    look_for_files,
    relink,
)
from poregui.workflow.importing.outlines import (
    CollectedOutlines,
    cut_outlines,
    match_images,
    read_outlines,
    settle_outlines,
)

IMAGES = "Images (*.png *.jpg *.jpeg *.bmp *.tif *.tiff *.czi *.lif *.nd2);;All files (*)"
Bars = tuple[tuple[Micrograph, Box], ...]


def offer_masks(
    session: Session,
    background: Background,
    ids: Collection[int],
    when_free: Callable[[Callable[[], None]], None],
) -> None:
    """Look for info bars in micrographs and ask, through `when_free`, whether those that are found
    are masked.
    """
    wanted = [m for m in session.project.micrographs() if m.id in ids]
    files = [(m, session.project.micrograph_file(m)) for m in wanted]

    def found(answer: tuple[Bars, int]) -> None:
        bars = {one.id: box for one, box in answer[0]}
        if bars:
            when_free(partial(_ask, session, bars))

    if files:
        background.run("Looking for info bars", partial(look_for_bars, files), found)


def _ask(session: Session, bars: dict[int, Box]) -> None:
    bars_of = f"the {noun(len(bars), 'info bar')} of {count(len(bars), 'micrograph')}"

    def mask() -> None:
        now = [(m, bars[m.id]) for m in session.project.micrographs() if m.id in bars]
        if now:
            session.apply(mask_info_bars(now))

    text = "Masked areas are ignored. Undo, or change it in the Image tab."
    messages().offer(f"Mask {bars_of}?", text, "Mask", mask)


def look_for_bars(
    files: list[tuple[Micrograph, Path]], control: TaskControl
) -> tuple[tuple[tuple[Micrograph, Box], ...], int]:
    """Return the info bars that were found, and how many files could not be read."""
    found = []
    unread = 0
    for number, (one, file) in enumerate(files):
        if control.cancelled():
            break
        control.progress(number, len(files), one.shown_name)
        try:
            check_same(one, file, None)
            with open_pyramid(file, None, Plane.parse(one.plane)) as image:
                bar = find_info_bar(image)
        except PoreguiError:
            unread += 1
            continue
        if bar is not None:
            found.append((one, bar))
    return tuple(found), unread


def _call(call: Callable[[], None], _result: int) -> None:
    call()


class ImportFlow(QObject):
    """Bring images into the open project; `imported` carries the ids of new micrographs."""

    imported = Signal(object)

    def __init__(self, window: QWidget, session: Session, services: Services) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._services = services
        self.report: ImportReportDialog | None = None

    def ask_files(self) -> None:
        """Ask for images and import them."""
        chosen, _ = QFileDialog.getOpenFileNames(self._window, "Import images", "", IMAGES)
        self.ask([Path(name) for name in chosen])

    def ask_folder(self) -> None:
        """Ask for a folder and import what is in it."""
        chosen = QFileDialog.getExistingDirectory(self._window, "Import folder")
        if chosen:
            self.ask([Path(chosen)])

    def ask(self, paths: Sequence[Path]) -> None:
        """Ask what the images are and import them."""
        if not paths:
            return
        if self._session.project.read_only:
            self._session.project.check_writable()
        names = [c.name for c in self._session.project.classes()]
        dialog = ImportDialog(paths, names, self._window)

        def start() -> None:
            self.start(paths, dialog.options)

        dialog.accepted.connect(start)
        open_dialog(dialog)

    def start(self, paths: Sequence[Path], options: ImportOptions) -> None:
        """Import images as answered, reading them in the background."""
        folder = self._session.project.folder
        pixels = self._session.project.pixels

        def read(control: TaskControl) -> Collected:
            collected = collect(paths, options, pixels, control.progress, control.cancelled)
            make_backup(folder, "before-import")
            return collected

        self._services.background.run("Importing", read, self._finish)

    def ask_moved(self) -> None:
        """Ask for the folder into which micrographs were moved, and link them to their files."""
        self._session.project.check_writable()
        chosen = QFileDialog.getExistingDirectory(self._window, "Find moved micrographs in")
        if chosen:
            self.find_moved(Path(chosen))

    def find_moved(self, inside: Path) -> None:
        """Look in a folder for the files of micrographs that lost theirs, in the background."""
        folder = self._session.project.folder

        def look(control: TaskControl) -> FoundFiles:
            with Project.open(folder, read_only=True) as project:
                return look_for_files(project, project.micrographs(), inside, control.progress)

        def link(found: FoundFiles) -> None:
            relinked = relink(self._session.project, found)
            if relinked.edit is not None:
                self._session.apply(relinked.edit)
            self._report(relinked.lines)

        self._services.background.run("Looking for micrographs", look, link)

    def ask_outlines(self) -> None:
        """Ask for files of outlines, or masks, and bring them in."""
        self._session.project.check_writable()
        chosen, _ = QFileDialog.getOpenFileNames(
            self._window,
            "Import outlines",
            "",
            "Outlines and masks (*.json *.geojson *.zip *.roi *.csv *.tsv *.png *.tif *.tiff);;"
            "All files (*)",
        )
        if chosen:
            self.outlines(*map(Path, chosen))

    def outlines(self, *paths: Path) -> None:
        """Bring outlines, masks, or the boxes of a CSV, onto the micrographs, cutting crops in the
        background.
        """
        folder = self._session.project.folder
        pixels = self._session.project.pixels

        def read(control: TaskControl) -> CollectedOutlines:
            with Project.open(folder, read_only=True) as project:
                known = project.micrographs()
                images = [image for path in paths for image in read_outlines(path, known)]
                matched, notes = match_images(project, images)
            cut = cut_outlines(matched, notes, pixels, control.progress, control.cancelled)
            make_backup(folder, "before-import")
            return cut

        self._services.background.run("Importing outlines", read, self._finish_outlines)

    def _finish_outlines(self, collected: CollectedOutlines) -> None:
        if collected.cancelled:
            return
        plan = settle_outlines(self._session.project, collected, self._session.who)
        if plan.edit is not None:
            self._session.apply(plan.edit)
        self._report(plan.lines)

    def _finish(self, collected: Collected) -> None:
        project = self._session.project
        before = {m.id for m in project.micrographs()}
        plan = settle(project, collected, self._session.who)
        if plan.edit is not None:
            self._session.apply(plan.edit)
        self._report(plan.report.lines)
        new = {m.id for m in project.micrographs()} - before
        if new:
            self.imported.emit(sorted(new))
        offer_masks(self._session, self._services.background, new, self._when_report_is_closed)

    def _when_report_is_closed(self, call: Callable[[], None]) -> None:
        if self.report is None:
            call()
        else:
            self.report.finished.connect(partial(_call, call))

    def _report(self, lines: Sequence[str]) -> None:
        first, *others = lines
        if not others:
            messages().note(first)
            return
        self.report = ImportReportDialog(first, others, self._window)
        self.report.finished.connect(self._forget_report)
        self.report.open()

    def _forget_report(self) -> None:
        if self.report is not None:
            self.report.deleteLater()
            self.report = None
