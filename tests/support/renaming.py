"""Rename the classes of a project in every way that moved numbers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from apply_desk import add_run
from builders import labelled_project

from poregui.cli.main import main
from poregui.domain.geometry import Box
from poregui.domain.records import Crop
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops, Edit
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import (
    add_class,
    change_class,
    reorder_classes,
    retire_class,
)

Renaming = Callable[[Project, Callable[[Edit], object]], None]


def rename(project: Project, apply: Callable[[Edit], object], class_id: int, name: str) -> None:
    """Rename one class."""
    one = next(c for c in project.classes() if c.id == class_id)
    apply(change_class(project, replace(one, name=name)))


def name_all(names: Mapping[int, str]) -> Renaming:
    """Return what gives classes these names, whoever of them has one now."""

    def do(project: Project, apply: Callable[[Edit], object]) -> None:
        for class_id in names:
            rename(project, apply, class_id, f"Between {class_id}")
        for class_id, name in names.items():
            rename(project, apply, class_id, name)

    return do


def _former(project: Project, apply: Callable[[Edit], object]) -> None:
    rename(project, apply, 3, "Spatter")
    rename(project, apply, 1, "Lack of Fusion")


def _more(project: Project, apply: Callable[[Edit], object]) -> None:
    apply(add_class(project, "Crack"))
    apply(reorder_classes(project, [4, 3, 2, 1]))
    rename(project, apply, 3, "Spatter")


def _retired(project: Project, apply: Callable[[Edit], object]) -> None:
    apply(add_class(project, "Crack"))
    apply(retire_class(project, 4))
    rename(project, apply, 2, "Deep")
    apply(add_class(project, "Keyhole"))


RENAMINGS: dict[str, Renaming] = {
    "one is renamed": name_all({3: "Spatter"}),
    "two are swapped": name_all({1: "Lack of Fusion", 3: "Gas"}),
    "three go round": name_all({1: "Keyhole", 2: "Lack of Fusion", 3: "Gas"}),
    "one has the former name of another": _former,
    "case alone": name_all({1: "gas", 2: "KEYHOLE"}),
    "one is added and stands first": _more,
    "one is retired and one added with a former name": _retired,
}


def label_disc(project: Project, file: str, middle: tuple[int, int], side: int, label: int) -> int:
    """Label the pore around the middle (px) of a disc of a micrograph and return the id of the
    crop.
    """
    micrograph = next(m for m in project.micrographs() if m.name == file)
    box = Box(middle[0] - side // 2, middle[1] - side // 2, side, side)
    crop_id = project.next_id("crops")
    pixels = CropPixels(np.full((side, side), (crop_id * 37 + 11) % 251, np.uint8), 0.0, 255.0)
    crop = Crop(crop_id, project.pixels.add(pixels), side, side, micrograph.id, box, label=label)
    History(project).apply(AddCrops((crop,), who="ada"))
    return crop_id


def project_with_named_pores(tmp_path: Path) -> Path:
    """Return a project with a run, and three pores that people named otherwise than its network
    does.
    """
    labelled_project(tmp_path / "pores").close()
    add_run(tmp_path / "pores", tmp_path)
    with Project.open(tmp_path / "pores") as project:
        label_disc(
            project, "field_1.png", (450, 150), 40, 3
        )  # 34 px across, a keyhole to the network
        label_disc(project, "field_1.png", (150, 150), 18, 2)  # 12 px, gas
        label_disc(project, "field_0.png", (100, 100), 18, 3)  # 12 px, gas
    return tmp_path / "pores"


def ids_by_name(project: Project) -> dict[str, int]:
    """Return the ids of all classes by the names that they have now."""
    return {c.name: c.id for c in project.classes(retired=True)}


def as_older(folder: Path) -> None:
    """Take from a closed project and its runs what older versions did not write."""
    database = sqlite3.connect(folder / "project.db")
    database.execute("DELETE FROM meta WHERE key GLOB 'class_uid:*'")
    database.commit()
    database.close()
    for file in folder.glob("runs/*/*.json"):
        received = json.loads(file.read_text(encoding="utf-8"))
        received.pop("class_uids", None)
        file.write_text(json.dumps(received), encoding="utf-8")


def change(folder: Path, renaming: Renaming) -> None:
    """Rename in a closed project."""
    with Project.open(folder) as project:
        renaming(project, History(project).apply)


def asked(capsys: pytest.CaptureFixture[str], *text: object) -> dict[str, Any]:
    """Run a verb that has to succeed and return its JSON."""
    capsys.readouterr()
    code = main([*map(str, text), "--json"])
    received = capsys.readouterr()
    assert code == 0, received.err
    return json.loads(received.out)


def refused(capsys: pytest.CaptureFixture[str], *text: object) -> str:
    """Run a verb that has to be refused and return its sentence."""
    capsys.readouterr()
    assert main([*map(str, text)]) == 2
    return capsys.readouterr().err


def applied(capsys: pytest.CaptureFixture[str], folder: Path, *more: object) -> dict[str, Any]:
    """Apply the run of a project to both micrographs and return what is told."""
    files = (folder.parent / "field_0.png", folder.parent / "field_1.png")
    return asked(
        capsys, "apply", folder, *files, "--workers", 1, "--out", folder.parent / "out", *more
    )


def by_id(received: dict[str, Any]) -> dict[int, tuple[float, int]]:
    """Return area per cent, and how many pores, of each class by its id."""
    rows = zip(received["class_ids"], received["whole"]["classes"], strict=True)
    return {i: (row["area"]["plain"], row["sizes"]["pores"]) for i, row in rows}
