"""Bring images from outside into a project as micrographs and ready-made crops, each once, and
report on all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.records import FIRST, Crop, Plane, check_pixel_size
from poregui.domain.wording import count
from poregui.store.files import file_hash
from poregui.store.pixels import CropPixels, PixelStore
from poregui.store.project import Project
from poregui.vision.io.pyramid import Pyramid, open_pyramid
from poregui.vision.io.reader import Image, read_image
from poregui.workflow.editing.edits import (
    AddCrops,
    AddMicrographs,
    AddSpecimens,
    Combined,
    Edit,
    label_name,
)
from poregui.workflow.importing.class_names import ClassPlan, plan_classes, same_class
from poregui.workflow.importing.folders import (
    LARGE_CROP,
    FolderImage,
    Kind,
    ManifestRow,
    Manifests,
    PassedOver,
    find_images,
    natural,
    no_images,
)
from poregui.workflow.importing.import_report import ImportPlan, ImportReport, by_class
from poregui.workflow.importing.known_images import (
    Collected,
    CollectedCrop,
    CollectedMicrograph,
    NewSpecimens,
    hold_against,
    micrograph_record,
)
from poregui.workflow.importing.specimen_names import specimen_rule

Progress = Callable[[int, int, str], None]
KINDS: tuple[Kind, ...] = ("auto", "micrographs", "crops")
_BATCH_CROPS = 64
_BATCH_BYTES = 64 * 2**20


@dataclass(frozen=True)
class ImportOptions:
    """Hold what a person says about the images.

    `specimen` names the specimen of all of them; `specimen_pattern` finds it in each name or path
    (see `specimen_names.specimen_rule`). `um_per_px` goes before what a file says. `known_classes`
    are the names of the project's classes, by which folders and files may be called. `plane` is the
    page, channel and slice that micrographs show of files that hold several. Raises PoreguiError
    for a pattern that is none or has no group, a scale that is none, or both kinds of specimen.
    """

    kind: Kind = "auto"
    specimen: str | None = None
    specimen_pattern: str | None = None
    um_per_px: float | None = None
    known_classes: tuple[str, ...] = ()
    plane: Plane = FIRST

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise PoreguiError(
                f"Images cannot be imported as {self.kind!r}.",
                f"Choose one of {', '.join(KINDS)}.",
            )
        if self.um_per_px is not None:
            check_pixel_size(self.um_per_px)
        if self.specimen is not None and not self.specimen.strip():
            raise PoreguiError("A specimen needs a name.", "Leave it out when it is not known.")
        if self.specimen_pattern is not None:
            if self.specimen is not None:
                raise PoreguiError(
                    "A specimen is given by a name and by a pattern.", "Give one of the two."
                )
            specimen_rule(self.specimen_pattern)

    def specimen_of(self, file: Path) -> str | None:
        """Return the name of a file's specimen, or None when nothing says it."""
        if self.specimen_pattern is None:
            if self.specimen:
                return " ".join(self.specimen.split())
            return None
        return specimen_rule(self.specimen_pattern).of_file(file)

    @property
    def by_name(self) -> bool:
        """Tell whether specimens are read out of the names of files alone."""
        return (
            self.specimen_pattern is not None
            and not specimen_rule(self.specimen_pattern).sees_folders
        )


