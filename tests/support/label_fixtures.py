"""Open the label page on a project for a test, and close everything afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from label_desk import Desk, add_ready_made

from poregui.gui.base.messages import messages
from poregui.gui.label.label_page import LabelPage
from poregui.gui.label.label_presenter import LabelPresenter
from poregui.gui.services.jobs import Background
from poregui.gui.services.micrograph_images import MicrographImages
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.gui.services.thumbnails import Thumbnails
from poregui.gui.services.trainer import Trainer
from poregui.store.project import Project
from poregui.workflow.suggesting.suggestions import Suggestions


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "pores")


@pytest.fixture
def open_desk(qtbot) -> Iterator:
    """Return what opens a project on a label page of its own."""
    desks: list[Desk] = []
    notes: list[str] = []

    def hear(text: str, _kind: str) -> None:
        notes.append(text)

    messages().noted.connect(hear)

    def build(project: Project) -> Desk:
        session = Session(project, who="ada")
        background = Background()
        trainer = Trainer(session, background, parent=background)
        services = Services(
            background, Thumbnails(project.pixels), MicrographImages(project), trainer
        )
        page = LabelPage()
        qtbot.addWidget(page)
        page.resize(1200, 800)
        presenter = LabelPresenter(page, session, services)
        presenter.attach()
        page.show()
        desks.append(Desk(page, presenter, session, services, notes))
        return desks[-1]

    yield build
    messages().noted.disconnect(hear)
    for desk in desks:
        desk.services.background.wait()
        desk.presenter.detach()
        desk.services.thumbnails.close()
        desk.services.micrograph_images.close()
        desk.session.close()


@pytest.fixture
def on_crops(project, open_desk) -> Desk:
    """Return a page with five ready-made crops."""
    add_ready_made(project, 5)
    return open_desk(project)


@pytest.fixture
def desk(project, open_desk) -> Desk:
    """Return a page with six crops that are suggested as 1, 1, 2, 2, 3, 3, less and less sure."""
    add_ready_made(project, 6)
    desk = open_desk(project)
    probabilities = np.full((6, 3), 0.05, np.float32)
    probabilities[np.arange(6), [0, 0, 1, 1, 2, 2]] = [0.9, 0.88, 0.86, 0.84, 0.83, 0.81]
    order = np.array([6, 5, 4, 3, 2, 1])
    desk.presenter._suggesting._take(
        Suggestions(
            np.arange(1, 7),
            (1, 2, 3),
            probabilities,
            order,
            count=12,
            accuracy=0.9,
            checked=12,
            chance=0.4,
        )
    )
    return desk
