"""Say what a network is, what it was made from and what it may be used for; changes with what a model card tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from poregui.domain.correction import correction
from poregui.domain.dataset import Dataset
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.class_identity import ClassesHere, classes_of_run
from poregui.workflow.documents import Block, Heading, Paragraph, Table
from poregui.workflow.grouping import group_names
from poregui.workflow.report import split_words
from poregui.workflow.report_facts import ReportFacts, collect_report

_PARTS = ("train", "validation", "test")
_MOST_GROUPS = 60


def model_card(project: Project, run: RunFolder, sidecar: Mapping[str, Any]) -> list[Block]:
    """Return the card of a run's network; `sidecar` is what stands in its model.json.

    Raises ProjectError when the run has no predictions or is damaged.
    """
    facts, dataset = collect_report(project, run), run.read_dataset()
    here = classes_of_run(project, dataset)
    title = f"Network of run {run.number} of {project.name}"
    what = f"Sorts pores in micrographs into {_listed(here.names)}. Made {facts.made} from the project."
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


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _use(facts: ReportFacts, sidecar: Mapping[str, Any]) -> list[Block]:
    scale = sidecar.get("um_per_px")
    at = f", {scale['low']:.4g} to {scale['high']:.4g} um per px" if scale else ""
    limits = [
        f"Meant for: micrographs prepared and taken as those it learned from{at}, whose pores are found with the "
        "detection recipe below; area per cent and counts of each class over many fields and specimens.",
        "Not meant for: other materials, preparations or microscopes without labelled crops of them to test on; "
        "deciding about a single pore or accepting a part on its own; classes that are not in the table below, for "
        "every pore is given one of these.",
        "The numbers below hold for specimens like the tested ones. The correction for confusion assumes that each "
        "class is confused there as it was in the test.",
    ]
    told = [facts.unseen.sentence, *facts.warnings]
    if facts.numbers.interval is not None and facts.numbers.interval.warning:
        told.append(facts.numbers.interval.warning)
    return [Heading("Intended use and limits"), *(Paragraph(text) for text in (*limits, *told) if text)]


def _classes(project: Project, dataset: Dataset, here: ClassesHere) -> list[Block]:
    known = {one.id: one.definition for one in project.classes(retired=True)}
    rows = []
    for name, class_id, trained in zip(here.names, here.ids, dataset.classes, strict=True):
        before = f" (called {trained} when it was trained)" if trained != name else ""
        rows.append((name + before, known.get(class_id) or "no definition was written"))
    return [Heading("Classes"), Table(("Class", "Definition"), tuple(rows))]


def _input(sidecar: Mapping[str, Any]) -> list[Block]:
    told = sidecar["input"]
    colour = "grey" if told["channels"] == 1 else "colour"
    shape = "stretched to the square" if told["stretched"] else "proportions kept"
    rows = [("Crop", f"{told['side']} x {told['side']} px, {colour}, {shape}, greys from 0 to 1")]
    if told.get("sees_size"):
        rows.append(("Size of the crop", f"width and height in {'um' if told.get('calibrated') else 'px'}"))
    else:
        rows.append(("Size of the crop", "not seen"))
    if told.get("sees_shape"):
        rows.append(("Shape in the crop", "numbers of size, outline and contrast, measured from the crop's pixels"))
    scale, parity = sidecar.get("um_per_px"), sidecar.get("parity")
    known = f"median {scale['median']:.4g}, {scale['low']:.4g} to {scale['high']:.4g} um per px" if scale else "unknown"
    rows += [
        ("Scale of the training crops", known),
        ("Other scales", "crops are resized to the median, and it is said" if scale else "cannot be told apart"),
        ("Outputs", "probabilities (one a class, in the order above), activation_maps, penultimate"),
        ("Difference to Keras", f"at most {parity['largest_difference']:.2g}" if parity else "–"),
    ]
    return [Heading("Input and output"), Table(("", ""), tuple(rows))]


def _data(project: Project, dataset: Dataset, here: ClassesHere) -> list[Block]:
    names = group_names(project)
    counted: Counter[tuple[str, str, int]] = Counter((crop.group, crop.part, crop.label) for crop in dataset.crops)
    groups = sorted(
        {(crop.part, crop.group) for crop in dataset.crops},
        key=lambda key: (_PARTS.index(key[0]), names.get(key[1], key[1])),
    )
    single = [key for key in groups if key[1].startswith("crop:")]
    rows = [
        (names.get(group, group.replace(":", " ")), part, *_counts(counted, group, part, dataset))
        for part, group in groups
        if (part, group) not in single
    ]
    shown = rows[:_MOST_GROUPS]
    sums = [
        ("All", part, *(str(sum(c.part == part and c.label == k for c in dataset.crops)) for k in _places(dataset)))
        for part in _PARTS
    ]
    notes = [f"Split {split_words(dataset.split_kind)}. Test crops decided neither weights nor the end of training."]
    if len(rows) > len(shown):
        notes.append(f"{len(rows) - len(shown)} more specimens or micrographs are in the sums alone.")
    if single:
        notes.append("Crops without specimen and micrograph are in the sums alone.")
    head = ("Specimen or micrograph", "Part", *here.names)
    return [Heading("Data"), Table(head, tuple(shown + sums)), *(Paragraph(text) for text in notes)]


def _places(dataset: Dataset) -> range:
    return range(len(dataset.classes))


def _counts(counted: Counter[tuple[str, str, int]], group: str, part: str, dataset: Dataset) -> tuple[str, ...]:
    return tuple(str(counted[group, part, place]) for place in _places(dataset))


def _numbers(facts: ReportFacts) -> list[Block]:
    found = facts.numbers
    over = f" over {found.interval.groups} {found.interval.counts}" if found.interval else ""
    accuracy = (found.interval.low, found.interval.high) if found.interval else None
    ends = found.intervals
    rows = [
        ("Accuracy", _percent(found.evaluation.accuracy), _ends(accuracy)),
        ("Balanced accuracy", _percent(found.scores.balanced_accuracy), _ends(ends.get("balanced_accuracy"))),
        ("F1, mean over classes", _percent(found.scores.macro.f1), _ends(ends.get("macro_f1"))),
        ("Calibration error", _percent(found.calibration.error), "–"),
    ]
    rows += [
        (f"Recall of {one.name} ({one.support} crops)", _percent(one.recall), _ends(one.recall_interval95))
        for one in found.evaluation.per_class
    ]
    beside = [Paragraph(facts.baseline.sentence)] if facts.baseline is not None else []
    title = f"95 % interval{over}"
    note = Paragraph(
        f"Of {found.evaluation.n} test crops with the labels as they are now; recall has Wilson's interval."
    )
    return [Heading("Numbers"), note, Table(("Number", "Value", title), tuple(rows)), *beside]


def _confusion(facts: ReportFacts, sidecar: Mapping[str, Any]) -> list[Block]:
    classes = facts.numbers.evaluation.classes
    matrix = facts.numbers.evaluation.matrix.tolist()
    rows = tuple((f"is {name}", *map(str, row)) for name, row in zip(classes, matrix, strict=True))
    correct = correction(sidecar["confusion"])
    word = "Porosity is corrected with this matrix as it was when the network was trained, by the area of the pores."
    if not correct.possible:
        word = f"Porosity is not corrected for confusion: {correct.why_not}."
    return [
        Heading("Confusion"),
        Table(("Test crops", *(f"answered {name}" for name in classes)), rows),
        Paragraph(word),
    ]


def _detection(sidecar: Mapping[str, Any]) -> list[Block]:
    rows = tuple((name.replace("_", " "), str(value)) for name, value in sidecar["detection"].items())
    return [Heading("Detection recipe"), Table(("Parameter", "Value"), rows)]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _ends(interval: tuple[float, float] | None) -> str:
    return "–" if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"
