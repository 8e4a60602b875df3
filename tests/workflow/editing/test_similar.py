"""Hold which micrographs are similar, and that they take masks of one on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_desk import add_micrograph

from poregui.cli.main import main
from poregui.domain.geometry import Mask
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.micrograph_edits import set_masks, similar_to

MASK = Mask(((0.0, 0.0), (40.0, 0.0), (40.0, 30.0)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project = Project.create(tmp_path / "pores")
    for name in ("a.png", "b.png", "c.png"):
        add_micrograph(project, name)
    first, _, third = project.micrographs()
    History(project).apply(set_masks(third, (Mask(((1.0, 1.0), (9.0, 1.0), (9.0, 9.0))),)))
    History(project).apply(set_masks(first, (MASK,)))
    project.close()
    return tmp_path / "pores"


def test_similar_micrographs_take_masks_where_they_have_none(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["micrographs", str(folder), "--masks-from", "a.png"]) == 0
    assert "1 micrograph got the masks of a.png." in capsys.readouterr().out
    with Project.open(folder, read_only=True) as project:
        first, second, third = project.micrographs()
        assert second.masks == (MASK,)
        assert third.masks != (MASK,)
        assert [one.name for one in similar_to(first, project.micrographs())] == ["b.png", "c.png"]


def test_masks_of_a_micrograph_without_any_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["micrographs", str(folder), "--masks-from", "b.png"]) == 2
    assert "b.png has no masks." in capsys.readouterr().err
