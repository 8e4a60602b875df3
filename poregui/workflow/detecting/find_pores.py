"""Find the pores of micrographs with the project's recipe, and tell where it was done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from poregui.domain.detection import DetectionRecipe, detection_recipe_from_json
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.geometry import Outline
from poregui.domain.records import Crop, Detection, Micrograph
from poregui.domain.wording import count, percent
from poregui.store.pixels import CropPixels, PixelStore
from poregui.store.project import Project
from poregui.vision.crops import cut_many
from poregui.vision.io.pyramid import Pyramid
from poregui.vision.pores.detection import Detected, detect
from poregui.vision.pores.finder import look
from poregui.vision.pores.plan import source_of
from poregui.vision.pores.specimen_area import ends_in_view, fewer_points
from poregui.workflow.detecting.learned_finder import FINDER_KEY, OpenedFinder
from poregui.workflow.detecting.matching import NewPore, Settled, settle
from poregui.workflow.detecting.removals import border_text, doubts_of, removed_sentences
from poregui.workflow.editing.edits import Combined, Edit, SetSetting, together
from poregui.workflow.editing.micrograph_edits import SetDetections, set_surfaces
from poregui.workflow.importing.image_identity import opened_micrograph

Searched = Literal["never", "otherwise", "same"]


@dataclass(frozen=True)
class Searchable:
    """Hold of a micrograph what a choice rests on; `crops` is how many it has now.

    `searched` is `same` where pores were looked for by the same recipe and with the same masks.
    """

    id: int
    name: str
    specimen: str
    um_per_px: float | None
    crops: int
    searched: Searched


def searchable(
    micrographs: Iterable[Micrograph],
    detections: Mapping[int, Detection],
    specimens: Mapping[int, str],
    crops: Mapping[int, int],
    how: str,
) -> tuple[Searchable, ...]:
    """Return what is known of micrographs; `specimens` are names and `crops` counts, by id, `how`
    is the recipe of the next search as `recipe_text` gives it.
    """
    return tuple(
        Searchable(
            one.id,
            one.shown_name,
            specimens.get(one.specimen_id, "") if one.specimen_id is not None else "",
            one.um_per_px,
            crops.get(one.id, 0),
            _searched(one, detections.get(one.id), how),
        )
        for one in micrographs
    )


def _searched(micrograph: Micrograph, detection: Detection | None, how: str) -> Searched:
    if detection is None:
        return "never"
    same = detection.recipe == how and detection.masks == micrograph.masks
    if same:
        return "same"
    return "otherwise"


RECIPE_KEY = "detection_recipe"
"""Under which the project keeps its recipe."""
Progress = Callable[[int, int, str], None]
_MUCH_MOUNT = 1.0
"""Per cent of a picture from which on those that were taken for the mount are said as a whole
number.
"""
_BATCH = 256
"""Crops that are written at once, few enough that nobody waits for the lock."""


@dataclass(frozen=True)
class DetectedPores:
    """Hold the pores that were found in one micrograph; the pixels of their crops are in the pixel
    store already.

    `mount_percent` is the part of the unmasked picture that was taken for the mount around the
    specimen; `unsure_percent` is what may be mount or pore, and `is_mount` what a person said that
    it is; `finder` is the number of the learned finder that was used, 0 for none. `removed` counts
    regions that were left out, by rule; `warnings` say what makes the area doubtful.
    """

    micrograph: Micrograph
    pores: tuple[NewPore, ...]
    area_percent: float
    seconds: float
    detection: Detection
    mount_percent: float = 0.0
    removed: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unsure_percent: float = 0.0
    is_mount: bool | None = None
    finder: int = 0


@dataclass(frozen=True)
class Present:
    """Hold what a project says of some micrographs' crops at one moment."""

    crops: dict[int, list[Crop]]
    outlines: dict[int, dict[int, Outline]]
    next_id: int
    recipe_text: str
    detections: dict[int, Detection] = field(default_factory=dict)
    finder: str = ""

    @staticmethod
    def of(project: Project, micrographs: Sequence[Micrograph]) -> Present:
        """Read it."""
        return Present(
            {m.id: project.crops(micrograph_id=m.id) for m in micrographs},
            {m.id: project.outlines(micrograph_id=m.id) for m in micrographs},
            project.next_id("crops"),
            project.meta(RECIPE_KEY),
            project.detections(),
            project.meta(FINDER_KEY),
        )


@dataclass(frozen=True)
class DetectionPlan:
    """Hold the one edit that brings found pores in, and what it means; `edit` is None when nothing
    changes.

    `stayed` are the ids of labelled crops for which no pore was found; they stay as they were.
    """

    edit: Edit | None
    added: int
    removed: int
    carried: int
    stayed: tuple[int, ...]
    kept_by_hand: int


