"""Join the suggestions to the label page: send labels, show and accept suggestions."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QComboBox

from poregui.domain.classes import UNSURE
from poregui.domain.records import Changed, Crop
from poregui.domain.statistics.splits import group_of
from poregui.domain.wording import count
from poregui.gui.base import pieces
from poregui.gui.base.feature import Feature, Link
from poregui.gui.base.messages import messages
from poregui.gui.label.catalogue import Catalogue
from poregui.gui.label.grid_order import BY_SUGGESTION, LIKELY, ORDERS
from poregui.gui.label.label_state import LabelState, concerns
from poregui.gui.lists.crop_grid import CropGrid
from poregui.gui.services.suggester import SuggestProcess
from poregui.gui.widgets.label_strip import SuggestionLine
from poregui.workflow.editing.label_edits import accept_suggestions
from poregui.workflow.suggesting.suggestions import Suggestions
from poregui.workflow.training.learning_curve import GAIN_CAVEAT, advice, lines_of_classes

_AT_ONCE = 500
"""Crops that are told before keys are looked at again: 3 ms.

A thread that tells them all stalls the window longer.
"""


class CropSender(QObject):
    """Send crops to the worker bit by bit, and keep them in `sent` as they were sent; crops that
    went are skipped.

    `sent` grows with the sending, for a copy of 100,000 crops made at once is felt under a key.
    """

    def __init__(self, catalogue: Catalogue, parent: QObject) -> None:
        super().__init__(parent)
        self.sent: dict[int, Crop | None] = {}
        self._catalogue = catalogue
        self._waiting: deque[int] = deque()
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._tell)

    def go_on(self, process: SuggestProcess, crop_ids: Iterable[int]) -> None:
        """Tell of more crops, as they are when their turn comes; a few are told at once."""
        self._process = process
        self._waiting.extend(crop_ids)
        if not self._timer.isActive():
            self._tell()

    def outdate(self, crop_ids: Sequence[int]) -> None:
        """Let crops, or all where none are named, be told anew."""
        for crop_id in crop_ids or list(self.sent):
            if crop_id in self.sent:
                self.sent[crop_id] = None

    def stop(self) -> None:
        """Tell no more."""
        self._timer.stop()
        self._waiting.clear()

    def _tell(self) -> None:
        crops = self._catalogue.crops
        batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        here = {crop_id: crops[crop_id] for crop_id in batch if crop_id in crops}
        self.sent |= here
        rows = [[crop.id, crop.pixels, crop.um_per_px, group_of(crop)] for crop in here.values()]
        self._process.tell({"crops": rows, "more": bool(self._waiting)})
        if self._waiting:
            self._timer.start()
        else:
            self._timer.stop()


FEWEST_LABELS = 10
"""Labels from which on the process that learns is started; the same number as in
workflow/suggesting/suggestion_model.py.
"""
_QUIET_MS = 1500
"""Time without a label after which the grid may take the order of new suggestions."""


class Suggesting(Feature):
    """Tell the worker what people decide, and show what it makes of that without ever labelling by
    itself.

    `alike_found` carries the id of a crop and, for each label, the ids of the crops that look most
    like it; `reordered` tells that the grid was put in order anew.
    """

    alike_found = Signal(int, object)
    curve_changed = Signal()
    reordered = Signal()

    hears = frozenset({"labels", "crops", "outlines", "micrographs", "specimens", "classes"})

    def __init__(
        self, grid: CropGrid, line: SuggestionLine, order_box: QComboBox, state: LabelState
    ) -> None:
        super().__init__(state)
        self._grid = grid
        self._line = line
        self._order_box = order_box
        self._state = state
        self._process: SuggestProcess | None = None
        self._broken = False
        self._sent_labels: dict[int, int | None] = {}
        self._sender = CropSender(state.catalogue, self)
        self._found: Suggestions | None = None
        self._curve: Mapping | None = None
        self._compared: int | None = None
        self._shown: object = None
        self._renew = QTimer(self, singleShot=True, interval=_QUIET_MS)
        self._renew.timeout.connect(self._reorder)
        self.keys: dict[str, Callable[[], object]] = {
            "accept": self.accept,
            "accept_page": self.accept_page,
        }

    # ---- life -------------------------------------------------------------------------------

    def links(self) -> Iterable[Link]:
        return (
            (self._order_box.activated, self._choose_order),
            (self._line.accept_requested, self.accept),
            (self._state.current_changed, self.show_current),
        )

    def start(self) -> None:
        """Offer the orders, draw suggestions in the grid, and start to learn
        where there is enough.
        """
        pieces.fill(self._order_box, ORDERS)
        self._grid.set_suggestions(self._suggestion)
        self._line.show_state("")
        self._catch_up()
        self.show_current()

    def stop(self) -> None:
        """End the process and take the suggestions away."""
        self._renew.stop()
        self._sender.stop()
        if self._process is not None:
            self._process.close()
            self._process = None
        self._grid.set_suggestions(None)
        self._line.show_suggestion(None, 0.0)
        self._order_box.setCurrentIndex(0)
        self._shown = None

    def follow(self, changed: Changed) -> None:
        """Tell the worker what an edit changed; the grid waits with a new order until the keys
        rest.
        """
        if "outlines" in changed.kinds:  # by which crops are measured: they are told anew
            self._sender.outdate(changed.crop_ids)
        if changed.kinds == {"labels"} and changed.crop_ids:
            self._catch_up(changed.crop_ids)
        elif changed.kinds != {"classes"}:
            self._catch_up()
        if self._renew.isActive():
            self._renew.start()
        if "classes" in changed.kinds:
            self._say_state()
        if changed.kinds != {"labels"} or concerns(changed, self._state.current):
            self.show_current()

    def show_current(self, _crop_id: object = None) -> None:
        """Show what is suggested for the current crop, where it has no label."""
        crop = self._state.crop
        found = None
        if crop is not None and crop.label is None:
            found = self._suggestion(crop.id)
        shown = (found, self._state.catalogue.marks)
        if shown == self._shown:
            return
        self._shown = shown
        label, probability = found or (None, 0.0)
        self._line.set_marks(self._state.catalogue.marks)
        writable = not self._state.project.read_only
        self._line.show_suggestion(label, probability, writable=writable)

    # ---- what a person wants ----------------------------------------------------------------

    def accept(self) -> None:
        """Label the selected crops as suggested and go on."""
        self._accept(self._state.chosen_ids(), "No suggestion for this crop yet.")

    def accept_page(self) -> None:
        """Label all crops that are in sight in the grid as suggested, in one step."""
        self._accept(self._grid.visible_ids(), "No suggestions for the visible crops.")

    def _accept(self, crop_ids: Sequence[int], nothing: str) -> None:
        crops = self._state.catalogue.crops
        free = [i for i in crop_ids if i in crops and crops[i].label is None]
        wanted = {i: found[0] for i in free if (found := self._suggestion(i)) is not None}
        if not wanted:
            messages().note(nothing)
            return
        following = self._grid.rows.next_unlabelled(list(wanted))
        edit = accept_suggestions(self._state.project, wanted, who=self._state.session.who)
        if self._state.apply(edit if edit.changes else None):
            if len(wanted) > 1:
                marks = self._state.catalogue.marks
                counts = Counter(wanted.values()).most_common()
                each = ", ".join(f"{number:,} {marks.name(label)}" for label, number in counts)
                messages().note(
                    f"Accepted {count(len(wanted), 'suggestion')}: {each}. Undo removes them."
                )
            if following is not None:
                self._state.choose(following)

    def _choose_order(self) -> None:
        self._state.ordering.by = str(self._order_box.currentData())
        self._grid.setFocus()
        if self._state.ordering.by in BY_SUGGESTION and self._found is None:
            messages().note(f"Suggestions start after {FEWEST_LABELS} labels of two classes.")
        if self._state.ordering.by == "alike":
            self._ask_alike()
        else:
            self._reorder(keep=False)

    def order_by_likely(self, label: int) -> None:
        """Put the crops that are likeliest of a class first."""
        ordering = self._state.ordering
        ordering.by = LIKELY
        ordering.wanted = label
        ordering.renew()
        name = self._state.catalogue.marks.name(label)
        self._order_box.setPlaceholderText(f"Likely {name}")
        self._order_box.setCurrentIndex(-1)

    def _ask_alike(self) -> None:
        crop_id = self._state.current
        if crop_id is None:
            messages().note("Select the crop to compare the others with.")
            return
        self._catch_up(start=True)
        self._compared = crop_id
        if self._process is not None:
            self._process.tell({"like": crop_id})

    # ---- the worker -------------------------------------------------------------------------

    def _catch_up(self, crop_ids: Sequence[int] | None = None, *, start: bool = False) -> None:
        """Tell the worker what it does not know yet, once there is enough to learn from."""
        crops = self._state.catalogue.crops
        if self._process is None:
            counts = self._state.catalogue.counts()
            labelled = len(crops) - counts[None] - counts[UNSURE]
            if not start and (self._broken or labelled < FEWEST_LABELS or len(crops) == labelled):
                return
            self._process = SuggestProcess(self._state.project.folder)
            for signal, slot in (
                (self._process.suggested, self._take),
                (self._process.measured, self._measured),
                (self._process.curve_drawn, self._draw_curve),
                (self._process.alike, self._take_alike),
                (self._process.ended, self._ended),
            ):
                signal.connect(slot)
            self._sender.sent.clear()
            self._sent_labels = {
                crop.id: crop.label for crop in crops.values() if crop.label is not None
            }
            self._send([list(pair) for pair in self._sent_labels.items()], list(crops), [])
            return
        ids: Iterable[int] = crops
        if crop_ids is not None:
            ids = [i for i in crop_ids if i in crops]
        known = self._sender.sent
        fresh = [i for i in ids if _needed(known.get(i)) != _needed(crops[i])]
        if crop_ids is None:
            gone = [i for i in known if i not in crops]
        else:
            gone = []
        labels = [[i, crops[i].label] for i in ids if self._sent_labels.get(i) != crops[i].label]
        for crop_id in gone:
            known.pop(crop_id)
            labels.append([crop_id, None])
        self._sent_labels.update((crop_id, label) for crop_id, label in labels)
        self._send(labels, fresh, gone)

    def _send(self, labels: list, fresh: list[int], gone: list[int]) -> None:
        """Tell labels first, so that labelled crops are measured first."""
        process = self._process
        if process is None:
            return
        if labels:
            process.tell({"labels": labels})
        if gone:
            process.tell({"gone": gone})
        if fresh:
            self._sender.go_on(process, fresh)

    def _take(self, found: Suggestions | None) -> None:
        self._found = found
        self._state.ordering.suggestions = found
        self._grid.viewport().update()
        self.show_current()
        self._say_state()
        if self._state.ordering.by in BY_SUGGESTION and not self._renew.isActive():
            self._renew.start()

    def ask_alike_to_current(self) -> None:
        """Ask which labelled crops look most like the current one; `alike_found` answers, from
        enough labels on.
        """
        crop_id = self._state.current
        if self._process is None and not self._broken:
            counts = self._state.catalogue.counts()
            labelled = counts.total() - counts[None] - counts[UNSURE]
            self._catch_up(start=labelled >= FEWEST_LABELS)
        if self._process is not None and crop_id is not None:
            self._process.tell({"like": crop_id})

    @property
    def answers_alike(self) -> bool:
        """Tell whether the worker runs that knows which crops are alike."""
        return self._process is not None

    def _take_alike(
        self, crop_id: int, order: Sequence[int], of_each: Mapping[int, Sequence[int]]
    ) -> None:
        self.alike_found.emit(crop_id, of_each)
        if crop_id == self._compared and self._state.ordering.by == "alike":
            self._compared = None
            self._state.ordering.alike = order
            self._reorder(keep=False)

    def _measured(self, done: int, total: int) -> None:
        if done < total:
            self._line.show_state(f"Measuring crops: {done:,} of {total:,}")
        else:
            self._say_state()

    def _draw_curve(self, curve: Mapping) -> None:
        self._curve = curve
        self._say_state()
        self.curve_changed.emit()

    def _ended(self, why: str) -> None:
        self._process = None
        self._broken = True
        self._sender.stop()
        text = "Suggestions have stopped; you can continue labelling."
        if why:
            text += f" ({why})"
        messages().note(text)

    # ---- what is shown ----------------------------------------------------------------------

    def _suggestion(self, crop_id: int) -> tuple[int, float] | None:
        if self._found is not None:
            return self._found.of(crop_id)
        return None

    def _say_state(self) -> None:
        found = self._found
        names = self._names()
        if found is None:
            self._line.show_state("")
            return
        hint = advice(self._curve, names)
        text = f"Learnt from {count(found.count, 'label')}"
        if found.run is not None:
            text += f" and the network of run {found.run}"
        if found.found_words:
            text += f"; classifies correctly {found.found_words}"
        if hint:
            self._line.show_state(f"{text}. {hint}", GAIN_CAVEAT)
        else:
            self._line.show_state(f"{text}.")

    def more_of_each(self) -> list[str]:
        """Return for each class a line on what more labels would add; none while nothing can be
        said.
        """
        return lines_of_classes(self._curve, self._names())

    def _names(self) -> dict[int, str]:
        return {c.id: c.name for c in self._state.catalogue.known_classes} | {-1: "not-a-pore"}

    def _reorder(self, *, keep: bool = True) -> None:
        """Put the grid into the chosen order anew; `keep` leaves the current crop in view, else the
        first is chosen.
        """
        self._state.ordering.renew()
        self._state.order_changed.emit()
        self.reordered.emit()
        if not keep and self._state.ordering.by != "alike":
            rows = self._grid.rows.rows
            first = next((row.crop_id for row in rows if row.label is None), None)
            if first is not None:
                self._state.choose(first)


def _needed(crop: Crop | None) -> tuple[object, ...]:
    """Return what the worker knows of a crop beside its label."""
    if crop is None:
        return ()
    return (crop.pixels, crop.um_per_px, group_of(crop))
