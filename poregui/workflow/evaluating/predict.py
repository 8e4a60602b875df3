"""Let the exported network of a run classify crops, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.checked import check_sidecar
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.events import Cancelled, Failed, Finished, Interrupted
from poregui.domain.out_of_distribution import PENULTIMATE, Reference
from poregui.store.pixels import CropPixels
from poregui.store.run_files import BROKEN, parse_json, read_whole
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import input_spec_from_json
from poregui.vision.shape.crop_shapes import shape_input

_BATCH = 64


@dataclass(frozen=True)
class ScaledCrop:
    """Hold the pixels of a crop and the scale of the micrograph that it was cut from, None when
    nobody knows it.
    """

    pixels: CropPixels
    um_per_px: float | None = None


class Predictor:
    """Classify crops with the exported network of a run.

    `classes` and `class_ids` are names and project ids in the order of the outputs, `um_per_px`
    median, low and high of the training crops' scales (None: not known then). `reference` is None
    for a network that does not say what it was trained on, such as those of older versions. One
    object per thread or process.
    """

    def __init__(self, run_folder: RunFolder, *, threads: int = 0) -> None:
        if not run_folder.has_network:
            raise _no_model(run_folder)
        told = run_folder.read_sidecar()
        content = run_folder.read_network()
        self._open(told, content, run_folder.onnx_file, run_folder.sidecar_file, threads)

    @classmethod
    def from_files(cls, model: Path, sidecar: Path, *, threads: int = 0) -> Predictor:
        """Return the predictor of a model.onnx and its model.json, wherever they lie.

        Raises ProjectError when one is missing or damaged.
        """
        predictor = cls.__new__(cls)
        try:
            told = check_sidecar(parse_json(read_whole(sidecar)))
            content = read_whole(model)
        except FileNotFoundError as error:
            raise ProjectError(
                f"{error.filename} is missing.", "Choose another run, or train again."
            ) from error
        except BROKEN as error:
            raise ProjectError(
                f"{sidecar} cannot be read.", "Choose another run, or train again."
            ) from error
        predictor._open(told, content, model, sidecar, threads)
        return predictor

    def _open(
        self, told: Mapping[str, Any], content: bytes, model: Path, sidecar: Path, threads: int
    ) -> None:
        try:
            self.spec = input_spec_from_json(told["input"])
            self.classes: tuple[str, ...] = tuple(told["classes"])
            self.class_ids: tuple[int, ...] = tuple(told["class_ids"])
            self.um_per_px: Mapping[str, float] | None = told["um_per_px"]
            trained_on = told.get("trained_on")
            if trained_on is None:
                reference = None
            else:
                reference = Reference.from_json(trained_on)
        except BROKEN as error:
            raise ProjectError(
                f"{sidecar} cannot be read.", "Choose another run, or train again."
            ) from error
        self._session, self._options = open_session(content, model, threads)
        gives = {one.name: one.shape for one in self._session.get_outputs()}
        self.feature_count: int
        if PENULTIMATE in gives:
            self.feature_count = int(gives[PENULTIMATE][-1])
        else:
            self.feature_count = 0
        self.reference: Reference | None
        if self.feature_count:
            self.reference = reference
        else:
            self.reference = None

    def predict(self, crops: Sequence[ScaledCrop]) -> NDArray[np.float32]:
        """Return (n, classes) probabilities, rows summing to 1.

        Raises PoreguiError when the network was told sizes in um and the scale of a crop is not
        known.
        """
        return self.predict_and_compare(crops)[0]

    def predict_and_compare(
        self, crops: Sequence[ScaledCrop]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return what `predict` does, and (n,) which crops are unlike all that the network was
        trained on.

        Both come from one pass; nothing is unlike where `reference` is None.
        """
        if self.reference is None:
            wanted = ["probabilities"]
        else:
            wanted = ["probabilities", PENULTIMATE]
        answers = np.empty((len(crops), len(self.classes)), np.float32)
        unlike = np.zeros(len(crops), np.bool_)
        for start in range(0, len(crops), _BATCH):
            found = self._run(wanted, crops[start : start + _BATCH])
            answers[start : start + _BATCH] = found[0]
            if self.reference is not None:
                unlike[start : start + _BATCH] = self.reference.unlike(found[1])
        return answers, unlike

    def can_answer(self, crop: ScaledCrop) -> bool:
        """Tell whether the crop has the scale that this network judges by."""
        return not self.spec.calibrated or crop.um_per_px is not None

    def features(self, crops: Sequence[ScaledCrop]) -> NDArray[np.float32]:
        """Return (n, `feature_count`) what the network's last layer is given.

        Raises PoreguiError as `predict` does.
        """
        found = np.empty((len(crops), self.feature_count), np.float32)
        for start in range(0, len(crops) if self.feature_count else 0, _BATCH):
            found[start : start + _BATCH] = self._run([PENULTIMATE], crops[start : start + _BATCH])[
                0
            ]
        return found

    def activation_maps(self, crop: ScaledCrop) -> NDArray[np.float32]:
        """Return what speaks for each class where: float32 (classes, crop height, crop width) over
        the crop's pixels.

        Features times the gradient of the class's logit with respect to them: positive for,
        negative against. Raises PoreguiError as `predict` does.
        """
        maps = self._run(["activation_maps"], [crop])[0][0]
        height, width = crop.pixels.array.shape[:2]
        return np.stack([self.spec.back_to_crop(single, width, height) for single in maps])

    def _run(self, outputs: list[str], crops: Sequence[ScaledCrop]) -> list[NDArray[np.float32]]:
        inputs = {
            "image": np.stack(
                [
                    self.spec.image(crop.pixels.array, crop.pixels.grey_low, crop.pixels.grey_high)
                    for crop in crops
                ]
            )
        }
        if self.spec.sees_size:
            inputs["size"] = np.array([self._size(crop) for crop in crops], np.float32)
        if self.spec.sees_shape:
            inputs["shape"] = np.stack([self._shape(crop) for crop in crops])
        return [
            np.asarray(one, np.float32) for one in self._session.run(outputs, inputs, self._options)
        ]

    def _shape(self, crop: ScaledCrop) -> NDArray[np.float32]:
        pixels = crop.pixels
        scale = crop.um_per_px if self.spec.calibrated else None
        return shape_input(pixels.array, pixels.grey_low, pixels.grey_high, scale)

    def _size(self, crop: ScaledCrop) -> tuple[float, float]:
        if not self.can_answer(crop):
            raise PoreguiError(
                "This network needs sizes in µm, but the pixel size of this image is unknown.",
                "Enter the pixel size of the image, or train without pixel sizes.",
            )
        height, width = crop.pixels.array.shape[:2]
        return self.spec.size(width, height, crop.um_per_px)


