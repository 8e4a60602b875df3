"""Offer the verbs of the command line and turn every failure into a sentence and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import poregui
from poregui.cli.output import Screen, add_annotator_option, sentence_of
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
            _ARGUMENTS[verb](one)
        one.add_argument(
            "--json",
            action="store_true",
            help="print one JSON object; progress and notes go to standard error",
        )
    return parser


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new or empty folder")
    parser.add_argument(
        "--seed", type=int, default=0, help="another seed draws another sample (default 0)"
    )


def _new(parser: argparse.ArgumentParser) -> None:
    _project(parser, "a new or empty folder")
    parser.add_argument("--classes", metavar="A,B,C", help="2–30 class names, separated by commas")


def _import(parser: argparse.ArgumentParser) -> None:
    _project(parser)
    parser.add_argument(
        "paths",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="image files, or folders that contain some",
    )
    parser.add_argument(
        "--as",
        dest="kind",
        choices=("auto", "micrographs", "crops"),
        default="auto",
        help="auto (the default): images in class folders and images named LOF.139.PNG, "
        "K.20.PNG or G.148.PNG are "
        "crops, others micrographs",
    )
    specimen = parser.add_mutually_exclusive_group()
    specimen.add_argument("--specimen", metavar="NAME", help="the specimen of all images")
    specimen.add_argument(
        "--specimen-from",
        metavar="PATTERN",
        help="the specimen in file names: '{specimen}_*.tif', or a regular expression with a "
        r"group, such as '^(\d+)_'",
    )
    _scale(parser, "pixel size of the images; overrides the file metadata")
    parser.add_argument(
        "--mask-info-bar", action="store_true", help="mask the burned-in bars of new micrographs"
    )
    add_annotator_option(parser)
    _plane(parser, "show in micrographs")


def _image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="an image file (PNG, JPEG, BMP, TIFF; CZI, LIF, ND2 with the extra formats); only "
        "its header is read",
    )
    _plane(parser, "describe")


def _plane(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add what chooses an image in files that hold several."""
    several = "of files that hold several, from 1"
    parser.add_argument(
        "--page", type=int, default=1, metavar="N", help=f"the page to {verb} {several}"
    )
    parser.add_argument(
        "--channel", type=int, metavar="N", help=f"the only channel to {verb} {several}"
    )
    parser.add_argument(
        "--z", type=int, default=1, metavar="N", help=f"the slice to {verb} {several}"
    )


def _info(parser: argparse.ArgumentParser) -> None:
    _project(parser)


def _micrographs(parser: argparse.ArgumentParser) -> None:
    from poregui.cli.micrograph_verbs import add_options

    _project(parser)
    add_options(parser)


def _detecting(verb: str) -> Callable[[argparse.ArgumentParser], None]:
    def add(parser: argparse.ArgumentParser) -> None:
        from poregui.cli import detection_verbs

        _project(parser)
        getattr(detection_verbs, f"add_{verb}_options")(parser)

    return add


def _split(parser: argparse.ArgumentParser) -> None:
    _project(parser)
    parser.add_argument(
        "--test", metavar="A,B", help="names of the specimens to test on, separated by commas"
    )
    parser.add_argument(
        "--by-file-name",
        action=argparse.BooleanOptionalAction,
        help="group crops whose file names start alike, where nothing else gives their specimen",
    )


def _train(parser: argparse.ArgumentParser) -> None:
    from poregui.cli.training_verbs import add_train_options

    _project(parser)
    add_train_options(parser)


def _fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run_folder", type=Path, nargs="?", metavar="RUN_FOLDER", help="such as PROJECT/runs/001"
    )
    parser.add_argument("--events", action="store_true", help="print events as lines of JSON")
    parser.add_argument(
        "--control", action="store_true", help="obey the lines stop and cancel on standard input"
    )
    parser.add_argument(
        "--wait",
        action="store_true",
        help="load TensorFlow first and then read the run folder, as a line of JSON text, from "
        "standard input",
    )


def _review(verb: str) -> Callable[[argparse.ArgumentParser], None]:
    def add(parser: argparse.ArgumentParser) -> None:
        from poregui.cli import review_verbs

        _project(parser)
        if verb != "compare":
            _run(parser)
        getattr(review_verbs, f"add_{verb.replace('-', '_')}_options")(parser)

    return add


