"""Offer the verbs of the command line and turn every failure into a sentence and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import NoReturn

import poregui
from poregui.cli.output import Screen, sentence_of
from poregui.cli.verb_arguments import add_arguments
from poregui.domain.errors import PoreguiError

OK = 0
REFUSED = 2
INTERRUPTED = 130
NOBODY_READS = 141
VERBS = {
    "demo": ("project_verbs", "demo", "draw the sample project"),
    "new": ("project_verbs", "new", "make an empty project"),
    "import": (
        "project_verbs",
        "import_images",
        "import micrographs and ready-made crops into a project",
    ),
    "import-outlines": ("project_verbs", "import_outlines", "import outlines from other programs"),
    "image": (
        "micrograph_verbs",
        "image",
        "describe an image: its size, its pixel size and where that comes from",
    ),
    "info": ("project_verbs", "info", "describe a project"),
    "micrographs": (
        "micrograph_verbs",
        "micrographs",
        "list micrographs; change their pixel size, specimen and masks",
    ),
    "detect": (
        "detection_verbs",
        "detect",
        "find the pores of micrographs; labels stay with the pores that are found again",
    ),
    "measure": (
        "detection_verbs",
        "measure",
        "measure the outlined pores and write one line for each as CSV",
    ),
    "score-detection": (
        "detection_verbs",
        "score_detection",
        "compare the outlines of a project with masks in which every pore is marked",
    ),
    "check": ("checking_verbs", "check", "check in random windows how well pores were found"),
    "split": (
        "training_verbs",
        "split",
        "show which specimens are used for training and testing, or choose the test set",
    ),
    "train": (
        "training_verbs",
        "train",
        "train a network on the labelled crops, or a finder on checked areas",
    ),
    "fit": ("training_verbs", "fit", "train the run in a folder, or resume it"),
    "runs": ("run_verbs", "runs", "list the runs; name, note, delete or restore one"),
    "evaluate": (
        "review_verbs",
        "evaluate",
        "compare the predictions of a run with the current labels",
    ),
    "compare": ("review_verbs", "compare", "compare two runs on the test crops they share"),
    "label-errors": (
        "review_verbs",
        "label_issues",
        "list the labels that are probably wrong, most doubtful first",
    ),
    "report": ("review_verbs", "report", "write the report of a run as one HTML or PDF file"),
    "suggest": (
        "suggestion_verbs",
        "suggest",
        "suggest labels for crops that have none, and which to label next",
    ),
    "pack": ("project_verbs", "pack", "write a project for a colleague into one verified zip file"),
    "backup": ("project_verbs", "backup", "back up the labels, list the backups or restore one"),
    "merge-labels": (
        "project_verbs",
        "merge_labels",
        "import labels from another copy of a project, listing conflicts",
    ),
    "agreement": ("rating_verbs", "agreement", "say how far people agree, and a run with them"),
    "import-ratings": ("rating_verbs", "import_ratings", "import second opinions on crops"),
    "rate": ("rating_verbs", "rate", "give a second opinion on the crops of a file"),
    "predict": ("prediction_verbs", "predict", "classify crops from image files"),
    "apply": (
        "apply_verbs",
        "apply",
        "find, measure and classify the pores of micrographs: porosity per class",
    ),
    "lock": (
        "apply_verbs",
        "lock",
        "fix recipe, network and confidence for operators, who then apply them unchanged",
    ),
    "specimens": (
        "specimen_verbs",
        "specimens",
        "list specimens with what was done to them; import a table, or compute a column",
    ),
    "compare-specimens": (
        "specimen_verbs",
        "compare_specimens",
        "compare the pores of specimens by what was done to them",
    ),
    "extremes": (
        "specimen_verbs",
        "extremes",
        "say how large the largest pore of an area is to be expected",
    ),
    "export": (
        "project_verbs",
        "export",
        "export labels, crops or outlines for other programs, or a network",
    ),
    "doctor": ("doctor", "doctor", "report what was found on this machine"),
}
"""For each verb its module, its function and what it does."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sentence = f"{message[:1].upper()}{message[1:]}".rstrip(".")
        raise PoreguiError(f"{sentence}.", f"See {self.prog} --help.")


def main(argv: list[str]) -> int:
    """Run one command and return its exit code: 0, 2 for bad input with one sentence, 130 after
    Ctrl+C.
    """
    _escape_what_a_terminal_cannot_show()
    screen = Screen(as_json=False)
    if argv[:1] == ["suspects"]:  # the former name, which scripts of people may have
        argv = ["label-errors", *argv[1:]]
    try:
        args = _parser(argv).parse_args(argv)
        screen = Screen(as_json=args.json)
        module, function, _ = VERBS[args.verb]
        run = getattr(importlib.import_module(f"poregui.cli.{module}"), function)
        code = int(run(args, screen))
        sys.stdout.flush()
    except PoreguiError as error:
        screen.error(str(error))
        return REFUSED
    except KeyboardInterrupt:
        screen.clear()
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return NOBODY_READS
    except OSError as error:
        screen.error(sentence_of(error))
        return REFUSED
    except SystemExit as end:  # --help and --version
        return end.code if isinstance(end.code, int) else OK
    return code


def _escape_what_a_terminal_cannot_show() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """Send what is still unwritten nowhere, so that Python does not complain at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _parser(argv: list[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="poregui",
        description="Label, train and review pores in micrographs of 3-D printed metal. Without "
        "a verb the window opens: poregui [PROJECT].",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"poregui {poregui.__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)
    for verb, (_, _, help_text) in VERBS.items():
        one = verbs.add_parser(
            verb, help=help_text, description=f"{help_text[:1].upper()}{help_text[1:]}."
        )
        if verb in argv:  # the others are never asked; the recipe's options are the costly ones
            add_arguments(one, verb, VERBS[verb][0])
        one.add_argument(
            "--json",
            action="store_true",
            help="print one JSON object; progress and notes go to standard error",
        )
    return parser
