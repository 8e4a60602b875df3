"""Draw how many crops of each class are trained on, validate and test, by specimen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from poregui.domain.wording import count
from poregui.gui.base.class_marks import ClassMarks, text_on
from poregui.gui.base.theme import GAP, scaled_font, theme

_MOST_GROUPS = 30


@dataclass(frozen=True)
class SplitBar:
    """Hold one bar: a name and the crops of each class; `heading` bars are sums of the bars that
    follow.
    """

    name: str
    counts: tuple[int, ...]
    heading: bool = False

    @property
    def total(self) -> int:
        """Return the crops of all classes."""
        return sum(self.counts)


class SplitBars(QWidget):
    """Show parts and their groups as stacked bars in class colours; parts have one scale and groups
    another.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("split_bars")
        self.setAccessibleName("Crops of each class for training, validation and test")
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMouseTracking(True)
        self._bars: tuple[SplitBar, ...] = ()
        self._labels: tuple[int, ...] = ()
        self._marks = ClassMarks(())
        theme().changed.connect(self._repaint)

    def set_bars(self, bars: Sequence[SplitBar], labels: Sequence[int], marks: ClassMarks) -> None:
        """Show these bars; `labels` says which label each place of their counts stands for."""
        self._bars = _shortened(bars)
        self._labels = tuple(labels)
        self._marks = marks
        self.setAccessibleDescription(
            "; ".join(f"{bar.name}: {self._text(bar)}" for bar in bars if bar.heading)
        )
        self.updateGeometry()
        self.update()

    def bars(self) -> tuple[SplitBar, ...]:
        """Return the bars that are shown."""
        return self._bars

    def sizeHint(self) -> QSize:
        return QSize(220, self.heightForWidth(220))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.heightForWidth(220))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return round(self._legend_height(width) + sum(self._height(bar) for bar in self._bars))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = self._paint_legend(painter)
        for bar in self._bars:
            height = self._height(bar)
            self._paint_bar(painter, bar, QRectF(0, top, self.width(), height))
            top += height

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        bar = self._at(event.position().y())
        text = ""
        if bar is not None:
            text = f"{bar.name}: {self._text(bar)}"
        self.setToolTip(text)

    def _repaint(self) -> None:
        self.update()

    def _at(self, y: float) -> SplitBar | None:
        top = self._legend_height(self.width())
        for bar in self._bars:
            top += self._height(bar)
            if top - self._height(bar) <= y < top:
                return bar
        return None

    def _text(self, bar: SplitBar) -> str:
        counts = zip(bar.counts, self._labels, strict=False)
        each = ", ".join(f"{n:,} {self._marks.name(label)}" for n, label in counts)
        return f"{count(bar.total, 'crop')} ({each})"

    def _height(self, bar: SplitBar) -> float:
        line = self.fontMetrics().height()
        if bar.heading:
            return line * 2.0 + GAP
        return max(14.0, line * 0.95)

    def _legend_rows(self, width: int) -> list[list[int]]:
        rows: list[list[int]] = []
        left = float(width)
        for label in self._labels if self._bars else ():
            needed = self._entry_width(label)
            if left + needed > width:
                rows.append([])
                left = 0.0
            rows[-1].append(label)
            left += needed
        return rows

    def _entry_width(self, label: int) -> float:
        return (
            self.fontMetrics().horizontalAdvance(self._marks.name(label))
            + self.fontMetrics().height() * 1.3
            + 2 * GAP
        )

    def _legend_height(self, width: int) -> float:
        return len(self._legend_rows(width)) * self.fontMetrics().height() * 1.3

    def _paint_legend(self, painter: QPainter) -> float:
        line = self.fontMetrics().height() * 1.3
        top = 0.0
        for row in self._legend_rows(self.width()):
            left = 0.0
            for label in row:
                painter.setFont(scaled_font(self.font(), 0.8))
                self._marks.draw_badge(painter, left, top + line * 0.85, label)
                painter.setFont(self.font())
                painter.setPen(QColor(theme().tokens.text))
                painter.drawText(
                    QRectF(left + line, top, self.width(), line * 0.95),
                    _MIDDLE_LEFT,
                    self._marks.name(label),
                )
                left += self._entry_width(label)
            top += line
        return top

    def _paint_bar(self, painter: QPainter, bar: SplitBar, area: QRectF) -> None:
        tokens = theme().tokens
        line = self.fontMetrics().height()
        if bar.heading:
            label_area = QRectF(area.left(), area.top() + GAP / 2, area.width(), line)
            painter.setFont(scaled_font(self.font(), 1.0, bold=True))
            painter.setPen(QColor(tokens.text))
            painter.drawText(label_area, int(Qt.AlignmentFlag.AlignLeft), bar.name)
            painter.setFont(self.font())
            painter.setPen(QColor(tokens.muted))
            painter.drawText(label_area, int(Qt.AlignmentFlag.AlignRight), str(bar.total))
            self._paint_pieces(
                painter,
                bar,
                QRectF(area.left(), label_area.bottom() + 1, area.width(), line * 0.9),
                with_text=True,
            )
            return
        name_width = 64.0
        painter.setFont(scaled_font(self.font(), 0.88))
        painter.setPen(QColor(tokens.muted))
        shown = painter.fontMetrics().elidedText(
            bar.name, Qt.TextElideMode.ElideMiddle, round(name_width - 4)
        )
        painter.drawText(
            QRectF(area.left(), area.top(), name_width, area.height()), _MIDDLE_LEFT, shown
        )
        number = QRectF(area.right() - 28, area.top(), 28, area.height())
        if bar.total:
            painter.drawText(number, _MIDDLE_RIGHT, str(bar.total))
        space = QRectF(
            area.left() + name_width, area.center().y() - 3, area.width() - name_width - 32, 6
        )
        self._paint_pieces(painter, bar, space, with_text=False)

    def _paint_pieces(
        self, painter: QPainter, bar: SplitBar, space: QRectF, *, with_text: bool
    ) -> None:
        largest = max((b.total for b in self._bars if b.heading == bar.heading), default=0)
        if not largest:
            return
        left = space.left()
        painter.setFont(scaled_font(self.font(), 0.8, bold=True))
        for number, label in zip(bar.counts, self._labels, strict=False):
            width = space.width() * number / largest
            piece = QRectF(left, space.top(), max(0.0, width - 1), space.height())
            self._marks.fill(painter, piece, label)
            room = piece.width() - 4
            texts: tuple[str, ...] = ()
            if with_text and number:
                texts = (f"{self._marks.letter(label)} {number}", str(number))
            text = next((t for t in texts if painter.fontMetrics().horizontalAdvance(t) < room), "")
            if text:
                painter.setPen(text_on(self._marks.colour(label)))
                painter.drawText(piece, int(Qt.AlignmentFlag.AlignCenter), text)
            left += width
        painter.setPen(QColor(theme().tokens.border))
        painter.drawLine(QPointF(space.left(), space.top()), QPointF(space.left(), space.bottom()))


_MIDDLE_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
_MIDDLE_RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)


def _shortened(bars: Sequence[SplitBar]) -> tuple[SplitBar, ...]:
    """Leave the single groups out where they are too many to be read."""
    groups = sum(not bar.heading for bar in bars)
    if groups <= _MOST_GROUPS:
        return tuple(bars)
    return tuple(bar for bar in bars if bar.heading)
