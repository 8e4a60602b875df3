"""Define what a project holds: specimens, micrographs, crops and the label log."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Mask

_MOST = 1_000_000


@dataclass(frozen=True, order=True)
class Plane:
    """Hold which image of a file is meant, each number from 1 as people count.

    `page` counts the file's images, a time step each where it knows of times; `channel` is None
    for the colours as they are, or the first channel where they are no colours; `z` counts the
    slices of a stack. Raises PoreguiError for numbers below 1.
    """

    page: int = 1
    channel: int | None = None
    z: int = 1

    def __post_init__(self) -> None:
        for name, number in (("page", self.page), ("channel", self.channel), ("z", self.z)):
            if number is not None and not 1 <= number <= _MOST:
                raise PoreguiError(f"There is no {_WORDS[name]} {number}.", "Count from 1.")

    @classmethod
    def parse(cls, text: str) -> Plane:
        """Return the plane that a text like 'page=2;channel=1' names, the first for an empty one.

        Raises PoreguiError for any other text.
        """
        found: dict[str, int] = {}
        for part in filter(None, text.replace(" ", "").split(";")):
            match = re.fullmatch(r"(page|channel|z)=(\d{1,7})", part)
            if match is None or match[1] in found:
                raise PoreguiError(
                    f"{text!r} names no plane.", "Write it like page=2;channel=1;z=3."
                )
            found[match[1]] = int(match[2])
        return cls(**found)

    def __str__(self) -> str:
        """Return the canonical text, which leaves out what is the first; empty for the first plane
        of all.
        """
        parts = [("page", self.page, 1), ("channel", self.channel, None), ("z", self.z, 1)]
        return ";".join(f"{name}={number}" for name, number, usual in parts if number != usual)

    @property
    def text(self) -> str:
        """Return the plane for a person to read: 'page 2, channel 1', empty for the first."""
        return ", ".join(f"{_WORDS[name]} {number}" for name, number in _parts(str(self)))


_WORDS = {"page": "page", "channel": "channel", "z": "slice"}
FIRST = Plane()


def _parts(text: str) -> list[tuple[str, str]]:
    return [
        (name, number)
        for name, _, number in (part.partition("=") for part in text.split(";") if part)
    ]


@dataclass(frozen=True)
class Display:
    """Hold a contrast window: stored values from `low` (black) to `high` (white), bent by `gamma`.

    Raises PoreguiError when white does not lie above black or gamma is not between 0.1 and 10.
    """

    low: float
    high: float
    gamma: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise PoreguiError(
                "White must lie above black.", "Move the upper end of the contrast window up."
            )
        if not 0.1 <= self.gamma <= 10:
            raise PoreguiError(
                f"A gamma of {self.gamma:g} shows nothing.", "Choose one between 0.1 and 10."
            )


GivenSplit = Literal["train", "test"]
How = Literal["hand", "review", "import", "accepted", "applied", "undo", "redo", "merge", "settled"]
"""How a label came to be: by a key press, by one on the review page (where predictions are seen),
from an import, by accepting a suggestion, as answer to a pore that an applied network left to a
person, by undo or redo, by merging, by settling what people do not agree on."""

Line = tuple[tuple[float, float], ...]
"""Points (x, y) in px of a micrograph, at least two, joined in their order."""

Origin = Literal["", "hand", "click", "detected", "import"]
"""How a crop came to be: drawn, clicked on a pore, found by detection, imported; empty in projects
of version 1.
"""


MIN_UM_PER_PX = 1e-4
MOST_UM_PER_PX = 1e3
PIXEL_SIZES = "Give a number from 0.0001 to 1000 (µm/px); 1 nm is 0.001 µm."


def is_pixel_size(um_per_px: float) -> bool:
    """Tell whether a micrograph can have this pixel size: from 0.1 nm to 1 mm."""
    return MIN_UM_PER_PX <= um_per_px <= MOST_UM_PER_PX


def check_pixel_size(um_per_px: float) -> None:
    """Raise PoreguiError for what is no pixel size of a micrograph in µm."""
    if not is_pixel_size(um_per_px):
        raise PoreguiError(f"{um_per_px:g} µm/px is not a valid pixel size.", PIXEL_SIZES)


@dataclass(frozen=True)
class Specimen:
    """Hold a piece of material that micrographs were taken of."""

    id: int
    name: str


@dataclass(frozen=True)
class Micrograph:
    """Hold what is known of an image file without its pixels.

    `path` is relative to the project folder (with `/`) where the file lies below or beside it, else
    absolute. `width`, `height` in px; `bits` and `channels` as stored in the file; `um_per_px` is
    None when unknown and `scale_source` says where it came from. `plane` names the page, channel or
    slice of a file that holds several (empty: the first). `display` is how grey is shown, None for
    automatic; it never touches data. Nothing is detected or cropped inside `masks`.
    `build_direction_deg` is counted counter-clockwise from the right in the image, None where
    that of the project counts. `surfaces` are lines that a person drew where the specimen ends,
    empty where none is in view, None where those that detection found count. `checked_areas` are
    closed polygons in px: a person said that in them every pore has its outline, and nothing else
    has one. `unique_name` is what it is called among the micrographs of its project; it is not
    stored, and empty where the name alone tells it apart.
    """

    id: int
    path: str
    name: str
    sha256: str
    width: int
    height: int
    bits: int
    channels: int
    um_per_px: float | None = None
    scale_source: str = ""
    specimen_id: int | None = None
    plane: str = ""
    display: Display | None = None
    masks: tuple[Mask, ...] = ()
    build_direction_deg: float | None = None
    surfaces: tuple[Line, ...] | None = None
    checked_areas: tuple[Line, ...] = ()
    unique_name: str = field(default="", compare=False)

    @property
    def whole(self) -> Line:
        """Return the polygon around all of it."""
        right = float(self.width)
        bottom = float(self.height)
        return ((0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom))

    @property
    def is_checked(self) -> bool:
        """Tell whether all of it is a checked area."""
        return self.whole in self.checked_areas

    @property
    def shown_name(self) -> str:
        """Return what it is called where people read: its name, with folders before it where others
        bear that too.
        """
        return self.unique_name or self.name


@dataclass(frozen=True)
class Detection:
    """Hold that pores were looked for in a micrograph: when (ISO 8601, UTC), by which recipe
    (JSON), and what it is.

    `surfaces` are the lines where the specimen ends. `field_area_px` is the specimen's part of the
    image in px², as long as the masked regions are `masks`.
    """

    when: str
    recipe: str
    field_area_px: float
    masks: tuple[Mask, ...] = ()
    surfaces: tuple[Line, ...] = ()

    def same_as(self, other: Detection | None) -> bool:
        """Tell whether another one, earlier or later, says the same."""
        return other is not None and replace(other, when=self.when) == self


@dataclass(frozen=True)
class Crop:
    """Hold one box around one pore, or one ready-made crop.

    A crop cut from a micrograph has `micrograph_id` and `box`; a ready-made one has `source`, the
    file it came from. `pixels` is the content hash under which the pixel store keeps it; `width`,
    `height` in px. `given_split` is the split that its folder named. `label` is a class id,
    `NOT_A_PORE`, `UNSURE` or None.
    """

    id: int
    pixels: str
    width: int
    height: int
    micrograph_id: int | None = None
    box: Box | None = None
    source: str = ""
    specimen_id: int | None = None
    um_per_px: float | None = None
    given_split: GivenSplit | None = None
    label: int | None = None
    origin: Origin = ""

    @property
    def is_candidate(self) -> bool:
        """Tell whether detection found it and nobody has said what it is."""
        return self.origin == "detected" and self.label is None

    @property
    def size_px(self) -> int:
        """Return the longer side in px."""
        return max(self.width, self.height)


@dataclass(frozen=True)
class LabelEntry:
    """Hold one line of the append-only label log: who gave which label to which crop, when (ISO
    8601, UTC) and how.
    """

    id: int
    crop_id: int
    label: int | None
    who: str
    when: str
    how: How


@dataclass(frozen=True)
class Opinion:
    """Hold what somebody said of a crop beside its label: class id, `NOT_A_PORE` or `UNSURE`.

    `when` is ISO 8601, UTC, empty where nobody knows; `seconds` is how long it took. `blind`:
    without sight of label, suggestion and neighbours. `session` names what was rated together.
    """

    id: int
    crop_id: int
    label: int
    who: str
    when: str = ""
    seconds: float | None = None
    blind: bool = False
    session: str = ""


@dataclass(frozen=True)
class Remark:
    """Hold what a person noted at a crop while reviewing, and whether it counts as reviewed."""

    note: str = ""
    reviewed: bool = False


@dataclass(frozen=True)
class Look:
    """Hold one look at the test set of a run: who opened its predictions, and when (ISO 8601,
    UTC).
    """

    run: str
    who: str
    when: str


Kind = Literal[
    "classes",
    "specimens",
    "attributes",
    "micrographs",
    "crops",
    "labels",
    "test_side",
    "runs",
    "run_marks",
    "outlines",
    "remarks",
    "settings",
    "detections",
    "opinions",
]
"""What can change; `run_marks`: what is wrong with files of runs. A misspelt one is found when
types are checked.
"""


@dataclass(frozen=True)
class Changed:
    """Say what an edit changed, so that every view can follow.

    `crop_ids` are the crops concerned, where they are few enough.
    """

    kinds: frozenset[Kind]
    crop_ids: tuple[int, ...] = ()
