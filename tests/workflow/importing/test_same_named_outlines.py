"""Hold that outlines of two pictures of one name land on their own, in every format, or nowhere
with a sentence.
"""

from __future__ import annotations

import csv
import json
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from builders import add_micrograph
from two_folders import ALL, NAME, TwoFolders, label_all, labels_of, received, two_folders

from poregui.cli.main import main
from poregui.domain.geometry import Box
from poregui.domain.micrograph_names import with_unique_names
from poregui.domain.records import Micrograph
from poregui.store.project import Project
from poregui.workflow.exporting.formats.shapes import ImageShapes, PoreShape
from poregui.workflow.importing.image_matching import Evidence, match_all


@pytest.fixture
def found(tmp_path: Path) -> TwoFolders:
    """Return the project with the pores of both found, those of S1 labelled Keyhole and those of S2
    Gas.
    """
    two = two_folders(tmp_path)
    assert main(["detect", str(two.project)]) == 0
    label_all(two)
    return two


FORMATS = {"coco": "pores.json", "geojson": "geojson", "imagej": "rois", "csv": "labels.csv"}


@pytest.mark.parametrize("name", FORMATS)
def test_outlines_come_back_onto_the_picture_that_they_were_drawn_on(
    found: TwoFolders, tmp_path: Path, name: str, capsys
) -> None:
    out = tmp_path / FORMATS[name]
    received(capsys, "export", found.project, out, "--format", name)
    copy = tmp_path / "copy"
    assert main(["new", str(copy)]) == 0
    received(capsys, "import", copy, found.data / "S2", found.data / "S1", "--as", "micrographs")
    values = received(capsys, "import-outlines", copy, out)
    assert (values["imported"], values["notes"]) == (13, [])
    assert labels_of(copy) == ALL


