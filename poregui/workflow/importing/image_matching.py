"""Find the micrographs that outlines of other programs were drawn on.

What a file says goes from the surest down: the content of the image, the folders before its name,
its name and size. Where that leaves several, or two images would land on one, nothing is taken and
a sentence says why.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from poregui.domain.micrograph_names import names_with_ids, plain, shared_folders, without_ending
from poregui.domain.records import Micrograph
from poregui.workflow.exporting.formats.shapes import ImageShapes


class Evidence(IntEnum):
    """Say what a match rests on, the surest last."""

    NAME = 1
    PATH = 2
    CONTENT = 3


@dataclass(frozen=True)
class Match:
    """Hold the micrograph of an image (None: no single one) and what to say of it, empty for
    nothing.
    """

    image: ImageShapes
    micrograph: Micrograph | None
    evidence: Evidence = Evidence.NAME
    note: str = ""


Turned = Callable[[Micrograph], bool]
"""Tells whether the file of a micrograph is stored with its sides exchanged."""


def match_all(
    micrographs: Sequence[Micrograph],
    images: Sequence[ImageShapes],
    turned: Turned = lambda one: False,
) -> list[Match]:
    """Return the match of each image; of several on one micrograph the surest alone, or none."""
    return _one_each([match_one(micrographs, image, turned) for image in images])


def match_one(
    micrographs: Sequence[Micrograph], image: ImageShapes, turned: Turned = lambda one: False
) -> Match:
    """Return the match of one image, whatever others there are."""
    if image.sha256:
        same = [micrograph for micrograph in micrographs if micrograph.sha256 == image.sha256]
        same = [one for one in same if image.plane is None or one.plane == image.plane]
        if len(same) > 1:
            same = _of_name(same, image) or same
        if len(same) == 1:
            return Match(image, same[0], Evidence.CONTENT)
    named = _of_name(micrographs, image)
    if not named and image.nameless and len(micrographs) == 1:
        (only,) = micrographs
        note = f"{image.name} names no image; it was taken for {only.shown_name}, the only one."
        return Match(image, only, Evidence.NAME, note)
    if not named:
        return _refused(
            image, f"There is no micrograph {_name(image)} in the project; {_left_out(image)}."
        )
    best, evidence = _nearest(named, image)
    fit = [
        one
        for one in best
        if not image.width
        or (one.width, one.height) == (image.width, image.height)
        or ((one.height, one.width) == (image.width, image.height) and turned(one))
    ]
    if not fit:
        return _refused(image, _wrong_size(image, best))
    if len(fit) > 1:
        which = names_with_ids(fit, "or")
        return _refused(
            image,
            f"{_name(image)} can be {len(fit)} micrographs, {which}; {_left_out(image)}. {_HOW}",
        )
    if image.sha256:
        return _refused(
            image,
            f"{_name(image)} was outlined in a different image from {fit[0].shown_name}; "
            f"{_left_out(image)}. Import the image that was outlined first.",
        )
    return Match(
        image, fit[0], evidence, _other_folder(image, fit[0]) if evidence == Evidence.NAME else ""
    )


_HOW = "Name files or folders of outlines as those of the micrographs."


def _of_name(micrographs: Sequence[Micrograph], image: ImageShapes) -> list[Micrograph]:
    """Return the micrographs that bear the name of an image, else those that do but for the ending
    of the file.
    """
    own = image.name.replace("\\", "/").rpartition("/")[2]
    name = plain(own)
    stems = {name, without_ending(name)}
    forms: tuple[Callable[[Micrograph], bool], ...] = (
        lambda one: one.name == own,
        lambda one: plain(one.name) == name,
        lambda one: _base(one.path) == name,
        lambda one: without_ending(_base(one.path)) == name,
        lambda one: without_ending(_base(one.path)) in stems,
        lambda one: _base(one.path) == _UPLOADED.sub("", name),
    )
    for fits in forms:
        found = [micrograph for micrograph in micrographs if fits(micrograph)]
        if found:
            return found
    return []


_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio writes before the names of files that were uploaded to it."""


def _base(path: str) -> str:
    return plain(path).rpartition("/")[2]


def _nearest(named: list[Micrograph], image: ImageShapes) -> tuple[list[Micrograph], Evidence]:
    """Return those whose folders are most like what is said of the image's, and what that rests on.

    Where the file says nothing of folders, the place where it lies itself counts.
    """
    paths = [path for path in (image.path, image.name) if {"/", "\\"} & set(path)]
    left = named
    evidence = Evidence.NAME
    for path in paths or [image.beside]:
        counts = [shared_folders(one.path, path) for one in left]
        most = max(counts)
        if most:
            left = [one for one, count in zip(left, counts, strict=True) if count == most]
            evidence = Evidence.PATH
    return left, evidence


def _one_each(matches: Sequence[Match]) -> list[Match]:
    by_micrograph: defaultdict[int, list[int]] = defaultdict(list)
    for index, match in enumerate(matches):
        if match.micrograph is not None:
            by_micrograph[match.micrograph.id].append(index)
    found = list(matches)
    for same in by_micrograph.values():
        surest = max(matches[index].evidence for index in same)
        kept = [index for index in same if matches[index].evidence == surest]
        if len(kept) > 1 and (surest == Evidence.NAME or _alike([matches[i] for i in kept])):
            kept = []
        for index in same:
            if index not in kept:
                found[index] = _crowded(matches[index], len(same))
    return found


def _alike(matches: Sequence[Match]) -> bool:
    """Tell whether two images with pores in one file are told apart by nothing that it says."""
    known = [
        (match.image.source, match.image.name, match.image.path)
        for match in matches
        if match.image.source and match.image.shapes and match.evidence != Evidence.CONTENT
    ]
    return len(set(known)) < len(known)


def _crowded(match: Match, count: int) -> Match:
    if match.micrograph is not None:
        shown = match.micrograph.shown_name
    else:
        shown = ""
    return _refused(
        match.image,
        f"{_name(match.image)} is one of {count} images that would all be {shown}; "
        f"{_left_out(match.image)}. {_HOW}",
    )


def _refused(image: ImageShapes, note: str) -> Match:
    return Match(image, None, note=note)


def _name(image: ImageShapes) -> str:
    """Return what an image is called in a sentence: with its folder where the file says one."""
    name = image.name.replace("\\", "/")
    if "/" in name or not image.path:
        return name
    return "/".join([*image.path.replace("\\", "/").split("/")[-2:-1], name])


def _left_out(image: ImageShapes) -> str:
    count = len(image.shapes)
    if not count:
        return "it was left out"
    if count == 1:
        return "its pore was left out"
    return f"its {count} pores were left out"


def _wrong_size(image: ImageShapes, named: Sequence[Micrograph]) -> str:
    there = named[0]
    if len(named) == 1:
        here = f"is {there.width} × {there.height} px here"
    else:
        here = "has another size here"
    return (
        f"{_name(image)} was outlined at {image.width} × {image.height} px but {here}; "
        f"{_left_out(image)}."
    )


def _other_folder(image: ImageShapes, there: Micrograph) -> str:
    """Say that an image was said to lie in another folder than the only micrograph of its name
    does.
    """
    if not {"/", "\\"} & set(image.path or image.name):
        return ""
    return f"{_name(image)} was matched to {there.shown_name}, the only micrograph of that name."
