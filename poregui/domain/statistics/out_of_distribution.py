"""Tell crops that are unlike anything a network was trained on.

The distance is that to the k-th nearest training crop in the input of the network's last layer,
held against what such distances are for crops of the same kind that were not trained on (Y. Sun, Y.
Ming, X. Zhu and Y. Li, Out-of-distribution detection with deep nearest neighbors, ICML 2022,
arXiv:2204.06507; there features are scaled to length 1, here each is standardised by the training
crops).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PENULTIMATE = "penultimate"
"""Name of the output that gives the features."""
NEIGHBOUR = 5
"""Which nearest training crop counts; a single one may be mislabelled or odd itself."""
MOST = 4000
"""Training crops that are kept: more would make the file large and tell little more."""
_KEPT_SHARE = 99.0
"""Per cent of ordinary crops that shall not be called unlike."""
_ENOUGH = 100
"""Crops from which on that per cent can be read off; of fewer the farthest is the limit."""
_FEWEST = 20
"""Training crops below which nothing can be told."""
_FLAT = 0.1
"""Least spread of a feature, in parts of the whole spread: a unit that is silent in training must
not outweigh all.
"""
_BLOCK = 1024

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Reference:
    """Hold what a network was trained on as standardised features of its training crops, (n,
    features) float16.

    `mean` and `spread` (features,) float32 standardise others alike; beyond `limit` a crop is
    unlike all of them. `measured` crops gave that limit.
    """

    mean: Floats
    spread: Floats
    crops: NDArray[np.float16]
    limit: float
    measured: int

    def distances(self, features: NDArray[np.floating[Any]]) -> Floats:
        """Return (m,) distances of (m, features) to the k-th nearest training crop, in standard
        deviations.
        """
        return _distances(
            _standardised(features, self.mean, self.spread),
            self.crops.astype(np.float32),
            NEIGHBOUR,
        )

    def out_of_distribution(self, features: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Return which of (m, features) crops are farther than the limit; features that are no
        number are.
        """
        return np.asarray(~(self.distances(features) <= self.limit), np.bool_)

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dictionary fit for JSON; arrays as base64 of little-endian float16
        or float32.
        """
        return {
            "features": len(self.mean),
            "mean": _text(self.mean.astype("<f4")),
            "spread": _text(self.spread.astype("<f4")),
            "crops": _text(self.crops.astype("<f2")),
            "limit": self.limit,
            "measured": self.measured,
        }

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Reference:
        """Return what `to_json` wrote.

        Raises KeyError, TypeError or ValueError when it is damaged.
        """
        wide = int(values["features"])
        mean, spread = (
            _array(values[name], "<f4").astype(np.float32) for name in ("mean", "spread")
        )
        crops = _array(values["crops"], "<f2").astype(np.float16).reshape(-1, wide)
        limit = float(values["limit"])
        if (
            mean.shape != (wide,)
            or spread.shape != (wide,)
            or not len(crops)
            or not (limit > 0 and (spread > 0).all())
        ):
            raise ValueError("the features of the training crops do not fit together")
        return Reference(mean, spread, crops, limit, int(values["measured"]))


def make_reference(
    features: NDArray[np.floating[Any]], trained: NDArray[np.bool_]
) -> Reference | None:
    """Return the reference of a network from the (n, features) of a run's crops and which of them
    were `trained` on.

    The limit is the 99th percentile of the distances of the others, the farthest of them where they
    are fewer than 100; with fewer than 20 others it is that of training crops to the other training
    crops, which lie nearer. None with fewer than 20 training crops, or when nothing differs between
    them.
    """
    own = np.asarray(features[trained], np.float32)
    if len(own) < _FEWEST:
        return None
    own = own[np.unique(np.linspace(0, len(own) - 1, min(len(own), MOST)).astype(np.int64))]
    mean = own.mean(axis=0)
    spread = own.std(axis=0)
    whole = float(np.sqrt(np.mean(spread.astype(np.float64) ** 2)))
    if not 0 < whole < np.inf:
        return None
    spread = np.maximum(spread, np.float32(_FLAT * whole))
    crops = _standardised(own, mean, spread).astype(np.float16)
    known = crops.astype(np.float32)
    held = np.asarray(features[~trained], np.float32)
    if len(held) >= _FEWEST:
        far = _distances(_standardised(held, mean, spread), known, NEIGHBOUR)
    else:
        far = _distances(known, known, NEIGHBOUR + 1)  # each is its own nearest
    limit = float(np.percentile(far, _KEPT_SHARE) if len(far) >= _ENOUGH else far.max())
    if 0 < limit < np.inf:
        return Reference(mean, spread, crops, limit, len(far))
    return None


def _standardised(features: NDArray[np.floating[Any]], mean: Floats, spread: Floats) -> Floats:
    return np.asarray((np.asarray(features, np.float32) - mean) / spread, np.float32)


def _distances(rows: Floats, known: Floats, neighbour: int) -> Floats:
    """Return (m,) Euclidean distances of (m, features) rows to their k-th
    nearest of (n, features).
    """
    index = min(neighbour, len(known)) - 1
    lengths = (known * known).sum(axis=1)
    found = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        squared = (block * block).sum(axis=1)[:, None] - 2 * (block @ known.T) + lengths
        found[start : start + _BLOCK] = np.sqrt(
            np.maximum(np.partition(squared, index, axis=1)[:, index], 0.0)
        )
    return found


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _array(text: str, kind: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text, validate=True), kind)
