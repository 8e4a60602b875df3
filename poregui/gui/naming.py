"""Ask how file names tell the specimen and sort the micrographs by it; changes with that dialog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QTableWidget, QTableWidgetItem, QWidget

from poregui.domain.errors import PoreguiError
from poregui.domain.micrograph_names import listed
from poregui.domain.records import Micrograph
from poregui.gui.asking import guarded
from poregui.gui.dialogs.base import FormDialog, hint
from poregui.gui.messages import messages
from poregui.gui.theme import theme
from poregui.workflow.cleaning import set_specimens
from poregui.workflow.specimen_names import doubt_words, in_doubt, specimens_in_names

if TYPE_CHECKING:
    from poregui.gui.window import MainWindow


class NamingDialog(FormDialog):
    """Show which specimen a pattern finds in each file name; `pattern` is fit after it was accepted."""

    def __init__(self, micrographs: Sequence[Micrograph], parent: QWidget | None = None) -> None:
        super().__init__("Specimens from file names", "Set specimens", parent)
        self.resize(560, 480)
        self._micrographs = tuple(micrographs)
        self._edit = QLineEdit()
        self._edit.setObjectName("naming_pattern_edit")
        self._edit.setAccessibleName("Pattern of the file names")
        self._edit.setPlaceholderText("for example {specimen}_*.tif")
        self.form.addRow("Pattern", self._edit)
        self._said = hint("")
        self._said.setObjectName("naming_hint")
        self.form.addRow("", self._said)
        self.table = QTableWidget(len(self._micrographs), 2)
        self.table.setObjectName("naming_table")
        self.table.setAccessibleName("File names and their specimens")
        self.table.setHorizontalHeaderLabels(["File name", "Specimen"])
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setMinimumHeight(320)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        for row, one in enumerate(self._micrographs):
            self.table.setItem(row, 0, QTableWidgetItem(one.shown_name))
            self.table.setItem(row, 1, QTableWidgetItem())
        self.form.addRow(self.table)
        self._edit.textChanged.connect(self._preview)
        theme().changed.connect(self._preview)
        self._preview()

    @property
    def pattern(self) -> str:
        """Return the pattern as it is written now."""
        return self._edit.text().strip()

    def check(self) -> None:
        found = specimens_in_names(self._micrographs, self.pattern)
        if all(name is None for _, name in found):
            raise PoreguiError("The pattern fits no file name.", _fit_words(found, self.pattern))

    def _preview(self) -> None:
        names: list[str | None] = [None] * len(self._micrographs)
        said = "* stands for any characters, ? for one. A regular expression with one group does as well."
        if self.pattern:
            try:
                found = specimens_in_names(self._micrographs, self.pattern)
            except PoreguiError as error:
                said = str(error)
            else:
                names = [name for _, name in found]
                said = _fit_words(found, self.pattern)
        self._said.setText(said)
        colours = theme().tokens
        for row, name in enumerate(names):
            for column, text in enumerate((self._micrographs[row].shown_name, name or "")):
                item = self.table.item(row, column)
                if item is not None:
                    item.setText(text)
                    item.setForeground(QColor(colours.muted if name is None else colours.text))


def _fit_words(found: Sequence[tuple[Micrograph, str | None]], pattern: str) -> str:
    """Say how many names fit, and which do not although they could."""
    fit = sum(name is not None for _, name in found)
    said = f"{fit} of {len(found)} names fit. The others keep the specimen that they have."
    doubtful = in_doubt(found, pattern)
    return f"{said} {doubt_words(listed(doubtful))}" if doubtful else said


def ask_naming(window: MainWindow) -> None:
    """Ask for a pattern of the file names, and give the micrographs their specimens in one edit."""
    session = window.session
    micrographs = session.project.micrographs() if session else []
    if session is None or not micrographs:
        messages().note("There is no micrograph yet: import pictures first.")
        return
    dialog = NamingDialog(micrographs, window)

    def change() -> None:
        edit = set_specimens(session.project, specimens_in_names(session.project.micrographs(), dialog.pattern))
        if edit is None:
            messages().note("The micrographs had these specimens already.")
        else:
            session.apply(edit)

    dialog.accepted.connect(lambda: guarded(change))
    window.asking.show(dialog)
