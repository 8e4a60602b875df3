"""Gather what a report says about a run, as JSON and as one HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import poregui
from poregui.domain.dataset import Dataset, DatasetCrop, SplitName
from poregui.domain.events import EpochEnded, Event
from poregui.domain.recipe import Recipe, parameters
from poregui.domain.wording import (
    MICROMETRE,
    count,
    listed,
    named_run,
    noun,
    percent,
    percent_or_dash,
    percent_span,
    shortened,
)
from poregui.store.files import export_target, open_plain, write_text
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import scale_grey, set_channels
from poregui.workflow.evaluating.class_identity import colours_of
from poregui.workflow.evaluating.cross_validation import (
    CrossValidation,
    PooledBesideGrouped,
    cross_validation,
    pooled_beside_grouped,
)
from poregui.workflow.evaluating.evaluate import Predictions, evaluation_json, review
from poregui.workflow.evaluating.run_statistics import ClassCurves, Numbers, curves, numbers
from poregui.workflow.evaluating.shape_baseline import (
    Baseline,
    BesideBaseline,
    beside_baseline,
    read_baseline,
    shape_table,
)
from poregui.workflow.evaluating.test_views import Unseen, unseen
from poregui.workflow.rating.agreement_report import noise_ceiling
from poregui.workflow.rating.agreement_text import AgreementSection, agreement_section
from poregui.workflow.reporting.documents import ImageTag, render
from poregui.workflow.reporting.figures import breakdown_stem, run_figures
from poregui.workflow.training.grouping import group_names

WORST = 24
_MOST_GROUPS = 40
_IMAGE_SIDE = 112
_PARTS: tuple[tuple[SplitName, str], ...] = (
    ("train", "Training"),
    ("validation", "Validation"),
    ("test", "Test"),
)


@dataclass(frozen=True)
class WorstError:
    """Hold one wrong prediction with its image as a data URI of `width` x `height` px."""

    name: str
    group: str
    label: str
    predicted: str
    confidence: float
    image: str
    width: int
    height: int


@dataclass(frozen=True)
class ReportFacts:
    """Hold all that a report says, ready to be laid out; figures are SVG by file stem.

    `only_shapes`: the run is a forest on shapes itself; `important` names the shape features
    that count most in it.
    """

    project: str
    run: int
    made: str
    predictions: Predictions
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
    important: str
    cross_validation: CrossValidation | None
    agreement: AgreementSection | None
    beside: PooledBesideGrouped | None
    versions: tuple[tuple[str, str], ...]
    hashes: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]

    @property
    def run_name(self) -> str:
        """Return the run as people know it."""
        return named_run(self.run, self.predictions.name)


@dataclass(frozen=True)
class DataFacts:
    """Hold what a run was trained and tested on: `rows` are split, crops, crops per class, names of
    its groups.
    """

    classes: tuple[str, ...]
    rows: tuple[tuple[str, int, tuple[int, ...], str], ...]
    split: str
    scales: str


def collect_report(project: Project, run: RunFolder) -> ReportFacts:
    """Return all that a report of a run says, with the labels as they are now; takes a second or
    two, changes nothing.

    Raises ProjectError when the run has no predictions or is damaged.
    """
    predictions = review(project, run)
    dataset = run.read_dataset()
    metrics = run.read_metrics()
    names = group_names(project)
    found = numbers(predictions, "test", shape_table(run), names)
    colours = dict(
        zip(predictions.classes, colours_of(project, predictions.class_ids), strict=True)
    )
    baseline = read_baseline(run)
    events: list[Event] = []
    if not predictions.folds:
        events = run.events()
    errors = predictions.errors()
    beside = pooled_beside_grouped(project)
    if beside is not None and beside.grouped.preset != predictions.preset:
        beside = None
    against: BesideBaseline | None = None
    if baseline is not None:
        against = beside_baseline(predictions, baseline)
    return ReportFacts(
        project=project.name,
        run=run.number,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        predictions=predictions,
        numbers=found,
        curves=curves(predictions),
        unseen=unseen(project, predictions),
        data=_data(dataset, predictions.classes, names),
        recipe=_recipe(run.read_recipe()),
        training=_training(metrics, [event for event in events if isinstance(event, EpochEnded)]),
        figures=run_figures(predictions, found, colours, events, ceiling=noise_ceiling(project)),
        agreement=agreement_section(project, run),
        worst=tuple(_worst(run, predictions, errors[:WORST].tolist(), names)),
        errors=len(errors),
        baseline=against,
        only_shapes=predictions.preset == "shape",
        important=_important(baseline),
        cross_validation=cross_validation(run),
        beside=beside,
        versions=_versions(metrics),
        hashes=_hashes(run, dataset),
        warnings=dataset.warnings,
    )


def _important(baseline: Baseline | None) -> str:
    if baseline is None:
        return ""
    most = baseline.importances[:5]
    return listed([f"{name.lower()} {percent(share, 0)}" for name, share in most])


def _data(dataset: Dataset, classes: tuple[str, ...], names: Mapping[str, str]) -> DataFacts:
    rows = []
    for split, title in _PARTS:
        crops = dataset.split(split)
        if crops:
            counts = Counter(crop.label for crop in crops)
            per_class = tuple(counts[index] for index in range(len(classes)))
            rows.append((title, len(crops), per_class, _groups(crops, names)))
    return DataFacts(classes, tuple(rows), dataset.split_kind, _scales(dataset))


def _groups(crops: Sequence[DatasetCrop], names: Mapping[str, str]) -> str:
    keys = sorted({crop.group for crop in crops if not crop.group.startswith("crop:")})
    known = sorted(names.get(key, key.replace(":", " ")) for key in keys)
    return shortened(known, _MOST_GROUPS)


def _scales(dataset: Dataset) -> str:
    known = sorted({crop.um_per_px for crop in dataset.crops if crop.um_per_px is not None})
    if not known:
        return "unknown; sizes are in px"
    text = f"{known[0]:.4g}"
    if len(known) > 1:
        text += f"–{known[-1]:.4g}"
    text += f" {MICROMETRE}/px"
    unknown = sum(crop.um_per_px is None for crop in dataset.crops)
    if unknown:
        text += f"; unknown for {count(unknown, 'crop')}, so sizes are in px"
    return text


def _recipe(recipe: Recipe) -> tuple[tuple[str, str], ...]:
    rows = []
    for parameter in parameters():
        value = getattr(recipe, parameter.name)
        text = f"{value} {parameter.unit}".strip()
        if parameter.kind is bool:
            text = {True: "yes", False: "no"}[value]
        rows.append((parameter.label, text))
    return tuple(rows)


def _training(
    metrics: Mapping[str, Any], epochs: Sequence[EpochEnded]
) -> tuple[tuple[str, str], ...]:
    rows = []
    if metrics.get("epochs"):
        rows.append(("Epochs", str(metrics["epochs"])))
    if metrics.get("best_epoch"):
        rows.append(("Best epoch (weights kept)", str(metrics["best_epoch"])))
    if "seconds" in metrics:
        rows.append(("Training time", f"{metrics['seconds']:.0f} s"))
    if metrics.get("stopped"):
        rows.append(("Ended", "stopped manually, best weights kept"))
    if "parameters" in metrics:
        rows.append(("Network parameters", f"{metrics['parameters']:,}"))
    for key, title in (
        ("training_accuracy", "Training accuracy"),
        ("validation_accuracy", "Validation accuracy"),
    ):
        if metrics.get(key) is not None:
            rows.append((title, percent(metrics[key])))
    return tuple(rows)


def _worst(
    run: RunFolder, predictions: Predictions, rows: Sequence[int], names: Mapping[str, str]
) -> list[WorstError]:
    found = []
    crops = [predictions.crops[row] for row in rows]
    confidence = predictions.confidence
    for row, crop, pixels in zip(rows, crops, run.read_crops(crops), strict=True):
        image, (width, height) = image_of(pixels, crop)
        found.append(
            WorstError(
                name=crop.name,
                group=names.get(crop.group, ""),
                label=predictions.classes[predictions.truth[row]],
                predicted=predictions.classes[predictions.predicted[row]],
                confidence=float(confidence[row]),
                image=image,
                width=width,
                height=height,
            )
        )
    return found


def image_of(
    pixels: NDArray[Any], crop: DatasetCrop, side: int = _IMAGE_SIDE
) -> tuple[str, tuple[int, int]]:
    """Return a crop as a PNG data URI whose longer side has `side` px, and its size; greys as the
    network sees them.
    """
    from PIL import Image

    channels = 1
    if crop.channels >= 3:
        channels = 3
    grey = set_channels(scale_grey(pixels, crop.grey_low, crop.grey_high), channels)
    array = (grey * 255).round().astype(np.uint8)
    if channels == 1:
        array = array[..., 0]
    image = Image.fromarray(array)
    scale = side / max(image.size)
    method = Image.Resampling.BICUBIC
    if scale < 1:
        method = Image.Resampling.LANCZOS
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    out = BytesIO()
    image.resize(size, method).save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}", size


def _versions(metrics: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    rows = [("poregui (this report)", poregui.__version__)]
    versions = metrics.get("versions", {}).items()
    rows += [(f"{name} (training)", str(version)) for name, version in versions]
    if "threads" in metrics:
        rows.append(("Threads (training)", str(metrics["threads"])))
    return tuple(rows)


def _hashes(run: RunFolder, dataset: Dataset) -> tuple[tuple[str, str], ...]:
    files = (run.recipe_file, run.crops_file, run.predictions_file, run.model_file, run.onnx_file)
    rows = [("Dataset: contents, labels and split", dataset.hash)]
    for path in files:
        with suppress(OSError), open_plain(path) as content:
            rows.append((path.name, hashlib.file_digest(content, "sha256").hexdigest()))
    return tuple(rows)


def run_json(project: Project, run: RunFolder) -> dict[str, Any]:
    """Return every number of a run with the labels as they are now, fit for JSON.

    Raises ProjectError when the run has no predictions or is damaged.
    """
    predictions = review(project, run)
    found = numbers(predictions, "test", shape_table(run), group_names(project))
    baseline = read_baseline(run)
    folds = cross_validation(run)
    pair = pooled_beside_grouped(project)
    seen = unseen(project, predictions)
    areas = [curve.to_json() for curve in curves(predictions)]
    against: dict[str, Any] | None = None
    if baseline is not None:
        against = beside_baseline(predictions, baseline).to_json()
    return {
        **evaluation_json(project, run),
        **found.to_json(),
        "areas": areas,
        "shape_baseline": against,
        "cross_validation": folds and folds.to_json(),
        "grouped_and_torn": pair and pair.to_json(),
        "test_side": {**seen.to_json(), "sentence": seen.sentence},
    }


_SPLITS = {
    "given": "by the folders the crops were imported from",
    "specimen": "by specimen: a specimen is used for training or testing, never both",
    "micrograph": "by micrograph: a micrograph is used for training or testing, never both",
    "crop": "by crop: crops of one specimen can be in both training and test set",
    "mixed": "by specimen, micrograph or crop, whichever is known",
}


def write_report(
    project: Project,
    run: RunFolder,
    out: Path,
    print_pdf: Callable[[str, Path], None] | None = None,
) -> Path:
    """Write the report of a run as HTML or, by `print_pdf` (HTML, path), as PDF, and return its
    path.

    It is written whole or not at all; PDF is what ends in .pdf. Raises ProjectError when the run
    has no predictions or is damaged, PoreguiError when `out` cannot be written.
    """
    text = report_html(collect_report(project, run))
    target = export_target(out)
    if print_pdf is not None and out.suffix.lower() == ".pdf":
        print_pdf(text, target)
    else:
        write_text(target, text)
    return out


def report_html(facts: ReportFacts, image: ImageTag | None = None) -> str:
    """Return the report as HTML: figures as SVG inside, or as whatever `image` makes of them.

    The layout is of tables, so that Qt's rich text prints it too. Every name and note is escaped.
    """
    values = {"facts": facts, "count": count, "noun": noun, "um": MICROMETRE, **_texts(facts)}
    filters = {"percent": percent_or_dash, "interval": percent_span, "decimals": _decimals}
    return render("report.html.j2", values, filters, image)


def split_text(kind: str) -> str:
    """Return how a dataset was split, to stand behind the word "split"."""
    return _SPLITS.get(kind, kind)


def _texts(facts: ReportFacts) -> dict[str, Any]:
    folds = facts.predictions.folds
    kind = "Training with a test set"
    if folds:
        kind = f"Cross-validation with {count(folds, 'fold')}"
    return {
        "split": split_text(facts.data.split),
        "changed": _changed(facts.predictions),
        "breakdowns": [breakdown_stem(breakdown) for breakdown in facts.numbers.breakdowns],
        "areas": {curve.name: (curve.roc_area, curve.average_precision) for curve in facts.curves},
        "kind": kind,
    }


def _changed(predictions: Predictions) -> str:
    if not predictions.relabelled:
        return ""
    text = f"{count(predictions.relabelled, 'test label')} changed since the run was trained"
    if predictions.accuracy_as_trained is not None:
        text += f"; the accuracy was {percent(predictions.accuracy_as_trained)} after training"
    return f"{text}."


def _decimals(value: float | None, digits: int = 3) -> str:
    if value is None:
        return "–"
    return f"{value:.{digits}f}"
