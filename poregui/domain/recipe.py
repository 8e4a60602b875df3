"""Declare what a person can choose about a training, once: form, command line and recipe.json derive from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from typing import Any

from poregui.domain.errors import PoreguiError

PRESETS = ("default", "seed")


@dataclass(frozen=True)
class Parameter:
    """Describe one field of a recipe for forms, options and files.

    `kind` is the Python type, `choices` are allowed texts, `low` and `high` the closed range of a number, `main` fields
    stand in the open part of the form and the others are folded away.
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


def _declare(label: str, default: Any, help: str, **more: Any) -> Any:
    return field(default=default, metadata={"label": label, "help": help, **more})


@dataclass(frozen=True)
class Recipe:
    """Hold what to train and how; every value has passed its declared range.

    Raises PoreguiError for a value outside its range or a preset that does not exist.
    """

    preset: str = _declare(
        "Network",
        "default",
        "default: a small network that keeps proportions and sees the size of the crop. "
        "seed: the network of the original study, which stretches every crop to 150 x 150.",
        choices=PRESETS,
        main=True,
    )
    epochs: int = _declare("Epochs, at most", 60, "Passes over the training crops.", low=1, high=2000, main=True)
    seed: int = _declare("Random seed", 0, "The same seed gives the same run.", low=0, high=2**31 - 1, main=True)
    early_stopping: bool = _declare(
        "Stop early", True, "End when the validation loss has not fallen for a while.", main=True
    )
    reduce_on_plateau: bool = _declare(
        "Lower the learning rate on a plateau",
        True,
        "Learn in smaller steps when the validation loss stalls.",
        main=True,
    )
    augment: bool = _declare("Augment", True, "Show each crop turned and mirrored as well.", main=True)
    batch_size: int = _declare("Crops per batch", 32, "Crops per step of the optimiser.", low=2, high=512)
    learning_rate: float = _declare("Learning rate", 0.0005, "Step size at the start.", low=1e-6, high=1.0)
    early_stopping_patience: int = _declare(
        "Epochs without progress before the end", 16, "Patience of the early stopping.", unit="epochs", low=1, high=500
    )
    plateau_patience: int = _declare(
        "Epochs without progress before the rate falls", 4, "Patience on a plateau.", unit="epochs", low=1, high=500
    )
    plateau_factor: float = _declare(
        "Factor on a plateau", 0.5, "The learning rate is multiplied by it.", low=0.01, high=0.99
    )
    smallest_learning_rate: float = _declare(
        "Smallest learning rate", 1e-5, "The rate never falls below.", low=0.0, high=1.0
    )
    validation_share: float = _declare(
        "Share for validation", 0.2, "Part of the training crops that steers the training.", low=0.05, high=0.5
    )
    class_weights: bool = _declare("Weigh rare classes up", True, "Give each class the same say, however few crops.")
    input_size: int = _declare(
        "Input size",
        64,
        "Side of the square that the network sees; the seed network always sees 150.",
        unit="px",
        low=32,
        high=256,
    )
    threads: int = _declare("Threads", 0, "Processor threads; 0 takes all cores.", low=0, high=256)

    def __post_init__(self) -> None:
        for parameter in parameters():
            _check(parameter, getattr(self, parameter.name))

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dictionary fit for JSON."""
        return asdict(self)


_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


def _parameter(declared: Field[Any]) -> Parameter:
    return Parameter(name=declared.name, kind=_TYPES[str(declared.type)], default=declared.default, **declared.metadata)


def parameters() -> tuple[Parameter, ...]:
    """Return the declared fields of a recipe in the order in which forms show them."""
    return tuple(_parameter(declared) for declared in fields(Recipe))


def _check(parameter: Parameter, value: Any) -> None:
    fits = isinstance(value, parameter.kind) and (parameter.kind is bool or not isinstance(value, bool))
    if not fits:
        raise PoreguiError(
            f"{parameter.label} cannot be {value!r}.", f"Give a value of type {parameter.kind.__name__}."
        )
    if parameter.choices and value not in parameter.choices:
        raise PoreguiError(f"There is no preset {value!r}.", f"Choose one of: {', '.join(parameter.choices)}.")
    if parameter.low is not None and not parameter.low <= value <= (parameter.high or float("inf")):
        raise PoreguiError(
            f"{parameter.label} cannot be {value:g}.", f"Choose a value from {parameter.low:g} to {parameter.high:g}."
        )


_AS_THE_STUDY = {
    "epochs": 50,
    "class_weights": False,
    "learning_rate": 0.001,
    "early_stopping_patience": 10,
    "plateau_patience": 5,
}
"""What the original study's notebook says; its callbacks were written there but never ran."""
_PRESET_VALUES: Mapping[str, Mapping[str, Any]] = {"default": {}, "seed": _AS_THE_STUDY}


def recipe_for(preset: str, **chosen: Any) -> Recipe:
    """Return the recipe of a preset with the values that a person chose put over it.

    Raises PoreguiError for an unknown preset or a value outside its range.
    """
    return replace(Recipe(preset=preset, **_PRESET_VALUES.get(preset, {})), **chosen)


def recipe_from_json(values: Mapping[str, Any]) -> Recipe:
    """Return the recipe that `to_json` wrote; unknown fields of later versions are passed over.

    Raises PoreguiError when a value has the wrong type or is outside its range.
    """
    known = {parameter.name: parameter for parameter in parameters()}
    taken = {
        name: known[name].kind(value) if known[name].kind is float else value
        for name, value in values.items()
        if name in known
    }
    return Recipe(**taken)
