"""Hold how parts of large images are read: every pixel in its place, at every size, from every kind
of file.
"""

from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import tifffile
from large_files import halves, take_for_large, textured, write_pyramid

from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.geometry import Box
from poregui.vision.crops import cut
from poregui.vision.io.pyramid import halved, open_pyramid
from poregui.vision.io.pyramid_building import build_pyramid
from poregui.vision.io.reader import read_image
from poregui.vision.io.tiff_levels import TiffFileParts, TiffLevel
from poregui.vision.pores.edit import pore_box, pore_near

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
MOSAIC = SHARED / "formats" / "stomata_mosaic_15360x8244_bigtiff_pyramid.tif"
BOXES = (
    Box(0, 0, 1, 1),
    Box(0, 0, 700, 40),
    Box(250, 250, 20, 20),
    Box(511, 0, 3, 500),
    Box(640, 360, 160, 140),
)


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    take_for_large(monkeypatch)


@pytest.mark.parametrize("sub_pages", [True, False])
@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize(
    ("dtype", "compression"), [(np.uint8, None), (np.uint16, "zlib"), (np.uint8, "lzw")]
)
def test_every_part_of_every_size_of_a_tiled_pyramid_is_read(
    tmp_path, sub_pages, colour, dtype, compression
):
    sizes = halves(textured(800, 500, dtype, colour=colour), 2)
    file = write_pyramid(tmp_path / "a.tif", sizes, sub_pages=sub_pages, compression=compression)
    with open_pyramid(file) as image:
        assert image.sizes == ((800, 500), (400, 250), (200, 125))
        assert image.is_complete
        assert not image.instant
        assert (image.bits, image.channels) == (sizes[0].dtype.itemsize * 8, 3 if colour else 1)
        for level, size in enumerate(sizes):
            height, width = size.shape[:2]
            assert np.array_equal(image.read(level, Box(0, 0, width, height)), size)
        for box in BOXES:
            assert np.array_equal(cut(image, box), sizes[0][box.y : box.bottom, box.x : box.right])


