"""Lay out a run folder: what a training was given and what it made, complete in itself."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from poregui.domain.checked import check_baseline, check_metrics, check_sidecar, mapping
from poregui.domain.dataset import Dataset, DatasetCrop, SplitName, dataset_from_json
from poregui.domain.errors import DamagedRunError, PoreguiError, ProjectError
from poregui.domain.evaluation import Prediction
from poregui.domain.events import FINAL, Event, Finished, Interrupted
from poregui.domain.recipe import Recipe, recipe_from_json
from poregui.store.files import (
    NO_LINKS,
    FileLock,
    explain_write_error,
    harmless,
    is_link,
    is_locked,
    open_plain,
    replace_file,
    write_csv,
    write_json,
)
from poregui.store.network_files import check_network
from poregui.store.run_files import (
    BROKEN,
    EventWriter,
    Seal,
    last_event,
    make_seal,
    parse_features,
    parse_folds,
    parse_json,
    parse_predictions,
    parse_seal,
    parse_shapes,
    read_events,
    read_whole,
    size_of,
)

T = TypeVar("T")
_LONGEST_NUMBER = 9


class RunFolder:
    """Read and write the files of one run.

    recipe.json, dataset.json and crops.bin are written once by the freeze; events.jsonl grows while
    the trainer works; all that a training makes appears whole, and results.json, which says what
    each of these files is, last.

    Every method that reads raises DamagedRunError, and nothing else, for a file that is missing or
    holds anything that no run writes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe_file = path / "recipe.json"
        self.dataset_file = path / "dataset.json"
        self.crops_file = path / "crops.bin"
        self.folds_file = path / "folds.json"
        self.events_file = path / "events.jsonl"
        self.lock_file = path / "trainer.lock"
        self.log_file = path / "trainer.log"
        self.model_file = path / "model.keras"
        self.checkpoint_file = path / "checkpoint.npz"
        self.onnx_file = path / "model.onnx"
        self.sidecar_file = path / "model.json"
        self.predictions_file = path / "predictions.csv"
        self.metrics_file = path / "metrics.json"
        self.shapes_file = path / "shapes.csv"
        self.baseline_file = path / "baseline.json"
        self.features_file = path / "features.npy"
        self.trained_file = path / "trained.json"
        self.seal_file = path / "results.json"
        self.notes_file = path / "notes.json"

    @property
    def number(self) -> int:
        """Return the number that names the folder, 0 for a folder with another name."""
        if self.path.name.isdigit():
            return int(self.path.name)
        return 0

    @property
    def is_link(self) -> bool:
        """Tell whether the folder is a link to another one, which is not followed."""
        return is_link(self.path)

    @property
    def _sealed(self) -> tuple[Path, ...]:
        """Return the files that a seal names, as far as they are there."""
        return (
            *(self.recipe_file, self.dataset_file, self.crops_file, self.folds_file),
            *(self.model_file, self.onnx_file, self.sidecar_file, self.predictions_file),
            *(self.metrics_file, self.shapes_file, self.baseline_file, self.features_file),
            self.trained_file,
        )

    @property
    def files_to_share(self) -> tuple[Path, ...]:
        """Return the files that go with a run to others: no locks, logs and checkpoints."""
        return (*self._sealed, self.events_file, self.seal_file, self.notes_file)

    @property
    def has_network(self) -> bool:
        """Tell whether the run left an exported network and what belongs to it."""
        there = (self.onnx_file.is_file(), self.sidecar_file.is_file())
        return all(there) and not self.is_link

    @property
    def left_network(self) -> bool:
        """Tell whether the run left a part of a network at least, or said when it finished that it
        did.
        """
        try:
            return self._expected(self.onnx_file) or self._expected(self.sidecar_file)
        except DamagedRunError:
            return True

    # ---- the door ---------------------------------------------------------------------------

    def read(self, path: Path, parse: Callable[[bytes], T]) -> T:
        """Return what a file of this run says, held against the seal.

        Raises DamagedRunError when it is missing, is not as the run left it, or `parse` raises one
        of BROKEN.
        """
        try:
            self._refuse_link()
            content = read_whole(path)
            sealed = (self.read_seal() or {}).get(path.name)
            fault = sealed.fault(content) if sealed is not None else ""
            if fault:
                raise self.damaged(path, fault)
            return parse(content)
        except DamagedRunError:
            raise
        except FileNotFoundError as error:
            raise self.damaged(path, "is missing") from error
        except (PoreguiError, *BROKEN) as error:
            raise self.damaged(path) from error

    def require(self, path: Path, minimum: int = 1) -> None:
        """Raise DamagedRunError unless a file is there, is as large as the run left it, and at
        least so large.
        """
        self._refuse_link()
        try:
            size = size_of(path)
        except FileNotFoundError as error:
            raise self.damaged(path, "is missing") from error
        except OSError as error:
            raise self.damaged(path) from error
        sealed = (self.read_seal() or {}).get(path.name)
        fault = sealed.fault_of_size(size) if sealed is not None else ""
        if fault or size < minimum:
            raise self.damaged(path, fault or "is damaged")

    def _refuse_link(self) -> None:
        if self.is_link:
            raise self.damaged(self.path, NO_LINKS)

    def damaged(self, path: Path, fault: str = "is damaged") -> DamagedRunError:
        """Return the error for a file of this run."""
        return DamagedRunError(self.path.name, f"{path.name} {fault}")

    def read_seal(self) -> Seal | None:
        """Return what each file was when the run finished; None for a run of an older version, or
        without results.
        """
        if not os.path.lexists(self.seal_file):
            return None
        try:
            return parse_seal(read_whole(self.seal_file))
        except BROKEN as error:
            raise self.damaged(self.seal_file) from error

    def write_seal(self) -> None:
        """Write results.json, when all results are there."""
        write_json(self.seal_file, make_seal(self.path, [path.name for path in self._sealed]))

    def break_seal(self) -> None:
        """Remove results.json, before the first of its files is written anew."""
        try:
            self.seal_file.unlink(missing_ok=True)
        except OSError as error:
            raise explain_write_error(error, self.seal_file) from error

    def _expected(self, path: Path) -> bool:
        """Tell whether a file that not every run has is there, or was there when
        the run finished.
        """
        return os.path.lexists(path) or (
            os.path.lexists(self.seal_file) and path.name in (self.read_seal() or {})
        )

    # ---- what a training was given ----------------------------------------------------------

    def read_recipe(self) -> Recipe:
        """Return the recipe."""
        return self.read(
            self.recipe_file, lambda content: recipe_from_json(mapping(parse_json(content)))
        )

    def read_dataset(self) -> Dataset:
        """Return the dataset."""
        return self.read(self.dataset_file, lambda content: dataset_from_json(parse_json(content)))

    def read_crops(self, crops: Iterable[DatasetCrop]) -> Iterator[NDArray[Any]]:
        """Yield the pixels of crops in their order."""
        self.require(self.crops_file)
        try:
            with open_plain(self.crops_file) as pixels:
                for crop in crops:
                    pixels.seek(crop.offset)
                    content = pixels.read(crop.nbytes)
                    if len(content) != crop.nbytes:
                        raise self.damaged(self.crops_file)
                    shape = (crop.height, crop.width) + (
                        (crop.channels,) if crop.channels > 1 else ()
                    )
                    yield np.frombuffer(content, "u1" if crop.bits == 8 else "<u2").reshape(shape)
        except (OSError, MemoryError, OverflowError) as error:
            raise self.damaged(self.crops_file) from error

    def write_dataset(
        self, recipe: Recipe, dataset: Dataset, pixels: Iterable[NDArray[Any]]
    ) -> None:
        """Write recipe, dataset and the pixels of its crops in their order; dataset.json last, as
        the seal.

        Raises ProjectError, with nothing written, where the disk has no room for them.
        """
        if sum(crop.nbytes for crop in dataset.crops) > shutil.disk_usage(self.path).free:
            raise explain_write_error(OSError(errno.ENOSPC, ""), self.crops_file)

        def write_pixels(beside: Path) -> None:
            with open(beside, "wb") as out:
                for array in pixels:
                    out.write(np.ascontiguousarray(array).tobytes())

        replace_file(self.crops_file, write_pixels)
        write_json(self.recipe_file, recipe.to_json())
        write_json(self.dataset_file, dataset.to_json())

    def write_folds(self, folds: Sequence[Sequence[int]]) -> None:
        """Write which crops each fold of a cross-validation tests; such a run makes predictions and
        no model.
        """
        write_json(self.folds_file, {"folds": [list(fold) for fold in folds]})

    def read_folds(self) -> list[list[int]]:
        """Return the crop ids that each fold tests; empty for a run that trains one network."""
        if not self._expected(self.folds_file):
            return []
        return self.read(self.folds_file, parse_folds)

    # ---- how it goes ------------------------------------------------------------------------

    def events(self) -> list[Event]:
        """Return all events told so far; half-written lines are passed over."""
        if self.is_link:
            return []
        return list(read_events(self.events_file))

    def open_events(self) -> EventWriter:
        """Return a writer that appends to events.jsonl."""
        return EventWriter(self.events_file)

    def final_event(self) -> Event | None:
        """Return how the run ended; Interrupted when it has no end and nobody works on it; None
        while it runs.

        Only the last event counts: a run that was interrupted and is now going on tells more after
        its first end.
        """
        last = self._last_event()
        if isinstance(last, FINAL):
            return last
        if self.is_running():
            return None
        return Interrupted(
            epochs=sum(type(event).__name__ == "EpochEnded" for event in self.events())
        )

    @property
    def finished(self) -> bool:
        """Tell whether the run told that it is complete, and nobody works on it again."""
        return isinstance(self._last_event(), Finished)

    def _last_event(self) -> Event | None:
        if self.is_link:
            return None
        return last_event(self.events_file)

    def is_running(self) -> bool:
        """Tell whether a trainer holds the folder's lock."""
        return is_locked(self.lock_file)

    def lock(self) -> FileLock:
        """Take the trainer's lock. Raises ProjectError when another trainer works on this run."""
        self._refuse_link()
        lock = FileLock(self.lock_file)
        if not lock.acquire():
            raise ProjectError(
                f"Run {self.path.name} is being trained already.", "Wait until it ends or stop it."
            )
        return lock

    # ---- what it made -----------------------------------------------------------------------

    def write_predictions(
        self,
        classes: Sequence[str],
        splits: Mapping[int, SplitName],
        predictions: Iterable[Prediction],
    ) -> None:
        """Write predictions.csv: crop, part, predicted class and one column of probability per
        class.
        """
        rows: list[list[object]] = [
            ["crop", "part", "predicted", *(f"p:{name}" for name in classes)]
        ]
        for prediction in predictions:
            shares = [f"{p:.9g}" for p in prediction.probabilities]
            name = harmless(classes[prediction.index])
            rows.append([prediction.crop_id, splits[prediction.crop_id], name, *shares])
        write_csv(self.predictions_file, rows)

    def read_predictions(self, dataset: Dataset | None = None) -> list[Prediction]:
        """Return the predictions for the crops of `dataset`, that of this run; it is read when it
        is not given.

        Each is of another crop, and all crops are predicted but in a cross-validation. Raises
        ProjectError when the run has none because it did not come so far.
        """
        if not self._expected(self.predictions_file) and not self.finished:
            raise ProjectError(
                f"Run {self.path.name} has no predictions.", "Let it finish, or train again."
            )
        known = dataset or self.read_dataset()
        complete = not self._expected(self.folds_file)
        found = self.read(self.predictions_file, lambda content: parse_predictions(content, known))
        if complete and len(found) != len(known.crops):
            fault = f"has predictions for {len(found):,} of {len(known.crops):,} crops"
            raise self.damaged(self.predictions_file, fault)
        return found

    def read_metrics(self) -> dict[str, Any]:
        """Return what the run measured when it ended; empty before."""
        if not self._expected(self.metrics_file):
            return {}
        return self.read(self.metrics_file, lambda content: check_metrics(parse_json(content)))

    def read_sidecar(self) -> dict[str, Any]:
        """Return what model.json tells of the exported network."""
        return self.read(self.sidecar_file, lambda content: check_sidecar(parse_json(content)))

    def read_network(self) -> bytes:
        """Return the content of model.onnx."""
        return self.read(self.onnx_file, check_network)

    def write_shapes(
        self, columns: Sequence[str], crop_ids: Sequence[int], values: NDArray[np.float64]
    ) -> None:
        """Write shapes.csv: crop and one column per shape number, empty where it could not be
        measured.
        """
        rows: list[list[object]] = [["crop", *columns]]
        for crop_id, row in zip(crop_ids, values.tolist(), strict=True):
            rows.append([crop_id, *("" if value != value else f"{value:.6g}" for value in row)])
        write_csv(self.shapes_file, rows)

    def read_shapes(
        self, dataset: Dataset | None = None
    ) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.float64]] | None:
        """Return column names, (n,) crop ids and (n, columns) shape numbers, NaN where unknown;
        None without the file.

        The crops are those of `dataset`, that of this run; it is read when it is not given.
        """
        if not self._expected(self.shapes_file):
            return None
        known = dataset or self.read_dataset()
        return self.read(self.shapes_file, lambda content: parse_shapes(content, known))

    def write_baseline(self, values: Mapping[str, Any]) -> None:
        """Write baseline.json: what shape numbers alone predict for the crops of this run."""
        write_json(self.baseline_file, values, indent=None)

    def read_baseline(self, dataset: Dataset | None = None) -> dict[str, Any] | None:
        """Return what shape numbers alone predicted; None for a run that did not ask.

        The crops are those of `dataset`, that of this run; it is read when it is not given.
        """
        if not self._expected(self.baseline_file):
            return None
        known = dataset or self.read_dataset()
        ids = {crop.crop_id for crop in known.crops}
        classes = len(known.classes)
        return self.read(
            self.baseline_file, lambda content: check_baseline(parse_json(content), ids, classes)
        )

    def write_features(self, features: NDArray[np.float32]) -> None:
        """Write features.npy: (n, features) float32 in the order of the dataset's crops."""
        replace_file(
            self.features_file, lambda beside: np.save(beside, features, allow_pickle=False)
        )

    def read_features(self, dataset: Dataset | None = None) -> NDArray[np.float32] | None:
        """Return the network's features, (n, features) float32; None for a run that kept none.

        The rows are those of `dataset`, that of this run; it is read when it is not given.
        """
        if not self._expected(self.features_file):
            return None
        known = dataset or self.read_dataset()
        return self.read(
            self.features_file, lambda content: parse_features(content, len(known.crops))
        )


