"""Measure how well and how fast learned finders find pores."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 2048
DRAWN = 3
DRAWN_SIDE = 480


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the benchmark understands."""
    parser.add_argument(
        "--images",
        type=Path,
        help="a folder of NAME.png and NAME_mask.png; drawn ones otherwise",
    )
    parser.add_argument(
        "--kinds", type=lambda text: text.split(","), default=["network", "instant"]
    )
    parser.add_argument("--epochs", type=int, help="of each finder; its own otherwise")


def finder(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Teach finders from complete masks; say what each finds in every image by what the others
    teach, beside Otsu's threshold, and how many megapixels a second it looks at.
    """
    images = options.images or _draw(folder / "drawn")
    masks = sorted(images.glob("*_mask.*"))
    micrographs = folder / "micrographs"
    micrographs.mkdir()
    for mask in masks:
        name = mask.name.replace("_mask", "")
        shutil.copy(images / name, micrographs / name)
    project = folder / "finder-project"
    _run("new", project)
    _run("import", project, micrographs, "--as", "micrographs")
    _run("detect", project)
    otsu = _run("score-detection", project, images)
    _run("import-outlines", project, images, "--complete")
    found = {}
    for kind in options.kinds:
        epochs = [] if options.epochs is None else ["--epochs", options.epochs]
        values = _run("train", project, "--finder", kind, *epochs)
        found[kind] = {**values, "megapixels_per_second": _speed(project, values["run"])}
    return {"images": len(masks), "otsu": otsu["pooled"], "finders": found}


def _run(*words: object) -> dict[str, Any]:
    from poregui.cli.main import main

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main([*map(str, words), "--json"])
    if code:
        raise SystemExit(f"poregui {words[0]} ended with {code}")
    values: dict[str, Any] = json.loads(out.getvalue())
    return values


def _speed(project: Path, number: int) -> float:
    from poregui.store.project import Project
    from poregui.vision.pores.finder import probabilities, range_of
    from poregui.vision.pores.plan import Source
    from poregui.workflow.detecting.learned_finder import finder_numbered, open_finder

    with Project.open(project, read_only=True) as opened:
        learned = open_finder(finder_numbered(opened, number)).finder
    grey = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    source = Source.of(grey)
    began = time.perf_counter()
    probabilities(learned, source, range_of(source))
    return SIDE * SIDE / 1e6 / (time.perf_counter() - began)


def _draw(folder: Path) -> Path:
    """Draw micrographs with uneven light and noise, and masks of their pores."""
    from PIL import Image

    folder.mkdir()
    rows, columns = np.mgrid[:DRAWN_SIDE, :DRAWN_SIDE] + 0.5
    for number in range(DRAWN):
        random = np.random.default_rng(number)
        pore = np.zeros(rows.shape, np.bool_)
        for x, y, radius in random.uniform((20, 20, 4), (460, 460, 14), (40, 3)):
            pore |= np.hypot(columns - x, rows - y) < radius
        light = 150 + 60 * np.sin(columns / 90 + number) + 20 * np.cos(rows / 31)
        grey = np.where(pore, 0.55 * light, light) + random.normal(0, 10, rows.shape)
        Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(folder / f"d{number}.png")
        Image.fromarray(pore.astype(np.uint8) * 255).save(folder / f"d{number}_mask.png")
    return folder
