"""Describe what a training has to work with: cores, threads, accelerators, versions; changes with what can be asked."""

from __future__ import annotations

import os
import platform
from collections.abc import MutableMapping
from contextlib import suppress
from importlib import metadata
from typing import Any

_PACKAGES = ("poregui", "tensorflow", "keras", "numpy", "onnx", "onnxruntime", "opencv-python-headless", "scikit-learn")
_OTHER_BUILDS = ("tensorflow-cpu", "tensorflow-macos", "tf-nightly")
"""Names under which TensorFlow can be installed as well."""


def available_threads() -> int:
    """Return how many processor threads this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_limits(threads: int, environment: MutableMapping[str, str]) -> None:
    """Limit TensorFlow to `threads` (0: all) and to the GPU memory it needs; works only before it is imported.

    The answers of a network change in their last digits with this number, so it is part of a run.
    """
    count = str(threads or available_threads())
    environment["TF_NUM_INTRAOP_THREADS"] = count
    environment["TF_NUM_INTEROP_THREADS"] = "1" if count == "1" else "2"
    environment["OMP_NUM_THREADS"] = count
    environment["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # leave the rest of a GPU to others


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

    Imports TensorFlow, which takes seconds. An installation that is broken is described in `remarks`.
    """
    told: dict[str, Any] = {"tensorflow": None, "gpus": [], "threads": available_threads(), "remarks": []}
    try:
        import tensorflow
    except (ImportError, OSError) as error:
        told["remarks"].append(f"TensorFlow cannot be loaded ({error}); reinstall poregui to train networks.")
        return told
    told["tensorflow"] = str(tensorflow.__version__)
    for device in tensorflow.config.list_physical_devices("GPU"):
        details = tensorflow.config.experimental.get_device_details(device)
        told["gpus"].append(str(details.get("device_name", device.name)))
    if not told["gpus"]:
        told["remarks"].append("No GPU is used; the default network trains in about a minute on two cores without one.")
    if not tensorflow.test.is_built_with_cuda() and platform.system() == "Linux":
        told["remarks"].append("This TensorFlow is built for processors only; the extra `gpu` brings the other.")
    return told
