"""Join the panel of measurements to the session: measure in the background,
show, choose, export.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog

from poregui.domain.classes import NOT_A_PORE
from poregui.domain.errors import PoreguiError
from poregui.domain.measurement import meets
from poregui.domain.records import Changed
from poregui.domain.statistics.porosity import porosity
from poregui.domain.wording import count, interval, noun
from poregui.gui.base.feature import Feature, Link
from poregui.gui.base.messages import messages
from poregui.gui.base.pieces import Tabbed
from poregui.gui.label.catalogue import Catalogue, CropFilter
from poregui.gui.label.label_state import LabelState
from poregui.gui.label.measure_panel import MeasurePanel
from poregui.gui.lists.pore_table import LENGTHS, PoreTable
from poregui.gui.services.jobs import TaskControl, TaskHandle
from poregui.store.project import Project
from poregui.workflow.checking.finding_checks import checked_finding
from poregui.workflow.detecting.measuring import MeasuredField, measure_project, write_measurements
from poregui.workflow.editing.micrograph_edits import project_build_direction

TAB = "Measurements"
_MEASURED = frozenset({"crops", "outlines", "micrographs", "detections"})
_SOON_MS = 250
_PAUSE_MS = 200
"""Time without another label after which a table of many thousand pores is drawn anew: typing goes
before it.
"""
_NOTHING = (
    "No outlined pores yet. Find pores (in the tab beside the micrograph), or click them one by "
    "one."
)
_WORKING = "Measuring…"


_HIDDEN = frozenset(
    {"classes", "specimens", "crops", "outlines", "micrographs", "detections", "settings"}
)
"""Kinds of change that are heard of while nothing is seen; labels are looked at afterwards."""


class Measuring(Feature):
    """Measure when the panel is looked at and something changed; follow the
    current crop both ways.
    """

    hears = _HIDDEN

    def __init__(self, panel: MeasurePanel, below: Tabbed, state: LabelState) -> None:
        super().__init__(state)
        self._panel = panel
        self._below = below
        self._state = state
        self._fields: list[MeasuredField] = []
        self._table = PoreTable.empty()
        self._no_pores: frozenset[int] = frozenset()
        self._seen = False
        self._stale = True
        self._changed_meanwhile = False
        self._running: TaskHandle | None = None
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MS)
        self._soon.timeout.connect(self._measure)
        self._relabel = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._relabel.timeout.connect(self._show_labels)
        self._direction: float | None = None

    def links(self) -> Iterable[Link]:
        panel = self._panel
        return (
            (panel.chosen, self._choose),
            (panel.lassoed, self._choose_several),
            (panel.filter_changed, self._show),
            (panel.export_requested, self._ask_export),
            (self._below.chosen, self._look),
            (self._state.current_changed, self._follow_current),
            (self._state.micrograph_changed, self._micrograph_changed),
            (self._state.services.background.finished, self._ended),
        )

    def start(self) -> None:
        catalogue = self._state.catalogue
        self._panel.set_classes(catalogue.classes, catalogue.known_classes)
        self._panel.set_empty_text(_NOTHING)
        self._direction = project_build_direction(self._state.project)
        self._no_pores = no_pores(catalogue)
        self._look()

    def stop(self) -> None:
        """End what runs and leave the panel empty."""
        if self._running is not None:
            self._running.cancel()
        self._soon.stop()
        self._relabel.stop()
        self._panel.set_table(PoreTable.empty(), np.zeros(0, np.bool_))
        self._panel.set_summary("")

    def follow(self, changed: Changed) -> None:
        """Show new labels once typing pauses, and measure again where something that is measured
        changed.
        """
        catalogue = self._state.catalogue
        if "classes" in changed.kinds:
            self._panel.set_classes(catalogue.classes, catalogue.known_classes)
        if self._moved(changed) or changed.kinds & _MEASURED:
            self._stale = True
            self._changed_meanwhile = True
            self._look()
        elif changed.kinds != {"settings"} and self._seen:
            self._relabel.start()

    def _moved(self, changed: Changed) -> bool:
        """Tell whether the project's build direction, or which crops are no pores, changed."""
        direction = self._direction
        if "settings" in changed.kinds:
            direction = project_build_direction(self._state.project)
        excluded = self._no_pores
        if changed.kinds == {"labels"} and changed.crop_ids:
            excluded = no_pores(self._state.catalogue, changed.crop_ids, excluded)
        elif changed.kinds != {"settings"}:
            excluded = no_pores(self._state.catalogue)
        moved = direction != self._direction or excluded != self._no_pores
        self._direction = direction
        self._no_pores = excluded
        return moved

    # ---- measuring --------------------------------------------------------------------------

    def _look(self, _title: object = None) -> None:
        self._seen = self._below.current == TAB
        self.hears = _HIDDEN | {"labels"} if self._seen else _HIDDEN
        if not self._seen:
            return
        excluded = no_pores(self._state.catalogue)
        if excluded != self._no_pores:
            self._no_pores = excluded
            self._stale = True
            self._changed_meanwhile = True
        if self._stale:
            self._soon.start()
        else:
            self._build()

    def _measure(self) -> None:
        background = self._state.services.background
        if self._running is not None:
            return
        folder = self._state.project.folder
        self._changed_meanwhile = False

        def measured(control: TaskControl) -> list[MeasuredField]:
            with Project.open(folder, read_only=True) as reader:
                return measure_project(reader, progress=control.progress)

        self._panel.set_empty_text(_WORKING)
        self._running = background.run("Measuring", measured, self._take, self._fail)

    def _take(self, fields: list[MeasuredField]) -> None:
        self._fields = fields
        self._stale = self._changed_meanwhile
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
                self._panel.set_empty_text(
                    "Measuring was cancelled. Open this tab again to continue."
                )

    # ---- showing ----------------------------------------------------------------------------

    def _build(self) -> None:
        self._table = pore_table(self._fields, self._state.catalogue)
        text = summary_text(self._fields)
        check = checked_finding(self._state.project)
        if text and check is not None and check.short:
            text += f" · checked: {check.short}"
        self._panel.set_summary(text)
        self._show()

    def _show_labels(self) -> None:
        self._table = relabelled(self._table, self._state.catalogue)
        self._show()

    def _show(self) -> None:
        wanted = self._panel.pore_filter()
        table = self._table
        kept = np.ones(len(table), np.bool_)
        if wanted.label != "any":
            kept &= np.array([label == wanted.label for label in table.labels], np.bool_)
        shown = self._state.micrograph
        if wanted.here:
            kept &= table.micrograph_ids == (shown.id if shown is not None else -1)
        if wanted.reliable:
            kept &= np.asarray(table.columns["shape_reliable"], np.bool_)
        if wanted.conditions:
            kept &= meets(table.columns, wanted.conditions)
        self._panel.set_table(table, kept)
        self._panel.set_current(self._state.current)

    def _micrograph_changed(self) -> None:
        if self._seen and self._panel.pore_filter().here:
            self._show()

    def _follow_current(self, crop_id: int | None) -> None:
        if self._seen:
            self._panel.set_current(crop_id)

    def _choose(self, crop_id: int) -> None:
        if crop_id not in self._state.catalogue.crops:
            return
        self._state.choose(crop_id)
        self._panel.set_current(crop_id)

    def _choose_several(self, crop_ids: Sequence[int]) -> None:
        """Select pores in the grid, so that a key labels them all; those that its filter hides are
        shown.
        """
        state = self._state
        there = [crop_id for crop_id in crop_ids if crop_id in state.catalogue.crops]
        if not there:
            return
        if not all(state.filter.accepts(state.catalogue.crops[crop_id]) for crop_id in there):
            state.set_filter(CropFilter())
        state.choose(there[0], also=there)
        messages().note(f"{count(len(there), 'pore')} selected. A class key labels them.")

    # ---- exporting --------------------------------------------------------------------------

    def _ask_export(self) -> None:
        folder = self._state.project.folder
        proposed = str(folder.with_name(f"{folder.name}-measurements.csv"))
        chosen, _ = QFileDialog.getSaveFileName(
            self._panel.window(), "Export measurements", proposed, "*.csv"
        )
        if chosen:
            self.export(Path(chosen))

    def export(self, out: Path) -> None:
        """Write one line a pore as CSV."""
        folder = self._state.project.folder

        def write(control: TaskControl) -> int:
            with Project.open(folder, read_only=True) as reader:
                return write_measurements(
                    reader, measure_project(reader, progress=control.progress), out
                )

        self._state.services.background.run(
            "Exporting measurements",
            write,
            partial(_note_export, out),
        )


