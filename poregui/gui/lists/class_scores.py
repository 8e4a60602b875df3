"""Show tables of classes: precision, recall and F1, and crops by specimen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from poregui.domain.classes import PoreClass
from poregui.domain.evaluation import ClassScore
from poregui.domain.wording import count, interval
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.pieces import Index
from poregui.gui.base.theme import scaled_font, theme

_ROW = 22
_NAMES = 0.36
"""Share of the width that the names of specimens take."""


class BalanceTable(QWidget):
    """Show (specimen, counts of each label) as a table; cells below `thin` are framed; below are
    sum and target.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("balance_table")
        self.setAccessibleName("Labels of each class and specimen")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._marks = ClassMarks(())
        self._labels: tuple[int, ...] = ()
        self._rows: tuple[tuple[str, tuple[int, ...]], ...] = ()
        self._thin = 0
        self._target = 0
        theme().changed.connect(self.update)

    def show_counts(
        self,
        marks: ClassMarks,
        labels: Sequence[int],
        rows: Sequence[tuple[str, tuple[int, ...]]],
        *,
        thin: int,
        target: int,
    ) -> None:
        """Show rows of counts of `labels`; those below `thin`, and sums below
        `target`, are framed.
        """
        self._marks = marks
        self._labels = tuple(labels)
        self._rows = tuple(rows)
        self._thin = thin
        self._target = target
        self.setFixedHeight((len(self._rows) + 3) * _ROW)
        self.setToolTip(f"Framed: fewer than {thin} per specimen, or fewer than {target} in total")
        spoken = "; ".join(f"{name}: {', '.join(map(str, counts))}" for name, counts in self._rows)
        self.setAccessibleDescription(spoken)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, (len(self._rows) + 3) * _ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = theme().tokens
        names = self.width() * _NAMES
        wide = (self.width() - names) / max(1, len(self._labels))
        for column, label in enumerate(self._labels):
            self._marks.draw_badge(painter, names + column * wide + wide / 2 - 8, _ROW - 3, label)
        sums = tuple(sum(counts[i] for _, counts in self._rows) for i in range(len(self._labels)))
        wanted = (self._target,) * len(self._labels)
        for number, (name, counts) in enumerate(
            (*self._rows, ("All", sums), ("Target", wanted)), 1
        ):
            top = number * _ROW
            is_sum = number == len(self._rows) + 1
            is_wanted = number > len(self._rows) + 1
            if is_sum:
                painter.setPen(QColor(tokens.border))
                painter.drawLine(0, top, self.width(), top)
            fewest = self._thin
            colour = tokens.muted
            if is_sum:
                fewest = self._target
                colour = tokens.text
            painter.setPen(QColor(colour))
            caption = painter.fontMetrics().elidedText(
                name, Qt.TextElideMode.ElideMiddle, round(names) - 8
            )
            painter.drawText(
                QRectF(0, top, names, _ROW), int(Qt.AlignmentFlag.AlignVCenter), caption
            )
            for column, number in enumerate(counts):
                cell = QRectF(names + column * wide, top, wide, _ROW).adjusted(3, 2, -3, -2)
                if not is_wanted and number < fewest:
                    painter.setPen(QPen(QColor(tokens.bad), 1, Qt.PenStyle.DotLine))
                    painter.drawRect(cell)
                painter.setPen(QColor(tokens.muted if is_wanted else tokens.text))
                painter.drawText(cell, int(Qt.AlignmentFlag.AlignCenter), str(number))


_HEADS = ("Class", "Precision", "Recall", "F1", "Crops")
_TIPS = (
    "",
    "Of the crops predicted as this class, how many carry its label (%)",
    "Of the crops with this label, how many were predicted as it (%); the line is the 95 % CI",
    "Harmonic mean of precision and recall (%)",
    "Crops with this label",
)
_RECALL = 2


