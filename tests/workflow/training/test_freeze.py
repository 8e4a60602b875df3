"""Hold that a frozen run is complete, split by specimens, repeatable, and never half there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import add_crops, add_micrograph, add_specimens, labelled_project

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.domain.errors import ReadOnlyError, TrainingError
from poregui.domain.recipe import Recipe
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops
from poregui.workflow.training.prepare_dataset import freeze, summarise


def splits(project: Project, **options: object) -> dict[int, str]:
    run = freeze(project, Recipe(), **options)  # type: ignore[arg-type]
    return {crop.crop_id: crop.split for crop in run.read_dataset().crops}


def test_a_frozen_run_holds_pixels_labels_and_recipe_without_the_project(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "p") as project:
        run = freeze(project, Recipe(epochs=3))
        crops = project.crops()
        pixels = [project.pixels.get(crop.pixels).array for crop in crops]
    dataset = run.read_dataset()
    assert run.read_recipe() == Recipe(epochs=3)
    assert [c.crop_id for c in dataset.crops] == [crop.id for crop in crops]
    assert all(
        np.array_equal(a, b) for a, b in zip(run.read_crops(dataset.crops), pixels, strict=True)
    )


def test_specimens_are_never_on_two_sides(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "p", specimens=8) as project:
        dataset = freeze(project, Recipe()).read_dataset()
    sides = [{c.group for c in dataset.split(split)} for split in ("train", "validation", "test")]
    assert all(sides)
    assert sum(map(len, sides)) == 8
    assert dataset.split_kind == "specimen"


def test_the_test_side_is_fixed_from_a_hundred_labels_on_and_does_not_follow_the_seed(
    tmp_path: Path,
) -> None:
    with labelled_project(tmp_path / "p", specimens=6, per_class=8) as project:
        before = {i for i, split in splits(project).items() if split == "test"}
        (late,) = add_specimens(project, "late")
        new = add_crops(project, [1, 2, 3] * 40, specimen_id=late.id)
        after = {c.crop_id for c in freeze(project, Recipe(seed=5)).read_dataset().split("test")}
    assert after == before
    assert not after & set(new)


def test_a_crop_added_later_belongs_to_the_side_of_its_specimen(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "p", specimens=6, per_class=8) as project:
        splits(project)
        tested = next(key for key in project.test_split())
        (new,) = add_crops(project, [1], specimen_id=int(tested.partition(":")[2]))
        assert splits(project)[new] == "test"


def test_the_test_side_may_still_move_below_a_hundred_labels(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "p", specimens=4, per_class=3) as project:
        splits(project)
        assert project.meta("test_side_fixed") == "0"


def test_a_given_test_folder_stays_the_test_side(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        trained = add_crops(project, [1, 2, 3] * 20, given_split="train")
        tested = add_crops(project, [1, 2, 3] * 5, given_split="test")
        run = freeze(project, Recipe())
    dataset = run.read_dataset()
    assert {c.crop_id for c in dataset.split("test")} == set(tested)
    assert {c.crop_id for c in dataset.crops} == {*trained, *tested}
    assert dataset.split_kind == "given"


@pytest.mark.parametrize("named", [True, False])
def test_one_specimen_alone_is_said_to_make_the_test_dishonest(tmp_path: Path, named: bool) -> None:
    with Project.create(tmp_path / "p") as project:
        specimen = add_specimens(project, "S")[0].id if named else None
        micrograph = None if named else add_micrograph(project, tmp_path / "m.png")
        add_crops(project, [1, 2] * 20, specimen_id=specimen, micrograph=micrograph)
        summary = summarise(project, Recipe())
    assert "no independent test is possible" in summary.warnings[0] + summary.warnings[-1]
    assert summary.kind == "crop"


def test_unsure_and_unlabelled_crops_are_left_out(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "p") as project:
        out = add_crops(project, [UNSURE, None])
        assert not set(out) & splits(project).keys()


@pytest.mark.parametrize(("many", "outputs"), [(19, 3), (20, 4)])
def test_not_a_pore_becomes_the_last_output_from_twenty_crops_on(
    tmp_path: Path, many: int, outputs: int
) -> None:
    with labelled_project(tmp_path / "p") as project:
        ids = [s.id for s in project.specimens()]
        for i in range(many):
            add_crops(project, [NOT_A_PORE], specimen_id=ids[i % len(ids)])
        dataset = freeze(project, Recipe()).read_dataset()
    assert len(dataset.classes) == outputs
    assert (dataset.class_ids[-1] == NOT_A_PORE) == (outputs == 4)
    assert any("not a pore" in note for note in dataset.warnings) == (outputs == 3)


def test_a_class_nobody_used_is_left_out_and_named(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        add_crops(project, [1, 2] * 20)
        dataset = freeze(project, Recipe()).read_dataset()
    assert dataset.classes == ("Gas", "Keyhole")
    assert any("Lack of Fusion" in note for note in dataset.warnings)


@pytest.mark.parametrize("labels", [[], [1] * 20, [1] * 20 + [2] * 4])
def test_labels_that_cannot_be_trained_on_leave_no_run_behind(
    tmp_path: Path, labels: list[int]
) -> None:
    with Project.create(tmp_path / "p") as project:
        add_crops(project, [*labels, None])
        with pytest.raises(TrainingError):
            freeze(project, Recipe())
        assert summarise(project, Recipe()).problem is not None
        assert project.runs() == []


def test_a_freeze_that_fails_on_the_way_leaves_no_run_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with labelled_project(tmp_path / "p") as project:
        monkeypatch.setattr("poregui.store.run_folder.write_json", _refuse)
        with pytest.raises(OSError, match="no space"):
            freeze(project, Recipe())
        assert list((tmp_path / "p" / "runs").iterdir()) == []


def _refuse(*_: object) -> None:
    raise OSError("no space")


def test_folds_test_every_crop_once_and_keep_specimens_whole(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "p", specimens=7) as project:
        run = freeze(project, Recipe(), folds=3)
    dataset = run.read_dataset()
    fold_of = {crop: number for number, fold in enumerate(run.read_folds()) for crop in fold}
    assert fold_of.keys() == {c.crop_id for c in dataset.crops}
    for group in {c.group for c in dataset.crops}:
        assert len({fold_of[c.crop_id] for c in dataset.crops if c.group == group}) == 1


def test_more_folds_than_specimens_are_refused_with_the_number_that_is_possible(
    tmp_path: Path,
) -> None:
    with (
        labelled_project(tmp_path / "p", specimens=3) as project,
        pytest.raises(TrainingError, match="2 to 3 folds"),
    ):
        freeze(project, Recipe(), folds=5)


def test_a_read_only_project_makes_no_run(tmp_path: Path) -> None:
    with (
        labelled_project(tmp_path / "p"),
        Project.open(tmp_path / "p") as second,
        pytest.raises(ReadOnlyError),
    ):
        freeze(second, Recipe())


def test_relabelling_changes_the_hash_of_the_next_dataset_and_not_of_the_last(
    tmp_path: Path,
) -> None:
    with labelled_project(tmp_path / "p") as project:
        first = freeze(project, Recipe())
        frozen = first.read_dataset().hash
        History(project).apply(label_crops(project, [project.crops()[0].id], 2, who="x"))
        second = freeze(project, Recipe())
        assert second.read_dataset().hash != frozen
        assert first.read_dataset().hash == frozen
        assert [run.number for run in project.runs()] == [1, 2]
