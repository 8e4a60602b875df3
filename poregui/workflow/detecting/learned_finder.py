"""Open the learned finders of a project and let them find pores, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.checked import mapping, text, whole
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.events import Finished
from poregui.store.files import file_hash
from poregui.store.finder_folder import FinderDescription, FinderFolder, finders_in
from poregui.store.project import Project
from poregui.store.run_files import BROKEN
from poregui.vision.pores.finder import COLOURS, FEATURES, Forward, PoreFinder
from poregui.workflow.evaluating.predict import open_session, run_session

_OUTPUT = "probability"
BESIDE = "finder"
"""The folder of a finder beside an exported network."""
_MOST_REACH = 1024
_MOST_STEP = 64


@dataclass(frozen=True)
class OpenedFinder:
    """Hold a finder of a project that is ready; use it in one thread at a time."""

    number: int
    description: FinderDescription
    finder: PoreFinder

    @property
    def text(self) -> str:
        """Say which finder it is, as the settings of a search do."""
        return _named(self.description, self.number)


def finder_facts(folder: FinderFolder) -> dict[str, Any]:
    """Return what tells a finder from every other one, fit for JSON.

    Raises PoreguiError when its files are damaged.
    """
    return {
        "kind": folder.read_description().kind,
        "number": folder.number,
        "model": file_hash(folder.onnx_file),
        "sidecar": file_hash(folder.sidecar_file),
    }


def finder_facts_from_json(received: Any) -> dict[str, Any]:
    """Return what `finder_facts` gave. Raises KeyError, TypeError or ValueError for anything
    else.
    """
    values = mapping(received)
    return {
        "kind": text(values["kind"]),
        "number": whole(values["number"], low=0),
        "model": text(values["model"]),
        "sidecar": text(values["sidecar"]),
    }


def finder_text(facts: Mapping[str, Any]) -> str:
    """Say which finder it is in a report."""
    return f"learned finder {facts['number']} ({facts['kind']}), SHA-256 {facts['model'][:16]}…"


def copy_finder(folder: FinderFolder, out: Path) -> int:
    """Put what applying a finder needs into a new folder beside an exported network; return how
    many files.
    """
    copy = FinderFolder(out / BESIDE)
    copy.path.mkdir()
    copy.onnx_file.write_bytes(folder.read_network())
    copy.write_description(folder.read_description())
    return 2


def finder_beside(model: Path, facts: Mapping[str, Any]) -> Path:
    """Return the folder of the finder beside an exported network.

    Raises PoreguiError when it is missing or not the one that its `facts` tell of.
    """
    folder = FinderFolder(model.with_name(BESIDE))
    there = {"model": file_hash(folder.onnx_file), "sidecar": file_hash(folder.sidecar_file)}
    if any(there[name] != facts[name] for name in there):
        raise ProjectError(
            f"{folder.path} has changed since {model.name} was exported.", "Export it again."
        )
    return folder.path


def _named(description: FinderDescription, number: int) -> str:
    return f"{description.kind} {number}"


def name_in_search(folder: FinderFolder) -> str:
    """Return how the settings of a search call a finder. Raises PoreguiError for a damaged one."""
    return _named(folder.read_description(), folder.number)


def finished_finders(project: Project) -> list[FinderFolder]:
    """Return the finders of a project that are complete, oldest first."""
    return [
        one
        for one in finders_in(project.folder)
        if one.has_network and isinstance(one.final_event(), Finished)
    ]


def name_of(folder: FinderFolder) -> str:
    """Return what a complete finder is called in lists: its kind, number and score."""
    try:
        values = folder.read_finding()
        name = f"Learned: {values['kind']} {folder.number}"
        finding = values["finding"]
        if finding is None:
            return name
        name = f"{name}, IoU {float(finding['iou'] or 0.0):.2f}"
        if "area_bias" not in finding:
            return name
        return f"{name}, area {area_bias_text(finding)}"
    except (PoreguiError, *BROKEN):
        return f"Learned: finder {folder.number}"


def area_bias_text(finding: Mapping[str, Any]) -> str:
    """Return how much too much area a finder found, with its 95 % interval where one is known."""
    bias = f"{float(finding['area_bias']):+.2f}".replace("-", "−")
    ends = finding.get("area_bias_interval95")
    if ends is None:
        return f"{bias} points"
    low, high = (f"{float(end):+.2f}".replace("-", "−") for end in ends)
    return f"{bias} points (95 % CI {low} to {high})"


FINDER_KEY = "detection_finder"
"""Under which the project keeps the number of the finder that its pores are found by."""


def finder_of_project(project: Project) -> FinderFolder | None:
    """Return the finder that the project's pores are found by, None where a threshold finds them.

    Raises ProjectError when it is there no more.
    """
    number = project.meta(FINDER_KEY)
    if not number:
        return None
    found = next((one for one in finished_finders(project) if str(one.number) == number), None)
    if found is None:
        raise ProjectError(
            f"The pores of this project were found by finder {number}, which is gone.",
            "Choose how to find pores in the Find pores tab of the Label page, or pass --method or "
            "--finder to poregui detect.",
        )
    return found


def finder_or_none(project: Project, number: int) -> FinderFolder | None:
    """Return a complete finder by its number, None where there is none."""
    return next((one for one in finished_finders(project) if one.number == number), None)


def finder_numbered(project: Project, number: int) -> FinderFolder:
    """Return a complete finder by its number. Raises ProjectError for one that is none."""
    found = finder_or_none(project, number)
    if found is not None:
        return found
    known = ", ".join(str(one.number) for one in finished_finders(project))
    remedy = "Train one: poregui train PROJECT --finder network."
    if known:
        remedy = f"Choose one of {known}."
    raise ProjectError(f"There is no complete finder {number}.", remedy)


def open_finder(folder: FinderFolder, *, threads: int = 0) -> OpenedFinder:
    """Return a finder that is ready. Raises PoreguiError when its files are damaged."""
    description = folder.read_description()
    channels = description.channels
    by_features = channels == FEATURES and description.kind == "instant"
    fits = (by_features or channels == COLOURS) and description.reach <= _MOST_REACH
    if not fits or description.step > _MOST_STEP:
        raise folder.damaged(folder.sidecar_file)
    forward = _forward_of(folder, channels, threads)
    finder = PoreFinder(forward, description.reach, description.step, by_features=by_features)
    return OpenedFinder(folder.number, description, finder)


def _forward_of(folder: FinderFolder, channels: int, threads: int) -> Forward:
    session = open_session(folder.read_network(), folder.onnx_file, threads)
    names = [one.name for one in session.get_inputs()]
    answers = [one.name for one in session.get_outputs()]
    if names != ["image"] or _OUTPUT not in answers or session.get_inputs()[0].shape[3] != channels:
        raise folder.damaged(folder.onnx_file, "is no finder")

    def forward(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        (answer,) = run_session(session, [_OUTPUT], {"image": inputs}, folder.onnx_file)
        if answer.shape != (*inputs.shape[:3], 1) or not np.isfinite(answer).all():
            raise folder.damaged(folder.onnx_file, "gives no probabilities")
        return np.asarray(answer, np.float32)

    return forward
