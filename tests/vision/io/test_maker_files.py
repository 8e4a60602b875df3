"""Test that files of microscope makers are read through their libraries."""

from __future__ import annotations

import random
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poregui.domain.errors import ImageError
from poregui.domain.records import Plane
from poregui.vision.io.reader import is_image, read_header, read_image, read_size

SHAPE = (2, 2, 3, 40, 100)
"""Times, channels, slices, height, width."""


def images(dtype: Any = np.uint16) -> np.ndarray:
    return np.random.default_rng(8).integers(0, 250, SHAPE).astype(dtype)


def write_czi(file: Path, pixels: np.ndarray) -> None:
    """Write each plane as two tiles beside each other, with half a um per px."""
    czi = pytest.importorskip("pylibCZIrw.czi", reason="the extra `formats` is not installed")
    with czi.create_czi(str(file)) as writer:
        for t, c, z in np.ndindex(pixels.shape[:3]):
            for left in (0, 50):
                tile = np.ascontiguousarray(pixels[t, c, z, :, left : left + 50])
                tile = tile[..., None] if tile.ndim == 2 else np.ascontiguousarray(tile[..., ::-1])
                writer.write(
                    tile, plane={"T": int(t), "C": int(c), "Z": int(z)}, location=(left, 0)
                )
        writer.write_metadata("made for a test", scale_x=0.5e-6, scale_y=0.5e-6)


def write_lif(file: Path, pixels: np.ndarray) -> None:
    """Write the XML and the one memory block that a LIF file consists of, with half a um per px."""
    pytest.importorskip("liffile", reason="the extra `formats` is not installed")
    times, channels, slices, height, width = pixels.shape
    item = pixels.dtype.itemsize
    stored = np.ascontiguousarray(np.moveaxis(pixels, 1, 2))  # T, Z, C, Y, X
    steps = (
        (1, width, item),
        (2, height, item * width),
        (3, slices, item * width * height * channels),
    )
    steps += ((4, times, item * width * height * channels * slices),)
    dimensions = "".join(
        f'<DimensionDescription DimID="{axis}" NumberOfElements="{many}" Origin="0" '
        f'Length="{(many - 1) * 0.5e-6}" '
        f'Unit="{"s" if axis == 4 else "m"}" BitInc="0" BytesInc="{step}"/>'
        for axis, many, step in steps
    )
    described = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="{8 * item}" '
        'NameOfMeasuredQuantity="" Min="0" '
        'Max="1" Unit="" LUTName="Gray" IsLUTInverted="0" '
        f'BytesInc="{c * item * width * height}" BitInc="0"/>'
        for c in range(channels)
    )
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="f" Visibility="1" CopyOption="1" '
        'UniqueID="a"><Children>'
        '<Element Name="Image001" Visibility="1" CopyOption="1" UniqueID="b"><Data><Image '
        'TextDescription="">'
        f"<ImageDescription><Channels>{described}</Channels>"
        f"<Dimensions>{dimensions}</Dimensions></ImageDescription>"
        f'</Image></Data><Memory Size="{stored.nbytes}" '
        'MemoryBlockID="MemBlock_1"/></Element></Children></Element>'
        "</LMSDataContainerHeader>"
    )
    name = "MemBlock_1"
    content = struct.pack("<IIBI", 0x70, 2 * len(xml) + 5, 0x2A, len(xml)) + xml.encode("utf-16-le")
    content += struct.pack(
        "<IIBQBI", 0x70, 2 * len(name) + 14, 0x2A, stored.nbytes, 0x2A, len(name)
    )
    file.write_bytes(content + name.encode("utf-16-le") + stored.tobytes())


WRITERS = {".czi": write_czi, ".lif": write_lif}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_plane_of_a_makers_file_is_read_at_its_own_depth(
    tmp_path: Path, suffix: str, dtype: Any
) -> None:
    file, pixels = tmp_path / f"größe{suffix}", images(dtype)
    WRITERS[suffix](file, pixels)
    header = read_header(file)
    assert (header.width, header.height, header.pages, header.channels, header.slices) == (
        100,
        40,
        2,
        2,
        3,
    )
    assert header.dtype == np.dtype(dtype).name
    assert (header.um_per_px, header.scale_source) == (
        pytest.approx(0.5),
        f"{suffix[1:].upper()} metadata",
    )
    assert len(header.warnings) == 3
    assert read_size(file) == (100, 40)
    assert is_image(file)
    for t, c, z in np.ndindex(SHAPE[:3]):
        image = read_image(file, Plane(int(t) + 1, int(c) + 1, int(z) + 1))
        np.testing.assert_array_equal(image.pixels, pixels[t, c, z])
        assert image.pixels.dtype == dtype
    assert image.um_per_px == pytest.approx(0.5)
    for plane in (Plane(page=3), Plane(channel=3), Plane(z=4)):
        with pytest.raises(ImageError, match="it has"):
            read_image(file, plane)


def test_the_colours_of_a_czi_file_are_in_their_order(tmp_path: Path) -> None:
    pixels = np.random.default_rng(8).integers(0, 250, (1, 1, 1, 40, 100, 3), np.uint8)
    write_czi(tmp_path / "a.czi", pixels)
    assert read_header(tmp_path / "a.czi").channels == 3
    np.testing.assert_array_equal(read_image(tmp_path / "a.czi").pixels, pixels[0, 0, 0])
    np.testing.assert_array_equal(
        read_image(tmp_path / "a.czi", Plane(channel=1)).pixels, pixels[0, 0, 0, ..., 0]
    )


@pytest.mark.parametrize(
    ("library", "head"),
    [
        ("pylibCZIrw.czi", b"ZISRAWFILE" + bytes(60)),
        ("liffile", b"\x70\0\0\0\x10\0\0\0\x2a" + bytes(60)),
        ("nd2", b"\xda\xce\xbe\x0a" + bytes(60)),
    ],
)
def test_a_makers_file_without_its_library_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, head: bytes
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / "a.bin").write_bytes(head)
    with pytest.raises(
        ImageError, match=r"library for those is not installed\. Install it with pip install"
    ):
        read_image(tmp_path / "a.bin")


@pytest.mark.parametrize(
    ("library", "head"),
    [
        ("pylibCZIrw", b"ZISRAWFILE"),
        ("liffile", b"\x70\0\0\0\x10\0\0\0\x2a"),
        ("nd2", b"\xda\xce\xbe\x0a"),
    ],
)
def test_a_makers_file_that_is_damaged_gets_a_sentence(
    tmp_path: Path, library: str, head: bytes
) -> None:
    pytest.importorskip(library, reason="the extra `formats` is not installed")
    (tmp_path / "a.bin").write_bytes(head + bytes(random.Random(3).randbytes(3000)))
    for read in (read_image, read_header):
        with pytest.raises(ImageError, match=r"a\.bin is damaged or incomplete"):
            read(tmp_path / "a.bin")
    assert read_size(tmp_path / "a.bin") is None
