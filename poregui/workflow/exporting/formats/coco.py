"""Write and read COCO object detection files: one JSON with images, categories and polygons, or
run-length masks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.wording import listed
from poregui.store.files import export_target, write_text
from poregui.vision.pores.marked import lines_around, marked_in
from poregui.vision.shape.overlaps import united
from poregui.vision.shape.polygons import FloatArray, IntArray
from poregui.workflow.exporting.formats.json_text import read_json
from poregui.workflow.exporting.formats.shapes import (
    ImageShapes,
    LeftOut,
    PoreShape,
    UnfitEntryError,
    number_in,
    points_from,
    pores_from,
    text_of,
    with_notes,
)


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
    category_ids = {name: category_id for category_id, name in enumerate(names, start=1)}
    entries = [
        _entry(shape, number, category_ids)
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
            {"id": category_id, "name": name, "supercategory": "pore"}
            for name, category_id in category_ids.items()
        ],
        "annotations": entries,
    }
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    write_text(export_target(out), text)
    return len(entries)


def _entry(shape: PoreShape, image: int, category_ids: dict[str, int]) -> dict[str, Any]:
    if shape.outline is None:
        polygons = []
    else:
        polygons = [[round(float(v), 3) for v in shape.outline.points.ravel()]]
    box = shape.box if shape.outline is None else shape.outline.bounds
    return {
        "id": shape.crop_id,
        "image_id": image,
        "category_id": category_ids[shape.class_name],
        "segmentation": polygons,
        "area": round(shape.outline.area, 3) if shape.outline is not None else box.area,
        "bbox": [box.x, box.y, box.width, box.height],
        "iscrowd": 0,
    }


def read_coco(path: Path, value: Any = None) -> list[ImageShapes]:
    """Return the images and pores of a file; an entry that is no pore is left out and named by its
    id.

    Polygons, or parts of a mask, of one entry that lie apart are a pore each. `value` is what the
    file holds, where it was read already. Raises PoreguiError when the file is not COCO.
    """
    if value is None:
        value = read_json(path)
    own: dict[str, Any] = value if isinstance(value, dict) else {}
    missing = [key for key in _LISTS if not isinstance(own.get(key), list)]
    if missing:
        raise PoreguiError(
            f"{path.name} is not a COCO file: it has no list of {listed(missing)}.",
            "It needs images, categories and annotations with polygons or boxes.",
        )
    images, categories, annotations = (own[key] for key in _LISTS)
    names, unclear = _categories(categories)
    unnamed = LeftOut("Image")
    known: dict[str, dict[str, Any]] = {}
    for index, image in enumerate(images, start=1):
        if not _has(image, "id", "file_name"):
            unnamed.add(_id(image, index), "it has no id or file_name")
        elif _key(image["id"]) in known:
            unnamed.add(image["file_name"], "another image has its id")
        else:
            known[_key(image["id"])] = image
    found: dict[str, list[PoreShape]] = {number: [] for number in known}
    left_out = LeftOut("Entry", "Entries")
    for index, entry in enumerate(annotations, start=1):
        try:
            number, shapes = _shapes(entry, _number(entry, index), names, known)
            found[number] += shapes
        except UnfitEntryError as error:
            left_out.add(_id(entry, index), error.what)
    read = [_image(image, tuple(found[number]), path) for number, image in known.items()]
    notes = (*unclear.notes, *unnamed.notes, *left_out.notes)
    if not read:
        raise PoreguiError(f"{path.name} names no image.", " ".join(notes) or "Export it again.")
    return with_notes(path, read, notes)


_LISTS = ("images", "categories", "annotations")


def _categories(categories: Sequence[Any]) -> tuple[dict[str, str], LeftOut]:
    """Return the names of categories by their ids, and those whose id is that of another one."""
    names: dict[str, str] = {}
    left_out = LeftOut("Category", "Categories")
    for one in categories:
        if _has(one, "id", "name") and names.setdefault(_key(one["id"]), str(one["name"])) != str(
            one["name"]
        ):
            left_out.add(one["name"], f"{names[_key(one['id'])]} has its id")
    return names, left_out


def _key(value: object) -> str:
    """Return an id as it is compared: 1 and 1.0 are one, as tables write whole numbers."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _has(entry: object, *keys: str) -> bool:
    return isinstance(entry, dict) and all(
        isinstance(entry.get(key), (int, float, str)) for key in keys
    )


def _id(entry: object, index: int) -> str:
    """Return how an entry is called: its id, or its place where it has none."""
    if isinstance(entry, dict) and isinstance(entry.get("id"), (int, str)):
        return str(entry["id"])
    return f"number {index}"


def _number(entry: object, index: int) -> int:
    """Return the id of an entry where it is a whole number, else its place."""
    own = entry.get("id") if isinstance(entry, dict) else None
    return own if isinstance(own, int) else index


def _image(image: dict[str, Any], shapes: tuple[PoreShape, ...], file: Path) -> ImageShapes:
    name = str(image["file_name"])
    wide, high = (_length(image.get(key)) for key in ("width", "height"))
    return ImageShapes(
        name,
        wide if high else 0,
        high if wide else 0,
        _scale(image),
        shapes,
        path=text_of(image.get("path")),
        sha256=text_of(image.get("sha256")),
        plane=text_of(image.get("plane")) if image.get("sha256") else None,
        beside=(file.absolute().parent / name).as_posix(),
        source=str(file),
    )


def _length(value: object) -> int:
    """Return a width or height in px, 0 where a file does not say it."""
    return int(value) if number_in(value) and isinstance(value, (int, float)) and value > 0 else 0