class _ScoreModel(QAbstractTableModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.scores: tuple[ClassScore, ...] = ()

    def show(self, scores: Sequence[ClassScore]) -> None:
        self.beginResetModel()
        self.scores = tuple(scores)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.scores)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return len(_HEADS)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = int(Qt.ItemDataRole.DisplayRole),
    ) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(
                Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignRight if section else _LEFT)
            )
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        score = self.scores[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            numbers = (
                _percent(score.precision),
                _percent(score.recall),
                _percent(score.f1),
                str(score.support),
            )
            return (score.name, *numbers)[index.column()]
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return describe(score)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column():
            return int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        return None


class ClassScores(QTableView):
    """List the scores of classes, each with badge and with its recall's 95 % interval drawn as a
    line.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("class_scores")
        self.setAccessibleName("Precision, recall and F1 per class")
        self._model = _ScoreModel(self)
        self._delegate = _ScoreDelegate(self)
        self.setModel(self._model)
        self.setItemDelegate(self._delegate)
        self.setShowGrid(False)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.verticalHeader().hide()
        heads = self.horizontalHeader()
        heads.setHighlightSections(False)
        heads.setFont(scaled_font(self.font(), 0.88))
        heads.setMinimumSectionSize(20)
        heads.setStyleSheet("QHeaderView::section { padding: 2px 4px; }")
        heads.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, len(_HEADS)):
            heads.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            head = heads.fontMetrics().horizontalAdvance(_HEADS[column])
            self.setColumnWidth(
                column, max(head, self.fontMetrics().horizontalAdvance("100.0")) + 9
            )

    def set_scores(
        self, scores: Sequence[ClassScore], labels: Sequence[int], classes: Sequence[PoreClass]
    ) -> None:
        """Show a row per class; `labels` say whose badge it carries."""
        self._delegate.labels = tuple(labels)
        self._delegate.marks = ClassMarks(classes)
        self._model.show(scores)
        row = self.fontMetrics().height() + 12
        self.verticalHeader().setDefaultSectionSize(row)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + row * len(scores) + 2)

    @property
    def scores(self) -> tuple[ClassScore, ...]:
        """Return what is shown."""
        return self._model.scores

    def sizeHint(self) -> QSize:
        return QSize(280, self.minimumHeight())


class _ScoreDelegate(QStyledItemDelegate):
    def __init__(self, parent: ClassScores) -> None:
        super().__init__(parent)
        self._view = parent
        self.labels: tuple[int, ...] = ()
        self.marks = ClassMarks(())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = theme().tokens
        area = QRectF(option.rect).adjusted(2, 0, -4, 0)
        text = index.data(Qt.ItemDataRole.DisplayRole)
        metrics = option.fontMetrics
        painter.save()
        painter.setPen(QColor(tokens.muted if index.column() == len(_HEADS) - 1 else tokens.text))
        if index.column() == 0:
            side = round(metrics.height() * 1.05)
            self.marks.draw_badge(
                painter, area.left(), area.center().y() + side / 2, self.labels[index.row()]
            )
            area.adjust(side + 6, 0, 0, 0)
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(area.width()))
            painter.drawText(area, int(_LEFT | Qt.AlignmentFlag.AlignVCenter), text)
        else:
            painter.drawText(
                area, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), text
            )
        if index.column() == _RECALL:
            score = self._view.scores[index.row()]
            self._paint_interval(painter, area, score, self.marks.colour(self.labels[index.row()]))
        painter.restore()

    def _paint_interval(
        self, painter: QPainter, area: QRectF, score: ClassScore, colour: QColor
    ) -> None:
        if score.recall is None or score.recall_interval95 is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        y = area.bottom() - 3.5
        low, high = (area.left() + area.width() * end for end in score.recall_interval95)
        painter.setPen(QPen(QColor(theme().tokens.border), 1))
        painter.drawLine(
            QRectF(area.left(), y, area.width(), 0).topLeft(),
            QRectF(area.right(), y, 0, 0).topLeft(),
        )
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QRectF(low, y, 0, 0).topLeft(), QRectF(high, y, 0, 0).topLeft())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(QRectF(area.left() + area.width() * score.recall - 2.5, y - 2.5, 5, 5))


_LEFT = Qt.AlignmentFlag.AlignLeft


def describe(score: ClassScore) -> str:
    """Return the scores of one class in words."""
    if not score.support and score.precision is None:
        return f"{score.name}: no crops"
    caption = (
        f"{score.name}: precision {_percent(score.precision)} %, recall {_percent(score.recall)} %"
    )
    if score.recall_interval95 is not None:
        low, high = score.recall_interval95
        caption += f" ({interval(100 * low, 100 * high, '%', 0)})"
    return f"{caption}, F1 {_percent(score.f1)} %, {count(score.support, 'crop')}"


def _percent(share: float | None) -> str:
    if share is None:
        return "–"
    return f"{100 * share:.1f}"
