"""Keep verified copies of project.db in the project's folder, and put one of them back.

Only what people decided is covered; crop pixels and runs are kept in files that only grow.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.wording import count
from poregui.store.database import (
    APPLICATION_ID,
    BACKUPS,
    REFUSALS,
    SCHEMA_VERSION,
    damaged,
    explained,
)
from poregui.store.files import FileLock, is_link, link_error, make_parent, replace_file
from poregui.store.rows import check_rows
from poregui.store.run_folder import runs_in

EDITS = 500
"""Edits after which a window makes the next backup."""
REASONS: Mapping[str, str] = {
    "scheduled": "scheduled",
    "requested": "on request",
    "before-migration": "before an update of the project",
    "before-import": "before an import",
    "before-merge": "before a merge of labels",
    "before-detection": "before a search for pores",
    "before-classes": "before a change of classes",
    "before-restore": "before another backup was restored",
}
"""Why a backup was made, by the word in its name."""
NOT_COVERED = (
    "A backup contains project.db: labels, crops, outlines, classes, and the list of micrographs "
    "with their settings. Crop pixels (pixels.db), runs and image files are not included."
)
NEWEST = "newest"
"""Names the newest backup that is sound."""
_NAME = re.compile(r"(\d{8}-\d{6})-([a-z-]+)\.db")
_OLD_NAME = re.compile(r"project\.before-version-\d+\.db")
_STAMP = "%Y%m%d-%H%M%S"
_AGE = timedelta(days=1)
_DAYS = 5
_WEEKS = 3
_BEFORE = 4
_NEWEST = 3
_TRIES = 40
"""Quarters of a second to wait for another program that writes."""


@dataclass(frozen=True)
class Backup:
    """Hold where a backup lies, when it was made (UTC), and why (a key of REASONS)."""

    path: Path
    when: datetime
    reason: str

    @property
    def name(self) -> str:
        """Return the file's name."""
        return self.path.name

    @property
    def why(self) -> str:
        """Say why it was made."""
        return REASONS.get(self.reason, self.reason)


@dataclass(frozen=True)
class BackupContent:
    """Hold what a backup contains."""

    version: int
    labels: int
    crops: int
    micrographs: int

    @property
    def text(self) -> str:
        """Say what it contains."""
        return f"{count(self.labels, 'label')} of {count(self.crops, 'crop')}"


@dataclass(frozen=True)
class Restored:
    """Hold what was restored, what that contains, and where the project.db of before lies now."""

    backup: Backup
    content: BackupContent
    kept: Path | None

    @property
    def text(self) -> str:
        """Say what was done."""
        done = f"Restored {self.backup.name} with {self.content.text}."
        if self.kept is None:
            return done
        return f"{done} The previous project.db is kept as {self.kept}."


def backups_of(folder: Path) -> list[Backup]:
    """Return the backups of a project, the newest first; none where the folder cannot be read."""
    found: list[Backup] = []
    if is_link(folder / BACKUPS):
        return found
    with suppress(OSError):
        for path in [*(folder / BACKUPS).glob("*.db"), *folder.glob("project.before-version-*.db")]:
            backup = _named(path)
            if backup is not None and path.is_file() and not path.is_symlink():
                found.append(backup)
    return sorted(found, key=lambda one: (one.when, one.name), reverse=True)


def _named(path: Path) -> Backup | None:
    """Return the backup of a name that this program gives, with the time that is in it."""
    if _OLD_NAME.fullmatch(path.name):
        when = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return Backup(path, when, "before-migration")
    match = _NAME.fullmatch(path.name)
    if match is None or match[2] not in REASONS:
        return None
    try:
        when = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Backup(path, when, match[2])


def is_due(folder: Path, now: datetime | None = None) -> bool:
    """Tell whether a project has changed since its newest backup, which is older than a day."""
    now = now or datetime.now(UTC)
    newest = _newest(folder, now)
    if newest is None:
        return True
    return now - newest.when >= _AGE and _changed_since(folder, newest)


def _newest(folder: Path, now: datetime) -> Backup | None:
    """Return the newest backup that no clock has dated into the future."""
    return next((one for one in backups_of(folder) if one.when <= now), None)


def _changed_since(folder: Path, backup: Backup) -> bool:
    try:
        return (folder / "project.db").stat().st_mtime >= backup.when.timestamp()
    except OSError:
        return False


