"""Fill the specimen table: from files, from another copy of the project, and by formulas."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from poregui.domain.attributes import (
    Attribute,
    Formula,
    as_date,
    as_number,
    as_value,
    column_key,
    split_heading,
)
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed, How, Specimen
from poregui.domain.wording import count
from poregui.store.project import Project
from poregui.store.specimen_values import Cell
from poregui.workflow.editing.edits import changed
from poregui.workflow.importing.table_files import TableFile

Value = float | str | None


@dataclass(frozen=True)
class ChangeSpecimenTable:
    """Add attributes (with ids from `Project.next_id`), take some away, and change values."""

    added: tuple[Attribute, ...] = ()
    removed: tuple[int, ...] = ()
    before: tuple[Cell, ...] = ()
    after: tuple[Cell, ...] = ()
    who: str = ""
    text: str = "change specimen table"
    how: How = "hand"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Write what is to be, and log it."""
        project.specimen_values.put_attributes(self.added)
        project.specimen_values.put_values(self.after, who=self.who, how=how or self.how)
        project.mark_deleted("attributes", self.removed)
        return changed("attributes")

    def undo(self, project: Project) -> Changed:
        """Write what was, and log it."""
        project.mark_deleted("attributes", self.removed, deleted=False)
        project.specimen_values.put_values(self.before, who=self.who, how="undo")
        project.mark_deleted("attributes", [one.id for one in self.added])
        return changed("attributes")


