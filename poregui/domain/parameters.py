"""Declare what a person can choose, once: forms, command lines and files derive from fields
declared with this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

from poregui.domain.errors import PoreguiError


@dataclass(frozen=True)
class Parameter:
    """Describe one field of a recipe for forms, options and files.

    `kind` is the Python type, `choices` are allowed texts, `low` and `high` the closed range of a
    number, `main` fields stand in the open part of the form and the others are folded away.
    """

    name: str
    label: str
    kind: type
    help: str
    default: Any
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    main: bool = False


_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


def declare(label: str, default: Any, help: str, **more: Any) -> Any:
    """Return the field of a frozen dataclass with its words; `more` are further fields of
    Parameter.
    """
    return field(default=default, metadata={"label": label, "help": help, **more})


def parameters_of(recipe: type) -> tuple[Parameter, ...]:
    """Return the declared fields of a dataclass in the order in which forms show them."""
    return tuple(_parameter(declared) for declared in fields(recipe))


def _parameter(declared: Field[Any]) -> Parameter:
    return Parameter(
        name=declared.name,
        kind=_TYPES[str(declared.type)],
        default=declared.default,
        **declared.metadata,
    )


def check(parameter: Parameter, value: Any, noun: str = "value") -> None:
    """Raise PoreguiError when a value has the wrong type or is outside what its field declares.

    `noun` names what a choice is ("There is no preset 'x'").
    """
    fits = isinstance(value, parameter.kind) and (
        parameter.kind is bool or not isinstance(value, bool)
    )
    if not fits:
        raise PoreguiError(
            f"{parameter.label} cannot be {value!r}.",
            f"Give a value of type {parameter.kind.__name__}.",
        )
    if parameter.choices and value not in parameter.choices:
        raise PoreguiError(
            f"There is no {noun} {value!r}.", f"Choose one of: {', '.join(parameter.choices)}."
        )
    if parameter.low is not None and not parameter.low <= value <= (parameter.high or float("inf")):
        raise PoreguiError(
            f"{parameter.label} cannot be {value:g}.",
            f"Choose a value from {parameter.low:g} to {parameter.high:g}.",
        )


def known_values(recipe: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values whose fields the dataclass has, whole numbers made floats where it wants
    floats.
    """
    taken: dict[str, Any] = {}
    for parameter in parameters_of(recipe):
        if parameter.name in values:
            value = values[parameter.name]
            whole = (
                parameter.kind is float and isinstance(value, int) and not isinstance(value, bool)
            )
            taken[parameter.name] = float(value) if whole else value
    return taken
