"""Hold that a picture which was replaced under its name and size is noticed wherever its pixels are
used again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image
from size_model import draw_discs
from two_folders import NAME, TwoFolders, add_network, received, two_folders

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Detection
from poregui.store import files as store_files
from poregui.store.files import file_hash
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.exporting.export_kinds import export
from poregui.workflow.importing.image_identity import OtherImage, check_same

SAID = "has changed since it was imported"


@pytest.fixture
def two(tmp_path: Path) -> TwoFolders:
    """Return a project of two micrographs whose pores are found."""
    made = two_folders(tmp_path)
    assert main(["detect", str(made.project)]) == 0
    return made


def replace_picture(two: TwoFolders, specimen: str = "S2") -> None:
    """Draw another picture of the same size, and give its file the size and time of the old one
    where that can be.
    """
    file = two.file(specimen)
    before = file.stat()
    draw_discs(file, [50.0] * 3, seed=7)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def crops_of(two: TwoFolders) -> list[tuple[str, int]]:
    with Project.open(two.project, read_only=True) as project:
        names = {one.id: one.path for one in project.micrographs()}
        return [(names[crop.micrograph_id], crop.id) for crop in project.crops()]


def test_it_is_not_searched_and_the_others_are(two: TwoFolders, capsys) -> None:
    before = crops_of(two)
    replace_picture(two)
    found = received(capsys, "detect", two.project)
    assert [one["micrograph"] for one in found["micrographs"]] == ["S1/image_001.png"]
    assert SAID in found["failed"]["S2/image_001.png"]
    assert "--accept-file" in found["failed"]["S2/image_001.png"]
    assert crops_of(two) == before


def test_its_pores_are_measured_without_greys_and_it_is_said(
    two: TwoFolders, tmp_path: Path, capsys
) -> None:
    before = received(capsys, "measure", two.project, tmp_path / "a.csv")
    replace_picture(two)
    after = received(capsys, "measure", two.project, tmp_path / "b.csv")
    assert before["notes"] == []
    assert [SAID in note for note in after["notes"]] == [True]
    assert after["porosity"] == before["porosity"]
    assert main(["measure", str(two.project), str(tmp_path / "b.csv")]) == 0
    assert SAID in capsys.readouterr().out


def test_it_is_not_applied_to_and_the_others_are(two: TwoFolders, tmp_path: Path, capsys) -> None:
    add_network(two, tmp_path)
    out = tmp_path / "out"
    received(capsys, "apply", two.project, two.data, "--out", out)
    replace_picture(two)
    values = received(capsys, "apply", two.project, two.data, "--out", out)
    assert (values["fields"], values["taken_up"]) == (1, 1)
    (problem,) = values["problems"]
    assert problem["name"] == "S2/image_001.png"
    assert SAID in problem["reason"]


def test_outlines_are_not_brought_onto_it(two: TwoFolders, tmp_path: Path, capsys) -> None:
    with Project.open(two.project) as project, project.transaction():
        project.put_labels(((crop.id, 1) for crop in project.crops()), who="ada", how="hand")
    received(capsys, "export", two.project, tmp_path / "rois", "--format", "imagej")
    received(capsys, "export", two.project, tmp_path / "p.json", "--format", "coco")
    fresh = tmp_path / "fresh"
    assert main(["new", str(fresh)]) == 0
    received(capsys, "import", fresh, two.data, "--as", "micrographs")
    replace_picture(two)
    values = received(capsys, "import-outlines", fresh, tmp_path / "rois")
    assert values["imported"] == 4
    assert [SAID in note for note in values["notes"]] == [True]
    other = tmp_path / "other"
    assert main(["new", str(other)]) == 0
    received(capsys, "import", other, two.data, "--as", "micrographs")
    values = received(capsys, "import-outlines", other, tmp_path / "p.json")
    assert values["imported"] == 4
    assert values["notes"] == [
        "S2/image_001.png was outlined in a different image from S2/image_001.png; its 9 pores "
        "were left out. Import the image that was outlined first."
    ]


def test_its_overlay_shows_the_crops_that_the_project_keeps(
    two: TwoFolders, tmp_path: Path
) -> None:
    with Project.open(two.project) as project, project.transaction():
        project.put_labels(((crop.id, 1) for crop in project.crops()), who="ada", how="hand")
    replace_picture(two)
    with Project.open(two.project, read_only=True) as project:
        export(project, "overlays", tmp_path / "out")
    image = Image.open(tmp_path / "out" / "S2" / NAME).convert("L")
    assert (
        image.getpixel((200, 200)) == 225
    )  # the canvas beside crops; the new picture is grey there


def test_it_is_not_packed(two: TwoFolders, tmp_path: Path, capsys) -> None:
    replace_picture(two)
    packed = received(capsys, "pack", two.project, tmp_path / "p.zip")
    assert (packed["micrographs"], packed["missing"], packed["other"]) == (
        1,
        [],
        ["S2/image_001.png"],
    )


def test_it_is_not_imported_in_silence(two: TwoFolders, capsys) -> None:
    replace_picture(two)
    values = received(capsys, "import", two.project, two.data, "--as", "micrographs")
    assert (values["micrographs"], values["present"]) == (0, 1)
    (skipped,) = values["skipped"]
    assert skipped["path"] == "S2/image_001.png"
    assert "has changed since it was imported" in skipped["reason"]


def test_a_picture_that_was_only_saved_anew_is_accepted_with_all_its_labels(
    two: TwoFolders, capsys
) -> None:
    before = crops_of(two)
    file = two.file("S2")
    Image.open(file).save(file, compress_level=1)
    assert SAID in received(capsys, "detect", two.project)["failed"]["S2/image_001.png"]
    values = received(capsys, "micrographs", two.project, "--name", "S2/*", "--accept-file")
    assert values["notes"] == [
        "S2/image_001.png was saved again, and its crops show the same pixels. It is accepted."
    ]
    assert two.micrographs()["S2"].sha256 == file_hash(file)
    assert crops_of(two) == before
    found = received(capsys, "detect", two.project)
    assert (found["failed"], found["labels_carried"]) == ({}, 0)
    assert crops_of(two) == before
    again = received(capsys, "micrographs", two.project, "--name", "S2/*", "--accept-file")
    assert "nothing to accept" in again["notes"][0]


def test_another_picture_comes_in_as_a_new_micrograph_and_the_old_one_keeps_its_crops(
    two: TwoFolders, capsys
) -> None:
    old = two.micrographs()["S2"]
    replace_picture(two)
    values = received(
        capsys, "micrographs", two.project, "--name", "S2/image_001.png", "--accept-file"
    )
    assert "imported as a new micrograph" in values["notes"][0]
    assert [one["shown_name"] for one in values["micrographs"]] == [
        f"replaced {old.sha256[:8]}/image_001.png",
        "S2/image_001.png",
    ]
    with Project.open(two.project, read_only=True) as project:
        before, _, new = project.micrographs()[1], None, project.micrographs()[2]
        assert (before.id, before.sha256, len(project.crops(micrograph_id=before.id))) == (
            old.id,
            old.sha256,
            9,
        )
        assert (new.path, new.sha256) == (old.path, file_hash(two.file("S2")))
        assert project.crops(micrograph_id=new.id) == []
    assert received(capsys, "detect", two.project, "--micrograph", "S2/image_001.png")["pores"] == 3


def test_the_original_is_found_again_by_its_content_wherever_it_lies(
    two: TwoFolders, tmp_path: Path, capsys
) -> None:
    old = two.micrographs()["S2"]
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "kept.png").write_bytes(two.file("S2").read_bytes())
    replace_picture(two)
    received(capsys, "detect", two.project)  # notices it
    values = received(capsys, "import", two.project, tmp_path / "archive", "--as", "micrographs")
    assert values["notes"] == ["S2/image_001.png was found again at its new location."]
    with Project.open(two.project, read_only=True) as project:
        now = next(one for one in project.micrographs() if one.id == old.id)
        check_same(now, project.micrograph_file(now), None)
        assert len(project.crops(micrograph_id=old.id)) == 9


def test_two_pictures_that_changed_places_are_linked_anew_by_one_import(
    two: TwoFolders, capsys
) -> None:
    before = {one.id: one.sha256 for one in two.micrographs().values()}
    first, second = two.file("S1").read_bytes(), two.file("S2").read_bytes()
    two.file("S1").write_bytes(second)
    two.file("S2").write_bytes(first)
    assert "now contains the image of S2/image_001.png (#2). Import the folder" in str(
        received(capsys, "micrographs", two.project, "--name", "S1/*", "--accept-file")["notes"]
    )
    assert (
        received(capsys, "import", two.project, two.data, "--as", "micrographs")["micrographs"] == 0
    )
    with Project.open(two.project, read_only=True) as project:
        assert {
            one.id: file_hash(project.micrograph_file(one)) for one in project.micrographs()
        } == before


def test_accepting_is_one_step_that_can_be_undone(two: TwoFolders) -> None:
    from poregui.workflow.editing.accept_file import accept_file, look_at_file

    with Project.open(two.project) as project:
        before = project.micrographs()
        one = before[1]
        replace_picture(two)
        file = project.micrograph_file(one)
        now = look_at_file(
            one, file, project.folder, project.crops(micrograph_id=one.id), project.pixels
        )
        history = History(project)
        history.apply(accept_file(project, one, now).edit)
        assert len(project.micrographs()) == 3
        history.undo()
        assert project.micrographs() == before


def test_a_micrograph_without_crops_takes_the_new_picture_and_forgets_that_it_was_searched(
    tmp_path: Path, capsys
) -> None:
    two = two_folders(tmp_path)
    number = two.micrographs()["S2"].id
    with Project.open(two.project) as project, project.transaction():
        project.put_detection(number, Detection("2026-01-01", "{}", 1.0))
    draw_discs(two.file("S2"), [50.0], side=400)
    values = received(capsys, "micrographs", two.project, "--name", "S2/*", "--accept-file")
    assert values["notes"] == ["S2/image_001.png is accepted as it is now."]
    now = two.micrographs()["S2"]
    assert (now.id, now.width, now.sha256) == (number, 400, file_hash(two.file("S2")))
    with Project.open(two.project, read_only=True) as project:
        assert project.detections() == {}


def test_a_project_of_an_older_version_with_two_pictures_of_one_file_uses_the_one_that_is_there(
    tmp_path: Path, capsys
) -> None:
    from dataclasses import replace

    from poregui.workflow.editing.edits import AddMicrographs
    from poregui.workflow.importing.image_identity import micrographs_by_file

    two = two_folders(tmp_path)
    with Project.open(two.project) as project:
        one = project.micrographs()[0]
        History(project).apply(AddMicrographs((replace(one, id=3, sha256="0" * 64),)))
        assert [found.id for found in micrographs_by_file(project)] == [1, 2]
        two.file("S1").unlink()
        assert [found.id for found in micrographs_by_file(project)] == [2, 3]


# ---- what was read is remembered ------------------------------------------------------------


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of files that are read whole, as they are."""
    files: list[str] = []

    def reading(file: Path) -> str:
        files.append(file.name)
        return file_hash(file)

    monkeypatch.setattr(store_files, "file_hash", reading)
    monkeypatch.setattr(store_files, "_here", {})
    return files


