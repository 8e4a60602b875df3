"""Hold that nothing packed unfolds to more than it says and may, and that lost pixels are told."""

from __future__ import annotations

import io
import json
import sqlite3
import tracemalloc
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import grey, labelled_project

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.recipe import Recipe
from poregui.learning import checkpoint
from poregui.store.pixels import MOST_CROP_BYTES, CropPixels, PixelStore, make_pixels
from poregui.store.project import Project
from poregui.store.run_files import BROKEN, read_arrays
from poregui.workflow.applying.overlay import read_image
from poregui.workflow.applying.sensitivity import read_sensitivity
from poregui.workflow.suggesting.suggestion_features import CropFeatures, SeenCrop
from poregui.workflow.training.prepare_dataset import freeze

BOMB = 300 << 20
"""Bytes of zeros that pack into a thousandth."""
LITTLE = 30 << 20
"""More than any test here may have in memory, and far less than the bomb."""


@pytest.fixture(scope="module")
def bomb() -> bytes:
    packer = zlib.compressobj(9)
    splits = [packer.compress(bytes(1 << 20)) for _ in range(BOMB >> 20)]
    return b"".join([*splits, packer.flush()])


DAMAGES: dict[str, dict[str, Any]] = {
    "bomb for a small crop": {},
    "bomb for a crop as large": {"height": BOMB >> 10, "width": 1 << 10},
    "endless crop": {"height": 2**40, "width": 2**40},
    "no rows": {"height": 0},
    "negative": {"height": -9, "width": -9},
    "text for a width": {"width": "wide"},
    "two channels": {"channels": 2},
    "a million channels": {"channels": 10**6},
    "7 bits": {"bits": 7},
    "64 bits": {"bits": 64},
    "no grey": {"grey_low": "dark"},
    "infinite grey": {"grey_high": 9e999},
    "nothing": {"content": b""},
    "text": {"content": "words"},
    "cut": {"content": zlib.compress(bytes(400))[:-6]},
    "one byte less": {"content": zlib.compress(bytes(399))},
    "one byte more": {"content": zlib.compress(bytes(401))},
}


@pytest.mark.parametrize("how", DAMAGES)
def test_pixels_that_are_not_what_they_say_are_a_sentence_before_they_are_unfolded(
    tmp_path: Path, bomb: bytes, how: str
) -> None:
    make_pixels(tmp_path / "pixels.db")
    row = {
        "sha256": "key",
        "height": 20,
        "width": 20,
        "channels": 1,
        "bits": 8,
        "grey_low": 0.0,
        "grey_high": 255.0,
        "content": bomb,
        **DAMAGES[how],
    }
    with sqlite3.connect(tmp_path / "pixels.db") as database:
        database.execute(
            f"INSERT INTO pixels ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
            tuple(row.values()),
        )
    database.close()
    store = PixelStore(tmp_path / "pixels.db", read_only=True)
    tracemalloc.start()
    try:
        with pytest.raises(ProjectError, match="is damaged"):
            store.get("key")
        with pytest.raises(ProjectError, match="is damaged"):
            list(store.get_many(["key"]))
        assert tracemalloc.get_traced_memory()[1] < LITTLE
    finally:
        tracemalloc.stop()
        store.close()


