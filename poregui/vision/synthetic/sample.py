"""Draw whole specimens and the sample project's fourteen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from poregui.domain.geometry import Box
from poregui.vision.synthetic.pore_shapes import PoreShape, draw_crop_box, place_pores, shape_pore
from poregui.vision.synthetic.render import Patch, draw_matrix, draw_pore, expose, rasterise
from poregui.vision.synthetic.scene import (
    CLASS_NAMES,
    COUNTS,
    FIELD_BACKDROP,
    FIELD_PLACES,
    FIELD_PORES,
    Look,
    SyntheticMicrograph,
    TruePore,
    generator,
    look_of,
)

LABELLED = range(1, 11)
UNSEEN = range(11, 15)
PER_CLASS = 200
PER_FIELD = 30


def draw_sample(seed: int = 0) -> Iterator[SyntheticMicrograph]:
    """Draw the ten labelled specimens, 200 pores of each class, at least two micrographs a
    specimen.
    """
    for number, counts in zip(LABELLED, sample_counts(seed), strict=True):
        fields = max(2, math.ceil(sum(counts.values()) / PER_FIELD))
        yield from draw_specimen(number, seed=seed, fields=fields, counts=counts)


def draw_unseen(seed: int = 0) -> Iterator[SyntheticMicrograph]:
    """Draw the four specimens without labels, two micrographs each, the classes as often as their
    look has them.
    """
    for number in UNSEEN:
        yield from draw_specimen(number, seed=seed)


def draw_specimen(
    number: int,
    *,
    seed: int,
    fields: int = 2,
    width: int = 1600,
    height: int = 1200,
    counts: Mapping[str, int] | None = None,
) -> Iterator[SyntheticMicrograph]:
    """Draw the micrographs of one specimen, `width` x `height` px each.

    `counts` are the pores of each class over all fields; without it they follow the specimen's own
    mixture. The look rests on `seed` and `number` alone. Raises ValueError when the pores find no
    room in the fields.
    """
    look = look_of(seed, number)
    for field, names in enumerate(
        _deal(counts or _own_counts(look, fields, seed, number), fields, seed, number), 1
    ):
        yield draw_field(
            look, names, seed=seed, number=number, field=field, width=width, height=height
        )


def draw_field(
    look: Look, names: list[str], *, seed: int, number: int, field: int, width: int, height: int
) -> SyntheticMicrograph:
    """Draw one micrograph with a pore for each class name in `names`."""
    rng = generator(seed, number, field, FIELD_PORES)
    shapes = [shape_pore(name, look, rng) for name in names]
    places = place_pores(
        shapes, look.um_per_px, width, height, generator(seed, number, field, FIELD_PLACES)
    )
    pores = [
        (rasterise(shape, look.um_per_px, x, y), shape)
        for (x, y), shape in sorted(
            zip(places, shapes, strict=True), key=lambda pair: (pair[0][1], pair[0][0])
        )
    ]
    backdrop = generator(seed, number, field, FIELD_BACKDROP)
    reflectance = draw_matrix(look, width, height, backdrop)
    mask = np.zeros((height, width), dtype=np.int32)
    truths = []
    for index, (patch, shape) in enumerate(pores, 1):
        draw_pore(reflectance, patch, shape, look, rng)
        mask[patch.window][patch.distance <= 0] = index
        crop_box = draw_crop_box(patch.tight_box(), look, width, height, rng)
        truths.append(_truth(index, patch, shape, look, crop_box))
    return SyntheticMicrograph(
        name=f"S{number:02d}_{field}.png",
        specimen=f"S{number:02d}",
        um_per_px=look.um_per_px,
        image=expose(reflectance, look, backdrop),
        pores=tuple(truths),
        mask=mask,
    )


def _truth(index: int, patch: Patch, shape: PoreShape, look: Look, crop_box: Box) -> TruePore:
    """Return what is known of a drawn pore."""
    area_um2 = patch.area_px * look.um_per_px**2
    return TruePore(
        number=index,
        class_name=shape.class_name,
        x=patch.x,
        y=patch.y,
        area_px=patch.area_px,
        area_um2=area_um2,
        diameter_um=2 * math.sqrt(area_um2 / math.pi),
        box=patch.tight_box(),
        crop_box=crop_box,
        outline=shape.outline / look.um_per_px + (patch.x, patch.y),
    )


def _deal(counts: Mapping[str, int], fields: int, seed: int, number: int) -> list[list[str]]:
    """Deal the pores of a specimen out to its fields, each class as evenly as it goes."""
    rng = generator(seed, number, 0, FIELD_PLACES)
    dealt: list[list[str]] = [[] for _ in range(fields)]
    for name in CLASS_NAMES:
        first = int(rng.integers(fields))
        for index in range(counts.get(name, 0)):
            dealt[(first + index) % fields].append(name)
    return dealt


def _own_counts(look: Look, fields: int, seed: int, number: int) -> dict[str, int]:
    """Draw how many pores of each class a specimen shows by its own mixture, at
    least one of each.
    """
    rng = generator(seed, number, 0, COUNTS)
    total = sum(look.share.values())
    return {
        name: 1 + int(rng.poisson(25 * fields * share / total))
        for name, share in look.share.items()
    }


def sample_counts(seed: int) -> list[dict[str, int]]:
    """Share 200 pores of each class out to the labelled specimens unevenly, at
    least eight to each.
    """
    rng = generator(seed, 0, 0, COUNTS)
    minimum = 8
    specimens = len(LABELLED)
    rows: list[dict[str, int]] = [{} for _ in LABELLED]
    for name in CLASS_NAMES:
        weights = np.exp(rng.normal(0, 0.4, specimens))
        edges = np.rint(
            np.cumsum(weights) / weights.sum() * (PER_CLASS - minimum * specimens)
        ).astype(int)
        for row, extra in zip(rows, np.diff(edges, prepend=0), strict=True):
            row[name] = minimum + int(extra)
    return rows
