"""Several people: a project is packed whole and verified, and labels of another copy come in with
their conflicts.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from builders import add_crops, add_micrograph

from poregui.cli.main import main
from poregui.domain.classes import UNSURE
from poregui.domain.errors import PoreguiError
from poregui.store import packing
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import add_class, label_crops
from poregui.workflow.exporting.pack import pack
from poregui.workflow.importing.merge_labels import plan_merge


@pytest.fixture
def project(tmp_path: Path):
    """Yield a project with a micrograph outside its folder, four crops, and a run."""
    (tmp_path / "far").mkdir()
    with Project.create(tmp_path / "pores") as made:
        micrograph = add_micrograph(made, tmp_path / "far" / "Größe 1.png", um_per_px=0.5)
        add_crops(made, [1, 2, None, None], micrograph=micrograph)
        run = made.folder / "runs" / "001"
        run.mkdir()
        for name in ("dataset.json", "trainer.log", "model.onnx", "checkpoint.keras"):
            (run / name).write_bytes(name.encode())
        yield made


def unpacked(out: Path, folder: Path) -> Project:
    with zipfile.ZipFile(out) as packed:
        packed.extractall(folder)
    return Project.open(folder / "pores")


def relabel(project: Project, crop_id: int, label: int | None, who: str) -> None:
    History(project).apply(label_crops(project, [crop_id], label, who=who))


def test_a_packed_project_opens_elsewhere_with_its_labels_micrographs_and_runs(project, tmp_path):
    received = pack(project, tmp_path / "out.zip")
    assert (received.micrographs, received.runs, received.missing) == (1, 1, ())
    shutil.rmtree(tmp_path / "far")
    with unpacked(tmp_path / "out.zip", tmp_path / "elsewhere") as copy:
        assert copy.labels() == project.labels()
        assert copy.pixels.has(copy.crops()[0].pixels)
        assert copy.micrograph_file(copy.micrographs()[0]).is_file()
        assert sorted(path.name for path in copy.runs()[0].path.iterdir()) == [
            "dataset.json",
            "model.onnx",
        ]
    assert project.micrograph_file(project.micrographs()[0]).parent.name == "far"
    assert not list(tmp_path.glob(".pack-*"))


def test_micrographs_and_runs_can_stay_at_home(project, tmp_path):
    received = pack(project, tmp_path / "out.zip", micrographs=False, runs=False)
    assert received.files == 2
    assert zipfile.ZipFile(tmp_path / "out.zip").namelist() == [
        "pores/project.db",
        "pores/pixels.db",
    ]


def test_a_missing_micrograph_is_named_and_the_rest_is_packed(project, tmp_path):
    shutil.rmtree(tmp_path / "far")
    received = pack(project, tmp_path / "out.zip")
    assert received.missing == ("Größe 1.png",)
    assert "Größe 1.png" in received.text


def test_what_does_not_read_back_takes_nothing_s_place(project, tmp_path, monkeypatch):
    (tmp_path / "out.zip").write_bytes(b"the copy of yesterday")
    copy, calls = packing._copy, []

    def spoilt(source, to):
        calls.append(to)
        return copy(source, to) if to is not None else "other"

    monkeypatch.setattr(packing, "_copy", spoilt)
    with pytest.raises(PoreguiError, match="came back changed"):
        pack(project, tmp_path / "out.zip")
    assert (tmp_path / "out.zip").read_bytes() == b"the copy of yesterday"


@pytest.fixture
def other(project, tmp_path):
    """Yield a copy that a colleague labelled on: crop 2 differently, crop 3 for the first time."""
    pack(project, tmp_path / "out.zip", runs=False)
    with unpacked(tmp_path / "out.zip", tmp_path / "colleague") as copy:
        relabel(copy, 2, 3, "bo")
        relabel(copy, 3, UNSURE, "bo")
        yield copy


def test_labels_of_a_copy_fill_the_gaps_and_conflicts_are_listed(project, other):
    plan = plan_merge(project, other)
    assert (plan.taken, plan.same) == (1, 1)
    (conflict,) = plan.conflicts
    assert (conflict.crop_id, conflict.mine, conflict.theirs) == (2, "Keyhole", "Lack of Fusion")
    assert (conflict.my_who, conflict.their_who, conflict.taken) == ("test", "bo", "mine")
    history = History(project)
    history.apply(plan.edit)
    assert project.labels() == {1: 1, 2: 2, 3: UNSURE, 4: None}
    assert project.label_log(3)[-1].who == "bo"
    history.undo()
    assert project.labels() == {1: 1, 2: 2, 3: None, 4: None}


@pytest.mark.parametrize(("settle", "label"), [("theirs", 3), ("newest", 3), ("mine", 2)])
def test_a_conflict_is_settled_as_asked(project, other, settle, label):
    History(project).apply(plan_merge(project, other, settle=settle).edit)
    assert project.labels()[2] == label


def test_the_newest_label_may_be_mine(project, other):
    relabel(project, 2, 1, "ada")
    assert plan_merge(project, other, settle="newest").conflicts[0].taken == "mine"


def test_a_class_that_is_not_here_and_crops_that_are_not_here_are_counted(project, other):
    History(other).apply(add_class(other, "Crack"))
    relabel(other, 4, other.classes()[-1].id, "bo")
    add_crops(other, [1], seed=9)
    plan = plan_merge(project, other)
    assert plan.unknown == {"Crack": 1}
    assert plan.only_there == 1
    assert any("Crack" in line for line in plan.lines)


def test_a_project_is_not_merged_with_itself(project):
    with pytest.raises(PoreguiError, match="with itself"):
        plan_merge(project, project)


def test_the_command_line_packs_and_merges(project, other, tmp_path, capsys):
    mine, theirs = str(project.folder), str(other.folder)
    project.close()
    other.close()
    assert main(["pack", theirs, str(tmp_path / "two.zip"), "--without", "runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == 0
    assert main(["pack", theirs, str(tmp_path / "two.zip"), "--without", "labels"]) == 2
    assert main(["merge-labels", mine, theirs, "--dry-run"]) == 0
    assert main(["merge-labels", mine, theirs, "--settle", "theirs", "--json"]) == 0
    received = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (received["taken"], len(received["conflicts"]), received["done"]) == (1, 1, True)
    with Project.open(Path(mine)) as again:
        assert again.labels()[2] == 3
