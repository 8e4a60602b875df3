"""Hold what the project folder promises: everything decided is on disk, one
writer, clear refusals.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from builders import add_crops, add_micrograph, add_specimens, grey

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.errors import PoreguiError, ProjectError, ReadOnlyError
from poregui.store.database import SCHEMA_VERSION
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops


def test_a_new_project_has_three_classes_with_keys_letters_and_colours_of_their_own(
    tmp_path: Path,
) -> None:
    with Project.create(tmp_path / "p") as project:
        classes = project.classes()
    assert [(c.name, c.key, c.letter) for c in classes] == [
        ("Gas", "1", "G"),
        ("Keyhole", "2", "K"),
        ("Lack of Fusion", "3", "L"),
    ]
    assert len({c.colour for c in classes}) == 3


def test_a_label_is_there_again_when_the_project_is_reopened(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        one, two, three = add_crops(project, [None, None, None])
        for crop, label in ((one, 2), (two, NOT_A_PORE), (three, UNSURE)):
            History(project).apply(label_crops(project, [crop], label, who="Ada"))
    with Project.open(tmp_path / "p") as project:
        assert [crop.label for crop in project.crops()] == [2, NOT_A_PORE, UNSURE]
        first = project.label_log()[0]
        assert (first.crop_id, first.label, first.who, first.how) == (one, 2, "Ada", "hand")


def test_a_label_survives_a_process_that_is_killed_right_after_it(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        (crop,) = add_crops(project, [None])
    program = (
        "import os, sys; from pathlib import Path; from poregui.store.project import Project;from "
        "poregui.workflow.editing.label_edits import label_crops; from "
        "poregui.workflow.editing.history import History;p = Project.open(Path(sys.argv[1])); h = "
        "History(p);h.apply(label_crops(p, [int(sys.argv[2])], 3, who='x')); os.kill(os.getpid(), "
        "9)"
    )
    root = Path(__file__).resolve().parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "p"), str(crop)], cwd=root, check=False
    )
    assert killed.returncode != 0
    with Project.open(tmp_path / "p") as project:
        assert not project.read_only
        assert project.crop(crop).label == 3


def test_a_second_opening_is_read_only_and_refuses_edits_with_a_sentence(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as first:
        (crop,) = add_crops(first, [1])
        with Project.open(tmp_path / "p") as second:
            assert second.read_only
            assert second.crop(crop).label == 1
            with pytest.raises(ReadOnlyError, match="reading only"):
                History(second).apply(label_crops(second, [crop], 2, who="x"))
        assert first.crop(crop).label == 1
    with Project.open(tmp_path / "p") as again:
        assert not again.read_only


def test_a_project_that_could_not_be_made_leaves_the_folder_as_empty_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ProjectError("The disk is full.", "Make room.")

    for step in (
        "poregui.store.project.create_database",
        "poregui.store.project.Project.put_classes",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(step, full)
            with pytest.raises(ProjectError, match="full"):
                Project.create(tmp_path / "p")
        assert list((tmp_path / "p").iterdir()) == []
    with Project.create(tmp_path / "p") as project:
        assert len(project.classes()) == 3


def test_a_folder_that_cannot_be_written_is_not_said_to_be_open_in_another_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Project.create(tmp_path / "p").close()
    monkeypatch.setattr("poregui.store.project.os.access", lambda path, mode: False)
    with (
        Project.open(tmp_path / "p") as project,
        pytest.raises(ReadOnlyError, match=r"read-only\. Copy the project"),
    ):
        project.check_writable()


def test_a_crop_keeps_its_pixels_when_its_micrograph_vanished(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        file = tmp_path / "m.png"
        micrograph = add_micrograph(project, file)
        add_crops(project, [1], micrograph=micrograph, seed=3)
        file.unlink()
    with Project.open(tmp_path / "p") as project:
        (crop,) = project.crops()
        assert project.pixels.get(crop.pixels).array.shape == (24, 32)


def test_sixteen_bit_pixels_come_back_at_their_own_depth(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        deep = CropPixels(grey(1).astype("u2") * 200, 12.0, 50_000.0)
        back = project.pixels.get(project.pixels.add(deep))
    assert back.array.dtype == "u2"
    assert (back.array == deep.array).all()
    assert (back.grey_low, back.grey_high) == (12.0, 50_000.0)


def test_equal_pixels_are_kept_once(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        keys = {project.pixels.add(CropPixels(grey(1), 0.0, 255.0)) for _ in range(3)}
        assert len(keys) == 1
        rows = sqlite3.connect(tmp_path / "p" / "pixels.db")
        assert rows.execute("SELECT COUNT(*) FROM pixels").fetchone() == (1,)
        rows.close()


def test_crops_take_scale_and_specimen_from_their_micrograph(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        (specimen,) = add_specimens(project, "S1")
        micrograph = add_micrograph(
            project, tmp_path / "m.png", specimen_id=specimen.id, um_per_px=0.5
        )
        add_crops(project, [1], micrograph=micrograph)
        (crop,) = project.crops()
    assert (crop.specimen_id, crop.um_per_px) == (specimen.id, 0.5)


def test_a_project_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    Project.create(tmp_path / "p").close()
    file = tmp_path / "p" / "project.db"
    database = sqlite3.connect(file)
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    database.commit()
    database.close()
    before = file.read_bytes()
    with pytest.raises(ProjectError, match="newer poregui"):
        Project.open(tmp_path / "p")
    assert file.read_bytes() == before


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "empty"])
def test_a_damaged_database_is_refused_with_a_sentence_and_never_changed(
    tmp_path: Path, damage: str
) -> None:
    with Project.create(tmp_path / "p") as project:
        add_crops(project, [1, 2, 3] * 100)
    file = tmp_path / "p" / "project.db"
    content = bytearray(file.read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "overwritten":
        content[100:2000] = os.urandom(1900)
    else:
        content = bytearray()
    file.write_bytes(bytes(content))
    with pytest.raises(ProjectError):
        Project.open(tmp_path / "p")
    assert file.read_bytes() == bytes(content)


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"project\.db"):
        Project.open(tmp_path)


def test_a_project_is_not_made_where_other_files_are(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("x")
    with pytest.raises(ProjectError, match="not empty"):
        Project.create(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


@pytest.mark.parametrize(
    "names", [["A"], ["A", "a"], ["A", ""], [str(i) for i in range(31)], ["A", "Unsure"]]
)
def test_unfit_class_names_are_refused_before_anything_is_made(
    tmp_path: Path, names: list[str]
) -> None:
    with pytest.raises(PoreguiError):
        Project.create(tmp_path / "p", names)
    assert not (tmp_path / "p").exists()


def test_thirty_classes_differ_in_letter_and_in_colour_or_pattern(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", [f"class {i}" for i in range(30)]) as project:
        classes = project.classes()
    assert len({c.letter for c in classes}) == 30
    assert len({(c.colour, c.pattern) for c in classes}) == 30
    assert [c.key for c in classes][:10] == [*"123456789", ""]


@pytest.mark.parametrize(
    "name", ["mit Leerzeichen", "Größe µm", "気孔", "🔬 pores", "50% #1 'quoted'", "-lead"]
)
def test_a_project_works_in_a_folder_with_an_odd_name(tmp_path: Path, name: str) -> None:
    with Project.create(tmp_path / name) as project:
        add_crops(project, [1, None])
    with Project.open(tmp_path / name) as project:
        assert [crop.label for crop in project.crops()] == [1, None]


def test_a_write_that_the_disk_refuses_changes_nothing_and_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project.create(tmp_path / "p") as project:
        (crop,) = add_crops(project, [1])
        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorname = "SQLITE_FULL"

        def refuse(*_: object, **__: object) -> None:
            raise full

        history = History(project)
        with monkeypatch.context() as broken:
            broken.setattr(project, "log_labels", refuse)
            with pytest.raises(ProjectError, match="full"):
                history.apply(label_crops(project, [crop], 2, who="x"))
        assert project.crop(crop).label == 1
        assert history.undo_text == ""
        history.apply(label_crops(project, [crop], 3, who="x"))
        assert project.crop(crop).label == 3


def test_a_project_can_be_moved_with_its_micrographs(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with Project.create(tmp_path / "a" / "p") as project:
        add_micrograph(project, tmp_path / "a" / "m.png")
    shutil.move(tmp_path / "a", tmp_path / "b")
    with Project.open(tmp_path / "b" / "p") as project:
        assert project.micrograph_file(project.micrographs()[0]) == tmp_path / "b" / "m.png"
