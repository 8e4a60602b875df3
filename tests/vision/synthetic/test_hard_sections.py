"""Hold that hard sections are exact, the same for a seed, and too hard for a threshold."""

from __future__ import annotations

import numpy as np

from poregui.domain.detection import DetectionRecipe
from poregui.vision.pores.detection import detect
from poregui.vision.pores.finding_score import score_outlines
from poregui.vision.pores.marked import Marked
from poregui.vision.synthetic.hard_sections import draw_hard_section


def test_a_section_is_drawn_alike_for_a_seed_and_its_truth_is_where_pores_are() -> None:
    first, again, other = (draw_hard_section(seed, side=256, pores=12) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.mask, again.mask)
    assert not np.array_equal(first.image, other.image)
    sizes = np.bincount(first.mask.reshape(-1))[1:]
    assert len(sizes) == first.pores > 6
    assert np.sqrt(4 * sizes.min() / np.pi) > 6
    inside = first.mask > 0
    assert first.image[inside].mean() < 0.5 * first.image[~inside].mean()


def test_otsu_fails_on_hard_sections() -> None:
    drawn = draw_hard_section(0)
    found = detect(drawn.image, DetectionRecipe(method="otsu"), None)
    score = score_outlines(found.outlines, Marked(drawn.mask, drawn.pores))
    assert score.recall is not None
    assert score.precision is not None
    assert min(score.recall, score.precision) < 0.8
