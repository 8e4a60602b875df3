"""Turn suggestions that a person accepted into an edit; changes with what accepting means."""

from __future__ import annotations

from collections.abc import Mapping

from poregui.domain.classes import NOT_A_PORE
from poregui.store.project import Project
from poregui.workflow.edits import LabelChange, SetLabels

_FEW = 1000
"""Crops whose labels are asked for by id; for more, all labels are read."""


def accept_suggestions(project: Project, suggested: Mapping[int, int], *, who: str) -> SetLabels:
    """Return the edit that labels crops (id to label) as suggested, all in one step; the log says `accepted`.

    Crops that are gone, or that a person has labelled already, stay as they are, and so do those that were taken for a
    class that has been retired since.
    """
    live = {NOT_A_PORE, *(one.id for one in project.classes())}
    labels = project.labels_of(suggested) if len(suggested) <= _FEW else project.labels()
    changes = [
        LabelChange(crop_id, None, label)
        for crop_id, label in suggested.items()
        if label in live and crop_id in labels and labels[crop_id] is None
    ]
    return SetLabels(tuple(changes), who=who, how="accepted")
