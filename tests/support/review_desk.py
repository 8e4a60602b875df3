"""Build a review page on a small project with runs made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from finished_runs import tell_finished
from pytestqt.qtbot import QtBot

from poregui.domain.dataset import DatasetCrop
from poregui.domain.evaluation import Prediction
from poregui.domain.recipe import Recipe
from poregui.gui.base.messages import messages
from poregui.gui.review.review_page import ReviewPage
from poregui.gui.review.review_presenter import ReviewPresenter
from poregui.gui.services.jobs import Background
from poregui.gui.services.micrograph_images import MicrographImages
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.gui.services.thumbnails import Thumbnails
from poregui.store.files import write_json
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.training.prepare_dataset import freeze

GAS, KEYHOLE, LACK = 1, 2, 3
Rule = Callable[[int, DatasetCrop], tuple[int, float]]
"""Takes the place of a crop among those of its part and the crop; returns predicted class place and
probability.
"""


@dataclass
class ReviewDesk:
    """Hold the page with what fills it, and the notes that a person was told."""

    page: ReviewPage
    presenter: ReviewPresenter
    session: Session
    background: Background
    notes: list[str]

    @property
    def project(self) -> Project:
        """Return the open project."""
        return self.session.project

    def headline(self) -> str:
        """Return number and words of the headline in one line."""
        return self.page.column.headline.accessibleName()

    def listed(self) -> list[int]:
        """Return the ids of the listed crops."""
        return self.page.prediction_list.ids()

    def label_of(self, crop_id: int) -> int | None:
        """Return the label of a crop as it is in the project."""
        return self.project.crop(crop_id).label


def first_two_gas_wrong(index: int, crop: DatasetCrop) -> tuple[int, float]:
    """Take the first Gas crop for a Keyhole, surely, and the next one as well, less surely; answer
    all else rightly.
    """
    if crop.label == 0 and index in (0, 3):
        return 1, 0.9 if index == 0 else 0.6
    return crop.label, 0.8


def make_run(project: Project, rule: Rule = first_two_gas_wrong, *, folds: int = 0) -> RunFolder:
    """Freeze a run and let a rule answer all its crops."""
    run = freeze(project, Recipe(), folds=folds)
    prediction(run, rule)
    return run


def prediction(run: RunFolder, rule: Rule = first_two_gas_wrong) -> None:
    """Write predictions and metrics of a run as its end does."""
    dataset = run.read_dataset()
    predictions, right = [], []
    for part in ("test", "validation", "train"):
        for index, crop in enumerate(dataset.split(part)):
            predicted, confidence = rule(index, crop)
            rest = (1 - confidence) / (len(dataset.classes) - 1)
            shares = tuple(
                confidence if i == predicted else rest for i in range(len(dataset.classes))
            )
            predictions.append(Prediction(crop.crop_id, shares))
            if part == "test":
                right.append(predicted == crop.label)
    run.write_predictions(dataset.classes, {c.crop_id: c.split for c in dataset.crops}, predictions)
    write_json(run.metrics_file, {"accuracy_as_trained": sum(right) / len(right)})
    tell_finished(run)


def ids_of_test(run: RunFolder) -> list[int]:
    """Return the ids of a run's test crops in their order."""
    return [crop.crop_id for crop in run.read_dataset().split("test")]


@contextmanager
def review_desks(qtbot: QtBot) -> Iterator[Callable[[Project], ReviewDesk]]:
    """Give a function that shows the review page on a project; all is closed at the end."""
    desks: list[tuple[ReviewDesk, Services]] = []
    notes: list[str] = []

    def hear(text: str, _kind: str) -> None:
        notes.append(text)

    def build(project: Project) -> ReviewDesk:
        session, background = Session(project, who="ada"), Background()
        thumbnails = Thumbnails(project.pixels)
        images = MicrographImages(project)
        services = Services(background, thumbnails, images, None)  # type: ignore[arg-type]
        page = ReviewPage()
        qtbot.addWidget(page)
        page.resize(1200, 800)
        presenter = ReviewPresenter(page, session, services)
        presenter.attach()
        page.show()
        background.wait()
        desk = ReviewDesk(page, presenter, session, background, notes)
        desks.append((desk, services))
        return desk

    messages().noted.connect(hear)
    yield build
    messages().noted.disconnect(hear)
    for desk, services in desks:
        desk.background.wait()
        desk.presenter.detach()
        services.thumbnails.close()
        services.micrograph_images.close()
        desk.session.close()
