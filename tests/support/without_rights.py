"""Run Python without what root may do beyond others, so that the rights of files count in tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from poregui.launching import child_environment

_DROP = """
import ctypes, os, sys
if os.getuid() == 0:
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if libc.prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
            sys.exit(77)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
NOT_HERE = 77


def python_without_rights(*text: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these words where rights of files count; skip the test where that fails."""
    if sys.platform != "linux":
        pytest.skip("Rights are taken away in the way of Linux.")
    done = subprocess.run(
        [sys.executable, "-c", _DROP, *text],
        cwd=cwd,
        env=child_environment(QT_QPA_PLATFORM="offscreen", **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if done.returncode == NOT_HERE:
        pytest.skip("Root's rights cannot be dropped here.")
    return done
