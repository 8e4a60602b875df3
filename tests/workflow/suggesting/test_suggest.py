"""Suggestions: what is learnt from labels, in which order crops teach, what more labels would add,
and the worker.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poregui.cli.main import main
from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.records import Crop
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.vision.shape import crop_shapes
from poregui.workflow.suggesting import suggestion_worker
from poregui.workflow.suggesting.suggestion_features import (
    COUNT,
    CropFeatures,
    SeenCrop,
    feature_rows,
)
from poregui.workflow.suggesting.suggestion_model import fit, teaching_order, uncertainty
from poregui.workflow.suggesting.suggestion_worker import SuggestWorker
from poregui.workflow.suggesting.suggestions import Suggestions
from poregui.workflow.training.learning_curve import advice, learning_curve


def two_clouds(
    count: int, apart: float = 3.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return rows of two classes that lie `apart`, their labels 1 and 2, and four groups."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2 + 1
    rows = random.normal(size=(count, 4))
    rows[:, 0] += apart * (labels == 2)
    return rows, labels, [f"specimen:{i % 8 // 2}" for i in range(count)]


def disc(radius: int, grey: int = 40) -> CropPixels:
    """Return a dark disc on a bright ground."""
    side = 2 * radius + 9
    y, x = np.mgrid[:side, :side] - side // 2
    return CropPixels(
        np.where(x * x + y * y <= radius * radius, grey, 180).astype(np.uint8), 0, 255
    )


@pytest.fixture
def project(tmp_path: Path):
    """Yield a project of 24 small and large discs of which 12 are labelled 1 and 2."""
    with Project.create(tmp_path / "discs") as made, made.transaction():
        crops = []
        for number in range(24):
            pixels = disc(4 + number % 3 if number % 2 else 14 + number % 5, 40 + number)
            key = made.pixels.add(pixels)
            label = (2 - number % 2) if number < 12 else None
            height, width = pixels.array.shape
            crops.append(Crop(number + 1, key, width, height, um_per_px=0.5, label=label))
        made.put_crops(crops)
    with Project.open(tmp_path / "discs") as opened:
        yield opened


def messages_of(project: Project) -> list[dict]:
    """Return what the window tells a worker of a project."""
    crops = project.crops()
    return [
        {"labels": [[crop.id, crop.label] for crop in crops]},
        {"crops": [[crop.id, crop.pixels, crop.um_per_px, f"crop:{crop.id}"] for crop in crops]},
    ]


def test_nothing_is_suggested_before_the_tenth_label_or_for_a_single_class():
    rows, labels, groups = two_clouds(9)
    assert fit(rows, labels, groups) is None
    assert fit(np.zeros((12, 4)), np.ones(12, np.int64), ["a"] * 12) is None


def test_ten_labels_of_two_classes_are_enough_to_suggest_the_others():
    rows, labels, groups = two_clouds(60, apart=5.0)
    model = fit(rows[:10], labels[:10], groups[:10])
    predictions = np.array(model.labels)[model.probabilities(rows[10:]).argmax(axis=1)]
    assert (predictions == labels[10:]).mean() > 0.9


def test_probabilities_say_how_often_the_suggestion_is_right():
    rows, labels, groups = two_clouds(2000, apart=1.5)
    model = fit(rows[:400], labels[:400], groups[:400])
    predictions = model.probabilities(rows[400:])
    confidence = predictions.max(axis=1)
    right = np.array(model.labels)[predictions.argmax(axis=1)] == labels[400:]
    assert predictions.sum(axis=1) == pytest.approx(1)
    assert right.mean() == pytest.approx(confidence.mean(), abs=0.05)


def test_the_accuracy_is_of_crops_whose_group_was_not_learnt_from():
    random = np.random.default_rng(0)
    groups = [f"specimen:{i // 10}" for i in range(80)]
    labels = np.repeat(random.integers(1, 3, 8), 10)
    labels[:10], labels[10:20] = 1, 2
    rows = np.repeat(
        random.normal(size=(8, 12)), 10, axis=0
    )  # rows name the specimen and nothing else
    assert fit(rows, labels, groups).accuracy < 0.8


def test_the_order_begins_with_what_is_undecided_and_unlike_what_is_labelled():
    rows = np.array([[0.0], [0.05], [1.0], [4.0], [4.1]])
    probabilities = np.array([[0.9, 0.1], [0.5, 0.5], [0.5, 0.5], [0.6, 0.4], [0.6, 0.4]])
    labelled = np.array([True, False, False, False, False])
    order = teaching_order(rows, probabilities, labelled, 4)
    assert order.tolist()[0] == 4
    assert order.tolist()[1] == 2  # 3 is next to the one that was just chosen
    assert 0 not in order
    assert uncertainty(probabilities).tolist() == pytest.approx([0.2, 1, 1, 0.8, 0.8])


def test_a_crop_is_described_alike_however_it_is_turned(project: Project):
    crop = disc(6)
    tilted = crop.array.copy()
    tilted[8:10, 3:12] = 20
    one = crop_shapes.texture_numbers(tilted, 0, 255)
    assert len(one) == len(crop_shapes.TEXTURES)
    assert crop_shapes.texture_numbers(np.rot90(tilted), 0, 255) == pytest.approx(one, abs=1e-3)
    assert np.isfinite(crop_shapes.texture_numbers(np.zeros((8, 8), np.uint8), 0, 255)).all()
    assert np.isfinite(
        crop_shapes.texture_numbers(np.zeros((1, 300, 3), np.uint16), 0, 65535)
    ).all()


def test_numbers_are_kept_and_a_damaged_cache_is_measured_anew(project: Project):
    key = SeenCrop(project.crops()[0].pixels)
    numbers = CropFeatures(project.folder)
    first = numbers.of(key, project.pixels)
    numbers.save()
    assert CropFeatures(project.folder).has(key)
    (file,) = (project.folder / "cache").glob("crop-numbers*")
    file.write_bytes(b"PK\x03\x04 broken")
    again = CropFeatures(project.folder)
    assert not again.has(key)
    assert again.of(key, project.pixels).tolist() == first.tolist()


def test_a_crop_without_pixels_lies_in_the_middle(project: Project):
    numbers = CropFeatures(project.folder)
    values = np.array(
        [
            numbers.of(SeenCrop(key), project.pixels)
            for key in [c.pixels for c in project.crops()] + ["gone"]
        ]
    )
    rows = feature_rows(values, [None] * len(values))
    assert rows.shape == (25, COUNT)
    assert rows[-1].tolist() == [0.0] * COUNT


def test_lengths_count_in_um_where_every_scale_is_known(project: Project):
    numbers = CropFeatures(project.folder)
    values = np.array([numbers.of(SeenCrop(c.pixels), project.pixels) for c in project.crops()])
    scales = [1.0 if i % 2 else 4.0 for i in range(24)]
    known, unknown = feature_rows(values, scales), feature_rows(values, [None, *scales[1:]])
    assert known[0, 0] > 0 > known[1, 0]
    assert not np.allclose(known[:, 0], unknown[:, 0])


def test_the_curve_promises_more_from_more_labels_only_where_labels_are_few():
    rows, labels, groups = two_clouds(60, apart=1.2)
    few = learning_curve(
        np.hstack([rows, np.random.default_rng(1).normal(size=(60, 30))]), labels, groups
    )
    assert few.counts == (36, 48, 60)
    for gain in few.gains:
        assert gain.interval[0] <= gain.gain <= gain.interval[1]
    rows, labels, groups = two_clouds(400, apart=12.0)
    assert learning_curve(rows, labels, groups).gains[0].gain == pytest.approx(0, abs=0.002)
    assert learning_curve(rows[:30], labels[:30], groups[:30]) is None
    assert learning_curve(rows, labels, groups, stop=lambda: True) is None


def test_the_advice_is_a_sentence_with_its_interval():
    curve = {"gains": [{"label": 3, "more": 60, "gain": 0.015, "interval": [0.002, 0.031]}]}
    assert advice(curve, {3: "Lack of Fusion"}) == (
        "60 more Lack of Fusion: +1.5 points (95 % CI +0.2 to +3.1)."
    )
    worse = {"label": 1, "more": 20, "gain": 0.02, "interval": [-0.004, 0.05]}
    assert "Lack of Fusion" in advice(
        {"gains": [worse, *curve["gains"]]}, {1: "Gas", 3: "Lack of Fusion"}
    )
    assert advice({"gains": [worse]}, {1: "Gas"}) == (
        "More labels may not help (20 more Gas: −0.4 to +5.0 points)."
    )
    curve["gains"][0] |= {"gain": 0.0001, "interval": [0, 0.001]}
    assert "hardly" in advice(curve, {3: "Gas"})
    assert advice(None, {}) == ""


@pytest.mark.parametrize(
    ("accuracy", "checked", "groups", "over", "text"),
    [
        (0.5, 40, 5, "specimen", "50.0 % of 40 in other specimens"),
        (1.0, 1, 2, "specimen", "1 of 1 in other specimens"),
        (2 / 3, 60, 1, "specimen", "66.7 % of 60 in the same specimen (others are not known)"),
        (2 / 3, 60, 3, "micrograph", "66.7 % of 60 in other micrographs"),
        (0.75, 4, 1, "crop", "3 of 4 in other crops"),
        (None, 0, 1, "specimen", ""),
    ],
)
def test_what_suggestions_find_is_told_of_what_it_was_asked_of(
    accuracy: float | None, checked: int, groups: int, over: str, text: str
) -> None:
    nothing = np.empty((0, 2), np.float32)
    ids = np.empty(0, np.int64)
    found = Suggestions(
        ids, (1, 2), nothing, accuracy=accuracy, checked=checked, groups=groups, over=over
    )
    assert found.found_words == text
    assert Suggestions.from_json(json.loads(json.dumps(found.to_json()))).found_words == text


@pytest.mark.parametrize("specimens", [1, 3])
def test_a_fit_knows_over_how_many_groups_it_was_judged(specimens: int) -> None:
    random = np.random.default_rng(0)
    labels = np.arange(30) % 2
    rows = random.normal(size=(30, 2)) + 4 * labels[:, None]
    groups = [f"specimen:{k % specimens}" for k in range(30)]
    model = fit(rows, labels.astype(np.int64), groups)
    assert (model.checked, model.groups, model.over) == (30, specimens, "specimen")


def test_suggestions_come_through_json_unchanged():
    one = Suggestions(
        np.array([2, 5, 9]), (1, -1),
        np.array([[0.9, 0.1], [0.2, 0.8], [np.nan, np.nan]], np.float32), np.array([5]), 12, 0.5,
    )  # fmt: skip
    other = Suggestions.from_json(json.loads(json.dumps(one.to_json())))
    assert other.of(5) == (-1, pytest.approx(0.8))
    assert other.of(9) is None
    assert other.of(7) is None
    labels, confidence = other.best_of(np.array([9, 2, 7]))
    assert labels.tolist() == [0, 1, 0]
    assert confidence.tolist()[1] == pytest.approx(0.9)
    assert np.isnan(other.uncertainty_of(np.array([9, 2]))[0])
    assert other.order.tolist() == [5]
    assert (other.count, other.accuracy) == (12, 0.5)


def test_the_worker_suggests_learns_from_new_labels_and_passes_over_the_unsure(project: Project):
    received: list[dict] = []
    worker = SuggestWorker(project.folder, received.append, lambda: False)
    for message in messages_of(project):
        worker.take(message)
    while worker.step():
        pass
    found = Suggestions.from_json(
        next(one["suggestions"] for one in reversed(received) if one.get("suggestions"))
    )
    assert all(found.of(i)[0] == 2 - (i - 1) % 2 for i in range(13, 25))
    assert set(found.order.tolist()) == set(range(13, 25))
    worker.take({"labels": [[13, UNSURE], [14, NOT_A_PORE], [15, 2]]})
    while worker.step():
        pass
    again = Suggestions.from_json(received[-1]["suggestions"])
    assert again.labels == (-1, 1, 2)
    assert again.count == 14
    assert not {14, 15} & set(again.order.tolist())
    worker.take({"like": 13})
    assert worker.step()
    assert received[-1]["alike"] == 13
    assert received[-1]["order"][0] == 13
    assert all(len(ids) <= 3 for _, ids in received[-1]["of_each"])
    worker.close()


def test_crops_of_one_source_in_their_names_are_one_group_as_in_a_training(
    project: Project, monkeypatch
):
    renamed = [
        replace(crop, source=f"S0{crop.id % 4}_crop_{crop.id}.png") for crop in project.crops()
    ]
    monkeypatch.setattr(Project, "crops", lambda project: renamed)
    seen: list[list[str]] = []
    monkeypatch.setattr(
        suggestion_worker, "fit", lambda rows, labels, groups, honest: seen.append(groups)
    )
    worker = SuggestWorker(project.folder, lambda prediction: None, lambda: False)
    for message in messages_of(project):
        worker.take(message)
    while worker.step():
        pass
    worker.close()
    assert set(seen[-1]) == {f"source:S0{i}" for i in range(4)}


def test_the_worker_says_so_when_there_is_too_little_to_learn_from(project: Project):
    received: list[dict] = []
    worker = SuggestWorker(project.folder, received.append, lambda: False)
    worker.take(messages_of(project)[1])
    worker.take({"labels": [[1, 1], [2, 2]]})
    while worker.step():
        pass
    worker.close()
    assert received[-1] == {"suggestions": None, "labelled": 2}


def test_the_worker_waits_until_it_was_told_of_all_crops(project: Project):
    received: list[dict] = []
    worker = SuggestWorker(project.folder, received.append, lambda: False)
    labels, crops = messages_of(project)
    worker.take(labels)
    worker.take({"crops": crops["crops"][:10], "more": True})
    worker.take({"labels": [[13, 1]]})
    assert not worker.step()
    worker.take({"crops": crops["crops"][10:], "more": False})
    while worker.step():
        pass
    worker.close()
    assert received[0] == {"measured": 24, "of": 24}
    assert Suggestions.from_json(received[-1]["suggestions"]).count == 13


def test_a_served_worker_answers_lines_and_ends_with_its_input(project: Project):
    command = [sys.executable, "-P", "-m", "poregui", "suggest", str(project.folder), "--serve"]
    source = str(Path(suggestion_worker.__file__).parents[2])
    lines = "".join(json.dumps(message) + "\n" for message in messages_of(project))
    done = subprocess.run(
        command, input=lines, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": source},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    received = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(one.keys() & {"measured", "suggestions", "curve"} for one in received)


def test_the_command_line_suggests_and_says_what_to_label_next(project: Project, capsys):
    folder = str(project.folder)
    assert main(["suggest", folder]) == 0
    assert "Label these next" in capsys.readouterr().out
    assert main(["suggest", folder, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert len(values["suggestions"]) == 12
    assert values["learnt_from"] == 12


def test_the_command_line_says_how_many_labels_it_needs(tmp_path: Path, capsys):
    Project.create(tmp_path / "empty").close()
    assert main(["suggest", str(tmp_path / "empty")]) == 2
    assert "Label at least 10 crops" in capsys.readouterr().err
