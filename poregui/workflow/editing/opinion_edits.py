"""Build the edit that adds second opinions, none of them twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from poregui.domain.records import Opinion
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddOpinions


@dataclass(frozen=True)
class NewOpinions:
    """Hold the edit that adds what is new (None for nothing), how many are new and how many known,
    and how many are new by rater.
    """

    edit: AddOpinions | None
    new: int
    known: int
    raters: Mapping[str, int]


def new_opinions(project: Project, opinions: Sequence[Opinion]) -> NewOpinions:
    """Return what opinions add to those that the project has; their ids are given here.

    One that says the same of the same crop, by the same person at the same time, is known.
    """
    known = set(map(_key, project.opinions.all()))
    next_id = project.opinions.next_id()
    added: list[Opinion] = []
    raters: Counter[str] = Counter()
    for one in opinions:
        if _key(one) in known:
            continue
        known.add(_key(one))
        raters[one.who] += 1
        added.append(replace(one, id=next_id + len(added)))
    edit = AddOpinions(tuple(added)) if added else None
    return NewOpinions(edit, len(added), len(opinions) - len(added), dict(raters))


def _key(one: Opinion) -> tuple[int, str, int, str]:
    return one.crop_id, one.who, one.label, one.when
