"""Hold what damage to any file of a run may do: it is marked by a sentence, and nothing else
suffers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from complete_run import DAMAGES, FILES, HEALTHY, OTHER, RESULTS, run_of

from poregui.cli.main import main
from poregui.domain.errors import DamagedRunError, PoreguiError
from poregui.store.project import Project
from poregui.store.run_check import fault_of, glance_at, problem_of
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.evaluate import review
from poregui.workflow.evaluating.newest_run import chosen_run
from poregui.workflow.reporting.run_report import run_json

READERS: dict[str, Callable[[RunFolder], object]] = {
    "recipe": RunFolder.read_recipe,
    "dataset": RunFolder.read_dataset,
    "crops": lambda run: list(run.read_crops(run.read_dataset().crops)),
    "folds": RunFolder.read_folds,
    "events": RunFolder.events,
    "end": RunFolder.final_event,
    "predictions": RunFolder.read_predictions,
    "metrics": RunFolder.read_metrics,
    "sidecar": RunFolder.read_sidecar,
    "network": RunFolder.read_network,
    "shapes": RunFolder.read_shapes,
    "baseline": RunFolder.read_baseline,
    "features": RunFolder.read_features,
    "seal": RunFolder.read_seal,
}
HARMLESS = {("trainer.log", name) for name in DAMAGES} | {
    ("folds.json", "missing"),
    ("results.json", "missing"),
}
"""Logs hold anything, most runs have no folds, and older ones no seal."""
UNNOTICED = {
    *(("model.keras", name) for name in DAMAGES),
    *((file, "missing") for file in ("shapes.csv", "baseline.json", "features.npy")),
}
"""What nobody can tell where no seal says what was there: still older runs left less."""
CUT_EVENTS = ("events.jsonl", "cut in half")
"""Such a run looks like one that was interrupted just before it could say that it is complete."""
CASES = [(file, damage) for file in FILES for damage in DAMAGES]


def damage(folder: Path, file: str, how: str) -> RunFolder:
    """Damage a file of the newer run and return that run."""
    run = run_of(folder)
    DAMAGES[how](run.path / file)
    return run


def sentence_of(problem: str, file: str) -> None:
    """Hold that a problem is one plain sentence about a file."""
    assert problem.startswith("Run 002 cannot be read: ")
    assert problem.endswith(".")
    assert file in problem
    assert "\n" not in problem
    assert "Error" not in problem


def test_complete_runs_have_nothing_to_be_marked(folder: Path) -> None:
    for number in (HEALTHY, OTHER):
        run = run_of(folder, number)
        assert (problem_of(run), fault_of(run), glance_at(run)) == ("", "", "")
        for read in READERS.values():
            read(run)


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "older"])
@pytest.mark.parametrize(("file", "how"), CASES)
def test_any_damage_to_any_file_of_a_run_is_a_sentence_and_other_runs_work(
    folder: Path, file: str, how: str, sealed: bool
) -> None:
    if not sealed and file == "results.json":
        pytest.skip("An older run has no such file.")
    run = damage(folder, file, how)
    if not sealed:
        run.seal_file.unlink()
    for read in READERS.values():
        try:
            read(run)
        except PoreguiError as error:
            assert file in str(error)  # noqa: PT017 - others do not read this file
    noticed = (file, how) not in HARMLESS | {CUT_EVENTS} and (
        sealed or (file, how) not in UNNOTICED
    )
    problem = problem_of(run)
    with Project.open(folder) as project:
        assert [one.number for one in project.runs()] == [HEALTHY, OTHER]
        chosen, passed_over = chosen_run(project, None)
        assert run_json(project, run_of(folder, HEALTHY))["run"] == HEALTHY
    if noticed or problem:
        sentence_of(problem, file)
        assert (chosen.number, passed_over) == (HEALTHY, (problem,))
    elif (file, how) == CUT_EVENTS:
        assert (chosen.number, passed_over) == (HEALTHY, ("Run 2 was interrupted.",))
    else:
        assert (chosen.number, passed_over) == (OTHER, ())


@pytest.mark.parametrize("file", RESULTS)
def test_a_result_that_was_changed_without_being_damaged_is_noticed(
    folder: Path, file: str
) -> None:
    run = run_of(folder)
    path = run.path / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    sentence_of(problem_of(run), file)
    assert "is not as the run left it" in problem_of(run)


@pytest.mark.parametrize(
    ("sealed", "text"), [(True, "has 20 of 30 rows"), (False, "has predictions for 20 of 30")]
)
def test_shortened_predictions_are_a_sentence_and_no_other_accuracy(
    folder: Path, sealed: bool, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of(folder)
    lines = run.predictions_file.read_bytes().splitlines(keepends=True)
    assert len(lines) == 31
    run.predictions_file.write_bytes(b"".join(lines[:21]))
    if not sealed:
        run.seal_file.unlink()
    with (
        pytest.raises(DamagedRunError, match=text),
        Project.open(folder, read_only=True) as project,
    ):
        review(project, run)
    assert main(["evaluate", str(folder), "--run", str(OTHER)]) == 2
    assert text in capsys.readouterr().err


def verbs(folder: Path, out: Path) -> list[list[str]]:
    """Return the commands that read runs, without those that need a picture."""
    run = ["--run", str(OTHER)]
    project = str(folder)
    return [
        ["info", project],
        ["evaluate", project, *run],
        [
            "evaluate",
            project,
            "--predictions",
            str(out / "all.csv"),
            "--figures",
            str(out / "figures"),
            *run,
        ],
        ["evaluate", project],
        ["compare", project, "--runs", f"{HEALTHY},{OTHER}"],
        ["label-errors", project, *run],
        ["report", project, str(out / "report.html"), *run],
        ["export", project, str(out / "model"), "--format", "model", *run],
        ["lock", project, "--out", str(out / "locked"), "--by", "Ada", *run],
        ["predict", project, str(out), *run],
        ["apply", project, str(out), "--out", str(out / "applied"), *run],
        ["split", project],
        ["pack", project, str(out / "pores.zip")],
    ]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "how", ["null", *(pytest.param(one, marks=pytest.mark.slow) for one in ("nested", "a folder"))]
)
def test_every_verb_that_reads_a_damaged_run_ends_with_a_sentence(
    folder: Path, tmp_path: Path, file: str, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folder, file, how)
    out = tmp_path / "out"
    out.mkdir()
    for text in verbs(folder, out):
        code = main([*text, "--json"])
        said = capsys.readouterr()
        assert code in (0, 2), text
        assert "Traceback" not in said.err
        if code == 0:
            json.loads(said.out)
        else:
            assert said.err.count("poregui: ") == 1
    assert main(["evaluate", str(folder), "--run", str(HEALTHY)]) == 0
