"""Hold that a locked recipe is shown on the Apply page, cannot be changed there, and is what is
applied.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from apply_desk import add_micrographs, add_run, apply, page_of
from builders import labelled_project
from PySide6.QtWidgets import QFileDialog

from poregui.domain.detection import DetectionRecipe
from poregui.gui.apply.apply_page import ApplyPage
from poregui.gui.base.messages import messages
from poregui.gui.dialogs.apply_dialogs import LockDialog
from poregui.gui.shell.main_window import MainWindow
from poregui.store.project import Project
from poregui.workflow.applying.locked_recipe import lock_of_project, lock_run
from poregui.workflow.detecting.find_pores import RECIPE_KEY


@pytest.fixture
def with_run(tmp_path: Path) -> Path:
    """Return a project with two micrographs of discs and a run whose network judges by size."""
    labelled_project(tmp_path / "pores").close()
    return add_run(tmp_path / "pores", tmp_path)


def lock(window: MainWindow, page: ApplyPage, **fields: str) -> None:
    """Lock by the dialog, with what is written into its fields."""
    page.lock_panel.button.click()
    dialog = page.findChild(LockDialog)
    for name, text in fields.items():
        dialog.findChild(object, f"lock_{name}_edit").setText(text)
    dialog.ok.click()
    window.background.wait()


def test_a_supervisor_locks_and_an_operator_cannot_choose_otherwise(
    window: MainWindow,
    with_run: Path,
) -> None:
    page = page_of(window, with_run)
    assert page.lock_panel.state.text() == "Not locked"
    page.confidence_slider.setValue(90)
    lock(window, page, who="Ann", title="Routine")
    assert "“Routine”: run 1 of " in page.lock_panel.text.text()
    assert page.lock_panel.state.text().startswith("Locked by Ann, 20")
    assert "Smoothing: 0.8 px" in page.lock_panel.toolTip()
    assert not page.run_picker.isEnabled()
    assert not page.confidence_slider.isEnabled()
    apply(window)
    assert page.table.rows[-1].name == "Unclassified"
    received = json.loads(
        (with_run / "applied" / "run-001" / "summary.json").read_text(encoding="utf-8")
    )
    assert received["recipe"].startswith("“Routine” locked by Ann on ")
    assert received["least_confidence"] == 0.9


def test_the_lock_is_there_again_and_keeps_the_recipe_that_was_locked(
    window: MainWindow,
    with_run: Path,
) -> None:
    page = page_of(window, with_run)
    lock(window, page, who="Ann")
    apply(window)
    before = page.table.rows
    window.close_project()
    with Project.open(with_run) as project:
        project.put_meta(RECIPE_KEY, json.dumps(DetectionRecipe(smallest=60.0).to_json()))
    page = page_of(window, with_run)
    assert not page.run_picker.isEnabled()
    assert page.table.rows == before


def test_unlocking_is_asked_for_and_lets_everything_be_chosen_again(
    window: MainWindow,
    with_run: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = page_of(window, with_run)
    lock(window, page, who="Ann")
    answers = [False, True]
    monkeypatch.setattr(messages(), "ask", lambda *_: answers.pop(0))
    page.lock_panel.button.click()
    assert lock_of_project(with_run) is not None
    page.lock_panel.button.click()
    window.background.wait()
    assert lock_of_project(with_run) is None
    assert page.run_picker.isEnabled()
    assert page.confidence_slider.isEnabled()
    assert page.lock_panel.state.text() == "Not locked"


def test_a_lock_that_was_changed_is_refused_with_a_sentence(
    window: MainWindow,
    with_run: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = page_of(window, with_run)
    lock(window, page, who="Ann")
    window.close_project()
    file = with_run / "locked" / "locked.json"
    file.write_text(file.read_text(encoding="utf-8").replace("Ann", "Bob"), encoding="utf-8")
    received: list[object] = []
    monkeypatch.setattr(messages(), "error", received.append)
    page = page_of(window, with_run)
    assert "has changed since it was locked" in page.lock_panel.text.text()
    apply(window)
    assert any("has changed since it was locked" in str(one) for one in received)
    assert not (with_run / "applied").exists()


def operator_project(tmp_path: Path, with_run: Path) -> Path:
    """Return a project with micrographs and no run, beside a recipe locked in another one."""
    with Project.open(with_run) as project:
        lock_run(
            project,
            project.runs()[0],
            tmp_path / "routine",
            who="Ann",
            title="Routine",
            min_confidence=0.9,
        )
    labelled_project(tmp_path / "other").close()
    with Project.open(tmp_path / "other") as project:
        add_micrographs(project, tmp_path)
    return tmp_path / "other"


def test_an_operator_takes_a_recipe_of_another_project_and_needs_no_run(
    window: MainWindow,
    with_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = operator_project(tmp_path, with_run)
    page = page_of(window, other)
    assert page.take_button.isVisible()
    asked: list[str] = []

    def choose(_page: object, _title: str, _folder: str, kinds: str) -> tuple[str, str]:
        asked.append(kinds)
        return str(tmp_path / "routine" / "locked.json"), kinds

    monkeypatch.setattr(QFileDialog, "getOpenFileName", choose)
    page.take_button.click()
    window.background.wait()
    assert asked == ["Locked recipe (locked.json)"]
    assert not page.take_button.isVisible()
    assert not page.run_picker.isVisible()
    assert "“Routine”: run 1 of " in page.lock_panel.text.text()
    assert page.confidence_text.text() == "Minimum confidence 90 %: no test crop reached it."
    apply(window)
    (made,) = (tmp_path / "other" / "applied").iterdir()
    assert made.name.startswith("locked-")
    received = json.loads((made / "summary.json").read_text(encoding="utf-8"))
    assert received["recipe"].startswith("“Routine” locked by Ann on ")
    assert page.report_button.isVisible()
    before = page.table.rows
    window.close_project()
    page = page_of(window, tmp_path / "other")
    assert page.table.rows == before  # taken up again
    monkeypatch.setattr(messages(), "ask", lambda *_: True)
    page.lock_panel.button.click()
    window.background.wait()
    assert page.take_button.isVisible()
    assert lock_of_project(tmp_path / "other") is None


def test_a_project_with_runs_of_its_own_takes_a_recipe_and_gives_it_back(
    window: MainWindow, with_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project.open(with_run) as project:
        lock_run(project, project.runs()[0], tmp_path / "routine", who="Ann")
        run = project.runs()[0]
        run.onnx_file.write_bytes(
            run.onnx_file.read_bytes() + b"\x00"
        )  # now another network than the one locked
    page = page_of(window, with_run)
    choice = str(tmp_path / "routine" / "locked.json"), ""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: choice)
    page.lock_panel.take_button.click()
    window.background.wait()
    assert not page.run_picker.isVisible()
    assert not page.lock_panel.take_button.isVisible()
    monkeypatch.setattr(messages(), "ask", lambda *_: True)
    page.lock_panel.button.click()
    assert page.run_picker.isVisible()
    assert page.run_picker.number == 1
    received: list[object] = []
    monkeypatch.setattr(messages(), "error", received.append)
    (tmp_path / "routine" / "model.json").unlink()
    page.lock_panel.take_button.click()
    window.background.wait()
    assert "model.json is missing" in str(received[0])
    assert page.lock_panel.state.text() == "Not locked"


def test_a_name_that_is_missing_and_a_scale_that_is_none_keep_the_dialog_open(
    window: MainWindow,
    with_run: Path,
) -> None:
    page = page_of(window, with_run)
    lock(window, page, who=" ")
    dialog = page.findChild(LockDialog)
    assert dialog.isVisible()
    assert lock_of_project(with_run) is None
    for scale in ("wide", "-1"):
        dialog.findChild(object, "lock_who_edit").setText("Ann")
        dialog.findChild(object, "lock_scale_edit").setText(scale)
        dialog.ok.click()
        assert "is not a pixel size" in dialog.findChild(object, "dialog_problem").text()
    dialog.reject()


def test_a_result_that_is_shown_stays_when_its_recipe_is_locked(
    window: MainWindow, with_run: Path
) -> None:
    page = page_of(window, with_run)
    apply(window)
    before = page.table.rows
    assert before
    lock(window, page, who="Ann")
    window.background.wait()
    assert page.table.rows == before
    assert page.report_button.isVisible()
