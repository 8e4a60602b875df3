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

from poregui.domain.errors import DamagedRunError, ProjectError
from poregui.store.database import explained
from poregui.store.files import explain_write_error, file_hash, is_link, open_plain, replace_file
from poregui.store.run_folder import RunFolder

Progress = Callable[[int, int, str], None]
_CHUNK = 1 << 20
_PAGES = 4096


@dataclass(frozen=True)
class Member:
    """Hold one file of the zip: where it lies now, its name below the project's folder, and the
    SHA-256 that it must have where that is known.
    """

    source: Path
    name: str
    sha256: str = ""


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
                f"{folder / name} is damaged.", "Restore it from a copy, then pack again."
            )
        members.append(Member(copy, name))
    return members


def _move(database: sqlite3.Connection, moved: dict[str, str]) -> None:
    """Give micrographs their new paths, all at once: a new path may be the old one of another."""
    change = "UPDATE micrographs SET path = ? WHERE path = ?"
    numbered = [(f"\0{number}", old, new) for number, (old, new) in enumerate(moved.items())]
    database.executemany(change, ((between, old) for between, old, _ in numbered))
    database.executemany(change, ((new, between) for between, _, new in numbered))


def run_files(runs: Iterable[RunFolder], folder: Path) -> tuple[list[Member], list[str]]:
    """Return the files that runs themselves wrote, and the names of those that are not as they
    left them: links, and what has another hash than its seal says.
    """
    members = []
    changed = []
    for run in runs:
        try:
            seal = run.read_seal() or {}
        except DamagedRunError:
            seal = {}
        for path in run.files_to_share:
            name = path.relative_to(folder).as_posix()
            wanted = seal[path.name].sha256 if path.name in seal else ""
            if is_link(path) or (path.is_file() and wanted not in ("", file_hash(path))):
                changed.append(name)
            elif path.is_file():
                members.append(Member(path, name, wanted))
    return members, changed


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
                    open_plain(member.source, follow=True) as source,
                    packed.open(f"{top}/{member.name}", "w", force_zip64=True) as to,
                ):
                    hashes[member.name] = _copy(source, to)
                if member.sha256 not in ("", hashes[member.name]):
                    raise ProjectError(
                        f"{member.source} is not what it was when it was written.",
                        "Put the original back, or remove what it belongs to, and pack again.",
                    )
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
        replace_file(out, write)
        return out.stat().st_size
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