def collect(
    paths: Sequence[Path],
    options: ImportOptions,
    pixels: PixelStore,
    progress: Progress = lambda done, total, name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Collected:
    """Find and read images and keep the pixels of ready-made crops; may run in any thread.

    Damaged files are passed over with their sentence. `progress` hears (done, total, name). Pixels
    that no crop comes to use cost room and nothing else. Raises PoreguiError for a path that does
    not exist, when there is no image at all, and when pixels cannot be kept.
    """
    found, skipped = find_images(paths, options.kind, options.known_classes)
    if not found:
        raise no_images(paths, skipped)
    micrographs: list[CollectedMicrograph] = []
    crops: list[CollectedCrop] = []
    notes: list[str] = []
    waiting, manifests = _Waiting(pixels), Manifests()
    for done, one in enumerate(found, start=1):
        if cancelled():
            return Collected((), (), (), (), cancelled=True)
        try:
            image: Image | Pyramid
            if one.is_crop:
                image = read_image(one.file)
                crops.append(
                    _crop(one, image, options, waiting.add(image), manifests.row(one.file))
                )
            else:
                with open_pyramid(one.file, plane=options.plane) as image:
                    micrographs.append(_micrograph(one, image, options))
        except ImageError as error:
            skipped.append(PassedOver(one.shown, str(error).removeprefix(f"{one.file.name} ")))
        else:
            notes += [f"{one.shown}: {text}" for text in image.warnings]
        progress(done, len(found), one.shown)
    waiting.keep()
    if options.specimen_pattern:
        unnamed = sum(options.specimen_of(one.file) is None for one in found)
    else:
        unnamed = 0
    if options.kind == "auto" and len({one.file.parent for one in found if not one.is_crop}) > 1:
        notes.append("Imported as micrographs. To use folder names as classes, import as crops.")
    if unnamed:
        notes.append(
            f"{unnamed} of {len(found)} file names do not match the pattern; their specimen is "
            "unknown."
        )
    skipped.sort(key=lambda one: natural(one.name))
    return Collected(tuple(micrographs), tuple(crops), tuple(skipped), tuple(notes))


class _Waiting:
    """Gather pixels and write them in few transactions, short ones, since the window may write
    crops meanwhile.
    """

    def __init__(self, store: PixelStore) -> None:
        self._store = store
        self._pixels: list[CropPixels] = []

    def add(self, image: Image) -> str:
        self._pixels.append(CropPixels(image.pixels, image.grey_low, image.grey_high))
        key = self._pixels[-1].hash
        if (
            len(self._pixels) >= _BATCH_CROPS
            or sum(p.array.nbytes for p in self._pixels) > _BATCH_BYTES
        ):
            self.keep()
        return key

    def keep(self) -> None:
        if self._pixels:
            with self._store.batch():
                for pixels in self._pixels:
                    self._store.add(pixels)
            self._pixels.clear()


def _crop(
    one: FolderImage, image: Image, options: ImportOptions, key: str, row: ManifestRow
) -> CollectedCrop:
    return CollectedCrop(
        file=one.file,
        shown=one.shown,
        pixels=key,
        width=image.width,
        height=image.height,
        class_name=one.class_name,
        given_split=one.given_split,
        um_per_px=options.um_per_px or row.um_per_px or image.um_per_px,
        specimen=options.specimen_of(one.file) or row.specimen,
    )


def _micrograph(one: FolderImage, image: Pyramid, options: ImportOptions) -> CollectedMicrograph:
    given = options.um_per_px is not None
    return CollectedMicrograph(
        file=one.file,
        shown=one.shown,
        sha256=file_hash(one.file),
        width=image.width,
        height=image.height,
        bits=image.bits,
        channels=image.channels,
        um_per_px=options.um_per_px if given else image.um_per_px,
        scale_source="given at import" if given else image.scale_source,
        specimen=options.specimen_of(one.file),
        plane=options.plane,
        by_name=options.by_name,
    )


def settle(project: Project, collected: Collected, who: str) -> ImportPlan:
    """Return the one edit that brings in what the project does not have yet, and the report;
    changes nothing itself.

    Images are told apart by content, so that importing twice adds nothing; what was deleted comes
    in again. Raises PoreguiError when the project is read-only or the folders name more classes
    than it can have.
    """
    project.check_writable()
    if collected.cancelled:
        return ImportPlan(None, ImportReport(cancelled=True))
    notes = list(collected.notes)
    specimens = NewSpecimens(project)
    held = hold_against(project, collected.micrographs, specimens)
    micrographs = held.new
    moved = held.moved
    crops, present = _new_crops(project, collected.crops, notes)
    classes = plan_classes(project, (c.class_name for c in crops if c.class_name is not None))
    adds = AddMicrographs(
        tuple(micrograph_record(project, i, m, specimens) for i, m in enumerate(micrographs))
    )
    first = project.next_id("crops")
    records = tuple(_crop_record(first + i, c, classes, specimens) for i, c in enumerate(crops))
    edits: list[Edit] = [classes.edit] if classes.edit else []
    edits += [AddSpecimens(tuple(specimens.added))] if specimens.added else []
    edits += [adds] if micrographs else []
    edits += [moved] if moved.after else []
    edits += [AddCrops(records, who=who, how="import")] if records else []
    many = len(micrographs) + len(crops)
    report = ImportReport(
        micrographs=len(micrographs),
        crops=len(crops),
        labels=by_class([label_name(c.label, classes.classes) for c in records]),
        test_crops=sum(c.given_split == "test" for c in records),
        present=present + held.present,
        skipped=(*collected.skipped, *held.skipped),
        new_classes=classes.added,
        replaced_classes=classes.replaced,
        new_specimens=tuple(s.name for s in specimens.added),
        assigned=sum(
            old.specimen_id != new.specimen_id
            for old, new in zip(moved.before, moved.after, strict=True)
        ),
        notes=(*notes, *held.notes, *_doubts(crops)),
    )
    text = f"import {count(many, 'image')}"
    return ImportPlan(Combined(tuple(edits), text=text) if edits else None, report)


def _new_crops(
    project: Project, collected: Sequence[CollectedCrop], notes: list[str]
) -> tuple[list[CollectedCrop], int]:
    """Return the crops that are new and how many were there; notes tell of equal pixels with
    unequal labels.

    Of equal images on both sides of a given split the one on the test set is taken, so that
    nothing leaks.
    """
    known = {crop.pixels: crop for crop in project.crops()}
    names = project.classes(retired=True)
    new: dict[str, CollectedCrop] = {}
    present = 0
    for one in sorted(collected, key=lambda c: c.given_split != "test"):
        twin = new.get(one.pixels)
        if one.pixels in known:
            present += 1
            label = label_name(known[one.pixels].label, names)
            if one.class_name and label and not same_class(label, one.class_name):
                notes.append(
                    f"{one.shown} is already in the project, labelled {label}; the label is kept."
                )
        elif twin is None:
            new[one.pixels] = one
        elif twin.class_name == one.class_name:
            notes.append(f"{one.shown} is the same image as {twin.shown}; it was imported once.")
        else:
            notes.append(
                f"{one.shown} is the same image as {twin.shown} with another label. Check it; it "
                f"is now labelled {twin.class_name or 'not at all'}."
            )
    taken = {id(one) for one in new.values()}
    return [one for one in collected if id(one) in taken], present


def _doubts(crops: Sequence[CollectedCrop]) -> Iterator[str]:
    large = sum(min(crop.width, crop.height) >= LARGE_CROP for crop in crops)
    if large:
        yield (
            f"{count(large, 'crop')} of {LARGE_CROP} px or more: if these are whole micrographs, "
            "undo and import them as micrographs."
        )


def _crop_record(
    crop_id: int, one: CollectedCrop, classes: ClassPlan, specimens: NewSpecimens
) -> Crop:
    return Crop(
        id=crop_id,
        pixels=one.pixels,
        width=one.width,
        height=one.height,
        source=one.shown,
        specimen_id=specimens.id_of(one.specimen),
        um_per_px=one.um_per_px,
        given_split=one.given_split,
        label=classes.label(one.class_name),
        origin="import",
    )
