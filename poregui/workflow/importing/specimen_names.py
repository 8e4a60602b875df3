"""Read the specimen of an image out of its name or path by a rule that a person gives."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from poregui.domain.errors import PoreguiError
from poregui.domain.micrograph_names import full_name, names_with_ids, plain
from poregui.domain.records import Micrograph
from poregui.store.project import Project

Named = tuple[str, str | None]
"""A path (with `/`) and its specimen, None where nothing says it."""


@dataclass(frozen=True)
class SpecimenRule:
    """Hold what finds a specimen: an expression, and how many parts of a path it is held against.

    `parts` is 1 for the name alone, and 0 for the whole path.
    """

    expression: re.Pattern[str]
    parts: int

    @property
    def sees_folders(self) -> bool:
        """Tell whether the rule looks at more than the name."""
        return self.parts != 1

    def specimen(self, path: str) -> str | None:
        """Return the specimen of a path (with `/`), None where the rule does not fit."""
        if self.parts:
            text = "/".join(path.split("/")[-self.parts :])
        else:
            text = f"/{path.lstrip('/')}"
        found = self.expression.search(text)
        group: str | int
        if "specimen" in self.expression.groupindex:
            group = "specimen"
        else:
            group = 1
        if found:
            return " ".join((found.group(group) or "").split()) or None
        return None

    def of_file(self, file: Path) -> str | None:
        """Return the specimen of a file."""
        return self.specimen(file.absolute().as_posix())


def specimen_rule(pattern: str) -> SpecimenRule:
    """Return the rule that a pattern stands for.

    `pattern` is plain, such as `{specimen}_*.tif` (`*` any characters, `?` one), or a regular
    expression with a group named `specimen`, or else with a first group. With `/` in it folders are
    looked at, too: a plain one is held against as many parts of the path as it has, a regular
    expression against the whole. Raises PoreguiError for others.
    """
    text = pattern.strip()
    if "{specimen}" in text:
        return SpecimenRule(_plain_expression(text), text.count("/") + 1)
    try:
        made = re.compile(text)
    except re.error as error:
        raise PoreguiError(
            f"{text!r} is not a regular expression ({error}).",
            "Write for example {specimen}_*.tif.",
        ) from error
    if not made.groups:
        raise PoreguiError(
            f"The pattern {text!r} has no group.",
            "Write {specimen} in the place of the specimen: {specimen}_*.tif.",
        )
    return SpecimenRule(made, 0 if "/" in text else 1)


def _plain_expression(text: str) -> re.Pattern[str]:
    parts = re.split(r"(\{specimen\}|\*|\?)", text)
    if parts.count("{specimen}") > 1:
        raise PoreguiError(
            f"The pattern {text!r} names the specimen twice.", "Write {specimen} once."
        )
    meant = {"{specimen}": "(?P<specimen>[^/]+?)", "*": "[^/]*", "?": "[^/]"}
    return re.compile(
        "^" + "".join(meant.get(part, re.escape(part)) for part in parts) + "$", re.IGNORECASE
    )


def same_by_name(found: Sequence[Named], known: Iterable[Named] = ()) -> list[int]:
    """Return the places of those that a rule which sees names alone would put into one specimen for
    their name.

    That are those of one file name that lie in different folders, here or among those that are
    `known`: where names begin anew in each folder they say nothing of the specimen.
    """
    folders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for path, specimen in (*found, *known):
        if specimen is not None:
            folder, _, name = plain(path).rpartition("/")
            folders[name, plain(specimen)].add(folder)
    return [
        index
        for index, (path, specimen) in enumerate(found)
        if specimen is not None
        and len(folders[plain(path).rpartition("/")[2], plain(specimen)]) > 1
    ]


def specimens_in_names(
    micrographs: Sequence[Micrograph], pattern: str, known: Iterable[Named] = ()
) -> tuple[tuple[Micrograph, str | None], ...]:
    """Return each micrograph with the specimen that its name or path holds; None where the pattern
    does not fit, or where a name alone would put images of several folders together (see
    `same_by_name`).

    `known` are other micrographs with their specimens. Raises PoreguiError for an unfit pattern.
    """
    rule = specimen_rule(pattern)
    found = [
        (full_name(micrograph), rule.specimen(full_name(micrograph))) for micrograph in micrographs
    ]
    if rule.sees_folders:
        doubtful = set()
    else:
        doubtful = set(same_by_name(found, known))
    return tuple(
        (one, None if index in doubtful else specimen)
        for index, (one, (_, specimen)) in enumerate(zip(micrographs, found, strict=True))
    )


def others_of(project: Project, micrographs: Iterable[Micrograph]) -> list[Named]:
    """Return the paths and specimens of all micrographs of a project but some."""
    names = {specimen.id: specimen.name for specimen in project.specimens()}
    left_out = {micrograph.id for micrograph in micrographs}
    there = [micrograph for micrograph in project.micrographs() if micrograph.id not in left_out]
    return [(full_name(one), names.get(one.specimen_id or 0)) for one in there]


def in_doubt(found: Sequence[tuple[Micrograph, str | None]], pattern: str) -> list[Micrograph]:
    """Return the micrographs that a pattern fits and that get no specimen all the same (see
    `specimens_in_names`).
    """
    rule = specimen_rule(pattern)
    return [
        one
        for one, specimen in found
        if specimen is None and rule.specimen(full_name(one)) is not None
    ]


def naming_notes(found: Sequence[tuple[Micrograph, str | None]], pattern: str) -> list[str]:
    """Say which micrographs a pattern gives no specimen to, and why."""
    doubtful = in_doubt(found, pattern)
    misfits = sum(specimen is None for _, specimen in found) - len(doubtful)
    if misfits:
        notes = [f"{misfits} of {len(found)} names do not match the pattern; their specimens stay."]
    else:
        notes = []
    if doubtful:
        return [*notes, doubt_text(names_with_ids(doubtful))]
    return notes


def doubt_text(which: str) -> str:
    """Say that names alone would make one specimen of images in several folders; `which` lists
    them.
    """
    return (
        f"{which}: images in different folders share a file name, so no specimen was assigned. "
        "Include the folder in the pattern ({specimen}/*), or set the specimen manually."
    )
