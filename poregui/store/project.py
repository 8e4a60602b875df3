"""Keep a project: read its records and write them, each edit as one transaction."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from poregui.domain.classes import DEFAULT_CLASS_NAMES, PoreClass, default_classes
from poregui.domain.errors import ProjectError, ReadOnlyError
from poregui.domain.geometry import Outline
from poregui.domain.micrograph_names import with_unique_names
from poregui.domain.records import (
    Crop,
    Detection,
    How,
    LabelEntry,
    Look,
    Micrograph,
    Remark,
    Specimen,
)
from poregui.store.backups import make_backup
from poregui.store.database import (
    check_presence,
    create_database,
    explained,
    open_database,
    refuse_links,
    transaction,
)
from poregui.store.files import FileLock, explain_write_error
from poregui.store.opinions import OpinionTable
from poregui.store.pixels import PixelStore, make_pixels
from poregui.store.rows import (
    CLASS_COLUMNS,
    CROP_COLUMNS,
    DETECTION_COLUMNS,
    MICROGRAPH_COLUMNS,
    SELECT_CROPS,
    check_rows,
    class_from,
    class_row,
    crop_from,
    crop_row,
    detection_from,
    detection_row,
    micrograph_from,
    micrograph_row,
    read_uids,
    write_uids,
)
from poregui.store.run_folder import RunFolder, new_folder, runs_in
from poregui.store.specimen_values import SpecimenValues

Table = Literal["classes", "specimens", "micrographs", "crops", "attributes"]


class Project:
    """Hold one open project folder; use `create` or `open`, and `close` at the end (or `with`)."""

    def __init__(
        self, folder: Path, connection: sqlite3.Connection, lock: FileLock, *, read_only: bool
    ) -> None:
        self.folder = folder
        self.read_only = read_only
        self.pixels = PixelStore(folder / "pixels.db", read_only=read_only)
        self._file = folder / "project.db"
        self.opinions = OpinionTable(connection, self._file)
        self._db = connection
        self.specimen_values = SpecimenValues(connection, self._file)
        self._lock = lock

    @staticmethod
    def create(folder: Path, class_names: Sequence[str] = DEFAULT_CLASS_NAMES) -> Project:
        """Make a project in a new or empty folder and open it.

        Raises PoreguiError when the folder holds a project or other files, cannot be written, or
        the names are unfit.
        """
        classes = default_classes(class_names)
        if (folder / "project.db").exists():
            raise ProjectError(
                f"{folder} holds a project already.", "Open it, or choose another folder."
            )
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ProjectError(
                f"{folder} is not empty.", "Choose a new or an empty folder for the project."
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "runs").mkdir()
        except OSError as error:
            raise explain_write_error(error, folder) from error
        try:
            return _filled(folder, classes)
        except BaseException:
            _take_back(folder)
            raise

    @staticmethod
    def open(folder: Path, *, read_only: bool = False) -> Project:
        """Open a project; as read-only when asked, when another window writes it, or when the
        folder refuses writes.

        Raises ProjectError when it is missing, damaged, made by a newer version, or has a link
        where its own files and folders belong.
        """
        folder = folder.absolute()
        lock = FileLock(folder / "project.lock")
        refuse_links(folder)
        if folder.suffix.lower() == ".zip" and folder.is_file():
            raise ProjectError(
                f"{folder} is a zip file.",
                "Unzip a packed project, then open the folder inside. Outlines are imported under "
                "File, Import outlines.",
            )
        check_presence(folder / "project.db")
        writable = not read_only and _may_write(folder) and lock.acquire()
        try:
            connection = open_database(
                folder / "project.db",
                read_only=not writable,
                before_migration=partial(make_backup, folder, "before-migration"),
            )
        except BaseException:
            lock.release()
            raise
        try:
            check_rows(connection, folder / "project.db")
            return Project(folder, connection, lock, read_only=not writable)
        except BaseException:
            connection.close()
            lock.release()
            raise

    def close(self) -> None:
        """Close the files and let others write."""
        self.pixels.close()
        self._db.close()
        self._lock.release()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Return the folder's name."""
        return self.folder.name

    # ---- reading ----------------------------------------------------------------------------

    def classes(self, *, retired: bool = False) -> tuple[PoreClass, ...]:
        """Return the classes in their order, with the retired ones only when asked."""
        rows = self._rows(
            f"SELECT {CLASS_COLUMNS} FROM classes WHERE deleted = 0 ORDER BY position, id"
        )
        return tuple(c for c in map(class_from, rows) if retired or not c.retired)

    def class_uids(self) -> dict[int, str]:
        """Return by id what tells each class that ever was from those of all other projects (see
        `read_uids`).
        """
        return read_uids(self._db, self._file)

    def specimens(self) -> tuple[Specimen, ...]:
        """Return the specimens by name."""
        rows = self._rows("SELECT id, name FROM specimens WHERE deleted = 0 ORDER BY name, id")
        return tuple(Specimen(*row) for row in rows)

    def micrographs(self) -> tuple[Micrograph, ...]:
        """Return the micrographs in the order in which they came, each with what it is called among
        them.
        """
        rows = self._rows(
            f"SELECT {MICROGRAPH_COLUMNS} FROM micrographs WHERE deleted = 0 ORDER BY id"
        )
        return with_unique_names(map(micrograph_from, rows))

    def crops(self, *, micrograph_id: int | None = None) -> list[Crop]:
        """Return the crops in the order in which they came; of one micrograph when asked."""
        where = "WHERE c.deleted = 0"
        values = ()
        if micrograph_id is not None:
            rows = self._rows(
                f"{SELECT_CROPS} {where} AND c.micrograph_id = ? ORDER BY c.id", (micrograph_id,)
            )
        else:
            rows = self._rows(f"{SELECT_CROPS} {where} ORDER BY c.id", values)
        return [crop_from(row) for row in rows]

    def crop(self, crop_id: int) -> Crop:
        """Return one crop. Raises ProjectError when it does not exist."""
        rows = self._rows(f"{SELECT_CROPS} WHERE c.id = ? AND c.deleted = 0", (crop_id,))
        if not rows:
            raise ProjectError(
                f"There is no crop {crop_id}.", "It may have been deleted; undo brings it back."
            )
        return crop_from(rows[0])

    def labels(self) -> dict[int, int | None]:
        """Return the labels of all crops."""
        return dict(self._rows("SELECT id, label FROM crops WHERE deleted = 0"))

    def labels_of(self, crop_ids: Iterable[int]) -> dict[int, int | None]:
        """Return the labels of those of some crops that exist."""
        ids = list(crop_ids)
        marks = ", ".join("?" * len(ids))
        return dict(
            self._rows(f"SELECT id, label FROM crops WHERE deleted = 0 AND id IN ({marks})", ids)
        )

    def label_counts(self) -> Counter[int | None]:
        """Return the number of crops per label; None counts those without."""
        rows = self._rows("SELECT label, COUNT(*) FROM crops WHERE deleted = 0 GROUP BY label")
        return Counter(dict(rows))

    def label_log(self, crop_id: int | None = None) -> list[LabelEntry]:
        """Return the label log, oldest first; of one crop when asked."""
        where = ""
        values: tuple[int, ...] = ()
        if crop_id is not None:
            where = "WHERE crop_id = ?"
            values = (crop_id,)
        rows = self._rows(
            f"SELECT id, crop_id, label, who, at, how FROM label_log {where} ORDER BY id", values
        )
        return [LabelEntry(*row) for row in rows]

    def first_label(self, how: How) -> str | None:
        """Return when (ISO 8601, UTC) a label first came to be in some way; None when none did."""
        return self._rows("SELECT MIN(at) FROM label_log WHERE how = ?", (how,))[0][0]

    def labels_since(self, when: str) -> list[LabelEntry]:
        """Return the entries of the label log from a time (ISO 8601, UTC) on, oldest first."""
        rows = self._rows(
            "SELECT id, crop_id, label, who, at, how FROM label_log WHERE at >= ? ORDER BY id",
            (when,),
        )
        return [LabelEntry(*row) for row in rows]

    def last_labelled(self) -> dict[int, int]:
        """Return for each crop that was ever labelled the id of the last entry in the log."""
        return dict(self._rows("SELECT crop_id, MAX(id) FROM label_log GROUP BY crop_id"))

    def reference_crops(self, class_id: int) -> tuple[int, ...]:
        """Return the ids of the crops that a class card shows."""
        rows = self._rows(
            "SELECT crop_id FROM reference_crops WHERE class_id = ? ORDER BY crop_id", (class_id,)
        )
        return tuple(row[0] for row in rows)

    def outlines(self, *, micrograph_id: int | None = None) -> dict[int, Outline]:
        """Return the outlines of crops by crop id; of one micrograph when asked."""
        where = "WHERE c.deleted = 0" + (
            " AND c.micrograph_id = ?" if micrograph_id is not None else ""
        )
        values = () if micrograph_id is None else (micrograph_id,)
        rows = self._rows(
            f"SELECT o.crop_id, o.points FROM outlines o JOIN crops c ON c.id = o.crop_id {where}",
            values,
        )
        return {crop_id: Outline(points) for crop_id, points in rows}

    def detections(self) -> dict[int, Detection]:
        """Return of each micrograph in which pores were looked for, by its id,
        what was said last.
        """
        return dict(map(detection_from, self._rows(f"SELECT {DETECTION_COLUMNS} FROM detections")))

    def remarks(self) -> dict[int, Remark]:
        """Return what was noted at crops while reviewing, by crop id."""
        rows = self._rows(
            "SELECT crop_id, note, reviewed FROM remarks WHERE note <> '' OR reviewed <> 0"
        )
        return {crop_id: Remark(note, bool(reviewed)) for crop_id, note, reviewed in rows}

    def looks(self) -> list[Look]:
        """Return every look at the test set of a run, oldest first."""
        return [Look(*row) for row in self._rows("SELECT run, who, at FROM looks ORDER BY id")]

    def test_split(self) -> frozenset[str]:
        """Return the keys (`specimen:3`, `micrograph:7`, `crop:91`) of the test set."""
        return frozenset(row[0] for row in self._rows("SELECT key FROM test_side"))

    def meta(self, key: str) -> str:
        """Return a remembered text of the project, empty where there is none."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else ""

    def micrograph_file(self, micrograph: Micrograph) -> Path:
        """Return where a micrograph's file should lie."""
        path = Path(micrograph.path)
        if path.is_absolute():
            return path
        return Path(os.path.normpath(self.folder / path))

    def path_for(self, file: Path) -> str:
        """Return how the project refers to a file: relative with `/` when on the same drive, else
        absolute.
        """
        try:
            return Path(os.path.relpath(file.absolute(), self.folder)).as_posix()
        except ValueError:
            return file.absolute().as_posix()

    def runs(self) -> list[RunFolder]:
        """Return the sealed run folders, oldest first."""
        return runs_in(self.folder)

    def crops_without_pixels(self) -> int:
        """Return how many crops have no pixels: all of them where pixels.db is missing."""
        kept = self.pixels.keys() if self.pixels.is_there else set()
        rows = self._rows("SELECT pixels FROM crops WHERE deleted = 0")
        return sum(key not in kept for (key,) in rows)

    def new_run_folder(self) -> RunFolder:
        """Make the next empty run folder. Raises ProjectError when that is refused."""
        self.check_writable()
        return new_folder(self.folder)

    # ---- writing, inside a transaction only -------------------------------------------------

    def check_writable(self) -> None:
        """Raise ReadOnlyError in a project that was opened for reading only."""
        if self.read_only and not _may_write(self.folder):
            raise ReadOnlyError(
                f"{self.name} is read-only.", "Copy the project to a folder you can write to."
            )
        if self.read_only:
            raise ReadOnlyError(
                f"{self.name} is open for reading only.",
                "Close it in the other window, or copy it, to change it.",
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything in the body at once, or nothing of it when it raises."""
        self.check_writable()
        with transaction(self._db, self._file):
            yield

    def next_id(self, table: Table) -> int:
        """Return the next id that no row of a table ever had."""
        rows = self._rows("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
        return int(rows[0][0]) + 1 if rows else 1

    def put_classes(self, classes: Iterable[PoreClass]) -> None:
        """Make exactly these the project's classes (retired ones among them); others are marked
        deleted.
        """
        known = self.class_uids()
        self._db.execute("UPDATE classes SET deleted = 1")
        self._put("classes", CLASS_COLUMNS, map(class_row, classes))
        write_uids(self._db, known)

    def put_specimens(self, specimens: Iterable[Specimen]) -> None:
        """Insert or change specimens by id."""
        self._put("specimens", "id, name", ((s.id, s.name) for s in specimens))

    def put_micrographs(self, micrographs: Iterable[Micrograph]) -> None:
        """Insert, change or bring back micrographs by id."""
        self._put("micrographs", MICROGRAPH_COLUMNS, map(micrograph_row, micrographs))

    def put_crops(self, crops: Iterable[Crop]) -> None:
        """Insert, change or bring back crops by id, labels included but not logged."""
        self._put("crops", CROP_COLUMNS, map(crop_row, crops))

    def mark_deleted(self, table: Table, ids: Iterable[int], *, deleted: bool = True) -> None:
        """Mark rows as deleted, or bring them back."""
        self._db.executemany(
            f"UPDATE {table} SET deleted = ? WHERE id = ?", ((int(deleted), i) for i in ids)
        )

    def put_labels(self, labels: Iterable[tuple[int, int | None]], *, who: str, how: How) -> None:
        """Give crops labels (crop id, label) and log each."""
        pairs = list(labels)
        self._db.executemany(
            "UPDATE crops SET label = ? WHERE id = ?", ((label, crop) for crop, label in pairs)
        )
        self.log_labels(pairs, who=who, how=how)

    def log_labels(self, labels: Iterable[tuple[int, int | None]], *, who: str, how: How) -> None:
        """Append to the label log."""
        now = _now()
        rows = ((crop, label, who, now, how) for crop, label in labels)
        self._db.executemany(
            "INSERT INTO label_log (crop_id, label, who, at, how) VALUES (?, ?, ?, ?, ?)", rows
        )

    def put_reference_crops(self, class_id: int, crop_ids: Iterable[int]) -> None:
        """Make these the crops that a class card shows."""
        self._db.execute("DELETE FROM reference_crops WHERE class_id = ?", (class_id,))
        self._db.executemany(
            "INSERT INTO reference_crops VALUES (?, ?)", ((class_id, crop) for crop in crop_ids)
        )

    def put_outlines(self, outlines: Iterable[tuple[int, Outline | None]]) -> None:
        """Give crops (crop id, outline) their outlines; None takes one away."""
        pairs = list(outlines)
        self._db.executemany(
            "DELETE FROM outlines WHERE crop_id = ?", ((crop_id,) for crop_id, _ in pairs)
        )
        rows = ((crop_id, outline.data) for crop_id, outline in pairs if outline is not None)
        self._db.executemany("INSERT INTO outlines VALUES (?, ?)", rows)

    def put_detection(self, micrograph_id: int, detection: Detection | None) -> None:
        """Write that pores were looked for in a micrograph; None: they never were."""
        self._db.execute("DELETE FROM detections WHERE micrograph_id = ?", (micrograph_id,))
        if detection is not None:
            self._db.execute(
                "INSERT INTO detections VALUES (?, ?, ?, ?, ?, ?)",
                detection_row(micrograph_id, detection),
            )

    def put_remarks(self, remarks: Iterable[tuple[int, Remark]]) -> None:
        """Write what was noted at crops (crop id, remark)."""
        rows = ((crop_id, remark.note, int(remark.reviewed)) for crop_id, remark in remarks)
        self._db.executemany("INSERT OR REPLACE INTO remarks VALUES (?, ?, ?)", rows)

    def log_look(self, run: str, who: str) -> None:
        """Count one more look at the test set of a run."""
        self._db.execute("INSERT INTO looks (run, who, at) VALUES (?, ?, ?)", (run, who, _now()))

    def put_test_split(self, keys: Iterable[str]) -> None:
        """Make exactly these groups the test set."""
        self._db.execute("DELETE FROM test_side")
        self._db.executemany("INSERT INTO test_side VALUES (?)", ((key,) for key in sorted(keys)))

    def put_meta(self, key: str, value: str) -> None:
        """Remember a text."""
        self._db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def _put(self, table: Table, columns: str, rows: Iterable[tuple[object, ...]]) -> None:
        names = [name.strip() for name in columns.split(",")]
        marks = ", ".join("?" * len(names))
        changes = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
        self._db.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET "
            f"{changes}, deleted = 0",
            rows,
        )

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with explained(self._file):
            return self._db.execute(sql, tuple(values)).fetchall()


def _may_write(folder: Path) -> bool:
    """Tell whether labels can be written: SQLite needs the folder too, for its journal."""
    return os.access(folder / "project.db", os.W_OK) and os.access(folder, os.W_OK)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _filled(folder: Path, classes: Sequence[PoreClass]) -> Project:
    create_database(folder / "project.db")
    make_pixels(folder / "pixels.db")
    project = Project.open(folder)
    try:
        with project.transaction():
            project.put_classes(classes)
    except BaseException:
        project.close()
        raise
    return project


def _take_back(folder: Path) -> None:
    """Leave a folder as empty as it was before a failed `create`, so that the same command works
    the next time.
    """
    for name in ("project.db", "pixels.db", "project.lock"):
        with suppress(OSError):
            (folder / name).unlink()
    with suppress(OSError):
        (folder / "runs").rmdir()
