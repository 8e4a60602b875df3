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

from poregui.domain.classes import PoreClass, old_uid
from poregui.domain.geometry import Box, Mask
from poregui.domain.records import Crop, Detection, Display, Line, Micrograph
from poregui.store.database import explain

CLASS_COLUMNS = "id, name, colour, letter, position, pattern, retired, definition"
MICROGRAPH_COLUMNS = (
    "id, path, name, sha256, width, height, bits, channels, um_per_px, scale_source, specimen_id, "
    "plane, display, masks, build_direction_deg, surfaces"
)
DETECTION_COLUMNS = "micrograph_id, at, recipe, field_area_px, masks, surfaces"
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
    *plain, display, masks, build_direction_deg, surfaces = row
    return replace(
        Micrograph(*plain),
        display=_display_from(display),
        masks=_masks_from(masks),
        build_direction_deg=build_direction_deg,
        surfaces=_lines_from(surfaces) if surfaces else None,
    )


def micrograph_row(micrograph: Micrograph) -> tuple[Any, ...]:
    """Return a micrograph as a row of MICROGRAPH_COLUMNS."""
    m = micrograph
    return (
        m.id, m.path, m.name, m.sha256, m.width, m.height, m.bits, m.channels, m.um_per_px,
        m.scale_source, m.specimen_id, m.plane, _display_text(m.display), _masks_text(m.masks),
        m.build_direction_deg, "" if m.surfaces is None else json.dumps(m.surfaces),
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
        side,
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
        side,
        label,
        origin,
    )


def crop_row(crop: Crop) -> tuple[Any, ...]:
    """Return a crop as a row of CROP_COLUMNS."""
    x, y = (crop.box.x, crop.box.y) if crop.box else (None, None)
    return (
        crop.id, crop.pixels, crop.width, crop.height, crop.micrograph_id, x, y, crop.source,
        crop.specimen_id, crop.um_per_px, crop.given_side, crop.label, crop.origin,
    )  # fmt: skip


def _display_from(text: str) -> Display | None:
    if text:
        return Display(*json.loads(text))
    return None


def _display_text(display: Display | None) -> str:
    if display is None:
        return ""
    return json.dumps(astuple(display))


def _masks_from(text: str) -> tuple[Mask, ...]:
    if not text:
        return ()
    return tuple(Mask(tuple((x, y) for x, y in points), kind) for kind, points in json.loads(text))


def _masks_text(masks: tuple[Mask, ...]) -> str:
    if masks:
        return json.dumps([[mask.kind, mask.points] for mask in masks])
    return ""


def _lines_from(text: str) -> tuple[Line, ...]:
    if text:
        return tuple(tuple((x, y) for x, y in line) for line in json.loads(text))
    return ()


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
    except sqlite3.Error as error:
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
