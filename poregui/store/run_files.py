"""Read, seal and check what stands in the files of a run, whatever damage they have.

Each parser is given the content of a file and raises one of `BROKEN` for what no run writes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from poregui.domain.checked import as_list, check_predictions, mapping, maybe, text, whole
from poregui.domain.dataset import SPLITS, Dataset
from poregui.domain.evaluation import Prediction
from poregui.domain.events import Event, from_line, to_line
from poregui.store.files import (
    explain_write_error,
    is_link,
    open_plain,
    open_to_append,
    replace_file,
)

BROKEN = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    EOFError,
    NotImplementedError,
    csv.Error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading damaged content can raise, whatever it holds."""
MOST_BYTES = 2 << 30
"""No file that is read as a whole is larger."""
MOST_UNFOLDED = 512 << 20
"""No packed file unfolds to more, unless it is as large itself."""


def size_of(path: Path) -> int:
    """Return the size of a file in bytes.

    Raises FileNotFoundError, and OSError for what is no plain file, such as a link.
    """
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise OSError("no plain file")
    return found.st_size


def read_whole(path: Path, *, follow: bool = False) -> bytes:
    """Return the content of a file; `follow` links only where a person named it.

    Raises FileNotFoundError, OSError for what is no plain file or cannot be read, ValueError for
    what is too large.
    """
    with open_plain(path, follow=follow) as file:
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            raise ValueError("too large")
        return file.read()


def parse_json(content: bytes) -> Any:
    """Return what JSON text says.

    Raises one of BROKEN for anything else, also for numbers that are not finite.
    """
    return json.loads(content.decode("utf-8"), parse_constant=_no_number)


def csv_rows(content: bytes) -> list[list[str]]:
    """Return the rows of a CSV file that ends with a line end.

    Raises one of BROKEN for anything else.
    """
    if not content.endswith(b"\n"):
        raise ValueError("cut short")
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


_FORMAT = 1


@dataclass(frozen=True)
class SealedFile:
    """Hold size in bytes and SHA-256 of a file as its run left it, `rows` below the heading of a
    table.
    """

    size: int
    sha256: str
    rows: int | None = None

    def fault(self, content: bytes) -> str:
        """Say in what way content is not that of the file, empty where it is."""
        if len(content) == self.size and hashlib.sha256(content).hexdigest() == self.sha256:
            return ""
        rows = rows_in(content)
        if self.rows is not None and rows != self.rows:
            return f"has {rows} of {self.rows} rows"
        return "is not as the run left it"

    def fault_of_size(self, size: int) -> str:
        """Say the same from the size alone."""
        if size == self.size:
            return ""
        return "is not as the run left it"


Seal = dict[str, SealedFile]


def make_seal(folder: Path, names: Iterable[str]) -> dict[str, Any]:
    """Return what results.json holds: what each of these files is, as far as they are there."""
    files = {}
    for name in names:
        path = folder / name
        if path.is_file() and not is_link(path):
            files[name] = _described(path)
    return {"format": _FORMAT, "files": files}


def _described(path: Path) -> dict[str, Any]:
    with open(path, "rb") as content:
        described: dict[str, Any] = {"sha256": hashlib.file_digest(content, "sha256").hexdigest()}
    described["bytes"] = path.stat().st_size
    if path.suffix == ".csv":
        described["rows"] = rows_in(path.read_bytes())
    return described


def parse_seal(content: bytes) -> Seal:
    """Return what results.json says. Raises one of BROKEN when it is damaged."""
    values = mapping(parse_json(content))
    whole(values["format"], low=1)
    return {name: _sealed(mapping(entry)) for name, entry in mapping(values["files"]).items()}


def _sealed(entry: dict[str, Any]) -> SealedFile:
    rows = maybe(partial(whole))(entry.get("rows"))
    return SealedFile(whole(entry["bytes"]), text(entry["sha256"]), rows)


def rows_in(content: bytes) -> int:
    """Return how many lines stand below the heading of a table."""
    return max(0, content.count(b"\n") - 1)


def parse_folds(content: bytes) -> list[list[int]]:
    """Return the crop ids that each fold tests."""
    folds = as_list(mapping(parse_json(content))["folds"], lambda fold: as_list(fold, whole))
    if not folds or not all(folds):
        raise ValueError("an empty fold")
    return folds


def parse_predictions(content: bytes, dataset: Dataset) -> list[Prediction]:
    """Return the predictions for crops of a dataset, each of another crop."""
    header, *rows = csv_rows(content)
    if len(header) != len(dataset.classes) + 3 or not all(row[1] in SPLITS for row in rows):
        raise ValueError("no table of predictions")
    ids = [int(row[0]) for row in rows]
    shares = np.array([[float(p) for p in row[3:]] for row in rows], np.float64)
    shares = shares.reshape(len(ids), len(dataset.classes))
    check_predictions(ids, shares, {crop.crop_id for crop in dataset.crops})
    return [
        Prediction(crop_id, tuple(row)) for crop_id, row in zip(ids, shares.tolist(), strict=True)
    ]


