"""Nothing leaves this machine, and nothing is left in a person's folders: ONNX Runtime must not
report its use.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from size_model import draw_discs, write_size_model

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
FOLDERS += ("APPDATA", "LOCALAPPDATA")


def python(home: Path, *text: str | Path) -> str:
    """Run Python with an empty home, without what this process has set, and return what it said."""
    home.mkdir()
    surroundings = {
        name: value for name, value in os.environ.items() if not name.startswith("ORT_")
    }
    surroundings |= dict.fromkeys(FOLDERS, str(home))
    done = subprocess.run(
        [sys.executable, "-P", *map(str, text)],
        env={**surroundings, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def left_in(home: Path) -> list[str]:
    return [path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()]


@pytest.mark.parametrize("wish", ["", "import os; os.environ['ORT_DISABLE_TELEMETRY'] = '0'; "])
def test_reporting_is_switched_off_before_onnx_runtime_can_be_loaded(
    tmp_path: Path, wish: str
) -> None:
    look = (
        "import os, sys, poregui; print(os.environ['ORT_DISABLE_TELEMETRY'], 'onnxruntime' in "
        "sys.modules)"
    )
    assert python(tmp_path / "home", "-c", wish + look) == "1 False"


def test_a_process_that_this_one_starts_afresh_inherits_it(tmp_path: Path) -> None:
    look = (
        "import multiprocessing, os, poregui; from concurrent.futures import ProcessPoolExecutor; "
        "pool = ProcessPoolExecutor(1, multiprocessing.get_context('spawn')); "
        "print(pool.submit(os.getenv, 'ORT_DISABLE_TELEMETRY').result())"
    )
    assert python(tmp_path / "home", "-c", look) == "1"


@pytest.mark.parametrize("workers", [1, 2])
def test_applying_a_network_leaves_nothing_in_a_persons_folders(
    tmp_path: Path, workers: int
) -> None:
    model = write_size_model(tmp_path / "model")
    draw_discs(tmp_path / "a.png", [20.0] * 5)
    draw_discs(tmp_path / "b.png", [20.0] * 5)
    text = ["-m", "poregui", "apply", model, tmp_path / "a.png", tmp_path / "b.png"]
    python(tmp_path / "home", *text, "--out", tmp_path / "out", "--workers", str(workers))
    assert len(list((tmp_path / "out").rglob("pores.csv"))) == 2
    assert left_in(tmp_path / "home") == []


def test_a_network_that_is_run_by_itself_leaves_nothing_either(tmp_path: Path) -> None:
    model = write_size_model(tmp_path / "model")
    run = (
        "import sys; from pathlib import Path; from poregui.workflow.evaluating.predict import "
        "open_session; import numpy as np; model = Path(sys.argv[1]); session = "
        "open_session(model.read_bytes(), model, 1); given = {'image': np.zeros((2, 32, 32, 1), "
        "'f'), 'size': np.ones((2, 2), 'f')}; print(session.run(None, given)[0].shape)"
    )
    assert python(tmp_path / "home", "-c", run, model) == "(2, 3)"
    assert left_in(tmp_path / "home") == []