def detection_recipe(project: Project) -> DetectionRecipe:
    """Return the recipe that the project keeps, the usual one where it keeps none.

    Window and command line read it here alone. Raises ProjectError when it is damaged.
    """
    text = project.meta(RECIPE_KEY)
    if not text:
        return DetectionRecipe()
    try:
        return recipe_of(text)
    except PoreguiError as error:
        raise ProjectError(
            f"The detection settings of this project are damaged: {error.what}",
            "Set them again in the Find pores tab of the Label page, or pass a file to poregui "
            "detect --recipe.",
        ) from error


def recipe_of(text: str) -> DetectionRecipe:
    """Return the recipe that `recipe_text` wrote. Raises PoreguiError for any other text."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PoreguiError("This is not JSON.", "Give a file with one JSON object.") from error
    return detection_recipe_from_json(values)


def recipe_text(recipe: DetectionRecipe, finder: str = "") -> str:
    """Return a recipe as the project keeps it, with the finder that a search was made by."""
    values = recipe.to_json()
    if finder:
        values["finder"] = finder
    return json.dumps(values)


def read_recipe(file: Path) -> DetectionRecipe:
    """Return the recipe in a JSON file. Raises PoreguiError with a sentence that names the file."""
    try:
        return recipe_of(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PoreguiError(
            f"{file} cannot be read: {error.strerror}.", "Check the path."
        ) from error
    except (UnicodeDecodeError, PoreguiError) as error:
        raise PoreguiError(
            f"{file} is not a detection recipe: {error}", "Give a file with one JSON object."
        ) from error


def find_in_file(
    micrograph: Micrograph,
    file: Path,
    folder: Path,
    recipe: DetectionRecipe,
    pixels: PixelStore,
    progress: Progress = lambda done, total, text: None,
    finder: OpenedFinder | None = None,
    *,
    is_mount: bool | None = None,
) -> DetectedPores:
    """Find the pores of a micrograph and keep the pixels of their crops; needs no project, so any
    thread may.

    `folder` is the project's. A learned `finder` stands for the recipe's threshold. `is_mount` says
    what lies along an edge, None: what the micrograph says. An exception that `progress` raises
    ends the work. Raises PoreguiError when the file cannot be read, or the recipe has lengths in um
    and the micrograph has no scale.
    """
    started = time.perf_counter()
    with opened_micrograph(micrograph, file, folder) as image:
        detected = _detected(image, micrograph, recipe, progress, finder, is_mount)
        pores = cut_pores(image, micrograph, detected, recipe, pixels, progress)
    seconds = time.perf_counter() - started
    fact = detection_of(detected, micrograph, recipe, finder)
    return DetectedPores(
        micrograph,
        pores,
        detected.area_percent,
        seconds,
        fact,
        detected.mount_percent,
        detected.removed,
        doubts_of(detected, recipe),
        border_text(detected),
        detected.unsure_percent,
        is_mount,
        0 if finder is None else finder.number,
    )


def _detected(
    image: Pyramid,
    micrograph: Micrograph,
    recipe: DetectionRecipe,
    progress: Progress,
    finder: OpenedFinder | None,
    is_mount: bool | None,
) -> Detected:
    def tell(done: int, total: int, text: str) -> None:
        progress(done, total, f"{micrograph.shown_name}: {text}".removesuffix(": "))

    source = source_of(image)
    scale = micrograph.um_per_px
    if finder is not None:
        return look(finder.finder, source, recipe, scale, micrograph.masks, tell).pores(tell)
    ends = is_mount
    if ends is None:
        ends = ends_in_view(micrograph.surfaces)
    return detect(source, recipe, scale, micrograph.masks, specimen_ends=ends, progress=tell)


_MOST_NAMED = 5


def left_out_words(found: Sequence[DetectedPores], if_pore: str) -> list[str]:
    """Say which regions a rule left out, for they may have been pores; `if_pore` says what to do
    where what was taken for the mount is.
    """
    lines = removed_sentences(one.removed for one in found)
    warnings = warnings_of(found)
    lines += warnings[:_MOST_NAMED]
    if len(warnings) > _MOST_NAMED:
        lines.append(f"{count(len(warnings) - _MOST_NAMED, 'more warning')}.")
    lines += [f"{one.micrograph.shown_name}: {note}" for one in found for note in one.notes][
        :_MOST_NAMED
    ]
    mount = mount_text(found)
    if mount:
        lines.append(f"{mount} If it is pore, {if_pore}.")
    return lines


def warnings_of(found: Sequence[DetectedPores]) -> list[str]:
    """Return what makes the area of micrographs doubtful, each sentence with its micrograph."""
    return [f"{one.micrograph.shown_name}: {text}" for one in found for text in one.warnings]


def mount_text(found: Sequence[DetectedPores]) -> str:
    """Say how much of the picture was taken for the mount, for that may have been pore; empty
    where nothing was.
    """
    large = [one for one in found if one.mount_percent > 0]
    if not large:
        return ""
    most = max(large, key=lambda one: one.mount_percent)
    others = ""
    if len(large) > 1:
        others = f" and parts of {count(len(large) - 1, 'other micrograph')}"
    share = percent(most.mount_percent / 100, 0 if most.mount_percent >= _MUCH_MOUNT else 2)
    return (
        f"{share} of {most.micrograph.shown_name}{others} along the "
        "edge ignored as mounting material."
    )


def detection_of(
    detected: Detected,
    micrograph: Micrograph,
    recipe: DetectionRecipe,
    finder: OpenedFinder | None = None,
) -> Detection:
    """Return what the project remembers of a search besides the pores; lines are kept within a
    quarter of a pixel.
    """
    return Detection(
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        recipe=recipe_text(recipe, finder.text if finder is not None else ""),
        field_area_px=detected.field_area_px,
        masks=micrograph.masks,
        surfaces=tuple(fewer_points(line) for line in detected.surfaces),
    )


def cut_pores(
    image: Pyramid,
    micrograph: Micrograph,
    detected: Detected,
    recipe: DetectionRecipe,
    pixels: PixelStore,
    progress: Progress = lambda done, total, text: None,
) -> tuple[NewPore, ...]:
    """Cut a crop around each pore that was found, as the recipe says, into the pixel store, in
    batches.
    """
    total = len(detected.outlines)
    boxes = [
        recipe.crop_box(detected.box(i), image.width, image.height, micrograph.um_per_px)
        for i in range(total)
    ]
    keys = [""] * total
    batch: list[tuple[int, CropPixels]] = []

    def write() -> None:
        with pixels.batch():
            for index, content in batch:
                keys[index] = pixels.add(content)
        batch.clear()

    for done, (index, part) in enumerate(cut_many(image, boxes)):
        batch.append((index, CropPixels(part, image.grey_low, image.grey_high)))
        if len(batch) == _BATCH:
            write()
            progress(done, total, f"{micrograph.shown_name}: cutting crops")
    if batch:
        write()
    lines = (Outline.of(points) for points in detected.outlines)
    return tuple(NewPore(*pore) for pore in zip(lines, boxes, keys, strict=True))


def plan_detection(
    found: Sequence[DetectedPores],
    present: Present,
    recipe: DetectionRecipe,
    who: str,
) -> DetectionPlan:
    """Return the one edit that brings in what was found; needs no project, so any thread may.

    The recipe becomes the project's in the same step, and so does the number of the finder that was
    used.
    """
    settled: list[Settled] = []
    first = present.next_id
    for one in found:
        there = one.micrograph.id
        settled.append(
            settle(there, present.crops[there], present.outlines[there], one.pores, first)
        )
        first += len(settled[-1].edit.added)
    where = count(len(found), "micrograph")
    if len(found) == 1:
        where = found[0].micrograph.shown_name
    pores = replace(together((one.edit for one in settled), f"find pores in {where}"), who=who)
    edits: list[Edit] = [] if pores.is_empty else [pores]
    seen = [
        (one.micrograph.id, present.detections.get(one.micrograph.id), one.detection)
        for one in found
    ]
    new = [(there, before, now) for there, before, now in seen if not now.same_as(before)]
    if new:
        facts = SetDetections(
            tuple((i, before) for i, before, _ in new), tuple((i, now) for i, _, now in new)
        )
        edits.append(facts)
    edits += _surface_edits(found)
    edits += _setting_edits(present, recipe, found[0].finder if found else 0)
    return DetectionPlan(
        Combined(tuple(edits), pores.text) if edits else None,
        added=len(pores.added),
        removed=len(pores.removed),
        carried=sum(one.carried for one in settled),
        stayed=tuple(crop_id for one in settled for crop_id in one.stayed),
        kept_by_hand=sum(one.kept_by_hand for one in settled),
    )


def _setting_edits(present: Present, recipe: DetectionRecipe, finder: int) -> list[Edit]:
    """Return the edits that keep how pores were found, where it is new."""
    settings = (
        (RECIPE_KEY, present.recipe_text, recipe_text(recipe)),
        (FINDER_KEY, present.finder, str(finder or "")),
    )
    return [
        SetSetting(key, before, after, "change how pores are found")
        for key, before, after in settings
        if before != after
    ]


def _surface_edits(found: Sequence[DetectedPores]) -> list[Edit]:
    """Return the edits that keep what a person said of mounting material, where it is new."""
    edits: list[Edit] = []
    for one in found:
        if one.is_mount is None:
            continue
        lines = one.detection.surfaces if one.is_mount else ()
        if (lines or not one.is_mount) and one.micrograph.surfaces != lines:
            edits.append(set_surfaces([one.micrograph], lines))
    return edits
