"""Write table, outlines and image of an applied micrograph, and seal them."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.checked import as_list, mapping, maybe, number, text, whole
from poregui.domain.geometry import Box, Outline
from poregui.domain.measurement import COLUMNS, SHAPE_NUMBERS, heading
from poregui.store.files import explain_write_error, harmless, write_bytes, write_csv, write_json
from poregui.store.run_files import BROKEN, make_seal, parse_json, parse_seal, read_whole, rows_in
from poregui.vision.io.pyramid import Pyramid
from poregui.vision.pores.detection import Detected
from poregui.vision.shape.measurement import Measured
from poregui.workflow.applying.overlay import FieldImage, as_png
from poregui.workflow.applying.result_table import OUT_OF_DISTRIBUTION, SOURCE, WHY, PoreTable
from poregui.workflow.exporting.formats.geojson import write_geojson_file
from poregui.workflow.exporting.formats.json_text import closed_polygons
from poregui.workflow.exporting.formats.shapes import ImageShapes, PoreShape

SEAL = "results.json"
SUMS = "field.json"
PORES = "pores.csv"
OUTLINES = "pores.geojson"
_READ_AGAIN = (PORES, OUTLINES, "sensitivity.npz", "picture.npz")
_count = partial(whole, low=0)
_area = partial(number, low=0.0)
_FIELDS: dict[str, Callable[[Any], Any]] = {
    "name": text,
    "specimen": text,
    "file": text,
    "sha256": text,
    "fingerprint": text,
    "width": partial(whole, low=1),
    "height": partial(whole, low=1),
    "um_per_px": maybe(partial(number, low=1e-12)),
    "field_area_px": _area,
    "pores": _count,
    "areas": partial(as_list, check=_area),
    "counts": partial(as_list, check=_count),
    "left": _count,
    "left_area": _area,
    "resampled": maybe(partial(number, low=1e-12)),
    "seconds": _area,
    "warnings": partial(as_list, check=text),
    "plane": text,
    "unlike": maybe(partial(as_list, check=_count)),
}


def unseal(folder: Path) -> None:
    """Let nothing hold the results in a folder together, before the first of them is written anew.

    Raises PoreguiError when that is refused.
    """
    try:
        (folder / SEAL).unlink(missing_ok=True)
    except OSError as error:
        raise explain_write_error(error, folder / SEAL) from error


def seal(folder: Path) -> None:
    """Write down what the results in a folder are, when all are there.

    Raises PoreguiError when that is refused.
    """
    sums = _hash_of_sums(read_sums(folder / SUMS))
    write_json(folder / SEAL, {**make_seal(folder, _READ_AGAIN), "sums": sums})


def fault_in(folder: Path, pores: int) -> str:
    """Say what is wrong with the results of a micrograph that has so many pores, empty when nothing
    is.

    Those of older versions have no seal; then the rows are counted.
    """
    name = SEAL
    try:
        if not (folder / SEAL).exists():
            rows = rows_in(read_whole(folder / PORES))
            if rows == pores:
                return ""
            return f"{PORES} has {rows} of {pores} rows"
        content = read_whole(folder / SEAL)
        if text(mapping(parse_json(content))["sums"]) != _hash_of_sums(read_sums(folder / SUMS)):
            return f"{SUMS} is not as it was written"
        for name, sealed in parse_seal(content).items():
            fault = sealed.fault(read_whole(folder / name))
            if fault:
                return f"{name} {fault}"
    except FileNotFoundError as error:
        return f"{Path(error.filename or name).name} is missing"
    except BROKEN:
        return f"{name} is damaged"
    return ""


def _hash_of_sums(sums: dict[str, Any]) -> str:
    """Return the SHA-256 of what field.json holds, apart from how long the work took, which always
    differs.
    """
    kept = {name: value for name, value in sums.items() if name != "seconds"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def read_sums(file: Path) -> dict[str, Any]:
    """Return the fields of a field.json. Raises one of BROKEN when it holds anything else."""
    received = mapping(parse_json(read_whole(file)))
    values = {name: check(received[name]) for name, check in _FIELDS.items() if name in received}
    if set(received) - set(_FIELDS) or len(values["areas"]) != len(values["counts"]):
        raise ValueError("no sums of a micrograph")
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }


CLASS = "class"


def write_pores(
    folder: Path,
    measured: Measured,
    classes: Sequence[str],
    table: PoreTable,
    min_confidence: float,
    *,
    knows: bool,
) -> None:
    """Write one line a pore: number, what became of it (see `marks_of`), its calibrated
    probabilities, measurements.

    The shape of pores too small for one stays empty. `knows` tells whether the network can say what
    is unlike all training crops.
    """
    named = [column for column in COLUMNS if column.name != "unit"]
    predictions = table.chances
    marks = marks_of(table, classes, min_confidence)
    head = ["pore", CLASS, "confidence", *chance_heads(classes), OUT_OF_DISTRIBUTION, SOURCE, WHY]
    columns = [
        map(str, range(1, len(predictions) + 1)),
        map(harmless, marks[CLASS]),
        _texts(predictions.max(axis=1, initial=0.0), "%.5f"),
        *(_texts(column, "%.5f") for column in predictions.T),
        _texts(table.out_of_distribution) if knows else [""] * len(predictions),
        marks[SOURCE],
        marks[WHY],
        *(_texts(_reliable(measured, column.name)) for column in named),
    ]
    heads = [harmless(cell) for cell in (*head, *(heading(c, measured.unit) for c in named))]
    write_csv(folder / PORES, itertools.chain([heads], zip(*columns, strict=True)))


def chance_heads(classes: Sequence[str]) -> list[str]:
    """Return the heads of the columns of probabilities, from `FIRST_CHANCE` on."""
    return [f"p({name})" for name in classes]


def marks_of(
    table: PoreTable, classes: Sequence[str], min_confidence: float
) -> dict[str, list[str]]:
    """Return by column what became of each pore at a confidence: its class, who said it, and why
    there is none.
    """
    named = [
        classes[index] if index >= 0 else "" for index in table.chosen(min_confidence).tolist()
    ]
    return {CLASS: named, SOURCE: table.sources(min_confidence), WHY: table.reasons(min_confidence)}


def _reliable(measured: Measured, name: str) -> NDArray[Any]:
    """Return a column, NaN for the shape of pores that are too small to have one."""
    values = measured.columns[name]
    if name in SHAPE_NUMBERS:
        return np.where(measured.columns["shape_reliable"], values, np.nan)
    return values


def _texts(values: NDArray[Any], form: str = "%.6g") -> list[str]:
    """Return the cells of a column, empty for what is not known."""
    if values.dtype.kind == "b":
        return ["yes" if value else "no" for value in values.tolist()]
    return ["" if value != value else form % value for value in values.tolist()]


def outlines_of(
    image: Pyramid, um_per_px: float | None, found: Detected
) -> tuple[ImageShapes, list[str]]:
    """Return the pores of a micrograph without classes, and the text of each outline (see
    `closed_polygons`).
    """
    shapes = tuple(
        PoreShape(index + 1, Box(*box), Outline.of(found.outlines[index]), "")
        for index, box in enumerate(found.boxes.tolist())
    )
    return ImageShapes(image.name, image.width, image.height, um_per_px, shapes), list(
        closed_polygons(found.outlines)
    )


def write_outlines(
    folder: Path,
    outlines: tuple[ImageShapes, Sequence[str]],
    marks: Mapping[str, Sequence[str]],
    colours: Mapping[str, str],
) -> None:
    """Write what `outlines_of` gave as GeoJSON with what became of each pore; `colours` are
    '#rrggbb' by class.
    """
    whole, lines = outlines
    write_geojson_file(marked_outlines(whole, marks, colours), folder / OUTLINES, lines)


def marked_outlines(
    image: ImageShapes, marks: Mapping[str, Sequence[str]], colours: Mapping[str, str]
) -> ImageShapes:
    """Return outlines with the class of each and its colour ('#rrggbb'), who named it, and why it
    has none.
    """
    shapes = (
        replace(
            shape,
            class_name=name,
            colour=colours.get(name, "#808080"),
            metadata=tuple((title, text) for title, text in ((SOURCE, source), (WHY, why)) if text),
        )
        for shape, name, source, why in zip(
            image.shapes, marks[CLASS], marks[SOURCE], marks[WHY], strict=True
        )
    )
    return replace(image, shapes=tuple(shapes))


def write_overlay(
    folder: Path, image: FieldImage, table: PoreTable, colours: Sequence[str], min_confidence: float
) -> None:
    """Write the image of a micrograph with its pores, PNG."""
    content = as_png(image.of_table(table, colours, min_confidence))
    write_bytes(folder / "overlay.png", content)
