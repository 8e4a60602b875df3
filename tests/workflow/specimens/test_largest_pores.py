"""Hold that the largest pore is told with what it rests on, or refused with a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from outlined_specimens import outlined_project

from poregui.cli.main import main
from poregui.workflow.specimens.largest_pores import largest_pores
from poregui.workflow.specimens.specimen_fields import FieldSet, SpecimenField


def drawn(fields: int, pores: int, um_per_px: float | None = 0.5) -> FieldSet:
    rng = np.random.default_rng(4)
    made = [
        SpecimenField(f"m{i}", "A", 4e6, um_per_px, rng.exponential(8, pores) ** 2 + 4, 1.0)
        for i in range(fields)
    ]
    return FieldSet(tuple(made), "labels")


def test_both_methods_are_told_in_micrometres() -> None:
    values = largest_pores(drawn(30, 40), 300, "Gas").to_json()
    json.dumps(values, allow_nan=False)
    for name in ("gumbel", "pot"):
        low, high = values[name]["interval95"]
        assert 10 < low < values[name]["largest_sqrt_area_um"] < high < 120
        assert values[name]["n_fields"] == 30
    assert any("statistic of sections" in note for note in values["notes"])


def test_few_fields_are_refused_by_both_and_few_pores_by_peaks() -> None:
    values = largest_pores(drawn(6, 40), 300).to_json()
    assert "Only 6 fields with such a pore" in values["gumbel"]["refused"]
    assert values["pot"]["refused"] == values["gumbel"]["refused"]
    few = largest_pores(drawn(20, 2), 300).to_json()
    assert "Only 40 such pores" in few["pot"]["refused"]
    assert "largest_sqrt_area_um" in few["gumbel"]


def test_the_command_line_refuses_what_it_cannot_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outlined_project(tmp_path / "p", {"A": [[10], [20]]}).close()
    call = ["extremes", str(tmp_path / "p"), "--area"]
    assert main([*call, "100", "--json"]) == 0
    assert "refused" in json.loads(capsys.readouterr().out)["gumbel"]
    assert main([*call, "-1"]) == 2
    assert "not an area" in capsys.readouterr().err
