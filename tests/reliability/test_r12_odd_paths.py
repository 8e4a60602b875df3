"""Hold the whole flow on odd paths and names, of 240 characters too (R12)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from size_model import write_size_model

from poregui.cli.main import OK, main
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops

LONG = "240"
NAMES = (
    LONG,
    "Gefüge – Öl",
    "気孔 試料",
    "pores 🔬",
    "a b  c",
    "50 % #1; $HOME & 'x' \"y\"",
    "-rf",
    "é (NFD)",
    "CON.d",
)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def index(parent: Path, name: str) -> Path:
    """Return a folder of this name; LONG: one whose files have paths of 240 characters."""
    if name != LONG:
        return parent / name
    left = 240 - len(str(parent.absolute())) - len("/p/micrographs/Gefüge 1.png") - 1
    return parent / ("ä" * max(8, min(left, 120)))


def said(capsys: pytest.CaptureFixture[str], *text: str | Path) -> Any:
    capsys.readouterr()
    code = main([*map(str, text), "--json"])
    received = capsys.readouterr()
    assert code == OK, received.err
    return json.loads(received.out)


def test_the_whole_flow_works_whatever_folders_and_files_are_called(
    tmp_path: Path, repetitions: Callable[[int], int], capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(NAMES[: repetitions(10)]):
        folder = index(tmp_path / str(number), name)
        flow(folder, capsys)


def flow(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = folder / "images #1"
    images.mkdir(parents=True)
    for number in range(1, 6):
        draw(images / f"S{number} Gefüge %.png", number)
    project = folder / "p"
    said(capsys, "new", project)
    text = ("--as", "micrographs", "--specimen-from", "{specimen} *", "--um-per-px", "0.5")
    assert said(capsys, "import", project, images, *text)["micrographs"] == 5
    said(capsys, "detect", project)
    label(project)
    said(capsys, "train", project, "--preset", "shape")
    assert said(capsys, "evaluate", project)["run"] == 1
    said(capsys, "report", project, folder / "report é.html")
    for form in ("csv", "coco"):
        said(capsys, "export", project, folder / f"out.{form}", "--format", form)
    model = write_size_model(folder / "model ü", um_per_px=0.5)
    out = folder / "porosity 50 %"
    said(capsys, "apply", model, images, "--out", out, "--um-per-px", "0.5", "--workers", "1")
    assert len(list(out.rglob("pores.csv"))) == 5
    said(capsys, "pack", project, folder / "p #1.zip")
    said(capsys, "backup", project)
    said(capsys, "backup", project, "--restore", "newest")
    assert said(capsys, "info", project)["micrographs"] == 5
    written = {path.name for path in folder.iterdir()}
    assert written >= {"report é.html", "out.csv", "out.coco", "p #1.zip"}


def draw(file: Path, seed: int) -> None:
    """Write a micrograph of 20 dark ellipses of three forms."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:320, :400] + 0.5
    grey = random.normal(200, 4, (320, 400))
    for number in range(20):
        across = x - (40 + 80 * (number % 5))
        down = y - (40 + 80 * (number // 5))
        wide = (6.0, 12.0, 26.0)[number % 3] * random.uniform(0.9, 1.1)
        high = (6.0, 20.0, 9.0)[number % 3] * random.uniform(0.9, 1.1)
        grey[(across / wide) ** 2 + (down / high) ** 2 < 1] = 50
    Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(file)


def label(folder: Path) -> None:
    """Label what was found by its size, so that shapes tell the classes apart."""
    with Project.open(folder) as project:
        crops = project.crops()
        assert len(crops) >= 60
        ordered = sorted(crops, key=lambda crop: (crop.width * crop.height, crop.id))
        history = History(project)
        third = len(ordered) // 3
        for number, class_id in enumerate((1, 2, 3)):
            chosen = [crop.id for crop in ordered[number * third : (number + 1) * third]]
            history.apply(label_crops(project, chosen, class_id, who="Ada"))
