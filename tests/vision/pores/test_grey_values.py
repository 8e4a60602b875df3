"""Hold detection to the same three pores, however greys are stored and whatever is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow

from poregui.domain.detection import DetectionRecipe
from poregui.vision.io.pixel_values import to_unsigned
from poregui.vision.io.pyramid import Pyramid, open_pyramid
from poregui.vision.io.reader import read_image
from poregui.vision.pores.detection import Detected, detect
from poregui.vision.pores.plan import Source

REPORTS = Path(__file__).resolve().parents[4] / "shared" / "data" / "reports"
WIDTH, HEIGHT = 300, 200
CORNER = (slice(0, 60), slice(0, 54))
"""Rows and columns without a pore."""


def drawn() -> NDArray[np.uint8]:
    """Return three pores of grey 40 in a noisy matrix of 180."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    image = 180 + np.random.default_rng(1).normal(0, 4, (HEIGHT, WIDTH))
    for x, y, radius in ((80, 100, 16), (150, 50, 12), (230, 130, 20)):
        image[(columns - x) ** 2 + (rows - y) ** 2 <= radius**2] = 40
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


PORES = int(np.count_nonzero(drawn() == 40))


def found_in(file: Path, recipe: DetectionRecipe | None = None) -> Detected:
    with open_pyramid(file) as image:
        return found_of(image, recipe or DetectionRecipe())


def found_of(image: Pyramid, recipe: DetectionRecipe) -> Detected:
    source = Source(image.width, image.height, partial(image.read, 0), image.missing)
    return detect(source, recipe, None)


def holds_three(found: Detected, field: int = WIDTH * HEIGHT) -> None:
    assert len(found.outlines) == 3
    assert found.field_area_px == field
    assert found.pore_area_px == pytest.approx(PORES, rel=0.004)


def tiff(file: Path, pixels: NDArray[Any], **more: Any) -> Path:
    tifffile.imwrite(file, pixels, **more)
    return file


MARKS = (
    np.nan,
    -np.inf,
    -9999.0,
    -3.4028234663852886e38,
    3.4e38,
    1e37,
    1e20,
    -32768.0,
    -1.0,
    -5.0,
    99999.0,
    255.0,
)


@pytest.mark.parametrize("mark", MARKS)
def test_a_value_that_is_none_is_neither_pore_nor_field(tmp_path: Path, mark: float) -> None:
    values = drawn().astype(np.float32) / 255
    values[CORNER] = mark
    file = tiff(tmp_path / "a.tif", values)
    image = read_image(file)
    hidden = np.zeros(values.shape, bool)
    hidden[CORNER] = True
    np.testing.assert_array_equal(image.missing, hidden)
    assert "3,240 pixels (5.40 %) without a value" in image.warnings[0]
    assert len(image.warnings) == 1
    holds_three(found_in(file), WIDTH * HEIGHT - 60 * 54)


@pytest.mark.parametrize("hot", [1e6, np.inf, 65535.0, -1e6])
def test_an_outlier_blackens_nothing(tmp_path: Path, hot: float) -> None:
    values = drawn().astype(np.float32) / 255
    usual = read_image(tiff(tmp_path / "usual.tif", values))
    values[10, 10] = hot
    file = tiff(tmp_path / "a.tif", values)
    image = read_image(file)
    assert image.missing is None
    assert "1 value far outside of them is cut off" in image.warnings[0]
    assert np.count_nonzero(image.pixels != usual.pixels) == 1
    holds_three(found_in(file))


def test_a_hot_pixel_of_16_bits_moves_no_outline(tmp_path: Path) -> None:
    values = drawn().astype(np.uint16) * 16
    usual = found_in(tiff(tmp_path / "usual.tif", values))
    values[10, 10] = 65535
    found = found_in(tiff(tmp_path / "a.tif", values))
    assert [line.tobytes() for line in found.outlines] == [
        line.tobytes() for line in usual.outlines
    ]


@pytest.mark.parametrize("bright", [np.inf, 1e6])
def test_a_patch_that_is_too_bright_belongs_to_the_field(tmp_path: Path, bright: float) -> None:
    values = drawn().astype(np.float32) / 255
    values[5:10, 5:10] = bright + np.arange(25).reshape(5, 5)
    holds_three(found_in(tiff(tmp_path / "a.tif", values)))


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.float32])
def test_a_negative_value_among_whole_numbers_is_a_pore(tmp_path: Path, dtype: type) -> None:
    file = tiff(tmp_path / "a.tif", (drawn().astype(np.int32) - 128).astype(dtype))
    assert read_image(file).missing is None
    holds_three(found_in(file))


TWO = ((0, 1), (0, 255), (-1, 0), (0, -1), (-1, 1), (-32768, 32767), (-9999, 7), (0, 2**31 - 1))


