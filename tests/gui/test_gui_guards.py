"""Test the guards of the window's tests themselves."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gui_guards import WAITING_CALLS, Guard, UnexpectedDialogError
from PySide6 import QtWidgets
from PySide6.QtCore import QRunnable, QSettings, QThread, QThreadPool, qDebug, qWarning
from PySide6.QtWidgets import QComboBox, QLabel, QMenu, QMessageBox, QWidget


@pytest.fixture
def guard(qapp: QtWidgets.QApplication, monkeypatch: pytest.MonkeyPatch) -> Guard:
    """Return a guard of our own, inside the one that watches this test."""
    monkeypatch.setattr("gui_guards.PATIENCE_S", 0.2)
    return Guard(monkeypatch)


@pytest.fixture
def watching(guard: Guard) -> Iterator[Guard]:
    """Start the guard and end it before the outer one looks."""
    stop = guard.install()
    yield guard
    stop()


def test_a_clean_test_has_no_faults(watching: Guard) -> None:
    label = QLabel("short-lived")
    label.show()
    label.close()
    label.deleteLater()
    del label
    qDebug("only a note")
    assert watching.faults() == []


def test_a_warning_of_qt_is_a_fault(watching: Guard) -> None:
    qWarning("a signal was lost")
    assert watching.faults() == ["Qt said: a signal was lost"]


def test_what_the_offscreen_platform_says_of_itself_is_no_fault(watching: Guard) -> None:
    box = QComboBox()
    box.addItems(["Gas", "Keyhole"])
    box.show()
    box.showPopup()
    box.raise_()
    box.close()
    box.deleteLater()
    del box
    assert watching.faults() == []


def test_a_window_left_open_is_a_fault(watching: Guard) -> None:
    window = QWidget()
    window.setObjectName("forgotten")
    window.show()
    assert "forgotten" in watching.faults()[0]
    window.close()


def test_a_menu_with_a_parent_is_no_window_of_its_own(watching: Guard) -> None:
    window = QWidget()
    QMenu("File", window)
    assert len(watching.faults()) == 1


def test_a_running_qthread_is_a_fault_until_it_ends(watching: Guard) -> None:
    thread = QThread()
    thread.setObjectName("loose")
    thread.start()
    assert watching.faults() == ["A QThread still runs: loose"]
    thread.quit()
    thread.wait()
    assert watching.faults() == []


def test_a_running_python_thread_is_a_fault_until_it_ends(watching: Guard) -> None:
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait, name="loose", daemon=True)
    thread.start()
    assert watching.faults() == ["A thread still runs: loose"]
    go_on.set()
    thread.join()
    assert watching.faults() == []


def test_a_task_in_the_pool_is_a_fault_until_it_ends(watching: Guard) -> None:
    go_on = threading.Event()
    QThreadPool.globalInstance().start(QRunnable.create(go_on.wait))
    assert watching.faults() == ["1 tasks still run in the thread pool."]
    go_on.set()
    QThreadPool.globalInstance().waitForDone()
    assert watching.faults() == []


@pytest.mark.parametrize(
    ("kind", "call"), [(kind, call) for kind, calls in WAITING_CALLS.items() for call in calls]
)
def test_a_dialog_that_would_wait_raises_instead(
    qapp: QtWidgets.QApplication, kind: str, call: str
) -> None:
    with pytest.raises(UnexpectedDialogError, match=f"{kind}.{call}"):
        getattr(getattr(QtWidgets, kind), call)(None, "Really?", "It cannot be undone.")


def test_a_message_box_made_by_hand_raises_too(qapp: QtWidgets.QApplication) -> None:
    box = QMessageBox()
    with pytest.raises(UnexpectedDialogError):
        box.exec()


def test_a_test_can_answer_a_dialog(
    qapp: QtWidgets.QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    assert QMessageBox.question(None, "Delete", "Really?") == QMessageBox.StandardButton.Yes


def test_settings_of_a_test_stay_in_its_folder(
    qapp: QtWidgets.QApplication, tmp_path: Path
) -> None:
    native = QSettings(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, "poregui")
    for settings in (QSettings("poregui", "poregui"), native):
        assert settings.fileName().startswith(str(tmp_path))


FAILING_TEST = """
from PySide6.QtCore import QObject, QThread, qWarning
from PySide6.QtWidgets import QWidget

kept = []

def test_leaves_a_window(qtbot):
    kept.append(QWidget())

def test_hears_a_warning(qtbot):
    qWarning("careful")

def test_fails_by_itself(qtbot):
    kept.append(QWidget())
    assert False

def test_has_nothing_to_do_with_windows():
    qWarning("unheard")
"""


def test_faults_fail_the_test_that_made_them(run_apart: Callable[[str], str]) -> None:
    output = run_apart(FAILING_TEST)
    assert "ERROR test_apart.py::test_leaves_a_window - Failed: A window was left behind" in output
    assert "ERROR test_apart.py::test_hears_a_warning - Failed: Qt said: careful" in output
    assert "1 failed, 3 passed, 2 errors" in output


def test_a_test_without_windows_pays_nothing_for_the_guards(
    run_apart: Callable[[str], str],
) -> None:
    assert "1 passed" in run_apart(
        "import sys\n\ndef test_plain():\n    assert 'gui_guards' not in sys.modules\n"
    )


@pytest.fixture
def run_apart(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that runs a test file under our conftest in its own process and returns the
    output.
    """

    def run(source: str) -> str:
        tests = Path(__file__).resolve().parents[1]
        for name in ("conftest.py", "support/gui_guards.py"):
            shutil.copy(tests / name, tmp_path)
        (tmp_path / "test_apart.py").write_text(source, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "--no-qt-log", "-p", "no:cacheprovider"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.stdout

    return run
