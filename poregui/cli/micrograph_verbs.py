"""Run the verbs that list, describe and change micrographs and image files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from poregui.cli.output import Screen, table
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.records import Detection, Line, Micrograph, Plane
from poregui.domain.wording import about, count
from poregui.store.project import Project
from poregui.vision.info_bar import find_info_bar
from poregui.vision.io.pyramid import open_pyramid
from poregui.workflow.editing.accept_file import accept_file, look_at_file
from poregui.workflow.editing.edits import Combined, Edit
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import set_scale
from poregui.workflow.editing.micrograph_choice import micrographs_like, one_called
from poregui.workflow.editing.micrograph_edits import (
    Frame,
    Step,
    change_several,
    frames_of,
    give_masks,
    mask_info_bars,
    set_build_direction,
    set_checked,
    set_project_build_direction,
    set_specimens,
    set_surfaces,
    similar_to,
)
from poregui.workflow.importing.image_identity import check_same
from poregui.workflow.importing.known_images import look_for_files, relink
from poregui.workflow.importing.specimen_names import naming_notes, others_of, specimens_in_names

_UNSAID = object()
"""Stands for an option that was not given, where None means unknown."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `micrographs` understands."""
    parser.add_argument(
        "--name",
        metavar="GLOB",
        default="*",
        help="only micrographs with matching names or paths, as 'A1_*' or 'S1/*', or one by "
        "its path or #id",
    )
    parser.add_argument(
        "--set-scale",
        type=_scale,
        metavar="X",
        help="their pixel size in µm/px; 'unknown' removes it",
    )
    specimen = parser.add_mutually_exclusive_group()
    specimen.add_argument("--specimen", metavar="NAME", help="the specimen that they show")
    specimen.add_argument(
        "--specimen-pattern",
        metavar="PATTERN",
        help="where the specimen is in the file name: '{specimen}_*.tif', with folders "
        "'{specimen}/*', or a regular expression",
    )
    parser.add_argument(
        "--build-direction",
        type=_direction,
        default=_UNSAID,
        metavar="DEG",
        help="build direction in the image, in degrees counter-clockwise from the right (90: "
        "upwards); of the "
        "project, or with --name of these micrographs; 'unknown' removes it",
    )
    surface = parser.add_mutually_exclusive_group()
    surface.add_argument(
        "--surface",
        type=_line,
        action="append",
        metavar="X,Y X,Y ...",
        help="surface of the specimen as a line in px, instead of the detected one; several "
        "lines: give it again",
    )
    surface.add_argument(
        "--no-surface",
        action="store_true",
        help="no surface of the specimen is in the image, whatever detection found",
    )
    surface.add_argument(
        "--found-surface", action="store_true", help="use the surface that detection found"
    )
    checked = parser.add_mutually_exclusive_group()
    checked.add_argument(
        "--checked",
        action="store_true",
        help="every pore of the whole micrograph has its outline: it is a checked area",
    )
    checked.add_argument("--not-checked", action="store_true", help="remove their checked areas")
    parser.add_argument(
        "--mask-info-bar", action="store_true", help="mask the burned-in bars that are found"
    )
    parser.add_argument(
        "--masks-from",
        metavar="NAME",
        help="give them the masks of this micrograph, where they have none and images of the same "
        "size and kind",
    )
    parser.add_argument(
        "--accept-file",
        action="store_true",
        help="accept files that changed since import; a file that shows different pores becomes a "
        "new micrograph",
    )
    parser.add_argument(
        "--relink",
        type=Path,
        metavar="FOLDER",
        help="look in a folder for files that were moved or renamed, by their contents",
    )


def _scale(text: str) -> float | str:
    if text.strip().lower() == "unknown":
        return "unknown"
    return float(text.replace(",", "."))


def _direction(text: str) -> float | None:
    if text.strip().lower() == "unknown":
        return None
    return float(text.replace(",", "."))


def _line(text: str) -> Line:
    points = tuple(tuple(float(value) for value in point.split(",")) for point in text.split())
    if len(points) < 2 or any(len(point) != 2 for point in points):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a line; write 'x,y x,y' with two points or more"
        )
    return tuple((point[0], point[1]) for point in points)


