"""Hold a small micrograph of discs and what is found on it, for tests of detection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from poregui.domain.detection import DetectionRecipe
from poregui.domain.geometry import Box
from poregui.domain.records import Micrograph
from poregui.store.files import file_hash
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.vision.crops import cut
from poregui.vision.io.pyramid import open_pyramid
from poregui.workflow.detecting.find_pores import (
    DetectionPlan,
    Present,
    detection_recipe,
    find_in_file,
    plan_detection,
)
from poregui.workflow.editing.edits import AddMicrographs
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops, new_crop

WIDTH, HEIGHT = 640, 480
GAS, KEYHOLE = 1, 2


def disc(x: float, y: float, radius: float, corners: int = 40) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1).astype(
        np.float32
    )


def field(pores: list[tuple[float, float, float]]) -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    image = np.full((HEIGHT, WIDTH), 200.0)
    for x, y, radius in pores:
        inside = np.clip(radius + 0.5 - np.hypot(columns - x, rows - y), 0, 1)
        image -= 150 * inside
    return np.clip(image, 20, 255).astype(np.uint8)


def grid_of_pores() -> list[tuple[float, float, float]]:
    return [
        (40.0 + 80 * i, 40.0 + 80 * j, 6.0 + 2 * ((i + j) % 5)) for i in range(8) for j in range(6)
    ]


class Bench:
    """Hold a project with one micrograph and do with it what the window does."""

    def __init__(
        self, folder: Path, pores: list[tuple[float, float, float]], um_per_px: float | None = 0.5
    ) -> None:
        self.project = Project.create(folder)
        self.history = History(self.project)
        sha256 = self._write(field(pores))
        self.history.apply(
            AddMicrographs(
                (Micrograph(1, "field.png", "field.png", sha256, WIDTH, HEIGHT, 8, 1, um_per_px),)
            )
        )

    def draw(self, pores: list[tuple[float, float, float]]) -> None:
        """Draw the micrograph anew, as if it had been that picture from the beginning."""
        self.show(field(pores))

    def show(self, pixels: np.ndarray) -> None:
        """Make these pixels the micrograph, as if they had been it from the beginning."""
        sha256 = self._write(pixels)
        with self.project.transaction():
            self.project.put_micrographs([replace(self.micrograph, sha256=sha256)])

    def _write(self, pixels: np.ndarray) -> str:
        file = self.project.folder / "field.png"
        Image.fromarray(pixels).save(file)
        return file_hash(file)

    @property
    def micrograph(self) -> Micrograph:
        return self.project.micrographs()[0]

    def plan(self, recipe: DetectionRecipe | None = None) -> DetectionPlan:
        recipe, there = recipe or DetectionRecipe(), self.micrograph
        file = self.project.micrograph_file(there)
        found = find_in_file(there, file, self.project.folder, recipe, self.project.pixels)
        return plan_detection([found], Present.of(self.project, [there]), recipe, "ada")

    def find(self, recipe: DetectionRecipe | None = None) -> DetectionPlan:
        plan = self.plan(recipe)
        if plan.edit is not None:
            self.history.apply(plan.edit)
        return plan

    def label(self, crop_ids: list[int], label: int) -> None:
        self.history.apply(label_crops(self.project, crop_ids, label, who="ada"))

    def hand_crop(self, box: Box) -> int:
        crop_id = self.project.next_id("crops")
        with open_pyramid(self.project.micrograph_file(self.micrograph)) as image:
            pixels = CropPixels(cut(image, box), 0, 255)
        self.history.apply(new_crop(self.project, self.micrograph, box, pixels, who="ada"))
        return crop_id

    def state(self) -> tuple:
        outlines = {crop_id: outline.data for crop_id, outline in self.project.outlines().items()}
        return self.project.crops(), outlines, detection_recipe(self.project)
