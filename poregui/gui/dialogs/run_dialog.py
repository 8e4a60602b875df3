"""Ask for the name and the note of a run. It stands alone because no other dialog is about runs."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QWidget

from poregui.gui.dialogs.base import FormDialog, hint
from poregui.store.run_notes import LONGEST_NAME, LONGEST_NOTE, RunNotes, checked_notes


class RunDialog(FormDialog):
    """Return `notes` after it was accepted: name and note of a run."""

    def __init__(self, run: int, notes: RunNotes, parent: QWidget | None = None) -> None:
        super().__init__(f"Run {run}", "Save", parent)
        self.setObjectName("run_dialog")
        self.notes = notes
        self.name_edit = QLineEdit(notes.name)
        self.name_edit.setObjectName("run_name_edit")
        self.name_edit.setMaxLength(LONGEST_NAME)
        self.name_edit.setPlaceholderText("none")
        self.note_edit = QLineEdit(notes.note)
        self.note_edit.setMaxLength(LONGEST_NOTE)
        self.note_edit.setObjectName("run_note_edit")
        for title, field in (("Name", self.name_edit), ("Note", self.note_edit)):
            field.setAccessibleName(f"{title} of the run")
            self.form.addRow(title, field)
        self.form.addRow(hint("Lists, comparisons and the report show the name."))

    def check(self) -> None:
        self.notes = checked_notes(self.name_edit.text(), self.note_edit.text())