def _scale(image: dict[str, Any]) -> float | None:
    value = image.get("um_per_px")
    if isinstance(value, (int, float)) and 0 < value < 1e6:
        return float(value)
    return None


def _shapes(
    entry: object, number: int, names: Mapping[str, str], images: Mapping[str, dict[str, Any]]
) -> tuple[str, list[PoreShape]]:
    """Return the image of an entry and its pores. Raises UnfitEntryError when it is none."""
    if not isinstance(entry, dict):
        raise UnfitEntryError("it is no entry")
    image = _key(entry.get("image_id"))
    category = _key(entry.get("category_id"))
    if image not in images:
        raise UnfitEntryError(f"the file has no image {image}")
    if category not in names:
        raise UnfitEntryError(f"the file has no category {category}")
    polygons = entry.get("segmentation") or []
    if isinstance(polygons, dict):
        areas = _areas_of_mask(polygons, images[image])
        return image, pores_from(number, names[category], areas)
    if not isinstance(polygons, list):
        raise UnfitEntryError("its segmentation is no list of polygons")
    if polygons and not isinstance(polygons[0], list):
        polygons = [polygons]
    lines = [_polygon(flat) for flat in polygons]
    if lines:
        areas = [lines] if len(lines) == 1 else united(lines)
        return image, pores_from(number, names[category], areas)
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(map(number_in, box)):
        raise UnfitEntryError("it has neither a polygon nor a box of four finite numbers")
    left, top, wide, high = box
    if min(wide, high) <= 0:
        raise UnfitEntryError("its box has no area")
    there = Box.between(left, top, left + wide, top + high)
    return image, [PoreShape(number, there, None, names[category])]


_MOST_RUNS = 20_000
"""Runs of a mask above which it is scattered over the image and no pore."""
_MOST_PIXELS = 1 << 26
_LONGEST = 12
"""Characters of the largest number in a packed mask, 5 bits each."""


def _areas_of_mask(mask: dict[str, Any], image: dict[str, Any]) -> list[list[FloatArray]]:
    """Return the connected areas of a run-length mask, each its outer line and those of its holes.

    Runs of pixels that are and are not of the pore follow each other down the columns of the image,
    the first one not. Raises UnfitEntryError for a mask that is none, or of another size.
    """
    size = mask.get("size")
    if not isinstance(size, list) or len(size) != 2 or not all(map(_length, size)):
        raise UnfitEntryError("its mask has no size")
    height, width = (_length(side) for side in size)
    there = (_length(image.get("width")) or width, _length(image.get("height")) or height)
    if there != (width, height):
        raise UnfitEntryError(
            f"its mask is {width} x {height} px and the image {there[0]} x {there[1]} px"
        )
    runs = _runs(mask.get("counts"))
    if len(runs) > 2 * _MOST_RUNS:
        raise UnfitEntryError("its mask is scattered over the image")
    if min(runs, default=-1) < 0 or sum(runs) != width * height:
        raise UnfitEntryError(f"its mask does not fill {width} x {height} px")
    window, left, top = _window(np.cumsum(np.array(runs, np.int64)), height)
    areas = [area for pore in lines_around(marked_in(np.pad(window, 1))) for area in pore]
    corner = np.array([left - 1, top - 1])
    return [[np.clip(line + corner, 0, (width, height)) for line in area] for area in areas]


def _runs(counts: object) -> list[int]:
    """Return the lengths of the runs of a mask, whether listed or packed into a text.

    A packed number has 5 bits in each character, the lowest first, and from the fourth one on is
    the difference from the one two before. Raises UnfitEntryError for anything else.
    """
    if isinstance(counts, list):
        if all(isinstance(one, int) and not isinstance(one, bool) for one in counts):
            return counts
        raise UnfitEntryError("the counts of its mask are no whole numbers")
    if not isinstance(counts, str):
        raise UnfitEntryError("its mask has no counts")
    runs: list[int] = []
    number = shift = 0
    for character in counts:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 5 * _LONGEST:
            raise UnfitEntryError("the counts of its mask are damaged")
        number |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            number -= 1 << shift
        if len(runs) > 2:
            number += runs[-2]
        runs.append(number)
        number = shift = 0
    if shift:
        raise UnfitEntryError("the counts of its mask are damaged")
    return runs


def _window(ends: IntArray, height: int) -> tuple[NDArray[np.bool_], int, int]:
    """Return the part of a mask that holds all its pixels, and its left and upper edge in px; the
    runs of the mask end at `ends`. Raises UnfitEntryError where it has none, or too many.
    """
    last = ends[1::2]
    first = ends[:-1:2][: len(last)]
    first = first[last > first]
    last = last[last > ends[:-1:2][: len(last)]]
    if not len(first):
        raise UnfitEntryError("its mask is empty")
    left = int(first[0]) // height
    columns = (int(last[-1]) - 1) // height + 1 - left
    if columns * height > _MOST_PIXELS:
        raise UnfitEntryError("its mask is larger than a pore can be")
    steps = np.zeros(columns * height + 1, np.int8)
    np.add.at(steps, first - left * height, 1)
    np.add.at(steps, last - left * height, -1)
    whole = np.cumsum(steps[:-1], dtype=np.int8).reshape(columns, height).T > 0
    rows = np.flatnonzero(whole.any(axis=1))
    return whole[rows[0] : rows[-1] + 1], left, int(rows[0])


def _polygon(flat: object) -> NDArray[np.float64]:
    if not isinstance(flat, list) or len(flat) % 2:
        raise UnfitEntryError("its points are no pairs of numbers")
    if flat and isinstance(flat[0], list):
        return points_from(flat)
    return points_from([list(pair) for pair in zip(flat[0::2], flat[1::2], strict=True)])
