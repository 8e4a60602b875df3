"""Hold how micrographs are called and chosen: no two alike, and a text means what it says or is
refused.
"""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poregui.domain.errors import PoreguiError
from poregui.domain.micrograph_names import (
    Named,
    full_name,
    micrographs_meant,
    plain,
    shared_folders,
    unique_names,
    with_unique_names,
)
from poregui.domain.records import Micrograph, Plane
from poregui.workflow.editing.micrograph_choice import micrographs_called, one_called
from poregui.workflow.editing.micrograph_edits import name_of
from poregui.workflow.exporting.formats.shapes import file_paths

# Few letters, so that names meet; é in both forms and in both cases.
_WORDS = (
    st.text(st.sampled_from("ab1.é\u0301eE _"), min_size=1, max_size=4)
    .map(str.strip)
    .filter(lambda word: word not in ("", ".", ".."))
)
_PATHS = st.tuples(
    st.sampled_from(["", "../", "/", "C:/"]), st.lists(_WORDS, min_size=1, max_size=4)
).map(lambda made: made[0] + "/".join(made[1]))
_PLANES = st.sampled_from(["", "page=2", "page=2;channel=1"])


def micrograph(number: int, path: str, plane: str = "") -> Micrograph:
    from pathlib import PurePosixPath

    name = name_of(PurePosixPath(path), Plane.parse(plane))  # type: ignore[arg-type]
    return Micrograph(number, path, name, f"{number:064d}", 10, 10, 8, 1, plane=plane)


def called(*paths: str) -> list[str]:
    return [
        one.shown_name
        for one in with_unique_names(micrograph(i, path) for i, path in enumerate(paths, start=1))
    ]


def test_a_name_that_one_alone_has_stands_alone() -> None:
    assert called("../data/S1/a.png", "../data/S1/b.png") == ["a.png", "b.png"]


def test_as_many_folders_stand_before_a_name_as_are_needed() -> None:
    paths = ("A/S1/x.png", "B/S1/x.png", "B/S2/x.png", "B/S2/y.png")
    assert called(*paths) == ["A/S1/x.png", "B/S1/x.png", "S2/x.png", "y.png"]


def test_a_file_beside_the_project_is_told_from_one_of_its_name_in_a_folder() -> None:
    assert called("x.png", "S1/x.png") == ["./x.png", "S1/x.png"]


def test_one_file_twice_is_told_apart_by_number() -> None:
    assert called("S1/x.png", "S1/x.png") == ["./S1/x.png #1", "./S1/x.png #2"]


def test_pages_of_files_of_one_name_keep_their_words() -> None:
    several = [
        micrograph(1, "S1/x.tif", "page=2"),
        micrograph(2, "S2/x.tif", "page=2"),
        micrograph(3, "S2/x.tif"),
    ]
    assert [one.shown_name for one in with_unique_names(several)] == [
        "S1/x.tif, page 2",
        "S2/x.tif, page 2",
        "x.tif",
    ]


def test_a_file_that_was_renamed_shows_what_it_is_called_now_where_names_meet() -> None:
    packed = Named("micrographs/0001_x.png", "x.png"), Named("micrographs/0002_x.png", "x.png")
    assert unique_names(packed) == ["0001_x.png", "0002_x.png"]


def test_unicode_forms_and_case_make_no_difference() -> None:
    composed, taken_apart = (
        unicodedata.normalize("NFC", "é.png"),
        unicodedata.normalize("NFD", "é.png"),
    )
    assert called(f"S1/{composed}", f"S2/{taken_apart}") == [f"S1/{composed}", f"S2/{taken_apart}"]
    assert called("S1/A.png", "S2/a.PNG") == ["S1/A.png", "S2/a.PNG"]


@given(st.lists(st.tuples(_PATHS, _PLANES), min_size=1, max_size=8))
def test_no_two_are_called_alike_and_each_is_found_by_what_it_is_called(
    made: list[tuple[str, str]],
) -> None:
    there = with_unique_names(
        micrograph(i, path, plane) for i, (path, plane) in enumerate(made, start=1)
    )
    assert len({plain(one.shown_name) for one in there}) == len(there)
    for one in there:
        assert one.id in {found.id for found in micrographs_meant(there, one.shown_name)}
        if not one.shown_name.isdecimal():
            assert one_called(there, one.shown_name).id == one.id
        assert one_called(there, f"#{one.id}") == one
        assert one.shown_name.removesuffix(f" #{one.id}").endswith(one.name)


