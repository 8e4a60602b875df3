"""Hold what was read of images, and find those that the project has already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from poregui.domain.errors import ImageError
from poregui.domain.micrograph_names import plain
from poregui.domain.records import FIRST, GivenSplit, Micrograph, Plane, Specimen
from poregui.domain.wording import count, shortened
from poregui.store.files import file_hash
from poregui.store.project import Project
from poregui.workflow.editing.edits import ChangeMicrographs
from poregui.workflow.editing.micrograph_edits import name_of
from poregui.workflow.importing.folders import PassedOver, find_images, no_images
from poregui.workflow.importing.image_identity import check_same, seems_other
from poregui.workflow.importing.specimen_names import doubt_text, same_by_name


@dataclass(frozen=True)
class CollectedMicrograph:
    """Hold what was read of a micrograph's file; `width`, `height` in px.

    `by_name` says that the specimen was read out of the file's name alone, which folders may share.
    """

    file: Path
    shown: str
    sha256: str
    width: int
    height: int
    bits: int
    channels: int
    um_per_px: float | None
    scale_source: str
    specimen: str | None
    plane: Plane = FIRST
    by_name: bool = False


@dataclass(frozen=True)
class CollectedCrop:
    """Hold what was read of a ready-made crop; its pixels are in the store under `pixels`."""

    file: Path
    shown: str
    pixels: str
    width: int
    height: int
    class_name: str | None
    given_split: GivenSplit | None
    um_per_px: float | None
    specimen: str | None


@dataclass(frozen=True)
class Collected:
    """Hold everything that was found and read, ready for `settle`; a cancelled one is not worth
    settling.
    """

    micrographs: tuple[CollectedMicrograph, ...]
    crops: tuple[CollectedCrop, ...]
    skipped: tuple[PassedOver, ...]
    notes: tuple[str, ...]
    cancelled: bool = False


_MOST_LISTED = 3
_MOST_NAMED = 10
_OTHER = (
    "has changed since it was imported. Accept it first: right-click the micrograph in the list, "
    "or run poregui micrographs PROJECT --name NAME --accept-file."
)


@dataclass(frozen=True)
class Held:
    """Hold which collected micrographs are new, the change of those that are there and how many
    these are.

    `skipped` lie where a micrograph lay whose image is another one; `notes` tell of copies and of
    what was found again.
    """

    new: tuple[CollectedMicrograph, ...]
    moved: ChangeMicrographs
    present: int
    skipped: tuple[PassedOver, ...]
    notes: tuple[str, ...]


class NewSpecimens:
    """Find specimens by name, and make those that are new."""

    def __init__(self, project: Project) -> None:
        self._ids = {s.name: s.id for s in project.specimens()}
        self._next = project.next_id("specimens")
        self.added: list[Specimen] = []

    def id_of(self, name: str | None) -> int | None:
        """Return the id of the specimen of a name, None for none."""
        if name is None:
            return None
        if name not in self._ids:
            self._ids[name] = self._next + len(self.added)
            self.added.append(Specimen(self._ids[name], name))
        return self._ids[name]


def hold_against(
    project: Project, collected: Sequence[CollectedMicrograph], specimens: NewSpecimens
) -> Held:
    """Tell new images from those that the project has, by content.

    Micrographs whose file vanished, or is another one now, are linked to where they are found, and
    those without a specimen get the one that is said. An image of several files is taken once,
    which is said.
    """
    clear, notes = _without_doubt(project, collected)
    known = {(m.sha256, m.plane): m for m in project.micrographs()}
    at_place = {(_place(project.micrograph_file(m)), m.plane): m for m in project.micrographs()}
    now = {_place(one.file): one.sha256 for one in clear}
    new: dict[tuple[str, str], CollectedMicrograph] = {}
    moved: dict[int, tuple[Micrograph, Micrograph]] = {}
    skipped: list[PassedOver] = []
    present = 0
    for one in clear:
        key = one.sha256, str(one.plane)
        there = known.get(key)
        twin = new.get(key)
        if there is not None:
            present += 1
            found, note = _as_found(project, there, one, specimens, now)
            if there.id not in moved and found != there:
                moved[there.id] = there, found
            elif note and there.id not in moved:
                notes.append(note)
        elif twin is not None:
            present += 1
            notes.append(f"{one.shown} is the same image as {twin.shown}; it was imported once.")
        elif (_place(one.file), key[1]) in at_place:
            skipped.append(PassedOver(one.shown, _OTHER))
        else:
            new[key] = one
    before = tuple(pair[0] for pair in moved.values())
    after = tuple(pair[1] for pair in moved.values())
    change = ChangeMicrographs(before, after, text="complete micrographs")
    return Held(
        tuple(new.values()), change, present, tuple(skipped), (*notes, *_found_again(change))
    )


def _place(file: Path) -> str:
    try:
        return str(file.resolve())
    except (OSError, RuntimeError):
        return str(file)


def _as_found(
    project: Project,
    there: Micrograph,
    one: CollectedMicrograph,
    specimens: NewSpecimens,
    now: Mapping[str, str],
) -> tuple[Micrograph, str]:
    """Return a micrograph as it is with what an import says of it, and a note where that is a copy
    of its file.

    `now` is what files hold that were read just now, by their places.
    """
    found = there
    note = ""
    file = project.micrograph_file(there)
    other = now.get(_place(file), there.sha256) != there.sha256
    if not file.exists() or other or seems_other(there, file, project.folder):
        found = _moved_to(project, there, one.file)
    elif _place(file) != _place(one.file):
        note = (
            f"{one.shown} is the same image as {there.shown_name}, which is already in the "
            "project; it was not imported again."
        )
    if there.specimen_id is None and one.specimen is not None:
        found = replace(found, specimen_id=specimens.id_of(one.specimen))
    return found, note


def _moved_to(project: Project, there: Micrograph, file: Path) -> Micrograph:
    name = name_of(file, Plane.parse(there.plane))
    return replace(there, path=project.path_for(file), name=name)


def _without_doubt(
    project: Project, collected: Sequence[CollectedMicrograph]
) -> tuple[list[CollectedMicrograph], list[str]]:
    """Return micrographs without specimens that their names alone would share over folders, and
    what is said of it.
    """
    found = [
        (one.file.absolute().as_posix(), one.specimen if one.by_name else None) for one in collected
    ]
    if all(specimen is None for _, specimen in found):
        return list(collected), []
    names = {s.id: s.name for s in project.specimens()}
    files = {plain(path) for path, _ in found}
    there = [
        (project.micrograph_file(m).as_posix(), names.get(m.specimen_id or 0))
        for m in project.micrographs()
    ]
    known = [(path, specimen) for path, specimen in there if plain(path) not in files]
    doubtful = set(same_by_name(found, known))
    shown = [collected[place].shown for place in sorted(doubtful)]
    if len(shown) > _MOST_LISTED:
        more = f" and {len(shown) - _MOST_LISTED} more"
    else:
        more = ""
    if shown:
        notes = [doubt_text(", ".join(shown[:_MOST_LISTED]) + more)]
    else:
        notes = []
    kept = [
        replace(one, specimen=None) if place in doubtful else one
        for place, one in enumerate(collected)
    ]
    return kept, notes


def _found_again(moved: ChangeMicrographs) -> Iterator[str]:
    for before, after in zip(moved.before, moved.after, strict=True):
        if before.path != after.path:
            yield f"{before.unique_name or after.name} was found again at its new location."


# ---- files that moved -----------------------------------------------------------------------


@dataclass(frozen=True)
class FoundFiles:
    """Hold the micrographs whose files are gone, or hold other images now, and the files of a
    folder that hold what they showed, by SHA-256.
    """

    folder: Path
    lost: tuple[Micrograph, ...]
    files: Mapping[str, tuple[Path, ...]]


@dataclass(frozen=True)
class Relinked:
    """Hold the edit that links micrographs to their files, None where there is nothing to link, and
    sentences about it, the first for all.
    """

    edit: ChangeMicrographs | None
    lines: tuple[str, ...]


def look_for_files(
    project: Project,
    micrographs: Sequence[Micrograph],
    folder: Path,
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> FoundFiles:
    """Look in a folder and the folders in it for the files of those micrographs that lost theirs.

    An exception that `progress` raises ends the search. Raises PoreguiError for a folder that is
    not there or holds no image.
    """
    lost = tuple(one for one in micrographs if _is_lost(project, one))
    found: dict[str, tuple[Path, ...]] = {one.sha256: () for one in lost}
    images, skipped = find_images([folder], "micrographs")
    if not images:
        raise no_images([folder], skipped)
    for done, image in enumerate(images if lost else (), start=1):
        with suppress(ImageError):
            sha256 = file_hash(image.file)
            if sha256 in found:
                found[sha256] += (image.file,)
        progress(done, len(images), image.shown)
    return FoundFiles(folder, lost, found)


def _is_lost(project: Project, micrograph: Micrograph) -> bool:
    try:
        check_same(micrograph, project.micrograph_file(micrograph), project.folder)
    except ImageError:
        return True
    return False


def relink(project: Project, found: FoundFiles) -> Relinked:
    """Return the edit that links micrographs to the files that were found for them.

    Of several files with the same content the one of the same name is taken; where that does not
    tell one, none is.
    """
    project.check_writable()
    if not found.lost:
        return Relinked(None, ("No file is missing; nothing was linked.",))
    before: list[Micrograph] = []
    after: list[Micrograph] = []
    missing: list[str] = []
    doubtful: list[str] = []
    ids = {one.id for one in found.lost}
    for one in [there for there in project.micrographs() if there.id in ids]:
        files = found.files.get(one.sha256, ())
        chosen = _of_one_name(files, one) if len(files) > 1 else files
        if len(chosen) == 1:
            before.append(one)
            after.append(_moved_to(project, one, chosen[0]))
        elif files:
            places = shortened([str(file) for file in files], _MOST_LISTED)
            doubtful.append(
                f"{one.shown_name} lies in several places, so it was not linked: {places}. Give "
                "the folder of one of them."
            )
        else:
            missing.append(one.shown_name)
    lost = count(len(found.lost), "missing file")
    lines = [f"Found {len(after)} of {lost} in {found.folder}.", *doubtful]
    if missing:
        lines.append(f"Not found: {shortened(missing, _MOST_NAMED)}.")
    edit = ChangeMicrographs(tuple(before), tuple(after), text="relink micrographs")
    return Relinked(edit if after else None, tuple(lines))


def _of_one_name(files: Sequence[Path], micrograph: Micrograph) -> tuple[Path, ...]:
    name = plain(micrograph.path).rpartition("/")[2]
    return tuple(file for file in files if plain(file.name) == name)


def micrograph_record(
    project: Project, place: int, one: CollectedMicrograph, specimens: NewSpecimens
) -> Micrograph:
    """Return the record of a new micrograph, the one at `place` of all that come with it."""
    return Micrograph(
        id=project.next_id("micrographs") + place,
        path=project.path_for(one.file),
        name=name_of(one.file, one.plane),
        sha256=one.sha256,
        width=one.width,
        height=one.height,
        bits=one.bits,
        channels=one.channels,
        um_per_px=one.um_per_px,
        scale_source=one.scale_source,
        specimen_id=specimens.id_of(one.specimen),
        plane=str(one.plane),
    )
