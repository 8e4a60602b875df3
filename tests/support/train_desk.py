"""Set up a train page with all that it needs, without the window around it, for
tests of the page.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import Qt

from poregui.gui.services.jobs import Background
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.gui.services.trainer import Trainer
from poregui.gui.train.train_page import TrainPage
from poregui.gui.train.train_presenter import TrainPresenter
from poregui.store.project import Project

FAKE = Path(__file__).with_name("fake_trainer.py")


class Desk:
    """Hold a train page with all that it needs, without the window around it."""

    def __init__(self, qtbot, project: Project, way: str, **times: int) -> None:
        self.session = Session(project, who="ada")
        self.background = Background()
        command = (sys.executable, str(FAKE), way)
        self.trainer = Trainer(self.session, self.background, command, **times)
        self.page = TrainPage()
        self.page.resize(1000, 700)
        qtbot.addWidget(self.page)
        services = Services(self.background, None, None, self.trainer)  # type: ignore[arg-type]
        self.presenter = TrainPresenter(self.page, self.session, services)
        self.page.show()
        self.presenter.attach()
        self.background.wait()

    def close(self) -> None:
        self.trainer.close()
        self.background.wait()
        self.presenter.detach()
        self.page.close()
        self.session.close()


def train(qtbot, desk):
    """Click Train and wait until that training has ended."""
    with qtbot.waitSignal(desk.trainer.finished, timeout=30_000):
        qtbot.mouseClick(desk.page.train_button, Qt.MouseButton.LeftButton)
    desk.background.wait()
