"""Read boxes and their classes from a CSV as our export writes it (alone, as each format is)."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.workflow.exporting.formats.shapes import (
    LARGEST_FILE,
    ImageShapes,
    LeftOut,
    PoreShape,
    UnfitEntryError,
    with_notes,
)
from poregui.workflow.importing.folders import plain, scale
from poregui.workflow.importing.table_files import text_of_table

NEEDED = ("micrograph", "x", "y", "width", "height", "label")
_LARGEST = 10_000_000
_MIN = 0.5
_Image = tuple[str, str, str, str]


def read_labels_csv(path: Path) -> list[ImageShapes]:
    """Return the boxes of a CSV by micrograph; rows of ready-made crops, which lie on none, are
    left out.

    Cells may be separated by commas, semicolons, tabs or bars, and numbers have a comma where cells
    do not; the text may be UTF-8, UTF-16 or of Windows. It needs the columns micrograph, x, y,
    width, height (px from the upper left corner) and label, which may be empty; path, sha256 and
    plane tell micrographs of one name apart, others are passed over. Rows that are no boxes are
    left out and named. Raises PoreguiError when it is no such file or no row names a micrograph.
    """
    text = text_of_table(path, LARGEST_FILE)
    try:
        rows = _rows(text, path.name)
        found: defaultdict[_Image, list[PoreShape]] = defaultdict(list)
        scales: dict[_Image, float | None] = {}
        left_out = LeftOut("Row")
        for line, row in rows.numbered:
            image = _image(row)
            if not image[0]:
                continue
            scales.setdefault(image, scale(row.get("um_per_px")))
            try:
                found[image].append(_shape(row, line, grouped=rows.grouped))
            except UnfitEntryError as error:
                left_out.add(line, error.what)
    except csv.Error as error:
        raise PoreguiError(
            f"{path.name} cannot be read: {error}.", "Save it as CSV in UTF-8."
        ) from error
    if not scales:
        raise PoreguiError(
            f"No row of {path.name} names a micrograph.",
            "Import ready-made crops with their image files.",
        )
    read = [_shapes(image, um, found[image], path) for image, um in scales.items()]
    return with_notes(path, read, left_out.notes)


def are_labels(path: Path) -> bool:
    """Tell whether a file has the columns of labels, whatever its ending."""
    try:
        _rows(text_of_table(path, LARGEST_FILE), path.name)
    except (PoreguiError, csv.Error):
        return False
    return True


_NUMBERS = ("x", "y", "width", "height", "um_per_px")
_SEPARATORS = ",;\t|"


def _rows(text: str, name: str) -> _Rows:
    """Return the rows below the head, whose columns are known by their names in any case."""
    lines = io.StringIO(text, newline="")
    skipped = 0
    first = "\n"
    while first and (not first.strip() or first.lower().startswith("sep=")):
        first = lines.readline()
        skipped += 1
    heads = {
        separator: [cell.strip().lower() for cell in next(csv.reader([first], delimiter=separator))]
        for separator in _SEPARATORS
        if first.strip()
    }
    known = {separator: len({*NEEDED} & {*head}) for separator, head in heads.items()}
    separator = max(known, key=lambda one: known[one], default=",")
    head = heads.get(separator, [])
    missing = [column for column in NEEDED if column not in head]
    if missing:
        raise _no_labels(name, head, missing[0])
    twice = next((column for column in NEEDED if head.count(column) > 1), None)
    if twice is not None:
        raise PoreguiError(f"{name} has two columns {twice}.", "Keep the one that is meant.")
    table = csv.DictReader(lines, fieldnames=head, delimiter=separator)
    numbered = [(table.line_num + skipped, row) for row in table]
    if separator == ",":
        return _Rows(numbered)
    grouped = _may_be_grouped([row for _, row in numbered])
    for _, row in numbered:
        row |= {name: (row.get(name) or "").replace(",", ".") for name in _NUMBERS}
    return _Rows(numbered, grouped)


_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}[.,]\d{3}")
_WHOLE = re.compile(r"\d*")


def _may_be_grouped(rows: Sequence[Mapping[str, str | None]]) -> bool:
    """Tell whether points or commas may part thousands: there are always three digits behind one,
    and none in a width or height.
    """
    cells = [[plain(row.get(name)) for name in NEEDED[1:5]] for row in rows]
    places = [cell for row in cells for cell in row[:2] if not _WHOLE.fullmatch(cell)]
    sides = all(_WHOLE.fullmatch(cell) for row in cells for cell in row[2:])
    return bool(places) and sides and all(map(_GROUPED.fullmatch, places))


@dataclass(frozen=True)
class _Rows:
    """Hold the rows of a table with the line that each ends in; numbers have points, which part
    thousands where they are `grouped`, for all that one can tell.
    """

    numbered: Sequence[tuple[int, Mapping[str, str | None]]]
    grouped: bool = False


_OTHERS = (
    ({"region_shape_attributes", "region_attributes"}, "a VGG Image Annotator (VIA) table"),
    ({"xmin", "ymin", "xmax", "ymax"}, "a table of boxes with corners, as for TensorFlow"),
    ({"area", "mean"}, "a table of ImageJ's results, which holds no boxes"),
)


def _no_labels(name: str, head: Sequence[str], missing: str) -> PoreguiError:
    remedy = f"It needs the columns {', '.join(NEEDED)}."
    for columns, what in _OTHERS:
        if columns <= {*head}:
            return PoreguiError(f"{name} is {what}.", remedy)
    return PoreguiError(f"{name} has no column {missing}.", remedy)


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


def _shape(row: Mapping[str, str | None], line: int, *, grouped: bool) -> PoreShape:
    """Return the box of a row. Raises UnfitEntryError, which names the column, when it has none."""
    numbers = {name: _number(row.get(name), name) for name in ("x", "y", "width", "height")}
    for name, number in numbers.items():
        cell = plain(row.get(name))
        if grouped and "." in cell:
            raise UnfitEntryError(
                f"column {name} holds {cell}, which may be {1000 * number:.0f} or "
                f"{number:g} px; write it without a sign for thousands"
            )
    x, y, wide, high = numbers.values()
    for name in ("width", "height"):
        if numbers[name] < _MIN:
            raise UnfitEntryError(f"{name} is below 1 px")
    label = plain(row.get("label"))
    if "\n" in label or "\r" in label:
        raise UnfitEntryError("a quotation mark in it is not closed")
    box = Box.between(x, y, x + wide, y + high)
    return PoreShape(line, box, None, label)


def _number(cell: str | None, name: str) -> float:
    text = plain(cell)
    try:
        number = math.nan if "_" in text else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or abs(number) > _LARGEST:
        raise UnfitEntryError(f"column {name} holds {text!r}, which is no number of px")
    return number
