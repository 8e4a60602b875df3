"""Test what the one door for image files lets in and how it refuses."""

from __future__ import annotations

import random
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from builders import png
from PIL import Image as Pillow

from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.geometry import Box
from poregui.vision.crops import cut
from poregui.vision.io.reader import read_image, read_size

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/data with real images is absent"
)


def noise(*shape: int, dtype: Any = np.uint8, high: int | None = None) -> np.ndarray:
    return np.random.default_rng(3).integers(0, high or np.iinfo(dtype).max + 1, shape, dtype)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_eight_bit_pictures_come_back_as_they_were(
    tmp_path: Path, suffix: str, shape: tuple[int, ...]
) -> None:
    pixels = noise(*shape)
    Pillow.fromarray(pixels).save(tmp_path / f"a{suffix}")
    image = read_image(tmp_path / f"a{suffix}")
    assert image.pixels.dtype == np.uint8
    np.testing.assert_array_equal(image.pixels, pixels)
    assert (image.grey_low, image.grey_high, image.um_per_px, image.warnings) == (
        0.0,
        255.0,
        None,
        (),
    )
    assert (image.width, image.height, image.bits, image.channels) == (
        30,
        20,
        8,
        1 if len(shape) == 2 else 3,
    )


def test_a_jpeg_is_read_as_its_content_and_not_as_its_name_says(tmp_path: Path) -> None:
    Pillow.new("L", (32, 16), 90).save(tmp_path / "really a jpeg.tif", format="JPEG")
    image = read_image(tmp_path / "really a jpeg.tif")
    assert image.pixels.shape == (16, 32)
    assert abs(int(image.pixels.mean()) - 90) <= 2


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_grey_keeps_its_depth_and_gets_a_robust_grey_range(
    tmp_path: Path, suffix: str
) -> None:
    pixels = noise(100, 100, dtype=np.uint16, high=4096)
    pixels[0, 0] = 65535  # one hot pixel must not decide
    file = tmp_path / f"deep{suffix}"
    tifffile.imwrite(file, pixels) if suffix == ".tif" else Pillow.fromarray(pixels).save(file)
    image = read_image(file)
    assert image.pixels.dtype == np.uint16
    np.testing.assert_array_equal(image.pixels, pixels)
    assert (image.grey_low, image.grey_high) == pytest.approx(
        tuple(np.percentile(pixels, (0.1, 99.9)))
    )
    assert image.grey_high < 4096


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_colour_keeps_its_depth(tmp_path: Path, suffix: str) -> None:
    import imagecodecs

    pixels = noise(9, 11, 3, dtype=np.uint16)
    file = tmp_path / f"deep{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(
            file, pixels, photometric="rgb", planarconfig="separate" if pixels.ndim == 4 else None
        )
    else:
        file.write_bytes(imagecodecs.png_encode(pixels))
    np.testing.assert_array_equal(read_image(file).pixels, pixels)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_alpha_is_dropped_and_what_is_transparent_is_missing(
    tmp_path: Path, mode: str, suffix: str
) -> None:
    pixels = noise(8, 9, 2 if mode == "LA" else 4)
    hidden = pixels[..., -1] < 128
    Pillow.fromarray(pixels, mode).save(tmp_path / f"a{suffix}")
    expected = pixels[..., 0] if mode == "LA" else pixels[..., :3]
    image = read_image(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(image.pixels[~hidden], expected[~hidden])
    np.testing.assert_array_equal(image.missing, hidden)
    assert any("transparent" in text for text in image.warnings)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("alpha", [0, 255])
def test_an_alpha_that_is_the_same_everywhere_hides_nothing(
    tmp_path: Path, mode: str, alpha: int
) -> None:
    pixels = noise(8, 9, 2 if mode == "LA" else 4)
    pixels[..., -1] = alpha
    Pillow.fromarray(pixels, mode).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    expected = pixels[..., 0] if mode == "LA" else pixels[..., :3]
    np.testing.assert_array_equal(image.pixels, expected)
    assert (image.missing, image.warnings) == (None, ())


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_palettes_become_colour_or_grey(tmp_path: Path, suffix: str) -> None:
    image = Pillow.fromarray(noise(6, 7, high=4), "P")
    image.putpalette([10, 10, 10, 60, 60, 60, 90, 90, 90, 200, 200, 200])
    image.save(tmp_path / f"grey{suffix}")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7])
    image.save(tmp_path / f"colour{suffix}")
    np.testing.assert_array_equal(
        read_image(tmp_path / f"colour{suffix}").pixels, np.asarray(image.convert("RGB"))
    )
    grey = read_image(tmp_path / f"grey{suffix}").pixels
    np.testing.assert_array_equal(grey, np.array([10, 60, 90, 200], np.uint8)[np.asarray(image)])


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_one_bit_becomes_black_and_white(tmp_path: Path, suffix: str) -> None:
    pixels = noise(10, 12, high=2).astype(bool)
    Pillow.fromarray(pixels).save(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(
        read_image(tmp_path / f"a{suffix}").pixels, pixels * np.uint8(255)
    )


def test_white_is_zero_is_turned_round(tmp_path: Path) -> None:
    pixels = noise(10, 12)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, 255 - pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_pictures_stand_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    from PIL import ImageOps

    image = Pillow.new("L", (40, 24), 20)
    image.paste(220, (0, 0, 12, 8))
    exif = Pillow.Exif()
    exif[274] = orientation
    file = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(file, np.asarray(image), extratags=[(274, "H", 1, orientation, True)])
    else:
        image.save(file, exif=exif, quality=95)
    image.getexif()[274] = orientation
    upright = np.asarray(ImageOps.exif_transpose(image)).astype(int)
    assert np.abs(read_image(file).pixels.astype(int) - upright).mean() < 3


def test_floating_point_is_scaled_and_says_so(tmp_path: Path) -> None:
    values = np.linspace(-2.5, 7.5, 200, dtype=np.float32).reshape(10, 20)
    values[0, 1] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", values)
    image = read_image(tmp_path / "a.tif")
    assert (image.pixels.dtype, int(image.pixels.min()), int(image.pixels.max())) == (
        np.uint16,
        0,
        65535,
    )
    assert image.warnings == (
        "Its 32-bit values from -2.5 to 7.5 were scaled to 16 bits. 1 pixel (0.50 %) without a "
        "value (not a number), counted neither as pore nor as field.",
    )


@pytest.mark.parametrize("dtype", [np.uint32, np.int16, np.float64])
def test_whole_numbers_that_fit_keep_their_values(tmp_path: Path, dtype: Any) -> None:
    values = noise(10, 20, dtype=np.uint16, high=30000)
    tifffile.imwrite(tmp_path / "a.tif", values.astype(dtype))
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.pixels, values)
    assert image.warnings == ()


