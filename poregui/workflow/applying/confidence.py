"""Ask for more or less confidence after the work is done, and write the files anew."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from poregui.domain.errors import PoreguiError
from poregui.store.files import harmless, write_csv, write_json
from poregui.workflow.applying.field import FieldResult
from poregui.workflow.applying.inputs import AppliedModel
from poregui.workflow.applying.overlay import read_image
from poregui.workflow.applying.result_files import (
    OUTLINES,
    PORES,
    SUMS,
    chance_heads,
    marked_outlines,
    marks_of,
    seal,
    unseal,
    write_overlay,
)
from poregui.workflow.applying.result_table import FIRST_CHANCE, LEFT, PoreTable
from poregui.workflow.exporting.formats.geojson import read_geojson, write_geojson_file


def at_confidence(result: FieldResult, table: PoreTable, min_confidence: float) -> FieldResult:
    """Return the sums of a micrograph with pores below a confidence left to a person, and people's
    answers taken.
    """
    classes = len(result.areas)
    chosen = table.chosen(min_confidence)
    kept = chosen >= 0
    return replace(
        result,
        areas=tuple(np.bincount(chosen[kept], table.areas[kept], classes).tolist()),
        counts=tuple(np.bincount(chosen[kept], minlength=classes).tolist()),
        left=int((chosen == LEFT).sum()),
        left_area=float(table.areas[chosen == LEFT].sum()),
    )


def mark_field(
    folder: Path, result: FieldResult, table: PoreTable, model: AppliedModel, min_confidence: float
) -> FieldResult:
    """Write class, source and reason of each pore into table, outlines, image and sums of a
    folder of results.

    They are those of `PoreTable.chosen` at the confidence `min_confidence`, as in every sum, and
    classes are called as they are now. Nothing is written where they stand there already. Return
    the sums of the micrograph. Raises PoreguiError when a file was changed or cannot be written.
    """
    found = at_confidence(result, table, min_confidence)
    marks = marks_of(table, model.classes, min_confidence)
    cells = {name: [harmless(text) for text in texts] for name, texts in marks.items()}
    head, rows = _read(folder / PORES)
    columns = {name: head.index(name) for name in cells}
    chances = [harmless(text) for text in chance_heads(model.classes)]
    named = head[FIRST_CHANCE : FIRST_CHANCE + len(chances)] == chances
    if named and all(
        [row[columns[name]] for row in rows] == texts for name, texts in cells.items()
    ):
        return found
    unseal(folder)
    _mark_outlines(folder, marks, dict(zip(model.classes, model.colours, strict=True)))
    image = read_image(folder)
    if image is not None:
        write_overlay(folder, image, table, model.colours, min_confidence)
    write_json(folder / SUMS, found.to_json())
    head[FIRST_CHANCE : FIRST_CHANCE + len(chances)] = chances
    for name, texts in cells.items():
        for row, text in zip(rows, texts, strict=True):
            row[columns[name]] = text
    write_csv(folder / PORES, [head, *rows])  # after the others: it tells that they are up to date
    seal(folder)
    return found


def _mark_outlines(
    folder: Path, marks: Mapping[str, Sequence[str]], colours: Mapping[str, str]
) -> None:
    (outlined,) = read_geojson(folder / OUTLINES)
    if len(outlined.shapes) != len(next(iter(marks.values()))):
        raise PoreguiError(
            f"The outlines in {folder} are not those of its table.",
            f"Remove {folder} and find its pores again.",
        )
    write_geojson_file(marked_outlines(outlined, marks, colours), folder / OUTLINES)


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            return next(rows), list(rows)
    except (OSError, ValueError, StopIteration) as error:
        raise PoreguiError(
            f"{path} cannot be read.", f"Remove {path.parent} and find its pores again."
        ) from error
