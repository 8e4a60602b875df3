"""Test what is told about the machine; changes with hardware.py."""

from __future__ import annotations

import os
import sys

import pytest

from poregui.learning import hardware


def test_the_description_names_tensorflow_threads_and_what_is_missing() -> None:
    import tensorflow

    told = hardware.describe()
    assert told["tensorflow"] == tensorflow.__version__
    assert 1 <= told["threads"] <= (os.cpu_count() or 1)
    assert bool(told["gpus"]) != any("No GPU" in remark for remark in told["remarks"])


def test_an_installation_that_is_broken_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    told = hardware.describe()
    assert told["tensorflow"] is None
    assert "reinstall poregui" in told["remarks"][0]


def test_limits_reach_the_environment_of_tensorflow() -> None:
    environment: dict[str, str] = {}
    hardware.set_limits(3, environment)
    assert environment["TF_NUM_INTRAOP_THREADS"] == environment["OMP_NUM_THREADS"] == "3"
    hardware.set_limits(0, environment)
    assert environment["TF_NUM_INTRAOP_THREADS"] == str(hardware.available_threads())
