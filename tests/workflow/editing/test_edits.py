"""Hold that every edit can be undone and redone, and that what is on disk always equals what was
shown.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from builders import add_crops, add_micrograph, grey

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import (
    add_class,
    change_class,
    label_crops,
    labels_lost_with,
    merge_classes,
    move_crop,
    new_crop,
    remove_crops,
    remove_micrographs,
    reorder_classes,
    retire_class,
    set_reference_crops,
    set_scale,
    set_specimen,
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with Project.create(tmp_path / "p") as opened:
        yield opened


def state(project: Project) -> object:
    return (
        project.classes(retired=True), project.specimens(), project.micrographs(), project.crops(),
        [project.reference_crops(c.id) for c in project.classes(retired=True)],
    )  # fmt: skip


def test_every_edit_is_undone_and_redone_exactly(project: Project, tmp_path: Path) -> None:
    micrograph = add_micrograph(project, tmp_path / "m.png")
    ids = add_crops(project, [1, 1, 2, None], micrograph=micrograph)
    gas, keyhole, lack = project.classes()
    pixels = CropPixels(grey(5, 40, 30), 0.0, 255.0)
    makers = [
        lambda: label_crops(project, ids, 3, who="x"),
        lambda: new_crop(project, micrograph, Box(5, 6, 30, 40), pixels, who="x", label=2),
        lambda: move_crop(project, project.crop(ids[0]), Box(1, 2, 30, 40), pixels),
        lambda: remove_crops(ids[1:3]),
        lambda: set_scale(project.micrographs(), 0.25),
        lambda: set_specimen(project, project.micrographs(), "S1"),
        lambda: add_class(project, "Crack"),
        lambda: change_class(
            project, replace(gas, name="Bubble", colour="#123456", definition="round")
        ),
        lambda: reorder_classes(project, [lack.id, gas.id, keyhole.id]),
        lambda: merge_classes(project, keyhole.id, lack.id, who="x"),
        lambda: set_reference_crops(project, gas.id, ids[:2]),
        lambda: remove_micrographs(project, [micrograph.id]),
    ]
    history = History(project)
    states = [state(project)]
    for make in makers:
        history.apply(make())
        states.append(state(project))
        assert states[-1] != states[-2]
    for expected in reversed(states[:-1]):
        history.undo()
        assert state(project) == expected
    assert history.undo() is None
    for expected in states[1:]:
        history.redo()
        assert state(project) == expected
    assert history.redo() is None


def test_the_label_log_keeps_undone_labels_and_says_so(project: Project) -> None:
    (crop,) = add_crops(project, [None])
    history = History(project)
    history.apply(label_crops(project, [crop], 1, who="Ada"))
    history.undo()
    history.redo()
    assert [(e.label, e.how) for e in project.label_log(crop)] == [
        (1, "hand"),
        (None, "undo"),
        (1, "redo"),
    ]


def test_deleting_a_micrograph_says_how_many_labels_go_and_undo_brings_them_back(
    project: Project, tmp_path: Path
) -> None:
    micrograph = add_micrograph(project, tmp_path / "m.png")
    add_crops(project, [1, 2, None], micrograph=micrograph)
    assert labels_lost_with(project, [micrograph.id]) == 2
    history = History(project)
    history.apply(remove_micrographs(project, [micrograph.id]))
    assert (project.micrographs(), project.crops()) == ((), [])
    history.undo()
    assert [crop.label for crop in project.crops()] == [1, 2, None]


def test_an_id_is_never_used_twice(project: Project) -> None:
    (first,) = add_crops(project, [1])
    History(project).apply(remove_crops([first]))
    (second,) = add_crops(project, [1])
    assert second != first


def test_moving_a_crop_and_undoing_that_leaves_a_label_given_between_alone(
    project: Project, tmp_path: Path
) -> None:
    micrograph = add_micrograph(project, tmp_path / "m.png")
    (crop,) = add_crops(project, [1], micrograph=micrograph)
    history = History(project)
    move = move_crop(
        project, project.crop(crop), Box(3, 3, 20, 20), CropPixels(grey(2, 20, 20), 0.0, 255.0)
    )
    history.apply(move)
    history.apply(label_crops(project, [crop], 3, who="x"))
    with project.transaction():
        move.undo(project)
    assert project.crop(crop).label == 3


def test_a_class_that_crops_carry_is_merged_but_not_retired(project: Project) -> None:
    add_crops(project, [1, 1, 2])
    with pytest.raises(PoreguiError, match="2 crops are labelled Gas"):
        retire_class(project, 1)
    History(project).apply(merge_classes(project, 1, 2, who="x"))
    assert [crop.label for crop in project.crops()] == [2, 2, 2]
    assert [c.name for c in project.classes()] == ["Keyhole", "Lack of Fusion"]
    assert [c.key for c in project.classes()] == ["1", "2"]


def test_the_last_two_classes_stay(project: Project) -> None:
    History(project).apply(retire_class(project, 1))
    with pytest.raises(PoreguiError, match="at least 2 classes"):
        retire_class(project, 2)


def test_a_new_class_never_gets_the_id_of_a_retired_one(project: Project) -> None:
    history = History(project)
    history.apply(retire_class(project, 3))
    history.apply(add_class(project, "Crack"))
    assert {c.name: c.id for c in project.classes()} == {"Gas": 1, "Keyhole": 2, "Crack": 4}


def test_a_name_that_is_taken_is_refused(project: Project) -> None:
    with pytest.raises(PoreguiError, match="already"):
        add_class(project, "gas")
    with pytest.raises(PoreguiError, match="already"):
        change_class(project, replace(project.classes()[0], name="KEYHOLE"))


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_scale_is_refused(project: Project, tmp_path: Path, scale: float) -> None:
    micrograph = add_micrograph(project, tmp_path / "m.png")
    with pytest.raises(PoreguiError, match="pixel size"):
        set_scale([micrograph], scale)