def test_of_several_pages_the_first_is_taken_with_a_remark(tmp_path: Path) -> None:
    pages = noise(3, 10, 20)
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.pixels, pages[0])
    assert image.warnings == ("It has several pages; the first is used.",)


def test_imagej_and_ome_scales_are_believed_and_paper_resolution_is_not(tmp_path: Path) -> None:
    pixels = noise(10, 20)
    tifffile.imwrite(
        tmp_path / "ij.tif", pixels, imagej=True, resolution=(4, 4), metadata={"unit": "micron"}
    )
    ome = {
        "PhysicalSizeX": 350.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 350.0,
        "PhysicalSizeYUnit": "nm",
    }
    tifffile.imwrite(tmp_path / "ome.tif", pixels, ome=True, metadata={"axes": "YX", **ome})
    tifffile.imwrite(
        tmp_path / "paper.tif", pixels, resolution=(28, 28), resolutionunit="CENTIMETER"
    )
    tifffile.imwrite(
        tmp_path / "inch.tif", pixels, imagej=True, resolution=(72, 72), metadata={"unit": "inch"}
    )
    scales = {name: read_image(tmp_path / f"{name}.tif") for name in ("ij", "ome", "paper", "inch")}
    assert (scales["ij"].um_per_px, scales["ij"].scale_source) == (0.25, "ImageJ")
    assert scales["ome"].um_per_px == pytest.approx(0.35)
    assert scales["ome"].scale_source == "OME"
    assert scales["paper"].um_per_px is scales["inch"].um_per_px is None


