"""Hold that pictures which leave a project show what they say: outlines, legend, a bar of the right
length.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import add_micrograph, add_specimens, grey
from PIL import Image

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Outline
from poregui.domain.records import Crop
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.editing.history import History
from poregui.workflow.exporting.export_images import export_bars, export_overlays
from poregui.workflow.reporting.drawing import bar_length, font, shown, with_bar, writable

PORE = Outline.of([(30.5, 40.0), (78.0, 42.5), (60.0, 98.0)])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with Project.create(tmp_path / "p") as made:
        (specimen,) = add_specimens(made, "S1")
        micrograph = add_micrograph(
            made, tmp_path / "m1.png", specimen_id=specimen.id, um_per_px=0.5
        )
        Image.new("L", (200, 150), 180).save(tmp_path / "m1.png")
        gas, keyhole, _ = made.classes()
        pixels = made.pixels.add(CropPixels(grey(3, 40, 50), 0.0, 255.0))
        crops = (
            Crop(
                1,
                pixels,
                50,
                40,
                micrograph.id,
                Box(30, 40, 50, 40),
                specimen_id=specimen.id,
                label=gas.id,
                um_per_px=0.5,
            ),
            Crop(
                2,
                pixels,
                50,
                40,
                micrograph.id,
                Box(110, 90, 50, 40),
                specimen_id=specimen.id,
                label=keyhole.id,
            ),
            Crop(3, pixels, 50, 40, micrograph.id, Box(0, 0, 50, 40), origin="detected"),
        )
        History(made).apply(AddCrops(crops, "Ada", outlines=((1, PORE),)))
        yield made


def dark_rows(image: Image.Image) -> np.ndarray:
    """Return for each row of a picture the length of its longest run of ink."""
    ink = (np.asarray(image.convert("L")) < 40).astype(int)
    lengths = np.zeros(len(ink), int)
    run = np.zeros(len(ink), int)
    for column in ink.T:
        run = (run + 1) * column
        lengths = np.maximum(lengths, run)
    return lengths


@pytest.mark.parametrize(
    ("widest", "um_per_px", "length", "text"),
    [
        (100, 0.5, 100, "50 µm"),
        (99, 0.5, 40, "20 µm"),
        (100, 0.003, 200 / 3, "200 nm"),
        (60, None, 50, "50 px"),
    ],
)
def test_bars_have_round_lengths(
    widest: float, um_per_px: float | None, length: float, text: str
) -> None:
    assert bar_length(widest, um_per_px) == (pytest.approx(length), text)


@pytest.mark.parametrize(("um_per_px", "px"), [(0.5, 40 * 8), (None, 20 * 8)])  # 20 um, 20 px
def test_a_crop_is_enlarged_without_making_px_up_and_its_bar_is_as_long_as_it_says(
    um_per_px: float | None, px: int
) -> None:
    pixels = np.full((40, 100), 200, np.uint8)
    pixels[10, 20] = 90
    image = with_bar(pixels, um_per_px)
    assert image.width == 800
    crop = np.asarray(image.convert("L"))[:320]
    assert set(np.unique(crop)) == {90, 200}
    assert (crop == 90).sum() == 8 * 8
    assert dark_rows(image)[320:].max() == px


def test_sixteen_bits_are_shown_within_their_grey_range() -> None:
    deep = CropPixels(np.array([[100, 1100, 2100]], np.uint16), 100.0, 2100.0)
    assert shown(deep).tolist() == [[0, 128, 255]]


def test_a_font_that_knows_plain_letters_only_gets_plain_letters() -> None:
    from PIL import ImageFont

    plain = ImageFont.load_default(20)
    assert writable("20 µm – Schütz", plain) == "20 um - Schutz"
    assert font(20) is font(20)


def test_an_overlay_shows_outlines_in_class_colours_with_legend_and_bar(
    project: Project, tmp_path: Path
) -> None:
    assert export_overlays(project, tmp_path / "out") == 1
    image = Image.open(tmp_path / "out" / "m1.png")
    assert image.width == 200
    assert image.height > 150
    colours = [tuple(int(c.colour[i : i + 2], 16) for i in (1, 3, 5)) for c in project.classes()]
    found = np.asarray(image.convert("RGB")).astype(int)

    def near(colour: tuple[int, ...], part: np.ndarray) -> int:
        return int((np.abs(part - colour).sum(axis=2) < 60).sum())

    assert near(colours[0], found[40:100, 28:82]) > 100  # the outline, not the box
    assert near(colours[0], found[:38, :]) == 0
    assert near(colours[1], found[88:132, 108:162]) > 100  # a box where nobody outlined
    assert near(colours[0], found[150:]) > 50
    assert near(colours[2], found) == 0
    assert dark_rows(image)[150:].max() == 40  # 20 um at 0.5 um per px


def test_of_a_vanished_micrograph_the_crops_are_shown(project: Project, tmp_path: Path) -> None:
    (tmp_path / "m1.png").unlink()
    assert export_overlays(project, tmp_path / "out") == 1
    found = np.asarray(Image.open(tmp_path / "out" / "m1.png").convert("L")).astype(int)
    assert found[10:140, 170:].std() < 1
    assert found[95:125, 115:155].std() > 30


def test_crops_with_a_bar_lie_in_folders_of_their_class(project: Project, tmp_path: Path) -> None:
    assert export_bars(project, tmp_path / "out") == 2
    names = sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")
    )
    assert names == ["Gas/S1_000001.png", "Keyhole/S1_000002.png", "manifest.csv"]
    with Image.open(tmp_path / "out" / "Gas" / "S1_000001.png") as image:
        assert image.width == 50 * 8
    with pytest.raises(PoreguiError, match="is not empty"):
        export_bars(project, tmp_path / "out")


def test_the_command_line_writes_both(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.close()
    assert main(["export", str(tmp_path / "p"), str(tmp_path / "a"), "--format", "overlays"]) == 0
    assert "Wrote 1 micrograph " in capsys.readouterr().out
    assert (
        main(["export", str(tmp_path / "p"), str(tmp_path / "b"), "--format", "crops-with-bar"])
        == 0
    )
    assert "Wrote 2 crops" in capsys.readouterr().out
