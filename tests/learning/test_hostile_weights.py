"""Hold that only numbers are taken from the file of weights of a run that is finished later."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from run_folders import make_run, small_recipe

from poregui.domain.errors import DamagedRunError
from poregui.learning import networks, trained_network
from poregui.learning.batches import load
from poregui.store.run_folder import RunFolder

WEIGHTS = "model.weights.h5"


def fresh(folder: RunFolder) -> keras.Model:
    """Return the network of a run without its weights."""
    dataset = folder.read_dataset()
    recipe = folder.read_recipe()
    spec = networks.input_spec_of(recipe, dataset)
    crops = load(folder, dataset.split("train"), spec)
    classes = len(dataset.classes)
    return networks.without_weights(recipe, spec, classes, crops.sizes, crops.shapes)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = make_run(tmp_path_factory.mktemp("weights") / "001", small_recipe(), crops=24)
    keras.utils.set_random_seed(3)
    model = fresh(folder)
    model.set_weights([np.random.default_rng(1).random(one.shape) for one in model.get_weights()])
    trained_network.save_model(folder, model)
    return folder


@pytest.fixture
def folder(pattern: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(pattern.path, tmp_path / "001"))


def rewrite(folder: RunFolder, change: Callable[[dict[str, bytes]], None], how: int = 0) -> None:
    """Write model.keras anew with other members."""
    with zipfile.ZipFile(folder.model_file) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    change(members)
    with zipfile.ZipFile(folder.model_file, "w", how) as packed:
        for name, content in members.items():
            packed.writestr(name, content)


def weights(change: Callable[[Any], None]) -> Callable[[dict[str, bytes]], None]:
    """Return the change of members that changes the weights."""

    def work(members: dict[str, bytes]) -> None:
        content = io.BytesIO(members[WEIGHTS])
        with h5py.File(content, "r+") as file:
            change(file)
        members[WEIGHTS] = content.getvalue()

    return work


def in_the_place_of_numbers(make: Callable[[Any, str], None]) -> Callable[[Any], None]:
    """Return the change of weights that puts something else in the place of the first numbers."""

    def change(file: Any) -> None:
        found: list[str] = []
        file.visititems(
            lambda name, one: found.append(name) if isinstance(one, h5py.Dataset) else None
        )
        parent, _, name = found[0].rpartition("/")
        del file[parent][name]
        make(file[parent], name)

    return change


def _soft(group: Any, name: str) -> None:
    group[name] = h5py.SoftLink("/layers")


def _other_file(group: Any, name: str) -> None:
    group[name] = h5py.ExternalLink("/etc/passwd", "/")


def _raw_file(group: Any, name: str) -> None:
    group.create_dataset(name, (10,), "u1", external=[("/etc/passwd", 0, 10)])


def _virtual(group: Any, name: str) -> None:
    layout = h5py.VirtualLayout((10,), "f4")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "a", (10,))
    group.create_virtual_dataset(name, layout)


def _bomb(group: Any, name: str) -> None:
    group.create_dataset(name, (2**30,), "f4", chunks=(2**20,), compression="gzip")


def _endless(group: Any, name: str) -> None:
    group.create_dataset(name, (2**40,), "f4", chunks=(2**20,))


def _texts(group: Any, name: str) -> None:
    group.create_dataset(name, data=["words"])


def _another_shape(group: Any, name: str) -> None:
    group.create_dataset(name, data=np.zeros((7, 7), np.float32))


def _round(group: Any, name: str) -> None:
    group[name] = group


FAULTS: dict[str, Callable[[dict[str, bytes]], None]] = {
    **{
        make.__name__.strip("_").replace("_", " "): weights(in_the_place_of_numbers(make))
        for make in (
            *(_soft, _other_file, _raw_file, _virtual, _bomb),
            *(_endless, _texts, _another_shape, _round),
        )
    },
    "no weights": lambda members: members.pop(WEIGHTS),
    "words": lambda members: members.update({WEIGHTS: b"words"}),
    "cut": lambda members: members.update({WEIGHTS: members[WEIGHTS][:-2000]}),
}


@pytest.mark.parametrize("how", FAULTS)
def test_weights_that_are_more_than_numbers_within_the_file_are_damage(
    folder: RunFolder, how: str
) -> None:
    rewrite(folder, FAULTS[how])
    with pytest.raises(DamagedRunError, match=r"model\.keras is damaged"):
        trained_network.with_weights_of(folder, fresh(folder))


@pytest.mark.parametrize("content", [b"", b"words", b"PK\x05\x06" + bytes(18)])
def test_a_file_of_weights_that_is_none_is_damage(folder: RunFolder, content: bytes) -> None:
    folder.model_file.write_bytes(content)
    with pytest.raises(DamagedRunError, match=r"model\.keras is damaged"):
        trained_network.with_weights_of(folder, fresh(folder))


def test_a_file_of_weights_that_unfolds_or_is_a_link_is_damage(
    folder: RunFolder, tmp_path: Path
) -> None:
    rewrite(
        folder, lambda members: members.update({WEIGHTS: bytes(64 << 20)}), zipfile.ZIP_DEFLATED
    )
    with pytest.raises(DamagedRunError):
        trained_network.with_weights_of(folder, fresh(folder))
    folder.model_file.replace(tmp_path / "model.keras")
    folder.model_file.symlink_to(tmp_path / "model.keras")
    with pytest.raises(DamagedRunError):
        trained_network.with_weights_of(folder, fresh(folder))


CODE = {
    "a Lambda": {"module": "keras.layers", "class_name": "Lambda", "config": {"function": "x"}},
    "a foreign module": {"module": "antigravity", "class_name": "geohash", "config": {}},
    "a bomb of shapes": {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {"units": 2**40, "name": "dense"},
    },
}


@pytest.mark.parametrize("how", CODE)
def test_what_the_file_says_of_layers_is_never_read(
    folder: RunFolder, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the description of layers was read")

    def change(members: dict[str, bytes]) -> None:
        received = json.loads(members["config.json"])
        received["config"]["layers"] = [CODE[how]]
        members["config.json"] = json.dumps(received).encode()

    wanted = trained_network.load_model(folder).get_weights()
    rewrite(folder, change)
    monkeypatch.setattr(keras.saving, "load_model", refuse)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", refuse)
    found = trained_network.with_weights_of(folder, fresh(folder)).get_weights()
    assert len(found) == len(wanted)
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))
