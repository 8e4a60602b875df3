"""Test what is told about the machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from poregui.launching import available_cores
from poregui.learning import hardware


def test_the_description_names_tensorflow_threads_and_what_is_missing() -> None:
    import tensorflow

    received = hardware.describe()
    assert received["tensorflow"] == tensorflow.__version__
    assert 1 <= received["threads"] <= (os.cpu_count() or 1)
    assert bool(received["gpus"]) != any("No GPU" in remark for remark in received["remarks"])


def test_an_installation_that_is_broken_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    received = hardware.describe()
    assert received["tensorflow"] is None
    assert "reinstall poregui" in received["remarks"][0]


def test_limits_reach_the_environment_of_tensorflow() -> None:
    environment: dict[str, str] = {}
    hardware.set_limits(3, environment)
    assert environment["TF_NUM_INTRAOP_THREADS"] == environment["OMP_NUM_THREADS"] == "3"
    hardware.set_limits(0, environment)
    assert environment["TF_NUM_INTRAOP_THREADS"] == str(available_cores())


@pytest.mark.parametrize(
    ("system", "built", "cards", "said"),
    [
        ("Windows", False, ["RTX 4070"], ("Found RTX 4070", "native Windows", "WSL2", "[gpu]")),
        ("Windows", False, None, ("No NVIDIA card", "driver")),
        ("Linux", False, ["A", "B"], ("Found A and B", "CPUs only", "[gpu]")),
        ("Linux", True, ["H200"], ("no CUDA libraries", "[gpu]")),
        ("Linux", True, [], ("No NVIDIA card",)),
        ("Darwin", False, None, ("macOS",)),
    ],
)
def test_a_machine_without_a_gpu_hears_why_and_what_to_do(
    system: str, built: bool, cards: list[str] | None, said: tuple[str, ...]
) -> None:
    (remark,) = hardware.why_no_gpu(system, "x86_64", built_for_cuda=built, cards=cards)
    assert all(text in remark for text in said)
    assert ("WSL2" in remark) == (system == "Windows" and bool(cards))


@pytest.mark.skipif(sys.platform == "win32", reason="The stand-in is a shell script.")
@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo 'NVIDIA H200'\necho 'NVIDIA T4'", ["NVIDIA H200", "NVIDIA T4"]),
        ("echo 'no devices'\nexit 9", None),
    ],
)
def test_cards_are_those_that_the_driver_tells_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, found: list[str] | None
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hardware.nvidia_cards() == found


def test_a_machine_without_the_driver_has_no_cards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hardware.nvidia_cards() is None
