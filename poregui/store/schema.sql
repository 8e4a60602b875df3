-- What people decide. Rows are never removed but marked, so that ids are never used twice and undo is cheap.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE classes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    colour TEXT NOT NULL,
    letter TEXT NOT NULL,
    position INTEGER NOT NULL,
    pattern TEXT NOT NULL DEFAULT 'plain',
    retired INTEGER NOT NULL DEFAULT 0,
    definition TEXT NOT NULL DEFAULT '',
    deleted INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE specimens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE micrographs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    bits INTEGER NOT NULL,
    channels INTEGER NOT NULL,
    um_per_px REAL,
    scale_source TEXT NOT NULL DEFAULT '',
    specimen_id INTEGER REFERENCES specimens (id),
    deleted INTEGER NOT NULL DEFAULT 0,
    plane TEXT NOT NULL DEFAULT '',
    display TEXT NOT NULL DEFAULT '',
    masks TEXT NOT NULL DEFAULT '',
    build_direction_deg REAL,
    surfaces TEXT NOT NULL DEFAULT '',
    checked_areas TEXT NOT NULL DEFAULT ''
);
CREATE TABLE crops (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pixels TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    micrograph_id INTEGER REFERENCES micrographs (id),
    x INTEGER,
    y INTEGER,
    source TEXT NOT NULL DEFAULT '',
    specimen_id INTEGER REFERENCES specimens (id),
    um_per_px REAL,
    given_side TEXT CHECK (given_side IN ('train', 'test')),
    label INTEGER,
    deleted INTEGER NOT NULL DEFAULT 0,
    origin TEXT NOT NULL DEFAULT ''
);
CREATE INDEX crops_by_micrograph ON crops (micrograph_id);
CREATE TABLE label_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    crop_id INTEGER NOT NULL REFERENCES crops (id),
    label INTEGER,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    how TEXT NOT NULL
);
CREATE INDEX label_log_by_crop ON label_log (crop_id);
CREATE TABLE reference_crops (
    class_id INTEGER NOT NULL REFERENCES classes (id),
    crop_id INTEGER NOT NULL REFERENCES crops (id),
    PRIMARY KEY (class_id, crop_id)
);
CREATE TABLE test_side (
    key TEXT PRIMARY KEY
);
CREATE TABLE outlines (
    crop_id INTEGER PRIMARY KEY REFERENCES crops (id),
    points BLOB NOT NULL
);
CREATE TABLE detections (
    micrograph_id INTEGER PRIMARY KEY REFERENCES micrographs (id),
    at TEXT NOT NULL,
    recipe TEXT NOT NULL,
    field_area_px REAL NOT NULL,
    masks TEXT NOT NULL DEFAULT '',
    surfaces TEXT NOT NULL DEFAULT ''
);
CREATE TABLE remarks (
    crop_id INTEGER PRIMARY KEY REFERENCES crops (id),
    note TEXT NOT NULL DEFAULT '',
    reviewed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE opinions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    crop_id INTEGER NOT NULL REFERENCES crops (id),
    label INTEGER NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    seconds REAL,
    blind INTEGER NOT NULL DEFAULT 0,
    session TEXT NOT NULL DEFAULT '',
    deleted INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE looks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE TABLE attributes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    unit TEXT NOT NULL DEFAULT '',
    formula TEXT NOT NULL DEFAULT '',
    deleted INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE specimen_values (
    specimen_id INTEGER NOT NULL REFERENCES specimens (id),
    attribute_id INTEGER NOT NULL REFERENCES attributes (id),
    value TEXT NOT NULL,
    PRIMARY KEY (specimen_id, attribute_id)
);
CREATE TABLE specimen_value_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    specimen_id INTEGER NOT NULL REFERENCES specimens (id),
    attribute_id INTEGER NOT NULL REFERENCES attributes (id),
    value TEXT NOT NULL,
    who TEXT NOT NULL,
    at TEXT NOT NULL,
    how TEXT NOT NULL
);
