"""Let a person choose which specimens are tested on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from poregui.domain.classes import NOT_A_PORE
from poregui.domain.dataset import SplitName
from poregui.domain.errors import PoreguiError, ProjectError, TrainingError
from poregui.domain.micrograph_names import plain
from poregui.domain.records import Changed, Crop, How
from poregui.domain.statistics.splits import kind_of
from poregui.domain.wording import count, listed, noun
from poregui.store.project import Project
from poregui.workflow.editing.edits import changed
from poregui.workflow.training.grouping import group_names, groups_of

_FIXED = "test_side_fixed"


@dataclass(frozen=True)
class Group:
    """Hold a specimen, or a micrograph without one: its key and name, its crops of each class,
    whether it is tested.
    """

    key: str
    name: str
    counts: tuple[int, ...]
    tested: bool


@dataclass(frozen=True)
class SetTestSplit:
    """Choose which groups are tested on; from then on the test set moves by hand only."""

    before: frozenset[str]
    after: frozenset[str]
    was_fixed: str

    text: str = "choose test specimens"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Write the new test set and fix it."""
        return self._put(project, self.after, "1")

    def undo(self, project: Project) -> Changed:
        """Write the old test set, as free or fixed as it was."""
        return self._put(project, self.before, self.was_fixed)

    def _put(self, project: Project, keys: frozenset[str], fixed: str) -> Changed:
        project.put_test_split(keys)
        project.put_meta(_FIXED, fixed)
        return changed("test_side")


def _labelled(project: Project) -> list[Crop]:
    known = {c.id for c in project.classes()} | {NOT_A_PORE}
    return [crop for crop in project.crops() if crop.label in known]


def groups(project: Project, splits: Collection[tuple[str, SplitName]]) -> tuple[Group, ...]:
    """Return the specimens, and micrographs without one, that have labelled crops, by name.

    `splits` are the name and split of the groups of a `DatasetSummary`: what is tested as things
    stand. Crops of which neither specimen nor micrograph is known are in no group.
    """
    names = group_names(project)
    class_ids = [c.id for c in project.classes()]
    keys = groups_of(project, project.crops())
    counts: dict[str, Counter[int | None]] = {}
    for crop in _labelled(project):
        key = keys[crop.id]
        if key.startswith("source:"):
            names.setdefault(key, key.removeprefix("source:"))
        if key in names:
            counts.setdefault(key, Counter())[crop.label] += 1
    tested = {name for name, split in splits if split == "test"}
    found = [
        Group(k, names[k], tuple(n[i] for i in class_ids), names[k] in tested)
        for k, n in counts.items()
    ]
    return tuple(sorted(found, key=lambda group: group.name))


def word_for(keys: Sequence[str]) -> str:
    """Return what one of these groups is called: specimen, micrograph, source, or group when they
    are of several.
    """
    kind = "specimen"
    if keys:
        kind = kind_of(keys)
    if kind == "mixed":
        return "group"
    return kind


def choose_test_split(project: Project, keys: Collection[str]) -> SetTestSplit:
    """Return the edit that makes these groups the test set; crops without a group stay in their
    split.

    Raises ProjectError when folders gave the splits, and TrainingError when a class would have no
    crop left to train on or nothing would be tested.
    """
    labelled = _labelled(project)
    if any(crop.given_split == "test" for crop in labelled):
        raise ProjectError(
            "The imported folders test/ and train/ define the test set of this project.",
            "Import the images without these folders to choose the test set here.",
        )
    before = project.test_split()
    after = frozenset(keys) | {key for key in before if key.startswith("crop:")}
    groups_by_id = groups_of(project, project.crops())
    kind = word_for([key for key in groups_by_id.values() if not key.startswith("crop:")])
    tested = {crop.id for crop in labelled if groups_by_id[crop.id] in after}
    if not tested:
        raise TrainingError("The test set would be empty.", f"Choose at least one {kind} for it.")
    for pore_class in project.classes():
        mine = {crop.id for crop in labelled if crop.label == pore_class.id}
        if mine and mine <= tested:
            raise TrainingError(
                f"All crops of {pore_class.name} would be in the test set, none for training.",
                f"Leave a {kind} with this class for training.",
            )
    return SetTestSplit(before, after, project.meta(_FIXED))


def warnings_for(project: Project, edit: SetTestSplit, shown: Sequence[Group]) -> tuple[str, ...]:
    """Say in plain words what a change of the test set costs."""
    warnings = []
    before = {group.key for group in shown if group.tested}
    if before == {group.key for group in shown if group.key in edit.after}:
        return ()
    runs = [
        run for run in project.runs() if run.metrics_file.exists() and not run.folds_file.exists()
    ]
    if runs:
        which = count(len(runs), "run")
        if len(runs) == 1:
            which = f"Run {runs[0].number}"
        warnings.append(f"{which} used another test set: the results cannot be compared.")
        freed = [group.name for group in shown if group.key in before - edit.after]
        learned = [group.name for group in shown if group.key in edit.after - before]
        if learned:
            warnings.append(
                f"Already used for training: {listed(learned)}. Unseen only by networks trained "
                "from now on."
            )
        if freed and project.looks():
            warnings.append(
                f"Test results of {listed(freed)} were viewed in Review and may have influenced "
                "the labels."
            )
    classes = project.classes()
    tested = [
        sum(group.counts[i] for group in shown if group.key in edit.after)
        for i in range(len(classes))
    ]
    missing = [
        c.name
        for c, n in zip(classes, tested, strict=True)
        if not n and any(_of(shown, classes.index(c)))
    ]
    if missing:
        warnings.append(f"No test crop of {listed(missing, 'or')}: recall cannot be measured.")
    if sum(group.key in edit.after for group in shown) == 1:
        kind = word_for([group.key for group in shown])
        warnings.append(f"Only 1 test {kind}: no confidence interval over {noun(2, kind)}.")
    return tuple(warnings)


def _of(shown: Sequence[Group], index: int) -> list[int]:
    return [group.counts[index] for group in shown]


def keys_of_names(shown: Sequence[Group], names: Sequence[str]) -> frozenset[str]:
    """Return the keys of groups by their names; of micrographs also by the end of their path or by
    `#id`.

    Raises PoreguiError for a name that none has, and for one that several have.
    """
    return frozenset(_key_meant(shown, name) for name in names)


def _key_meant(shown: Sequence[Group], name: str) -> str:
    forms: tuple[Callable[[Group], bool], ...] = (
        lambda group: group.name == name,
        lambda group: group.key == f"micrograph:{name.removeprefix('#')}" and name.startswith("#"),
        lambda group: plain(group.name) == plain(name),
        lambda group: (
            group.key.startswith("micrograph:") and plain(group.name).endswith(f"/{plain(name)}")
        ),
    )
    known = ", ".join(group.name for group in shown) or "none"
    for fits in forms:
        found = [group for group in shown if fits(group)]
        if len(found) == 1:
            return found[0].key
        if found:
            raise PoreguiError(
                f"{name!r} can mean {listed([group.name for group in found])}.",
                "Write which of them.",
            )
    raise PoreguiError(
        f"There is no specimen {name!r} with labelled crops.", f"Choose among: {known}."
    )
