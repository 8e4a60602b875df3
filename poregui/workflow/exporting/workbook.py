"""Write a project as a workbook of Excel: specimens, fields, pores, and what each column means."""

from __future__ import annotations

import io
import json
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter
import xlsxwriter.exceptions

import poregui
from poregui.domain.measurement import COLUMNS, SHAPE_NUMBERS, heading
from poregui.domain.micrograph_names import TELL_APART, distinguished
from poregui.store.files import export_target, replace_file
from poregui.store.project import Project
from poregui.workflow.detecting.measuring import MeasuredField, measure_project, summary
from poregui.workflow.editing.edits import label_name
from poregui.workflow.specimens.specimen_table import SpecimenTable

Progress = Callable[[int, int], None]
_MOST_ROWS = 1_000_000
_LONGEST = 32_000
"""Rows of a sheet, and characters of a cell, that Excel opens."""


@dataclass(frozen=True)
class BookSheet:
    """Hold a sheet: its name, its columns (title, what it means) and its rows."""

    name: str
    columns: Sequence[tuple[str, str]]
    rows: Iterable[Sequence[Any]]


def export_workbook(project: Project, out: Path, progress: Progress) -> int:
    """Write the workbook and return how many pores it holds.

    Numbers are numbers and days days; texts stay texts, whatever they start with. Raises
    PoreguiError when it cannot be written.
    """
    fields = measure_project(project, lambda done, total, _name: progress(done, total))
    table = SpecimenTable.of(project)
    sheets = [
        _specimens(table, fields),
        _fields(table, fields),
        _pores(project, table, fields),
        _numbers(project, fields),
        _recipes(project, fields),
    ]
    replace_file(export_target(out), lambda beside: write_workbook(beside, project.name, sheets))
    return sum(len(field.crop_ids) for field in fields)


def write_workbook(path: Path, name: str, sheets: Sequence[BookSheet]) -> None:
    """Write sheets into a file, row by row, and before them one that says what columns mean.

    Rows wait in a folder of their own until the workbook is whole. Raises OSError for a full disk.
    """
    made = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="poregui-") as folder:
        options = {
            "tmpdir": folder,
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
        }
        book = xlsxwriter.Workbook(made, options)
        try:
            _fill(book, [_readme(name, sheets), *sheets])
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            cause = error.args[0] if error.args else error
            raise cause if isinstance(cause, OSError) else OSError(str(error)) from error
        finally:
            _close_files(book)
    path.write_bytes(made.getvalue())


