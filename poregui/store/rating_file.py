"""Keep a sample of crops for a second opinion, and the answers, in one file.

It holds the images in an order of chance under names of chance, class cards, and nothing that tells
a label, a name or a place. It is a database, so that each answer is on disk at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from poregui.domain.classes import NOT_A_PORE, UNSURE, PoreClass
from poregui.domain.errors import PoreguiError
from poregui.store.database import REFUSALS
from poregui.store.files import is_link, link_error, replace_file

SUFFIX = ".rating"
_APPLICATION_ID = 0x706F7272
_VERSION = 1
_TABLES = """
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE classes (uid TEXT PRIMARY KEY, name TEXT NOT NULL, colour TEXT NOT NULL,
    letter TEXT NOT NULL, position INTEGER NOT NULL, pattern TEXT NOT NULL,
    definition TEXT NOT NULL);
CREATE TABLE items (token TEXT PRIMARY KEY, image BLOB NOT NULL);
CREATE TABLE ratings (token TEXT PRIMARY KEY REFERENCES items (token), label TEXT NOT NULL,
    who TEXT NOT NULL, at TEXT NOT NULL, seconds REAL NOT NULL);
"""
_FIXED = {NOT_A_PORE: "not a pore", UNSURE: "unsure"}
_LONGEST = 200
_MOST_ITEMS = 100_000


@dataclass(frozen=True)
class Rated:
    """Hold one answer: the token of the item, the uid of a class (or `not a pore`, `unsure`), who,
    when (ISO 8601, UTC) and the seconds it took.
    """

    token: str
    label: str
    who: str
    when: str
    seconds: float


@dataclass(frozen=True)
class RatingContent:
    """Hold what is in a rating file but the images: which project and pack, the classes by uid in
    their order, the items' tokens in the order to rate, the answers.
    """

    project: str
    pack: str
    classes: tuple[tuple[str, PoreClass], ...]
    tokens: tuple[str, ...]
    rated: tuple[Rated, ...]

    @property
    def left(self) -> tuple[str, ...]:
        """Return the tokens that have no answer yet."""
        done = {one.token for one in self.rated}
        return tuple(token for token in self.tokens if token not in done)


def create_rating_file(
    out: Path,
    project: str,
    pack: str,
    classes: Iterable[tuple[str, PoreClass]],
    items: Iterable[tuple[str, bytes]],
) -> None:
    """Write a file whole or not at all; items are tokens with PNG images, in the order to rate.

    Raises PoreguiError when the folder refuses or the disk is full.
    """

    def write(beside: Path) -> None:
        connection = sqlite3.connect(beside)
        try:
            connection.executescript(_TABLES)
            facts = [("project", project), ("pack", pack)]
            connection.executemany("INSERT INTO facts VALUES (?, ?)", facts)
            rows = [
                (uid, c.name, c.colour, c.letter, c.position, c.pattern, c.definition)
                for uid, c in classes
            ]
            connection.executemany("INSERT INTO classes VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.executemany("INSERT INTO items VALUES (?, ?)", items)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.commit()
        finally:
            connection.close()

    replace_file(out, write)


class RatingFile:
    """Hold one open rating file; close it at the end (or `with`)."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open a file. Raises PoreguiError for one that is missing, damaged or something else."""
        self.path = path
        if is_link(path):
            raise link_error(path)
        if not path.is_file():
            raise PoreguiError(f"{path} does not exist.", "Check the name of the file.")
        mode = "ro" if read_only else "rw"
        try:
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None
            )
        except REFUSALS as error:
            raise _damaged(path) from error
        try:
            self._db.execute("PRAGMA trusted_schema = OFF")
            self._check()
            self.content()
        except (*REFUSALS, ValueError, TypeError) as error:
            self._db.close()
            raise _damaged(path) from error
        except PoreguiError:
            self._db.close()
            raise

    def __enter__(self) -> RatingFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def content(self) -> RatingContent:
        """Return all but the images."""
        facts = dict(self._rows("SELECT key, value FROM facts"))
        classes = [
            (uid, PoreClass(number, name, colour, letter, position, pattern, False, definition))
            for number, (uid, name, colour, letter, position, pattern, definition) in enumerate(
                self._rows("SELECT * FROM classes ORDER BY position, uid"), start=1
            )
        ]
        tokens = [row[0] for row in self._rows("SELECT token FROM items ORDER BY rowid")]
        rated = [
            Rated(str(token), str(label), str(who)[:_LONGEST], str(when), float(seconds))
            for token, label, who, when, seconds in self._rows(
                "SELECT token, label, who, at, seconds FROM ratings ORDER BY rowid"
            )
        ]
        return RatingContent(
            str(facts.get("project", "")),
            str(facts.get("pack", "")),
            tuple(classes),
            tuple(tokens),
            tuple(rated),
        )

    def image(self, token: str) -> bytes:
        """Return the PNG of an item."""
        rows = self._rows("SELECT image FROM items WHERE token = ?", (token,))
        return bytes(rows[0][0])

    def rate(self, token: str, label: str, who: str, seconds: float) -> None:
        """Keep an answer, on disk before this returns. Raises PoreguiError where that fails."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        values = (token, label, who, now, round(seconds, 2))
        self._write("INSERT OR REPLACE INTO ratings VALUES (?, ?, ?, ?, ?)", values)

    def take_back(self) -> str | None:
        """Forget the last answer and return its token; None where there is none."""
        rows = self._rows("SELECT token FROM ratings ORDER BY rowid DESC LIMIT 1")
        if not rows:
            return None
        self._write("DELETE FROM ratings WHERE token = ?", (rows[0][0],))
        return str(rows[0][0])

    def _write(self, query: str, values: tuple[object, ...]) -> None:
        try:
            self._db.execute(query, values)
        except REFUSALS as error:
            raise PoreguiError(
                f"{self.path} cannot be written: {error}.",
                "Copy it to a folder you can write to, and go on there; what was rated is kept.",
            ) from error

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(query, values).fetchall()

    def _check(self) -> None:
        """Raise where the file is another one, newer, too large, or not whole."""
        if self._rows("PRAGMA application_id") != [(_APPLICATION_ID,)]:
            raise PoreguiError(
                f"{self.path} is not a file for rating.",
                f"Choose one whose name ends in {SUFFIX}, as pack --for-rating wrote it.",
            )
        if self._rows("PRAGMA user_version") != [(_VERSION,)]:
            raise PoreguiError(
                f"{self.path} was made by a newer version of poregui.", "Update poregui."
            )
        ((items,),) = self._rows("SELECT COUNT(*) FROM items")
        if self._rows("PRAGMA integrity_check(1)") != [("ok",)] or items > _MOST_ITEMS:
            raise ValueError("not whole")


def label_text(label: int, uids: dict[int, str]) -> str:
    """Return how a label stands in the file: the uid of its class, or words for the fixed ones."""
    return _FIXED.get(label) or uids[label]


def label_from(text: str, ids: dict[str, int]) -> int | None:
    """Return the label that a text of the file stands for; None for an unknown one."""
    fixed = {words: label for label, words in _FIXED.items()}
    return fixed.get(text, ids.get(text))


def _damaged(path: Path) -> PoreguiError:
    return PoreguiError(
        f"{path} is damaged or no file for rating.",
        "Ask for it to be sent again; nothing was lost.",
    )
