"""Ask where a new project goes and which classes it has, and which backup to restore."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.classes import DEFAULT_CLASS_NAMES, default_classes
from poregui.domain.errors import PoreguiError
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.dialogs.base import FormDialog, hint
from poregui.launching import home_folder
from poregui.store.backups import NOT_COVERED, Backup, BackupContent


class NewProjectDialog(FormDialog):
    """Return `folder` and `classes` after it was accepted."""

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        title: str = "New project",
        with_classes: bool = True,
    ) -> None:
        super().__init__(title, "Create project", parent)
        self.folder = Path()
        self.classes: tuple[str, ...] = DEFAULT_CLASS_NAMES
        self._name = QLineEdit("pores")
        self._name.setObjectName("project_name_edit")
        self._name.setAccessibleName("Name of the project")
        self._location = QLineEdit(str(home_folder()))
        self._location.setObjectName("project_place_edit")
        self._location.setAccessibleName("Project location")
        browse = QPushButton("Browse…")
        browse.setObjectName("project_browse_button")
        browse.clicked.connect(self._browse)
        location = QHBoxLayout()
        location.setSpacing(GAP)
        location.addWidget(self._location)
        location.addWidget(browse)
        self.form.addRow("Name", self._name)
        self.form.addRow("Location", location)
        self._classes = QLineEdit(", ".join(DEFAULT_CLASS_NAMES))
        self._classes.setObjectName("project_classes_edit")
        self._classes.setAccessibleName("Classes, separated by commas")
        if with_classes:
            self.form.addRow("Classes", self._classes)
            self.form.addRow(
                "", hint("2–30 names, separated by commas. You can change them at any time.")
            )
        self._name.selectAll()

    def check(self) -> None:
        name = self._name.text().strip()
        if not name or any(c in name for c in '/\\:*?"<>|'):
            raise PoreguiError(
                f"{name!r} cannot be the name of a folder.", "Use letters and digits."
            )
        classes = tuple(part.strip() for part in self._classes.text().split(",") if part.strip())
        default_classes(classes)
        try:
            self.folder = Path(self._location.text().strip()).expanduser() / name
            taken = self.folder.exists() and any(self.folder.iterdir())
        except (OSError, RuntimeError, ValueError) as error:
            what = f"{self._location.text()} cannot be used ({error})."
            raise PoreguiError(what, "Choose another location.") from error
        self.classes = classes
        if taken:
            raise PoreguiError(f"{self.folder} is not empty.", "Choose another name or location.")

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Project location", self._location.text())
        if chosen:
            self._location.setText(chosen)


Listed = tuple[Backup, BackupContent | None]
"""A backup and what it contains; None where it is damaged."""
_HEADINGS = ("Created", "Reason", "Labels")


class BackupsDialog(QDialog):
    """List the backups of a project, the newest first.

    `restore_requested` carries the name of one, `backup_requested` asks for another.
    """

    restore_requested = Signal(str)
    backup_requested = Signal()

    def __init__(
        self, text: str, listed: Sequence[Listed], parent: QWidget | None, *, can_back_up: bool
    ) -> None:
        super().__init__(parent)
        self.setObjectName("backups_dialog")
        self.setWindowTitle("Backups")
        self.resize(620, 420)
        self._listed = listed
        explanation = QLabel(text)
        explanation.setObjectName("backups_text")
        explanation.setWordWrap(True)
        explanation.setVisible(bool(text))
        self.table = self._build_table()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * MARGIN, 2 * MARGIN, 2 * MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addWidget(explanation)
        layout.addWidget(self.table, 1)
        layout.addWidget(hint(NOT_COVERED))
        layout.addWidget(self._build_buttons(can_back_up=can_back_up))
        self._follow()
        sound = [row for row, (_, content) in enumerate(listed) if content is not None]
        if sound:
            self.table.selectRow(sound[0])

    def _build_table(self) -> QTableWidget:
        table = QTableWidget(len(self._listed), len(_HEADINGS))
        table.setObjectName("backups_table")
        table.setAccessibleName("Backups, the newest first")
        table.setHorizontalHeaderLabels(_HEADINGS)
        table.verticalHeader().hide()
        table.setTabKeyNavigation(False)  # Tab leads to the buttons
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        for row, (one, content) in enumerate(self._listed):
            labels = "damaged"
            if content is not None:
                labels = f"{content.labels:,}"
            made = f"{one.when.astimezone():%Y-%m-%d %H:%M}"
            for column, text in enumerate((made, one.why, labels)):
                table.setItem(row, column, QTableWidgetItem(text))
        table.resizeColumnsToContents()
        header = table.horizontalHeader()
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.itemSelectionChanged.connect(self._follow)
        return table

    def _build_buttons(self, *, can_back_up: bool) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.restore_button = QPushButton("Restore")
        self.restore_button.setObjectName("backups_restore")
        self.restore_button.setProperty("primary", True)
        self.restore_button.clicked.connect(self._restore)
        buttons.addButton(self.restore_button, QDialogButtonBox.ButtonRole.ActionRole)
        self.backup_button = QPushButton("Back up now", self)
        self.backup_button.setObjectName("backups_make")
        self.backup_button.clicked.connect(self.backup_requested)
        self.backup_button.clicked.connect(self.accept)
        if can_back_up:
            buttons.addButton(self.backup_button, QDialogButtonBox.ButtonRole.ActionRole)
            for button in (self.restore_button, self.backup_button):
                button.setAutoDefault(False)  # Enter takes no labels back
        else:
            self.backup_button.hide()
        buttons.rejected.connect(self.reject)
        return buttons

    def _chosen(self) -> Listed | None:
        rows = self.table.selectionModel().selectedRows()
        if not rows:
            return None
        return self._listed[rows[0].row()]

    def _follow(self) -> None:
        chosen = self._chosen()
        self.restore_button.setEnabled(chosen is not None and chosen[1] is not None)

    def _restore(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            self.restore_requested.emit(chosen[0].name)
            self.accept()
