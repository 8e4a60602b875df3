"""Hold that a packed project holds what the project made and was given, and nothing else of this
machine.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from builders import add_crops, add_micrograph, labelled_project
from complete_run import RESULTS, make_project, run_of
from two_folders import two_folders

from poregui.cli.main import main
from poregui.store.project import Project
from poregui.store.run_check import sentence_of_lost_pixels
from poregui.workflow.exporting.pack import pack

SECRET = b"a private key\n"
posix = pytest.mark.skipif(sys.platform == "win32", reason="Links as POSIX has them.")


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "pores"
    make_project(folder)
    with Project.open(folder) as project:
        add_crops(project, [1], micrograph=add_micrograph(project, folder.parent / "a.png"))
    return folder


@pytest.fixture
def folder(pattern: Path, tmp_path: Path) -> Path:
    shutil.copytree(pattern, tmp_path / "pores")
    shutil.copy(pattern.parent / "a.png", tmp_path / "a.png")
    return tmp_path / "pores"


def _link(name: str) -> Callable[[Path, Path], None]:
    def change(folder: Path, secret: Path) -> None:
        path = run_of(folder).path / name
        path.unlink(missing_ok=True)
        path.symlink_to(secret)

    return change


def _link_a_folder(folder: Path, secret: Path) -> None:
    (run_of(folder).path / "more").symlink_to(secret.parent)


def _link_a_run(folder: Path, secret: Path) -> None:
    run = run_of(folder).path
    run.replace(secret.parent / "002")
    (secret.parent / "002" / "events.jsonl").write_bytes(SECRET)
    run.symlink_to(secret.parent / "002")


def _put_in(folder: Path, secret: Path) -> None:
    for name in ("id_rsa", "more.csv", "model.pkl"):
        shutil.copy(secret, run_of(folder).path / name)
    (run_of(folder).path / "more").mkdir()
    shutil.copy(secret, run_of(folder).path / "more" / "predictions.csv")


def _put_in_the_place_of(folder: Path, secret: Path) -> None:
    for name in RESULTS:
        shutil.copy(secret, run_of(folder).path / name)


def _say(path: str, sha256: str) -> Callable[[Path, Path], None]:
    def change(folder: Path, secret: Path) -> None:
        values = (path.format(secret=secret, name=secret.name), sha256)
        with sqlite3.connect(folder / "project.db") as database:
            database.execute("UPDATE micrographs SET path = ?, sha256 = ?", values)
        database.close()

    return change


CHANGES: dict[str, Callable[[Path, Path], None]] = {
    **{f"a link {name}": _link(name) for name in (*RESULTS, "events.jsonl", "results.json")},
    "a link to a log": _link("trainer.log"),
    "a link to a folder": _link_a_folder,
    "a link for a run": _link_a_run,
    "files that no run writes": _put_in,
    "other files under their names": _put_in_the_place_of,
    "an absolute path": _say("{secret}", "0" * 64),
    "an absolute path of which nothing is known": _say("{secret}", ""),
    "a path that climbs": _say("../elsewhere/{name}", ""),
}


@posix
@pytest.mark.parametrize("how", CHANGES)
def test_nothing_of_this_machine_goes_into_a_packed_project(
    folder: Path, tmp_path: Path, how: str
) -> None:
    secret = tmp_path / "elsewhere" / "id_rsa"
    secret.parent.mkdir()
    secret.write_bytes(SECRET)
    CHANGES[how](folder, secret)
    with Project.open(folder, read_only=True) as project:
        received = pack(project, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        for name in packed.namelist():
            assert SECRET not in packed.read(name)
            _within("pores", name)
    if "path" in how:
        assert len(received.other) == 1
    elif how.startswith(("a link", "other")) and how not in (
        "a link to a log",
        "a link to a folder",
        "a link for a run",
    ):
        assert received.changed
        assert "Changed since their run" in received.text


def _within(top: str, name: str) -> None:
    """Hold that a member of a zip file stays below its folder on any system."""
    parts = PurePosixPath(name).parts
    assert parts[0] == top
    assert ".." not in parts
    assert not PureWindowsPath(name).drive
    assert "\\" not in name
    assert not name.startswith("/")


@posix
def test_names_that_climb_or_name_a_drive_stay_below_the_packed_folder(tmp_path: Path) -> None:
    names = ["...a.png", "C:evil.png", "con.png", "a\\..\\..\\b.png", " x. .png", "Ä.png", "ä.png"]
    with Project.create(tmp_path / "pores") as project:
        (tmp_path / "0").mkdir()
        (tmp_path / "1").mkdir()
        for number, name in enumerate(names):
            add_micrograph(project, tmp_path / f"{number % 2}" / name)
        pack(project, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        members = packed.namelist()
    assert len({name.casefold() for name in members}) == len(members) == len(names) + 2
    for name in members:
        _within("pores", name)


def test_a_packed_project_that_is_opened_as_it_is_says_to_unpack_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pack", str(folder), str(tmp_path / "out.zip"), "--without", "micrographs"]) == 0
    capsys.readouterr()
    assert main(["info", str(tmp_path / "out.zip")]) == 2
    assert "Unzip a packed project" in capsys.readouterr().err


def test_crops_are_cut_again_from_the_files_of_their_micrographs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = two_folders(tmp_path)
    assert main(["detect", str(two.project)]) == 0
    with Project.open(two.project, read_only=True) as project:
        before = {crop.id: project.pixels.get(crop.pixels).hash for crop in project.crops()}
    (two.project / "pixels.db").unlink()
    capsys.readouterr()
    assert main(["micrographs", str(two.project), "--accept-file", "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert all("cut from it again." in note for note in notes)
    with Project.open(two.project) as project:
        assert sentence_of_lost_pixels(project) == ""
        assert {c.id: project.pixels.get(c.pixels).hash for c in project.crops()} == before


def test_crops_that_no_file_can_give_back_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with labelled_project(tmp_path / "pores", specimens=2, per_class=1) as project:
        file = tmp_path / "a.png"
        made = add_micrograph(project, file)
        add_crops(project, [1], micrograph=made)
        crops = len(project.crops())
    (tmp_path / "pores" / "pixels.db").unlink()
    assert main(["micrographs", str(tmp_path / "pores"), "--accept-file"]) == 0
    assert "1 crop cannot be cut from it again" in capsys.readouterr().out
    with Project.open(tmp_path / "pores", read_only=True) as project:
        assert f"The pixels of {crops} crops are missing" in sentence_of_lost_pixels(project)
