"""Hold what outlines are: closed lines with bounds and areas."""

from __future__ import annotations

import numpy as np
import pytest

from poregui.domain.geometry import Box, Outline, bounds_of


def test_the_bounds_of_many_outlines_are_those_of_each() -> None:
    random = np.random.default_rng(0)
    outlines = [Outline.of(random.uniform(-5, 400, (corners, 2))) for corners in range(3, 40)]
    outlines.append(Outline.of([(7, 7), (7, 7), (7, 7)]))
    assert bounds_of(outlines) == [outline.bounds for outline in outlines]
    assert bounds_of(outlines)[-1] == Box(7, 7, 1, 1)
    assert bounds_of([]) == []


def test_an_outline_without_three_finite_points_is_refused() -> None:
    for points in ([(0, 0), (1, 1)], [(0, 0), (1, 1), (np.nan, 2)], [0, 1, 2]):
        with pytest.raises(ValueError, match="outline needs"):
            Outline.of(points)
