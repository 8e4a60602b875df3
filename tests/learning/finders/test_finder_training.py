"""Hold that a finder learns from checked areas, says how well it finds, and is exported."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from builders import add_micrograph
from finder_folders import finder_folder, marked_image

from poregui.cli.main import main
from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import DamagedRunError, PoreguiError, TrainingError
from poregui.domain.events import FINAL, BatchEnded, Cancelled, EpochEnded, Event, Finished, Note
from poregui.domain.geometry import Box
from poregui.learning.export_onnx import build_image_graph
from poregui.learning.finders import finder_networks, finder_training
from poregui.learning.finders.finder_networks import PROBABILITY, build_network, forward_of
from poregui.learning.finders.finder_samples import Lesson, patches, pixels_of
from poregui.learning.finders.finder_training import train_finder
from poregui.learning.finders.pixel_networks import features_at, standardise
from poregui.store.finder_folder import FinderFolder, FinderImage, finders_in
from poregui.store.network_files import fault_of_network
from poregui.store.project import Project
from poregui.vision.pores.finder import PoreFinder, range_of
from poregui.vision.pores.plan import Source
from poregui.workflow.detecting.find_pores import detection_recipe
from poregui.workflow.detecting.learned_finder import (
    finder_numbered,
    finished_finders,
    open_finder,
)
from poregui.workflow.evaluating.predict import open_session

FACTS = FinderImage(1, "a", "a", 180.0, 60.0)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder_training, "STEPS", 2)
    monkeypatch.setattr(finder_training, "_PATCHES", 1)
    monkeypatch.setattr(finder_networks, "_WIDTHS", (4, 6))
    monkeypatch.setattr(finder_networks, "has_weights", lambda: False)


def train(folder: FinderFolder, wish: str = "") -> list[Event]:
    """Return what is told of a training whose person wishes something from the start."""
    told: list[Event] = []
    with closing(folder.open_events()) as writer:

        def report(event: Event) -> None:
            told.append(event)
            writer.write(event)

        train_finder(folder.path, report, lambda: wish)
    return told


def check_told(told: list[Event]) -> None:
    """Hold that each of three networks tells shares of what is right, and of what was held back."""
    epochs = [event for event in told if isinstance(event, EpochEnded)]
    assert len(epochs) == 3
    assert all(0 < one.validation_accuracy <= 1 and one.validation_loss > 0 for one in epochs)
    assert all(0 < one.accuracy <= 1 for one in told if isinstance(one, BatchEnded))


def test_a_network_is_trained_scored_exported_and_finds_as_it_was_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.create(tmp_path / "p") as project:
        folder = finder_folder(project.folder, "network")
        told = train(folder)
        assert isinstance(told[-1], Finished)
        assert sum(isinstance(event, FINAL) for event in told) == 1
        check_told(told)
        assert [one.number for one in finished_finders(project)] == [1]
        opened = open_finder(finder_numbered(project, 1))
        with pytest.raises(PoreguiError, match="no complete finder 2"):
            finder_numbered(project, 2)
        add_micrograph(project, tmp_path / "a.png")
    assert main(["detect", str(tmp_path / "p"), "--finder", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["failed"] == {}
    with Project.open(tmp_path / "p", read_only=True) as project:
        (detection,) = project.detections().values()
        assert json.loads(detection.recipe)["finder"] == "network 1"
        assert detection_recipe(project) == DetectionRecipe()
    values = folder.read_finding()
    assert values["by"] == "micrograph"
    assert [group["name"] for group in values["groups"]] == ["0.png", "1.png"]
    finding = values["finding"]
    assert finding["truth"] == 6
    low, high = finding["area_bias_interval95"]
    assert low <= finding["area_bias"] <= high
    assert values["parity"] < 1e-4
    assert seams_of(opened.finder) < 1e-5


def seams_of(finder: PoreFinder) -> float:
    """Return by how much the answer in parts of an image differs from that in the whole."""
    source = Source.of(np.tile(marked_image().colours[..., 0], (2, 2))[:150, :170])
    range_ = range_of(source)
    whole = finder.probability(source, Box(0, 0, 170, 150), range_)
    worst = 0.0
    for box in (Box(0, 0, 70, 60), Box(61, 83, 50, 40), Box(100, 90, 70, 60)):
        part = finder.probability(source, box, range_)
        difference = np.abs(part - whole[box.y : box.bottom, box.x : box.right])
        worst = max(worst, float(difference.max()))
    return worst


def test_an_instant_finder_of_one_micrograph_is_not_scored_and_says_so(tmp_path: Path) -> None:
    folder = finder_folder(tmp_path, "instant", images=1)
    told = train(folder)
    assert any(isinstance(e, Note) and "one micrograph" in e.text for e in told)
    assert folder.read_finding()["finding"] is None
    assert open_finder(folder).finder.by_features
    folder.onnx_file.write_bytes(folder.onnx_file.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedRunError):
        open_finder(folder)


def test_a_finder_that_is_given_up_leaves_none(tmp_path: Path) -> None:
    folder = finder_folder(tmp_path, "instant", images=1)
    assert isinstance(train(folder, "cancel")[-1], Cancelled)
    assert [one.number for one in finders_in(tmp_path)] == [1]
    with pytest.raises(PoreguiError, match="not complete"):
        open_finder(folder)


def test_a_finder_without_a_marked_pore_is_refused(tmp_path: Path) -> None:
    folder = finder_folder(tmp_path, "instant", images=1)
    image = marked_image()
    empty = type(image)(image.colours, image.labels * 0, image.checked)
    folder.write_request(folder.read_request(), [empty])
    with pytest.raises(TrainingError, match="No pore is marked"):
        train(folder)


def test_what_is_not_checked_teaches_nothing_and_between_two_pores_is_not_apart() -> None:
    image = marked_image()
    checked = image.checked.copy()
    checked[:48] = False
    lesson = Lesson.of(type(image)(image.colours, image.labels, checked), FACTS)
    assert (lesson.at[:, 0] >= 48).all()
    assert lesson.counts[:48].sum() == 0
    assert lesson.apart[60, 69] == 0
    assert lesson.apart[30, 25] == lesson.apart[5, 5] == 1
    inputs, truth = patches([lesson], 3, np.random.default_rng(0), side=32)
    assert (inputs.shape, truth.shape) == ((3, 32, 32, 3), (3, 32, 32, 3))
    numbers, answers = pixels_of([lesson], np.random.default_rng(0), features_at, 0)
    assert len(numbers) == len(answers) == np.count_nonzero(checked)
    assert answers[:, 0].sum() == np.count_nonzero(image.labels[48:])
    _, varied = pixels_of([lesson], np.random.default_rng(0), features_at, 2)
    assert len(varied) > 2 * len(answers)


def test_an_untrained_network_gives_probabilities_of_the_size_of_its_image() -> None:
    network = build_network("network")
    answer = forward_of(network.answers)(np.zeros((1, 16, 24, 3), np.float32))
    assert answer.shape == (1, 16, 24, 1)
    assert (answer > 0).all()
    assert (answer < 1).all()
    assert PROBABILITY == "probability"


def test_an_instant_finder_on_pretrained_weights_answers_an_image_as_its_single_pixels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    if not finder_networks.has_weights():
        pytest.skip("the pretrained weights are not installed")
    network = build_network("instant")
    assert network.numbers is not None
    assert network.channels == 3
    random = np.random.default_rng(0)
    colours = random.normal(size=(96, 112, 3)).astype(np.float32)
    places = np.flatnonzero(np.pad(np.ones((32, 48), bool), 32))
    rows = network.numbers(colours, places)
    standardise(network.learns, rows)
    network.settle()
    learned = forward_of(network.learns)(rows[:, None, None])[:, 0, 0]
    wanted = learned.prod(axis=1)
    content = build_image_graph(network.answers, PROBABILITY).SerializeToString()
    assert fault_of_network(content) == ""
    session = open_session(content, tmp_path / "model.onnx", 0)

    def forward(inputs: np.ndarray) -> np.ndarray:
        return np.asarray(session.run([PROBABILITY], {"image": inputs})[0])

    answer = forward(colours[None])[0, ..., 0]
    assert np.abs(answer.reshape(-1)[places] - wanted).max() < 1e-4
    assert wanted.std() > 1e-3
    source = Source.of(random.normal(100, 20, (40, 620, 3)))
    finder = PoreFinder(forward, network.reach, network.step)
    whole = finder.probability(source, Box(0, 0, 620, 40), range_of(source))
    part = finder.probability(source, Box(0, 0, 90, 40), range_of(source))
    assert np.abs(part - whole[:, :90]).max() < 1e-5


def test_a_network_on_pretrained_weights_leaves_them_as_they_are_and_answers_without_seams(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    if not finder_networks.has_weights():
        pytest.skip("the pretrained weights are not installed")
    network = build_network("network")
    learned = {layer.name for layer in network.learns.layers if layer.trainable_variables}
    assert not any(name.startswith("net_") for name in learned)
    content = build_image_graph(network.answers, PROBABILITY).SerializeToString()
    assert fault_of_network(content) == ""
    session = open_session(content, tmp_path / "model.onnx", 0)

    def forward(inputs: np.ndarray) -> np.ndarray:
        return np.asarray(session.run([PROBABILITY], {"image": inputs})[0])

    inputs = np.random.default_rng(0).normal(size=(1, 48, 64, 3)).astype(np.float32)
    assert np.abs(forward(inputs) - forward_of(network.answers)(inputs)).max() < 1e-4
    source = Source.of(np.random.default_rng(0).normal(100, 20, (40, 620, 3)))
    finder = PoreFinder(forward, network.reach, network.step)
    whole = finder.probability(source, Box(0, 0, 620, 40), range_of(source))
    part = finder.probability(source, Box(0, 0, 90, 40), range_of(source))
    assert np.abs(part - whole[:, :90]).max() < 1e-5
    assert whole.std() > 1e-3
