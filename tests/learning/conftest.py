"""Keep trainings of tests short."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

FEW_TREES = 20


@pytest.fixture(autouse=True, scope="module")
def _few_trees(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give the shape-only baseline few trees, except where the baseline itself is tested: a third
    of a small training goes into its 200.
    """
    if "shape" in request.module.__name__:
        yield
        return
    from poregui.learning import shape_forest

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shape_forest, "TREES", FEW_TREES)
        yield
