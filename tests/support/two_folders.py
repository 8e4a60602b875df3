"""Make a project of two folders in which names begin anew: S1/image_001.png and S2/image_001.png,
for tests.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders import add_crops
from finished_runs import finished_run
from size_model import draw_discs, write_size_model

from poregui.cli.main import main
from poregui.domain.records import Micrograph
from poregui.store.project import Project
from poregui.workflow.editing.edits import label_name

NAME = "image_001.png"
BOTH = ("S1", "S2")
DISCS = {"S1": [34.0] * 4, "S2": [12.0] * 9}
"""Diameters in px of the discs in the picture of each folder."""


@dataclass(frozen=True)
class TwoFolders:
    """Hold a project folder, and a folder `data` with the pictures S1/image_001.png and
    S2/image_001.png.
    """

    project: Path
    data: Path

    def file(self, specimen: str) -> Path:
        """Return the picture in a folder."""
        return self.data / specimen / NAME

    def micrographs(self) -> dict[str, Micrograph]:
        """Return the micrographs by the folder that they lie in."""
        with Project.open(self.project, read_only=True) as project:
            return {Path(one.path).parent.name: one for one in project.micrographs()}


def draw_both(data: Path) -> None:
    """Draw the picture of each folder."""
    for seed, (specimen, sizes) in enumerate(DISCS.items()):
        (data / specimen).mkdir(parents=True, exist_ok=True)
        draw_discs(data / specimen / NAME, sizes, seed=seed)


def two_folders(folder: Path, *, scale: str = "0.5") -> TwoFolders:
    """Draw both pictures and import them into a new project."""
    made = TwoFolders(folder / "project", folder / "data")
    draw_both(made.data)
    assert main(["new", str(made.project)]) == 0
    assert (
        main(
            [
                "import",
                str(made.project),
                str(made.data),
                "--as",
                "micrographs",
                "--um-per-px",
                scale,
            ]
        )
        == 0
    )
    return made


def add_network(made: TwoFolders, folder: Path) -> None:
    """Add labelled crops and a run whose network knows pores by their size."""
    with Project.open(made.project) as project:
        for number in range(5):
            add_crops(project, [1, 2, 3] * 4, seed=number)
        run = finished_run(project)
        model = write_size_model(folder / "model")
        run.onnx_file.write_bytes(model.read_bytes())
        run.sidecar_file.write_bytes(model.with_suffix(".json").read_bytes())


def label_all(two: TwoFolders) -> None:
    """Label the pores of S1 Keyhole and those of S2 Gas."""
    with Project.open(two.project) as project, project.transaction():
        for specimen, one in zip(BOTH, project.micrographs(), strict=True):
            label = {"S1": 2, "S2": 1}[specimen]
            project.put_labels(
                ((c.id, label) for c in project.crops(micrograph_id=one.id)), who="ada", how="hand"
            )


def labels_of(folder: Path) -> dict[str, list[str]]:
    """Return the labels of the crops on the micrograph in each folder."""
    with Project.open(folder, read_only=True) as project:
        classes = project.classes(retired=True)
        return {
            Path(one.path).parent.name: [
                label_name(c.label, classes) for c in project.crops(micrograph_id=one.id)
            ]
            for one in project.micrographs()
        }


ALL = {"S1": ["Keyhole"] * len(DISCS["S1"]), "S2": ["Gas"] * len(DISCS["S2"])}


def received(capsys: pytest.CaptureFixture[str], *text: object) -> dict:
    """Return what a command answers as JSON."""
    capsys.readouterr()
    assert main([*(str(word) for word in text), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *text: object) -> str:
    """Return the sentence with which a command refuses."""
    capsys.readouterr()
    assert main([str(word) for word in text]) == 2
    return capsys.readouterr().err
