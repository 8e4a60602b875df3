"""Say above the grid which suggested class one looks at, and lead to the others; changes with what groups crops."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from poregui.domain.records import Changed
from poregui.gui.label.companion import LabelDesk
from poregui.gui.label.suggesting import Suggesting
from poregui.gui.widgets.section_strip import Section

_SOON_MS = 200


class Sections(QObject):
    """Follow the grid while it is in the order of suggested classes; in other orders nothing is shown."""

    def __init__(self, desk: LabelDesk, suggesting: Suggesting) -> None:
        super().__init__(desk.owner)
        self._desk = desk
        self._suggesting = suggesting
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MS)
        self._soon.timeout.connect(self._refresh)

    def attach(self) -> None:
        """Follow the rows of the grid and where it is scrolled to."""
        for signal, slot in self._links():
            signal.connect(slot)
        self._refresh()

    def detach(self) -> None:
        """Stop following and hide the groups."""
        self._soon.stop()
        for signal, slot in self._links():
            signal.disconnect(slot)
        self._desk.page.section_strip.show_sections((), self._desk.catalogue.marks)

    def follow(self, changed: Changed) -> None:
        """Count anew, once the keys rest, what is left to label."""
        if changed.kinds & {"labels", "crops", "classes"}:
            self._soon.start()

    def _links(self) -> tuple:
        grid, strip = self._desk.page.crop_grid, self._desk.page.section_strip
        return (
            (self._suggesting.reordered, self._soon.start),
            (grid.rows.modelReset, self._soon.start),
            (grid.rows.rowsInserted, self._wait),
            (grid.rows.rowsRemoved, self._wait),
            (grid.verticalScrollBar().valueChanged, self._mark),
            (grid.chosen, self._mark),
            (strip.section_chosen, self._go),
        )

    def _wait(self) -> None:
        """Count once the list is at rest; where the grid has no groups nothing is to be counted."""
        if self._desk.page.section_strip.sections():
            self._soon.start()

    def _refresh(self) -> None:
        page, marks = self._desk.page, self._desk.catalogue.marks
        rows, sections = page.crop_grid.rows.rows, []
        for (label, done), (first, last) in self._desk.ordering.groups(rows).items():
            name = "Labelled" if done else "No suggestion" if label is None else marks.name(label)
            left = sum(row.label is None for row in rows[first:last])
            sections.append(Section(name, label, first, left))
        page.section_strip.show_sections(sections, marks)
        self._mark()

    def _mark(self, _place: object = None) -> None:
        page = self._desk.page
        if page.section_strip.sections():
            page.section_strip.mark(page.crop_grid.row_looked_at())

    def _go(self, row: int) -> None:
        """Show a group from its first crop on and choose the first of it that has no label, if any."""
        grid, sections = self._desk.page.crop_grid, self._desk.page.section_strip.sections()
        rows = grid.rows.rows
        end = min((section.first for section in sections if section.first > row), default=len(rows))
        if row < len(rows):
            free = next((place for place in range(row, min(end, len(rows))) if rows[place].label is None), row)
            self._desk.choose(rows[free].crop_id)
            grid.scroll_row_to_top(free)
            grid.setFocus()
