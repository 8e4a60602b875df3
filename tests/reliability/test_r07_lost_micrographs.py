"""Hold that labels survive whatever happens to the image files (R7)."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import pytest
from builders import add_crops, add_micrograph, grey, labelled_project
from PIL import Image

from poregui.cli.main import OK, REFUSED, main
from poregui.domain.errors import ImageError
from poregui.domain.recipe import recipe_for
from poregui.store.project import Project
from poregui.workflow.importing.image_identity import OtherImage, check_same
from poregui.workflow.training.prepare_dataset import freeze


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a project with crops of a micrograph beside it that has an umlaut in its name."""
    with labelled_project(tmp_path / "p") as project:
        name = unicodedata.normalize("NFC", "Gefüge é.png")
        micrograph = add_micrograph(project, tmp_path / name, um_per_px=0.5)
        add_crops(project, [1, 2, 3] * 4, micrograph=micrograph, seed=3)
    return tmp_path / "p"


def check(folder: Path) -> None:
    """Hold that every crop can be seen, and that a run is frozen of all of them."""
    with Project.open(folder) as project:
        crops = project.crops()
        pixels = list(project.pixels.get_many(crop.pixels for crop in crops))
        assert [one.array.shape for one in pixels] == [(24, 32)] * len(crops)
        run = freeze(project, recipe_for("default"))
        labelled = sum(crop.label is not None for crop in crops)
        assert len(run.read_dataset().crops) == labelled


def file_of(folder: Path) -> Path:
    with Project.open(folder, read_only=True) as project:
        return project.micrograph_file(project.micrographs()[0])


def test_crops_of_a_micrograph_that_vanished_are_seen_and_trained_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file_of(folder).unlink()
    check(folder)
    assert main(["detect", str(folder)]) == REFUSED
    assert file_of(folder).name in capsys.readouterr().err
    check(folder)


def test_a_micrograph_that_moved_along_with_its_project_is_found(folder: Path) -> None:
    shutil.move(folder.parent, folder.parent.with_name("elsewhere"))
    moved = folder.parent.with_name("elsewhere") / "p"
    check(moved)
    with Project.open(moved) as project:
        (micrograph,) = project.micrographs()
        check_same(micrograph, project.micrograph_file(micrograph), moved)


def test_a_micrograph_that_moved_alone_is_known_again_by_its_content(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = folder.parent / "moved" / "other name.png"
    elsewhere.parent.mkdir()
    file_of(folder).rename(elsewhere)
    assert main(["import", str(folder), str(elsewhere), "--as", "micrographs"]) == OK
    capsys.readouterr()
    with Project.open(folder, read_only=True) as project:
        assert len(project.micrographs()) == 1
        assert len(project.crops()) == 72
    check(folder)


def test_another_picture_under_the_same_name_is_noticed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = file_of(folder)
    Image.fromarray(grey(99, 150, 200)).save(file)
    with Project.open(folder, read_only=True) as project:
        (micrograph,) = project.micrographs()
        with pytest.raises(OtherImage):
            check_same(micrograph, file, folder)
    assert main(["detect", str(folder)]) == REFUSED
    assert "has changed since it was imported" in capsys.readouterr().err
    check(folder)


def test_a_picture_whose_name_has_another_unicode_form_is_missing_in_a_sentence(
    folder: Path,
) -> None:
    file = file_of(folder)
    other = file.with_name(unicodedata.normalize("NFD", file.name))
    file.rename(other)
    if not file.exists():  # a file system that tells the two forms apart
        with Project.open(folder, read_only=True) as project:
            (micrograph,) = project.micrographs()
            with pytest.raises(ImageError, match=r"no longer|not there"):
                check_same(micrograph, project.micrograph_file(micrograph), folder)
    check(folder)
    other.rename(file)
    check(folder)
