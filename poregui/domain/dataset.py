"""Define a dataset: labelled crops frozen with their split, complete enough to train and test
without the project.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from poregui.domain.checked import as_list, mapping, number, text, whole
from poregui.domain.geometry import Box, Outline

SplitName = Literal["train", "validation", "test"]
SHAPE_VERSION = 2
"""Counts up when the shape numbers of crops are others; runs and networks keep to theirs."""
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
_LARGEST = 2**31 - 1
_MOST_CHANNELS = 64


@dataclass(frozen=True)
class DatasetCrop:
    """Hold one crop of a dataset.

    `label` is the index of its class in the dataset's classes, `offset` where its pixels begin in
    the run's pixel file (bytes; C order, `height` x `width` x `channels`, `bits` 8 or 16, little
    endian), `grey_low` and `grey_high` the grey values that become 0 and 1 for the network.
    `outline` is that of the pore in px of the crop, where it has one.
    """

    crop_id: int
    label: int
    split: SplitName
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
    outline: Outline | None = None

    @property
    def nbytes(self) -> int:
        """Return how many bytes its pixels take."""
        return self.width * self.height * self.channels * (self.bits // 8)


@dataclass(frozen=True)
class Dataset:
    """Hold the classes (names and project ids, in the order of the outputs), the crops and how they
    were split.

    `class_uids` tell the classes apart from those of all other projects, "" for one that is no
    class of a project; runs of older versions have none. `shape_version` says which shape
    numbers the run goes by.
    """

    classes: tuple[str, ...]
    class_ids: tuple[int, ...]
    crops: tuple[DatasetCrop, ...]
    split_kind: str
    groups_train: int
    groups_test: int
    warnings: tuple[str, ...] = ()
    class_uids: tuple[str, ...] = ()
    shape_version: int = SHAPE_VERSION

    def split(self, split: SplitName) -> tuple[DatasetCrop, ...]:
        """Return the crops of one split in their order."""
        return tuple(crop for crop in self.crops if crop.split == split)

    @property
    def colour(self) -> bool:
        """Tell whether any crop has more than one channel."""
        return any(crop.channels > 1 for crop in self.crops)

    @property
    def calibrated(self) -> bool:
        """Tell whether the um per px of every crop is known."""
        return all(crop.um_per_px is not None for crop in self.crops)

    @property
    def outlined(self) -> bool:
        """Tell whether most crops have an outline, so that shapes are those of outlines."""
        return 2 * sum(crop.outline is not None for crop in self.crops) > len(self.crops)

    @property
    def hash(self) -> str:
        """Return a SHA-256 over classes, contents, labels and splits: equal for equal datasets in
        any project.
        """
        rows = sorted((crop.pixels, crop.label, crop.split, crop.crop_id) for crop in self.crops)
        return hashlib.sha256(json.dumps([self.classes, rows]).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dictionary fit for JSON, with the hash."""
        values = {**asdict(self), "hash": self.hash}
        outlines = {}
        for crop, row in zip(self.crops, values["crops"], strict=True):
            row["part"] = row.pop("split")
            del row["outline"]
            if crop.outline is not None:
                outlines[str(crop.crop_id)] = base64.b64encode(crop.outline.data).decode()
        return {**values, "outlines": outlines}


def dataset_from_json(values: Any) -> Dataset:
    """Return the dataset that `to_json` wrote.

    Raises KeyError, TypeError or ValueError when a field is missing or of another kind, when a crop
    stands there twice, or when classes, labels and splits do not fit together.
    """
    received = mapping(values)
    classes = as_list(received["classes"], text)
    class_ids = as_list(received["class_ids"], partial(whole, low=-_LARGEST, high=_LARGEST))
    outlines = mapping(received.get("outlines", {}))
    crops = tuple(_crop(one, len(classes), outlines) for one in as_list(received["crops"], mapping))
    if not classes or len(classes) != len(class_ids) or len(set(class_ids)) != len(class_ids):
        raise ValueError("classes and their ids do not fit together")
    if len({crop.crop_id for crop in crops}) != len(crops):
        raise ValueError("a crop stands there twice")
    return Dataset(
        classes=tuple(classes),
        class_ids=tuple(class_ids),
        crops=crops,
        split_kind=text(received["split_kind"]),
        groups_train=whole(received["groups_train"]),
        groups_test=whole(received["groups_test"]),
        warnings=tuple(as_list(received["warnings"], text)),
        class_uids=tuple(as_list(received.get("class_uids", []), text)),
        shape_version=whole(received.get("shape_version", 1), 1, SHAPE_VERSION),
    )


def _crop(received: dict[str, Any], classes: int, outlines: dict[str, Any]) -> DatasetCrop:
    own = dict(received)
    line = outlines.get(str(own["crop_id"]))
    outline = None
    if line is not None:
        outline = Outline(base64.b64decode(text(line), validate=True))
    crop = DatasetCrop(split=own.pop("part"), outline=outline, **own)
    for name in (crop.group, crop.name, crop.pixels):
        text(name)
    whole(crop.crop_id)
    whole(crop.label, 0, classes - 1)
    whole(crop.offset)
    for side in (crop.width, crop.height):
        whole(side, 1, _LARGEST)
    whole(crop.channels, 1, _MOST_CHANNELS)
    number(crop.grey_low)
    number(crop.grey_high)
    if crop.bits not in (8, 16) or crop.split not in SPLITS:
        raise ValueError("no such depth or split")
    if crop.um_per_px is not None and not number(crop.um_per_px) > 0:
        raise ValueError("no scale")
    if outline is not None and not lies_about(outline, crop.width, crop.height):
        raise ValueError("an outline of another crop")
    return crop


def outline_in_crop(
    outline: Outline | None, box: Box | None, width: int, height: int
) -> Outline | None:
    """Return the outline of a crop in px of the crop, None where it has none or lies elsewhere."""
    if outline is None or box is None:
        return None
    moved = Outline.of(outline.points - np.array([box.x, box.y], np.float64))
    if lies_about(moved, width, height):
        return moved
    return None


def lies_about(outline: Outline, width: int, height: int) -> bool:
    """Tell whether an outline, in px of a crop, lies in it or hardly beyond it."""
    points = outline.points
    size = np.array([width, height])
    return bool(
        np.isfinite(points).all() and (points >= -size).all() and (points <= 2 * size).all()
    )
