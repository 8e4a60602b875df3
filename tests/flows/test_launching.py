"""No file of the working folder is run by poregui or a process that it starts, and those find the
same poregui.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from label_desk import add_ready_made
from size_model import draw_discs, write_size_model

import poregui
from poregui.gui.services.suggester import SUGGEST
from poregui.gui.services.trainer import FIT
from poregui.gui.services.warm_trainer import WAIT
from poregui.launching import child_environment, poregui_command, python_command
from poregui.store.project import Project

ROOT = Path(__file__).resolve().parents[2]
BEFORE_US = ("poregui", "runpy", "sitecustomize", "usercustomize")
"""Modules that `python -m poregui` itself takes from the working folder, before anything of ours
runs.
"""
HOSTILE = (
    *(
        "argparse",
        "json",
        "multiprocessing",
        "numpy",
        "onnxruntime",
        "pickle",
        "platform",
        "PySide6",
        "random",
    ),
    *("selectors", "socket", "sqlite3", "subprocess", "tempfile", "uuid"),
)
TRAP = "import os\nwith open({marker!r}, 'a') as file:\n    file.write(__name__ + ' ')\n"
START = (
    "import sys\nfrom poregui.__main__ import main\nif __name__ == "
    "'__main__':\n    "
    "sys.exit(main())\n"
)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Return a folder whose modules leave their names in `ran.txt` beside it when they are run."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    for name in (*HOSTILE, *BEFORE_US):
        (folder / f"{name}.py").write_text(TRAP.format(marker=str(tmp_path / "ran.txt")))
    return folder


def ran(hostile: Path) -> str:
    marker = hostile.parent / "ran.txt"
    return marker.read_text() if marker.exists() else ""


def command(way: str, hostile: Path) -> list[str]:
    """Return how a person starts poregui: by its own command, or as a module,
    with -P or without.
    """
    if way == "command":
        (hostile.parent / "bin").mkdir(exist_ok=True)
        (hostile.parent / "bin" / "start.py").write_text(START)
        return [sys.executable, str(hostile.parent / "bin" / "start.py")]
    if way == "module":
        for name in BEFORE_US:
            (hostile / f"{name}.py").unlink()
        return [sys.executable, "-m", "poregui"]
    return [sys.executable, "-P", "-m", "poregui"]


def poregui_in(hostile: Path, way: str, *text: str | Path) -> None:
    done = subprocess.run(
        [*command(way, hostile), *map(str, text)],
        cwd=hostile,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran(hostile) == ""
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("way", ["command", "module", "safe module"])
def test_applying_and_its_report_as_pdf_run_nothing_of_the_working_folder(
    hostile: Path, way: str
) -> None:
    model = write_size_model(hostile.parent / "model")
    for name in ("a.png", "b.png"):
        draw_discs(hostile.parent / name, [20.0] * 5)
    images = [hostile.parent / "a.png", hostile.parent / "b.png"]
    out, report = hostile.parent / "out", hostile.parent / "report.pdf"
    poregui_in(
        hostile, way, "apply", model, *images, "--out", out, "--workers", "2", "--report", report
    )
    assert report.read_bytes().startswith(b"%PDF")


def test_training_runs_nothing_of_the_working_folder(hostile: Path) -> None:
    folder = hostile.parent / "steel"
    with Project.create(folder) as project:
        add_ready_made(project, 60)
        with project.transaction():
            project.put_labels(((i + 1, 1 + i % 3) for i in range(60)), who="ada", how="manual")
    poregui_in(hostile, "command", "train", folder, "--preset", "shape")
    assert (folder / "runs" / "001" / "predictions.csv").exists()


@pytest.mark.parametrize("paths", [None, "", os.pathsep, ".", f"{os.pathsep}."])
def test_a_child_finds_this_very_package_and_nothing_of_the_working_folder(
    hostile: Path, monkeypatch, paths: str | None
) -> None:
    if paths is None:
        monkeypatch.delenv("PYTHONPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONPATH", paths)
    look = "import json, multiprocessing, random, poregui; print(poregui.__file__)"
    done = subprocess.run(
        python_command("-c", look),
        cwd=hostile,
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran(hostile) == ""
    assert done.stdout.strip() == str(Path(poregui.__file__).resolve())


def test_a_child_keeps_the_folders_that_a_person_named_in_full(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["lib", str(tmp_path), ""]))
    received = child_environment(OMP_NUM_THREADS="1")
    assert received["PYTHONPATH"].split(os.pathsep) == [str(ROOT), str(tmp_path)]
    assert received["OMP_NUM_THREADS"] == "1"
    assert received["ORT_DISABLE_TELEMETRY"] == "1"


def test_run_from_a_checkout_python_m_poregui_still_finds_it(tmp_path: Path) -> None:
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    look = [sys.executable, "-S", "-m", "poregui", "--help"]  # -S: no other poregui is installed
    done = subprocess.run(
        look, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_process_of_ours_is_started_in_this_one_way() -> None:
    naming = {
        path.relative_to(ROOT / "poregui").as_posix()
        for path in (ROOT / "poregui").rglob("*.py")
        if "sys.executable" in path.read_text(encoding="utf-8")
    }
    assert naming == {"launching.py", "cli/doctor.py"}  # doctor shows it
    for text in (FIT, WAIT, SUGGEST):
        assert text[:4] == poregui_command() == (sys.executable, "-P", "-m", "poregui")
