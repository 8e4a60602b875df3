"""Do what a person answered about a micrograph, reading another page in the background."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from poregui.domain.errors import ImageError
from poregui.domain.records import Micrograph, Plane
from poregui.gui.dialogs.micrograph_dialogs import MicrographDialog, SeveralMicrographsDialog
from poregui.gui.services.jobs import Background
from poregui.gui.services.session import Session
from poregui.vision.io.header import Header
from poregui.vision.io.reader import read_header
from poregui.workflow.editing.edits import Combined, Edit
from poregui.workflow.editing.label_edits import set_scale, set_specimen
from poregui.workflow.editing.micrograph_edits import (
    Step,
    change_plane,
    change_several,
    set_specimens,
    with_plane,
)


def ask_plane(background: Background, file: Path, dialog: MicrographDialog) -> None:
    """Offer the pages, channels and slices of a file in a dialog, once its header was read, where
    it is still open.
    """
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
    """Set specimen and scale as answered, and with them the plane, for which its file is read in
    the background.
    """
    specimen = answered.specimen
    um_per_px = answered.um_per_px
    plane = answered.plane
    if plane == Plane.parse(micrograph.plane):
        _apply(session, micrograph, micrograph, specimen, um_per_px)
        return
    file = session.project.micrograph_file(micrograph)
    background.run(
        f"Reading {micrograph.name}",
        lambda control: with_plane(file, micrograph, plane),
        lambda after: _apply(session, micrograph, after, specimen, um_per_px),
    )


def change_micrographs(
    session: Session, ids: Sequence[int], answered: SeveralMicrographsDialog
) -> None:
    """Set what was answered of specimen and scale for all these micrographs, in one edit."""
    project = session.project
    um_per_px = answered.um_per_px
    specimen = answered.specimen
    steps: list[Step] = []
    if um_per_px is not None:
        steps.append(lambda micrographs: set_scale(micrographs, um_per_px))
    if specimen is not None:
        steps.append(
            lambda micrographs: set_specimens(project, ((m, specimen) for m in micrographs))
        )
    edit = change_several([m for m in project.micrographs() if m.id in set(ids)], steps)
    if edit is not None:
        session.apply(edit)


def _apply(
    session: Session, before: Micrograph, after: Micrograph, specimen: str, um_per_px: float | None
) -> None:
    edits: list[Edit] = []
    if after != before:
        edits.append(change_plane(session.project, before, after))
    if um_per_px != before.um_per_px:
        scaled = set_scale([after], um_per_px)
        edits.append(scaled)
        after = scaled.after[0]
    edits.append(set_specimen(session.project, [after], specimen))
    session.apply(Combined(tuple(edits), text="change micrograph"))
