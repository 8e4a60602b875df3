"""Fix recipe, network, scale and confidence in a folder that operators apply unchanged."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from poregui.domain.checked import mapping
from poregui.domain.detection import DetectionRecipe, detection_recipe_from_json
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.records import check_pixel_size
from poregui.store.files import copy_plain, explain_write_error, file_hash, write_json
from poregui.store.finder_folder import FinderFolder
from poregui.store.project import Project
from poregui.store.run_files import BROKEN, parse_json, read_whole
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.inputs import (
    AppliedModel,
    model_in_project,
    model_of_file,
    model_of_run,
    named_now,
)
from poregui.workflow.detecting.learned_finder import copy_finder
from poregui.workflow.evaluating.class_identity import classes_of_run
from poregui.workflow.exporting.export_labels import new_folder
from poregui.workflow.exporting.export_run import CARD, CARD_PAGE, MODEL, SIDECAR, export_model

LOCKED = "locked.json"
FOLDER = "locked"
"""Where a project keeps the recipe that is locked for its window."""


@dataclass(frozen=True)
class Lock:
    """Hold what a supervisor fixed, `who` and `when` (UTC, to the minute); `title` may be empty.

    `model` and `sidecar` are SHA-256 of the files beside; `um_per_px` is the scale of every
    micrograph, None: what each of them says. `run` is the number of the run in the project that it
    was locked in.
    """

    who: str
    when: str
    title: str
    run: int
    network: str
    model: str
    sidecar: str
    recipe: DetectionRecipe
    min_confidence: float
    um_per_px: float | None

    @property
    def hash(self) -> str:
        """Return a SHA-256 over everything that is fixed, and by whom and when."""
        return hashlib.sha256(json.dumps(self._values(), sort_keys=True).encode()).hexdigest()

    @property
    def sentence(self) -> str:
        """Say who locked what and when, to stand behind the word "recipe"."""
        named = f" “{self.title}”" if self.title else ""
        return f"{named} locked by {self.who} on {self.when}, hash {self.hash[:16]}".strip()

    def to_json(self) -> dict[str, Any]:
        """Return everything with its hash as a dictionary fit for JSON."""
        return {**self._values(), "hash": self.hash}

    def _values(self) -> dict[str, Any]:
        values = {**asdict(self), "recipe": self.recipe.to_json()}
        values["least"] = values.pop("min_confidence")
        return values


def lock_run(
    project: Project,
    run: RunFolder,
    out: Path,
    *,
    who: str,
    title: str = "",
    min_confidence: float = 0.0,
    um_per_px: float | None = None,
    finder: int | None = None,
) -> Lock:
    """Write the network of a run with its card and locked.json into a new or empty folder and
    return what is locked.

    The recipe is the project's as it is now, and so is the finder where its number is not given.
    Raises ProjectError when the run has no network,
    PoreguiError when nobody is named, a number makes no sense, or the folder holds something or
    cannot be written.
    """
    if not who.strip():
        raise PoreguiError("No name was given for who locks this recipe.", "Enter a name.")
    if not 0 <= min_confidence < 1:
        raise PoreguiError(
            f"{min_confidence:g} is not a valid confidence.",
            "Enter a number from 0 to below 1, such as 0.8.",
        )
    if um_per_px is not None:
        check_pixel_size(um_per_px)
    model = model_of_run(project, run, finder)
    made: list[Lock] = []

    def write(folder: Path) -> int:
        written = export_model(project, run, folder, finder)
        lock = Lock(
            who=" ".join(who.split()),
            when=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            title=" ".join(title.split()),
            run=run.number,
            network=model.name,
            model=file_hash(folder / MODEL),
            sidecar=file_hash(folder / SIDECAR),
            recipe=model.recipe,
            min_confidence=min_confidence,
            um_per_px=um_per_px,
        )
        write_json(folder / LOCKED, lock.to_json())
        made.append(lock)
        return written + 1

    new_folder(out, write)
    return made[0]


def read_lock(file: Path) -> Lock:
    """Return what a locked.json fixes.

    Raises PoreguiError when it or the network beside it is not as it was locked.
    """
    try:
        received = mapping(parse_json(read_whole(file)))
        sealed = str(received.pop("hash"))
        recipe = detection_recipe_from_json(received.pop("recipe"))
        lock = Lock(recipe=recipe, min_confidence=received.pop("least"), **received)
        unchanged = lock.hash == sealed
    except FileNotFoundError as error:
        raise ProjectError(
            f"{file} is missing.", "Choose the locked.json of a locked recipe."
        ) from error
    except BROKEN as error:
        raise _changed(file) from error
    if not unchanged:
        raise _changed(file)
    for name, wanted in ((MODEL, lock.model), (SIDECAR, lock.sidecar)):
        beside = file.with_name(name)
        if not beside.exists():
            raise ProjectError(
                f"{beside} is missing.", "Keep the folder of a locked recipe together."
            )
        if file_hash(beside) != wanted:
            raise _changed(beside)
    return lock


def _changed(file: Path) -> PoreguiError:
    return ProjectError(
        f"{file} has changed since it was locked.",
        "Ask whoever locked it for the original folder, or lock the recipe again.",
    )


def model_of_lock(file: Path, project: Project | None = None) -> tuple[AppliedModel, Lock]:
    """Return the network of a locked recipe, ready to be applied, and the lock.

    In a project its classes are those of the project, under the names that they have now. Raises
    PoreguiError as `read_lock`, and when the project does not have all its classes or it is not
    clear which they are.
    """
    lock = read_lock(file)
    model = replace(model_of_file(file.with_name(MODEL), lock.recipe), name=lock.network)
    if project is None:
        return model, lock
    model = replace(model, twin=_twin(lock, model, project))
    run = None if model.class_uids else own_run(lock, project)
    if run is None:
        return model_in_project(model, project), lock
    return named_now(
        model, classes_of_run(project, run.read_dataset())
    ), lock  # locked before classes had uids


def take_lock(file: Path, project: Project) -> Lock:
    """Copy a locked recipe from elsewhere into the folder of a project, which then applies it, and
    return it.

    Raises PoreguiError as `model_of_lock`, when the project is locked already, or when it cannot be
    written.
    """
    model, lock = model_of_lock(file, project)
    if lock_of_project(project.folder) is not None:
        raise PoreguiError(
            "This project is locked already.", "Unlock it first, then take the other recipe."
        )
    names = [
        one for one in (LOCKED, MODEL, SIDECAR, CARD, CARD_PAGE) if file.with_name(one).exists()
    ]

    def write(folder: Path) -> int:
        for name in names:
            copy_plain(file if name == LOCKED else file.with_name(name), folder / name)
        read_lock(folder / LOCKED)
        if model.finder is None:
            return len(names)
        return len(names) + copy_finder(FinderFolder(model.finder), folder)

    new_folder(project.folder / FOLDER, write)
    return lock


def is_own(lock: Lock, project: Project) -> bool:
    """Tell whether a run of the project has the very network that is locked."""
    return own_run(lock, project) is not None


def own_run(lock: Lock, project: Project) -> RunFolder | None:
    """Return the run of the project that has the very network that is locked, None without one."""
    run = next((one for one in project.runs() if one.number == lock.run and one.has_network), None)
    if run is not None and file_hash(run.onnx_file) == lock.model:
        return run
    return None


def _twin(lock: Lock, model: AppliedModel, project: Project) -> Path | None:
    """Return the description that the run of a lock has of its network, where the locked one says
    all of it too, so that what was found before the lock counts; None otherwise.
    """
    run = own_run(lock, project)
    if run is None:
        return None
    locked = mapping(parse_json(read_whole(model.sidecar)))
    own = run.read_sidecar()
    if all(key in locked and locked[key] == value for key, value in own.items()):
        return run.sidecar_file
    return None


def lock_of_project(project: Path) -> Path | None:
    """Return the locked.json of a project's folder, None where nothing is locked."""
    file = project / FOLDER / LOCKED
    return file if file.exists() else None


def unlock_project(project: Path) -> bool:
    """Take the lock of a project away, its folder and all; tell whether there was one.

    Raises PoreguiError when it cannot be removed.
    """
    folder = project / FOLDER
    if not (folder / LOCKED).exists():
        return False
    try:
        (folder / LOCKED).unlink()
        shutil.rmtree(folder)
    except OSError as error:
        raise explain_write_error(error, folder) from error
    return True
