"""Write the network of a run into a folder that needs no project; changes with what goes with a model."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from poregui.store.files import write_json, write_text
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.source import model_of_run
from poregui.workflow.applying.tested import tested_crops
from poregui.workflow.documents import as_html, as_markdown
from poregui.workflow.export import new_folder
from poregui.workflow.model_card import model_card

MODEL, SIDECAR = "model.onnx", "model.json"
CARD, CARD_PAGE = "MODEL_CARD.md", "model-card.html"


def export_model(project: Project, run: RunFolder, out: Path) -> int:
    """Write model.onnx, model.json and the model card into a new or empty folder; return how many files.

    Applying the folder's model gives what applying the run gives: the sidecar holds the detection recipe of the
    project, names and colours of the classes as they are now, what tells these from those of other projects, and what
    the test crops were answered. Raises ProjectError when the run has no
    network, PoreguiError when the folder holds something or cannot be written.
    """
    told = sidecar_of(project, run)
    card = model_card(project, run, told)
    title = f"Run {run.number} of {project.name}"

    def write(folder: Path) -> int:
        shutil.copyfile(run.onnx_file, folder / MODEL)
        write_json(folder / SIDECAR, told)
        write_text(folder / CARD, as_markdown(card))
        write_text(folder / CARD_PAGE, as_html(title, card))
        return 4

    return new_folder(out, write)


def sidecar_of(project: Project, run: RunFolder) -> dict[str, Any]:
    """Return the run's model.json with all that applying it without the project needs.

    Raises ProjectError when the run has no network or is damaged.
    """
    model = model_of_run(project, run)
    tested = tested_crops(run)
    told = run.read_sidecar()
    by_area = tested.area_confusion()
    return {
        **told,
        "classes": list(model.classes),
        "class_ids": list(model.class_ids),
        "class_uids": list(model.class_uids),
        "name": model.name,
        "colours": list(model.colours),
        "detection": model.recipe.to_json(),
        "confusion": tested.confusion().tolist(),
        "area_confusion": None if by_area is None else by_area.tolist(),
        "tested": tested.to_json(),
        "temperature": model.temperature,
    }
