"""Test the order of what scripts/demo.py does and what it leaves alone."""

from __future__ import annotations

import sys
from pathlib import Path

import _environment
import _system
import demo
import pytest
from _system import Refused


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the commands of the program that the script calls; `demo` makes its folder and nothing
    else is real.
    """
    calls: list[str] = []

    def poregui(_python: Path, *arguments: str | Path) -> None:
        calls.append(
            " ".join(Path(part).name if isinstance(part, Path) else part for part in arguments)
        )
        if arguments[0] == "demo":
            Path(arguments[1]).mkdir()

    monkeypatch.setattr(demo, "_poregui", poregui)
    monkeypatch.setattr(
        demo, "_save_pages", lambda _python, _project, out: calls.append(f"save {out.name}")
    )
    monkeypatch.setattr(_environment, "environment", lambda: Path(sys.executable))
    monkeypatch.setattr(_system, "ensure_qt_libraries", lambda window: None)
    monkeypatch.setattr(_system, "has_screen", lambda: False)
    return calls


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """Run the script with these arguments."""
    monkeypatch.setattr(sys, "argv", ["demo.py", *map(str, arguments)])
    return demo.main()


def test_without_a_screen_the_main_job_ends_in_images(
    done: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert (
        run(monkeypatch, "--folder", tmp_path / "new" / "Ordner mit Ümläuten", "--epochs", "2") == 0
    )
    assert done == [
        "demo demo-project",
        "train demo-project --epochs 2",
        "evaluate demo-project",
        "save images",
    ]


def test_with_a_screen_the_main_job_ends_in_the_window(
    done: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_system, "has_screen", lambda: True)
    run(monkeypatch, "--folder", tmp_path)
    assert done == [
        "demo demo-project",
        "train demo-project",
        "evaluate demo-project",
        "demo-project",
    ]


def test_no_window_is_opened_when_nobody_wants_one(
    done: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_system, "has_screen", lambda: True)
    run(monkeypatch, "--folder", tmp_path, "--no-window")
    assert done[-1] == "save images"


def test_a_second_run_uses_the_same_sample_project(
    done: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(monkeypatch, "--folder", tmp_path)
    run(monkeypatch, "--folder", tmp_path)
    assert done.count("demo demo-project") == 1
    assert done.count("train demo-project") == 2


def test_a_half_drawn_project_of_our_own_is_drawn_again(
    done: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "DEFAULT_FOLDER", tmp_path)
    (tmp_path / "demo-project" / "half").mkdir(parents=True)
    run(monkeypatch)
    assert done[0] == "demo demo-project"
    assert not (tmp_path / "demo-project" / "half").exists()


def test_a_folder_of_somebody_else_is_left_alone(
    done: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    theirs = tmp_path / "demo-project" / "theirs"
    theirs.mkdir(parents=True)
    with pytest.raises(Refused, match="choose another --folder"):
        run(monkeypatch, "--folder", tmp_path)
    assert theirs.exists()
    assert done == []
