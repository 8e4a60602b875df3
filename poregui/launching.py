"""Start Python so that no file of the working folder is run; say who started this one and on how
many cores.
"""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path


def python_command(*words: str) -> tuple[str, ...]:
    """Return the command that runs this Python on words such as `-m`, `poregui`, `fit`.

    No file in the current folder stands in for a module of the same name (-P). Start it with
    `child_environment`, in which it finds this very package.
    """
    return (sys.executable, "-P", *words)


def poregui_command(*words: str) -> tuple[str, ...]:
    """Return the command for a verb of poregui, or for the window without one."""
    return python_command("-m", "poregui", *words)


def child_environment(**more: str) -> dict[str, str]:
    """Return the surroundings in which a child finds this package, also in a
    checkout, and `more`.
    """
    paths = [_source(), *_absolute(os.environ.get("PYTHONPATH", ""))]
    found = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(paths)}
    return {**found, **more}


def available_cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def guard_children() -> None:
    """Let no process that this one starts take modules from the working folder.

    Those of multiprocessing put that folder first, whatever the command of this process was, and
    listen to nothing but the environment. Call it before there are threads, which may read that.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    if "PYTHONPATH" in os.environ:
        os.environ["PYTHONPATH"] = os.pathsep.join(_absolute(os.environ["PYTHONPATH"]))


def leave_working_folder() -> None:
    """Look for modules no more in the working folder, which `python -m` puts first.

    A folder that holds this very package stays, for then it is run from a checkout.
    """
    if not sys.flags.safe_path and os.path.realpath(sys.path[0]) != _source():
        del sys.path[0]


def login_name() -> str:
    """Return the name of who started this process; "unknown" where the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def home_folder() -> Path:
    """Return the home of who started this process; the current folder where there is none."""
    try:
        return Path.home()
    except (RuntimeError, KeyError):
        return Path.cwd()


def _absolute(paths: str) -> list[str]:
    """Return the folders of a search path that are the same wherever a process is started."""
    return [path for path in paths.split(os.pathsep) if os.path.isabs(path)]


def _source() -> str:
    return os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
