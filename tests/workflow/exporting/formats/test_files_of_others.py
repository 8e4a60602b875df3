"""Hold that tables of other programs are read as they were meant, and that their other files are
named.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.workflow.importing.outlines import read_outlines


@pytest.mark.parametrize(
    ("name", "content", "program"),
    [
        ("a.json", '{"version": "5", "shapes": [], "imagePath": "m.png"}', "a labelme file"),
        ("a.json", '{"m.png7": {"filename": "m.png", "regions": []}}', "VIA"),
        ("a.json", '{"_via_settings": {}, "_via_img_metadata": {}}', "VIA"),
        ("a.json", '[{"id": 1, "data": {}, "annotations": []}]', "Label Studio"),
        ("a.json", '[{"image_id": 1, "category_id": 1, "bbox": []}]', "COCO results"),
        ("a.xml", "<annotation><folder/><object/></annotation>", "Pascal VOC"),
        ("a.xml", "<?xml version='1.0'?>\n<annotations><version>1.1</version>", "CVAT"),
        ("a.txt", "0 0.5 0.5 0.1 0.2\n1 0.2 0.2 0.1 0.1\n", "YOLO"),
        ("a.txt", "0 0.1 0.1 0.2 0.1 0.2 0.2\n", "YOLO"),
        ("a.xlsx", "PK", "workbook"),
        ("a.csv", "filename,region_shape_attributes,region_attributes\n", "VIA"),
        ("a.csv", " ,Area,Mean,X,Y\n1,2,3,4,5\n", "ImageJ's results"),
    ],
)
def test_a_file_of_another_program_is_named(
    tmp_path: Path, name: str, content: str, program: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(PoreguiError, match=program):
        read_outlines(tmp_path / name)


HEAD = "micrograph,x,y,width,height,label"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_table_is_read_as_any_program_writes_it(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    rows = [HEAD, "m.png,46.0,36,28,28.0,Poré", "m.png,100,36,28,28,Gas"]
    text = "\r\n".join(rows).replace(",", separator)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    (image,) = read_outlines(tmp_path / "t.csv")
    assert [(shape.box, shape.class_name) for shape in image.shapes] == [
        (Box(46, 36, 28, 28), "Poré"),
        (Box(100, 36, 28, 28), "Gas"),
    ]


def test_a_table_of_excel_may_have_decimal_commas_and_name_its_separator(tmp_path: Path) -> None:
    text = "sep=;\nMicrograph; X ;y;width;height;label;um_per_px\nm.png;46,0;36,0;28;28;Gas;0,5\n"
    (tmp_path / "t.csv").write_text(text)
    (image,) = read_outlines(tmp_path / "t.csv")
    assert (image.shapes[0].box, image.um_per_px) == (Box(46, 36, 28, 28), 0.5)


def test_what_is_no_box_is_named_by_row_and_column_and_the_others_come_in(tmp_path: Path) -> None:
    rows = [HEAD, "m.png,46,36,28,28,Gas", "m.png,46,high,28,28,Gas", "m.png,4,4,0,3,Gas"]
    (tmp_path / "t.csv").write_text("\n".join([*rows, "m.png,4", "m.png,nan,1,2,3,"]))
    (image,) = read_outlines(tmp_path / "t.csv")
    assert len(image.shapes) == 1
    assert image.notes == (
        "Row 3 was left out: column y holds 'high', which is no number of px.",
        "Row 4 was left out: width is below 1 px.",
        "Row 5 was left out: column y holds '', which is no number of px.",
        "Row 6 was left out: column x holds 'nan', which is no number of px.",
    )


@pytest.mark.parametrize("cell", ["1,000", "1.150"])
def test_a_sign_that_may_part_thousands_is_not_read_as_a_decimal_sign(
    tmp_path: Path, cell: str
) -> None:
    head = HEAD.replace(",", ";")
    (tmp_path / "t.csv").write_text(f"\n{head}\nm.png;{cell};90;28;28;Gas\nm.png;9;9;9;9;Gas\n")
    (image,) = read_outlines(tmp_path / "t.csv")
    assert [shape.box for shape in image.shapes] == [Box(9, 9, 9, 9)]
    assert (
        f"Row 3 was left out: column x holds {cell.replace(',', '.')}, which may be 1"
        in (image.notes[0])
    )
    (tmp_path / "t.csv").write_text(f"{head}\nm.png;{cell};90;28,5;28;Gas\n")
    assert read_outlines(tmp_path / "t.csv")[0].shapes[0].box.x == 1


def test_a_table_with_a_quote_that_stays_open_or_a_column_twice_is_not_half_read(
    tmp_path: Path,
) -> None:
    rows = [HEAD, "m.png,9,9,9,9,Gas", 'm.png,46,36,28,28,"Gas', "m.png,90,36,28,28,Gas"]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    (image,) = read_outlines(tmp_path / "t.csv")
    assert image.notes == ("Row 4 was left out: a quotation mark in it is not closed.",)
    (tmp_path / "t.csv").write_text(f"{HEAD},x\nm.png,9,9,9,9,Gas,90\n")
    with pytest.raises(PoreguiError, match="two columns x"):
        read_outlines(tmp_path / "t.csv")


def test_a_point_in_a_collection_does_not_cost_the_polygon_beside_it(tmp_path: Path) -> None:
    square = {"type": "Polygon", "coordinates": [[[2, 2], [6, 2], [6, 6], [2, 6], [2, 2]]]}
    both = [{"type": "Point", "coordinates": [1, 2]}, square]
    value = {"type": "GeometryCollection", "geometries": both}
    (tmp_path / "m.geojson").write_bytes(json.dumps(value).encode("utf-16"))
    (image,) = read_outlines(tmp_path / "m.geojson")
    assert [shape.outline.area for shape in image.shapes if shape.outline] == [16]
