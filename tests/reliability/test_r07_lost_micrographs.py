"""Hold that labels survive whatever happens to the image files (R7)."""

from __future__ import annotations

import json
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


def relink(folder: Path, inside: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Link what lost its file anew and return what is said of it."""
    assert main(["micrographs", str(folder), "--relink", str(inside), "--json"]) == OK
    notes: list[str] = json.loads(capsys.readouterr().out)["notes"]
    return notes


def test_a_micrograph_that_moved_is_linked_anew_by_its_content_and_nothing_else_comes_in(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = folder.parent / "moved"
    inside.mkdir()
    before = file_of(folder).rename(inside / "other name.png")
    Image.fromarray(grey(5, 150, 200)).save(inside / "not of this project.png")
    assert relink(folder, inside, capsys) == [f"Found 1 of 1 missing file in {inside}."]
    assert file_of(folder) == before
    with Project.open(folder, read_only=True) as project:
        (micrograph,) = project.micrographs()
        assert micrograph.shown_name == "other name.png"
        assert len(project.crops()) == 72
    assert relink(folder, inside, capsys)[0].startswith("No file is missing")
    check(folder)


def test_a_micrograph_that_lies_in_several_places_is_linked_only_to_one_of_its_own_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = folder.parent / "moved"
    (inside / "again").mkdir(parents=True)
    file = file_of(folder)
    before = file.rename(inside / "one.png")
    shutil.copy(before, inside / "two.png")
    notes = relink(folder, inside, capsys)
    assert notes[0].startswith("Found 0 of 1")
    assert "one.png and" in notes[1]
    assert "Give the folder of one" in notes[1]
    assert file_of(folder) == file
    shutil.copy(before, inside / "again" / file.name)
    relink(folder, inside, capsys)
    assert file_of(folder) == inside / "again" / file.name


def test_another_picture_of_the_same_name_is_not_linked_to_a_micrograph_that_moved(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = file_of(folder)
    Image.fromarray(grey(99, 150, 200)).save(file)
    inside = folder.parent / "moved"
    inside.mkdir()
    shutil.copy(file, inside / file.name)
    assert relink(folder, inside, capsys)[1] == f"Not found: {file.name}."
    assert file_of(folder) == file
    assert main(["micrographs", str(folder), "--relink", str(inside / "nowhere")]) == REFUSED
    assert "does not exist" in capsys.readouterr().err


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
