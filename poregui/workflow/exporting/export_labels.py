"""Write labels and crops for other programs: one CSV, or folders of images per class."""

from __future__ import annotations

import csv
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poregui.domain.classes import PoreClass, name_key
from poregui.domain.errors import PoreguiError
from poregui.domain.micrograph_names import TELL_APART, distinguished
from poregui.domain.records import Crop, GivenSplit, LabelEntry
from poregui.domain.statistics.splits import keys_of
from poregui.store.files import explain_write_error, export_target, harmless, write_csv
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.edits import label_name
from poregui.workflow.exporting.formats.shapes import safe_name
from poregui.workflow.training.grouping import tested_keys
from poregui.workflow.training.prepare_dataset import crop_name

COLUMNS = (
    "crop", "name", "micrograph", "specimen", "x", "y", "width", "height", "um_per_px", "label",
    "side", "who", "when", "how", *TELL_APART,
)  # fmt: skip
Progress = Callable[[int, int], None]


def quiet(_done: int, _total: int) -> None:
    """Tell nobody of the progress."""


def export_csv(project: Project, out: Path) -> int:
    """Write one row per crop to a CSV file and return how many there are.

    Raises PoreguiError when the file cannot be written.
    """
    rows = _rows(project)
    write_csv(export_target(out), [COLUMNS, *(map(harmless, row) for row in rows)])
    return len(rows)


def _rows(project: Project) -> list[list[Any]]:
    micrographs = {m.id: m for m in project.micrographs()}
    names = {m.id: m.shown_name for m in micrographs.values()}
    specimens = {s.id: s.name for s in project.specimens()}
    classes = project.classes(retired=True)
    test = tested_keys(project, project.crops())
    last: dict[int, LabelEntry] = {entry.crop_id: entry for entry in project.label_log()}
    rows: list[list[Any]] = []
    for crop in project.crops():
        entry = last.get(crop.id)
        rows.append(
            [
                crop.id,
                crop_name(crop, names),
                names.get(crop.micrograph_id or 0, ""),
                specimens.get(crop.specimen_id or 0, ""),
                crop.box.x if crop.box else "",
                crop.box.y if crop.box else "",
                crop.width,
                crop.height,
                crop.um_per_px if crop.um_per_px is not None else "",
                label_name(crop.label, classes),
                split_of(crop, test),
                *((entry.who, entry.when, entry.how) if entry else ("", "", "")),
                *distinguished(micrographs.get(crop.micrograph_id or 0)),
            ]
        )
    return rows


def export_class_folders(project: Project, out: Path, progress: Progress = quiet) -> int:
    """Write every labelled crop as PNG, at its own depth, into a folder of its class, with
    manifest.csv beside.

    The folder is written beside and then put in place; returns how many crops were written. Raises
    PoreguiError when `out` exists and is not empty, or cannot be written.
    """
    return new_folder(out, lambda beside: write_class_folders(project, beside, progress))


def export_split_folders(project: Project, out: Path, progress: Progress = quiet) -> int:
    """Write every labelled crop as PNG into `train/<class>` or `test/<class>`, as YOLO's
    classification training reads.

    Sides are those of the project's test set; else as `export_class_folders`.
    """
    return new_folder(
        out, lambda beside: write_class_folders(project, beside, progress, by_side=True)
    )


def new_folder(out: Path, write: Callable[[Path], int]) -> int:
    """Let `write` fill a folder beside `out`, put it in place when it is whole, and return what
    `write` counted.

    Raises PoreguiError when `out` exists and is not empty, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PoreguiError(f"{out} is not empty.", "Choose a new or an empty folder.")
    beside = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")
    try:
        beside.mkdir(parents=True)
        written = write(beside)
        if out.exists():
            out.rmdir()
        beside.rename(out)
    except OSError as error:
        raise explain_write_error(error, out) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return written


def write_class_folders(
    project: Project,
    root: Path,
    progress: Progress = quiet,
    *,
    by_side: bool = False,
    write: Callable[[CropPixels, Crop, Path], None] = lambda pixels, crop, path: write_png(
        pixels, path
    ),
) -> int:
    """Let `write` write every labelled crop into a folder of its class below `root`, with
    manifest.csv.

    Returns how many there are; the class folders stand below `train` and `test` when they go
    `by_side`. The manifest has the true names of classes, which folders may not be able to bear.
    """
    classes = project.classes(retired=True)
    folders = _folder_names(classes)
    crops = [crop for crop in project.crops() if crop.label in folders]
    specimens = {s.id: s.name for s in project.specimens()}
    test = tested_keys(project, project.crops())
    with open(root / "manifest.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "crop", "label", "specimen", "um_per_px"])
        for done, crop in enumerate(crops, start=1):
            assert crop.label is not None
            specimen = specimens.get(crop.specimen_id or 0, "")
            name = f"{safe_name(specimen or Path(crop.source).stem or 'crop')}_{crop.id:06d}.png"
            if by_side:
                folder = Path(split_of(crop, test), folders[crop.label])
            else:
                folder = Path(folders[crop.label])
            (root / folder).mkdir(parents=True, exist_ok=True)
            write(project.pixels.get(crop.pixels), crop, root / folder / name)
            row = [
                (folder / name).as_posix(),
                crop.id,
                label_name(crop.label, classes),
                specimen,
                crop.um_per_px or "",
            ]
            table.writerow([harmless(cell) for cell in row])
            progress(done, len(crops))
    return len(crops)


def split_of(crop: Crop, test: frozenset[str]) -> GivenSplit:
    """Return the split that a crop is in: the one that its folder named, else by its group."""
    return crop.given_split or ("test" if test.intersection(keys_of(crop)) else "train")


def _folder_names(classes: tuple[PoreClass, ...]) -> dict[int, str]:
    names: dict[int, str] = {}
    for c in classes:
        name = safe_name(c.name, "class")
        if name_key(name) in map(name_key, names.values()):
            names[c.id] = f"{name} {c.id}"
        else:
            names[c.id] = name
    return names


def write_png(pixels: CropPixels, path: Path) -> None:
    """Write crop pixels as PNG: 8-bit grey or colour, or 16-bit grey; 16-bit colour becomes 8-bit
    by its grey range.
    """
    from PIL import Image

    array = pixels.array
    if array.ndim == 3 and array.dtype.itemsize == 2:
        span = max(pixels.grey_high - pixels.grey_low, 1e-9)
        array = ((array.astype("f4") - pixels.grey_low) / span * 255).clip(0, 255).astype("u1")
    Image.fromarray(array).save(path, format="PNG")
