"""Hold the fast writing of outlines against plain JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from poregui.domain.geometry import Outline
from poregui.workflow.exporting.formats.geojson import read_geojson, write_geojson_file
from poregui.workflow.exporting.formats.json_text import closed_polygons
from poregui.workflow.exporting.formats.shapes import ImageShapes, PoreShape


def test_many_outlines_are_written_as_json_writes_them_and_closed() -> None:
    random = np.random.default_rng(0)
    polygons = [
        random.random((random.integers(3, 40), 2)) * 10.0 ** random.integers(0, 6)
        for _ in range(4500)
    ]
    for polygon, text in zip(polygons, closed_polygons(polygons), strict=True):
        read = np.array(json.loads(text))
        assert np.allclose(read[:-1], polygon, atol=0.00051)
        assert (read[0] == read[-1]).all()


def test_corners_outside_of_the_image_and_huge_ones_are_kept() -> None:
    polygons = [
        np.array([[-0.5, 3.0], [2.25, -0.125], [4.0, 1e7]]),
        np.array([[0.0, 1.0], [2.0, 0.0004], [999999.9996, 7]]),
    ]
    first, second = (json.loads(text) for text in closed_polygons(polygons))
    assert first == [[-0.5, 3.0], [2.25, -0.125], [4.0, 1e7], [-0.5, 3.0]]
    assert second == [[0, 1], [2, 0], [1000000, 7], [0, 1]]
    assert list(closed_polygons([])) == []


def test_a_name_with_quotes_and_per_cent_signs_comes_back_from_geojson(tmp_path: Path) -> None:
    outline = Outline.of([[0, 0], [9.5, 0], [9.5, 7.25]])
    shape = PoreShape(1, outline.bounds, outline, 'Gas "5 %s" ä', "#102030")
    write_geojson_file(ImageShapes('a "%d".tif', 20, 20, None, (shape,)), tmp_path / "a.geojson")
    (back,) = read_geojson(tmp_path / "a.geojson")
    assert back.name == 'a "%d".tif'
    assert [(one.class_name, one.outline) for one in back.shapes] == [('Gas "5 %s" ä', outline)]
