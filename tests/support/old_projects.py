"""Make project folders as earlier versions of poregui wrote them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from poregui.store.database import APPLICATION_ID


def project_of_version_1(folder: Path) -> Path:
    (folder / "runs").mkdir(parents=True)
    database = sqlite3.connect(folder / "project.db")
    database.executescript(
        Path(__file__).with_name("schema_version_1.sql").read_text(encoding="utf-8")
    )
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute("PRAGMA user_version = 1")
    database.execute(
        "INSERT INTO classes (name, colour, letter, position) VALUES ('Gas', '#112233', 'G', 0)"
    )
    database.execute(
        "INSERT INTO micrographs (path, name, sha256, width, height, bits, channels, um_per_px) "
        "VALUES ('a.png', 'a.png', 'x', 50, 40, 8, 1, 0.5)"
    )
    database.execute(
        "INSERT INTO crops (pixels, width, height, micrograph_id, x, y, label) VALUES ('h', 9, 9, "
        "1, 2, 3, 1)"
    )
    database.execute(
        "INSERT INTO label_log (crop_id, label, who, at, how) VALUES (1, 1, 'Ada', '2026', 'hand')"
    )
    database.commit()
    database.close()
    return folder
