"""Keep near copies of a crop on one side of a split, so that no picture is tested that was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import Part
from poregui.store.ahead import ahead
from poregui.vision.near_copies import clusters, fingerprint, near_copies

MOST_CROPS = 12_000
"""Crops above which copies are not looked for: every crop is held against every other one."""


def find_copies(ids: Sequence[int], pixels: Iterable[NDArray[Any]]) -> list[list[int]]:
    """Return groups of crop ids whose (height, width[, 3]) pixels are copies of one another."""
    if not 2 <= len(ids) <= MOST_CROPS:
        return []
    pairs = near_copies(np.stack(list(ahead(fingerprint, pixels))))
    return [[ids[place] for place in group] for group in clusters(pairs)]


def untangle_parts(parts: dict[int, Part], copies: Sequence[Sequence[int]]) -> tuple[dict[int, Part], tuple[str, ...]]:
    """Return the parts without training crops that are copies of test crops, and sentences about it.

    The test side stays as it is. A validation crop that is a copy of a training crop is trained on too.
    """
    now = dict(parts)
    dropped = moved = 0
    for group in copies:
        held = {parts[crop] for crop in group if crop in parts}
        for crop in group:
            part = parts.get(crop)
            if "test" in held and part in ("train", "validation"):
                del now[crop]
                dropped += 1
            elif part == "validation" and "train" in held:
                now[crop] = "train"
                moved += 1
    return now, (*_dropped(dropped), *_moved(moved))


def _dropped(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    crops = (
        "1 crop is a copy of a test crop and was" if count == 1 else f"{count} crops are copies of test crops and were"
    )
    return (f"{crops} left out of the training, so that the test stays unseen.",)


def _moved(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    crops = "1 validation crop is a copy" if count == 1 else f"{count} validation crops are copies"
    return (f"{crops} of training crops and went to their side.",)


def untangle_folds(
    tests: Sequence[Sequence[int]], copies: Sequence[Sequence[int]]
) -> tuple[list[list[int]], tuple[str, ...]]:
    """Return the folds with copies together, in the fold of the first of them, and sentences about it."""
    fold_of = {crop: number for number, fold in enumerate(tests) for crop in fold}
    moved = 0
    for group in copies:
        known = [crop for crop in group if crop in fold_of]
        for crop in known[1:]:
            moved += fold_of[crop] != fold_of[known[0]]
            fold_of[crop] = fold_of[known[0]]
    now = [[crop for fold in tests for crop in fold if fold_of[crop] == number] for number in range(len(tests))]
    kept = [fold for fold in now if fold]
    note = f"{moved} crops are copies of crops in another fold and went there." if moved > 1 else ""
    note = note or ("1 crop is a copy of a crop in another fold and went there." if moved else "")
    return kept, (note,) if note else ()
