"""Show how far people agree: a table, a matrix that leads to crops, and what is to be settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from poregui.domain.classes import PoreClass
from poregui.domain.statistics.agreement import MISSING
from poregui.domain.wording import count, percent
from poregui.gui.base import pieces
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.lists.crop_list import CropRow
from poregui.gui.lists.number_table import NumberRow, NumberTable
from poregui.gui.plots.confusion_matrix import Cell, ConfusionMatrix
from poregui.gui.rating.rating_dialog import key_texts
from poregui.gui.widgets.key_filter import LabelKeys
from poregui.workflow.rating.agreement_report import Agreement, RaterPair
from poregui.workflow.rating.agreement_text import ceiling_text, coefficient_text

TO_SETTLE = "To settle"


class AgreementDialog(QDialog):
    """Hold table, matrix and grid; `pressed` carries what a key means over the grid."""

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("agreement_dialog")
        self.setWindowTitle("Agreement")
        self.resize(980, 640)
        self._found: Agreement | None = None
        self._used: list[int] = []
        self.summary = pieces.heading("", name="agreement_summary", strong=True)
        self.summary.setWordWrap(True)
        self.notes = pieces.muted("agreement_notes")
        self.notes.setWordWrap(True)
        self.table = NumberTable("agreement_table", "Agreement with 95 % intervals", self)
        self.table.set_drawn_head("agreement, CI")
        self.pairs = pieces.combo("agreement_pair", "Two raters, or all crops to settle")
        self.pairs.setToolTip("Whose ratings the matrix compares")
        self.matrix = ConfusionMatrix(self)
        self.matrix.setToolTip("Choose a cell to see its crops")
        self.grid = CropGrid(self)
        self.grid.setObjectName("agreement_grid")
        self.grid.setAccessibleName("Crops of the chosen cell")
        self.grid.set_cell(96, lines=2)
        self.hint = pieces.muted("agreement_hint")
        self.hint.setWordWrap(True)
        keys = LabelKeys(self)
        keys.watch([self.grid])
        keys.pressed.connect(self.pressed)
        self.pairs.currentIndexChanged.connect(self._choose_pair)
        self.matrix.chosen.connect(self._fill)
        self._lay_out()

    def _lay_out(self) -> None:
        left = QWidget(self)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.pairs)
        column.addWidget(self.matrix)
        column.addStretch(1)
        right = QWidget(self)
        beside = QVBoxLayout(right)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.addWidget(self.grid, 1)
        beside.addWidget(self.hint)
        halves = QSplitter(Qt.Orientation.Horizontal, self)
        halves.addWidget(left)
        halves.addWidget(right)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(GAP)
        layout.addWidget(self.summary)
        layout.addWidget(self.table)
        layout.addWidget(halves, 1)
        layout.addWidget(self.notes)
        foot = QHBoxLayout()
        foot.addWidget(pieces.close_buttons(self, on_enter=False))
        layout.addLayout(foot)

    def show_agreement(self, found: Agreement, classes: Sequence[PoreClass]) -> None:
        """Show numbers, and keep the chosen pair where it is still there."""
        before = self.pairs.currentText()
        self._found = found
        self.grid.set_classes(classes)
        self.summary.setText(_summary(found))
        self.notes.setText("\n".join(found.notes))
        self.notes.setVisible(bool(found.notes))
        heads = ("", "Crops", "Agreement", "Kappa (95 % CI)", "AC1 (95 % CI)")
        self.table.set_rows(heads, _rows(found))
        self.hint.setText(f"Settle the selected crops: {key_texts(classes)}")
        self._used = _used(found)
        names = [found.table.names[i] for i in self._used]
        self.matrix.set_classes(names, [found.table.options[i] for i in self._used], classes)
        waiting = len(found.table.disagreed())
        entries: list[tuple[str, object]] = [(f"{TO_SETTLE} ({waiting:,})", None)]
        entries += [(f"{pair.a} – {pair.b}", pair) for pair in found.pairs]
        self.pairs.blockSignals(True)
        pieces.fill(self.pairs, entries)
        again = self.pairs.findText(before)
        self.pairs.setCurrentIndex(max(0, again))
        self.pairs.blockSignals(False)
        self._choose_pair()

    @property
    def pair(self) -> RaterPair | None:
        """Return the pair whose matrix is shown; None for all crops to settle."""
        chosen = self.pairs.currentData()
        if isinstance(chosen, RaterPair):
            return chosen
        return None

    def _choose_pair(self, _index: int = 0) -> None:
        found = self._found
        if found is None:
            return
        shown = self.pair or found.pairs[0]
        self.matrix.set_matrix(shown.numbers.matrix[self._used][:, self._used])
        self.matrix.set_titles(shown.a, shown.b)
        self.matrix.set_cells(())
        self.matrix.setVisible(self.pair is not None)
        self._fill(())

    def _fill(self, cells: object) -> None:
        found = self._found
        if found is None:
            return
        if self.pair is None:
            wanted = {crop.id for crop in found.table.disagreed()}
        else:
            wanted = self._of_cells(self.pair, cells)
        texts = _ratings_by_crop(found)
        self.grid.set_rows(
            [
                CropRow(crop.id, crop.label, *texts[crop.id])
                for crop in found.table.crops
                if crop.id in wanted
            ]
        )

    def _of_cells(self, pair: RaterPair, cells: object) -> set[int]:
        assert self._found is not None
        chosen: list[Cell] = []
        if isinstance(cells, tuple):
            chosen = [cell for cell in cells if isinstance(cell, Cell)]
        table = self._found.table
        first, second = pair.columns
        index_of = {option: index for index, option in enumerate(self._used)}
        wanted = set()
        for crop, row in zip(table.crops, table.ratings.tolist(), strict=True):
            if MISSING in (row[first], row[second]):
                continue
            at = (index_of[row[first]], index_of[row[second]])
            if not chosen or any(_holds(cell, at) for cell in chosen):
                wanted.add(crop.id)
        return wanted


def _holds(cell: Cell, at: tuple[int, int]) -> bool:
    return cell.row in (None, at[0]) and cell.column in (None, at[1])


def _used(found: Agreement) -> list[int]:
    """Return the options that somebody used."""
    ratings = found.table.ratings
    return sorted({int(rating) for rating in ratings[ratings != MISSING].tolist()})


def _summary(found: Agreement) -> str:
    every = found.of_all
    lines = []
    if every.n and every.alpha.value is not None:
        lines.append(
            f"{count(every.n, 'crop')} rated by two or more people: Krippendorff's alpha "
            f"{coefficient_text(every.alpha)}, Fleiss' kappa "
            f"{coefficient_text(every.fleiss_kappa)}, AC1 {coefficient_text(every.ac1)}; "
            f"intervals over {every.over.groups:,} {every.over.kind}."
        )
    lines += [one.sentence for one in found.beside[:1]]
    lines.append(ceiling_text(found))
    return "\n".join(line for line in lines if line)


def _rows(found: Agreement) -> list[NumberRow]:
    rows = []
    for pair in found.pairs:
        numbers = pair.numbers
        cells = (
            f"{numbers.n:,}",
            percent(numbers.agreement.value or 0.0),
            coefficient_text(numbers.kappa),
            coefficient_text(numbers.ac1),
        )
        name = f"{pair.a} – {pair.b}"
        agreed = numbers.agreement
        rows.append(NumberRow(name, cells, agreed.value, agreed.interval, pair.note))
    return rows


def _ratings_by_crop(found: Agreement) -> Mapping[int, tuple[str, str]]:
    """Return under each crop what the first two who rated it said."""
    table = found.table
    people = [*table.people, *table.again.values()]
    texts = {}
    for crop, row in zip(table.crops, table.ratings.tolist(), strict=True):
        ratings = [
            f"{table.raters[column]}: {table.names[row[column]]}"
            for column in people
            if row[column] != MISSING
        ]
        texts[crop.id] = ("".join(ratings[:1]), "; ".join(ratings[1:]))
    return texts
