"""Hold a large micrograph to its time and memory (R9): 4,000 px a side, 30,000 in a soak run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from _large_files import write_striped, write_tiled
from large_files import take_for_large

from poregui.domain.geometry import Box
from poregui.gui.services.jobs import Cancelled
from poregui.store.files import replace_file
from poregui.vision.io.pyramid import open_pyramid
from poregui.vision.io.pyramid_building import build_pyramid

FIRST_S = 5 * 1.0
FRAME_S = 5 / 30
MOST_MB = 300
pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(sys.platform == "win32", reason="Memory is asked for as elsewhere."),
]


@pytest.fixture
def side(repetitions: Callable[[int], int], monkeypatch: pytest.MonkeyPatch) -> int:
    if repetitions(10) == 10:
        return 30_000
    take_for_large(monkeypatch, pixels=1_000_000, coarsest=1_000)
    return 4_000


def test_the_first_pixels_of_a_tiled_picture_come_soon_and_so_does_every_other_place(
    tmp_path: Path, side: int
) -> None:
    file = write_tiled(tmp_path / "tiled.tif", side)
    began = time.perf_counter()
    with open_pyramid(file) as image:
        assert image.is_complete
        minimum = len(image.levels) - 1
        level = image.levels[minimum]
        whole = image.read(minimum, Box(0, 0, level.width, level.height))
        assert time.perf_counter() - began < FIRST_S
        assert whole.shape[:2] == (level.height, level.width)
        times = []
        before = peak_mb()
        for number in range(60):
            index = number * (side - 1000) // 60
            began = time.perf_counter()
            part = image.read(0, Box(index, index, 1000, 700))
            times.append(time.perf_counter() - began)
            assert part.shape[:2] == (700, 1000)
        assert peak_mb() - before < MOST_MB
    assert float(np.median(times)) < FRAME_S


def test_the_sizes_of_a_striped_picture_are_built_with_progress_and_can_be_left(
    tmp_path: Path, side: int
) -> None:
    file = write_striped(tmp_path / "striped.tif", side)
    target = tmp_path / "sizes.tif"
    received: list[tuple[int, int]] = []

    def leave(done: int, total: int) -> None:
        received.append((done, total))
        if done > total // 3:
            raise Cancelled

    with open_pyramid(file) as image:
        assert not image.is_complete
        with pytest.raises(Cancelled):
            replace_file(target, lambda beside: build_pyramid(image, file, beside, leave))
        assert [path.name for path in tmp_path.iterdir()] == [file.name]
        assert len(received) > 1
        build_pyramid(image, file, target, lambda done, total: received.append((done, total)))
    assert received[-1][0] == received[-1][1]
    with open_pyramid(file, lambda: target.open("rb")) as image:
        assert image.is_complete


def peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
