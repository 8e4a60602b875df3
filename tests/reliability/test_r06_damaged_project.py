"""Hold that a damaged project.db opens, or is refused and comes back from its backup (R6)."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import add_micrograph, labelled_project

from poregui.domain.errors import PoreguiError, ProjectError
from poregui.store.backups import make_backup, restore
from poregui.store.project import Project

pytestmark = pytest.mark.timeout(900)
Labels = dict[int, int | None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with labelled_project(tmp_path / "p", specimens=3, per_class=30) as project:
        add_micrograph(project, tmp_path / "a.png", um_per_px=0.5)
    make_backup(tmp_path / "p")
    return tmp_path / "p"


def read_all(folder: Path) -> Labels:
    """Read all that a window reads of a project.db."""
    with Project.open(folder) as project:
        project.classes()
        project.class_uids()
        project.specimens()
        project.micrographs()
        project.crops()
        project.outlines()
        project.detections()
        project.remarks()
        project.looks()
        project.test_split()
        project.label_log()
        return project.labels()


def refusal(folder: Path) -> PoreguiError | None:
    """Return the error with which reading a project ends."""
    try:
        read_all(folder)
    except PoreguiError as error:
        return error
    return None


def try_damage(folder: Path, content: bytes, good: Labels, *, comes_back: bool) -> bool:
    """Open a project with this content, restore its backup where it is refused; tell whether so."""
    file = folder / "project.db"
    for journal in folder.glob("project.db-*"):
        journal.unlink()
    file.write_bytes(content)
    error = refusal(folder)
    if error is not None:
        assert error.what.endswith(".")
        assert error.remedy
        assert file.read_bytes() == content
        if comes_back:
            kept = restore(folder, "newest").kept
            assert read_all(folder) == good
            if kept is not None and kept.name.startswith("project.damaged"):
                assert kept.read_bytes() == content
                kept.unlink()
        return True
    assert file.read_bytes() == content
    return False


def test_a_project_cut_at_any_place_is_refused_and_comes_back(
    folder: Path, repetitions: Callable[[int], int]
) -> None:
    good = read_all(folder)
    content = (folder / "project.db").read_bytes()
    dice = random.Random(0)
    for _ in range(repetitions(50)):
        cut = dice.randrange(len(content))
        assert try_damage(folder, content[:cut], good, comes_back=True)


def test_a_flipped_byte_is_survived_or_refused_and_the_file_stays_as_it_is(
    folder: Path, repetitions: Callable[[int], int]
) -> None:
    good = read_all(folder)
    content = (folder / "project.db").read_bytes()
    dice = random.Random(1)
    refused = 0
    many = repetitions(1000)
    for number in range(many):
        changed = bytearray(content)
        reach = len(content) if number % 2 else 4096
        index = dice.randrange(reach)
        changed[index] ^= 1 << dice.randrange(8)
        refused += try_damage(folder, bytes(changed), good, comes_back=number % 10 == 0)
    assert 0 < refused < many


def test_a_project_of_a_newer_version_is_refused_and_its_backup_of_that_version_too(
    folder: Path,
) -> None:
    file = folder / "project.db"
    content = bytearray(file.read_bytes())
    content[60:64] = (99).to_bytes(4, "big")  # where SQLite keeps user_version
    file.write_bytes(content)
    with pytest.raises(ProjectError, match="newer poregui"):
        Project.open(folder)
    assert file.read_bytes() == content
    (backup,) = (folder / "backups").iterdir()
    shutil.copyfile(file, backup)
    with pytest.raises(ProjectError, match="newer poregui"):
        restore(folder, backup.name)
