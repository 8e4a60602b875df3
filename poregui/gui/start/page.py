"""Draw the start page: new project, open, recent, sample, and a place to drop pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from poregui.gui.icons import icon
from poregui.gui.theme import GAP, scaled_font, theme

_TEXT_WIDTH = 560


class StartPage(QWidget):
    """Offer the ways into the program."""

    new_requested = Signal()
    open_requested = Signal()
    sample_requested = Signal()
    recent_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("start_page")
        column = QVBoxLayout()
        column.setSpacing(GAP)
        title = QLabel("poregui")
        title.setFont(scaled_font(title.font(), 2.4, bold=True))
        said = QLabel("Label pores in micrographs, train a network on them, and see every error it makes.")
        said.setProperty("muted", True)
        said.setFont(scaled_font(said.font(), 1.1))
        self._problem = QLabel()
        self._problem.setObjectName("start_problem")
        self._problem.setProperty("bad", True)
        self._problem.setWordWrap(True)
        self._problem.hide()
        for widget in (title, said, self._problem):
            column.addWidget(widget)
        column.addSpacing(2 * GAP)
        column.addLayout(self._build_buttons())
        column.addSpacing(GAP)
        column.addWidget(self._build_drop_zone())
        column.addSpacing(2 * GAP)
        self._recent_title = QLabel("Recent projects")
        self._recent_title.setProperty("heading", True)
        column.addWidget(self._recent_title)
        column.addWidget(self._build_recent())
        column.addStretch(1)
        holder = QWidget()
        holder.setLayout(column)
        holder.setMaximumWidth(_TEXT_WIDTH + 160)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(48, 56, 48, 32)
        outer.addStretch(1)
        outer.addWidget(holder, 6)
        outer.addStretch(1)
        theme().changed.connect(self._dress)
        self._dress()

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(GAP)
        self._buttons: list[tuple[QPushButton, str]] = []
        for name, text, drawing, signal in (
            ("new_button", "New project", "new", self.new_requested),
            ("open_button", "Open project", "open", self.open_requested),
            ("sample_button", "Try the sample", "sample", self.sample_requested),
        ):
            button = QPushButton(text)
            button.setObjectName(name)
            button.setAccessibleName(text)
            button.setIconSize(QSize(22, 22))
            button.setMinimumHeight(52)
            button.clicked.connect(signal)
            row.addWidget(button, 1)
            self._buttons.append((button, drawing))
        return row

    def _build_drop_zone(self) -> QFrame:
        self._zone = QFrame()
        self._zone.setObjectName("drop_zone")
        self._zone.setFixedHeight(128)
        text = QLabel("Drop a project, micrographs, or folders of crops here")
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text.setProperty("muted", True)
        layout = QVBoxLayout(self._zone)
        layout.addWidget(text)
        return self._zone

    def _build_recent(self) -> QListWidget:
        self._recent = QListWidget()
        self._recent.setObjectName("recent_list")
        self._recent.setAccessibleName("Recent projects")
        self._recent.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._recent.itemActivated.connect(self._choose)
        self._recent.itemClicked.connect(self._choose)
        return self._recent

    def set_recent(self, folders: Sequence[Path]) -> None:
        """Show projects, the newest first."""
        self._recent.clear()
        for folder in folders:
            item = QListWidgetItem(f"{folder.name}    {folder.parent}")
            item.setData(Qt.ItemDataRole.UserRole, folder)
            item.setToolTip(str(folder))
            item.setSizeHint(QSize(100, 34))
            self._recent.addItem(item)
        self._recent.setFixedHeight(min(6, len(folders)) * 34 + 4)
        self._recent.setVisible(bool(folders))
        self._recent_title.setVisible(bool(folders))

    @property
    def problem(self) -> str:
        """Return why a project could not be opened."""
        return self._problem.text()

    def set_problem(self, text: str) -> None:
        """Show why a project could not be opened; an empty text hides it."""
        self._problem.setText(text)
        self._problem.setVisible(bool(text))

    def set_drop_active(self, active: bool) -> None:
        """Show that something is about to be dropped."""
        self._zone.setProperty("active", active)
        self._zone.style().unpolish(self._zone)
        self._zone.style().polish(self._zone)

    def _choose(self, item: QListWidgetItem) -> None:
        self.recent_chosen.emit(item.data(Qt.ItemDataRole.UserRole))

    def _dress(self) -> None:
        for button, drawing in self._buttons:
            button.setIcon(icon(drawing))
