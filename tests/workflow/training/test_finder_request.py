"""Hold that a finder is given the checked areas, their outlines, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import add_micrograph, add_specimens

from poregui.cli.main import main
from poregui.domain.classes import NOT_A_PORE
from poregui.domain.errors import DamagedRunError, TrainingError
from poregui.domain.geometry import Box, Mask, Outline
from poregui.domain.records import Crop
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.editing.history import History
from poregui.workflow.editing.micrograph_edits import (
    add_checked_area,
    set_checked,
    set_masks,
    set_specimens,
)
from poregui.workflow.training import finder_request
from poregui.workflow.training.finder_request import freeze_finder


def outlined(project: Project, micrograph_id: int, *boxes: tuple[Box, int | None]) -> None:
    first = project.next_id("crops")
    crops = []
    outlines = []
    for number, (box, label) in enumerate(boxes, start=first):
        crops.append(Crop(number, "h", box.width, box.height, micrograph_id, box, label=label))
        outlines.append((number, Outline.of(Mask.of_box(box).points)))
    History(project).apply(AddCrops(tuple(crops), "Ada", outlines=tuple(outlines)))


@pytest.fixture
def project(tmp_path: Path):
    with Project.create(tmp_path / "p") as made:
        add_micrograph(made, tmp_path / "a.png", um_per_px=0.5)
        add_micrograph(made, tmp_path / "b.png", seed=1)
        yield made


def test_outlines_of_checked_areas_become_labels_and_refused_ones_do_not(project: Project) -> None:
    a, b = project.micrographs()
    outlined(project, a.id, (Box(20, 30, 10, 10), None), (Box(60, 30, 10, 10), NOT_A_PORE))
    history = History(project)
    history.apply(set_checked([a]))
    history.apply(set_masks(project.micrographs()[0], [Mask.of_box(Box(0, 140, 200, 10), "bar")]))
    corner = ((0.0, 0.0), (40.0, 0.0), (40.0, 30.0), (0.0, 30.0))
    history.apply(add_checked_area(b, corner))
    folder, notes = freeze_finder(project, "network", 3)
    request = folder.read_request()
    assert (request.kind, request.epochs, request.by, notes) == ("network", 3, "micrograph", ())
    assert request.groups == ("a.png", "b.png")
    assert request.images[0].um_per_px == 0.5
    first, second = folder.read_images(request)
    assert first.colours.shape == (150, 200, 3)
    assert np.count_nonzero(first.labels) == 100
    assert (first.labels[30:40, 20:30] > 0).all()
    assert first.checked[:140].all()
    assert not first.checked[140:].any()
    assert second.checked.sum() == 40 * 30
    assert second.colours.shape[0] < 150


def test_groups_are_specimens_where_there_are_several(project: Project) -> None:
    add_specimens(project, "S1", "S2")
    a, b = project.micrographs()
    edit = set_specimens(project, ((a, "S1"), (b, "S2")))
    assert edit is not None
    History(project).apply(edit)
    History(project).apply(set_checked(project.micrographs()))
    request = freeze_finder(project, "instant")[0].read_request()
    assert (request.by, request.groups, request.epochs) == ("specimen", ("S1", "S2"), 12)


def test_nothing_checked_and_lost_files_are_said(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TrainingError, match="No area is marked as checked"):
        freeze_finder(project, "network")
    History(project).apply(set_checked(project.micrographs()))
    (tmp_path / "a.png").unlink()
    folder, notes = freeze_finder(project, "network")
    assert "a.png" in notes[0]
    assert len(folder.read_request().images) == 1
    folder.images_file.write_bytes(b"nothing")
    with pytest.raises(DamagedRunError):
        folder.read_images(folder.read_request())
    assert main(["train", str(project.folder), "--finder", "instant", "--epochs", "0"]) == 2
    assert "number of epochs" in capsys.readouterr().err


def test_of_large_areas_the_middle_is_learned_from_and_that_is_said(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    History(project).apply(set_checked(project.micrographs()))
    monkeypatch.setattr(finder_request, "_MOST", 2 * 120**2)
    folder, notes = freeze_finder(project, "network")
    assert notes[0] == "a.png: the middle 120 px of its checked area are used."
    images = folder.read_images(folder.read_request())
    assert [image.labels.shape for image in images] == [(120, 120), (120, 120)]
