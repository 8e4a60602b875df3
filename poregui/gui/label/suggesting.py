"""Join the suggestions to the label page: what is told to the worker, what is drawn, what A and Shift+A accept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from poregui.domain.classes import UNSURE
from poregui.domain.records import Changed, Crop
from poregui.domain.splits import group_of
from poregui.gui.label.companion import LabelDesk
from poregui.gui.label.ordering import BY_SUGGESTION, ORDERS
from poregui.gui.label.telling import SlowTelling
from poregui.gui.messages import messages
from poregui.gui.suggester import SuggestProcess
from poregui.gui.widgets import pieces
from poregui.workflow.accepting import accept_suggestions
from poregui.workflow.more_labels import HOW_SURE, advice, lines_of_classes
from poregui.workflow.suggestions import Suggestions

FEWEST_LABELS = 10
"""Labels from which on the process that learns is started; the same number as in workflow/suggest.py."""
_QUIET_MS = 1500
"""Time without a label after which the grid may take the order of new suggestions."""


class Suggesting(QObject):
    """Tell the worker what people decide, and show what it makes of that without ever labelling by itself.

    `alike_found` carries the id of a crop and, for each label, the ids of the crops that look most like it; `reordered`
    tells that the grid was put in order anew.
    """

    alike_found = Signal(int, object)
    curve_changed = Signal()
    reordered = Signal()

    def __init__(self, desk: LabelDesk) -> None:
        super().__init__(desk.owner)
        self._desk = desk
        self._process: SuggestProcess | None = None
        self._broken = False
        self._told: dict[int, int | None] = {}
        self._telling = SlowTelling(lambda: desk.catalogue.crops, self)
        self._found: Suggestions | None = None
        self._curve: Mapping | None = None
        self._compared: int | None = None
        self._renew = QTimer(singleShot=True, interval=_QUIET_MS)
        self._renew.timeout.connect(self._reorder)
        self.keys: dict[str, Callable[[], object]] = {"accept": self.accept, "accept_page": self.accept_page}

    # ---- life ----------------------------------------------------------------------------------------------------

    def attach(self) -> None:
        """Offer the orders, draw suggestions in the grid, and start to learn where there is enough."""
        page = self._desk.page
        pieces.fill(page.order_box, ORDERS)
        page.crop_grid.set_suggestions(self._suggestion)
        page.suggestion_line.show_state("")
        for signal, slot in self._links():
            signal.connect(slot)
        self._catch_up()

    def detach(self) -> None:
        """End the process and take the suggestions away."""
        for signal, slot in self._links():
            signal.disconnect(slot)
        self._renew.stop()
        self._telling.stop()
        if self._process is not None:
            self._process.close()
            self._process = None
        page = self._desk.page
        page.crop_grid.set_suggestions(None)
        page.suggestion_line.show_suggestion(None, 0.0)
        page.order_box.setCurrentIndex(0)

    def follow(self, changed: Changed) -> None:
        """Tell the worker what an edit changed; the grid waits with a new order until the keys rest."""
        if changed.kinds & {"labels", "crops", "micrographs", "specimens"}:
            self._catch_up(changed.crop_ids if changed.kinds == {"labels"} and changed.crop_ids else None)
        if self._renew.isActive():
            self._renew.start()
        if "classes" in changed.kinds:
            self._say_state()

    def show_current(self) -> None:
        """Show what is suggested for the current crop, where it has no label."""
        crop_id = self._desk.current()
        crop = self._desk.catalogue.crops.get(crop_id or 0)
        found = self._suggestion(crop.id) if crop is not None and crop.label is None else None
        line = self._desk.page.suggestion_line
        line.set_marks(self._desk.catalogue.marks)
        label, sure = found or (None, 0.0)
        line.show_suggestion(label, sure, writable=not self._desk.session.project.read_only)

    def _links(self) -> tuple:
        page = self._desk.page
        return (
            (page.order_box.activated, self._choose_order),
            (page.suggestion_line.accept_requested, self.accept),
        )

    # ---- what a person wants -------------------------------------------------------------------------------------

    def accept(self) -> None:
        """Label the chosen crops as suggested and go on."""
        self._accept(self._desk.chosen_ids(), "Nothing is suggested for this crop yet.")

    def accept_page(self) -> None:
        """Label all crops that are in sight in the grid as suggested, in one step."""
        self._accept(self._desk.page.crop_grid.visible_ids(), "Nothing is suggested for the crops in sight.")

    def _accept(self, crop_ids: Sequence[int], nothing: str) -> None:
        desk = self._desk
        crops = desk.catalogue.crops
        free = [i for i in crop_ids if i in crops and crops[i].label is None]
        wanted = {i: found[0] for i in free if (found := self._suggestion(i)) is not None}
        if not wanted:
            messages().note(nothing)
            return
        following = desk.next_unlabelled(list(wanted))
        edit = accept_suggestions(desk.session.project, wanted, who=desk.session.who)
        if desk.apply(edit if edit.changes else None):
            if len(wanted) > 1:
                marks, number = desk.catalogue.marks, Counter(wanted.values())
                each = ", ".join(f"{count} {marks.name(label)}" for label, count in number.most_common())
                messages().note(f"Accepted {len(wanted)} suggestions: {each}. Undo takes them back.")
            if following is not None:
                desk.choose(following)

    def _choose_order(self) -> None:
        desk = self._desk
        desk.ordering.by = str(desk.page.order_box.currentData())
        desk.page.crop_grid.setFocus()
        if desk.ordering.by in BY_SUGGESTION and self._found is None:
            messages().note(f"Suggestions come from the {FEWEST_LABELS}th label of two classes on.")
        if desk.ordering.by == "alike":
            self._ask_alike()
        else:
            self._reorder(keep=False)

    def _ask_alike(self) -> None:
        crop_id = self._desk.current()
        if crop_id is None:
            messages().note("Choose the crop that the others are to be compared with.")
            return
        self._catch_up(start=True)
        self._compared = crop_id
        if self._process is not None:
            self._process.tell({"like": crop_id})

    # ---- the worker ----------------------------------------------------------------------------------------------

    def _catch_up(self, crop_ids: Sequence[int] | None = None, *, start: bool = False) -> None:
        """Tell the worker what it does not know yet, once there is enough to learn from."""
        crops = self._desk.catalogue.crops
        if self._process is None:
            counts = self._desk.catalogue.counts()
            labelled = len(crops) - counts[None] - counts[UNSURE]
            if not start and (self._broken or labelled < FEWEST_LABELS or len(crops) == labelled):
                return
            self._process = SuggestProcess(self._desk.session.project.folder)
            for signal, slot in (
                (self._process.suggested, self._take),
                (self._process.measured, self._measured),
                (self._process.curve_drawn, self._draw_curve),
                (self._process.alike, self._take_alike),
                (self._process.ended, self._ended),
            ):
                signal.connect(slot)
            self._telling.told.clear()
            self._told = {crop.id: crop.label for crop in crops.values() if crop.label is not None}
            self._send([list(pair) for pair in self._told.items()], list(crops), [])
            return
        ids = crops if crop_ids is None else [i for i in crop_ids if i in crops]
        known = self._telling.told
        fresh = [i for i in ids if _needed(known.get(i)) != _needed(crops[i])]
        gone = [i for i in known if i not in crops] if crop_ids is None else []
        labels = [[i, crops[i].label] for i in ids if self._told.get(i) != crops[i].label]
        for crop_id in gone:
            known.pop(crop_id)
            labels.append([crop_id, None])
        self._told.update((crop_id, label) for crop_id, label in labels)
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
            self._telling.go_on(process, fresh)

    def _take(self, found: Suggestions | None) -> None:
        self._found = found
        self._desk.ordering.suggestions = found
        self._desk.page.crop_grid.viewport().update()
        self.show_current()
        self._say_state()
        if self._desk.ordering.by in BY_SUGGESTION and not self._renew.isActive():
            self._renew.start()

    def ask_alike_to_current(self) -> None:
        """Ask which labelled crops look most like the current one; `alike_found` answers, from enough labels on."""
        crop_id = self._desk.current()
        if self._process is None and not self._broken:
            counts = self._desk.catalogue.counts()
            labelled = counts.total() - counts[None] - counts[UNSURE]
            self._catch_up(start=labelled >= FEWEST_LABELS)
        if self._process is not None and crop_id is not None:
            self._process.tell({"like": crop_id})

    @property
    def answers_alike(self) -> bool:
        """Tell whether the worker runs that knows which crops are alike."""
        return self._process is not None

    def _take_alike(self, crop_id: int, order: Sequence[int], of_each: Mapping[int, Sequence[int]]) -> None:
        self.alike_found.emit(crop_id, of_each)
        if crop_id == self._compared and self._desk.ordering.by == "alike":
            self._compared = None
            self._desk.ordering.alike = order
            self._reorder(keep=False)

    def _measured(self, done: int, total: int) -> None:
        if done < total:
            self._desk.page.suggestion_line.show_state(f"Measuring crops: {done} of {total}")
        else:
            self._say_state()

    def _draw_curve(self, curve: Mapping) -> None:
        self._curve = curve
        self._say_state()
        self.curve_changed.emit()

    def _ended(self, why: str) -> None:
        self._process, self._broken = None, True
        self._telling.stop()
        messages().note("The suggestions have stopped; labelling goes on." + (f" ({why})" if why else ""))

    # ---- what is shown -------------------------------------------------------------------------------------------

    def _suggestion(self, crop_id: int) -> tuple[int, float] | None:
        return self._found.of(crop_id) if self._found is not None else None

    def _say_state(self) -> None:
        found, names = self._found, self._names()
        text = told = ""
        if found is not None:
            sure = f", right for {100 * found.accuracy:.0f} % of unseen ones" if found.accuracy is not None else ""
            told = advice(self._curve, names)
            eyes = f" and the network of run {found.run}" if found.run is not None else ""
            text = f"Learnt from {found.count} labels{eyes}{sure}. {told}".strip()
        self._desk.page.suggestion_line.show_state(text, HOW_SURE if told else "")

    def more_of_each(self) -> list[str]:
        """Return for each class a line on what more labels would add; none while nothing can be said."""
        return lines_of_classes(self._curve, self._names())

    def _names(self) -> dict[int, str]:
        return {c.id: c.name for c in self._desk.catalogue.known_classes} | {-1: "not-a-pore"}

    def _reorder(self, *, keep: bool = True) -> None:
        """Put the grid into the chosen order anew; `keep` leaves the current crop in view, else the first is chosen."""
        desk = self._desk
        desk.ordering.renew()
        desk.refill()
        self.reordered.emit()
        if not keep and desk.ordering.by != "alike":
            rows = desk.page.crop_grid.rows.rows
            first = next((row.crop_id for row in rows if row.label is None), None)
            if first is not None:
                desk.choose(first)


def _needed(crop: Crop | None) -> tuple[object, ...]:
    """Return what the worker knows of a crop beside its label."""
    return () if crop is None else (crop.pixels, crop.um_per_px, group_of(crop))
