"""Name the files of a network so that any process can open the same one; changes with what a network consists of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from poregui.domain.errors import ProjectError
from poregui.store.hashes import file_hash
from poregui.workflow.evaluating.predict import Predictor


@dataclass(frozen=True)
class NetworkFiles:
    """Hold model.onnx and its sidecar, and the hash of their `content`."""

    model: Path
    sidecar: Path
    content: str

    @classmethod
    def of(cls, model: Path, sidecar: Path) -> NetworkFiles:
        """Return the files as they are now."""
        return cls(model, sidecar, _content(model, sidecar))

    def predictor(self) -> Predictor:
        """Return what classifies crops, with one thread; it is opened once in each process.

        Raises ProjectError when the files are damaged, or others than they were.
        """
        return _opened(self)


@lru_cache(maxsize=1)
def _opened(files: NetworkFiles) -> Predictor:
    predictor = Predictor.from_files(files.model, files.sidecar, threads=1)
    if _content(files.model, files.sidecar) != files.content:
        raise ProjectError(f"{files.model} was changed while it was being used.", "Try again.")
    return predictor


def _content(model: Path, sidecar: Path) -> str:
    return file_hash(model) + file_hash(sidecar)
