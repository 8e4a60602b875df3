"""Choose a few crops and show them as the network is given them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from poregui.domain.recipe import Recipe
from poregui.domain.records import Crop
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import theme
from poregui.store.pixels import CropPixels, PixelStore
from poregui.vision.patches import network_input

MOST = 12
_COLUMNS = 6
_SPACE = 3
SEED_SIDE = 150

_VARIED = {
    "seed": "zoom, shear and flips",
    "default": "rotation, flips, small shifts and brightness changes",
}
"""What `learning` does to the crops of an epoch, by preset."""


@dataclass(frozen=True)
class SeenCrop:
    """Hold an image as a network is given it, and the label of its crop."""

    image: QImage
    label: int


class CropPreview(QWidget):
    """Show up to twelve crops side by side, each with the letter of its class."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("crop_preview")
        self.setAccessibleName("Crops as network input")
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._seen: tuple[SeenCrop, ...] = ()
        self._marks = ClassMarks(())
        theme().changed.connect(self._repaint)

    def set_crops(self, seen: Sequence[SeenCrop], marks: ClassMarks) -> None:
        """Show these crops."""
        self._seen = tuple(seen[:MOST])
        self._marks = marks
        self.updateGeometry()
        self.update()

    def crops(self) -> tuple[SeenCrop, ...]:
        """Return what is shown."""
        return self._seen

    def sizeHint(self) -> QSize:
        return QSize(240, self.heightForWidth(240))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = -(-len(self._seen) // _COLUMNS)
        return round(rows * (self._side(width) + _SPACE))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        font = painter.font()
        font.setPointSizeF(max(6.0, font.pointSizeF() * 0.72))
        painter.setFont(font)
        side = self._side(self.width())
        for index, seen in enumerate(self._seen):
            row, column = divmod(index, _COLUMNS)
            area = QRectF(column * (side + _SPACE), row * (side + _SPACE), side, side)
            painter.drawImage(area, seen.image)
            painter.setPen(QColor(theme().tokens.border))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(area.adjusted(0, 0, -1, -1))
            self._marks.draw_badge(painter, area.left(), area.bottom(), seen.label)

    def _repaint(self) -> None:
        self.update()

    def _side(self, width: int) -> float:
        return (width - (_COLUMNS - 1) * _SPACE) / _COLUMNS


def choose_preview(crops: Sequence[Crop], labels: Sequence[int]) -> list[Crop]:
    """Return up to twelve crops, as many of each label, spread over the project."""
    share = max(1, MOST // max(1, len(labels)))
    chosen: list[Crop] = []
    for label in labels:
        of_label = [crop for crop in crops if crop.label == label]
        step = max(1, len(of_label) // share)
        chosen += of_label[::step][:share]
    return chosen[:MOST]


def preview_title(recipe: Recipe) -> str:
    """Say how the network sees crops."""
    if recipe.preset == "shape":
        return "No network: size and shape of the pores are measured."
    proportions = "proportions kept"
    if recipe.preset == "seed":
        proportions = "stretched"
    augmentation = ""
    if recipe.augment:
        augmentation = f", before {_VARIED.get(recipe.preset, 'rotation and flips')}"
    side = _side(recipe)
    return f"{side} × {side} px, {proportions}{augmentation}."


def _side(recipe: Recipe) -> int:
    if recipe.preset == "seed":
        return SEED_SIDE
    return recipe.input_size


def preview_crops(recipe: Recipe, crops: Sequence[Crop], pixels: PixelStore) -> list[SeenCrop]:
    """Return crops as the network of a recipe is given them; may run in any thread."""
    return [SeenCrop(_image(recipe, pixels.get(crop.pixels)), crop.label or 0) for crop in crops]


def _image(recipe: Recipe, pixels: CropPixels) -> QImage:
    seed = recipe.preset == "seed"
    side = _side(recipe)
    channels = 1
    if seed or pixels.channels >= 3:
        channels = 3
    image = network_input(
        pixels.array,
        low=pixels.grey_low,
        high=pixels.grey_high,
        side=side,
        channels=channels,
        stretched=seed,
    )
    shown = np.ascontiguousarray((image * 255.0 + 0.5).astype(np.uint8))
    if channels == 3:
        form = QImage.Format.Format_RGB888
    else:
        form = QImage.Format.Format_Grayscale8
    return QImage(shown.data, side, side, side * channels, form).copy()
