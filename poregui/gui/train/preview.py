"""Choose a few crops and make of them what a network will be given; changes with the networks' input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtGui import QImage

from poregui.domain.recipe import Recipe
from poregui.domain.records import Crop
from poregui.gui.widgets.crop_preview import MOST, SeenCrop
from poregui.store.pixels import CropPixels, PixelStore
from poregui.vision.patches import network_input

SEED_SIDE = 150

_VARIED = {"seed": "zoom, shear and flips", "default": "turns, flips, small shifts and changes of light"}
"""What `learning` does to the crops of an epoch, by preset."""


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
        return "No network sees these crops: size and shape of their pores are measured."
    side = SEED_SIDE if recipe.preset == "seed" else recipe.input_size
    kept = "stretched" if recipe.preset == "seed" else "proportions kept"
    before = f", before {_VARIED.get(recipe.preset, 'turns and flips')}" if recipe.augment else ""
    return f"{side} × {side} px, {kept}{before}."


def preview_crops(recipe: Recipe, crops: Sequence[Crop], pixels: PixelStore) -> list[SeenCrop]:
    """Return crops as the network of a recipe is given them; may run in any thread."""
    return [SeenCrop(_picture(recipe, pixels.get(crop.pixels)), crop.label or 0) for crop in crops]


def _picture(recipe: Recipe, pixels: CropPixels) -> QImage:
    seed = recipe.preset == "seed"
    channels = 3 if seed or pixels.channels >= 3 else 1
    side = SEED_SIDE if seed else recipe.input_size
    given = network_input(
        pixels.array, low=pixels.grey_low, high=pixels.grey_high, side=side, channels=channels, stretched=seed
    )
    shown = np.ascontiguousarray((given * 255.0 + 0.5).astype(np.uint8))
    form = QImage.Format.Format_RGB888 if channels == 3 else QImage.Format.Format_Grayscale8
    return QImage(shown.data, side, side, side * channels, form).copy()
