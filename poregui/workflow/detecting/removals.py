"""Say which regions the rules of a recipe left out, for they may have been pores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from poregui.domain.detection import DetectionRecipe
from poregui.domain.wording import count, percent
from poregui.vision.pores.detection import (
    CONTRAST,
    EDGE,
    LARGEST,
    MASK,
    MOUNT,
    SMALLEST,
    TOO_LARGE,
    UNSURE,
    Detected,
)

_LITTLE = 0.05
"""Area of faint regions over that of the pores below which it is not worth a word."""
_MUCH = 0.3
"""Part of the field that a single pore hardly covers."""
_SENTENCES = {
    CONTRAST: "Minimum contrast removed {}.",
    SMALLEST: "Smallest pore removed {}.",
    LARGEST: "Largest pore removed {}.",
    TOO_LARGE: "{} too large for a pore excluded.",
    EDGE: "Pores at the edge: {} excluded.",
    MASK: "Masks removed {}.",
    UNSURE: "The finder is not sure of {}; left out.",
}
_GROUPS = {
    "contrast": (CONTRAST, UNSURE),
    "size": (SMALLEST, LARGEST, TOO_LARGE),
    "edge": (EDGE,),
    "mount": (MOUNT,),
    "mask": (MASK,),
}


def removed_by_rule(removed: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return how many regions contrast, size, edge, mount and masks left out, of one or several
    micrographs.
    """
    total = _together(removed)
    return {name: sum(total[rule] for rule in rules) for name, rules in _GROUPS.items()}


def removed_sentences(removed: Iterable[Mapping[str, int]]) -> list[str]:
    """Say how many regions each rule left out, of one or several micrographs."""
    total = _together(removed)
    return [
        sentence.format(count(total[rule], "region"))
        for rule, sentence in _SENTENCES.items()
        if total[rule]
    ]


def _together(removed: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in removed:
        total.update(one)
    return total


def doubts_of(detected: Detected, recipe: DetectionRecipe) -> tuple[str, ...]:
    """Say what makes the area per cent of one micrograph doubtful."""
    return (*_mount_question(detected), *_large_pore(detected), *_faint_text(detected, recipe))


def _mount_question(detected: Detected) -> tuple[str, ...]:
    if not detected.unsure_mount_px:
        return ()
    share = percent(detected.unsure_percent / 100, 0)
    return (
        f"{share} of the field along the edge may be mounting material or pore; counted as pore "
        "until you say which.",
    )


def _large_pore(detected: Detected) -> tuple[str, ...]:
    share = float(detected.areas.max(initial=0.0)) / max(detected.field_area_px, 1.0)
    if detected.unsure_mount_px or share <= _MUCH:
        return ()
    return (f"One pore covers {percent(share, 0)} of the field: check the threshold.",)


def _faint_text(detected: Detected, recipe: DetectionRecipe) -> tuple[str, ...]:
    """Say what regions below the least contrast come to, where they would make a difference."""
    faint = detected.removed_area_px[CONTRAST]
    if faint <= _LITTLE * detected.pore_area_px:
        return ()
    share = percent(faint / max(detected.field_area_px, 1.0), 2)
    regions = count(detected.removed[CONTRAST], "region")
    return (
        f"{regions} ({share} of the field) left out: contrast below the minimum of "
        f"{recipe.contrast:g} %.",
    )


def border_text(detected: Detected) -> tuple[str, ...]:
    """Say how much of the image is black border, where it has one."""
    if not detected.border_share:
        return ()
    share = percent(detected.border_share, 1)
    return (f"{share} of the image is black border, neither pore nor field.",)
