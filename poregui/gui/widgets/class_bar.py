"""Show one button per class with key, count and the way to the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.classes import NOT_A_PORE, UNSURE, PoreClass
from poregui.domain.wording import count
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.key_map import key_map
from poregui.gui.base.theme import theme

USUAL_TARGET = 200
"""Labelled crops per class that are worth having before training, unless a person wants another
number.
"""
_PAD = 6
_LOWEST = 112
"""Height in px down to which a low window squeezes the bar; its buttons scroll then."""


class ClassButton(QAbstractButton):
    """Draw badge, name, key, count and a bar to the target; `label` is what a click gives."""

    def __init__(
        self, label: int, key: str, marks: ClassMarks, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.label = label
        self.key = key
        self._entry = {NOT_A_PORE: "not_a_pore", UNSURE: "unsure"}.get(label, "")
        if key and not self._entry:
            self._entry = f"class_{key}"
        self._marks = marks
        self._count = 0
        self._target = USUAL_TARGET
        self._with_target = label >= 0
        self.setCheckable(True)
        self.setText(marks.name(label))
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)
        self._name_key()
        key_map().changed.connect(self._name_key)

    def set_count(self, number: int) -> None:
        """Show how many crops carry the label."""
        if number != self._count:
            self._count = number
            self._update_texts()

    def set_target(self, target: int) -> None:
        """Show the way to this number of crops, at least 1."""
        self._target = target
        self._update_texts()

    def _name_key(self) -> None:
        """Take the key that a person gave to this label."""
        if self._entry:
            self.key = key_map().text(self._entry)
        self._update_texts()

    def _update_texts(self) -> None:
        crops = count(self._count, "crop")
        key = ""
        if self.key:
            key = f", key {self.key}"
        target = ""
        if self._with_target:
            target = f", target {self._target:,}"
        self.setAccessibleName(f"Label {self.text()}{key}, {crops}")
        self.setToolTip(f"{self.text()}: {crops}{target}{key}")
        self.update()

    def nextCheckState(self) -> None:
        """Leave the mark to the crop's label: a click alone does not move it."""

    def sizeHint(self) -> QSize:
        height = self.fontMetrics().height() + 2 * _PAD
        if self._with_target:
            height += 4
        return QSize(160, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = theme().tokens
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        frame = QPen(QColor(tokens.border), 1.5)
        if self.hasFocus():
            frame = QPen(QColor(tokens.accent), 2)
        elif self.isChecked():
            frame = QPen(QColor(self._marks.colour(self.label)), 1.5)
        painter.setPen(frame)
        painter.setBrush(QColor(tokens.raised))
        if self.underMouse() or self.isDown():
            painter.setBrush(QColor(tokens.selection))
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        self._paint_texts(painter, area)
        if self._with_target:
            self._paint_target(painter, area)

    def _paint_texts(self, painter: QPainter, area: QRectF) -> None:
        tokens = theme().tokens
        metrics = self.fontMetrics()
        line = QRectF(
            area.left() + _PAD, area.top() + _PAD, area.width() - 2 * _PAD, metrics.height()
        )
        self._marks.draw_badge(painter, line.left(), line.bottom() + 1, self.label)
        wide = max(metrics.height(), metrics.horizontalAdvance(self.key) + 6)
        key = QRectF(line.right() - wide, line.top(), wide, line.height())
        centre = int(Qt.AlignmentFlag.AlignCenter)
        if self.key:
            painter.setPen(QPen(QColor(tokens.muted), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(key.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
            painter.setPen(QColor(tokens.text))
            painter.drawText(key, centre, self.key)
        shown = f"{self._count:,}"
        number = QRectF(key.left() - 64, line.top(), 56, line.height())
        painter.setPen(QColor(tokens.text))
        if not self._count:
            painter.setPen(QColor(tokens.muted))
        painter.drawText(
            number, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), shown
        )
        left = line.left() + metrics.height() + 10
        room = number.right() - metrics.horizontalAdvance(shown) - 8 - left
        painter.setPen(QColor(tokens.text))
        name = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, int(room))
        where = QRectF(left, line.top(), room, line.height())
        painter.drawText(
            where, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), name
        )

    def _paint_target(self, painter: QPainter, area: QRectF) -> None:
        bar = QRectF(area.left() + _PAD, area.bottom() - 5, area.width() - 2 * _PAD, 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme().tokens.border))
        painter.drawRoundedRect(bar, 1.5, 1.5)
        done = min(1.0, self._count / self._target)
        if done:
            painter.setBrush(self._marks.colour(self.label))
            painter.drawRoundedRect(
                QRectF(bar.left(), bar.top(), max(3.0, bar.width() * done), 3), 1.5, 1.5
            )


class ClassBar(QScrollArea):
    """Hold the buttons of all classes, *not a pore* and *unsure*; `label_requested` carries the
    label of a click.
    """

    label_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("class_bar")
        self.setAccessibleName("Classes")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.buttons: dict[int, ClassButton] = {}
        self._classes: tuple[PoreClass, ...] | None = None
        self._target = USUAL_TARGET
        self._inner = QWidget(self)
        self._rows = QVBoxLayout(self._inner)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(4)
        self._rows.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setWidget(self._inner)
        self._inner.setAutoFillBackground(False)
        self.viewport().setAutoFillBackground(False)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Make one button per class, unless they are those that are there."""
        if tuple(classes) == self._classes:
            return
        self._classes = tuple(classes)
        marks = ClassMarks(classes)
        for button in self.buttons.values():
            self._rows.removeWidget(button)
            button.hide()
            button.deleteLater()
        entries = [(c.id, c.key, f"label_button_{c.position + 1}") for c in classes]
        entries += [(NOT_A_PORE, "0", "not_a_pore_button"), (UNSURE, "U", "unsure_button")]
        self.buttons = {}
        for label, key, name in entries:
            button = ClassButton(label, key, marks, self._inner)
            button.setObjectName(name)
            button.set_target(self._target)
            button.clicked.connect(self._clicked)
            self._rows.addWidget(button)
            self.buttons[label] = button
        self._inner.adjustSize()
        self.updateGeometry()

    def set_counts(self, counts: Mapping[int | None, int]) -> None:
        """Show how many crops carry each label."""
        for label, button in self.buttons.items():
            button.set_count(counts.get(label, 0))

    def set_target(self, target: int) -> None:
        """Show the way to this number of crops of each class, at least 1."""
        self._target = target
        for button in self.buttons.values():
            button.set_target(target)

    def set_current(self, label: int | None) -> None:
        """Mark the label of the current crop."""
        for own, button in self.buttons.items():
            button.setChecked(own == label)

    def sizeHint(self) -> QSize:
        return QSize(self._rows.sizeHint().width(), self._rows.sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(150, min(self._rows.sizeHint().height(), _LOWEST))

    def _clicked(self) -> None:
        button = self.sender()
        if isinstance(button, ClassButton):
            self.label_requested.emit(button.label)
