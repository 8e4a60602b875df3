"""Define pore classes, and find those of one project among those of another.

A class carries a uid, made once and copied along with its project, so that it is known again
whatever it is called. Where there is none in common, classes are known by their names, and only
where no other class could be meant.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from poregui.domain.errors import PoreguiError

NOT_A_PORE = -1
"""The label of a crop that shows no pore."""
UNSURE = -2
"""The label of a crop that a person looked at and left open; it is never trained on."""

NOT_A_PORE_NAME = "Not a pore"
UNSURE_NAME = "Unsure"
NOT_A_PORE_COLOUR = "#8a8f98"
UNSURE_COLOUR = "#b9a44c"
NOT_A_PORE_OUTPUT_FROM = 20
"""Crops labelled *not a pore* from which on the network gets an output for it."""

FEWEST_CLASSES = 2
MOST_CLASSES = 30

# Okabe and Ito's colour-blind safe colours, lightened where needed to be seen on grey micrographs;
# after eight the same colours come again with a pattern.
COLOURS = ("#2f9bd8", "#e69f00", "#d5406b", "#00a878", "#b07be0", "#c9b81a", "#7bd3ee", "#f07c4a")
PATTERNS = ("plain", "stripes", "dots", "cross")


@dataclass(frozen=True)
class PoreClass:
    """Hold one class of the project.

    `id` is never used twice, `position` orders classes in bars, matrices and files, `letter` is
    unique within the project, `colour` is `#rrggbb`, `pattern` tells classes apart that share a
    colour, `retired` classes take no new labels but stay known to old runs.
    """

    id: int
    name: str
    colour: str
    letter: str
    position: int
    pattern: str = "plain"
    retired: bool = False
    definition: str = ""

    @property
    def key(self) -> str:
        """Return the digit that labels with this class, or an empty string beyond nine classes."""
        if self.position < 9:
            return str(self.position + 1)
        return ""


DEFAULT_CLASS_NAMES = ("Gas", "Keyhole", "Lack of Fusion")

_DEFINITIONS = {
    "gas": "Gas trapped in the powder or the melt: small and round, often only a few "
    "pixels across.",
    "keyhole": "Vapour trapped below an overly deep melt pool: compact, dark, round or "
    "teardrop-shaped, medium-sized.",
    "lack of fusion": "Powder that was not melted through: large and irregular, sharp tips, "
    "bright grains inside.",
}

SHORT_NAMES = {
    "g": "Gas",
    "gas": "Gas",
    "k": "Keyhole",
    "kh": "Keyhole",
    "keyhole": "Keyhole",
} | dict.fromkeys(
    ("lof", "lack of fusion", "lack_of_fusion", "lack-of-fusion", "lackoffusion"), "Lack of Fusion"
)
"""What the usual abbreviations of the three pore classes stand for, in lower case."""


def full_name(name: str) -> str:
    """Return the class name that an abbreviation such as `LOF` stands for, or the name itself."""
    return SHORT_NAMES.get(name.strip().casefold(), name.strip())


def name_key(name: str) -> str:
    """Return what two class names share that differ only in case, spaces or Unicode form."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", plain).split())


def clean_name(name: str) -> str:
    """Return a class name fit for use, in one Unicode form (NFC) and with single spaces.

    Raises PoreguiError when the name is empty, too long, holds control characters or is one of the
    two fixed labels.
    """
    cleaned = unicodedata.normalize("NFC", " ".join(name.split()))
    if not cleaned or len(cleaned) > 60 or not cleaned.isprintable():
        raise PoreguiError(
            f"{name!r} cannot be the name of a class.", "Use 1 to 60 printable characters."
        )
    if name_key(cleaned) in (name_key(NOT_A_PORE_NAME), name_key(UNSURE_NAME)):
        raise PoreguiError(
            f"{cleaned!r} is already a fixed label.", "Choose another name for the class."
        )
    return cleaned


def letter_for(name: str, taken: Collection[str]) -> str:
    """Return a capital letter (or digit) for a class, the first one of its name that is not in
    `taken`.
    """
    initials = "".join(word[0] for word in name.split() if word[0].isalnum())
    wanted = (
        initials + "".join(c for c in name if c.isalnum())
    ).upper() + "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return next((c for c in wanted if c not in taken and len(c) == 1), "?")


def new_class(class_id: int, name: str, others: Sequence[PoreClass]) -> PoreClass:
    """Return a class for `name` that differs in letter and in colour or pattern from `others`.

    Raises PoreguiError for an unfit name, a name that is taken, by a retired class too, or when the
    project has as many classes as it can.
    """
    cleaned = clean_name(name)
    active = [c for c in others if not c.retired]
    check_free(cleaned, others, "Choose another name.")
    if len(active) >= MOST_CLASSES:
        raise PoreguiError(
            f"A project has at most {MOST_CLASSES} classes.", "Merge or archive one first."
        )
    looks = [(colour, pattern) for pattern in PATTERNS for colour in COLOURS]
    used = {(c.colour, c.pattern) for c in active}
    colour, pattern = next(look for look in looks if look not in used)
    position = max((c.position for c in active), default=-1) + 1
    letter = letter_for(cleaned, {c.letter for c in others if not c.retired})
    return PoreClass(
        id=class_id,
        name=cleaned,
        colour=colour,
        letter=letter,
        position=position,
        pattern=pattern,
        definition=_DEFINITIONS.get(cleaned.casefold(), ""),
    )


