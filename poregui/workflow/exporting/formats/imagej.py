"""Write and read zip files of ImageJ ROIs, one a micrograph, for ImageJ's ROI Manager."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.store.files import explain_write_error, export_target, replace_file
from poregui.store.run_files import unfolded
from poregui.vision.shape.crossings import odd, parts_of, without_repeats
from poregui.workflow.exporting.formats.shapes import (
    COUNTED,
    LARGEST_FILE,
    NOWHERE,
    ImageShapes,
    LeftOut,
    PoreShape,
    StackPlace,
    UnfitEntryError,
    corners,
    file_paths,
    files_in,
    number_in,
    points_from,
    pores_from,
    text_of,
    with_notes,
)

SUFFIX = ".RoiSet.zip"
_LARGEST_ROI = 16 << 20
_MOST_ROIS = 1_000_000
_LONGEST_COMMENT = 65_535


def write_imagej(images: Sequence[ImageShapes], out: Path) -> int:
    """Write one zip of ROIs a micrograph into a folder, which is made, and return how many ROIs
    they hold.

    Outlines become sub-pixel polygons, boxes rectangles; each is named `<crop>_<class>` and its
    group is the class's place. Micrographs of one name get folders as their own files have, and the
    comment of each zip says which one it is of, by path and content. Raises PoreguiError when the
    folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_write_error(error, out) from error
    groups = {
        name: k
        for k, name in enumerate(sorted({s.class_name for i in images for s in i.shapes}), start=1)
    }
    for image, path in zip(
        images, file_paths([image.called for image in images], SUFFIX), strict=True
    ):
        replace_file(export_target(out / path), partial(_write_one, image=image, groups=groups))
    return sum(len(image.shapes) for image in images)


def _write_one(beside: Path, image: ImageShapes, groups: Mapping[str, int]) -> None:
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for shape in image.shapes:
            archive.writestr(
                f"{_in_zip(_own_name(shape))}.roi", _roi(shape, groups[shape.class_name])
            )
        comment = json.dumps({"image": image.name, **image.facts()}, ensure_ascii=False).encode()
        if image.facts() and len(comment) <= _LONGEST_COMMENT:
            archive.comment = comment


def _own_name(shape: PoreShape) -> str:
    """Return the name of a ROI; that of its entry in the zip may have no slashes."""
    return f"{shape.crop_id:06d}_{shape.class_name or 'unlabelled'}"


def _in_zip(name: str) -> str:
    return name.replace("/", "_").replace("\\", "_")


def _roi(shape: PoreShape, group: int) -> bytes:
    from roifile import ROI_TYPE, ImagejRoi

    if shape.outline is None:
        points = np.asarray(corners(shape.box), dtype=np.float32)
    else:
        points = shape.outline.points.astype(np.float32)
    roi = ImagejRoi.frompoints(points, name=_own_name(shape))
    roi.roitype = ROI_TYPE.POLYGON
    if shape.outline is None:
        roi.roitype = ROI_TYPE.RECT
        roi.left = shape.box.x
        roi.top = shape.box.y
        roi.right = shape.box.right
        roi.bottom = shape.box.bottom
    red, green, blue = (int(shape.colour[i : i + 2], 16) for i in (1, 3, 5))
    roi.stroke_color = bytes((255, red, green, blue))
    roi.group = min(group, 255)
    written: bytes = roi.tobytes()
    return written


def read_imagej(path: Path) -> list[ImageShapes]:
    """Return the pores of a zip of ROIs or a single one, or of all below a folder.

    Areas are read whatever their type, a composite by its parts; a plain rectangle is a box. What
    is left out is named. The class is what the name says beside its numbers. Raises PoreguiError
    when a file is not such a zip or unfolds to too much.
    """
    if not path.is_dir():
        if path.suffix.lower() == ".roi":
            single = _read_loose([path], path.stem)
        else:
            single = _read_zip(path)
        return with_notes(path, [single], single.notes)
    zips = [_read_zip(file) for file in files_in(path, "*.zip")]
    loose: dict[Path, list[Path]] = {}
    for file in files_in(path, "*.roi"):
        loose.setdefault(file.parent, []).append(file)
    found = zips + [_read_loose(files, own.name) for own, files in loose.items()]
    if not found:
        raise PoreguiError(
            f"{path} holds no zip files of ROIs.", "Choose the folder that they were exported to."
        )
    return found


