"""Test which um per px a file is believed to have and what its header tells."""

from __future__ import annotations

import itertools
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from poregui.domain.errors import ImageError
from poregui.vision.io.reader import read_header, read_image

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/data with real images is absent"
)
GREY = np.zeros((20, 30), np.uint8)
FEI, ZEISS = 34682, 34118


def written(folder: Path, tag: int | None = None, text: str | bytes = "", **options: Any) -> Path:
    """Write a TIFF, with a maker's tag or a resolution if given."""
    extra = [(tag, 2, 0, text, True)] if tag else []
    tifffile.imwrite(
        folder / "a.tif", GREY, metadata=options.pop("metadata", None), extratags=extra, **options
    )
    return folder / "a.tif"


def fei(*lines: str) -> str:
    return "\r\n".join(["[Beam]", "Scan=EScan", *lines, ""])


def zeiss(*lines: str) -> str:
    return "\r\n".join(["0", "5.4e-10", *lines, ""])


def scale_of(file: Path) -> tuple[float | None, str, tuple[str, ...]]:
    """Return what both the pixels and the header of a file are given as scale, which must be the
    same.
    """
    image, header = read_image(file), read_header(file)
    assert (image.um_per_px, image.scale_source) == (header.um_per_px, header.scale_source)
    assert image.warnings == header.warnings
    return image.um_per_px, image.scale_source, image.warnings


@needs_shared
@pytest.mark.parametrize("name", ["sample_1", "sample_2", "sample_3"])
def test_real_fei_images_have_the_scale_of_their_tag_and_not_of_their_resolution(name: str) -> None:
    file = SHARED / "sem" / "fei" / f"{name}.tif"
    with tifffile.TiffFile(file) as tiff:
        assert tiff.pages[0].aspage().tags["XResolution"].value == (28, 1)
    um_per_px, source, warnings = scale_of(file)
    assert um_per_px == pytest.approx(0.1349, abs=5e-5)
    assert (source, warnings) == ("FEI tag: PixelWidth", ())


@needs_shared
def test_a_real_zeiss_image_has_its_scale_from_picometres() -> None:
    um_per_px, source, _ = scale_of(SHARED / "sem" / "zeiss" / "nanoporous_gold_zeiss.tif")
    assert um_per_px == pytest.approx(543e-6)
    assert source == "Zeiss SEM tag: Image Pixel Size"


@needs_shared
@pytest.mark.parametrize(
    "name", ["sem/membrane/test_pore1.bmp", "optical/smartzoom_melt_track.tif"]
)
def test_real_images_that_do_not_know_their_scale_get_none(name: str) -> None:
    assert scale_of(SHARED / name) == (None, "", ())


@pytest.mark.parametrize(
    ("tag", "text", "um_per_px", "source"),
    [
        (
            FEI,
            fei("[Scan]", "PixelWidth=1.34896e-007", "PixelHeight=1.34896e-007"),
            0.134896,
            "FEI tag: PixelWidth",
        ),
        (
            FEI,
            fei("[EScan]", "PixelWidth=2e-9", "[IScan]", "PixelWidth=5e-9"),
            0.002,
            "FEI tag: PixelWidth",
        ),
        (34680, fei("[IScan]", "PixelWidth=5e-9"), 0.005, "FEI tag: PixelWidth"),
        (
            ZEISS,
            zeiss("AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = 543.0 pm"),
            543e-6,
            "Zeiss SEM tag: Image Pixel Size",
        ),
        (
            ZEISS,
            zeiss("AP_PIXEL_SIZE", "Pixel Size = 12.5 nm"),
            0.0125,
            "Zeiss SEM tag: Pixel Size",
        ),
        (
            ZEISS,
            zeiss("AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = 1.25 µm").encode("cp1252"),
            1.25,
            "Zeiss SEM tag: Image Pixel Size",
        ),
    ],
)
def test_the_tag_of_a_maker_gives_the_scale_and_is_named(
    tmp_path: Path, tag: int, text: str | bytes, um_per_px: float, source: str
) -> None:
    file = written(tmp_path, tag, text, resolution=(10_000, 10_000), resolutionunit="CENTIMETER")
    assert scale_of(file) == (pytest.approx(um_per_px), source, ())


@pytest.mark.parametrize(
    ("tag", "text", "maker"),
    [
        (FEI, fei("[Scan]", "Dwelltime=1e-5"), "FEI"),
        (FEI, fei("[Scan]", "PixelWidth=nan", "PixelHeight=nan"), "FEI"),
        (FEI, fei("[Scan]", "PixelWidth=wide"), "FEI"),
        (FEI, fei("[Scan]", f"PixelWidth={'9' * 400}"), "FEI"),
        (FEI, fei("[Scan]", "PixelWidth=0"), "FEI"),
        (FEI, "Beam=EBeam\r\nScan", "FEI"),
        (FEI, b"\xff\xfe\x81\x8d", "FEI"),
        (ZEISS, zeiss("AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = No"), "Zeiss SEM"),
        (ZEISS, zeiss("AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = nan nm"), "Zeiss SEM"),
        (ZEISS, zeiss("DP_ZOOM", "Zoom = Off"), "Zeiss SEM"),
    ],
)
def test_a_maker_who_gives_no_size_leaves_the_scale_unknown_and_the_picture_readable(
    tmp_path: Path, tag: int, text: str | bytes, maker: str
) -> None:
    file = written(tmp_path, tag, text, resolution=(10_000, 10_000), resolutionunit="CENTIMETER")
    assert scale_of(file) == (None, "", (f"Its {maker} tag gives no pixel size.",))


