"""Set up the label page with background work for tests of finding and measuring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from label_desk import Desk

from poregui.gui.base.messages import messages
from poregui.gui.label.label_page import LabelPage
from poregui.gui.label.label_presenter import LabelPresenter
from poregui.gui.label.measurements import Measuring
from poregui.gui.lists.pore_table import PoreTableModel
from poregui.gui.services.jobs import Background
from poregui.gui.services.micrograph_images import MicrographImages
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.gui.services.thumbnails import Thumbnails
from poregui.gui.services.trainer import Trainer
from poregui.store.project import Project


@contextmanager
def detect_desk(qtbot, folder: Path, *, read_only: bool = False) -> Iterator[Desk]:
    """Open a project on a label page and close everything again."""
    notes: list[str] = []

    def hear(text: str, _kind: str) -> None:
        notes.append(text)

    messages().noted.connect(hear)
    project = Project.open(folder, read_only=read_only)
    session = Session(project, who="ada")
    page = LabelPage()
    background = Background(page)
    thumbnails, images = Thumbnails(project.pixels), MicrographImages(project)
    qtbot.addWidget(page)
    page.resize(1300, 860)
    services = Services(background, thumbnails, images, Trainer(session, background, parent=page))
    presenter = LabelPresenter(page, session, services)
    presenter.attach()
    page.show()
    try:
        if project.micrographs():
            qtbot.waitUntil(lambda: page.image_canvas.tiles is not None)
        yield Desk(page, presenter, session, services, notes)
    finally:
        background.cancel_all()
        background.wait()
        presenter.detach()
        thumbnails.close()
        images.close()
        session.close()
        messages().noted.disconnect(hear)


def idle(desk: Desk, qtbot) -> None:
    """Wait until nothing runs in the background."""
    background = desk.services.background
    qtbot.waitUntil(lambda: not background.busy, timeout=20_000)


def measured(desk: Desk, qtbot) -> PoreTableModel:
    """Show the measurements and wait for them."""
    desk.page.below.show_panel("Measurements")
    settled(desk, qtbot)
    return desk.page.measure_panel.model


def settled(desk: Desk, qtbot) -> None:
    """Wait until what changed is measured and shown."""
    one = next(one for one in desk.presenter.features if isinstance(one, Measuring))
    qtbot.waitUntil(lambda: not one._stale and one._running is None, timeout=20_000)
