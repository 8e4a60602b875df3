"""Hold what project version 2 added: older projects come along, and outlines, masks, display,
remarks, looks last.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import add_crops, add_micrograph
from hypothesis import given
from hypothesis import strategies as st
from old_projects import project_of_version_1

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Mask, Outline
from poregui.domain.records import Crop, Display, Remark
from poregui.store.backups import backups_of
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops, ChangeCrop, SetRemark, SetSetting
from poregui.workflow.editing.history import History

SQUARE = Outline.of([(2, 3), (6, 3), (6, 9), (2, 9)])


def test_aproject_of_version_1_opens_with_its_labels_and_leaves_a_backup(tmp_path: Path) -> None:
    folder = project_of_version_1(tmp_path / "old")
    with Project.open(folder) as project:
        assert [(c.label, c.box, c.um_per_px, c.origin) for c in project.crops()] == [
            (1, Box(2, 3, 9, 9), 0.5, "")
        ]
        (micrograph,) = project.micrographs()
        assert (micrograph.plane, micrograph.display, micrograph.masks) == ("", None, ())
        assert project.label_log()[0].who == "Ada"
    backup = sqlite3.connect(backups_of(folder)[0].path)
    assert backup.execute("PRAGMA user_version").fetchone() == (1,)
    assert backup.execute("SELECT label FROM crops").fetchone() == (1,)
    backup.close()


def test_aproject_of_version_1_can_be_read_where_it_may_not_be_written_and_stays_as_it_was(
    tmp_path: Path,
) -> None:
    folder = project_of_version_1(tmp_path / "old")
    before = (folder / "project.db").read_bytes()
    with Project.open(folder, read_only=True) as project:
        assert project.crops()[0].label == 1
        assert project.outlines() == {}
        assert project.looks() == []
    assert (folder / "project.db").read_bytes() == before


def test_a_new_and_a_migrated_project_have_the_same_tables(tmp_path: Path) -> None:
    def tables(folder: Path) -> dict[str, set[tuple]]:
        database = sqlite3.connect(folder / "project.db")
        names = [
            row[0]
            for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        shapes = {
            n: {row[1:] for row in database.execute(f"PRAGMA table_info({n})")} for n in names
        }
        database.close()
        return shapes

    old = project_of_version_1(tmp_path / "old")
    Project.open(old).close()
    Project.create(tmp_path / "new").close()
    assert tables(old) == tables(tmp_path / "new")


def test_display_masks_and_plane_of_a_micrograph_last(tmp_path: Path) -> None:
    mask = Mask.of_box(Box(0, 30, 50, 10), "bar")
    with Project.create(tmp_path / "p") as project:
        micrograph = replace(
            add_micrograph(project, tmp_path / "m.png"),
            plane="page=2",
            display=Display(3, 250.5, 0.8),
            masks=(mask,),
        )
        with project.transaction():
            project.put_micrographs([micrograph])
    with Project.open(tmp_path / "p") as project:
        assert project.micrographs() == (micrograph,)


def test_an_outline_comes_with_its_crop_and_goes_with_it(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        micrograph = add_micrograph(project, tmp_path / "m.png")
        crop = Crop(
            project.next_id("crops"), "h", 9, 9, micrograph.id, Box(0, 0, 9, 9), origin="detected"
        )
        history = History(project)
        history.apply(AddCrops((crop,), who="Ada", outlines=((crop.id, SQUARE),)))
        assert project.outlines(micrograph_id=micrograph.id) == {crop.id: SQUARE}
        assert project.crop(crop.id).is_candidate
        history.undo()
        assert project.outlines() == {}
        history.redo()
        assert project.outlines() == {crop.id: SQUARE}


def test_changing_an_outline_can_be_undone_and_moving_a_crop_leaves_it(tmp_path: Path) -> None:
    smaller = Outline.of([(2, 3), (5, 3), (5, 8)])
    with Project.create(tmp_path / "p") as project:
        (crop_id,) = add_crops(project, [None])
        crop = project.crop(crop_id)
        history = History(project)
        history.apply(ChangeCrop(crop, crop, outline_after=SQUARE, text="draw outline"))
        history.apply(ChangeCrop(crop, replace(crop, um_per_px=2.0)))
        assert project.outlines() == {crop_id: SQUARE}
        history.apply(ChangeCrop(crop, crop, SQUARE, smaller, "edit outline"))
        assert project.outlines() == {crop_id: smaller}
        for _ in range(3):
            history.undo()
        assert project.outlines() == {}


def test_remarks_settings_and_looks_last_and_the_first_two_can_be_undone(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        (crop_id,) = add_crops(project, [None])
        history = History(project)
        history.apply(SetRemark(crop_id, Remark(), Remark("odd light", reviewed=True)))
        history.apply(SetSetting("detection_recipe", "", "{}"))
        with project.transaction():
            project.log_look("001", "Ada")
    with Project.open(tmp_path / "p") as project:
        assert project.remarks() == {crop_id: Remark("odd light", reviewed=True)}
        assert project.meta("detection_recipe") == "{}"
        assert [(look.run, look.who) for look in project.looks()] == [("001", "Ada")]
        history = History(project)
        history.apply(SetRemark(crop_id, Remark("odd light", True), Remark("", False)))
        assert project.remarks() == {}
        history.undo()
        assert project.remarks()[crop_id].note == "odd light"


@given(
    st.lists(
        st.tuples(st.floats(-1e4, 1e6, width=32), st.floats(-1e4, 1e6, width=32)),
        min_size=3,
        max_size=40,
    )
)
def test_an_outline_keeps_its_points_and_lies_within_its_bounds(
    points: list[tuple[float, float]],
) -> None:
    outline = Outline.of(points)
    assert outline.points.tolist() == [list(p) for p in points]
    bounds = outline.bounds
    assert bounds.x <= outline.points[:, 0].min() <= outline.points[:, 0].max() <= bounds.right
    assert bounds.y <= outline.points[:, 1].min() <= outline.points[:, 1].max() <= bounds.bottom


def test_the_area_of_an_outline_is_that_of_its_polygon() -> None:
    assert SQUARE.area == 24
    with pytest.raises(ValueError, match="points"):
        Outline.of(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="three points"):
        Outline.of([(0, 0), (1, 1)])


def test_a_mask_contains_what_lies_inside_its_corners() -> None:
    triangle = Mask(((0, 0), (10, 0), (0, 10)))
    assert triangle.contains(2, 2)
    assert not triangle.contains(8, 8)
    assert triangle.bounds == Box(0, 0, 10, 10)


@pytest.mark.parametrize("values", [(5, 5, 1), (9, 5, 1), (0, 9, 0)])
def test_a_display_that_shows_nothing_is_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(PoreguiError):
        Display(*values)
