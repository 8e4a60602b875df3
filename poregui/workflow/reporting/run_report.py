"""Gather what a report says about a run, as JSON and as one HTML file."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import poregui
from poregui.domain.classes import NOT_A_PORE_COLOUR, NOT_A_PORE_NAME
from poregui.domain.dataset import Dataset, DatasetCrop, Part
from poregui.domain.events import EpochEnded
from poregui.domain.recipe import Recipe, parameters
from poregui.resources import resource
from poregui.store.files import explain_write_error, write_text
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import scale_grey, set_channels
from poregui.workflow.evaluating.cross_validation import (
    Crossed,
    PooledBesideGrouped,
    crossed,
    pooled_beside_grouped,
)
from poregui.workflow.evaluating.evaluate import Predictions, evaluation_json, review
from poregui.workflow.evaluating.run_statistics import (
    ClassCurves,
    Numbers,
    curves,
    group_names,
    numbers,
)
from poregui.workflow.evaluating.shape_baseline import (
    Baseline,
    BesideBaseline,
    beside_baseline,
    read_baseline,
    shape_table,
)
from poregui.workflow.evaluating.test_views import Unseen, unseen
from poregui.workflow.reporting.figures import run_figures

WORST = 24
_PICTURE_SIDE = 112
_PARTS: tuple[tuple[Part, str], ...] = (
    ("train", "Training"),
    ("validation", "Validation"),
    ("test", "Test"),
)


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

    `only_shapes`: the run is a forest on shapes itself; `telling` names the numbers that decide
    most in it.
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
    telling: str
    crossed: Crossed | None
    beside: PooledBesideGrouped | None
    versions: tuple[tuple[str, str], ...]
    hashes: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class DataFacts:
    """Hold what a run was trained and tested on: `rows` are part, crops, crops per class, names of
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
    colours = {c.name: c.colour for c in project.classes(retired=True)} | {
        NOT_A_PORE_NAME: NOT_A_PORE_COLOUR
    }
    baseline = read_baseline(run)
    events = run.events() if not predictions.folds else []
    errors = predictions.errors()
    beside = pooled_beside_grouped(project)
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
        figures=run_figures(predictions, found, colours, events),
        worst=tuple(_worst(run, predictions, errors[:WORST].tolist(), names)),
        errors=len(errors),
        baseline=beside_baseline(predictions, baseline) if baseline else None,
        only_shapes=predictions.preset == "shape",
        telling=_telling(baseline),
        crossed=crossed(run),
        beside=beside if beside and beside.grouped.preset == predictions.preset else None,
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
    if len(known) == 1:
        ends = f"{known[0]:.4g}"
    else:
        ends = f"{known[0]:.4g} to {known[-1]:.4g}"
    unknown = sum(crop.um_per_px is None for crop in dataset.crops)
    return f"{ends} um per px" + (
        f"; unknown for {unknown} crops, so that sizes count in px" if unknown else ""
    )


def _recipe(recipe: Recipe) -> tuple[tuple[str, str], ...]:
    told = []
    for parameter in parameters():
        value = getattr(recipe, parameter.name)
        if parameter.kind is bool:
            text = {True: "yes", False: "no"}[value]
        else:
            text = f"{value} {parameter.unit}".strip()
        told.append((parameter.label, text))
    return tuple(told)


def _training(
    metrics: Mapping[str, Any], epochs: Sequence[EpochEnded]
) -> tuple[tuple[str, str], ...]:
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


def _worst(
    run: RunFolder, predictions: Predictions, rows: Sequence[int], names: Mapping[str, str]
) -> list[WorstError]:
    found = []
    crops = [predictions.crops[row] for row in rows]
    confidence = predictions.confidence
    for row, crop, pixels in zip(rows, crops, run.read_crops(crops), strict=True):
        picture, (width, height) = picture_of(pixels, crop)
        found.append(
            WorstError(
                name=crop.name,
                group=names.get(crop.group, ""),
                label=predictions.classes[predictions.truth[row]],
                predicted=predictions.classes[predictions.predicted[row]],
                confidence=float(confidence[row]),
                picture=picture,
                width=width,
                height=height,
            )
        )
    return found