def no_pores(
    catalogue: Catalogue,
    crop_ids: Sequence[int] | None = None,
    before: frozenset[int] = frozenset(),
) -> frozenset[int]:
    """Return the crops that are no pores; where only `crop_ids` changed, from those `before`."""
    crops = catalogue.crops
    if crop_ids is None:
        return frozenset(crop.id for crop in crops.values() if crop.label == NOT_A_PORE)
    now = {i for i in crop_ids if i in crops and crops[i].label == NOT_A_PORE}
    if not now and before.isdisjoint(crop_ids):
        return before
    return before.difference(crop_ids) | now


def pore_table(fields: Sequence[MeasuredField], catalogue: Catalogue) -> PoreTable:
    """Return the numbers of all fields as one table, with labels as they are now; crops that went
    are left out.

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
    micrographs = np.repeat(
        [field.micrograph.id for field in fields], [len(field.crop_ids) for field in fields]
    )[there]
    names = {field.micrograph.id: field.micrograph.shown_name for field in fields}
    labels = tuple(catalogue.crops[crop_id].label for crop_id in crop_ids[there].tolist())
    return PoreTable(
        crop_ids[there],
        labels,
        _label_names(labels, catalogue),
        np.asarray(micrographs, np.int64),
        tuple(names[i] for i in micrographs.tolist()),
        columns,
        "um" if in_um else "px",
    )


def relabelled(table: PoreTable, catalogue: Catalogue) -> PoreTable:
    """Return a table with labels as they are now; crops that went keep theirs until they are
    measured anew.
    """
    there = zip(table.crop_ids.tolist(), table.labels, strict=True)
    labels = tuple(
        catalogue.crops[i].label if i in catalogue.crops else label for i, label in there
    )
    return replace(table, labels=labels, label_names=_label_names(labels, catalogue))


def _label_names(labels: Sequence[int | None], catalogue: Catalogue) -> tuple[str, ...]:
    names: dict[int | None, str] = {label: catalogue.marks.name(label) for label in set(labels)}
    names[None] = ""
    return tuple(names[label] for label in labels)


def _in_unit(field: MeasuredField, name: str, *, in_um: bool) -> NDArray[np.float64]:
    values = field.measured.columns[name]
    scale = field.micrograph.um_per_px
    if in_um or name not in LENGTHS or field.measured.unit == "px" or scale is None:
        return values
    return np.asarray(values / scale)


def _note_export(out: Path, pores: int) -> None:
    messages().note(f"{count(pores, 'pore')} written to {out}.")


def summary_text(fields: Sequence[MeasuredField]) -> str:
    """Return how many pores there are and what the porosity over fields is, in a line."""
    over = porosity(
        [field.pore_area_px for field in fields], [field.field_area_px for field in fields]
    )
    if over is None:
        return ""
    pores = count(sum(len(field.crop_ids) for field in fields), "outlined pore")
    text = f"{pores} · porosity {over.mean:.2f} %"
    if over.low is None or over.high is None:
        return f"{text} in one field{_remarks(fields)}"
    text += f" over {over.fields} fields ({interval(over.low, over.high, digits=2)})"
    if over.relative_accuracy is not None:
        accuracy = f" · relative accuracy {over.relative_accuracy:.0f} %"
    else:
        accuracy = ""
    scales = sum(field.measured.unit == "um" for field in fields)
    if 0 < scales < len(fields):
        mixed = " · lengths in px: not every micrograph has a pixel size"
    else:
        mixed = ""
    return text + accuracy + mixed + _remarks(fields)


def _remarks(fields: Sequence[MeasuredField]) -> str:
    """Say that outlines overlap, and that files hold other images now, so that their greys are not
    known.
    """
    text = " · overlaps counted once" if any(field.overlap for field in fields) else ""
    others = sum(bool(field.note) for field in fields)
    if not others:
        return text
    hold = noun(others, "holds", "hold")
    return f"{text} · {count(others, 'file')} {hold} another image now (no greys)"