@pytest.mark.parametrize(
    "how",
    [
        {"rowsperstrip": 7},
        {"rowsperstrip": 7, "compression": "zlib", "predictor": True},
        {"rowsperstrip": 500},
        {"byteorder": ">", "rowsperstrip": 33},
        {"tile": (128, 256)},
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strips_and_tiles_are_read_as_the_whole_is(tmp_path, how, dtype):
    array = textured(801, 503, dtype)
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, array, metadata=None, **how)
    with open_pyramid(file) as image:
        assert not image.is_complete
        for box in BOXES:
            assert np.array_equal(image.read(0, box), array[box.y : box.bottom, box.x : box.right])
            assert image.read(0, box).dtype == dtype


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_image_is_read_upright(tmp_path, orientation):
    sizes = halves(textured(640, 400), 1)
    tag = [(274, "H", 1, orientation, True)]
    file = write_pyramid(tmp_path / "a.tif", sizes, extratags=tag)
    upright = read_image(file).pixels
    with open_pyramid(file) as image:
        assert (image.height, image.width) == upright.shape
        for box in (
            Box(0, 0, 5, 9),
            Box(100, 60, 250, 270),
            Box(image.width - 30, image.height - 20, 30, 20),
        ):
            assert np.array_equal(
                image.read(0, box), upright[box.y : box.bottom, box.x : box.right]
            )
        overview = image.overview().astype(float)
        assert overview.shape == image.sizes[-1][::-1]
        assert np.abs(overview - halves(upright, 1)[1]).max() <= 1


@pytest.mark.parametrize(
    ("photometric", "bits"),
    [("miniswhite", 8), ("minisblack", 1), ("planar", 8), ("minisblack", 12)],
)
def test_unusual_values_are_those_of_the_whole_image(tmp_path, photometric, bits):
    file = tmp_path / "a.tif"
    if photometric == "planar":
        planes = np.moveaxis(textured(800, 500, colour=True), -1, 0)
        tifffile.imwrite(file, planes, photometric="rgb", planarconfig="separate", tile=(64, 64))
    elif bits == 1:
        tifffile.imwrite(file, textured(800, 500) > 90, photometric=photometric)
    elif bits == 12:
        tifffile.imwrite(file, textured(800, 500, np.uint16) >> 4, bitspersample=12)
    else:
        tifffile.imwrite(file, textured(800, 500), photometric=photometric, rowsperstrip=64)
    whole = read_image(file).pixels
    with open_pyramid(file) as image:
        assert not image.instant
        for box in BOXES:
            assert np.array_equal(image.read(0, box), whole[box.y : box.bottom, box.x : box.right])


def test_a_box_outside_is_refused_with_a_sentence(tmp_path):
    with open_pyramid(write_pyramid(tmp_path / "a.tif", [textured(800, 500)])) as image:
        for box in (Box(-1, 0, 5, 5), Box(799, 0, 2, 1), Box(0, 499, 1, 2)):
            with pytest.raises(PoreguiError, match="does not lie inside"):
                image.read(0, box)


def test_pages_that_show_something_else_are_no_smaller_sizes(tmp_path):
    file = tmp_path / "a.tif"
    with tifffile.TiffWriter(file) as writer:
        writer.write(textured(800, 500), tile=(256, 256), metadata=None)
        writer.write(textured(400, 100), tile=(256, 256), metadata=None, subfiletype=1)
        writer.write(textured(400, 250, np.uint16), tile=(256, 256), metadata=None, subfiletype=1)
    with open_pyramid(file) as image:
        assert image.sizes == ((800, 500),)


def test_a_small_image_is_in_memory_and_a_pyramid_too(tmp_path):
    array = textured(300, 200)
    PIL.Image.fromarray(array).save(tmp_path / "a.png")
    with open_pyramid(tmp_path / "a.png") as image:
        assert image.instant
        assert image.is_complete
        assert np.array_equal(image.read(0, Box(0, 0, 300, 200)), array)


def test_a_part_seen_small_comes_from_a_coarse_size(tmp_path):
    sizes = halves(textured(800, 480), 2)
    with open_pyramid(write_pyramid(tmp_path / "a.tif", sizes)) as image:
        assert np.array_equal(image.seen(Box(0, 0, 800, 480), 200), sizes[2])
        assert np.array_equal(image.seen(Box(400, 240, 200, 100), 100), sizes[1][120:170, 200:300])
        assert np.array_equal(image.seen(Box(400, 240, 20, 10), 100), sizes[0][240:250, 400:420])


def test_16_bit_grey_gets_its_range_from_places_all_over_the_image(tmp_path):
    array = textured(1600, 1500, np.uint16)
    file = write_pyramid(tmp_path / "a.tif", [array])
    with open_pyramid(file) as image:
        low, high = np.percentile(array, (0.1, 99.9))
        assert image.grey_low == pytest.approx(low, abs=1500)
        assert image.grey_high == pytest.approx(high, abs=1500)


def test_a_damaged_tile_gets_a_sentence_and_the_others_are_read(tmp_path):
    array = textured(800, 500)
    file = write_pyramid(tmp_path / "a.tif", [array], compression="zlib")
    with tifffile.TiffFile(file) as tiff:
        offset, count = tiff.pages[0].dataoffsets[1], tiff.pages[0].databytecounts[1]
    with open(file, "rb+") as stored:
        stored.seek(offset)
        stored.write(b"\xff" * count)
    with open_pyramid(file) as image:
        with pytest.raises(ImageError, match=r"a\.tif is damaged at 256, 0"):
            image.read(0, Box(300, 10, 10, 10))
        assert np.array_equal(image.read(0, Box(0, 300, 100, 100)), array[300:400, :100])
        overview = image.overview()
        assert not overview[:256, 256:512].any()
        assert np.array_equal(overview[:, :256], array[:, :256])
        assert np.array_equal(overview[:, 512:], array[:, 512:])


def test_a_file_that_ends_too_early_is_refused(tmp_path):
    file = write_pyramid(tmp_path / "a.tif", [textured(800, 500)])
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(ImageError, match=r"a\.tif is damaged"):
        open_pyramid(file)


def test_a_size_that_is_no_number_is_refused_with_a_sentence(tmp_path):
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, textured(800, 500), metadata=None)
    content = bytearray(file.read_bytes())
    place = content.index(b"\x00\x01\x04\x00\x01\x00")  # the width, 32 bits, one of them
    content[place + 4] = 2
    file.write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.tif"):
        open_pyramid(file)