def check_free(name: str, others: Sequence[PoreClass], advice: str) -> None:
    """Raise PoreguiError with `advice` when one of `others` has a name, in whatever case or Unicode
    form.
    """
    alike = [c for c in others if name_key(c.name) == name_key(name)]
    taken = next((c for c in alike if not c.retired), None)
    if taken is not None:
        raise PoreguiError(f"There is a class {taken.name!r} already.", advice)
    if alike:
        raise PoreguiError(
            f"{alike[-1].name!r} is the name of an archived class that earlier runs still use.",
            "Choose another name, or add a class of that name to bring it back.",
        )


def class_named(class_id: int, name: str, others: Sequence[PoreClass]) -> PoreClass:
    """Return the class for a name that none of `others` in use has: the retired one of that name,
    or a new one.

    A retired class comes back with its own id, for it is the one that old runs know. Raises
    PoreguiError as `new_class`.
    """
    retired = [c for c in others if c.retired and name_key(c.name) == name_key(clean_name(name))]
    made = new_class(class_id, name, [c for c in others if c not in retired])
    if not retired:
        return made
    back = max(retired, key=lambda c: c.id)
    made = replace(made, id=back.id, definition=back.definition or made.definition)
    if any((c.colour, c.pattern) == (back.colour, back.pattern) for c in others if not c.retired):
        return made
    return replace(made, colour=back.colour, pattern=back.pattern)


def default_classes(names: Sequence[str] = DEFAULT_CLASS_NAMES) -> tuple[PoreClass, ...]:
    """Return classes with ids 1, 2, 3... for `names`.

    Raises PoreguiError when there are fewer than 2 or more than 30 names, or two that are equal.
    """
    if not FEWEST_CLASSES <= len(names) <= MOST_CLASSES:
        raise PoreguiError(
            f"A project needs {FEWEST_CLASSES} to {MOST_CLASSES} classes, not {len(names)}.",
            "Separate the names with commas.",
        )
    classes: list[PoreClass] = []
    for number, name in enumerate(names, start=1):
        classes.append(new_class(number, name, classes))
    return tuple(classes)


_OLD = "old"
State = Literal["active", "retired", "gone"]


@dataclass(frozen=True)
class NamedClass:
    """Hold a class as somebody knows it: its id and name there, and its uid ("": nobody gave it
    one).

    One that is `gone` was taken back when it was made; only what was made meanwhile knows it.
    """

    id: int
    name: str
    uid: str = ""
    state: State = "active"


@dataclass(frozen=True)
class ClassMatch:
    """Hold by their ids the classes here that are theirs, those that are not here, and why others
    are not clear.
    """

    here: dict[int, NamedClass]
    missing: tuple[NamedClass, ...]
    unclear: dict[int, str]

    @property
    def whole(self) -> bool:
        """Tell whether every one of their classes was found."""
        return not self.missing and not self.unclear


def old_uid(origin: str, class_id: int, name: str) -> str:
    """Return the uid of a class that was made before classes had one: alike in all copies of a
    project.

    `origin` is what these copies share and no other project has, without a hyphen. The name that it
    has when this is first asked is part of it, for two copies may have given one id to different
    classes before.
    """
    digest = hashlib.sha256(name_key(name).encode()).hexdigest()[:12]
    return f"{_OLD}-{origin}-{class_id}-{digest}"


def match_classes(theirs: Sequence[NamedClass], mine: Collection[NamedClass]) -> ClassMatch:
    """Return which of `mine` each of `theirs` is: the one of its uid, else the only one of its
    name.

    A name decides nothing where the class that has it here is another one of theirs, where several
    here have it, or where copies of one old project name their classes differently.
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


def _of_name(
    t: NamedClass, mine: Collection[NamedClass], claimed: Collection[str]
) -> NamedClass | str:
    """Return the class here that a name means, or why it is not clear; empty
    where there is none.
    """
    known = [m for m in mine if m.state != "gone"]
    alike = [m for m in known if name_key(m.name) == name_key(t.name)]
    alike = [m for m in alike if m.state == "active"] or alike
    if len(alike) > 1:
        return f"several classes here are called {t.name}"
    found = alike[0] if alike else None
    if found is not None and found.uid in claimed:
        return f"{t.name} there is not the same class as {found.name} here"
    own = _old_identity(t.uid)
    twin = next((m for m in known if own and _old_identity(m.uid) == own), None)
    other = twin if twin is not found else None
    if other is not None:
        return f"{t.name} there may be the same class as {other.name} here"
    if found is None:
        return ""
    if found is not twin and _origin(found.uid) and _origin(found.uid) == _origin(t.uid):
        return f"{t.name} there may not be the same class as {found.name} here"
    return found


def _origin(uid: str) -> str:
    """Return what the copies of an old project share, empty for a class that had a uid from the
    beginning.
    """
    if uid.startswith(f"{_OLD}-"):
        return uid.split("-")[1]
    return ""


def _old_identity(uid: str) -> str:
    """Return origin and id of a class of an old project, empty for one that had a uid from the
    beginning.
    """
    if uid.startswith(f"{_OLD}-"):
        return uid.rpartition("-")[0]
    return ""
