"""Cut the pores of a micrograph out and let a network classify them, in helper processes."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import parent_process
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.geometry import Box
from poregui.store.files import file_hash
from poregui.store.pixels import CropPixels
from poregui.vision.crops import cut_many
from poregui.vision.io.pyramid import Pyramid
from poregui.workflow.evaluating.predict import Predictor, ScaledCrop

LOOK_S = 0.2
_SWITCH_S = 0.0002
"""How long a thread holds the interpreter while another wants it: with Python's own 5 ms the
threads of a micrograph that come back from the network wait for one another a sixth of the time.
"""
_GARBAGE = (100_000, 50, 100)
"""After how many new objects circles among them are looked for: with Python's own 700 to 2,000,
which pass within some pores, looking took a twentieth of the time and found nothing."""
SAME_SCALE = 1.25
"""Ratio of scales up to which crops are given to a network as they are."""
ABSURD = 50.0
"""Ratio of scales from which on one of them is a mistake, such as nm for µm."""
GRACE_S = 1.0
"""How long a process may take to end in order before it ends at once."""


class Stopped(Exception):
    """Leave work that nobody waits for any more."""


class Talk:
    """Share how far each of `count` micrographs is, 0 to 1, and whether to stop, between processes
    and without locks.

    A process that dies would take a lock along, and everybody else would wait for it.
    """

    def __init__(self, count: int) -> None:
        self._values: Any = RawArray(ctypes.c_double, count + 1)

    def stop(self) -> None:
        """Ask all processes to end."""
        self._values[-1] = 1.0

    @property
    def stopped(self) -> bool:
        """Tell whether all were asked to end."""
        return bool(self._values[-1])

    def tell(self, index: int, part: float) -> None:
        """Say how far a micrograph is. Raises Stopped when all were asked to end."""
        if self.stopped:
            raise Stopped
        self._values[index] = part

    def part(self, index: int) -> float:
        """Return how far a micrograph is."""
        return float(self._values[index])


_talk: Talk | None = None


def prepare(talk: Talk) -> None:
    """Make a new process ready: one thread for images, Ctrl+C for its parent alone, an end when
    that has ended.
    """
    global _talk
    import cv2

    cv2.setNumThreads(1)
    sys.setswitchinterval(_SWITCH_S)
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _talk = talk
    threading.Thread(target=_watch, args=(talk,), daemon=True).start()


def _watch(talk: Talk) -> None:
    """End this process a little after it was asked to, or when its parent is gone, whatever it is
    doing.
    """
    parent = parent_process()
    while not talk.stopped and (parent is None or parent.is_alive()):
        time.sleep(LOOK_S)
    talk.stop()
    time.sleep(GRACE_S)
    os._exit(1)


def current_talk() -> Talk | None:
    """Return what this process shares with the one that started it; None in one that nobody made
    ready.
    """
    return _talk


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


_Predictions = tuple[NDArray[np.float32], NDArray[np.bool_]]
_MOST_SIDE = 2048
"""Longest side in px to which a crop is enlarged: networks look at far fewer."""
_BATCH = 32
_AHEAD = 4
"""Batches that wait for each thread or process: more would only need memory."""
_WORTH = 2000
"""Pores for which a process of its own is worth its start; threads, which take turns at the
interpreter, take a fifth longer for many."""


@dataclass(frozen=True)
class CropScale:
    """Hold what is known of all crops of a micrograph: its grey range, its um per px, and the
    factor of resizing.
    """

    low: float
    high: float
    um_per_px: float | None
    factor: float | None = None

    def crop(self, pixels: NDArray[Any], outline: NDArray[Any] | None = None) -> ScaledCrop:
        """Return what a network is given of a piece of the micrograph and the outline in it."""
        um_per_px = self.um_per_px
        height, width = pixels.shape[:2]
        if self.factor is not None and um_per_px is not None:
            factor = min(self.factor, max(1.0, _MOST_SIDE / max(pixels.shape[:2])))
            side = (max(8, round(width * factor)), max(8, round(pixels.shape[0] * factor)))
            pixels = cv2.resize(
                pixels, side, interpolation=cv2.INTER_AREA if self.factor < 1 else cv2.INTER_CUBIC
            )
            um_per_px = um_per_px * width / side[0]
            if outline is not None:
                outline = outline * (side[0] / width, side[1] / height)
        return ScaledCrop(CropPixels(pixels, self.low, self.high), um_per_px, outline)


def predictions_of(
    image: Pyramid,
    boxes: Sequence[Box],
    outlines: Sequence[NDArray[Any]],
    network: NetworkFiles,
    um_per_px: float | None,
    factor: float | None,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
    *,
    threads: int = 1,
) -> _Predictions:
    """Return (n, classes) probabilities of the boxes of a micrograph, and which are unlike all that
    the network was trained on, (n,).

    `outlines` are theirs, in px of the micrograph. Crops are resized by `factor` where there is
    one. Each of `threads`, or of as many processes where there are many boxes, takes a batch from
    beginning to end, so that the predictions do not depend on how many there are. An exception of
    `progress` ends the work. Raises BrokenProcessPool when a process died.
    """
    predictions = np.empty((len(boxes), len(network.predictor().classes)), np.float32)
    out_of_distribution = np.zeros(len(boxes), np.bool_)
    predict = partial(
        _answer, network, CropScale(image.grey_low, image.grey_high, um_per_px, factor)
    )
    done = 0
    waiting: deque[tuple[Future[_Predictions], list[int]]] = deque()

    def take() -> None:
        nonlocal done
        first, indices = waiting.popleft()
        predictions[indices], out_of_distribution[indices] = first.result()
        done += len(indices)
        progress(done, len(boxes), f"Classifying {len(boxes)} pores")

    with _helpers(len(boxes), threads) as pool:
        for indices, crops in _batches(image, boxes):
            lines = [_within(outlines[index], boxes[index]) for index in indices]
            waiting.append((pool.submit(predict, crops, lines), indices))
            if len(waiting) > _AHEAD * max(1, threads):
                take()
        while waiting:
            take()
    return predictions, out_of_distribution


@contextmanager
def _helpers(boxes: int, threads: int) -> Iterator[Executor]:
    """Give what answers batches beside this thread; what waits there is dropped when an exception
    ends the work.
    """
    processes = min(threads, boxes // _WORTH)
    pool: Executor
    if processes > 1:
        shared = (current_talk() or Talk(0),)
        pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), prepare, shared)
    else:
        pool = ThreadPoolExecutor(max(1, threads))
    with pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _within(outline: NDArray[Any], box: Box) -> NDArray[np.float64]:
    """Return an outline in px of its crop, with the digits that outlines are kept with."""
    kept = np.asarray(outline, np.float32).astype(np.float64)
    return kept - np.array([box.x, box.y], np.float64)


def _answer(
    network: NetworkFiles,
    scale: CropScale,
    crops: list[NDArray[Any]],
    lines: list[NDArray[np.float64]],
) -> _Predictions:
    predictor = network.predictor()
    return predictor.predict_and_compare(
        [scale.crop(pixels, line) for pixels, line in zip(crops, lines, strict=True)]
    )


def _batches(
    image: Pyramid, boxes: Sequence[Box]
) -> Iterator[tuple[list[int], list[NDArray[Any]]]]:
    """Yield places and crops in the order in which the image is read."""
    indices: list[int] = []
    crops: list[NDArray[Any]] = []
    for index, pixels in cut_many(image, boxes):
        indices.append(index)
        crops.append(pixels)
        if len(indices) == _BATCH:
            yield indices, crops
            indices = []
            crops = []
    if indices:
        yield indices, crops


def resampling(predictor: Predictor, um_per_px: float | None) -> float | None:
    """Return the factor by which crops of a scale are resized for a network that was trained at
    another one.

    None where the scales agree within `SAME_SCALE`, or one of them is not known. Sizes in um stay
    what they are. Raises PoreguiError for scales that are `ABSURD` times each other.
    """
    if um_per_px is None or not predictor.um_per_px:
        return None
    low = predictor.um_per_px["low"] / SAME_SCALE
    high = predictor.um_per_px["high"] * SAME_SCALE
    if low <= um_per_px <= high:
        return None
    factor: float = um_per_px / predictor.um_per_px["median"]
    if not 1 / ABSURD <= factor <= ABSURD:
        learnt = predictor.um_per_px["median"]
        more = f"{max(factor, 1 / factor):,.0f} times"
        where = "above" if factor > 1 else "below"
        raise PoreguiError(
            f"Its pixel size of {um_per_px:.4g} µm is {more} {where} the {learnt:.4g} µm of the "
            "training crops.",
            "Check the pixel size: one of the two is probably in another unit.",
        )
    return factor


def resampled_text(factor: float | None, um_per_px: float | None) -> tuple[str, ...]:
    """Say at which pixel size the network was trained; empty where nothing was resized."""
    if factor is None or um_per_px is None:
        return ()
    learnt = um_per_px / factor
    return (
        f"The network was trained at {learnt:.4g} µm/px; crops were resized to that pixel size.",
    )
