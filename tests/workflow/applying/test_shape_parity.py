"""Hold that applying tells a network the very shapes that it was trained with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from builders import labelled_project
from numpy.typing import NDArray
from onnx import TensorProto, helper
from run_folders import make_run
from size_model import draw_discs

from poregui.domain.dataset import outline_in_crop
from poregui.domain.geometry import Box, Outline
from poregui.domain.recipe import Recipe
from poregui.domain.records import Crop, Micrograph
from poregui.learning.shape_forest import write_shapes
from poregui.store.files import file_hash
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.vision.io.pyramid import Pyramid, open_pyramid
from poregui.vision.pores.detection import detect
from poregui.vision.pores.plan import source_of
from poregui.vision.shape.crop_measurement import CROP_NUMBERS, shape_names, shape_width
from poregui.vision.shape.measurement import measure
from poregui.workflow.applying.classify import NetworkFiles, predictions_of
from poregui.workflow.detecting.find_pores import DetectionRecipe
from poregui.workflow.editing.edits import AddCrops, AddMicrographs
from poregui.workflow.editing.history import History
from poregui.workflow.evaluating.predict import Predictor, ScaledCrop
from poregui.workflow.evaluating.shape_baseline import shape_table
from poregui.workflow.suggesting.suggestion_features import CropFeatures, SeenCrop
from poregui.workflow.suggesting.suggestion_worker import SuggestWorker
from poregui.workflow.training.prepare_dataset import freeze


def write_shape_model(folder: Path, outlined: bool) -> NetworkFiles:
    """Write a network whose probabilities are the softmax of the shape numbers that it is told."""
    wide = shape_width(2)
    graph = helper.make_graph(
        [helper.make_node("Softmax", ["shape"], ["probabilities"], axis=1)],
        "shape",
        [
            helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 32, 32, 1]),
            helper.make_tensor_value_info("shape", TensorProto.FLOAT, ["n", wide]),
        ],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", wide])],
    )
    folder.mkdir()
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    given = {"side": 32, "channels": 1, "stretched": False, "sees_size": False}
    given |= {"calibrated": False, "sees_shape": True, "shape_version": 2, "outlined": outlined}
    names = [f"c{index}" for index in range(wide)]
    sidecar = {"classes": names, "class_ids": list(range(wide)), "input": given, "um_per_px": None}
    (folder / "model.json").write_text(json.dumps(sidecar), encoding="utf-8")
    return NetworkFiles.of(folder / "model.onnx", folder / "model.json")


def add_outlined(
    project: Project, image: Pyramid, boxes: list[Box], outlines: Sequence[NDArray[np.float64]]
) -> list[int]:
    """Add labelled crops with their outlines to a project and return their ids."""
    first = project.next_id("crops")
    rows = []
    for index, box in enumerate(boxes):
        pixels = CropPixels(image.read(0, box), image.grey_low, image.grey_high)
        key = project.pixels.add(pixels)
        rows.append(Crop(first + index, key, box.width, box.height, 1, box, label=1))
    lines = tuple((first + k, Outline.of(line)) for k, line in enumerate(outlines))
    History(project).apply(AddCrops(tuple(rows), "test", outlines=lines))
    return [row.id for row in rows]


def baseline_numbers(run: RunFolder, ids: Sequence[int]) -> NDArray[np.float64]:
    """Return the shape numbers that the forest of a run learns from."""
    dataset = run.read_dataset()
    values = write_shapes(run, dataset)
    row_of = {crop.crop_id: row for row, crop in enumerate(dataset.crops)}
    return values[[row_of[crop_id] for crop_id in ids]]


def suggested_numbers(folder: Path, ids: Sequence[int]) -> NDArray[np.float64]:
    """Return the shape numbers of crops that a worker suggests from."""
    with Project.open(folder, read_only=True) as project:
        crops = project.crops()
        worker = SuggestWorker(folder, lambda answer: None, lambda: False)
        worker.take({"crops": [[crop.id, crop.pixels, crop.um_per_px, "g"] for crop in crops]})
        while worker.step():
            pass
        worker.close()
        outlines = project.outlines()
        kept = CropFeatures(folder)
        rows = []
        for crop in crops:
            if crop.id in ids:
                line = outline_in_crop(outlines[crop.id], crop.box, crop.width, crop.height)
                seen = SeenCrop(crop.pixels, crop.um_per_px, line)
                assert kept.has(seen)
                rows.append(kept.of(seen, project.pixels)[: len(CROP_NUMBERS)])
    return np.array(rows, np.float64)


def test_table_suggestions_training_and_applying_measure_an_outline_alike(tmp_path: Path) -> None:
    file = tmp_path / "discs.png"
    draw_discs(file, [30.0, 12.0, 44.0, 21.0])
    recipe = DetectionRecipe()
    network = write_shape_model(tmp_path / "network", outlined=True)
    with labelled_project(tmp_path / "p") as project, open_pyramid(file) as image:
        found = detect(source_of(image), recipe, None, ())
        size = image.width, image.height
        boxes = [recipe.crop_box(Box(*box), *size, None) for box in found.boxes.tolist()]
        assert len(boxes) == 4
        applied, _ = predictions_of(image, boxes, found.outlines, network, None, None)
        micrograph = Micrograph(1, "discs.png", file.name, file_hash(file), *size, 8, 1)
        History(project).apply(AddMicrographs((micrograph,)))
        ids = add_outlined(project, image, boxes, found.outlines)
        run = freeze(project, Recipe())
    dataset = run.read_dataset()
    crops = {crop.crop_id: crop for crop in dataset.crops if crop.outline is not None}
    assert sorted(crops) == ids
    frozen = list(crops.values())
    given = [
        ScaledCrop(CropPixels(pixels, crop.grey_low, crop.grey_high), None, crop.outline.points)
        for crop, pixels in zip(frozen, run.read_crops(frozen), strict=True)
        if crop.outline is not None
    ]
    trained = Predictor.from_files(network.model, network.sidecar).predict(given)
    assert np.abs(applied - trained).max() < 1e-6
    table = shape_table(run)
    assert baseline_numbers(run, ids) == pytest.approx(table.rows_of(ids))
    assert suggested_numbers(tmp_path / "p", ids) == pytest.approx(table.rows_of(ids), rel=1e-5)
    measured = measure(found.outlines, None, None, size=size).columns
    for name, column in (("Equivalent diameter", "ecd"), ("Length", "feret_max")):
        here = [(table.of(crop_id) or {})[name] for crop_id in crops]
        assert here == pytest.approx(measured[column].tolist(), rel=1e-5)


def test_a_network_that_was_trained_without_outlines_is_told_the_shape_in_the_pixels(
    tmp_path: Path,
) -> None:
    network = write_shape_model(tmp_path / "network", outlined=False)
    predictor = Predictor.from_files(network.model, network.sidecar)
    pixels = CropPixels(np.full((40, 40), 200, np.uint8), 0.0, 255.0)
    pixels.array[10:30, 15:25] = 40
    line = np.array([[0, 0], [40, 0], [40, 40], [0, 40]], np.float64)
    with_line = predictor.predict([ScaledCrop(pixels, None, line)])
    assert np.array_equal(with_line, predictor.predict([ScaledCrop(pixels)]))


def test_a_run_of_an_older_version_keeps_its_numbers(tmp_path: Path) -> None:
    run = make_run(tmp_path / "001", crops=6)
    received = json.loads(run.dataset_file.read_text(encoding="utf-8"))
    del received["shape_version"], received["outlines"]
    run.dataset_file.write_text(json.dumps(received), encoding="utf-8")
    assert run.read_dataset().shape_version == 1
    assert shape_table(run).names == shape_names(1)
    received["shape_version"] = 2
    run.dataset_file.write_text(json.dumps(received), encoding="utf-8")
    assert shape_table(run).names == shape_names(2)
