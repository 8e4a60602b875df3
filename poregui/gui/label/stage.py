"""Decide what canvas and context view show: a micrograph, a ready-made crop, or a sentence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.records import Crop, Micrograph
from poregui.gui.label.catalogue import Catalogue
from poregui.gui.label.words import micrograph_words, values_words
from poregui.gui.micrograph_images import LoadedMicrograph
from poregui.gui.services import Services
from poregui.gui.widgets.context_view import ContextView
from poregui.gui.widgets.image_canvas import ImageCanvas
from poregui.gui.widgets.tile_layer import layer_of
from poregui.store.pixels import CropPixels
from poregui.vision.crops import cut
from poregui.vision.pore_at import crop_around, pore_near
from poregui.vision.pyramid import Pyramid
from poregui.vision.reshaping import outline_near

_LEAST_SIDE, _MOST_SIDE = 48, 128
_LARGEST_CROP = 4096 * 4096
"""Square px that are cut while a person waits."""


class Stage(QObject):
    """Hold the micrograph (or ready-made crop) that the canvas shows; `changed` tells when it is another one."""

    changed = Signal()

    def __init__(
        self,
        canvas: ImageCanvas,
        context: ContextView,
        services: Services,
        catalogue: Catalogue,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._context = context
        self._services = services
        self._catalogue = catalogue
        self.micrograph: Micrograph | None = None
        self._alone: Crop | None = None
        self._crop: Crop | None = None
        self._loaded: LoadedMicrograph | None = None

    # ---- what is shown -------------------------------------------------------------------------------------------

    def show_crop(self, crop: Crop) -> None:
        """Show the micrograph of a crop, or the crop alone where there is none."""
        micrograph = self._catalogue.micrographs.get(crop.micrograph_id or 0)
        if micrograph is None:
            self._show_alone(crop)
        elif self.micrograph is None or self.micrograph.id != micrograph.id:
            self.show(micrograph)

    def show(self, micrograph: Micrograph | None) -> None:
        """Show a micrograph once it is loaded; None shows an empty canvas."""
        self.micrograph, self._alone, self._loaded = micrograph, None, None
        if micrograph is None:
            self._canvas.show_message("Choose a micrograph, or import one.")
        else:
            self._canvas.show_message(f"Loading {micrograph.shown_name} …")
            self._services.micrograph_images.request(micrograph)
        self.changed.emit()

    def _show_alone(self, crop: Crop) -> None:
        if self._alone is not None and self._alone.pixels == crop.pixels:
            return
        self.micrograph, self._alone, self._loaded = None, crop, None
        try:
            pixels = self._services.thumbnails.pixels_of(crop)
        except PoreguiError as error:
            self._canvas.show_message(str(error))
        else:
            picture = layer_of(pixels.array, pixels.grey_low, pixels.grey_high)
            self._canvas.set_picture(
                picture,
                um_per_px=crop.um_per_px,
                read_out=lambda x, y: values_words(pixels.array[y, x], x, y, crop.um_per_px),
                editable=False,
            )
            self._canvas.set_boxes(())
        self.changed.emit()

    def title(self) -> tuple[str, str]:
        """Return the name of what is shown and what is known of it."""
        if self.micrograph is not None:
            return self.micrograph.shown_name, micrograph_words(self.micrograph)
        if self._alone is not None:
            return self._alone.source.replace("\\", "/").rsplit("/", 1)[-1] or "Crop", "ready-made crop"
        return "", ""

    def loaded(self, micrograph_id: int, image: Pyramid) -> None:
        """Show a micrograph that has come, where it is still wanted."""
        if self.micrograph is None or self.micrograph.id != micrograph_id:
            return
        self._loaded = self._services.micrograph_images.get(self.micrograph)
        if self._loaded is None:
            return
        picture = self._loaded.picture
        self._canvas.set_picture(
            picture,
            um_per_px=self.micrograph.um_per_px,
            read_out=lambda x, y: values_words(picture.value(x, y), x, y, self._scale()),
        )
        self._canvas.set_boxes(self._catalogue.boxes(micrograph_id))
        self.set_current(self._crop)

    def _scale(self) -> float | None:
        return self.micrograph.um_per_px if self.micrograph is not None else None

    def failed(self, micrograph_id: int, error: PoreguiError) -> None:
        """Say why a micrograph cannot be shown."""
        if self.micrograph is not None and self.micrograph.id == micrograph_id:
            self._loaded = None
            keeps = "Its crops are kept in the project and can still be labelled."
            self._canvas.show_message(f"{error}\n\n{keeps}")

    def follow(self) -> None:
        """Show what an edit changed."""
        if self.micrograph is None:
            if self._alone is not None and self._alone.id not in self._catalogue.crops:
                self.show(None)
            return
        now = self._catalogue.micrographs.get(self.micrograph.id)
        is_shown = self.micrograph
        if now is None or (now.path, now.sha256, now.plane) != (is_shown.path, is_shown.sha256, is_shown.plane):
            self.show(now)
            return
        self.micrograph = now
        if self._loaded is not None:
            self._canvas.set_boxes(self._catalogue.boxes(now.id))
            self._canvas.set_scale(now.um_per_px)
        self.changed.emit()

    def set_current(self, crop: Crop | None) -> None:
        """Mark a crop on the canvas and show it large."""
        self._crop = crop
        self._canvas.set_current(crop.id if crop else None)
        if crop is None:
            self._context.clear()
            return
        here = self._loaded is not None and self.micrograph is not None and crop.micrograph_id == self.micrograph.id
        image = self._loaded.image if here and self._loaded else None
        full = self._services.thumbnails.full(crop)
        colour = "#ffffff" if crop.label is None else self._catalogue.marks.colour(crop.label).name()
        self._context.set_outline_colour(colour)
        self._context.set_surroundings(image, crop.box, full, crop.um_per_px)

    @property
    def image(self) -> Pyramid | None:
        """Return the micrograph's pixels, or None while it is not loaded."""
        return self._loaded.image if self._loaded is not None else None

    # ---- what is cut ---------------------------------------------------------------------------------------------

    def cut(self, box: Box) -> CropPixels | None:
        """Return the pixels of a box of the micrograph, or None while there is none.

        Raises PoreguiError where the file is damaged, and for a box so large that a person must have slipped.
        """
        if self._loaded is None:
            return None
        if box.area > _LARGEST_CROP:
            raise PoreguiError(
                f"A crop of {box.width} x {box.height} px is too large to be one pore.", "Zoom in, and draw it again."
            )
        image = self._loaded.image
        return CropPixels(cut(image, box), image.grey_low, image.grey_high)

    def usual_side(self) -> int:
        """Return the side in px of a crop where no pore is found: the middle one of the micrograph's crops."""
        if self._loaded is None or self.micrograph is None:
            return _LEAST_SIDE
        sides = sorted(crop.size_px for crop in self._catalogue.crops_of(self.micrograph.id))
        if sides:
            return sides[len(sides) // 2]
        return min(max(_LEAST_SIDE, max(self.micrograph.width, self.micrograph.height) // 32), _MOST_SIDE)

    def outline_at(self, x: float, y: float, *, reach: float, polarity: str) -> NDArray[np.float32] | None:
        """Return the outline, (N, 2) in px, of the pore near a point (px), or None where there is none."""
        return None if self._loaded is None else outline_near(self._loaded.image, x, y, reach=reach, polarity=polarity)

    def box_at(self, x: float, y: float, *, reach: float, usual: int) -> Box | None:
        """Return the crop around the pore near a point (px), or of the usual size where no pore is found."""
        if self._loaded is None:
            return None
        image = self._loaded.image
        pore = pore_near(image, x, y, reach=reach)
        if pore is not None:
            return crop_around(pore, image.width, image.height)
        return Box.around(x, y, usual).moved_inside(image.width, image.height)
