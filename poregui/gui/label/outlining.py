"""Show the outlines of the micrograph's pores, and let keys and gestures make, join, cut and mend them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from poregui.domain.errors import PoreguiError
from poregui.domain.outline import Outline, bounds_of
from poregui.domain.records import Changed, Crop, Micrograph
from poregui.gui.label.companion import LabelDesk
from poregui.gui.messages import messages
from poregui.gui.widgets.outline_layer import DrawnOutline, OutlineLayer
from poregui.gui.widgets.outline_tools import CornerTool, OutlineTool
from poregui.vision.overlaps import near_boxes
from poregui.workflow.pore_edits import ReplacePores
from poregui.workflow.reshape import cut_pore, draw_pore, join_pores

_NEIGHBOUR = 1.5
"""How far from the box of a pore, in its own sizes, M looks for the one to join it with."""


class Outlining(QObject):
    """Draw outlines in the canvas and change them."""

    def __init__(self, desk: LabelDesk) -> None:
        super().__init__(desk.owner)
        self._desk = desk
        self._canvas = desk.page.image_canvas
        self.layer = OutlineLayer()
        self._outlines: dict[int, Outline] = {}
        self._shown: Micrograph | None = None
        self._proposals_hidden = False
        self._wishes: dict[str, Callable[[], None]] = {
            "merge": self.merge,
            "split": self.split,
            "draw_outline": self.draw,
            "edit_outline": self.edit,
        }

    @property
    def keys(self) -> dict[str, Callable[[], None]]:
        """Return what the keys and the menu mean (see actions.py)."""
        return {meant: partial(self.press, meant) for meant in self._wishes}

    def attach(self) -> None:
        """Draw outlines from now on."""
        self._canvas.add_overlay(self.layer.paint)
        self._desk.stage.changed.connect(self._stage_changed)
        self.layer.set_classes(self._desk.catalogue.known_classes)

    def detach(self) -> None:
        """Draw nothing any more."""
        self._desk.stage.changed.disconnect(self._stage_changed)
        self._canvas.set_tool(None)
        self._canvas.remove_overlay(self.layer.paint)
        self._canvas.set_outlined({})
        self.deleteLater()

    def follow(self, changed: Changed) -> None:
        """Show what an edit changed."""
        if "classes" in changed.kinds:
            self.layer.set_classes(self._desk.catalogue.known_classes)
        if changed.kinds & {"crops", "outlines", "micrographs"}:
            self._read()
        if changed.kinds & {"crops", "outlines", "micrographs", "classes"} or self._proposals_hidden:
            self._draw()
        elif "labels" in changed.kinds:
            crops = self._desk.catalogue.crops
            self.layer.set_labels({crop_id: crops[crop_id].label for crop_id in changed.crop_ids if crop_id in crops})
            self._canvas.update()

    def hide_proposals(self, hidden: bool) -> None:
        """Leave proposals out, while a preview shows what would be found."""
        if hidden != self._proposals_hidden:
            self._proposals_hidden = hidden
            self._draw()

    @property
    def outlines(self) -> dict[int, Outline]:
        """Return the outlines of the micrograph that is shown, by crop id."""
        return self._outlines

    def press(self, meant: str) -> None:
        """Do what a key means: `merge`, `split`, `draw_outline`, `edit_outline`."""
        try:
            self._desk.session.project.check_writable()
            self._wishes[meant]()
        except PoreguiError as error:
            messages().note(str(error))

    # ---- what is shown -------------------------------------------------------------------------------------------

    def _stage_changed(self) -> None:
        now = self._desk.stage.micrograph
        if (now.id if now else None) != (self._shown.id if self._shown else None):
            self._read()
            self._draw()

    def _read(self) -> None:
        self._shown = self._desk.stage.micrograph
        project = self._desk.session.project
        self._outlines = project.outlines(micrograph_id=self._shown.id) if self._shown is not None else {}
        self._canvas.set_outlined(dict(zip(self._outlines, bounds_of(list(self._outlines.values())), strict=True)))

    def _draw(self) -> None:
        crops = self._desk.catalogue.crops
        drawn = [
            DrawnOutline(crop_id, outline.points, crops[crop_id].label)
            for crop_id, outline in self._outlines.items()
            if crop_id in crops and not (self._proposals_hidden and crops[crop_id].is_proposal)
        ]
        self.layer.set_outlines(drawn)
        self._canvas.update()

    # ---- what a person wants -------------------------------------------------------------------------------------

    def merge(self) -> None:
        """Join the selected pores, or the current one with its nearest neighbour, into one."""
        ids = [crop_id for crop_id in self._desk.chosen_ids() if crop_id in self._outlines]
        if len(ids) == 1:
            ids += self._neighbour(ids[0])
        if len(ids) < 2:
            raise PoreguiError(
                "Joining needs two outlined pores of this micrograph.", "Choose one beside another, or select both."
            )
        self._do(lambda: join_pores(self._desk.session.project, self._pores(ids), *self._parts()), ids[0])

    def split(self) -> None:
        """Cut the current pore at its waists."""
        crop = self._current()
        if crop.id not in self._outlines:
            raise PoreguiError("This crop has no outline.", "Find pores, or draw it with O.")
        self._do(lambda: cut_pore(self._desk.session.project, self._pores([crop.id])[0], *self._parts()), crop.id)

    def draw(self) -> None:
        """Let an outline be drawn: around a new pore, or anew for the current crop where it lies in its box."""
        if self._desk.stage.image is None:
            raise PoreguiError("There is no micrograph to draw on.", "Choose one.")
        tool = OutlineTool()
        tool.drawn.connect(self._drawn)
        self._canvas.set_tool(tool)

    def edit(self) -> None:
        """Let the corners of the current outline be dragged."""
        crop = self._current()
        view = self._canvas.view
        if crop.id not in self._outlines or view is None:
            raise PoreguiError("This crop has no outline.", "Find pores, or draw it with O.")
        tool = CornerTool(self._outlines[crop.id].points, view)
        tool.drawn.connect(lambda points: self._put(crop, points))
        tool.done.connect(lambda: self._hide(None))
        self._hide(crop.id)
        self._canvas.set_tool(tool)

    def _hide(self, crop_id: int | None) -> None:
        self.layer.hide(crop_id)
        self._canvas.update()

    def _drawn(self, points: NDArray[Any]) -> None:
        crop = self._desk.catalogue.crops.get(self._desk.current() or 0)
        middle = points.mean(axis=0)
        here = crop is not None and self._shown is not None and crop.micrograph_id == self._shown.id
        if here and crop is not None and crop.box is not None and crop.box.contains(*middle.tolist()):
            self._put(crop, points)
        else:
            self._put(None, points)

    def _put(self, crop: Crop | None, points: NDArray[Any]) -> None:
        outline = Outline.of(points)
        before = self._outlines.get(crop.id) if crop is not None else None
        known = None if crop is None else (crop, before)
        self._do(
            lambda: draw_pore(self._desk.session.project, known, outline, *self._parts()), crop.id if crop else None
        )

    def _do(self, build: Callable[[], ReplacePores], then: int | None) -> None:
        try:
            edit = replace(build(), who=self._desk.session.who)
        except PoreguiError as error:
            messages().note(str(error))
            return
        if self._desk.apply(edit):
            self._desk.choose(edit.added[0].crop.id if edit.added and then is None else then)

    def _current(self) -> Crop:
        crop = self._desk.catalogue.crops.get(self._desk.current() or 0)
        if crop is None:
            raise PoreguiError("No crop is chosen.", "Click a pore.")
        return crop

    def _pores(self, ids: list[int]) -> list[tuple[Crop, Outline]]:
        return [(self._desk.catalogue.crops[crop_id], self._outlines[crop_id]) for crop_id in ids]

    def _parts(self) -> tuple[Micrograph, Any]:
        stage = self._desk.stage
        if stage.micrograph is None or stage.image is None:
            raise PoreguiError("The micrograph is not loaded.", "Wait until it is there, or put its file back.")
        return stage.micrograph, stage.image

    def _neighbour(self, crop_id: int) -> list[int]:
        """Return the outlined pore whose box is nearest to that of another one, none where all are far."""
        box = self._outlines[crop_id].bounds
        reach = _NEIGHBOUR * max(box.width, box.height)
        others = [other for other in self._outlines if other != crop_id]
        edges = [self._outlines[other].bounds for other in others]
        table = np.array([(b.x, b.y, b.right, b.bottom) for b in edges], np.float64).reshape(-1, 4)
        own = np.array([[box.x - reach, box.y - reach, box.right + reach, box.bottom + reach]], np.float64)
        near = near_boxes(own, table)[1]
        if not len(near):
            return []
        points = self._outlines[crop_id].points
        away = [
            float(np.hypot(*(self._outlines[others[i]].points[:, None] - points[None]).reshape(-1, 2).T).min())
            for i in near.tolist()
        ]
        return [others[int(near[int(np.argmin(away))])]]
