"""Decide which classes a project has once images with class names came in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from poregui.domain.classes import (
    FEWEST_CLASSES,
    MOST_CLASSES,
    NOT_A_PORE,
    NOT_A_PORE_NAME,
    UNSURE,
    UNSURE_NAME,
    PoreClass,
    class_named,
    clean_name,
    default_classes,
    full_name,
    name_key,
)
from poregui.domain.errors import PoreguiError
from poregui.domain.micrograph_names import plain, without_ending
from poregui.domain.records import Micrograph
from poregui.store.project import Project
from poregui.workflow.editing.edits import SetClasses
from poregui.workflow.exporting.formats.shapes import COUNTED, PoreShape, safe_name

_FIXED = {name_key(NOT_A_PORE_NAME): NOT_A_PORE, name_key(UNSURE_NAME): UNSURE}


@dataclass(frozen=True)
class ClassPlan:
    """Hold the classes as they will be, and what becomes of them; `edit` is None when they stay."""

    classes: tuple[PoreClass, ...]
    edit: SetClasses | None
    added: tuple[str, ...]
    replaced: tuple[str, ...]

    def label(self, name: str | None) -> int | None:
        """Return the label for a class name as folders write it."""
        if name is None:
            return None
        fixed = _fixed(name)
        if fixed is not None:
            return fixed
        meant = class_meant(name, self.classes)
        assert meant is not None, name
        return meant.id


def class_meant(name: str, classes: Sequence[PoreClass]) -> PoreClass | None:
    """Return the class in use that a name means: the one called so, else the only one whose folder
    or ROI is called so, as these bear no slashes and the like; None for a new name.
    """
    used = [pore_class for pore_class in classes if not pore_class.retired]
    same = [one for one in used if name_key(one.name) == _key(name)]
    if not same:
        written = _written(name)
        same = [one for one in used if _written(one.name) == written]
    return same[0] if len(same) == 1 else None


def of_known_class(
    shape: PoreShape, classes: Sequence[PoreClass], there: Micrograph, otherwise: str = ""
) -> PoreShape:
    """Return a pore with the class whose name has a number, where the project has that, and with
    that of the name `otherwise` where its file names none.

    The name of the micrograph is none, as that of a ROI which was saved under it.
    """
    full = dict(shape.metadata).get(COUNTED, "")
    if full and class_meant(full, classes) is not None:
        return replace(shape, class_name=full)
    names = {"", plain(there.name), without_ending(plain(there.name))}
    if plain(shape.class_name) in names and class_meant(shape.class_name, classes) is None:
        return replace(shape, class_name=otherwise)
    return shape


_TYPED = str.maketrans("‹›«»“”„‘’–—", '<><>"""\'\'--')
"""Quotes and dashes as keyboards have them: other programs write one for the other."""


def _written(name: str) -> str:
    """Return what is left of a name in that of a file, fit for comparing."""
    return name_key(safe_name(name.translate(_TYPED)))


def problem_of_name(name: str) -> str:
    """Return the end of a sentence about pores whose class cannot be called so, empty where it
    can.
    """
    try:
        if _fixed(name) is None:
            clean_name(full_name(name))
    except PoreguiError:
        return f"not labelled: {name[:_SHOWN]!r} cannot be the name of a class."
    return ""


_SHOWN = 40


def plan_classes(project: Project, names: Iterable[str]) -> ClassPlan:
    """Return the classes that a project needs for crops with these class names.

    A name that is new becomes a class, that of a retired class brings it back. Default classes that
    nobody used yet make room for it, unless fewer than two classes would be left. Raises
    PoreguiError for more classes than a project can have, and for unfit names.
    """
    before = project.classes(retired=True)
    meant = {name: class_meant(name, before) for name in names if _fixed(name) is None}
    wanted = {
        name_key(known.name) if known else _key(name): known.name if known else full_name(name)
        for name, known in meant.items()
    }
    active = {name_key(c.name) for c in before if not c.retired}
    new = {key: name for key, name in wanted.items() if key not in active}
    if not new:
        return ClassPlan(before, None, (), ())
    kept = before
    if _unused_defaults(project, before):
        needed = [c for c in before if name_key(c.name) in wanted]
        if len(needed) + len(new) >= FEWEST_CLASSES:
            kept = tuple(replace(c, position=i) for i, c in enumerate(needed))
    if len([c for c in kept if not c.retired]) + len(new) > MOST_CLASSES:
        raise PoreguiError(
            f"There are {len(new)} new classes; a project has at most {MOST_CLASSES}.",
            "If the names of folders are no classes, import the images as micrographs; else use "
            "fewer classes.",
        )
    after = list(kept)
    added = []
    first = project.next_id("classes")
    for i, name in enumerate(new.values()):
        made = class_named(first + i, name, after)
        after = [*(c for c in after if c.id != made.id), made]
        added.append(made.name)
    replaced = tuple(c.name for c in before if c not in kept and name_key(c.name) not in wanted)
    return ClassPlan(tuple(after), SetClasses(before, tuple(after)), tuple(added), replaced)


def _key(name: str) -> str:
    return name_key(full_name(name))


def _fixed(name: str) -> int | None:
    return _FIXED.get(name_key(name.replace("_", " ")))


def _unused_defaults(project: Project, classes: tuple[PoreClass, ...]) -> bool:
    if classes != default_classes() or project.runs():
        return False
    ids = {c.id for c in classes}
    if any(project.reference_crops(i) for i in ids):
        return False
    return not any(entry.label in ids for entry in project.label_log())


def same_class(label: str, name: str) -> bool:
    """Tell whether the name of a label and a class name as folders write it mean the same."""
    fixed = _fixed(name)
    if fixed is not None:
        return _fixed(label) == fixed
    return name_key(label) == _key(name)
