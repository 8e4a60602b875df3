"""Read JSON of other programs, write many coordinates at once, and name what is not read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.workflow.exporting.formats.shapes import LARGEST_FILE


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises PoreguiError when it cannot be read, is too large or is not JSON.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise PoreguiError(
                f"{path.name} is larger than 1 GB.", "Split it by image and read the parts."
            )
        return json.loads(path.read_bytes())  # in UTF-8, or in the UTF-16 of other programs
    except OSError as error:
        raise PoreguiError(
            f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error
    except (ValueError, RecursionError) as error:
        raise PoreguiError(
            f"{path.name} is not JSON.", "Export it again from the program that made it."
        ) from error


GEOJSON = "GeoJSON"
COCO = "COCO"
_GEOMETRIES = {"FeatureCollection", "Feature", "Polygon", "MultiPolygon", "GeometryCollection"}
_KEYS: tuple[tuple[set[str], str], ...] = (
    ({"images", "annotations", "categories"}, COCO),
    ({"shapes", "imagePath"}, "a labelme file"),
    ({"_via_img_metadata"}, "a VGG Image Annotator (VIA) project"),
    ({"regions", "filename"}, "a VGG Image Annotator (VIA) file"),
    ({"data", "annotations"}, "a Label Studio file"),
    ({"data", "completions"}, "a Label Studio file"),
    ({"data_row"}, "a Labelbox file"),
    ({"Labeled Data"}, "a Labelbox file"),
    ({"objects", "size"}, "a Supervisely file"),
    ({"item", "annotations"}, "a V7 Darwin file"),
    ({"categories", "items"}, "a Datumaro file"),
    ({"image_id", "category_id"}, "a list of COCO results without images"),
    ({"image", "annotations"}, "a CreateML file"),
    ({"images", "annotations"}, COCO),
    ({"images", "categories"}, COCO),
    ({"arcs", "objects"}, "a TopoJSON file"),
)


def kind_of_json(value: Any) -> str:
    """Return what a JSON value is: `GeoJSON`, `COCO`, another program's file, or empty."""
    first: Any = value
    if isinstance(value, list):
        first = value[0] if value else None
    elif isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
        first = next(iter(value.values())) if "_via_img_metadata" not in value else value
    if not isinstance(first, dict):
        return GEOJSON if value == [] else ""
    if isinstance(first.get("type"), str) and first["type"] in _GEOMETRIES:
        return GEOJSON
    if isinstance(value, dict) and isinstance(value.get("features"), list):
        return GEOJSON
    return next((name for keys, name in _KEYS if keys <= first.keys()), "")


_ENDINGS = {
    ".xlsx": "a workbook; save its sheet as CSV",
    ".xls": "a workbook; save its sheet as CSV",
    ".ods": "a workbook; save its sheet as CSV",
    ".qpproj": "a QuPath project; export its annotations as GeoJSON",
    ".qpdata": "QuPath's own file; export its annotations as GeoJSON",
    ".tif": "an image and no file of outlines",
    ".tiff": "an image and no file of outlines",
    ".png": "an image and no file of outlines",
}
_MARKS = (
    (b"<annotation>", "a Pascal VOC file"),
    (b"<annotation ", "a Pascal VOC file"),
    (b"<annotations", "a CVAT file"),
    (b"<ASAP_Annotations", "an ASAP file"),
    (b"<Annotations", "an Aperio ImageScope file"),
    (b"<CellCounter_Marker_File", "a file of ImageJ's Cell Counter"),
    (b"<svg", "a drawing (SVG)"),
)
_YOLO = re.compile(rb"\s*\d+(\s+-?\d*\.?\d+([eE][-+]?\d+)?){4,}\s*")
_BEGINNING = 4096


def other_program(path: Path) -> str:
    """Return what a file is that holds no outlines that are read, such as `a CVAT file`; empty for
    what nobody knows. Raises PoreguiError when it cannot be read.
    """
    known = _ENDINGS.get(path.suffix.lower())
    if known is not None:
        return known
    try:
        with open(path, "rb") as file:
            begin = file.read(_BEGINNING)
    except OSError as error:
        raise PoreguiError(
            f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error
    for mark, name in _MARKS:
        if mark in begin:
            return name
    if _YOLO.fullmatch(begin.splitlines()[0] if begin.strip() else b""):
        return "a YOLO file"
    if begin.lstrip()[:1] == b"<":
        return "an XML file"
    return ""


_PARTS = 1000
"""Coordinates are written to a thousandth."""
_LARGEST = 10**6
_AT_ONCE = 2000
_PADDING = b"\0"
"""What numpy fills up texts with that are shorter than their column."""


def closed_polygons(polygons: Sequence[NDArray[Any]]) -> Iterator[str]:
    """Yield each ring (N, 2) as the text of a JSON list of [x, y], its first point repeated at the
    end.
    """
    for start in range(0, len(polygons), _AT_ONCE):
        yield from _texts(polygons[start : start + _AT_ONCE])


def _texts(polygons: Sequence[NDArray[Any]]) -> list[str]:
    points = np.rint(np.concatenate(polygons).astype(np.float64) * _PARTS).astype(np.int64)
    ends = np.cumsum([len(polygon) for polygon in polygons])
    starts = ends - [len(polygon) for polygon in polygons]
    outside = (points < 0) | (points >= _LARGEST * _PARTS)
    odd = np.logical_or.reduceat(outside.any(axis=1), starts).tolist()
    rows = _rows(np.clip(points, 0, _LARGEST * _PARTS - 1))
    texts = []
    for polygon, start, end, plainly in zip(
        polygons, starts.tolist(), ends.tolist(), odd, strict=True
    ):
        if plainly:
            texts.append(_plainly(polygon))
            continue
        text = rows[start:end].tobytes() + rows[start : start + 1].tobytes()
        texts.append(f"[{text.replace(_PADDING, b'').decode('ascii')[:-1]}]")
    return texts


def _rows(points: NDArray[np.int64]) -> NDArray[Any]:
    """Return the texts of points in thousandths, (M,) of a few columns of bytes."""
    whole, rest = np.divmod(points, _PARTS)
    wholes = _digits(b"%d", int(whole.max()) + 1)
    rests = _digits(b".%03d", _PARTS)
    fields = [("open", "S1"), ("x", wholes.dtype), ("x_rest", rests.dtype), ("comma", "S1")]
    rows = np.empty(
        len(points),
        np.dtype([*fields, ("y", wholes.dtype), ("y_rest", rests.dtype), ("close", "S2")]),
    )
    rows["open"], rows["comma"], rows["close"] = b"[", b",", b"],"
    for axis, name in enumerate("xy"):
        rows[name], rows[f"{name}_rest"] = wholes[whole[:, axis]], rests[rest[:, axis]]
    return rows


def _digits(form: bytes, count: int) -> NDArray[np.bytes_]:
    """Return the texts of the numbers from 0 to below `count`."""
    return np.array([form % number for number in range(count)], dtype=np.bytes_)


def _plainly(polygon: NDArray[Any]) -> str:
    """Return the text of a ring one number after the other; corners in the frame of an image may be
    below 0.
    """
    points = np.round(np.asarray(polygon, np.float64), 3).tolist()
    return json.dumps([*points, points[0]], separators=(",", ":"))
