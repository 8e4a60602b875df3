"""Open and fill the class card: definitions, reference crops or typical ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from poregui.domain.classes import PoreClass
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed
from poregui.gui.base.feature import Feature, Link
from poregui.gui.base.key_map import key_map
from poregui.gui.base.messages import messages
from poregui.gui.label.label_state import LabelState
from poregui.gui.widgets.class_card import CardImages, ClassCard
from poregui.workflow.editing.label_edits import change_class

_IMAGES = 4


class ClassCards(Feature):
    """Show the card at a key, and write the definitions that a person changes there."""

    def __init__(self, card: ClassCard, state: LabelState) -> None:
        super().__init__(state)
        self._card = card
        self._state = state
        self.keys: dict[str, Callable[[], object]] = {"what_classes_are": self.turn}

    def links(self) -> Iterable[Link]:
        return ((self._card.defined, self._define),)

    def stop(self) -> None:
        self._card.fold()

    def follow(self, changed: Changed) -> None:
        """Show what changed, until the card is closed."""
        if self._card.isVisible():
            self._fill()
        else:
            self.hears = frozenset()

    def turn(self) -> None:
        """Open the card, or close it."""
        card = self._card
        if card.isVisible():
            card.fold()
            return
        tip = f"Close the class card (Esc or {key_map().text('what_classes_are')})"
        card.close_button.setToolTip(tip)
        self._fill()
        self.hears = frozenset({"classes", "labels", "crops"})
        card.unfold()

    def _fill(self) -> None:
        classes = self._state.catalogue.classes
        shown = {pore_class.id: self._shown(pore_class) for pore_class in classes}
        self._card.show_classes(classes, shown, writable=not self._state.project.read_only)

    def _shown(self, one: PoreClass) -> CardImages:
        crops = self._state.catalogue.crops
        marked = [i for i in self._state.project.reference_crops(one.id) if i in crops]
        if marked:
            ids = marked
            text = "Reference images"
        else:
            ids, text = self._typical(one.id)
        images = tuple(self._state.services.thumbnails.full(crops[i]) for i in ids[:_IMAGES])
        return CardImages(text, images)

    def _typical(self, label: int) -> tuple[list[int], str]:
        """Return labelled crops of a class, those that the suggester is surest of first where it
        learnt from enough.
        """
        crops = self._state.catalogue.crops
        found = self._state.ordering.suggestions
        own = [crop.id for crop in crops.values() if crop.label == label]
        if not own:
            return [], "No crops have this label yet."
        if found is not None:
            ids = np.array(own, np.int64)
            labels, confidence = found.best_of(ids)
            known = np.flatnonzero((labels == label) & np.isfinite(confidence))
            if len(known):
                best = known[np.argsort(-confidence[known], kind="stable")]
                note = "No reference images set; showing the most confident labels"
                return ids[best].tolist(), note
        return own, "No reference images set; showing first labels"

    def _define(self, class_id: int, written: str) -> None:
        project = self._state.project
        one = next((c for c in project.classes() if c.id == class_id), None)
        if one is None or one.definition.strip() == written:
            return
        try:
            edit = change_class(project, replace(one, definition=written))
        except PoreguiError as error:
            messages().error(error)
            return
        self._state.apply(edit)
