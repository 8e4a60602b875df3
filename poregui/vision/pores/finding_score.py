"""Say how well outlines agree with a mask in which every pore is marked, pixel by pixel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.vision.pores.marked import Marked
from poregui.vision.shape.polygons import IntArray, Polygons, Spans, all_spans

SMALLEST_SCORED_PX = 20
"""Pixels of an outline from which on it is counted: below, it may be a speck of the image."""
SHARE = 0.5
"""Part of its pixels above which a pore is found, and an outline is right."""


@dataclass(frozen=True)
class FindingScore:
    """Hold counts of pores and pixels, of one micrograph or of several together.

    `truth` pores are marked, and of them `found` have more than half of their pixels in outlines.
    Of `outlines` with 20 px or more, `right` have more than half of theirs in the truth. The rest
    are px: in both, in outlines, in the truth, and of the field.
    """

    truth: int = 0
    found: int = 0
    outlines: int = 0
    right: int = 0
    both_px: int = 0
    outlined_px: int = 0
    truth_px: int = 0
    field_px: int = 0

    @staticmethod
    def together(scores: Iterable[FindingScore]) -> FindingScore:
        """Return the sums of several micrographs."""
        every = list(scores)
        names = [one.name for one in fields(FindingScore)]
        return FindingScore(*(sum(getattr(one, name) for one in every) for name in names))

    @property
    def iou(self) -> float | None:
        """Return intersection over union of the pixels; None where there are none."""
        return _share(self.both_px, self.outlined_px + self.truth_px - self.both_px)

    @property
    def recall(self) -> float | None:
        """Return the part of the marked pores that is found; None where none is marked."""
        return _share(self.found, self.truth)

    @property
    def precision(self) -> float | None:
        """Return the part of the outlines that is right; None where there is none to score."""
        return _share(self.right, self.outlines)

    @property
    def area_percent(self) -> float:
        """Return the outlined part of the field in per cent."""
        return 100 * (_share(self.outlined_px, self.field_px) or 0.0)

    @property
    def truth_area_percent(self) -> float:
        """Return the marked part of the field in per cent."""
        return 100 * (_share(self.truth_px, self.field_px) or 0.0)

    def to_json(self) -> dict[str, Any]:
        """Return the shares with the counts behind them."""
        return {
            "iou": self.iou,
            "recall": self.recall,
            "precision": self.precision,
            "found": self.found,
            "truth": self.truth,
            "right": self.right,
            "outlines": self.outlines,
            "area_percent": self.area_percent,
            "truth_area_percent": self.truth_area_percent,
        }


def _share(part: int, whole: int) -> float | None:
    if whole:
        return part / whole
    return None


def score_outlines(
    outlines: Sequence[NDArray[Any]], truth: Marked, hidden: NDArray[np.bool_] | None = None
) -> FindingScore:
    """Return how well outlines (N, 2) in px agree with a mask of their image, pixel by pixel.

    A pixel belongs to an outline when its middle does. Those that are `hidden` count nowhere.
    """
    seen = np.ones(truth.labels.shape, np.bool_) if hidden is None else ~hidden
    labels = np.where(seen, truth.labels, 0)
    runs = _inside(outlines, labels.shape)
    outlined = _drawn(runs, labels.shape) & seen
    of_truth = np.bincount(labels.reshape(-1), minlength=truth.count + 1)[1:]
    in_outlines = np.bincount(labels[outlined], minlength=truth.count + 1)[1:]
    pixels = _sums(runs, seen, len(outlines))
    in_truth = _sums(runs, labels > 0, len(outlines))
    counted = pixels >= SMALLEST_SCORED_PX
    there = of_truth > 0
    return FindingScore(
        truth=int(np.count_nonzero(there)),
        found=int(np.count_nonzero(in_outlines[there] > SHARE * of_truth[there])),
        outlines=int(np.count_nonzero(counted)),
        right=int(np.count_nonzero(in_truth[counted] > SHARE * pixels[counted])),
        both_px=int(in_outlines.sum()),
        outlined_px=int(np.count_nonzero(outlined)),
        truth_px=int(of_truth.sum()),
        field_px=int(np.count_nonzero(seen)),
    )


def _inside(outlines: Sequence[NDArray[Any]], shape: tuple[int, ...]) -> Spans:
    """Return the runs of pixels of outlines, in an image of (height, width)."""
    height, width = shape
    if not len(outlines):
        none = np.zeros(0, np.int64)
        return Spans(none, none, none, none)
    found = all_spans(Polygons.of(outlines))
    left = np.clip(found.left, 0, width)
    right = np.clip(found.right, 0, width)
    kept = (found.row >= 0) & (found.row < height) & (right > left)
    return Spans(found.polygon[kept], found.row[kept], left[kept], right[kept])


def _drawn(runs: Spans, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which pixels of an image are in some run."""
    turns = np.zeros((shape[0], shape[1] + 1), np.int32)
    np.add.at(turns, (runs.row, runs.left), 1)
    np.add.at(turns, (runs.row, runs.right), -1)
    return np.cumsum(turns, axis=1)[:, :-1] > 0


def _sums(runs: Spans, chosen: NDArray[np.bool_], count: int) -> IntArray:
    """Return how many chosen pixels the runs of each outline hold, (count,)."""
    before = np.pad(np.cumsum(chosen, axis=1, dtype=np.int64), ((0, 0), (1, 0)))
    inside = before[runs.row, runs.right] - before[runs.row, runs.left]
    return np.bincount(runs.polygon, weights=inside, minlength=count).astype(np.int64)


def drawn_outlines(outlines: Sequence[NDArray[Any]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels of an image of (height, width) have their middle in an outline (N, 2)."""
    return _drawn(_inside(outlines, shape), shape)
