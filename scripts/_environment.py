"""Make the environment that the scripts run in, with nothing but a bare Python."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import _system
from _system import Refused, say

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "poregui-stamp.json"
UNFINISHED = VENV / "poregui-unfinished"
LOG = ROOT / "build" / "install.log"

OLDEST, NEWEST = (3, 11), (3, 13)
GIGABYTES_NEEDED = 4

# Runs inside .venv: every package that the stamp names must be there, at its version, with the
# folders it came with. pip would not notice a package whose folder somebody deleted.
_PROBE = """
import csv, json, pathlib, sys
from importlib.metadata import distribution
for name, version in json.load(open(sys.argv[1], encoding="utf-8"))["packages"].items():
    found = distribution(name)
    assert found.version == version, name
    files = csv.reader((found.read_text("RECORD") or "").splitlines())
    tops = {row[0].split("/")[0] for row in files if row} - {".."}
    assert all(pathlib.Path(found.locate_file(top)).exists() for top in tops), name
"""
_LIST = (
    "import json; from importlib.metadata import "
    "distributions;print(json.dumps({d.metadata['Name']: d.version for d in distributions()}))"
)
_NO_NETWORK = re.compile(
    "NewConnectionError|NameResolutionError|Temporary failure in name|Max retries|ProxyError|timed "
    "out|No route to host"
)


def main(work: Callable[[], int]) -> None:
    """Run the work of a script under a fitting Python and turn what went wrong into one sentence
    and exit code 1.
    """
    try:
        use_fitting_python()
        sys.exit(work())
    except Refused as refused:
        print(f"\n{refused}", file=sys.stderr, flush=True)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr, flush=True)
        sys.exit(130)


def environment(*extras: str) -> Path:
    """Return the Python of an environment that holds the program and these extras: made, repaired
    or left alone.

    Raises Refused with one sentence for the person when that cannot be done.
    """
    stamp = _read_stamp()
    wanted = sorted({*extras, *stamp.get("extras", ())})
    # The commands of an environment name its folder, so one that was copied or moved along is of no
    # use.
    healthy = stamp.get("folder") == str(VENV) and _succeeds([PYTHON, "-c", _PROBE, STAMP])
    if healthy and stamp["fingerprint"] == _fingerprint() and set(extras) <= set(stamp["extras"]):
        return PYTHON
    started = time.monotonic()
    # An environment that somebody made by hand and that works is filled up; any other that we
    # cannot vouch for goes.
    if (
        UNFINISHED.exists()
        or (stamp and not healthy)
        or not _succeeds([PYTHON, "-m", "pip", "--version"])
    ):
        create()
    UNFINISHED.touch()
    STAMP.unlink(missing_ok=True)
    _install(wanted)
    _uninstall(unpinned(stamp.get("packages", {})))
    listed = subprocess.run([PYTHON, "-c", _LIST], capture_output=True, text=True, check=True)
    packages = json.loads(listed.stdout)
    packages.pop("pip", None)
    stamp = {
        "fingerprint": _fingerprint(),
        "folder": str(VENV),
        "extras": wanted,
        "packages": packages,
    }
    STAMP.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    UNFINISHED.unlink()
    say(f"The environment is ready ({time.monotonic() - started:.0f} s).")
    return PYTHON


def use_fitting_python() -> None:
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    running = "{}.{}".format(*sys.version_info)
    for version in ("3.12", "3.13", "3.11"):
        command = (
            ["py", f"-{version}"] if os.name == "nt" else [shutil.which(f"python{version}") or ""]
        )
        if command[0] and _succeeds([*command, "-c", "import ensurepip, venv"]):
            say(f"Python {running} does not fit; going on with Python {version}.")
            sys.exit(subprocess.call([*command, *sys.argv]))
    raise Refused(
        f"Python {running} does not fit: install Python 3.11, 3.12 or 3.13 and run this again with "
        "it."
    )


def _succeeds(command: Sequence[str | Path]) -> bool:
    try:
        return (
            subprocess.run(
                [str(part) for part in command], capture_output=True, check=False
            ).returncode
            == 0
        )
    except OSError:
        return False


def _read_stamp() -> dict[str, Any]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return (
        stamp
        if isinstance(stamp, dict) and {"fingerprint", "extras", "packages"} <= set(stamp)
        else {}
    )


def _fingerprint() -> str:
    """Return a hash of what decides the contents of the environment."""
    parts = [(ROOT / name).read_bytes() for name in ("constraints.txt", "pyproject.toml")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def create() -> None:
    """Make an empty environment, in the place of one that is incomplete or damaged."""
    if VENV.exists() or VENV.is_symlink():
        say("Removing an environment that is incomplete or damaged.")
        _remove(VENV)
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < GIGABYTES_NEEDED:
        raise Refused(
            f"Only {free:.1f} GB are free here and {GIGABYTES_NEEDED} are needed: free some space "
            "and run this again."
        )
    if not importlib.util.find_spec("ensurepip") or not importlib.util.find_spec("venv"):
        package = "python{}.{}-venv".format(*sys.version_info)
        if not _system.apt_install([package]):
            raise Refused(
                f"This Python cannot make environments: run `{_system.apt_command([package])}` and "
                "this again."
            )
    say(f"Making .venv with Python {sys.version.split()[0]}.")
    # From inside .venv itself the environment must be made by the interpreter that it came from.
    base = getattr(sys, "_base_executable", None) or sys.executable
    made = subprocess.run(
        [base, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise Refused(
            f"Python could not make .venv: {(made.stderr or made.stdout).strip().splitlines()[-1]}"
        )


def _remove(folder: Path) -> None:
    try:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        else:
            shutil.rmtree(folder)
    except OSError as error:
        raise Refused(
            f"The folder {folder} cannot be removed ({error.strerror}): remove it and run this "
            "again."
        ) from error


def _install(extras: Sequence[str]) -> None:
    say(
        "Installing the packages that constraints.txt pins (the first time about 0.8 GB to fetch "
        "and 3 GB on disk)."
    )
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_text("", encoding="utf-8")
    _pip(["--constraint", str(ROOT / "constraints.txt"), *requirements(extras)])
    # Without dependencies, for the package asks for the plain build of TensorFlow by name; without
    # isolation, so that the build backend is the pinned one and nothing more is fetched.
    _pip(["--no-deps", "--no-build-isolation", "--editable", str(ROOT)])


def unpinned(packages: Iterable[str]) -> list[str]:
    """Return which of the packages that were installed before constraints.txt pins no longer."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {_plain_name(line.partition("==")[0]) for line in lines}
    return sorted(name for name in packages if _plain_name(name) not in pinned | {"pip", "poregui"})


