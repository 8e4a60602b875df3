"""Write the predictions and figures of a run for other programs; changes with what leaves a run."""

from __future__ import annotations

import csv
import shutil
import uuid
from pathlib import Path
from typing import Any

from poregui.domain.errors import PoreguiError
from poregui.store.csv_cells import harmless
from poregui.store.files import explain_write_error, replace_file
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.class_identity import colours_of
from poregui.workflow.evaluate import RunReview, review
from poregui.workflow.figures import run_figures
from poregui.workflow.grouping import group_names
from poregui.workflow.numbers import numbers
from poregui.workflow.shapes import shape_table
from poregui.workflow.table_columns import TELL_APART, told_apart


def export_predictions(project: Project, run: RunFolder, out: Path) -> int:
    """Write one row per crop with label, prediction and probabilities to a CSV file; return how many rows.

    Raises ProjectError when the run has no predictions or is damaged, PoreguiError when the file cannot be written.
    """
    reviewed = review(project, run)
    rows = _rows(project, reviewed)
    header = [
        "crop",
        "name",
        "group",
        "part",
        "label",
        "label when trained",
        "predicted",
        "right",
        "confidence",
        "loss",
    ]

    def write(beside: Path) -> None:
        with open(beside, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow([*header, *(f"p:{name}" for name in reviewed.classes), *TELL_APART])
            table.writerows([harmless(cell) for cell in row] for row in rows)

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_write_error(error, out) from error
    replace_file(out, write)
    return len(rows)


def _rows(project: Project, reviewed: RunReview) -> list[list[Any]]:
    names = group_names(project)
    micrographs = {m.id: m for m in project.micrographs()}
    crops = {crop.id: micrographs.get(crop.micrograph_id or 0) for crop in project.crops()}
    return [
        [
            j.crop_id,
            j.name,
            names.get(j.crop.group, ""),
            j.part,
            "" if j.truth is None else reviewed.classes[j.truth],
            reviewed.classes[j.trained_label],
            reviewed.classes[j.prediction.index],
            "" if j.truth is None else int(j.right),
            round(j.prediction.confidence, 6),
            "" if j.loss is None else round(j.loss, 6),
            *(round(p, 6) for p in j.prediction.probabilities),
            *told_apart(crops.get(j.crop_id)),
        ]
        for j in reviewed.judged
    ]


def figures_of(project: Project, run: RunFolder, *, dark: bool = False) -> dict[str, str]:
    """Return every figure of a run as SVG by file stem. Raises ProjectError when the run is not finished or damaged."""
    reviewed = review(project, run)
    found = numbers(reviewed, "test", shape_table(run), group_names(project))
    colours = dict(zip(reviewed.classes, colours_of(project, reviewed.class_ids), strict=True))
    return run_figures(reviewed, found, colours, run.events() if not reviewed.folds else [], dark=dark)


def export_figures(project: Project, run: RunFolder, out: Path) -> list[Path]:
    """Write every figure of a run as SVG into a new or empty folder, all or none; return the files.

    Raises PoreguiError when the folder holds something or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PoreguiError(f"{out} is not empty.", "Choose a new or an empty folder.")
    figures = figures_of(project, run)
    beside = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")
    try:
        beside.mkdir(parents=True)
        for stem, svg in figures.items():
            (beside / f"{stem}.svg").write_text(svg, encoding="utf-8")
        if out.exists():
            out.rmdir()
        beside.rename(out)
    except OSError as error:
        raise explain_write_error(error, out) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return [out / f"{stem}.svg" for stem in figures]
