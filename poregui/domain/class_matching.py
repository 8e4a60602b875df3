"""Find the classes of one project or network among those of another; changes with what makes two classes one.

A class carries a uid, made once and copied along with its project, so that it is known again whatever it is called.
Where there is none in common, classes are known by their names, and only where no other class could be meant.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from poregui.domain.classes import name_key

_OLD = "old"
State = Literal["active", "retired", "gone"]


@dataclass(frozen=True)
class NamedClass:
    """Hold a class as somebody knows it: its id and name there, and its uid ("": nobody gave it one).

    One that is `gone` was taken back when it was made; only what was made meanwhile knows it.
    """

    id: int
    name: str
    uid: str = ""
    state: State = "active"


@dataclass(frozen=True)
class ClassMatch:
    """Hold by their ids the classes here that are theirs, those that are not here, and why others are not clear."""

    here: dict[int, NamedClass]
    missing: tuple[NamedClass, ...]
    unclear: dict[int, str]

    @property
    def whole(self) -> bool:
        """Tell whether every one of their classes was found."""
        return not self.missing and not self.unclear


def old_uid(origin: str, class_id: int, name: str) -> str:
    """Return the uid of a class that was made before classes had one: alike in all copies of a project.

    `origin` is what these copies share and no other project has, without a hyphen. The name that it has when this
    is first asked is part of it, for two copies may have given one id to different classes before.
    """
    digest = hashlib.sha256(name_key(name).encode()).hexdigest()[:12]
    return f"{_OLD}-{origin}-{class_id}-{digest}"


def match_classes(theirs: Sequence[NamedClass], mine: Collection[NamedClass]) -> ClassMatch:
    """Return which of `mine` each of `theirs` is: the one of its uid, else the only one of its name.

    A name decides nothing where the class that has it here is another one of theirs, where several here have it, or
    where copies of one old project name their classes differently.
    """
    by_uid = {m.uid: m for m in mine if m.uid}
    claimed = {t.uid for t in theirs if t.uid in by_uid}
    here: dict[int, NamedClass] = {}
    missing: list[NamedClass] = []
    unclear: dict[int, str] = {}
    for t in theirs:
        found = by_uid.get(t.uid) or _of_name(t, mine, claimed)
        if isinstance(found, NamedClass):
            here[t.id] = found
        elif found:
            unclear[t.id] = found
        else:
            missing.append(t)
    twice = Counter(m.id for m in here.values())
    for t in theirs:
        if t.id in here and twice[here[t.id].id] > 1:
            unclear[t.id] = f"several classes there are called {t.name}"
    return ClassMatch({i: m for i, m in here.items() if i not in unclear}, tuple(missing), unclear)


def _of_name(t: NamedClass, mine: Collection[NamedClass], claimed: Collection[str]) -> NamedClass | str:
    """Return the class here that a name means, or why it is not clear; empty where there is none."""
    known = [m for m in mine if m.state != "gone"]
    alike = [m for m in known if name_key(m.name) == name_key(t.name)]
    alike = [m for m in alike if m.state == "active"] or alike
    if len(alike) > 1:
        return f"several classes here are called {t.name}"
    found = alike[0] if alike else None
    if found is not None and found.uid in claimed:
        return f"what is called {t.name} there is not what is called {found.name} here"
    twin = next((m for m in known if _place(m.uid) and _place(m.uid) == _place(t.uid)), None)
    other = twin if twin is not found else None
    if other is not None:
        return f"what is called {t.name} there may be what is called {other.name} here"
    if found is None:
        return ""
    if found is not twin and _origin(found.uid) and _origin(found.uid) == _origin(t.uid):
        return f"what is called {t.name} there may not be what is called {found.name} here"
    return found


def _origin(uid: str) -> str:
    """Return what the copies of an old project share, empty for a class that had a uid from the beginning."""
    return uid.split("-")[1] if uid.startswith(f"{_OLD}-") else ""


def _place(uid: str) -> str:
    """Return origin and id of a class of an old project, empty for one that had a uid from the beginning."""
    return uid.rpartition("-")[0] if uid.startswith(f"{_OLD}-") else ""
