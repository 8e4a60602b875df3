"""Hold how counts, percentages, intervals and lists are written for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poregui.domain import wording


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 crops"), (1, "1 crop"), (2, "2 crops"), (20_000, "20,000 crops")],
)
def test_a_count_agrees_with_its_noun_and_parts_thousands(number: int, text: str) -> None:
    assert wording.count(number, "crop") == text


def test_a_plural_that_is_no_s_is_given() -> None:
    assert wording.count(1, "class", "classes") == "1 class"
    assert wording.count(3, "class", "classes") == "3 classes"
    assert wording.noun(1, "is", "are") == "is"
    assert wording.noun(0, "is", "are") == "are"


def test_a_share_is_written_as_per_cent_with_the_digits_asked_for() -> None:
    assert wording.percent(0.922) == "92.2 %"
    assert wording.percent(1, 0) == "100 %"


def test_an_interval_says_what_it_is_and_names_its_unit_once() -> None:
    assert wording.interval(48, 100, "%") == "95 % CI 48.0–100.0 %"
    assert wording.interval(0.1, 0.25, digits=2) == "95 % CI 0.10–0.25"
    assert wording.span(48, 100, "%") == "48.0–100.0 %"


def test_a_difference_of_shares_is_in_signed_points() -> None:
    assert wording.points(0.015) == "+1.5 points"
    assert wording.points(-0.2) == "−20.0 points"
    assert wording.points_span(-0.019, 0.049) == "−1.9 to +4.9"


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C"], "A, B and C")],
)
def test_names_are_listed_as_one_phrase(names: list[str], text: str) -> None:
    assert wording.listed(names) == text
    assert wording.listed(names, "or") == text.replace(" and ", " or ")


@given(st.lists(st.text("ABC", min_size=1), max_size=9), st.integers(1, 5))
def test_a_long_list_says_how_many_names_it_leaves_out(names: list[str], shown: int) -> None:
    text = wording.shortened(names, shown)
    if len(names) <= shown:
        assert text == wording.listed(names)
    else:
        assert text == f"{', '.join(names[:shown])} and {len(names) - shown} more"


def test_a_share_of_a_few_is_told_as_two_numbers() -> None:
    assert wording.fraction(1, 1) == "1 of 1"
    assert wording.fraction(3, 19) == "3 of 19"
    assert wording.fraction(106, 115) == "92.2 % of 115"
    assert wording.fraction(1500, 2000, 0) == "75 % of 2,000"
    assert wording.fraction_of(0.75, 4) == "3 of 4"
    assert wording.fraction_of(0.75, 2000, 0) == "75 % of 2,000"


def test_what_does_not_exist_is_a_dash() -> None:
    assert [wording.percent_or_dash(share) for share in (None, 0.922)] == ["–", "92.2 %"]
    assert [wording.percent_span(ends) for ends in (None, (0.48, 1.0))] == ["–", "48.0–100.0 %"]


def test_a_sentence_that_begins_with_its_name_is_not_given_it_twice() -> None:
    assert wording.about("a.png", "a.png has changed.") == "a.png has changed."
    assert wording.about("a.png", "The disk is full.") == "a.png: The disk is full."
