"""Share a project with finished runs among the tests of the store."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from complete_run import make_project


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with two finished runs, made once; nobody changes it."""
    folder = tmp_path_factory.mktemp("complete") / "pores"
    make_project(folder)
    return folder


@pytest.fixture
def folder(pattern: Path, tmp_path: Path) -> Path:
    """Return a copy of that project."""
    shutil.copytree(pattern, tmp_path / "pores")
    return tmp_path / "pores"