@pytest.mark.parametrize(("pore", "matrix"), TWO)
@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_an_image_of_two_values_lacks_none(pore: int, matrix: int, dtype: type) -> None:
    values = np.where(drawn() == 40, pore, matrix).astype(dtype)
    greys = to_unsigned(values)
    assert greys.missing is None
    assert len(np.unique(greys.pixels)) == 2


def test_the_mark_of_an_image_with_a_palette_is_an_index_into_it(tmp_path: Path) -> None:
    indices = 255 - drawn()
    indices[CORNER] = 0
    palette = np.tile(np.arange(255, -1, -1, dtype=np.uint16) * 257, (3, 1))
    nodata = [(42113, "s", 0, "0", True)]
    more = {"photometric": "palette", "colormap": palette, "extratags": nodata}
    holds_three(found_in(tiff(tmp_path / "a.tif", indices, **more)), WIDTH * HEIGHT - 60 * 54)


AFFINE: dict[str, Callable[[NDArray[np.float64]], NDArray[Any]]] = {
    "12 of 16 bits": lambda grey: (grey * 16).astype(np.uint16),
    "an offset": lambda grey: (grey * 16 + 20000).astype(np.uint16),
    "a large offset": lambda grey: (grey * 8 + 63000).astype(np.uint16),
    "signed": lambda grey: (grey * 16 - 32000).astype(np.int16),
    "signed, as ImageJ stores it": lambda grey: (grey * 16 - 1000 + 32768).astype(np.uint16),
    "signed around 0": lambda grey: (grey * 16 - 1000).astype(np.int16),
    "floats around 0": lambda grey: (grey / 64 - 1.5).astype(np.float32),
    "half floats": lambda grey: (grey / 255).astype(np.float16),
    "32 bits": lambda grey: (grey * 1000 + 1e9).astype(np.uint32),
    "floats": lambda grey: (grey * 1e-4 + 3).astype(np.float32),
    "negative floats": lambda grey: (grey * 10 - 1e4).astype(np.float32),
    "faint 8 bits": lambda grey: np.rint(grey * 0.25 + 150).astype(np.uint8),
}


@pytest.mark.parametrize("stored", AFFINE.values(), ids=AFFINE.keys())
@pytest.mark.parametrize("flatten", [False, True])
def test_an_affine_change_of_the_grey_changes_no_pore(
    tmp_path: Path, stored: Callable[[NDArray[np.float64]], NDArray[Any]], flatten: bool
) -> None:
    file = tiff(tmp_path / "a.tif", stored(drawn().astype(np.float64)))
    found = found_in(file, DetectionRecipe(flatten=flatten))
    assert len(found.outlines) == 3
    assert found.pore_area_px == pytest.approx(PORES, rel=0.01)


