"""Hold that pixels without a value are no part of the field, with and without a search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from poregui.cli.main import main
from poregui.domain.geometry import Box, Mask, Outline
from poregui.domain.records import Micrograph
from poregui.store.files import file_hash
from poregui.workflow.detecting.measuring import measure_field


@pytest.mark.parametrize("masked", [False, True])
def test_a_field_that_was_never_searched_is_without_missing_pixels(
    tmp_path: Path, masked: bool
) -> None:
    values = np.full((100, 200), 0.7, np.float32) + np.random.default_rng(1).random((100, 200)) / 9
    values[:, :50] = np.nan
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, values.astype(np.float32))
    masks = (Mask.of_box(Box(0, 0, 200, 40)),) if masked else ()
    micrograph = Micrograph(1, "a.tif", "a.tif", file_hash(file), 200, 100, 16, 1, masks=masks)
    pore = Outline.of([(100, 50), (120, 50), (120, 70), (100, 70)])
    field = measure_field(micrograph, file, tmp_path, {1: pore})
    assert field.field_area_px == 150 * (60 if masked else 100)


def test_the_command_line_says_what_is_missing_and_leaves_it_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = 0.7 + np.random.default_rng(1).normal(0, 0.01, (100, 200)).astype(np.float32)
    values[40:60, 100:120] = 0.1
    values[:20, :50] = -9999
    tifffile.imwrite(tmp_path / "a.tif", values.astype(np.float32))
    project = str(tmp_path / "p")
    assert main(["new", project]) == 0
    assert main(["import", project, str(tmp_path / "a.tif"), "--as", "micrographs"]) == 0
    received = capsys.readouterr().out
    assert "1,000 pixels (5.00 %) without a value (-9999)" in received
    assert "counted neither as pore nor as field" in received
    assert main(["detect", project]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("a.tif")]
    assert row.split()[1] == "1"
    assert float(row.split()[2]) == pytest.approx(100 * 400 / 19_000, rel=0.02)
