"""Read the files of microscope makers through their optional libraries."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from poregui.domain.records import Plane
from poregui.vision.io.header import Header, too_large
from poregui.vision.io.pixel_values import (
    Decoded,
    Unfit,
    check_shape,
    check_size,
    damaged,
    decoded,
    drop_channels,
    to_unsigned,
)
from poregui.vision.io.scale import SPOILT, UNKNOWN, Scale, settled
from poregui.vision.io.tiff_stack import absent

MAKER_SUFFIXES = (".czi", ".lif", ".nd2")
_MOST = 10_000
"""Times, channels or slices above which a file is taken to be damaged."""


@dataclass(frozen=True)
class VendorImage:
    """Hold what one page of a maker's file is; `samples` are 3 or 4 where each px of a channel is a
    colour.

    `read` takes channel and slice from 0 and returns (height, width) or (height, width, samples).
    """

    width: int
    height: int
    dtype: np.dtype[Any]
    samples: int
    channels: int
    slices: int
    scale: Scale
    read: Callable[[int, int], NDArray[Any]]


@dataclass(frozen=True)
class Pages:
    """Hold how many pages a maker's file has, and give each, counted from 0."""

    number: int
    page: Callable[[int], VendorImage]


def maker_of(head: bytes) -> str | None:
    """Return 'CZI', 'LIF' or 'ND2' for a file that begins with these bytes (14
    at least), or None.
    """
    if head.startswith(b"ZISRAWFILE"):
        return "CZI"
    if head.startswith(b"\x70\0\0\0") and head[8:9] == b"\x2a":
        return "LIF"
    if head.startswith((b"\xda\xce\xbe\x0a", b"\0\0\0\x0cjP  ")):
        return "ND2"
    return None


def maker_header(path: Path, maker: str, plane: Plane) -> Header:
    """Return the header of a plane.

    Raises Unfit; the library of the maker's files raises what it likes.
    """
    with _opened(path, maker) as pages:
        image = _page(pages, plane)
        bits = 8 * image.dtype.itemsize
        return Header(
            image.width,
            image.height,
            dtype=str(image.dtype),
            bits=bits,
            channels=image.channels * image.samples,
            pages=pages.number,
            slices=image.slices,
            um_per_px=image.scale.um_per_px,
            scale_source=image.scale.source,
            warnings=(
                *too_large(image.width, image.height, image.samples, bits),
                *_notes(pages, image, plane),
            ),
        )


def read_maker(path: Path, maker: str, plane: Plane) -> Decoded:
    """Return a plane. Raises Unfit; the library of the maker's files raises what it likes."""
    with _opened(path, maker) as pages:
        image = _page(pages, plane)
        check_size(image.width, image.height, image.samples, image.dtype.itemsize)
        channel, sample = divmod((plane.channel or 1) - 1, image.samples)
        pixels = np.asarray(image.read(channel, plane.z - 1))
    if pixels.dtype != image.dtype:
        raise damaged(f"its header says {image.dtype}, its content is {pixels.dtype}")
    check_shape(pixels, image.width, image.height)
    if plane.channel is not None and pixels.ndim == 3:
        pixels = pixels[..., sample]
    found = decoded(to_unsigned(drop_channels(pixels)), 1, _notes(pages, image, plane))
    return replace(found, um_per_px=image.scale.um_per_px, scale_source=image.scale.source)


def _page(pages: Pages, plane: Plane) -> VendorImage:
    if plane.page > pages.number:
        raise absent("page", plane.page, pages.number)
    image = pages.page(plane.page - 1)
    channels = image.channels * image.samples
    for name, number, there in (
        ("channel", plane.channel or 1, channels),
        ("slice", plane.z, image.slices),
    ):
        if number > there:
            raise absent(name, number, there)
    return image


def _notes(pages: Pages, image: VendorImage, plane: Plane) -> tuple[str, ...]:
    notes = []
    if image.channels > 1 and plane.channel is None:
        notes.append(f"It has {image.channels} channels; the first is used.")
    if image.slices > 1 and plane.z == 1:
        notes.append(f"It has {image.slices} slices; the first is used.")
    if pages.number > 1 and plane.page == 1:
        notes.append("It has several pages; the first is used.")
    return (*notes, *image.scale.warnings)


def _opened(path: Path, maker: str) -> AbstractContextManager[Pages]:
    opened: dict[str, tuple[str, Callable[[Any, Path], AbstractContextManager[Pages]]]] = {
        "CZI": ("pylibCZIrw.czi", _czi),
        "LIF": ("liffile", _lif),
        "ND2": ("nd2", _nd2),
    }
    library, opener = opened[maker]
    try:
        module = importlib.import_module(library)
    except ImportError as error:
        raise Unfit(
            f"is a {maker} file, and the library for those is not installed.",
            "Install it with pip install 'poregui[formats]', or export the image as TIFF.",
        ) from error
    return opener(module, path)