def test_threads_read_the_same_file_at_once(tmp_path):
    array = textured(1600, 1200)
    wrong: list[Box] = []
    with open_pyramid(write_pyramid(tmp_path / "a.tif", [array], compression="zlib")) as image:

        def read(seed: int) -> None:
            rng = np.random.default_rng(seed)
            for x, y in rng.integers(0, 1000, (150, 2)).tolist():
                box = Box(x, y, 200, 150)
                if not np.array_equal(image.read(0, box), array[y : y + 150, x : x + 200]):
                    wrong.append(box)

        threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_decoded_parts_are_kept_up_to_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr("poregui.vision.io.tiff_levels._KEPT_BYTES", 300_000)
    file = write_pyramid(tmp_path / "a.tif", [textured(1600, 1200)], compression="zlib")
    parts = TiffFileParts(file.open("rb"), file.name)
    level = TiffLevel(parts, parts.tiff.pages[0].aspage())
    for x in range(0, 1500, 100):
        level.read(Box(x, 0, 100, 1200))
        assert sum(part.nbytes for part in parts._kept.values()) == parts._kept_bytes <= 300_000
    parts.close()


def test_a_pore_is_found_in_a_part_as_in_the_whole(tmp_path):
    array = np.full((1500, 1600), 200, np.uint8)
    rows, columns = np.ogrid[:1500, :1600]
    array[(rows - 900) ** 2 + (columns - 1000) ** 2 < 45**2] = 40
    array[:, 100:110] = 30  # a crack as long as the image, which is no pore
    with open_pyramid(write_pyramid(tmp_path / "a.tif", [array])) as image:
        assert pore_near(image, 1010, 890, reach=6) == pore_box(
            array, 1010, 890, low=0, high=255, reach=6
        )
        assert pore_near(image, 1010, 890, reach=6).centre == pytest.approx((1000, 900), abs=2)
        assert pore_near(image, 105, 700, reach=6) is None
        assert pore_near(image, 1700, 700, reach=6) is None


