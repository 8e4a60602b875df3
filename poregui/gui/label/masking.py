"""Join masks and the measuring of scale bars to the session; changes with how regions are marked on the canvas."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from poregui.domain.geometry import Box
from poregui.domain.masks import Mask
from poregui.domain.records import Changed, Micrograph
from poregui.gui.dialogs.bar_length import BarLengthDialog
from poregui.gui.info_bars import look_for_bars
from poregui.gui.label.companion import LabelDesk
from poregui.gui.messages import messages
from poregui.gui.widgets.canvas_view import CanvasView
from poregui.gui.widgets.region_tools import BoxTool, LineTool, PickTool, PolygonTool, on_screen
from poregui.workflow.changes import set_scale
from poregui.workflow.cleaning import mask_info_bars, set_masks

_HATCH = QColor(255, 160, 0, 170)


class Masking(QObject):
    """Draw masks hatched, add and take them away, and set the scale from a bar on the picture."""

    def __init__(self, desk: LabelDesk) -> None:
        super().__init__(desk.owner)
        self._desk = desk
        self._panel = desk.page.picture_panel
        self._canvas = desk.page.image_canvas

    def _links(self) -> tuple:
        panel = self._panel
        return (
            (panel.box_button.clicked, self._draw_box),
            (panel.polygon_button.clicked, self._draw_polygon),
            (panel.unmask_button.clicked, self._pick),
            (panel.bar_button.clicked, self._mask_here),
            (panel.bars_button.clicked, self._mask_everywhere),
            (panel.calibrate_button.clicked, self._calibrate),
            (self._desk.stage.changed, self._show),
        )

    def attach(self) -> None:
        """Listen to the panel and draw on the canvas."""
        for signal, slot in self._links():
            signal.connect(slot)
        self._canvas.add_overlay(self._paint)
        self._show()

    def detach(self) -> None:
        """Stop listening and drawing."""
        for signal, slot in self._links():
            signal.disconnect(slot)
        self._canvas.remove_overlay(self._paint)

    def follow(self, changed: Changed) -> None:
        """Show the masks and the scale that an edit left."""
        if "micrographs" in changed.kinds:
            self._show()

    # ---- what is seen --------------------------------------------------------------------------------------------

    def _show(self) -> None:
        one = self._desk.stage.micrograph
        self._panel.set_facts(_scale_words(one), _mask_words(one))
        self._canvas.update()

    def _paint(self, painter: QPainter, view: CanvasView) -> None:
        one = self._desk.stage.micrograph
        for mask in one.masks if one else ():
            area = QPolygonF([on_screen(QPointF(x, y), view) for x, y in mask.points])
            painter.setPen(QPen(_HATCH, 1.5))
            painter.setBrush(QBrush(_HATCH, Qt.BrushStyle.BDiagPattern))
            painter.drawPolygon(area)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    # ---- masks ---------------------------------------------------------------------------------------------------

    def _draw_box(self) -> None:
        tool = BoxTool()
        tool.drawn.connect(self._add)
        self._canvas.set_tool(tool)

    def _draw_polygon(self) -> None:
        tool = PolygonTool()
        tool.drawn.connect(self._add)
        self._canvas.set_tool(tool)

    def _add(self, points: tuple[tuple[float, float], ...]) -> None:
        one = self._desk.stage.micrograph
        if one is not None:
            self._desk.apply(set_masks(one, (*one.masks, Mask(points)), text="mask region"))

    def _pick(self) -> None:
        one = self._desk.stage.micrograph
        if one is None or not one.masks:
            messages().note("This micrograph has no mask.")
            return
        tool = PickTool()
        tool.picked.connect(self._take_away)
        self._canvas.set_tool(tool)

    def _take_away(self, x: float, y: float) -> None:
        one = self._desk.stage.micrograph
        kept = [mask for mask in one.masks if not mask.contains(x, y)] if one else []
        if one is None or len(kept) == len(one.masks):
            messages().note("There is no mask at this place.")
            return
        self._desk.apply(set_masks(one, kept, text="take mask away"))

    def _mask_here(self) -> None:
        one = self._desk.stage.micrograph
        if one is not None:
            self._find([one])

    def _mask_everywhere(self) -> None:
        self._find(list(self._desk.catalogue.micrographs.values()))

    def _find(self, wanted: list[Micrograph]) -> None:
        project = self._desk.session.project
        files = [(one, project.micrograph_file(one)) for one in wanted]
        self._desk.services.background.run(
            "Look for info bars", lambda control: look_for_bars(files, control), self._found
        )

    def _found(self, found: tuple[tuple[tuple[Micrograph, Box], ...], int]) -> None:
        bars, unread = found
        now = self._desk.catalogue.micrographs
        fresh = [(now[one.id], box) for one, box in bars if one.id in now]
        more = f" {unread} files could not be read." if unread else ""
        if not fresh:
            messages().note(f"No info bar was found.{more}")
        elif self._desk.apply(mask_info_bars(fresh)):
            bars_are = "The info bar is" if len(fresh) == 1 else f"{len(fresh)} info bars are"
            messages().note(f"{bars_are} masked. Undo takes that back.{more}")

    # ---- scale ---------------------------------------------------------------------------------------------------

    def _calibrate(self) -> None:
        tool = LineTool()
        tool.drawn.connect(self._ask_length)
        self._canvas.set_tool(tool)

    def _ask_length(self, length_px: float) -> None:
        one = self._desk.stage.micrograph
        if one is None:
            return
        dialog = BarLengthDialog(length_px, self._desk.page)
        dialog.accepted.connect(lambda: self._set_scale(one, dialog.um / length_px))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _set_scale(self, one: Micrograph, um_per_px: float) -> None:
        now = self._desk.catalogue.micrographs.get(one.id)
        if now is not None:
            self._desk.apply(set_scale([now], um_per_px, source="measured on a scale bar"))


def _scale_words(one: Micrograph | None) -> str:
    if one is None:
        return "No micrograph."
    if one.um_per_px is None:
        return "Unknown. Sizes are given in px only."
    return f"{one.um_per_px:.5g} µm per px ({one.scale_source or 'source unknown'})"


def _mask_words(one: Micrograph | None) -> str:
    masks = one.masks if one else ()
    if not masks:
        return "None. Inside masks nothing is found or cropped."
    bars = sum(mask.kind == "bar" for mask in masks)
    parts = [f"{bars} info bar" if bars else "", f"{len(masks) - bars} drawn" if len(masks) > bars else ""]
    return ", ".join(part for part in parts if part) + ": nothing is found or cropped there."
