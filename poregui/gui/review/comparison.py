"""Hold two runs beside each other: who is better, and which crops flipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal

from poregui.domain.errors import PoreguiError
from poregui.domain.statistics.intervals import wilson_interval
from poregui.domain.wording import count, named_run, percent, percent_or_dash
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.pieces import fill
from poregui.gui.lists.number_table import NumberRow
from poregui.gui.lists.run_picker import RunEntry
from poregui.gui.review.panel_presenter import PanelPresenter, crop_row
from poregui.gui.review.review_panels import FLIPS, ComparePanel
from poregui.gui.review.review_parts import say
from poregui.gui.review.review_state import ReviewState
from poregui.gui.review.run_numbers import interval_text
from poregui.gui.services.jobs import Background, TaskHandle
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.compare import Comparison, Flip, compare_predictions
from poregui.workflow.evaluating.evaluate import Predictions, review


@dataclass(frozen=True)
class Both:
    """Hold the other run and what the comparison says."""

    other: Predictions
    comparison: Comparison


def _compare(
    project_folder: Path, folder: RunFolder, predictions: Predictions, _control: object
) -> Both:
    with Project.open(project_folder, read_only=True) as project:
        other = review(project, folder)
    return Both(other, compare_predictions(other, predictions))


class ComparePresenter(PanelPresenter):
    """Compare the run of the page with another one; `other_changed` carries (predictions, folder)
    of it, or None.
    """

    other_changed = Signal(object)

    def __init__(self, panel: ComparePanel, state: ReviewState, background: Background) -> None:
        super().__init__(state, panel.flip_list)
        self._panel = panel
        self._background = background
        self._runs: dict[int, RunFolder] = {}
        self._number = 0
        self._names: dict[int, str] = {}
        self._both: Both | None = None
        self._handle: TaskHandle | None = None
        self.link(panel.other_chosen, self.choose)
        self.link(panel.flips_chosen, self._choose_flips)

    def set_runs(self, entries: list[RunEntry], runs: dict[int, RunFolder]) -> None:
        """Offer these runs for the comparison, but for the one of the page."""
        self._runs = runs
        self._names = {entry.number: entry.name for entry in entries}
        mine = self.state.number
        offered = [
            entry for entry in reversed(entries) if entry.reviewable and entry.number != mine
        ]
        choices = [("Choose a run", 0), *((_entry_text(one), one.number) for one in offered)]
        fill(self._panel.other_box, choices)
        if self._number and (self._number not in runs or self._number == mine):
            self.choose(0)
        self.stale = True

    def choose(self, number: int) -> None:
        """Compare with a run; 0 ends it."""
        self._number = number
        self._both = None
        box = self._panel.other_box
        box.setCurrentIndex(max(0, box.findData(number)))
        self.other_changed.emit(None)
        self.list_anew()

    def reset(self) -> None:
        super().reset()
        if self._handle is not None:
            self._handle.cancel()
        self._both = self._handle = None
        self._panel.flip_list.set_rows(())

    def follow(self, crop_ids: frozenset[int]) -> None:
        super().follow(crop_ids)
        self._both = None

    def fill(self) -> None:
        predictions = self.state.predictions
        if predictions is None or not self._number or self._number not in self._runs:
            self._panel.flip_list.set_rows(())
            if self._panel.other_box.count() > 1:
                sentence = "Choose another run. Shows crops that only one run classified correctly."
            else:
                sentence = "There is no other run to compare with."
            self._panel.show_sentence(sentence)
            return
        if self._both is not None:
            self._show_both(self._both)
            return
        if self._handle is not None:
            self._handle.cancel()
        if not self._panel.flip_list.rows.rowCount():
            self._panel.show_sentence(f"Reading run {self._number} …")
        folder = self._runs[self._number]
        work = partial(_compare, self.state.project.folder, folder, predictions)
        self._handle = self._background.run("Comparing runs", work, self._compared, self._failed)

    def _compared(self, both: Both) -> None:
        self._handle = None
        self._both = both
        self.other_changed.emit((both.other, self._runs[self._number]))
        self.list_anew()

    def _failed(self, error: PoreguiError) -> None:
        self._handle = None
        self._panel.show_sentence(str(error))

    def _show_both(self, both: Both) -> None:
        panel = self._panel
        found = both.comparison
        panel.show_sentence("")
        say(panel.compare_sentence, found.sentence)
        say(panel.compare_notes, "\n".join(found.notes))
        panel.compare_table.set_rows(
            ("", "Correct", "Accuracy", "95 % CI, %"), _rows(found, self._names)
        )
        wanted = panel.flips_box.currentData()
        flips = [one for one in found.flipped if wanted == "all" or kind_of(one) == wanted]
        for index, (key, text) in enumerate(FLIPS.items()):
            number = sum(key in ("all", kind_of(one)) for one in found.flipped)
            panel.flips_box.setItemText(index, f"{text} ({number:,})")
        panel.flips_title.setText(f"{count(len(flips), 'crop')} predicted differently")
        marks = ClassMarks(self.state.project.classes(retired=True))
        labels = self.state.project.labels()
        panel.flip_list.set_rows(
            crop_row(
                self.state,
                one.crop_id,
                labels.get(one.crop_id),
                text=f"run {found.first.run}: {marks.letter(one.first_id)}",
                sub_text=_flip_text(found, one),
                predicted=one.second_id,
            )
            for one in flips
        )

    def _choose_flips(self, _key: str) -> None:
        self.list_anew()


def kind_of(flip: Flip) -> str:
    """Return which kind of FLIPS a crop is; the first run of a comparison is the other one."""
    if flip.second_right:
        return "mended"
    if flip.first_right:
        return "broken"
    return "other"


def _rows(found: Comparison, names: Mapping[int, str]) -> list[NumberRow]:
    pairing = found.pairing
    rows = []
    for one, only, accuracy in (
        (found.second, pairing.only_second, found.accuracy_second),
        (found.first, pairing.only_first, found.accuracy_first),
    ):
        right = pairing.both_right + only
        interval = wilson_interval(right, found.shared)
        cells = (
            f"{right:,} of {found.shared:,}",
            percent_or_dash(accuracy),
            interval_text(interval),
        )
        name = named_run(one.run, names.get(one.run, ""))
        rows.append(NumberRow(f"{name} ({one.preset})", cells, accuracy, interval))
    for name, number in (
        ("Both correct", pairing.both_right),
        (f"Only run {found.second.run} correct", pairing.only_second),
        (f"Only run {found.first.run} correct", pairing.only_first),
        ("Both wrong", pairing.both_wrong),
    ):
        rows.append(NumberRow(name, (f"{number:,}", "", "")))
    if found.difference is not None:
        ends = found.difference_interval
        tip = "In percentage points; the interval is over specimens where there are at least two."
        if ends is not None:
            span = f"{100 * ends[0]:+.1f} to {100 * ends[1]:+.1f} points"
        else:
            span = "–"
        rows.append(
            NumberRow("Difference", ("", f"{100 * found.difference:+.1f} points", span), tip=tip)
        )
    return rows


def _flip_text(found: Comparison, flip: Flip) -> str:
    first = percent(flip.first_confidence)
    second = percent(flip.second_confidence)
    return f"{flip.name}: {flip.second}, {second}; run {found.first.run} {flip.first}, {first}"


def _entry_text(entry: RunEntry) -> str:
    texts = [named_run(entry.number, entry.name), entry.preset]
    if entry.accuracy is not None:
        texts.append(percent(entry.accuracy))
    return ", ".join(filter(None, texts))
