"""Say what a network is, what it was made from and what it may be used for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from poregui.domain.dataset import SPLITS, Dataset
from poregui.domain.statistics.porosity import correction
from poregui.domain.wording import MICROMETRE, count, listed, percent_or_dash, percent_span
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.class_identity import ClassesHere, classes_of_run
from poregui.workflow.reporting.documents import Block, Heading, Paragraph, Table
from poregui.workflow.reporting.run_report import ReportFacts, collect_report, split_text
from poregui.workflow.training.grouping import group_names

_MOST_GROUPS = 60


def model_card(project: Project, run: RunFolder, sidecar: Mapping[str, Any]) -> list[Block]:
    """Return the card of a run's network; `sidecar` is what stands in its model.json.

    Raises ProjectError when the run has no predictions or is damaged.
    """
    facts = collect_report(project, run)
    dataset = run.read_dataset()
    here = classes_of_run(project, dataset)
    title = f"Network of run {run.number} of {project.name}"
    what = (
        f"Classifies pores in micrographs as {listed(here.names, 'or')}. Exported {facts.made} "
        "from the project."
    )
    return [
        Heading(title, 1),
        Paragraph(what),
        *_use(facts, sidecar),
        *_classes(project, dataset, here),
        *_input(sidecar),
        *_data(project, dataset, here),
        *_numbers(facts),
        *_confusion(facts, sidecar),
        *_detection(sidecar),
        Heading("Recipe, versions and hashes"),
        Table(("Recipe", ""), facts.recipe),
        Table(("Version of", ""), facts.versions),
        Table(("SHA-256 of", ""), facts.hashes),
    ]


def _use(facts: ReportFacts, sidecar: Mapping[str, Any]) -> list[Block]:
    scale = sidecar.get("um_per_px")
    pixel_size = ""
    if scale:
        pixel_size = f" ({scale['low']:.4g}–{scale['high']:.4g} {MICROMETRE}/px)"
    limits = [
        f"Intended for: micrographs prepared and imaged like the training data{pixel_size}, with "
        "pores found by the detection recipe below; area fraction and counts of each class over "
        "many fields and specimens.",
        "Not intended for: other materials, preparations or microscopes without labelled crops to "
        "test on; decisions about a single pore, or accepting a part on its own; classes not in "
        "the table below, because every pore is assigned one of these.",
        "The metrics below hold for specimens like the tested ones. The correction for confusion "
        "assumes that classes are confused there as they were in the test.",
    ]
    notes = [facts.unseen.sentence, *facts.warnings]
    if facts.numbers.interval is not None and facts.numbers.interval.warning:
        notes.append(facts.numbers.interval.warning)
    return [
        Heading("Intended use and limits"),
        *(Paragraph(text) for text in (*limits, *notes) if text),
    ]


def _classes(project: Project, dataset: Dataset, here: ClassesHere) -> list[Block]:
    known = {pore_class.id: pore_class.definition for pore_class in project.classes(retired=True)}
    rows = []
    for name, class_id, trained in zip(here.names, here.ids, dataset.classes, strict=True):
        text = name
        if trained != name:
            text += f" (called {trained} when it was trained)"
        rows.append((text, known.get(class_id) or "no definition"))
    return [Heading("Classes"), Table(("Class", "Definition"), tuple(rows))]


def _input(sidecar: Mapping[str, Any]) -> list[Block]:
    spec = sidecar["input"]
    colour = "colour"
    if spec["channels"] == 1:
        colour = "grey"
    shape = "aspect ratio kept"
    if spec["stretched"]:
        shape = "stretched to a square"
    side = spec["side"]
    rows = [("Crop", f"{side} × {side} px, {colour}, {shape}, grey values 0–1")]
    outputs = ["probabilities (one per class, in the order above)", "activation_maps"]
    if not spec.get("sees_image", True):
        rows = [("Crop", "its pixels are not used")]
        outputs.pop()
    size = "not used"
    if spec.get("sees_size"):
        unit = "px"
        if spec.get("calibrated"):
            unit = MICROMETRE
        size = f"width and height in {unit}"
    rows.append(("Crop size", size))
    if spec.get("sees_shape"):
        rows.append(("Shape features", "size, outline and contrast, measured in the crop"))
    rows += _scale_rows(sidecar.get("um_per_px"))
    rows.append(("Outputs", ", ".join([*outputs, "penultimate"])))
    parity = sidecar.get("parity")
    difference = "–"
    if parity:
        difference = f"at most {parity['largest_difference']:.2g}"
    rows.append(("Difference to what was trained", difference))
    return [Heading("Input and output"), Table(("", ""), tuple(rows))]


def _scale_rows(scale: Mapping[str, float] | None) -> list[tuple[str, str]]:
    known = "unknown"
    others = "not detected"
    if scale:
        span = f"{scale['low']:.4g}–{scale['high']:.4g}"
        known = f"median {scale['median']:.4g}, {span} {MICROMETRE}/px"
        others = "crops are resized to the median, with a note"
    return [("Pixel size of training crops", known), ("Other pixel sizes", others)]


def _data(project: Project, dataset: Dataset, here: ClassesHere) -> list[Block]:
    names = group_names(project)
    counted: Counter[tuple[str, str, int]] = Counter(
        (crop.group, crop.split, crop.label) for crop in dataset.crops
    )

    def place(key: tuple[str, str]) -> tuple[int, str]:
        return SPLITS.index(key[0]), names.get(key[1], key[1])

    groups = sorted({(crop.split, crop.group) for crop in dataset.crops}, key=place)
    single = [key for key in groups if key[1].startswith("crop:")]
    rows = [
        (names.get(group, group.replace(":", " ")), split, *_counts(counted, group, split, dataset))
        for split, group in groups
        if (split, group) not in single
    ]
    shown = rows[:_MOST_GROUPS]
    sums = [
        (
            "All",
            split,
            *(
                str(sum(c.split == split and c.label == k for c in dataset.crops))
                for k in _places(dataset)
            ),
        )
        for split in SPLITS
    ]
    notes = [
        f"Split {split_text(dataset.split_kind)}. Test crops were used neither for training nor "
        "for stopping it."
    ]
    if len(rows) > len(shown):
        notes.append(
            f"{len(rows) - len(shown):,} more specimens or micrographs are in the totals only."
        )
    if single:
        notes.append("Crops without specimen and micrograph are in the totals only.")
    head = ("Specimen or micrograph", "Data split", *here.names)
    return [Heading("Data"), Table(head, tuple(shown + sums)), *(Paragraph(text) for text in notes)]


def _places(dataset: Dataset) -> range:
    return range(len(dataset.classes))


def _counts(
    counted: Counter[tuple[str, str, int]], group: str, split: str, dataset: Dataset
) -> tuple[str, ...]:
    return tuple(str(counted[group, split, place]) for place in _places(dataset))


def _numbers(facts: ReportFacts) -> list[Block]:
    found = facts.numbers
    title = "95 % CI"
    accuracy: tuple[float, float] | None = None
    if found.interval:
        title += f" over {found.interval.groups} {found.interval.counts}"
        accuracy = (found.interval.low, found.interval.high)
    ends = found.intervals
    rows = [
        ("Accuracy", percent_or_dash(found.evaluation.accuracy), percent_span(accuracy)),
        (
            "Balanced accuracy",
            percent_or_dash(found.scores.balanced_accuracy),
            percent_span(ends.get("balanced_accuracy")),
        ),
        (
            "F1, mean over classes",
            percent_or_dash(found.scores.macro.f1),
            percent_span(ends.get("macro_f1")),
        ),
        ("Calibration error", percent_or_dash(found.calibration.error), "–"),
    ]
    rows += [
        (
            f"Recall of {one.name} ({count(one.support, 'crop')})",
            percent_or_dash(one.recall),
            percent_span(one.recall_interval95),
        )
        for one in found.evaluation.per_class
    ]
    note = Paragraph(
        f"On {count(found.evaluation.n, 'test crop')} with the current labels; recall has the "
        "Wilson interval."
    )
    blocks: list[Block] = [Heading("Metrics"), note, Table(("Metric", "Value", title), tuple(rows))]
    if facts.baseline is not None:
        blocks.append(Paragraph(facts.baseline.sentence))
    return blocks


def _confusion(facts: ReportFacts, sidecar: Mapping[str, Any]) -> list[Block]:
    classes = facts.numbers.evaluation.classes
    matrix = facts.numbers.evaluation.matrix.tolist()
    lines = zip(classes, matrix, strict=True)
    rows = tuple((f"labelled {name}", *map(str, row)) for name, row in lines)
    correct = correction(sidecar["confusion"])
    text = (
        "Porosity is corrected by pore area with this matrix as it was when the network was "
        "trained."
    )
    if not correct.possible:
        text = f"Porosity is not corrected for confusion: {correct.why_not}."
    return [
        Heading("Confusion"),
        Table(("Test crops", *(f"predicted {name}" for name in classes)), rows),
        Paragraph(text),
    ]


def _detection(sidecar: Mapping[str, Any]) -> list[Block]:
    rows = tuple(
        (name.replace("_", " "), str(value)) for name, value in sidecar["detection"].items()
    )
    return [Heading("Detection recipe"), Table(("Parameter", "Value"), rows)]
