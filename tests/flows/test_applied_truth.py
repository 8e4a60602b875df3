"""Hold that a trained run, applied to specimens that nobody labelled, gives intervals that hold the
true porosity.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from sample_once import copied_sample

from poregui.cli.main import main
from poregui.workflow.importing.sample_project import truth_folder


def truths(project: Path) -> dict[str, dict[str, float]]:
    """Return the true pore area in square px of each micrograph and class."""
    areas: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    with open(truth_folder(project) / "truth.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            areas[row["micrograph"]][row["class"]] += float(row["area_px"])
    return areas


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_the_intervals_hold_the_truth_of_the_four_specimens_without_labels(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    project, out = copied_sample(tmp_path_factory, tmp_path / "titanium"), tmp_path / "out"
    assert main(["train", str(project), "--epochs", "24", "--seed", "0"]) == 0
    files = sorted(str(file) for file in (project / "micrographs").glob("S1[1-4]_*"))
    capsys.readouterr()
    assert main(["apply", str(project), *files, "--out", str(out), "--json"]) == 0
    received = json.loads(capsys.readouterr().out)
    assert received["corrected"]
    fields = [
        json.loads(one.read_text(encoding="utf-8"))
        for one in sorted(out.glob("fields/*/field.json"))
    ]
    true = truths(project)
    missed = []
    for name in received["classes"]:
        of_specimen = {}
        for group in received["specimens"]:
            own = [one for one in fields if one["specimen"] == group["name"]]
            area = sum(true[one["name"]][name] for one in own)
            of_specimen[group["name"]] = 100 * area / sum(one["field_area_px"] for one in own)
        wanted = {**of_specimen, "All": float(np.mean(list(of_specimen.values())))}
        for group in (*received["specimens"], received["whole"]):
            found = next(one for one in group["classes"] if one["name"] == name)["area"]
            if not found["low"] <= wanted[group["name"]] <= found["high"]:
                missed.append((group["name"], name, wanted[group["name"]], found))
    assert len(received["specimens"]) == 4
    assert missed == []
