"""Join the panel of measurements to the session: measure in the background, show, choose, export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog

from poregui.domain.classes import NOT_A_PORE
from poregui.domain.errors import PoreguiError
from poregui.domain.porosity import porosity
from poregui.domain.records import Changed
from poregui.gui.background import TaskControl, TaskHandle
from poregui.gui.label.catalogue import Catalogue
from poregui.gui.label.companion import LabelDesk
from poregui.gui.messages import messages
from poregui.gui.models.pore_table import LENGTHS, PoreTable
from poregui.store.project import Project
from poregui.workflow.frame import project_build_direction
from poregui.workflow.measure import MeasuredField, measure_project, write_measurements

TAB = "Measurements"
_SOON_MS = 250
_PAUSE_MS = 200
"""Time without another label after which a table of many thousand pores is drawn anew: typing goes before it."""
_NOTHING = "No pore has an outline yet. Find pores (in the tab beside the micrograph), or click them one by one."
_WORKING = "Measuring…"


class Measuring(QObject):
    """Measure when the panel is looked at and something changed; follow the current crop both ways."""

    def __init__(self, desk: LabelDesk) -> None:
        super().__init__(desk.owner)
        self._desk = desk
        self._panel = desk.page.measure_panel
        self._fields: list[MeasuredField] = []
        self._table = PoreTable.empty()
        self._no_pores: frozenset[int] = frozenset()
        self._stale = True
        self._changed_meanwhile = False
        self._running: TaskHandle | None = None
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MS)
        self._soon.timeout.connect(self._measure)
        self._relabel = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._relabel.timeout.connect(self._show_labels)
        self._direction: float | None = None

    def _links(self) -> tuple:
        panel, desk = self._panel, self._desk
        return (
            (panel.chosen, self._choose),
            (panel.filter_changed, self._show),
            (panel.export_requested, self._ask_export),
            (desk.page.below.chosen, self._look),
            (desk.page.crop_grid.chosen, self._follow_current),
            (desk.stage.changed, self._stage_changed),
        )

    def attach(self) -> None:
        """Listen, and measure when the panel is seen."""
        for signal, slot in self._links():
            signal.connect(slot)
        if self._desk.services.background is not None:
            self._desk.services.background.finished.connect(self._ended)
        self._panel.set_classes(self._desk.catalogue.classes, self._desk.catalogue.known_classes)
        self._panel.set_empty_text(_NOTHING)
        self._direction = project_build_direction(self._desk.session.project)
        self._look()

    def detach(self) -> None:
        """Stop listening, end what runs and leave the panel empty."""
        for signal, slot in self._links():
            signal.disconnect(slot)
        if self._desk.services.background is not None:
            self._desk.services.background.finished.disconnect(self._ended)
        if self._running is not None:
            self._running.cancel()
        self._soon.stop()
        self._relabel.stop()
        self._panel.set_table(PoreTable.empty(), np.zeros(0, np.bool_))
        self._panel.set_summary("")
        self.deleteLater()

    def follow(self, changed: Changed) -> None:
        """Show new labels once typing pauses, and measure again where something that is measured changed."""
        catalogue = self._desk.catalogue
        if "classes" in changed.kinds:
            self._panel.set_classes(catalogue.classes, catalogue.known_classes)
        no_pores = self._now_no_pores(changed)
        before, self._direction = self._direction, project_build_direction(self._desk.session.project)
        moved = self._direction != before or no_pores != self._no_pores
        if moved or changed.kinds & {"crops", "outlines", "micrographs", "detections"}:
            self._no_pores = no_pores
            self._stale = self._changed_meanwhile = True
            self._look()
        elif changed.kinds & {"labels", "classes", "specimens"} and self._seen:
            self._relabel.start()

    def _now_no_pores(self, changed: Changed) -> frozenset[int]:
        """Return the crops that are no pores; after a label only those are looked at that got one."""
        crops = self._desk.catalogue.crops
        if changed.kinds == {"labels"} and changed.crop_ids:
            now = {i for i in changed.crop_ids if i in crops and crops[i].label == NOT_A_PORE}
            return self._no_pores.difference(changed.crop_ids) | now
        return frozenset(crop.id for crop in crops.values() if crop.label == NOT_A_PORE)

    # ---- measuring -----------------------------------------------------------------------------------------------

    @property
    def _seen(self) -> bool:
        return self._desk.page.below.current == TAB

    def _look(self, _title: object = None) -> None:
        if self._seen and self._stale:
            self._soon.start()
        elif self._seen:
            self._build()

    def _measure(self) -> None:
        background = self._desk.services.background
        if self._running is not None or background is None:
            return
        folder = self._desk.session.project.folder
        self._changed_meanwhile = False

        def measured(control: TaskControl) -> list[MeasuredField]:
            with Project.open(folder, read_only=True) as reader:
                return measure_project(reader, progress=control.progress)

        self._panel.set_empty_text(_WORKING)
        self._running = background.run("Measuring", measured, self._take, self._fail)

    def _take(self, fields: list[MeasuredField]) -> None:
        self._fields, self._stale = fields, self._changed_meanwhile
        self._panel.set_empty_text(_NOTHING)
        self._build()
        if self._stale:
            self._look()

    def _fail(self, error: PoreguiError) -> None:
        self._panel.set_empty_text(str(error))

    def _ended(self, handle: TaskHandle) -> None:
        if handle is self._running:
            self._running = None
            if handle.cancelled:
                self._panel.set_empty_text("Measuring was cancelled. Choose this tab again to go on.")

    # ---- showing -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._table = pore_table(self._fields, self._desk.catalogue)
        self._panel.set_summary(summary_words(self._fields))
        self._show()

    def _show_labels(self) -> None:
        self._table = relabelled(self._table, self._desk.catalogue)
        self._show()

    def _show(self) -> None:
        wanted, table = self._panel.pore_filter(), self._table
        kept = np.ones(len(table), np.bool_)
        if wanted.label != "any":
            kept &= np.array([label == wanted.label for label in table.labels], np.bool_)
        shown = self._desk.stage.micrograph
        if wanted.here:
            kept &= table.micrograph_ids == (shown.id if shown is not None else -1)
        if wanted.reliable:
            kept &= np.asarray(table.columns["shape_reliable"], np.bool_)
        self._panel.set_table(table, kept)
        self._panel.set_current(self._desk.current())

    def _stage_changed(self) -> None:
        if self._seen and self._panel.pore_filter().here:
            self._show()

    def _follow_current(self, crop_id: int) -> None:
        if self._seen:
            self._panel.set_current(crop_id)

    def _choose(self, crop_id: int) -> None:
        if crop_id not in self._desk.catalogue.crops:
            return
        self._desk.choose(crop_id)
        self._panel.set_current(crop_id)

    # ---- exporting -----------------------------------------------------------------------------------------------

    def _ask_export(self) -> None:
        folder = self._desk.session.project.folder
        proposed = str(folder.with_name(f"{folder.name}-measurements.csv"))
        chosen, _ = QFileDialog.getSaveFileName(self._panel.window(), "Export measurements", proposed, "*.csv")
        if chosen:
            self.export(Path(chosen))

    def export(self, out: Path) -> None:
        """Write one line a pore as CSV."""
        folder = self._desk.session.project.folder

        def write(control: TaskControl) -> int:
            with Project.open(folder, read_only=True) as reader:
                return write_measurements(reader, measure_project(reader, progress=control.progress), out)

        self._desk.services.background.run(
            "Exporting measurements", write, lambda count: messages().note(f"{count} pores written to {out}.")
        )


def pore_table(fields: Sequence[MeasuredField], catalogue: Catalogue) -> PoreTable:
    """Return the numbers of all fields as one table, with labels as they are now; crops that went are left out.

    Lengths are in um where every field has a scale, else all in px.
    """
    if not fields:
        return PoreTable.empty()
    crop_ids = np.concatenate([field.crop_ids for field in fields])
    there = np.array([crop_id in catalogue.crops for crop_id in crop_ids.tolist()], np.bool_)
    in_um = all(field.measured.unit == "um" for field in fields)
    columns = {
        name: np.concatenate([_in_unit(field, name, in_um=in_um) for field in fields])[there]
        for name in fields[0].measured.columns
    }
    micrographs = np.repeat([field.micrograph.id for field in fields], [len(field.crop_ids) for field in fields])[there]
    names = {field.micrograph.id: field.micrograph.shown_name for field in fields}
    labels = tuple(catalogue.crops[crop_id].label for crop_id in crop_ids[there].tolist())
    said = {label: "" if label is None else catalogue.marks.name(label) for label in set(labels)}
    return PoreTable(
        crop_ids[there],
        labels,
        tuple(said[label] for label in labels),
        np.asarray(micrographs, np.int64),
        tuple(names[i] for i in micrographs.tolist()),
        columns,
        "um" if in_um else "px",
    )


def relabelled(table: PoreTable, catalogue: Catalogue) -> PoreTable:
    """Return a table with labels as they are now; crops that went keep theirs until they are measured anew."""
    there = zip(table.crop_ids.tolist(), table.labels, strict=True)
    labels = tuple(catalogue.crops[i].label if i in catalogue.crops else label for i, label in there)
    said = {label: "" if label is None else catalogue.marks.name(label) for label in set(labels)}
    return replace(table, labels=labels, label_names=tuple(said[label] for label in labels))


def _in_unit(field: MeasuredField, name: str, *, in_um: bool) -> NDArray[np.float64]:
    values = field.measured.columns[name]
    scale = field.micrograph.um_per_px
    if in_um or name not in LENGTHS or field.measured.unit == "px" or scale is None:
        return values
    return np.asarray(values / scale)


def summary_words(fields: Sequence[MeasuredField]) -> str:
    """Return how many pores there are and what the porosity over fields is, in a line."""
    over = porosity([field.pore_area_px for field in fields], [field.field_area_px for field in fields])
    if over is None:
        return ""
    pores = sum(len(field.crop_ids) for field in fields)
    text = f"{pores:,} outlined pores · porosity {over.mean:.2f} area %"
    if over.low is None or over.high is None:
        return f"{text} in one field{_other_pictures(fields)}"
    text += f" over {over.fields} fields (95 % interval {over.low:.2f} to {over.high:.2f})"
    accuracy = f" · relative accuracy {over.relative_accuracy:.0f} %" if over.relative_accuracy is not None else ""
    scales = sum(field.measured.unit == "um" for field in fields)
    mixed = " · lengths in px: not every micrograph has a scale" if 0 < scales < len(fields) else ""
    return text + accuracy + mixed + _other_pictures(fields)


def _other_pictures(fields: Sequence[MeasuredField]) -> str:
    """Say that files hold other pictures now, so that their greys are not known."""
    count = sum(bool(field.note) for field in fields)
    if not count:
        return ""
    return f" · {count} file{' holds' if count == 1 else 's hold'} another picture now (no greys)"
