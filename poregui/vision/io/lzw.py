"""Decode LZW as TIFF files use it so that no damage ends the program; changes with the decoders that we trust."""

from __future__ import annotations

import io
import struct
from typing import Any

import imagecodecs
import PIL.Image
import tifffile

_CLEAR, _END, _FIRST = 256, 257, 258
_LONGEST_WALK = 2 * 2**20
_HEADER = 122


def lzw_decode(data: bytes, out: int | None = None) -> bytes:
    """Return up to `out` decoded bytes. Raises ValueError for damaged data.

    Pillow's libtiff decodes, which wants to be told the exact length; it is twice as fast as imagecodecs, whose decoder
    (2026.3.6) reads outside of its memory when a table begins with a code that is not in it. Where the length is not
    known, as for packed bits, imagecodecs gets what a walk through all codes has found to be in order.
    """
    if out:
        try:
            return _by_libtiff(bytes(data), int(out))
        except (OSError, ValueError, SyntaxError):
            pass
    _check(bytes(data))
    return bytes(imagecodecs.lzw_decode(data, out=out))


def use_our_lzw() -> None:
    """Let tifffile decode LZW by `lzw_decode`, in the whole process."""
    decoders: Any = tifffile.TIFF.DECOMPRESSORS
    decoders._codecs[int(tifffile.COMPRESSION.LZW)] = lzw_decode


def _by_libtiff(data: bytes, length: int) -> bytes:
    """Return the bytes of a TIFF file of one row whose only strip is `data`."""
    tags = (256, length), (257, 1), (258, 8), (259, 5), (262, 1), (273, _HEADER), (277, 1), (278, 1), (279, len(data))
    entries = b"".join(struct.pack("<HHII", code, 4, 1, value) for code, value in tags)
    file = io.BytesIO(b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + data)
    with PIL.Image.open(file, formats=("TIFF",)) as row:
        return row.tobytes()


def _check(data: bytes) -> None:
    """Raise ValueError for codes that are not in the table when they come, or for more data than we walk through."""
    if len(data) > _LONGEST_WALK:
        raise ValueError("LZW data of another length than the header says")
    waiting, bits, width, following, fresh = 0, 0, 9, _FIRST, True
    for byte in data:
        waiting, bits = (waiting << 8) | byte, bits + 8
        if bits < width:
            continue
        bits -= width
        code, waiting = waiting >> bits, waiting & ((1 << bits) - 1)
        if code == _END:
            return
        if code == _CLEAR:
            width, following, fresh = 9, _FIRST, True
            continue
        if code > (_END if fresh else following) or following > 4096:
            raise ValueError("LZW data with codes that are not in their table")
        following += 0 if fresh else 1
        fresh = False
        if following + 1 >= 1 << width and width < 12:
            width += 1
