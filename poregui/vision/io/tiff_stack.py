"""Find a page, channel or slice of a TIFF file."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

import tifffile

from poregui.domain.records import Plane
from poregui.domain.wording import count
from poregui.vision.io.pixel_values import Unfit, damaged
from poregui.vision.io.scale import SPOILT, ome_root

MOST_PAGES = 10_000
_REDUCED = 1
_SUBFILE_TYPE = 254
UNCLEAR = "How its pages belong together is not clear."
_Place = tuple[int, int, int]


@dataclass(frozen=True)
class PageMatch:
    """Hold a page and what of it is meant.

    `skipped` images lie before the one that is meant, where the page stands for many behind each
    other; `sample` is the only one that is wanted, from 0, or None for all; `image` counts the
    images of an OME file.
    """

    page: tifffile.TiffPage
    skipped: int = 0
    sample: int | None = None
    image: int = 0


@dataclass(frozen=True)
class TiffStack:
    """Hold how many pages, channels (samples of a pixel among them) and slices there are to choose
    from.

    `warnings` are remarks for a person.
    """

    pages: int
    channels: int = 1
    slices: int = 1
    warnings: tuple[str, ...] = ()
    _samples: int = 1
    _places: Mapping[_Place, int] = field(default_factory=dict, repr=False)
    _times: tuple[int, ...] = ()
    _behind_each_other: bool = False

    @property
    def images(self) -> int:
        """Return how many pages and slices there are in all, each of all its channels."""
        return self.pages * self.slices

    def find(self, tiff: tifffile.TiffFile, plane: Plane) -> PageMatch:
        """Return where a plane is.

        Raises Unfit, with how many there are, for one that is not there.
        """
        channel = (plane.channel or 1) - 1
        for name, number, there in (
            ("page", plane.page, self.pages),
            ("channel", channel + 1, self.channels),
            ("slice", plane.z, self.slices),
        ):
            if number > there:
                raise absent(name, number, there)
        if plane.channel is not None and self._samples > 1:
            sample = channel % self._samples
        else:
            sample = None
        number = self._places[channel // self._samples, plane.z - 1, plane.page - 1]
        page = tiff.pages[0 if self._behind_each_other else number].aspage()
        if sample is not None and sample >= page.samplesperpixel:
            raise absent("channel", channel + 1, page.samplesperpixel)
        image = sum(plane.page > end for end in self._times)
        return PageMatch(page, number if self._behind_each_other else 0, sample, image)


def absent(name: str, number: int, there: int) -> Unfit:
    """Return the error for a page, channel or slice that a file does not hold."""
    return Unfit(
        f"has no {name} {number}; it has {count(there, name)}.",
        f"Choose a {name} from 1 to {there}.",
    )


def tiff_stack(tiff: tifffile.TiffFile, size: int) -> TiffStack:
    """Return what a TIFF file of `size` bytes lets a person choose from.

    OME and ImageJ say what a page is; where their words do not fit the pages, and in all other
    files, each page that is no smaller copy of another is a page, at most `MOST_PAGES` of them.
    tifffile raises errors for damaged files.
    """
    first = tiff.pages[0].aspage()
    samples = max(1, int(first.samplesperpixel))
    page_numbers, remarks = _full_pages(tiff)
    stack = None
    unclear: tuple[str, ...] = ()
    try:
        if tiff.is_ome:
            stack = _ome_stack(first.description or "", samples, page_numbers)
        elif tiff.is_imagej:
            stack = _imagej_stack(tiff, first, samples, page_numbers, size)
    except (*SPOILT, ElementTree.ParseError, OverflowError):
        unclear = (UNCLEAR,)
    if stack is not None:
        return stack
    places = {(0, 0, page): number for page, number in enumerate(page_numbers)}
    return TiffStack(len(page_numbers), samples, 1, (*remarks, *unclear), samples, places)


def _full_pages(tiff: tifffile.TiffFile) -> tuple[list[int], tuple[str, ...]]:
    """Return the numbers of the pages that are no smaller copies, and remarks about the list of
    pages.

    Walked through by ourselves, for asked for all of them, tifffile would follow some circles of
    pages for hours.
    """
    seen: dict[int, bool] = {}
    remarks: tuple[str, ...] = ()
    try:
        for offset, reduced in _walk(tiff):
            if offset in seen:
                remarks = ("Its list of pages is damaged.",)
                break
            if len(seen) >= MOST_PAGES:
                remarks = (f"It has {MOST_PAGES} pages or more.",)
                break
            seen[offset] = reduced
    except SPOILT:
        remarks = ("Its list of pages is damaged.",)
    if not seen:
        raise damaged("no image inside")
    if tiff.is_svs:
        return [0], ()  # its other pages are smaller copies, a label and the like
    kinds = list(seen.values())
    # The first image is the one that a file is about, whatever it says of itself.
    return [0, *(number for number in range(1, len(kinds)) if not kinds[number])], remarks


def _walk(tiff: tifffile.TiffFile) -> Iterator[tuple[int, bool]]:
    """Return the offset of each page in its order and whether it says that it is a smaller copy;
    without an end.
    """
    form = tiff.tiff
    file = tiff.filehandle
    offset = int(tiff.pages[0].offset)
    while offset:
        file.seek(offset)
        (count,) = struct.unpack(form.tagnoformat, file.read(form.tagnosize))
        if not 0 < count <= 4096:
            raise ValueError("a page without tags")
        tags = file.read(count * form.tagsize)
        (following,) = struct.unpack(form.offsetformat, file.read(form.offsetsize))
        yield offset, _is_reduced(tags, form.tagsize, form.byteorder)
        offset = following


def _is_reduced(tags: bytes, size: int, order: str) -> bool:
    for start in range(0, len(tags) - size + 1, size):
        code, kind = struct.unpack_from(f"{order}HH", tags, start)
        if code == _SUBFILE_TYPE:
            value = struct.unpack_from(
                f"{order}{'H' if kind == 3 else 'I'}", tags, start + (12 if size > 12 else 8)
            )[0]
            return bool(value & _REDUCED)
        if code > _SUBFILE_TYPE:
            return False
    return False


def _imagej_stack(
    tiff: tifffile.TiffFile,
    first: tifffile.TiffPage,
    samples: int,
    page_numbers: list[int],
    size: int,
) -> TiffStack | None:
    """Return a stack that ImageJ wrote, in which the channels of a slice follow each other, then
    slices, then times.
    """
    metadata = tiff.imagej_metadata or {}
    images = int(metadata.get("images", 1))
    channels, slices, times = (
        max(1, int(metadata.get(name, 1))) for name in ("channels", "slices", "frames")
    )
    if not 1 < images <= MOST_PAGES or len(page_numbers) not in (1, images):
        return None
    if channels * slices * times != images:
        channels = 1
        slices = 1
        times = images
    behind_each_other = len(page_numbers) == 1
    if behind_each_other:
        length = first.imagewidth * first.imagelength * samples * first.bitspersample // 8
        if (
            int(first.compression) != 1
            or first.is_tiled
            or first.dataoffsets[0] + images * length > size
        ):
            return None
    places = {
        (c, z, t): c + channels * (z + slices * t)
        for t in range(times)
        for z in range(slices)
        for c in range(channels)
    }
    if not behind_each_other:
        places = {place: page_numbers[page] for place, page in places.items()}
    return TiffStack(
        times, channels * samples, slices, (), samples, places, _behind_each_other=behind_each_other
    )


def _ome_stack(description: str, samples: int, page_numbers: list[int]) -> TiffStack | None:
    """Return the stack that OME describes, the times of its images behind each other, or None where
    it does not fit.

    All images must have the channels and slices of the first, and all planes must be in this file.
    """
    root = ome_root(description)
    own = root.get("UUID", "")
    places: dict[_Place, int] = {}
    ends: list[int] = []
    shape: tuple[int, int] | None = None
    following = 0
    for pixels in root.iterfind("{*}Image/{*}Pixels"):
        sizes = {axis: int(pixels.get(f"Size{axis}", 1)) for axis in "CZT"}
        if sizes["C"] % samples == 0:
            sizes["C"] //= samples
        many = math.prod(sizes.values())
        if (
            min(sizes.values()) < 1
            or many > len(page_numbers) - following
            or shape not in (None, (sizes["C"], sizes["Z"]))
        ):
            raise ValueError("planes that are not there")
        shape = sizes["C"], sizes["Z"]
        here = _ome_places(pixels, sizes, own, following, page_numbers)
        if len(here) != many:
            raise ValueError("planes in other files")
        before = 0
        if ends:
            before = ends[-1]
        places.update({(c, z, before + t): number for (c, z, t), number in here.items()})
        ends.append(before + sizes["T"])
        following += many
    if shape is None:
        return None
    return TiffStack(ends[-1], shape[0] * samples, shape[1], (), samples, places, tuple(ends))


def _ome_places(
    pixels: ElementTree.Element,
    sizes: dict[str, int],
    own: str,
    following: int,
    page_numbers: list[int],
) -> dict[_Place, int]:
    """Return the number of the page of every channel, slice and time of an image that is in this
    file.
    """
    order = [axis for axis in pixels.get("DimensionOrder", "XYCZT") if axis in "CZT"]
    if sorted(order) != ["C", "T", "Z"]:
        raise ValueError("axes of another kind")
    many = math.prod(sizes.values())
    here: dict[_Place, int] = {}
    for data in pixels.iterfind("{*}TiffData"):
        uuid = data.find("{*}UUID")
        if uuid is not None and own and (uuid.text or "").strip() != own:
            continue
        page = int(data.get("IFD", following))
        at = _linear(
            [int(data.get(f"First{axis}", 0)) for axis in order], [sizes[axis] for axis in order]
        )
        count = int(data.get("PlaneCount", 1 if "IFD" in data.attrib else many))
        for step in range(max(0, min(count, many - at, len(page_numbers) - page))):
            rest = at + step
            place = {}
            for axis in order:
                rest, place[axis] = divmod(rest, sizes[axis])
            here[place["C"], place["Z"], place["T"]] = page_numbers[page + step]
    return here


def _linear(first: list[int], sizes: list[int]) -> int:
    """Return the place in a row of planes whose first axis goes fastest.

    Raises ValueError outside of it.
    """
    if not all(0 <= one < size for one, size in zip(first, sizes, strict=True)):
        raise ValueError("a plane that is not there")
    return first[0] + sizes[0] * (first[1] + sizes[1] * first[2])