def runs_in(project: Path) -> list[RunFolder]:
    """Return the run folders of a project folder, oldest first.

    A folder whose dataset is missing is a run only where a trainer worked: before, it is still
    being frozen.
    """
    runs = [RunFolder(path) for path in folders_in(project) if not is_finder(path)]
    return [run for run in runs if _was_frozen(run)]


FINDER = "finder.json"
"""The file that tells a finder from other runs: it learned to find pores."""


def is_finder(path: Path) -> bool:
    """Tell whether a folder of a run is that of a finder."""
    return os.path.lexists(path / FINDER)


def folders_in(project: Path) -> list[Path]:
    """Return the numbered folders below `runs` of a project folder, by their numbers."""
    try:
        found = [
            path
            for path in (project / "runs").iterdir()
            if _names_a_run(path.name) and path.is_dir()
        ]
    except OSError:
        return []
    return sorted(found, key=lambda path: int(path.name))


def new_folder(project: Path) -> RunFolder:
    """Make the next empty run folder of a project. Raises ProjectError when that is refused."""
    runs = project / "runs"
    try:
        runs.mkdir(exist_ok=True)
        there = [*runs.iterdir(), *bin_of(project).glob("*")]
        taken = [int(path.name) for path in there if path.name.isdigit()]
        path = runs / f"{max(taken, default=0) + 1:03d}"
        path.mkdir()
    except OSError as error:
        raise explain_write_error(error, runs) from error
    return RunFolder(path)


def bin_of(project: Path) -> Path:
    """Return where the deleted runs of a project folder lie."""
    return project / "runs" / "deleted"


def _names_a_run(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) <= _LONGEST_NUMBER


def _was_frozen(run: RunFolder) -> bool:
    left = (
        run.dataset_file,
        run.events_file,
        run.seal_file,
        run.predictions_file,
        run.metrics_file,
        run.sidecar_file,
    )
    return any(os.path.lexists(path) for path in left)
