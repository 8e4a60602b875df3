"""Say what an import brought, what was there already and what was left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from poregui.domain.wording import count, noun, shortened
from poregui.workflow.editing.edits import Edit
from poregui.workflow.importing.folders import PassedOver

_MOST_LISTED = 20


@dataclass(frozen=True)
class ImportReport:
    """Hold the outcome of an import.

    `labels` counts the imported crops by the name of their class (an empty name: without label),
    `present` the images that the project had before, `assigned` those of them that got the
    specimen they had not had, `test_crops` the crops whose folder says test.
    """

    micrographs: int = 0
    crops: int = 0
    labels: tuple[tuple[str, int], ...] = ()
    test_crops: int = 0
    present: int = 0
    assigned: int = 0
    skipped: tuple[PassedOver, ...] = ()
    new_classes: tuple[str, ...] = ()
    replaced_classes: tuple[str, ...] = ()
    new_specimens: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cancelled: bool = False

    @property
    def imported(self) -> int:
        """Return how many images were brought in."""
        return self.micrographs + self.crops

    @property
    def lines(self) -> tuple[str, ...]:
        """Return everything as plain sentences, long lists shortened."""
        if self.cancelled:
            return ("The import was cancelled; nothing was imported.",)
        return (*self._imported(), *_shortened(self.notes), *self._left_out())

    def _imported(self) -> list[str]:
        lines = []
        if self.micrographs:
            lines.append(f"Imported {count(self.micrographs, 'micrograph')}.")
        if self.crops:
            shares = ", ".join(f"{name or 'without label'} {n}" for name, n in self.labels)
            test = ""
            if self.test_crops:
                test = f"; {self.test_crops:,} in the test set, as in its folder"
            lines.append(f"Imported {count(self.crops, 'crop')}: {shares}{test}.")
        if not self.imported:
            lines.append("Nothing new was imported.")
        if self.present:
            lines.append(f"{count(self.present, 'image')} already in the project.")
        if self.assigned:
            lines.append(f"{count(self.assigned, 'micrograph')} assigned to a specimen.")
        if self.replaced_classes:
            unused = ", ".join(self.replaced_classes)
            lines.append(
                f"The classes are now {', '.join(self.new_classes)}; {unused} had no crops."
            )
        elif self.new_classes:
            lines.append(
                f"New {noun(len(self.new_classes), 'class', 'classes')}: "
                f"{', '.join(self.new_classes)}."
            )
        if self.new_specimens:
            names = shortened(self.new_specimens, _MOST_LISTED)
            lines.append(f"{count(len(self.new_specimens), 'new specimen')}: {names}.")
        return lines

    def _left_out(self) -> list[str]:
        if not self.skipped:
            return []
        listed = _shortened([f"{one.name} {one.reason}" for one in self.skipped])
        return [
            f"{count(len(self.skipped), 'file')} skipped:",
            *(f"  {line}" for line in listed),
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers and sentences as a dictionary fit for JSON."""
        return {
            "micrographs": self.micrographs,
            "crops": self.crops,
            "labels": {name: n for name, n in self.labels if name},
            "test_crops": self.test_crops,
            "present": self.present,
            "assigned": self.assigned,
            "skipped": [{"path": one.name, "reason": one.reason} for one in self.skipped],
            "new_classes": list(self.new_classes),
            "replaced_classes": list(self.replaced_classes),
            "new_specimens": list(self.new_specimens),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class ImportPlan:
    """Hold the edit that brings everything in (None when there is nothing new) and the report."""

    edit: Edit | None
    report: ImportReport


def _shortened(lines: list[str] | tuple[str, ...]) -> list[str]:
    more = len(lines) - _MOST_LISTED
    if more > 0:
        return [*lines[:_MOST_LISTED], f"… and {more:,} more."]
    return list(lines)


def by_class(names: list[str]) -> tuple[tuple[str, int], ...]:
    """Return (name, count) in the order in which the names came first."""
    return tuple(Counter(names).items())
