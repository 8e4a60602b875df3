"""Say what a training is asked for, and how a trainer died that reported no end."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from poregui.domain.errors import TrainingError
from poregui.domain.recipe import Recipe
from poregui.domain.wording import count
from poregui.store.files import open_plain
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.training.grouping import groups_of
from poregui.workflow.training.prepare_dataset import summarise


@dataclass(frozen=True)
class Order:
    """Ask for one run: a network, or with `folds` of two or more a cross-validation, by whole
    groups or by crop.
    """

    recipe: Recipe
    folds: int = 0
    grouped: bool = True

    @property
    def text(self) -> str:
        """Say in a few words what is asked for."""
        if not self.folds:
            return self.recipe.preset
        text = f"{self.recipe.preset}, {count(self.folds, 'fold')}"
        if self.grouped:
            return text
        return f"{text} by crop"


def orders_for(recipe: Recipe, folds: int, *, compare: bool) -> tuple[Order, ...]:
    """Return the runs to train; to compare, the one by crop comes first, so that the newest run is
    the honest one.
    """
    order = Order(recipe, folds)
    if folds and compare:
        return (Order(recipe, folds, grouped=False), order)
    return (order,)


def check_order(project: Project, order: Order) -> None:
    """Raise PoreguiError when the labels as they are now do not allow what is asked for."""
    if not order.folds:
        problem = summarise(project, order.recipe).problem
        if problem is not None:
            raise problem
        return
    crops = project.crops()
    keys = groups_of(project, crops)
    groups = {keys[crop.id] for crop in crops if crop.label is not None and crop.label > 0}
    if order.grouped and order.folds > len(groups):
        if len(groups) > 1:
            remedy = f"Choose 2 to {len(groups)} folds."
        else:
            remedy = "Add crops of other specimens."
        raise TrainingError(
            f"{order.folds} folds are not possible with {len(groups)} specimens or micrographs.",
            remedy,
        )


_LAST_LINES = 6
_LAST_BYTES = 16_384
_LONGEST_LINE = 300
_NOISE = re.compile(
    r"^[IW]\d{4} |: [IW] tensorflow/|WARNING: All log messages|"
    r"^To enable the following instructions"
)
"""What TensorFlow says at every start, which is nobody's last word."""


_MEMORY = re.compile(r"bad_alloc|out of memory|MemoryError|RESOURCE_EXHAUSTED", re.IGNORECASE)


def last_words(log_file: Path, also: Iterable[str] = ()) -> list[str]:
    """Return the last lines of a trainer's log, and of what it said elsewhere,
    that say something.
    """
    messages: list[str] = []
    with contextlib.suppress(OSError), open_plain(log_file) as log:
        log.seek(max(0, log_file.stat().st_size - _LAST_BYTES))
        messages = log.read().decode("utf-8", "replace").splitlines()
    lines = [line.strip()[:_LONGEST_LINE] for line in (*messages, *also)]
    return [line for line in lines if line and not _NOISE.search(line)][-_LAST_LINES:]


def death_of(run: RunFolder, code: int, also: Iterable[str] = ()) -> TrainingError:
    """Return the sentence for a trainer that ended with an exit code (negative: by that signal) and
    told nothing.
    """
    how = f"exit code {code}"
    messages = last_words(run.log_file, also)
    memory = code == -9 or any(_MEMORY.search(line) for line in messages)
    if code < 0:
        with contextlib.suppress(ValueError):
            how = signal.Signals(-code).name
    if memory:
        how += ", possibly out of memory"
    text = " / ".join(messages)
    if memory:
        remedy = "Choose fewer crops per batch or a smaller input size, or close other programs"
    else:
        remedy = "Train again"
    kept = ""
    if run.checkpoint_file.exists() or run.model_file.exists():
        if run.model_file.exists():
            what = "Its network is kept"
        else:
            what = "Its last checkpoint is kept"
        kept = (
            f" {what}: Resume on the Train page, or poregui fit {run.path}, continues from there."
        )
    return TrainingError(
        f"Training of run {run.path.name} crashed ({how}). Last log lines: {text or 'none'}.",
        f"Your labels are unaffected.{kept} {remedy}, or see the log {run.log_file}.",
    )
