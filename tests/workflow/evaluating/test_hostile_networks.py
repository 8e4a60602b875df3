"""Hold that a network which is not what its description says, or more than a network, is a sentence
before or when it is run, in every way that uses one.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from complete_run import make_project, run_of
from hostile_networks import (
    DESCRIPTIONS,
    MISMATCHES,
    NO_PROBABILITIES,
    NOT_OF_THE_KIND,
    endless_loop,
    model,
    predictions,
    write,
)
from onnx import helper
from size_model import draw_discs

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.store import network_files
from poregui.store.network_files import OPERATIONS, fault_of_network
from poregui.store.pixels import CropPixels
from poregui.store.run_check import fault_of
from poregui.workflow.evaluating import predict
from poregui.workflow.evaluating.predict import Predictor, ScaledCrop

CROP = ScaledCrop(CropPixels(np.arange(400, dtype=np.uint8).reshape(20, 20), 0.0, 255.0))


def refused(file: Path) -> ProjectError:
    """Return the sentence for a network, which comes soon."""
    began = time.monotonic()
    with pytest.raises(ProjectError) as error:
        Predictor.from_files(file, file.with_suffix(".json"), threads=1).predict([CROP])
    assert time.monotonic() - began < 20
    assert str(file.parent) in error.value.what
    assert error.value.what.endswith(".")
    assert "\n" not in str(error.value)
    return error.value


def test_the_network_of_these_tests_answers(tmp_path: Path) -> None:
    file = write(tmp_path, model())
    predictor = Predictor.from_files(file, file.with_suffix(".json"), threads=1)
    assert predictor.predict([CROP] * 3).shape == (3, 3)
    assert predictor.features([CROP]).tolist() == [[20.0, 20.0]]
    with pytest.raises(ProjectError, match="has no heat maps"):
        predictor.activation_maps(CROP)


@pytest.mark.parametrize("how", NOT_OF_THE_KIND)
def test_a_file_that_is_more_or_less_than_a_network_is_refused_before_it_is_run(
    tmp_path: Path, how: str
) -> None:
    refused(write(tmp_path, NOT_OF_THE_KIND[how]))
    if how != "a newer kind of file":
        assert fault_of_network(NOT_OF_THE_KIND[how])


@pytest.mark.parametrize("how", MISMATCHES)
def test_a_network_that_does_not_fit_its_description_is_a_sentence(
    tmp_path: Path, how: str
) -> None:
    refused(write(tmp_path, MISMATCHES[how]))


@pytest.mark.parametrize("how", DESCRIPTIONS)
def test_a_description_that_does_not_fit_its_network_is_a_sentence(
    tmp_path: Path, how: str
) -> None:
    refused(write(tmp_path, model(), **DESCRIPTIONS[how]))


@pytest.mark.parametrize("how", NO_PROBABILITIES)
def test_answers_that_are_no_probabilities_are_never_taken(tmp_path: Path, how: str) -> None:
    said = refused(write(tmp_path, NO_PROBABILITIES[how])).what
    assert "returns" in said or "are not for 3 classes" in said


def test_a_network_that_works_too_long_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "LONGEST_S", 0.5)
    monkeypatch.setattr(network_files, "fault_of_network", lambda content: "")
    monkeypatch.setattr(predict, "fault_of_network", lambda content: "")
    assert "gave no answer within 0.5 s" in refused(write(tmp_path, model(endless_loop))).what


def test_a_network_that_makes_much_of_little_is_stopped_before_it_takes_all_memory(
    tmp_path: Path,
) -> None:
    many = np.ones((10**5, 1), np.float32)

    def change(graph: Any) -> None:
        graph.node.extend(
            [
                helper.make_node("Add", ["many", "across"], ["square"]),
                helper.make_node("ReduceMean", ["square"], ["mean"], axes=[0, 1], keepdims=1),
            ]
        )
        node = helper.make_node("Add", ["shares", "mean"], ["probabilities"])
        predictions(node, ("many", many), ("across", many.T))(graph)

    assert "cannot be run" in refused(write(tmp_path, model(change))).what


def test_every_operation_that_poregui_writes_may_be_read() -> None:
    source = Path(network_files.__file__).parents[1] / "learning" / "export_onnx.py"
    written = source.read_text(encoding="utf-8")
    names = {one.name for one in onnx.defs.get_all_schemas()}
    found = {name for name in names if f'"{name}"' in written}
    assert {"Conv", "Gemm", "Softmax"} <= found
    keras_layers = {"Dropout", "Flatten"}
    assert found - keras_layers <= OPERATIONS


HARD = ["an endless loop", "weights in another file", "cut in half"]


@pytest.mark.parametrize("how", [*HARD, "another side", "no number"])
def test_applying_such_a_network_ends_with_a_sentence(
    tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (NOT_OF_THE_KIND | MISMATCHES | NO_PROBABILITIES)[how]
    file = write(tmp_path / "network", content)
    (tmp_path / "pictures").mkdir()
    draw_discs(tmp_path / "pictures" / "a.png", [30.0] * 2)
    text = [
        str(file),
        str(tmp_path / "pictures"),
        "--out",
        str(tmp_path / "out"),
        "--um-per-px",
        "1",
    ]
    assert main(["apply", *text]) in (1, 2)
    said = "".join(capsys.readouterr())
    assert str(file) in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("networks") / "pores"
    make_project(folder)
    return folder


@pytest.mark.parametrize("how", HARD)
def test_a_run_with_such_a_network_is_marked_and_others_are_used(
    pattern: Path, tmp_path: Path, how: str
) -> None:
    shutil.copytree(pattern, tmp_path / "pores")
    run = run_of(tmp_path / "pores")
    run.onnx_file.write_bytes(NOT_OF_THE_KIND[how])
    run.write_seal()
    assert "model.onnx" in fault_of(run)
    with pytest.raises(PoreguiError):
        Predictor(run)
