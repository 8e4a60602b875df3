"""Read tables of people: CSV in its dialects, and the first sheet of a workbook of Excel."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

from poregui.domain.errors import PoreguiError

_SEPARATORS = ";\t,|"
_MOST_ROWS = 100_000
_MOST_COLUMNS = 1000
_LARGEST = 64 * 2**20
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ODD = (KeyError, ValueError, IndexError, OverflowError, zipfile.BadZipFile, ElementTree.ParseError)


@dataclass(frozen=True)
class TableFile:
    """Hold the head of a table and its rows, each with the number of its line in the file."""

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_table(path: Path) -> TableFile:
    """Return the table of a CSV (commas, semicolons, tabs or bars) or of the first sheet of an
    .xlsx; empty rows are left out, and all rows are as long as the head.

    Raises PoreguiError when the file cannot be read or holds no table.
    """
    if path.suffix.lower() == ".xlsx":
        lines = _sheet(path)
    else:
        lines = _csv(text_of_table(path), path.name)
    return table_of(lines, path.name)


def table_of_text(text: str, name: str = "the clipboard") -> TableFile:
    """Return the table of a text, such as one that was copied from Excel."""
    return table_of(_csv(text, name), name)


def table_of(lines: Sequence[tuple[int, Sequence[str]]], name: str) -> TableFile:
    """Return lines as a table whose first one is the head. Raises PoreguiError without a row."""
    full = [(line, [cell.strip() for cell in row]) for line, row in lines]
    full = [(line, row) for line, row in full if any(row)]
    if len(full) < 2:
        raise PoreguiError(
            f"{name} holds no table.", "Give a row of column names, and a row for each specimen."
        )
    head = tuple(full[0][1])
    while head and not head[-1]:
        head = head[:-1]
    if len(full) > _MOST_ROWS or len(head) > _MOST_COLUMNS:
        raise PoreguiError(f"{name} is too large for a table of specimens.", "Leave rows out.")
    rows = tuple((line, tuple([*row, *[""] * len(head)][: len(head)])) for line, row in full[1:])
    return TableFile(name, head, rows)


def text_of_table(path: Path, largest: int = _LARGEST) -> str:
    """Return the text of a file of at most `largest` bytes as Excel or another program writes it.

    Raises PoreguiError when it cannot be read, is too large or no text.
    """
    try:
        if path.stat().st_size > largest:
            raise PoreguiError(
                f"{path.name} is too large for a table.", "Check where it came from."
            )
        content = path.read_bytes()
        if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return content.decode("utf-16")
        if b"\0" in content:
            raise PoreguiError(
                f"{path.name} cannot be read: it is no text.", "Save it as CSV in UTF-8."
            )
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return content.decode("cp1252")
    except (OSError, UnicodeDecodeError) as error:
        raise PoreguiError(
            f"{path.name} cannot be read: {error}.", "Save it as CSV in UTF-8."
        ) from error


def _csv(text: str, name: str) -> list[tuple[int, list[str]]]:
    lines = io.StringIO(text, newline="")
    skipped = 0
    if text[:4].lower() == "sep=":
        lines.readline()
        skipped = 1
    start = lines.tell()
    first = lines.readline()
    lines.seek(start)
    separator = max(_SEPARATORS, key=first.count)
    rows = csv.reader(lines, delimiter=separator, strict=True)
    try:
        return [(rows.line_num + skipped, row) for row in rows]
    except csv.Error as error:
        raise PoreguiError(
            f"{name} cannot be read: {error}.", "Save it as CSV in UTF-8."
        ) from error


def _sheet(path: Path) -> list[tuple[int, list[str]]]:
    """Return the rows of the first sheet of a workbook."""
    try:
        with zipfile.ZipFile(path) as book:
            shared = _shared(book)
            days = _day_formats(book)
            name = _first_sheet(book)
            return _rows(_xml(book, name), shared, days)
    except OSError as error:
        what = f"{path.name} cannot be read: {error.strerror or error}."
        raise PoreguiError(what, "Check the file and its permissions.") from error
    except _ODD as error:
        raise PoreguiError(
            f"{path.name} is no workbook that can be read.", "Save it as .xlsx or CSV again."
        ) from error


def _xml(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """Return one part of a workbook. Raises ValueError for one that is too large or has entities,
    which no workbook needs.
    """
    if book.getinfo(name).file_size > _LARGEST:
        raise ValueError("too large")
    with book.open(name) as part:
        content = part.read(_LARGEST)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ValueError("entities")
    return ElementTree.fromstring(content)


def _first_sheet(book: zipfile.ZipFile) -> str:
    sheets = [name for name in book.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
    return min(sheets, key=lambda name: (len(name), name))


def _shared(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    return [_words(one) for one in _xml(book, "xl/sharedStrings.xml").findall(f"{_MAIN}si")]


def _words(element: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in element.iter(f"{_MAIN}t"))


_DAY_NUMBERS = frozenset({14, 15, 16, 17, 22})


def _day_formats(book: zipfile.ZipFile) -> set[int]:
    """Return the styles of cells that show days."""
    if "xl/styles.xml" not in book.namelist():
        return set()
    styles = _xml(book, "xl/styles.xml")
    own = {
        int(one.attrib["numFmtId"])
        for one in styles.iter(f"{_MAIN}numFmt")
        if re.search("[dy]", one.attrib["formatCode"].lower())
    }
    cells = styles.find(f"{_MAIN}cellXfs")
    formats = [] if cells is None else [int(one.attrib.get("numFmtId", 0)) for one in cells]
    return {index for index, number in enumerate(formats) if number in own | _DAY_NUMBERS}


def _rows(
    sheet: ElementTree.Element, shared: Sequence[str], days: set[int]
) -> list[tuple[int, list[str]]]:
    found = []
    for count, row in enumerate(sheet.iter(f"{_MAIN}row"), 1):
        cells: list[str] = []
        for cell in row.findall(f"{_MAIN}c"):
            column = _column(cell.attrib.get("r", ""), len(cells))
            cells += [""] * (column - len(cells)) + [_cell(cell, shared, days)]
        found.append((int(row.attrib.get("r", count)), cells))
    return found


def _column(place: str, following: int) -> int:
    letters = re.sub(r"[^A-Z]", "", place)
    if not letters:
        return following
    index = 0
    for letter in letters:
        index = 26 * index + ord(letter) - ord("A") + 1
    if not following < index <= _MOST_COLUMNS * 2:
        raise ValueError("no such column")
    return index - 1


def _cell(cell: ElementTree.Element, shared: Sequence[str], days: set[int]) -> str:
    kind = cell.attrib.get("t", "n")
    if kind == "inlineStr":
        return _words(cell)
    text = cell.findtext(f"{_MAIN}v") or ""
    if kind == "s":
        return shared[int(text)]
    if kind == "n" and text and int(cell.attrib.get("s", 0)) in days:
        return (date(1899, 12, 30) + timedelta(days=int(float(text)))).isoformat()
    return text
