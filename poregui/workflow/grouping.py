"""Tell which crops of a project must stand on one side of a split; changes with what groups are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from poregui.domain.classes import SHORT_NAMES
from poregui.domain.micrograph_names import plain
from poregui.domain.records import Changed, Crop, How
from poregui.domain.sources import NamedCrop, Sources, find_sources
from poregui.domain.splits import group_of
from poregui.store.project import Project

_META, _OFF = "crop_sources", "off"


@dataclass(frozen=True)
class SetSources:
    """Choose whether crops of one source in their file names are kept together; the test side is then chosen anew.

    `before` and `after` are what the project keeps: empty to look for sources, `off`, or a number of words.
    """

    before: str
    after: str
    side: frozenset[str]
    was_fixed: str

    text: str = "group by file names"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Write the choice; groups that are no longer there leave the test side."""
        return self._put(project, self.after, frozenset(), "0")

    def undo(self, project: Project) -> Changed:
        """Write the earlier choice with its test side."""
        return self._put(project, self.before, self.side, self.was_fixed)

    def _put(self, project: Project, value: str, side: frozenset[str], fixed: str) -> Changed:
        project.put_meta(_META, value)
        project.put_test_side(side)
        project.put_meta("test_side_fixed", fixed)
        return Changed(frozenset({"test_side"}))


def sources_of(project: Project, crops: Iterable[Crop]) -> Sources | None:
    """Return what the file names tell of crops without specimen and micrograph; None where they tell nothing.

    `crops` are all of the project, so that the answer does not depend on which of them are looked at.
    """
    kept = project.meta(_META)
    if kept == _OFF:
        return None
    words = {
        c.id: frozenset(
            word for name in (c.name, *_short(c.name)) for word in name.casefold().replace("-", " ").split()
        )
        for c in project.classes(retired=True)
    }
    bare = [crop for crop in crops if crop.specimen_id is None and crop.micrograph_id is None and crop.source]
    named = [NamedCrop(crop.id, crop.label, crop.source, words.get(crop.label or 0, frozenset())) for crop in bare]
    return find_sources(named, int(kept) if kept.isdigit() else 0)


def _short(name: str) -> list[str]:
    return [short for short, full in SHORT_NAMES.items() if full.casefold() == name.casefold()]


def groups_of(project: Project, crops: Sequence[Crop]) -> dict[int, str]:
    """Return the key of the group of each crop by its id; `crops` are all of the project."""
    found = sources_of(project, crops)
    sources: Mapping[int, str] = found.of if found else {}
    return {crop.id: group_of(crop, sources.get(crop.id, "")) for crop in crops}


def group_names(project: Project) -> dict[str, str]:
    """Return the names of specimens and micrographs by the keys of groups, such as `specimen:3`; no two are alike."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for specimen in project.specimens():
        name = f"{specimen.name} (#{specimen.id})" if plain(specimen.name) in taken else specimen.name
        taken.add(plain(name))
        names[f"specimen:{specimen.id}"] = name
    for one in project.micrographs():
        name = f"{one.shown_name} (no specimen)" if plain(one.shown_name) in taken else one.shown_name
        names[f"micrograph:{one.id}"] = name
    return names


def tested_keys(project: Project, crops: Sequence[Crop]) -> frozenset[str]:
    """Return the test side with a key for each crop whose source is on it; `crops` are all of the project."""
    side = project.test_side()
    if not any(key.startswith("source:") for key in side):
        return side
    return side | {f"crop:{crop_id}" for crop_id, key in groups_of(project, crops).items() if key in side}


def keep_sources(project: Project, sources: Sources | None) -> None:
    """Settle how names are read from now on, inside a transaction of the caller; called when the test side is fixed."""
    if sources is not None:
        project.put_meta(_META, str(sources.depth))


def groups_by_source(project: Project) -> bool:
    """Tell whether file names are looked at."""
    return project.meta(_META) != _OFF


def set_sources(project: Project, *, together: bool) -> SetSources:
    """Return the edit that keeps crops of one source together, or takes them one by one."""
    return SetSources(
        project.meta(_META), "" if together else _OFF, project.test_side(), project.meta("test_side_fixed")
    )
