"""Write predictions, figures and the network of a run for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poregui.domain.micrograph_names import TELL_APART, distinguished
from poregui.store.files import (
    export_target,
    harmless,
    write_csv,
    write_json,
    write_text,
)
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.confusion_of_tests import tested_crops
from poregui.workflow.applying.inputs import model_of_run
from poregui.workflow.detecting.learned_finder import copy_finder, finder_numbered
from poregui.workflow.evaluating.class_identity import colours_of
from poregui.workflow.evaluating.evaluate import NO_TRUTH, Predictions, review
from poregui.workflow.evaluating.run_statistics import numbers
from poregui.workflow.evaluating.shape_baseline import shape_table
from poregui.workflow.exporting.export_labels import new_folder
from poregui.workflow.reporting.documents import as_html, as_markdown
from poregui.workflow.reporting.figures import run_figures
from poregui.workflow.reporting.model_card import model_card
from poregui.workflow.training.grouping import group_names

MODEL = "model.onnx"
SIDECAR = "model.json"
CARD = "MODEL_CARD.md"
CARD_PAGE = "model-card.html"


def export_model(project: Project, run: RunFolder, out: Path, finder: int | None = None) -> int:
    """Write model.onnx, model.json and the model card into a new or empty folder; return how many
    files.

    Applying the folder's model gives what applying the run gives: the sidecar holds the detection
    recipe of the project, names and colours of the classes as they are now, what tells these from
    those of other projects, and the predictions of the test crops; a learned finder, the project's
    or the one of a number, goes with it. Raises ProjectError when the run
    has no network, PoreguiError when the folder holds something or cannot be written.
    """
    sidecar = sidecar_of(project, run, finder)
    card = model_card(project, run, sidecar)
    title = f"Run {run.number} of {project.name}"

    def write(folder: Path) -> int:
        (folder / MODEL).write_bytes(run.read_network())
        write_json(folder / SIDECAR, sidecar)
        write_text(folder / CARD, as_markdown(card))
        write_text(folder / CARD_PAGE, as_html(title, card))
        if sidecar["finder"] is None:
            return 4
        own = finder_numbered(project, sidecar["finder"]["number"])
        return 4 + copy_finder(own, folder)

    return new_folder(out, write)


def sidecar_of(project: Project, run: RunFolder, finder: int | None = None) -> dict[str, Any]:
    """Return the run's model.json with all that applying it without the project needs.

    Raises ProjectError when the run has no network or is damaged.
    """
    model = model_of_run(project, run, finder)
    tested = tested_crops(run)
    own = run.read_sidecar()
    by_area = tested.area_confusion()
    return {
        **own,
        "classes": list(model.classes),
        "class_ids": list(model.class_ids),
        "class_uids": list(model.class_uids),
        "name": model.name,
        "colours": list(model.colours),
        "detection": model.recipe.to_json(),
        "finder": model.finder_facts,
        "confusion": tested.confusion().tolist(),
        "area_confusion": None if by_area is None else by_area.tolist(),
        "tested": tested.to_json(),
        "temperature": model.temperature,
    }


def export_predictions(project: Project, run: RunFolder, out: Path) -> int:
    """Write one row per crop with label, prediction and probabilities to a CSV file; return how
    many rows.

    Raises ProjectError when the run has no predictions or is damaged, PoreguiError when the file
    cannot be written.
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
    heads = [*header, *(f"p:{name}" for name in reviewed.classes), *TELL_APART]
    write_csv(export_target(out), [heads, *(map(harmless, row) for row in rows)])
    return len(rows)


def _rows(project: Project, predictions: Predictions) -> list[list[Any]]:
    names = group_names(project)
    micrographs = {m.id: m for m in project.micrographs()}
    found = {crop.id: micrographs.get(crop.micrograph_id or 0) for crop in project.crops()}
    classes = predictions.classes
    right = predictions.right
    confidence = predictions.confidence
    loss = predictions.loss
    rows = []
    for row, crop in enumerate(predictions.crops):
        known = predictions.truth[row] != NO_TRUTH
        cells = [
            crop.crop_id,
            crop.name,
            names.get(crop.group, ""),
            crop.split,
            classes[predictions.truth[row]] if known else "",
            classes[predictions.trained[row]],
            classes[predictions.predicted[row]],
            int(right[row]) if known else "",
            round(float(confidence[row]), 6),
            round(float(loss[row]), 6) if known else "",
        ]
        cells += (round(p, 6) for p in predictions.probabilities[row].tolist())
        rows.append([*cells, *distinguished(found.get(crop.crop_id))])
    return rows


def figures_of(project: Project, run: RunFolder, *, dark: bool = False) -> dict[str, str]:
    """Return every figure of a run as SVG by file stem.

    Raises ProjectError when the run is not finished or damaged.
    """
    reviewed = review(project, run)
    found = numbers(reviewed, "test", shape_table(run), group_names(project))
    colours = dict(zip(reviewed.classes, colours_of(project, reviewed.class_ids), strict=True))
    return run_figures(
        reviewed, found, colours, run.events() if not reviewed.folds else [], dark=dark
    )


def export_figures(project: Project, run: RunFolder, out: Path) -> list[Path]:
    """Write every figure of a run as SVG into a new or empty folder, all or none; return the files.

    Raises PoreguiError when the folder holds something or cannot be written.
    """
    files: list[Path] = []

    def write(folder: Path) -> int:
        for stem, svg in figures_of(project, run).items():
            (folder / f"{stem}.svg").write_text(svg, encoding="utf-8")
            files.append(out / f"{stem}.svg")
        return len(files)

    new_folder(out, write)
    return files