@given(st.lists(_PATHS, min_size=2, max_size=8))
def test_no_folder_stands_before_a_name_that_does_without_it(paths: list[str]) -> None:
    there = with_unique_names(micrograph(i, path) for i, path in enumerate(paths, start=1))
    for one in there:
        _, slash, shorter = one.shown_name.partition("/")
        if slash and not one.shown_name.startswith(("./", "/")) and "#" not in one.shown_name:
            others = [plain(full_name(other)) for other in there if other is not one]
            assert any(f"/{other}".endswith(f"/{plain(shorter)}") for other in others)


@given(st.lists(st.tuples(_PATHS, _PLANES), min_size=1, max_size=8), st.data())
def test_the_end_of_a_path_means_those_that_end_in_it_and_no_other(
    made: list[tuple[str, str]], data: st.DataObject
) -> None:
    there = with_unique_names(
        micrograph(i, path, plane) for i, (path, plane) in enumerate(made, start=1)
    )
    one = data.draw(st.sampled_from(there))
    parts = one.path.strip("/").split("/")
    end = "/".join(parts[data.draw(st.integers(0, len(parts) - 1)) :])
    found = micrographs_meant(there, end)
    assert found
    for other in found:
        assert (
            plain(end).rpartition("/")[2].split(".")[0] in plain(other.path) or str(other.id) == end
        )


@given(st.lists(st.tuples(_PATHS, _PLANES), max_size=8))
def test_files_that_are_called_so_stay_inside_their_folder_and_never_meet(
    made: list[tuple[str, str]],
) -> None:
    there = with_unique_names(
        micrograph(i, path, plane) for i, (path, plane) in enumerate(made, start=1)
    )
    paths = file_paths([one.shown_name for one in there], ".zip")
    assert len({path.as_posix().casefold() for path in paths}) == len(paths)
    assert not any(path.is_absolute() or {".", ".."} & set(path.parts) for path in paths)


SEVERAL = with_unique_names(
    [
        micrograph(1, "../data/S1/image_001.png"),
        micrograph(2, "../data/S2/image_001.png"),
        micrograph(3, "../data/S2/image_001.tif"),
        micrograph(4, "../data/12.png"),
        micrograph(12, "../data/other.png"),
    ]
)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("image_001.png", [1, 2]),
        ("image_001", [1, 2, 3]),
        ("S2/image_001", [2, 3]),
        ("S2/image_001.png", [2]),
        ("s2\\IMAGE_001.PNG", [2]),
        ("../data/S1/image_001.png", [1]),
        ("image_001.tif", [3]),
        ("#12", [12]),
        ("12", [4, 12]),
        ("12.png", [4]),
        ("2/image_001.png", []),
        ("S3/image_001.png", []),
        ("", []),
    ],
)
def test_a_text_means_all_that_it_fits(text: str, ids: list[int]) -> None:
    assert [one.id for one in micrographs_meant(SEVERAL, text)] == ids


def test_several_or_none_is_a_sentence_and_one_is_taken() -> None:
    assert [one.id for one in micrographs_called(SEVERAL, ["#12", "S1/image_001.png"])] == [1, 12]
    with pytest.raises(
        PoreguiError, match=r"'image_001.png' can mean 2 micrographs: S1/image_001.png \(#1\) and"
    ):
        micrographs_called(SEVERAL, ["other.png", "image_001.png"])
    with pytest.raises(
        PoreguiError, match=r"There is no micrograph 'othr.png'. The project has other.png"
    ):
        one_called(SEVERAL, "othr.png")
    with pytest.raises(PoreguiError, match="Import some first"):
        one_called([], "x")


@pytest.mark.parametrize(
    ("path", "other", "count"),
    [
        ("../data/S1/x.png", "/exports/s1/x.RoiSet.zip", 1),
        ("../data/S1/x.png", "D:\\data\\S1\\x.png", 2),
        ("../data/S1/x.png", "x.png", 0),
        ("../S1/x.png", "../S1/x.png", 1),
        ("x.png", "./x.png", 0),
    ],
)
def test_folders_right_above_two_files_are_compared(path: str, other: str, count: int) -> None:
    assert shared_folders(path, other) == count
