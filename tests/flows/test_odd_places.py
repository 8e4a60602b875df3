"""Hold that pipes, loops of links, missing rights, displays, names and memory are sentences."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from builders import add_micrograph, grey, labelled_project
from PIL import Image
from without_rights import python_without_rights

from poregui.cli import doctor as doctor_module
from poregui.cli.main import OK, REFUSED, main
from poregui.domain.errors import ImageError
from poregui.launching import child_environment, home_folder, login_name, poregui_command
from poregui.store.files import current_hash, file_hash

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="These are faults of other systems."),
    pytest.mark.timeout(240),
]
VERBS = """
import contextlib, io, json, sys
from poregui.cli.main import main
told = {}
for words in json.loads(sys.argv[1]):
    err = io.StringIO()
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
        code = main(words)
    told[" ".join(words)] = (code, err.getvalue().strip().splitlines()[-1:])
print(json.dumps(told))
"""
WINDOW = """
import sys
from pathlib import Path
from poregui.gui.app import build_window
window = build_window(Path(sys.argv[1]))
read_only = window.session.project.read_only if window.session else None
print(repr((window.start_page.problem, read_only)))
window.close()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with labelled_project(tmp_path / "p", specimens=3, per_class=4) as project:
        add_micrograph(project, tmp_path / "a.png", um_per_px=0.5)
    return tmp_path / "p"


def test_a_pipe_in_the_place_of_a_micrograph_is_told_and_waited_for_by_nobody(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    micrograph = folder.parent / "a.png"
    micrograph.unlink()
    os.mkfifo(micrograph)
    with pytest.raises(ImageError, match=r"a\.png is no file"):
        file_hash(micrograph)
    with pytest.raises(ImageError, match=r"a\.png is no file"):
        current_hash(micrograph, None)
    with pytest.raises(ImageError, match="null is no file"):
        file_hash(Path(os.devnull))
    for text in (["detect"], ["micrographs", "--mask-info-bar"], ["import", str(micrograph)]):
        verb, *rest = text
        main([verb, str(folder), *rest])
        received = capsys.readouterr()
        assert "a.png" in received.out + received.err
    out = folder.parent / "p.zip"
    assert main(["pack", str(folder), str(out)]) == OK
    assert "a.png" in capsys.readouterr().out


def test_links_that_lead_in_a_circle_or_nowhere_are_passed_over_in_an_import(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = folder.parent / "images"
    images.mkdir()
    Image.fromarray(grey(9, 90, 90)).save(images / "b.png")
    (images / "up").symlink_to(images, target_is_directory=True)
    (images / "itself").symlink_to("itself")
    (images / "nowhere").symlink_to("not there")
    os.mkfifo(images / "pipe.png")
    assert main(["import", str(folder), str(images), "--as", "micrographs"]) == OK
    received = capsys.readouterr().out
    for name in ("itself", "nowhere", "pipe.png"):
        assert name in received
    with_it = main(["info", str(folder), "--json"])
    assert (with_it, json.loads(capsys.readouterr().out)["micrographs"]) == (OK, 2)


def test_a_folder_without_rights_is_a_sentence_on_the_command_line_and_in_the_window(
    folder: Path,
) -> None:
    folder.chmod(0)
    verbs = [
        ["info", str(folder)],
        ["import", str(folder), str(folder.parent / "a.png")],
        ["backup", str(folder)],
        ["backup", str(folder), "--list"],
        ["backup", str(folder), "--restore", "newest"],
        ["pack", str(folder), str(folder.parent / "x.zip")],
        ["new", str(folder / "inside")],
        ["image", str(folder / "inside.png")],
    ]
    done = python_without_rights("-c", VERBS, json.dumps(verbs), cwd=folder.parent)
    window = python_without_rights("-c", WINDOW, str(folder), cwd=folder.parent)
    opened = python_without_rights("-m", "poregui", str(folder), cwd=folder.parent)
    folder.chmod(0o755)
    received = json.loads(done.stdout)
    assert len(received) == len(verbs)
    for code, lines in received.values():
        assert code == REFUSED
        assert len(lines) == 1
        assert lines[0].startswith("poregui: ")
    assert "cannot be read: permission denied" in window.stdout
    assert (opened.returncode, "no permission" in opened.stderr) == (REFUSED, True)
    assert "Traceback" not in done.stderr + window.stderr + opened.stderr


def test_a_folder_that_may_only_be_read_opens_read_only_though_its_files_may_be_written(
    folder: Path,
) -> None:
    folder.chmod(0o555)
    verbs = [
        ["info", str(folder)],
        ["split", str(folder), "--by-file-name"],
        ["import", str(folder), str(folder.parent / "a.png")],
        ["train", str(folder), "--epochs", "1"],
        ["backup", str(folder)],
        ["export", str(folder), str(folder / "x.csv"), "--format", "csv"],
    ]
    done = python_without_rights("-c", VERBS, json.dumps(verbs), cwd=folder.parent)
    window = python_without_rights("-c", WINDOW, str(folder), cwd=folder.parent)
    folder.chmod(0o755)
    codes = [code for code, _ in json.loads(done.stdout).values()]
    assert codes == [OK, *[REFUSED] * 5]
    assert "is read-only. Copy the project" in done.stdout
    assert window.stdout.strip() == "('', True)"
    assert "Traceback" not in done.stderr + window.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere there is always a display.")
def test_without_a_display_the_window_is_refused_in_a_sentence(folder: Path) -> None:
    surroundings = child_environment()
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        surroundings.pop(name, None)
    done = subprocess.run(
        poregui_command(str(folder)),
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == REFUSED
    assert done.stderr.startswith("poregui: No window can be opened: Qt found no usable display.")
    assert len(done.stderr.splitlines()) == 1


def test_somebody_without_a_name_and_a_home_works_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.chdir(folder)
    assert login_name() == "unknown"
    assert home_folder() == folder
    assert main(["split", str(folder), "--by-file-name"]) == OK


def test_the_doctor_fails_where_something_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"training": {"tensorflow": "2"}, "window": {"qt": "6", "platform": None, "log": ""}}
    monkeypatch.setattr(doctor_module, "_ask", lambda what: asked.get(what, {}))
    assert main(["doctor", "--json"]) == OK
    assert json.loads(capsys.readouterr().out)["broken"] == []
    asked["network"] = {"problem": "no such library"}
    assert main(["doctor"]) == doctor_module.BROKEN
    assert "Problem: ONNX Runtime does not start: no such library." in capsys.readouterr().out


def test_the_doctor_fails_where_no_project_can_be_stored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor_module, "_ask", lambda _: {"qt": "6", "platform": None})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not there"))
    assert main(["doctor", "--json"]) == doctor_module.BROKEN
    assert "a project cannot be stored" in json.loads(capsys.readouterr().out)["broken"][0]
