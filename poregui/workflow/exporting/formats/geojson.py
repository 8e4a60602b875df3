"""Write and read GeoJSON as QuPath does: one FeatureCollection a micrograph, polygons with a
classification.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Outline
from poregui.store.files import make_parent, write_text
from poregui.workflow.exporting.formats.json_text import closed_polygons, read_json
from poregui.workflow.exporting.formats.shapes import (
    NOWHERE,
    ImageShapes,
    LeftOut,
    PoreShape,
    StackPlace,
    UnfitEntryError,
    corners,
    file_paths,
    files_in,
    points_from,
    pores_from,
    text_of,
    with_notes,
)

_NAMESPACE = uuid.UUID("6f7ae3d2-0a0d-4c0e-9d55-7f0f6b0f3c11")
SUFFIX = ".geojson"
_COLLECTION = '{"type": "FeatureCollection", "image": %s, %s"features": [%s]}'
_FEATURE = (
    '{"type": "Feature", "id": "%s", "geometry": {"type": "Polygon", "coordinates": [%s]}, '
    '"properties": {"objectType": "annotation", "name": "%d", %s}'
)


def write_geojson(images: Sequence[ImageShapes], out: Path) -> int:
    """Write one file a micrograph into a folder, which is made, and return how many pores they
    hold.

    Micrographs of one name get folders as their own files have. Coordinates are px of the image at
    full resolution, (0, 0) its upper left corner, as QuPath expects. Raises PoreguiError when the
    folder cannot be written.
    """
    for image, path in zip(
        images, file_paths([image.called for image in images], SUFFIX), strict=True
    ):
        write_geojson_file(image, out / path)
    return sum(len(image.shapes) for image in images)


def write_geojson_file(image: ImageShapes, out: Path, lines: Iterable[str] | None = None) -> None:
    """Write the pores of one micrograph into one file. Raises PoreguiError when it cannot be
    written.

    `lines` are the texts of their outlines (see `closed_polygons`) where somebody has them already.
    """
    if lines is None:
        polygons = [
            np.array(corners(shape.box)) if shape.outline is None else shape.outline.points
            for shape in image.shapes
        ]
        lines = closed_polygons(polygons)
    features = map(partial(_feature, image=image.called), image.shapes, lines)
    make_parent(out)
    name = json.dumps(image.name, ensure_ascii=False)
    facts = json.dumps(image.facts(), ensure_ascii=False)[1:-1]
    write_text(out, _COLLECTION % (name, f"{facts}, " if facts else "", ",".join(features)))


def _feature(shape: PoreShape, line: str, image: str) -> str:
    """Return a feature as JSON; `line` is the text of its closed line."""
    name = uuid.uuid5(_NAMESPACE, f"{image}/{shape.crop_id}")
    return _FEATURE % (
        name,
        line,
        shape.crop_id,
        _properties_of(shape.outline is not None, shape.class_name, shape.colour, shape.metadata),
    )


@lru_cache(maxsize=1024)
def _properties_of(
    outlined: bool, class_name: str, colour: str, metadata: tuple[tuple[str, str], ...]
) -> str:
    """Return as JSON, without the first bracket, what many features of a file have alike."""
    properties: dict[str, Any] = {"outlined": outlined}
    if class_name:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        properties["classification"] = {"name": class_name, "color": [red, green, blue]}
    if metadata:
        properties["metadata"] = dict(metadata)
    return json.dumps(properties, ensure_ascii=False)[1:]


def read_geojson(path: Path, value: Any = None) -> list[ImageShapes]:
    """Return the pores of a file, or of every `.geojson` file of a folder and the folders in it.

    Polygons are read without their holes, every part of a multi-polygon as a pore; other geometries
    and classes that end in `*`, which QuPath ignores, are left out and named. The image is the one
    that the file names, else the file's own name without `.geojson`. `value` is what a file holds,
    where it was read already. Raises PoreguiError when a file is not GeoJSON.
    """
    files = files_in(path, f"*{SUFFIX}") if path.is_dir() else [path]
    if not files:
        raise PoreguiError(
            f"{path} holds no {SUFFIX} files.", "Choose the folder that they were exported to."
        )
    found = [_read_one(file, read_json(file) if value is None else value) for file in files]
    if len(found) == 1:
        return with_notes(files[0], found, found[0].notes)
    return found


def _read_one(path: Path, value: Any) -> ImageShapes:
    members = value if isinstance(value, dict) else {}
    left_out = LeftOut("Feature")
    shapes: list[PoreShape] = []
    for number, feature in enumerate(_features(path, value), start=1):
        try:
            shapes += _shapes(feature, number)
        except UnfitEntryError as error:
            left_out.add(number, error.what)
    sha256 = text_of(members.get("sha256"))
    own = path.name.removesuffix(SUFFIX).removesuffix(".json")
    return ImageShapes(
        text_of(members.get("image")) or own,
        0,
        0,
        None,
        tuple(shapes),
        path=text_of(members.get("path")),
        sha256=sha256,
        plane=text_of(members.get("plane")) if sha256 else None,
        beside=(path.absolute().parent / own).as_posix(),
        notes=left_out.notes,
        as_stored=not sha256,  # ours are of the upright image; QuPath does not turn any
    )


def _features(path: Path, value: Any) -> list[Any]:
    """Return the features of a collection, a list, a single one or a bare geometry."""
    features = value
    if isinstance(value, dict):
        if value.get("type") == "Feature":
            return [value]
        if value.get("type") in _GEOMETRIES:
            return [{"geometry": value}]
        features = value.get("features")
    if not isinstance(features, list):
        raise PoreguiError(
            f"{path.name} is not a GeoJSON file of outlines.", "It needs features with polygons."
        )
    return features


_GEOMETRIES = ("Polygon", "MultiPolygon", "GeometryCollection")
_DEEPEST = 8


def _shapes(feature: object, number: int) -> list[PoreShape]:
    """Return the pores of a feature. Raises UnfitEntryError when it holds none."""
    if not isinstance(feature, dict):
        raise UnfitEntryError("it is no feature")
    geometry = feature.get("geometry")
    value = feature.get("properties")
    properties = value if isinstance(value, dict) else {}
    named = _class_name(properties.get("classification"))
    if named.endswith("*"):
        raise UnfitEntryError(f"{named} is no class of pores but one that QuPath ignores")
    planes = _planes(geometry)
    areas = [[points_from(line) for line in polygon] for polygon in _polygons(geometry)]
    if properties.get("outlined", True):
        return pores_from(number, named, areas, planes)
    boxes = [Outline.of(area[0]).bounds for area in areas]
    return [PoreShape(number, box, None, named, planes=planes) for box in boxes]


def _polygons(geometry: object, depth: int = 0) -> list[list[Any]]:
    """Return the polygons of a geometry, each a list of rings, the outer one first."""
    if not isinstance(geometry, dict):
        raise UnfitEntryError("it has no geometry")
    kind = geometry.get("type")
    if kind == "GeometryCollection" and depth < _DEEPEST:
        inner = geometry.get("geometries")
        members = inner if isinstance(inner, list) else []
        areas = [one for one in members if not _without_area(one)] or members
        return [polygon for member in areas for polygon in _polygons(member, depth + 1)]
    if kind not in ("Polygon", "MultiPolygon"):
        raise UnfitEntryError(f"a {kind or 'shape without a type'} is no outline")
    coordinates = geometry.get("coordinates")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(polygons, list) or not all(isinstance(p, list) and p for p in polygons):
        raise UnfitEntryError("it has no coordinates")
    return polygons


def _without_area(geometry: object) -> bool:
    return isinstance(geometry, dict) and geometry.get("type") in _NO_AREAS


_NO_AREAS = ("Point", "MultiPoint", "LineString", "MultiLineString")


def _class_name(classification: object) -> str:
    """Return the class that QuPath wrote as `name`, as a list of `names`, or as text."""
    if not isinstance(classification, dict):
        return text_of(classification)
    names = classification.get("names")
    if isinstance(names, list):
        return ": ".join(name for name in map(text_of, names) if name)
    return text_of(classification.get("name"))


def _planes(geometry: object) -> StackPlace:
    """Return the plane of a geometry: QuPath counts from 0, and -1 means all channels."""
    plane = geometry.get("plane") if isinstance(geometry, dict) else None
    if not isinstance(plane, dict):
        return NOWHERE
    indices = [plane.get(key) for key in ("t", "c", "z")]
    page, channel, z = (max(0, n + 1) if isinstance(n, int) else 0 for n in indices)
    return StackPlace(page, channel, z)