def _read_loose(files: Sequence[Path], name: str) -> ImageShapes:
    """Return the pores of single files that lie in one folder."""
    rois = []
    try:
        for file in files:
            if file.stat().st_size > _LARGEST_ROI:
                raise PoreguiError(
                    f"The ROI {file.name} is too large to be a pore.", "Check where it came from."
                )
            rois.append((file.stem, file.read_bytes()))
    except OSError as error:
        raise PoreguiError(
            f"{files[0].parent} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    own = name.removesuffix(".RoiSet")
    return _image(rois, {}, own, files[0].absolute().parent / own, nameless=len(files) == 1)


def _read_zip(path: Path) -> ImageShapes:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if _is_roi(entry.filename)]
            if (
                len(entries) > _MOST_ROIS
                or sum(entry.file_size for entry in entries) > LARGEST_FILE
            ):
                raise PoreguiError(
                    f"{path.name} unfolds to more than can be pores.", "Check where it came from."
                )
            if not entries and archive.infolist():
                raise PoreguiError(
                    f"{path.name} holds no ROIs.", "Save them with More › Save in the ROI Manager."
                )
            large = LeftOut("ROI")
            rois = []
            for entry in entries:
                if entry.file_size > _LARGEST_ROI:
                    large.add(entry.filename, "it is too large to be a pore")
                else:
                    rois.append((Path(entry.filename).stem, unfolded(archive, entry)))
            facts = _comment_values(archive.comment)
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise PoreguiError(
            f"{path.name} is not a zip file of ROIs: {error}.", "Save it again in ImageJ."
        ) from error
    own = path.name.removesuffix(".zip").removesuffix(".RoiSet")
    found = _image(rois, facts, own, path.absolute().parent / own, nameless=own == "RoiSet")
    return replace(found, notes=(*large.notes, *found.notes))


def _is_roi(name: str) -> bool:
    return name.lower().endswith(".roi") and not name.rpartition("/")[2].startswith(".")


def _image(
    rois: Sequence[tuple[str, bytes]],
    facts: dict[str, Any],
    own: str,
    beside: Path,
    nameless: bool,
) -> ImageShapes:
    left_out = LeftOut("ROI")
    full = _full_classes([name for name, _ in rois])
    classes = _without_counters([name for name, _ in rois], full)
    shapes: list[PoreShape] = []
    for number, (name, content) in enumerate(rois, start=1):
        class_name = classes[number - 1]
        counted = ((COUNTED, full[number - 1]),) if full[number - 1] != class_name else ()
        try:
            found = _shapes(content, number, name, class_name)
            shapes += [replace(shape, metadata=counted) for shape in found]
        except UnfitEntryError as error:
            left_out.add(name, error.what)
    sha256 = text_of(facts.get("sha256"))
    return ImageShapes(
        text_of(facts.get("image")) or own,
        0,
        0,
        None,
        tuple(shapes),
        path=text_of(facts.get("path")),
        sha256=sha256,
        plane=text_of(facts.get("plane")) if sha256 else None,
        beside=beside.as_posix(),
        notes=left_out.notes,
        nameless=nameless and not facts.get("image"),
        as_stored=not sha256,  # ours are of the upright image; ImageJ does not turn any
    )


def _comment_values(comment: bytes) -> dict[str, Any]:
    """Return what the comment of a zip says of its image; nothing where it is somebody else's."""
    try:
        values = json.loads(comment)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


_OURS = re.compile(r"\d{6}_(.*)", re.DOTALL)
_NUMBERED = re.compile(r"(?:\d+(?:-\d+)*[_ ]+)?(.*)", re.DOTALL)
_COUNTED = re.compile(r"(.*?)([-_ ]*)\d+", re.DOTALL)
_COORDINATES = re.compile(r"\d+(-\d+)*(-\d+)?")


