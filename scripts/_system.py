"""Find out what the machine offers: screen, Qt's system libraries, apt."""

from __future__ import annotations

import ctypes
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

# The names of the files that Qt opens and of the Debian and Ubuntu packages that hold them.
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
}
WINDOW_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
FONT_PACKAGE = "fonts-dejavu-core"
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")


class Refused(Exception):
    """Say in one sentence why the script cannot go on and what to do."""


def say(text: str) -> None:
    """Print a line of progress at once, also into a pipe."""
    print(text, flush=True)


def has_small_tensorflow() -> bool:
    """Tell whether this platform has a build of TensorFlow without the GPU parts (Linux x86-64
    alone).
    """
    return sys.platform == "linux" and platform.machine() == "x86_64"


def has_screen() -> bool:
    """Tell whether a window could be seen by the person who started the script."""
    if os.environ.get("QT_QPA_PLATFORM", "").split(":")[0] in ("offscreen", "minimal"):
        return False
    if sys.platform == "linux":
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return not (os.environ.get("CI") or os.environ.get("SSH_CONNECTION"))


def ensure_qt_libraries(window: bool) -> None:
    """Install the system libraries that Qt needs where that is allowed; `window`: also those of a
    real X11 window.

    Raises Refused with the exact command when Qt could not start. Missing fonts and missing
    libraries of the window are only told: images and tests do without.
    """
    if sys.platform != "linux":
        return
    needed = _missing(QT_LIBRARIES)
    extra = _missing(WINDOW_LIBRARIES) if window and not os.environ.get("WAYLAND_DISPLAY") else []
    if not _has_fonts():
        extra.append(FONT_PACKAGE)
    if not needed and not extra:
        return
    apt_install([*needed, *extra])
    if still := _missing(QT_LIBRARIES):
        raise Refused(
            f"Qt needs system libraries that are missing: run `{apt_command(still)}` and this "
            "again."
        )
    extra = [name for name in extra if name != FONT_PACKAGE or not _has_fonts()]
    still = [name for name in extra if name == FONT_PACKAGE or name in _missing(WINDOW_LIBRARIES)]
    if still:
        say(f"The window would look or work better after `{apt_command(still)}`.")


def apt_install(packages: Sequence[str]) -> bool:
    """Install Debian packages and tell whether that worked; do nothing where it is not allowed
    without asking.
    """
    prefix = _apt_prefix()
    if prefix is None:
        return False
    say(f"Installing with apt: {' '.join(packages)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = [*prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (install, [*prefix, "apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
        if command is install and done.returncode == 0:
            return True
    say("  apt answered: " + " ".join((done.stderr or done.stdout).split())[-300:])
    return False


def apt_command(packages: Iterable[str]) -> str:
    """Return the command that a person runs to install these packages."""
    return shlex.join(["sudo", "apt-get", "install", *packages])


def _apt_prefix() -> list[str] | None:
    if not shutil.which("apt-get"):
        return None
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def _missing(libraries: dict[str, str]) -> list[str]:
    return [package for file, package in libraries.items() if not _loads(file)]


def _loads(file: str) -> bool:
    try:
        ctypes.CDLL(file)
    except OSError:
        return False
    return True


def _has_fonts() -> bool:
    endings = {".ttf", ".otf", ".ttc", ".pfb"}
    folders = (Path(folder).expanduser() for folder in FONT_FOLDERS)
    return any(path.suffix.lower() in endings for folder in folders for path in folder.rglob("*"))
