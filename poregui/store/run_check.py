"""Find out what is wrong with the files of a run, or with pixels, before anybody reads them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from poregui.domain.dataset import Dataset
from poregui.domain.errors import DamagedRunError, PoreguiError
from poregui.domain.events import Finished
from poregui.domain.wording import count
from poregui.store.files import is_link
from poregui.store.project import Project
from poregui.store.run_files import MOST_BYTES, last_event, size_of
from poregui.store.run_folder import RunFolder

_READ_WHOLE = 2 << 20
"""Files up to this size are read to find damage, which takes some milliseconds; larger ones must
have their size.
"""
_Signature = tuple[tuple[str, int, int], ...]
_known: dict[Path, tuple[_Signature, str]] = {}
_guard = threading.Lock()


def problem_of(run: RunFolder) -> str:
    """Say what is wrong with the files of a run, empty when nothing is found; fit for any thread.

    A run that goes on, or ended before its time, is judged by what a training is given. What was
    found is kept for as long as no file changes.
    """
    signature = _signature(run.path)
    with _guard:
        known = _known.get(run.path)
    if known is not None and known[0] == signature:
        return known[1]
    found = _first_fault(run, lambda: _look(run, _READ_WHOLE))
    with _guard:
        _known[run.path] = (signature, found)
    return found


def fault_of(run: RunFolder) -> str:
    """Say what `problem_of` does, but read all files to find it; takes a second where there are
    many crops.
    """
    return _first_fault(run, lambda: _look(run, MOST_BYTES))


def glance_at(run: RunFolder) -> str:
    """Say what `problem_of` found, or what is told by names and sizes alone; takes no time worth a
    thread.
    """
    with _guard:
        known = _known.get(run.path)
    if known is not None and known[0] == _signature(run.path):
        return known[1]
    return _first_fault(run, lambda: _look_at_sizes(run))


def _first_fault(run: RunFolder, look: Callable[[], None]) -> str:
    try:
        look()
    except DamagedRunError as error:
        return error.what
    except PoreguiError as error:
        return f"Run {run.path.name} cannot be read: {error.what}"
    return ""


def _signature(folder: Path) -> _Signature:
    """Return what changes when a file of a folder does."""
    found = []
    try:
        for entry in os.scandir(folder):
            status = entry.stat(follow_symlinks=False)
            found.append((entry.name, status.st_size, status.st_mtime_ns))
    except OSError:
        return ()
    return tuple(sorted(found))


def _look_at_sizes(run: RunFolder) -> None:
    for path in (run.recipe_file, run.dataset_file, run.crops_file):
        run.require(path)
    for name in run.read_seal() or ():
        run.require(run.path / name)


def _look(run: RunFolder, most: int) -> None:
    _look_at_sizes(run)
    run.read_recipe()
    if _is_larger(run.dataset_file, most):
        dataset = None
    else:
        dataset = run.read_dataset()
    if dataset is not None:
        _look_at_pixels(run, dataset)
    run.read_folds()
    if os.path.lexists(run.log_file) and (is_link(run.log_file) or not run.log_file.is_file()):
        raise run.damaged(run.log_file)
    if run.is_running():
        return
    if _look_at_events(run):
        _look_at_results(run, dataset, most)


def _look_at_pixels(run: RunFolder, dataset: Dataset) -> None:
    size = max((crop.offset + crop.nbytes for crop in dataset.crops), default=0)
    run.require(run.crops_file, size)
    if size_of(run.crops_file) != size:
        raise run.damaged(run.crops_file)


def _look_at_events(run: RunFolder) -> bool:
    """Tell whether the run finished.

    Raises DamagedRunError where nothing is told of a run that left something.
    """
    last = last_event(run.events_file)
    if os.path.lexists(run.events_file):
        if last is None:
            raise run.damaged(run.events_file)
    elif any(os.path.lexists(path) for path in (run.seal_file, run.predictions_file)):
        raise run.damaged(run.events_file, "is missing")
    return isinstance(last, Finished)


def _look_at_results(run: RunFolder, dataset: Dataset | None, most: int) -> None:
    for path in (run.predictions_file, run.metrics_file):
        run.require(path)
    if os.path.lexists(run.onnx_file) or os.path.lexists(run.sidecar_file):
        run.require(run.onnx_file)
        run.read_sidecar()
    run.read_metrics()
    checks: tuple[tuple[Path, Callable[[], object]], ...] = (
        (run.predictions_file, lambda: run.read_predictions(dataset)),
        (run.shapes_file, lambda: run.read_shapes(dataset)),
        (run.baseline_file, lambda: run.read_baseline(dataset)),
        (run.features_file, lambda: run.read_features(dataset)),
        (run.onnx_file, run.read_network),
    )
    for path, check in checks:
        if os.path.lexists(path) and dataset is not None and not _is_larger(path, most):
            check()


def _is_larger(path: Path, most: int) -> bool:
    try:
        return size_of(path) > most
    except OSError:
        return False


def sentence_of_lost_pixels(project: Project, *, quickly: bool = False) -> str:
    """Say how many crops have no pixels and what helps; empty where all have theirs.

    `quickly` looks only where the file is missing or empty, which takes no time in large projects.
    """
    try:
        if quickly and project.pixels.is_there and not project.pixels.is_empty:
            return ""
        lost = project.crops_without_pixels()
    except PoreguiError as error:
        return f"{error} Labels are safe."
    if not lost:
        return ""
    what = f"The pixels of {count(lost, 'crop')} are missing"
    if not project.pixels.is_there:
        what = f"pixels.db is missing, and with it the pixels of {count(lost, 'crop')}"
    return (
        f"{what}. Labels are safe. Restore pixels.db from a copy, or accept the micrograph files "
        "to cut the crops again."
    )
