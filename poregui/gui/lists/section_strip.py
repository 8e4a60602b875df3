"""Name the groups that a grid of crops is in, and lead to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QTabBar, QWidget

from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import theme

_MARK = 12


@dataclass(frozen=True)
class Section:
    """Hold one group: `name`, the class that it is drawn in (None for none), where it begins, and
    its crops to do.
    """

    name: str
    label: int | None
    first: int
    left: int

    @property
    def text(self) -> str:
        """Return what stands on the tab."""
        if self.left:
            return f"{self.name} {self.left:,}"
        return self.name


class SectionStrip(QTabBar):
    """Show groups as tabs, the one in sight marked; `section_chosen` carries the place in the grid
    where one begins.
    """

    section_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("section_strip")
        self.setAccessibleName("Suggested classes")
        self.setExpanding(False)
        self.setDrawBase(False)
        self.setUsesScrollButtons(True)
        self.setElideMode(Qt.TextElideMode.ElideNone)
        self.setIconSize(QSize(_MARK, _MARK))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._sections: tuple[Section, ...] = ()
        self._marks: ClassMarks | None = None
        self.currentChanged.connect(self._go)
        self.tabBarClicked.connect(self._go)
        theme().changed.connect(self._draw_marks)
        self.hide()

    def show_sections(self, sections: Sequence[Section], marks: ClassMarks) -> None:
        """Show these groups in their order; none hides the strip."""
        with QSignalBlocker(self):
            while self.count() > len(sections):
                self.removeTab(self.count() - 1)
            while self.count() < len(sections):
                self.addTab("")
        self._sections = tuple(sections)
        self._marks = marks
        for position, section in enumerate(sections):
            self.setTabText(position, section.text)
            if section.left:
                left = f"{section.left:,} still without a label"
            else:
                left = "all crops labelled"
            self.setTabToolTip(position, f"{section.name}: {left}. Click to go to the first one.")
        self._draw_marks()
        self.setVisible(bool(sections))

    def sections(self) -> tuple[Section, ...]:
        """Return the groups that are shown."""
        return self._sections

    def mark(self, row: int) -> None:
        """Mark the group that a row of the grid belongs to."""
        inside = [
            position for position, section in enumerate(self._sections) if section.first <= row
        ]
        if inside and inside[-1] != self.currentIndex():
            with QSignalBlocker(self):
                self.setCurrentIndex(inside[-1])
            self.update()

    def _go(self, position: int) -> None:
        if 0 <= position < len(self._sections):
            self.section_chosen.emit(self._sections[position].first)

    def _draw_marks(self) -> None:
        for position, section in enumerate(self._sections):
            self.setTabIcon(position, self._icon(section.label))

    def _icon(self, label: int | None) -> QIcon:
        if label is None or self._marks is None:
            return QIcon()
        scale = self.devicePixelRatioF()
        image = QPixmap(round(_MARK * scale), round(_MARK * scale))
        image.setDevicePixelRatio(scale)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        self._marks.fill(painter, QRectF(0, 0, _MARK, _MARK), label)
        painter.end()
        return QIcon(image)
