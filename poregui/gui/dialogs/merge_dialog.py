"""Ask whose label stays where two people labelled a crop differently."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

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

_HEADINGS = ("Crop", "Mine", "By", "Theirs", "By", "Kept")
_TAKEN = 5
_IMAGE = 280


class MergeDialog(QDialog):
    """List the conflicts of a merge with an image of the chosen one; `chosen` is whose label each
    crop gets.

    `image` gives the image of a crop by its id.
    """

    def __init__(
        self,
        plan: MergePlan,
        name: str,
        image: Callable[[int], QImage],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("merge_dialog")
        self.setWindowTitle(f"Merge the labels of {name}")
        self.resize(900, 520)
        self._conflicts = plan.conflicts
        self._image = image
        self._taken: list[Whose] = [conflict.taken for conflict in plan.conflicts]
        self.table = self._build_table()
        self.shown = QLabel()
        self.shown.setObjectName("merge_picture")
        self.shown.setAccessibleName("Selected crop")
        self.shown.setFixedSize(_IMAGE, _IMAGE)
        self.shown.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.about = QLabel()
        self.about.setObjectName("merge_about")
        self.about.setFixedWidth(_IMAGE)
        self.about.setWordWrap(True)
        explained = QLabel(" ".join(plan.lines) + " Choose which label to keep.")
        explained.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * MARGIN, 2 * MARGIN, 2 * MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addWidget(explained)
        layout.addLayout(self._build_middle(), 1)
        layout.addLayout(self._build_choices())
        layout.addWidget(self._build_buttons())
        self.table.selectRow(0)
        self.table.setFocus()

    def _build_middle(self) -> QHBoxLayout:
        beside = QVBoxLayout()
        beside.setSpacing(GAP)
        beside.addWidget(self.shown)
        beside.addWidget(self.about)
        beside.addStretch()
        middle = QHBoxLayout()
        middle.setSpacing(MARGIN)
        middle.addWidget(self.table, 1)
        middle.addLayout(beside)
        return middle

    def _build_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.merge_button = QPushButton("Merge")
        self.merge_button.setObjectName("merge_accept")
        self.merge_button.setProperty("primary", True)
        buttons.addButton(self.merge_button, QDialogButtonBox.ButtonRole.AcceptRole)
        self.merge_button.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        return buttons

    def chosen(self) -> dict[int, Whose]:
        """Return by crop id whose label stays."""
        return {one.crop_id: whose for one, whose in zip(self._conflicts, self._taken, strict=True)}

    def _build_table(self) -> QTableWidget:
        table = QTableWidget(len(self._conflicts), len(_HEADINGS))
        table.setObjectName("merge_table")
        table.setAccessibleName("Crops labelled differently")
        table.setHorizontalHeaderLabels(_HEADINGS)
        table.verticalHeader().hide()
        table.setTabKeyNavigation(False)  # Tab leads to the buttons
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        for row, one in enumerate(self._conflicts):
            cells = (str(one.crop_id), one.mine, one.my_who, one.theirs, one.their_who, one.taken)
            for column, text in enumerate(cells):
                table.setItem(row, column, QTableWidgetItem(text))
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setStretchLastSection(True)
        table.currentCellChanged.connect(self._show)
        table.cellDoubleClicked.connect(self._take_other)
        return table

    def _build_choices(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(GAP)
        choices: tuple[tuple[str, str, Callable[[], None]], ...] = (
            ("keep_mine", "Keep mine", partial(self._take_selected, "mine")),
            ("take_theirs", "Take theirs", partial(self._take_selected, "theirs")),
            ("all_mine", "Keep all mine", partial(self._take_all, "mine")),
            ("all_theirs", "Keep all theirs", partial(self._take_all, "theirs")),
            ("all_newer", "Keep the newer of each", self._take_newer),
        )
        for name, text, act in choices:
            button = QPushButton(text)
            button.setObjectName(name)
            button.setAutoDefault(False)
            button.clicked.connect(act)
            row.addWidget(button)
            if name == "take_theirs":
                row.addSpacing(2 * MARGIN)
        row.addStretch()
        return row

    def _take_selected(self, whose: Whose) -> None:
        rows = [index.row() for index in self.table.selectionModel().selectedRows()]
        self._take(rows, whose)

    def _take_all(self, whose: Whose) -> None:
        self._take(range(len(self._conflicts)), whose)

    def _take_other(self, row: int, _column: int) -> None:
        if self._taken[row] == "mine":
            self._take([row], "theirs")
        else:
            self._take([row], "mine")

    def _take(self, rows: Iterable[int], whose: Whose) -> None:
        for row in rows:
            self._taken[row] = whose
            self.table.setItem(row, _TAKEN, QTableWidgetItem(whose))

    def _take_newer(self) -> None:
        for row, one in enumerate(self._conflicts):
            self._take([row], one.newer)

    def _show(self, row: int, *_: int) -> None:
        if not 0 <= row < len(self._conflicts):
            return
        one = self._conflicts[row]
        image = self._image(one.crop_id)
        ratio = Qt.AspectRatioMode.KeepAspectRatio
        smooth = Qt.TransformationMode.SmoothTransformation
        if not image.isNull():
            image = image.scaled(_IMAGE, _IMAGE, ratio, smooth)
        self.shown.setPixmap(QPixmap.fromImage(image))
        self.about.setText(_described(one))


def _described(one: Conflict) -> str:
    mine = f"Mine: {one.mine}, {one.my_who or 'unknown'}{_time(one.my_when)}"
    theirs = f"Theirs: {one.theirs}, {one.their_who or 'unknown'}{_time(one.their_when)}"
    return f"Crop {one.crop_id}\n{mine}\n{theirs}"


def _time(when: str) -> str:
    if not when:
        return ""
    return f", {when[:10]} {when[11:16]} UTC"
