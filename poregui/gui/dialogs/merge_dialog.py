"""Ask whose label stays where two people labelled a crop differently."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from poregui.gui.base.theme import GAP, MARGIN
from poregui.workflow.importing.merge_labels import Conflict, MergePlan, Whose

_HEADINGS = ("Crop", "Mine", "by", "Theirs", "by", "Taken")
_TAKEN = 5
_PICTURE = 280


class MergeDialog(QDialog):
    """List the conflicts of a merge with a picture of the chosen one; `chosen` is whose label each
    crop gets.

    `picture` gives the picture of a crop by its id.
    """

    def __init__(
        self,
        plan: MergePlan,
        name: str,
        picture: Callable[[int], QImage],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("merge_dialog")
        self.setWindowTitle(f"Merge the labels of {name}")
        self.resize(900, 520)
        self._conflicts = plan.conflicts
        self._picture = picture
        self._taken: list[Whose] = [conflict.taken for conflict in plan.conflicts]
        self.table = self._build_table()
        self.shown = QLabel()
        self.shown.setObjectName("merge_picture")
        self.shown.setAccessibleName("Picture of the chosen crop")
        self.shown.setFixedSize(_PICTURE, _PICTURE)
        self.shown.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.about = QLabel()
        self.about.setObjectName("merge_about")
        self.about.setFixedWidth(_PICTURE)
        self.about.setWordWrap(True)
        said = QLabel(" ".join(plan.lines) + " Choose whose label stays.")
        said.setWordWrap(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.merge_button = self.buttons.addButton("Merge", QDialogButtonBox.ButtonRole.AcceptRole)
        self.merge_button.setObjectName("merge_accept")
        self.merge_button.setProperty("primary", True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        beside = QVBoxLayout()
        beside.setSpacing(GAP)
        beside.addWidget(self.shown)
        beside.addWidget(self.about)
        beside.addStretch()
        middle = QHBoxLayout()
        middle.setSpacing(MARGIN)
        middle.addWidget(self.table, 1)
        middle.addLayout(beside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * MARGIN, 2 * MARGIN, 2 * MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addWidget(said)
        layout.addLayout(middle, 1)
        layout.addLayout(self._build_choices())
        layout.addWidget(self.buttons)
        self.table.selectRow(0)

    def chosen(self) -> dict[int, Whose]:
        """Return by crop id whose label stays."""
        return {one.crop_id: whose for one, whose in zip(self._conflicts, self._taken, strict=True)}

    def _build_table(self) -> QTableWidget:
        table = QTableWidget(len(self._conflicts), len(_HEADINGS))
        table.setObjectName("merge_table")
        table.setAccessibleName("Crops with two labels")
        table.setHorizontalHeaderLabels(_HEADINGS)
        table.verticalHeader().hide()
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        for row, one in enumerate(self._conflicts):
            cells = (str(one.crop_id), one.mine, one.my_who, one.theirs, one.their_who, one.taken)
            for column, text in enumerate(cells):
                table.setItem(row, column, QTableWidgetItem(text))
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setStretchLastSection(True)
        table.currentCellChanged.connect(lambda row, *_: self._show(row))
        table.cellDoubleClicked.connect(lambda row, _: self._take([row], self._other_of(row)))
        return table

    def _build_choices(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(GAP)
        every = range(len(self._conflicts))
        choices: tuple[tuple[str, str, Callable[[], None]], ...] = (
            ("keep_mine", "Mine", lambda: self._take(self._selected(), "mine")),
            ("take_theirs", "Theirs", lambda: self._take(self._selected(), "theirs")),
            ("all_mine", "All mine", lambda: self._take(every, "mine")),
            ("all_theirs", "All theirs", lambda: self._take(every, "theirs")),
            ("all_newer", "The newer of each", self._take_newer),
        )
        for name, text, act in choices:
            button = QPushButton(text)
            button.setObjectName(name)
            button.setAutoDefault(False)
            button.clicked.connect(lambda _=False, act=act: act())
            row.addWidget(button)
            if name == "take_theirs":
                row.addSpacing(2 * MARGIN)
        row.addStretch()
        return row

    def _selected(self) -> list[int]:
        return [index.row() for index in self.table.selectionModel().selectedRows()]

    def _other_of(self, row: int) -> Whose:
        if self._taken[row] == "mine":
            return "theirs"
        return "mine"

    def _take(self, rows: Iterable[int], whose: Whose) -> None:
        for row in rows:
            self._taken[row] = whose
            self.table.setItem(row, _TAKEN, QTableWidgetItem(whose))

    def _take_newer(self) -> None:
        for row, one in enumerate(self._conflicts):
            self._take([row], one.newer)

    def _show(self, row: int) -> None:
        if not 0 <= row < len(self._conflicts):
            return
        one = self._conflicts[row]
        image = self._picture(one.crop_id)
        ratio = Qt.AspectRatioMode.KeepAspectRatio
        smooth = Qt.TransformationMode.SmoothTransformation
        self.shown.setPixmap(
            QPixmap()
            if image.isNull()
            else QPixmap.fromImage(image.scaled(_PICTURE, _PICTURE, ratio, smooth))
        )
        self.about.setText(_words(one))


def _words(one: Conflict) -> str:
    mine = f"Mine: {one.mine}, {one.my_who or 'unknown'}{_time(one.my_when)}"
    return (
        f"Crop {one.crop_id}\n{mine}\nTheirs: "
        f"{one.theirs}, "
        f"{one.their_who or 'unknown'}{_time(one.their_when)}"
    )


def _time(when: str) -> str:
    return f", {when[:10]} {when[11:16]} UTC" if when else ""
