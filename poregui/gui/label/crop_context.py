"""Tell of the current crop its measurements and the labelled crops most like it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QObject, QTimer

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed
from poregui.gui.base.feature import Feature, Link
from poregui.gui.base.pieces import Tabbed
from poregui.gui.label.label_state import LabelState
from poregui.gui.label.label_suggestions import Suggesting
from poregui.gui.label.outlines import Outlining
from poregui.gui.lists.crop_list import no_image
from poregui.gui.lists.similar_strip import AlikeRow
from poregui.gui.services.jobs import Latest
from poregui.gui.widgets.facts import CAPTIONS, CropFacts
from poregui.workflow.detecting.measuring import CropNumbers, numbers_of_crop

SOON_MS = 150
"""Time for which a crop stays the current one before anything is asked about it: longer than a held
key repeats.
"""
MIN_HEIGHT = 620
"""Height of the panel in px below which the crops alike are folded away, so that the crop itself
stays large.
"""


class Context(Feature):
    """Ask beside the window, once the crop is painted; an answer that comes too
    late is not shown.
    """

    hears = frozenset({"crops", "outlines", "micrographs", "classes", "labels"})

    def __init__(
        self,
        facts: CropFacts,
        alike: AlikeRow,
        side: Tabbed,
        outlining: Outlining,
        suggesting: Suggesting,
        state: LabelState,
    ) -> None:
        super().__init__(state)
        self._facts = facts
        self._alike = alike
        self._side = side
        self._outlining = outlining
        self._suggesting = suggesting
        self._state = state
        self._shown: int | None = None
        self._cells: dict[int, Sequence[int]] = {}
        self._latest = Latest(self)
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self._ask)

    def links(self) -> Iterable[Link]:
        return (
            (self._side.chosen, self._wait),
            (self._state.current_changed, self._choose),
            (self._state.services.thumbnails.ready, self._repaint),
            (self._alike.chosen, self._state.choose),
            (self._suggesting.alike_found, self._show_alike),
        )

    def start(self) -> None:
        self._alike.set_images(self._state.thumbnail)
        self._side.installEventFilter(self)
        self._clear()
        self._show_cells({})
        self._soon.start()

    def stop(self) -> None:
        self._side.removeEventFilter(self)
        self._soon.stop()
        self._latest.close()
        self._alike.set_images(no_image)
        self._facts.clear()
        self._alike.hide()

    def follow(self, changed: Changed) -> None:
        """Ask again where an edit may have changed the answer."""
        self._soon.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self._fold()
            self._soon.start()
        return False

    # ---- asking -----------------------------------------------------------------------------

    def _wait(self, _title: str) -> None:
        self._soon.start()

    def _choose(self, crop_id: int | None) -> None:
        if self._shown is not None and crop_id != self._shown:
            self._clear()
        self._soon.start()

    def _clear(self) -> None:
        """Let nothing of another crop stand beside this one."""
        self._shown = None
        self._latest.forget()
        self._facts.clear()
        if any(self._cells.values()):
            self._show_cells({})

    def _ask(self) -> None:
        crop = self._state.crop
        if self._shown is not None and (crop is None or crop.id != self._shown):
            self._clear()
        if crop is None or not self._facts.isVisible():
            return
        self._shown = crop.id
        read = partial(self._state.services.thumbnails.pixels_of, crop)
        outline = self._outlining.outlines.get(crop.id)
        self._latest.request(
            partial(numbers_of_crop, crop, outline, read), self._show_numbers, self._fail
        )
        self._suggesting.ask_alike_to_current()

    # ---- showing ----------------------------------------------------------------------------

    def _show_numbers(self, numbers: CropNumbers | None) -> None:
        if numbers is None:
            self._facts.show_numbers({}, "No pore detected in this crop.")
            return
        self._facts.show_numbers(
            number_text(numbers), source_text(numbers), unsure=not numbers.reliable
        )

    def _fail(self, error: PoreguiError) -> None:
        self._facts.show_numbers({}, "The pixels cannot be read.")
        self._facts.source.setToolTip(str(error))

    def _show_alike(self, crop_id: int, of_each: Mapping[int, Sequence[int]]) -> None:
        if crop_id == self._state.current:
            self._show_cells(of_each)

    def _show_cells(self, of_each: Mapping[int, Sequence[int]]) -> None:
        catalogue = self._state.catalogue
        self._cells = {c.id: of_each.get(c.id, ()) for c in catalogue.classes}
        self._alike.show_alike(catalogue.marks, self._cells)
        self._fold()

    def _fold(self) -> None:
        """Show the row where there is room for it, its cells empty while nothing is known, so that
        nothing around it moves when an answer comes.
        """
        self._alike.setVisible(self._side.height() >= MIN_HEIGHT)

    def _repaint(self, _crop_id: int) -> None:
        if self._alike.isVisible():
            self._alike.update()


def number_text(numbers: CropNumbers) -> dict[str, str]:
    """Return the numbers of a crop in words, by caption."""
    unit = "µm" if numbers.unit == "um" else "px"
    shape = [
        f"{value:.2f}" if value is not None else "–"
        for value in (numbers.circularity, numbers.aspect_ratio)
    ]
    sizes = [f"{_three(numbers.area)} {unit}²", f"{_three(numbers.diameter)} {unit}"]
    return dict(zip(CAPTIONS, (*sizes, *shape), strict=True))


def source_text(numbers: CropNumbers) -> str:
    """Say where the numbers come from, and that a small pore has no shape."""
    if numbers.from_outline:
        source = "from its outline"
    else:
        source = "from the crop's pixels"
    if numbers.reliable:
        return source
    return f"{source}; shape: too small to measure"


def _three(value: float) -> str:
    """Return a number with three digits that count, never with an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
