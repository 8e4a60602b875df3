"""Show the program on a sample project from a bare Python."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from pathlib import Path

import _environment
import _system
from _environment import ROOT
from _system import Refused, say

DEFAULT_FOLDER = ROOT / "build" / "demo"


def main() -> int:
    """Make the environment and the sample project, train and evaluate, then show the window or save
    its pages.
    """
    options = _options()
    wants_window = _system.has_screen() and not options.no_window
    python = _environment.environment()
    _system.ensure_qt_libraries(window=wants_window)
    folder = options.folder.expanduser().resolve()
    project = _sample_project(python, folder)

    say("\nTraining on its labelled crops.")
    epochs = [] if options.epochs is None else ["--epochs", str(options.epochs)]
    _poregui(python, "train", project, *epochs)
    say("\nWhat the newest run predicts for specimens that it never saw (rows are the truth):")
    _poregui(python, "evaluate", project)

    if wants_window and _opens_windows(python):
        say("\nOpening the window; close it to end.")
        _poregui(python, project)
    else:
        _save_pages(python, project, folder / "images")
    say(f"\nThe sample project stays in {project}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Make a sample project, train on it, and show the program."
    )
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help="where the sample project goes"
    )
    parser.add_argument("--epochs", type=int, help="train at most this many epochs")
    parser.add_argument(
        "--no-window", action="store_true", help="save images of the pages, as without a screen"
    )
    return parser.parse_args()


def _sample_project(python: Path, folder: Path) -> Path:
    project, complete = folder / "demo-project", folder / "demo-project.complete"
    if project.exists() and complete.exists():
        say(f"Using the sample project in {project}")
        return project
    if project.exists() and folder != DEFAULT_FOLDER:
        raise Refused(
            f"{project} is no complete sample project: move it away or choose another --folder."
        )
    shutil.rmtree(project, ignore_errors=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"The folder {folder} cannot be made ({error.strerror}): choose another --folder."
        ) from error
    say("Drawing the sample project: micrographs of polished titanium with known pores.")
    _poregui(python, "demo", project)
    complete.touch()
    return project


def _poregui(python: Path, *arguments: str | Path) -> None:
    command = [str(python), "-P", "-m", "poregui", *map(str, arguments)]
    if code := subprocess.run(command, check=False).returncode:
        raise Refused(
            f"The command `poregui {arguments[0]}` ended with code {code}: its own words stand "
            "above."
        )


def _opens_windows(python: Path) -> bool:
    """Tell whether Qt reaches the screen: a variable may name a display that nobody serves, and Qt
    then aborts.
    """
    probe = "from PySide6.QtGui import QGuiApplication; QGuiApplication([])"
    if (
        subprocess.run(
            [str(python), "-P", "-c", probe], capture_output=True, check=False
        ).returncode
        == 0
    ):
        return True
    say("\nThe screen cannot be reached from here.")
    return False


def _save_pages(python: Path, project: Path, out: Path) -> None:
    say("\nSaving the pages of the window as images.")
    out.mkdir(exist_ok=True)
    surroundings = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [str(python), "-P", "-m", "poregui.gui.shell.page_images", str(project), str(out)]
    if subprocess.run(command, env=surroundings, check=False).returncode:
        raise Refused("The images could not be saved: the reason stands above.")
    for image in sorted(out.glob("*.png")):
        say(f"  {image}")


if __name__ == "__main__":
    _environment.main(main)
