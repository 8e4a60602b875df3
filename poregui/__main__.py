"""Decide between the window and the command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from poregui.cli.main import REFUSED, VERBS
from poregui.cli.main import main as run_command
from poregui.cli.output import Screen
from poregui.launching import guard_children

_OF_A_PROJECT = ("project.db", "backups")


def main() -> int:
    """Open the window without a verb, on a project when one is given, else run the verb; return the
    exit code.
    """
    guard_children()
    words = sys.argv[1:]
    names_project = len(words) == 1 and words[0] not in VERBS and not words[0].startswith("-")
    if words and not names_project:
        return run_command(words)
    folder = Path(words[0]) if words else None
    if folder is not None and not any(os.path.lexists(folder / n) for n in _OF_A_PROJECT):
        what = f"{folder} is neither a project nor a verb"
        if os.path.isdir(folder) and not os.access(folder, os.R_OK | os.X_OK):
            what = f"{folder} cannot be read: no permission"
        Screen(as_json=False).error(f"{what}. See poregui --help.")
        return REFUSED
    from poregui.gui.app import main as open_window

    return open_window(folder)


if __name__ == "__main__":
    sys.exit(main())
