"""Give every test a home of its own and every test of the window its guards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from poregui.gui.shell.main_window import MainWindow

# Before anything imports Qt: no window may appear, and no test may see or change the settings of a
# person.
_HOME = Path(tempfile.mkdtemp(prefix="poregui-tests-"))
os.environ["QT_QPA_PLATFORM"] = "offscreen"
for _name in (
    "HOME",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "APPDATA",
    "LOCALAPPDATA",
):
    os.environ[_name] = str(_HOME)

_FAILED = pytest.StashKey[bool]()

# Speed is measured by scripts/bench.py, never by a test.
settings.register_profile("poregui", deadline=None)
settings.load_profile("poregui")


def pytest_unconfigure() -> None:
    """Remove the tests' home."""
    shutil.rmtree(_HOME, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that load TensorFlow into their process last.

    Half a million more objects make each search for garbage among those of a window several times
    as long.
    """
    loads = {path: _loads_tensorflow(path) for path in {item.path for item in items}}
    items.sort(key=lambda item: loads[item.path])


def _loads_tensorflow(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return any(word in text for word in ("import keras", "poregui.learning", "complete_run"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember whether a test failed, for its guards."""
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture(autouse=True)
def _guard_windows(request: pytest.FixtureRequest) -> Iterator[None]:
    """Guard the tests that have to do with windows; the others never import Qt for it."""
    if not {"qapp", "qtbot", "window"} & set(request.fixturenames):
        yield
        return
    request.getfixturevalue("qapp")
    from gui_guards import guarded

    own_settings(request.getfixturevalue("tmp_path"))
    with guarded(lambda: request.node.stash.get(_FAILED, False)):
        yield


def own_settings(folder: Path) -> None:
    """Keep what a test writes through QSettings in a folder of its own, and let no trainer wait
    beside the window.
    """
    from PySide6.QtCore import QSettings

    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    for form in (QSettings.Format.IniFormat, QSettings.Format.NativeFormat):
        for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
            QSettings.setPath(form, scope, str(folder / "settings"))
    QSettings("poregui", "poregui").setValue("keep_trainer_ready", "false")


@pytest.fixture(scope="session")
def repetitions() -> Callable[[int], int]:
    """Return how often to repeat: the given number in a soak run, a tenth of it otherwise."""
    return lambda full: full if os.environ.get("POREGUI_SOAK") else max(1, full // 10)


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    """Return the program's window without a project."""
    from poregui.gui.app import build_window

    made = build_window(None)
    made.show()
    yield made
    made.close()
    made.deleteLater()
