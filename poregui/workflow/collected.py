"""Hold what was read of pictures before a project takes them in; changes with what is read of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from poregui.domain.plane import FIRST, Plane
from poregui.domain.records import Side
from poregui.workflow.import_folders import PassedOver


@dataclass(frozen=True)
class CollectedMicrograph:
    """Hold what was read of a micrograph's file; `width`, `height` in px.

    `by_name` says that the specimen was read out of the file's name alone, which folders may share.
    """

    file: Path
    shown: str
    sha256: str
    width: int
    height: int
    bits: int
    channels: int
    um_per_px: float | None
    scale_source: str
    specimen: str | None
    plane: Plane = FIRST
    by_name: bool = False


@dataclass(frozen=True)
class CollectedCrop:
    """Hold what was read of a ready-made crop; its pixels are in the store under `pixels`."""

    file: Path
    shown: str
    pixels: str
    width: int
    height: int
    class_name: str | None
    side: Side | None
    um_per_px: float | None
    specimen: str | None


@dataclass(frozen=True)
class Collected:
    """Hold everything that was found and read, ready for `settle`; a cancelled one is not worth settling."""

    micrographs: tuple[CollectedMicrograph, ...]
    crops: tuple[CollectedCrop, ...]
    skipped: tuple[PassedOver, ...]
    notes: tuple[str, ...]
    cancelled: bool = False
