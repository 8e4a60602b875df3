"""Bring crops back to a person without their labels, among fresh ones, in an order of chance."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from poregui.domain.checked import as_list, whole
from poregui.domain.classes import UNSURE
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Crop, Opinion
from poregui.domain.statistics.agreement import half_width
from poregui.domain.wording import count
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddOpinions, Edit, SetSetting
from poregui.workflow.editing.label_edits import label_crops

SHARE = 0.1
FEWEST_OF_A_CLASS = 10
TURNS = 8
"""Ways to turn and mirror an image."""
_KEY = "blind_pass"
_FRESH_FOR_REPEATS = 2
"""One fresh crop comes with so many repeats."""


@dataclass(frozen=True)
class BlindItem:
    """Hold one crop to show: by how many quarter turns, mirrored from 4 on, and whether it never
    had a label.
    """

    crop_id: int
    turn: int
    fresh: bool


@dataclass(frozen=True)
class BlindPass:
    """Hold what one person is to rate in one session, in this order."""

    session: str
    who: str
    items: tuple[BlindItem, ...]

    @property
    def repeats(self) -> int:
        """Return how many crops come back."""
        return sum(not item.fresh for item in self.items)

    @property
    def text(self) -> str:
        """Say what the pass is and what precision it buys."""
        fresh = len(self.items) - self.repeats
        text = f"{count(self.repeats, 'labelled crop')} will come back"
        if fresh:
            text += f", mixed with {count(fresh, 'crop')} that have no label yet"
        reach = half_width(self.repeats)
        if reach is not None:
            text += f". An agreement of 90 % will be known to about ±{100 * reach:.0f} points"
        if not fresh:
            text += ". No unlabelled crops are left to mix in, so all are repeats"
        return f"{text}."


def sample(
    crops: Sequence[Crop],
    chance: random.Random,
    share: float = SHARE,
    left_out: Sequence[int] = (),
) -> list[Crop]:
    """Return labelled crops, the same share of every class and at least `FEWEST_OF_A_CLASS` of each
    where it has so many, in an order of chance.
    """
    of_class: dict[int, list[Crop]] = defaultdict(list)
    for crop in crops:
        if crop.label not in (None, UNSURE) and crop.id not in left_out:
            of_class[crop.label or 0].append(crop)
    chosen: list[Crop] = []
    for label in sorted(of_class):
        number = max(FEWEST_OF_A_CLASS, round(share * len(of_class[label])))
        chosen += chance.sample(of_class[label], min(number, len(of_class[label])))
    chance.shuffle(chosen)
    return chosen


def references(project: Project) -> set[int]:
    """Return the crops on class cards, whose labels everybody can see."""
    return {crop_id for c in project.classes() for crop_id in project.reference_crops(c.id)}


def plan_blind_pass(
    project: Project, who: str, *, share: float = SHARE, seed: int | None = None
) -> BlindPass:
    """Return a new pass over a sample of the labelled crops.

    Raises PoreguiError where nothing is labelled.
    """
    chance = random.Random(seed)
    crops = project.crops()
    repeats = sample(crops, chance, share, tuple(references(project)))
    if not repeats:
        raise PoreguiError("No crop has a label yet.", "Label some crops first.")
    fresh = [crop for crop in crops if crop.label is None]
    added = chance.sample(fresh, min(len(fresh), len(repeats) // _FRESH_FOR_REPEATS))
    both = [(crop.id, False) for crop in repeats] + [(crop.id, True) for crop in added]
    chance.shuffle(both)
    items = tuple(BlindItem(i, chance.randrange(TURNS), is_fresh) for i, is_fresh in both)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return BlindPass(f"blind:{started}", who, items)


def begin(project: Project, planned: BlindPass) -> Edit:
    """Return the edit that keeps a pass in the project, so that it can be resumed."""
    text = json.dumps(asdict(planned))
    return SetSetting(_KEY, project.meta(_KEY), text, "begin blind pass")


def unfinished(project: Project, who: str) -> BlindPass | None:
    """Return what is left of a person's pass; None for none, or one that is done."""
    try:
        values = json.loads(project.meta(_KEY) or "null")
        if values is None or values["who"] != who:
            return None
        items = tuple(as_list(values["items"], _item))
        session = str(values["session"])
    except (ValueError, TypeError, KeyError):
        return None
    rated = {one.crop_id for one in project.opinions.all(session=session) if one.who == who}
    labels = project.labels()
    left = tuple(
        item
        for item in items
        if item.crop_id in labels
        and item.crop_id not in rated
        and not (item.fresh and labels[item.crop_id] is not None)
    )
    if not left:
        return None
    return BlindPass(session, who, left)


def _item(values: dict[str, object]) -> BlindItem:
    crop_id = whole(values["crop_id"], 1)
    turn = whole(values["turn"], 0, TURNS - 1)
    return BlindItem(crop_id, turn, bool(values["fresh"]))


def answer(
    project: Project, planned: BlindPass, item: BlindItem, label: int, seconds: float
) -> Edit:
    """Return the edit that keeps an answer: a label for a fresh crop, else an opinion beside the
    label.
    """
    if item.fresh:
        return label_crops(project, [item.crop_id], label, who=planned.who)
    opinion = Opinion(
        project.opinions.next_id(),
        item.crop_id,
        label,
        planned.who,
        datetime.now(UTC).isoformat(timespec="milliseconds"),
        round(seconds, 2),
        blind=True,
        session=planned.session,
    )
    return AddOpinions((opinion,))
