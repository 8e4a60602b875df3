"""Hold that outlines lie on their pores, whichever way an image is stored and shown."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from roifile import ImagejRoi

from poregui.cli.main import main
from poregui.domain.geometry import Box, stored_box, upright_points
from poregui.store.project import Project
from poregui.vision.io.pixel_values import oriented
from poregui.vision.io.pyramid import open_pyramid
from poregui.vision.io.reader import read_header, read_image

PORE = Box(40, 20, 24, 12)
"""Where the pore lies in the stored image of 120 x 80 px."""
TURNS = range(2, 9)


def stored() -> NDArray[np.uint8]:
    image = np.full((80, 120), 180, np.uint8)
    image[PORE.y : PORE.bottom, PORE.x : PORE.right] = 40
    return image


def written(folder: Path, turn: int, name: str = "a.png") -> Path:
    image = Pillow.fromarray(stored())
    exif = image.getexif()
    exif[274] = turn
    image.save(folder / name, exif=exif)
    return folder / name


def project_with(folder: Path, turn: int) -> str:
    project = str(folder / "p")
    assert main(["new", project]) == 0
    assert main(["import", project, "--as", "micrographs", str(written(folder, turn))]) == 0
    return project


def corners(box: Box) -> list[tuple[int, int]]:
    return [(box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom)]


def write_rois(file: Path) -> Path:
    roi = ImagejRoi.frompoints(np.array(corners(PORE), np.float32), name="0001_Gas")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("0001_Gas.roi", roi.tobytes())
    return file


def write_coco(file: Path, box: Box, size: tuple[int, int]) -> Path:
    flat = [float(value) for point in corners(box) for value in point]
    received = {
        "images": [{"id": 1, "file_name": "a.png", "width": size[0], "height": size[1]}],
        "categories": [{"id": 1, "name": "Gas"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "segmentation": [flat],
                "bbox": [box.x, box.y, box.width, box.height],
            }
        ],
    }
    file.write_text(json.dumps(received), encoding="utf-8")
    return file


def mean_grey(project: str, folder: Path) -> list[float]:
    """Return the mean grey inside each outline, by the pixels of the upright image."""
    image = read_image(folder / "a.png").pixels
    found = []
    with Project.open(Path(project), read_only=True) as opened:
        for outline in opened.outlines().values():
            box = outline.bounds
            found.append(float(image[box.y : box.bottom, box.x : box.right].mean()))
    return found


@pytest.mark.parametrize("turn", TURNS)
def test_places_of_the_stored_image_are_found_upright(turn: int) -> None:
    upright = oriented(stored(), turn)
    height, width = upright.shape
    ends = upright_points(np.array([(40.0, 20.0), (64.0, 32.0)]), width, height, turn)
    (left, top), (right, bottom) = ends.min(axis=0).astype(int), ends.max(axis=0).astype(int)
    assert (upright[top:bottom, left:right] == 40).all()
    assert np.count_nonzero(upright == 40) == (right - left) * (bottom - top)
    there = Box(int(left), int(top), int(right - left), int(bottom - top))
    assert stored_box(there, width, height, turn) == PORE


@pytest.mark.parametrize("turn", TURNS)
def test_rois_of_the_stored_image_are_turned_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], turn: int
) -> None:
    project = project_with(tmp_path, turn)
    assert f"turned from how it is stored (orientation {turn})" in capsys.readouterr().out
    assert main(["import-outlines", project, str(write_rois(tmp_path / "a.png.RoiSet.zip"))]) == 0
    assert "1 pore turned upright with the image." in capsys.readouterr().out
    assert mean_grey(project, tmp_path) == [40.0]


def test_an_image_that_is_stored_upright_turns_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = project_with(tmp_path, 1)
    assert main(["import-outlines", project, str(write_rois(tmp_path / "a.png.RoiSet.zip"))]) == 0
    assert "turned" not in capsys.readouterr().out
    assert mean_grey(project, tmp_path) == [40.0]


@pytest.mark.parametrize("as_stored", [False, True])
def test_a_file_that_gives_the_size_says_so_which_way_it_has_the_image(
    tmp_path: Path, as_stored: bool
) -> None:
    project = project_with(tmp_path, 6)
    upright = Box(80 - PORE.bottom, PORE.x, PORE.height, PORE.width)
    box, size = (PORE, (120, 80)) if as_stored else (upright, (80, 120))
    coco = write_coco(tmp_path / "coco.json", box, size)
    assert main(["import-outlines", project, str(coco)]) == 0
    assert mean_grey(project, tmp_path) == [40.0]


@pytest.mark.parametrize("form", ["geojson", "imagej", "coco"])
def test_what_is_exported_says_that_it_is_of_the_upright_image_and_comes_back_so(
    tmp_path: Path, form: str
) -> None:
    project = project_with(tmp_path, 8)
    assert main(["import-outlines", project, str(write_rois(tmp_path / "a.png.RoiSet.zip"))]) == 0
    out = tmp_path / ("out.json" if form == "coco" else "out")
    assert main(["export", project, str(out), "--format", form]) == 0
    files = [out] if out.is_file() else [one for one in out.rglob("*") if one.is_file()]
    assert all(b'"coordinates": "upright image"' in one.read_bytes() for one in files)
    (tmp_path / "again").mkdir()
    again = str(tmp_path / "again" / "p")
    assert main(["new", again]) == 0
    assert main(["import", again, "--as", "micrographs", str(tmp_path / "a.png")]) == 0
    assert main(["import-outlines", again, str(out)]) == 0
    assert mean_grey(again, tmp_path) == [40.0]


@pytest.mark.parametrize("turn", [1, 3, 6])
def test_header_image_and_pyramid_agree_on_how_an_image_was_turned(
    tmp_path: Path, turn: int
) -> None:
    file = written(tmp_path, turn, "a.jpg")
    image = read_image(file)
    assert image.turned == turn
    assert read_header(file).warnings == image.warnings
    with open_pyramid(file) as pyramid:
        assert (pyramid.notes.turned, pyramid.warnings) == (turn, image.warnings)
