"""Hold that runs can be named, noted, deleted to a bin and taken back, and that no number is given
twice.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from builders import labelled_project
from finished_runs import finished_run

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError
from poregui.store.project import Project
from poregui.store.run_check import problem_of
from poregui.store.run_notes import RunNotes, deleted_runs, read_notes
from poregui.workflow.reporting.run_report import collect_report, report_html
from poregui.workflow.training import run_keeping
from poregui.workflow.training.run_keeping import delete_run, describe_run, restore_run


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = labelled_project(tmp_path / "pores")
    finished_run(made)
    return made


def test_a_name_and_a_note_stay_with_a_run_and_leave_its_results_whole(project: Project) -> None:
    describe_run(project, 1, RunNotes("  wide \n net ", " tried at 64 px\n"))
    (run,) = project.runs()
    assert read_notes(run) == RunNotes("wide net", "tried at 64 px")
    assert problem_of(run) == ""
    run.notes_file.write_text("[1]", encoding="utf-8")
    assert read_notes(run) == RunNotes()


@pytest.mark.parametrize("notes", [RunNotes("n" * 61), RunNotes("", "n" * 2001)])
def test_too_long_a_name_or_note_is_refused_and_nothing_is_written(
    project: Project, notes: RunNotes
) -> None:
    with pytest.raises(PoreguiError, match="characters"):
        describe_run(project, 1, notes)
    assert read_notes(project.runs()[0]) == RunNotes()


def test_a_deleted_run_comes_back_whole_and_its_number_is_not_given_again(
    project: Project,
) -> None:
    describe_run(project, 1, RunNotes("first"))
    before = {path.name for path in project.runs()[0].path.iterdir()}
    delete_run(project, 1)
    assert project.runs() == []
    assert [run.number for run in deleted_runs(project.folder)] == [1]
    assert project.new_run_folder().number == 2
    run = restore_run(project, 1)
    assert {path.name for path in run.path.iterdir()} == before
    assert read_notes(run).name == "first"


def test_a_run_that_is_trained_or_locked_is_not_deleted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = project.runs()[0].lock()
    with pytest.raises(PoreguiError, match="Run 1 is being trained"):
        delete_run(project, 1)
    lock.release()
    monkeypatch.setattr(run_keeping, "_is_locked", lambda *_: True)
    with pytest.raises(PoreguiError, match="locked recipe"):
        delete_run(project, 1)
    assert len(project.runs()) == 1


def test_results_of_a_deleted_run_are_named_and_kept(project: Project) -> None:
    results = project.folder / "applied" / "run-001"
    results.mkdir(parents=True)
    assert delete_run(project, 1).sentence == "The results in applied/run-001 are kept."
    assert results.is_dir()


def test_the_report_shows_name_and_note(project: Project) -> None:
    describe_run(project, 1, RunNotes("wide", "tried <64> px"))
    text = report_html(collect_report(project, project.runs()[0]))
    assert "<h1>Run 1 “wide” of pores</h1>" in text
    assert "tried &lt;64&gt; px" in text


def test_runs_are_listed_named_deleted_and_restored_on_the_command_line(
    project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = str(project.folder)
    project.close()
    assert main(["runs", folder, "1", "--name", "wide", "--note", "at 64 px"]) == 0
    assert main(["pack", folder, str(tmp_path / "p.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "p.zip") as packed:
        assert any(name.endswith("runs/001/notes.json") for name in packed.namelist())
    capsys.readouterr()
    assert main(["evaluate", folder]) == 0
    assert "Run 1 “wide” (default): accuracy" in capsys.readouterr().out
    assert main(["runs", folder, "1", "--delete"]) == 0
    assert main(["runs", folder, "--json"]) == 0
    values = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert values["runs"] == []
    assert [one["name"] for one in values["deleted"]] == ["wide"]
    assert main(["runs", folder, "1", "--restore", "--name", ""]) == 0
    assert "default" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--delete"], "No run is given."),
        (["7"], "There is no run 7."),
        (["7", "--delete"], "There is no run 7. There is 1."),
        (["1", "--restore"], "There is no deleted run 1. There is none at all."),
        (["1", "--name", "n" * 70], "The name has 70 characters."),
    ],
)
def test_bad_requests_for_runs_are_refused_with_a_sentence(
    project: Project, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    folder = str(project.folder)
    project.close()
    assert main(["runs", folder, *options]) == 2
    assert sentence in capsys.readouterr().err
