"""Make a project of specimens whose micrographs have square pores of known size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from builders import add_specimens, grey

from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Crop, Micrograph
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops, AddMicrographs
from poregui.workflow.editing.history import History

SIDE = 200


def outlined_project(
    folder: Path,
    pores: Mapping[str, Sequence[Sequence[int]]],
    um_per_px: float | None = 1.0,
    classes: Sequence[int] = (1,),
) -> Project:
    """Return an open project: by specimen its fields of 200 x 200 px, by field the sides of its
    square pores in px; `classes` label them in turn.
    """
    project = Project.create(folder)
    specimens = add_specimens(project, *pores)
    micrographs: list[Micrograph] = []
    crops: list[Crop] = []
    outlines: list[tuple[int, Outline]] = []
    pixels = project.pixels.add(CropPixels(grey(1), 0.0, 255.0))
    for specimen in specimens:
        for sides in pores[specimen.name]:
            number = len(micrographs) + 1
            name = f"{specimen.name}_{number}.png"
            one = Micrograph(number, name, name, f"{number:064}", SIDE, SIDE, 8, 1, um_per_px)
            micrographs.append(replace(one, specimen_id=specimen.id))
            for index, side in enumerate(sides):
                left, top = 40 * (index % 5), 40 * (index // 5)
                label = classes[index % len(classes)]
                crop = Crop(len(crops) + 1, pixels, side, side, number, Box(left, top, side, side))
                crops.append(replace(crop, label=label, origin="hand"))
                corners = [(left, top), (left + side, top), (left + side, top + side)]
                line = Outline.of([*corners, (left, top + side)])
                outlines.append((crop.id, line))
    history = History(project)
    history.apply(AddMicrographs(tuple(micrographs)))
    history.apply(AddCrops(tuple(crops), who="Ada", outlines=tuple(outlines)))
    return project
