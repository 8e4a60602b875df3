"""Turn gestures on the canvas into crops, masks, checked areas and a scale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Mask, Outline
from poregui.domain.records import Changed, Line, Micrograph, Origin
from poregui.domain.wording import count
from poregui.gui.base.feature import Feature, Link
from poregui.gui.base.messages import messages
from poregui.gui.canvas.canvas_view import CanvasView
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.canvas.outline_tools import OutlineTool
from poregui.gui.canvas.region_tools import BoxTool, LineTool, PickTool, PolygonTool, on_screen
from poregui.gui.dialogs.micrograph_dialogs import BarLengthDialog
from poregui.gui.label.image_panel import ImagePanel
from poregui.gui.label.label_state import LabelState
from poregui.gui.label.stage import Stage
from poregui.gui.shell.import_flow import look_for_bars
from poregui.store.pixels import CropPixels
from poregui.vision.pores.specimen_area import fewer_points
from poregui.vision.shape.overlaps import checked_outline
from poregui.workflow.detecting.find_pores import detection_recipe
from poregui.workflow.editing.label_edits import move_crop, new_crop, set_scale
from poregui.workflow.editing.micrograph_edits import (
    add_checked_area,
    mask_info_bars,
    set_checked,
    set_checked_areas,
    set_masks,
    similar_to,
)
from poregui.workflow.editing.outline_edits import draw_pore

_REACH = 8.0
"""Screen px around a click in which a pore is looked for."""


class CropGestures(Feature):
    """Add and move crops on the micrograph that is shown."""

    def __init__(self, canvas: ImageCanvas, stage: Stage, state: LabelState) -> None:
        super().__init__(state)
        self._canvas = canvas
        self._stage = stage
        self._state = state
        self._side: int | None = None

    def links(self) -> Iterable[Link]:
        return (
            (self._canvas.box_drawn, self._add_drawn),
            (self._canvas.point_clicked, self._add_at),
            (self._canvas.box_changed, self._move),
        )

    def _add_drawn(self, box: Box) -> None:
        if self._add(box, "hand"):
            self._side = max(box.width, box.height)

    def _add_at(self, x: float, y: float) -> None:
        usual = self._side or self._stage.usual_side()
        reach = _REACH / self._canvas.scale
        try:
            polarity = detection_recipe(self._state.project).polarity
            points = self._stage.outline_at(x, y, reach=reach, polarity=polarity)
            if points is not None:
                self._add_outlined(points)
                return
            box = self._stage.box_at(x, y, reach=reach, usual=usual)
        except PoreguiError as error:
            messages().note(str(error))
            return
        if box is not None:
            self._add(box, "click")

    def _add_outlined(self, points: NDArray[Any]) -> None:
        """Add the pore of an outline."""
        micrograph = self._state.micrograph
        image = self._stage.image
        project = self._state.project
        if micrograph is None or image is None:
            return
        edit = draw_pore(project, None, Outline.of(points), micrograph, image, "click")
        if self._state.apply(replace(edit, who=self._state.session.who, text="add crop")):
            self._show_new(edit.added[0].crop.id)

    def _add(self, box: Box, origin: Origin) -> bool:
        cut = self._cut(box)
        micrograph = self._state.micrograph
        if cut is None or micrograph is None:
            return False
        project = self._state.project
        crop_id = project.next_id("crops")
        try:
            edit = new_crop(
                project, micrograph, box, cut, who=self._state.session.who, origin=origin
            )
        except PoreguiError as error:
            messages().note(str(error))
            return False
        if not self._state.apply(edit):
            return False
        self._show_new(crop_id)
        return True

    def _show_new(self, crop_id: int) -> None:
        if not self._state.filter.accepts(self._state.catalogue.crops[crop_id]):
            messages().note("The new crop is hidden by the filter of the grid.")
        self._state.choose(crop_id)

    def _move(self, crop_id: int, box: Box) -> None:
        cut = self._cut(box)
        if cut is None or crop_id not in self._state.catalogue.crops:
            return
        try:
            edit = move_crop(self._state.project, self._state.catalogue.crops[crop_id], box, cut)
        except PoreguiError as error:
            messages().note(str(error))
            return
        if self._state.apply(edit):
            self._side = max(box.width, box.height)

    def _cut(self, box: Box) -> CropPixels | None:
        try:
            return self._stage.cut(box)
        except PoreguiError as error:
            messages().note(str(error))
            return None


_HATCH = QColor(255, 160, 0, 170)


class Masking(Feature):
    """Draw masks hatched, add and remove them, and set the scale from a bar on the image."""

    hears = frozenset({"micrographs"})

    def __init__(self, panel: ImagePanel, canvas: ImageCanvas, state: LabelState) -> None:
        super().__init__(state)
        self._state = state
        self._panel = panel
        self._canvas = canvas

    def links(self) -> Iterable[Link]:
        panel = self._panel
        return (
            (panel.box_button.clicked, self._draw_box),
            (panel.polygon_button.clicked, self._draw_polygon),
            (panel.unmask_button.clicked, self._pick),
            (panel.bar_button.clicked, self._mask_here),
            (panel.bars_button.clicked, self._mask_everywhere),
            (panel.calibrate_button.clicked, self._calibrate),
            (self._state.micrograph_changed, self._show),
        )

    def start(self) -> None:
        self._canvas.add_overlay(self._paint)
        self._show()

    def stop(self) -> None:
        self._canvas.remove_overlay(self._paint)

    def follow(self, changed: Changed) -> None:
        """Show the masks and the scale that an edit left."""
        self._show()

    # ---- what is seen -----------------------------------------------------------------------

    def _show(self) -> None:
        one = self._state.micrograph
        self._panel.set_facts(_scale_text(one), _mask_text(one))
        self._canvas.update()

    def _paint(self, painter: QPainter, view: CanvasView) -> None:
        one = self._state.micrograph
        if one is None:
            return
        for mask in one.masks:
            area = QPolygonF([on_screen(QPointF(x, y), view) for x, y in mask.points])
            painter.setPen(QPen(_HATCH, 1.5))
            painter.setBrush(QBrush(_HATCH, Qt.BrushStyle.BDiagPattern))
            painter.drawPolygon(area)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    # ---- masks ------------------------------------------------------------------------------

    def _draw_box(self) -> None:
        tool = BoxTool()
        tool.drawn.connect(self._add)
        self._canvas.set_tool(tool)

    def _draw_polygon(self) -> None:
        tool = PolygonTool()
        tool.drawn.connect(self._add)
        self._canvas.set_tool(tool)

    def _add(self, points: tuple[tuple[float, float], ...]) -> None:
        one = self._state.micrograph
        if one is not None:
            self._state.apply(set_masks(one, (*one.masks, Mask(points)), text="mask region"))

    def _pick(self) -> None:
        one = self._state.micrograph
        if one is None or not one.masks:
            messages().note("This micrograph has no mask.")
            return
        tool = PickTool()
        tool.picked.connect(self._take_away)
        self._canvas.set_tool(tool)

    def _take_away(self, x: float, y: float) -> None:
        one = self._state.micrograph
        if one:
            kept = [mask for mask in one.masks if not mask.contains(x, y)]
        else:
            kept = []
        if one is None or len(kept) == len(one.masks):
            messages().note("There is no mask here.")
            return
        self._state.apply(set_masks(one, kept, text="remove mask"))

    def _mask_here(self) -> None:
        one = self._state.micrograph
        if one is not None:
            self._find([one])

    def _mask_everywhere(self) -> None:
        self._find(list(self._state.catalogue.micrographs.values()))

    def _find(self, wanted: list[Micrograph]) -> None:
        project = self._state.project
        files = [(one, project.micrograph_file(one)) for one in wanted]
        self._state.services.background.run(
            "Finding info bars", partial(look_for_bars, files), self._found
        )

    def _found(self, found: tuple[tuple[tuple[Micrograph, Box], ...], int]) -> None:
        bars, unread = found
        now = self._state.catalogue.micrographs
        fresh = [(now[one.id], box) for one, box in bars if one.id in now]
        more = ""
        if unread:
            more = f" {count(unread, 'file')} could not be read."
        if not fresh:
            messages().note(f"No info bar was found.{more}")
        elif self._state.apply(mask_info_bars(fresh)):
            messages().note(f"Masked {count(len(fresh), 'info bar')}. Undo restores.{more}")

    # ---- scale ------------------------------------------------------------------------------

    def _calibrate(self) -> None:
        tool = LineTool()
        tool.drawn.connect(self._ask_length)
        self._canvas.set_tool(tool)

    def _ask_length(self, length_px: float) -> None:
        one = self._state.micrograph
        if one is None:
            return
        dialog = BarLengthDialog(length_px, self._panel, len(self._similar(one)))

        def accept() -> None:
            self._set_scale(one, dialog.um / length_px, similar=dialog.for_similar)

        dialog.accepted.connect(accept)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _similar(self, one: Micrograph) -> list[Micrograph]:
        """Return the similar micrographs without a pixel size."""
        found = similar_to(one, self._state.catalogue.micrographs.values())
        return [other for other in found if other.um_per_px is None]

    def _set_scale(self, one: Micrograph, um_per_px: float, *, similar: bool) -> None:
        now = self._state.catalogue.micrographs.get(one.id)
        if now is None:
            return
        wanted = [now, *(self._similar(one) if similar else ())]
        self._state.apply(set_scale(wanted, um_per_px, source="measured on a scale bar"))
        if len(wanted) > 1:
            messages().note(f"Pixel size set for {count(len(wanted), 'micrograph')}.")


def _scale_text(one: Micrograph | None) -> str:
    if one is None:
        return "No micrograph."
    if one.um_per_px is None:
        return "Unknown. Sizes are in px only."
    return f"{one.um_per_px:.5g} µm/px ({one.scale_source or 'source unknown'})"


def _mask_text(one: Micrograph | None) -> str:
    if one is None or not one.masks:
        return "None. Masked areas are ignored."
    bars = sum(mask.kind == "bar" for mask in one.masks)
    drawn = len(one.masks) - bars
    parts = []
    if bars:
        parts.append(count(bars, "info bar"))
    if drawn:
        parts.append(f"{drawn} drawn")
    return f"{', '.join(parts)}. Masked areas are ignored."


_CHECKED = QColor(0, 170, 90, 220)


class CheckedAreas(Feature):
    """Draw checked areas, add and remove them."""

    hears = frozenset({"micrographs"})

    def __init__(self, panel: ImagePanel, canvas: ImageCanvas, state: LabelState) -> None:
        super().__init__(state)
        self._state = state
        self._panel = panel
        self._canvas = canvas

    def links(self) -> Iterable[Link]:
        panel = self._panel
        return (
            (panel.checked_button.clicked, self._check_whole),
            (panel.checked_box_button.clicked, self._draw_box),
            (panel.checked_lasso_button.clicked, self._draw_lasso),
            (panel.unchecked_button.clicked, self._pick),
            (self._state.micrograph_changed, self._show),
        )

    def start(self) -> None:
        self._canvas.add_overlay(self._paint)
        self._show()

    def stop(self) -> None:
        self._canvas.remove_overlay(self._paint)

    def follow(self, changed: Changed) -> None:
        """Show the areas that an edit left."""
        self._show()

    def _show(self) -> None:
        one = self._state.micrograph
        self._panel.checked_text.setText(_checked_text(one))
        self._panel.checked_button.setEnabled(one is not None and not one.is_checked)
        self._canvas.update()

    def _paint(self, painter: QPainter, view: CanvasView) -> None:
        one = self._state.micrograph
        if one is None:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(_CHECKED, 2.5))
        for area in one.checked_areas:
            painter.drawPolygon(QPolygonF([on_screen(QPointF(x, y), view) for x, y in area]))

    def _check_whole(self) -> None:
        one = self._state.micrograph
        edit = set_checked([one]) if one is not None else None
        if edit is not None:
            self._state.apply(edit)

    def _draw_box(self) -> None:
        tool = BoxTool()
        tool.drawn.connect(self._add)
        self._canvas.set_tool(tool)

    def _draw_lasso(self) -> None:
        tool = OutlineTool()
        tool.hint = "Hold the button and draw around the area.  Esc: cancel"
        tool.drawn.connect(self._add_lasso)
        self._canvas.set_tool(tool)

    def _add_lasso(self, points: NDArray[Any]) -> None:
        one = self._state.micrograph
        if one is None:
            return
        try:
            area = checked_outline(points, (one.width, one.height))
        except PoreguiError as error:
            messages().note(str(error))
            return
        self._add(fewer_points(area.points))

    def _add(self, points: Line) -> None:
        one = self._state.micrograph
        if one is not None:
            self._state.apply(add_checked_area(one, points))

    def _pick(self) -> None:
        one = self._state.micrograph
        if one is None or not one.checked_areas:
            messages().note("This micrograph has no checked area.")
            return
        if len(one.checked_areas) == 1:
            self._keep(one, ())
            return
        tool = PickTool()
        tool.picked.connect(self._take_away)
        self._canvas.set_tool(tool)

    def _take_away(self, x: float, y: float) -> None:
        one = self._state.micrograph
        if one is None:
            return
        kept = [area for area in one.checked_areas if not Mask(area).contains(x, y)]
        if len(kept) == len(one.checked_areas):
            messages().note("There is no checked area here.")
            return
        self._keep(one, kept)

    def _keep(self, one: Micrograph, areas: Sequence[Line]) -> None:
        self._state.apply(set_checked_areas(one, areas))


def _checked_text(one: Micrograph | None) -> str:
    if one is None or not one.checked_areas:
        return "None. Outline every pore of an area, then mark it: a finder can learn from it."
    if one.is_checked:
        return "The whole micrograph: every pore in it has its outline."
    return f"{count(len(one.checked_areas), 'area')}: every pore in them has its outline."
