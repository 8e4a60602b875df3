"""Hold that a mistaken pixel size, or any other fault, ends the work on one micrograph alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from size_model import draw_discs, write_size_model

from poregui.cli.main import main
from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError, faults_of
from poregui.domain.geometry import Box
from poregui.workflow.applying import pool
from poregui.workflow.applying.classify import Stopped
from poregui.workflow.applying.field import FieldProblem, FieldResult, FieldTask, apply_field
from poregui.workflow.applying.pool import apply_all, work_on


def task(tmp_path: Path, um_per_px: float, name: str = "a.png") -> FieldTask:
    model = tmp_path / "um" / "model.onnx"
    if not model.exists():
        write_size_model(tmp_path / "um", um_per_px=1.0)
    if not (tmp_path / name).exists():
        draw_discs(tmp_path / name, [34.0] * 3)
    return FieldTask(
        file=tmp_path / name,
        folder=tmp_path / "out" / name,
        specimen="S1",
        model=model,
        sidecar=model.with_suffix(".json"),
        recipe=DetectionRecipe(),
        um_per_px=um_per_px,
        colours=("#1f77b4", "#117733", "#d95f02"),
    )


@pytest.mark.parametrize(("um_per_px", "text"), [(1000.0, "1,000 times above"), (0.001, "below")])
def test_a_pixel_size_in_another_unit_is_refused_before_anything_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, um_per_px: float, text: str
) -> None:
    monkeypatch.setattr("poregui.workflow.applying.field.detect_by", pytest.fail)
    with pytest.raises(PoreguiError, match=text) as caught:
        apply_field(task(tmp_path, um_per_px))
    assert "another unit" in caught.value.remedy


def test_a_micrograph_with_a_wrong_scale_leaves_the_others_of_a_batch_alone(tmp_path: Path) -> None:
    tasks = [task(tmp_path, size, f"{size}.png") for size in (1.0, 250.0, 2.0)]
    applied = apply_all(tasks, workers=1)
    assert [one.name for one in applied.results] == ["1.0.png", "2.0.png"]
    (problem,) = applied.problems
    assert (problem.name, "250 times above" in problem.reason) == ("250.0.png", True)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (MemoryError(), "needs more memory"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (ValueError("a strange number"), "unexpected fault"),
        (PoreguiError("It is damaged.", "Look."), "It is damaged. Look."),
    ],
)
def test_any_fault_becomes_the_problem_of_its_micrograph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception, text: str
) -> None:
    def fails(*_: object) -> FieldResult:
        raise fault

    monkeypatch.setattr(pool, "apply_field", fails)
    problem = work_on(task(tmp_path, 1.0))
    assert isinstance(problem, FieldProblem)
    assert text in problem.reason


def test_work_that_nobody_waits_for_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(*_: object) -> FieldResult:
        raise Stopped

    monkeypatch.setattr(pool, "apply_field", stops)
    with pytest.raises(Stopped):
        work_on(task(tmp_path, 1.0))


def test_a_view_many_times_the_image_is_refused() -> None:
    recipe = DetectionRecipe(view="fixed", view_size=100.0)
    with pytest.raises(PoreguiError, match=r"100 um is 100,000 px"):
        recipe.crop_box(Box(10, 10, 20, 20), 600, 400, 0.001)
    assert recipe.crop_box(Box(10, 10, 20, 20), 60, 40, 0.5).width == 60


def test_a_crop_is_not_enlarged_beyond_what_any_network_looks_at(tmp_path: Path) -> None:
    large = replace(task(tmp_path, 40.0), recipe=DetectionRecipe(view="fixed", view_size=24_000.0))
    result = apply_field(large)
    assert result.resampled == pytest.approx(40.0)
    assert result.pores == 3


@pytest.mark.parametrize("typed", ["0", "1e-6", "5000", "nan"])
def test_an_absurd_pixel_size_is_refused_wherever_it_is_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    model = write_size_model(tmp_path / "um", um_per_px=1.0)
    draw_discs(tmp_path / "a.png", [34.0])
    assert main(["new", str(tmp_path / "p")]) == 0
    project = str(tmp_path / "p")
    for text in (
        ["import", project, str(tmp_path / "a.png"), "--um-per-px", typed],
        ["apply", str(model), str(tmp_path / "a.png"), "--out", "x", "--um-per-px", typed],
    ):
        assert main(text) == 2
        assert "is not a valid pixel size. Give a number from 0.0001" in capsys.readouterr().err


def test_what_the_machine_refuses_names_the_micrograph() -> None:
    with pytest.raises(PoreguiError, match=r"a\.tif needs more memory"), faults_of("a.tif"):
        raise MemoryError
