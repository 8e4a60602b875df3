"""Test that damaged and hostile files end in a sentence and odd ones in the right shape."""

from __future__ import annotations

import io
import random
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from builders import png
from PIL import Image as Pillow

from poregui.domain.errors import ImageError
from poregui.vision.io.reader import read_header, read_image, read_size
from poregui.vision.io.tiff_decoding import lzw_decode

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
LONGEST_S = 10.0
"""Five times what a file may take; the rest is for a busy machine."""


def noise(*shape: int, dtype: Any = np.uint8) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 200, shape).astype(dtype)


def tiff(
    *shape: int, dtype: Any = np.uint8, pixels: np.ndarray | None = None, **options: Any
) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, noise(*shape, dtype=dtype) if pixels is None else pixels, **options)
    return file.getvalue()


def pillow(mode: str, form: str, size: tuple[int, int] = (30, 20), **options: Any) -> bytes:
    file = io.BytesIO()
    Pillow.frombytes("L", (size[0], size[1]), noise(*size).tobytes()).convert(mode).save(
        file, form, **options
    )
    return file.getvalue()


def forged(content: bytes, **tags: int) -> bytes:
    """Return a little-endian classic TIFF whose first page has other values in the tags of these
    codes ('t256').
    """
    changed = bytearray(content)
    (at,) = struct.unpack_from("<I", changed, 4)
    for entry in range(struct.unpack_from("<H", changed, at)[0]):
        index = at + 2 + 12 * entry
        code = struct.unpack_from("<H", changed, index)[0]
        if f"t{code}" in tags:
            struct.pack_into("<HII", changed, index + 2, 4, 1, tags[f"t{code}"])
    return bytes(changed)


def looped() -> bytes:
    content = bytearray(tiff(20, 30, metadata=None))
    (at,) = struct.unpack_from("<I", content, 4)
    struct.pack_into("<I", content, at + 2 + 12 * struct.unpack_from("<H", content, at)[0], at)
    return bytes(content)


def turned(orientation: int) -> bytes:
    return tiff(20, 30, extratags=[(274, "H", 1, orientation, True)])


def exif(orientation: int) -> bytes:
    notes = Pillow.Exif()
    notes[274] = orientation
    return pillow("L", "JPEG", exif=notes)