@contextmanager
def _czi(library: Any, path: Path) -> Iterator[Pages]:
    """Give the times of a CZI file of Zeiss as pages, each the whole field that its scenes and
    tiles cover.
    """
    with library.open_czi(str(path)) as file:
        area = file.total_bounding_rectangle
        box = file.total_bounding_box
        many = {axis: box[axis][1] - box[axis][0] if axis in box else 1 for axis in "TZC"}
        if not all(1 <= one <= _MOST for one in many.values()):
            raise damaged(f"it claims {many['T']} times, {many['C']} channels, {many['Z']} slices")
        scale = _czi_scale(file.raw_metadata)
        kind = str(file.get_channel_pixel_type(box["C"][0] if "C" in box else 0))
        dtypes = {
            "Gray8": "u1",
            "Bgr24": "u1",
            "Gray16": "u2",
            "Bgr48": "u2",
            "Gray32Float": "f4",
            "Bgr96Float": "f4",
        }
        if kind not in dtypes:
            raise Unfit(f"holds values of the kind {kind}.", "Export it with 8 or 16 bits.")

        def read(time: int, channel: int, z: int) -> NDArray[Any]:
            at = {"T": time, "C": channel, "Z": z}
            pixels = np.asarray(
                file.read(plane={axis: box[axis][0] + at[axis] for axis in at if axis in box})
            )
            if pixels.shape[2] == 1:
                return pixels[..., 0]
            return pixels[..., ::-1]  # they are blue, green, red

        def page(time: int) -> VendorImage:
            return VendorImage(
                int(area.w),
                int(area.h),
                np.dtype(dtypes[kind]),
                samples=3 if kind.startswith("Bgr") else 1,
                channels=many["C"],
                slices=many["Z"],
                scale=scale,
                read=lambda channel, z: read(time, channel, z),
            )

        yield Pages(many["T"], page)


def _czi_scale(metadata: str) -> Scale:
    try:
        items = ElementTree.fromstring(metadata).find(".//Scaling/Items")
        assert items is not None
        across, down = (
            1e6 * float(items.findtext(f"Distance[@Id='{axis}']/Value", "nan")) for axis in "XY"
        )
        return settled(across, down, "CZI metadata")
    except (AssertionError, ElementTree.ParseError, *SPOILT):
        return UNKNOWN


@contextmanager
def _lif(library: Any, path: Path) -> Iterator[Pages]:
    """Give the images of a LIF file of Leica as pages, each time of each one."""
    with library.LifFile(str(path)) as file:
        places = []
        for image in file.images:
            places += [(image, time) for time in range(min(int(image.sizes.get("T", 1)), _MOST))]
        if not places:
            raise damaged("no image inside")

        def page(number: int) -> VendorImage:
            image, time = places[number]
            sizes = image.sizes
            scaled = image.coords
            across, down = (_step(scaled.get(axis)) for axis in "XY")

            def read(channel: int, z: int) -> NDArray[Any]:
                at = {"T": time, "C": channel, "Z": z}
                return np.asarray(image.frame(**{axis: at[axis] for axis in at if axis in sizes}))

            return VendorImage(
                sizes["X"],
                sizes["Y"],
                np.dtype(image.dtype),
                samples=sizes.get("S", 1),
                channels=sizes.get("C", 1),
                slices=sizes.get("Z", 1),
                scale=settled(across, down, "LIF metadata"),
                read=read,
            )

        yield Pages(len(places), page)


def _step(places: NDArray[Any] | None) -> float:
    """Return the step in um between places in m."""
    if places is not None and len(places) > 1:
        return 1e6 * float(places[1] - places[0])
    return math.nan


@contextmanager
def _nd2(library: Any, path: Path) -> Iterator[Pages]:
    """Give the positions and times of an ND2 file of Nikon as pages."""
    with library.ND2File(str(path)) as file:
        sizes = dict(file.sizes)
        size = file.voxel_size()
        samples = 1
        if file.is_rgb:
            samples = int(file.components_per_channel)
        frames: dict[tuple[int, int, int], int] = {}
        for number, indices in enumerate(file.loop_indices):
            frames.setdefault(
                (indices.get("P", 0), indices.get("T", 0), indices.get("Z", 0)), number
            )
        times = sizes.get("T", 1)

        def page(number: int) -> VendorImage:
            position, time = divmod(number, times)

            def read(channel: int, z: int) -> NDArray[Any]:
                pixels = np.asarray(file.read_frame(frames.get((position, time, z), 0)))
                if sizes.get("C", 1) > 1:
                    return pixels[channel]
                return pixels

            return VendorImage(
                sizes["X"],
                sizes["Y"],
                np.dtype(file.dtype),
                samples=samples,
                channels=sizes.get("C", 1),
                slices=sizes.get("Z", 1),
                scale=settled(float(size.x), float(size.y), "ND2 metadata"),
                read=read,
            )

        yield Pages(sizes.get("P", 1) * times, page)