def test_a_unit_of_a_maker_that_is_not_understood_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, ZEISS, zeiss("AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = 5 furlongs"))
    received = "Its pixel size is in 'furlongs', which is no known unit; taken as unknown."
    assert scale_of(file) == (None, "", (received,))


@pytest.mark.parametrize(
    ("per_unit", "unit", "um_per_px"),
    [
        ((500_000, 13), 3, 0.26),
        ((10_000, 1), 3, 1.0),
        ((25_400, 1), 2, 1.0),
        ((10_000_000, 1), 3, 0.001),
    ],
)
def test_a_resolution_of_a_microscope_is_believed(
    tmp_path: Path, per_unit: tuple[int, int], unit: int, um_per_px: float
) -> None:
    file = written(tmp_path, resolution=(per_unit, per_unit), resolutionunit=unit)
    assert scale_of(file) == (pytest.approx(um_per_px), "TIFF resolution", ())


@pytest.mark.parametrize(
    ("per_unit", "unit"),
    [
        *((dpi, 2) for dpi in (1, 72, 75, 96, 100, 150, 200, 300, 600, 1200, 2400, 4800, 9600)),
        *(
            (per_cm, 3)
            for per_cm in (1, 28, 28.35, 37.8, 59, 118.11, 236, 236.22, 300, 472.44, 600, 1200)
        ),
        (1e9, 3),
        (10_000, 1),
        ((0, 1), 3),
    ],
)
def test_a_resolution_of_paper_or_without_unit_is_not_believed(
    tmp_path: Path, per_unit: Any, unit: int
) -> None:
    resolution = per_unit if isinstance(per_unit, tuple) else (round(per_unit * 100), 100)
    if resolution[0] > 2**32 - 1:
        resolution = (2**32 - 1, 4)
    file = written(tmp_path, resolution=(resolution, resolution), resolutionunit=unit)
    assert scale_of(file) == (None, "", ())


def test_a_centimetre_that_imagej_took_over_from_paper_is_not_believed(tmp_path: Path) -> None:
    for per_cm, um_per_px in ((28, None), (10_000, 1.0)):
        file = written(tmp_path, imagej=True, resolution=(per_cm, per_cm), metadata={"unit": "cm"})
        assert scale_of(file)[0] == um_per_px


@pytest.mark.parametrize("written_by", ["FEI", "OME", "ImageJ", "TIFF resolution"])
def test_pixels_that_are_not_square_have_no_scale_and_a_warning(
    tmp_path: Path, written_by: str
) -> None:
    sizes = {
        "PhysicalSizeX": 0.5,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 1.0,
        "PhysicalSizeYUnit": "µm",
    }
    text = fei("[Scan]", "PixelWidth=5e-7", "PixelHeight=1e-6")
    file = {
        "FEI": lambda: written(tmp_path, FEI, text),
        "OME": lambda: written(tmp_path, ome=True, metadata={"axes": "YX", **sizes}),
        "ImageJ": lambda: written(
            tmp_path, imagej=True, resolution=(2, 1), metadata={"unit": "um"}
        ),
        "TIFF resolution": lambda: written(tmp_path, resolution=(20_000, 10_000), resolutionunit=3),
    }[written_by]()
    um_per_px, source, (warning,) = scale_of(file)
    assert (um_per_px, source) == (None, "")
    assert warning.startswith("Its pixels are not square (0.5 × 1 µm, ")
    assert written_by in warning


