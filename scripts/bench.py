"""Measure the program and print one JSON object a benchmark.

A benchmark is a function that takes the parsed options and returns what json can write; BENCHMARKS
names it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _environment
from _bench_apply import apply
from _bench_detect import add_options as add_detect_options
from _bench_detect import detect
from _bench_finder import add_options as add_finder_options
from _bench_finder import finder
from _bench_keys import keys
from _bench_label import label
from _bench_predict import predict
from _bench_promises import promises
from _bench_review import review
from _bench_suggest import suggest
from _bench_tiles import open_large, pan
from _bench_train import add_options as add_train_options
from _bench_train import train
from _environment import ROOT

TICK_MS = 10
SETTLE_S = 3.0
WARM_S = 20.0
"""Time after which a trainer waits with TensorFlow loaded."""


class Ticks:
    """Note when a timer of 10 ms fires; the gaps between tell how long the
    window could not answer.
    """

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self._times: list[float] = []
        self._timer = QTimer(interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(lambda: self._times.append(time.perf_counter()))

    def measure(self, seconds: float, until: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        """Run the event loop for some seconds, or until something is so, and
        return the gaps in ms.
        """
        self._times.clear()
        self._timer.start()
        began = time.perf_counter()
        run_events(seconds, until)
        self._timer.stop()
        gaps = sorted(
            (1000 * (b - a), a - began) for a, b in zip(self._times, self._times[1:], strict=False)
        )
        return {
            "seconds": round(time.perf_counter() - began, 1),
            "ticks": len(gaps),
            "longest_gap_ms": round(gaps[-1][0], 1),
            "longest_gap_after_s": round(gaps[-1][1], 1),
            "next_longest_ms": [round(gap, 1) for gap, _ in gaps[-2:-6:-1]],
            "p99_gap_ms": round(gaps[int(0.99 * (len(gaps) - 1))][0], 1),
            "median_gap_ms": round(statistics.median(gap for gap, _ in gaps), 1),
        }


def run_events(seconds: float, until: Callable[[], bool] = lambda: False) -> None:
    """Let the window live for some seconds, or until something is so (looked at five times a
    second).
    """
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    look = QTimer(interval=200)
    look.timeout.connect(lambda: loop.quit() if until() else None)
    look.start()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()
    look.stop()


def latency(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Compare the gaps between ticks in the real window, idle and while it trains, from the click
    on Train on.
    """
    from poregui.domain.recipe import recipe_for

    window = open_window(options, folder)
    page = window.train_page
    trainer = window.services.trainer
    run_events(60, page.train_button.isEnabled)
    run_events(SETTLE_S)
    ticks = Ticks()
    notes = TrainingNotes()
    trainer.received.connect(notes.take)
    run_events(WARM_S)
    idle = ticks.measure(options.seconds)
    page.recipe_form.set_recipe(recipe_for(options.preset, epochs=2000, early_stopping=False))
    clicked = time.perf_counter()
    page.train_button.click()
    training = ticks.measure(options.seconds, lambda: not trainer.running)
    trainer.cancel()
    run_events(60, lambda: not trainer.running)
    window.close()
    window.deleteLater()
    run_events(0.1)
    loaded = sorted(name for name in ("tensorflow", "keras", "sklearn") if name in sys.modules)
    return {
        "preset": options.preset,
        "first_point_s": round(notes.points[0] - clicked, 2) if notes.points else None,
        "idle": idle,
        "training": {**training, "epochs": len(notes.epochs)},
        "loaded": loaded,
    }


