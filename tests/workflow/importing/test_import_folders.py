"""Test what names of files, folders and options mean to an import."""

from __future__ import annotations

from typing import Any

import pytest

from poregui.domain.errors import PoreguiError
from poregui.workflow.importing.folders import class_in_name, natural, split_of
from poregui.workflow.importing.images import ImportOptions


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("LOF.139", "Lack of Fusion"),
        ("K.20", "Keyhole"),
        ("g 7", "Gas"),
        ("lack_of_fusion-012_a", "Lack of Fusion"),
        ("K-4_overview", None),
        ("G", None),
        ("gas atomised powder 3", None),
        ("Kapton.12", None),
        ("ts_img_0_1", None),
        ("100_11", None),
    ],
)
def test_a_name_begins_with_a_class_only_when_a_number_follows(stem: str, name: str | None) -> None:
    assert class_in_name(stem, {}) == name


@pytest.mark.parametrize(
    ("folder", "side"),
    [
        ("train", "train"),
        ("Test_set", "test"),
        ("training data", "train"),
        ("test-set", "test"),
        ("contest", None),
    ],
)
def test_folders_that_name_a_side_are_known(folder: str, side: str | None) -> None:
    assert split_of(folder) == side


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"specimen_pattern": "("}, "not a regular expression"),
        ({"specimen_pattern": "^\\d+"}, "has no group"),
        ({"specimen_pattern": "(a)", "specimen": "b"}, "by a name and by a pattern"),
        ({"specimen": "  "}, "needs a name"),
        ({"um_per_px": 0.0}, "not a valid pixel size"),
        ({"um_per_px": float("nan")}, "not a valid pixel size"),
        ({"kind": "movies"}, "cannot be imported as"),
    ],
)
def test_unfit_options_get_a_sentence(options: dict[str, Any], said: str) -> None:
    with pytest.raises(PoreguiError, match=said):
        ImportOptions(**options)


def test_files_are_taken_in_the_order_in_which_people_count() -> None:
    names = ["K.10.png", "Ka.png", "K.9.png", "k.1.png", "2.png"]
    assert sorted(names, key=natural) == ["2.png", "k.1.png", "K.9.png", "K.10.png", "Ka.png"]
