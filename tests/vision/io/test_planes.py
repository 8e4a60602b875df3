"""Test that pages, channels and slices of a file can be chosen."""

from __future__ import annotations

import itertools
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.records import Plane
from poregui.vision.io.pyramid import open_pyramid
from poregui.vision.io.reader import read_header, read_image, read_size


@pytest.mark.parametrize(
    ("plane", "text", "words"),
    [
        (Plane(), "", ""),
        (Plane(page=2), "page=2", "page 2"),
        (Plane(page=2, channel=1), "page=2;channel=1", "page 2, channel 1"),
        (Plane(channel=3, z=9), "channel=3;z=9", "channel 3, slice 9"),
    ],
)
def test_a_plane_has_one_text_and_comes_back_from_it(plane: Plane, text: str, words: str) -> None:
    assert str(plane) == text
    assert Plane.parse(text) == plane
    assert plane.text == words


@pytest.mark.parametrize(
    "text", ["page", "page=0", "channel=0", "page=2;page=3", "time=3", "z=-1", "page=99999999"]
)
def test_a_text_that_names_no_plane_is_refused(text: str) -> None:
    with pytest.raises(PoreguiError):
        Plane.parse(text)


def stack(*shape: int, dtype: Any = np.uint16) -> np.ndarray:
    """Return pictures of noise that differ from each other."""
    return np.random.default_rng(4).integers(0, 200, shape).astype(dtype)


@pytest.mark.parametrize("kind", ["ImageJ", "ImageJ behind each other", "OME", "OME BigTIFF"])
def test_times_slices_and_channels_of_a_stack_are_told_apart(tmp_path: Path, kind: str) -> None:
    pixels = stack(3, 4, 2, 20, 30)
    options: dict[str, Any] = (
        {"imagej": True} if "ImageJ" in kind else {"ome": True, "bigtiff": "Big" in kind}
    )
    file = tmp_path / "stack.tif"
    tifffile.imwrite(file, pixels, metadata={"axes": "TZCYX"}, **options)
    if "behind" in kind:  # as ImageJ writes stacks above 4 GB: one page stands for all
        content = bytearray(file.read_bytes())
        with tifffile.TiffFile(file) as tiff:
            at = tiff.pages[0].aspage().offset
        many = struct.unpack_from("<H", content, at)[0]
        struct.pack_into("<I", content, at + 2 + 12 * many, 0)
        file.write_bytes(content)
    header = read_header(file)
    assert (header.pages, header.slices, header.channels, header.levels) == (3, 4, 2, 1)
    assert header.warnings == read_image(file).warnings
    assert len(header.warnings) == 3
    for t, z, c in itertools.product(range(3), range(4), range(2)):
        image = read_image(file, Plane(t + 1, c + 1, z + 1))
        np.testing.assert_array_equal(image.pixels, pixels[t, z, c])
        assert image.pixels.dtype == np.uint16
    assert read_image(file, Plane(3, 2, 4)).warnings == ()


def test_pages_of_any_size_keep_the_order_of_the_file(tmp_path: Path) -> None:
    pages = [stack(10 + n % 2, 20, dtype=np.uint8) for n in range(5)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for page in pages:
            tiff.write(page, metadata=None)
    assert read_header(tmp_path / "a.tif").pages == 5
    assert read_header(tmp_path / "a.tif", Plane(page=2)).height == 11
    for number, page in enumerate(pages, start=1):
        np.testing.assert_array_equal(
            read_image(tmp_path / "a.tif", Plane(page=number)).pixels, page
        )


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_one_channel_of_colours_stays_grey_at_its_depth(
    tmp_path: Path, planar: str, tile: Any
) -> None:
    pixels = stack(40, 50, 3)
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar, tile=tile)
    for channel in (1, 2, 3):
        image = read_image(tmp_path / "a.tif", Plane(channel=channel))
        assert image.pixels.dtype == np.uint16
        np.testing.assert_array_equal(image.pixels, pixels[..., channel - 1])


