"""Draw the start page: new project, open, recent, sample, and a place to drop images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.classes import COLOURS, DEFAULT_CLASS_NAMES
from poregui.gui.base.icons import icon
from poregui.gui.base.pieces import Index
from poregui.gui.base.theme import GAP, MARGIN, scaled_font, theme

_SIDE = 72
_TIPS = (
    (6, 51), (15, 41), (12, 33), (23, 34), (27, 22), (34, 29), (43, 23), (49, 12), (52, 25),
    (66, 19), (57, 32), (61, 41), (50, 39), (44, 48), (33, 44), (27, 55), (22, 46),
)  # fmt: skip
_GRAINS = ((29, 37, 2.4), (41, 35, 3.2), (50, 31, 1.8))
ROW_HEIGHT = 48


class PoreMarks(QWidget):
    """Show a gas pore, a keyhole and a lack of fusion as crops in the colours of their classes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(3 * _SIDE + 2 * GAP + 2, _SIDE + 2)
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, (name, colour) in enumerate(zip(DEFAULT_CLASS_NAMES, COLOURS, strict=False)):
            painter.save()
            painter.translate(1 + index * (_SIDE + GAP), 1)
            _draw_crop(painter, index, name[0], QColor(colour))
            painter.restore()
        painter.end()


def _draw_crop(painter: QPainter, kind: int, letter: str, colour: QColor) -> None:
    frame = QRectF(0, 0, _SIDE, _SIDE)
    painter.setPen(QPen(colour, 2))
    painter.setBrush(QColor("#dcdee0"))
    painter.drawRoundedRect(frame, 4, 4)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#33373c"))
    painter.drawPath((_gas, _keyhole, _lack_of_fusion)[kind]())
    if kind == 2:
        painter.setBrush(QColor("#a9adb2"))
        for x, y, radius in _GRAINS:
            painter.drawEllipse(QPointF(x, y), radius, radius)
    badge = QRectF(0, _SIDE - 18, 18, 18)
    painter.setBrush(colour)
    painter.drawRoundedRect(badge, 3, 3)
    painter.setPen(QColor("#0c1116"))
    painter.setFont(scaled_font(painter.font(), 0.9, bold=True))
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, letter)


def _gas() -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(QPointF(38, 33), 8, 8)
    return path


def _keyhole() -> QPainterPath:
    path = QPainterPath(QPointF(43, 12))
    path.cubicTo(56, 30, 54, 50, 41, 52)
    path.cubicTo(26, 53, 23, 38, 43, 12)
    return path


def _lack_of_fusion() -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(x, y) for x, y in _TIPS]))
    path.closeSubpath()
    return path


class RecentDelegate(QStyledItemDelegate):
    """Paint a recent project in two lines: its name, and where it lies."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = theme().tokens
        folder = index.data(Qt.ItemDataRole.UserRole)
        assert isinstance(folder, Path)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(tokens.selection))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(option.rect, QColor(tokens.raised))
        inner = option.rect.adjusted(12, 6, -12, -6)
        half = inner.height() // 2
        lines = (
            (
                folder.name,
                tokens.text,
                scaled_font(option.font, 1.0, bold=True),
                Qt.TextElideMode.ElideRight,
            ),
            (
                str(folder.parent),
                tokens.muted,
                scaled_font(option.font, 0.92),
                Qt.TextElideMode.ElideMiddle,
            ),
        )
        for line, (text, colour, font, elide) in enumerate(lines):
            painter.setFont(font)
            painter.setPen(QColor(colour))
            shown = painter.fontMetrics().elidedText(text, elide, inner.width())
            rectangle = inner.adjusted(0, line * half, 0, (line - 1) * half)
            painter.drawText(
                rectangle, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown
            )
        painter.restore()


_WIDEST = 880
_ZONE_HEIGHT = 152
_SHOWN_RECENT = 6
_ICON = 26
_CARDS = (
    ("new_button", "New project", "Choose a folder and classes", "new"),
    ("open_button", "Open project", "Continue an existing project", "open"),
    ("sample_button", "Try sample project", "600 labelled synthetic pores", "sample"),
)


class StartPage(QWidget):
    """Offer the ways into the program."""

    new_requested = Signal()
    open_requested = Signal()
    sample_requested = Signal()
    images_requested = Signal()
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
        subtitle = QLabel(
            "Label pores in micrographs, train a network and review every error it makes."
        )
        subtitle.setProperty("muted", True)
        subtitle.setWordWrap(True)
        subtitle.setFont(scaled_font(subtitle.font(), 1.1))
        texts = QVBoxLayout()
        texts.setSpacing(GAP // 2)
        texts.addWidget(title)
        texts.addWidget(subtitle)
        row = QHBoxLayout()
        row.setSpacing(3 * GAP)
        row.addLayout(texts, 1)
        row.addWidget(PoreMarks(), 0, Qt.AlignmentFlag.AlignVCenter)
        return row

    def _build_cards(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2 * GAP)
        self._drawings: list[tuple[QLabel, str]] = []
        for (name, text, below, drawing), signal in zip(
            _CARDS, (self.new_requested, self.open_requested, self.sample_requested), strict=True
        ):
            button, image = _card(name, text, below)
            button.clicked.connect(signal)
            self._drawings.append((image, drawing))
            row.addWidget(button, 1)
        return row

    def _build_drop_zone(self) -> QFrame:
        self._zone = _DropZone()
        self._zone.setObjectName("drop_zone")
        self._zone.clicked.connect(self.images_requested)
        self._zone.setFixedHeight(_ZONE_HEIGHT)
        image = QLabel()
        image.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._drawings.append((image, "import"))
        text = QLabel("Click to choose images, or drop images, folders or a project here")
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        formats = QLabel("PNG, JPEG, BMP, 8- and 16-bit TIFF")
        formats.setAlignment(Qt.AlignmentFlag.AlignCenter)
        formats.setProperty("muted", True)
        layout = QVBoxLayout(self._zone)
        layout.setSpacing(GAP // 2)
        layout.addStretch()
        for label in (image, text, formats):
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


class _DropZone(QFrame):
    """Stand for a place to drop files on, which a click or Enter opens; `clicked` tells of it."""

    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Choose images for a new project, or drop them here")
        self.setToolTip("Click to choose images")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        inside = self.rect().contains(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and inside:
            self.clicked.emit()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)


def _card(name: str, text: str, below: str) -> tuple[QPushButton, QLabel]:
    button = QPushButton()
    button.setObjectName(name)
    button.setAccessibleName(text)
    button.setAccessibleDescription(below)
    button.setProperty("card", True)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    button.setMinimumHeight(72)
    image = QLabel()
    title = QLabel(text)
    subtitle = QLabel(below)
    image.setFixedWidth(_ICON + 4)
    title.setFont(scaled_font(title.font(), 1.1, bold=True))
    subtitle.setProperty("muted", True)
    subtitle.setWordWrap(True)
    lines = QVBoxLayout()
    lines.setSpacing(2)
    lines.addStretch()
    lines.addWidget(title)
    lines.addWidget(subtitle)
    lines.addStretch()
    layout = QHBoxLayout(button)
    layout.setContentsMargins(2 * GAP, GAP, GAP, GAP)
    layout.setSpacing(MARGIN)
    layout.addWidget(image)
    layout.addLayout(lines, 1)
    for label in (image, title, subtitle):
        label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return button, image
