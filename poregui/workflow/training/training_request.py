"""Say what a training is asked for beside its recipe, folds above all."""

from __future__ import annotations

from dataclasses import dataclass

from poregui.domain.errors import TrainingError
from poregui.domain.recipe import Recipe
from poregui.domain.wording import count
from poregui.store.project import Project
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
