"""Cut the pores of a micrograph out and let a network answer them, part by part; changes with how crops are made."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.store.pixels import CropPixels
from poregui.vision.crop_blocks import cut_many
from poregui.vision.pyramid import Pyramid
from poregui.workflow.predict import Predictor, ScaledCrop

_Crops = list[tuple[int, NDArray[Any]]]
_BATCH = 32
_AHEAD = 4
"""Batches that wait for each thread: more would only need memory."""


def answers_of(
    image: Pyramid,
    boxes: Sequence[Box],
    predictor: Predictor,
    scale: float | None,
    factor: float | None,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
    *,
    threads: int = 1,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return (n, classes) probabilities of the boxes of a micrograph whose um per px is `scale`, and which are unlike
    all that the network was trained on, (n,).

    Crops are resized by `factor` where there is one. Each of `threads` takes a batch from beginning to end, so that the
    answers do not depend on how many there are. An exception of `progress` ends the work.
    """
    answers = np.empty((len(boxes), len(predictor.classes)), np.float32)
    unlike = np.zeros(len(boxes), np.bool_)

    def answer(batch: _Crops) -> None:
        crops = [_scaled(image, pixels, scale, factor) for _, pixels in batch]
        places = [place for place, _ in batch]
        answers[places], unlike[places] = predictor.predict_and_compare(crops)

    done = 0
    waiting: deque[tuple[Future[None], int]] = deque()
    with ThreadPoolExecutor(max(1, threads)) as pool:
        try:
            for batch in _batches(image, boxes):
                waiting.append((pool.submit(answer, batch), len(batch)))
                if len(waiting) > _AHEAD * max(1, threads):
                    first, size = waiting.popleft()
                    first.result()
                    done += size
                    progress(done, len(boxes), f"Classifying {len(boxes)} pores")
            for last, _ in waiting:
                last.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return answers, unlike


def _batches(image: Pyramid, boxes: Sequence[Box]) -> Iterator[_Crops]:
    """Yield the crops in the order in which the image is read."""
    batch: _Crops = []
    for one in cut_many(image, boxes):
        batch.append(one)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _scaled(image: Pyramid, pixels: NDArray[Any], scale: float | None, factor: float | None) -> ScaledCrop:
    told, width = scale, pixels.shape[1]
    if factor is not None and scale is not None:
        side = (max(8, round(width * factor)), max(8, round(pixels.shape[0] * factor)))
        pixels = cv2.resize(pixels, side, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
        told = scale * width / side[0]
    return ScaledCrop(CropPixels(pixels, image.grey_low, image.grey_high), told)
