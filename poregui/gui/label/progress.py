"""Follow how labelling gets on: labels a minute, time left, thin cells."""

from __future__ import annotations

import itertools
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import QSignalBlocker, QTimer

from poregui.domain.records import Changed
from poregui.domain.wording import count
from poregui.gui.base.feature import Feature, Link
from poregui.gui.base.messages import messages
from poregui.gui.base.pieces import Tabbed
from poregui.gui.label.catalogue import CropFilter
from poregui.gui.label.label_state import LabelState
from poregui.gui.label.label_suggestions import Suggesting
from poregui.gui.label.side_panels import MOST, ProgressPanel
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.lists.crop_list import no_image
from poregui.gui.widgets.class_bar import USUAL_TARGET, ClassBar
from poregui.workflow.editing.edits import SetSetting

TARGET_KEY = "label_target"
_PACE_S = 300.0
_LONGEST_PAUSE_S = 60.0
_SOON_MS = 250
_NO_CURVE = "Available from 40 labels of two classes."


class Progressing(Feature):
    """Fill the panel *Progress*, only while it is seen."""

    hears = frozenset({"labels", "crops", "classes", "specimens", "micrographs", "settings"})

    def __init__(
        self,
        panel: ProgressPanel,
        class_bar: ClassBar,
        grid: CropGrid,
        side: Tabbed,
        suggesting: Suggesting,
        state: LabelState,
    ) -> None:
        super().__init__(state)
        self._panel = panel
        self._class_bar = class_bar
        self._grid = grid
        self._side = side
        self._suggesting = suggesting
        self._state = state
        self._given: deque[tuple[float, int]] = deque()
        self._thin: tuple[int, int] | None = None
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MS)
        self._soon.timeout.connect(self._show)

    def links(self) -> Iterable[Link]:
        state = self._state
        return (
            (self._side.chosen, self._soon_shown),
            (state.current_changed, self._soon_shown),
            (state.services.thumbnails.ready, self._repaint),
            (self._panel.target_changed, self._set_target),
            (self._panel.nudge_followed, self._follow_nudge),
            (self._panel.alike.chosen, state.choose),
            (self._suggesting.alike_found, self._show_alike),
            (self._suggesting.curve_changed, self._soon.start),
        )

    def start(self) -> None:
        """Show the target of the project and follow the panel."""
        self._show_target()
        self._panel.target.setEnabled(not self._state.project.read_only)
        self._panel.alike.set_images(self._state.thumbnail)
        self._soon.start()

    def stop(self) -> None:
        self._soon.stop()
        self._panel.alike.set_images(no_image)
        self._panel.alike.show_alike(self._state.catalogue.marks, {})

    def follow(self, changed: Changed) -> None:
        """Count labels for the speed."""
        if changed.kinds == {"labels"} and changed.crop_ids:
            self._given.append((time.monotonic(), len(changed.crop_ids)))
        if "settings" in changed.kinds:
            self._show_target()
        self._soon.start()

    def _soon_shown(self, _: object) -> None:
        self._soon.start()

    def _repaint(self, _crop_id: int) -> None:
        if self._panel.isVisible():
            self._panel.alike.update()

    def _show_target(self) -> None:
        """Show the project's target wherever the way to it is drawn."""
        written = self._state.project.meta(TARGET_KEY)
        if written.isdecimal():
            wanted = max(1, min(int(written), MOST))
        else:
            wanted = USUAL_TARGET
        with QSignalBlocker(self._panel.target):
            self._panel.target.setValue(wanted)
        self._class_bar.set_target(wanted)

    def _set_target(self, wanted: int) -> None:
        before = self._state.project.meta(TARGET_KEY)
        if str(wanted) != before:
            self._state.apply(SetSetting(TARGET_KEY, before, str(wanted), text="set target"))

    def _show(self) -> None:
        if not self._panel.isVisible():
            return
        self._show_balance()
        self._panel.pace.setText(pace_text(self._given, self._left(), time.monotonic()))
        self._panel.more.setText("\n".join(self._suggesting.more_of_each()) or _NO_CURVE)
        self._suggesting.ask_alike_to_current()

    def _left(self) -> int:
        counts = self._state.catalogue.counts()
        target = self._panel.target.value()
        return sum(max(0, target - counts[c.id]) for c in self._state.catalogue.classes)

    def _show_balance(self) -> None:
        catalogue = self._state.catalogue
        panel = self._panel
        counts: Counter[tuple[int | None, int | None]] = Counter()
        free: Counter[int | None] = Counter()
        for crop in catalogue.crops.values():
            counts[crop.specimen_id, crop.label] += 1
            free[crop.specimen_id] += crop.label is None
        labels = [c.id for c in catalogue.classes]
        present: list[tuple[int | None, str]] = list(catalogue.specimens.items())
        if any(specimen is None for specimen, _ in counts):
            present.append((None, "Unknown"))
        rows = [
            (name, tuple(counts[specimen, label] for label in labels)) for specimen, name in present
        ]
        thin = max(1, panel.target.value() // (2 * max(1, len(rows))))
        panel.table.show_counts(
            catalogue.marks, labels, rows, thin=thin, target=panel.target.value()
        )
        cells = [
            (counts[specimen, label], -free[specimen], specimen, label)
            for specimen, _ in present
            if specimen is not None and free[specimen]
            for label in labels
        ]
        self._thin = None
        if rows:
            text = "Every specimen is fully labelled."
        else:
            text = "No specimens are named."
        if cells:
            labelled, waiting, specimen, label = min(cells)
            self._thin = (specimen, label)
            name = f"{catalogue.marks.name(label)} in {catalogue.specimens[specimen]}"
            text = f"Fewest labels: {name} ({labelled:,}); {-waiting:,} unlabelled"
        panel.nudge.setText(text)
        panel.nudge_button.setVisible(self._thin is not None)

    def _follow_nudge(self) -> None:
        if self._thin is not None:
            specimen, label = self._thin
            state = self._state
            self._suggesting.order_by_likely(label)
            state.set_filter(CropFilter(None, specimen))
            state.order_changed.emit()
            state.choose(next(iter(self._grid.ids()), None))
            self._grid.setFocus()
            if state.ordering.suggestions is None:
                name = state.catalogue.marks.name(label)
                messages().note(
                    f"No suggestions yet: this shows all unlabelled crops there, not only {name}."
                )

    def _show_alike(self, crop_id: int, of_each: Mapping[int, Sequence[int]]) -> None:
        if crop_id == self._state.current:
            catalogue = self._state.catalogue
            ordered = {c.id: of_each.get(c.id, ()) for c in catalogue.classes}
            self._panel.alike.show_alike(catalogue.marks, ordered)


def pace_text(labelled: deque[tuple[float, int]], left: int, now: float) -> str:
    """Return labels a minute over the last minutes without long pauses, and the time that `left`
    labels take.
    """
    while labelled and now - labelled[0][0] > _PACE_S:
        labelled.popleft()
    times = [moment for moment, _ in labelled]
    working = sum(min(b - a, _LONGEST_PAUSE_S) for a, b in itertools.pairwise(times))
    labels = sum(number for _, number in list(labelled)[1:])
    if left == 0:
        return "Every class has reached its target."
    if len(labelled) < 3 or working <= 0:
        return f"{count(left, 'label')} to go."
    rate = 60 * labels / working
    minutes = left / rate
    if minutes < 90:
        rest = count(round(minutes), "minute")
    else:
        rest = f"{minutes / 60:.1f} hours"
    return f"{rate:.0f} labels/min; {left:,} to go, about {rest}."
