"""Tell in which micrographs pores were looked for, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from poregui.domain.detection import DetectionRecipe
from poregui.domain.records import Detection, Micrograph
from poregui.workflow.detecting.find_pores import recipe_text

Searched = Literal["never", "otherwise", "same"]


@dataclass(frozen=True)
class Searchable:
    """Hold of a micrograph what a choice rests on; `crops` is how many it has now.

    `searched` is `same` where pores were looked for by the same recipe and with the same masks.
    """

    id: int
    name: str
    specimen: str
    um_per_px: float | None
    crops: int
    searched: Searched


def searchable(
    micrographs: Iterable[Micrograph],
    detections: Mapping[int, Detection],
    specimens: Mapping[int, str],
    crops: Mapping[int, int],
    recipe: DetectionRecipe,
) -> tuple[Searchable, ...]:
    """Return what is known of micrographs; `specimens` are names and `crops` counts, by id."""
    return tuple(
        Searchable(
            one.id,
            one.shown_name,
            specimens.get(one.specimen_id, "") if one.specimen_id is not None else "",
            one.um_per_px,
            crops.get(one.id, 0),
            _searched(one, detections.get(one.id), recipe),
        )
        for one in micrographs
    )


def _searched(
    micrograph: Micrograph, detection: Detection | None, recipe: DetectionRecipe
) -> Searched:
    if detection is None:
        return "never"
    same = detection.recipe == recipe_text(recipe) and detection.masks == micrograph.masks
    if same:
        return "same"
    return "otherwise"
