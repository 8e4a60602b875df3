"""Describe what a training has to work with: cores, threads, accelerators, versions."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from importlib import metadata
from typing import Any

from poregui.domain.errors import TrainingError
from poregui.domain.wording import listed
from poregui.launching import available_cores

_PACKAGES = (
    "poregui",
    "tensorflow",
    "keras",
    "numpy",
    "onnx",
    "onnxruntime",
    "opencv-python-headless",
    "scikit-learn",
)
MIN_ADDRESS_SPACE = 5 << 29
"""Bytes: TensorFlow with a small network took 1.9 GB, and loops for ever while it loads in 1.5."""
_SECONDS = 20
_OTHER_BUILDS = ("tensorflow-cpu", "tensorflow-macos", "tf-nightly")
"""Names under which TensorFlow can be installed as well."""


def set_limits(threads: int, environment: MutableMapping[str, str]) -> None:
    """Limit TensorFlow to `threads` (0: all) and to the GPU memory it needs; works only before it
    is imported.

    The predictions of a network change in their last digits with this number, so it is part of a
    run.
    """
    count = str(threads or available_cores())
    environment["TF_NUM_INTRAOP_THREADS"] = count
    environment["TF_NUM_INTEROP_THREADS"] = "1" if count == "1" else "2"
    environment["OMP_NUM_THREADS"] = count
    environment["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # leave the rest of a GPU to others


def check_address_space() -> None:
    """Raise TrainingError where a limit (ulimit -v) leaves TensorFlow too little to start.

    It ends in an endless loop there, and not in an error.
    """
    if sys.platform == "win32":
        return
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < MIN_ADDRESS_SPACE:
        raise TrainingError(
            f"This process may use {limit / 2**30:.1f} GB of address space, too little for "
            "TensorFlow.",
            f"Allow {MIN_ADDRESS_SPACE / 2**30:.1f} GB or more (ulimit -v), or choose the preset "
            "shape.",
        )


def allowed_threads() -> int:
    """Return how many threads `set_limits` left to this process, all that there are before it was
    called.
    """
    return int(os.environ.get("TF_NUM_INTRAOP_THREADS") or available_cores())


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a result rests on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    for name in _OTHER_BUILDS:
        with suppress(metadata.PackageNotFoundError):
            found.setdefault("tensorflow", metadata.version(name))
    return found


def describe() -> dict[str, Any]:
    """Return TensorFlow's version, GPUs, processor threads and remarks, for `poregui doctor`.

    Imports TensorFlow, which takes seconds. An installation that is broken is described in
    `remarks`.
    """
    found: dict[str, Any] = {
        "tensorflow": None,
        "gpus": [],
        "threads": available_cores(),
        "remarks": [],
    }
    try:
        import tensorflow
    except (ImportError, OSError) as error:
        found["remarks"].append(
            f"TensorFlow cannot be loaded ({error}); reinstall poregui to train networks."
        )
        return found
    found["tensorflow"] = str(tensorflow.__version__)
    for device in tensorflow.config.list_physical_devices("GPU"):
        details = tensorflow.config.experimental.get_device_details(device)
        found["gpus"].append(str(details.get("device_name", device.name)))
    if not found["gpus"]:
        found["remarks"].append(
            "No GPU is used; the default network trains in about a minute on two cores without one."
        )
        built = bool(tensorflow.test.is_built_with_cuda())
        found["remarks"] += why_no_gpu(
            platform.system(), platform.machine(), built_for_cuda=built, cards=nvidia_cards()
        )
    return found


def nvidia_cards() -> list[str] | None:
    """Return the names of the NVIDIA cards that their driver tells of; None where no driver
    answers.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "--query-gpu=name", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode == 0:
        return [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return None


def why_no_gpu(
    system: str, machine: str, *, built_for_cuda: bool, cards: list[str] | None
) -> list[str]:
    """Say why TensorFlow uses no GPU here and what a person can do.

    `system` and `machine` are as in `platform`, `cards` as `nvidia_cards` returns them.
    """
    if system == "Darwin":
        return ["TensorFlow from PyPI uses no GPU on macOS; nothing needs to be changed."]
    if not cards:
        return [
            "No NVIDIA card was found (nvidia-smi lists none). With one, install NVIDIA's "
            "driver and ask again; others are not used."
        ]
    found = f"Found {listed(cards)}, but"
    if system == "Windows":
        return [
            f"{found} TensorFlow has used no GPU on native Windows since version 2.11. Install "
            "poregui in WSL2: `wsl --install` in a terminal of Windows, then in Ubuntu, in "
            "poregui's folder, `pip install '.[gpu]'`; the driver of Windows serves both, and "
            "projects lie under /mnt/c. Here training runs without the card."
        ]
    if not built_for_cuda:
        return [
            f"{found} this TensorFlow is built for CPUs only. In a fresh environment: pip "
            "install '.[gpu]'."
            if machine in ("x86_64", "AMD64")
            else f"{found} TensorFlow for {machine} is built for CPUs only."
        ]
    return [
        f"{found} TensorFlow found no CUDA libraries that fit its driver. Install them with pip "
        "install '.[gpu]', and update the driver if it is older than they are."
    ]
