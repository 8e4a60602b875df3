"""Do what a person answered about a micrograph, reading another page in the background; changes with its dialog."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.plane import Plane
from poregui.domain.records import Micrograph
from poregui.gui.background import Background, TaskControl
from poregui.gui.dialogs.micrograph import MicrographDialog, SeveralMicrographsDialog
from poregui.gui.messages import messages
from poregui.gui.session import Session
from poregui.vision.header import Header
from poregui.vision.image_io import read_header
from poregui.workflow.accept_file import FileNow, accept_file, look_at_file
from poregui.workflow.changes import set_scale, set_specimen
from poregui.workflow.cleaning import Step, change_several, set_specimens
from poregui.workflow.edits import Combined, Edit
from poregui.workflow.planes import change_plane, with_plane


def ask_plane(background: Background, file: Path, dialog: MicrographDialog) -> None:
    """Offer the pages, channels and slices of a file in a dialog, once its header was read, where it is still open."""
    waiting = [dialog]
    dialog.finished.connect(lambda *_: waiting.clear())

    def header() -> Header | None:
        try:
            return read_header(file)
        except ImageError:
            return None  # specimen and scale of a vanished file can be changed all the same

    def offer(found: Header | None) -> None:
        if found is not None and waiting:
            dialog.offer_planes(found)

    background.run("Looking at the file", lambda control: header(), offer)


def change_micrograph(
    session: Session, background: Background, micrograph: Micrograph, answered: MicrographDialog
) -> None:
    """Set specimen and scale as answered, and with them the plane, for which its file is read in the background."""
    specimen, um_per_px, plane = answered.specimen, answered.um_per_px, answered.plane
    if plane == Plane.parse(micrograph.plane):
        _apply(session, micrograph, micrograph, specimen, um_per_px)
        return
    file = session.project.micrograph_file(micrograph)
    background.run(
        f"Reading {micrograph.shown_name}",
        lambda control: with_plane(file, micrograph, plane),
        lambda after: _apply(session, micrograph, after, specimen, um_per_px),
    )


def change_micrographs(session: Session, ids: Sequence[int], answered: SeveralMicrographsDialog) -> None:
    """Set what was answered of specimen and scale for all these micrographs, in one edit."""
    project, um_per_px, specimen = session.project, answered.um_per_px, answered.specimen
    steps: list[Step] = []
    if um_per_px is not None:
        steps.append(lambda micrographs: set_scale(micrographs, um_per_px))
    if specimen is not None:
        steps.append(lambda micrographs: set_specimens(project, ((m, specimen) for m in micrographs)))
    edit = change_several([m for m in project.micrographs() if m.id in set(ids)], steps)
    if edit is not None:
        session.apply(edit)


def accept_changed_file(session: Session, background: Background, micrograph: Micrograph) -> None:
    """Read the file of a micrograph in the background and accept it as it is now, in one edit, with a sentence.

    Raises PoreguiError in a project that is open for reading only.
    """
    project = session.project
    project.check_writable()
    file, crops = project.micrograph_file(micrograph), project.crops(micrograph_id=micrograph.id)
    folder, pixels = project.folder, project.pixels

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


def _apply(session: Session, before: Micrograph, after: Micrograph, specimen: str, um_per_px: float | None) -> None:
    edits: list[Edit] = []
    if after != before:
        edits.append(change_plane(session.project, before, after))
    if um_per_px != before.um_per_px:
        scaled = set_scale([after], um_per_px)
        edits.append(scaled)
        after = scaled.after[0]
    edits.append(set_specimen(session.project, [after], specimen))
    session.apply(Combined(tuple(edits), text="change micrograph"))
