"""Decide between the window and the command line."""

from __future__ import annotations

import sys
from pathlib import Path

from poregui.cli.main import REFUSED, VERBS
from poregui.cli.main import main as run_command
from poregui.cli.output import Screen
from poregui.launching import guard_children


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
    if folder is not None and not any((folder / n).exists() for n in ("project.db", "backups")):
        Screen(as_json=False).error(
            f"{folder} is neither a project nor a verb. See poregui --help."
        )
        return REFUSED
    from poregui.gui.app import main as open_window

    return open_window(folder)


if __name__ == "__main__":
    sys.exit(main())