# ---- building -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(640, 800), (501, 803), (1300, 1025, 3)])
def test_halves_are_means_and_their_edges_are_kept(shape):
    array = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    half = halved(array)
    assert half.shape[:2] == (-(-shape[0] // 2), -(-shape[1] // 2))
    even = array[: shape[0] // 2 * 2, : shape[1] // 2 * 2]
    expected = halves(even, 1)[1].astype(int)
    assert np.abs(half[: expected.shape[0], : expected.shape[1]] - expected).max() <= 1
    if shape[1] % 2:
        assert abs(int(half[0, -1]) - int(array[:2, -1].mean())) <= 1 if array.ndim == 2 else True


def write_kind(folder, kind):
    """Write a textured image of one of the kinds that lack smaller sizes; return its file."""
    array = textured(1301, 1107, np.uint16 if "strip" in kind else np.uint8)
    if kind in ("png", "jpeg"):
        file = folder / f"a.{kind}"
        PIL.Image.fromarray(array).save(file)
        return file
    file = folder / "a.tif"
    if kind == "float":
        tifffile.imwrite(file, array.astype(np.float32) / 7)
        return file
    layout = {"tile": (256, 256)} if kind == "tiled" else {"rowsperstrip": 20}
    tags = [(274, "H", 1, 6, True)] if kind == "turned" else []
    compression = "zlib" if kind == "compressed strips" else None
    tifffile.imwrite(file, array, extratags=tags, compression=compression, **layout)
    return file


@pytest.mark.parametrize(
    "kind", ["striped", "compressed strips", "tiled", "turned", "png", "jpeg", "float"]
)
def test_what_a_file_lacks_is_built_once_and_holds_the_same_pixels(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("poregui.vision.io.pyramid_building.OVERVIEW", 200)
    file = write_kind(tmp_path, kind)
    built = tmp_path / "built.tif"
    received: list[tuple[int, int]] = []
    with open_pyramid(file, partial(open, built, "rb")) as source:
        assert not source.is_complete
        build_pyramid(source, file, built, lambda done, total: received.append((done, total)))
        expected = source.read(0, Box(0, 0, source.width, source.height))
        with open_pyramid(file, partial(open, built, "rb")) as image:
            assert image.is_complete
            assert not image.instant
            assert (image.width, image.height) == (source.width, source.height)
            assert (image.grey_low, image.grey_high) == (source.grey_low, source.grey_high)
            assert np.array_equal(image.read(0, Box(0, 0, image.width, image.height)), expected)
            for level in range(1, len(image.sizes)):
                before = image.read(level - 1, Box(0, 0, *image.sizes[level - 1]))
                half = image.read(level, Box(0, 0, *image.sizes[level]))
                assert half.shape == halved(before).shape
                assert kind == "turned" or np.array_equal(
                    half, halved(before)
                )  # a single row may be first then
            assert max(image.sizes[-1]) <= 200
    assert received[-1][0] == received[-1][1]
    assert [done for done, _ in received] == sorted(done for done, _ in received)
    if kind == "tiled":
        with tifffile.TiffFile(built) as tiff:
            assert tiff.pages[0].shape == (554, 651)  # its own tiles are the full size


def test_the_built_sizes_are_not_used_for_another_file(tmp_path):
    file, built = tmp_path / "a.tif", tmp_path / "built.tif"
    tifffile.imwrite(file, textured(1300, 1100), rowsperstrip=16)
    with open_pyramid(file) as source:
        build_pyramid(source, file, built)
    tifffile.imwrite(file, 255 - textured(1300, 1100), rowsperstrip=16)
    os.utime(file, ns=(1, 1))
    with open_pyramid(file, partial(open, built, "rb")) as image:
        assert not image.is_complete
        assert np.array_equal(image.read(0, Box(0, 0, 9, 9)), 255 - textured(1300, 1100)[:9, :9])


@pytest.mark.parametrize("content", [b"", b"II*\0nonsense", None])
def test_damaged_built_sizes_are_passed_over(tmp_path, content):
    file, built = tmp_path / "a.tif", tmp_path / "built.tif"
    tifffile.imwrite(file, textured(1300, 1100), rowsperstrip=16)
    with open_pyramid(file) as source:
        build_pyramid(source, file, built)
    if content is None:
        os.truncate(built, built.stat().st_size - 5000)
    else:
        built.write_bytes(content)
    with open_pyramid(file, partial(open, built, "rb")) as image:
        assert not image.is_complete


def test_building_that_is_stopped_leaves_no_files_beside(tmp_path):
    file, folder = tmp_path / "a.tif", tmp_path / "cache"
    folder.mkdir()
    tifffile.imwrite(file, textured(1300, 1100), rowsperstrip=16)

    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise Stopped

    with open_pyramid(file) as source, pytest.raises(Stopped):
        build_pyramid(source, file, folder / "built.tif", stop)
    assert [path.name for path in folder.iterdir()] in ([], ["built.tif"])


def test_building_holds_a_band_of_rows_and_not_the_image(tmp_path):
    import tracemalloc

    file = tmp_path / "a.tif"
    array = np.zeros((6000, 1200), np.uint16)
    tifffile.imwrite(file, array, rowsperstrip=16)
    del array
    with open_pyramid(file) as source:
        tracemalloc.start()
        build_pyramid(source, file, tmp_path / "built.tif")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 8 * 512 * 1200 * 2  # the image has nearly twelve such bands


@pytest.mark.skipif(not MOSAIC.exists(), reason="../shared/data with real images is absent")
def test_a_real_mosaic_is_read_from_its_own_sizes(monkeypatch):
    monkeypatch.undo()
    with open_pyramid(MOSAIC) as image:
        assert image.sizes == ((15360, 8244), (7680, 4122), (3840, 2061))
        assert image.is_complete
        assert image.overview().shape == (550, 1024, 3)
        with tifffile.TiffFile(MOSAIC) as tiff:
            coarse = tiff.series[0].levels[2].asarray()
        assert np.array_equal(
            image.read(2, Box(1000, 1000, 700, 600)), coarse[1000:1600, 1000:1700]
        )
