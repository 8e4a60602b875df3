"""Hold that nothing but plain files is read and written: no link inside a project, no device, no
file that ends too early.
"""

from __future__ import annotations

import io
import os
import stat
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
from builders import labelled_project
from complete_run import FILES, run_of
from large_files import take_for_large, textured
from PIL import Image

from poregui.cli.main import main
from poregui.domain.errors import DamagedRunError, PoreguiError, ProjectError
from poregui.domain.records import Micrograph
from poregui.store.files import (
    FileLock,
    export_target,
    file_hash,
    open_plain,
    open_to_append,
    replace_file,
    write_text,
)
from poregui.store.project import Project
from poregui.store.run_check import problem_of
from poregui.vision.io.pyramid import open_pyramid
from poregui.workflow.importing.image_identity import kept_sizes, make_pyramid, pyramid_file
from poregui.workflow.training.training_request import last_words

SECRET = b"a private key\n"
posix = pytest.mark.skipif(sys.platform == "win32", reason="Links and pipes as POSIX has them.")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "elsewhere" / "id_rsa"
    file.parent.mkdir()
    file.write_bytes(SECRET)
    return file


@posix
@pytest.mark.parametrize("file", [*FILES, "trainer.lock", "checkpoint.npz"])
def test_no_file_of_a_run_that_is_a_link_lets_anything_be_written_elsewhere(
    folder: Path, secret: Path, file: str
) -> None:
    run = run_of(folder)
    path = run.path / file
    dataset, recipe = run.read_dataset(), run.read_recipe()
    pixels, features = list(run.read_crops(dataset.crops)), run.read_features()
    assert features is not None
    path.unlink(missing_ok=True)
    path.symlink_to(secret)
    there = sorted(secret.parent.iterdir())
    for write in (
        lambda: run.write_dataset(recipe, dataset, pixels),
        lambda: run.write_folds([[1]]),
        lambda: run.write_predictions(dataset.classes, {}, []),
        lambda: run.write_shapes(["a"], [], np.empty((0, 1))),
        lambda: run.write_baseline({}),
        lambda: run.write_features(features),
        run.write_seal,
        lambda: run.open_events().close(),
        lambda: open_to_append(run.log_file).close(),
        lambda: run.lock().release(),
        lambda: replace_file(path, lambda beside: _write(beside, b"anything")),
    ):
        with suppress(PoreguiError, OSError):
            write()
    assert secret.read_bytes() == SECRET
    assert sorted(secret.parent.iterdir()) == there


@posix
@pytest.mark.parametrize("file", ["events.jsonl", "trainer.log"])
def test_a_file_that_has_a_second_name_elsewhere_is_copied_before_it_grows(
    folder: Path, secret: Path, file: str
) -> None:
    path = run_of(folder).path / file
    path.unlink()
    os.link(secret, path)
    with open_to_append(path) as out:
        out.write(b"more\n")
    assert secret.read_bytes() == SECRET
    assert path.read_bytes() == SECRET + b"more\n"


@posix
def test_what_is_shown_of_a_log_never_comes_through_a_link(folder: Path, secret: Path) -> None:
    log = run_of(folder).log_file
    log.unlink()
    log.symlink_to(secret)
    assert last_words(log) == []


@posix
@pytest.mark.parametrize(
    "name",
    [
        "project.db",
        "pixels.db",
        "project.lock",
        "project.db-journal",
        "pixels.db-wal",
        "runs",
        "cache",
        "locked",
        "applied",
        "backups",
    ],
)
def test_a_project_with_a_link_in_the_place_of_its_own_files_is_not_opened(
    folder: Path, secret: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / name
    aside = secret.parent / name
    if path.exists():
        path.replace(aside)
    path.symlink_to(aside)
    before = sorted(secret.parent.iterdir())
    assert main(["info", str(folder)]) == 2
    assert f"{folder / name} is a link" in capsys.readouterr().err
    assert sorted(secret.parent.iterdir()) == before


def test_a_journal_that_names_another_file_is_not_played_back(
    folder: Path, secret: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsencode(secret)
    journal = bytes(512) + bytes(4) + name + len(name).to_bytes(4, "big")
    journal += sum(name).to_bytes(4, "big") + bytes.fromhex("d9d505f920a163d7")
    (folder / "project.db-journal").write_bytes(journal)
    assert main(["info", str(folder)]) == 2
    assert "it names another file" in capsys.readouterr().err
    assert secret.read_bytes() == SECRET
    assert (folder / "project.db-journal").read_bytes() == journal


@posix
def test_a_run_that_is_a_link_to_another_folder_is_marked_and_never_used(
    folder: Path, tmp_path: Path
) -> None:
    run = run_of(folder)
    run.path.replace(tmp_path / "elsewhere")
    run.path.symlink_to(tmp_path / "elsewhere")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "elsewhere").iterdir()}
    assert "is a link" in problem_of(run)
    assert not run.has_network
    assert run.events() == []
    assert not run.finished
    with pytest.raises(DamagedRunError, match="is a link"):
        run.read_dataset()
    with pytest.raises(DamagedRunError, match="is a link"):
        run.lock()
    with Project.open(folder) as project:
        assert [one.number for one in project.runs()] == [1, 2]
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "elsewhere").iterdir()} == before


