"""Say what the tables of a run hold; changes with what they look like.

Each function is given the content of a file and raises one of `damage.BROKEN` for what no run writes.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from poregui.domain.checked import listed, mapping, whole
from poregui.domain.dataset import Dataset
from poregui.domain.evaluation import Prediction
from poregui.domain.run_values import check_answers
from poregui.store.damage import csv_rows, parse_json

_VARINT, _BYTES, _GRAPH = 0, 2, 7
"""Kinds of fields in protobuf, and the number of the field of an ONNX model that holds its graph."""
_PARTS = ("train", "validation", "test")


def parse_folds(content: bytes) -> list[list[int]]:
    """Return the crop ids that each fold tests."""
    folds = listed(mapping(parse_json(content))["folds"], lambda fold: listed(fold, whole))
    if not folds or not all(folds):
        raise ValueError("an empty fold")
    return folds


def parse_predictions(content: bytes, dataset: Dataset) -> list[Prediction]:
    """Return the answers for crops of a dataset, each of another crop."""
    header, *rows = csv_rows(content)
    if len(header) != len(dataset.classes) + 3 or not all(row[1] in _PARTS for row in rows):
        raise ValueError("no table of predictions")
    ids = [int(row[0]) for row in rows]
    shares = np.array([[float(p) for p in row[3:]] for row in rows], np.float64)
    shares = shares.reshape(len(ids), len(dataset.classes))
    check_answers(ids, shares, {crop.crop_id for crop in dataset.crops})
    return [Prediction(crop_id, tuple(row)) for crop_id, row in zip(ids, shares.tolist(), strict=True)]


def parse_shapes(content: bytes, dataset: Dataset) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.float64]]:
    """Return column names, (n,) ids of all crops of a dataset and their (n, columns) numbers, NaN where unknown."""
    header, *rows = csv_rows(content)
    if len(header) < 2 or len(set(header)) != len(header):
        raise ValueError("no column of numbers")
    ids = np.array([int(row[0]) for row in rows], np.int64)
    values = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows], np.float64)
    if sorted(ids.tolist()) != sorted(crop.crop_id for crop in dataset.crops) or np.isinf(values).any():
        raise ValueError("not the crops of the dataset")
    return tuple(header[1:]), ids, values.reshape(len(rows), len(header) - 1)


def parse_features(content: bytes, crops: int) -> NDArray[np.float32]:
    """Return (crops, features) float32."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError("no array of this version")
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read_header(stream)
    if kind != np.float32 or len(shape) != 2 or shape[0] != crops:
        raise ValueError("no features of these crops")
    if shape[0] * shape[1] * kind.itemsize != len(content) - stream.tell():
        raise ValueError("cut short")
    stream.seek(0)
    features = np.asarray(np.load(stream, allow_pickle=False), np.float32)
    if not np.isfinite(features).all():
        raise ValueError("features that are no numbers")
    return features


def check_network(content: bytes) -> bytes:
    """Return the content of an ONNX file whose outermost fields are whole, a graph among them."""
    place, graph = 0, False
    while place < len(content):
        tag, place = _varint(content, place)
        field, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _, place = _varint(content, place)
        elif kind == _BYTES:
            size, place = _varint(content, place)
            place += size
            graph = graph or field == _GRAPH
        else:
            raise ValueError("no field of a network")
    if place != len(content) or not graph:
        raise ValueError("cut short")
    return content


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """Return a number of protobuf's own kind and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("no number")