def _full_classes(names: Sequence[str]) -> list[str]:
    """Return the classes that names of ROIs say, empty for none.

    Ours are `<six digits>_<class>`. Numbers before a name are places and counters of ImageJ.
    """
    found = []
    for name in names:
        ours = _OURS.fullmatch(name)
        plain = _NUMBERED.fullmatch(name)
        if ours is not None:
            text = ours[1]
        elif _COORDINATES.fullmatch(name) or plain is None:
            text = ""
        else:
            text = plain[1]
        found.append("" if text == "unlabelled" else text)
    return found


def _without_counters(names: Sequence[str], full: Sequence[str]) -> list[str]:
    """Return classes without the numbers behind them, where no two ROIs of another program have the
    same, as in `pore_1`, `pore_2`.
    """
    found = list(full)
    theirs = [text for name, text in zip(names, found, strict=True) if not _OURS.fullmatch(name)]
    counted = {text: match for text in theirs if (match := _COUNTED.fullmatch(text))}
    if len(counted) < sum(text in counted for text in theirs):
        return found
    stems = Counter(match[1] for match in counted.values())
    for index, name in enumerate(names):
        match = None if _OURS.fullmatch(name) else counted.get(found[index])
        if match is not None and (match[2] or stems[match[1]] > 1):
            found[index] = match[1]
    return found


def _shapes(content: bytes, number: int, name: str, class_name: str) -> list[PoreShape]:
    """Return the pores of a ROI. Raises UnfitEntryError when it is none."""
    from roifile import ROI_SUBTYPE, ROI_TYPE, ImagejRoi

    try:
        roi = ImagejRoi.frombytes(content)
    except (ValueError, IndexError, TypeError, OverflowError, io.UnsupportedOperation) as error:
        raise UnfitEntryError(f"it cannot be read ({error})") from error
    if roi.subtype in (ROI_SUBTYPE.TEXT, ROI_SUBTYPE.ARROW, ROI_SUBTYPE.IMAGE):
        raise UnfitEntryError(f"its type, {roi.subtype.name.lower()}, is no area")
    true_name = _OURS.fullmatch(roi.name)
    if true_name is not None and _in_zip(roi.name) == name:
        class_name = "" if true_name[1] == "unlabelled" else true_name[1]
    planes = StackPlace(roi.t_position, roi.c_position, roi.z_position)
    if planes == NOWHERE:
        planes = StackPlace(index=roi.position)
    if roi.multi_coordinates is not None:
        return pores_from(number, class_name, _composite(roi.multi_coordinates.tolist()), planes)
    if roi.roitype == ROI_TYPE.RECT and not roi.rounded_rect_arc_size:
        left, top, wide, high = _bounds(roi)
        if min(wide, high) <= 0:
            raise UnfitEntryError("it has no area")
        box = Box.between(left, top, left + wide, top + high)
        return [PoreShape(number, box, None, class_name, planes=planes)]
    return pores_from(number, class_name, [[_polygon(roi)]], planes)


def _polygon(roi: Any) -> NDArray[np.float64]:
    """Return the line around a ROI of one part."""
    from roifile import ROI_OPTIONS, ROI_TYPE

    if roi.roitype == ROI_TYPE.OVAL:
        left, top, wide, high = _bounds(roi)
        return _rounded(left, top, wide, high, wide, high)
    if roi.roitype == ROI_TYPE.RECT:
        arc = float(roi.rounded_rect_arc_size)
        left, top, wide, high = _bounds(roi)
        return _rounded(left, top, wide, high, min(arc, wide), min(arc, high))
    if roi.roitype not in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED):
        raise UnfitEntryError(f"its type, {roi.roitype.name.lower()}, is no area")
    with np.errstate(invalid="ignore"):  # a point that is not a number is refused below
        points = np.asarray(roi.coordinates(), np.float64)
    line = points_from(points.tolist())
    if roi.options & ROI_OPTIONS.SPLINE_FIT:
        return _spline(line)
    return line