@posix
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_smaller_sizes_in_the_cache_are_read_only_from_a_plain_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    take_for_large(monkeypatch, coarsest=700)
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, textured(1300, 1100), rowsperstrip=16)
    micrograph = Micrograph(1, file.name, file.name, file_hash(file), 1300, 1100, 8, 1, None)
    sizes = kept_sizes(tmp_path, micrograph)
    kept = pyramid_file(tmp_path, micrograph)
    with open_pyramid(file, sizes) as image:
        make_pyramid(image, file, kept, lambda done, total: None)
    with open_pyramid(file, sizes) as image:
        assert image.is_complete
    elsewhere = kept.replace(tmp_path / "elsewhere.tif")
    before = elsewhere.read_bytes()
    if kind == "link":
        kept.symlink_to(elsewhere)
    else:
        os.mkfifo(kept)
    with open_pyramid(file, sizes) as image:
        assert not image.is_complete
        make_pyramid(image, file, kept, lambda done, total: None)
    with open_pyramid(file, sizes) as image:
        assert image.is_complete
    assert elsewhere.read_bytes() == before


@posix
def test_a_pipe_or_a_device_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match="no plain file"):
            open_plain(path)
        with pytest.raises(PoreguiError):
            file_hash(path)
    assert not FileLock(tmp_path / "pipe").acquire()


# ---- exports --------------------------------------------------------------------------------


@posix
def test_an_export_to_a_link_keeps_the_link_and_replaces_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "old.csv").write_text("old", encoding="utf-8")
    (tmp_path / "one.csv").symlink_to("two.csv")
    (tmp_path / "two.csv").symlink_to(tmp_path / "real" / "old.csv")
    (tmp_path / "new.csv").symlink_to("real/new.csv")
    for link, target in (("one.csv", "old.csv"), ("new.csv", "new.csv")):
        write_text(export_target(tmp_path / link), "fresh\n")
        assert (tmp_path / link).is_symlink()
        assert (tmp_path / "real" / target).read_text(encoding="utf-8") == "fresh\n"


@posix
def test_an_export_to_anything_but_a_file_is_a_sentence_and_touches_nothing(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "to a pipe").symlink_to("pipe")
    (tmp_path / "to a device").symlink_to("/dev/null")
    names = ["pipe", "round", "to a pipe", "to a device", "."]
    devices = ["-", "/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
    for path in [*(tmp_path / name for name in names), *map(Path, devices)]:
        with pytest.raises(PoreguiError) as refused:
            export_target(path)
        assert refused.value.remedy == "Give the name of a file."
    for name in names:
        with pytest.raises(PoreguiError, match=r"is a link|is a folder|is not a file"):
            replace_file(tmp_path / name, lambda beside: _write(beside, b"anything"))
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert os.readlink("/dev/stdout") == "/proc/self/fd/1"


@posix
@pytest.mark.parametrize(
    "text",
    [
        ["report", "{project}", "{out}.html"],
        ["report", "{project}", "{out}.pdf"],
        ["export", "{project}", "{out}.csv", "--format", "csv"],
        ["pack", "{project}", "{out}.zip"],
        ["evaluate", "{project}", "--predictions", "{out}.csv"],
    ],
    ids=lambda text: "-".join([text[0], text[-1].rpartition(".")[2]]),
)
def test_no_verb_that_writes_a_file_replaces_a_device_or_a_pipe(
    folder: Path, tmp_path: Path, text: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.format(project=folder, out=tmp_path / "out") for word in text]
    (out,) = (Path(word) for word in given if word.startswith(str(tmp_path / "out")))
    os.mkfifo(out)
    assert main(given) == 2
    said = capsys.readouterr().err
    assert "it is a device or a pipe" in said
    assert stat.S_ISFIFO(out.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


# ---- files that end too early ---------------------------------------------------------------


def _pdf() -> bytes:
    content = io.BytesIO()
    Image.new("L", (40, 40), 128).save(content, "PDF")
    return content.getvalue()


def _png() -> bytes:
    content = io.BytesIO()
    Image.new("L", (40, 40), 128).save(content, "PNG")
    return content.getvalue()


def _zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("a.txt", "words " * 100)
        packed.comment = b"said of it"
    return content.getvalue()


WHOLE = {
    ".pdf": _pdf(),
    ".png": _png(),
    ".zip": _zip(),
    ".npz": _zip(),
    ".keras": _zip(),
    ".html": b"<html><body><p>Words</p></body></html>\n",
    ".svg": b'<svg width="4"><text>Words</text></svg>\n',
}


@pytest.mark.parametrize("suffix", sorted(WHOLE))
def test_a_file_that_was_not_written_to_its_end_never_replaces_a_good_one(
    tmp_path: Path, suffix: str
) -> None:
    whole = WHOLE[suffix]
    path = tmp_path / f"out{suffix}"
    replace_file(path, lambda beside: _write(beside, whole))
    for length in range(0, len(whole) - 12, max(1, len(whole) // 25)):
        split = whole[:length]
        with pytest.raises(PoreguiError, match="was not written completely"):
            replace_file(path, lambda beside, split=split: _write(beside, split))
        assert path.read_bytes() == whole
    assert sorted(tmp_path.iterdir()) == [path]


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def test_a_project_of_links_to_pictures_opens_all_the_same(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "pores", specimens=2, per_class=1):
        pass
    (tmp_path / "pictures").mkdir()
    if sys.platform != "win32":
        (tmp_path / "pores" / "pictures").symlink_to(tmp_path / "pictures")
    with Project.open(tmp_path / "pores") as project:
        assert project.crops()


@posix
@pytest.mark.parametrize("name", ["project.db", "pixels.db", "runs/1/model.json", "backups/a.csv"])
def test_no_export_takes_the_place_of_what_is_a_projects_own(tmp_path: Path, name: str) -> None:
    (tmp_path / "project.db").touch()
    (tmp_path / "out.csv").symlink_to(tmp_path / name)
    for target in (tmp_path / name, tmp_path / "out.csv"):
        with pytest.raises(ProjectError, match="belongs to a project itself"):
            export_target(target)
    assert export_target(tmp_path / "pores.csv") == tmp_path / "pores.csv"
