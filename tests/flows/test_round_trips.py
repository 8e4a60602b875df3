"""Hold that what leaves a project comes back into another one: labels,
specimens, scales and sides.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import add_crops, add_micrograph, add_specimens

from poregui.cli.main import main
from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.errors import PoreguiError
from poregui.store.project import Project
from poregui.workflow.editing.edits import label_name
from poregui.workflow.exporting.export_kinds import export
from poregui.workflow.exporting.formats.labels_csv import read_labels_csv


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a project with crops of two specimens on a micrograph and beside,
    and return its folder.
    """
    with Project.create(tmp_path / "a") as project:
        first, second = add_specimens(project, "S1", "=S 2")
        micrograph = add_micrograph(
            project, tmp_path / "m.png", specimen_id=first.id, um_per_px=0.5
        )
        gas, keyhole, fusion = (c.id for c in project.classes())
        add_crops(
            project,
            [gas, keyhole, NOT_A_PORE, UNSURE, None],
            micrograph=micrograph,
            specimen_id=first.id,
        )
        add_crops(project, [fusion, gas], specimen_id=second.id, given_split="test", seed=7)
    return tmp_path / "a"


def described(folder: Path) -> list[tuple[object, ...]]:
    """Return what each labelled crop of a project is, by its pixels."""
    with Project.open(folder, read_only=True) as project:
        specimens = {s.id: s.name for s in project.specimens()}
        classes = project.classes(retired=True)
        return sorted(
            (
                crop.pixels,
                label_name(crop.label, classes),
                specimens.get(crop.specimen_id or 0, ""),
                crop.um_per_px,
            )
            for crop in project.crops()
            if crop.label is not None and crop.label > 0
        )


@pytest.mark.parametrize("name", ["class-folders", "yolo"])
def test_class_folders_come_back_with_labels_specimens_and_scales(
    source: Path, tmp_path: Path, name: str
) -> None:
    with Project.open(source, read_only=True) as project:
        assert export(project, name, tmp_path / "out") == 4
    assert main(["new", str(tmp_path / "b")]) == 0
    assert main(["import", str(tmp_path / "b"), str(tmp_path / "out")]) == 0
    assert described(tmp_path / "b") == described(source)
    with Project.open(tmp_path / "b", read_only=True) as project:
        sides = [crop.given_split for crop in project.crops()]
        assert sides.count("test") == (2 if name == "yolo" else 0)


def test_the_manifest_is_no_picture_that_was_passed_over_and_words_of_a_person_go_before_it(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(source, read_only=True) as project:
        export(project, "class-folders", tmp_path / "out")
    assert main(["new", str(tmp_path / "b")]) == 0
    assert (
        main(
            [
                "import",
                str(tmp_path / "b"),
                str(tmp_path / "out"),
                "--specimen",
                "X",
                "--um-per-px",
                "2",
            ]
        )
        == 0
    )
    assert "manifest.csv" not in capsys.readouterr().out
    assert {row[2:] for row in described(tmp_path / "b")} == {("X", 2.0)}


def test_a_spoilt_manifest_says_nothing_and_stops_nobody(source: Path, tmp_path: Path) -> None:
    with Project.open(source, read_only=True) as project:
        export(project, "class-folders", tmp_path / "out")
    (tmp_path / "out" / "manifest.csv").write_bytes(b"\xff\xfe\0file,specimen\nGas")
    assert main(["new", str(tmp_path / "b")]) == 0
    assert main(["import", str(tmp_path / "b"), str(tmp_path / "out")]) == 0
    assert {row[2] for row in described(tmp_path / "b")} == {""}


def test_labels_as_csv_come_back_onto_the_micrographs(source: Path, tmp_path: Path) -> None:
    with Project.open(source, read_only=True) as project:
        export(project, "csv", tmp_path / "labels.csv")
        wanted = {
            (c.box, label_name(c.label, project.classes()))
            for c in project.crops()
            if c.box is not None
        }
    with Project.create(tmp_path / "b") as project:
        add_micrograph(project, tmp_path / "m.png", um_per_px=0.5)
    asked = ["import-outlines", str(tmp_path / "b"), str(tmp_path / "labels.csv")]
    assert main(asked) == 0
    with Project.open(tmp_path / "b", read_only=True) as project:
        found = {(c.box, label_name(c.label, project.classes())) for c in project.crops()}
    assert found == wanted
    assert main(asked) == 0
    with Project.open(tmp_path / "b", read_only=True) as project:
        assert len(project.crops()) == len(wanted)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("micrograph,x,y,width,height\nm.png,1,1,5,5\n", "has no column label"),
        ("micrograph,x,y,width,height,label\nm.png,1,1,five,5,Gas\n", "Row 2 .* column width"),
        ("micrograph,x,y,width,height,label\nm.png,1,1,-5,5,Gas\n", "Row 2 .* width is below"),
        ("micrograph,x,y,width,height,label\n,,,5,5,Gas\n", "No row of .* names a micrograph"),
        ("", "has no column micrograph"),
        ("\0\xff", "it is no text"),
    ],
)
def test_a_csv_of_something_else_gets_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.csv").write_bytes(text.encode("utf-8"))
    with pytest.raises(PoreguiError, match=said):
        read_labels_csv(tmp_path / "x.csv")