def aged(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file have been written long ago."""
    monkeypatch.setattr(
        store_files.time, "time_ns", lambda: max(store_files.stamp_of(file)[1:]) + 10_000_000_000
    )


def test_a_file_is_read_once_as_long_as_size_and_time_stay(
    tmp_path: Path, read: list[str], monkeypatch
) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"one")
    aged(file, monkeypatch)
    assert store_files.remembered_hash(file, None) is None
    first = store_files.current_hash(file, None)
    assert (
        store_files.current_hash(file, None)
        == store_files.remembered_hash(file, None)
        == first
        == file_hash(file)
    )
    assert read == ["a.png"]
    file.write_bytes(b"two")
    aged(file, monkeypatch)
    assert store_files.remembered_hash(file, None) is None
    assert store_files.current_hash(file, None) == file_hash(file) != first
    assert read == ["a.png"] * 2


def test_a_copy_that_keeps_size_and_time_is_read_anew(
    tmp_path: Path, read: list[str], monkeypatch
) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"one")
    aged(file, monkeypatch)
    first, before = store_files.current_hash(file, None), file.stat()
    (tmp_path / "b").write_bytes(b"two")
    os.utime(tmp_path / "b", ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(tmp_path / "b", file)
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert store_files.current_hash(file, None) != first


def test_a_file_that_was_written_just_now_is_not_trusted(tmp_path: Path, read: list[str]) -> None:
    (tmp_path / "a.png").write_bytes(b"one")
    store_files.current_hash(tmp_path / "a.png", None)
    store_files.current_hash(tmp_path / "a.png", None)
    assert read == ["a.png"] * 2


def test_large_files_are_remembered_beyond_the_process_and_a_spoilt_memory_is_none(
    tmp_path: Path, read: list[str], monkeypatch
) -> None:
    file, cache = tmp_path / "large.tif", tmp_path / "cache"
    file.write_bytes(bytes(store_files.WORTH))
    aged(file, monkeypatch)
    first = store_files.current_hash(file, cache)
    monkeypatch.setattr(store_files, "_here", {})
    assert store_files.current_hash(file, cache) == first
    assert read == ["large.tif"]
    for spoilt in ("", "{", "[]", "null", '{"a": 1}', '{"a": [1, 2]}'):
        (cache / store_files.STAMPS).write_text(spoilt, encoding="utf-8")
        monkeypatch.setattr(store_files, "_here", {})
        assert store_files.current_hash(file, cache) == first
    (tmp_path / "small.tif").write_bytes(b"x")
    aged(tmp_path / "small.tif", monkeypatch)
    store_files.current_hash(tmp_path / "small.tif", cache)
    assert list(json.loads((cache / store_files.STAMPS).read_text(encoding="utf-8"))) == [str(file)]


def test_a_cache_that_cannot_be_written_only_costs_time(
    tmp_path: Path, read: list[str], monkeypatch
) -> None:
    file = tmp_path / "large.tif"
    file.write_bytes(bytes(store_files.WORTH))
    aged(file, monkeypatch)
    (tmp_path / "cache").write_text("a file is in its place")
    assert store_files.current_hash(file, tmp_path / "cache") == file_hash(file)
    with pytest.raises(PoreguiError, match="no longer exists"):
        store_files.current_hash(tmp_path / "gone.tif", None)
    with pytest.raises(PoreguiError, match="cannot be read"):
        store_files.current_hash(file / "below.tif", None)


def test_a_missing_file_is_no_other_picture(tmp_path: Path) -> None:
    two = two_folders(tmp_path)
    with Project.open(two.project, read_only=True) as project:
        one = project.micrographs()[0]
        two.file("S1").unlink()
        with pytest.raises(PoreguiError, match="no longer exists") as caught:
            check_same(one, project.micrograph_file(one), project.folder)
        assert not isinstance(caught.value, OtherImage)