def open_session(content: bytes, model: Path, threads: int) -> tuple[Any, Any]:
    """Return ONNX Runtime's session of a network and the options to run it with; `model` names it
    in errors.

    Raises ProjectError when the content is damaged.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # idle threads leave the cores alone
    running = onnxruntime.RunOptions()
    running.log_severity_level = 3
    broken = (
        states.InvalidProtobuf,
        states.InvalidGraph,
        states.Fail,
        states.InvalidArgument,
        states.NotImplemented,
    )
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except broken as error:
        raise ProjectError(
            f"{model} is damaged and cannot be read.", "Choose another run, or train again."
        ) from error
    return session, running


def _no_model(run_folder: RunFolder) -> PoreguiError:
    """Return the sentence for a run that cannot predict, by the way it ended."""
    name = f"Run {run_folder.path.name}"
    if not run_folder.dataset_file.exists():
        return ProjectError(f"{name} is not a complete run.", "Choose another run.")
    if run_folder.read_folds():
        return ProjectError(
            f"{name} is a cross-validation: it measures a recipe and leaves no network.",
            "Train without folds and choose that run.",
        )
    if run_folder.read_recipe().preset == "shape":
        return ProjectError(
            f"{name} has no network: it classifies from size and shape.",
            "Train another preset and choose that run.",
        )
    ways = {
        Interrupted: (
            f"{name} was interrupted before it had a network.",
            "Train again, or resume it.",
        ),
        Cancelled: (f"{name} was cancelled and has no network.", "Train again."),
        Failed: (
            f"{name} failed and has no network.",
            "Train again; the run's page says why it failed.",
        ),
        Finished: (
            f"The network of {name.lower()} is missing.",
            "Restore model.onnx and model.json, or train again.",
        ),
    }
    ended = run_folder.final_event()
    what, remedy = ways.get(
        type(ended), (f"{name} is still being trained.", "Wait until it ends or stop it.")
    )
    return ProjectError(what, remedy)
