"""Hold that the state of the label page tells of real differences only, and a feature hears only
what it listens for.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from label_desk import add_micrograph, add_ready_made

from poregui.domain.records import Changed
from poregui.gui.base.feature import Feature, Link
from poregui.gui.label.catalogue import CropFilter
from poregui.gui.label.label_state import LabelState
from poregui.workflow.editing.label_edits import label_crops, remove_micrographs


@pytest.fixture
def desk(project, open_desk):
    add_micrograph(project)
    add_micrograph(project, "other.png")
    add_ready_made(project, 3)
    return open_desk(project)


def heard(state: LabelState) -> list[str]:
    names: list[str] = []
    state.current_changed.connect(lambda _: names.append("current"))
    state.selection_changed.connect(lambda _: names.append("selection"))
    state.filter_changed.connect(lambda _: names.append("filter"))
    state.micrograph_changed.connect(lambda: names.append("micrograph"))
    return names


def test_what_stays_as_it_is_makes_no_signal(desk):
    state = desk.presenter.state
    state.choose(2)
    names = heard(state)
    state.choose(2)
    state.set_current(2)
    state.select(state.selection)
    state.set_filter(CropFilter())
    assert names == []
    state.choose(3)
    assert names.count("current") == 1
    assert "micrograph" not in names


def test_a_label_is_no_other_micrograph(desk):
    state = desk.presenter.state
    state.show_micrograph(1)
    names = heard(state)
    desk.session.apply(label_crops(desk.project, [1], 1, who="ada"))
    assert names == []
    state.show_micrograph(2)
    assert names == ["micrograph"]


def test_a_deleted_micrograph_is_shown_no_longer(desk):
    state = desk.presenter.state
    state.show_micrograph(2)
    names = heard(state)
    desk.session.apply(remove_micrographs(desk.project, [2]))
    assert state.micrograph is None
    assert names.count("micrograph") >= 1


class Listener(Feature):
    """Note what is heard."""

    hears = frozenset({"labels"})

    def __init__(self, state: LabelState) -> None:
        super().__init__(state)
        self._state = state
        self.current: list[int | None] = []
        self.changes: list[Changed] = []

    def links(self) -> Iterable[Link]:
        return ((self._state.current_changed, self.current.append),)

    def follow(self, changed: Changed) -> None:
        self.changes.append(changed)


def test_a_feature_is_linked_only_while_it_is_attached(desk):
    state = desk.presenter.state
    state.choose(1)
    listener = Listener(state)
    state.choose(2)
    listener.attach()
    state.choose(3)
    listener.detach()
    state.choose(1)
    assert listener.current == [3]


def test_a_feature_follows_only_the_kinds_that_it_hears(desk):
    listener = Listener(desk.presenter.state)
    desk.presenter.features += (listener,)
    desk.session.announce(Changed(frozenset({"runs"})))
    assert listener.changes == []
    desk.session.apply(label_crops(desk.project, [1], 1, who="ada"))
    assert [changed.crop_ids for changed in listener.changes] == [(1,)]
