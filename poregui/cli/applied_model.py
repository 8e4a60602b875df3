"""Choose for the verb apply what is applied: a run, a bare model, or what is locked; changes with what can be given."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from poregui.cli.chosen import run_for
from poregui.cli.output import Screen
from poregui.domain.detection import DetectionRecipe, detection_recipe_from_json
from poregui.domain.errors import PoreguiError
from poregui.store.project import Project
from poregui.workflow.applying.locking import Lock, lock_of_project, model_of_lock
from poregui.workflow.applying.places import names_beside
from poregui.workflow.applying.source import AppliedModel, ToApply, model_of_file, model_of_run
from poregui.workflow.specimen_names import doubt_words, same_by_name, specimen_rule

_FIXED = {
    "run": "--run",
    "recipe": "--recipe",
    "min_confidence": "--min-confidence",
    "um_per_px": "--um-per-px",
    "keep_unlike": "--keep-unlike",
}


@dataclass(frozen=True)
class Chosen:
    """Hold what is applied, the project that knows of micrographs (None: none does), and what is locked."""

    model: AppliedModel
    project: Project | None
    least: float
    um_per_px: float | None
    lock: Lock | None = None


def choose_model(args: argparse.Namespace, stack: ExitStack, screen: Screen) -> Chosen:
    """Return what the words of a command line ask for; a project that is opened ends with `stack`.

    Raises PoreguiError when something is missing or damaged, or goes against a locked recipe.
    """
    least = 0.0 if args.min_confidence is None else args.min_confidence
    if not 0 <= least < 1:
        raise PoreguiError(f"{least:g} is no confidence.", "Give a number from 0 to below 1, such as 0.8.")
    source = args.project.absolute()
    recipe = _recipe(args.recipe) if args.recipe else None
    bare = source.suffix.lower() in (".onnx", ".json")
    project = None if bare else stack.enter_context(Project.open(source, read_only=True))
    if source.suffix.lower() == ".json":
        locked = source
    else:
        locked = args.locked.absolute() if args.locked else None if bare else lock_of_project(source)
    if locked is not None:
        return _locked(args, locked, project)
    if project is None:
        return Chosen(model_of_file(source, recipe, least=least), None, least, args.um_per_px)
    model = model_of_run(project, run_for(project, args.run, screen, network=True), least=least)
    return Chosen(model if recipe is None else replace(model, recipe=recipe), project, least, args.um_per_px)


def name_specimens(fields: Sequence[ToApply], pattern: str | None) -> tuple[list[ToApply], list[str]]:
    """Return micrographs with the specimens that a pattern finds in the names of those that have none, and notes.

    Raises PoreguiError for an unfit pattern (see `specimen_rule`).
    """
    if pattern is None:
        return list(fields), []
    rule = specimen_rule(pattern)
    found = [(one.file.as_posix(), one.specimen or rule.of_file(one.file)) for one in fields]
    without = [place for place, one in enumerate(fields) if not one.specimen]
    doubtful = set() if rule.sees_folders else set(same_by_name(found)).intersection(without)
    named = [
        one if place not in without or place in doubtful else replace(one, specimen=found[place][1] or "")
        for place, one in enumerate(fields)
    ]
    names = names_beside([one.file for one in fields])
    shown = ", ".join(dict.fromkeys(names[place] for place in sorted(doubtful)))
    return named, [doubt_words(shown)] if shown else []


def _locked(args: argparse.Namespace, file: Path, project: Project | None) -> Chosen:
    model, lock = model_of_lock(file, project)
    given = [option for name, option in _FIXED.items() if getattr(args, name) is not None]
    if given:
        raise PoreguiError(
            f"The recipe is {lock.sentence}.",
            f"Leave out {', '.join(given)}, or unlock the project with poregui lock PROJECT --off.",
        )
    return Chosen(model, project, lock.least, lock.um_per_px, lock)


def _recipe(path: Path) -> DetectionRecipe:
    try:
        return detection_recipe_from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise PoreguiError(f"{path} is no detection recipe: {error}.", "Give a JSON file of one.") from error
