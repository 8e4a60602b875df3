"""Turn rows of project.db into records and back, and keep what identifies classes.

A class is its id within one project only. Its uid lies in `meta`, is made with the class, never
changes, and goes along when the folder is copied or packed.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from poregui.domain.attributes import Attribute
from poregui.domain.checked import as_list, number
from poregui.domain.classes import NOT_A_PORE, UNSURE, PoreClass, old_uid
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Mask
from poregui.domain.records import Crop, Detection, Display, Line, Micrograph, Plane
from poregui.store.database import REFUSALS, damaged, explain, explained

CLASS_COLUMNS = "id, name, colour, letter, position, pattern, retired, definition"
MICROGRAPH_COLUMNS = (
    "id, path, name, sha256, width, height, bits, channels, um_per_px, scale_source, specimen_id, "
    "plane, display, masks, build_direction_deg, surfaces, checked_areas"
)
DETECTION_COLUMNS = "micrograph_id, at, recipe, field_area_px, masks, surfaces"
ATTRIBUTE_COLUMNS = "id, name, kind, unit, formula"
CROP_COLUMNS = (
    "id, pixels, width, height, micrograph_id, x, y, source, specimen_id, um_per_px, given_side, "
    "label, origin"
)
SELECT_CROPS = """
    SELECT c.id, c.pixels, c.width, c.height, c.micrograph_id, c.x, c.y, c.source,
           COALESCE(m.specimen_id, c.specimen_id),
           CASE WHEN m.id IS NULL THEN c.um_per_px ELSE m.um_per_px END,
           c.given_side, c.label, c.origin
    FROM crops AS c LEFT JOIN micrographs AS m ON m.id = c.micrograph_id
"""
"""Crops cut from a micrograph take specimen and scale from it, so that correcting the micrograph
corrects them all.
"""


def class_from(row: tuple[Any, ...]) -> PoreClass:
    """Return the class of a row of CLASS_COLUMNS."""
    class_id, name, colour, letter, position, pattern, retired, definition = row
    return PoreClass(class_id, name, colour, letter, position, pattern, bool(retired), definition)


def class_row(pore_class: PoreClass) -> tuple[Any, ...]:
    """Return a class as a row of CLASS_COLUMNS."""
    c = pore_class
    return c.id, c.name, c.colour, c.letter, c.position, c.pattern, int(c.retired), c.definition


def micrograph_from(row: tuple[Any, ...]) -> Micrograph:
    """Return the micrograph of a row of MICROGRAPH_COLUMNS."""
    *plain, display, masks, build_direction_deg, surfaces, checked_areas = row
    return replace(
        Micrograph(*plain),
        display=_display_from(display),
        masks=_masks_from(masks),
        build_direction_deg=build_direction_deg,
        surfaces=_lines_from(surfaces) if surfaces else None,
        checked_areas=_areas_from(checked_areas),
    )


def micrograph_row(micrograph: Micrograph) -> tuple[Any, ...]:
    """Return a micrograph as a row of MICROGRAPH_COLUMNS."""
    m = micrograph
    return (
        m.id, m.path, m.name, m.sha256, m.width, m.height, m.bits, m.channels, m.um_per_px,
        m.scale_source, m.specimen_id, m.plane, _display_text(m.display), _masks_text(m.masks),
        m.build_direction_deg, "" if m.surfaces is None else json.dumps(m.surfaces),
        json.dumps(m.checked_areas) if m.checked_areas else "",
    )  # fmt: skip


def detection_from(row: tuple[Any, ...]) -> tuple[int, Detection]:
    """Return the micrograph's id and the detection of a row of DETECTION_COLUMNS."""
    micrograph_id, when, recipe, field_area_px, masks, surfaces = row
    return micrograph_id, Detection(
        when, recipe, field_area_px, _masks_from(masks), _lines_from(surfaces)
    )


def detection_row(micrograph_id: int, detection: Detection) -> tuple[Any, ...]:
    """Return a detection as a row of DETECTION_COLUMNS."""
    d = detection
    return (
        micrograph_id,
        d.when,
        d.recipe,
        d.field_area_px,
        _masks_text(d.masks),
        json.dumps(d.surfaces),
    )


def crop_from(row: tuple[Any, ...]) -> Crop:
    """Return the crop of a row of SELECT_CROPS."""
    (
        crop_id,
        pixels,
        width,
        height,
        micrograph_id,
        x,
        y,
        source,
        specimen_id,
        um_per_px,
        given_split,
        label,
        origin,
    ) = row
    box = None if x is None else Box(x, y, width, height)
    return Crop(
        crop_id,
        pixels,
        width,
        height,
        micrograph_id,
        box,
        source,
        specimen_id,
        um_per_px,
        given_split,
        label,
        origin,
    )


def crop_row(crop: Crop) -> tuple[Any, ...]:
    """Return a crop as a row of CROP_COLUMNS."""
    x, y = (crop.box.x, crop.box.y) if crop.box else (None, None)
    return (
        crop.id, crop.pixels, crop.width, crop.height, crop.micrograph_id, x, y, crop.source,
        crop.specimen_id, crop.um_per_px, crop.given_split, crop.label, crop.origin,
    )  # fmt: skip


