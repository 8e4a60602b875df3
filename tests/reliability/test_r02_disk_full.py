"""Hold that a disk that is full at any step costs nothing that was shown (R2).

The system refuses bytes beyond a size of file, which falls from step to step, so that each write of
an edit is once the one that is refused.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import add_crops, grey, labelled_project
from busy_project import make_busy, said_of, state_of
from full_disk import no_file_beyond

from poregui.cli.main import OK, REFUSED, main
from poregui.domain.errors import PoreguiError
from poregui.store.backups import make_backup
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import add_class, label_crops, remove_crops
from poregui.workflow.exporting.export_kinds import EXPORTS

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows does not limit files."),
    pytest.mark.timeout(900),
]


def label_all(project: Project, history: History, number: int) -> None:
    ids = [crop.id for crop in project.crops()]
    history.apply(label_crops(project, ids, 1 + number % 3, who="Ada"))


def add_pixels(project: Project, history: History, number: int) -> None:
    project.pixels.add(CropPixels(grey(90_000 + number, 200, 200), 0.0, 255.0))


def class_and_undo(project: Project, history: History, number: int) -> None:
    history.apply(add_class(project, f"Crack {number}"))
    history.undo()


def back_up(project: Project, history: History, number: int) -> None:
    make_backup(project.folder)


def remove_and_undo(project: Project, history: History, number: int) -> None:
    history.apply(remove_crops([project.crops()[0].id]))
    history.undo()


Step = Callable[[Project, History, int], None]
STEPS: tuple[Step, ...] = (
    label_all,
    add_pixels,
    class_and_undo,
    back_up,
    remove_and_undo,
)


def test_a_disk_that_is_full_at_any_write_loses_nothing_and_works_again_with_room(
    tmp_path: Path, repetitions: Callable[[int], int]
) -> None:
    refused = 0
    many = repetitions(200)
    with labelled_project(tmp_path / "p", specimens=1, per_class=8) as project:
        history = History(project)
        room = (project.folder / "project.db").stat().st_size + 4096
        for number in range(many):
            label_all(project, history, number)
            before = project.labels()
            limit = int(room * (1 - number / many) / 512) * 512
            step = STEPS[number % len(STEPS)]
            error = refusal(step, project, history, number + 1, limit)
            if error is not None:
                refused += 1
                assert str(project.folder) in error.what
                assert project.labels() == before or step is remove_and_undo
            while history.undo_text.startswith(("remove", "delete", "add class")):
                history.undo()
            add_crops(project, [1], seed=number + 1)
            assert project.label_counts()[1] >= 1
            if number % 10 == 0:
                check(project.folder)
        kept = project.labels()
    check(tmp_path / "p")
    assert refused > many // 3
    with Project.open(tmp_path / "p") as project:
        assert project.labels() == kept
        assert not project.read_only


def refusal(
    step: Step, project: Project, history: History, number: int, limit: int
) -> PoreguiError | None:
    """Do a step while no file may grow beyond a limit; return the error that it ended with."""
    try:
        with no_file_beyond(limit):
            step(project, history, number)
    except PoreguiError as error:
        return error
    return None


VERBS = (
    "new {out}/p",
    "demo {out}/demo",
    "import {project} {images} --as micrographs",
    "import-outlines {project} {coco}",
    "micrographs {project} --set-scale 0.7",
    "detect {project} --recipe {recipe}",
    "measure {project} {out}/pores.csv",
    "split {project} --test S01",
    "evaluate {project} --predictions {out}/predictions.csv",
    "evaluate {project} --figures {out}/figures",
    "report {project} {out}/report.html",
    "report {project} {out}/report.pdf",
    "suspects {project}",
    "train {project} --preset shape",
    "pack {project} {out}/p.zip",
    "backup {project}",
    "merge-labels {project} {copy} --settle theirs",
    "lock {project} --out {out}/locked --by Ada",
    "apply {project} {images} --out {out}/applied --um-per-px 1",
    *(f"export {{project}} {{out}}/{form} --format {form}" for form in EXPORTS),
)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_busy(tmp_path_factory.mktemp("full"))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_on_a_full_disk_is_a_sentence_and_changes_nothing(
    full: Path,
    tmp_path: Path,
    verb: str,
    repetitions: Callable[[int], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    there = tmp_path / "full"
    shutil.copytree(full, there)
    folder = there / "p"
    given = said_of(verb, there)
    before = state_of(folder)
    with no_file_beyond(0):
        code = main(given)
    said = capsys.readouterr().err
    assert code == REFUSED, said
    assert len(re.findall("^poregui: ", said, re.MULTILINE)) == 1
    assert re.search(r"^poregui: .*(is full|disk failed)", said, re.MULTILINE)
    assert "Traceback" not in said
    assert state_of(folder) == before
    assert [path for path in (there / "out").rglob("*") if path.is_file()] == []
    if repetitions(10) > 1:
        assert main(given) == OK


def check(folder: Path) -> None:
    """Hold that both databases are sound."""
    for name in ("project.db", "pixels.db"):
        with contextlib.closing(sqlite3.connect(folder / name)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
