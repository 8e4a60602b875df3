"""Test that pages, channels and slices of a file can be chosen; changes with the files that hold several pictures."""

from __future__ import annotations

import pytest

from poregui.domain.errors import PoreguiError
from poregui.domain.plane import Plane


@pytest.mark.parametrize(
    ("plane", "text", "words"),
    [
        (Plane(), "", ""),
        (Plane(page=2), "page=2", "page 2"),
        (Plane(page=2, channel=1), "page=2;channel=1", "page 2, channel 1"),
        (Plane(channel=3, z=9), "channel=3;z=9", "channel 3, slice 9"),
    ],
)
def test_a_plane_has_one_text_and_comes_back_from_it(plane: Plane, text: str, words: str) -> None:
    assert str(plane) == text
    assert Plane.parse(text) == plane
    assert plane.words == words


@pytest.mark.parametrize("text", ["page", "page=0", "channel=0", "page=2;page=3", "time=3", "z=-1", "page=99999999"])
def test_a_text_that_names_no_plane_is_refused(text: str) -> None:
    with pytest.raises(PoreguiError):
        Plane.parse(text)
