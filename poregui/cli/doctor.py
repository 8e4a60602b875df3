"""Run the verb doctor: say what was found on this machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import poregui
from poregui.cli.output import Screen
from poregui.domain.errors import PoreguiError
from poregui.launching import child_environment, python_command
from poregui.store.backups import make_backup
from poregui.store.project import Project

_PACKAGES = (
    "PySide6-Essentials", "pyqtgraph", "numpy", "keras", "onnxruntime", "opencv-python-headless",
    "pillow", "tifffile", "imagecodecs",
)  # fmt: skip
BROKEN = 1
_SECONDS = 120
_ASK = {
    "training": "import json; from poregui.learning.hardware import describe; "
    "print(json.dumps(describe()))",
    "network": "import json, poregui; import onnxruntime; from poregui.workflow.evaluating import "
    "predict; print(json.dumps({'onnxruntime': onnxruntime.__version__}))",
    "window": (
        "import json; from PySide6.QtCore import QCoreApplication, QStandardPaths, qVersion; from "
        "PySide6.QtGui import QGuiApplication; QCoreApplication.setOrganizationName('poregui'); "
        "QCoreApplication.setApplicationName('poregui'); kind = "
        "QStandardPaths.StandardLocation.AppLocalDataLocation; folder = "
        "QStandardPaths.writableLocation(kind); facts = {'qt': qVersion(), 'platform': None, "
        "'log': folder + '/poregui.log'}; print(json.dumps(facts), flush=True); facts['platform'] "
        "= QGuiApplication([]).platformName(); print(json.dumps(facts))"
    ),
}


def doctor(args: argparse.Namespace, screen: Screen) -> int:
    """Say which versions, accelerators and folders this installation has."""
    screen.note("Asking TensorFlow and Qt, which takes a few seconds ...")
    values: dict[str, Any] = {
        "poregui": poregui.__version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "training": _ask("training"),
        "window": _ask("window"),
        "network": _ask("network"),
        "labels": _label_store(),
    }
    values["logs"] = {
        "window": values["window"].get("log"),
        "training": "trainer.log in PROJECT/runs/NNN",
    }
    faults = _faults(values)
    values["broken"] = faults
    lines = [f"Problem: {fault}" for fault in faults] or ["No problems found."]
    screen.result(values, "\n".join([_text(values), *lines]))
    if faults:
        return BROKEN
    return 0


def _faults(values: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each thing without which poregui does not work."""
    found = [f"the package {n} is missing." for n, v in values["versions"].items() if v is None]
    for name, key in (("TensorFlow", "training"), ("ONNX Runtime", "network"), ("Qt", "window")):
        problem = values[key].get("problem")
        if problem:
            found.append(f"{name} does not start: {problem.rstrip('.')}.")
    return [*found, *([values["labels"]] if values["labels"] else [])]


def _label_store() -> str:
    """Return why labels could not be stored and backed up on this machine; empty where they can."""
    try:
        with tempfile.TemporaryDirectory(prefix="poregui-doctor-") as folder:
            with Project.create(Path(folder) / "project") as project:
                make_backup(project.folder)
            Project.open(Path(folder) / "project").close()
    except (PoreguiError, OSError) as error:
        return f"a project cannot be stored: {error}"
    return ""


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _ask(what: str) -> dict[str, Any]:
    """Ask in a child process, for a broken driver or library may end it without a word."""
    try:
        done = subprocess.run(
            python_command("-c", _ASK[what]),
            env=child_environment(TF_CPP_MIN_LOG_LEVEL="3"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"problem": f"no answer within {_SECONDS} s"}
    except (ValueError, IndexError):
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return {
            "problem": lines[-1] if lines else f"ended with code {done.returncode} and no message"
        }
    return found


def _shown(platform_name: str | None) -> str:
    if platform_name:
        return f"windows open on {platform_name}"
    return "no window can be opened here"


def _text(values: dict[str, Any]) -> str:
    training = values["training"]
    window = values["window"]
    rows = [
        ["poregui", values["poregui"]],
        ["Python", f"{values['python']} ({values['executable']})"],
    ]
    rows += [["platform", values["platform"]], ["cores", values["cores"]]]
    rows += [["TensorFlow", training.get("problem") or training.get("tensorflow")]]
    rows += [["GPUs", ", ".join(training.get("gpus", [])) or "none"]]
    rows += [["Qt", window.get("problem") or f"{window['qt']}, {_shown(window['platform'])}"]]
    rows += [["ONNX Runtime", values["network"].get("problem") or "works"]]
    rows += [
        *([name, version] for name, version in values["versions"].items()),
        *([f"log of the {name}", file] for name, file in values["logs"].items()),
    ]
    width = max(len(str(row[0])) for row in rows)
    lines = [f"{row[0]:<{width}}  {row[1] if row[1] is not None else 'missing'}" for row in rows]
    return "\n".join([*lines, *(f"Note: {remark}" for remark in training.get("remarks", []))])
