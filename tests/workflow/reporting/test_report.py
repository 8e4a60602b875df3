"""Hold that a report says what it should, hides nothing and runs nothing."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from builders import add_crops, add_specimens, labelled_project
from finished_runs import add_baseline, all_right, finish, finished_run, mostly_right, project_with
from html_page import Page

from poregui.domain.classes import NOT_A_PORE
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.events import EpochEnded
from poregui.domain.recipe import Recipe
from poregui.domain.records import Opinion
from poregui.store.files import write_json
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddOpinions
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import change_class, label_crops, remove_crops
from poregui.workflow.evaluating.evaluate import review
from poregui.workflow.evaluating.test_views import log_look
from poregui.workflow.exporting.export_run import export_figures, export_predictions, figures_of
from poregui.workflow.rating.agreement_report import noise_ceiling
from poregui.workflow.reporting.figures import accuracy_figure, curves_of, matrix_svg
from poregui.workflow.reporting.run_report import (
    collect_report,
    report_html,
    run_json,
    write_report,
)
from poregui.workflow.reporting.svg import reads_on, ticks
from poregui.workflow.training.prepare_dataset import freeze

NASTY = '<script>alert("x")</script>'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with project_with(tmp_path / "p") as opened:
        yield opened


def test_a_report_is_one_file_that_fetches_nothing_and_says_the_headline(
    project: Project, tmp_path: Path
) -> None:
    run = finished_run(project)
    add_baseline(run)
    out = write_report(project, run, tmp_path / "new" / "report.html")
    page = Page(out.read_text(encoding="utf-8"))
    assert page.fetched
    assert all(found.startswith("data:image/png;base64,") for found in page.fetched)
    assert "script" not in page.tags
    assert "Run 1 of p" in page.text
    assert "83.3 % accuracy on 12 unseen crops" in page.text
    assert "95 % CI 55.2–95.3 %" in page.text
    assert "All these crops are of one specimen" in page.text
    assert (
        "the shape-only baseline (random forest) reaches 100.0 %, the network 83.3 %" in page.text
    )
    assert "2 test crops are predicted wrongly, largest loss first" in page.text
    assert run.read_dataset().hash in page.text
    assert "keras (training) 3.15.0" in page.text
    assert page.tags.count("img") == 2


def test_names_with_tags_stay_text_in_a_report(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", ["Gas", "Keyhole", "LOF"]) as project:
        for specimen in add_specimens(project, f"{NASTY}1", f"{NASTY}2", "S3", "S4", "S5"):
            add_crops(project, [1, 2, 3] * 4, specimen_id=specimen.id)
        run = finished_run(project)
        History(project).apply(
            change_class(project, replace(project.classes()[0], name='<b>Gas</b> & "co"'))
        )
        dataset = run.read_dataset()
        named = replace(
            dataset, crops=tuple(replace(c, name=NASTY) for c in dataset.crops), warnings=(NASTY,)
        )
        run.write_dataset(run.read_recipe(), named, run.read_crops(dataset.crops))
        text = report_html(collect_report(project, run))
    page = Page(text)
    assert "script" not in page.tags
    assert NASTY in page.text
    assert '<b>Gas</b> & "co"' in page.text


def test_a_report_says_what_changed_since_and_how_often_the_test_was_looked_at(
    project: Project,
) -> None:
    run = finished_run(project)
    log_look(project, run.path.name, "ada")
    facts = collect_report(project, run)
    predictions = facts.predictions
    wrong = predictions.errors()[0]
    right = predictions.class_ids[predictions.predicted[wrong]]
    wrong_id = predictions.crops[wrong].crop_id
    History(project).apply(label_crops(project, [wrong_id], right, who="x"))
    page = Page(report_html(collect_report(project, run)))
    assert (
        "1 test label changed since the run was trained; the accuracy was 83.3 % after training."
        in page.text
    )
    assert "Test results viewed 1 time; 1 test crop relabelled since" in page.text


def test_a_report_of_a_cross_validation_has_its_folds(project: Project) -> None:
    run = finish(freeze(project, Recipe(), folds=3))
    received = {
        **run.read_metrics(),
        "folds": [{"accuracy": 0.8, "n": 20}] * 3,
        "pooled_accuracy": 0.8,
    }
    write_json(run.metrics_file, received)
    page = Page(report_html(collect_report(project, run)))
    assert "Cross-validation with 3 folds" in page.text
    assert "Mean over folds 80.0 %" in page.text
    assert "No temperature was fitted" in page.text


def test_a_report_says_how_far_people_agree_and_where_label_noise_ends_accuracy(
    project: Project,
) -> None:
    run = finished_run(project)
    assert "Agreement" not in Page(report_html(collect_report(project, run))).text
    given = tuple(
        Opinion(i, crop.id, 2 if i % 8 == 0 else crop.label or 1, "test", blind=True, session="s")
        for i, crop in enumerate(project.crops(), start=1)
    )
    History(project).apply(AddOpinions(given))
    assert noise_ceiling(project) is not None
    page = Page(report_html(collect_report(project, run)))
    assert "test – test (again)" in page.text
    assert "agrees with test" in page.text
    assert "second ratings were given blind" in page.text
    assert "Label noise allows an accuracy of about" in page.text
    epochs = [EpochEnded(i, 2, 0.5, 0.8, 0.5, 0.7, 1e-3, 1, 0, 0, 1.0, 0.0) for i in (1, 2)]
    curves = curves_of(review(project, run), epochs)
    drawn = accuracy_figure([curves], ceiling=noise_ceiling(project))
    assert drawn.lines[-1].name.startswith("label noise allows")


def test_a_report_without_a_single_error_says_so(project: Project) -> None:
    page = Page(report_html(collect_report(project, finished_run(project, all_right))))
    assert "No test crop is predicted wrongly." in page.text
    assert "has no shape-only baseline" in page.text


def test_a_report_of_a_run_of_shapes_says_what_decides(project: Project) -> None:
    run = finish(freeze(project, Recipe(preset="shape")))
    add_baseline(run)
    page = Page(report_html(collect_report(project, run)))
    assert "Shape-only baseline" not in page.text
    assert "Most important shape features: circularity 75 % and length 25 %." in page.text


def test_a_report_for_print_hands_each_figure_over(project: Project) -> None:
    seen: list[int] = []

    def image(svg: str, width: int) -> str:
        ElementTree.fromstring(svg)
        seen.append(width)
        return f'<img src="data:image/png;base64,AAAA" width="{width}">'

    text = report_html(collect_report(project, finished_run(project)), image)
    assert "<svg" not in text
    assert len(seen) >= 5
    assert all(width > 100 for width in seen)


def test_a_report_that_cannot_be_written_leaves_the_old_one(
    project: Project, tmp_path: Path
) -> None:
    run = finished_run(project)
    (tmp_path / "file").write_text("x")
    with pytest.raises(PoreguiError, match="cannot be written"):
        write_report(project, run, tmp_path / "file" / "report.html")
    run.predictions_file.unlink()
    (tmp_path / "old.html").write_text("old")
    with pytest.raises(ProjectError, match=r"predictions\.csv is missing"):
        write_report(project, run, tmp_path / "old.html")
    assert (tmp_path / "old.html").read_text() == "old"


# ---- figures and tables ---------------------------------------------------------------------


def test_every_figure_is_well_formed_in_light_and_dark(project: Project) -> None:
    run = finished_run(project)
    for dark in (False, True):
        figures = figures_of(project, run, dark=dark)
        assert {
            "confusion-matrix",
            "confusion-matrix-rows",
            "roc",
            "precision-recall",
            "calibration",
        } <= set(figures)
        for svg in figures.values():
            root = ElementTree.fromstring(svg)
            assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_a_matrix_shows_counts_and_names_as_text(tmp_path: Path) -> None:
    svg = matrix_svg([NASTY, "B"], [[3, 1], [0, 4]])
    text = [
        element.text
        for element in ElementTree.fromstring(svg).iter()
        if element.tag.endswith("text")
    ]
    assert {"3", "1", "4", "75 %", "25 %", "B"} <= set(text)
    assert "<script" not in svg
    many = ElementTree.fromstring(
        matrix_svg([f"class {i}" for i in range(30)], np.eye(30, dtype=int))
    )
    assert int(many.get("width", 0)) > 30 * 40


def test_words_on_a_cell_stand_out_from_its_colour() -> None:
    assert (reads_on("#ffffff"), reads_on("#000000"), reads_on("#2166ac")) == (
        "#000000",
        "#ffffff",
        "#ffffff",
    )


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (1.0, 60.0), (0.0, 2.13), (0.0, 0.004)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 3 <= len(found) <= 8
    assert all(low - 1e-12 <= value <= high + 1e-12 for value in found)


def test_figures_go_into_a_new_folder_or_not_at_all(project: Project, tmp_path: Path) -> None:
    run = finished_run(project)
    files = export_figures(project, run, tmp_path / "figures")
    assert sorted(files) == sorted((tmp_path / "figures").iterdir())
    with pytest.raises(PoreguiError, match="not empty"):
        export_figures(project, run, tmp_path / "figures")


def test_a_table_of_predictions_has_every_crop_and_no_formula(
    project: Project, tmp_path: Path
) -> None:
    history = History(project)
    history.apply(change_class(project, replace(project.classes()[0], name="=1+1")))
    run = finished_run(project, mostly_right)
    assert export_predictions(project, run, tmp_path / "new" / "p.csv") == 60
    rows = list(
        csv.DictReader((tmp_path / "new" / "p.csv").read_text(encoding="utf-8").splitlines())
    )
    assert len(rows) == 60
    assert {row["label"] for row in rows} == {"'=1+1", "Keyhole", "Lack of Fusion"}
    assert not any(re.match(r"[=+@-]", cell) for row in rows for cell in row.values())
    one = rows[0]
    shares = [float(value) for name, value in one.items() if name.startswith("p:")]
    assert sum(shares) == pytest.approx(1)
    assert float(one["confidence"]) == max(shares)
    assert one["group"] == "S01"
    own = (run.predictions_file).read_text(encoding="utf-8")
    assert not re.search(r",=1", own)


def test_a_report_survives_when_every_test_crop_is_gone_and_the_metrics_are_missing(
    project: Project,
) -> None:
    run = finished_run(project)
    predictions = review(project, run)
    History(project).apply(remove_crops(predictions.ids[predictions.counted()].tolist()))
    run.metrics_file.unlink()
    page = Page(report_html(collect_report(project, run)))
    assert "– accuracy on 0 unseen crops" in page.text
    assert "No test crop is predicted wrongly." not in page.text
    assert "No test crop has a label any more." in page.text
    json.dumps(run_json(project, run), allow_nan=False)


def test_a_report_with_not_a_pore_as_an_output_gives_the_accuracy_of_true_pores_too(
    tmp_path: Path,
) -> None:
    with Project.create(tmp_path / "p") as project:
        for specimen in add_specimens(project, "S1", "S2", "S3", "S4", "S5"):
            add_crops(project, [1, 2, 3, NOT_A_PORE] * 5, specimen_id=specimen.id)
        run = freeze(project, Recipe())
        finish(run, lambda crop: tuple(0.7 if i == min(crop.label, 2) else 0.1 for i in range(4)))
        page = Page(report_html(collect_report(project, run)))
    assert "75.0 % accuracy on 20 unseen crops" in page.text
    assert "Accuracy over pores only: 100.0 % of 15." in page.text


def test_a_run_without_its_pixels_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with labelled_project(tmp_path / "pores") as project:
        run = finished_run(project)
    run.crops_file.unlink()
    with pytest.raises(ProjectError, match=r"crops\.bin is missing"):
        list(run.read_crops(run.read_dataset().crops))
