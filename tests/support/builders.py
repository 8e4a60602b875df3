"""Build small projects, crops and run folders for tests."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from poregui.domain.geometry import Box
from poregui.domain.records import Crop, Micrograph, Specimen
from poregui.store.files import file_hash
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops, AddMicrographs, AddSpecimens
from poregui.workflow.editing.history import History


def grey(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    """Return a random grey picture, (height, width) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def add_specimens(project: Project, *names: str) -> tuple[Specimen, ...]:
    """Add specimens to a project."""
    first = project.next_id("specimens")
    specimens = tuple(Specimen(first + i, name) for i, name in enumerate(names))
    History(project).apply(AddSpecimens(specimens))
    return specimens


def add_micrograph(
    project: Project,
    file: Path,
    *,
    specimen_id: int | None = None,
    um_per_px: float | None = None,
    seed: int = 0,
) -> Micrograph:
    """Write a random grey PNG of 200 x 150 px and add it to a project."""
    Image.fromarray(grey(seed, 150, 200)).save(file)
    micrograph = Micrograph(
        id=project.next_id("micrographs"),
        path=project.path_for(file),
        name=file.name,
        sha256=file_hash(file),
        width=200,
        height=150,
        bits=8,
        channels=1,
        um_per_px=um_per_px,
        specimen_id=specimen_id,
    )
    History(project).apply(AddMicrographs((micrograph,)))
    return micrograph


def add_crops(
    project: Project,
    labels: list[int | None],
    *,
    micrograph: Micrograph | None = None,
    specimen_id: int | None = None,
    given_split: str | None = None,
    seed: int = 0,
) -> list[int]:
    """Add one crop of 32 x 24 px for each label and return their ids."""
    first = project.next_id("crops")
    crops = []
    for i, label in enumerate(labels):
        pixels = project.pixels.add(CropPixels(grey(seed * 10_000 + first + i), 0.0, 255.0))
        box = Box(i % 100, i % 100, 32, 24) if micrograph else None
        crops.append(
            Crop(
                id=first + i,
                pixels=pixels,
                width=32,
                height=24,
                micrograph_id=micrograph.id if micrograph else None,
                box=box,
                source="" if micrograph else f"crop {first + i}.png",
                specimen_id=specimen_id,
                given_split=given_split,  # type: ignore[arg-type]
                label=label,
            )
        )
    History(project).apply(AddCrops(tuple(crops), who="test", how="import"))
    return [crop.id for crop in crops]


def labelled_project(folder: Path, *, specimens: int = 5, per_class: int = 4) -> Project:
    """Make a project whose specimens each have `per_class` labelled crops of each of the three
    classes.
    """
    project = Project.create(folder)
    for specimen in add_specimens(project, *(f"S{i:02d}" for i in range(1, specimens + 1))):
        add_crops(project, [1, 2, 3] * per_class, specimen_id=specimen.id)
    return project


def png(width: int, height: int, content: bytes, bits: int = 8, colour: int = 0) -> bytes:
    """Return a PNG whose header says what it likes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", content)
        + chunk(b"IEND", b"")
    )
