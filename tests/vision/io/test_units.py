"""Test which pixel sizes of files are believed, in whatever unit and by whatever program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from poregui.vision.io.reader import read_header

REPORTS = Path(__file__).resolve().parents[4] / "shared" / "data" / "reports"
GREY = np.zeros((20, 30), np.uint8)
OME = (
    '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/'
    '2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" '
    'SizeX="30" SizeY="20" SizeC="1" SizeZ="1" SizeT="1" {}><TiffData IFD="0" PlaneCount="1"/>'
    "</Pixels></Image></OME>"
)


def imagej(folder: Path, unit: str, per_unit: int, paper: int = 1) -> tuple[float | None, str]:
    """Return pixel size and remarks of a file with a unit of ImageJ's and one of the resolution."""
    text = f"ImageJ=1.54f\nimages=1\nunit={unit}\n"
    return described(folder, text, resolution=(per_unit, per_unit), resolutionunit=paper)


def ome(folder: Path, attributes: str, before: str = "") -> tuple[float | None, str]:
    text = OME.format(attributes)
    return described(folder, text.replace("?><OME", f"?>{before}<OME"))


def described(folder: Path, text: str, **options: Any) -> tuple[float | None, str]:
    file = folder / "a.tif"
    tifffile.imwrite(
        file, GREY, description=text.encode("utf-8"), metadata=None, software=None, **options
    )
    header = read_header(file)
    return header.um_per_px, " ".join(header.warnings)


@pytest.mark.parametrize(
    ("unit", "um"),
    [
        ("um", 1.0),
        ("micron", 1.0),
        ("Microns", 1.0),
        ("\\u00B5m", 1.0),
        ("\\u03BCm", 1.0),
        ("µm", 1.0),
        ("nm", 1e-3),
        ("mm", 1e3),
        ("Å", 1e-4),
        ("millimeter", 1e3),
    ],
)
def test_a_unit_of_imagej_is_known_however_it_is_spelled(
    tmp_path: Path, unit: str, um: float
) -> None:
    per_unit = 2000 if um > 1 else 2
    size = um / per_unit
    found, received = imagej(tmp_path, unit, per_unit)
    if size < 1e-4:
        assert (found, "absurd" in received) == (None, True)
    else:
        assert (found, received) == (pytest.approx(size), "")


@pytest.mark.parametrize("unit", ["pixel", "pixels", "px", ""])
def test_a_pixel_is_no_unit(tmp_path: Path, unit: str) -> None:
    assert imagej(tmp_path, unit, 1) == (None, "")


def test_a_unit_that_is_not_understood_is_named(tmp_path: Path) -> None:
    size, received = imagej(tmp_path, "furlong", 2)
    assert size is None
    assert "'furlong'" in received
    size, received = ome(
        tmp_path,
        'PhysicalSizeX="1" PhysicalSizeXUnit="parsec" PhysicalSizeY="1" PhysicalSizeYUnit="parsec"',
    )
    assert size is None
    assert "'parsec'" in received


@pytest.mark.parametrize(
    ("per_unit", "paper", "um_per_px", "why"),
    [
        (20_000, 3, 0.5, ""),  # px per cm, as other programs write it
        (50_800, 2, 0.5, ""),  # px per inch
        (2, 3, 0.5, ""),  # px per um, as ImageJ means it
        (700, 3, None, "taken as unknown"),  # 1.4 nm or 14 um
    ],
)
def test_imagejs_unit_and_that_of_the_resolution_are_weighed(
    tmp_path: Path, per_unit: int, paper: int, um_per_px: float | None, why: str
) -> None:
    found, received = imagej(tmp_path, "um", per_unit, paper)
    assert found == (None if um_per_px is None else pytest.approx(um_per_px))
    assert why in received


@pytest.mark.parametrize(("unit", "um_per_px"), [("um", 0.5), ("mm", None), ("furlong", None)])
def test_imagejs_other_unit_of_the_height_is_no_square_pixel(
    tmp_path: Path, unit: str, um_per_px: float | None
) -> None:
    found, received = imagej(tmp_path, f"um\nyunit={unit}", 2)
    assert found == um_per_px
    assert bool(received) == (um_per_px is None)


def test_an_absurd_size_is_never_taken_in_silence(tmp_path: Path) -> None:
    for attributes in (
        'PhysicalSizeX="5e-6" PhysicalSizeY="5e-6"',
        'PhysicalSizeX="5000" PhysicalSizeY="5000"',
        'PhysicalSizeX="12" PhysicalSizeXUnit="m" PhysicalSizeY="12" PhysicalSizeYUnit="m"',
    ):
        found, received = ome(tmp_path, attributes)
        assert found is None
        assert "absurd" in received


@pytest.mark.parametrize(
    "attributes",
    [
        'PhysicalSizeX="0.5" PhysicalSizeXUnit="&#181;m" PhysicalSizeY="0.5" '
        'PhysicalSizeYUnit="&#xB5;m"',
        "PhysicalSizeX='0.5' PhysicalSizeXUnit='µm' PhysicalSizeY='0.5' PhysicalSizeYUnit='µm'",
        'PhysicalSizeYUnit="μm" PhysicalSizeY = "0.5" PhysicalSizeXUnit="um" PhysicalSizeX="0.5"',
        'PhysicalSizeX="500" PhysicalSizeXUnit="nm" PhysicalSizeY="0.0005" PhysicalSizeYUnit="mm"',
        'PhysicalSizeX="0.5" PhysicalSizeY="0.5"',
        'PhysicalSizeX="5000" PhysicalSizeXUnit="Å" PhysicalSizeY="5E+3" PhysicalSizeYUnit="Å"',
    ],
)
def test_ome_is_read_as_xml_with_a_unit_for_each_axis(tmp_path: Path, attributes: str) -> None:
    assert ome(tmp_path, attributes) == (pytest.approx(0.5), "")


def test_a_prefix_and_a_remark_do_not_hide_ome(tmp_path: Path) -> None:
    text = OME.format('PhysicalSizeX="0.5" PhysicalSizeY="0.5"')
    for tag in ("OME ", "OME>", "Image", "Pixels", "TiffData"):
        text = text.replace(f"<{tag}", f"<o:{tag}").replace(f"</{tag}", f"</o:{tag}")
    text = text.replace("xmlns=", "xmlns:o=").replace("?><o:OME", "?><!-- a <b> --><o:OME")
    assert described(tmp_path, f"{text}<!-- end -->")[0] == pytest.approx(0.5)


def test_entities_that_a_description_defines_are_not_unfolded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "/etc/hosts">]>'
    found, received = ome(tmp_path, 'PhysicalSizeX="0.5" PhysicalSizeXUnit="&b;"', bomb)
    assert found is None
    assert "cannot be read" in received


@pytest.mark.skipif(not REPORTS.is_dir(), reason="../shared/data/reports is absent")
@pytest.mark.parametrize("name", ["imagej-um-per-cm/um_cm.tif", "ome-entity/ome_ent.ome.tif"])
def test_reported_files_have_half_a_micrometre(name: str) -> None:
    assert read_header(REPORTS / name).um_per_px == pytest.approx(0.5)
