"""Lay out a run folder: what a training was given and what it made, complete in itself."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.dataset import Dataset, DatasetCrop, Part, dataset_from_json
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.evaluation import Prediction
from poregui.domain.events import FINAL, Event, Interrupted, from_line, to_line
from poregui.domain.recipe import Recipe, recipe_from_json
from poregui.store.files import explain_write_error, harmless, replace_file, write_json
from poregui.store.locks import FileLock, is_locked


class RunFolder:
    """Read and write the files of one run.

    recipe.json, dataset.json and crops.bin are written once by the freeze; events.jsonl grows while
    the trainer works; all that a training makes appears whole.
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

    @property
    def number(self) -> int:
        """Return the number that names the folder, 0 for a folder with another name."""
        if self.path.name.isdigit():
            return int(self.path.name)
        return 0

    @property
    def has_network(self) -> bool:
        """Tell whether the run left an exported network and what belongs to it."""
        return self.onnx_file.exists() and self.sidecar_file.exists()

    def read_recipe(self) -> Recipe:
        """Return the recipe. Raises ProjectError when it is missing or damaged."""
        try:
            return recipe_from_json(_read_json(self.recipe_file))
        except (TypeError, ValueError) as error:
            raise _damaged(self.recipe_file) from error

    def read_dataset(self) -> Dataset:
        """Return the dataset. Raises ProjectError when it is missing or damaged."""
        try:
            return dataset_from_json(_read_json(self.dataset_file))
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(self.dataset_file) from error

    def read_crop(self, crop: DatasetCrop) -> NDArray[Any]:
        """Return the pixels of a crop, (height, width) or (height, width, channels), uint8 or
        uint16.
        """
        return next(self.read_crops([crop]))

    def read_crops(self, crops: Iterable[DatasetCrop]) -> Iterator[NDArray[Any]]:
        """Yield the pixels of crops in their order.

        Raises ProjectError when the file is missing or too short.
        """
        if not self.crops_file.exists():
            raise ProjectError(f"{self.crops_file} is missing.", "Put it back, or train again.")
        with open(self.crops_file, "rb") as pixels:
            for crop in crops:
                pixels.seek(crop.offset)
                content = pixels.read(crop.nbytes)
                if len(content) != crop.nbytes:
                    raise _damaged(self.crops_file)
                shape = (crop.height, crop.width) + ((crop.channels,) if crop.channels > 1 else ())
                yield np.frombuffer(content, "u1" if crop.bits == 8 else "<u2").reshape(shape)

    def write_dataset(
        self, recipe: Recipe, dataset: Dataset, pixels: Iterable[NDArray[Any]]
    ) -> None:
        """Write recipe, dataset and the pixels of its crops in their order; dataset.json last, as
        the seal.
        """

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
        if self.folds_file.exists():
            return [list(fold) for fold in _read_json(self.folds_file)["folds"]]
        return []

    def events(self) -> list[Event]:
        """Return all events told so far; half-written lines are passed over."""
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
        told = self.events()
        if told and isinstance(told[-1], FINAL):
            return told[-1]
        if self.is_running():
            return None
        return Interrupted(epochs=sum(type(event).__name__ == "EpochEnded" for event in told))

    def is_running(self) -> bool:
        """Tell whether a trainer holds the folder's lock."""
        return is_locked(self.lock_file)

    def lock(self) -> FileLock:
        """Take the trainer's lock. Raises ProjectError when another trainer works on this run."""
        lock = FileLock(self.lock_file)
        if not lock.acquire():
            raise ProjectError(
                f"Run {self.path.name} is being trained already.", "Wait until it ends or stop it."
            )
        return lock

    def write_predictions(
        self, classes: Sequence[str], parts: Mapping[int, Part], answers: Iterable[Prediction]
    ) -> None:
        """Write predictions.csv: crop, part, predicted class and one column of probability per
        class.
        """

        def write(beside: Path) -> None:
            with open(beside, "w", newline="", encoding="utf-8") as out:
                table = csv.writer(out)
                table.writerow(["crop", "part", "predicted", *(f"p:{name}" for name in classes)])
                for answer in answers:
                    shares = [f"{p:.9g}" for p in answer.probabilities]
                    name = harmless(classes[answer.index])
                    table.writerow([answer.crop_id, parts[answer.crop_id], name, *shares])

        replace_file(self.predictions_file, write)

    def read_predictions(self) -> list[Prediction]:
        """Return all predictions. Raises ProjectError when the file is missing or damaged."""
        try:
            with open(self.predictions_file, newline="", encoding="utf-8") as lines:
                rows = list(csv.reader(lines))
            return [Prediction(int(row[0]), tuple(float(p) for p in row[3:])) for row in rows[1:]]
        except FileNotFoundError as error:
            raise ProjectError(
                f"Run {self.path.name} has no predictions.", "Let it finish, or train again."
            ) from error
        except (OSError, ValueError, IndexError) as error:
            raise _damaged(self.predictions_file) from error

    def read_metrics(self) -> dict[str, Any]:
        """Return what the run measured when it ended; empty before."""
        if self.metrics_file.exists():
            return dict(_read_json(self.metrics_file))
        return {}

    def write_shapes(
        self, columns: Sequence[str], crop_ids: Sequence[int], values: NDArray[np.float64]
    ) -> None:
        """Write shapes.csv: crop and one column per shape number, empty where it could not be
        measured.
        """

        def write(beside: Path) -> None:
            with open(beside, "w", newline="", encoding="utf-8") as out:
                table = csv.writer(out)
                table.writerow(["crop", *columns])
                for crop_id, row in zip(crop_ids, values.tolist(), strict=True):
                    table.writerow(
                        [crop_id, *("" if value != value else f"{value:.6g}" for value in row)]
                    )

        replace_file(self.shapes_file, write)

    def read_shapes(self) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.float64]] | None:
        """Return column names, (n,) crop ids and (n, columns) shape numbers, NaN where unknown;
        None without the file.

        Raises ProjectError when the file is damaged.
        """
        try:
            with open(self.shapes_file, newline="", encoding="utf-8") as lines:
                header, *rows = list(csv.reader(lines))
            if len(header) < 2:
                raise ValueError("no column of numbers")
            ids = np.array([int(row[0]) for row in rows], np.int64)
            values = np.array(
                [[float(cell or "nan") for cell in row[1:]] for row in rows], np.float64
            )
            return tuple(header[1:]), ids, values.reshape(len(rows), len(header) - 1)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, IndexError) as error:
            raise _damaged(self.shapes_file) from error

    def write_baseline(self, values: Mapping[str, Any]) -> None:
        """Write baseline.json: what shape numbers alone answer for the crops of this run."""
        write_json(self.baseline_file, values, indent=None)

    def read_baseline(self) -> dict[str, Any] | None:
        """Return what shape numbers alone answered; None for a run that did not ask.

        Raises ProjectError if damaged.
        """
        if self.baseline_file.exists():
            return dict(_read_json(self.baseline_file))
        return None

    def write_features(self, features: NDArray[np.float32]) -> None:
        """Write features.npy: (n, features) float32 in the order of the dataset's crops."""
        replace_file(
            self.features_file, lambda beside: np.save(beside, features, allow_pickle=False)
        )

    def read_features(self) -> NDArray[np.float32] | None:
        """Return the network's features, (n, features) float32; None for a run that kept none.

        Raises ProjectError when the file is damaged.
        """
        try:
            return np.asarray(np.load(self.features_file, allow_pickle=False), np.float32)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError) as error:
            raise _damaged(self.features_file) from error


class EventWriter:
    """Append events to a file, each line forced out at once."""

    def __init__(self, path: Path) -> None:
        try:
            self._out: IO[str] = open(path, "a", encoding="utf-8")  # noqa: SIM115 - kept open
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


def runs_in(project: Path) -> list[RunFolder]:
    """Return the sealed run folders of a project folder, oldest first."""
    try:
        folders = [
            RunFolder(path)
            for path in (project / "runs").iterdir()
            if path.name.isdigit() and path.is_dir()
        ]
    except FileNotFoundError:
        return []
    return sorted((run for run in folders if run.dataset_file.exists()), key=lambda run: run.number)


def read_events(path: Path) -> Iterator[Event]:
    """Yield the events of a file; nothing when it does not exist."""
    if not path.exists():
        return
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            event = from_line(line)
            if event is not None:
                yield event


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ProjectError(
            f"{path} is missing.", "Choose a complete run, or train again."
        ) from error
    except (OSError, ValueError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> PoreguiError:
    return ProjectError(
        f"{path} is damaged and cannot be read.", "Train again; labels are not concerned."
    )
