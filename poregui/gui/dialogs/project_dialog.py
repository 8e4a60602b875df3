"""Ask where a new project goes and which classes it has; alone, for no other dialog is like it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from poregui.domain.classes import DEFAULT_CLASS_NAMES, default_classes
from poregui.domain.errors import PoreguiError
from poregui.gui.base.theme import GAP
from poregui.gui.dialogs.base import FormDialog, hint


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
        self._location = QLineEdit(str(Path.home()))
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
        self.folder = Path(self._location.text().strip()).expanduser() / name
        self.classes = classes
        if self.folder.exists() and any(self.folder.iterdir()):
            raise PoreguiError(f"{self.folder} is not empty.", "Choose another name or location.")

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Project location", self._location.text())
        if chosen:
            self._location.setText(chosen)