def picture_of(
    pixels: NDArray[Any], crop: DatasetCrop, side: int = _PICTURE_SIDE
) -> tuple[str, tuple[int, int]]:
    """Return a crop as a PNG data URI whose longer side has `side` px, and its size; greys as the
    network sees them.
    """
    from PIL import Image

    grey = set_channels(
        scale_grey(pixels, crop.grey_low, crop.grey_high), 3 if crop.channels >= 3 else 1
    )
    array = (grey * 255).round().astype(np.uint8)
    image = Image.fromarray(array if array.shape[2] == 3 else array[..., 0])
    scale = side / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    out = BytesIO()
    image.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC).save(
        out, "PNG"
    )
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}", size


def _versions(metrics: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    told = {
        f"{name} (training)": str(version) for name, version in metrics.get("versions", {}).items()
    }
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


def run_json(project: Project, run: RunFolder) -> dict[str, Any]:
    """Return every number of a run with the labels as they are now, fit for JSON.

    Raises ProjectError when the run has no predictions or is damaged.
    """
    predictions = review(project, run)
    found = numbers(predictions, "test", shape_table(run), group_names(project))
    baseline = read_baseline(run)
    folds = crossed(run)
    pair = pooled_beside_grouped(project)
    seen = unseen(project, predictions)
    areas = [
        {
            "class": one.name,
            "roc_area": one.roc.area if one.roc else None,
            "average_precision": one.precision_recall.area if one.precision_recall else None,
        }
        for one in curves(predictions)
    ]
    return {
        **evaluation_json(project, run),
        **found.to_json(),
        "areas": areas,
        "shape_baseline": beside_baseline(predictions, baseline).to_json() if baseline else None,
        "cross_validation": folds.to_json() if folds else None,
        "grouped_and_torn": pair.to_json() if pair else None,
        "test_side": {**seen.to_json(), "sentence": seen.sentence},
    }


Picture = Callable[[str, int], str]
"""Takes an SVG and its width in px and returns the markup that shows it."""
_SPLITS = {
    "given": "by the folders that the crops came in",
    "specimen": "by specimen: no specimen stands on two sides",
    "micrograph": "by micrograph: no micrograph stands on two sides",
    "crop": "crop by crop: crops of one specimen can stand on both sides",
    "mixed": "by specimen, micrograph or crop, whatever is known",
}
_WIDTH = re.compile(r'<svg[^>]* width="(\d+)"')


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
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_write_error(error, out) from error
    if print_pdf is not None and out.suffix.lower() == ".pdf":
        print_pdf(text, out)
    else:
        write_text(out, text)
    return out


def report_html(facts: ReportFacts, picture: Picture | None = None) -> str:
    """Return the report as HTML: figures as SVG inside, or as whatever `picture` makes of them.

    The layout is of tables, so that Qt's rich text prints it too. Every name and note is escaped.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def figure(stem: str) -> Markup:
        svg = facts.figures.get(stem)
        if svg is None:
            return Markup("")
        found = _WIDTH.match(svg)
        # Ours, and escaped word by word where it was drawn.
        return Markup(picture(svg, int(found[1]) if found else 400) if picture else svg)

    # A block that is switched off leaves no blank lines, and an unknown name is an error instead of
    # a gap.
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(percent=_percent, ends=_ends, decimals=_decimals)
    template = environment.from_string(resource("report.html.j2").read_text(encoding="utf-8"))
    return template.render(facts=facts, figure=figure, **_words(facts))


def split_words(kind: str) -> str:
    """Return how a dataset was split, to stand behind the word "split"."""
    return _SPLITS.get(kind, kind)


def _words(facts: ReportFacts) -> dict[str, Any]:
    predictions = facts.predictions
    found = facts.numbers
    as_trained = predictions.accuracy_as_trained
    changed = ""
    if predictions.relabelled:
        if predictions.relabelled == 1:
            labels = "1 test label"
        else:
            labels = f"{predictions.relabelled} test labels"
        if as_trained is not None:
            was = f"; it was {_percent(as_trained)} when the run ended"
        else:
            was = ""
        changed = f"{labels} changed since the run was trained{was}."
    return {
        "split": split_words(facts.data.split),
        "changed": changed,
        "breakdowns": [
            f"accuracy-by-{one.title.lower().replace(' ', '-')}" for one in found.breakdowns
        ],
        "areas": {c.name: (c.roc.area if c.roc else None, _average(c)) for c in facts.curves},
        "kind": f"Cross-validation with {predictions.folds} folds"
        if predictions.folds
        else "Training with a test side",
    }


def _average(curves: Any) -> float | None:
    if curves.precision_recall:
        return curves.precision_recall.area
    return None


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _ends(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return "–"
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"


def _decimals(value: float | None, places: int = 3) -> str:
    return "–" if value is None else f"{value:.{places}f}"
