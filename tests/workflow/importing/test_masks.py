"""Hold that binary and label images become outlines of the micrographs that they name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from builders import add_micrograph
from PIL import Image

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Crop
from poregui.store.project import Project
from poregui.vision.io.reader import read_values
from poregui.vision.pores.marked import lines_around, marked_in
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.editing.history import History
from poregui.workflow.importing.masks import read_masks


def marks() -> np.ndarray:
    """Return a mask of 200 x 150 px: a square, one with a hole, and one in the corner."""
    mask = np.zeros((150, 200), np.uint8)
    mask[10:30, 20:40] = 255
    mask[60:90, 100:140] = 255
    mask[70:80, 110:120] = 0
    mask[140:150, 190:200] = 255
    return mask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Project.create(tmp_path / "p") as made:
        add_micrograph(made, tmp_path / "a.png", um_per_px=0.5)
        add_micrograph(made, tmp_path / "b.tif.png", seed=1)
    (tmp_path / "masks").mkdir()
    return tmp_path


def bring(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict:
    code = main(["import-outlines", str(folder / "p"), str(folder / "masks"), *more, "--json"])
    assert code == 0
    return json.loads(capsys.readouterr().out)


def areas(values: np.ndarray) -> list[float]:
    """Return the area of each pore that values mark, holes taken off."""
    return [
        sum(Outline.of(part[0]).area - sum(Outline.of(h).area for h in part[1:]) for part in parts)
        for parts in lines_around(marked_in(values))
    ]


@pytest.mark.parametrize(("low", "high"), [(0, 255), (0, 1), (7, 9), (-5, 40000)])
def test_of_two_values_the_greater_marks_pores_whichever_they_are(low: int, high: int) -> None:
    values = np.where(marks() > 0, high, low).astype(np.int32)
    assert marked_in(values).count == 3
    assert areas(values)[:2] == pytest.approx([400, 1100], abs=0.01)


def test_pores_of_any_form_enclose_as_many_px2_as_they_have_pixels() -> None:
    rows, columns = np.mgrid[:80, :90]
    disc = np.hypot(rows - 40, columns - 40) < 21.3
    disc &= ~(np.hypot(rows - 40, columns - 44) < 6)
    speck = np.zeros_like(disc)
    speck[70, 80] = speck[3, 85] = speck[4, 86] = True
    for shape in (disc, speck):
        assert sum(areas(shape)) == pytest.approx(np.count_nonzero(shape), abs=0.05)


def test_labels_that_touch_stay_apart_and_parts_of_one_are_pores_each(folder: Path) -> None:
    labels = np.zeros((150, 200), np.uint32)
    labels[10:20, 10:20] = 70_000
    labels[10:20, 20:30] = 5
    labels[40:50, 40:50] = 5
    tifffile.imwrite(folder / "masks" / "a_labels.tif", labels)
    with Project.open(folder / "p") as project:
        (image,) = read_masks(folder / "masks", project.micrographs())
    assert image.name == "a"
    assert sorted(round(shape.outline.area) for shape in image.shapes) == [100, 100, 100]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.uint32, np.float32])
def test_values_of_every_depth_are_read_as_they_are_stored(kind: type, tmp_path: Path) -> None:
    values = np.array([[0, 1], [3, np.iinfo(np.uint16).max + 1]]).astype(kind)
    tifffile.imwrite(tmp_path / "m.tif", values)
    assert np.array_equal(read_values(tmp_path / "m.tif"), values)


def test_the_indices_of_a_palette_and_16_bits_of_a_png_are_labels(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1], [2, 3]], np.uint8), "P")
    image.putpalette([0, 0, 0, 9, 9, 9, 9, 9, 9, 1, 2, 3])
    image.save(tmp_path / "p.png")
    assert read_values(tmp_path / "p.png").tolist() == [[0, 1], [2, 3]]
    Image.fromarray(np.array([[0, 1000], [2, 65535]], np.uint16)).save(tmp_path / "q.png")
    assert read_values(tmp_path / "q.png").tolist() == [[0, 1000], [2, 65535]]


def test_an_ordinary_image_is_no_mask() -> None:
    greys = np.random.default_rng(0).integers(0, 256, (60, 60))
    with pytest.raises(PoreguiError, match="scattered"):
        marked_in(greys)
    with pytest.raises(PoreguiError, match="same value"):
        marked_in(np.full((9, 9), 255))
    assert marked_in(np.zeros((9, 9))).count == 0


def test_masks_become_outlines_in_one_step_and_one_bad_file_refuses_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masks = folder / "masks"
    Image.fromarray(marks()).save(masks / "a_mask.png")
    Image.fromarray(marks()[:100]).save(masks / "b.tif_seg.png")
    Image.fromarray(marks()).save(masks / "z_mask.png")
    (masks / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    (masks / "a.png").write_bytes((folder / "a.png").read_bytes())
    found = bring(folder, capsys, "--class", "Keyhole")
    assert (found["imported"], found["checked"]) == (3, 0)
    notes = " ".join(found["notes"])
    assert "b.tif was outlined at 200 × 100 px but is 200 × 150 px here" in notes
    assert "There is no micrograph z_mask.png in the project" in notes
    assert "broken.png" in notes
    with Project.open(folder / "p") as project:
        names = {c.id: c.name for c in project.classes()}
        assert {names[crop.label] for crop in project.crops()} == {"Keyhole"}
        outlines = project.outlines().values()
        assert sorted(round(o.area) for o in outlines) == [100, 400, 1100]


def test_two_masks_for_one_micrograph_are_both_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a_mask.png", "a_seg.png", "b.tif_mask.png"):
        Image.fromarray(marks()).save(folder / "masks" / name)
    found = bring(folder, capsys)
    assert found["imported"] == 3
    assert "a_mask.png and a_seg.png would be masks of one micrograph" in " ".join(found["notes"])


def test_complete_masks_make_checked_areas_and_take_the_place_of_candidates(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(folder / "p") as project:
        a, b = project.micrographs()
        crops = (
            Crop(1, "h", 20, 20, a.id, Box(20, 10, 20, 20), origin="detected"),
            Crop(2, "h", 9, 9, b.id, Box(1, 1, 9, 9), origin="detected"),
        )
        History(project).apply(AddCrops(crops, "Ada"))
    Image.fromarray(marks()).save(folder / "masks" / "a.png")
    found = bring(folder, capsys, "--complete")
    assert (found["imported"], found["checked"], found["present"]) == (3, 1, 0)
    with Project.open(folder / "p") as project:
        assert [one.is_checked for one in project.micrographs()] == [True, False]
        assert [crop.id for crop in project.crops()] == [2, 3, 4, 5]
    assert bring(folder, capsys, "--complete")["present"] == 3
    assert main(["info", str(folder / "p"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checked"] == 1