def _display_from(text: str) -> Display | None:
    if text:
        return Display(*as_list(json.loads(text), number))
    return None


def _display_text(display: Display | None) -> str:
    if display is None:
        return ""
    return json.dumps(astuple(display))


def _masks_from(text: str) -> tuple[Mask, ...]:
    if not text:
        return ()
    return tuple(Mask(_points(points), kind) for kind, points in json.loads(text))


def _masks_text(masks: tuple[Mask, ...]) -> str:
    if masks:
        return json.dumps([[mask.kind, mask.points] for mask in masks])
    return ""


def _lines_from(text: str) -> tuple[Line, ...]:
    if text:
        return tuple(_points(line) for line in json.loads(text))
    return ()


def _areas_from(text: str) -> tuple[Line, ...]:
    """Return closed polygons. Raises ValueError for what has fewer than three corners."""
    areas = _lines_from(text)
    if any(len(area) < 3 for area in areas):
        raise ValueError("an area has three corners or more")
    return areas


def _points(pairs: Any) -> Line:
    """Return points of numbers, whole ones as whole ones. Raises ValueError for anything else."""
    for x, y in pairs:
        number(x, -_FARTHEST, _FARTHEST)
        number(y, -_FARTHEST, _FARTHEST)
    return tuple((x, y) for x, y in pairs)


_FARTHEST = 1e7
"""Pixels from the corner of a micrograph beyond which nothing can lie."""


def _whole(column: str, low: int = 0, high: int = 2**53) -> str:
    return f"(typeof({column}) = 'integer' AND {column} BETWEEN {low} AND {high})"


def _real(column: str, low: float, high: float) -> str:
    return f"(typeof({column}) IN ('real', 'integer') AND {column} BETWEEN {low} AND {high})"


def _text(column: str) -> str:
    return f"typeof({column}) = 'text'"


def _or_null(column: str, check: str) -> str:
    return f"({column} IS NULL OR {check})"


_SIDE = 10_000_000
_UM_PER_PX = _or_null("um_per_px", _real("um_per_px", 1e-9, 1e9))
_KNOWN_LABEL = (
    f"(label IS NULL OR label IN ({NOT_A_PORE}, {UNSURE}) OR (typeof(label) = 'integer' AND label "
    "IN (SELECT id FROM classes)))"
)
_FIT: Mapping[str, Mapping[str, str]] = {
    "meta": {
        "key": f"{_text('key')} AND key NOT GLOB 'class_uid:*[^0-9]*' AND key <> 'class_uid:'",
        "value": _text("value"),
    },
    "classes": {
        "id": _whole("id", 1),
        "name": _text("name"),
        "colour": f"colour GLOB '#{6 * '[0-9a-fA-F]'}'",
        "letter": f"{_text('letter')} AND length(letter) > 0",
        "position": _whole("position"),
        "pattern": _text("pattern"),
        "definition": _text("definition"),
        "retired": _whole("retired", 0, 1),
        "deleted": _whole("deleted", 0, 1),
    },
    "specimens": {"id": _whole("id", 1), "name": _text("name"), "deleted": _whole("deleted", 0, 1)},
    "micrographs": {
        "id": _whole("id", 1),
        "path": f"{_text('path')} AND instr(path, char(0)) = 0",
        "name": _text("name"),
        "sha256": _text("sha256"),
        "width": _whole("width", 1, _SIDE),
        "height": _whole("height", 1, _SIDE),
        "bits": _whole("bits", 1, 64),
        "channels": _whole("channels", 1, 10_000),
        "um_per_px": _UM_PER_PX,
        "scale_source": _text("scale_source"),
        "build_direction_deg": _or_null(
            "build_direction_deg", _real("build_direction_deg", -360, 360)
        ),
        "deleted": _whole("deleted", 0, 1),
    },
    "crops": {
        "id": _whole("id", 1),
        "pixels": _text("pixels"),
        "width": _whole("width", 1, _SIDE),
        "height": _whole("height", 1, _SIDE),
        "x": _or_null("x", _whole("x", -_SIDE, _SIDE)),
        "y": f"(x IS NULL) = (y IS NULL) AND {_or_null('y', _whole('y', -_SIDE, _SIDE))}",
        "source": _text("source"),
        "um_per_px": _UM_PER_PX,
        "label": _KNOWN_LABEL,
        "origin": _text("origin"),
        "deleted": _whole("deleted", 0, 1),
    },
    "label_log": {
        "crop_id": _whole("crop_id", 1),
        "label": _KNOWN_LABEL,
        "who": _text("who"),
        "at": _text("at"),
        "how": _text("how"),
    },
    "test_side": {"key": _text("key")},
    "outlines": {
        "points": "(typeof(points) = 'blob' AND length(points) >= 24 AND length(points) % 8 = 0)"
    },
    "detections": {
        "at": _text("at"),
        "recipe": _text("recipe"),
        "field_area_px": _real("field_area_px", 0, 1e18),
    },
    "attributes": {
        "id": _whole("id", 1),
        "name": f"{_text('name')} AND length(name) > 0",
        "kind": _text("kind"),
        "unit": _text("unit"),
        "formula": _text("formula"),
        "deleted": _whole("deleted", 0, 1),
    },
    "specimen_values": {"value": f"{_text('value')} AND length(value) > 0"},
    "specimen_value_log": {column: _text(column) for column in ("value", "who", "at", "how")},
    "remarks": {"note": _text("note"), "reviewed": _whole("reviewed", 0, 1)},
    "opinions": {
        "crop_id": _whole("crop_id", 1),
        "label": f"label IS NOT NULL AND {_KNOWN_LABEL}",
        "who": _text("who"),
        "at": _text("at"),
        "seconds": _or_null("seconds", _real("seconds", 0, 1e9)),
        "blind": _whole("blind", 0, 1),
        "session": _text("session"),
        "deleted": _whole("deleted", 0, 1),
    },
    "looks": {"run": _text("run"), "who": _text("who"), "at": _text("at")},
}
"""By table what each column must be, as SQL that is never NULL for what this program writes."""
_PARSED = (
    ("micrographs", MICROGRAPH_COLUMNS, lambda row: Plane.parse(micrograph_from(row).plane)),
    ("detections", DETECTION_COLUMNS, detection_from),
    ("attributes", ATTRIBUTE_COLUMNS, lambda row: Attribute(*row)),
)
_UNFIT = (TypeError, ValueError, KeyError, RecursionError, PoreguiError)


