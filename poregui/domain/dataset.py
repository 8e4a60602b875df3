"""Define a dataset: labelled crops frozen with their split, complete enough to train and test without the project."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Part = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class DatasetCrop:
    """Hold one crop of a dataset.

    `label` is the place of its class in the dataset's classes, `offset` where its pixels begin in the run's pixel file
    (bytes; C order, `height` x `width` x `channels`, `bits` 8 or 16, little endian), `grey_low` and `grey_high` the
    grey values that become 0 and 1 for the network.
    """

    crop_id: int
    label: int
    part: Part
    group: str
    name: str
    pixels: str
    width: int
    height: int
    channels: int
    bits: int
    offset: int
    grey_low: float
    grey_high: float
    um_per_px: float | None = None

    @property
    def nbytes(self) -> int:
        """Return how many bytes its pixels take."""
        return self.width * self.height * self.channels * (self.bits // 8)


@dataclass(frozen=True)
class Dataset:
    """Hold the classes (names and project ids, in the order of the outputs), the crops and how they were split.

    `class_uids` tell the classes apart from those of all other projects, "" for one that is no class of
    a project; runs of older versions have none.
    """

    classes: tuple[str, ...]
    class_ids: tuple[int, ...]
    crops: tuple[DatasetCrop, ...]
    split_kind: str
    groups_train: int
    groups_test: int
    warnings: tuple[str, ...] = ()
    class_uids: tuple[str, ...] = ()

    def part(self, part: Part) -> tuple[DatasetCrop, ...]:
        """Return the crops of one part in their order."""
        return tuple(crop for crop in self.crops if crop.part == part)

    @property
    def colour(self) -> bool:
        """Tell whether any crop has more than one channel."""
        return any(crop.channels > 1 for crop in self.crops)

    @property
    def calibrated(self) -> bool:
        """Tell whether the um per px of every crop is known."""
        return all(crop.um_per_px is not None for crop in self.crops)

    @property
    def hash(self) -> str:
        """Return a SHA-256 over classes, contents, labels and parts: equal for equal datasets in any project."""
        rows = sorted((crop.pixels, crop.label, crop.part, crop.crop_id) for crop in self.crops)
        return hashlib.sha256(json.dumps([self.classes, rows]).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dictionary fit for JSON, with the hash."""
        return {**asdict(self), "hash": self.hash}


def dataset_from_json(values: Mapping[str, Any]) -> Dataset:
    """Return the dataset that `to_json` wrote. Raises KeyError or TypeError when a field is missing."""
    return Dataset(
        classes=tuple(values["classes"]),
        class_ids=tuple(values["class_ids"]),
        crops=tuple(DatasetCrop(**crop) for crop in values["crops"]),
        split_kind=values["split_kind"],
        groups_train=values["groups_train"],
        groups_test=values["groups_test"],
        warnings=tuple(values["warnings"]),
        class_uids=tuple(values.get("class_uids", ())),
    )
