"""Draw the sample project once for all processes of a test run, which takes half a minute; each
test gets a copy.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from poregui.cli.main import main
from poregui.store.files import FileLock
from poregui.workflow.importing.sample_project import truth_folder

_PATIENCE_S = 300


def copied_sample(factory: pytest.TempPathFactory, folder: Path) -> Path:
    """Put the sample project into a new folder, its truth beside it, and return the folder."""
    base = factory.getbasetemp()
    shared = (base.parent if base.name.startswith("popen-") else base) / "shared-sample"
    shared.mkdir(exist_ok=True)
    source, lock = shared / "titanium", FileLock(shared / "lock")
    limit = time.monotonic() + _PATIENCE_S
    while not lock.acquire():
        assert time.monotonic() < limit, "Another process has been drawing the sample for minutes."
        time.sleep(0.1)
    try:
        if not (shared / "whole").exists():
            assert main(["demo", str(source)]) == 0
            (shared / "whole").touch()
    finally:
        lock.release()
    shutil.copytree(truth_folder(source), truth_folder(folder))
    return Path(shutil.copytree(source, folder))
