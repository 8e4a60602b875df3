"""Read boxes and their classes from a CSV as our export writes it (alone, as each format is)."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.workflow.exporting.formats.shapes import LARGEST_FILE, ImageShapes, PoreShape
from poregui.workflow.importing.folders import plain, scale

NEEDED = ("micrograph", "x", "y", "width", "height", "label")
_LARGEST = 10_000_000
_Image = tuple[str, str, str, str]


def read_labels_csv(path: Path) -> list[ImageShapes]:
    """Return the boxes of a CSV by micrograph; rows of ready-made crops, which lie on none, are
    left out.

    It needs the columns micrograph, x, y, width, height (whole px from the upper left corner) and
    label, which may be empty; path, sha256 and plane tell micrographs of one name apart, others are
    passed over. Raises PoreguiError when it is no such file or no row names a micrograph.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise PoreguiError(
                f"{path.name} is too large to hold labels.", "Check where it came from."
            )
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
            if missing:
                raise PoreguiError(
                    f"{path.name} has no column {missing[0]}.",
                    f"It needs the columns {', '.join(NEEDED)}.",
                )
            found: defaultdict[_Image, list[PoreShape]] = defaultdict(list)
            scales: dict[_Image, float | None] = {}
            for row in rows:
                image = _image(row)
                if image[0]:
                    found[image].append(_shape(row, rows.line_num, path.name))
                    scales[image] = scale(row.get("um_per_px"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PoreguiError(
            f"{path.name} cannot be read: {error}.", "Save it as CSV in UTF-8."
        ) from error
    if not found:
        raise PoreguiError(
            f"No row of {path.name} names a micrograph.",
            "Import ready-made crops with their image files.",
        )
    return [_shapes(image, scales[image], shapes, path) for image, shapes in found.items()]


def _image(row: Mapping[str, str | None]) -> _Image:
    """Return name, path, hash and plane of the micrograph of a row."""
    name, path, sha256, plane = (
        plain(row.get(key)) for key in ("micrograph", "path", "sha256", "plane")
    )
    return name, path, sha256, plane


def _shapes(
    image: _Image, um_per_px: float | None, shapes: list[PoreShape], file: Path
) -> ImageShapes:
    name, path, sha256, plane = image
    return ImageShapes(
        name,
        0,
        0,
        um_per_px,
        tuple(shapes),
        path=path,
        sha256=sha256,
        plane=plane if sha256 else None,
        beside=(file.absolute().parent / name).as_posix(),
    )


def _shape(row: Mapping[str, str | None], line: int, file: str) -> PoreShape:
    try:
        x, y, wide, high = (int(row[name] or "") for name in ("x", "y", "width", "height"))
    except ValueError:
        x = y = wide = high = -1
    if min(x, y) < 0 or min(wide, high) < 1 or max(x, y, wide, high) > _LARGEST:
        raise PoreguiError(
            f"Line {line} of {file} has no box.",
            "x, y, width and height are whole numbers of px, from 0.",
        )
    return PoreShape(line, Box(x, y, wide, high), None, plain(row["label"]))
