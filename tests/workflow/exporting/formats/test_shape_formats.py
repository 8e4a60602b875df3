"""Hold the formats of other programs: what is written is read again, by us and by readers that are
not ours.
"""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import read_roi
import shapely
from builders import add_crops, add_micrograph
from hypothesis import given, settings
from hypothesis import strategies as st

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Crop
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.editing.history import History
from poregui.workflow.exporting.formats.coco import read_coco, write_coco
from poregui.workflow.exporting.formats.geojson import read_geojson, write_geojson
from poregui.workflow.exporting.formats.imagej import read_imagej, write_imagej
from poregui.workflow.exporting.formats.shapes import (
    ImageShapes,
    PoreShape,
    file_paths,
    safe_name,
    shapes_of,
)

TRIANGLE = Outline.of([(10.25, 20.5), (30.75, 22.0), (18.0, 41.125)])
IMAGES = [
    ImageShapes(
        "S01 überätzt.tif",
        640,
        480,
        0.5,
        (
            PoreShape(3, TRIANGLE.bounds, TRIANGLE, "Gas", "#1f77b4"),
            PoreShape(4, Box(100, 50, 20, 30), None, "Lack of Fusion", "#d95f02"),
        ),
    ),
    ImageShapes(
        "s02.png", 300, 200, None, (PoreShape(7, TRIANGLE.bounds, TRIANGLE, "Keyhole", "#117733"),)
    ),
]


def _same_pores(found: list[ImageShapes], *, ids: bool) -> None:
    assert [image.name for image in found] == [image.name for image in IMAGES]
    for got, wanted in zip(found, IMAGES, strict=True):
        for one, other in zip(got.shapes, wanted.shapes, strict=True):
            assert one.class_name == other.class_name
            assert (one.outline is None) == (other.outline is None)
            assert one.box == other.box
            if one.outline is not None:
                np.testing.assert_allclose(one.outline.points, other.outline.points, atol=1e-3)
            if ids:
                assert one.crop_id == other.crop_id


def test_coco_comes_back_as_it_was(tmp_path: Path) -> None:
    assert write_coco(IMAGES, tmp_path / "pores.json") == 3
    found = read_coco(tmp_path / "pores.json")
    _same_pores(found, ids=True)
    assert [(i.width, i.height, i.um_per_px) for i in found] == [(640, 480, 0.5), (300, 200, None)]


def test_coco_says_what_its_description_asks_for(tmp_path: Path) -> None:
    write_coco(IMAGES, tmp_path / "pores.json")
    value = json.loads((tmp_path / "pores.json").read_text(encoding="utf-8"))
    assert {c["name"] for c in value["categories"]} == {"Gas", "Keyhole", "Lack of Fusion"}
    first, second, _ = value["annotations"]
    assert shapely.Polygon(np.reshape(first["segmentation"][0], (-1, 2))).area == pytest.approx(
        first["area"], rel=1e-4
    )
    assert second["bbox"] == [100, 50, 20, 30]
    assert second["segmentation"] == []
    assert all(entry["iscrowd"] == 0 for entry in value["annotations"])


def test_geojson_comes_back_as_it_was_one_file_a_micrograph(tmp_path: Path) -> None:
    assert write_geojson(IMAGES, tmp_path / "out") == 3
    assert len(list((tmp_path / "out").iterdir())) == 2
    _same_pores(read_geojson(tmp_path / "out"), ids=False)


def test_another_reader_finds_valid_closed_polygons_in_the_geojson(tmp_path: Path) -> None:
    write_geojson(IMAGES, tmp_path)
    file = tmp_path / "S01 überätzt.tif.geojson"
    gas, fusion = shapely.from_geojson(file.read_text(encoding="utf-8")).geoms
    assert gas.is_valid
    assert gas.area == pytest.approx(TRIANGLE.area, rel=1e-4)
    assert fusion.bounds == (100, 50, 120, 80)
    features = json.loads(file.read_text(encoding="utf-8"))["features"]
    assert features[0]["properties"]["classification"] == {"name": "Gas", "color": [31, 119, 180]}
    assert features[0]["properties"]["objectType"] == "annotation"


def test_imagej_rois_come_back_as_they_were(tmp_path: Path) -> None:
    assert write_imagej(IMAGES, tmp_path / "rois") == 3
    _same_pores(read_imagej(tmp_path / "rois"), ids=False)


def test_another_reader_finds_the_same_polygons_in_the_rois(tmp_path: Path) -> None:
    write_imagej(IMAGES, tmp_path)
    rois = read_roi.read_roi_zip(tmp_path / "S01 überätzt.tif.RoiSet.zip")
    gas, fusion = rois["000003_Gas"], rois["000004_Lack of Fusion"]
    whole = np.transpose([gas["x"], gas["y"]])  # this reader knows whole px only
    np.testing.assert_allclose(whole, TRIANGLE.points, atol=0.51)
    assert gas["type"] == "polygon"
    assert (fusion["type"], fusion["left"], fusion["top"], fusion["width"], fusion["height"]) == (
        "rectangle", 100, 50, 20, 30,
    )  # fmt: skip


