"""Group the crops of the grid by suggested class, and show them at the same scale."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QToolButton

from poregui.domain.records import Changed
from poregui.gui.base.feature import Feature, Link
from poregui.gui.label.label_state import LabelState
from poregui.gui.label.label_suggestions import Suggesting
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.lists.same_scale import ScaleStrip
from poregui.gui.lists.section_strip import Section, SectionStrip


class Sizing(Feature):
    """Follow the switch *Same scale*."""

    hears = frozenset({"crops", "micrographs"})

    def __init__(
        self, grid: CropGrid, button: QToolButton, strip: ScaleStrip, state: LabelState
    ) -> None:
        super().__init__(state)
        self._grid = grid
        self._button = button
        self._strip = strip
        self._state = state

    def links(self) -> Iterable[Link]:
        return ((self._button.toggled, self._switch),)

    def start(self) -> None:
        self._switch(self._button.isChecked())

    def stop(self) -> None:
        """Leave the switch as it is for the next project."""
        self._grid.set_one_scale(None)

    def follow(self, changed: Changed) -> None:
        """Draw anew where scales changed."""
        if self._button.isChecked():
            self._grid.viewport().update()

    def _switch(self, one_scale: bool) -> None:
        if one_scale:
            self._grid.set_one_scale(self._length)
        else:
            self._grid.set_one_scale(None)
        self._strip.setVisible(one_scale)

    def _length(self, crop_id: int) -> float | None:
        crop = self._state.catalogue.crops.get(crop_id)
        if crop is not None and crop.um_per_px:
            return crop.size_px * crop.um_per_px
        return None


_SOON_MS = 200


class Sections(Feature):
    """Follow the grid while it is in the order of suggested classes; in other orders nothing is
    shown.
    """

    def __init__(
        self, grid: CropGrid, strip: SectionStrip, suggesting: Suggesting, state: LabelState
    ) -> None:
        super().__init__(state)
        self._grid = grid
        self._strip = strip
        self._suggesting = suggesting
        self._state = state
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MS)
        self._soon.timeout.connect(self._refresh)

    def links(self) -> Iterable[Link]:
        rows = self._grid.rows
        return (
            (self._suggesting.reordered, self._soon.start),
            (rows.modelReset, self._soon.start),
            (rows.rowsInserted, self._wait),
            (rows.rowsRemoved, self._wait),
            (self._grid.verticalScrollBar().valueChanged, self._mark),
            (self._state.current_changed, self._mark),
            (self._strip.section_chosen, self._go),
        )

    def start(self) -> None:
        self._refresh()

    def stop(self) -> None:
        self._soon.stop()
        self._strip.show_sections((), self._state.catalogue.marks)

    def follow(self, changed: Changed) -> None:
        """Count anew, once the keys rest, what is left to label."""
        self._soon.start()

    def _wait(self, *_: object) -> None:
        """Count once the list is at rest; where the grid has no groups nothing is to be counted."""
        if self.hears:
            self._soon.start()

    def _refresh(self) -> None:
        marks = self._state.catalogue.marks
        rows = self._grid.rows.rows
        sections = []
        for (label, done), (first, last) in self._state.ordering.groups(rows).items():
            if done:
                name = "Labelled"
            elif label is None:
                name = "No suggestion"
            else:
                name = marks.name(label)
            left = sum(row.label is None for row in rows[first:last])
            sections.append(Section(name, label, first, left))
        self._strip.show_sections(sections, marks)
        self.hears = frozenset({"labels", "crops", "classes"} if sections else ())
        self._mark()

    def _mark(self, _index: object = None) -> None:
        if self.hears:
            self._strip.mark(self._grid.row_looked_at())

    def _go(self, row: int) -> None:
        """Show a group from its first crop on and choose the first of it that
        has no label, if any.
        """
        grid = self._grid
        sections = self._strip.sections()
        rows = grid.rows.rows
        end = min((section.first for section in sections if section.first > row), default=len(rows))
        if row < len(rows):
            free = next(
                (index for index in range(row, min(end, len(rows))) if rows[index].label is None),
                row,
            )
            self._state.choose(rows[free].crop_id)
            grid.scroll_row_to_top(free)
            grid.setFocus()
