"""Define what a project holds: specimens, micrographs, crops and entries of the label log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poregui.domain.geometry import Box

Side = Literal["train", "test"]
How = Literal["hand", "import", "accepted", "undo", "redo", "merge"]
"""How a label came to be: by a key press, from an import, by accepting a suggestion, by undo or redo, by merging."""


@dataclass(frozen=True)
class Specimen:
    """Hold a piece of material that micrographs were taken of."""

    id: int
    name: str


@dataclass(frozen=True)
class Micrograph:
    """Hold what is known of an image file without its pixels.

    `path` is relative to the project folder (with `/`) where the file lies below or beside it, else absolute.
    `width`, `height` in px; `bits` and `channels` as stored in the file; `um_per_px` is None when unknown and
    `scale_source` says where it came from.
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


@dataclass(frozen=True)
class Crop:
    """Hold one box around one pore, or one ready-made crop.

    A crop cut from a micrograph has `micrograph_id` and `box`; a ready-made one has `source`, the file it came from.
    `pixels` is the content hash under which the pixel store keeps it; `width`, `height` in px. `given_side` is
    the side that its folder named. `label` is a class id, `NOT_A_PORE`, `UNSURE` or None.
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
    given_side: Side | None = None
    label: int | None = None

    @property
    def size_px(self) -> int:
        """Return the longer side in px."""
        return max(self.width, self.height)


@dataclass(frozen=True)
class LabelEntry:
    """Hold one line of the append-only label log: who gave which label to which crop, when (ISO 8601, UTC) and how."""

    id: int
    crop_id: int
    label: int | None
    who: str
    when: str
    how: How


@dataclass(frozen=True)
class Changed:
    """Say what an edit changed, so that every view can follow.

    `kinds` are among `classes`, `specimens`, `micrographs`, `crops`, `labels`, `test_side`, `runs`; `crop_ids` are
    the crops concerned, where they are few enough to be named.
    """

    kinds: frozenset[str]
    crop_ids: tuple[int, ...] = ()