@pytest.mark.parametrize("name", ["mit Leerzeichen.png", "Größe.tif", "🔬 pore.bmp", "-x.jpg"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    Pillow.fromarray(noise(8, 8)).save(tmp_path / name)
    assert read_image(tmp_path / name).pixels.shape == (8, 8)
    assert read_size(tmp_path / name) == (8, 8)


def test_a_picture_that_packs_very_well_is_no_bomb(tmp_path: Path) -> None:
    Pillow.new("1", (4000, 4000)).save(tmp_path / "black.png")
    assert (tmp_path / "black.png").stat().st_size < 10_000
    assert read_image(tmp_path / "black.png").pixels.max() == 0


def test_what_is_read_cannot_be_changed_by_accident(tmp_path: Path) -> None:
    Pillow.fromarray(noise(8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="read-only"):
        read_image(tmp_path / "a.png").pixels[0, 0] = 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.png", b"", "is empty"),
        ("words.png", b"no picture at all", "not an image of a known format"),
        ("short.png", png(30, 30, b"")[:40], "damaged"),
        ("hollow.png", png(30, 30, zlib.compress(b"")), "damaged"),
        ("bomb.png", png(60_000, 60_000, zlib.compress(b"\0")), "too large"),
        ("claim.png", png(20_000, 20_000, zlib.compress(b"\0")), "bytes cannot hold"),
        ("deep bomb.png", png(30_000, 30_000, zlib.compress(b"\0"), 16, 2), "too large"),
        ("flat.png", png(0, 30, zlib.compress(b"\0")), "damaged"),
        ("short.tif", b"II*\0\x08\0\0\0", "damaged"),
        ("short.jpg", b"\xff\xd8\xff\xe0", "damaged"),
        ("short.bmp", b"BM1234", "damaged"),
    ],
)
def test_a_bad_file_gets_a_sentence_that_names_it(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError) as caught:
        read_image(tmp_path / name)
    assert caught.value.what.startswith(f"{name} ")
    assert said in caught.value.what
    assert caught.value.remedy


def test_missing_files_folders_and_refused_ones_get_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImageError, match=r"gone\.png no longer exists"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(ImageError, match="is not a file"):
        read_image(tmp_path)
    (tmp_path / "secret.png").write_bytes(b"x")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ImageError, match=r"secret\.png cannot be read: no permission"):
        read_image(tmp_path / "secret.png")


def test_a_tiff_whose_content_ends_early_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", noise(200, 200), rowsperstrip=10)
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: len(whole) - 500])
    with pytest.raises(ImageError, match=r"a\.tif is damaged"):
        read_image(tmp_path / "a.tif")


def test_damage_of_any_kind_ends_in_an_image_or_an_image_error(
    tmp_path: Path, repetitions: Any
) -> None:
    random.seed(5)
    sources = []
    for suffix in (".png", ".jpg", ".bmp"):
        Pillow.fromarray(noise(20, 30, 3)).save(tmp_path / f"good{suffix}")
        sources.append((tmp_path / f"good{suffix}").read_bytes())
    for compression in (None, "zlib", "lzw", "packbits"):
        tifffile.imwrite(
            tmp_path / "good.tif", noise(20, 30, dtype=np.uint16), compression=compression
        )
        sources.append((tmp_path / "good.tif").read_bytes())
    refused = 0
    for _ in range(repetitions(3000)):
        spoilt = bytearray(random.choice(sources))
        for _ in range(random.choice((1, 4))):
            spoilt[random.randrange(random.choice((40, len(spoilt))))] = random.randrange(256)
        (tmp_path / "spoilt").write_bytes(
            spoilt[: random.choice((len(spoilt), random.randrange(1, len(spoilt))))]
        )
        try:
            image = read_image(tmp_path / "spoilt")
        except ImageError:
            refused += 1
        else:
            assert image.pixels.dtype in (np.uint8, np.uint16)
    assert refused > 0


@needs_shared
def test_no_real_or_hostile_tiff_brings_the_door_down() -> None:
    files = sorted((SHARED / "formats" / "pillow").glob("*.tif*"))
    refused = []
    for file in files:
        try:
            image = read_image(file)
        except ImageError:
            refused.append(file.name)
        else:
            assert min(image.pixels.shape[:2]) > 0
    assert "hopper.tif" not in refused
    assert "libtiff_segfault.tif" in refused
    assert len(refused) < len(files) / 4


@needs_shared
def test_the_eight_orientations_of_one_scan_are_the_same_picture() -> None:
    folder = SHARED / "formats" / "pillow"
    first = read_image(folder / "g4_orientation_1.tif").pixels
    for number in range(2, 9):
        other = read_image(folder / f"g4_orientation_{number}.tif").pixels
        assert other.shape == first.shape
        assert (
            np.mean(other != first) < 0.01
        )  # the files were made anew each, and differ in single pixels


def test_a_crop_is_a_copy_at_the_depth_of_its_image(tmp_path: Path) -> None:
    pixels = noise(50, 60, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    image = read_image(tmp_path / "a.tif")
    crop = cut(image, Box(10, 5, 20, 8))
    np.testing.assert_array_equal(crop, pixels[5:13, 10:30])
    assert crop.flags.c_contiguous
    assert not np.shares_memory(crop, image.pixels)
    with pytest.raises(PoreguiError, match="does not lie inside"):
        cut(image, Box(50, 5, 20, 8))
