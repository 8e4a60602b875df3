"""Write a whole project into one zip file and read it back to be sure."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from poregui.domain.errors import ProjectError
from poregui.store.database import explained
from poregui.store.files import explain_write_error, export_target, replace_file

Progress = Callable[[int, int, str], None]
_CHUNK = 1 << 20
_PAGES = 4096
_LEFT_OUT = {".lock", ".log"}


@dataclass(frozen=True)
class Member:
    """Hold one file of the zip: where it lies now, and its name below the project's folder."""

    source: Path
    name: str


def copy_databases(folder: Path, target: Path, moved: dict[str, str]) -> list[Member]:
    """Copy project.db and pixels.db into an empty folder, refer to micrographs (path now to path
    then), and check both.

    The copy is made page by page, so that a window may go on writing. Raises PoreguiError.
    """
    members = []
    for name in ("project.db", "pixels.db"):
        copy = target / name
        with (
            explained(folder / name),
            contextlib.closing(
                sqlite3.connect(f"{(folder / name).absolute().as_uri()}?mode=ro", uri=True)
            ) as old,
            contextlib.closing(sqlite3.connect(copy)) as new,
        ):
            old.backup(new, pages=_PAGES)
            if name == "project.db":
                _move(new, moved)
                new.commit()
            (state,) = new.execute("PRAGMA integrity_check(1)").fetchone()
        if state != "ok":
            raise ProjectError(
                f"{folder / name} is damaged.", "Restore it from a backup, then pack again."
            )
        members.append(Member(copy, name))
    return members


def _move(database: sqlite3.Connection, moved: dict[str, str]) -> None:
    """Give micrographs their new paths, all at once: a new path may be the old one of another."""
    change = "UPDATE micrographs SET path = ? WHERE path = ?"
    numbered = [(f"\0{number}", old, new) for number, (old, new) in enumerate(moved.items())]
    database.executemany(change, ((between, old) for between, old, _ in numbered))
    database.executemany(change, ((new, between) for between, _, new in numbered))


def run_files(runs: Iterable[Path], folder: Path) -> list[Member]:
    """Return the files of run folders without locks and logs."""
    return [
        Member(path, path.relative_to(folder).as_posix())
        for run in runs
        for path in sorted(run.rglob("*"))
        if path.is_file()
        and path.suffix not in _LEFT_OUT
        and not path.name.startswith("checkpoint")
    ]


def write_zip(out: Path, top: str, members: list[Member], progress: Progress) -> int:
    """Write members below a folder `top` into the zip file `out`, read every byte back, and return
    its size in bytes.

    Nothing takes the place of `out` before all members came back with their hashes. Raises
    PoreguiError.
    """

    def write(beside: Path) -> None:
        hashes = {}
        with zipfile.ZipFile(
            beside, "w", zipfile.ZIP_DEFLATED, compresslevel=1, allowZip64=True
        ) as packed:
            for number, member in enumerate(members):
                progress(number, 2 * len(members), member.name)
                with (
                    open(member.source, "rb") as source,
                    packed.open(f"{top}/{member.name}", "w", force_zip64=True) as to,
                ):
                    hashes[member.name] = _copy(source, to)
        with zipfile.ZipFile(beside) as packed:
            for number, member in enumerate(members):
                progress(len(members) + number, 2 * len(members), f"checking {member.name}")
                with packed.open(f"{top}/{member.name}") as source:
                    if _copy(source, None) != hashes[member.name]:
                        raise ProjectError(
                            f"{member.name} came back changed from {out}.",
                            "Check the disk, pack again.",
                        )

    try:
        target = export_target(out)
        replace_file(target, write)
        return target.stat().st_size
    except (zipfile.BadZipFile, EOFError) as error:
        raise ProjectError(
            f"{out} could not be read back.", "Check the disk, then pack again."
        ) from error
    except OSError as error:
        raise explain_write_error(error, out) from error


def _copy(source: IO[bytes], to: IO[bytes] | None) -> str:
    found = hashlib.sha256()
    while part := source.read(_CHUNK):
        found.update(part)
        if to is not None:
            to.write(part)
    return found.hexdigest()


@contextlib.contextmanager
def beside(out: Path) -> Iterator[Path]:
    """Yield a folder for copies that is gone afterwards.

    Raises PoreguiError when the folder of `out` refuses it.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=".pack-", dir=out.parent) as folder:
            yield Path(folder)
    except OSError as error:
        raise explain_write_error(error, out) from error
