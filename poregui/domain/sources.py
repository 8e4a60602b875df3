"""Find in file names what crops were cut from, where nothing else tells it; changes with the names that people give.

A name such as `112_213.png`, `S03_crop_017.png` or `plate4-a-12.tif` begins with the picture or piece that a crop is of
and ends with a number of its own. Crops of one source resemble each other and must stand on one side of a split.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_WORD = re.compile(r"[^\W_]+")
_DEEPEST = 4
_FEWEST_SOURCES, _FEWEST_OF_A_CLASS = 3, 2
_SHARE_OF_NAMES, _SHARE_IN_COMPANY, _LARGEST_SHARE = 0.9, 0.5, 0.7


@dataclass(frozen=True)
class NamedCrop:
    """Hold what a file name is read with: id and label of the crop, its name, and words of its class in lower case."""

    crop_id: int
    label: int | None
    name: str
    class_words: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sources:
    """Hold the source of each crop by its id, how many words of a name it is, and an example: a name and its source."""

    of: Mapping[int, str]
    depth: int
    example: tuple[str, str]


def find_sources(crops: Sequence[NamedCrop], depth: int = 0) -> Sources | None:
    """Return the sources that the names of crops tell, None where that is not plausible.

    The first words of a name, the class left out, are the source; as few of them as are plausible, for a source that is
    too coarse keeps too much together and one that is too fine too little. Plausible are several sources in every
    class, most crops in company, no source with nearly all of them, and a number at the end of the names. With a
    `depth` that was settled earlier so many words are taken and nothing is asked.
    """
    words = {crop.crop_id: _words(crop) for crop in crops}
    for count in (depth,) if depth else range(1, _DEEPEST + 1):
        of = {crop.crop_id: source for crop in crops if (source := _source(crop.name, words[crop.crop_id], count))}
        if of and (depth or _plausible(crops, words, of)):
            first = next(crop for crop in crops if crop.crop_id in of)
            return Sources(of, count, (PurePosixPath(first.name).name, of[first.crop_id]))
    return None


def _words(crop: NamedCrop) -> list[re.Match[str]]:
    found = list(_WORD.finditer(PurePosixPath(crop.name).stem))
    while found and found[0].group().casefold() in crop.class_words:
        del found[0]
    return found


def _source(name: str, words: Sequence[re.Match[str]], count: int) -> str:
    """Return the first words of a name as they stand there; empty when nothing would be left behind them."""
    if len(words) <= count:
        return ""
    return PurePosixPath(name).stem[words[0].start() : words[count - 1].end()]


def _plausible(crops: Sequence[NamedCrop], words: Mapping[int, Sequence[re.Match[str]]], of: Mapping[int, str]) -> bool:
    sizes = Counter(of.values())
    numbered = sum(any(letter.isdecimal() for letter in words[crop_id][-1].group()) for crop_id in of)
    of_class: dict[int, set[str]] = {}
    for crop in crops:
        if crop.label is not None and crop.label > 0 and crop.crop_id in of:
            of_class.setdefault(crop.label, set()).add(of[crop.crop_id])
    return (
        len(of) >= _SHARE_OF_NAMES * len(crops)
        and numbered >= _SHARE_OF_NAMES * len(of)
        and len(sizes) >= _FEWEST_SOURCES
        and sum(size for size in sizes.values() if size > 1) >= _SHARE_IN_COMPANY * len(of)
        and max(sizes.values()) <= _LARGEST_SHARE * len(of)
        and all(len(sources) >= _FEWEST_OF_A_CLASS for sources in of_class.values())
    )
