"""Choose a recipe by what it finds on a sample: one whose pores stay the same when its threshold is
shifted, and are found by other recipes too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.detection import DetectionRecipe
from poregui.domain.geometry import Box, Mask
from poregui.domain.wording import count, percent
from poregui.vision.pores.plan import Plan, Source, hidden_in, make_plan
from poregui.vision.pores.segmentation import (
    FloatImage,
    Regions,
    fill_holes,
    keep,
    regions_of,
    threshold_at,
)
from poregui.vision.shape.polygons import FloatArray, IntArray

SHIFT = 0.05
"""By which part of the step from the darkest grey to the matrix the threshold is shifted."""
_TRUSTED = 0.2
"""Relative change of the area for such a shift from which on no threshold is trusted."""
_AGREED = 0.6
"""Overlap with what the other recipe most like it finds, below which no threshold is trusted."""
_LARGEST = 0.15
_MOST = 0.65
"""Parts of the field above which one region, and all together, are matrix or mount rather than
pores.
"""
SAMPLED = 1_000_000
"""Pixels that recipes are tried on."""
_EVERY = 7
_STEPS = 4
_RADII = (6, 18, 54)
"""Radii in px of what is subtracted as background, before the size of pores is known."""
_OTHER_POLARITY = 0.15
_PLAIN = 0.03
"""What the other polarity, and each step away from the usual recipe, must be better by."""
_APART = 3.0
"""Times the radius of the background from which on two recipes are different ones."""
_SHARP = 0.4
"""What edges as sharp as the rest count against a recipe."""
_FEW = 0.3
"""What a single region counts against a recipe; it falls with the square root of their number."""
_SHARPEST = 99.0
_FAR = 9.0
"""The cost of a recipe that finds nothing of use."""
BoolImage = NDArray[np.bool_]


@dataclass(frozen=True)
class Trial:
    """Hold what a recipe finds on the sample: `regions`, their part of the field in per cent, the
    relative `change` of their area for a shifted threshold, how many times the usual gradient that
    along their edges is (`sharpness`), how much they overlap those of another recipe (`agreement`),
    and the diameter in px that 5 % of them exceed; `largest` is the part of the field, 0 to 1, that
    is one region.
    """

    recipe: DetectionRecipe
    regions: int
    area_percent: float
    change: float
    sharpness: float
    diameter: float
    useful: bool
    largest: float = 0.0
    agreement: float = 0.0

    @property
    def trusted(self) -> bool:
        """Tell whether a threshold is to be trusted."""
        return self.useful and self.change <= _TRUSTED and self.agreement >= _AGREED


@dataclass(frozen=True)
class Choice:
    """Hold the recipe that was chosen, the trial that speaks for it, and how many were made."""

    recipe: DetectionRecipe
    trial: Trial
    tried: int

    @property
    def why(self) -> str:
        """Say what was chosen, and why."""
        one = self.trial
        moves = percent(one.change, 0)
        return (
            f"Auto chose {recipe_words(one.recipe)} out of {count(self.tried, 'recipe')}: the area "
            f"moves {moves} for a threshold 5 % higher or lower, edges are {one.sharpness:.1f} "
            f"times as sharp as the rest, and other recipes find {percent(one.agreement, 0)} of it."
        )

    @property
    def warning(self) -> str:
        """Say that no threshold is to be trusted here, where that is so; else empty."""
        one = self.trial
        if one.trusted:
            return ""
        if not one.useful:
            why = "no recipe finds separate pores"
        elif one.change > _TRUSTED:
            why = f"area moves {percent(one.change, 0)} for a threshold 5 % higher"
        else:
            why = f"recipes agree on only {percent(one.agreement, 0)} of the pore area"
        return f"No threshold can be trusted here: {why}. Train a finder on checked areas instead."


def recipe_words(recipe: DetectionRecipe) -> str:
    """Return what a recipe does in a few words."""
    if recipe.method == "local":
        threshold = f"a local threshold (window {recipe.window:g} {recipe.window_unit})"
    elif recipe.method == "noise":
        threshold = f"{recipe.deviations:g} times the noise"
    elif recipe.method == "manual":
        threshold = f"the level {recipe.level:g}"
    else:
        threshold = "Otsu's threshold"
    light = ""
    radius = f"radius {recipe.background_radius:g} {recipe.background_unit}"
    if recipe.flatten and recipe.correction == "subtract":
        hat = "black-hat" if recipe.polarity == "dark" else "white top-hat"
        light = f" after {hat} ({radius})"
    elif recipe.flatten:
        light = f" under even light ({radius})"
    return f"{threshold}{light} for {recipe.polarity} pores"


@dataclass(frozen=True)
class Sample:
    """Hold a part of a micrograph in memory, and its pixel size in um."""

    source: Source
    um_per_px: float | None


def samples_of(
    source: Source, um_per_px: float | None, masks: Sequence[Mask], pixels: int = SAMPLED
) -> list[Sample]:
    """Return an image of up to so many pixels in memory, or of a larger one four windows of it."""
    boxes = [Box(0, 0, source.width, source.height)]
    if boxes[0].area > pixels:
        side = min(int((pixels / 4) ** 0.5), source.width, source.height)
        boxes = [
            Box(int((source.width - side) * x), int((source.height - side) * y), side, side)
            for y in (0.25, 0.75)
            for x in (0.25, 0.75)
        ]
    return [Sample(_in_memory(source, masks, box), um_per_px) for box in boxes]


def _in_memory(source: Source, masks: Sequence[Mask], box: Box) -> Source:
    hidden = hidden_in(source, masks, box)
    part = Source.of(np.ascontiguousarray(source.read(box)))
    if hidden is None:
        return part
    kept = hidden

    def missing(inner: Box) -> BoolImage:
        return kept[inner.y : inner.bottom, inner.x : inner.right]

    return replace(part, missing=missing)


def choose_recipe(
    micrographs: Sequence[Sequence[Sample]],
    start: DetectionRecipe,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Choice:
    """Return the recipe that suits the samples of some micrographs best, on average; sizes, split,
    contrast and crops stay as in `start`, whose polarity is preferred.

    Lengths are in px. Nothing is random: the same samples give the same recipe. `progress` hears
    (done, total); an exception that it raises ends the work.
    """
    other = {"dark": "bright", "bright": "dark"}[start.polarity]
    best: list[tuple[float, Trial]] = []
    for polarity, penalty in ((start.polarity, 0.0), (other, _OTHER_POLARITY)):
        usual = replace(start, polarity=polarity, method="otsu", flatten=False, correction="divide")
        done = 0 if polarity == start.polarity else _STEPS // 2
        compared = _compared(micrographs, usual, partial(_tell, progress, done))
        best += [
            (_mean_cost(trials, usual) + penalty, _worst(trials, usual)) for trials in compared
        ]
    _, trial = min(best, key=lambda pair: pair[0])
    if all(cost >= _FAR for cost, _ in best):
        trial = best[0][1]
    return Choice(replace(trial.recipe, chosen_by="auto"), trial, len(best))


def _compared(
    micrographs: Sequence[Sequence[Sample]],
    usual: DetectionRecipe,
    progress: Callable[[int], None],
) -> list[list[Trial]]:
    """Return for each recipe its trials on all micrographs."""
    progress(0)
    first = [[_try(samples, recipe) for recipe in _first(usual)] for samples in micrographs]
    progress(1)
    sizes = [_diameter_in([one.trial for one in seen]) for seen in first]
    second = list(dict.fromkeys(recipe for size in sizes for recipe in _second(usual, size)))
    compared = [
        _with_agreement([*seen, *(_try(samples, recipe) for recipe in second)])
        for samples, seen in zip(micrographs, first, strict=True)
    ]
    progress(2)
    return [list(trials) for trials in zip(*compared, strict=True)]


def _tell(progress: Callable[[int, int], None], done: int, step: int) -> None:
    progress(done + step, _STEPS)


def _mean_cost(trials: Sequence[Trial], usual: DetectionRecipe) -> float:
    return float(np.mean([_cost(trial, usual) for trial in trials]))


def _worst(trials: Sequence[Trial], usual: DetectionRecipe) -> Trial:
    """Return the trial on the micrograph that a recipe suits least."""
    return max(trials, key=lambda trial: _cost(trial, usual))


def _first(usual: DetectionRecipe) -> list[DetectionRecipe]:
    """Return recipes that need to know nothing of the pores."""
    return [
        usual,
        replace(usual, method="noise"),
        *(_hat(usual, radius) for radius in _RADII),
    ]


def _second(usual: DetectionRecipe, diameter: float) -> list[DetectionRecipe]:
    """Return recipes for pores of up to a diameter in px."""
    local = replace(usual, method="local", window=float(round(4 * diameter) | 1), window_unit="px")
    even = replace(
        usual,
        flatten=True,
        background_radius=float(round(3 * diameter) + 10),
        background_unit="px",
    )
    hat = _hat(usual, round(0.75 * diameter) + 3)
    return [
        even,
        replace(local, offset=15.0),
        replace(local, offset=30.0),
        hat,
        replace(hat, method="noise"),
    ]


def _hat(usual: DetectionRecipe, radius: int) -> DetectionRecipe:
    return replace(
        usual,
        flatten=True,
        correction="subtract",
        background_radius=float(radius),
        background_unit="px",
    )


def _diameter_in(trials: Sequence[Trial]) -> float:
    """Return how large pores are by the best of some recipes, in px."""
    useful = [one for one in trials if one.useful]
    if not useful:
        return 20.0
    return min(useful, key=_doubt).diameter


def _cost(trial: Trial, usual: DetectionRecipe) -> float:
    if not trial.useful:
        return _FAR
    recipe = trial.recipe
    steps = (recipe.method != usual.method) + recipe.flatten
    return _doubt(trial) + (1 - trial.agreement) / 2 + _PLAIN * steps


def _doubt(trial: Trial) -> float:
    """Return what speaks against a trial, whatever others find."""
    few = _FEW / max(trial.regions, 1) ** 0.5
    return trial.change + trial.largest + few + _SHARP / max(trial.sharpness, 1e-9)


# ---- one trial ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seen:
    """Hold a trial with its pores in each sample."""

    trial: Trial
    pores: tuple[BoolImage, ...]


@dataclass
class _Sums:
    """Add up what one recipe finds in the samples: areas in px at a lower, the own and a higher
    threshold, the largest region, and the gradient along edges and everywhere.
    """

    field: float = 0.0
    largest: float = 0.0
    areas: FloatArray = dataclass_field(default_factory=lambda: np.zeros(3))
    pixels: list[IntArray] = dataclass_field(default_factory=list)
    edges: list[FloatImage] = dataclass_field(default_factory=list)
    everywhere: list[FloatImage] = dataclass_field(default_factory=list)

    def trial(self, recipe: DetectionRecipe) -> Trial:
        """Return what the sums come to."""
        pixels = np.concatenate(self.pixels)
        edges = np.concatenate(self.edges)
        own = float(self.areas[1])
        part = own / max(self.field, 1.0)
        if not own or not edges.size:
            return Trial(recipe, 0, 0.0, 1.0, 1.0, 1.0, useful=False)
        usual = float(np.median(np.concatenate(self.everywhere)))
        useful = self.largest <= _LARGEST * self.field and part <= _MOST
        return Trial(
            recipe,
            len(pixels),
            100 * part,
            float(np.abs(self.areas - own).max() / own),
            min(float(edges.mean()) / max(usual, 1e-9), _SHARPEST),
            float(np.quantile(2 * np.sqrt(pixels / np.pi), 0.95)),
            useful,
            self.largest / max(self.field, 1.0),
        )


def _try(samples: Sequence[Sample], recipe: DetectionRecipe) -> _Seen:
    """Return what a recipe finds in samples."""
    sums = _Sums()
    found = []
    for sample in samples:
        plan = make_plan(sample.source, recipe, sample.um_per_px)
        box = Box(0, 0, sample.source.width, sample.source.height)
        hidden = plan.hidden(box)
        grey = plan.smoothed(box)
        below = grey - threshold_at(grey, recipe, plan.threshold, plan.window)
        step = np.float32(SHIFT * max(plan.middle, plan.threshold))
        lower, own, higher = (_regions(below < by, hidden, plan) for by in (-step, 0, step))
        pores = own.labels > 0
        found.append(pores)
        sums.field += grey.size - (0 if hidden is None else int(np.count_nonzero(hidden)))
        sums.areas += [float(one.pixels.sum()) for one in (lower, own, higher)]
        sums.largest = max(sums.largest, float(own.pixels.max(initial=0)))
        sums.pixels.append(own.pixels)
        _add_gradients(sums, grey, pores, hidden)
    return _Seen(sums.trial(recipe), tuple(found))


def _regions(pores: BoolImage, hidden: BoolImage | None, plan: Plan) -> Regions:
    """Return the regions of a sample that are large enough and not the mount along an edge."""
    pixels = pores.astype(np.uint8)
    if hidden is not None:
        pixels[hidden] = 0
    if plan.recipe.fill_holes:
        pixels = fill_holes(pixels, plan.largest_hole)
    if hidden is not None:
        pixels[hidden] = 0
    regions = regions_of(pixels)
    kept = regions.pixels >= max(4.0, np.pi / 4 * plan.smallest**2)
    kept &= regions.pixels <= np.pi / 4 * plan.largest**2
    labels = regions.labels
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        along = np.bincount(edge, minlength=regions.count + 1)[1:]
        kept &= 2 * along <= len(edge)
    return keep(regions, kept)


def _add_gradients(
    sums: _Sums, grey: FloatImage, pores: BoolImage, hidden: BoolImage | None
) -> None:
    """Add the steepness of greys along the edges of pores and, of some pixels, everywhere."""
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    steep = np.asarray(np.hypot(across, down), np.float32)
    mask = pores.view(np.uint8)
    edge = cv2.dilate(mask, np.ones((3, 3), np.uint8)) != mask
    seen = np.ones(grey.shape, np.bool_) if hidden is None else ~hidden
    sums.edges.append(steep[edge & seen])
    sums.everywhere.append(steep[seen][::_EVERY])


def _with_agreement(seen: Sequence[_Seen]) -> list[Trial]:
    """Return trials with how much each finds of what another kind of useful recipe does, at
    best.
    """
    compared = []
    for one in seen:
        others = [
            _overlap(one.pores, other.pores)
            for other in seen
            if other.trial.useful and _differ(one.trial.recipe, other.trial.recipe)
        ]
        compared.append(replace(one.trial, agreement=max(others, default=0.0)))
    return compared


def _differ(one: DetectionRecipe, other: DetectionRecipe) -> bool:
    """Tell whether two recipes look at greys so differently that it means something when they
    agree.
    """
    if (one.method, one.flatten, one.correction) != (other.method, other.flatten, other.correction):
        return True
    radii = sorted((one.background_radius, other.background_radius))
    return one.flatten and radii[1] >= _APART * radii[0]


def _overlap(one: Sequence[BoolImage], other: Sequence[BoolImage]) -> float:
    """Return the common area of pores over that of both together."""
    both = sum(int(np.count_nonzero(a & b)) for a, b in zip(one, other, strict=True))
    either = sum(int(np.count_nonzero(a | b)) for a, b in zip(one, other, strict=True))
    return both / max(either, 1)
