"""Hold that contact sheets show every crop of a class at one scale, and that all ways out give the
same pages.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import add_specimens
from PIL import Image, PdfParser

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Crop
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.editing.history import History
from poregui.workflow.reporting.contact_sheets import (
    COLUMNS,
    HEIGHT,
    ROWS,
    WIDTH,
    draw_sheet,
    export_sheets_pdf,
    plan_sheets,
)

PER_PAGE = COLUMNS * ROWS


def add(
    project: Project, sides: list[int], label: int, specimen: int | None, um_per_px: float | None
) -> None:
    """Add square crops, dark all over, of these sides in px."""
    first = project.next_id("crops")
    crops = []
    for number, side in enumerate(sides):
        key = project.pixels.add(
            CropPixels(np.full((side, side), 30 + first % 7, np.uint8), 0.0, 255.0)
        )
        crops.append(
            Crop(
                first + number,
                key,
                side,
                side,
                source="x.png",
                specimen_id=specimen,
                um_per_px=um_per_px,
                label=label,
            )
        )
    History(project).apply(AddCrops(tuple(crops), "Ada"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with Project.create(tmp_path / "p") as made:
        second, first = add_specimens(made, "S10", "S2")
        gas, keyhole, _ = (c.id for c in made.classes())
        add(made, [20] * PER_PAGE, gas, second.id, 0.5)
        add(made, [20, 10], gas, first.id, 0.5)
        add(made, [5], gas, first.id, 2.0)
        add(made, [16, 12], keyhole, None, None)
        yield made


def widths(page: Image.Image) -> list[int]:
    """Return the widths of the dark squares in the first row of a page."""
    rows = np.asarray(page.convert("L"))[345:628]
    dark = ((rows < 45).sum(axis=0) > 20).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], dark, [0]])))
    return [int(b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def test_crops_go_by_class_and_specimen_and_fill_pages(project: Project) -> None:
    sheets = plan_sheets(project)
    assert [(s.pore_class.name, len(s.crops), s.calibrated) for s in sheets] == [
        ("Gas", PER_PAGE, True), ("Gas", 3, True), ("Keyhole", 2, False),
    ]  # fmt: skip
    names = {s.id: s.name for s in project.specimens()}
    order = [names[crop.specimen_id or 0] for crop in (*sheets[0].crops, *sheets[1].crops)]
    assert order == ["S2"] * 3 + ["S10"] * PER_PAGE
    assert [(s.number, s.total, s.count, s.specimens) for s in sheets[:2]] == [
        (1, 3, 28, 2),
        (2, 3, 28, 2),
    ]


def test_the_crops_of_a_class_are_as_large_as_their_um_say(project: Project) -> None:
    first, _, pixels = plan_sheets(project)
    found = widths(draw_sheet(project, first))
    assert found[:3] == [
        pytest.approx(w, abs=2) for w in (10 * first.scale, 5 * first.scale, 10 * first.scale)
    ]
    assert len(found) == COLUMNS
    by_px = widths(draw_sheet(project, pixels))
    assert by_px[0] / by_px[1] == pytest.approx(16 / 12, rel=0.02)


def test_a_crop_far_larger_than_the_others_shows_its_middle_at_their_scale(
    project: Project,
) -> None:
    fusion = project.classes()[2].id
    add(project, [10] * 40 + [400], fusion, None, 1.0)
    *_, last = plan_sheets(project)
    assert last.scale * 10 == pytest.approx(283, abs=1)
    page = draw_sheet(project, last)
    assert page.size == (WIDTH, HEIGHT)
    assert max(widths(page)) <= 284


def test_the_pdf_has_every_page_at_the_size_of_paper(project: Project, tmp_path: Path) -> None:
    add(project, [9] * (9 * PER_PAGE), project.classes()[2].id, None, 0.5)
    pages = export_sheets_pdf(project, tmp_path / "deep" / "sheets.pdf")
    assert pages == 12  # more than are written at a time
    with PdfParser.PdfParser(str(tmp_path / "deep" / "sheets.pdf")) as parser:
        assert len(parser.pages) == 12
        box = parser.read_indirect(parser.pages[0])[b"MediaBox"]
    assert box[2:] == [pytest.approx(595, abs=1), pytest.approx(842, abs=1)]


def test_the_command_line_writes_pdf_and_png(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.close()
    assert (
        main(["export", str(tmp_path / "p"), str(tmp_path / "s.pdf"), "--format", "contact-sheets"])
        == 0
    )
    assert "Wrote 3 pages" in capsys.readouterr().out
    assert (tmp_path / "s.pdf").read_bytes().startswith(b"%PDF")
    assert (
        main(["export", str(tmp_path / "p"), str(tmp_path / "s"), "--format", "contact-sheets-png"])
        == 0
    )
    names = sorted(path.name for path in (tmp_path / "s").iterdir())
    assert names == ["001 Gas.png", "002 Gas.png", "003 Keyhole.png"]


def test_a_project_without_labels_says_that_there_is_nothing_to_show(tmp_path: Path) -> None:
    with (
        Project.create(tmp_path / "p") as empty,
        pytest.raises(PoreguiError, match="nothing to show"),
    ):
        export_sheets_pdf(empty, tmp_path / "s.pdf")
    assert not (tmp_path / "s.pdf").exists()
