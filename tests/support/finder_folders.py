"""Make folders of finders with small drawn images, for tests of learning and finding."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from poregui.domain.detection import DetectionRecipe
from poregui.store.finder_folder import (
    FinderFolder,
    FinderImage,
    FinderKind,
    FinderRequest,
    MarkedImage,
    new_finder_folder,
)

SIDE = 96


def marked_image(seed: int = 0) -> MarkedImage:
    """Return a noisy image with three dark discs, two of which touch."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    labels = np.zeros((SIDE, SIDE), np.int32)
    for number, (x, y, radius) in enumerate(((25, 30, 9), (60, 60, 10), (78, 60, 9)), start=1):
        labels[np.hypot(columns - x, rows - y) < radius] = number
    grey = np.where(labels > 0, 60.0, 180.0) + random.normal(0, 6, labels.shape)
    return MarkedImage(grey.astype(np.float32), labels, np.ones(labels.shape, np.bool_))


def finder_folder(
    project: Path, kind: FinderKind, images: int = 2, epochs: int = 1
) -> FinderFolder:
    """Return a folder with a request that waits to be trained."""
    project.mkdir(exist_ok=True)
    folder = new_finder_folder(project)
    facts = tuple(
        FinderImage(number, f"{number}.png", f"{number}.png", 180.0, 60.0)
        for number in range(images)
    )
    request = FinderRequest(kind, epochs, "micrograph", facts, DetectionRecipe())
    folder.write_request(request, [marked_image(number) for number in range(images)])
    return folder