def test_the_bytes_of_a_roi_are_as_imagej_documents_them(tmp_path: Path) -> None:
    write_imagej(IMAGES[1:], tmp_path)
    with zipfile.ZipFile(tmp_path / "s02.png.RoiSet.zip") as archive:
        data = archive.read("000007_Keyhole.roi")
    magic, version, kind = struct.unpack_from(">4shB", data)
    top, left, bottom, right, points = struct.unpack_from(">hhhhH", data, 8)
    (options,) = struct.unpack_from(">h", data, 50)
    assert (magic, kind, points) == (b"Iout", 0, 3)
    assert version >= 222
    assert options & 128  # sub-pixel coordinates follow
    assert (left, top) == (10, 20)
    assert right >= 30
    assert bottom >= 41
    floats = struct.unpack_from(">6f", data, 64 + 4 * points)
    np.testing.assert_allclose(np.transpose([floats[:3], floats[3:]]), TRIANGLE.points)


def test_the_shapes_of_a_project_are_its_labelled_crops_with_their_outlines(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        micrograph = add_micrograph(project, tmp_path / "m.png", um_per_px=0.5)
        gas = project.classes()[0]
        first = project.next_id("crops")
        crops = (
            Crop(first, "h", 40, 40, micrograph.id, Box(5, 5, 40, 40), label=gas.id),
            Crop(
                first + 1,
                "h",
                20,
                20,
                micrograph.id,
                Box(60, 60, 20, 20),
                label=None,
                origin="detected",
            ),
        )
        History(project).apply(AddCrops(crops, who="Ada", outlines=((first, TRIANGLE),)))
        (image,) = shapes_of(project)
        assert (image.name, image.width, image.um_per_px) == ("m.png", 200, 0.5)
        (shape,) = image.shapes
        assert (shape.class_name, shape.outline, shape.colour) == ("Gas", TRIANGLE, gas.colour)
        assert len(shapes_of(project, labelled_only=False)[0].shapes) == 2


def test_a_project_of_ready_made_crops_says_why_there_is_nothing_to_write(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p") as project:
        add_crops(project, [1, 2])
        with pytest.raises(PoreguiError, match="nothing to export"):
            shapes_of(project)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[1, 2",
        '{"features": 3}',
        '{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, "x"], '
        "[2, 2]]]}}]}",
        '{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}}]}',
        '{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1e99, 1], '
        "[3, 4]]]}}]}",
        "[" * 100_000,
        '{"images": [], "categories": []}',
        '{"images": [{"id": 1, "file_name": "a", "width": 1, "height": 1}], "categories": '
        '[{"id": 1, "name": "G"}],'
        ' "annotations": [{"id": 1, "image_id": 2, "category_id": 1, "bbox": [0, 0, 1, 1]}]}',
        '{"images": [{"id": 1, "file_name": "a", "width": 1, "height": 1}], "categories": '
        '[{"id": 1, "name": "G"}],'
        ' "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": '
        '{"counts": "x"}}]}',
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_with_a_sentence(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "x.geojson"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PoreguiError):
        read_geojson(file)
    with pytest.raises(PoreguiError):
        read_coco(file)


@settings(max_examples=60)
@given(st.binary(max_size=400), st.integers(0, 400))
def test_a_spoilt_zip_of_rois_is_read_or_refused_and_never_breaks(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int
) -> None:
    folder = tmp_path_factory.mktemp("rois")
    write_imagej(IMAGES[:1], folder)
    (file,) = folder.iterdir()
    with zipfile.ZipFile(file) as archive:
        whole = bytearray(archive.read("000003_Gas.roi"))
    whole[at : at + len(junk)] = junk
    spoilt = folder / "x.zip"
    with zipfile.ZipFile(spoilt, "w") as archive:
        archive.writestr("000003_Gas.roi", bytes(whole))
    try:
        (image,) = read_imagej(spoilt)
    except PoreguiError:
        return
    assert len(image.shapes) <= 1


def test_other_geometries_are_left_out_and_named_and_every_part_is_a_pore(tmp_path: Path) -> None:
    point = {"geometry": {"type": "Point", "coordinates": [1, 2]}}
    small, large = [[0, 0], [1, 0], [0, 1], [0, 0]], [[5, 5], [9, 5], [5, 9], [5, 5]]
    parts = {
        "geometry": {"type": "MultiPolygon", "coordinates": [[small], [large]]},
        "properties": None,
    }
    file = tmp_path / "slide.geojson"
    file.write_text(json.dumps([point, parts]), encoding="utf-8")
    (image,) = read_geojson(file)
    assert image.name == "slide"
    assert [(shape.outline.area, shape.class_name) for shape in image.shapes] == [
        (0.5, ""),
        (8, ""),
    ]
    assert image.notes == ("Feature 1 was left out: a Point is no outline.",)


def test_names_are_fit_for_every_file_system_and_never_meet() -> None:
    paths = file_paths(["a.tif", "A.TIF", "b/c", "../b/c", "CON", "-x"], ".zip")
    assert [path.as_posix() for path in paths] == [
        "a.tif.zip", "A.TIF 2.zip", "b/c.zip", "up/b/c.zip", "_CON.zip", "x.zip",
    ]  # fmt: skip
    assert safe_name("...", "class") == "class"
