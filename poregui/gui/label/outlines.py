"""Show the outlines of the micrograph's pores, and let keys and gestures make, join, cut and mend
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Outline, bounds_of
from poregui.domain.records import Changed, Crop, Micrograph
from poregui.gui.base.feature import Feature, Link
from poregui.gui.base.key_map import key_map
from poregui.gui.base.messages import messages
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.canvas.outline_layer import STYLES, DrawnOutline, OutlineLayer
from poregui.gui.canvas.outline_tools import CornerTool, OutlineTool
from poregui.gui.label.label_state import LabelState
from poregui.gui.label.stage import Stage
from poregui.gui.lists.crop_grid import CropGrid
from poregui.vision.shape.overlaps import near_boxes
from poregui.workflow.editing.edits import ReplacePores
from poregui.workflow.editing.outline_edits import cut_pore, draw_pore, join_pores

_NEIGHBOUR = 1.5
"""How far from the box of a pore, in its own sizes, M looks for the one to join it with."""


class Outlining(Feature):
    """Draw outlines in the canvas and change them."""

    hears = frozenset({"crops", "outlines", "micrographs", "classes", "labels"})

    def __init__(
        self, canvas: ImageCanvas, grid: CropGrid, stage: Stage, state: LabelState
    ) -> None:
        super().__init__(state)
        self._canvas = canvas
        self._grid = grid
        self._stage = stage
        self._state = state
        self.layer = OutlineLayer()
        self._outlines: dict[int, Outline] = {}
        self._shown: Micrograph | None = None
        self._candidates_hidden = False
        self._has_line = False
        self._wishes: dict[str, Callable[[], None]] = {
            "merge": self.merge,
            "split": self.split,
            "draw_outline": self.draw,
            "edit_outline": self.edit,
        }

    @property
    def keys(self) -> dict[str, Callable[[], None]]:
        """Return what the keys and the menu mean (see actions.py)."""
        edits = {meant: partial(self.press, meant) for meant in self._wishes}
        return {**edits, "outlines": self.change_style}

    def links(self) -> Iterable[Link]:
        return (
            (self._state.micrograph_changed, self._show_micrograph),
            (self._state.current_changed, self._show_current),
        )

    def start(self) -> None:
        self._canvas.add_overlay(self.layer.paint)
        self._grid.set_outlines(self.line_in_crop)
        self.layer.set_classes(self._state.catalogue.known_classes)
        self._show_micrograph()

    def stop(self) -> None:
        self._canvas.set_tool(None)
        self._canvas.remove_overlay(self.layer.paint)
        self._grid.set_outlines(None)
        self._canvas.set_outlined({})

    def follow(self, changed: Changed) -> None:
        """Show what an edit changed."""
        if "classes" in changed.kinds:
            self.layer.set_classes(self._state.catalogue.known_classes)
        if changed.kinds & {"crops", "outlines", "micrographs"}:
            self._read()
        if changed.kinds != {"labels"} or self._candidates_hidden:
            self._draw()
            return
        crops = self._state.catalogue.crops
        labels = {i: crops[i].label for i in changed.crop_ids if i in self._outlines and i in crops}
        if labels:
            self.layer.set_labels(labels)
            self._canvas.update()

    def change_style(self) -> None:
        """Draw outlines filled, then not at all, then as lines again."""
        style = STYLES[(STYLES.index(self.layer.style) + 1) % len(STYLES)]
        self.layer.set_style(style)
        if style == "hidden":
            messages().note(f"Outlines are hidden; {key_map().text('outlines')} shows them again.")
        self._canvas.update()
        self._grid.update_cells()

    def line_in_crop(self, crop_id: int) -> NDArray[np.float64] | None:
        """Return the outline of a crop of the shown micrograph, (N, 2) as parts of the crop's
        sides, None where it has none or outlines are hidden.
        """
        outline = self._outlines.get(crop_id)
        crop = self._state.catalogue.crops.get(crop_id)
        if outline is None or crop is None or crop.box is None:
            return None
        if self.layer.style == "hidden" and crop_id != self._state.current:
            return None
        box = crop.box
        return (outline.points.astype(np.float64) - (box.x, box.y)) / (box.width, box.height)

    def hide_candidates(self, hidden: bool) -> None:
        """Leave candidates out, while a preview shows what would be found."""
        if hidden != self._candidates_hidden:
            self._candidates_hidden = hidden
            self._draw()

    @property
    def outlines(self) -> dict[int, Outline]:
        """Return the outlines of the micrograph that is shown, by crop id."""
        return self._outlines

    def press(self, meant: str) -> None:
        """Do what a key means: `merge`, `split`, `draw_outline`, `edit_outline`."""
        try:
            self._state.project.check_writable()
            self._wishes[meant]()
        except PoreguiError as error:
            messages().note(str(error))

    # ---- what is shown ----------------------------------------------------------------------

    def _show_micrograph(self) -> None:
        self._read()
        self._draw()
        self._grid.update_cells()

    def _show_current(self, crop_id: int | None) -> None:
        self.layer.current = crop_id
        outline = self._outlines.get(crop_id or 0)
        if outline is not None or self._has_line:
            self._has_line = outline is not None
            self._stage.show_line(None if outline is None else outline.points)
            self._canvas.update()

    def _read(self) -> None:
        self._shown = self._state.micrograph
        project = self._state.project
        if self._shown is not None:
            self._outlines = project.outlines(micrograph_id=self._shown.id)
        else:
            self._outlines = {}
        self._canvas.set_outlined(
            dict(zip(self._outlines, bounds_of(list(self._outlines.values())), strict=True))
        )

    def _draw(self) -> None:
        crops = self._state.catalogue.crops
        drawn = [
            DrawnOutline(crop_id, outline.points, crops[crop_id].label)
            for crop_id, outline in self._outlines.items()
            if crop_id in crops and not (self._candidates_hidden and crops[crop_id].is_candidate)
        ]
        self.layer.set_outlines(drawn)
        self._show_current(self._state.current)
        self._canvas.update()

    # ---- what a person wants ----------------------------------------------------------------

    def merge(self) -> None:
        """Join the selected pores, or the current one with its nearest neighbour, into one."""
        ids = [crop_id for crop_id in self._state.chosen_ids() if crop_id in self._outlines]
        if len(ids) == 1:
            ids += self._neighbour(ids[0])
        if len(ids) < 2:
            raise PoreguiError(
                "Merging needs two outlined pores of this micrograph.",
                "Select both, or one close to another.",
            )
        self._do(lambda: join_pores(self._state.project, self._pores(ids), *self._parts()), ids[0])

    def split(self) -> None:
        """Cut the current pore at its waists."""
        crop = self._current()
        if crop.id not in self._outlines:
            raise PoreguiError("This crop has no outline.", "Find pores, or draw it with O.")
        self._do(
            lambda: cut_pore(self._state.project, self._pores([crop.id])[0], *self._parts()),
            crop.id,
        )

    def draw(self) -> None:
        """Let an outline be drawn: around a new pore, or anew for the current crop where it lies in
        its box.
        """
        if self._stage.image is None:
            raise PoreguiError("There is no micrograph to draw on.", "Select one.")
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
        crop = self._state.crop
        middle = points.mean(axis=0)
        here = crop is not None and self._shown is not None and crop.micrograph_id == self._shown.id
        if (
            here
            and crop is not None
            and crop.box is not None
            and crop.box.contains(*middle.tolist())
        ):
            self._put(crop, points)
        else:
            self._put(None, points)

    def _put(self, crop: Crop | None, points: NDArray[Any]) -> None:
        outline = Outline.of(points)
        if crop is not None:
            before = self._outlines.get(crop.id)
        else:
            before = None
        known = None if crop is None else (crop, before)
        self._do(
            lambda: draw_pore(self._state.project, known, outline, *self._parts()),
            crop.id if crop else None,
        )

    def _do(self, build: Callable[[], ReplacePores], then: int | None) -> None:
        try:
            edit = replace(build(), who=self._state.session.who)
        except PoreguiError as error:
            messages().note(str(error))
            return
        if self._state.apply(edit):
            self._state.choose(edit.added[0].crop.id if edit.added and then is None else then)

    def _current(self) -> Crop:
        crop = self._state.crop
        if crop is None:
            raise PoreguiError("No crop is selected.", "Click a pore.")
        return crop

    def _pores(self, ids: list[int]) -> list[tuple[Crop, Outline]]:
        return [(self._state.catalogue.crops[crop_id], self._outlines[crop_id]) for crop_id in ids]

    def _parts(self) -> tuple[Micrograph, Any]:
        micrograph = self._state.micrograph
        image = self._stage.image
        if micrograph is None or image is None:
            raise PoreguiError(
                "The micrograph is not loaded.", "Wait until it has loaded, or restore its file."
            )
        return micrograph, image

    def _neighbour(self, crop_id: int) -> list[int]:
        """Return the outlined pore whose box is nearest to that of another one, none where all are
        far.
        """
        box = self._outlines[crop_id].bounds
        reach = _NEIGHBOUR * max(box.width, box.height)
        others = [other for other in self._outlines if other != crop_id]
        edges = [self._outlines[other].bounds for other in others]
        table = np.array([(b.x, b.y, b.right, b.bottom) for b in edges], np.float64).reshape(-1, 4)
        own = np.array(
            [[box.x - reach, box.y - reach, box.right + reach, box.bottom + reach]], np.float64
        )
        near = near_boxes(own, table)[1]
        if not len(near):
            return []
        points = self._outlines[crop_id].points
        away = [
            float(
                np.hypot(
                    *(self._outlines[others[i]].points[:, None] - points[None]).reshape(-1, 2).T
                ).min()
            )
            for i in near.tolist()
        ]
        return [others[int(near[int(np.argmin(away))])]]