def make_backup(folder: Path, reason: str = "requested") -> Backup:
    """Copy project.db with VACUUM INTO, verify the copy, and remove backups that are not needed.

    It works over a connection of its own, from any thread; a writer waits for it only while the
    pages are copied, some 0.1 s for 100,000 crops. An unchanged project is not copied again. Raises
    PoreguiError when project.db is damaged or the copy cannot be written.
    """
    newest = _newest(folder, datetime.now(UTC))
    if newest is not None and not _changed_since(folder, newest):
        return newest
    return _copied(folder, reason)


def _copied(folder: Path, reason: str) -> Backup:
    """Make a backup whether or not there is one of the same content. Raises as `make_backup`."""
    now = datetime.now(UTC).replace(microsecond=0)
    target = folder / BACKUPS / f"{now:{_STAMP}}-{reason}.db"
    while target.exists():
        now += timedelta(seconds=1)
        target = target.with_name(f"{now:{_STAMP}}-{reason}.db")
    if is_link(target.parent):
        raise link_error(target.parent)
    make_parent(target)
    with closing(_state(folder / "project.db")) as state:
        _check(state, folder / "project.db")
        counts = _rows(state)

        def write(beside: Path) -> None:
            with explained(target):
                state.execute("VACUUM INTO ?", (str(beside),))
            with explained(beside), closing(_opened(beside)) as copy:
                _check(copy, beside)
                if _rows(copy) != counts:
                    what = f"{target} could not be written: the copy differs from the project."
                    raise ProjectError(what, "Check the disk and try again.")

        replace_file(target, write)
    _rotate(folder)
    return Backup(target, now, reason)