def micrographs(args: argparse.Namespace, screen: Screen) -> int:
    """List micrographs and change what was asked for, all of it as one step of undo."""
    surface = args.surface or args.no_surface or args.found_surface
    changes = (
        args.set_scale is not None or args.specimen or args.specimen_pattern or args.mask_info_bar
    )
    changes = changes or args.checked or args.not_checked
    changes = changes or surface or args.accept_file or args.build_direction is not _UNSAID
    changes = changes or args.relink is not None or args.masks_from is not None
    notes: list[str] = []
    with Project.open(args.project, read_only=not changes) as project:
        wanted = micrographs_like(project, args.name)
        if changes:
            project.check_writable()
            if args.relink is not None:
                wanted = _relink(project, wanted, args.relink, notes)
            if args.accept_file:
                wanted = _accept(project, wanted, notes)
            _change(project, args, wanted, notes)
            wanted = _as_they_are(project, {one.id for one in wanted})
        specimens = {s.id: s.name for s in project.specimens()}
        frames = frames_of(project, wanted)
        detections = project.detections()
        rows = [
            _described(one, specimens, frames[one.id], detections.get(one.id)) for one in wanted
        ]
    screen.result({"micrographs": rows, "notes": notes}, "\n".join([_text(rows), *notes]))
    return 0


def _as_they_are(project: Project, ids: set[int]) -> list[Micrograph]:
    return [micrograph for micrograph in project.micrographs() if micrograph.id in ids]


def _change(
    project: Project, args: argparse.Namespace, wanted: list[Micrograph], notes: list[str]
) -> None:
    steps: list[Step] = []
    if args.set_scale is not None:
        scale = args.set_scale
        if args.set_scale == "unknown":
            scale = None
        steps.append(lambda micrographs: set_scale(micrographs, scale))
    if args.specimen:
        name = " ".join(args.specimen.split())
        steps.append(lambda micrographs: set_specimens(project, ((m, name) for m in micrographs)))
    elif args.specimen_pattern:
        fits = specimens_in_names(wanted, args.specimen_pattern, others_of(project, wanted))
        names = {one.id: name for one, name in fits}
        steps.append(
            lambda micrographs: set_specimens(project, ((m, names[m.id]) for m in micrographs))
        )
        notes += naming_notes(fits, args.specimen_pattern)
    if args.checked or args.not_checked:
        steps.append(lambda micrographs: set_checked(micrographs, checked=args.checked))
    if args.mask_info_bar:
        bars = {one.id: box for one, box in info_bars(project, wanted, notes)}
        if bars:
            steps.append(
                lambda micrographs: mask_info_bars(
                    (m, bars[m.id]) for m in micrographs if m.id in bars
                )
            )
        notes.append(f"{len(bars)} info bars are masked.")
    if args.masks_from is not None:
        steps.append(_masks_step(project, args.masks_from, notes))
    edits = _frame_edits(project, args, wanted, steps)
    edit = change_several(wanted, steps)
    if edit is not None:
        edits += [edit]
    if edits:
        edit = edits[0] if len(edits) == 1 else Combined(tuple(edits), "change micrographs")
        History(project).apply(edit, backup="scheduled")


def _masks_step(project: Project, name: str, notes: list[str]) -> Step:
    one = one_called(project.micrographs(), name)
    if not one.masks:
        raise PoreguiError(f"{one.shown_name} has no masks.", "Name a micrograph that has some.")

    def give(micrographs: Sequence[Micrograph]) -> Edit | None:
        edit = give_masks(similar_to(one, micrographs), one.masks)
        changed = len(edit.after) if edit is not None else 0
        notes.append(f"{count(changed, 'micrograph')} got the masks of {one.shown_name}.")
        return edit

    return give


def _relink(
    project: Project, wanted: list[Micrograph], folder: Path, notes: list[str]
) -> list[Micrograph]:
    """Link micrographs that lost their files to those in a folder; return them as they are now."""
    relinked = relink(project, look_for_files(project, wanted, folder))
    if relinked.edit is not None:
        History(project).apply(relinked.edit, backup="scheduled")
    notes += relinked.lines
    return _as_they_are(project, {one.id for one in wanted})


