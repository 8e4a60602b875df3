"""Write and read zip files of ImageJ ROIs, one a micrograph, for ImageJ's ROI Manager."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.store.files import explain_write_error, export_target, replace_file
from poregui.store.run_files import unfolded
from poregui.workflow.exporting.formats.shapes import (
    LARGEST_FILE,
    ImageShapes,
    PoreShape,
    corners,
    file_paths,
    files_in,
    outline_from,
    text_of,
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
            archive.writestr(f"{_name(shape)}.roi", _roi(shape, groups[shape.class_name]))
        comment = json.dumps({"image": image.name, **image.facts()}, ensure_ascii=False).encode()
        if image.facts() and len(comment) <= _LONGEST_COMMENT:
            archive.comment = comment


def _name(shape: PoreShape) -> str:
    return f"{shape.crop_id:06d}_{shape.class_name or 'unlabelled'}".replace("/", "_").replace(
        "\\", "_"
    )


def _roi(shape: PoreShape, group: int) -> bytes:
    from roifile import ROI_TYPE, ImagejRoi

    if shape.outline is None:
        points = np.asarray(corners(shape.box), dtype=np.float32)
    else:
        points = shape.outline.points.astype(np.float32)
    roi = ImagejRoi.frompoints(points, name=_name(shape))
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
    """Return the pores of a zip of ROIs, or of every one of a folder and the folders in it.

    Polygons, free-hand and traced outlines and rectangles are read, others passed over. The class
    is what the name says after its first `_`. Raises PoreguiError when a file is not such a zip or
    unfolds to too much.
    """
    files = files_in(path, "*.zip") if path.is_dir() else [path]
    if not files:
        raise PoreguiError(
            f"{path} holds no zip files of ROIs.", "Choose the folder that they were exported to."
        )
    return [_read_one(file) for file in files]


def _read_one(path: Path) -> ImageShapes:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [
                entry for entry in archive.infolist() if entry.filename.lower().endswith(".roi")
            ]
            if (
                len(entries) > _MOST_ROIS
                or sum(entry.file_size for entry in entries) > LARGEST_FILE
            ):
                raise PoreguiError(
                    f"{path.name} unfolds to more than can be pores.", "Check where it came from."
                )
            shapes = [
                _shape(archive, entry, number) for number, entry in enumerate(entries, start=1)
            ]
            told = _told(archive.comment)
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise PoreguiError(
            f"{path.name} is not a zip file of ROIs: {error}.", "Save it again in ImageJ."
        ) from error
    own = path.name.removesuffix(".zip").removesuffix(".RoiSet")
    sha256 = text_of(told.get("sha256"))
    return ImageShapes(
        text_of(told.get("image")) or own,
        0,
        0,
        None,
        tuple(shape for shape in shapes if shape is not None),
        path=text_of(told.get("path")),
        sha256=sha256,
        plane=text_of(told.get("plane")) if sha256 else None,
        beside=(path.absolute().parent / own).as_posix(),
    )


def _told(comment: bytes) -> dict[str, Any]:
    """Return what the comment of a zip says of its image; nothing where it is somebody else's."""
    try:
        told = json.loads(comment)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _shape(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, number: int) -> PoreShape | None:
    from roifile import ROI_TYPE, ImagejRoi

    if entry.file_size > _LARGEST_ROI:
        raise PoreguiError(
            f"The ROI {entry.filename} is too large to be a pore.", "Check where it came from."
        )
    try:
        roi = ImagejRoi.frombytes(unfolded(archive, entry))
        points = np.asarray(roi.coordinates(), dtype=np.float64)
    except (ValueError, IndexError, TypeError, OverflowError, io.UnsupportedOperation) as error:
        raise PoreguiError(
            f"The ROI {entry.filename} cannot be read: {error}.", "Save it again in ImageJ."
        ) from error
    _, _, class_name = Path(entry.filename).stem.partition("_")
    class_name = "" if class_name == "unlabelled" else class_name
    if roi.roitype == ROI_TYPE.RECT:
        return PoreShape(
            number, Box.between(roi.left, roi.top, roi.right, roi.bottom), None, class_name
        )
    if (
        roi.roitype not in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED)
        or points.ndim != 2
    ):
        return None
    outline: Outline = outline_from(points.tolist(), f"The ROI {entry.filename}")
    return PoreShape(number, outline.bounds, outline, class_name)
