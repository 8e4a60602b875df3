"""Group the crops of the grid by suggested class, and show them at the same scale."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from poregui.domain.records import Changed
from poregui.gui.label.label_desk import LabelDesk
from poregui.gui.label.label_suggestions import Suggesting
from poregui.gui.lists.section_strip import Section


class Sizing:
    """Follow the switch *One scale*."""

    def __init__(self, desk: LabelDesk) -> None:
        self._desk = desk
        self._button = desk.page.one_scale_button

    def attach(self) -> None:
        """Follow the switch."""
        self._button.toggled.connect(self._switch)
        self._switch(self._button.isChecked())

    def detach(self) -> None:
        """Stop following; the switch stays as it is for the next project."""
        self._button.toggled.disconnect(self._switch)
        self._desk.page.crop_grid.set_one_scale(None)

    def follow(self, changed: Changed) -> None:
        """Draw anew where scales changed."""
        if self._button.isChecked() and changed.kinds & {"crops", "micrographs"}:
            self._desk.page.crop_grid.viewport().update()

    def _switch(self, one_scale: bool) -> None:
        page = self._desk.page
        page.crop_grid.set_one_scale(self._length if one_scale else None)
        page.scale_strip.setVisible(one_scale)

    def _length(self, crop_id: int) -> float | None:
        crop = self._desk.catalogue.crops.get(crop_id)
        if crop is not None and crop.um_per_px:
            return crop.size_px * crop.um_per_px
        return None


_SOON_MS = 200


class Sections(QObject):
    """Follow the grid while it is in the order of suggested classes; in other orders nothing is
    shown.
    """

    def __init__(self, desk: LabelDesk, suggesting: Suggesting) -> None:
        super().__init__(desk.page)
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
        grid = self._desk.page.crop_grid
        strip = self._desk.page.section_strip
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
        page = self._desk.page
        marks = self._desk.catalogue.marks
        rows = page.crop_grid.rows.rows
        sections = []
        for (label, done), (first, last) in self._desk.ordering.groups(rows).items():
            if done:
                name = "Labelled"
            elif label is None:
                name = "No suggestion"
            else:
                name = marks.name(label)
            left = sum(row.label is None for row in rows[first:last])
            sections.append(Section(name, label, first, left))
        page.section_strip.show_sections(sections, marks)
        self._mark()

    def _mark(self, _place: object = None) -> None:
        page = self._desk.page
        if page.section_strip.sections():
            page.section_strip.mark(page.crop_grid.row_looked_at())

    def _go(self, row: int) -> None:
        """Show a group from its first crop on and choose the first of it that
        has no label, if any.
        """
        grid = self._desk.page.crop_grid
        sections = self._desk.page.section_strip.sections()
        rows = grid.rows.rows
        end = min((section.first for section in sections if section.first > row), default=len(rows))
        if row < len(rows):
            free = next(
                (place for place in range(row, min(end, len(rows))) if rows[place].label is None),
                row,
            )
            self._desk.choose(rows[free].crop_id)
            grid.scroll_row_to_top(free)
            grid.setFocus()
