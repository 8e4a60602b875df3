"""Hold that splits keep groups together, keep every class on both sides, and say so when they
cannot.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poregui.domain.errors import TrainingError
from poregui.domain.statistics.splits import (
    Item,
    assign_folds,
    check_trainable,
    choose_groups,
    choose_or_fall_back,
    kind_of,
    make_split,
)


def items_of(groups: int, per_class: int, classes: int = 3) -> list[Item]:
    return [
        Item(g * 1000 + c * 100 + i, c, f"specimen:{g}")
        for g in range(groups)
        for c in range(classes)
        for i in range(per_class)
    ]


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.tuples(*[st.integers(0, 20)] * 3), min_size=3, max_size=12),
    seed=st.integers(0, 5),
)
def test_a_chosen_side_has_whole_groups_and_leaves_every_class_on_both_sides(
    counts: list[tuple[int, int, int]], seed: int
) -> None:
    items = [
        Item(g * 1000 + c * 100 + i, c, f"specimen:{g}")
        for g, row in enumerate(counts)
        for c, n in enumerate(row)
        for i in range(n)
    ]
    chosen = choose_groups(items, 0.2, seed) if items else None
    if chosen is None:
        return
    inside = [item for item in items if item.group in chosen]
    outside = [item for item in items if item.group not in chosen]
    labels = {item.label for item in items}
    assert {item.label for item in inside} == labels
    assert {item.label for item in outside} == labels


def test_ten_even_specimens_give_two_to_the_test_side() -> None:
    chosen = choose_groups(items_of(10, 20), 0.2, 0)
    assert chosen is not None
    assert len(chosen) == 2


def test_the_same_seed_chooses_the_same_groups_whatever_the_order_of_the_crops() -> None:
    items = items_of(9, 7)
    shuffled = [items[i] for i in np.random.default_rng(1).permutation(len(items))]
    assert choose_groups(items, 0.2, 3) == choose_groups(shuffled, 0.2, 3)


def test_folds_test_every_group_once_with_near_equal_shares() -> None:
    items = items_of(10, 12)
    fold_of = assign_folds(items, 5, 0)
    sizes = np.bincount([fold_of[item.group] for item in items])
    assert len(sizes) == 5
    assert sizes.max() - sizes.min() <= 36


def test_single_crops_are_dealt_out_evenly_in_every_class() -> None:
    items = [Item(i, i % 3, f"crop:{i}") for i in range(150)]
    fold_of = assign_folds(items, 5, 0)
    for label in range(3):
        counts = np.bincount([fold_of[item.group] for item in items if item.label == label])
        assert counts.tolist() == [10] * 5


def test_two_specimens_are_too_few_to_be_kept_apart() -> None:
    chosen, whole = choose_or_fall_back(items_of(2, 20), 0.2, 0)
    assert not whole
    assert len(chosen) == 24


def test_a_class_of_one_specimen_alone_makes_the_choice_fall_back_to_crops() -> None:
    items = [*items_of(5, 10, classes=2), *(Item(90_000 + i, 2, "specimen:0") for i in range(10))]
    chosen, whole = choose_or_fall_back(items, 0.2, 0)
    assert not whole
    assert {item.label for item in items if item.crop_id in chosen} == {0, 1, 2}


def test_validation_comes_from_the_training_part_by_whole_groups() -> None:
    items = items_of(10, 8)
    test = frozenset(item.crop_id for item in items if item.group in ("specimen:0", "specimen:1"))
    split = make_split(items, test, kind="specimen", validation_share=0.2, seed=0)
    group = {item.crop_id: item.group for item in items}
    sides = [{group[i] for i in part} for part in (split.train, split.validation, split.test)]
    assert sides[2] == {"specimen:0", "specimen:1"}
    assert sum(map(len, sides)) == len(set.union(*sides))
    assert len(split.train) + len(split.validation) + len(split.test) == len(items)
    assert (split.groups_train, split.groups_test) == (8, 2)


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({"Gas": 0, "Keyhole": 0}, "No crop has a label"),
        ({"Gas": 9, "Keyhole": 0}, "All labelled crops are Gas"),
        ({"Gas": 9, "Keyhole": 4}, r"Keyhole \(4\)"),
    ],
)
def test_labels_that_cannot_be_trained_on_are_refused_in_plain_words(
    counts: dict[str, int], says: str
) -> None:
    with pytest.raises(TrainingError, match=says):
        check_trainable(counts)


def test_groups_of_several_sorts_are_called_mixed() -> None:
    assert kind_of(["specimen:1", "specimen:2"]) == "specimen"
    assert kind_of(["specimen:1", "crop:2"]) == "mixed"
