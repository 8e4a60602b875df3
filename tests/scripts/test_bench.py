"""Hold the benchmarks to their form: one JSON object each; their numbers are
for people to judge.
"""

from __future__ import annotations

import json
import sys

import bench
import pytest


def test_a_benchmark_prints_one_json_object_with_its_machine(monkeypatch, capsys):
    monkeypatch.setitem(bench.BENCHMARKS, "train", lambda options, folder: {"seeds": options.seeds})
    monkeypatch.setattr(sys, "argv", ["bench.py", "train", "--seeds", "3,4"])
    assert bench.main() == 0
    received = json.loads(capsys.readouterr().out)
    assert received["benchmark"] == "train"
    assert received["seeds"] == [3, 4]
    assert received["cores"] >= 1


def test_a_project_is_measured_on_a_copy_without_its_runs(tmp_path):
    project = tmp_path / "mine"
    (project / "runs" / "001").mkdir(parents=True)
    (project / "project.db").write_bytes(b"db")
    (project / "project.lock").touch()
    options = bench.command_line().parse_args(["latency", "--project", str(project)])
    copy = bench.project_copy(options, tmp_path / "bench")
    assert sorted(path.name for path in copy.iterdir()) == ["project.db"]


def test_the_gaps_of_a_window_that_was_busy_are_seen(qtbot):
    import time

    from PySide6.QtCore import QTimer

    ticks = bench.Ticks()
    QTimer.singleShot(50, lambda: time.sleep(0.2))
    received = ticks.measure(0.6)
    assert received["longest_gap_ms"] >= 200
    assert received["ticks"] > 1


def test_an_unknown_benchmark_is_refused():
    with pytest.raises(SystemExit):
        bench.command_line().parse_args(["speed"])
