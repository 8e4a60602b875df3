"""Hold edits, undo, redo and reopening in any order against a dictionary (R13)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from builders import add_crops, add_specimens
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from poregui.domain.classes import NOT_A_PORE, UNSURE
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops, remove_crops

SOAK = bool(os.environ.get("POREGUI_SOAK"))


class EditsAgainstADictionary(RuleBasedStateMachine):
    """Compare labels in a project with a dictionary while edits, undo, redo and reopening follow
    one another.
    """

    def __init__(self) -> None:
        super().__init__()
        self.position = tempfile.TemporaryDirectory()
        self.folder = Path(self.position.name) / "p"
        self.project = Project.create(self.folder)
        add_specimens(self.project, "S")
        self.ids = add_crops(self.project, [None] * 5)
        self.past: list[dict[int, int | None]] = [dict.fromkeys(self.ids)]
        self.future: list[dict[int, int | None]] = []
        self.history = History(self.project)

    @rule(
        which=st.sets(st.integers(0, 4), min_size=1),
        label=st.sampled_from([1, 2, 3, NOT_A_PORE, UNSURE, None]),
    )
    def label(self, which: set[int], label: int | None) -> None:
        ids = [self.ids[i] for i in which if self.ids[i] in self.past[-1]]
        if ids:
            self.history.apply(label_crops(self.project, ids, label, who="x"))
            self._now(self.past[-1] | dict.fromkeys(ids, label))

    @rule(which=st.integers(0, 4))
    def delete(self, which: int) -> None:
        if self.ids[which] in self.past[-1]:
            self.history.apply(remove_crops([self.ids[which]]))
            self._now({i: label for i, label in self.past[-1].items() if i != self.ids[which]})

    def _now(self, labels: dict[int, int | None]) -> None:
        self.past.append(labels)
        self.future.clear()

    @rule()
    def undo(self) -> None:
        if self.history.undo() is not None:
            self.future.append(self.past.pop())

    @rule()
    def redo(self) -> None:
        if self.history.redo() is not None:
            self.past.append(self.future.pop())

    @rule()
    def reopen(self) -> None:
        self.project.close()
        self.project = Project.open(self.folder)
        self.history = History(self.project)
        self.past, self.future = [self.past[-1]], []

    @invariant()
    def what_is_on_disk_is_what_was_shown(self) -> None:
        assert {crop.id: crop.label for crop in self.project.crops()} == self.past[-1]

    def teardown(self) -> None:
        self.project.close()
        self.position.cleanup()


TestEditsAgainstADictionary = EditsAgainstADictionary.TestCase
TestEditsAgainstADictionary.settings = settings(
    max_examples=200 if SOAK else 15,
    stateful_step_count=50 if SOAK else 25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