def _fill(book: Any, sheets: Sequence[BookSheet]) -> None:
    bold = book.add_format({"bold": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        page.freeze_panes(1, 0)
        page.set_column(0, len(sheet.columns), 16)
        for column, (title, _) in enumerate(sheet.columns):
            page.write_string(0, column, title, bold)
        for index, row in enumerate(sheet.rows, 1):
            if index > _MOST_ROWS:
                break
            for column, value in enumerate(row):
                _write(page, index, column, value, day)


def _close_files(book: Any) -> None:
    """Close the files of rows that the library leaves open where it fails."""
    for page in book.worksheets():
        for file in (page.row_data_fh, page.fh):
            if file is not None:
                with suppress(OSError):
                    file.close()


def _write(page: Any, row: int, column: int, value: Any, day: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        page.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        if math.isfinite(value):
            page.write_number(row, column, value)
    elif isinstance(value, date):
        page.write_datetime(row, column, value, day)
    else:
        page.write_string(row, column, str(value)[:_LONGEST])


def _readme(name: str, sheets: Sequence[BookSheet]) -> BookSheet:
    rows: list[tuple[str, str, str]] = [
        ("", "", f"Project {name}, written by poregui {poregui.__version__}."),
        *((sheet.name, title, help_text) for sheet in sheets for title, help_text in sheet.columns),
    ]
    return BookSheet("README", [("Sheet", ""), ("Column", ""), ("What it is", "")], rows)


def _specimens(table: SpecimenTable, fields: Sequence[MeasuredField]) -> BookSheet:
    by_id: dict[int | None, list[MeasuredField]] = {}
    for field in fields:
        by_id.setdefault(field.micrograph.specimen_id, []).append(field)
    columns = [("Specimen", "The piece of material.")]
    columns += [(one.heading, one.formula or f"A {one.kind}.") for one in table.attributes]
    columns += [
        ("Fields", "Micrographs in which pores were looked for or outlined."),
        ("Pores", "Pores with an outline."),
        ("Porosity (area %)", "Mean over fields, each counting alike."),
    ]
    rows = []
    for specimen in table.specimens:
        own = by_id.get(specimen.id, [])
        values = [_typed(one.kind, table.value(specimen, one)) for one in table.attributes]
        mean = sum(field.area_percent for field in own) / len(own) if own else None
        pores = sum(len(field.crop_ids) for field in own)
        rows.append([specimen.name, *values, len(own), pores, mean])
    return BookSheet("Specimens", columns, rows)


def _typed(kind: str, value: float | str | None) -> Any:
    if kind == "date" and isinstance(value, str):
        return date.fromisoformat(value)
    return value


_FIELD_COLUMNS = (
    ("Micrograph", "Its name."),
    ("Specimen", "What it was taken of."),
    ("Pixel size (µm)", "Length of one pixel; empty where unknown."),
    ("Pores", "Pores with an outline."),
    ("Pore area (px²)", "What pores cover, each pixel counted once."),
    ("Field area (px²)", "The specimen's part of the image without what is masked."),
    ("Porosity (area %)", "Pore area over field area."),
)


def _fields(table: SpecimenTable, fields: Sequence[MeasuredField]) -> BookSheet:
    names = {one.id: one.name for one in table.specimens}
    rows = [
        [
            one.micrograph.shown_name,
            names.get(one.micrograph.specimen_id or 0, ""),
            one.micrograph.um_per_px,
            len(one.crop_ids),
            one.pore_area_px,
            one.field_area_px,
            one.area_percent,
        ]
        for one in fields
    ]
    return BookSheet("Fields", _FIELD_COLUMNS, rows)


def _pores(project: Project, table: SpecimenTable, fields: Sequence[MeasuredField]) -> BookSheet:
    units = {field.measured.unit for field in fields}
    unit = units.pop() if len(units) == 1 else "see Unit"
    columns = [
        ("Crop", "Its number in the project."),
        ("Micrograph", "Its name."),
        ("Specimen", "What it was taken of."),
        ("Label", "The class that a person gave; empty for none."),
        *((heading(one, unit.replace("um", "µm")), one.help) for one in COLUMNS),
        *((name, "What tells the micrograph from others.") for name in TELL_APART),
    ]
    return BookSheet("Pores", columns, _pore_rows(project, table, fields))


def _pore_rows(
    project: Project, table: SpecimenTable, fields: Sequence[MeasuredField]
) -> Iterator[list[Any]]:
    names = {one.id: one.name for one in table.specimens}
    classes = project.classes(retired=True)
    labels = project.labels()
    for field in fields:
        micrograph = field.micrograph
        where = [micrograph.shown_name, names.get(micrograph.specimen_id or 0, "")]
        apart = distinguished(micrograph)
        for crop_id, row in zip(field.crop_ids.tolist(), field.measured.rows(), strict=True):
            numbers = [getattr(row, one.name) for one in COLUMNS]
            if not row.shape_reliable:
                numbers = [
                    None if one.name in SHAPE_NUMBERS else number
                    for one, number in zip(COLUMNS, numbers, strict=True)
                ]
            yield [crop_id, *where, label_name(labels.get(crop_id), classes), *numbers, *apart]


def _numbers(project: Project, fields: Sequence[MeasuredField]) -> BookSheet:
    values = summary(project, fields)
    over = values["porosity"] or {}
    low, high = over.get("interval95") or (None, None)
    rows = [
        ["Pores with an outline", values["pores"], ""],
        ["Pores without an outline", values["without_outline"], ""],
        ["Fields", over.get("fields"), ""],
        ["Porosity, mean over fields", over.get("mean"), "area %"],
        ["Porosity, pooled", over.get("pooled"), "area %"],
        ["95 % interval of the mean, from", low, "area %"],
        ["95 % interval of the mean, to", high, "area %"],
        ["Half of the interval over the mean", over.get("relative_accuracy"), "%"],
    ]
    columns = [("Number", "What it is."), ("Value", "Its value."), ("Unit", "Its unit.")]
    return BookSheet("Numbers", columns, rows)


def _recipes(project: Project, fields: Sequence[MeasuredField]) -> BookSheet:
    detections = project.detections()
    rows: list[list[Any]] = []
    for field in fields:
        found = detections.get(field.micrograph.id)
        if found is not None:
            settings = _settings(found.recipe)
            rows += [[field.micrograph.shown_name, found.when, *one] for one in settings]
    columns = [
        ("Micrograph", "Its name."),
        ("When", "When pores were looked for last (UTC)."),
        ("Setting", "A setting of the recipe that they were found by."),
        ("Value", "Its value."),
    ]
    return BookSheet("Recipe", columns, rows)


def _settings(recipe: str) -> list[list[Any]]:
    try:
        values = json.loads(recipe)
    except ValueError:
        return [["recipe", recipe]]
    if not isinstance(values, dict):
        return [["recipe", recipe]]
    return [
        [key, value if isinstance(value, int | float | str) else json.dumps(value)]
        for key, value in values.items()
    ]