def open_window(options: argparse.Namespace, folder: Path) -> Any:
    """Show the window with the project to be measured, on its Train page."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # the window's settings of a person stay as they are
    os.environ["XDG_CONFIG_HOME"] = str(folder / "settings")
    from poregui.gui.app import build_window

    window = build_window(project_copy(options, folder))
    window.resize(1400, 900)
    window.show()
    window.show_page(window.train_page)
    return window


class TrainingNotes:
    """Note when batches ended and which epochs did."""

    def __init__(self) -> None:
        self.points: list[float] = []
        self.epochs: list[int] = []

    def take(self, event: object) -> None:
        """Note an event of the trainer."""
        from poregui.domain.events import BatchEnded, EpochEnded

        if isinstance(event, BatchEnded):
            self.points.append(time.perf_counter())
        elif isinstance(event, EpochEnded):
            self.epochs.append(event.epoch)


def project_copy(options: argparse.Namespace, folder: Path) -> Path:
    """Return a copy of the project that is to be measured without its runs, or a new sample
    project.
    """
    target = folder / "project"
    if options.project is not None:
        shutil.copytree(options.project, target, ignore=shutil.ignore_patterns("runs", "*.lock"))
        return target
    from poregui.workflow.importing.sample_project import make_sample

    print("Drawing the sample project.", file=sys.stderr)
    make_sample(target)
    return target


BENCHMARKS = {
    "latency": latency,
    "train": train,
    "predict": predict,
    "review": review,
    "open": open_large,
    "pan": pan,
    "suggest": suggest,
    "promises": promises,
    "label": label,
    "keys": keys,
    "detect": detect,
    "finder": finder,
    "apply": apply,
}


def command_line() -> argparse.ArgumentParser:
    """Return the parser of the benchmarks and their options."""
    parser = argparse.ArgumentParser(
        description="Measure poregui; each benchmark prints one JSON object."
    )
    verbs = parser.add_subparsers(dest="benchmark", required=True, metavar=" | ".join(BENCHMARKS))
    for name, benchmark in BENCHMARKS.items():
        verb = verbs.add_parser(name, help=(benchmark.__doc__ or name).splitlines()[0])
        verb.add_argument(
            "--project", type=Path, help="a project to measure on a copy of; the sample otherwise"
        )
    verbs.choices["latency"].add_argument(
        "--seconds", type=float, default=30.0, help="time to measure, twice"
    )
    verbs.choices["latency"].add_argument(
        "--preset", default="default", help="network to train meanwhile"
    )
    add_train_options(verbs.choices["train"])
    add_detect_options(verbs.choices["detect"])
    add_finder_options(verbs.choices["finder"])
    verbs.choices["predict"].add_argument(
        "--presets", type=_text, default=["default", "seed"], help="such as seed"
    )
    verbs.choices["predict"].add_argument(
        "--threads", type=int, default=0, help="of both; all there are otherwise"
    )
    for name in ("open", "pan"):
        verbs.choices[name].add_argument(
            "--side", type=int, default=30_000, help="side in px of the tiled file"
        )
    for option, usual in (("--crops", 100_000), ("--keys", 300), ("--selected", 10_000)):
        verbs.choices["label"].add_argument(
            option, type=int, default=usual, help=f"how many (default {usual})"
        )
    for option, usual in (("--crops", 20_000), ("--keys", 5000)):
        verbs.choices["keys"].add_argument(
            option, type=int, default=usual, help=f"how many (default {usual})"
        )
    for name in ("suggest", "promises"):
        verbs.choices[name].add_argument(
            "--seeds", type=int, default=20, help="how many draws of test specimens"
        )
        verbs.choices[name].add_argument(
            "--first-seed", type=int, default=100, help="the first of them"
        )
    verbs.choices["suggest"].add_argument(
        "--repeats", type=int, default=2, help="orders of each kind a draw"
    )
    verbs.choices["open"].add_argument(
        "--striped", type=int, default=16_000, help="side in px of the striped file"
    )
    return parser


def _text(text: str) -> list[str]:
    return text.split(",")


def main() -> int:
    """Run one benchmark and print its numbers with the machine that they are of."""
    options = command_line().parse_args()
    if importlib.util.find_spec("PySide6") is None:
        python = _environment.environment()
        return subprocess.run([str(python), __file__, *sys.argv[1:]], check=False).returncode
    sys.path.insert(0, str(ROOT))
    machine = {
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    with tempfile.TemporaryDirectory(prefix="poregui-bench-", ignore_cleanup_errors=True) as folder:
        result = BENCHMARKS[options.benchmark](options, Path(folder))
    print(json.dumps({"benchmark": options.benchmark, **machine, **result}, indent=2))
    return 0


if __name__ == "__main__":
    _environment.main(main)
