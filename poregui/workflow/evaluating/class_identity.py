"""Say which classes of a project the predictions of a run or a network are.

Inside a project a class is its id, whatever it is called now. What came from elsewhere is known by
uid, else by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poregui.domain.classes import (
    NOT_A_PORE,
    NOT_A_PORE_COLOUR,
    NOT_A_PORE_NAME,
    ClassMatch,
    NamedClass,
    PoreClass,
    State,
    match_classes,
    name_key,
)
from poregui.domain.dataset import Dataset
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.wording import listed
from poregui.store.project import Project

_NOT_HERE = -100
"""Ids from here downwards stand for classes that a run knows and the project does not: no label is
one of them.
"""


@dataclass(frozen=True)
class ClassesHere:
    """Hold the classes of a network in the order of its outputs, as a project knows them now.

    `names` differ from one another; one that the project does not have keeps the name that it was
    trained with, and has an id below `_NOT_HERE`. `notes` are sentences about classes that are
    retired or not there; `foreign`: none of them was made in this project or a copy of it.
    """

    ids: tuple[int, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    foreign: bool = False


def named_classes(project: Project) -> tuple[NamedClass, ...]:
    """Return every class that the project ever had, those that are retired or gone among them."""
    there = {pore_class.id: pore_class for pore_class in project.classes(retired=True)}
    found = []
    for class_id, uid in project.class_uids().items():
        one = there.get(class_id)
        state: State
        if one is None:
            state = "gone"
        elif one.retired:
            state = "retired"
        else:
            state = "active"
        found.append(NamedClass(class_id, one.name if one is not None else "", uid, state))
    return tuple(found)


def classes_of_run(project: Project, dataset: Dataset) -> ClassesHere:
    """Return the classes of a run that lies in the folder of a project; one without uids goes by
    its ids.
    """
    outputs = _outputs(dataset.classes, dataset.class_ids, dataset.class_uids)
    if not any(output.uid for output in outputs):
        return _as_here(project, outputs, {output.id: output.id for output in outputs})
    match = match_classes(_pores(outputs), named_classes(project))
    return _as_here(
        project,
        outputs,
        {i: m.id for i, m in match.here.items()},
        foreign=_is_foreign(project, outputs),
    )


def classes_now(project: Project, names: Sequence[str], ids: Sequence[int]) -> ClassesHere:
    """Return classes that are known by their ids in a project with the names that they have now."""
    return _as_here(project, _outputs(names, ids, ()), {class_id: class_id for class_id in ids})


def check_of_project(project: Project, dataset: Dataset, run: int) -> None:
    """Raise ProjectError when a run was trained in another project: the ids of its crops mean
    nothing in this one.
    """
    if classes_of_run(project, dataset).foreign:
        raise ProjectError(
            f"Run {run} was trained in another project: its crops are not those of {project.name}.",
            "Review it in that project.",
        )


def classes_of_network(
    project: Project, name: str, classes: Sequence[str], ids: Sequence[int], uids: Sequence[str]
) -> ClassesHere:
    """Return the classes of a network that came from elsewhere as a project knows them.

    Raises PoreguiError when not every one of them is found, or it is not clear which class of the
    project it is.
    """
    outputs = _outputs(classes, ids, uids)
    match = match_classes(_pores(outputs), named_classes(project))
    if not match.whole:
        raise PoreguiError(_why_not(project, name, match), _what_to_do(match))
    return _as_here(
        project,
        outputs,
        {i: m.id for i, m in match.here.items()},
        foreign=_is_foreign(project, outputs),
    )


def colours_of(project: Project, ids: Sequence[int]) -> tuple[str, ...]:
    """Return the colours ('#rrggbb') of classes by their ids, grey for one that the project does
    not have.
    """
    known = {pore_class.id: pore_class.colour for pore_class in project.classes(retired=True)} | {
        NOT_A_PORE: NOT_A_PORE_COLOUR
    }
    return tuple(known.get(class_id, "#808080") for class_id in ids)


def _outputs(classes: Sequence[str], ids: Sequence[int], uids: Sequence[str]) -> list[NamedClass]:
    uids = uids or [""] * len(classes)
    return [NamedClass(i, name, uid) for i, name, uid in zip(ids, classes, uids, strict=True)]


def _pores(outputs: Sequence[NamedClass]) -> list[NamedClass]:
    return [output for output in outputs if output.id != NOT_A_PORE]


def _is_foreign(project: Project, outputs: Sequence[NamedClass]) -> bool:
    known = set(project.class_uids().values())
    return not any(output.uid in known for output in outputs if output.uid)


def _as_here(
    project: Project, outputs: Sequence[NamedClass], here: dict[int, int], *, foreign: bool = False
) -> ClassesHere:
    known = {pore_class.id: pore_class for pore_class in project.classes(retired=True)}
    ids = [here.get(one.id, _NOT_HERE - index) for index, one in enumerate(outputs)]
    for index, one in enumerate(outputs):
        if one.id == NOT_A_PORE:
            ids[index] = NOT_A_PORE
    classes = [known.get(class_id) for class_id in ids]
    names = _names(outputs, ids, classes)
    return ClassesHere(tuple(ids), names, _notes(ids, names, classes), foreign)


def _names(
    outputs: Sequence[NamedClass], ids: Sequence[int], classes: Sequence[PoreClass | None]
) -> tuple[str, ...]:
    """Return the names of classes as they are now, told apart where older projects have one name
    twice.
    """
    plain = [_name(*one) for one in zip(outputs, ids, classes, strict=True)]
    keys = [name_key(name) for name in plain]
    found = []
    for name, class_id, key, one in zip(plain, ids, keys, classes, strict=True):
        twice = keys.count(key) > 1
        apart = "retired " if one is not None and one.retired else ""
        found.append(f"{name} ({apart}class {class_id})" if twice else name)
    return tuple(found)


def _name(output: NamedClass, class_id: int, one: PoreClass | None) -> str:
    if class_id == NOT_A_PORE:
        return NOT_A_PORE_NAME
    return output.name if one is None else one.name


def _notes(
    ids: Sequence[int], names: Sequence[str], classes: Sequence[PoreClass | None]
) -> tuple[str, ...]:
    rows = list(zip(ids, names, classes, strict=True))
    retired = [name for _, name, one in rows if one is not None and one.retired]
    unknown = [name for class_id, name, one in rows if one is None and class_id != NOT_A_PORE]
    notes = []
    if retired:
        note = f"The network still predicts {listed(retired)}, archived in this project"
        notes.append(f"{note}; runs trained from now on do not.")
    if unknown:
        notes.append(f"The network predicts {listed(unknown)}, which this project does not have.")
    return tuple(notes)


def _why_not(project: Project, name: str, match: ClassMatch) -> str:
    reasons = list(dict.fromkeys(match.unclear.values()))
    if match.missing:
        reasons.append(f"{project.name} has no class {listed([one.name for one in match.missing])}")
    return f"The classes of {name} are not those of {project.name}: {'; '.join(reasons)}."


def _what_to_do(match: ClassMatch) -> str:
    if match.unclear:
        return "Rename classes until each name means one class in both."
    return "Add or rename classes under Edit, Classes, or apply it without a project."
