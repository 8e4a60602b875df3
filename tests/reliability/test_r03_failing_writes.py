"""Hold that a file that was good stays byte for byte where any write of the next fails (R3)."""

from __future__ import annotations

import builtins
import errno
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import labelled_project
from finished_runs import finished_run
from full_disk import no_file_beyond
from old_projects import project_of_version_1
from run_folders import make_run

from poregui.cli.main import OK, REFUSED, main
from poregui.domain.errors import PoreguiError
from poregui.domain.recipe import recipe_for
from poregui.gui.services.printing import write_pdf_of
from poregui.learning import checkpoint
from poregui.learning.checkpoint import Snapshot, State
from poregui.store.backups import make_backup
from poregui.store.project import Project
from poregui.vision.patches import InputSpec
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops

ERRORS = (errno.ENOSPC, errno.EACCES, errno.EIO)
WRITERS = ("checkpoint", "pdf", "csv", "report", "pack", "backup")


class Failing:
    """Let the n-th of all openings, flushes to disk and replacements of files fail."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int, code: int, below: Path) -> None:
        self.left = number
        self.code = code
        self.below = str(below)
        self.failed = False
        opened = builtins.open
        fsync = os.fsync
        replaced = os.replace

        def open_(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
            if set(mode) & set("wax+") and str(file).startswith(self.below):
                self._count()
            return opened(file, mode, *more, **named)

        patch.setattr(builtins, "open", open_)
        patch.setattr(io, "open", open_)
        patch.setattr(os, "fsync", lambda descriptor: (self._count(), fsync(descriptor)))
        patch.setattr(os, "replace", lambda a, b: (self._count(), replaced(a, b)))

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.failed = True
            raise OSError(self.code, os.strerror(self.code))


def verb(*text: str) -> Callable[[], None]:
    """Return a call of the command line that raises where it is refused."""

    def call() -> None:
        code = main(list(text))
        assert code in (OK, REFUSED)
        if code == REFUSED:
            raise PoreguiError("refused")

    return call


def everything(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, but for locks and what is only remembered."""
    left_out = (".lock", "stamps.json")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(left_out)
    }


@pytest.fixture
def writers(tmp_path: Path, qapp: object) -> dict[str, Callable[[], None]]:
    """Return by name what writes; each has written once, and has something else to write now."""
    folder = tmp_path / "p"
    with labelled_project(folder) as project:
        finished_run(project)
    out = tmp_path / "out"
    out.mkdir()
    number = 0

    def save_checkpoint() -> None:
        nonlocal number
        number += 1
        arrays = [np.full((8, 8), number, np.float32)]
        write = State(number, number, 0.5, 0.5, 0, 1.0)
        checkpoint.write(out / "checkpoint.npz", Snapshot(write, arrays, arrays, arrays))

    def backup() -> None:
        with Project.open(folder) as project:
            nonlocal number
            number += 1
            History(project).apply(label_crops(project, [1], 1 + number % 3, who="x"))
        make_backup(folder)

    def pdf() -> None:
        nonlocal number
        number += 1
        write_pdf_of(f"<h1>Report {number}</h1>" + "<p>words</p>" * 40, out / "report.pdf")

    return {
        "checkpoint": save_checkpoint,
        "pdf": pdf,
        "csv": verb("export", str(folder), str(out / "labels.csv"), "--format", "csv"),
        "report": verb("report", str(folder), str(out / "report.html")),
        "pack": verb("pack", str(folder), str(out / "p.zip")),
        "backup": backup,
    }


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.timeout(900)
def test_the_previous_file_stays_byte_for_byte_where_any_write_of_the_next_fails(
    writers: dict[str, Callable[[], None]],
    name: str,
    tmp_path: Path,
    repetitions: Callable[[int], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    act = writers[name]
    act()
    kept = tmp_path / "out" if name != "backup" else tmp_path / "p" / "backups"
    failed = 0
    for number in range(1, repetitions(60) + 3):
        for code in ERRORS[: repetitions(30)]:
            before = everything(kept)
            with pytest.MonkeyPatch.context() as patch:
                failing = Failing(patch, number, code, tmp_path)
                try:
                    act()
                except (PoreguiError, OSError):
                    assert failing.failed
                    failed += 1
                    after = everything(kept)
                    assert after == before
                    assert [n for n in after if Path(n).name.startswith(".")] == []
        if not failing.failed:
            break  # there are no more writes
    capsys.readouterr()
    assert failed >= 2
    act()


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not limit files.")
@pytest.mark.timeout(900)
def test_the_previous_file_stays_byte_for_byte_where_the_disk_is_full_after_some_bytes(
    writers: dict[str, Callable[[], None]],
    name: str,
    tmp_path: Path,
    repetitions: Callable[[int], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    act = writers[name]
    act()
    kept = tmp_path / "out" if name != "backup" else tmp_path / "p" / "backups"
    largest = max(len(content) for content in everything(kept).values())
    many = repetitions(40)
    for number in range(many):
        before = everything(kept)
        limit = largest * number // many
        with no_file_beyond(limit), pytest.raises((PoreguiError, OSError)):
            act()
        assert everything(kept) == before
        capsys.readouterr()
    act()


@dataclass(frozen=True)
class Graph:
    content: bytes

    def SerializeToString(self) -> bytes:
        return self.content


@pytest.mark.parametrize("code", ERRORS)
def test_a_network_and_its_description_are_each_the_old_or_the_new_where_any_write_fails(
    tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from poregui.learning import export_onnx, trained_network

    run = make_run(tmp_path / "001", crops=12)
    dataset = run.read_dataset()
    spec = InputSpec(32, 1, stretched=False, sees_size=False, calibrated=False)
    monkeypatch.setattr(export_onnx, "_difference", lambda *_given: 0.0)
    monkeypatch.setattr(export_onnx, "build_graph", lambda model, blend: Graph(model))
    files = (run.onnx_file, run.sidecar_file)

    def write(version: int) -> None:
        recipe = recipe_for("default", seed=version)
        trained_network.export_model(run, b"network %d" % version, recipe, dataset, spec)

    write(1)
    old = [file.read_bytes() for file in files]
    write(2)
    new = [file.read_bytes() for file in files]
    for number in range(1, 20):
        write(1)
        with pytest.MonkeyPatch.context() as patch:
            failing = Failing(patch, number, code, tmp_path)
            with suppress(PoreguiError):
                write(2)
        now = [file.read_bytes() for file in files]
        if not failing.failed:
            break  # there are no more writes
        for index in (0, 1):
            assert now[index] in (old[index], new[index])
        assert now != new  # both differ between the versions
        assert [file.name for file in run.path.iterdir() if file.name.startswith(".")] == []
    assert now == new
    assert number > 6


@pytest.mark.parametrize("code", ERRORS)
def test_a_migration_whose_backup_cannot_be_written_changes_nothing(
    tmp_path: Path, code: int
) -> None:
    folder = project_of_version_1(tmp_path / "old")
    before = (folder / "project.db").read_bytes()
    for number in (1, 2):
        with pytest.MonkeyPatch.context() as patch:
            Failing(patch, number, code, tmp_path)
            with pytest.raises(PoreguiError):
                Project.open(folder)
        assert (folder / "project.db").read_bytes() == before
    with Project.open(folder) as project:
        assert project.crops()[0].label == 1
