"""Ask on the command line under whose name labels are logged; changes with what stands in the label log."""

from __future__ import annotations

import argparse

from poregui.domain.errors import PoreguiError

NOBODY = "command line"
"""What the log says where no name was given."""


def add_annotator_option(parser: argparse.ArgumentParser) -> None:
    """Give a verb that writes labels the name of who gave them."""
    parser.add_argument(
        "--annotator", metavar="NAME", help=f"who gave the labels, as the label log is to say; {NOBODY!r} otherwise"
    )


def annotator_of(args: argparse.Namespace) -> str:
    """Return the name for the label log. Raises PoreguiError for one that is empty."""
    if args.annotator is None:
        return NOBODY
    name = " ".join(args.annotator.split())
    if not name:
        raise PoreguiError("The name of who labels is empty.", "Give one after --annotator, or leave the option out.")
    return name