def uneven() -> NDArray[np.float64]:
    """Return pores of every depth under light that falls off, from 0 to about 1."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    image = 0.7 + np.random.default_rng(3).normal(0, 0.01, (HEIGHT, WIDTH))
    for index in range(12):
        x, y = 30 + 78 * (index % 4), 35 + 65 * (index // 4)
        image[(columns - x) ** 2 + (rows - y) ** 2 <= (6 + index) ** 2] = 0.65 - 0.05 * index
    return np.asarray(image * (1 - 0.3 * columns / WIDTH))


METHODS = (
    DetectionRecipe(),
    DetectionRecipe(flatten=True, background_radius=40.0),
    DetectionRecipe(method="local", window=60.0, offset=12.0, contrast=15.0),
)


@settings(max_examples=12, deadline=None)
@given(
    recipe=st.sampled_from(METHODS),
    factor=st.floats(0.01, 1000),
    offset=st.floats(-50, 50),
    inverted=st.booleans(),
)
def test_neither_a_factor_nor_an_offset_nor_a_negative_of_the_greys_changes_what_is_found(
    recipe: DetectionRecipe, factor: float, offset: float, inverted: bool
) -> None:
    usual = detect(uneven(), recipe, None)
    assert len(usual.outlines) >= 5
    sign = -1 if inverted else 1
    changed = (sign * uneven() + offset) * factor
    found = detect(changed, replace(recipe, polarity="bright" if inverted else "dark"), None)
    assert len(found.outlines) == len(usual.outlines)
    assert found.areas == pytest.approx(usual.areas, rel=2e-3)
    assert found.removed == usual.removed


@pytest.mark.parametrize("offset", [0, 20000])
def test_an_offset_does_not_hide_pores_from_a_local_threshold(tmp_path: Path, offset: int) -> None:
    grey = drawn().astype(np.uint16) * 16 + offset
    recipe = DetectionRecipe(method="local", window=120.0)
    assert len(found_in(tiff(tmp_path / "a.tif", grey), recipe).outlines) == 3


def test_a_manual_level_is_a_grey_of_the_file_whatever_the_offset(tmp_path: Path) -> None:
    grey = drawn().astype(np.uint16) + 20000
    found = found_in(
        tiff(tmp_path / "a.tif", grey), DetectionRecipe(method="manual", level=20110.0)
    )
    assert (len(found.outlines), found.threshold) == (3, 20110)


@pytest.mark.parametrize("offset", [0, 20000])
def test_noise_above_an_offset_is_no_pore_and_what_is_left_out_is_counted(
    tmp_path: Path, offset: int
) -> None:
    noise = np.random.default_rng(2).normal(3000, 60, (HEIGHT, WIDTH)) + offset
    found = found_in(
        tiff(tmp_path / "a.tif", noise.astype(np.uint16)), DetectionRecipe(smallest=3.0)
    )
    assert len(found.outlines) == 0
    assert found.removed["contrast"] > 0
    assert found.removed_area_px["contrast"] > 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_white_as_zero_is_turned_round_in_every_type(tmp_path: Path, dtype: type) -> None:
    stored = (255 - drawn().astype(np.int32)).astype(dtype)
    file = tiff(tmp_path / "a.tif", stored, photometric="miniswhite")
    holds_three(found_in(file))


def with_alpha(image: NDArray[Any], most: int) -> NDArray[Any]:
    alpha = np.full(image.shape, most, image.dtype)
    alpha[CORNER] = 0
    image = image.copy()
    image[CORNER] = 0
    return np.stack([image, image, image, alpha], axis=2)


def write_rgba(file: Path) -> None:
    Pillow.fromarray(with_alpha(drawn(), 255), "RGBA").save(file)


def write_deep(file: Path) -> None:
    deep = with_alpha(drawn().astype(np.uint16) * 257, 65535)
    file.write_bytes(imagecodecs.png_encode(deep))


def write_key(file: Path) -> None:
    grey = np.where(drawn() == 0, 1, drawn())
    grey[CORNER] = 0
    Pillow.fromarray(grey).save(file, transparency=0)


def write_tiff(file: Path) -> None:
    tifffile.imwrite(file, with_alpha(drawn(), 255), photometric="rgb", extrasamples=["unassalpha"])


def write_nodata(file: Path) -> None:
    grey = drawn().astype(np.uint16) + 100
    grey[CORNER] = 7
    tifffile.imwrite(file, grey, extratags=[(42113, "s", 0, "7", True)])


@pytest.mark.parametrize("write", [write_rgba, write_deep, write_key, write_tiff, write_nodata])
def test_what_a_file_says_is_no_picture_is_neither_pore_nor_field(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    file = tmp_path / ("a.tif" if write in (write_tiff, write_nodata) else "a.png")
    write(file)
    holds_three(found_in(file), WIDTH * HEIGHT - 60 * 54)
    assert any(
        "3,240 pixels (5.40 %) without a value" in text for text in read_image(file).warnings
    )


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("how", ["alpha", "nodata"])
def test_a_large_file_read_by_parts_knows_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, tiled: bool
) -> None:
    monkeypatch.setattr("poregui.vision.io.pyramid.LARGE", 1000)
    more: dict[str, Any] = {"tile": (64, 64)} if tiled else {}
    if how == "alpha":
        more |= {"photometric": "rgb", "extrasamples": ["unassalpha"]}
        tifffile.imwrite(tmp_path / "a.tif", with_alpha(drawn(), 255), **more)
    else:
        grey = drawn()
        grey[CORNER] = 7
        more["extratags"] = [(42113, "s", 0, "7", True)]
        tifffile.imwrite(tmp_path / "a.tif", grey, **more)
    with open_pyramid(tmp_path / "a.tif") as image:
        assert not image.instant
        found = found_of(image, DetectionRecipe())
        assert any("neither as pore nor as field" in text for text in image.warnings)
    holds_three(found, WIDTH * HEIGHT - 60 * 54)


def test_a_pore_beside_missing_pixels_touches_the_edge_of_the_field(tmp_path: Path) -> None:
    values = drawn().astype(np.float32)
    values[115:135, 60:75] = np.nan
    found = found_in(tiff(tmp_path / "a.tif", values))
    assert np.count_nonzero(found.touches_edge) == 1
    assert found.field_area_px == WIDTH * HEIGHT - 300


def test_where_no_pixel_has_a_value_it_is_said(tmp_path: Path) -> None:
    file = tiff(tmp_path / "a.tif", np.full((20, 20), np.nan, np.float32))
    with pytest.raises(Exception, match="holds no finite grey value"):
        read_image(file)


@pytest.mark.skipif(not REPORTS.is_dir(), reason="../shared/data/reports is absent")
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("float-nodata/floathot.tif", 60000),
        ("float-nodata/floatnan.tif", 59600),
        ("grey-offset/12in16.tif", 60000),
        ("grey-offset/off20000.tif", 60000),
        ("alpha-corner/rgba_corner.png", 56760),
    ],
)
def test_reported_files_hold_three_pores(name: str, field: int) -> None:
    found = found_in(REPORTS / name)
    assert (len(found.outlines), found.field_area_px) == (3, field)
    assert found.pore_area_px == pytest.approx(2371, rel=0.002)
