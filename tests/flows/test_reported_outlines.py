"""Hold the right numbers of files that were made after public reports of neighbouring programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from poregui.cli.main import main
from poregui.domain.geometry import Box
from poregui.store.project import Project
from poregui.workflow.importing.outlines import read_outlines

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "reports"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/data/reports with files of other programs is absent"
)


@needs_shared
@pytest.mark.parametrize(
    ("index", "found"),
    [
        ("crossing-outlines/coco_selfint.json", [392]),
        ("outline-outside/coco_partly.json", [1593]),
        ("imagej-rois/roi_oval", [615, 1520]),
        ("imagej-rois/roi_composite", [1206, 615]),
        ("imagej-rois/roi_slices", [615]),
        ("qupath-geojson/gj_hole", [1193]),
        ("qupath-geojson/gj_names", [615, 1520]),
        ("qupath-geojson/gj_null", [615]),
        ("qupath-geojson/gj_region", [615]),
        ("coco-one-bad-entry/coco_labelstudio.json", [615]),
        ("coco-one-bad-entry/coco_missingcat.json", [615]),
        ("coco-one-bad-entry/coco_nan.json", [615]),
        ("coco-one-bad-entry/coco_rle_one.json", [615, 1520]),
    ],
)
def test_reported_files_have_the_right_areas(
    tmp_path: Path, index: str, found: list[float]
) -> None:
    folder = str(tmp_path / "p")
    image = str(SHARED / index.split("/")[0] / "img.png")
    main(["new", folder])
    main(["import", folder, image, "--as", "micrographs"])
    assert main(["import-outlines", folder, str(SHARED / index)]) == 0
    with Project.open(Path(folder), read_only=True) as project:
        areas = [outline.area for outline in project.outlines().values()]
        assert areas == pytest.approx(found, rel=0.02)
        assert all(crop.label is not None for crop in project.crops())


@needs_shared
@pytest.mark.parametrize("name", ["c_pandas.csv", "c_semicolon.csv"])
def test_reported_tables_have_their_boxes(name: str) -> None:
    (image,) = read_outlines(SHARED / "csv-from-excel" / name)
    assert [shape.box for shape in image.shapes] == [Box(46, 36, 28, 28), Box(128, 98, 44, 44)]
