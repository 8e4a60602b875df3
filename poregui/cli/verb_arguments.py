"""Give each verb of the command line its arguments, alone because `main` names the verbs."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from poregui.cli.output import add_annotator_option

_OF_A_RUN = ("evaluate", "label-errors", "report")


def add_arguments(parser: argparse.ArgumentParser, verb: str, module: str) -> None:
    """Give a verb its arguments: those declared here, else the project and the options that
    `add_VERB_options` of its module adds.
    """
    if verb in _ARGUMENTS:
        _ARGUMENTS[verb](parser)
        return
    _project(parser)
    if verb in _OF_A_RUN:
        _run(parser)
    verbs = importlib.import_module(f"poregui.cli.{module}")
    getattr(verbs, f"add_{verb.replace('-', '_')}_options")(parser)


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


def _rate(parser: argparse.ArgumentParser) -> None:
    from poregui.cli.rating_verbs import add_rate_options

    add_rate_options(parser)


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
    "image": _image,
    "info": _info,
    "micrographs": _micrographs,
    "split": _split,
    "fit": _fit,
    "rate": _rate,
    "predict": _predict,
    "apply": _apply,
    "lock": _lock,
    "export": _export,
    "doctor": _doctor,
}
