"""Test prediction with an exported network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from run_folders import CLASSES, make_run, small_recipe

from poregui.domain.dataset import DatasetCrop
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.events import Cancelled, Event, Failed, Interrupted, Stage
from poregui.store.pixels import CropPixels
from poregui.store.run_folder import RunFolder
from poregui.workflow.evaluating.predict import Predictor, ScaledCrop

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Give one trained run."""
    from poregui.learning.train import train

    folder = make_run(tmp_path_factory.mktemp("runs") / "007", small_recipe(epochs=8), crops=90)
    train(folder.path, lambda event: None, lambda: "")
    return folder


def scaled(folder: RunFolder, crops: tuple[DatasetCrop, ...]) -> list[ScaledCrop]:
    return [
        ScaledCrop(CropPixels(pixels, crop.grey_low, crop.grey_high), crop.um_per_px)
        for crop, pixels in zip(crops, folder.read_crops(crops), strict=True)
    ]


def test_a_predictor_gives_what_the_run_itself_predicted(run: RunFolder) -> None:
    predictor = Predictor(run)
    assert predictor.classes == CLASSES
    assert predictor.class_ids == (1, 2, 3)
    assert predictor.um_per_px == {"median": 0.5, "low": 0.5, "high": 0.5}
    predictions = predictor.predict(scaled(run, run.read_dataset().crops))
    stored = np.array([prediction.probabilities for prediction in run.read_predictions()])
    assert predictions.shape == (90, 3)
    assert np.abs(predictions - stored).max() < 1e-4
    assert predictor.predict([]).shape == (0, 3)


def test_activation_maps_lie_over_the_crop(run: RunFolder) -> None:
    crops = scaled(run, run.read_dataset().crops)
    crop = next(c for c in crops if c.pixels.array.shape[0] < c.pixels.array.shape[1] - 8)
    maps = Predictor(run).activation_maps(crop)
    assert maps.shape == (3, *crop.pixels.array.shape)
    assert maps.dtype == np.float32
    assert np.ptp(maps) > 0


def test_the_scale_matters_to_a_network_that_was_trained_in_um(run: RunFolder) -> None:
    predictor = Predictor(run)
    (crop,) = scaled(run, run.read_dataset().crops[:1])
    larger = ScaledCrop(crop.pixels, 5.0)
    assert np.abs(predictor.predict([crop]) - predictor.predict([larger])).max() > 1e-4
    with pytest.raises(
        PoreguiError, match=r"pixel size of this image is unknown.*Enter the pixel size"
    ):
        predictor.predict([ScaledCrop(crop.pixels)])


def test_a_model_works_wherever_its_two_files_lie(run: RunFolder, tmp_path: Path) -> None:
    away = tmp_path / "Größe 🙂"
    away.mkdir()
    model, sidecar = (shutil.copy(path, away) for path in (run.onnx_file, run.sidecar_file))
    predictor = Predictor.from_files(Path(model), Path(sidecar), threads=1)
    crops = scaled(run, run.read_dataset().crops[:5])
    assert np.allclose(predictor.predict(crops), Predictor(run).predict(crops), atol=1e-6)


def test_a_damaged_model_or_sidecar_is_named(run: RunFolder, tmp_path: Path) -> None:
    model, sidecar = tmp_path / "model.onnx", tmp_path / "model.json"
    with pytest.raises(ProjectError, match=r"model\.json is missing"):
        Predictor.from_files(model, sidecar)
    sidecar.write_bytes(run.sidecar_file.read_bytes())
    with pytest.raises(ProjectError, match=r"model\.onnx is missing"):
        Predictor.from_files(model, sidecar)
    model.write_bytes(run.onnx_file.read_bytes()[:5000])
    with pytest.raises(ProjectError, match=r"model\.onnx is damaged"):
        Predictor.from_files(model, sidecar)
    sidecar.write_text('{"classes": ["A"]}')
    with pytest.raises(ProjectError, match=r"model\.json cannot be read"):
        Predictor.from_files(model, sidecar)


@pytest.mark.parametrize(
    ("last", "sentence"),
    [
        (Interrupted(3), "was interrupted before it had a network"),
        (Cancelled(1.0), "was cancelled and has no network"),
        (Failed("Oh."), "failed and has no network"),
        (Stage("Reading"), "was interrupted before it had a network"),
    ],
)
def test_a_run_without_a_network_says_why(tmp_path: Path, last: Event, sentence: str) -> None:
    folder = make_run(tmp_path / "003", crops=6)
    events = folder.open_events()
    events.write(last)
    events.close()
    with pytest.raises(ProjectError, match=sentence):
        Predictor(folder)


def test_runs_that_train_and_runs_of_folds_say_so(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "003", crops=6)
    lock = folder.lock()
    with pytest.raises(ProjectError, match="is still being trained"):
        Predictor(folder)
    lock.release()
    folder.write_folds([[100, 101], [102]])
    with pytest.raises(ProjectError, match="is a cross-validation"):
        Predictor(folder)
    with pytest.raises(ProjectError, match="is not a complete run"):
        Predictor(RunFolder(tmp_path / "004"))


def test_predicting_brings_no_tensorflow_into_the_process(run: RunFolder) -> None:
    code = (
        "import sys; from pathlib import Path; from poregui.store.run_folder import RunFolder; "
        "from poregui.workflow.evaluating.predict import Predictor; "
        "Predictor(RunFolder(Path(sys.argv[1]))); sys.exit(' '.join({'tensorflow', 'keras', "
        "'sklearn'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(run.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