@dataclass(frozen=True)
class SpecimenTable:
    """Hold the specimens of a project, their attributes, and the values as text by both ids."""

    specimens: tuple[Specimen, ...]
    attributes: tuple[Attribute, ...]
    cells: dict[tuple[int, int], str]

    @classmethod
    def of(cls, project: Project) -> SpecimenTable:
        """Return the table as it is now."""
        table = project.specimen_values
        return cls(project.specimens(), table.attributes(), table.values())

    def attribute(self, name: str) -> Attribute:
        """Return the attribute of a name, in any case. Raises PoreguiError, which lists all."""
        key = column_key(split_heading(name)[0])
        for one in self.attributes:
            if column_key(one.name) == key:
                return one
        known = ", ".join(one.name for one in self.attributes)
        remedy = f"Choose one of: {known}." if known else "Import a table of specimens first."
        raise PoreguiError(f"There is no specimen attribute called {name}.", remedy)

    def value(self, specimen: Specimen, attribute: Attribute) -> Value:
        """Return a value: a number, a text (days as 2026-12-01), or None where there is none."""
        if attribute.formula:
            return self._formulas[attribute.id].value(self._numbers(specimen))
        text = self.cells.get((specimen.id, attribute.id))
        if text is None or attribute.kind != "number":
            return text
        return as_number(text)

    @cached_property
    def _formulas(self) -> dict[int, Formula]:
        return {one.id: Formula.parse(one.formula) for one in self.attributes if one.formula}

    def _numbers(self, specimen: Specimen) -> dict[str, float | None]:
        plain = [one for one in self.attributes if one.kind == "number" and not one.formula]
        values = {one.id: self.cells.get((specimen.id, one.id)) for one in plain}
        return {column_key(one.name): as_number(values[one.id] or "") for one in plain}

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dictionary fit for JSON."""
        return {
            "attributes": [
                {"name": a.name, "kind": a.kind, "unit": a.unit, "formula": a.formula}
                for a in self.attributes
            ],
            "specimens": [
                {"name": s.name, "values": {a.name: self.value(s, a) for a in self.attributes}}
                for s in self.specimens
            ],
        }


@dataclass(frozen=True)
class Problem:
    """Hold what of a row was not taken, and why, as a sentence."""

    row: int
    specimen: str
    attribute: str
    reason: str


@dataclass
class TablePlan:
    """Hold the edit that takes a table over (None when nothing changes), and what it does.

    `replaced` values were others before; `conflicts` and `unknown` specimens were not taken.
    """

    edit: ChangeSpecimenTable | None = None
    given: int = 0
    same: int = 0
    replaced: list[Problem] = field(default_factory=list)
    conflicts: list[Problem] = field(default_factory=list)
    unknown: list[Problem] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """Return what was done, a sentence a line."""
        first = f"{count(self.given, 'value')} set, {self.same:,} equal."
        rows = [*self.replaced, *self.conflicts, *self.unknown]
        return [first, *(f"Row {one.row}: {one.reason}" for one in rows)]

    def to_json(self) -> dict[str, Any]:
        """Return all but the edit as a dictionary fit for JSON."""
        return {
            "set": self.given,
            "same": self.same,
            "replaced": [vars(one) for one in self.replaced],
            "conflicts": [vars(one) for one in self.conflicts],
            "unknown": [vars(one) for one in self.unknown],
        }


_SPECIMEN_COLUMNS = ("specimen", "specimens", "specimen_name", "name", "sample", "sample_name")


def plan_table(project: Project, file: TableFile, *, who: str, how: How = "import") -> TablePlan:
    """Return the plan that gives specimens the values of a table; nothing is changed yet.

    The column `specimen` (or else the first) holds their names. Attributes are matched by name,
    new ones get the kind that all their values have. An empty cell leaves a value as it is. Raises
    PoreguiError for a table without columns of values, or with two of one name.
    """
    return _Filling(project, file, who, how).plan()


class _Filling:
    """Hold a table against that of the project, cell by cell."""

    def __init__(self, project: Project, file: TableFile, who: str, how: How) -> None:
        self._file = file
        self._who = who
        self._how: How = how
        self._table = SpecimenTable.of(project)
        self._next = project.next_id("attributes")
        self._names = _by_name(self._table.specimens)
        self._plan = TablePlan()
        self._added: list[Attribute] = []
        self._before: list[Cell] = []
        self._after: list[Cell] = []

    def plan(self) -> TablePlan:
        """Return the plan of all columns."""
        own = self._specimen_column()
        columns = [i for i, name in enumerate(self._file.head) if name and i != own]
        keys = Counter(column_key(split_heading(self._file.head[i])[0]) for i in columns)
        twice = next((key for key, times in keys.items() if times > 1), None)
        if twice is not None or not columns:
            what = f"has two columns {twice}" if twice is not None else "has no column of values"
            raise PoreguiError(
                f"{self._file.name} {what}.",
                "Give the specimens one column, and each attribute another.",
            )
        rows = self._known_rows(own)
        for column in columns:
            self._take(column, rows)
        if self._after or self._added:
            self._plan.edit = ChangeSpecimenTable(
                tuple(self._added), (), tuple(self._before), tuple(self._after), self._who,
                "import specimen table", self._how,
            )  # fmt: skip
        return self._plan

    def _specimen_column(self) -> int:
        keys = [column_key(name) for name in self._file.head]
        return next((keys.index(name) for name in _SPECIMEN_COLUMNS if name in keys), 0)

    def _known_rows(self, own: int) -> list[tuple[int, Specimen, tuple[str, ...]]]:
        known = []
        for line, row in self._file.rows:
            name = " ".join(row[own].split())
            specimen = self._names.get(name, self._names.get(name.casefold()))
            if specimen is not None:
                known.append((line, specimen, row))
                continue
            reason = f"no specimen of this project is called {name!r}."
            self._plan.unknown.append(Problem(line, name, "", reason))
        return known

    def _take(self, column: int, rows: Sequence[tuple[int, Specimen, tuple[str, ...]]]) -> None:
        texts = [row[column] for _, _, row in rows]
        attribute = self._attribute(self._file.head[column], texts)
        if attribute.formula:
            reason = f"{attribute.name} is computed by a formula, and its column was left out."
            self._plan.conflicts.append(Problem(1, "", attribute.name, reason))
            return
        grouped = attribute.kind == "number" and _may_be_grouped(texts)
        given: dict[int, list[tuple[int, str]]] = {}
        for line, specimen, row in rows:
            value = self._value(line, specimen, attribute, row[column], grouped=grouped)
            if value:
                given.setdefault(specimen.id, []).append((line, value))
        for specimen in self._table.specimens:
            if specimen.id in given:
                self._settle(specimen, attribute, given[specimen.id])

    def _attribute(self, heading: str, texts: Sequence[str]) -> Attribute:
        name, unit = split_heading(heading)
        for one in self._table.attributes:
            if column_key(one.name) == column_key(name):
                return one
        kind = kind_of_values(texts)
        if kind != "number":
            name, unit = heading.strip(), ""
        made = Attribute(self._next + len(self._added), name, kind, unit)
        self._added.append(made)
        return made

    def _value(
        self, line: int, specimen: Specimen, attribute: Attribute, text: str, *, grouped: bool
    ) -> str:
        try:
            if grouped and "," in text:
                raise PoreguiError(
                    f"{text!r} may be {text.replace(',', '')} or {text.replace(',', '.')}.",
                    "Write it with a point, and without a sign for thousands.",
                )
            return as_value(attribute.kind, text)
        except PoreguiError as error:
            reason = f"{specimen.name}, {attribute.name}: {error}"
            self._plan.conflicts.append(Problem(line, specimen.name, attribute.name, reason))
            return ""

    def _settle(
        self, specimen: Specimen, attribute: Attribute, given: list[tuple[int, str]]
    ) -> None:
        line, value = given[-1]
        where = f"{specimen.name}, {attribute.name}"
        if len({one for _, one in given}) > 1:
            others = " and ".join(dict.fromkeys(one for _, one in given))
            reason = f"{where}: the table gives {others}; none was taken."
            self._plan.conflicts.append(Problem(line, specimen.name, attribute.name, reason))
            return
        was = self._table.cells.get((specimen.id, attribute.id), "")
        if was == value:
            self._plan.same += 1
            return
        if was:
            reason = f"{where}: {was} was replaced by {value}."
            self._plan.replaced.append(Problem(line, specimen.name, attribute.name, reason))
        self._plan.given += 1
        self._before.append((specimen.id, attribute.id, was))
        self._after.append((specimen.id, attribute.id, value))


def _by_name(specimens: Iterable[Specimen]) -> dict[str, Specimen]:
    """Return specimens by name, and by their name in small letters where that is of one only."""
    known = list(specimens)
    folded = Counter(one.name.casefold() for one in known)
    found = {one.name.casefold(): one for one in known if folded[one.name.casefold()] == 1}
    return found | {one.name: one for one in known}


def kind_of_values(texts: Iterable[str]) -> str:
    """Return the kind that all values have: number, date, category where some come again, text."""
    there = [" ".join(text.split()) for text in texts if text.strip()]
    if there and all(as_number(text) is not None for text in there):
        return "number"
    if there and all(as_date(text) is not None for text in there):
        return "date"
    if len(set(there)) < len(there):
        return "category"
    return "text"


_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")


def _may_be_grouped(texts: Iterable[str]) -> bool:
    """Tell whether commas may part thousands: three digits stand behind each of them."""
    there = [text for text in texts if "," in text]
    return bool(there) and all(_GROUPED.fullmatch(text) for text in there)


def add_formula(project: Project, text: str, *, who: str) -> ChangeSpecimenTable:
    """Return the edit that adds a column by a formula such as
    `Energy (J/mm³) = power / (speed * hatch * layer)`.

    Raises PoreguiError for a formula that is none, a name that is taken, or columns that are not
    there.
    """
    heading, sign, formula = text.partition("=")
    name, unit = split_heading(heading)
    if not sign or not name:
        raise PoreguiError(
            f"{text!r} names no column.", "Write it like: Energy (J/mm³) = power / speed."
        )
    table = SpecimenTable.of(project)
    if column_key(name) in {column_key(one.name) for one in table.attributes}:
        raise PoreguiError(f"There is a column {name} already.", "Give another name.")
    known = {
        column_key(one.name): one.name
        for one in table.attributes
        if one.kind == "number" and not one.formula
    }
    missing = sorted(Formula.parse(formula.strip()).names - known.keys())
    if missing:
        there = ", ".join(known.values()) or "none"
        raise PoreguiError(
            f"There is no numeric column called {missing[0]}.", f"Numeric columns: {there}."
        )
    made = Attribute(project.next_id("attributes"), name, "number", unit, formula.strip())
    return ChangeSpecimenTable((made,), who=who, text=f"add column {name}")


def remove_attribute(project: Project, name: str, *, who: str) -> ChangeSpecimenTable:
    """Return the edit that takes a column away. Raises PoreguiError where there is none, or a
    formula needs it.
    """
    table = SpecimenTable.of(project)
    wanted = table.attribute(name)
    for one in table.attributes:
        if one.formula and column_key(wanted.name) in Formula.parse(one.formula).names:
            raise PoreguiError(
                f"The formula of {one.name} needs {wanted.name}.", "Remove it first."
            )
    return ChangeSpecimenTable(removed=(wanted.id,), who=who, text=f"remove column {wanted.name}")


def set_value(
    project: Project, specimen: Specimen, attribute: Attribute, text: str, *, who: str
) -> ChangeSpecimenTable | None:
    """Return the edit that gives one specimen a value, None when nothing changes.

    Raises PoreguiError for what is none of its kind, and for a column with a formula.
    """
    if attribute.formula:
        raise PoreguiError(f"{attribute.name} is computed by a formula.", "Change its columns.")
    was = SpecimenTable.of(project).cells.get((specimen.id, attribute.id), "")
    value = as_value(attribute.kind, text)
    if value == was:
        return None
    place = (specimen.id, attribute.id)
    return ChangeSpecimenTable(before=((*place, was),), after=((*place, value),), who=who)


def values_of_other(project: Project, other: Project, *, who: str) -> TablePlan:
    """Return the plan that takes the values of another copy of the project over, where there are
    none here; others that differ are conflicts, and stay as they are here.
    """
    theirs = SpecimenTable.of(other)
    plain = [one for one in theirs.attributes if not one.formula]
    mine = SpecimenTable.of(project)
    mine_by_key = {column_key(one.name): one for one in mine.attributes}
    here = {one.name: one for one in mine.specimens}
    rows: list[tuple[int, tuple[str, ...]]] = []
    conflicts = []
    for number, specimen in enumerate(theirs.specimens, 1):
        if specimen.name not in here:
            continue
        cells = [specimen.name]
        for one in plain:
            value = theirs.cells.get((specimen.id, one.id), "")
            own = mine_by_key.get(column_key(one.name))
            was = mine.cells.get((here[specimen.name].id, own.id), "") if own else ""
            if was and value and was != value:
                reason = f"{specimen.name}, {one.name}: {was} here, {value} there."
                conflicts.append(Problem(number, specimen.name, one.name, reason))
            cells.append("" if was else value)
        rows.append((number, tuple(cells)))
    if not plain or not rows:
        return TablePlan()
    head = ("specimen", *(one.heading for one in plain))
    plan = plan_table(project, TableFile(other.name, head, tuple(rows)), who=who, how="merge")
    plan.conflicts += conflicts
    return plan
