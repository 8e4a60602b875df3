"""Test how the scripts make, judge and explain an environment."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import _environment
import _system
import pytest
from _system import Refused

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that stands for .venv, with this interpreter as its Python and nothing that
    installs.
    """
    folder = tmp_path / ".venv"
    folder.mkdir()
    monkeypatch.setattr(_environment, "VENV", folder)
    monkeypatch.setattr(_environment, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(_environment, "STAMP", folder / "stamp.json")
    monkeypatch.setattr(_environment, "UNFINISHED", folder / "unfinished")
    return folder


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what the environment did: create, install."""
    done: list[str] = []

    def create() -> None:
        done.append("create")

    def install(extras: list[str]) -> None:
        done.append(f"install {' '.join(extras)}".strip())

    monkeypatch.setattr(_environment, "create", create)
    monkeypatch.setattr(_environment, "_install", install)
    return done


def test_a_second_run_neither_makes_nor_installs(venv: Path, calls: list[str]) -> None:
    _environment.environment("dev")
    assert calls == ["install dev"]
    assert _environment.environment("dev") == Path(sys.executable)
    assert _environment.environment() == Path(sys.executable)
    assert calls == ["install dev"]


def test_the_test_tools_are_added_to_what_a_demo_installed(venv: Path, calls: list[str]) -> None:
    _environment.environment()
    _environment.environment("dev")
    assert calls == ["install", "install dev"]


def test_new_pins_are_installed_into_the_same_environment(
    venv: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _environment.environment("dev")
    monkeypatch.setattr(_environment, "_fingerprint", lambda: "other")
    _environment.environment()
    assert calls == ["install dev", "install dev"]


def test_an_interrupted_installation_starts_over(venv: Path, calls: list[str]) -> None:
    _environment.UNFINISHED.touch()
    _environment.environment("dev")
    assert calls == ["create", "install dev"]
    assert not _environment.UNFINISHED.exists()


@pytest.mark.parametrize(
    "damage",
    [
        {"packages": {"poregui": "0"}},
        {"packages": {"no-such-package": "1"}},
        {"folder": "elsewhere"},
    ],
)
def test_a_damaged_or_moved_environment_is_made_again(
    venv: Path, calls: list[str], damage: dict[str, object]
) -> None:
    _environment.environment("dev")
    stamp = json.loads(_environment.STAMP.read_text(encoding="utf-8"))
    _environment.STAMP.write_text(json.dumps(stamp | damage), encoding="utf-8")
    _environment.environment("dev")
    assert calls == ["install dev", "create", "install dev"]


def test_an_environment_without_python_is_made_again(
    venv: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _environment.environment("dev")
    monkeypatch.setattr(_environment, "PYTHON", venv / "bin" / "gone")
    with pytest.raises(FileNotFoundError):  # the stand-ins make none either
        _environment.environment("dev")
    assert calls == ["install dev", "create", "install dev"]


def test_a_full_disk_is_told_before_anything_is_fetched(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(_environment.shutil, "disk_usage", lambda _: usage(9e9, 8e9, 1e9))
    with pytest.raises(Refused, match=r"Only 1\.0 GB are free"):
        _environment.create()
    assert not venv.exists()


def test_linux_asks_for_the_small_tensorflow_and_other_platforms_for_the_plain_one(
    venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_environment, "PYTHON", venv / "bin" / "none")
    monkeypatch.setattr(_system, "has_small_tensorflow", lambda: True)
    small = [
        need for need in _environment.requirements(["dev", "gpu"]) if need.startswith("tensorflow")
    ]
    assert small == [
        "tensorflow-cpu>=2.21,<2.22",
        "tensorflow[and-cuda]>=2.21,<2.22; sys_platform == 'linux'",
    ]
    monkeypatch.setattr(_system, "has_small_tensorflow", lambda: False)
    plain = [need for need in _environment.requirements([]) if need.startswith("tensorflow")]
    assert plain == ["tensorflow>=2.21,<2.22"]


def test_a_python_that_does_not_fit_is_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_environment.sys, "version_info", (3, 14, 0))
    monkeypatch.setattr(_environment, "_succeeds", lambda _command: False)
    with pytest.raises(
        Refused, match=r"Python 3\.14 does not fit: install Python 3\.11, 3\.12 or 3\.13"
    ):
        _environment.use_fitting_python()


def test_an_older_python_gets_far_enough_to_read_that_sentence() -> None:
    for script in (ROOT / "scripts").glob("*.py"):
        ast.parse(script.read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        (
            "WARNING: NewConnectionError: [Errno 101]\nERROR: No matching distribution",
            "check the network",
        ),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("ERROR: something else", "see the lines above"),
    ],
)
def test_a_failed_installation_ends_with_its_log_and_a_remedy(log: str, sentence: str) -> None:
    received = _environment.explain("first line\n" * 40 + log)
    assert sentence in received.splitlines()[-1]
    assert log.splitlines()[-1] in received
    assert received.count("first line") < 15


def test_missing_qt_libraries_are_refused_with_the_exact_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_system.sys, "platform", "linux")
    monkeypatch.setattr(_system, "_loads", lambda file: file != "libEGL.so.1")
    monkeypatch.setattr(_system, "apt_install", lambda _packages: False)
    with pytest.raises(Refused, match="run `sudo apt-get install libegl1` and this again"):
        _system.ensure_qt_libraries(window=False)


def test_missing_libraries_of_the_window_alone_are_only_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_system.sys, "platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(_system, "_loads", lambda file: file not in _system.WINDOW_LIBRARIES)
    monkeypatch.setattr(_system, "_has_fonts", lambda: True)
    monkeypatch.setattr(_system, "apt_install", lambda _packages: False)
    _system.ensure_qt_libraries(window=False)
    assert capsys.readouterr().out == ""
    _system.ensure_qt_libraries(window=True)
    assert "libxcb-cursor0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variables", "screen"),
    [({}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "wayland-0"}, True)],
)
def test_a_screen_is_where_a_display_is(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], screen: bool
) -> None:
    monkeypatch.setattr(_system.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert _system.has_screen() is screen
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert not _system.has_screen()


@pytest.mark.parametrize("script", ["demo.py", "test.py"])
def test_a_script_explains_itself_from_any_folder(script: str, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / script), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "usage: " in done.stdout


def test_packages_that_are_pinned_no_longer_leave_the_environment() -> None:
    had = {"numpy": "2.4.6", "importlib_metadata": "10", "pip": "26", "poregui": "1", "gone": "3"}
    assert _environment.unpinned(had) == ["gone"]
