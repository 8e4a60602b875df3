"""Hold what the sample project promises: 600 labelled crops, ten specimens, four more with their
truth outside.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from sample_once import copied_sample

from poregui.domain.errors import PoreguiError
from poregui.domain.recipe import Recipe
from poregui.store.project import Project
from poregui.workflow.importing.sample_project import make_sample
from poregui.workflow.training.prepare_dataset import summarise


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_sample(tmp_path_factory, tmp_path_factory.mktemp("sample") / "titanium")


def test_the_sample_has_200_labelled_crops_a_class_of_ten_calibrated_specimens(
    sample: Path,
) -> None:
    with Project.open(sample) as project:
        assert project.label_counts() == {1: 200, 2: 200, 3: 200}
        crops = project.crops()
        assert len({crop.specimen_id for crop in crops}) == 10
        assert len(project.specimens()) == 14
        assert all(crop.um_per_px for crop in crops)
        assert all(project.micrograph_file(m).is_file() for m in project.micrographs())


def test_every_crop_of_the_sample_is_what_its_micrograph_shows(sample: Path) -> None:
    import numpy as np
    from PIL import Image

    with Project.open(sample) as project:
        micrograph = project.micrographs()[0]
        with Image.open(project.micrograph_file(micrograph)) as image:
            field = np.asarray(image)
        for crop in project.crops(micrograph_id=micrograph.id):
            assert crop.box is not None
            cut = field[crop.box.y : crop.box.bottom, crop.box.x : crop.box.right]
            assert np.array_equal(project.pixels.get(crop.pixels).array, cut)


def test_the_truth_of_the_four_unlabelled_specimens_lies_outside_the_project(sample: Path) -> None:
    (truth,) = sample.parent.rglob("truth.csv")
    assert sample not in truth.parents
    rows = list(csv.DictReader(truth.read_text(encoding="utf-8").splitlines()))
    with Project.open(sample) as project:
        labelled = {crop.specimen_id for crop in project.crops()}
        unlabelled = {s.name for s in project.specimens() if s.id not in labelled}
    assert {row["specimen"] for row in rows} == unlabelled
    assert len(unlabelled) == 4
    assert {row["class"] for row in rows} == {"Gas", "Keyhole", "Lack of Fusion"}


def test_the_sample_can_be_trained_on_with_unseen_specimens_as_test_side(sample: Path) -> None:
    with Project.open(sample) as project:
        summary = summarise(project, Recipe())
    assert summary.problem is None
    assert summary.kind == "specimen"
    assert all(n >= 20 for n in summary.counts["test"])
    assert summary.warnings == ()


def test_the_sample_is_not_made_over_another_project(sample: Path) -> None:
    with pytest.raises(PoreguiError, match="already"):
        make_sample(sample)


def test_a_sample_that_was_cancelled_on_the_way_leaves_nothing_behind(tmp_path: Path) -> None:
    def cancel(done: int, total: int, text: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_sample(tmp_path / "p", progress=cancel)
    assert list(tmp_path.iterdir()) == []
