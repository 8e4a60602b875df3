"""Ask how file names tell the specimen and sort the micrographs by it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from poregui.domain.errors import PoreguiError
from poregui.domain.micrograph_names import listed
from poregui.domain.records import Micrograph
from poregui.gui.base.messages import guarded, messages
from poregui.gui.base.theme import theme
from poregui.gui.dialogs.base import FormDialog, hint, open_dialog
from poregui.gui.services.session import Session
from poregui.workflow.editing.micrograph_edits import set_specimens
from poregui.workflow.importing.specimen_names import doubt_words, in_doubt, specimens_in_names


class NamingDialog(FormDialog):
    """Show which specimen a pattern finds in each file name; `pattern` is fit after it was
    accepted.
    """

    def __init__(self, micrographs: Sequence[Micrograph], parent: QWidget | None = None) -> None:
        super().__init__("Specimens from file names", "Set specimens", parent)
        self.resize(560, 480)
        self._micrographs = tuple(micrographs)
        self._edit = QLineEdit()
        self._edit.setObjectName("naming_pattern_edit")
        self._edit.setAccessibleName("File name pattern")
        self._edit.setPlaceholderText("e.g. {specimen}_*.tif")
        self.form.addRow("Pattern", self._edit)
        self._hint = hint("")
        self._hint.setObjectName("naming_hint")
        self.form.addRow("", self._hint)
        self.table = QTableWidget(len(self._micrographs), 2)
        self.table.setObjectName("naming_table")
        self.table.setAccessibleName("File names and their specimens")
        self.table.setHorizontalHeaderLabels(["File name", "Specimen"])
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setTabKeyNavigation(False)  # Tab leads to the buttons
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
            raise PoreguiError(
                "The pattern matches no file name.", _matches_text(found, self.pattern)
            )

    def _preview(self) -> None:
        names: list[str | None] = [None] * len(self._micrographs)
        message = (
            "* stands for any characters, ? for one. A regular expression with one group works too."
        )
        if self.pattern:
            try:
                found = specimens_in_names(self._micrographs, self.pattern)
            except PoreguiError as error:
                message = str(error)
            else:
                names = [name for _, name in found]
                message = _matches_text(found, self.pattern)
        self._hint.setText(message)
        colours = theme().tokens
        for row, name in enumerate(names):
            colour = QColor(colours.text)
            if name is None:
                colour = QColor(colours.muted)
            for column, text in enumerate((self._micrographs[row].shown_name, name or "")):
                item = self.table.item(row, column)
                if item is not None:
                    item.setText(text)
                    item.setForeground(colour)


def _matches_text(found: Sequence[tuple[Micrograph, str | None]], pattern: str) -> str:
    """Say how many names match, and which do not although they could."""
    fit = sum(name is not None for _, name in found)
    text = f"{fit} of {len(found)} names match. The others keep their specimen."
    doubtful = in_doubt(found, pattern)
    if doubtful:
        return f"{text} {doubt_words(listed(doubtful))}"
    return text


def ask_naming(session: Session, parent: QWidget) -> None:
    """Ask for a pattern of the file names, and give the micrographs their specimens in one edit."""
    micrographs = session.project.micrographs()
    if not micrographs:
        messages().note("There is no micrograph yet. Import images first.")
        return
    dialog = NamingDialog(micrographs, parent)

    def change() -> None:
        edit = set_specimens(
            session.project, specimens_in_names(session.project.micrographs(), dialog.pattern)
        )
        if edit is None:
            messages().note("The micrographs already have these specimens.")
        else:
            session.apply(edit)

    dialog.accepted.connect(partial(guarded, change))
    open_dialog(dialog)
