"""Run the verb predict: classify crops that lie in files."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poregui.cli.output import Screen, percent, run_for, table
from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.micrograph_names import Named, unique_names
from poregui.domain.wording import count
from poregui.store.project import Project
from poregui.workflow.evaluating.class_identity import classes_of_run
from poregui.workflow.evaluating.predict import Predictor, ScaledCrop
from poregui.workflow.importing.folders import find_images

_BATCH = 64


def predict(args: argparse.Namespace, screen: Screen) -> int:
    """Classify the images in files and folders with the network of a run."""
    from poregui.workflow.importing.images import ImportOptions

    ImportOptions(um_per_px=args.um_per_px)  # refuses what cannot be a scale
    with Project.open(args.project, read_only=True) as project:
        run = run_for(project, args.run, screen, network=True)
        classes = classes_of_run(project, run.read_dataset()).names
    predictor = Predictor(run)
    found, passed = find_images(args.paths, "crops")
    skipped = [{"path": one.name, "reason": one.reason} for one in passed]
    predictions: list[dict[str, Any]] = []
    guessed = 0
    for start in range(0, len(found), _BATCH):
        files = [one.file for one in found[start : start + _BATCH]]
        crops, scaled = _read(files, args.um_per_px, skipped)
        if predictor.spec.calibrated:
            guessed += sum(crop.um_per_px is None for crop in scaled)
        probabilities = predictor.predict([_with_scale(crop, predictor) for crop in scaled])
        predictions += [
            _answer(_as_given(file, args.paths), row, classes)
            for file, row in zip(crops, probabilities, strict=True)
        ]
        screen.progress(start + len(files), len(found))
    if not predictions:
        if skipped:
            reason = f"{skipped[0]['path']} {skipped[0]['reason']}"
        else:
            reason = "There is no image to classify."
        raise PoreguiError(
            reason, "" if len(skipped) == 1 else "Choose PNG, JPEG, BMP or TIFF files."
        )
    if guessed:
        screen.note(_guess(guessed, predictor))
    values = {"run": run.number, "predictions": predictions, "skipped": skipped}
    screen.result(values, _text(predictions, classes, skipped))
    return 0


def _read(
    files: Sequence[Path], um_per_px: float | None, skipped: list[dict[str, str]]
) -> tuple[list[Path], list[ScaledCrop]]:
    from poregui.store.pixels import CropPixels
    from poregui.vision.io.reader import read_image

    read = []
    crops = []
    for file in files:
        try:
            image = read_image(file)
        except ImageError as error:
            skipped.append({"path": str(file), "reason": str(error).removeprefix(f"{file.name} ")})
            continue
        read.append(file)
        scale = image.um_per_px
        if um_per_px is not None:
            scale = um_per_px
        crops.append(ScaledCrop(CropPixels(image.pixels, image.grey_low, image.grey_high), scale))
    return read, crops


def _with_scale(crop: ScaledCrop, predictor: Predictor) -> ScaledCrop:
    if crop.um_per_px is not None or not predictor.um_per_px:
        return crop
    return ScaledCrop(crop.pixels, predictor.um_per_px["median"])


def _guess(many: int, predictor: Predictor) -> str:
    if predictor.um_per_px:
        median = f"{predictor.um_per_px['median']:.4g}"
    else:
        median = "unknown"
    return (
        f"Note: the pixel size of {count(many, 'image')} is not known; that of the training crops, "
        f"{median} µm/px, was used. Give the real one with --um-per-px."
    )


def _as_given(file: Path, given: Sequence[Path]) -> Path:
    """Return a file's path as it follows from what was typed."""
    for path in given:
        whole = Path(os.path.abspath(path))
        if file == whole or whole in file.parents:
            return path / file.relative_to(whole)
    return file


def _answer(file: Path, probabilities: Sequence[float], classes: Sequence[str]) -> dict[str, Any]:
    shares = {name: float(p) for name, p in zip(classes, probabilities, strict=True)}
    return {
        "path": str(file),
        "class": max(shares, key=lambda name: shares[name]),
        "probabilities": shares,
    }


def _text(
    predictions: Sequence[dict[str, Any]], classes: Sequence[str], skipped: Sequence[dict[str, str]]
) -> str:
    named = [
        Named(Path(prediction["path"]).as_posix(), Path(prediction["path"]).name)
        for prediction in predictions
    ]
    rows = [
        [shown, one["class"], *(percent(one["probabilities"][name]) for name in classes)]
        for one, shown in zip(predictions, unique_names(named), strict=True)
    ]
    counts = Counter(prediction["class"] for prediction in predictions)
    summary = ", ".join(f"{name} {counts[name]}" for name in classes)
    lines = [
        table(["image", "class", *classes], rows),
        "",
        f"{count(len(predictions), 'image')}: {summary}.",
    ]
    lines += [f"Skipped: {one['path']} {one['reason']}" for one in skipped]
    return "\n".join(lines)
