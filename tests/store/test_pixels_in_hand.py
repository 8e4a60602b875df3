"""Pixels that are asked for twice are read once while there is room, and come in the order that was
asked for.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from poregui.domain.errors import ProjectError
from poregui.store.pixels import CropPixels, PixelsInHand, PixelStore, make_pixels


@pytest.mark.parametrize(("most", "reads"), [(10_000, 1), (250, 3), (0, 3)])
def test_pixels_are_read_once_while_there_is_room(
    tmp_path: Path, monkeypatch, most: int, reads: int
) -> None:
    make_pixels(tmp_path / "pixels.db")
    store = PixelStore(tmp_path / "pixels.db", read_only=False)
    with store.batch():
        keys = [
            store.add(CropPixels(np.full((10, 10), grey, np.uint8), 0, 255)) for grey in range(5)
        ]
    read: Counter[str] = Counter()
    real = PixelStore._packed

    def counted(store: PixelStore, key: str) -> tuple:
        read[key] += 1
        return real(store, key)

    monkeypatch.setattr(PixelStore, "_packed", counted)
    in_hand = PixelsInHand(store, most)
    asked = [keys[4], *keys, keys[3]]
    for _ in range(2):
        assert [int(p.array[0, 0]) for p in in_hand.get_many(asked)] == [4, 0, 1, 2, 3, 4, 3]
    assert read[keys[3]] == (reads if reads == 1 else 4)
    assert read[keys[4]] == (1 if most else 4)
    with pytest.raises(ProjectError):
        list(in_hand.get_many(["missing"]))
    store.close()
