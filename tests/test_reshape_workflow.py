"""Hold that joining, cutting and drawing pores loses no label and can be undone exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from detect_bench import GAS, KEYHOLE, Bench, grid_of_pores

from poregui.domain.errors import PoreguiError
from poregui.vision.large_images import open_pyramid
from poregui.workflow.pore_edits import ReplacePores
from poregui.workflow.reshape import cut_pore, join_pores


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
        edit: ReplacePores = cut_pore(bench.project, (dumb_bell, outlines[dumb_bell.id]), bench.micrograph, image)
        bench.history.apply(edit)
        with pytest.raises(PoreguiError, match="no waist"):
            cut_pore(bench.project, (round_one, outlines[round_one.id]), bench.micrograph, image)
    areas = [outline.area for outline in bench.project.outlines().values()]
    assert len(areas) == 3
    assert sum(areas) == pytest.approx(sum(o.area for o in outlines.values()), rel=0.03)
