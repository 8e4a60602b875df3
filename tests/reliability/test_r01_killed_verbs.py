"""Hold that a verb which is killed at any time, and run again, gives what it gives at once (R1)."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from busy_project import make_busy, said_of, state_of

from poregui.cli.main import OK, main
from poregui.launching import child_environment

VERB = """
import sys
from poregui.cli import apply_verbs, detection_verbs, project_verbs
from poregui.cli.main import main

sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
sys.exit(main(sys.argv[1:]))
"""
VERBS = (
    "detect {project} --recipe {recipe}",
    "import {project} {images} --as micrographs",
    "pack {project} {out}/p.zip",
    "merge-labels {project} {copy} --settle theirs",
    "apply {project} {images} --out {out}/applied --um-per-px 1",
)


def kill(verb: str, folder: Path, after: float) -> None:
    """Run a verb in a process of its own and kill it `after` seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", VERB, *said_of(verb, folder)],
        env=child_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    time.sleep(after)
    process.kill()
    process.communicate()


def result_of(folder: Path) -> tuple[object, ...]:
    """Return what a project holds, and what was written for it."""
    out = folder / "out"
    tables = {path.relative_to(out): path.read_bytes() for path in out.rglob("pores.csv")}
    packed: list[str] = []
    if (out / "p.zip").exists():
        with zipfile.ZipFile(out / "p.zip") as file:
            assert file.testzip() is None
            packed = file.namelist()
    return state_of(folder / "p"), tables, packed


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.platform == "win32", reason="There is no SIGKILL here.")
def test_a_verb_that_was_killed_and_is_run_again_gives_what_it_gives_at_once(
    tmp_path: Path, repetitions: Callable[[int], int], capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(3)
    busy = make_busy(tmp_path / "busy")
    many = repetitions(35)
    for verb in VERBS[:many]:
        folder = tmp_path / verb.split()[0]
        shutil.copytree(busy, folder)
        began = time.monotonic()
        assert main(said_of(verb, folder)) == OK
        took = time.monotonic() - began
        expected = result_of(folder)
        for _ in range(max(1, many // len(VERBS))):
            shutil.rmtree(folder)
            shutil.copytree(busy, folder)
            kill(verb, folder, chance.uniform(0, 2 * took))
            assert main(said_of(verb, folder)) == OK
            assert result_of(folder) == expected
    capsys.readouterr()