HAND_MADE: dict[str, tuple[Callable[[], bytes], str | tuple[int, ...]]] = {
    "empty": (lambda: b"", "is empty"),
    "text": (lambda: b"no picture at all", "not an image of a known format"),
    "html": (lambda: b"<html><body>404</body></html>", "not an image of a known format"),
    "zeros": (lambda: bytes(5000), "not an image of a known format"),
    "only a PNG signature": (lambda: b"\x89PNG\r\n\x1a\n", "damaged"),
    "PNG cut in its header": (lambda: pillow("L", "PNG")[:20], "damaged"),
    "PNG cut in its pixels": (lambda: pillow("L", "PNG")[:200], "damaged"),
    "PNG without pixels": (lambda: png(30, 30, zlib.compress(b"")), "damaged"),
    "PNG of 4 gigapixels": (lambda: png(65_536, 65_536, zlib.compress(b"\0")), "too large"),
    "PNG of no width": (lambda: png(0, 30, zlib.compress(b"\0")), "damaged"),
    "PNG that claims more than it holds": (
        lambda: png(20_000, 20_000, zlib.compress(b"\0")),
        "bytes cannot hold",
    ),
    "JPEG cut in its header": (lambda: pillow("L", "JPEG")[:30], "damaged"),
    "JPEG cut in its pixels": (lambda: pillow("L", "JPEG")[:400], "damaged"),
    "BMP cut in its header": (lambda: pillow("L", "BMP")[:18], "damaged"),
    "BMP cut in its pixels": (lambda: pillow("L", "BMP")[:1200], "damaged"),
    "TIFF without pages": (lambda: b"II*\0\x08\0\0\0", "damaged"),
    "TIFF cut in its pixels": (lambda: tiff(200, 200)[:-500], "damaged"),
    "BigTIFF cut in its pixels": (lambda: tiff(200, 200, bigtiff=True)[:-500], "damaged"),
    "BigTIFF cut in its header": (lambda: tiff(200, 200, bigtiff=True)[:60], "damaged"),
    "TIFF whose page follows itself": (looped, (20, 30)),
    "TIFF of 4 gigapixels": (lambda: forged(tiff(20, 30), t256=65_536, t257=65_536), "too large"),
    "TIFF wider than it is": (lambda: forged(tiff(20, 30), t256=31), "damaged"),
    "TIFF higher than it is": (lambda: forged(tiff(20, 30), t257=4000, t278=4000), "damaged"),
    "TIFF of no height": (lambda: forged(tiff(20, 30), t257=0), "damaged"),
    "TIFF that unfolds without measure": (
        lambda: forged(tiff(20, 30, compression="zlib"), t256=25_000, t257=25_000, t278=25_000),
        "bytes cannot hold",
    ),
    "TIFF whose pixels lie outside": (lambda: forged(tiff(20, 30), t273=2**31), "damaged"),
    "TIFF of an unknown compression": (lambda: forged(tiff(20, 30), t259=61_000), "damaged"),
    "TIFF of complex numbers": (lambda: tiff(20, 30, dtype=np.complex64), "complex numbers"),
    "TIFF of nothing finite": (
        lambda: tiff(pixels=np.full((20, 30), np.nan, np.float32)),
        "no finite grey value",
    ),
    "1 bit": (lambda: pillow("1", "TIFF"), (20, 30)),
    "CMYK": (lambda: pillow("CMYK", "TIFF"), (20, 30, 3)),
    "floating point": (lambda: tiff(20, 30, dtype=np.float32), (20, 30)),
    "32 bits": (lambda: tiff(20, 30, dtype=np.int32), (20, 30)),
    "planar": (lambda: tiff(3, 20, 30, photometric="rgb", planarconfig="separate"), (20, 30, 3)),
    "planar in tiles": (
        lambda: tiff(3, 40, 30, photometric="rgb", planarconfig="separate", tile=(16, 16)),
        (40, 30, 3),
    ),
    "stack": (lambda: tiff(5, 20, 30, photometric="minisblack"), (20, 30)),
    "alpha": (lambda: pillow("RGBA", "PNG"), (20, 30, 3)),
    "grey with alpha": (lambda: pillow("LA", "PNG"), (20, 30)),
    "turned TIFF": (lambda: turned(6), (30, 20)),
    "turned JPEG": (lambda: exif(8), (30, 20)),
}


@pytest.mark.parametrize("name", HAND_MADE)
def test_a_hand_made_file_gives_its_shape_or_a_sentence(tmp_path: Path, name: str) -> None:
    make, expected = HAND_MADE[name]
    (tmp_path / "a file").write_bytes(make())
    if isinstance(expected, tuple):
        assert read_image(tmp_path / "a file").pixels.shape == expected
        return
    with pytest.raises(ImageError) as caught:
        read_image(tmp_path / "a file")
    assert caught.value.what.startswith("a file ")
    assert expected in caught.value.what
    assert caught.value.remedy


def sources() -> list[bytes]:
    """Return good files of every sort, and the odd and hostile real ones where they are at hand."""
    made = [pillow("RGB", form) for form in ("PNG", "JPEG", "BMP")] + [
        pillow("L", "PNG"),
        pillow("P", "PNG"),
    ]
    for compression in (None, "zlib", "lzw", "packbits", "zstd", "lzma"):
        made.append(tiff(40, 60, dtype=np.uint16, compression=compression, rowsperstrip=7))
    made.append(tiff(64, 96, 3, photometric="rgb", tile=(16, 32), compression="jpeg"))
    made.append(tiff(3, 40, 60, photometric="rgb", planarconfig="separate", bigtiff=True))
    made.append(tiff(2, 3, 20, 30, dtype=np.float32, ome=True, metadata={"axes": "CZYX"}))
    made.append(tiff(2, 3, 20, 30, dtype=np.uint16, imagej=True, metadata={"axes": "ZCYX"}))
    made.append(tiff(20, 30, dtype=np.uint16, byteorder=">", predictor=True, compression="zlib"))
    real = sorted((SHARED / "formats" / "pillow").glob("*.tif*")) if SHARED.is_dir() else []
    return made + [file.read_bytes() for file in real if file.stat().st_size < 200_000]


