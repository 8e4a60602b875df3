"""Draw the chosen micrograph with its pores as they are answered now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poregui.gui.canvas.canvas_view import CanvasView
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.canvas.tile_layer import layer_of
from poregui.gui.services.page_services import Services
from poregui.workflow.applying.study import AppliedField, FieldImage

Drawn = tuple["ResultImage", FieldImage | None, NDArray[np.uint8] | None]


@dataclass(frozen=True, eq=False)
class ResultImage:
    """Hold what is drawn: a micrograph with its pores at the confidence `min_confidence`."""

    field: AppliedField
    colours: Sequence[str]
    min_confidence: float

    @property
    def shown(self) -> tuple[Path, str]:
        """Return what tells its image from every other one: where it lies, and what it is of."""
        return self.field.task.folder, self.field.result.fingerprint


class ImageFlow:
    """Draw the newest image that was asked for beside the window, and what was asked for
    meanwhile after it.
    """

    def __init__(self, canvas: ImageCanvas, services: Services) -> None:
        self._canvas = canvas
        self._services = services
        self._wanted: ResultImage | None = None
        self._working = False
        self._there: tuple[tuple[Path, str], FieldImage] | None = None
        self._on_canvas: tuple[Path, str] | None = None

    def show(self, wanted: ResultImage) -> None:
        """Draw a micrograph; the same one again keeps its place on the canvas."""
        self._wanted = wanted
        if not self._working:
            self._draw(wanted)

    def forget(self, text: str = "") -> None:
        """Show words in the place of an image, and none that was asked for before."""
        self._wanted = self._there = self._on_canvas = None
        self._canvas.show_message(text)

    def _draw(self, wanted: ResultImage) -> None:
        there = None
        if self._there is not None and self._there[0] == wanted.shown:
            there = self._there[1]

        def work(_control: object) -> Drawn:
            image = there or wanted.field.image()
            if image is None:
                return wanted, None, None
            drawn = image.of_table(wanted.field.pores, wanted.colours, wanted.min_confidence)
            return wanted, image, np.ascontiguousarray(drawn[..., ::-1])

        self._working = True
        self._services.background.run("Drawing pores", work, self._take)

    def _take(self, found: Drawn) -> None:
        shown, image, pixels = found
        self._working = False
        wanted = self._wanted
        if wanted is None:
            return
        if wanted.shown == shown.shown:
            self._put(shown.shown, image, pixels)
        if wanted is not shown:
            self._draw(wanted)

    def _put(
        self,
        shown: tuple[Path, str],
        image: FieldImage | None,
        pixels: NDArray[np.uint8] | None,
    ) -> None:
        if image is None or pixels is None:
            self._on_canvas = None
            self._canvas.show_message(
                "The image of this micrograph is missing. Find its pores again."
            )
            return
        self._there = (shown, image)
        before = self._canvas.view if self._on_canvas == shown else None
        self._canvas.set_tiles(layer_of(pixels), editable=False)
        if (
            before is not None
            and before.scale != CanvasView.fitted(before.size, before.window).scale
        ):
            self._canvas.zoom(1.0, before)
        self._on_canvas = shown
