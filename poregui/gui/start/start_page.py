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

from poregui.gui.base.icons import icon
from poregui.gui.base.theme import GAP, MARGIN, scaled_font, theme
from poregui.gui.start.drawings import ROW_HEIGHT, PoreMarks, RecentDelegate

_WIDEST = 880
_ZONE_HEIGHT = 152
_SHOWN_RECENT = 6
_ICON = 26
_CARDS = (
    ("new_button", "New project", "An empty folder and your classes", "new"),
    ("open_button", "Open project", "A folder that poregui made", "open"),
    ("sample_button", "Try the sample", "600 labelled pores, drawn for you", "sample"),
)


class StartPage(QWidget):
    """Offer the ways into the program."""

    new_requested = Signal()
    open_requested = Signal()
    sample_requested = Signal()
    recent_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("start_page")
        self._problem = QLabel()
        self._problem.setObjectName("start_problem")
        self._problem.setProperty("bad", True)
        self._problem.setWordWrap(True)
        self._problem.hide()
        holder = QWidget()
        holder.setMaximumWidth(_WIDEST)
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * GAP)
        column.addLayout(self._build_title())
        column.addWidget(self._problem)
        column.addLayout(self._build_cards())
        column.addWidget(self._build_drop_zone())
        column.addWidget(self._build_recent())
        outer = QVBoxLayout(self)
        outer.setContentsMargins(4 * MARGIN, 2 * MARGIN, 4 * MARGIN, 2 * MARGIN)
        outer.addStretch(2)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(holder, 1000)
        middle.addStretch(1)
        outer.addLayout(middle)
        outer.addStretch(3)
        theme().changed.connect(self._dress)
        self._dress()

    def _build_title(self) -> QHBoxLayout:
        title = QLabel("poregui")
        title.setFont(scaled_font(title.font(), 2.6, bold=True))
        said = QLabel("Label pores in micrographs, train a network on them, and see every error it makes.")
        said.setProperty("muted", True)
        said.setWordWrap(True)
        said.setFont(scaled_font(said.font(), 1.1))
        words = QVBoxLayout()
        words.setSpacing(GAP // 2)
        words.addWidget(title)
        words.addWidget(said)
        row = QHBoxLayout()
        row.setSpacing(3 * GAP)
        row.addLayout(words, 1)
        row.addWidget(PoreMarks(), 0, Qt.AlignmentFlag.AlignVCenter)
        return row

    def _build_cards(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2 * GAP)
        self._drawings: list[tuple[QLabel, str]] = []
        for (name, text, below, drawing), signal in zip(
            _CARDS, (self.new_requested, self.open_requested, self.sample_requested), strict=True
        ):
            button, picture = _card(name, text, below)
            button.clicked.connect(signal)
            self._drawings.append((picture, drawing))
            row.addWidget(button, 1)
        return row

    def _build_drop_zone(self) -> QFrame:
        self._zone = QFrame()
        self._zone.setObjectName("drop_zone")
        self._zone.setFixedHeight(_ZONE_HEIGHT)
        picture = QLabel()
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._drawings.append((picture, "import"))
        text = QLabel("Drop micrographs, folders of crops, or a project here")
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        formats = QLabel("PNG, JPEG, BMP, TIFF of 8 and 16 bits")
        formats.setAlignment(Qt.AlignmentFlag.AlignCenter)
        formats.setProperty("muted", True)
        layout = QVBoxLayout(self._zone)
        layout.setSpacing(GAP // 2)
        layout.addStretch()
        for label in (picture, text, formats):
            layout.addWidget(label)
        layout.addStretch()
        return self._zone

    def _build_recent(self) -> QWidget:
        self._recent_part = QWidget()
        title = QLabel("Recent projects")
        title.setProperty("heading", True)
        self._recent = QListWidget()
        self._recent.setObjectName("recent_list")
        self._recent.setAccessibleName("Recent projects")
        self._recent.setItemDelegate(RecentDelegate(self._recent))
        self._recent.setMouseTracking(True)
        self._recent.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._recent.itemActivated.connect(self._choose)
        self._recent.itemClicked.connect(self._choose)
        column = QVBoxLayout(self._recent_part)
        column.setContentsMargins(0, GAP, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(title)
        column.addWidget(self._recent)
        return self._recent_part

    def set_recent(self, folders: Sequence[Path]) -> None:
        """Show projects, the newest first."""
        self._recent.clear()
        for folder in folders:
            item = QListWidgetItem(folder.name)
            item.setData(Qt.ItemDataRole.UserRole, folder)
            item.setToolTip(str(folder))
            self._recent.addItem(item)
        most = min(_SHOWN_RECENT, len(folders))
        self._recent.setMaximumHeight(most * ROW_HEIGHT + 4)
        self._recent.setMinimumHeight(min(most, 2) * ROW_HEIGHT + 4)
        self._recent_part.setVisible(bool(folders))

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
        for label, drawing in self._drawings:
            label.setPixmap(icon(drawing).pixmap(QSize(_ICON, _ICON), self.devicePixelRatioF()))


def _card(name: str, text: str, below: str) -> tuple[QPushButton, QLabel]:
    button = QPushButton()
    button.setObjectName(name)
    button.setAccessibleName(text)
    button.setAccessibleDescription(below)
    button.setProperty("card", True)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    button.setMinimumHeight(72)
    picture, title, words = QLabel(), QLabel(text), QLabel(below)
    picture.setFixedWidth(_ICON + 4)
    title.setFont(scaled_font(title.font(), 1.1, bold=True))
    words.setProperty("muted", True)
    words.setWordWrap(True)
    lines = QVBoxLayout()
    lines.setSpacing(2)
    lines.addStretch()
    lines.addWidget(title)
    lines.addWidget(words)
    lines.addStretch()
    layout = QHBoxLayout(button)
    layout.setContentsMargins(2 * GAP, GAP, GAP, GAP)
    layout.setSpacing(MARGIN)
    layout.addWidget(picture)
    layout.addLayout(lines, 1)
    for label in (picture, title, words):
        label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return button, picture
