"""Set up the label page for tests and act on it as a person does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import PIL.Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from poregui.domain.geometry import Box
from poregui.domain.records import Crop, Micrograph
from poregui.gui.label.label_page import LabelPage
from poregui.gui.label.label_presenter import LabelPresenter
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.files import file_hash
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops, AddMicrographs

WIDTH, HEIGHT = 400, 300
PORES = ((120, 80, 10), (300, 200, 6), (210, 150, 16))
"""Centre x, y and radius in px of the dark discs."""
GAS, KEYHOLE, LACK = 1, 2, 3
LEFT, PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def drawn() -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.full((HEIGHT, WIDTH), 200, np.uint8)
    for x, y, radius in PORES:
        image[(columns - x) ** 2 + (rows - y) ** 2 <= radius**2] = 40
    return image


def add_micrograph(
    project: Project, name: str = "field.png", specimen_id: int | None = None
) -> Micrograph:
    PIL.Image.fromarray(drawn()).save(project.folder / name)
    sha256 = file_hash(project.folder / name)
    micrograph = Micrograph(
        project.next_id("micrographs"),
        name,
        name,
        sha256,
        WIDTH,
        HEIGHT,
        8,
        1,
        0.5,
        "test",
        specimen_id,
    )
    with project.transaction():
        AddMicrographs((micrograph,)).do(project)
    return micrograph


def add_ready_made(project: Project, number: int) -> None:
    first = project.next_id("crops")
    keys = [
        project.pixels.add(CropPixels(np.full((20, 30), i, np.uint8), 0, 255))
        for i in range(number)
    ]
    crops = [Crop(first + i, key, 30, 20, source=f"pore_{i}.png") for i, key in enumerate(keys)]
    with project.transaction():
        AddCrops(tuple(crops), who="ada").do(project)


@dataclass
class Desk:
    """Hold a page at work on a project."""

    page: LabelPage
    presenter: LabelPresenter
    session: Session
    services: Services
    notes: list[str]

    @property
    def project(self) -> Project:
        return self.session.project

    def key(self, key: Qt.Key | str, modifier: Qt.KeyboardModifier = PLAIN) -> None:
        QTest.keyClick(self.page.crop_grid, key, modifier)

    def labels(self) -> list[int | None]:
        return [crop.label for crop in self.project.crops()]

    def point(self, x: float, y: float) -> QPoint:
        view = self.page.image_canvas.view
        assert view is not None
        return view.to_screen(Box(round(x), round(y), 1, 1)).center().toPoint()

    def click(self, x: float, y: float) -> None:
        QTest.mouseClick(self.page.image_canvas, LEFT, PLAIN, self.point(x, y))

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        canvas = self.page.image_canvas
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        QTest.mousePress(canvas, LEFT, PLAIN, self.point(*start))
        QTest.mouseMove(canvas, self.point(*middle))
        QTest.mouseMove(canvas, self.point(*end))
        QTest.mouseRelease(canvas, LEFT, PLAIN, self.point(*end))
