"""Draw the crops of the training benchmark and deal them out."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SPECIMENS = range(101, 113)
"""Specimens of the generator that are not in the sample project."""
FOLDS = 3
_PER_FIELD = 42
_FIELD = (2400, 1800)


@dataclass(frozen=True)
class Fold:
    """Hold the crop ids that a cell trains on and is tested on, and the keys of the groups that it
    is tested on.
    """

    trained: tuple[int, ...]
    tested: tuple[int, ...]
    keys: frozenset[str]


def draw_project(folder: Path, pores: int) -> None:
    """Draw a project of twelve specimens with about `pores` labelled crops
    each, the classes alike.
    """
    from functools import partial

    from poregui.store.files import replace_file
    from poregui.store.project import Project
    from poregui.vision.synthetic.sample import draw_specimen
    from poregui.vision.synthetic.scene import CLASS_NAMES
    from poregui.workflow.importing.sample_project import add_drawn

    counts = {name: (pores + 2 - index) // 3 for index, name in enumerate(CLASS_NAMES)}
    width, height = _FIELD
    beside = folder.with_name(f"{folder.name}-unfinished")
    shutil.rmtree(beside, ignore_errors=True)
    with Project.create(beside) as project:
        (beside / "micrographs").mkdir()
        for number in SPECIMENS:
            drawn = draw_specimen(
                number,
                seed=0,
                fields=math.ceil(pores / _PER_FIELD),
                width=width,
                height=height,
                counts=counts,
            )
            with project.pixels.batch(), project.transaction():
                for micrograph in drawn:
                    file = beside / "micrographs" / micrograph.name
                    replace_file(
                        file, partial(Image.fromarray(micrograph.image).save, format="PNG")
                    )
                    add_drawn(project, micrograph, file, labelled=True)
    beside.rename(folder)


def deal(project: Any, seed: int, per_class: int) -> Fold:
    """Return the fold of a seed: a third of the groups is tested on; three seeds on end test every
    group once.

    `per_class` crops of each class are drawn from the other groups, as evenly as they have them;
    those of a smaller number are among those of a larger one.
    """
    from poregui.workflow.training.grouping import groups_of

    group_of = groups_of(project, project.crops())
    crops = [crop for crop in project.crops() if crop.label is not None and crop.label > 0]
    groups = sorted({group_of[crop.id] for crop in crops})
    dealt, fold = divmod(seed, FOLDS)
    order = np.random.default_rng(dealt).permutation(len(groups))
    keys = frozenset(groups[index] for index in order[fold::FOLDS])
    random = np.random.default_rng([seed, 1])
    trained: list[int] = []
    for label in sorted({crop.label for crop in crops if crop.label is not None}):
        rows = []
        for group in (name for name in groups if name not in keys):
            ids = [crop.id for crop in crops if crop.label == label and group_of[crop.id] == group]
            rows.append([ids[index] for index in random.permutation(len(ids))])
        random.shuffle(rows)
        taken = [
            row[turn]
            for turn in range(max(map(len, rows), default=0))
            for row in rows
            if turn < len(row)
        ]
        trained += taken[:per_class]
    return Fold(tuple(trained), tuple(crop.id for crop in crops if group_of[crop.id] in keys), keys)


def cell_project(source: Path, target: Path, fold: Fold) -> None:
    """Copy a project so that it trains on the crops of a fold alone and is tested on its groups."""
    from poregui.store.project import Project
    from poregui.workflow.editing.edits import LabelChange, SetLabels
    from poregui.workflow.training.test_split import choose_test_split

    shutil.copytree(
        source, target, ignore=shutil.ignore_patterns("runs", "micrographs", "cache", "*.lock")
    )
    with Project.open(target) as project:
        kept = {*fold.trained, *fold.tested}
        labels = project.labels()
        others = [
            LabelChange(id_, label, None)
            for id_, label in labels.items()
            if label is not None and id_ not in kept
        ]
        with project.transaction():
            SetLabels(tuple(others), who="bench").do(project)
            choose_test_split(project, fold.keys).do(project)


def class_folders(source: Path, target: Path, ids: Sequence[int]) -> None:
    """Write crops as 8-bit PNG into one folder per class, as the peer reads them."""
    from poregui.store.project import Project
    from poregui.vision.patches import scale_grey

    with Project.open(source, read_only=True) as project:
        names = {c.id: c.name for c in project.classes()}
        for id_ in ids:
            crop = project.crop(id_)
            assert crop.label is not None
            held = project.pixels.get(crop.pixels)
            grey = np.rint(255 * scale_grey(held.array, held.grey_low, held.grey_high)).astype(
                np.uint8
            )
            folder = target / names[crop.label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(grey).save(folder / f"{id_}.png")
