"""Define what is known of a specimen: attributes with a kind, their values, and safe formulas."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from poregui.domain.errors import PoreguiError

KINDS = ("number", "category", "date", "text")
_LONGEST = 200
_DIGITS = 4000
"""Characters of a value, and of a formula: longer ones are no attributes of a specimen."""


@dataclass(frozen=True)
class Attribute:
    """Hold a column of the specimen table: its name, kind, unit (of numbers), and formula where its
    values are computed from other columns.

    Raises PoreguiError for a kind that is none, or a name that is empty or too long.
    """

    id: int
    name: str
    kind: str
    unit: str = ""
    formula: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise PoreguiError(
                f"{self.kind!r} is no kind of attribute.", f"Choose one of {', '.join(KINDS)}."
            )
        if not self.name.strip() or len(self.name) > _LONGEST:
            raise PoreguiError(
                "An attribute needs a name of at most 200 characters.", "Give it another name."
            )

    @property
    def heading(self) -> str:
        """Return the name with its unit: "Power (W)"."""
        if self.unit:
            return f"{self.name} ({self.unit})"
        return self.name


def split_heading(text: str) -> tuple[str, str]:
    """Return name and unit of a heading such as "Power (W)" or "Power [W]"; "" for no unit."""
    found = re.fullmatch(r"(.*\S)\s*[(\[]([^()\[\]]*)[)\]]", text.strip())
    if found is None:
        return text.strip(), ""
    return found[1], found[2].strip()


def as_value(kind: str, text: str) -> str:
    """Return a value as it is kept: numbers with a point, dates as 2026-12-01, text without spaces
    around it; "" for none.

    Raises PoreguiError for what is none of this kind.
    """
    wanted = " ".join(text.split())
    if not wanted:
        return ""
    if len(wanted) > _DIGITS:
        raise PoreguiError("The value is too long.", f"Use at most {_DIGITS} characters.")
    if kind == "number":
        number = as_number(wanted)
        if number is None:
            raise PoreguiError(f"{wanted!r} is not a number.", "Write it like 1234.5 or 1234,5.")
        return repr(number)
    if kind == "date":
        day = as_date(wanted)
        if day is None:
            raise PoreguiError(f"{wanted!r} is not a date.", "Write it like 2026-12-01.")
        return day.isoformat()
    return wanted


_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d{1,3})?")


def as_number(text: str) -> float | None:
    """Return a finite number that is written with a point or a comma, None for anything else."""
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text.replace(",", "."))
    return number if math.isfinite(number) else None


_DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d")


def as_date(text: str) -> date | None:
    """Return a day that is written like 2026-12-01, 2026/12/01 or 01.12.2026, None otherwise; a
    time of day behind it is left out.
    """
    day = re.split(r"[T ]", text, maxsplit=1)[0]
    for form in _DAYS:
        try:
            return datetime.strptime(day, form).date()
        except ValueError:
            continue
    return None


def column_key(name: str) -> str:
    """Return how a formula knows a column: in small letters, with _ for what is no letter."""
    return re.sub(r"\W+", "_", name.strip().casefold()).strip("_")


Numbers = Mapping[str, float | None]
_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: math.pow(a, b),
}
_FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "sqrt": math.sqrt,
    "log": math.log,
    "log10": math.log10,
    "exp": math.exp,
    "abs": abs,
}
_DEEPEST = 40
_MOST_SIGNS = 400


@dataclass(frozen=True)
class Formula:
    """Hold a checked formula over columns, such as `power / (speed * hatch * layer)`.

    Names count in any case. Those with spaces stand in backquotes: `` `laser power` / speed ``.
    """

    text: str
    names: frozenset[str]
    _tree: ast.expr
    _columns: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Formula:
        """Return the formula of a text. Raises PoreguiError for anything but numbers, columns,
        + - * / **, brackets and sqrt, log, log10, exp, abs.
        """
        if len(text) > _MOST_SIGNS:
            raise PoreguiError("The formula is too long.", f"Use at most {_MOST_SIGNS} characters.")
        columns: list[str] = []

        def place(found: re.Match[str]) -> str:
            columns.append(found[1].strip())
            return f" _column_{len(columns) - 1} "

        plain = re.sub(r"`([^`]+)`", place, text).strip()
        try:
            tree = ast.parse(plain, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise _no_formula(text) from error
        formula = cls(text, frozenset(), tree, tuple(columns))
        names = frozenset(formula._names(tree, 0))
        return cls(text, names, tree, tuple(columns))

    def _names(self, node: ast.expr, depth: int) -> list[str]:
        if depth > _DEEPEST:
            raise _no_formula(self.text)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return [*self._names(node.left, depth + 1), *self._names(node.right, depth + 1)]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            return self._names(node.operand, depth + 1)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return []
        if isinstance(node, ast.Name):
            return [self._column(node.id)]
        if isinstance(node, ast.Call) and _is_function(node):
            return self._names(node.args[0], depth + 1)
        raise _no_formula(self.text)

    def _column(self, name: str) -> str:
        if name.startswith("_column_"):
            index = name.removeprefix("_column_")
            if not index.isdigit() or int(index) >= len(self._columns):
                raise _no_formula(self.text)
            return column_key(self._columns[int(index)])
        return column_key(name)

    def value(self, numbers: Numbers) -> float | None:
        """Return the value for the numbers of a specimen by `column_key`; None where one is missing
        or there is no finite result.
        """
        try:
            found = self._value(self._tree, numbers)
        except (KeyError, ArithmeticError, ValueError, TypeError):
            return None
        return found if math.isfinite(found) else None

    def _value(self, node: ast.expr, numbers: Numbers) -> float:
        if isinstance(node, ast.BinOp):
            left = self._value(node.left, numbers)
            return _OPERATORS[type(node.op)](left, self._value(node.right, numbers))
        if isinstance(node, ast.UnaryOp):
            inner = self._value(node.operand, numbers)
            return -inner if isinstance(node.op, ast.USub) else inner
        if isinstance(node, ast.Name):
            number = numbers[self._column(node.id)]
            if number is None:
                raise KeyError(node.id)
            return number
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return _FUNCTIONS[node.func.id](self._value(node.args[0], numbers))
        assert isinstance(node, ast.Constant)
        assert isinstance(node.value, int | float)
        return float(node.value)


def _is_function(node: ast.Call) -> bool:
    named = isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
    return named and len(node.args) == 1 and not node.keywords


def _no_formula(text: str) -> PoreguiError:
    return PoreguiError(
        f"{text!r} is no formula.",
        "Use numbers, names of columns, + - * / **, brackets, sqrt, log, log10, exp and abs.",
    )