def without_facts(out: Path, name: str) -> None:
    """Take away from an export what other programs do not write: paths and hashes."""
    if name == "coco":
        value = json.loads(out.read_text(encoding="utf-8"))
        for image in value["images"]:
            image.pop("path"), image.pop("sha256")
        out.write_text(json.dumps(value), encoding="utf-8")
    elif name == "geojson":
        for file in out.rglob("*.geojson"):
            value = json.loads(file.read_text(encoding="utf-8"))
            file.write_text(json.dumps(value["features"]), encoding="utf-8")
    elif name == "imagej":
        import zipfile

        for file in out.rglob("*.zip"):
            with zipfile.ZipFile(file, "a") as archive:
                archive.comment = b""
    else:
        with open(out, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        kept = ["micrograph", "x", "y", "width", "height", "label"]
        with open(out, "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, kept, extrasaction="ignore")
            table.writeheader()
            table.writerows(rows)


@pytest.mark.parametrize("name", FORMATS)
def test_folders_alone_tell_outlines_of_other_programs_apart(
    found: TwoFolders, tmp_path: Path, name: str, capsys
) -> None:
    out = tmp_path / FORMATS[name]
    received(capsys, "export", found.project, out, "--format", name)
    without_facts(out, name)
    copy = tmp_path / "copy"
    assert main(["new", str(copy)]) == 0
    received(capsys, "import", copy, found.data, "--as", "micrographs")
    assert received(capsys, "import-outlines", copy, out)["imported"] == 13
    assert labels_of(copy) == ALL


def flattened(out: Path, name: str) -> Path:
    """Take away the folders, too, and return what is imported then: that of S2 alone where each has
    a file.
    """
    if name == "coco":
        value = json.loads(out.read_text(encoding="utf-8"))
        for image in value["images"]:
            image["file_name"] = NAME
        out.write_text(json.dumps(value), encoding="utf-8")
        return out
    if name == "csv":
        text = out.read_text(encoding="utf-8")
        out.write_text(text.replace("S1/", "").replace("S2/", ""), encoding="utf-8")
        return out
    (file,) = (out / "S2").iterdir()
    return file.rename(out / file.name)


@pytest.mark.parametrize("name", FORMATS)
def test_a_bare_name_takes_nothing_in_and_names_the_candidates(
    found: TwoFolders, tmp_path: Path, name: str, capsys
) -> None:
    out = tmp_path / FORMATS[name]
    received(capsys, "export", found.project, out, "--format", name)
    without_facts(out, name)
    copy = tmp_path / "copy"
    assert main(["new", str(copy)]) == 0
    received(capsys, "import", copy, found.data, "--as", "micrographs")
    values = received(capsys, "import-outlines", copy, flattened(out, name))
    assert values["imported"] == 0
    assert values["notes"]
    assert all("S1/image_001.png (#1) or S2/image_001.png (#2)" in note for note in values["notes"])


def test_two_images_of_a_file_never_land_on_one_micrograph(
    found: TwoFolders, tmp_path: Path, capsys
) -> None:
    received(capsys, "export", found.project, tmp_path / "pores.json", "--format", "coco")
    without_facts(tmp_path / "pores.json", "coco")
    copy = tmp_path / "copy"
    assert main(["new", str(copy)]) == 0
    received(capsys, "import", copy, found.data / "S1", "--as", "micrographs")
    values = received(capsys, "import-outlines", copy, tmp_path / "pores.json")
    assert labels_of(copy) == {"S1": ALL["S1"]}
    assert values["notes"] == [
        "S2/image_001.png is one of 2 images that would all be image_001.png; its 9 pores were "
        "left out. Name files or folders of outlines as those of the micrographs."
    ]


# ---- what an image is matched by ------------------------------------------------------------

SHAPE = (PoreShape(1, Box(1, 1, 8, 8), None, "Gas"),)


def micrograph(number: int, path: str, side: int = 100) -> Micrograph:
    return Micrograph(number, path, path.rpartition("/")[2], f"{number:064d}", side, side, 8, 1)


def image(name: str, **more: object) -> ImageShapes:
    return replace(ImageShapes(name, 0, 0, None, SHAPE), **more)  # type: ignore[arg-type]


THERE = with_unique_names(
    [
        micrograph(1, "../data/S1/x.png"),
        micrograph(2, "../data/S2/x.png", 200),
        micrograph(3, "../data/S2/y.tif"),
    ]
)


@pytest.mark.parametrize(
    ("asked", "number", "evidence"),
    [
        (image("renamed.png", sha256=f"{2:064d}"), 2, Evidence.CONTENT),
        (image("S1/x.png", sha256=f"{2:064d}"), 2, Evidence.CONTENT),
        (image("S2/x.png"), 2, Evidence.PATH),
        (image("s2\\X.PNG"), 2, Evidence.PATH),
        (image("x.png", path="/elsewhere/S1/x.png"), 1, Evidence.PATH),
        (image("x", beside="/exports/S2/x"), 2, Evidence.PATH),
        (image("x.png", width=200, height=200), 2, Evidence.NAME),
        (image("y"), 3, Evidence.NAME),
        (image("Y.png"), 3, Evidence.NAME),
        (image("x.png"), None, None),
        (image("S3/x.png"), None, None),
        (image("S3/x.png", beside="/exports/S1/x.png"), None, None),
        (image("S1/x.png", width=200, height=200), None, None),
        (image("x.png", path="S1/x.png", sha256="f" * 64), None, None),
        (image("z.png"), None, None),
    ],
)
def test_an_image_is_known_by_content_then_folders_then_name_and_size(
    asked: ImageShapes, number: int | None, evidence: Evidence | None
) -> None:
    (match,) = match_all(THERE, [asked])
    assert (match.micrograph.id if match.micrograph else None) == number
    assert evidence is None or match.evidence == evidence
    assert bool(match.note) == (number is None)


def test_another_folder_than_the_only_micrograph_of_a_name_is_said() -> None:
    (match,) = match_all(THERE, [image("images/y.tif")])
    assert match.micrograph is not None
    assert match.note == "images/y.tif was matched to y.tif, the only micrograph of that name."


def test_of_several_images_on_one_micrograph_the_surest_is_taken() -> None:
    confidence, bare = image("S2/y.tif"), image("y.png")
    first, second = match_all(THERE, [bare, confidence])
    assert (first.micrograph, second.micrograph) == (None, THERE[2])
    assert "y.png is one of 2 images that would all be y.tif" in first.note
    assert [match.micrograph for match in match_all(THERE, [bare, image("y")])] == [None, None]
    assert [match.micrograph for match in match_all(THERE, [confidence, confidence])] == [
        THERE[2]
    ] * 2


def test_names_are_compared_in_one_unicode_form(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "S1/Größe.png")
    there = [
        micrograph(1, unicodedata.normalize("NFC", "../S1/Größe.png")),
        micrograph(2, "../S2/Größe.png"),
    ]
    (match,) = match_all(with_unique_names(there), [image(apart)])
    assert match.micrograph is not None
    assert match.micrograph.id == 1


def test_a_file_of_outlines_beside_its_picture_is_of_that_picture(
    found: TwoFolders, tmp_path: Path, capsys
) -> None:
    """As programs save them that write outlines next to the image that is open."""
    received(capsys, "export", found.project, tmp_path / "rois", "--format", "imagej")
    without_facts(tmp_path / "rois", "imagej")
    copy = tmp_path / "copy"
    assert main(["new", str(copy)]) == 0
    received(capsys, "import", copy, found.data, "--as", "micrographs")
    beside = found.data / "S2" / "image_001.RoiSet.zip"
    (tmp_path / "rois" / "S2" / "image_001.png.RoiSet.zip").rename(beside)
    assert received(capsys, "import-outlines", copy, beside)["imported"] == len(ALL["S2"])
    assert labels_of(copy) == {"S1": [], "S2": ALL["S2"]}


def test_the_comment_of_a_zip_that_another_program_wrote_says_nothing(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        add_micrograph(project, tmp_path / "m.png")
    for comment in (b"made by hand", b"[1]", b"\xff", b'{"image": 3, "sha256": null}'):
        with zipfile.ZipFile(tmp_path / "m.RoiSet.zip", "w") as archive:
            archive.comment = comment
        assert main(["import-outlines", str(tmp_path / "p"), str(tmp_path / "m.RoiSet.zip")]) == 0
