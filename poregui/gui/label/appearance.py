"""Change contrast, build direction and surface of a micrograph on the label page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed, Detection, Display, Line, Micrograph
from poregui.domain.wording import count
from poregui.gui.base.feature import Feature, Link
from poregui.gui.base.messages import messages
from poregui.gui.canvas.canvas_view import CanvasView
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.canvas.region_tools import PathTool, on_screen
from poregui.gui.label.image_panel import FrameBox, ImagePanel
from poregui.gui.label.label_state import LabelState
from poregui.gui.label.stage import Stage
from poregui.vision.io.pixel_values import automatic, histogram, lookup, value_range
from poregui.workflow.editing.edits import Combined, Edit
from poregui.workflow.editing.micrograph_edits import (
    Frame,
    direction_of,
    frame_of,
    project_build_direction,
    set_build_direction,
    set_display,
    set_project_build_direction,
    set_surfaces,
)


class Looking(Feature):
    """Show each micrograph through its own contrast window, and change that."""

    hears = frozenset({"micrographs"})

    def __init__(
        self, panel: ImagePanel, canvas: ImageCanvas, stage: Stage, state: LabelState
    ) -> None:
        super().__init__(state)
        self._panel = panel
        self._canvas = canvas
        self._stage = stage
        self._state = state
        self._counted: object = None

    def links(self) -> Iterable[Link]:
        panel = self._panel
        return (
            (panel.display_moved, self._draw),
            (panel.display_settled, self._remember),
            (panel.auto_button.clicked, self._automatic),
            (panel.reset_button.clicked, self._reset),
            (panel.full_button.clicked, self._show_all_greys),
            (panel.alike_button.clicked, self._use_for_all),
            (self._state.services.micrograph_images.loaded, self._show),
            (self._stage.changed, self._show),
        )

    def start(self) -> None:
        self._show()

    def stop(self) -> None:
        self._counted = None

    def follow(self, changed: Changed) -> None:
        """Show the contrast window that an edit or its undo left."""
        self._show()

    def _show(self, *_: object) -> None:
        tiles = self._canvas.tiles
        micrograph = self._state.micrograph
        image = self._stage.image
        shown = micrograph is not None and image is not None and tiles is not None
        self._panel.set_contrast_enabled(shown)
        if micrograph is None or image is None or tiles is None:
            return
        display = micrograph.display
        if self._counted is not tiles:
            self._counted = tiles
            low, high = value_range(tiles.overview, image.grey_low, image.grey_high)
            self._panel.histogram.set_counts(histogram(tiles.overview, low, high), low, high)
        usual = Display(image.grey_low, max(image.grey_high, image.grey_low + 1))
        self._panel.set_display(display or usual, own=display is not None)
        if display:
            tiles.set_mapping(lookup(display, image.bits))
        else:
            tiles.set_mapping(None)

    def _draw(self, display: Display) -> None:
        tiles = self._canvas.tiles
        image = self._stage.image
        if image is not None and tiles is not None:
            tiles.set_mapping(lookup(display, image.bits))

    def _remember(self, display: Display | None) -> None:
        micrograph = self._state.micrograph
        if micrograph is None or micrograph.display == display:
            return
        if not self._state.apply(set_display([micrograph], display)):
            self._show()

    def _automatic(self) -> None:
        tiles = self._canvas.tiles
        if tiles is not None:
            self._remember(automatic(tiles.overview))

    def _reset(self) -> None:
        self._remember(None)

    def _show_all_greys(self) -> None:
        """Show from the darkest to the brightest value that the overview holds."""
        image = self._stage.image
        tiles = self._canvas.tiles
        if image is not None and tiles is not None:
            low, high = value_range(tiles.overview, image.grey_low, image.grey_high)
            self._remember(Display(low, max(high, low + 1)))

    def _use_for_all(self) -> None:
        now = self._state.micrograph
        if now is None:
            return
        others = [
            m
            for m in self._state.catalogue.micrographs.values()
            if _alike(m, now) and m.display != now.display
        ]
        if not others:
            messages().note("All similar micrographs already use this contrast.")
            return
        try:
            if self._state.apply(set_display(others, now.display)):
                messages().note(f"Applied to {count(len(others), 'more micrograph')}.")
        except PoreguiError as error:
            messages().note(str(error))


def _alike(one: Micrograph, other: Micrograph) -> bool:
    return (one.bits, one.channels) == (other.bits, other.channels)


_SURFACE = QColor("#00e5ff")


class Framing(Feature):
    """Draw the surface, and set it and the build direction."""

    hears = frozenset({"micrographs", "settings", "detections"})

    def __init__(self, box: FrameBox, canvas: ImageCanvas, state: LabelState) -> None:
        super().__init__(state)
        self._box = box
        self._canvas = canvas
        self._state = state
        self._frame = Frame()
        self._detections: dict[int, Detection] = {}

    def links(self) -> Iterable[Link]:
        box = self._box
        return (
            (box.direction_set, self._set_direction),
            (box.draw_button.clicked, self._draw_direction),
            (box.all_button.clicked, self._for_all),
            (box.line_button.clicked, self._draw_line),
            (box.none_button.clicked, self._none),
            (box.found_button.clicked, self._found),
            (self._state.micrograph_changed, self._show),
        )

    def start(self) -> None:
        self._canvas.add_overlay(self._paint)
        self._detections = self._state.project.detections()
        self._show()

    def stop(self) -> None:
        self._canvas.remove_overlay(self._paint)

    def follow(self, changed: Changed) -> None:
        """Show what an edit or its undo left."""
        if "detections" in changed.kinds:
            self._detections = self._state.project.detections()
        self._show()

    def _show(self) -> None:
        one = self._state.micrograph
        project = self._state.project
        self._box.setEnabled(one is not None and not project.read_only)
        self._frame = Frame()
        if one is not None:
            self._frame = frame_of(
                one, self._detections.get(one.id), project_build_direction(project)
            )
        own = one.build_direction_deg if one is not None else None
        self._box.set_facts(own, _direction_text(self._frame, own), _surface_text(self._frame))
        self._canvas.update()

    def _paint(self, painter: QPainter, view: CanvasView) -> None:
        for line in self._frame.surfaces:
            points = QPolygonF([on_screen(QPointF(x, y), view) for x, y in line])
            for pen in (QPen(QColor(0, 0, 0, 150), 3.5), QPen(_SURFACE, 1.8)):
                painter.setPen(pen)
                painter.drawPolyline(points)

    # ---- setting ----------------------------------------------------------------------------

    def _apply(self, build: Callable[[], Edit]) -> None:
        try:
            edit = build()
        except PoreguiError as error:
            messages().note(str(error))
            return
        if not self._state.apply(edit):
            self._show()

    def _set_direction(self, degrees: float | None) -> None:
        one = self._state.micrograph
        if one is not None:
            self._apply(partial(set_build_direction, [one], degrees))

    def _draw_direction(self) -> None:
        tool = PathTool("Click two points along the build direction.  Return: set.  Esc: cancel")
        tool.drawn.connect(self._set_drawn_direction)
        self._canvas.set_tool(tool)

    def _set_drawn_direction(self, points: Line) -> None:
        self._set_direction(direction_of(points[0], points[-1]))

    def _for_all(self) -> None:
        degrees = self._frame.build_direction_deg
        project = self._state.project
        if degrees is None:
            messages().note("This micrograph has no build direction yet. Set it first.")
            return
        own = [
            m
            for m in self._state.catalogue.micrographs.values()
            if m.build_direction_deg is not None
        ]
        edits = (set_project_build_direction(project, degrees), set_build_direction(own, None))
        self._state.apply(Combined(edits, text="set build direction"))

    def _draw_line(self) -> None:
        tool = PathTool(
            "Click along the surface.  Return: finish.  Backspace: remove last point.  Esc: cancel"
        )
        tool.drawn.connect(self._add)
        self._canvas.set_tool(tool)

    def _add(self, line: Line) -> None:
        one = self._state.micrograph
        if one is not None:
            self._set_surfaces((*(one.surfaces or ()), line))

    def _none(self) -> None:
        self._set_surfaces(())

    def _found(self) -> None:
        self._set_surfaces(None)

    def _set_surfaces(self, lines: tuple[Line, ...] | None) -> None:
        one = self._state.micrograph
        if one is not None:
            self._apply(partial(set_surfaces, [one], lines))


def _direction_text(frame: Frame, own: float | None) -> str:
    if frame.build_direction_deg is None:
        return "Unknown. Orientations are not reported."
    source = "project default"
    if own is not None:
        source = "set for this micrograph"
    return f"{frame.build_direction_deg:.4g}°, {source}"


def _surface_text(frame: Frame) -> str:
    if not frame.surfaces and frame.drawn:
        return "No surface in this image (set by hand). Distances to it are not reported."
    if not frame.surfaces:
        return "No surface found or drawn. Distances to it are not reported."
    source = "found by detection"
    if frame.drawn:
        source = "drawn by hand"
    return f"{count(len(frame.surfaces), 'line')}, {source}"
