"""Apply a network to micrographs, one use case for the window and the command line.

A study is opened with a network, micrographs and a folder; it is run, or looks for results that are
there; `at` shows it at a confidence, to sum up, save and report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from poregui.store.files import explain_write_error, write_json
from poregui.store.project import Project
from poregui.store.run_files import parse_json, read_whole
from poregui.workflow.applying.cluster import Scheduler, apply_on_cluster
from poregui.workflow.applying.confidence import at_confidence, mark_field
from poregui.workflow.applying.confusion_of_tests import ConfidenceCounts
from poregui.workflow.applying.field import (
    AppliedField,
    FieldProblem,
    FieldResult,
    FieldTask,
    read_or_why,
)
from poregui.workflow.applying.human_labels import (
    HumanLabels,
    human_labels,
    with_human_labels,
)
from poregui.workflow.applying.inputs import AppliedModel, ToApply, named_now, tasks_of
from poregui.workflow.applying.locked_recipe import Lock
from poregui.workflow.applying.overlay import FieldImage
from poregui.workflow.applying.pool import Progress, apply_all
from poregui.workflow.applying.porosity_report import collect_applied, write_applied_report
from poregui.workflow.applying.result_table import read_pores
from poregui.workflow.applying.size_figure import diameters_of, sizes_svg
from poregui.workflow.applying.summary import GroupSummary, Summary, groups_of, summarise
from poregui.workflow.evaluating.class_identity import classes_now
from poregui.workflow.reporting.svg import LIGHT, Ink

__all__ = ["AppliedField", "ApplyStudy", "ConfidenceCounts", "FieldImage", "StudyView"]
SUMMARY = "summary.json"


@dataclass(frozen=True, eq=False)
class ApplyStudy:
    """Hold a network, a task for each micrograph, and what was found on those that are done.

    `lock` is what the recipe was locked with, None where it is not. `problems` say what could not
    be done, `changed` of each micrograph whose results do not count any more why; `taken_up` of the
    results were there before.
    """

    model: AppliedModel
    tasks: tuple[FieldTask, ...]
    out: Path
    lock: Lock | None = None
    fields: tuple[AppliedField, ...] = ()
    problems: tuple[FieldProblem, ...] = ()
    taken_up: int = 0
    changed: tuple[str, ...] = ()
    human: HumanLabels | None = None

    @staticmethod
    def open(
        model: AppliedModel,
        fields: Sequence[ToApply],
        out: Path,
        *,
        lock: Lock | None = None,
        min_confidence: float = 0.0,
    ) -> ApplyStudy:
        """Return a study of micrographs whose results go into the folder `out`.

        `min_confidence` is the confidence that they are first written with (see `StudyView.save`).
        """
        return ApplyStudy(
            model, tuple(tasks_of(model, fields, out, min_confidence=min_confidence)), out, lock
        )

    def with_labels(self, project: Project) -> ApplyStudy:
        """Return it with what people said of the pores in a project, and its names of classes."""
        model = named_now(
            self.model, classes_now(project, self.model.classes, self.model.class_ids)
        )
        human = human_labels(project, model.class_ids)
        fields = tuple(with_human_labels(field, human) for field in self.fields)
        return replace(self, model=model, human=human, fields=fields)

    def labelled(self, field: AppliedField) -> AppliedField:
        """Return a micrograph of an earlier study with what people say of its pores now."""
        if self.human is None:
            return field
        return with_human_labels(field, self.human)

    def keeping_out_of_distribution(self) -> ApplyStudy:
        """Return it with the predicted class of pores that are unlike all training crops."""
        fields = [
            replace(field, pores=replace(field.pores, keep_out_of_distribution=True))
            for field in self.fields
        ]
        return replace(self, fields=tuple(fields))

    def run(
        self,
        *,
        workers: int = 0,
        scheduler: Scheduler | None = None,
        progress: Progress = lambda done, total, text: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> ApplyStudy:
        """Find, measure and classify all pores, as `apply_all` or `apply_on_cluster` do."""
        if scheduler is None:
            applied = apply_all(self.tasks, workers=workers, progress=progress, cancelled=cancelled)
        else:
            applied = apply_on_cluster(
                self.tasks, scheduler, progress=progress, cancelled=cancelled
            )
        task_of = {task.key: task for task in self.tasks}
        found = self._with(
            (task_of[result.file, result.plane], result) for result in applied.results
        )
        return replace(found, problems=applied.problems, taken_up=applied.taken_up)

    def there(self) -> ApplyStudy:
        """Return it with the results that are there and still hold."""
        found = [(task, *read_or_why(task)) for task in self.tasks if task.file.exists()]
        study = self._with((task, result) for task, result, _ in found if result is not None)
        changed = [why for _, _, why in found]
        return replace(
            study, taken_up=len(study.fields), changed=tuple(one for one in changed if one)
        )

    def _with(self, done: Iterable[tuple[FieldTask, FieldResult]]) -> ApplyStudy:
        count = len(self.model.classes)
        fields = [
            AppliedField(task, result, read_pores(task.folder, count)) for task, result in done
        ]
        return replace(self, fields=tuple(self.labelled(field) for field in fields))

    def at(self, min_confidence: float) -> StudyView:
        """Return what it shows at a confidence."""
        return StudyView(self, min_confidence)


@dataclass(frozen=True, eq=False)
class StudyView:
    """Show a study with pores below the confidence `min_confidence` left to a person."""

    study: ApplyStudy
    min_confidence: float

    @cached_property
    def model(self) -> AppliedModel:
        """Return the network with what its test says at this confidence."""
        return self.study.model.at(self.min_confidence)

    @cached_property
    def fields(self) -> tuple[AppliedField, ...]:
        """Return the micrographs that are done with their sums at this confidence."""
        return tuple(
            replace(field, result=at_confidence(field.result, field.pores, self.min_confidence))
            for field in self.study.fields
        )

    @cached_property
    def summary(self) -> Summary:
        """Return the numbers of all micrographs. Raises ValueError without one that is done."""
        results = [field.result for field in self.fields]
        return summarise(
            self.model,
            results,
            [field.pores for field in self.fields],
            min_confidence=self.min_confidence,
        )

    @property
    def colours(self) -> dict[str, str]:
        """Return the colour of each class."""
        return dict(zip(self.model.classes, self.model.colours, strict=True))

    @property
    def waiting(self) -> int:
        """Return how many pores wait for a person."""
        return sum(len(field.pores.waiting(self.min_confidence)) for field in self.fields)

    def sizes_svg(self, group: GroupSummary, ink: Ink = LIGHT) -> str | None:
        """Draw how large the pores of a specimen, or of all, are; None where there are none."""
        names = groups_of([field.result for field in self.fields])
        whole = group is self.summary.whole
        own = [
            one for one, name in zip(self.fields, names, strict=True) if whole or name == group.name
        ]
        unit = self.summary.size_unit
        diameters = diameters_of(self.model.classes, own, self.min_confidence, unit)
        return sizes_svg(diameters, self.colours, unit, ink)

    def save(self) -> dict[str, Any]:
        """Write into the results what became of each pore, and beside them summary.json, which is
        returned.

        A summary that is there and sums up other micrographs stays beside it, as `summary-1.json`
        and so on, which `kept` names. Raises PoreguiError when a file was changed or cannot be
        written.
        """
        for field in self.study.fields:
            mark_field(
                field.task.folder, field.result, field.pores, self.model, self.min_confidence
            )
        results = [field.result for field in self.fields]
        lock = self.study.lock
        values: dict[str, Any] = {
            "out": str(self.study.out.absolute()),
            "fields": len(results),
            "taken_up": self.study.taken_up,
            "problems": [
                {"name": problem.name, "reason": problem.reason} for problem in self.study.problems
            ],
            "pores": sum(result.pores for result in results),
            "least_confidence": self.min_confidence,
            "unlike": _out_of_distribution(results),
            "recipe": lock.sentence if lock else "not locked",
            "locked": lock.to_json() if lock else None,
            "micrographs": [_micrograph_values(result) for result in results],
            **self.summary.to_json(),
        }
        kept = _keep_other(self.study.out, {(result.file, result.plane) for result in results})
        write_json(self.study.out / SUMMARY, values)
        return values | {"kept": kept}

    def report(self, path: Path, print_pdf: Callable[[str, Path], None]) -> Path:
        """Write the report, one page a specimen, as HTML or, by `print_pdf` (HTML, path), as PDF.

        Raises PoreguiError for another ending, or when the file cannot be written.
        """
        locked = self.study.lock.sentence if self.study.lock else ""
        facts = collect_applied(
            self.model, self.fields, self.summary, min_confidence=self.min_confidence, locked=locked
        )
        return write_applied_report(facts, path, print_pdf)


def _micrograph_values(one: FieldResult) -> dict[str, Any]:
    return {
        "name": one.name,
        "file": one.file,
        "plane": one.plane,
        "sha256": one.sha256,
        "specimen": one.specimen,
    }


def _keep_other(out: Path, wanted: set[tuple[str, str]]) -> str | None:
    """Put a summary aside that tells of micrographs which the new one does not; return its new
    name.

    An earlier one of the very same micrographs gives way to it.
    """
    file = out / SUMMARY
    if not file.exists() or (there := _micrographs(file)) <= wanted:
        return None
    number = 1
    while (aside := out / f"{file.stem}-{number}{file.suffix}").exists() and _micrographs(
        aside
    ) != there:
        number += 1
    try:
        file.replace(aside)
    except OSError as error:
        raise explain_write_error(error, aside) from error
    return aside.name


def _micrographs(file: Path) -> set[tuple[str, str]]:
    """Return the files and planes that a summary tells of; one of its own where it does not say."""
    try:
        summary = parse_json(read_whole(file))
        return {(str(one["file"]), str(one["plane"])) for one in summary["micrographs"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {("", "")}


def _out_of_distribution(results: Sequence[FieldResult]) -> dict[str, Any] | None:
    """Return which pores are unlike all training crops, None where some micrograph cannot tell."""
    if any(result.out_of_distribution is None for result in results):
        return None
    pores = [
        {"file": result.file, "plane": result.plane, "pore": number}
        for result in results
        for number in result.out_of_distribution or ()
    ]
    return {"count": len(pores), "pores": pores}
