"""Let the trees of all sources go when the rules have been held against them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def _forget_trees(request: pytest.FixtureRequest) -> Iterator[None]:
    """Empty what a module of rules has cached: two million nodes, which each search for garbage of
    a later test of the window would go through.
    """
    yield
    for value in vars(request.module).values():
        clear = getattr(value, "cache_clear", None)
        if clear is not None:
            clear()
