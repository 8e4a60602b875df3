"""Hold that project.db is backed up, that the copies are sound and few, and that one comes back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders import add_crops, labelled_project
from old_projects import project_of_version_1
from run_folders import make_run

from poregui.domain.errors import DamagedProjectError, PoreguiError, ProjectError
from poregui.store.backups import (
    Backup,
    backups_of,
    content_of,
    is_due,
    make_backup,
    make_due_backup,
    restore,
)
from poregui.store.database import SCHEMA_VERSION
from poregui.store.files import FileLock
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import label_crops

NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labelled_project(tmp_path / "p", specimens=1, per_class=2).close()
    return tmp_path / "p"


def label(folder: Path, crop_id: int, to: int | None) -> None:
    with Project.open(folder) as project:
        History(project).apply(label_crops(project, [crop_id], to, who="Ada"))


def labels(folder: Path) -> dict[int, int | None]:
    with Project.open(folder, read_only=True) as project:
        return project.labels()


def dated(folder: Path, backup: Backup, when: datetime) -> Path:
    """Give a backup the name of another time."""
    return backup.path.rename(backup.path.with_name(f"{when:%Y%m%d-%H%M%S}-{backup.reason}.db"))


def copies(folder: Path, times: list[datetime], reason: str = "scheduled") -> None:
    """Put backups of other times beside the only one that there is."""
    (first,) = backups_of(folder)
    for when in times:
        name = f"{when:%Y%m%d-%H%M%S}-{reason}.db"
        shutil.copyfile(first.path, first.path.with_name(name))


def test_a_backup_holds_all_labels_and_is_a_sound_database_of_its_own(folder: Path) -> None:
    backup = make_backup(folder)
    assert backup.path.parent == folder / "backups"
    assert (content_of(backup).labels, content_of(backup).crops) == (6, 6)
    with closing(sqlite3.connect(backup.path)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert copy.execute("SELECT COUNT(*) FROM label_log").fetchone() == (6,)
    assert [path.name for path in (folder / "backups").iterdir()] == [backup.name]


def test_an_unchanged_project_is_not_copied_again_and_a_changed_one_is(folder: Path) -> None:
    first = make_backup(folder)
    past = first.when.timestamp() - 10
    os.utime(folder / "project.db", (past, past))
    assert make_backup(folder, "before-merge") == first
    label(folder, 1, None)
    assert make_backup(folder).name != first.name
    assert len(backups_of(folder)) == 2


def test_a_backup_is_due_at_first_and_a_day_after_the_last_where_something_changed(
    folder: Path,
) -> None:
    assert is_due(folder)
    backup = make_due_backup(folder)
    assert backup is not None
    assert not is_due(folder)
    assert not is_due(folder, NOW + timedelta(hours=23))
    assert is_due(folder, NOW + timedelta(hours=25))
    past = backup.when.timestamp() - 10
    os.utime(folder / "project.db", (past, past))
    assert not is_due(folder, NOW + timedelta(hours=25))


def test_a_backup_that_a_wrong_clock_dated_into_the_future_holds_no_other_up(
    folder: Path,
) -> None:
    dated(folder, make_backup(folder), NOW + timedelta(days=400))
    assert is_due(folder)
    label(folder, 1, None)
    assert make_backup(folder).when < NOW + timedelta(days=1)


def test_backups_are_kept_for_some_days_and_weeks_and_before_dangerous_steps(folder: Path) -> None:
    make_backup(folder)
    copies(folder, [NOW - timedelta(hours=6 * step, minutes=1) for step in range(1, 200)])
    copies_before = [NOW - timedelta(days=40 + step) for step in range(6)]
    for when in copies_before:
        shutil.copyfile(
            backups_of(folder)[0].path, folder / "backups" / f"{when:%Y%m%d-%H%M%S}-before-merge.db"
        )
    stranger = folder / "backups" / "mine.db"
    stranger.write_text("not ours", encoding="utf-8")
    label(folder, 1, None)
    newest = make_backup(folder)
    kept = backups_of(folder)
    assert kept[0] == newest
    assert 8 <= len(kept) <= 15
    assert len({one.when.date() for one in kept}) >= 8
    assert sum(one.reason == "before-merge" for one in kept) == 4
    assert stranger.exists()


def test_a_damaged_project_makes_no_backup_and_takes_none_away(folder: Path) -> None:
    make_backup(folder)
    content = (folder / "project.db").read_bytes()
    (folder / "project.db").write_bytes(content[:5000] + bytes(4000) + content[9000:])
    with pytest.raises(ProjectError, match="damaged"):
        make_backup(folder)
    assert [path.name for path in (folder / "backups").iterdir()] == [backups_of(folder)[0].name]


def test_labels_are_given_while_backups_are_made_and_each_backup_is_sound(folder: Path) -> None:
    made: list[Backup] = []
    failed: list[BaseException] = []

    def keep() -> None:
        try:
            while not ended.is_set():
                made.append(make_backup(folder))
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    ended = threading.Event()
    thread = threading.Thread(target=keep)
    with Project.open(folder) as project:
        history = History(project)
        thread.start()
        for number in range(60):
            history.apply(label_crops(project, [1 + number % 6], 1 + number % 3, who="Ada"))
        ended.set()
        thread.join(60)
    assert failed == []
    assert made
    for one in backups_of(folder):
        with closing(sqlite3.connect(one.path)) as copy:
            (log,) = copy.execute("SELECT COUNT(*) FROM label_log").fetchone()
            last = copy.execute(
                "SELECT c.label = l.label FROM label_log l JOIN crops c ON c.id = l.crop_id "
                "ORDER BY l.id DESC LIMIT 1"
            ).fetchone()
        assert log >= 6
        assert last == (1,)


def test_a_restored_backup_has_its_labels_and_the_state_of_before_is_a_backup(folder: Path) -> None:
    before = labels(folder)
    backup = make_backup(folder)
    dated(folder, backup, NOW - timedelta(hours=2))
    label(folder, 1, None)
    after = labels(folder)
    (old,) = backups_of(folder)
    restored = restore(folder, old.name)
    assert labels(folder) == before
    assert restored.content.labels == 6
    assert restored.kept is not None
    restore(folder, restored.kept.name)
    assert labels(folder) == after


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "text": lambda file: file.write_bytes(b"no database" * 900),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:9000]),
    "a page of zeros": lambda file: file.write_bytes(file.read_bytes()[:4096] + bytes(40_000)),
    "missing": lambda file: file.unlink(),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_project_is_set_aside_as_it_is_and_its_backup_opens(
    folder: Path, damage: str
) -> None:
    before = labels(folder)
    make_backup(folder)
    file = folder / "project.db"
    DAMAGES[damage](file)
    content = file.read_bytes() if file.is_file() else b""
    with pytest.raises(PoreguiError) as caught:
        Project.open(folder)
    assert isinstance(caught.value, DamagedProjectError)
    assert caught.value.folder == folder
    assert "poregui backup" in caught.value.remedy
    restored = restore(folder, "newest")
    assert labels(folder) == before
    if damage not in ("missing", "a folder"):
        assert restored.kept is not None
        assert restored.kept.read_bytes() == content
    with Project.open(folder) as project:
        assert not project.read_only


def test_the_newest_backup_that_is_sound_is_restored_where_newer_ones_are_damaged(
    folder: Path,
) -> None:
    dated(folder, make_backup(folder), NOW - timedelta(hours=2))
    label(folder, 1, None)
    make_backup(folder).path.write_bytes(b"no database at all")
    (folder / "project.db").write_bytes(b"")
    with pytest.raises(ProjectError, match="is damaged"):
        restore(folder, backups_of(folder)[0].name)
    assert (folder / "project.db").read_bytes() == b""
    assert restore(folder, "newest").backup == backups_of(folder)[-1]


def test_a_restore_keeps_the_present_labels_where_the_backup_that_held_them_is_damaged(
    folder: Path,
) -> None:
    dated(folder, make_backup(folder), NOW - timedelta(hours=2))
    label(folder, 1, None)
    present = labels(folder)
    newest = make_backup(folder)
    newest.path.write_bytes(b"no database at all")
    an_hour_ago = (newest.when - timedelta(hours=1)).timestamp()
    os.utime(folder / "project.db", (an_hour_ago, an_hour_ago))
    kept = restore(folder, "newest").kept
    assert kept is not None
    assert labels(folder) != present
    restore(folder, kept.name)
    assert labels(folder) == present


def test_a_journal_of_the_damaged_file_does_not_touch_what_is_restored(folder: Path) -> None:
    before = labels(folder)
    make_backup(folder)
    (folder / "project.db").write_bytes(b"")
    (folder / "project.db-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(4000))
    kept = restore(folder, "newest").kept
    assert kept is not None
    assert Path(f"{kept}-journal").exists()
    assert not (folder / "project.db-journal").exists()
    assert labels(folder) == before


def test_a_project_that_is_open_elsewhere_is_not_restored(folder: Path) -> None:
    make_backup(folder)
    content = (folder / "project.db").read_bytes()
    lock = FileLock(folder / "project.lock")
    assert lock.acquire()
    with pytest.raises(ProjectError, match="open in another window"):
        restore(folder, "newest")
    lock.release()
    assert (folder / "project.db").read_bytes() == content


def test_ids_that_were_given_out_after_the_backup_are_not_given_again(folder: Path) -> None:
    dated(folder, make_backup(folder), NOW - timedelta(hours=2))
    with Project.open(folder) as project:
        added = add_crops(project, [1, 2], seed=7)
    run = make_run(folder / "runs" / "001", crops=30)
    highest = max(crop.crop_id for crop in run.read_dataset().crops)
    restore(folder, backups_of(folder)[-1].name)
    with Project.open(folder) as project:
        assert project.next_id("crops") > max(*added, highest)
        assert len(project.crops()) == 6


@pytest.mark.skipif(os.name == "nt", reason="Links need rights on Windows.")
def test_a_link_in_the_place_of_the_backups_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "backups").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(ProjectError, match="is a link"):
        make_backup(folder)
    assert backups_of(folder) == []
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Links need rights on Windows.")
def test_a_link_in_the_place_of_project_db_is_no_place_to_restore_to(
    folder: Path, tmp_path: Path
) -> None:
    make_backup(folder)
    (folder / "project.db").rename(tmp_path / "mine.db")
    (folder / "project.db").symlink_to(tmp_path / "mine.db")
    content = (tmp_path / "mine.db").read_bytes()
    with pytest.raises(ProjectError, match="is a link"):
        restore(folder, "newest")
    assert (folder / "project.db").is_symlink()
    assert (tmp_path / "mine.db").read_bytes() == content


def test_a_name_that_leads_out_of_the_folder_is_no_backup(folder: Path) -> None:
    make_backup(folder)
    for name in ("../project.db", "/etc/passwd", "", "nothing"):
        with pytest.raises(ProjectError, match="has no backup"):
            restore(folder, name)


def test_where_every_backup_is_damaged_the_newest_is_refused_in_these_words(folder: Path) -> None:
    (folder / "backups" / make_backup(folder).name).write_bytes(b"no backup")
    with pytest.raises(ProjectError, match=r"All backups of .* are damaged"):
        restore(folder, "newest")


def test_a_project_of_an_older_version_is_backed_up_before_it_is_changed(tmp_path: Path) -> None:
    folder = project_of_version_1(tmp_path / "old")
    Project.open(folder).close()
    (backup,) = backups_of(folder)
    assert (backup.reason, content_of(backup).version) == ("before-migration", 1)
    restore(folder, backup.name)
    with closing(sqlite3.connect(folder / "project.db")) as restored:
        assert restored.execute("PRAGMA user_version").fetchone() == (1,)
    with Project.open(folder) as project:
        assert project.crops()[0].label == 1


def test_the_backup_that_an_older_poregui_left_beside_project_db_is_listed(folder: Path) -> None:
    backup = make_backup(folder)
    backup.path.rename(folder / "project.before-version-3.db")
    (one,) = backups_of(folder)
    assert one.reason == "before-migration"
    (folder / "project.db").unlink()
    assert restore(folder, one.name).content.labels == 6


def test_a_full_disk_leaves_no_half_backup_and_the_restored_project_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(folder)
    label(folder, 1, None)
    before = (folder / "project.db").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("poregui.store.files.os.fsync", full)
    with pytest.raises(ProjectError, match="is full"):
        make_backup(folder)
    with pytest.raises(ProjectError, match="is full"):
        restore(folder, "newest")
    monkeypatch.undo()
    assert (folder / "project.db").read_bytes() == before
    assert len(list((folder / "backups").iterdir())) == 1
