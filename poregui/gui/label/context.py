"""Tell of the current crop its measurements and the labelled crops most like it; changes with what is told there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QImage

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed
from poregui.gui.label.companion import LabelDesk
from poregui.gui.label.outlining import Outlining
from poregui.gui.label.suggesting import Suggesting
from poregui.gui.latest import Latest
from poregui.gui.widgets.crop_facts import CAPTIONS
from poregui.workflow.crop_numbers import CropNumbers, numbers_of_crop

SOON_MS = 150
"""Time for which a crop stays the current one before anything is asked about it: longer than a held key repeats."""
LEAST_HEIGHT = 620
"""Height of the panel in px below which the crops alike are folded away, so that the crop itself stays large."""


class Context(QObject):
    """Ask beside the window, once the crop is painted; an answer that comes too late is not shown."""

    def __init__(self, desk: LabelDesk, outlining: Outlining, suggesting: Suggesting) -> None:
        super().__init__(desk.owner)
        self._desk = desk
        self._outlining = outlining
        self._suggesting = suggesting
        self._facts, self._alike = desk.page.crop_facts, desk.page.alike_row
        self._shown: int | None = None
        self._latest = Latest(self)
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self._ask)

    def attach(self) -> None:
        """Follow the grid and the panel."""
        self._alike.set_pictures(self._picture)
        for signal, slot in self._links():
            signal.connect(slot)
        self._desk.page.side.installEventFilter(self)
        self._clear()
        self._soon.start()

    def detach(self) -> None:
        """Stop following, wait for what runs and leave the panel empty."""
        for signal, slot in self._links():
            signal.disconnect(slot)
        self._desk.page.side.removeEventFilter(self)
        self._soon.stop()
        self._latest.close()
        self._alike.set_pictures(lambda _id: None)
        self._facts.clear()
        self._alike.hide()

    def follow(self, changed: Changed) -> None:
        """Ask again where an edit may have changed the answer."""
        if changed.kinds & {"crops", "outlines", "micrographs", "classes", "labels"}:
            self._soon.start()

    def _links(self) -> tuple:
        desk = self._desk
        return (
            (desk.page.side.chosen, self._look),
            (desk.page.crop_grid.chosen, self._choose),
            (desk.stage.changed, self._look),
            (desk.services.thumbnails.ready, self._repaint),
            (self._alike.chosen, desk.choose),
            (self._suggesting.alike_found, self._show_alike),
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self._fold()
            self._soon.start()
        return False

    # ---- asking --------------------------------------------------------------------------------------------------

    def _look(self, _: object = None) -> None:
        if self._desk.current() != self._shown:
            self._clear()
        self._soon.start()

    def _choose(self, crop_id: int) -> None:
        """Hear of another crop, which the presenter may not have made the current one yet."""
        if crop_id != self._shown:
            self._clear()
        self._soon.start()

    def _clear(self) -> None:
        """Let nothing of another crop stand beside this one."""
        self._shown = None
        self._latest.forget()
        self._facts.clear()
        self._show_cells({})

    def _ask(self) -> None:
        crop = self._desk.catalogue.crops.get(self._desk.current() or 0)
        if self._shown is not None and (crop is None or crop.id != self._shown):
            self._clear()
        if crop is None or not self._facts.isVisible():
            return
        self._shown = crop.id
        read = partial(self._desk.services.thumbnails.pixels_of, crop)
        outline = self._outlining.outlines.get(crop.id)
        self._latest.request(partial(numbers_of_crop, crop, outline, read), self._show_numbers, self._fail)
        self._suggesting.ask_alike_to_current()

    # ---- showing -------------------------------------------------------------------------------------------------

    def _show_numbers(self, numbers: CropNumbers | None) -> None:
        if numbers is None:
            self._facts.show_numbers({}, "No pore stands out in these pixels.")
            return
        self._facts.show_numbers(number_words(numbers), source_words(numbers), unsure=not numbers.reliable)

    def _fail(self, error: PoreguiError) -> None:
        self._facts.show_numbers({}, "The pixels cannot be read.")
        self._facts.source.setToolTip(str(error))

    def _show_alike(self, crop_id: int, of_each: Mapping[int, Sequence[int]]) -> None:
        if crop_id == self._desk.current():
            self._show_cells(of_each)

    def _show_cells(self, of_each: Mapping[int, Sequence[int]]) -> None:
        catalogue = self._desk.catalogue
        self._alike.show_alike(catalogue.marks, {c.id: of_each.get(c.id, ()) for c in catalogue.classes})
        self._fold()

    def _fold(self) -> None:
        """Show the row once there is something to compare with and room for it."""
        known = any(self._alike.shown().values()) or (not self._alike.isHidden() and self._suggesting.answers_alike)
        self._alike.setVisible(known and self._desk.page.side.height() >= LEAST_HEIGHT)

    def _repaint(self, _crop_id: int) -> None:
        if self._alike.isVisible():
            self._alike.update()

    def _picture(self, crop_id: int) -> QImage | None:
        crop = self._desk.catalogue.crops.get(crop_id)
        return self._desk.services.thumbnails.image(crop) if crop is not None else None


def number_words(numbers: CropNumbers) -> dict[str, str]:
    """Return the numbers of a crop in words, by caption."""
    unit = "µm" if numbers.unit == "um" else "px"
    shape = [f"{value:.2f}" if value is not None else "–" for value in (numbers.circularity, numbers.aspect_ratio)]
    sizes = [f"{_three(numbers.area)} {unit}²", f"{_three(numbers.diameter)} {unit}"]
    return dict(zip(CAPTIONS, (*sizes, *shape), strict=True))


def source_words(numbers: CropNumbers) -> str:
    """Say where the numbers come from, and that a small pore has no shape."""
    source = "from its outline" if numbers.from_outline else "from the crop's pixels"
    return source if numbers.reliable else f"{source}; shape: too small to tell"


def _three(value: float) -> str:
    """Return a number with three digits that count, never with an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
