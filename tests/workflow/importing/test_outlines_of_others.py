"""Hold that files of other programs come in as they were meant: each kind of shape, every good
entry, and a sentence on what was left out.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import add_micrograph
from roifile import ROI_OPTIONS, ROI_SUBTYPE, ROI_TYPE, ImagejRoi

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.store.project import Project
from poregui.workflow.detecting.measuring import measure_project, summary
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import add_class
from poregui.workflow.exporting.export_kinds import export
from poregui.workflow.exporting.formats.shapes import ImageShapes
from poregui.workflow.importing.outlines import (
    OutlinesPlan,
    cut_outlines,
    match_images,
    read_outlines,
    settle_outlines,
)

SQUARE = [[20, 20], [60, 20], [60, 60], [20, 60]]
FLAT = [float(number) for point in SQUARE for number in point]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with Project.create(tmp_path / "p") as made:
        add_micrograph(made, tmp_path / "m.png")
        yield made


def bring(project: Project, images: list[ImageShapes]) -> OutlinesPlan:
    collected = cut_outlines(*match_images(project, images), project.pixels)
    plan = settle_outlines(project, collected, "Ada")
    if plan.edit is not None:
        History(project).apply(plan.edit)
    return plan


def labels(project: Project) -> list[str]:
    names = {c.id: c.name for c in project.classes()}
    return [names.get(crop.label or 0, "") for crop in project.crops()]


def areas(project: Project) -> list[float]:
    outlines = project.outlines()
    return [round(outlines[crop.id].area, 1) for crop in project.crops() if crop.id in outlines]


# ---- ImageJ ---------------------------------------------------------------------------------


def roi(
    kind: ROI_TYPE, box: tuple[int, int, int, int] = (20, 20, 60, 60), **more: Any
) -> ImagejRoi:
    made = ImagejRoi(roitype=kind, left=box[0], top=box[1], right=box[2], bottom=box[3])
    for name, value in more.items():
        setattr(made, name, value)
    return made


SUBPIXEL = {
    "options": ROI_OPTIONS.SUB_PIXEL_RESOLUTION,
    "xd": 20.5,
    "yd": 20.5,
    "widthd": 10.5,
    "heightd": 10.5,
}


def composite(*rings: list[list[float]]) -> ImagejRoi:
    steps: list[float] = []
    for points in rings:
        steps += [0, *points[0]]
        for point in points[1:]:
            steps += [1, *point]
        steps.append(4)
    made = roi(ROI_TYPE.RECT, multi_coordinates=np.array(steps, np.float32))
    made.shape_roi_size = len(steps)
    return made


def zipped(file: Path, rois: dict[str, ImagejRoi | bytes]) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, one in rois.items():
            archive.writestr(f"{name}.roi", one if isinstance(one, bytes) else one.tobytes())
    return file


def ring(x: float, y: float, radius: float) -> list[list[float]]:
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1).tolist()


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (roi(ROI_TYPE.OVAL), [1256.6]),
        (roi(ROI_TYPE.OVAL, box=(20, 20, 60, 40)), [628.3]),
        (roi(ROI_TYPE.RECT, rounded_rect_arc_size=20), [1600 - 400 + 314.2]),
        (roi(ROI_TYPE.OVAL, **SUBPIXEL), [86.6]),
        (composite(ring(80, 80, 22), ring(80, 80, 10)), [1203.5]),
        (composite(ring(40, 40, 10), ring(90, 90, 20)), [1254.6, 313.7]),
    ],
    ids=["circle", "oval", "rounded", "subpixel", "ring", "two discs"],
)  # fmt: skip
def test_an_area_of_imagej_is_an_outline_of_its_own_area(
    project: Project, tmp_path: Path, one: ImagejRoi, found: list[float]
) -> None:
    bring(project, read_outlines(zipped(tmp_path / "m.RoiSet.zip", {"0001_Gas": one})))
    assert areas(project) == pytest.approx(found, rel=3e-3)
    assert set(labels(project)) == {"Gas"}


def test_a_rectangle_is_a_box_and_what_is_no_area_is_left_out_and_named(
    project: Project, tmp_path: Path
) -> None:
    line = roi(ROI_TYPE.LINE, x1=1, y1=1, x2=9, y2=9)
    text = roi(ROI_TYPE.RECT, subtype=ROI_SUBTYPE.TEXT, text="here")
    point = ImagejRoi.frompoints([[5, 5]])
    point.roitype = ROI_TYPE.POINT
    rois = {"a": roi(ROI_TYPE.RECT), "b": line, "c": text, "d": point, "e": b"no roi"}
    plan = bring(project, read_outlines(zipped(tmp_path / "m.RoiSet.zip", rois)))
    assert [crop.box for crop in project.crops()] == [Box(20, 20, 40, 40)]
    said = " ".join(plan.lines)
    for name, why in (
        ("b", "its type, line, is no area"),
        ("d", "its type, point, is no area"),
        ("e", "cannot be"),
    ):
        assert f"ROI {name} was left out: " in said
        assert why in said


def test_rois_of_other_slices_are_left_out_and_counted(project: Project, tmp_path: Path) -> None:
    rois = {str(n): roi(ROI_TYPE.OVAL, position=n) for n in (1, 2, 3)}
    plan = bring(project, read_outlines(zipped(tmp_path / "m.RoiSet.zip", rois)))
    assert len(project.crops()) == 1
    assert "m.png: 2 pores of other slices left out." in plan.lines
    rois = {
        "far": roi(ROI_TYPE.OVAL, box=(70, 70, 90, 90), z_position=4, c_position=1, t_position=1)
    }
    bring(project, read_outlines(zipped(tmp_path / "m.RoiSet.zip", rois)))
    assert len(project.crops()) == 1


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (("pore_1", "pore_2"), ("pore", "pore")),
        (("0001_Gas", "0002_Gas"), ("Gas", "Gas")),
        (("0001-0050-0060_Gas", "0012-0034"), ("Gas", "")),
        (("Gas", "Gas-1"), ("Gas", "Gas")),
        (("0001_Ti_1", "0002_Ti_1", "0003_Ti_2"), ("Ti_1", "Ti_1", "Ti_2")),
        (("000001_Gas 2", "000002_unlabelled"), ("Gas 2", "")),
    ],
)
def test_numbers_in_the_names_of_rois_make_no_classes(
    tmp_path: Path, names: tuple[str, ...], classes: tuple[str, ...]
) -> None:
    file = zipped(tmp_path / "m.zip", {name: roi(ROI_TYPE.OVAL) for name in names})
    (image,) = read_outlines(file)
    assert tuple(shape.class_name for shape in image.shapes) == classes


def test_a_single_roi_and_a_zip_without_a_name_go_to_the_only_micrograph(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "0040-0040.roi").write_bytes(roi(ROI_TYPE.OVAL).tobytes())
    plan = bring(project, read_outlines(tmp_path / "0040-0040.roi"))
    assert areas(project) == [1256.1]
    assert "it was taken for m.png, the only one" in " ".join(plan.lines)
    other = {"far": roi(ROI_TYPE.OVAL, box=(100, 70, 130, 100))}
    bring(project, read_outlines(zipped(tmp_path / "RoiSet.zip", other)))
    assert len(project.crops()) == 2


@pytest.mark.parametrize(("otherwise", "label"), [("", ""), ("Gas", "Gas")])
def test_a_roi_that_is_called_as_its_image_names_no_class(
    project: Project, tmp_path: Path, otherwise: str, label: str
) -> None:
    (tmp_path / "M.roi").write_bytes(roi(ROI_TYPE.OVAL).tobytes())
    matched, _ = match_images(project, read_outlines(tmp_path / "M.roi"), otherwise)
    assert [shape.class_name for shape in matched[0].shapes] == [label]


def test_a_polygon_with_a_fitted_spline_has_the_area_of_the_curve(tmp_path: Path) -> None:
    corners = ImagejRoi.frompoints(np.array(ring(50, 50, 20)[::16], np.float32))
    corners.roitype = ROI_TYPE.POLYGON
    for options, area in ((0, 800), (ROI_OPTIONS.SPLINE_FIT, 1219)):
        corners.options = ROI_OPTIONS(corners.options | options)
        (image,) = read_outlines(zipped(tmp_path / "m.zip", {"Gas": corners}))
        outline = image.shapes[0].outline
        assert outline is not None
        assert outline.area == pytest.approx(area, abs=1)


# ---- GeoJSON --------------------------------------------------------------------------------


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]] for ring in rings]}


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_every_form_of_geojson_is_read_whatever_its_ending(tmp_path: Path) -> None:
    one = feature(polygon(SQUARE), classification={"name": "Gas"})
    forms = [{"type": "FeatureCollection", "features": [one]}, [one], one, polygon(SQUARE)]
    for index, form in enumerate(forms):
        for ending in (".geojson", ".json"):
            file = tmp_path / f"m{index}{ending}"
            file.write_text(json.dumps(form))
            (image,) = read_outlines(file)
            assert [shape.outline.area for shape in image.shapes] == [1600]
            assert image.name == f"m{index}"


def test_classes_holes_and_parts_of_qupath_are_as_it_shows_them(
    project: Project, tmp_path: Path
) -> None:
    hole = [[30, 30], [50, 30], [50, 50], [30, 50]]
    far = [[100, 100], [110, 100], [110, 110], [100, 110]]
    parts = {"type": "MultiPolygon", "coordinates": [[[*far, far[0]]], [[*hole, hole[0]]]]}
    field = [[0, 0], [200, 0], [200, 150], [0, 150]]
    features = [
        feature(polygon(SQUARE, hole), classification={"names": ["Gas"], "color": [1, 2, 3]}),
        feature(polygon(field), classification={"name": "Region*"}),
        feature(polygon(field), classification={"names": ["Ignore*"]}),
        feature(None),
        feature({"type": "LineString", "coordinates": SQUARE}),
        feature(parts, classification={"names": ["Keyhole", "large"]}),
        feature({**polygon(SQUARE), "plane": {"c": -1, "z": 3, "t": 0}}),
        "no feature",
    ]
    (tmp_path / "m.png.geojson").write_text(json.dumps({"features": features}))
    plan = bring(project, read_outlines(tmp_path / "m.png.geojson"))
    assert labels(project) == ["Gas", "Keyhole: large", "Keyhole: large"]
    assert areas(project) == [1200, 100, 400]
    assert plan.notes == (
        "Feature 2 was left out: Region* is no class of pores but one that QuPath ignores.",
        "Feature 3 was left out: Ignore* is no class of pores but one that QuPath ignores.",
        "Feature 4 was left out: it has no geometry.",
        "Feature 5 was left out: a LineString is no outline.",
        "Feature 8 was left out: it is no feature.",
        "m.png: 1 pore of other slices left out.",
    )


def test_of_one_line_drawn_twice_the_class_is_kept_and_another_class_is_told(
    project: Project, tmp_path: Path
) -> None:
    twice = [feature(polygon(SQUARE), classification=one) for one in (None, "Gas", "Keyhole")]
    (tmp_path / "m.geojson").write_text(json.dumps(twice))
    plan = bring(project, read_outlines(tmp_path / "m.geojson"))
    assert labels(project) == ["Gas"]
    assert plan.notes == (
        "m.png: 1 pore that is drawn twice taken once.",
        "m.png: 1 pore that is drawn again as another class left out; the first class counts.",
    )


def test_a_name_that_no_class_can_have_costs_its_pores_only_the_label(
    project: Project, tmp_path: Path
) -> None:
    far = [[x + 100, y] for x, y in SQUARE]
    named = [feature(polygon(SQUARE), classification="G" * 61)]
    named.append(feature(polygon(far), classification="Gas"))
    (tmp_path / "m.geojson").write_text(json.dumps(named))
    plan = bring(project, read_outlines(tmp_path / "m.geojson"))
    assert labels(project) == ["", "Gas"]
    assert plan.notes == (f"1 pore not labelled: {'G' * 40!r} cannot be the name of a class.",)


# ---- COCO -----------------------------------------------------------------------------------


def coco(*entries: Any, name: str = "m.png") -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": name, "width": 200, "height": 150}],
        "categories": [{"id": 1, "name": "Gas"}],
        "annotations": list(entries),
    }


def entry(number: int, segmentation: Any, **more: Any) -> dict[str, Any]:
    return {"id": number, "image_id": 1, "category_id": 1, "segmentation": segmentation, **more}


def test_one_bad_entry_of_coco_is_named_by_its_id_and_the_others_come_in(
    project: Project, tmp_path: Path
) -> None:
    bad = [
        entry(2, {"counts": "abc", "size": [1, 1]}),
        entry(3, [], bbox=[float("nan"), 1, 2, 3]),
        entry(4, [FLAT], category_id=9),
        entry(5, [FLAT], image_id=7),
        entry(6, [FLAT[:4]]),
        entry(7, [[*FLAT[:5], "x"]]),
        entry(8, [[]]),
        entry(9, [], bbox=[1, 1, 0, 4]),
        "no entry",
    ]
    (tmp_path / "c.json").write_text(json.dumps(coco(entry(1, [FLAT]), *bad)))
    plan = bring(project, read_outlines(tmp_path / "c.json"))
    assert areas(project) == [1600]
    said = " ".join(plan.lines)
    for number in range(2, 10):
        assert any(str(number) in line.split(" left out")[0] for line in plan.notes), said
    (tmp_path / "c.json").write_text(json.dumps(coco(*bad)))
    with pytest.raises(PoreguiError, match="holds no pore that can be read"):
        read_outlines(tmp_path / "c.json")


def test_every_part_of_an_entry_is_a_pore_and_parts_upon_each_other_are_one(tmp_path: Path) -> None:
    beside = [x + 100 for x in FLAT]
    upon = [x + 20 for x in FLAT]
    (tmp_path / "c.json").write_text(json.dumps(coco(entry(1, [FLAT, beside, upon]))))
    (image,) = read_outlines(tmp_path / "c.json")
    assert [shape.outline.area for shape in image.shapes] == [2800, 1600]


def test_ids_that_became_decimals_are_the_same(tmp_path: Path) -> None:
    value = coco(entry(1, [FLAT]))
    value["images"][0]["id"] = value["categories"][0]["id"] = 1.0
    (tmp_path / "c.json").write_text(json.dumps(value))
    (image,) = read_outlines(tmp_path / "c.json")
    assert [shape.class_name for shape in image.shapes] == ["Gas"]


def test_what_coco_calls_alike_is_not_guessed(project: Project, tmp_path: Path) -> None:
    value = coco(entry(1, [FLAT]), entry(2, [FLAT], image_id=2))
    value["images"].append(value["images"][0] | {"id": 2})
    value["categories"].append({"id": 1, "name": "Keyhole"})
    (tmp_path / "c.json").write_text(json.dumps(value))
    plan = bring(project, read_outlines(tmp_path / "c.json"))
    assert plan.added == 0
    assert plan.notes[0] == "Category Keyhole was left out: Gas has its id."
    assert (
        "m.png is one of 2 images that would all be m.png; its pore was left out" in plan.notes[1]
    )


def test_the_name_that_label_studio_puts_before_a_file_is_no_part_of_it(
    project: Project, tmp_path: Path
) -> None:
    name = "images/1a2b3c4d-m.png"
    (tmp_path / "c.json").write_text(json.dumps(coco(entry(1, [FLAT]), name=name)))
    assert bring(project, read_outlines(tmp_path / "c.json")).added == 1


# ---- what comes of it -----------------------------------------------------------------------


def test_crossing_and_reaching_lines_are_told_and_measured_inside_alone(
    project: Project, tmp_path: Path
) -> None:
    bow = [20, 20, 60, 60, 60, 20, 20, 60]
    twice = [100, 20, 140, 20, 140, 60, 100, 60] * 2
    partly = [180, 100, 220, 100, 220, 140, 180, 140]
    outside = [300, 100, 320, 100, 320, 120]
    entries = [entry(n, [flat]) for n, flat in enumerate((bow, twice, partly, outside), 1)]
    (tmp_path / "c.json").write_text(json.dumps(coco(*entries)))
    plan = bring(project, read_outlines(tmp_path / "c.json"))
    assert areas(project) == [800, 1600, 800]
    assert plan.notes == (
        "m.png: 2 outlines cross themselves; what the line goes around counts, once.",
        "m.png: 1 pore reaches beyond the image; the part inside counts.",
        "m.png: 1 pore left out: the outline lies outside the image.",
    )
    (field,) = measure_project(project)
    assert field.pore_area_px == pytest.approx(3200)


def test_porosity_counts_each_pixel_once_where_outlines_lie_upon_each_other(
    project: Project, tmp_path: Path
) -> None:
    all_of_it = [0.0, 0, 200, 0, 200, 150, 0, 150]
    (tmp_path / "c.json").write_text(json.dumps(coco(entry(1, [all_of_it]), entry(2, [FLAT]))))
    bring(project, read_outlines(tmp_path / "c.json"))
    fields = measure_project(project)
    assert fields[0].area_percent == 100
    received = summary(project, fields)
    assert received["porosity"]["mean"] == 100
    assert received["notes"] == [
        "m.png: outlines overlap each other or masked areas by 1,600 px²; porosity counts each "
        "pixel once."
    ]
    assert measure_project(project)[0].area_percent == 100


def test_the_same_outline_twice_in_a_file_is_one_pore(project: Project, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps(coco(entry(1, [FLAT]), entry(2, [FLAT]))))
    plan = bring(project, read_outlines(tmp_path / "c.json"))
    assert plan.lines == ("Imported 1 pore.", "m.png: 1 pore that is drawn twice taken once.")


def test_an_outline_of_an_older_version_is_measured_as_it_would_be_kept_now(
    project: Project,
) -> None:
    from poregui.domain.geometry import Outline
    from poregui.domain.records import Crop
    from poregui.workflow.editing.edits import AddCrops

    (micrograph,) = project.micrographs()
    line = Outline.of([(180, 20), (220, 60), (220, 20), (180, 60)])
    crop = Crop(1, "h", 40, 40, micrograph.id, Box(160, 20, 40, 40), origin="import")
    History(project).apply(AddCrops((crop,), "Ada", outlines=((1, line),)))
    (field,) = measure_project(project)
    assert field.pore_area_px == pytest.approx(400)
    assert field.measured.columns["x"][0] < 200


@pytest.mark.parametrize("name", ["coco", "geojson", "imagej"])
def test_what_was_mended_is_the_same_after_export_and_import(
    project: Project, tmp_path: Path, name: str
) -> None:
    hole = [[30, 30], [50, 30], [50, 50], [30, 50]]
    features = [
        feature(polygon(SQUARE, hole), classification={"name": "Gas"}),
        feature(polygon([[100, 20], [140, 60], [140, 20], [100, 60]]), classification="Keyhole"),
        feature(polygon([[180, 100], [220, 100], [220, 140]]), classification={"name": "a/b: c"}),
    ]
    (tmp_path / "m.geojson").write_text(json.dumps(features))
    bring(project, read_outlines(tmp_path / "m.geojson"))
    out = tmp_path / ("out.json" if name == "coco" else "out")
    export(project, name, out)
    with Project.create(tmp_path / "copy") as copy:
        add_micrograph(copy, tmp_path / "m.png")
        plan = bring(copy, read_outlines(out))
        assert plan.notes == ()
        assert areas(copy) == areas(project) == [1200, 800, 200]
        assert labels(copy) == labels(project) == ["Gas", "Keyhole", "a/b: c"]


def test_class_names_come_back_through_folders(project: Project, tmp_path: Path) -> None:
    names = ["Gas/round", "NUL", "<Poré> α: 5 µm"]
    features = [
        feature(polygon([[x + 60 * k, y] for x, y in SQUARE]), classification={"name": name})
        for k, name in enumerate(names)
    ]
    (tmp_path / "m.geojson").write_text(json.dumps(features))
    bring(project, read_outlines(tmp_path / "m.geojson"))
    assert labels(project) == names
    export(project, "class-folders", tmp_path / "folders")
    made = str(tmp_path / "q")
    assert main(["new", made]) == 0
    assert main(["import", made, str(tmp_path / "folders")]) == 0
    (tmp_path / "folders" / "manifest.csv").unlink()
    known = str(tmp_path / "r")
    assert main(["new", known, "--classes", ",".join(names)]) == 0
    assert main(["import", known, str(tmp_path / "folders")]) == 0
    for folder in (made, known):
        with Project.open(Path(folder), read_only=True) as back:
            assert sorted(labels(back)) == sorted(names)
            assert len(back.classes()) == 3


def test_a_number_in_the_name_of_a_class_of_the_project_is_its_own(
    project: Project, tmp_path: Path
) -> None:
    rois = {"Type_1": roi(ROI_TYPE.OVAL), "Type_2": roi(ROI_TYPE.OVAL, box=(90, 90, 120, 120))}
    file = zipped(tmp_path / "m.RoiSet.zip", rois)
    with Project.create(tmp_path / "typed") as typed:
        add_micrograph(typed, tmp_path / "m.png")
        History(typed).apply(add_class(typed, "Type_1"))
        History(typed).apply(add_class(typed, "Type_2"))
        bring(typed, read_outlines(file))
        assert labels(typed) == ["Type_1", "Type_2"]
    bring(project, read_outlines(file))
    assert labels(project) == ["Type", "Type"]


def test_quotes_that_another_program_writes_otherwise_make_no_new_class(
    project: Project, tmp_path: Path
) -> None:
    History(project).apply(add_class(project, "‹Poré> α: 5 µm"))
    before = len(project.classes())
    bring(project, read_outlines(zipped(tmp_path / "m.RoiSet.zip", {
        "000003_<Poré> α: 5 µm": roi(ROI_TYPE.OVAL),
    })))  # fmt: skip
    assert (labels(project), len(project.classes())) == (["‹Poré> α: 5 µm"], before)
