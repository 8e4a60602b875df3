"""Show the crops of the grid at one scale when a person wants it; changes with what sizes are compared by."""

from __future__ import annotations

from poregui.domain.records import Changed
from poregui.gui.label.label_desk import LabelDesk


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
        return crop.size_px * crop.um_per_px if crop is not None and crop.um_per_px else None