def test_a_pyramid_and_a_stack_are_counted_and_not_decoded(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as tiff:
        tiff.write(
            np.zeros((256, 512, 3), np.uint8),
            subifds=2,
            tile=(64, 64),
            photometric="rgb",
            compression="zlib",
        )
        for step in (2, 4):
            tiff.write(
                np.zeros((256 // step, 512 // step, 3), np.uint8), subfiletype=1, photometric="rgb"
            )
    with tifffile.TiffFile(tmp_path / "pyramid.tif") as tiff:
        place = tiff.pages[0].aspage().dataoffsets[0]
    with open(tmp_path / "pyramid.tif", "r+b") as file:
        file.seek(place)
        file.write(b"\0" * 8)
    with pytest.raises(ImageError, match="damaged"):
        read_image(tmp_path / "pyramid.tif")
    header = read_header(tmp_path / "pyramid.tif")
    assert (header.width, header.height, header.channels, header.pages, header.levels) == (
        512,
        256,
        3,
        1,
        3,
    )
    tifffile.imwrite(
        tmp_path / "stack.tif", np.zeros((5, 20, 30), np.float32), photometric="minisblack"
    )
    header = read_header(tmp_path / "stack.tif")
    assert (header.dtype, header.bits, header.pages, header.levels) == ("float32", 32, 5, 1)
    assert header.warnings == ("It has several pages; the first is used.",)


def test_pages_that_go_in_a_circle_end(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "circle.tif") as tiff:
        for _ in range(3):
            tiff.write(GREY, metadata=None)
    with tifffile.TiffFile(tmp_path / "circle.tif") as tiff:
        last, first = tiff.pages[2].offset, tiff.pages[0].offset
    content = bytearray((tmp_path / "circle.tif").read_bytes())
    many = struct.unpack_from("<H", content, last)[0]
    struct.pack_into("<I", content, last + 2 + 12 * many, first)
    (tmp_path / "circle.tif").write_bytes(content)
    header = read_header(tmp_path / "circle.tif")
    assert header.pages == 3
    assert header.warnings[-1] == "Its list of pages is damaged."


def test_an_image_that_is_too_large_to_open_is_described_with_a_warning(tmp_path: Path) -> None:
    file = (
        tmp_path / "large.tif"
    )  # real numbers have to be read as a whole, to find the range that they are in
    tiles = itertools.repeat(zlib.compress(bytes(4 * 2048 * 2048)), 20 * 15)
    tifffile.imwrite(
        file, tiles, shape=(40_000, 30_000), dtype=np.float32, tile=(2048, 2048), compression="zlib"
    )
    header = read_header(file)
    assert (header.width, header.height) == (30_000, 40_000)
    assert "too large to open" in header.warnings[0]
    with pytest.raises(ImageError, match="too large to open"):
        read_image(file)


@pytest.mark.parametrize(("mode", "suffix", "bits", "channels"), [
    ("L", ".png", 8, 1), ("RGBA", ".png", 8, 4), ("LA", ".png", 8, 2), ("I;16", ".png", 16, 1),
    ("1", ".png", 1, 1), ("RGB", ".jpg", 8, 3), ("RGB", ".bmp", 8, 3), ("RGBA", ".tif", 8, 4),
    ("I;16", ".tif", 16, 1), ("1", ".tif", 1, 1),
])  # fmt: skip
def test_a_header_tells_what_is_stored(
    tmp_path: Path, mode: str, suffix: str, bits: int, channels: int
) -> None:
    Pillow.new(mode, (40, 24)).save(tmp_path / f"a{suffix}", dpi=(300, 300))
    header = read_header(tmp_path / f"a{suffix}")
    assert (header.width, header.height, header.bits, header.channels) == (40, 24, bits, channels)
    assert header.dtype == {1: "bool", 8: "uint8", 16: "uint16"}[bits]
    assert (header.pages, header.levels, header.um_per_px, header.warnings) == (1, 1, None, ())


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_header_gives_the_size_of_the_upright_picture(tmp_path: Path, suffix: str) -> None:
    exif = Pillow.Exif()
    exif[274] = 6
    Pillow.new("L", (40, 24)).save(tmp_path / f"a{suffix}", exif=exif)
    header = read_header(tmp_path / f"a{suffix}")
    assert (
        (header.width, header.height)
        == (24, 40)
        == read_image(tmp_path / f"a{suffix}").pixels.shape[::-1]
    )


def test_damaged_notes_end_in_a_header_or_an_image_error(tmp_path: Path, repetitions: Any) -> None:
    random.seed(7)
    extra = {"resolution": (10_000, 10_000), "resolutionunit": 3}
    sources = [
        written(tmp_path, FEI, fei("[Scan]", "PixelWidth=1e-7"), **extra).read_bytes(),
        written(
            tmp_path, ZEISS, zeiss("AP_PIXEL_SIZE", "Pixel Size = 12.5 nm"), **extra
        ).read_bytes(),
        written(tmp_path, imagej=True, resolution=(4, 4), metadata={"unit": "um"}).read_bytes(),
        written(
            tmp_path, ome=True, metadata={"axes": "YX", "PhysicalSizeX": 1.0, "PhysicalSizeY": 1.0}
        ).read_bytes(),
    ]
    refused = 0
    for _ in range(repetitions(2000)):
        spoilt = bytearray(random.choice(sources))
        for _ in range(random.choice((1, 4))):
            spoilt[random.randrange(len(spoilt))] = random.randrange(256)
        (tmp_path / "spoilt").write_bytes(
            spoilt[: random.choice((len(spoilt), random.randrange(1, len(spoilt))))]
        )
        try:
            header = read_header(tmp_path / "spoilt")
        except ImageError:
            refused += 1
        else:
            assert header.um_per_px is None or 1e-5 < header.um_per_px < 1e4
    assert refused > 0
