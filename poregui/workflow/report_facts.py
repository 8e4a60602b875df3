"""Gather what a report says about a run; changes with what a report tells."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

import poregui
from poregui.domain.dataset import Dataset, DatasetCrop, Part
from poregui.domain.events import EpochEnded
from poregui.domain.recipe import Recipe, parameters
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import scale_grey, set_channels
from poregui.workflow.baseline import Baseline, BesideBaseline, beside_baseline, read_baseline
from poregui.workflow.class_identity import colours_of
from poregui.workflow.crossed import Crossed, PooledBesideGrouped, crossed, pooled_beside_grouped
from poregui.workflow.evaluate import Judged, RunReview, review
from poregui.workflow.figures import run_figures
from poregui.workflow.grouping import group_names
from poregui.workflow.numbers import ClassCurves, Numbers, curves, numbers
from poregui.workflow.shapes import shape_table
from poregui.workflow.unseen import Unseen, unseen

WORST = 24
_PICTURE_SIDE = 112
_PARTS: tuple[tuple[Part, str], ...] = (("train", "Training"), ("validation", "Validation"), ("test", "Test"))


@dataclass(frozen=True)
class WorstError:
    """Hold one wrong answer with its picture as a data URI of `width` x `height` px."""

    name: str
    group: str
    label: str
    predicted: str
    confidence: float
    picture: str
    width: int
    height: int


@dataclass(frozen=True)
class ReportFacts:
    """Hold all that a report says, ready to be laid out; figures are SVG by file stem.

    `only_shapes`: the run is a forest on shapes itself; `telling` names the numbers that decide most in it.
    """

    project: str
    run: int
    made: str
    reviewed: RunReview
    numbers: Numbers
    curves: tuple[ClassCurves, ...]
    unseen: Unseen
    data: DataFacts
    recipe: tuple[tuple[str, str], ...]
    training: tuple[tuple[str, str], ...]
    figures: Mapping[str, str]
    worst: tuple[WorstError, ...]
    errors: int
    baseline: BesideBaseline | None
    only_shapes: bool
    telling: str
    crossed: Crossed | None
    beside: PooledBesideGrouped | None
    versions: tuple[tuple[str, str], ...]
    hashes: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class DataFacts:
    """Hold what a run was trained and tested on: `rows` are part, crops, crops per class, names of its groups."""

    classes: tuple[str, ...]
    rows: tuple[tuple[str, int, tuple[int, ...], str], ...]
    split: str
    scales: str


def collect_report(project: Project, run: RunFolder) -> ReportFacts:
    """Return all that a report of a run says, with the labels as they are now; takes a second or two, changes nothing.

    Raises ProjectError when the run has no predictions or is damaged.
    """
    reviewed, dataset, metrics = review(project, run), run.read_dataset(), run.read_metrics()
    names = group_names(project)
    found = numbers(reviewed, "test", shape_table(run), names)
    colours = dict(zip(reviewed.classes, colours_of(project, reviewed.class_ids), strict=True))
    baseline = read_baseline(run)
    events = run.events() if not reviewed.folds else []
    errors, beside = reviewed.errors(), pooled_beside_grouped(project)
    return ReportFacts(
        project=project.name,
        run=run.number,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        reviewed=reviewed,
        numbers=found,
        curves=curves(reviewed),
        unseen=unseen(project, reviewed),
        data=_data(dataset, reviewed.classes, names),
        recipe=_recipe(run.read_recipe()),
        training=_training(metrics, [event for event in events if isinstance(event, EpochEnded)]),
        figures=run_figures(reviewed, found, colours, events),
        worst=tuple(_worst(run, reviewed, errors[:WORST], names)),
        errors=len(errors),
        baseline=beside_baseline(reviewed, baseline) if baseline else None,
        only_shapes=reviewed.preset == "shape",
        telling=_telling(baseline),
        crossed=crossed(run),
        beside=beside if beside and beside.grouped.preset == reviewed.preset else None,
        versions=_versions(metrics),
        hashes=_hashes(run, dataset),
        warnings=dataset.warnings,
    )


def _telling(baseline: Baseline | None) -> str:
    most = baseline.importances[:5] if baseline else ()
    return ", ".join(f"{name.lower()} {100 * share:.0f} %" for name, share in most)


def _data(dataset: Dataset, classes: tuple[str, ...], names: Mapping[str, str]) -> DataFacts:
    rows = []
    for part, title in _PARTS:
        crops = dataset.part(part)
        if crops:
            counts = Counter(crop.label for crop in crops)
            per_class = tuple(counts[place] for place in range(len(classes)))
            rows.append((title, len(crops), per_class, _groups(crops, names)))
    return DataFacts(classes, tuple(rows), dataset.split_kind, _scales(dataset))


def _groups(crops: Sequence[DatasetCrop], names: Mapping[str, str]) -> str:
    keys = sorted({crop.group for crop in crops if not crop.group.startswith("crop:")})
    known = sorted(names.get(key, key.replace(":", " ")) for key in keys)
    return ", ".join(known[:40]) + (f" and {len(known) - 40} more" if len(known) > 40 else "")


def _scales(dataset: Dataset) -> str:
    known = sorted({crop.um_per_px for crop in dataset.crops if crop.um_per_px is not None})
    if not known:
        return "unknown; the network sees sizes in px"
    ends = f"{known[0]:.4g}" if len(known) == 1 else f"{known[0]:.4g} to {known[-1]:.4g}"
    unknown = sum(crop.um_per_px is None for crop in dataset.crops)
    return f"{ends} um per px" + (f"; unknown for {unknown} crops, so that sizes count in px" if unknown else "")


def _recipe(recipe: Recipe) -> tuple[tuple[str, str], ...]:
    told = []
    for parameter in parameters():
        value = getattr(recipe, parameter.name)
        text = {True: "yes", False: "no"}[value] if parameter.kind is bool else f"{value} {parameter.unit}".strip()
        told.append((parameter.label, text))
    return tuple(told)


def _training(metrics: Mapping[str, Any], epochs: Sequence[EpochEnded]) -> tuple[tuple[str, str], ...]:
    told = []
    if metrics.get("epochs"):
        told.append(("Epochs", str(metrics["epochs"])))
    if metrics.get("best_epoch"):
        told.append(("Epoch whose weights were kept", str(metrics["best_epoch"])))
    if "seconds" in metrics:
        told.append(("Time", f"{metrics['seconds']:.0f} s"))
    if metrics.get("stopped"):
        told.append(("Ended", "stopped by hand, best weights kept"))
    if "parameters" in metrics:
        told.append(("Weights of the network", f"{metrics['parameters']:,}".replace(",", " ")))
    for key, title in (
        ("training_accuracy", "Accuracy in training"),
        ("validation_accuracy", "Accuracy in validation"),
    ):
        if metrics.get(key) is not None:
            told.append((title, f"{100 * metrics[key]:.1f} %"))
    return tuple(told)


def _worst(run: RunFolder, reviewed: RunReview, judged: Sequence[Judged], names: Mapping[str, str]) -> list[WorstError]:
    found = []
    for j, pixels in zip(judged, run.read_crops(j.crop for j in judged), strict=True):
        assert j.truth is not None
        picture, (width, height) = picture_of(pixels, j.crop)
        found.append(
            WorstError(
                name=j.name,
                group=names.get(j.crop.group, ""),
                label=reviewed.classes[j.truth],
                predicted=reviewed.classes[j.prediction.index],
                confidence=j.prediction.confidence,
                picture=picture,
                width=width,
                height=height,
            )
        )
    return found


def picture_of(pixels: NDArray[Any], crop: DatasetCrop, side: int = _PICTURE_SIDE) -> tuple[str, tuple[int, int]]:
    """Return a crop as a PNG data URI whose longer side has `side` px, and its size; greys as the network sees them."""
    from PIL import Image

    grey = set_channels(scale_grey(pixels, crop.grey_low, crop.grey_high), 3 if crop.channels >= 3 else 1)
    array = (grey * 255).round().astype(np.uint8)
    image = Image.fromarray(array if array.shape[2] == 3 else array[..., 0])
    scale = side / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    out = BytesIO()
    image.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC).save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}", size


def _versions(metrics: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    told = {f"{name} (training)": str(version) for name, version in metrics.get("versions", {}).items()}
    if "threads" in metrics:
        told["Threads (training)"] = str(metrics["threads"])
    return (("poregui (this report)", poregui.__version__), *told.items())


def _hashes(run: RunFolder, dataset: Dataset) -> tuple[tuple[str, str], ...]:
    files = (run.recipe_file, run.crops_file, run.predictions_file, run.model_file, run.onnx_file)
    told = [("Dataset: contents, labels and split", dataset.hash)]
    for path in files:
        if path.exists():
            with open(path, "rb") as content:
                told.append((path.name, hashlib.file_digest(content, "sha256").hexdigest()))
    return tuple(told)
