"""Hold that joining, cutting and drawing pores loses no label and can be undone exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from detect_bench import GAS, HEIGHT, KEYHOLE, WIDTH, Bench, disc, grid_of_pores

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Mask, Outline
from poregui.vision.io.pyramid import open_pyramid
from poregui.vision.pores.specimen_area import masked_area
from poregui.workflow.editing.edits import ReplacePores
from poregui.workflow.editing.micrograph_edits import set_masks
from poregui.workflow.editing.outline_edits import cut_pore, draw_pore, join_pores


def mask(bench: Bench, *boxes: Box) -> None:
    bench.history.apply(set_masks(bench.micrograph, [Mask.of_box(box) for box in boxes]))


@pytest.fixture
def bench(tmp_path: Path):
    made = Bench(tmp_path / "pores", grid_of_pores())
    yield made
    made.project.close()


def test_joining_two_pores_keeps_the_label_and_undo_takes_it_back(bench: Bench) -> None:
    bench.draw([(200, 200, 12), (232, 200, 12)])
    bench.find()
    one, other = bench.project.crops()
    bench.label([one.id], GAS)
    before = bench.state()
    outlines = bench.project.outlines()
    with open_pyramid(bench.project.micrograph_file(bench.micrograph)) as image:
        pores = [(bench.project.crop(i), outlines[i]) for i in (one.id, other.id)]
        bench.history.apply(join_pores(bench.project, pores, bench.micrograph, image))
    (joined,) = bench.project.crops()
    assert (joined.id, joined.label) == (one.id, GAS)
    assert bench.project.outlines()[one.id].area > outlines[one.id].area + outlines[other.id].area
    bench.history.undo()
    assert bench.state() == before


def test_a_label_is_not_lost_when_its_pore_is_joined_to_an_unlabelled_one(bench: Bench) -> None:
    bench.draw([(200, 200, 12), (232, 200, 12)])
    bench.find()
    one, other = bench.project.crops()
    bench.label([other.id], KEYHOLE)
    outlines = bench.project.outlines()
    with open_pyramid(bench.project.micrograph_file(bench.micrograph)) as image:
        pores = [(bench.project.crop(i), outlines[i]) for i in (one.id, other.id)]
        bench.history.apply(join_pores(bench.project, pores, bench.micrograph, image))
    assert [crop.label for crop in bench.project.crops()] == [KEYHOLE]


def test_a_pore_is_cut_at_its_waist_and_a_disc_is_not(bench: Bench) -> None:
    bench.draw([(200, 200, 20), (232, 200, 20), (400, 300, 20)])
    bench.find()
    outlines = bench.project.outlines()
    dumb_bell, round_one = sorted(bench.project.crops(), key=lambda crop: -outlines[crop.id].area)
    with open_pyramid(bench.project.micrograph_file(bench.micrograph)) as image:
        edit: ReplacePores = cut_pore(
            bench.project, (dumb_bell, outlines[dumb_bell.id]), bench.micrograph, image
        )
        bench.history.apply(edit)
        with pytest.raises(PoreguiError, match="no waist"):
            cut_pore(bench.project, (round_one, outlines[round_one.id]), bench.micrograph, image)
    areas = [outline.area for outline in bench.project.outlines().values()]
    assert len(areas) == 3
    assert sum(areas) == pytest.approx(sum(o.area for o in outlines.values()), rel=0.03)


def test_an_outline_that_reaches_into_a_mask_is_refused_and_changes_nothing(bench: Bench) -> None:
    bench.find()
    mask(bench, Box(0, 240, WIDTH, 240))
    crop = next(c for c in bench.project.crops() if c.box is not None and c.box.bottom < 240)
    before = bench.state()
    beside, reaching = (Outline.of(disc(300, y, 12)) for y in (220, 232))
    with open_pyramid(bench.project.micrograph_file(bench.micrograph)) as image:
        for known in (None, (crop, bench.project.outlines()[crop.id])):
            with pytest.raises(PoreguiError, match="a masked area"):
                draw_pore(bench.project, known, reaching, bench.micrograph, image)
        assert bench.state() == before
        bench.history.apply(draw_pore(bench.project, None, beside, bench.micrograph, image))
    assert len(bench.project.crops()) == len(before[0]) + 1


def test_pores_are_not_joined_across_a_mask(bench: Bench) -> None:
    bench.draw([(200, 200, 12), (260, 200, 12)])
    bench.find()
    mask(bench, Box(220, 0, 20, HEIGHT))
    outlines = bench.project.outlines()
    pores = [(crop, outlines[crop.id]) for crop in bench.project.crops()]
    with open_pyramid(bench.project.micrograph_file(bench.micrograph)) as image:
        with pytest.raises(PoreguiError, match="a masked area"):
            join_pores(bench.project, pores, bench.micrograph, image)
        mask(bench)
        bench.history.apply(join_pores(bench.project, pores, bench.micrograph, image))
    assert len(bench.project.crops()) == 1


def test_a_pore_that_a_later_mask_covers_can_still_be_drawn_smaller(bench: Bench) -> None:
    bench.draw([(200, 200, 20)])
    bench.find()
    mask(bench, Box(0, 200, WIDTH, 280))
    (crop,) = bench.project.crops()
    known = (crop, bench.project.outlines()[crop.id])
    with open_pyramid(bench.project.micrograph_file(bench.micrograph)) as image:
        bench.history.apply(
            draw_pore(bench.project, known, Outline.of(disc(200, 198, 18)), bench.micrograph, image)
        )
        with pytest.raises(PoreguiError, match="a masked area"):
            draw_pore(bench.project, known, Outline.of(disc(200, 206, 22)), bench.micrograph, image)


def test_the_masked_area_of_an_outline_is_counted_in_pixels() -> None:
    square = np.array([(10, 10), (30, 10), (30, 30), (10, 30)], float)
    assert masked_area([Mask.of_box(Box(0, 25, 100, 100))], square) == 20 * 5
    assert (
        masked_area([Mask.of_box(Box(0, 25, 20, 100)), Mask.of_box(Box(0, 0, 100, 12))], square)
        == 10 * 5 + 20 * 2
    )
    assert masked_area([Mask.of_box(Box(30, 0, 9, 100))], square) == 0
