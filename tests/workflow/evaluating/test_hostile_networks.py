"""Hold that a network which is not what its description says, or more than a network, is a sentence
before or when it is run, in every way that uses one.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from complete_run import make_project, run_of
from onnx import TensorProto, helper, numpy_helper
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
SIDECAR: dict[str, Any] = {
    "classes": ["Gas", "Keyhole", "Lack of Fusion"],
    "class_ids": [1, 2, 3],
    "um_per_px": None,
    "input": {
        "side": 32,
        "channels": 1,
        "stretched": False,
        "sees_size": True,
        "calibrated": False,
    },
}
FLOAT = TensorProto.FLOAT


def value(name: str, shape: list[Any], kind: int = FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def model(change: Callable[[Any], None] = lambda graph: None, **more: Any) -> bytes:
    """Return a network that answers by the size of a crop, after a change to its graph."""
    constants = {
        "weights": np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]], np.float32),
        "bias": np.zeros(3, np.float32),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["size", "weights", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["shares"], axis=1),
            helper.make_node("Identity", ["shares"], ["probabilities"]),
            helper.make_node("Identity", ["size"], ["penultimate"]),
        ],
        "network",
        [value("image", ["n", 32, 32, 1]), value("size", ["n", 2])],
        [value("probabilities", ["n", 3]), value("penultimate", ["n", 2])],
        [numpy_helper.from_array(one, name) for name, one in constants.items()],
    )
    change(graph)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    for name, one in more.items():
        getattr(made, name).extend(one)
    return made.SerializeToString()


def predictions(node: Any, *constants: tuple[str, np.ndarray]) -> Callable[[Any], None]:
    """Return the change that lets another operation make the probabilities."""

    def change(graph: Any) -> None:
        graph.node[2].CopyFrom(node)
        graph.initializer.extend(numpy_helper.from_array(one, name) for name, one in constants)

    return change


def replaced(field: str, index: int, one: Any) -> Callable[[Any], None]:
    return lambda graph: getattr(graph, field)[index].CopyFrom(one)


def dropped(field: str, index: int) -> Callable[[Any], None]:
    return lambda graph: getattr(graph, field).pop(index)


def added(field: str, one: Any) -> Callable[[Any], None]:
    return lambda graph: getattr(graph, field).append(one)


def in_a_row(source: str, to: str) -> Any:
    """Return the operation that leaves one number a crop."""
    return helper.make_node("ReduceSum", [source, "second"], [to], keepdims=0)


def answers_alone(graph: Any) -> None:
    """Let a network without sizes answer the same for all crops."""
    graph.node[0].CopyFrom(helper.make_node("Identity", ["weights"], ["logits"]))
    graph.node[3].CopyFrom(helper.make_node("Identity", ["weights"], ["penultimate"]))


def _loop(graph: Any) -> None:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes"]),
            helper.make_node("Identity", ["kept"], ["keeps"]),
        ],
        "body",
        [
            value("turn", [], TensorProto.INT64),
            value("going", [], TensorProto.BOOL),
            value("kept", ["n", 3]),
        ],
        [value("goes", [], TensorProto.BOOL), value("keeps", ["n", 3])],
    )
    graph.initializer.append(numpy_helper.from_array(np.array(2**62), "many"))
    graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    predictions(helper.make_node("Loop", ["many", "yes", "shares"], ["probabilities"], body=body))(
        graph
    )


def _elsewhere(graph: Any) -> None:
    weights = graph.initializer[1]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../etc/passwd")


def _hidden_elsewhere(graph: Any) -> None:
    tensor = helper.make_tensor("hidden", FLOAT, [3], [0.0] * 3)
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    graph.node.append(helper.make_node("Constant", [], ["hidden"], value=tensor))


def _function() -> Any:
    node = helper.make_node("Loop", ["a"], ["b"])
    return helper.make_function("own", "F", ["a"], ["b"], [node], [helper.make_opsetid("", 17)])


EMPTY = helper.make_graph([], "empty", [], [])
NOT_OF_THE_KIND: dict[str, bytes] = {
    "an endless loop": model(_loop),
    "a choice of graphs": model(
        predictions(helper.make_node("If", ["c"], ["probabilities"], then_branch=EMPTY))
    ),
    "weights in another file": model(_elsewhere),
    "a constant in another file": model(_hidden_elsewhere),
    "an operation of another maker": model(
        predictions(helper.make_node("Relu", ["shares"], ["probabilities"], domain="com.evil"))
    ),
    "an operation that nobody knows": model(
        predictions(helper.make_node("RunCommand", ["shares"], ["probabilities"]))
    ),
    "an operation that makes much of little": model(
        predictions(helper.make_node("Expand", ["shares", "sides"], ["probabilities"]))
    ),
    "a function of its own": model(functions=[_function()]),
    "no graph": helper.make_model(EMPTY).SerializeToString()[:4],
    "two graphs": model() + model(),
    "cut in half": model()[: len(model()) // 2],
    "nothing": b"",
    "words": b"words and more words",
    "a newer kind of file": model().replace(b"\x08\x09", b"\x08\x7f", 1),
}  # fmt: skip
MISMATCHES: dict[str, bytes] = {
    "no image": model(dropped("input", 0)),
    "no size": model(lambda graph: (dropped("input", 1)(graph), answers_alone(graph))),
    "one input more": model(added("input", value("more", ["n", 3]))),
    "another name": model(replaced("input", 0, value("picture", ["n", 32, 32, 1]))),
    "channels first": model(replaced("input", 0, value("image", ["n", 1, 32, 32]))),
    "another side": model(replaced("input", 0, value("image", ["n", 64, 64, 1]))),
    "colour": model(replaced("input", 0, value("image", ["n", 32, 32, 3]))),
    "any side": model(replaced("input", 0, value("image", ["n", "h", "w", 1]))),
    "one crop at a time": model(replaced("input", 0, value("image", [1, 32, 32, 1]))),
    "seven crops at a time": model(replaced("input", 0, value("image", [7, 32, 32, 1]))),
    "no rank": model(replaced("input", 0, value("image", []))),
    "bytes": model(replaced("input", 0, value("image", ["n", 32, 32, 1], TensorProto.UINT8))),
    "doubles": model(replaced("input", 0, value("image", ["n", 32, 32, 1], TensorProto.DOUBLE))),
    "texts": model(replaced("input", 0, value("image", ["n", 32, 32, 1], TensorProto.STRING))),
    "three sizes": model(replaced("input", 1, value("size", ["n", 3]))),
    "no probabilities": model(dropped("output", 0)),
    "probabilities of two classes": model(
        lambda graph: (
            predictions(helper.make_node("Identity", ["size"], ["probabilities"]))(graph),
            replaced("output", 0, value("probabilities", ["n", 2]))(graph),
        )
    ),
    "probabilities in a row": model(
        lambda graph: (
            predictions(in_a_row("shares", "probabilities"), ("second", np.array([1])))(graph),
            replaced("output", 0, value("probabilities", ["n"]))(graph),
        )
    ),
    "whole numbers": model(
        lambda graph: (
            predictions(helper.make_node("Cast", ["shares"], ["probabilities"], to=7))(graph),
            replaced("output", 0, value("probabilities", ["n", 3], TensorProto.INT64))(graph),
        )
    ),
    "features in a row": model(
        lambda graph: (
            replaced("node", 3, in_a_row("size", "penultimate"))(graph),
            added("initializer", numpy_helper.from_array(np.array([1]), "second"))(graph),
            replaced("output", 1, value("penultimate", ["n"]))(graph),
        )
    ),
    "maps of other classes": model(
        lambda graph: (
            graph.node.append(helper.make_node("Transpose", ["image"], ["activation_maps"])),
            added("output", value("activation_maps", ["n", 32, 32, 1]))(graph),
        )
    ),
    "weights that do not fit": model(
        replaced("initializer", 0, numpy_helper.from_array(np.ones((5, 3), np.float32), "weights"))
    ),
    "a weight that is missing": model(dropped("initializer", 1)),
    "a node that is missing": model(dropped("node", 0)),
    "a circle": model(
        replaced("node", 0, helper.make_node("Gemm", ["size", "shares", "bias"], ["logits"]))
    ),
}


def _scaled(factor: float) -> bytes:
    times = np.full(3, factor, np.float32)
    node = helper.make_node("Mul", ["shares", "times"], ["probabilities"])
    return model(predictions(node, ("times", times)))


NO_PROBABILITIES: dict[str, bytes] = {
    "twice as much": _scaled(2.0),
    "half of it": _scaled(0.5),
    "no number": _scaled(float("nan")),
    "infinite": _scaled(float("inf")),
    "below nothing": model(
        predictions(
            helper.make_node("Add", ["shares", "more"], ["probabilities"]),
            ("more", np.array([-2.0, 1.0, 1.0], np.float32)),
        )
    ),
    "logits": model(predictions(helper.make_node("Identity", ["logits"], ["probabilities"]))),
    "shares of other crops": model(
        predictions(
            helper.make_node("Concat", ["shares", "shares"], ["probabilities"], axis=0),
        )
    ),
    "a shape that only running tells": model(
        predictions(
            helper.make_node("Reshape", ["shares", "flat"], ["probabilities"]),
            ("flat", np.array([-1, 1])),
        )
    ),
}  # fmt: skip
DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "two classes": {"classes": ["Gas", "Keyhole"], "class_ids": [1, 2]},
    "four classes": {"classes": list("abcd"), "class_ids": [1, 2, 3, 4]},
    "no classes": {"classes": [], "class_ids": []},
    "classes that are numbers": {"classes": [1, 2, 3]},
    "another side": {"input": {**SIDECAR["input"], "side": 64}},
    "a side of a million": {"input": {**SIDECAR["input"], "side": 10**6}},
    "a side below nothing": {"input": {**SIDECAR["input"], "side": -32}},
    "a side in words": {"input": {**SIDECAR["input"], "side": "32"}},
    "two channels": {"input": {**SIDECAR["input"], "channels": 2}},
    "three channels": {"input": {**SIDECAR["input"], "channels": 3}},
    "no size": {"input": {**SIDECAR["input"], "sees_size": False}},
    "a shape as well": {"input": {**SIDECAR["input"], "sees_shape": True}},
    "yes in words": {"input": {**SIDECAR["input"], "sees_size": "yes"}},
    "no input": {"input": {}},
    "a scale of 0": {"um_per_px": {"median": 0, "low": 0, "high": 0}},
    "features of another number": {
        "trained_on": {
            "features": 3,
            "mean": "AAAAAAAAAAAAAAAA",
            "spread": "AACAPwAAgD8AAIA/",
            "crops": "AAAAAAAA" * 5,
            "limit": 1.0,
            "measured": 5,
        }
    },
    "features that are none": {"trained_on": {"features": 2}},
}


def write(folder: Path, content: bytes, **received: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "model.json").write_text(json.dumps({**SIDECAR, **received}), encoding="utf-8")
    return folder / "model.onnx"


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
    assert "gave no answer within 0.5 s" in refused(write(tmp_path, model(_loop))).what


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