def _share(verb: str, module: str = "project_verbs") -> Callable[[argparse.ArgumentParser], None]:
    def add(parser: argparse.ArgumentParser) -> None:
        _project(parser)
        verbs = importlib.import_module(f"poregui.cli.{module}")
        getattr(verbs, f"add_{verb.replace('-', '_')}_options")(parser)

    return add


def _predict(parser: argparse.ArgumentParser) -> None:
    _project(parser)
    parser.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH", help="crops, or folders that contain them"
    )
    _run(parser)
    _scale(parser, "pixel size of the crops; overrides the file metadata")


def _apply(parser: argparse.ArgumentParser) -> None:
    from poregui.cli.apply_verbs import add_cluster_options, add_finder_option, add_queue_options

    _project(
        parser,
        "the folder of a project, a model.onnx with its model.json beside it, or a locked.json",
    )
    parser.add_argument(
        "paths",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="micrographs, or folders that contain them",
    )
    _run(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for the results; existing results are reused",
    )
    parser.add_argument(
        "--min-confidence",
        type=_number,
        metavar="P",
        help="leave pores below this confidence unclassified",
    )
    parser.add_argument(
        "--recipe", type=Path, metavar="FILE", help="a detection recipe (JSON), else the project's"
    )
    parser.add_argument(
        "--locked",
        type=Path,
        metavar="FILE",
        help="a locked.json: apply its recipe unchanged",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="also write a report (.html or .pdf), one page per specimen",
    )
    specimen = parser.add_mutually_exclusive_group()
    specimen.add_argument("--specimen", metavar="NAME", help="the specimen of all images")
    specimen.add_argument(
        "--specimen-from",
        metavar="PATTERN",
        help="the specimen in names of files that are not in a project: {specimen}_*",
    )
    parser.add_argument(
        "--workers", type=int, default=0, metavar="N", help="processes; one per core otherwise"
    )
    _scale(parser, "pixel size of the micrographs; overrides the file metadata")
    add_finder_option(parser)
    add_queue_options(parser)
    add_cluster_options(parser)


def _lock(parser: argparse.ArgumentParser) -> None:
    from poregui.cli.apply_verbs import add_finder_option, add_lock_options

    _project(parser)
    _run(parser)
    add_lock_options(parser)
    add_finder_option(parser)
    _scale(parser, "pixel size fixed for all micrographs; otherwise taken from each of them")


def _export(parser: argparse.ArgumentParser) -> None:
    _project(parser)
    parser.add_argument(
        "out",
        type=Path,
        metavar="OUT",
        help="a file for csv, xlsx, coco and contact-sheets, else a new folder",
    )
    outlined = ("csv", "xlsx", "class-folders", "yolo", "coco", "geojson", "imagej")
    shown = ("overlays", "crops-with-bar", "contact-sheets", "contact-sheets-png")
    parser.add_argument(
        "--format", choices=(*outlined, *shown, "model"), required=True, help="what to write"
    )
    parser.add_argument(
        "--run",
        type=int,
        metavar="N",
        help="with model: number of the run; else the newest network",
    )


def _doctor(_parser: argparse.ArgumentParser) -> None:
    """Ask for nothing."""


def _project(parser: argparse.ArgumentParser, text: str = "the folder of a project") -> None:
    parser.add_argument("project", type=Path, metavar="PROJECT", help=text)


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run", type=int, metavar="N", help="number of the run; the newest finished one otherwise"
    )


def _scale(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--um-per-px", type=_number, metavar="X", help=f"{text}, in µm/px")


def _number(text: str) -> float:
    return float(text.replace(",", "."))


_ARGUMENTS = {
    "demo": _demo,
    "new": _new,
    "import": _import,
    "import-outlines": _share("import_outlines"),
    "image": _image,
    "info": _info,
    "micrographs": _micrographs,
    **{verb: _detecting(verb) for verb in ("detect", "measure")},
    "score-detection": _detecting("score"),
    "split": _split,
    "train": _train,
    "fit": _fit,
    **{verb: _review(verb) for verb in ("evaluate", "compare", "label-errors", "report")},
    "suggest": _share("suggest", "suggestion_verbs"),
    "pack": _share("pack"),
    "backup": _share("backup"),
    "merge-labels": _share("merge_labels"),
    "predict": _predict,
    "apply": _apply,
    "lock": _lock,
    "specimens": _share("specimens", "specimen_verbs"),
    "compare-specimens": _share("compare-specimens", "specimen_verbs"),
    "extremes": _share("extremes", "specimen_verbs"),
    "export": _export,
    "doctor": _doctor,
}
