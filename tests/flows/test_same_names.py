"""Hold that two micrographs of one name in two folders stay two, whatever is done with them at the
command line.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from two_folders import (
    ALL,
    BOTH,
    DISCS,
    NAME,
    TwoFolders,
    add_network,
    label_all,
    labels_of,
    received,
    refused,
    two_folders,
)

from poregui.cli.main import main
from poregui.store.files import file_hash
from poregui.store.project import Project
from poregui.workflow.exporting.export_kinds import export


@pytest.fixture
def two(tmp_path: Path) -> TwoFolders:
    return two_folders(tmp_path)


@pytest.fixture
def found(two: TwoFolders) -> TwoFolders:
    """Return the project with the pores of both found, those of S1 labelled Keyhole and those of S2
    Gas.
    """
    assert main(["detect", str(two.project)]) == 0
    label_all(two)
    return two


def test_both_are_imported_and_shown_with_their_folder(two: TwoFolders, capsys) -> None:
    rows = received(capsys, "micrographs", two.project)["micrographs"]
    assert [(row["name"], row["shown_name"]) for row in rows] == [
        (NAME, "S1/image_001.png"),
        (NAME, "S2/image_001.png"),
    ]
    assert [row["sha256"] for row in rows] == [file_hash(two.file(specimen)) for specimen in BOTH]
    assert main(["micrographs", str(two.project)]) == 0
    shown = capsys.readouterr().out
    assert "S1/image_001.png" in shown
    assert "S2/image_001.png" in shown


@pytest.mark.parametrize(
    "text",
    ["S2/image_001.png", "#2", "2", "s2/IMAGE_001.png", "data/S2/image_001", "S2\\image_001.png"],
)
def test_one_of_them_is_chosen_by_path_or_number(two: TwoFolders, text: str, capsys) -> None:
    received(capsys, "micrographs", two.project, "--name", text, "--set-scale", "2")
    there = two.micrographs()
    assert {name: one.um_per_px for name, one in there.items()} == {"S1": 0.5, "S2": 2.0}
    assert [
        one["path"]
        for one in received(capsys, "detect", two.project, "--micrograph", text)["micrographs"]
    ] == [there["S2"].path]


def test_a_path_as_the_prompt_completes_it_is_that_file(
    two: TwoFolders, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(two.data)
    received(capsys, "micrographs", two.project, "--name", "./S2/image_001.png", "--set-scale", "2")
    monkeypatch.chdir(two.data / "S1")
    received(
        capsys, "micrographs", two.project, "--name", "../S1/image_001.png", "--set-scale", "3"
    )
    assert {name: one.um_per_px for name, one in two.micrographs().items()} == {
        "S1": 3.0,
        "S2": 2.0,
    }


@pytest.mark.parametrize(
    "text",
    [
        ("micrographs", "--name", NAME, "--set-scale", "2"),
        ("micrographs", "--name", "image_001", "--no-surface"),
        ("detect", "--micrograph", NAME),
    ],
)
def test_a_name_that_both_bear_is_a_sentence_that_lists_them_and_changes_nothing(
    two: TwoFolders, text: tuple[str, ...], capsys
) -> None:
    before = two.micrographs()
    said = refused(capsys, text[0], two.project, *text[1:])
    assert "can mean 2 micrographs: S1/image_001.png (#1) and S2/image_001.png (#2)" in said
    assert two.micrographs() == before
    with Project.open(two.project, read_only=True) as project:
        assert project.crops() == []


def test_a_pattern_may_name_folders(two: TwoFolders, capsys) -> None:
    received(capsys, "micrographs", two.project, "--name", "S2/*", "--set-scale", "2")
    assert {name: one.um_per_px for name, one in two.micrographs().items()} == {
        "S1": 0.5,
        "S2": 2.0,
    }
    assert "No micrograph is named 'S3/*'" in refused(
        capsys, "micrographs", two.project, "--name", "S3/*"
    )
    assert (
        len(received(capsys, "micrographs", two.project, "--name", "image_*")["micrographs"]) == 2
    )


def specimens_of(two: TwoFolders) -> dict[str, str | None]:
    with Project.open(two.project, read_only=True) as project:
        names = {one.id: one.name for one in project.specimens()}
        return {
            Path(one.path).parent.name: names.get(one.specimen_id or 0)
            for one in project.micrographs()
        }


def test_a_name_alone_makes_no_common_specimen_of_them_and_a_folder_makes_two(
    two: TwoFolders, capsys
) -> None:
    notes = received(capsys, "micrographs", two.project, "--specimen-pattern", "{specimen}_*.png")[
        "notes"
    ]
    assert specimens_of(two) == {"S1": None, "S2": None}
    assert "images in different folders share a file name" in notes[0]
    received(capsys, "micrographs", two.project, "--specimen-pattern", "{specimen}/*.png")
    assert specimens_of(two) == {"S1": "S1", "S2": "S2"}


def test_a_person_may_put_them_into_one_specimen(two: TwoFolders, capsys) -> None:
    received(capsys, "micrographs", two.project, "--specimen", "T")
    assert specimens_of(two) == {"S1": "T", "S2": "T"}


@pytest.mark.parametrize("pattern", ["{specimen}/*.png", r"/(S\d)/[^/]+$"])
def test_an_import_reads_the_specimen_out_of_the_folder(
    tmp_path: Path, pattern: str, capsys
) -> None:
    two = two_folders(tmp_path)
    fresh = TwoFolders(tmp_path / "fresh", two.data)
    assert main(["new", str(fresh.project)]) == 0
    received(
        capsys, "import", fresh.project, two.data, "--as", "micrographs", "--specimen-from", pattern
    )
    assert specimens_of(fresh) == {"S1": "S1", "S2": "S2"}


def test_an_import_one_folder_after_the_other_makes_no_common_specimen(
    tmp_path: Path, capsys
) -> None:
    two = two_folders(tmp_path)
    fresh = TwoFolders(tmp_path / "fresh", two.data)
    assert main(["new", str(fresh.project)]) == 0
    rule = ("--as", "micrographs", "--specimen-from", "{specimen}_*.png")
    received(capsys, "import", fresh.project, two.data / "S1", *rule)
    notes = received(capsys, "import", fresh.project, two.data / "S2", *rule)["notes"]
    assert specimens_of(fresh) == {"S1": "image", "S2": None}
    assert any("images in different folders share a file name" in note for note in notes)


def test_pores_are_found_on_each_and_tables_tell_them_apart(
    found: TwoFolders, tmp_path: Path, capsys
) -> None:
    assert labels_of(found.project) == ALL
    measured = received(capsys, "measure", found.project, tmp_path / "pores.csv")
    assert [one["micrograph"] for one in measured["micrographs"]] == [
        "S1/image_001.png",
        "S2/image_001.png",
    ]
    there = found.micrographs()
    for table in ("pores.csv", "labels.csv"):
        if table == "labels.csv":
            received(capsys, "export", found.project, tmp_path / table, "--format", "csv")
        with open(tmp_path / table, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for specimen, one in there.items():
            own = [row for row in rows if row["sha256"] == one.sha256]
            assert {
                (row["micrograph"], row["path"], row["micrograph_id"], row["label"]) for row in own
            } == {(one.shown_name, one.path, str(one.id), ALL[specimen][0])}
            assert len(own) == len(DISCS[specimen])


def test_each_overlay_shows_its_own_picture_and_outlines(found: TwoFolders, tmp_path: Path) -> None:
    with Project.open(found.project, read_only=True) as project:
        assert export(project, "overlays", tmp_path / "out") == 2
        colours = {
            one.name: [int(one.colour[k : k + 2], 16) for k in (1, 3, 5)]
            for one in project.classes()
        }
    images = {
        name: np.asarray(Image.open(tmp_path / "out" / name / NAME).convert("RGB")).astype(int)[
            :600, :600
        ]
        for name in BOTH
    }
    middles = {
        "S1": (150, 150),
        "S2": (300, 300),
    }  # of a disc in this picture, and far from any in the other
    for name, other in (("S1", "S2"), ("S2", "S1")):
        image = images[name]
        assert image[middles[name]].mean() < 100 < image[middles[other]].mean()
        of_each = {
            label: (np.abs(image - colour).sum(axis=2) < 30).sum()
            for label, colour in colours.items()
        }
        assert of_each[ALL[name][0]] > 100
        assert of_each[ALL[other][0]] == 0


def applied(capsys, two: TwoFolders, *folders: str, out: Path, more: tuple = ()) -> dict:
    return received(
        capsys, "apply", two.project, *(two.data / name for name in folders), "--out", out, *more
    )


def fields_in(out: Path) -> dict[str, dict]:
    """Return what field.json says in each folder of results, by the folder of the picture."""
    found = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(out.glob("fields/*/field.json"))
    ]
    return {Path(one["file"]).parent.name: one for one in found}


def test_results_of_one_never_take_the_place_of_the_other_s(
    two: TwoFolders, tmp_path: Path, capsys
) -> None:
    add_network(two, tmp_path)
    out = tmp_path / "out"
    first = applied(capsys, two, "S1", out=out)
    before = {path: path.read_bytes() for path in (out / "fields").rglob("*") if path.is_file()}
    second = applied(capsys, two, "S2", out=out)
    assert (first["pores"], second["pores"]) == (4, 9)
    assert {path: path.read_bytes() for path in before} == before
    assert {name: one["pores"] for name, one in fields_in(out).items()} == {"S1": 4, "S2": 9}
    assert second["kept"] == "summary-1.json"
    assert json.loads((out / "summary-1.json").read_text(encoding="utf-8"))["pores"] == 4
    assert applied(capsys, two, "S1", out=out)["taken_up"] == 1
    both = applied(capsys, two, "S2", "S1", out=out)
    assert (both["taken_up"], both["pores"], len(list((out / "fields").iterdir()))) == (2, 13, 2)


def test_a_micrograph_that_changed_by_leave_replaces_its_own_result(
    two: TwoFolders, tmp_path: Path, capsys
) -> None:
    add_network(two, tmp_path)
    out = tmp_path / "out"
    applied(capsys, two, "S1", "S2", out=out)
    received(capsys, "micrographs", two.project, "--name", "S2/*", "--set-scale", "1")
    again = applied(capsys, two, "S1", "S2", out=out)
    assert again["taken_up"] == 1
    assert len(list((out / "fields").iterdir())) == 2
    assert fields_in(out)["S2"]["um_per_px"] == 1.0


def test_without_specimens_they_are_two_and_the_report_tells_them_apart(
    two: TwoFolders, tmp_path: Path, capsys
) -> None:
    add_network(two, tmp_path)
    values = applied(
        capsys, two, "S1", "S2", out=tmp_path / "out", more=("--report", tmp_path / "report.html")
    )
    assert [(one["name"], one["fields"]) for one in values["specimens"]] == [
        ("S1/image_001.png", 1),
        ("S2/image_001.png", 1),
    ]
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for specimen in BOTH:
        assert f"Specimen {specimen}/image_001.png" in text
        assert file_hash(two.file(specimen)) in text
        assert str(two.file(specimen)) in text


def test_the_same_picture_under_two_paths_is_said_and_counted_where_a_person_wants_it(
    two: TwoFolders, tmp_path: Path, capsys
) -> None:
    two.file("S2").write_bytes(two.file("S1").read_bytes())
    fresh = tmp_path / "fresh"
    assert main(["new", str(fresh)]) == 0
    values = received(capsys, "import", fresh, two.data, "--as", "micrographs")
    assert values["micrographs"] == 1
    assert (
        "S2/image_001.png is the same image as S1/image_001.png; it was imported once."
        in values["notes"]
    )
    again = received(capsys, "import", fresh, two.data / "S2", "--as", "micrographs")
    assert again["present"] == 1
    assert any("is the same image as image_001.png" in note for note in again["notes"])
    add_network(two, tmp_path)
    model = tmp_path / "model" / "model.onnx"
    applied_twice = received(
        capsys, "apply", model, two.data / "S1", two.data / "S2", "--out", tmp_path / "out"
    )
    assert applied_twice["warnings"][0] == (
        "S1/image_001.png, S2/image_001.png are the same image, counted 2 times: keep only one."
    )
    assert len(list((tmp_path / "out" / "fields").iterdir())) == 2


def test_a_packed_project_keeps_them_apart(found: TwoFolders, tmp_path: Path, capsys) -> None:
    import zipfile

    received(capsys, "pack", found.project, tmp_path / "p.zip")
    with zipfile.ZipFile(tmp_path / "p.zip") as packed:
        packed.extractall(tmp_path / "elsewhere")
    copy = TwoFolders(tmp_path / "elsewhere" / "project", found.data)
    assert {one.shown_name for one in copy.micrographs().values()} == {
        "S1/image_001.png",
        "S2/image_001.png",
    }
    assert labels_of(copy.project) == ALL
    with Project.open(copy.project, read_only=True) as project:
        assert [file_hash(project.micrograph_file(one)) for one in project.micrographs()] == [
            one.sha256 for one in project.micrographs()
        ]


def test_the_test_side_is_chosen_among_both(found: TwoFolders, capsys) -> None:
    with Project.open(found.project) as project, project.transaction():
        for one in project.micrographs():
            ids = [crop.id for crop in project.crops(micrograph_id=one.id)]
            project.put_labels(
                ((crop_id, 1 + index % 2) for index, crop_id in enumerate(ids)), who="a", how="hand"
            )
    said = refused(capsys, "split", found.project, "--test", NAME)
    assert "'image_001.png' can mean S1/image_001.png and S2/image_001.png." in said
    assert "Choose among: S1/image_001.png, S2/image_001.png." in refused(
        capsys, "split", found.project, "--test", "S3/image_001.png"
    )
    received(capsys, "split", found.project, "--test", "S2/image_001.png")
    with Project.open(found.project, read_only=True) as project:
        assert project.test_split() == {f"micrograph:{found.micrographs()['S2'].id}"}
