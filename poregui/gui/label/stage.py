"""Decide what canvas and context view show: a micrograph, a ready-made crop, or a sentence."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.records import Changed, Crop, Micrograph
from poregui.gui.base.feature import Feature, Link
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.canvas.tile_layer import layer_of
from poregui.gui.label.label_state import LabelState
from poregui.gui.services.micrograph_images import LoadedMicrograph
from poregui.gui.widgets.context_view import ContextView
from poregui.gui.widgets.crop_text import micrograph_text, values_text
from poregui.store.pixels import CropPixels
from poregui.vision.crops import cut
from poregui.vision.io.pyramid import Pyramid
from poregui.vision.pores.edit import crop_around, outline_near, pore_near

_MIN_SIDE = 48
_MOST_SIDE = 128
_LARGEST_CROP = 4096 * 4096
"""Square px that are cut while a person waits."""


class Stage(Feature):
    """Show the micrograph (or ready-made crop) that is wanted; `changed` tells when it is another
    one.
    """

    hears = frozenset({"labels", "crops", "classes", "micrographs"})
    changed = Signal()

    def __init__(self, canvas: ImageCanvas, context: ContextView, state: LabelState) -> None:
        super().__init__(state)
        self._canvas = canvas
        self._context = context
        self._state = state
        self._requested: Micrograph | None = None
        self._alone: Crop | None = None
        self._loaded: LoadedMicrograph | None = None
        self._seen: object = None

    def links(self) -> Iterable[Link]:
        images = self._state.services.micrograph_images
        return (
            (self._state.micrograph_changed, self._show_micrograph),
            (self._state.current_changed, self._follow_current),
            (images.loaded, self._take),
            (images.failed, self._fail),
        )

    def start(self) -> None:
        self._show_micrograph()
        self._show_current()

    def stop(self) -> None:
        self._requested = None
        self._alone = None
        self._loaded = None
        self._seen = None

    def follow(self, changed: Changed) -> None:
        """Show what an edit changed, the micrograph anew where it has another file."""
        now = self._state.micrograph
        if now is None:
            if self._alone is not None and self._alone.id not in self._state.catalogue.crops:
                self._show_micrograph()
        elif "micrographs" in changed.kinds and _file(now) != _file(self._requested):
            self._show_micrograph()
        elif self._loaded is not None:
            self._canvas.set_boxes(self._state.catalogue.boxes(now.id))
            self._canvas.set_scale(now.um_per_px)
        self._show_current()

    # ---- what is shown ----------------------------------------------------------------------

    def _show_micrograph(self) -> None:
        """Show the wanted micrograph once it is loaded, or the current crop where it has none."""
        micrograph = self._state.micrograph
        self._requested = micrograph
        self._loaded = None
        if micrograph is not None:
            self._alone = None
            self._canvas.show_message(f"Loading {micrograph.shown_name} …")
            self._state.services.micrograph_images.request(micrograph)
        elif self._state.crop is not None:
            self._show_alone(self._state.crop)
            return
        else:
            self._alone = None
            self._canvas.show_message("Select a micrograph, or import one.")
        self.changed.emit()

    def _show_alone(self, crop: Crop) -> None:
        if self._alone is not None and self._alone.pixels == crop.pixels:
            return
        self._alone = crop
        try:
            pixels = self._state.services.thumbnails.pixels_of(crop)
        except PoreguiError as error:
            self._canvas.show_message(str(error))
        else:
            tiles = layer_of(pixels.array, pixels.grey_low, pixels.grey_high)
            self._canvas.set_tiles(
                tiles,
                um_per_px=crop.um_per_px,
                read_out=lambda x, y: values_text(pixels.array[y, x], x, y, crop.um_per_px),
                editable=False,
            )
            self._canvas.set_boxes(())
        self.changed.emit()

    def title(self) -> tuple[str, str]:
        """Return the name of what is shown and what is known of it."""
        micrograph = self._state.micrograph
        if micrograph is not None:
            return micrograph.shown_name, micrograph_text(micrograph)
        if self._alone is not None:
            name = self._alone.source.replace("\\", "/").rsplit("/", 1)[-1]
            return name or "Crop", "ready-made crop"
        return "", ""

    def _take(self, micrograph_id: int, _image: Pyramid) -> None:
        """Show a micrograph that has come, where it is still wanted."""
        micrograph = self._state.micrograph
        if micrograph is None or micrograph.id != micrograph_id:
            return
        self._loaded = self._state.services.micrograph_images.get(micrograph)
        if self._loaded is None:
            return
        tiles = self._loaded.tiles
        self._canvas.set_tiles(
            tiles,
            um_per_px=micrograph.um_per_px,
            read_out=lambda x, y: values_text(tiles.value(x, y), x, y, self._scale()),
        )
        self._canvas.set_boxes(self._state.catalogue.boxes(micrograph_id))
        self._canvas.set_current(self._state.current)
        self._show_current()

    def _scale(self) -> float | None:
        micrograph = self._state.micrograph
        if micrograph is None:
            return None
        return micrograph.um_per_px

    def _fail(self, micrograph_id: int, error: PoreguiError) -> None:
        """Say why a micrograph cannot be shown."""
        micrograph = self._state.micrograph
        if micrograph is not None and micrograph.id == micrograph_id:
            self._loaded = None
            keeps = "Its crops are kept in the project and can still be labelled."
            self._canvas.show_message(f"{error}\n\n{keeps}")

    def _follow_current(self, crop_id: int | None) -> None:
        """Mark the current crop on the canvas and show it large."""
        crop = self._state.crop
        if crop is not None and self._state.micrograph is None:
            self._show_alone(crop)
        self._canvas.set_current(crop_id)
        self._show_current()

    def show_line(self, points: NDArray[np.float32] | None) -> None:
        """Draw the outline of the current crop, (N, 2) in px, where it is shown large."""
        self._context.set_line(points)

    def _show_current(self) -> None:
        """Show the current crop large; pixels are read only for another image."""
        crop = self._state.crop
        if crop is None:
            self._seen = None
            self._context.clear()
            return
        image = None
        if self._loaded is not None and crop.micrograph_id == self._loaded_id:
            image = self._loaded.image
        colour = "#ffffff"
        if crop.label is not None:
            colour = self._state.catalogue.marks.colour(crop.label).name()
        self._context.set_outline_colour(colour)
        seen = (crop.id, crop.pixels, crop.box, crop.um_per_px, image)
        if seen != self._seen:
            self._seen = seen
            full = self._state.services.thumbnails.full(crop)
            self._context.set_surroundings(image, crop.box, full, crop.um_per_px)

    @property
    def _loaded_id(self) -> int | None:
        return self._requested.id if self._requested is not None else None

    @property
    def image(self) -> Pyramid | None:
        """Return the micrograph's pixels, or None while it is not loaded."""
        if self._loaded is not None:
            return self._loaded.image
        return None

    # ---- what is cut ------------------------------------------------------------------------

    def cut(self, box: Box) -> CropPixels | None:
        """Return the pixels of a box of the micrograph, or None while there is none.

        Raises PoreguiError where the file is damaged, and for a box so large that a person must
        have slipped.
        """
        if self._loaded is None:
            return None
        if box.area > _LARGEST_CROP:
            raise PoreguiError(
                f"A crop of {box.width} x {box.height} px is too large to be one pore.",
                "Zoom in and draw it again.",
            )
        image = self._loaded.image
        return CropPixels(cut(image, box), image.grey_low, image.grey_high)

    def usual_side(self) -> int:
        """Return the side in px of a crop where no pore is found: the middle one of the
        micrograph's crops.
        """
        micrograph = self._state.micrograph
        if self._loaded is None or micrograph is None:
            return _MIN_SIDE
        sides = sorted(crop.size_px for crop in self._state.catalogue.crops_of(micrograph.id))
        if sides:
            return sides[len(sides) // 2]
        longer = max(micrograph.width, micrograph.height)
        return min(max(_MIN_SIDE, longer // 32), _MOST_SIDE)

    def outline_at(
        self, x: float, y: float, *, reach: float, polarity: str
    ) -> NDArray[np.float32] | None:
        """Return the outline, (N, 2) in px, of the pore near a point (px), or None where there is
        none.
        """
        if self._loaded is None:
            return None
        return outline_near(self._loaded.image, x, y, reach=reach, polarity=polarity)

    def box_at(self, x: float, y: float, *, reach: float, usual: int) -> Box | None:
        """Return the crop around the pore near a point (px), or of the usual size where no pore is
        found.
        """
        if self._loaded is None:
            return None
        image = self._loaded.image
        pore = pore_near(image, x, y, reach=reach)
        if pore is not None:
            return crop_around(pore, image.width, image.height)
        return Box.around(x, y, usual).moved_inside(image.width, image.height)


def _file(micrograph: Micrograph | None) -> tuple[object, ...]:
    """Return what says whether the pixels of a micrograph are the same."""
    if micrograph is None:
        return ()
    return (micrograph.id, micrograph.path, micrograph.sha256, micrograph.plane)
