"""Compute in 16 bits where a graphics card makes that worth while; changes with when that is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from poregui.domain.recipe import Recipe

MIXED, FULL = "mixed_float16", "float32"


def has_gpu() -> bool:
    """Tell whether TensorFlow uses a graphics card."""
    import tensorflow

    return bool(tensorflow.config.list_physical_devices("GPU"))


def policy_of(recipe: Recipe) -> str:
    """Return Keras's name of the precision that a recipe trains in here; without a GPU 16 bits are only slower."""
    return MIXED if recipe.mixed_precision and has_gpu() else FULL


@contextmanager
def layers_of(policy: str) -> Iterator[None]:
    """Let layers that are made meanwhile compute in a precision; their weights stay 32 bits long."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
