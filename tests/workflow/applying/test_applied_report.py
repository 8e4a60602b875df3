"""Hold that the report of applied micrographs has one page a specimen, the numbers of the summary,
and no gaps.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from html_page import Page
from size_model import draw_discs, write_size_model

from poregui.cli.main import main
from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError
from poregui.store.files import write_text
from poregui.workflow.applying.field import AppliedField, apply_field
from poregui.workflow.applying.inputs import ToApply, model_of_file, tasks_of
from poregui.workflow.applying.porosity_report import (
    AppliedFacts,
    applied_html,
    collect_applied,
    write_applied_report,
)
from poregui.workflow.applying.result_table import read_pores
from poregui.workflow.applying.size_figure import sizes_svg
from poregui.workflow.applying.summary import summarise

SMALL, MIDDLE, LARGE = 12.0, 34.0, 90.0
SURE = [[50, 0, 0], [0, 45, 5], [0, 5, 45]]


def facts_of(
    tmp_path: Path,
    fields: dict[str, list[list[float]]],
    um_per_px: float | None = 0.5,
    *,
    without: tuple[int, ...] = (),
    **more: object,
) -> AppliedFacts:
    recipe = DetectionRecipe(method="manual", level=125.0)
    model = model_of_file(write_size_model(tmp_path / "m", confusion=SURE), recipe)
    wanted = []
    for specimen, drawn in fields.items():
        for number, sizes in enumerate(drawn):
            file = tmp_path / f"{specimen or 'none'}_{number}.png"
            draw_discs(file, sizes, seed=number)
            wanted.append(ToApply(file, specimen, um_per_px))
    tasks = tasks_of(model, wanted, tmp_path / "out")
    results = [apply_field(one) for one in tasks]
    tables = [read_pores(one.folder, 3) for one in tasks]
    for gone in without:
        (tasks[gone].folder / "picture.npz").unlink()
    summary = summarise(model, results, tables, min_confidence=float(more.get("min_confidence", 0)))
    return collect_applied(model, list(map(AppliedField, tasks, results, tables)), summary, **more)


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> AppliedFacts:
    folder = tmp_path_factory.mktemp("facts")
    counts = ([MIDDLE] * 3 + [SMALL], [MIDDLE] * 4, [LARGE, MIDDLE], [MIDDLE] * 6)
    return facts_of(folder, {"A<b>": list(counts), "B": [[MIDDLE] * 2, [SMALL] * 9]})


def test_every_specimen_has_a_page_with_the_numbers_of_the_summary(received: AppliedFacts) -> None:
    text = applied_html(received)
    page = Page(text)
    assert "Specimen A<b>" in page.text
    assert "<b>A" not in text.replace("A&lt;b&gt;", "")
    assert all(one.startswith("data:image/jpeg;base64,") for one in page.fetched)
    assert text.count("page-break-before: always") == 3  # A, B, and how it was made
    for one in (received.whole, *received.pages):
        assert f"{one.group.porosity.mean:.3g} % area of pores" in page.text
        keyhole = one.group.classes[1]
        assert f"{keyhole.area.low:.3g} to {keyhole.area.high:.3g}" in page.text
        assert f"{keyhole.sizes.largest:.3g} {keyhole.sizes.root_area:.3g}" in page.text
        assert f"{keyhole.nearest.minimum:.3g} / {keyhole.nearest.middle:.3g}" in page.text
        assert f"{one.group.sensitivity[0].total:.4g}" in page.text
    assert "relative accuracy" in page.text
    assert "in the manner of ASTM E1245" in page.text
    assert "E2109" not in page.text


def test_the_report_says_network_recipe_hashes_and_whether_it_is_locked(
    received: AppliedFacts,
) -> None:
    page = Page(applied_html(received))
    for name, value in received.model:
        assert name in page.text
        assert value in page.text
    assert all(field.sha256 in page.text for one in received.pages for field in one.fields)
    assert "Smoothing 0.8 px" in page.text
    assert "is Keyhole 0 45 5" in page.text
    assert "Recipe not locked" in page.text


def test_the_examples_are_the_fields_with_the_least_the_middle_and_the_greatest_porosity(
    received: AppliedFacts,
) -> None:
    shown = received.pages[0].examples
    percents = sorted(field.percent for field in received.pages[0].fields)
    assert [one.caption.split(", ")[1] for one in shown] == [
        "the lowest",
        "the middle",
        "the highest",
    ]
    assert [one.caption.split(" ")[1] for one in shown] == [f"{percents[k]:.3g}" for k in (0, 2, 3)]
    assert len(received.pages[1].examples) == 2


def test_one_specimen_of_one_field_without_a_scale_has_no_interval_and_sizes_in_px(
    tmp_path: Path,
) -> None:
    received = facts_of(
        tmp_path, {"": [[MIDDLE] * 3]}, None, locked="locked by Ann on 2026-01-02, hash abc"
    )
    assert received.whole is None
    page = Page(applied_html(received))
    assert "Specimen none_0.png" in page.text
    assert (
        "one field alone has no interval. Areas of classes are corrected for confusion between "
        "classes." in page.text
    )
    assert "Equivalent diameter, px" in page.text
    assert "Recipe locked by Ann on 2026-01-02, hash abc" in page.text


def test_a_field_without_pores_and_a_picture_that_is_gone_leave_no_error(tmp_path: Path) -> None:
    received = facts_of(tmp_path, {"S": [[], []]})
    assert received.pages[0].sizes is None
    assert "0 % area of pores" in Page(applied_html(received)).text
    received = facts_of(tmp_path, {"S": [[], []]}, without=(0,))
    assert [one.name for one in received.pages[0].examples] == ["S_1.png"]


def test_less_than_the_wanted_confidence_is_said(tmp_path: Path) -> None:
    received = facts_of(tmp_path, {"S": [[SMALL] * 3]}, min_confidence=0.5)
    assert (
        "Pores below the minimum confidence of 50 % (0 pores, 0 % of the area)"
        in Page(applied_html(received)).text
    )


def test_the_report_is_written_as_html_and_as_pdf_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_size_model(tmp_path / "m", confusion=SURE)
    for number in range(2):
        draw_discs(tmp_path / f"{number}.png", [SMALL, MIDDLE, LARGE], seed=number)
    files = [str(tmp_path / f"{number}.png") for number in range(2)]
    asked = ["apply", str(model), *files, "--out", str(tmp_path / "out"), "--workers", "1"]
    assert main([*asked, "--report", str(tmp_path / "r.html"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"] == str(tmp_path / "r.html")
    assert "Specimen 1.png" in Page((tmp_path / "r.html").read_text(encoding="utf-8")).text
    assert main([*asked, "--report", str(tmp_path / "r.pdf")]) == 0
    content = (tmp_path / "r.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", content)) == 4
    assert main([*asked, "--report", str(tmp_path / "r.doc")]) == 2
    assert "is not a report file" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert main([*asked, "--report", str(tmp_path / "file" / "r.pdf")]) == 2
    assert capsys.readouterr().err.strip().count("\n") < 5


def test_a_pdf_that_cannot_be_printed_gets_a_sentence(
    received: AppliedFacts, tmp_path: Path
) -> None:
    from poregui.cli.output import print_pdf

    (tmp_path / "r.pdf").mkdir()
    with pytest.raises(PoreguiError, match="is a folder"):
        write_applied_report(received, tmp_path / "r.pdf", print_pdf)
    with pytest.raises(PoreguiError, match="could not be printed"):
        print_pdf("<p>never</p>", tmp_path / "r.pdf")
    write_applied_report(received, tmp_path / "r.htm", lambda text, out: write_text(out, "never"))
    assert (tmp_path / "r.htm").read_text(encoding="utf-8") != "never"


def test_the_curves_reach_all_pores_and_one_size_alone_can_be_drawn() -> None:
    svg = sizes_svg({"Gas": np.array([10.0]), "None": np.empty(0)}, {"Gas": "#112233"}, "um")
    assert "Gas (1)" in svg
    assert "None" not in svg
    assert "Equivalent diameter, µm" in svg
    assert sizes_svg({"Gas": np.empty(0)}, {}, "um") is None


def test_dots_mark_the_sizes_below_which_a_tenth_half_and_nine_tenths_lie() -> None:
    svg = sizes_svg({"Gas": np.geomspace(1.0, 100.0, 1001)}, {"Gas": "#112233"}, "um")
    dots = [
        (float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)
    ][:3]
    low, middle, high = sorted(dots)
    assert high[0] - middle[0] == pytest.approx(middle[0] - low[0], abs=0.5)
    assert middle[1] - high[1] == pytest.approx(low[1] - middle[1], abs=0.2)
