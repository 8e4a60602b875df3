"""Hold when two classes are one: by uid whatever they are called, else by a name that can mean
nothing else.
"""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poregui.domain.classes import (
    NamedClass,
    PoreClass,
    check_free,
    class_named,
    clean_name,
    default_classes,
    match_classes,
    name_key,
    old_uid,
)
from poregui.domain.errors import PoreguiError

NAMES = ["Gas", "Keyhole", "Lack of Fusion", "Crack", "Void"]
A, B = "0123456789abcdef01234567", "fedcba9876543210fedcba98"


def named(*names: str, uids: str | None = None, first: int = 1) -> list[NamedClass]:
    """Return classes with ids in a row; their uids are `uids` with the id behind, empty where there
    are none.
    """
    uid = (lambda i: "") if uids is None else (lambda i: f"{uids}{i}")
    return [NamedClass(i, name, uid(i)) for i, name in enumerate(names, first)]


def old(origin: str, *names: str) -> list[NamedClass]:
    """Return the classes of an old project, known by their names of now."""
    return [NamedClass(i, name, old_uid(origin, i, name)) for i, name in enumerate(names, 1)]


@given(st.permutations(NAMES), st.permutations(NAMES))
def test_copies_know_their_classes_whatever_they_are_called(
    mine: list[str], theirs: list[str]
) -> None:
    found = match_classes(named(*theirs, uids="u"), named(*mine, uids="u"))
    assert {i: m.id for i, m in found.here.items()} == {i: i for i in range(1, 6)}
    assert found.whole


text = st.text(st.sampled_from("aBé ﬁ"), min_size=1, max_size=3).filter(
    lambda text: bool(name_key(text))
)


@given(
    st.lists(text, unique_by=name_key, max_size=5), st.lists(text, unique_by=name_key, max_size=5)
)
def test_other_projects_know_a_class_by_its_name_alone_in_whatever_form(
    mine: list[str], theirs: list[str]
) -> None:
    found = match_classes(named(*theirs, uids="t", first=7), named(*mine, uids="m"))
    keys = {name_key(name): i for i, name in enumerate(mine, 1)}
    wanted = {i: keys[name_key(name)] for i, name in enumerate(theirs, 7) if name_key(name) in keys}
    assert {i: m.id for i, m in found.here.items()} == wanted
    assert {one.name for one in found.missing} == {
        name for name in theirs if name_key(name) not in keys
    }
    assert found.unclear == {}


def test_a_name_that_another_class_of_theirs_has_here_decides_nothing() -> None:
    theirs = [NamedClass(1, "Gas", "g"), NamedClass(4, "Void", "v")]
    mine = [NamedClass(1, "Void", "g"), NamedClass(2, "Keyhole", "k")]
    found = match_classes(theirs, mine)
    assert {i: m.id for i, m in found.here.items()} == {1: 1}
    assert found.unclear == {4: "Void there is not the same class as Void here"}


@pytest.mark.parametrize(
    ("theirs", "mine", "text"),
    [
        (["Gas", "gas"], ["Gas", "Keyhole"], "several classes there are called"),
        (["Gas"], ["Gas", "GAS "], "several classes here are called Gas"),
    ],
)
def test_a_name_that_is_there_twice_is_not_guessed(
    theirs: list[str], mine: list[str], text: str
) -> None:
    found = match_classes(named(*theirs), named(*mine))
    assert found.here == {}
    assert all(text in why for why in found.unclear.values())
    assert found.unclear


def test_a_class_in_use_goes_before_a_retired_one_of_its_name_and_one_that_is_gone_has_none() -> (
    None
):
    mine = [
        NamedClass(1, "Gas", "", "retired"),
        NamedClass(2, "Gas"),
        NamedClass(3, "", "x", "gone"),
    ]
    assert match_classes([NamedClass(9, "gas")], mine).here[9].id == 2
    assert match_classes([NamedClass(9, "gas")], mine[:1]).here[9].state == "retired"
    assert match_classes([NamedClass(9, "Crack", "x")], mine).here[9].state == "gone"
    assert [one.id for one in match_classes([NamedClass(9, "")], mine).missing] == [9]


def test_copies_from_before_uids_are_matched_only_where_names_and_ids_agree() -> None:
    found = match_classes(old(A, "Gas", "Keyhole", "Crack"), old(A, "Gas", "Keyhole", "Void"))
    assert {i: m.id for i, m in found.here.items()} == {1: 1, 2: 2}
    assert found.unclear == {3: "Crack there may be the same class as Void here"}
    swapped = match_classes(old(A, "Keyhole", "Gas"), old(A, "Gas", "Keyhole"))
    assert swapped.here == {}
    assert len(swapped.unclear) == 2
    moved = match_classes(
        old(A, "Gas", "Keyhole", "Crack", "Void"), old(A, "Gas", "Keyhole", "Void")
    )
    assert set(moved.unclear) == {3, 4}
    strangers = match_classes(old(A, "Keyhole", "Gas"), old(B, "Gas", "Keyhole"))
    assert {i: m.id for i, m in strangers.here.items()} == {1: 2, 2: 1}


def test_copies_that_named_a_class_alike_after_they_parted_take_it_for_one() -> None:
    theirs = [NamedClass(1, "Void", old_uid(A, 1, "Gas"))]
    assert match_classes(theirs, [NamedClass(1, "void", old_uid(A, 1, "Void"))]).here[1].id == 1


# ---- names ----------------------------------------------------------------------------------

ALIKE = ["GAS", " gas ", "Gas\u00a0", "Ｇａｓ", "Gａs"]


@pytest.mark.parametrize("name", ALIKE)
@pytest.mark.parametrize("retired", [False, True])
def test_names_that_differ_in_form_alone_are_one_name(name: str, retired: bool) -> None:
    gas = default_classes()[0]
    others = [PoreClass(**{**vars(gas), "retired": retired}), *default_classes()[1:]]
    text = "archived class" if retired else "There is a class 'Gas' already"
    with pytest.raises(PoreguiError, match=text):
        check_free(name, others, "Choose another.")
    with pytest.raises(PoreguiError):
        default_classes(["Gas", name])


def test_accents_composed_or_not_are_one_name() -> None:
    composed, apart = (unicodedata.normalize(form, "Fissuré") for form in ("NFC", "NFD"))
    assert composed != apart
    assert clean_name(apart) == clean_name(composed) == composed
    with pytest.raises(PoreguiError, match="already"):
        default_classes([composed, apart])


@pytest.mark.parametrize("name", ["not  a PORE", "Ｕnsure", "Not\u00a0a pore"])
def test_the_fixed_labels_are_no_names_in_whatever_form(name: str) -> None:
    with pytest.raises(PoreguiError, match="fixed label"):
        clean_name(name)


def test_the_name_of_a_retired_class_brings_it_back_with_its_id_and_looks() -> None:
    gas, keyhole, lack = default_classes()
    retired = PoreClass(**{**vars(keyhole), "retired": True, "definition": "deep"})
    back = class_named(9, "KEYHOLE", [gas, lack, retired])
    assert (back.id, back.name, back.retired, back.definition) == (2, "KEYHOLE", False, "deep")
    assert (back.colour, back.pattern) == (keyhole.colour, keyhole.pattern)
    taken = PoreClass(**{**vars(lack), "colour": keyhole.colour})
    assert class_named(9, "Keyhole", [gas, taken, retired]).colour not in (
        gas.colour,
        keyhole.colour,
    )
    assert class_named(9, "Crack", [gas, lack, retired]).id == 9