def spoilt(content: bytes, dice: random.Random) -> bytes:
    """Return a file with a few other bytes, mostly where it says what it is, perhaps cut off or
    with a hole.
    """
    changed = bytearray(content)
    for _ in range(dice.choice((1, 2, 4, 16))):
        end = dice.choice((64, 400, len(changed)))
        changed[dice.randrange(min(end, len(changed)))] = dice.choice(
            (0, 1, 127, 255, dice.randrange(256))
        )
    ending = dice.random()
    if ending < 0.15:
        return bytes(changed[: dice.randrange(1, len(changed))])
    if ending < 0.25:
        at = dice.randrange(len(changed))
        del changed[at : at + dice.randrange(1, 50)]
    return bytes(changed) or b"\0"


@pytest.mark.timeout(900)
def test_mutated_files_end_in_the_shape_of_their_header_or_in_a_sentence(
    tmp_path: Path, repetitions: Any
) -> None:
    dice, good = random.Random(11), sources()
    sentences: list[str] = []
    read, slow, file = 0, 0.0, tmp_path / "spoilt"
    for number in range(repetitions(600)):
        file.write_bytes(
            spoilt(good[number % len(good)] if number % 2 else dice.choice(good), dice)
        )
        start = time.perf_counter()
        try:
            image = read_image(file)
        except ImageError as error:
            sentences.append(error.what)
        else:
            read += 1
            assert image.pixels.dtype in (np.uint8, np.uint16)
            header = read_header(file)
            assert (image.width, image.height) == (header.width, header.height)
            assert read_size(file) is not None
        slow = max(slow, time.perf_counter() - start)
    assert len(sentences) > 0
    assert all(one.startswith("spoilt ") and one.endswith(".") for one in sentences)
    assert read > 0
    assert slow < LONGEST_S


def test_lzw_whose_table_begins_with_an_unknown_code_is_refused_and_ends_nothing(
    tmp_path: Path,
) -> None:
    content = bytearray(tiff(64, 64, 3, photometric="rgb", compression="lzw", metadata=None))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        at = file.pages[0].aspage().dataoffsets[0]
    content[at : at + 3] = (
        b"\x80\x7f\x20"  # the decoder of imagecodecs reads outside of its memory here
    )
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.tif is damaged"):
        read_image(tmp_path / "a.tif")
    with pytest.raises(ValueError, match="not in their table"):
        lzw_decode(bytes(content[at:]))


@pytest.mark.parametrize("values", [2, 30, 256])
@pytest.mark.parametrize("length", [1, 500, 70_000])
def test_lzw_comes_back_as_it_was_whether_its_length_is_known_or_not(
    values: int, length: int
) -> None:
    plain = np.random.default_rng(values).integers(0, values, length, np.uint8).tobytes()
    packed = imagecodecs.lzw_encode(plain)
    assert (
        lzw_decode(packed, length)
        == lzw_decode(packed)
        == lzw_decode(packed, length + 999)
        == plain
    )


@pytest.mark.parametrize("bits", [1, 4])
def test_packed_bits_in_lzw_are_read(tmp_path: Path, bits: int) -> None:
    image = (
        Pillow.fromarray(noise(70, 90) % 2 == 0)
        if bits == 1
        else Pillow.fromarray(noise(70, 90) % 16)
    )
    image.save(tmp_path / "a.tif", compression="tiff_lzw")
    np.testing.assert_array_equal(
        read_image(tmp_path / "a.tif").pixels, np.asarray(image.convert("L"))
    )
