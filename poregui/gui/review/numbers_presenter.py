"""Compute the honest numbers of a run beside the window and put them into tables; changes with which are told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal

from poregui.domain.dataset import Part
from poregui.domain.errors import PoreguiError
from poregui.gui.background import TaskHandle
from poregui.gui.review.number_rows import beside_rows, breakdown_heads, breakdown_rows, class_rows, overall_rows
from poregui.gui.review.panel_presenter import PanelPresenter, Surroundings
from poregui.gui.review.parts import say
from poregui.gui.review.words import PART_WORDS
from poregui.gui.widgets.class_marks import ClassMarks
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.baseline import Baseline, BesideBaseline, beside_baseline, read_baseline
from poregui.workflow.crossed import Crossed, cross_validations, pooled_beside_grouped
from poregui.workflow.evaluate import RunReview
from poregui.workflow.grouping import group_names
from poregui.workflow.numbers import Numbers, numbers
from poregui.workflow.shapes import ShapeTable, shape_table


@dataclass(frozen=True)
class Kept:
    """Hold what is read of a run once: shapes, the answers of its shape baseline, cross-validations beside it."""

    shapes: ShapeTable | None
    baseline: Baseline | None
    grouped: Crossed | None
    torn: Crossed | None
    sentence: str


@dataclass(frozen=True)
class Told:
    """Hold everything that the panel shows; `crop_ids` are the counted crops in the order of the breakdowns."""

    kept: Kept
    crop_ids: NDArray[np.int64]
    numbers: Numbers
    beside: BesideBaseline | None


class NumbersPresenter(PanelPresenter):
    """Fill the panel of numbers; what was asked for last is what is shown.

    `group_chosen` carries the name of a group of crops and their ids.
    """

    group_chosen = Signal(str, object)

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._kept: Kept | None = None
        self._told: Told | None = None
        self._breakdown = 0
        self._handle: TaskHandle | None = None
        self.link(around.page.numbers.breakdown_chosen, self._choose_breakdown)
        self.link(around.page.numbers.breakdown_table.row_chosen, self._choose_group)

    def reset(self) -> None:
        super().reset()
        self._kept = self._told = None
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def fill(self) -> None:
        run, part = self.desk.run, self.desk.part
        if run is None:
            return
        if self._handle is not None:
            self._handle.cancel()
        names = group_names(self.around.session.project)
        reviewed, folder, kept = run.review, run.folder, self._kept
        project_folder = self.around.session.project.folder

        def work(_control: object) -> Told:
            known = kept
            if known is None:
                with Project.open(project_folder, read_only=True) as project:
                    known = read_kept(project, folder)
            return tell(known, reviewed, part, names)

        self._handle = self.around.services.background.run("Computing numbers", work, self._show, self._failed)

    def _show(self, told: Told) -> None:
        self._handle = None
        self._kept, self._told = told.kept, told
        run, panel = self.desk.run, self.page.numbers
        if run is None:
            return
        known = self.around.session.project.classes(retired=True)
        colours = [ClassMarks(known).colour(class_id).name() for class_id in run.review.class_ids]
        part = PART_WORDS[self.desk.part].lower()
        note = f"{told.numbers.evaluation.n} {part} crops, with the labels as they are now."
        if told.numbers.interval is not None and told.numbers.interval.counts != "crops":
            count, kind = told.numbers.interval.groups, told.numbers.interval.counts
            note += f" The interval of the accuracy counts {count} {kind}, not single crops, as independent."
        say(panel.numbers_note, note)
        panel.overall_table.set_rows(("", "Value", "95 % interval"), overall_rows(told.numbers))
        heads = ("", "Crops", "Precision", "95 %", "Recall", "95 %", "F1")
        panel.class_table.set_rows(heads, class_rows(told.numbers.evaluation, colours))
        rows = beside_rows(told.numbers, told.beside, told.kept.grouped, told.kept.torn)
        panel.beside_table.set_rows(("", "Crops", "Accuracy", "95 % interval"), rows)
        panel.beside_table.setVisible(bool(rows))
        say(panel.beside_note, _beside_words(told))
        self._show_breakdown()

    def _show_breakdown(self) -> None:
        panel = self.page.numbers
        found = self._told.numbers.breakdowns if self._told is not None else ()
        self._breakdown = min(self._breakdown, max(0, len(found) - 1))
        panel.set_breakdowns([one.title for one in found], self._breakdown)
        panel.breakdown_table.setVisible(bool(found))
        if found:
            chosen = found[self._breakdown]
            panel.breakdown_table.set_rows(breakdown_heads(chosen), breakdown_rows(chosen))

    def _choose_breakdown(self, place: int) -> None:
        self._breakdown = place
        self._show_breakdown()

    def _choose_group(self, place: int) -> None:
        if self._told is None or self._handle is not None:
            return
        chosen = self._told.numbers.breakdowns[self._breakdown]
        share, unit = chosen.shares[place], chosen.unit.replace("um", "µm")
        name = f"{chosen.title} {share.name} {unit}".rstrip()
        self.group_chosen.emit(name, self._told.crop_ids[share.places])

    def _failed(self, error: PoreguiError) -> None:
        self._handle = None
        say(self.page.numbers.numbers_note, str(error))


def read_kept(project: Project, folder: RunFolder) -> Kept:
    """Read what the numbers of a run need beside its answers. Raises ProjectError where it is damaged."""
    pair, known = pooled_beside_grouped(project), cross_validations(project)
    grouped = pair.grouped if pair else next((one for one in known if one.grouped), None)
    torn = pair.torn if pair else next((one for one in known if not one.grouped), None)
    return Kept(shape_table(folder), read_baseline(folder), grouped, torn, pair.sentence if pair else "")


def tell(kept: Kept, reviewed: RunReview, part: Part, names: dict[str, str]) -> Told:
    """Compute what the panel shows of a part."""
    beside = beside_baseline(reviewed, kept.baseline, part) if kept.baseline is not None and part == "test" else None
    crop_ids = np.array([judged.crop_id for judged in reviewed.counted(part)], np.int64)
    return Told(kept, crop_ids, numbers(reviewed, part, kept.shapes, names), beside)


def _beside_words(told: Told) -> str:
    said = []
    if told.beside is not None:
        said.append(told.beside.sentence)
        shares = [f"{name.lower()} {100 * share:.0f} %" for name, share in told.kept.baseline.importances[:3]]  # type: ignore[union-attr]
        said.append(f"The forest decides by {', '.join(shares)}.")
    elif told.kept.baseline is None:
        said.append("This run has no shape baseline: runs of this version of the program bring one.")
    if told.kept.sentence:
        said.append(told.kept.sentence)
    return "\n".join(said)
