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
from poregui.workflow.exporting.formats.json_text import closed_rings, read_json
from poregui.workflow.exporting.formats.shapes import (
    ImageShapes,
    PoreShape,
    corners,
    file_paths,
    files_in,
    outline_from,
    text_of,
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

    `lines` are the texts of their outlines (see `closed_rings`) where somebody has them already.
    """
    if lines is None:
        rings = [
            np.array(corners(one.box)) if one.outline is None else one.outline.points
            for one in image.shapes
        ]
        lines = closed_rings(rings)
    features = map(partial(_feature, image=image.called), image.shapes, lines)
    make_parent(out)
    name = json.dumps(image.name, ensure_ascii=False)
    facts = json.dumps(image.facts(), ensure_ascii=False)[1:-1]
    write_text(out, _COLLECTION % (name, f"{facts}, " if facts else "", ",".join(features)))


def _feature(shape: PoreShape, ring: str, image: str) -> str:
    """Return a feature as JSON; `ring` is the text of its closed line."""
    name = uuid.uuid5(_NAMESPACE, f"{image}/{shape.crop_id}")
    return _FEATURE % (
        name,
        ring,
        shape.crop_id,
        _told(shape.outline is not None, shape.class_name, shape.colour, shape.told),
    )


@lru_cache(maxsize=1024)
def _told(outlined: bool, class_name: str, colour: str, told: tuple[tuple[str, str], ...]) -> str:
    """Return as JSON, without the first bracket, what many features of a file have alike."""
    properties: dict[str, Any] = {"outlined": outlined}
    if class_name:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        properties["classification"] = {"name": class_name, "color": [red, green, blue]}
    if told:
        properties["metadata"] = dict(told)
    return json.dumps(properties, ensure_ascii=False)[1:]


def read_geojson(path: Path) -> list[ImageShapes]:
    """Return the pores of a file, or of every `.geojson` file of a folder and the folders in it.

    Polygons and, by their largest part, multi-polygons are read, other geometries are passed over;
    holes are filled. The image is the one that the file names, else the file's own name without
    `.geojson`. Raises PoreguiError when a file is not GeoJSON.
    """
    files = files_in(path, f"*{SUFFIX}") if path.is_dir() else [path]
    if not files:
        raise PoreguiError(
            f"{path} holds no {SUFFIX} files.", "Choose the folder that they were exported to."
        )
    return [_read_one(file) for file in files]


def _read_one(path: Path) -> ImageShapes:
    value = read_json(path)
    try:
        if isinstance(value, dict):
            features = value["features"]
        else:
            features = value
        name = value.get("image") if isinstance(value, dict) else None
        shapes = [_shape(feature, number) for number, feature in enumerate(features, start=1)]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise PoreguiError(
            f"{path.name} is not a GeoJSON file of outlines: {type(error).__name__} {error}.",
            "It needs features with polygons.",
        ) from error
    kept = tuple(shape for shape in shapes if shape is not None)
    told = value if isinstance(value, dict) else {}
    sha256 = text_of(told.get("sha256"))
    own = path.name.removesuffix(SUFFIX)
    return ImageShapes(
        str(name or own),
        0,
        0,
        None,
        kept,
        path=text_of(told.get("path")),
        sha256=sha256,
        plane=text_of(told.get("plane")) if sha256 else None,
        beside=(path.absolute().parent / own).as_posix(),
    )


def _shape(feature: dict[str, Any], number: int) -> PoreShape | None:
    geometry = feature["geometry"]
    properties = feature.get("properties") or {}
    kind = geometry["type"]
    if kind not in ("Polygon", "MultiPolygon"):
        return None
    if kind == "Polygon":
        parts = [geometry["coordinates"]]
    else:
        parts = geometry["coordinates"]
    outlines: list[Outline] = [outline_from(part[0], f"Feature {number}") for part in parts]
    outline = max(outlines, key=lambda one: one.area)
    named = (properties.get("classification") or {}).get("name", "")
    outlined = properties.get("outlined", True)
    return PoreShape(number, outline.bounds, outline if outlined else None, str(named))
