"""Hold two runs beside each other: who is better, and which crops flipped; changes with what a comparison shows."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Signal

from poregui.domain.errors import PoreguiError
from poregui.domain.statistics import wilson_interval
from poregui.gui.background import TaskHandle
from poregui.gui.review.compare_panel import FLIPS
from poregui.gui.review.number_rows import percent_words, span_words
from poregui.gui.review.panel_presenter import PanelPresenter, Surroundings, answer_row
from poregui.gui.review.parts import say
from poregui.gui.widgets.class_marks import ClassMarks
from poregui.gui.widgets.number_table import NumberRow
from poregui.gui.widgets.pieces import fill
from poregui.gui.widgets.probability_bars import percent
from poregui.gui.widgets.run_picker import RunEntry
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.compare import Comparison, Flip, compare_reviews
from poregui.workflow.evaluate import RunReview, read_answers, review_answers


@dataclass(frozen=True)
class Both:
    """Hold the other run and what the comparison says."""

    other: RunReview
    comparison: Comparison


class ComparePresenter(PanelPresenter):
    """Compare the run of the page with another one; `other_changed` carries (review, folder) of it, or None."""

    other_changed = Signal(object)

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around, around.page.compare.flip_list)
        self._runs: dict[int, RunFolder] = {}
        self._number = 0
        self._both: Both | None = None
        self._handle: TaskHandle | None = None
        self.link(around.page.compare.other_chosen, self.choose)
        self.link(around.page.compare.flips_chosen, self._choose_flips)

    def set_runs(self, entries: list[RunEntry], runs: dict[int, RunFolder]) -> None:
        """Offer these runs for the comparison, but for the one of the page."""
        self._runs = runs
        offered = [(_entry_words(one), one.number) for one in reversed(entries) if one.reviewable]
        mine = self.desk.number
        fill(self.page.compare.other_box, [("Choose a run", 0), *((w, n) for w, n in offered if n != mine)])
        if self._number and (self._number not in runs or self._number == mine):
            self.choose(0)
        self.stale = True

    def choose(self, number: int) -> None:
        """Compare with a run; 0 ends it."""
        self._number, self._both = number, None
        box = self.page.compare.other_box
        box.setCurrentIndex(max(0, box.findData(number)))
        self.other_changed.emit(None)
        self.stale = True
        self.listed.emit()

    def reset(self) -> None:
        super().reset()
        if self._handle is not None:
            self._handle.cancel()
        self._both = self._handle = None
        self.page.compare.flip_list.set_rows(())

    def follow(self, crop_ids: frozenset[int]) -> None:
        super().follow(crop_ids)
        self._both = None

    def fill(self) -> None:
        run = self.desk.run
        if run is None or not self._number or self._number not in self._runs:
            self.page.compare.flip_list.set_rows(())
            many = self.page.compare.other_box.count() > 1
            words = "Choose another run above: here stand the crops that only one of the two got right."
            self.page.compare.show_sentence(words if many else "There is no second run to compare with.")
            return
        if self._both is not None:
            self._show_both(self._both)
            return
        if self._handle is not None:
            self._handle.cancel()
        reviewed, folder, project_folder = run.review, self._runs[self._number], self.around.session.project.folder
        if not self.page.compare.flip_list.rows.rowCount():
            self.page.compare.show_sentence(f"Reading run {self._number} …")

        def work(_control: object) -> Both:
            with Project.open(project_folder, read_only=True) as project:
                other = review_answers(project, read_answers(folder))
            return Both(other, compare_reviews(other, reviewed))

        self._handle = self.around.services.background.run("Comparing runs", work, self._compared, self._failed)

    def _compared(self, both: Both) -> None:
        self._handle, self._both = None, both
        self.other_changed.emit((both.other, self._runs[self._number]))
        self.stale = True
        self.listed.emit()

    def _failed(self, error: PoreguiError) -> None:
        self._handle = None
        self.page.compare.show_sentence(str(error))

    def _show_both(self, both: Both) -> None:
        panel, found = self.page.compare, both.comparison
        panel.show_sentence("")
        say(panel.compare_sentence, found.sentence)
        say(panel.compare_notes, "\n".join(found.notes))
        panel.compare_table.set_rows(("", "Right", "Accuracy", "95 % interval"), _rows(found))
        wanted = panel.flips_box.currentData()
        flips = [one for one in found.flipped if wanted == "all" or kind_of(one) == wanted]
        for place, (key, words) in enumerate(FLIPS.items()):
            count = sum(key in ("all", kind_of(one)) for one in found.flipped)
            panel.flips_box.setItemText(place, f"{words} ({count})")
        panel.flips_title.setText(f"{len(flips)} flipped")
        marks = ClassMarks(self.around.session.project.classes(retired=True))
        labels = self.around.session.project.labels()
        panel.flip_list.set_rows(
            answer_row(
                self.around,
                one.crop_id,
                labels.get(one.crop_id),
                text=f"run {found.first.run}: {marks.letter(one.first_id)}",
                sub_text=_flip_words(found, one),
                predicted=one.second_id,
            )
            for one in flips
        )

    def _choose_flips(self, _key: str) -> None:
        self.stale = True
        self.listed.emit()


def kind_of(flip: Flip) -> str:
    """Return which kind of FLIPS a crop is; the first run of a comparison is the other one."""
    if flip.second_right:
        return "mended"
    return "broken" if flip.first_right else "other"


def _rows(found: Comparison) -> list[NumberRow]:
    pairing, rows = found.pairing, []
    for one, only, accuracy in (
        (found.second, pairing.only_second, found.accuracy_second),
        (found.first, pairing.only_first, found.accuracy_first),
    ):
        right = pairing.both_right + only
        interval = wilson_interval(right, found.shared)
        cells = (f"{right} of {found.shared}", percent_words(accuracy), span_words(interval))
        rows.append(NumberRow(f"Run {one.run} ({one.preset})", cells, accuracy, interval))
    for name, count in (
        ("Both right", pairing.both_right),
        (f"Run {found.second.run} only", pairing.only_second),
        (f"Run {found.first.run} only", pairing.only_first),
        ("Both wrong", pairing.both_wrong),
    ):
        rows.append(NumberRow(name, (str(count), "", "")))
    if found.difference is not None:
        ends = found.difference_interval
        tip = "In percentage points, with its interval over specimens where there are two at least."
        span = f"{100 * ends[0]:+.1f} to {100 * ends[1]:+.1f}" if ends is not None else "–"
        rows.append(NumberRow("Difference", ("", f"{100 * found.difference:+.1f}", span), tip=tip))
    return rows


def _flip_words(found: Comparison, flip: Flip) -> str:
    first, second = percent(flip.first_confidence), percent(flip.second_confidence)
    return f"{flip.name}: {flip.second}, {second}; run {found.first.run} {flip.first}, {first}"


def _entry_words(entry: RunEntry) -> str:
    said = f"Run {entry.number}" + (f", {entry.preset}" if entry.preset else "")
    return said if entry.accuracy is None else f"{said}, {100 * entry.accuracy:.1f} %"