_MIN_SPLINE_POINTS = 100
_MOST_ON_SPLINE = 20_000


def _spline(nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points of the closed curve that ImageJ draws through nodes (N, 2)."""
    from scipy.interpolate import CubicSpline

    closed = np.concatenate([nodes, nodes[:1]])
    length = float(np.hypot(*np.diff(closed, axis=0).T).sum())
    number = int(np.clip(length, _MIN_SPLINE_POINTS, _MOST_ON_SPLINE))
    curve = CubicSpline(np.arange(len(closed)), closed, bc_type="periodic")
    return np.asarray(curve(np.arange(number) * (len(nodes) / number)))


def _bounds(roi: Any) -> tuple[float, float, float, float]:
    """Return left, top, width and height of a ROI, in parts of a px where it says so."""
    if roi.widthd > 0 and roi.heightd > 0:
        bounds = (roi.xd, roi.yd, roi.widthd, roi.heightd)
    else:
        bounds = (roi.left, roi.top, roi.right - roi.left, roi.bottom - roi.top)
    if not all(number_in(float(value)) for value in bounds):
        raise UnfitEntryError("its place is no finite number")
    left, top, wide, high = map(float, bounds)
    return left, top, wide, high


_ARC = np.linspace(0, np.pi / 2, 32)


def _rounded(
    left: float, top: float, wide: float, high: float, arc_x: float, arc_y: float
) -> NDArray[np.float64]:
    """Return a box with its corners rounded by ellipses of these diameters: an ellipse of all."""
    x = np.cos(_ARC) * arc_x / 2
    y = np.sin(_ARC) * arc_y / 2
    right = left + wide - arc_x / 2
    bottom = top + high - arc_y / 2
    near = left + arc_x / 2
    above = top + arc_y / 2
    quarters = [
        (right + x, bottom + y),
        (near - x[::-1], bottom + y[::-1]),
        (near - x, above - y),
        (right + x[::-1], above - y[::-1]),
    ]
    return without_repeats(np.concatenate([np.stack(quarter, axis=1) for quarter in quarters]))


_LENGTHS = {0: 2, 1: 2, 2: 4, 3: 6, 4: 0}
"""Numbers behind each step of a path: move, line, two curves, close."""
_CURVE = np.linspace(0, 1, 17)[1:, None]


def _composite(path: Sequence[float]) -> list[list[NDArray[np.float64]]]:
    """Return the areas of a path, by the even-odd rule as ImageJ fills it."""
    polygons: list[list[Any]] = []
    index = 0
    while index < len(path):
        step = int(path[index])
        numbers = path[index + 1 : index + 1 + _LENGTHS.get(step, 0)]
        if step not in _LENGTHS or len(numbers) < _LENGTHS[step] or (step and not polygons):
            raise UnfitEntryError("its path is damaged")
        if not all(map(number_in, numbers)):
            raise UnfitEntryError("its points are not finite numbers")
        points = np.reshape(numbers, (-1, 2))
        if step == 0:
            polygons.append([points[0]])
        elif step != 4:
            polygons[-1] += list(_curve(np.concatenate([[polygons[-1][-1]], points])))
        index += 1 + len(numbers)
    lines = [np.array(polygon, np.float64) for polygon in polygons if len(polygon) >= 3]
    if not lines:
        raise UnfitEntryError("an outline needs three points or more")
    try:
        return parts_of(lines, odd)
    except PoreguiError as error:
        raise UnfitEntryError("its lines cross thousands of times") from error


def _curve(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points of a line or a Bézier curve behind its first corner."""
    if len(corners) == 2:
        return corners[1:]
    points = np.repeat(corners[None], len(_CURVE), axis=0)
    while points.shape[1] > 1:
        points = points[:, :-1] + _CURVE[..., None] * (points[:, 1:] - points[:, :-1])
    return np.asarray(points[:, 0])
