"""Hold how classes are known beyond their project: locked recipes, exported networks, copies that
are merged.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from builders import add_crops, add_specimens
from renaming import (
    RENAMINGS,
    Renaming,
    applied,
    as_older,
    asked,
    by_id,
    change,
    ids_by_name,
    label_disc,
    name_all,
    project_with_named_pores,
    refused,
    rename,
)

from poregui.domain.errors import PoreguiError
from poregui.store.project import Project
from poregui.workflow.applying.locked_recipe import lock_run
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import add_class, label_crops, merge_classes, retire_class
from poregui.workflow.exporting.export_run import export_model, sidecar_of
from poregui.workflow.importing.class_names import plan_classes
from poregui.workflow.importing.merge_labels import plan_merge

every_renaming = pytest.mark.parametrize("renaming", RENAMINGS.values(), ids=RENAMINGS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project_with_named_pores(tmp_path)


# ---- what leaves a project ------------------------------------------------------------------


def strip(file: Path) -> None:
    """Take from a locked recipe what older versions did not write, and seal it anew."""
    from poregui.store.files import file_hash
    from poregui.workflow.applying.locked_recipe import read_lock

    lock = read_lock(file)
    sidecar = file.with_name("model.json")
    received = json.loads(sidecar.read_text(encoding="utf-8"))
    del received["class_uids"]
    sidecar.write_text(json.dumps(received), encoding="utf-8")
    from dataclasses import replace

    file.write_text(
        json.dumps(replace(lock, sidecar=file_hash(sidecar)).to_json()), encoding="utf-8"
    )


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("text", ["two are swapped", "one has the former name of another"])
def test_a_lock_of_the_project_itself_goes_by_ids(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, older: bool
) -> None:
    asked(capsys, "lock", folder, "--by", "Ann")
    if older:
        strip(folder / "locked" / "locked.json")
    before = applied(capsys, folder)
    change(folder, RENAMINGS[text])
    after = applied(capsys, folder)
    assert (after["taken_up"], by_id(after)) == (2, by_id(before))
    with Project.open(folder, read_only=True) as project:
        assert [ids_by_name(project)[name] for name in after["classes"]] == [1, 2, 3]


def test_an_exported_network_has_the_names_of_now_and_knows_its_classes_again(folder: Path) -> None:
    change(folder, name_all({1: "Keyhole", 2: "Gas"}))
    with Project.open(folder) as project:
        export_model(project, project.runs()[0], folder.parent / "net")
        received = json.loads((folder.parent / "net" / "model.json").read_text(encoding="utf-8"))
        assert received == json.loads(json.dumps(sidecar_of(project, project.runs()[0])))
        assert (received["classes"], received["class_ids"]) == (
            ["Keyhole", "Gas", "Lack of Fusion"],
            [1, 2, 3],
        )
        assert received["class_uids"] == [project.class_uids()[i] for i in (1, 2, 3)]
    card = (folder.parent / "net" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "Classifies pores in micrographs as Keyhole, Gas or Lack of Fusion" in card
    assert "Keyhole (called Gas when it was trained)" in card


def other_project(folder: Path, *names: str) -> Path:
    """Return another project beside, with classes of these names and one named pore of each on
    field_1.
    """
    with Project.create(folder.parent / "other", names) as project:
        (specimen,) = add_specimens(project, "S")
        from apply_desk import add_micrographs

        add_micrographs(project, folder.parent)
        assert specimen.id == 1
        ids = ids_by_name(project)
        label_disc(project, "field_1.png", (450, 150), 40, ids[" ".join(names[0].split())])
    return folder.parent / "other"


@pytest.mark.parametrize("older", [False, True])
def test_a_lock_from_another_project_goes_by_names_whatever_the_ids(
    folder: Path, capsys: pytest.CaptureFixture[str], older: bool
) -> None:
    asked(capsys, "lock", folder, "--by", "Ann", "--out", folder.parent / "l")
    if older:
        strip(folder.parent / "l" / "locked.json")
    other = other_project(folder, "LACK OF  FUSION", "keyhole", "Crack", "gas")
    asked(capsys, "lock", other, "--take", folder.parent / "l" / "locked.json")
    received = applied(capsys, other)
    assert received["class_ids"] == [4, 2, 1]
    assert received["classes"] == ["gas", "keyhole", "LACK OF FUSION"]
    assert {i: n for i, (_, n) in by_id(received).items()} == {
        4: 5,
        2: 3,
        1: 2,
    }  # the person's is the 34 px disc


@pytest.mark.parametrize("older", [False, True])
def test_a_lock_whose_classes_are_not_all_here_is_refused_and_names_them(
    folder: Path, capsys: pytest.CaptureFixture[str], older: bool
) -> None:
    asked(capsys, "lock", folder, "--by", "Ann", "--out", folder.parent / "l")
    if older:
        strip(folder.parent / "l" / "locked.json")
    other = other_project(folder, "Gas", "Crack")
    file, image = folder.parent / "l" / "locked.json", folder.parent / "field_1.png"
    for text in (("lock", other, "--take", file), ("apply", other, image, "--locked", file)):
        received = refused(capsys, *text)
        assert "The classes of run 1 of pores are not those of other" in received
        assert "other has no class Keyhole and Lack of Fusion" in received
    assert not (other / "locked").exists()
    asked(
        capsys, "apply", file, image, "--workers", 1, "--out", folder.parent / "o"
    )  # without a project it needs none


def test_a_lock_of_a_copy_of_the_project_goes_by_what_copies_share(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    change(copy, name_all({1: "Keyhole", 2: "Gas"}))
    asked(capsys, "lock", copy, "--by", "Ann", "--out", folder.parent / "l")
    before = applied(capsys, folder)
    received = applied(capsys, folder, "--locked", folder.parent / "l" / "locked.json")
    assert by_id(received) == by_id(before)
    assert received["classes"] == before["classes"]


def test_a_name_that_means_another_class_here_is_not_guessed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)

    def part(project: Project, apply: Any) -> None:
        apply(add_class(project, "Crack"))
        crops = add_crops(project, [4] * 25, specimen_id=1, seed=5)
        assert len(crops) == 25

    change(copy, part)
    with Project.open(copy) as project:
        from finished_runs import finish
        from size_model import write_size_model

        from poregui.domain.recipe import Recipe
        from poregui.workflow.training.prepare_dataset import freeze

        run = finish(
            freeze(project, Recipe()),
            lambda crop: tuple(1.0 if i == crop.label else 0.0 for i in range(4)),
        )
        names = run.read_dataset().classes
        model = write_size_model(folder.parent / "m4", (10.0, 20.0, 60.0, 160.0), names)
        run.onnx_file.write_bytes(model.read_bytes())
        run.sidecar_file.write_bytes(model.with_suffix(".json").read_bytes())
        lock_run(project, run, folder.parent / "l", who="Ann")
    change(folder, name_all({1: "Crack"}))
    received = refused(capsys, "lock", folder, "--take", folder.parent / "l" / "locked.json")
    assert "Crack there is not the same class as Crack here" in received
    assert "Rename classes until each name means one class in both" in received


# ---- merging copies -------------------------------------------------------------------------


def merged(project: Project, copy: Path) -> dict[int, int | None]:
    """Merge a copy, its labels going before, and return the labels."""
    with Project.open(copy, read_only=True) as other:
        plan = plan_merge(project, other, settle="theirs")
    if plan.edit is not None:
        History(project).apply(plan.edit)
    return project.labels()


@every_renaming
@pytest.mark.parametrize("renamed", ["mine", "theirs"])
def test_copies_are_merged_by_ids_whatever_their_classes_are_called(
    folder: Path, renaming: Renaming, renamed: str
) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    with Project.open(copy) as project:
        History(project).apply(label_crops(project, [1, 2, 3], 3, who="bo"))
        wanted = project.labels()
    change(folder if renamed == "mine" else copy, renaming)
    with Project.open(folder) as project:
        assert merged(project, copy) == wanted


@pytest.mark.parametrize("when", ["after they parted", "before they parted"])
def test_copies_of_an_older_project_are_merged_by_ids_where_that_is_sure(
    folder: Path, when: str
) -> None:
    as_older(folder)
    copy = folder.parent / "copy"
    swap = name_all({1: "Keyhole", 2: "Gas"})
    if when == "before they parted":
        change(folder, swap)
    shutil.copytree(folder, copy)
    with Project.open(copy) as project:
        History(project).apply(label_crops(project, [1, 2, 3], 3, who="bo"))
        wanted = project.labels()
    if when == "after they parted":
        change(folder, swap)
    with Project.open(folder) as project:
        assert merged(project, copy) == wanted


def test_copies_of_an_older_project_that_were_renamed_by_an_older_version_are_asked_about(
    folder: Path,
) -> None:
    as_older(folder)
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    with Project.open(copy) as project:
        with project.transaction():  # as an older version renames
            project._db.execute("UPDATE classes SET name = 'Swapping' WHERE id = 1")
            project._db.execute("UPDATE classes SET name = 'Gas' WHERE id = 2")
            project._db.execute("UPDATE classes SET name = 'Keyhole' WHERE id = 1")
        History(project).apply(label_crops(project, [1, 2, 3], 2, who="bo"))
        labels = project.labels()
    with Project.open(folder) as project, Project.open(copy, read_only=True) as other:
        plan = plan_merge(project, other, settle="theirs")
        assert plan.edit is None
        there = [label for label in labels.values() if label in (1, 2)]
        assert sum(plan.unclear.values()) == len(there)
        assert any("there may be the same class as Keyhole here" in line for line in plan.lines)


def test_labels_of_another_project_are_merged_by_names_whatever_the_ids(folder: Path) -> None:
    other = folder.parent / "other"
    shutil.copytree(folder, other)
    change(other, name_all({1: "KEYHOLE", 2: "gas", 3: "Spatter"}))
    with Project.open(other) as project, project.transaction():  # as if it had been made by itself
        for class_id, uid in project.class_uids().items():
            project.put_meta(f"class_uid:{class_id}", uid[::-1])
    with Project.open(folder) as project, Project.open(other, read_only=True) as theirs:
        plan = plan_merge(project, theirs, settle="theirs")
        assert plan.unknown == {"Spatter": sum(label == 3 for label in theirs.labels().values())}
        before = project.labels()
        there = {1: 2, 2: 1, 3: 3}
        assert merged(project, other) == {i: there[label] for i, label in before.items()}


def test_a_class_that_is_retired_here_is_said_when_copies_are_merged(folder: Path) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    with Project.open(folder) as project, Project.open(copy, read_only=True) as other:
        History(project).apply(merge_classes(project, 2, 1, who="ada"))
        plan = plan_merge(project, other, settle="theirs")
        assert list(plan.retired) == ["Keyhole"]
        assert any(
            "a class that is archived here; add a class of that name" in line for line in plan.lines
        )
        History(project).apply(add_class(project, "keyhole"))
        assert merged(project, copy) == other.labels()


def test_classes_that_two_copies_added_are_not_one_for_their_id(folder: Path) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    change(folder, lambda project, apply: apply(add_class(project, "Crack")))
    with Project.open(copy) as project:
        History(project).apply(add_class(project, "Void"))
        History(project).apply(label_crops(project, [1], 4, who="bo"))
    with Project.open(folder) as project, Project.open(copy, read_only=True) as other:
        assert project.classes()[-1].id == other.classes()[-1].id == 4
        assert plan_merge(project, other, settle="theirs").unknown == {"Void": 1}
        History(project).apply(add_class(project, "void"))
        assert merged(project, copy)[1] == 5


# ---- names and identities of the project itself ---------------------------------------------


def test_a_class_keeps_its_uid_through_all_that_a_person_does_and_a_copy_keeps_it_too(
    tmp_path: Path,
) -> None:
    with Project.create(tmp_path / "p") as project:
        before, history = project.class_uids(), History(project)
        assert sorted(before) == [1, 2, 3]
        assert len(set(before.values())) == 3
        for text in (
            "two are swapped",
            "one is renamed",
            "one is retired and one added with a former name",
        ):
            RENAMINGS[text](project, history.apply)
        history.undo()
        history.redo()
        known = project.class_uids()
        assert {i: known[i] for i in before} == before
        assert len(set(known.values())) == len(known)
    shutil.copytree(tmp_path / "p", tmp_path / "q")
    with Project.open(tmp_path / "q") as copy, Project.create(tmp_path / "r") as other:
        assert copy.class_uids() == known
        assert not set(other.class_uids().values()) & set(known.values())


def test_opening_an_older_project_writes_nothing_and_its_uids_are_those_of_its_copies(
    folder: Path,
) -> None:
    as_older(folder)
    shutil.copytree(folder, folder.parent / "copy")
    before = (folder / "project.db").read_bytes()
    with (
        Project.open(folder, read_only=True) as project,
        Project.open(folder.parent / "copy") as copy,
    ):
        assert project.class_uids() == copy.class_uids()
        assert all(project.class_uids().values())
        uids = copy.class_uids()
        rename(copy, History(copy).apply, 1, "Void")
        assert copy.class_uids() == uids
    assert (folder / "project.db").read_bytes() == before


def test_a_project_refuses_two_names_that_look_alike_and_explains_a_retired_one(
    tmp_path: Path,
) -> None:
    with Project.create(tmp_path / "p") as project:
        history = History(project)
        with pytest.raises(PoreguiError, match="There is a class 'Gas' already"):
            add_class(project, "ＧＡＳ")
        history.apply(add_class(project, "Fissure\u0301"))
        with pytest.raises(PoreguiError, match="already"):
            rename(project, history.apply, 1, "fissur\u00e9")
        history.apply(retire_class(project, 4))
        with pytest.raises(
            PoreguiError, match="the name of an archived class that earlier runs still use"
        ):
            rename(project, history.apply, 1, "fissur\u00e9")
        edit = add_class(project, "fissur\u00e9")
        assert edit.text == "bring back class fissur\u00e9"
        history.apply(edit)
        assert [c.id for c in project.classes()] == [1, 2, 3, 4]
        history.undo()
        assert [c.id for c in project.classes()] == [1, 2, 3]


def test_a_folder_named_like_a_retired_class_brings_it_back(folder: Path) -> None:
    with Project.open(folder) as project:
        History(project).apply(merge_classes(project, 2, 1, who="ada"))
        plan = plan_classes(project, ["keyhole", "Gas", "Crack"])
        assert plan.label("Keyhole") == 2
        assert plan.label("GAS") == 1
        assert plan.added == ("Keyhole", "Crack")
        History(project).apply(plan.edit)
        assert len({c.id for c in project.classes(retired=True)}) == len(project.classes()) == 4
