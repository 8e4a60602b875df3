"""Training in 16 bits leaves a network of 32 bits that answers as its export does, and needs a
graphics card.
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from run_folders import make_run, small_recipe

from poregui.domain.events import Event, Note
from poregui.learning import fitting
from poregui.learning.train import train
from poregui.store.run_folder import RunFolder


def trained(folder: Path, *, mixed: bool = True) -> tuple[RunFolder, list[Event]]:
    run = make_run(folder, small_recipe(epochs=2, mixed_precision=mixed))
    received: list[Event] = []
    train(run.path, received.append, lambda: "")
    return run, received


def predictions(run: RunFolder) -> list[tuple[float, ...]]:
    return [one.probabilities for one in run.read_predictions()]


@pytest.mark.soak
def test_with_a_gpu_layers_compute_in_16_bits_and_what_is_kept_has_32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "has_gpu", lambda: True)
    seen: set[str] = set()
    step = fitting.Fitter._step

    def watched(fitter: fitting.Fitter, batch: object, **how: bool) -> tuple[float, float]:
        seen.update(layer.compute_dtype for layer in fitter.model.layers if "conv" in layer.name)
        seen.add(fitter.model.get_layer("probabilities").compute_dtype)
        return step(fitter, batch, **how)

    monkeypatch.setattr(fitting.Fitter, "_step", watched)
    run, received = trained(tmp_path / "001")
    assert seen == {"float16", "float32"}
    assert not [event for event in received if isinstance(event, Note) and "32 bits" in event.text]
    kept = keras.saving.load_model(run.model_file, compile=False)
    assert {layer.compute_dtype for layer in kept.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    assert json.loads(run.metrics_file.read_text(encoding="utf-8"))["parity"] < 1e-5
    assert np.isfinite(predictions(run)).all()


@pytest.mark.soak
def test_without_a_gpu_it_is_said_and_the_answers_are_those_of_32_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "has_gpu", lambda: False)
    asked, received = trained(tmp_path / "001")
    plain, silent = trained(tmp_path / "002", mixed=False)
    assert [event.text for event in received if isinstance(event, Note) and "No GPU" in event.text]
    assert not [event for event in silent if isinstance(event, Note) and "No GPU" in event.text]
    assert predictions(asked) == predictions(plain)
