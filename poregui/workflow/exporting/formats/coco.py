"""Write and read COCO object detection files: one JSON with images, categories and polygons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.store.files import export_target, write_text
from poregui.workflow.exporting.formats.json_text import read_json
from poregui.workflow.exporting.formats.shapes import ImageShapes, PoreShape, outline_from, text_of


def write_coco(images: Sequence[ImageShapes], out: Path) -> int:
    """Write one file and return how many pores it holds.

    Polygons and boxes are in px from the upper left corner of the upper left pixel; `area` is that
    of the outline in square px. A pore without an outline has a box and no polygon. `file_name` has
    folders before the name where two images bear it; `path` and `sha256` tell each from all others.
    Raises PoreguiError when `out` cannot be written.
    """
    names = sorted(
        {shape.class_name for image in images for shape in image.shapes if shape.class_name}
    )
    places = {name: place for place, name in enumerate(names, start=1)}
    entries = [
        _entry(shape, number, places)
        for number, image in enumerate(images, start=1)
        for shape in image.shapes
        if shape.class_name
    ]
    value = {
        "info": {"description": "pores", "version": "1"},
        "licenses": [],
        "images": [
            {"id": number, "file_name": image.called, "width": image.width, "height": image.height}
            | ({"um_per_px": image.um_per_px} if image.um_per_px is not None else {})
            | image.facts()
            for number, image in enumerate(images, start=1)
        ],
        "categories": [
            {"id": place, "name": name, "supercategory": "pore"} for name, place in places.items()
        ],
        "annotations": entries,
    }
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    write_text(export_target(out), text)
    return len(entries)


def _entry(shape: PoreShape, image: int, places: dict[str, int]) -> dict[str, Any]:
    if shape.outline is None:
        polygons = []
    else:
        polygons = [[round(float(v), 3) for v in shape.outline.points.ravel()]]
    box = shape.box if shape.outline is None else shape.outline.bounds
    return {
        "id": shape.crop_id,
        "image_id": image,
        "category_id": places[shape.class_name],
        "segmentation": polygons,
        "area": round(shape.outline.area, 3) if shape.outline is not None else box.area,
        "bbox": [box.x, box.y, box.width, box.height],
        "iscrowd": 0,
    }


def read_coco(path: Path) -> list[ImageShapes]:
    """Return the images and pores of a file; run-length masks are refused, of several polygons the
    largest counts.

    Raises PoreguiError when the file is not COCO or holds what cannot be a pore.
    """
    value = read_json(path)
    try:
        names = {int(c["id"]): str(c["name"]) for c in value["categories"]}
        images = {int(i["id"]): i for i in value["images"]}
        found: dict[int, list[PoreShape]] = {image: [] for image in images}
        for entry in value["annotations"]:
            found[int(entry["image_id"])].append(_shape(entry, names))
        return [_image(image, tuple(found[number]), path) for number, image in images.items()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PoreguiError(
            f"{path.name} is not a COCO file: {type(error).__name__} {error}.",
            "It needs images, categories and annotations with polygons or boxes.",
        ) from error


def _image(image: dict[str, Any], shapes: tuple[PoreShape, ...], file: Path) -> ImageShapes:
    name = str(image["file_name"])
    return ImageShapes(
        name,
        int(image["width"]),
        int(image["height"]),
        _scale(image),
        shapes,
        path=text_of(image.get("path")),
        sha256=text_of(image.get("sha256")),
        plane=text_of(image.get("plane")) if image.get("sha256") else None,
        beside=(file.absolute().parent / name).as_posix(),
    )


def _scale(image: dict[str, Any]) -> float | None:
    value = image.get("um_per_px")
    if isinstance(value, (int, float)) and 0 < value < 1e6:
        return float(value)
    return None


def _shape(entry: dict[str, Any], names: dict[int, str]) -> PoreShape:
    polygons = entry.get("segmentation") or []
    where = f"Entry {entry['id']}"
    if isinstance(polygons, dict):
        raise PoreguiError(
            f"{where} is a run-length mask, which is not read.", "Export polygons instead."
        )
    outlines: list[Outline] = []
    for flat in polygons:
        outlines.append(outline_from(list(zip(flat[0::2], flat[1::2], strict=True)), where))
    outline = max(outlines, key=lambda one: one.area, default=None)
    if outline is not None:
        box = outline.bounds
    else:
        left, top, wide, high = (float(v) for v in entry["bbox"])
        box = Box.between(left, top, left + wide, top + high)
    return PoreShape(int(entry["id"]), box, outline, names[int(entry["category_id"])])
