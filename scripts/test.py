"""Run every check of the project from a bare Python."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import _environment
import _system
from _environment import ROOT
from _system import say

CHECKS = {
    "ruff check": ["ruff", "check", "--quiet", "--output-format", "concise"],
    "ruff format": ["ruff", "format", "--check", "--output-format", "concise"],
    "mypy": ["mypy", "--no-error-summary"],
    "import-linter": ["lint-imports"],
}
LINES_SHOWN = 60


def main() -> int:
    """Make the environment, run all checks, the tests last, and return 1 when
    one of them failed.
    """
    options = _options()
    python = _environment.environment("dev", "cluster", "pretrained")
    _system.ensure_qt_libraries(window=False)
    failed = [name for name, command in CHECKS.items() if not _passes(name, python, command)]
    say(
        f"Failed before the tests: {', '.join(failed)}"
        if failed
        else "All checks before the tests passed."
    )
    # Last, so that the closing line of the output is pytest's own summary.
    marks = "not soak and not slow" if options.fast else "" if options.soak else "not soak"
    surroundings = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "POREGUI_SOAK": "1" if options.soak else "",
    }
    command = [str(python), "-m", "pytest", "-m", marks, *_in_parallel(options), *options.pytest]
    tests = subprocess.run(command, cwd=ROOT, env=surroundings, check=False)
    return 1 if failed or tests.returncode else 0


def _in_parallel(options: argparse.Namespace) -> list[str]:
    """Return what lets pytest use the cores: a process each and one more, for a third of the time
    goes in waiting for children; five at most. They are given out in their order, so that those
    that load TensorFlow come last. Soak tests want the machine alone.
    """
    cores = os.cpu_count() or 1
    processes = min(5, cores + 1)
    return [] if options.soak or cores == 1 else ["-n", str(processes), "--dist", "load"]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Run every check of the project; make its environment where needed."
    )
    parser.add_argument("--fast", action="store_true", help="leave out the slow tests")
    parser.add_argument(
        "--soak", action="store_true", help="add the tests that repeat until rare faults show"
    )
    parser.add_argument(
        "pytest", nargs="*", metavar="-- ARGUMENT", help="arguments for pytest, after --"
    )
    return parser.parse_args()


def _passes(name: str, python: Path, command: list[str]) -> bool:
    started = time.monotonic()
    tool = python.parent / command[0]
    done = subprocess.run(
        [str(tool), *command[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    passed = done.returncode == 0
    say(f"{name}: {'passed' if passed else 'FAILED'} ({time.monotonic() - started:.1f} s)")
    if not passed:
        said = (done.stdout + done.stderr).rstrip().splitlines()
        say("\n".join(said[:LINES_SHOWN]))
        if len(said) > LINES_SHOWN:
            say(
                f"  … and {len(said) - LINES_SHOWN} lines more: run "
                f"`{' '.join([str(tool), *command[1:]])}`"
            )
    return passed


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    _environment.main(main)
