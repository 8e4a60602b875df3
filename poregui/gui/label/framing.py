"""Join build direction and surface of a micrograph to the session; changes with how they are set and drawn."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed, Detection, Line, Micrograph
from poregui.gui.label.companion import LabelDesk
from poregui.gui.messages import messages
from poregui.gui.widgets.canvas_view import CanvasView
from poregui.gui.widgets.region_tools import PathTool, on_screen
from poregui.workflow.edits import Combined, Edit
from poregui.workflow.frame import (
    Frame,
    direction_of,
    frame_of,
    project_build_direction,
    set_build_direction,
    set_project_build_direction,
    set_surfaces,
)

_SURFACE = QColor("#00e5ff")


class Framing(QObject):
    """Draw the surface, and set it and the build direction."""

    def __init__(self, desk: LabelDesk) -> None:
        super().__init__(desk.owner)
        self._desk = desk
        self._box = desk.page.picture_panel.frame_box
        self._canvas = desk.page.image_canvas
        self._frame = Frame()
        self._detections: dict[int, Detection] = {}

    def _links(self) -> tuple:
        box = self._box
        return (
            (box.direction_set, self._set_direction),
            (box.draw_button.clicked, self._draw_direction),
            (box.all_button.clicked, self._for_all),
            (box.line_button.clicked, self._draw_line),
            (box.none_button.clicked, self._none),
            (box.found_button.clicked, self._found),
            (self._desk.stage.changed, self._show),
        )

    def attach(self) -> None:
        """Listen to the panel and draw on the canvas."""
        for signal, slot in self._links():
            signal.connect(slot)
        self._canvas.add_overlay(self._paint)
        self._detections = self._desk.session.project.detections()
        self._show()

    def detach(self) -> None:
        """Stop listening and drawing."""
        for signal, slot in self._links():
            signal.disconnect(slot)
        self._canvas.remove_overlay(self._paint)

    def follow(self, changed: Changed) -> None:
        """Show what an edit or its undo left."""
        if "detections" in changed.kinds:
            self._detections = self._desk.session.project.detections()
        if changed.kinds & {"micrographs", "settings", "detections"}:
            self._show()

    def _show(self) -> None:
        one, project = self._desk.stage.micrograph, self._desk.session.project
        self._box.setEnabled(one is not None and not project.read_only)
        self._frame = Frame()
        if one is not None:
            self._frame = frame_of(one, self._detections.get(one.id), project_build_direction(project))
        own = one.build_direction_deg if one is not None else None
        self._box.set_facts(own, _direction_words(self._frame, own), _surface_words(self._frame))
        self._canvas.update()

    def _paint(self, painter: QPainter, view: CanvasView) -> None:
        for line in self._frame.surfaces:
            points = QPolygonF([on_screen(QPointF(x, y), view) for x, y in line])
            for pen in (QPen(QColor(0, 0, 0, 150), 3.5), QPen(_SURFACE, 1.8)):
                painter.setPen(pen)
                painter.drawPolyline(points)

    # ---- setting -------------------------------------------------------------------------------------------------

    def _apply(self, build: object, one: Micrograph | None) -> None:
        if one is None or not callable(build):
            return
        try:
            edit: Edit = build(one)
        except PoreguiError as error:
            messages().note(str(error))
            return
        if not self._desk.apply(edit):
            self._show()

    def _set_direction(self, degrees: float | None) -> None:
        self._apply(lambda one: set_build_direction([one], degrees), self._desk.stage.micrograph)

    def _draw_direction(self) -> None:
        tool = PathTool("Click two points along the build direction.  Return: set.  Esc: cancel")
        tool.drawn.connect(lambda points: self._set_direction(direction_of(points[0], points[-1])))
        self._canvas.set_tool(tool)

    def _for_all(self) -> None:
        degrees, project = self._frame.build_direction_deg, self._desk.session.project
        if degrees is None:
            messages().note("This micrograph has no build direction yet. Give it one first.")
            return
        own = [m for m in self._desk.catalogue.micrographs.values() if m.build_direction_deg is not None]
        edits = (set_project_build_direction(project, degrees), set_build_direction(own, None))
        self._desk.apply(Combined(edits, text="set build direction"))

    def _draw_line(self) -> None:
        tool = PathTool("Click along the surface.  Return: keep.  Backspace: one back.  Esc: cancel")
        tool.drawn.connect(self._add)
        self._canvas.set_tool(tool)

    def _add(self, line: Line) -> None:
        self._apply(lambda one: set_surfaces([one], (*(one.surfaces or ()), line)), self._desk.stage.micrograph)

    def _none(self) -> None:
        self._apply(lambda one: set_surfaces([one], ()), self._desk.stage.micrograph)

    def _found(self) -> None:
        self._apply(lambda one: set_surfaces([one], None), self._desk.stage.micrograph)


def _direction_words(frame: Frame, own: float | None) -> str:
    if frame.build_direction_deg is None:
        return "Unknown. Orientations stay empty."
    return f"{frame.build_direction_deg:.4g}°, {'of this micrograph' if own is not None else 'of the project'}"


def _surface_words(frame: Frame) -> str:
    if not frame.surfaces:
        why = "None in view, as was said." if frame.drawn else "None found or drawn."
        return f"{why} Distances to it stay empty."
    lines = "1 line" if len(frame.surfaces) == 1 else f"{len(frame.surfaces)} lines"
    return f"{lines}, {'drawn by hand' if frame.drawn else 'found by detection'}"