def check_rows(connection: sqlite3.Connection, path: Path) -> None:
    """Raise DamagedProjectError for a row of project.db that no version wrote, naming it.

    Looked for are wrong kinds of values, numbers out of range, text that is none, and references
    to rows that do not exist.
    """
    with explained(path):
        for table, columns in _FIT.items():
            fit = " AND ".join(f"({check})" for check in columns.values())
            odd = f"SELECT rowid FROM {table} WHERE ({fit}) IS NOT 1 LIMIT 1"
            for (row,) in connection.execute(odd).fetchall():
                raise _odd(connection, path, table, row)
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(1):
            what = f"row {row} of {table} refers to one of {parent} that does not exist"
            raise damaged(path, f"{path} is damaged: {what}.")
        for table, columns_read, parse in _PARSED:
            for row in connection.execute(f"SELECT {columns_read} FROM {table}").fetchall():
                try:
                    parse(row)
                except _UNFIT as error:
                    what = f"row {row[0]} of {table} cannot be read"
                    raise damaged(path, f"{path} is damaged: {what}.") from error


def _odd(connection: sqlite3.Connection, path: Path, table: str, row: int) -> PoreguiError:
    """Return the sentence for a row, which names the first column that is not fit."""
    for column, check in _FIT[table].items():
        query = f"SELECT ({check}) IS 1 FROM {table} WHERE rowid = ?"
        if connection.execute(query, (row,)).fetchone() == (0,):
            what = f"{column} in row {row} of {table} is impossible"
            return damaged(path, f"{path} is damaged: {what}.")
    return damaged(path, f"{path} is damaged: row {row} of {table} is impossible.")


_KEY = "class_uid:"


def read_uids(connection: sqlite3.Connection, file: Path) -> dict[int, str]:
    """Return the uid of every class that ever was, by its id; "" where nobody can know it yet.

    Classes of older versions have one that follows from the first line of the label log, which all
    copies of a project share. Raises ProjectError when `file`, to which the connection belongs,
    cannot be read.
    """
    try:
        names = dict(connection.execute("SELECT id, name FROM classes ORDER BY id").fetchall())
        rows = connection.execute(
            "SELECT key, value FROM meta WHERE key GLOB ?", (f"{_KEY}*",)
        ).fetchall()
        stored = {int(key.removeprefix(_KEY)): str(value) for key, value in rows}
        if stored.keys() >= names.keys():
            return {class_id: stored[class_id] for class_id in names}
        first = connection.execute(
            "SELECT id, crop_id, label, who, at, how FROM label_log ORDER BY id LIMIT 1"
        ).fetchone()
    except REFUSALS as error:
        raise explain(error, file) from error
    if first is None:
        return {class_id: stored.get(class_id, "") for class_id in names}
    origin = hashlib.sha256(json.dumps(first).encode()).hexdigest()[:24]
    return {i: stored.get(i) or old_uid(origin, i, name) for i, name in names.items()}


def write_uids(connection: sqlite3.Connection, known: Mapping[int, str]) -> None:
    """Store the uid of every class, inside a transaction: the one that is known, or a new one.

    `known` is what `read_uids` gave before names were changed.
    """
    ids = [class_id for (class_id,) in connection.execute("SELECT id FROM classes")]
    rows = [(f"{_KEY}{class_id}", known.get(class_id) or uuid4().hex) for class_id in ids]
    connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", rows)
