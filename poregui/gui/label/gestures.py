"""Turn gestures on the canvas into crops: a box drawn, a pore clicked, a box moved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Changed, Origin
from poregui.gui.base.messages import messages
from poregui.gui.label.label_desk import LabelDesk
from poregui.store.pixels import CropPixels
from poregui.workflow.detecting.find_pores import detection_recipe
from poregui.workflow.editing.label_edits import move_crop, new_crop
from poregui.workflow.editing.outline_edits import draw_pore

_REACH = 8.0
"""Screen px around a click in which a pore is looked for."""


class CropGestures:
    """Add and move crops on the micrograph that is shown."""

    def __init__(self, desk: LabelDesk) -> None:
        self._desk = desk
        self._side: int | None = None

    def attach(self) -> None:
        """Listen to the canvas."""
        for signal, slot in self._links():
            signal.connect(slot)

    def detach(self) -> None:
        """Stop listening."""
        for signal, slot in self._links():
            signal.disconnect(slot)

    def follow(self, changed: Changed) -> None:
        """Need nothing: boxes are drawn by the stage."""

    def _links(self) -> tuple:
        canvas = self._desk.page.image_canvas
        return (
            (canvas.box_drawn, self._add_drawn),
            (canvas.point_clicked, self._add_at),
            (canvas.box_changed, self._move),
        )

    def _add_drawn(self, box: Box) -> None:
        if self._add(box, "hand"):
            self._side = max(box.width, box.height)

    def _add_at(self, x: float, y: float) -> None:
        desk = self._desk
        usual = self._side or desk.stage.usual_side()
        reach = _REACH / desk.page.image_canvas.scale
        try:
            polarity = detection_recipe(desk.session.project).polarity
            points = desk.stage.outline_at(x, y, reach=reach, polarity=polarity)
            if points is not None:
                self._add_outlined(points)
                return
            box = desk.stage.box_at(x, y, reach=reach, usual=usual)
        except PoreguiError as error:
            messages().note(str(error))
            return
        if box is not None:
            self._add(box, "click")

    def _add_outlined(self, points: NDArray[Any]) -> None:
        """Add the pore of an outline."""
        desk = self._desk
        micrograph = desk.stage.micrograph
        image = desk.stage.image
        project = desk.session.project
        if micrograph is None or image is None:
            return
        edit = draw_pore(project, None, Outline.of(points), micrograph, image, "click")
        if desk.apply(replace(edit, who=desk.session.who, text="add crop")):
            self._show_new(edit.added[0].crop.id)

    def _add(self, box: Box, origin: Origin) -> bool:
        desk = self._desk
        cut = self._cut(box)
        micrograph = desk.stage.micrograph
        if cut is None or micrograph is None:
            return False
        project = desk.session.project
        crop_id = project.next_id("crops")
        try:
            edit = new_crop(project, micrograph, box, cut, who=desk.session.who, origin=origin)
        except PoreguiError as error:
            messages().note(str(error))
            return False
        if not desk.apply(edit):
            return False
        self._show_new(crop_id)
        return True

    def _show_new(self, crop_id: int) -> None:
        desk = self._desk
        if not desk.page.crop_filter().accepts(desk.catalogue.crops[crop_id]):
            messages().note("The new crop is not among those that the grid shows.")
        desk.choose(crop_id)

    def _move(self, crop_id: int, box: Box) -> None:
        desk = self._desk
        cut = self._cut(box)
        if cut is None or crop_id not in desk.catalogue.crops:
            return
        try:
            edit = move_crop(desk.session.project, desk.catalogue.crops[crop_id], box, cut)
        except PoreguiError as error:
            messages().note(str(error))
            return
        if desk.apply(edit):
            self._side = max(box.width, box.height)

    def _cut(self, box: Box) -> CropPixels | None:
        try:
            return self._desk.stage.cut(box)
        except PoreguiError as error:
            messages().note(str(error))
            return None
