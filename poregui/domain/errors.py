"""Define the errors of the world, which a person can do something about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOTHING_LOST = "Nothing that was shown is lost."
"""Follows a remedy where labels are concerned: what a person saw is on disk."""
TOO_MANY_FILES = (
    "Close poregui and start it again; if that does not help, allow more open files (ulimit -n). "
    f"{NOTHING_LOST}"
)
"""The remedy where a program may open no more files."""


class PoreguiError(Exception):
    """Say in one sentence what happened and in another what to do.

    Raised for damaged files, full disks, impossible splits: everything that is not a bug of ours.
    The window shows it as a message, the command line prints it and exits with 2; neither shows a
    trace.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy


@contextmanager
def faults_of(name: str) -> Iterator[None]:
    """Turn what the machine refuses during work on a micrograph into a PoreguiError that names it,
    so that the others of a batch go on.
    """
    try:
        yield
    except MemoryError as error:
        raise PoreguiError(
            f"{name} needs more memory than there is.",
            "Check its pixel size and the lengths in the detection settings, or close other "
            "programs.",
        ) from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise PoreguiError(
            f"Work on {name} stopped: {why}.", "Check its disk, and try again."
        ) from (error)


class ImageError(PoreguiError):
    """Say why an image cannot be read."""


class ProjectError(PoreguiError):
    """Say why a project cannot be opened or written."""


class DamagedProjectError(ProjectError):
    """Say that project.db in `folder` is missing, damaged, or holds what no version wrote."""

    def __init__(self, folder: Path, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.folder = folder


class DamagedRunError(ProjectError):
    """Say which file of a run cannot be used, and why: it is missing, damaged, or not as the run
    left it.
    """

    REMEDY = (
        "Restore the file from a copy, choose another run, or train again; your labels are "
        "unaffected."
    )

    def __init__(self, run: str, fault: str) -> None:
        super().__init__(f"Run {run} cannot be read: {fault}.", self.REMEDY)
        self.fault = fault


class ReadOnlyError(ProjectError):
    """Say that this project was opened for reading only."""


class TrainingError(PoreguiError):
    """Say why a training cannot start or did not end well."""