def _plain_name(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def _uninstall(packages: Sequence[str]) -> None:
    if packages:
        say(f"Removing {', '.join(packages)}, which nothing needs any more.")
        command = [str(PYTHON), "-m", "pip", "uninstall", "--yes", *packages]
        subprocess.run(command, capture_output=True, check=False)


def requirements(extras: Sequence[str]) -> list[str]:
    """Return what pyproject.toml asks for, with the smaller build of TensorFlow
    where there is one.
    """
    import tomllib  # not at the top: an older Python must get as far as use_fitting_python

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needs: list[str] = [*settings["build-system"]["requires"], *settings["project"]["dependencies"]]
    for extra in extras:
        needs += settings["project"]["optional-dependencies"][extra]
    probe = "from importlib.metadata import version; version('tensorflow')"
    # Both builds own the same files: where somebody put the plain one (for a GPU), it stays.
    if _system.has_small_tensorflow() and not _succeeds([PYTHON, "-c", probe]):
        needs = [re.sub(r"^tensorflow(?=[^\w\[-]|$)", "tensorflow-cpu", need) for need in needs]
    return needs


def _pip(arguments: Sequence[str]) -> None:
    command = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar",
        "off",
    ]
    pip = subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    with pip, LOG.open("a", encoding="utf-8") as log:
        for line in pip.stdout or ():
            log.write(line)
            _show(line)
    if pip.returncode:
        raise Refused(explain(LOG.read_text(encoding="utf-8")))


def _show(line: str) -> None:
    fetched = re.match(r"\s*Downloading (\S+?)-\d\S* \((\d+)[.\d]* MB\)", line)
    if fetched and int(fetched[2]) >= 20:
        say(f"  fetching {fetched[1]} ({fetched[2]} MB)")
    elif line.startswith("Installing collected packages"):
        say(f"  unpacking {line.count(',') + 1} packages")


def explain(log: str) -> str:
    end = "\n".join("    " + line for line in log.splitlines()[-15:])
    if "No space left on device" in log:
        reason = "The disk is full: free some space and run this again."
    elif _NO_NETWORK.search(log):
        reason = (
            "The packages could not be fetched: check the network connection (or the proxy) and "
            "run this again."
        )
    else:
        reason = (
            "The packages could not be installed: see the lines above, correct it and run this "
            "again."
        )
    return f"The end of {LOG}:\n{end}\n\n{reason}"