def make_due_backup(folder: Path) -> Backup | None:
    """Make a scheduled backup where one is due. Raises PoreguiError as `make_backup`."""
    if is_due(folder):
        return make_backup(folder, "scheduled")
    return None


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _state(file: Path) -> sqlite3.Connection:
    """Return project.db as it is now, in memory."""
    state = sqlite3.connect(":memory:", isolation_level=None)
    tries = 0

    def wait(status: int, _left: int, _total: int) -> None:
        nonlocal tries
        tries += status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        if tries > _TRIES:
            what = f"{file.parent} is being written by another program."
            raise ProjectError(what, "Close it there and try again.")

    try:
        with explained(file), closing(_opened(file)) as source:
            source.backup(state, pages=-1, progress=wait)
    except BaseException:
        state.close()
        raise
    return state


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise ProjectError for a database that is not sound."""
    with explained(path):
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (state,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    if state != "ok" or application != APPLICATION_ID:
        raise damaged(path)
    if version == SCHEMA_VERSION:
        check_rows(connection, path)


def _rows(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    counted = {}
    for (name,) in names:
        (counted[name],) = connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()
    return counted


def content_of(backup: Backup) -> BackupContent:
    """Check a backup and return what it contains.

    Raises ProjectError when it is damaged or of a newer version.
    """
    another = "Choose another backup."
    try:
        with closing(_opened(backup.path)) as connection:
            _check(connection, backup.path)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            counts = [connection.execute(f"SELECT COUNT(*) {of}").fetchone()[0] for of in _COUNTED]
    except (*REFUSALS, PoreguiError) as error:
        raise ProjectError(f"The backup {backup.name} is damaged.", another) from error
    if version > SCHEMA_VERSION:
        raise ProjectError(f"The backup {backup.name} is of a newer poregui.", "Update poregui.")
    return BackupContent(version, *counts)


def sound_content(backup: Backup) -> BackupContent | None:
    """Return what a backup contains, None where it cannot be restored."""
    try:
        return content_of(backup)
    except ProjectError:
        return None


_COUNTED = (
    "FROM crops WHERE deleted = 0 AND label IS NOT NULL",
    "FROM crops WHERE deleted = 0",
    "FROM micrographs WHERE deleted = 0",
)


def _rotate(folder: Path) -> None:
    """Remove all but the newest backups, those before dangerous steps, and one a day and a week."""
    made = [one for one in backups_of(folder) if one.path.parent.name == BACKUPS]
    kept = {one.name for one in made[:_NEWEST]}
    kept |= {one.name for one in [b for b in made if b.reason.startswith("before")][:_BEFORE]}
    kept |= _last_of_each(made, lambda one: one.when.date(), _DAYS)
    kept |= _last_of_each(made, lambda one: one.when.isocalendar()[:2], _WEEKS)
    for one in made:
        if one.name not in kept:
            with suppress(OSError):
                one.path.unlink()


def _last_of_each(
    backups: Iterable[Backup], period: Callable[[Backup], object], most: int
) -> set[str]:
    """Return the names of the last backup of each period, of the newest `most` periods."""
    last: dict[object, str] = {}
    for backup in backups:
        last.setdefault(period(backup), backup.name)
    return set(list(last.values())[:most])


def _chosen(folder: Path, name: str) -> tuple[Backup, BackupContent]:
    """Return the backup of a name, or the newest that is sound, and what it contains.

    Raises ProjectError without one, or where it is damaged.
    """
    made = backups_of(folder)
    if not made:
        raise ProjectError(f"{folder} has no backups.", "Restore project.db from a copy elsewhere.")
    for one in made:
        if name == one.name:
            return one, content_of(one)
        content = sound_content(one) if name == NEWEST else None
        if content is not None:
            return one, content
    names = "poregui backup PROJECT --list lists the names."
    if name == NEWEST:
        raise ProjectError(f"All backups of {folder} are damaged.", names)
    raise ProjectError(f"{folder} has no backup {name}.", f"{names} A damaged one is not restored.")


def restore(folder: Path, name: str) -> Restored:
    """Put a backup in the place of project.db.

    The project.db of before becomes a backup itself, or is set aside as it is where it is damaged.
    Crop ids that were given out since are not given again. Raises ProjectError, with nothing
    changed, when the project is open elsewhere, the backup is damaged, or nothing can be written.
    """
    folder = folder.absolute()
    lock = FileLock(folder / "project.lock")
    if not lock.acquire():
        what = f"{folder} is open in another window, or its folder cannot be written to."
        raise ProjectError(what, "Close it there, or copy the project, and try again.")
    try:
        backup, content = _chosen(folder, name)
        return Restored(backup, content, _put_back(folder, backup))
    finally:
        lock.release()


def _put_back(folder: Path, backup: Backup) -> Path | None:
    """Replace project.db by a backup; return where the one of before lies."""
    current = folder / "project.db"
    kept: Path | None = None
    aside = _free_name(folder)

    def write(beside: Path) -> None:
        nonlocal kept
        highest = _highest_ids(folder)
        shutil.copyfile(backup.path, beside)  # first: a newer backup may take its place
        _raise_ids(beside, highest)
        if current.exists():
            with suppress(PoreguiError):
                kept = _copied(folder, "before-restore").path
        if kept is None and not os.path.lexists(aside):
            _set_aside(current, aside)

    if current.is_dir() and not is_link(current):
        _set_aside(current, aside)
    try:
        replace_file(current, write)
    finally:
        if os.path.lexists(aside) and not os.path.lexists(current):
            _set_aside(aside, current)
    if os.path.lexists(aside):
        return aside
    return kept


def _free_name(folder: Path) -> Path:
    now = datetime.now(UTC)
    path = folder / f"project.damaged-{now:{_STAMP}}.db"
    while path.exists():
        now += timedelta(seconds=1)
        path = folder / f"project.damaged-{now:{_STAMP}}.db"
    return path


def _set_aside(file: Path, to: Path) -> None:
    """Rename a database with its journal, which would change whatever takes its place."""
    for ending in ("-journal", "-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            os.replace(f"{file}{ending}", f"{to}{ending}")


def _highest_ids(folder: Path) -> dict[str, int]:
    """Return by table the highest id that any backup, the present file or a run knows."""
    highest: dict[str, int] = {}
    for path in [folder / "project.db", *(one.path for one in backups_of(folder))]:
        with suppress(*REFUSALS, ValueError), closing(_opened(path)) as known:
            for table, last in known.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
                highest[str(table)] = max(int(last), highest.get(str(table), 0))
    for run in runs_in(folder):
        with suppress(PoreguiError):
            ids = [crop.crop_id for crop in run.read_dataset().crops]
            highest["crops"] = max([highest.get("crops", 0), *ids])
    return highest


def _raise_ids(file: Path, highest: Mapping[str, int]) -> None:
    """Let a database give out no id that was given out before."""
    with explained(file), closing(sqlite3.connect(file)) as connection:
        known = {name for (name,) in connection.execute("SELECT name FROM sqlite_sequence")}
        for table, last in highest.items():
            if table in known:
                change = "UPDATE sqlite_sequence SET seq = MAX(seq, ?) WHERE name = ?"
                connection.execute(change, (last, table))
            else:
                connection.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, last))
        connection.commit()
