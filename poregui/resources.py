"""Where the program finds its icons and other shipped files."""

from __future__ import annotations

from pathlib import Path

from poregui.domain.errors import PoreguiError

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """Return the path of a shipped file or folder, from a checkout and from an installed wheel
    alike.

    `name` is relative to the `resources` folder and uses forward slashes: `icons/train.svg`.
    Raises PoreguiError when there is no such resource, for then the installation is incomplete.
    """
    installed = _PACKAGE / "_resources"
    if installed.is_dir():
        folder = installed
    else:
        folder = _PACKAGE.parent / "resources"
    path = folder / name
    if not path.exists():
        raise PoreguiError(
            f"The program file “{name}” is missing.",
            "Reinstall poregui: this installation is incomplete.",
        )
    return path
