"""Hold that outlines drawn elsewhere land on the right pore, once, and what cannot is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import add_micrograph

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Crop
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.editing.history import History
from poregui.workflow.exporting.export_kinds import export
from poregui.workflow.exporting.formats.coco import write_coco
from poregui.workflow.exporting.formats.shapes import ImageShapes, PoreShape
from poregui.workflow.importing.outlines import (
    cut_outlines,
    match_images,
    read_outlines,
    settle_outlines,
)

PORE = Outline.of([(30.5, 40.0), (48.0, 42.5), (40.0, 58.0)])
FIELD = ImageShapes(
    "M1.PNG",
    200,
    150,
    None,
    (PoreShape(1, PORE.bounds, PORE, "Keyhole"), PoreShape(2, Box(120, 90, 40, 30), None, "Gas")),
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with Project.create(tmp_path / "p") as made:
        add_micrograph(made, tmp_path / "m1.png", um_per_px=0.5)
        yield made


def bring(project: Project, images: list[ImageShapes]) -> tuple[str, ...]:
    plan = settle_outlines(
        project, cut_outlines(*match_images(project, images), project.pixels), "Ada"
    )
    if plan.edit is not None:
        History(project).apply(plan.edit)
    return plan.lines


def test_outlines_become_labelled_crops_on_the_micrograph_of_their_name(project: Project) -> None:
    assert bring(project, [FIELD]) == ("Imported 2 pores.",)
    keyhole, gas = project.crops()
    names = {c.id: c.name for c in project.classes()}
    assert (names[keyhole.label], names[gas.label]) == ("Keyhole", "Gas")
    assert project.outlines() == {keyhole.id: PORE}
    assert gas.box == Box(120, 90, 40, 30)
    assert keyhole.box.contains(*PORE.bounds.centre)
    assert keyhole.width > PORE.bounds.width
    assert project.pixels.get(keyhole.pixels).array.shape == (keyhole.height, keyhole.width)
    assert {entry.how for entry in project.label_log()} == {"import"}


def test_importing_the_same_outlines_twice_adds_nothing(project: Project) -> None:
    bring(project, [FIELD])
    assert bring(project, [FIELD]) == ("Imported 0 pores; 2 already in the project.",)
    assert len(project.crops()) == 2


def test_a_pore_that_has_no_label_yet_gets_it_and_one_that_has_keeps_its_own(
    project: Project,
) -> None:
    (micrograph,) = project.micrographs()
    gas, *_ = project.classes()
    box = Box(120, 90, 40, 30)
    crops = (
        Crop(1, "h", 60, 60, micrograph.id, Box(10, 20, 60, 60), label=gas.id),
        Crop(2, "h", box.width, box.height, micrograph.id, box, origin="detected"),
    )
    History(project).apply(AddCrops(crops, "Ada", outlines=((1, PORE),)))
    assert bring(project, [FIELD]) == (
        "Imported 0 pores, labelled 1 existing pore; 1 already in the project.",
    )
    assert [crop.label for crop in project.crops()] == [gas.id, gas.id]


def test_an_import_is_one_step_that_can_be_undone(project: Project) -> None:
    history = History(project)
    plan = settle_outlines(
        project, cut_outlines(*match_images(project, [FIELD]), project.pixels), "Ada"
    )
    history.apply(plan.edit)
    assert plan.edit.text == "import 2 pores"
    history.undo()
    assert project.crops() == []
    assert project.outlines() == {}


def test_a_new_class_name_becomes_a_class(project: Project) -> None:
    shape = replace(FIELD.shapes[0], class_name="Crack")
    kept = replace(FIELD.shapes[1], class_name="Keyhole")
    bring(project, [replace(FIELD, shapes=(shape, kept))])
    assert {"Crack", "Keyhole"} <= {c.name for c in project.classes()}


def test_what_does_not_fit_is_said_and_left_out(project: Project, tmp_path: Path) -> None:
    stranger = replace(FIELD, name="other.tif")
    resized = replace(FIELD, width=400)
    outside = replace(FIELD, shapes=(PoreShape(1, Box(200, 140, 60, 60), None, "Gas"),))
    lines = " ".join(bring(project, [stranger, resized, outside]))
    assert "There is no micrograph other.tif" in lines
    assert "400 × 150 px but is 200 × 150 px here" in lines
    assert "m1.png: 1 pore left out: the outline lies outside the image." in lines
    assert project.crops() == []
    (tmp_path / "m1.png").unlink()
    assert any(line.startswith("m1.png no longer exists") for line in bring(project, [FIELD]))


def test_a_cancelled_import_changes_nothing(project: Project) -> None:
    collected = cut_outlines(
        *match_images(project, [FIELD]), project.pixels, cancelled=lambda: True
    )
    assert collected.cancelled
    assert settle_outlines(project, collected, "Ada").edit is None


@pytest.mark.parametrize("name", ["coco", "geojson", "imagej"])
def test_a_project_exported_and_imported_into_another_has_the_same_pores(
    project: Project, tmp_path: Path, name: str
) -> None:
    bring(project, [FIELD])
    out = tmp_path / ("out.json" if name == "coco" else "out")
    assert export(project, name, out) == 2
    with Project.create(tmp_path / "copy") as copy:
        add_micrograph(copy, tmp_path / "m1.png")
        bring(copy, read_outlines(out))
        assert [(c.box, c.label, c.pixels) for c in copy.crops()] == [
            (c.box, c.label, c.pixels) for c in project.crops()
        ]
        (theirs,), (ours,) = copy.outlines().values(), project.outlines().values()
        np.testing.assert_allclose(theirs.points, ours.points, atol=1e-3)


def test_the_command_line_imports_outlines_and_refuses_what_is_none(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.close()
    write_coco([FIELD], tmp_path / "pores.json")
    assert (
        main(["import-outlines", str(tmp_path / "p"), str(tmp_path / "pores.json"), "--json"]) == 0
    )
    assert json.loads(capsys.readouterr().out) == {
        "imported": 2,
        "labelled": 0,
        "present": 0,
        "checked": 0,
        "notes": [],
    }
    (tmp_path / "x.txt").write_text("nothing")
    assert main(["import-outlines", str(tmp_path / "p"), str(tmp_path / "x.txt")]) == 2
    assert "is not a file of outlines" in capsys.readouterr().err
    with pytest.raises(PoreguiError, match="holds no zip files"):
        read_outlines(tmp_path / "p" / "runs")
