"""Change specimens, names and pages of micrographs as a person answers in dialogs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.micrograph_names import names_with_ids
from poregui.domain.records import Micrograph, Plane
from poregui.gui.base.messages import guarded, messages
from poregui.gui.base.theme import theme
from poregui.gui.dialogs.base import FormDialog, hint, open_dialog
from poregui.gui.dialogs.micrograph_dialogs import MicrographDialog, SeveralMicrographsDialog
from poregui.gui.services.jobs import Background, TaskControl
from poregui.gui.services.session import Session
from poregui.vision.io.header import Header
from poregui.vision.io.reader import read_header
from poregui.workflow.editing.accept_file import FileNow, accept_file, look_at_file
from poregui.workflow.editing.edits import Combined, Edit
from poregui.workflow.editing.label_edits import set_scale, set_specimen
from poregui.workflow.editing.micrograph_edits import (
    Step,
    change_plane,
    change_several,
    give_masks,
    set_specimens,
    similar_to,
    with_plane,
)
from poregui.workflow.importing.specimen_names import doubt_text, in_doubt, specimens_in_names


class NamingDialog(FormDialog):
    """Show which specimen a pattern finds in each file name; `pattern` is fit after it was
    accepted.
    """

    def __init__(self, micrographs: Sequence[Micrograph], parent: QWidget | None = None) -> None:
        super().__init__("Specimens from file names", "Set specimens", parent)
        self.resize(560, 480)
        self._micrographs = tuple(micrographs)
        self._edit = QLineEdit()
        self._edit.setObjectName("naming_pattern_edit")
        self._edit.setAccessibleName("File name pattern")
        self._edit.setPlaceholderText("e.g. {specimen}_*.tif")
        self.form.addRow("Pattern", self._edit)
        self._hint = hint("")
        self._hint.setObjectName("naming_hint")
        self.form.addRow("", self._hint)
        self.table = QTableWidget(len(self._micrographs), 2)
        self.table.setObjectName("naming_table")
        self.table.setAccessibleName("File names and their specimens")
        self.table.setHorizontalHeaderLabels(["File name", "Specimen"])
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setTabKeyNavigation(False)  # Tab leads to the buttons
        self.table.setShowGrid(False)
        self.table.setMinimumHeight(320)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        for row, one in enumerate(self._micrographs):
            self.table.setItem(row, 0, QTableWidgetItem(one.shown_name))
            self.table.setItem(row, 1, QTableWidgetItem())
        self.form.addRow(self.table)
        self._edit.textChanged.connect(self._preview)
        theme().changed.connect(self._preview)
        self._preview()

    @property
    def pattern(self) -> str:
        """Return the pattern as it is written now."""
        return self._edit.text().strip()

    def check(self) -> None:
        found = specimens_in_names(self._micrographs, self.pattern)
        if all(name is None for _, name in found):
            raise PoreguiError(
                "The pattern matches no file name.", _matches_text(found, self.pattern)
            )

    def _preview(self) -> None:
        names: list[str | None] = [None] * len(self._micrographs)
        message = (
            "* stands for any characters, ? for one. A regular expression with one group works too."
        )
        if self.pattern:
            try:
                found = specimens_in_names(self._micrographs, self.pattern)
            except PoreguiError as error:
                message = str(error)
            else:
                names = [name for _, name in found]
                message = _matches_text(found, self.pattern)
        self._hint.setText(message)
        colours = theme().tokens
        for row, name in enumerate(names):
            colour = QColor(colours.text)
            if name is None:
                colour = QColor(colours.muted)
            for column, text in enumerate((self._micrographs[row].shown_name, name or "")):
                item = self.table.item(row, column)
                if item is not None:
                    item.setText(text)
                    item.setForeground(colour)


def _matches_text(found: Sequence[tuple[Micrograph, str | None]], pattern: str) -> str:
    """Say how many names match, and which do not although they could."""
    fit = sum(name is not None for _, name in found)
    text = f"{fit} of {len(found)} names match. The others keep their specimen."
    doubtful = in_doubt(found, pattern)
    if doubtful:
        return f"{text} {doubt_text(names_with_ids(doubtful))}"
    return text


def ask_naming(session: Session, parent: QWidget) -> None:
    """Ask for a pattern of the file names, and give the micrographs their specimens in one edit."""
    micrographs = session.project.micrographs()
    if not micrographs:
        messages().note("There is no micrograph yet. Import images first.")
        return
    dialog = NamingDialog(micrographs, parent)

    def change() -> None:
        edit = set_specimens(
            session.project, specimens_in_names(session.project.micrographs(), dialog.pattern)
        )
        if edit is None:
            messages().note("The micrographs already have these specimens.")
        else:
            session.apply(edit)

    dialog.accepted.connect(partial(guarded, change))
    open_dialog(dialog)


class MicrographFlow(QObject):
    """Ask what people know of micrographs: specimen, scale, and which page of a file is meant."""

    def __init__(self, window: QWidget, session: Session, background: Background) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._background = background

    def ask(self, ids: Sequence[int]) -> None:
        """Ask for specimen and scale of micrographs; of a single one for its page as well."""
        found = [m for m in self._session.project.micrographs() if m.id in set(ids)]
        if len(found) == 1:
            self._ask_one(found[0])
        elif found:
            self._ask_several(found)

    def accept_file(self, micrograph_id: int) -> None:
        """Take the file of a micrograph as it is now, where it is not the one that was imported."""
        for micrograph in self._session.project.micrographs():
            if micrograph.id == micrograph_id:
                accept_changed_file(self._session, self._background, micrograph)

    def ask_names(self) -> None:
        """Ask how file names tell the specimen."""
        ask_naming(self._session, self._window)

    def _ask_one(self, micrograph: Micrograph) -> None:
        names = self._specimens()
        specimen = names.get(micrograph.specimen_id or 0, "")
        similar = similar_to(micrograph, self._session.project.micrographs())
        dialog = MicrographDialog(
            micrograph, specimen, tuple(names.values()), self._window, len(similar)
        )
        offer_planes(self._background, self._session.project.micrograph_file(micrograph), dialog)
        change = partial(change_micrograph, self._session, self._background, micrograph, dialog)
        dialog.accepted.connect(partial(guarded, change))
        open_dialog(dialog)

    def _ask_several(self, micrographs: Sequence[Micrograph]) -> None:
        dialog = SeveralMicrographsDialog(micrographs, self._specimens(), self._window)
        ids = [micrograph.id for micrograph in micrographs]
        change = partial(change_micrographs, self._session, ids, dialog)
        dialog.accepted.connect(partial(guarded, change))
        open_dialog(dialog)

    def _specimens(self) -> dict[int, str]:
        return {specimen.id: specimen.name for specimen in self._session.project.specimens()}


def offer_planes(background: Background, file: Path, dialog: MicrographDialog) -> None:
    """Offer the pages, channels and slices of a file in a dialog, once its header was read, where
    it is still open.
    """
    waiting = [dialog]

    def forget(_result: int) -> None:
        waiting.clear()

    def read(_control: TaskControl) -> Header | None:
        try:
            return read_header(file)
        except ImageError:
            return None  # specimen and scale of a vanished file can be changed all the same

    def offer(header: Header | None) -> None:
        if header is not None and waiting:
            dialog.offer_planes(header)

    dialog.finished.connect(forget)
    background.run("Reading the file header", read, offer)


def change_micrograph(
    session: Session, background: Background, micrograph: Micrograph, dialog: MicrographDialog
) -> None:
    """Set specimen and scale as answered, and with them the plane, for which its file is read in
    the background.
    """
    specimen = dialog.specimen
    um_per_px = dialog.um_per_px
    plane = dialog.plane
    others = partial(_change_similar, session, micrograph, dialog)
    if plane == Plane.parse(micrograph.plane):
        _apply(session, micrograph, micrograph, specimen, um_per_px, others())
        return
    file = session.project.micrograph_file(micrograph)

    def read(_control: TaskControl) -> Micrograph:
        return with_plane(file, micrograph, plane)

    def apply(after: Micrograph) -> None:
        _apply(session, micrograph, after, specimen, um_per_px, others())

    background.run(f"Reading {micrograph.shown_name}", read, apply)


def change_micrographs(
    session: Session, ids: Sequence[int], dialog: SeveralMicrographsDialog
) -> None:
    """Set what was answered of specimen and scale for all these micrographs, in one edit."""
    project = session.project
    um_per_px = dialog.um_per_px
    specimen = dialog.specimen
    steps: list[Step] = []
    if um_per_px is not None:
        steps.append(partial(set_scale, um_per_px=um_per_px))
    if specimen is not None:

        def name(micrographs: Iterable[Micrograph]) -> Edit | None:
            return set_specimens(project, ((m, specimen) for m in micrographs))

        steps.append(name)
    edit = change_several([m for m in project.micrographs() if m.id in set(ids)], steps)
    if edit is not None:
        session.apply(edit)


def accept_changed_file(session: Session, background: Background, micrograph: Micrograph) -> None:
    """Read the file of a micrograph in the background and accept it as it is now, in one edit, with
    a sentence.

    Raises PoreguiError in a project that is open for reading only.
    """
    project = session.project
    project.check_writable()
    file = project.micrograph_file(micrograph)
    crops = project.crops(micrograph_id=micrograph.id)
    folder = project.folder
    pixels = project.pixels

    def look(control: TaskControl) -> FileNow:
        return look_at_file(micrograph, file, folder, crops, pixels, control.progress)

    def settle(now: FileNow) -> None:
        try:
            accepted = accept_file(session.project, micrograph, now)
            if accepted.edit is not None:
                session.apply(accepted.edit)
        except PoreguiError as error:
            messages().error(error)
            return
        messages().note(accepted.sentence)

    background.run(f"Reading {micrograph.shown_name}", look, settle)


def _change_similar(
    session: Session, micrograph: Micrograph, dialog: MicrographDialog
) -> Edit | None:
    """Return the edit that gives similar micrographs the pixel size and masks that were answered
    for them.
    """
    steps: list[Step] = []
    if dialog.scale_for_similar:
        steps.append(partial(set_scale, um_per_px=dialog.um_per_px))
    if dialog.masks_for_similar:
        steps.append(partial(give_masks, masks=micrograph.masks))
    return change_several(similar_to(micrograph, session.project.micrographs()), steps)


def _apply(
    session: Session,
    before: Micrograph,
    after: Micrograph,
    specimen: str,
    um_per_px: float | None,
    others: Edit | None = None,
) -> None:
    edits: list[Edit] = []
    if others is not None:
        edits.append(others)
    if after != before:
        edits.append(change_plane(session.project, before, after))
    if um_per_px != before.um_per_px:
        scaled = set_scale([after], um_per_px)
        edits.append(scaled)
        after = scaled.after[0]
    edits.append(set_specimen(session.project, [after], specimen))
    session.apply(Combined(tuple(edits), text="change micrograph"))
