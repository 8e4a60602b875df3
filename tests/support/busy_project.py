"""Make a project that every verb has something to do with, and files to do it with."""

from __future__ import annotations

import shutil
from pathlib import Path

from apply_desk import add_micrographs
from complete_run import make_project
from size_model import draw_discs

from poregui.cli.main import OK, main
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops


def make_busy(folder: Path) -> Path:
    """Make `p`, a project of pores and runs, `copy`, whose labels differ, and files to import."""
    make_project(folder / "p")
    with Project.open(folder / "p") as project:
        add_micrographs(project, folder)
    assert main(["detect", str(folder / "p")]) == OK
    with Project.open(folder / "p") as project:
        ids = [crop.id for crop in project.crops()]
        History(project).apply(label_crops(project, ids[-6:], 1, who="Ada"))
    assert main(["export", str(folder / "p"), str(folder / "c.json"), "--format", "coco"]) == OK
    shutil.copytree(folder / "p", folder / "copy")
    with Project.open(folder / "copy") as project:
        History(project).apply(label_crops(project, [1, 2, 3], 3, who="Bob"))
    for name in ("images", "out"):
        (folder / name).mkdir()
    draw_discs(folder / "images" / "new.png", [12.0, 34.0], seed=7)
    (folder / "recipe.json").write_text('{"smallest": 60.0}', encoding="utf-8")
    return folder


def said_of(verb: str, folder: Path) -> list[str]:
    """Return the words of a verb with the files of a busy folder in the place of their names."""
    return verb.format(
        project=folder / "p",
        out=folder / "out",
        images=folder / "images",
        coco=folder / "c.json",
        copy=folder / "copy",
        recipe=folder / "recipe.json",
    ).split()


def state_of(folder: Path) -> tuple[object, ...]:
    """Return what people decided, and what was found, in a project."""
    with Project.open(folder, read_only=True) as project:
        outlines = {crop_id: one.area for crop_id, one in project.outlines().items()}
        boxes = [(crop.id, crop.box) for crop in project.crops()]
        micrographs = [(one.id, one.path, one.sha256) for one in project.micrographs()]
        return project.labels(), outlines, boxes, micrographs
