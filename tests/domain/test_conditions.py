"""Hold how conditions on measured numbers are read, and which pores meet them."""

from __future__ import annotations

import numpy as np
import pytest

from poregui.domain.errors import PoreguiError
from poregui.domain.measurement import COLUMNS, Condition, conditions_from, heading, meets
from poregui.domain.wording import with_micrometres


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ()),
        ("ECD > 20", (Condition("ecd", ">", 20.0),)),
        ("equivalent diameter>=2,5", (Condition("ecd", ">=", 2.5),)),
        ("circ < 0.8; area_px ≥ 100", (
            Condition("circularity", "<", 0.8), Condition("area_px", ">=", 100.0),
        )),
        ("solidity = 1 and aspect<=3", (
            Condition("solidity", "=", 1.0), Condition("aspect_ratio", "<=", 3.0),
        )),
    ],
)  # fmt: skip
def test_conditions_call_columns_by_name_title_or_beginning(
    text: str, read: tuple[Condition, ...]
) -> None:
    assert conditions_from(text) == read


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ecd", "is no condition"),
        ("ecd > much", "is not a number"),
        ("colour > 3", "There is no measurement called 'colour'"),
        ("feret > 3", "may be feret_max or feret_min"),
    ],
)
def test_what_is_no_condition_gets_a_sentence(text: str, what: str) -> None:
    with pytest.raises(PoreguiError, match=what):
        conditions_from(text)


def test_unknown_numbers_and_shapes_that_are_noise_meet_no_condition() -> None:
    columns = {
        "ecd": np.array([5.0, 30.0, np.nan, 40.0]),
        "circularity": np.array([0.2, 0.5, 0.5, 0.9]),
        "shape_reliable": np.array([False, True, True, True]),
    }
    assert meets(columns, conditions_from("ecd > 20")).tolist() == [False, True, False, True]
    assert meets(columns, conditions_from("circularity < 0.8")).tolist() == [
        False, True, True, False,
    ]  # fmt: skip
    assert meets(columns, ()).all()


def test_only_the_unit_is_written_as_a_sign_whatever_words_end_in_its_letters() -> None:
    shown = [with_micrometres(heading(column, "um")) for column in COLUMNS]
    assert "Feret, maximum (µm)" in shown
    assert "Feret, minimum (µm)" in shown
    assert "Area (µm²)" in shown
    assert not any("um)" in one or "um²" in one for one in shown)
    assert with_micrometres("um") == "µm"