def test_one_channel_of_a_png_can_be_chosen(tmp_path: Path) -> None:
    pixels = stack(8, 9, 4, dtype=np.uint8)
    Pillow.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(
        read_image(tmp_path / "a.png", Plane(channel=2)).pixels, pixels[..., 1]
    )
    with pytest.raises(ImageError, match=r"a\.png has no channel 5; it has 4 channels"):
        read_image(tmp_path / "a.png", Plane(channel=5))
    with pytest.raises(ImageError, match=r"has no page 2; it has 1 page"):
        read_image(tmp_path / "a.png", Plane(page=2))


@pytest.mark.parametrize(
    ("plane", "said"),
    [
        (Plane(page=4), "page 4; it has 3 pages"),
        (Plane(channel=2), "channel 2"),
        (Plane(z=2), "slice"),
    ],
)
def test_a_plane_that_is_not_there_is_refused_with_how_many_there_are(
    tmp_path: Path, plane: Plane, said: str
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stack(3, 8, 9), photometric="minisblack")
    for read in (read_image, read_header):
        with pytest.raises(ImageError, match=said):
            read(tmp_path / "a.tif", plane)
    assert read_size(tmp_path / "a.tif", plane) is None


def test_smaller_copies_are_levels_of_every_page_and_no_pages(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=True) as tiff:
        options: dict[str, Any] = {"tile": (64, 64), "metadata": {"axes": "CYX"}}
        tiff.write(stack(2, 256, 512), subifds=1, **options)
        tiff.write(stack(2, 128, 256), subfiletype=1, **options)
    header = read_header(tmp_path / "a.tif", Plane(channel=2))
    assert (header.pages, header.channels, header.levels) == (1, 2, 2)


@pytest.mark.parametrize(
    "sizes", [{"SizeT": 10**9}, {"SizeZ": 10**6, "SizeC": 10**6}, {"SizeC": 0}, {"SizeT": "x"}]
)
def test_a_description_that_promises_more_than_the_file_holds_is_passed_over(
    tmp_path: Path, sizes: dict[str, object]
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stack(3, 8, 9), ome=True, metadata={"axes": "TYX"})
    content = (tmp_path / "a.tif").read_bytes()
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        received = tiff.pages[0].aspage().description
        at = tiff.pages[0].aspage().tags[270].valueoffset
    forged = received
    for name, size in sizes.items():
        forged = re.sub(rf'{name}="\d+"', f'{name}="{size}"', forged)
    spare = len(forged.encode()) - len(received.encode())
    forged = forged.replace(
        "www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd", "w" * (50 - max(spare, 0)), 1
    )
    raw = forged.encode()[: len(received.encode())].ljust(len(received.encode()))
    (tmp_path / "a.tif").write_bytes(content[:at] + raw + content[at + len(raw) :])
    header = read_header(tmp_path / "a.tif")
    assert (header.pages, header.slices, header.channels) == (3, 1, 1)
    assert header.warnings[-1] == "How its pages belong together is not clear."
    assert read_image(tmp_path / "a.tif", Plane(page=3)).pixels.shape == (8, 9)
    with pytest.raises(ImageError, match="no page 4"):
        read_image(tmp_path / "a.tif", Plane(page=4))


def test_each_image_of_an_ome_file_has_its_own_scale(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=True) as tiff:
        for um_per_px in (0.5, 2.0):
            sizes = {"PhysicalSizeX": um_per_px, "PhysicalSizeY": um_per_px}
            tiff.write(stack(8, 9), metadata={"axes": "YX", **sizes}, photometric="minisblack")
    assert read_header(tmp_path / "a.tif").pages == 2
    scales = [read_image(tmp_path / "a.tif", Plane(page=page)).um_per_px for page in (1, 2)]
    assert scales == [pytest.approx(0.5), pytest.approx(2.0)]


@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
def test_a_plane_of_a_large_file_is_read_by_parts(
    tmp_path: Path, photometric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poregui.vision.io.pyramid.LARGE", 1000)
    pixels = stack(2, 300, 400, 3) if photometric == "rgb" else stack(2, 300, 400, dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric=photometric, tile=(64, 64))
    plane = Plane(page=2, channel=3 if photometric == "rgb" else None)
    with open_pyramid(tmp_path / "a.tif", plane=plane) as image:
        assert not image.instant
        seen = image.read(0, Box(100, 50, 90, 80))
    chosen = pixels[1, 50:130, 100:190]
    np.testing.assert_array_equal(seen, chosen[..., 2] if photometric == "rgb" else chosen)
