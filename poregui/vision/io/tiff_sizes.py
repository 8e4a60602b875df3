"""Find the smaller copies of a picture that a TIFF file holds; changes with the ways in which programs keep them."""

from __future__ import annotations

from collections.abc import Iterator

import tifffile

from poregui.vision.io.scale import SPOILT
from poregui.vision.io.tiff_levels import readable_by_parts

_MOST_SIZES = 40


def sizes_of(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> list[tifffile.TiffPage]:
    """Return a page and the smaller pictures of it that the file holds, each at most 0.75 times the one before."""
    sizes = [page]
    found = sorted(_smaller(tiff, page), key=lambda one: -int(one.imagewidth))
    for one in found:
        if one.imagewidth <= 0.75 * sizes[-1].imagewidth and _same_picture(one, page):
            sizes.append(one)
    return sizes


def _smaller(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> Iterator[tifffile.TiffPage]:
    """Return the pages that may be smaller pictures of a page: its own sub-pages, or those marked as reduced."""
    try:
        if page.subifds:
            assert page.pages is not None
            for number in range(min(len(page.subifds), _MOST_SIZES)):
                yield page.pages[number].aspage()
            return
        for number in range(int(page.index) + 1, int(page.index) + _MOST_SIZES):
            one = tiff.pages[number].aspage()
            if one.is_reduced or (tiff.is_svs and one.is_tiled):
                yield one
            elif not tiff.is_svs:
                return
    except SPOILT:  # a damaged list of pages ends where it is damaged
        return


def _same_picture(one: tifffile.TiffPage, page: tifffile.TiffPage) -> bool:
    """Tell whether a page has the proportions and the sort of values of another and can be read by parts."""
    wide, high = int(one.imagewidth), int(one.imagelength)
    if wide < 1 or high < 1 or not readable_by_parts(one):
        return False
    shrinks = page.imagewidth / wide
    return (
        abs(page.imagelength / shrinks - high) <= 2
        and one.dtype == page.dtype
        and one.samplesperpixel == page.samplesperpixel
        and int(one.photometric) == int(page.photometric)
    )