def parse_shapes(
    content: bytes, dataset: Dataset
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.float64]]:
    """Return column names, (n,) ids of all crops of a dataset and their (n, columns) numbers, NaN
    where unknown.
    """
    header, *rows = csv_rows(content)
    if len(header) < 2 or len(set(header)) != len(header):
        raise ValueError("no column of numbers")
    ids = np.array([int(row[0]) for row in rows], np.int64)
    values = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows], np.float64)
    if (
        sorted(ids.tolist()) != sorted(crop.crop_id for crop in dataset.crops)
        or np.isinf(values).any()
    ):
        raise ValueError("not the crops of the dataset")
    return tuple(header[1:]), ids, values.reshape(len(rows), len(header) - 1)


def parse_features(content: bytes, crops: int) -> NDArray[np.float32]:
    """Return (crops, features) float32."""
    features = parse_array(content)
    if features.dtype != np.float32 or features.ndim != 2 or len(features) != crops:
        raise ValueError("no features of these crops")
    if not np.isfinite(features).all():
        raise ValueError("features that are no numbers")
    return features


def parse_array(content: bytes) -> NDArray[Any]:
    """Return the array of a .npy file, whose head may not ask for more than the file holds."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError("no array of this version")
    if version == (1, 0):
        read_header = np.lib.format.read_array_header_1_0
    else:
        read_header = np.lib.format.read_array_header_2_0
    shape, _, kind = read_header(stream)
    if kind.hasobject or math.prod(shape) * kind.itemsize != len(content) - stream.tell():
        raise ValueError("not what its head says")
    stream.seek(0)
    return np.asarray(np.load(stream, allow_pickle=False))


def read_arrays(path: Path, most: int = MOST_UNFOLDED) -> dict[str, NDArray[Any]]:
    """Return the arrays of a .npz file of this program by name.

    Raises one of BROKEN for anything else, and before anything is unfolded where all together
    would be more than `most` bytes and more than the file itself.
    """
    with open_plain(path) as file, zipfile.ZipFile(file) as packed:
        entries = packed.infolist()
        size = sum(entry.file_size for entry in entries)
        if size > max(most, os.fstat(file.fileno()).st_size):
            raise ValueError("unfolds to more than it may")
        if len({entry.filename for entry in entries}) != len(entries):
            raise ValueError("a name stands in it twice")
        return {
            entry.filename.removesuffix(".npy"): parse_array(unfolded(packed, entry))
            for entry in entries
        }


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays by name, compressed, beside a file and then in its place."""

    def write(beside: Path) -> None:
        with open(beside, "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    replace_file(path, write)


def unfolded(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return the content of a member of a zip file, never more than its head says.

    `ZipFile.read` unfolds all that is there before it looks at that. Raises one of BROKEN.
    """
    with packed.open(entry) as member:
        content = member.read(entry.file_size)
        if len(content) != entry.file_size or member.read(1):
            raise ValueError("not what its head says")
    return content


_TAIL = 1 << 16
_LONGEST_LINE = 1 << 22


class EventWriter:
    """Append events to a file, each line forced out at once."""

    def __init__(self, path: Path) -> None:
        try:
            self._out: IO[str] = io.TextIOWrapper(open_to_append(path), encoding="utf-8")
        except OSError as error:
            raise explain_write_error(error, path) from error

    def write(self, event: Event) -> None:
        """Append one event."""
        self._out.write(to_line(event) + "\n")
        self._out.flush()

    def close(self) -> None:
        """Force everything to disk and close."""
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()


def read_events(path: Path) -> Iterator[Event]:
    """Yield the events of a file; nothing when it is no file or holds none."""
    try:
        with io.TextIOWrapper(open_plain(path), encoding="utf-8", errors="replace") as lines:
            while line := lines.readline(_LONGEST_LINE):
                event = from_line(line)
                if event is not None:
                    yield event
    except OSError:
        return


def last_event(path: Path) -> Event | None:
    """Return the last event of a file, read from its end; None when it is no file or holds none."""
    try:
        size = size_of(path)
        with open_plain(path) as content:
            content.seek(max(0, size - _TAIL))
            lines = content.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        event = from_line(line)
        if event is not None:
            return event
    if size <= _TAIL:
        return None
    last = None
    for event in read_events(path):
        last = event
    return last


_BESIDE = re.compile(r"\..+\.[0-9a-f]{8}(\..*)?")


def remove_leftovers(folder: Path) -> None:
    """Remove files of `replace_file` whose writer was killed; only for who alone writes in the
    folder.
    """
    for path in folder.iterdir():
        if _BESIDE.fullmatch(path.name):
            path.unlink(missing_ok=True)
