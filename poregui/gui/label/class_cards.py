"""Open and fill the class card: definitions, reference crops or typical ones; changes with which crops it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QShortcut

from poregui.domain.classes import PoreClass
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed
from poregui.gui.key_map import key_map
from poregui.gui.label.companion import LabelDesk
from poregui.gui.messages import messages
from poregui.gui.widgets.class_card import ClassCard, Shown
from poregui.workflow.changes import change_class

_PICTURES = 4


class ClassCards(QObject):
    """Show the card at a key, and write the definitions that a person changes there."""

    def __init__(self, desk: LabelDesk) -> None:
        super().__init__(desk.owner)
        self._desk = desk
        self._card: ClassCard | None = None
        self.keys: dict[str, Callable[[], object]] = {"what_classes_are": self.turn}

    def attach(self) -> None:
        """Make the card, closed."""
        page = self._desk.page
        self._card = card = ClassCard(page.top_splitter, page)
        card.defined.connect(self._define)
        page.keys.watch((card,))
        escape = QShortcut(Qt.Key.Key_Escape, card, card.fold)
        escape.setContext(Qt.ShortcutContext.WindowShortcut)

    def detach(self) -> None:
        """Close the card and take it away."""
        if self._card is not None:
            self._card.fold()
            self._card.deleteLater()
            self._card = None

    def follow(self, changed: Changed) -> None:
        """Show what changed, where the card is open."""
        if self._card is not None and self._card.isVisible() and changed.kinds & {"classes", "labels", "crops"}:
            self._fill(self._card)

    def turn(self) -> None:
        """Open the card, or close it."""
        card = self._card
        if card is None:
            return
        if card.isVisible():
            card.fold()
            return
        words = f"Close the class card (Esc or {key_map().words('what_classes_are')})"
        card.close_button.setToolTip(words)
        self._fill(card)
        card.unfold()

    def _fill(self, card: ClassCard) -> None:
        classes = self._desk.catalogue.classes
        shown = {one.id: self._shown(one) for one in classes}
        card.show_classes(classes, shown, writable=not self._desk.session.project.read_only)

    def _shown(self, one: PoreClass) -> Shown:
        crops = self._desk.catalogue.crops
        marked = [i for i in self._desk.session.project.reference_crops(one.id) if i in crops]
        if marked:
            ids, words = marked, "Reference crops, chosen by a person"
        else:
            ids, words = self._typical(one.id)
        pictures = tuple(self._desk.services.thumbnails.full(crops[i]) for i in ids[:_PICTURES])
        return Shown(words, pictures)

    def _typical(self, label: int) -> tuple[list[int], str]:
        """Return labelled crops of a class, those that the suggester is surest of first where it learnt from enough."""
        crops, found = self._desk.catalogue.crops, self._desk.ordering.suggestions
        own = [crop.id for crop in crops.values() if crop.label == label]
        if not own:
            return [], "No crop carries this label yet."
        if found is not None:
            ids = np.array(own, np.int64)
            labels, sure = found.best_of(ids)
            known = np.flatnonzero((labels == label) & np.isfinite(sure))
            if len(known):
                best = known[np.argsort(-sure[known], kind="stable")]
                return ids[best].tolist(), "Labelled so, the suggester being surest of them"
        return own, "No reference is chosen: the first labelled so"

    def _define(self, class_id: int, written: str) -> None:
        desk = self._desk
        one = next((c for c in desk.session.project.classes() if c.id == class_id), None)
        if one is None or one.definition.strip() == written:
            return
        try:
            edit = change_class(desk.session.project, replace(one, definition=written))
        except PoreguiError as error:
            messages().error(error)
            return
        desk.apply(edit)