def _accept(project: Project, wanted: list[Micrograph], notes: list[str]) -> list[Micrograph]:
    """Accept the files of micrographs as they are now, one step of undo each; return them and those
    that are new.
    """
    history = History(project)
    first = project.next_id("micrographs")
    for one in wanted:
        file = project.micrograph_file(one)
        crops = project.crops(micrograph_id=one.id)
        try:
            now = look_at_file(one, file, project.folder, crops, project.pixels)
            accepted = accept_file(project, one, now)
        except PoreguiError as error:
            notes.append(about(one.shown_name, error))
            continue
        if accepted.edit is not None:
            history.apply(accepted.edit, backup="scheduled")
        notes.append(accepted.sentence)
    new = set(range(first, project.next_id("micrographs")))
    return _as_they_are(project, {one.id for one in wanted} | new)


def _frame_edits(
    project: Project, args: argparse.Namespace, wanted: list[Micrograph], steps: list[Step]
) -> list[Edit]:
    """Add what was said of build direction and surface to the steps; return the edits of the
    project itself.
    """
    edits: list[Edit] = []
    if args.build_direction is not _UNSAID and args.name == "*":
        edits.append(set_project_build_direction(project, args.build_direction))
    elif args.build_direction is not _UNSAID:
        steps.append(lambda micrographs: set_build_direction(micrographs, args.build_direction))
    if args.surface or args.no_surface or args.found_surface:
        lines = None if args.found_surface else tuple(args.surface or ())
        steps.append(lambda micrographs: set_surfaces(micrographs, lines))
    return edits


def info_bars(
    project: Project, wanted: list[Micrograph], notes: list[str]
) -> list[tuple[Micrograph, Box]]:
    """Return the micrographs that have an info bar; `notes` take why a file
    could not be looked at.
    """
    found = []
    for one in wanted:
        try:
            check_same(one, project.micrograph_file(one), project.folder)
            with open_pyramid(project.micrograph_file(one), None, Plane.parse(one.plane)) as image:
                bar = find_info_bar(image)
        except PoreguiError as error:
            notes.append(about(one.shown_name, error))
            continue
        if bar is not None:
            found.append((one, bar))
    return found


def _described(
    one: Micrograph, specimens: dict[int, str], frame: Frame, detection: Detection | None
) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "shown_name": one.shown_name,
        "path": one.path,
        "sha256": one.sha256,
        "width": one.width,
        "height": one.height,
        "bits": one.bits,
        "um_per_px": one.um_per_px,
        "scale_source": one.scale_source,
        "specimen": specimens.get(one.specimen_id or 0),
        "build_direction_deg": frame.build_direction_deg,
        "surfaces": [[list(point) for point in line] for line in frame.surfaces],
        "surface_drawn": frame.drawn,
        "detected": None if detection is None else detection.when,
        "checked": one.is_checked,
        "checked_areas": [[list(point) for point in area] for area in one.checked_areas],
        "masks": [
            {"kind": mask.kind, "points": [list(point) for point in mask.points]}
            for mask in one.masks
        ],
    }


def _text(rows: list[dict[str, Any]]) -> str:
    listed = [
        [
            row["shown_name"],
            f"#{row['id']}",
            f"{row['width']} x {row['height']}",
            "unknown" if row["um_per_px"] is None else f"{row['um_per_px']:.6g}",
            row["scale_source"],
            row["specimen"] or "",
            len(row["masks"]),
            "" if row["build_direction_deg"] is None else f"{row['build_direction_deg']:g}",
            len(row["surfaces"]) or "",
            "whole" if row["checked"] else len(row["checked_areas"]) or "",
        ]
        for row in rows
    ]
    names = "micrograph, id, px, µm/px, from, specimen, masks, build °, surfaces, checked"
    return table(names.split(", "), listed)


def image(args: argparse.Namespace, screen: Screen) -> int:
    """Describe an image by its header."""
    from poregui.vision.io.reader import read_header

    header = read_header(args.file, Plane(args.page, args.channel, args.z))
    if header.um_per_px is None:
        scale = "unknown"
    else:
        scale = f"{header.um_per_px:.4g} µm/px"
    rows = [
        ("size", f"{header.width} x {header.height} px"),
        ("values", f"{header.dtype}, {header.bits} bits"),
        ("channels", header.channels),
        ("pages", header.pages),
        ("slices", header.slices),
        ("levels", header.levels),
        ("scale", scale),
        ("source of the scale", header.scale_source or None),
    ]
    text = "\n".join(
        [table([args.file.name, ""], rows), *(f"Note: {warning}" for warning in header.warnings)]
    )
    screen.result({"file": str(args.file), **asdict(header)}, text)
    return 0