def test_a_crop_that_could_not_be_read_again_is_not_kept(tmp_path: Path) -> None:
    make_pixels(tmp_path / "pixels.db")
    store = PixelStore(tmp_path / "pixels.db", read_only=False)
    large = np.broadcast_to(np.uint8(0), (MOST_CROP_BYTES // 1000, 1001))
    with pytest.raises(ProjectError, match="is too large"):
        store.add(CropPixels(large, 0.0, 255.0))
    store.close()


def test_a_training_never_begins_with_pixels_of_another_size_than_their_crop(
    tmp_path: Path,
) -> None:
    with labelled_project(tmp_path / "pores", specimens=5, per_class=2) as project:
        key = project.pixels.add(CropPixels(np.zeros((300, 300), np.uint8), 0.0, 255.0))
        with sqlite3.connect(tmp_path / "pores" / "project.db") as database:
            database.execute("UPDATE crops SET pixels = ? WHERE id = 3", (key,))
        database.close()
        with pytest.raises(PoreguiError, match="not of the size"):
            freeze(project, Recipe())
        assert list((tmp_path / "pores" / "runs").iterdir()) == []


def _npz(members: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", how) as packed:
        for name, member in members.items():
            packed.writestr(name, member)
    return content.getvalue()


def _npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def _head(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    head = io.BytesIO()
    received = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, received)
    return head.getvalue()


def _said_less(content: bytes) -> bytes:
    """Return a zip file whose first member is said to unfold to 400 bytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        size = packed.infolist()[0].file_size.to_bytes(4, "little")
    return content.replace(size, (400).to_bytes(4, "little"))


ZEROS = bytes(64 << 20)
ARCHIVES: dict[str, bytes] = {
    "a bomb": _npz({f"{name}.npy": _head((len(ZEROS),)) + ZEROS for name in range(9)}),
    "a bomb that says it is small": _said_less(_npz({"keys.npy": _head((len(ZEROS),)) + ZEROS})),
    "a head that asks for an exabyte": _npz({"keys.npy": _head((2**60,)) + b"\0" * 9}),
    "a head that asks for less": _npz({"keys.npy": _head((3,)) + b"\0" * 9}),
    "objects": _npz({"keys.npy": _head((1,), "|O") + b"cos\nsystem\n(S'true'\ntR."}),
    "a name twice": _npz({"keys.npy": _npy(np.zeros(3)), "values.npy": _npy(np.zeros(3))}).replace(
        b"values.npy", b"keys.npy\0\0"
    ),
    "no arrays": _npz({"../../keys.npy": b"words"}),
    "cut": _npz({"keys.npy": _npy(np.zeros(300))})[:-40],
    "text": b"words",
    "empty": b"",
}


@pytest.mark.parametrize("how", ARCHIVES)
def test_packed_arrays_that_are_not_what_they_say_are_taken_for_none(
    tmp_path: Path, how: str
) -> None:
    file = tmp_path / "kept.npz"
    file.write_bytes(ARCHIVES[how])
    tracemalloc.start()
    try:
        with pytest.raises(BROKEN):
            read_arrays(file, 100 << 20)
        assert tracemalloc.get_traced_memory()[1] < LITTLE
        for name in ("picture.npz", "sensitivity.npz"):
            (tmp_path / name).write_bytes(ARCHIVES[how])
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache" / "crop-numbers-1.npz").write_bytes(ARCHIVES[how])
        assert checkpoint.read(file) is None
        assert read_image(tmp_path) is None
        assert read_sensitivity(tmp_path) is None
        assert not CropFeatures(tmp_path).has(SeenCrop("key"))
    finally:
        tracemalloc.stop()


# ---- pixels that are lost -------------------------------------------------------------------


def test_opening_a_project_without_pixels_makes_none_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pores"
    with labelled_project(folder, specimens=2, per_class=2) as project:
        crops = len(project.crops())
        key = project.crops()[0].pixels
    (folder / "pixels.db").unlink()
    for read_only in (True, False):
        with Project.open(folder, read_only=read_only) as project:
            assert len(project.labels()) == crops
            assert project.crops_without_pixels() == crops
            with pytest.raises(ProjectError, match=r"pixels\.db no longer exists"):
                project.pixels.get(key)
            with pytest.raises(PoreguiError):
                project.pixels.add(CropPixels(grey(1), 0.0, 255.0))
    assert main(["info", str(folder)]) == 0
    assert f"the pixels of {crops} crops" in capsys.readouterr().err
    assert not (folder / "pixels.db").exists()


@pytest.mark.parametrize(
    "text",
    [
        ["suggest"],
        ["train", "--epochs", "1"],
        ["split"],
        ["export", "out", "--format", "folders"],
        ["export", "out.csv", "--format", "csv"],
        ["export", "out.pdf", "--format", "contact-sheets"],
        ["measure", "out.csv"],
        ["micrographs"],
    ],
    ids=" ".join,
)
def test_every_verb_on_a_project_without_pixels_ends_with_a_sentence_and_makes_none(
    tmp_path: Path, text: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pores"
    with labelled_project(folder, specimens=5, per_class=2):
        pass
    (folder / "pixels.db").unlink()
    verb, *rest = [word.replace("out", str(tmp_path / "out")) for word in text]
    assert main([verb, str(folder), *rest]) in (0, 2)
    assert "Traceback" not in "".join(capsys.readouterr())
    assert not (folder / "pixels.db").exists()


def test_a_project_without_pixels_is_not_packed_as_a_whole_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pores"
    with labelled_project(folder, specimens=2, per_class=2) as project:
        lost = project.crops()[0].pixels
    with sqlite3.connect(folder / "pixels.db") as database:
        database.execute("DELETE FROM pixels WHERE sha256 = ?", (lost,))
    database.close()
    assert main(["pack", str(folder), str(tmp_path / "a.zip"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["without_pixels"] == 1
    (folder / "pixels.db").unlink()
    assert main(["pack", str(folder), str(tmp_path / "b.zip")]) == 2
    assert "pixels.db is missing" in capsys.readouterr().err
    assert not (tmp_path / "b.zip").exists()
