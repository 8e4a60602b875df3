"""Let the exported network of a run classify crops, without TensorFlow."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.checked import SUM_TOLERANCE, check_sidecar
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.events import Cancelled, Failed, Finished, Interrupted
from poregui.domain.statistics.out_of_distribution import PENULTIMATE, Reference
from poregui.domain.wording import count, listed
from poregui.store.network_files import fault_of_network
from poregui.store.pixels import CropPixels
from poregui.store.run_files import BROKEN, parse_json, read_whole
from poregui.store.run_folder import RunFolder
from poregui.vision.patches import InputSpec, input_spec_from_json
from poregui.vision.shape.crop_measurement import KnownCrop, shape_inputs, shape_width

_BATCH = 64


@dataclass(frozen=True)
class ScaledCrop:
    """Hold the pixels of a crop and the scale of the micrograph that it was cut from, None when
    nobody knows it; `outline` (N, 2) is that of its pore in px of the crop, None without one.
    """

    pixels: CropPixels
    um_per_px: float | None = None
    outline: NDArray[Any] | None = None


class Predictor:
    """Classify crops with the exported network of a run.

    `classes` and `class_ids` are names and project ids in the order of the outputs, `um_per_px`
    median, low and high of the training crops' scales (None: not known then). `reference` is None
    for a network that does not say what it was trained on, such as those of older versions. One
    object per thread or process.
    """

    def __init__(self, run_folder: RunFolder, *, threads: int = 0) -> None:
        if not run_folder.has_network:
            raise why_no_network(run_folder)
        received = run_folder.read_sidecar()
        content = run_folder.read_network()
        self._open(received, content, run_folder.onnx_file, run_folder.sidecar_file, threads)

    @classmethod
    def from_files(cls, model: Path, sidecar: Path, *, threads: int = 0) -> Predictor:
        """Return the predictor of a model.onnx and its model.json, wherever they lie.

        Raises ProjectError when one is missing or damaged.
        """
        predictor = cls.__new__(cls)
        try:
            received = check_sidecar(parse_json(read_whole(sidecar, follow=True)))
            content = read_whole(model, follow=True)
        except FileNotFoundError as error:
            raise ProjectError(
                f"{error.filename} is missing.", "Choose another run, or train again."
            ) from error
        except BROKEN as error:
            raise ProjectError(
                f"{sidecar} cannot be read.", "Choose another run, or train again."
            ) from error
        predictor._open(received, content, model, sidecar, threads)
        return predictor

    def _open(
        self, received: Mapping[str, Any], content: bytes, model: Path, sidecar: Path, threads: int
    ) -> None:
        try:
            self.spec = input_spec_from_json(received["input"])
            self.classes: tuple[str, ...] = tuple(received["classes"])
            self.class_ids: tuple[int, ...] = tuple(received["class_ids"])
            self.um_per_px: Mapping[str, float] | None = received["um_per_px"]
            trained_on = received.get("trained_on")
            if trained_on is None:
                reference = None
            else:
                reference = Reference.from_json(trained_on)
        except BROKEN as error:
            raise ProjectError(
                f"{sidecar} cannot be read.", "Choose another run, or train again."
            ) from error
        self.feature_count: int
        self._session, self.feature_count = _checked(
            open_session(content, model, threads), self.spec, len(self.classes), model
        )
        self._model = model
        self._has_maps = any(
            output.name == "activation_maps" for output in self._session.get_outputs()
        )
        self.reference: Reference | None = None
        if self.feature_count and reference is not None:
            if len(reference.mean) != self.feature_count:
                raise _does_not_fit(model, "its training crops have other features")
            self.reference = reference

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
        predictions = np.empty((len(crops), len(self.classes)), np.float32)
        out_of_distribution = np.zeros(len(crops), np.bool_)
        for start in range(0, len(crops), _BATCH):
            found = self._run(wanted, crops[start : start + _BATCH])
            predictions[start : start + _BATCH] = found[0]
            if self.reference is not None:
                out_of_distribution[start : start + _BATCH] = self.reference.out_of_distribution(
                    found[1]
                )
        return predictions, out_of_distribution

    def can_predict(self, crop: ScaledCrop) -> bool:
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
        if not self._has_maps:
            raise ProjectError(f"The network {self._model} has no heat maps.", "Train again.")
        maps = self._run(["activation_maps"], [crop])[0][0]
        height, width = crop.pixels.array.shape[:2]
        return np.stack([self.spec.back_to_crop(single, width, height) for single in maps])

    def _run(self, outputs: list[str], crops: Sequence[ScaledCrop]) -> list[NDArray[np.float32]]:
        inputs = {}
        if self.spec.sees_image:
            inputs["image"] = np.stack([self._image(crop) for crop in crops])
        if self.spec.sees_size:
            inputs["size"] = np.array([self._size(crop) for crop in crops], np.float32)
        if self.spec.sees_shape:
            inputs["shape"] = shape_inputs(
                self.spec.shape_version, [self._known(crop) for crop in crops]
            )
        found = [
            np.asarray(one, np.float32)
            for one in run_session(self._session, outputs, inputs, self._model)
        ]
        for name, prediction in zip(outputs, found, strict=True):
            self._check_answer(name, prediction, len(crops))
        return found

    def _check_answer(self, name: str, prediction: NDArray[np.float32], crops: int) -> None:
        """Raise ProjectError for an answer that is none: of another shape, no number, no share."""
        wide = {"probabilities": len(self.classes), PENULTIMATE: self.feature_count}
        if len(prediction) != crops or prediction.shape[1:2] != (
            wide.get(name, len(self.classes)),
        ):
            raise _no_answer(self._model, f"returns the wrong number of {name}")
        if not np.isfinite(prediction).all():
            raise _no_answer(self._model, "returns values that are not finite")
        if name != "probabilities":
            return
        within = (prediction >= -SUM_TOLERANCE) & (prediction <= 1 + SUM_TOLERANCE)
        if not within.all() or (np.abs(prediction.sum(axis=1) - 1) > SUM_TOLERANCE).any():
            raise _no_answer(self._model, "returns values that are not probabilities")

    def _image(self, crop: ScaledCrop) -> NDArray[np.float32]:
        pixels = crop.pixels
        return self.spec.image(pixels.array, pixels.grey_low, pixels.grey_high)

    def _known(self, crop: ScaledCrop) -> KnownCrop:
        pixels = crop.pixels
        self._check_scale(crop)
        scale = crop.um_per_px if self.spec.calibrated else None
        outline = crop.outline if self.spec.outlined else None
        return KnownCrop(pixels.array, pixels.grey_low, pixels.grey_high, scale, outline)

    def _check_scale(self, crop: ScaledCrop) -> None:
        if not self.can_predict(crop):
            raise PoreguiError(
                "This network needs sizes in µm, but the pixel size of this image is unknown.",
                "Enter the pixel size of the image, or train without pixel sizes.",
            )

    def _size(self, crop: ScaledCrop) -> tuple[float, float]:
        self._check_scale(crop)
        height, width = crop.pixels.array.shape[:2]
        return self.spec.size(width, height, crop.um_per_px)


LONGEST_S = 300.0
"""Time after which a network that works on one batch is stopped; the largest take a few seconds."""


MOST_MEMORY = 6 << 30
"""Bytes that networks may use for what they compute; the largest of poregui takes below 2 GB."""


@cache
def _bound_memory() -> None:
    """Let the networks of this process share memory that has a bound."""
    import onnxruntime as ort

    where = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(where, ort.OrtArenaCfg({"max_mem": MOST_MEMORY}))


def open_session(content: bytes, model: Path, threads: int) -> Any:
    """Return ONNX Runtime's session of a network; `model` names it in errors.

    Raises ProjectError when the content is damaged, or holds what no network of poregui has.
    """
    import onnxruntime

    fault = fault_of_network(content)
    if fault == "is damaged":
        raise _is_damaged(model)
    if fault:
        raise ProjectError(f"{model} {fault}.", _ANOTHER)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    _bound_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.intra_op_num_threads = threads
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # idle threads leave the cores alone
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except _broken() as error:
        raise _is_damaged(model) from error


def run_session(
    session: Any, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]], model: Path
) -> list[NDArray[Any]]:
    """Return what a network answers. Raises ProjectError when it cannot, or takes too long."""
    import onnxruntime

    running = onnxruntime.RunOptions()
    running.log_severity_level = 4
    late = threading.Timer(LONGEST_S, setattr, (running, "terminate", True))
    late.daemon = True
    late.start()
    try:
        found: list[NDArray[Any]] = session.run(list(outputs), dict(inputs), running)
    except _broken() as error:
        if running.terminate:
            raise _no_answer(model, f"gave no answer within {LONGEST_S:g} s") from error
        raise _no_answer(model, "cannot be run") from error
    finally:
        late.cancel()
    return found


def _broken() -> tuple[type[BaseException], ...]:
    """Return what ONNX Runtime raises for a network that is not as it should be."""
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    return (
        *(states.InvalidProtobuf, states.InvalidGraph, states.Fail, states.InvalidArgument),
        *(states.NotImplemented, states.RuntimeException, states.EPFail, states.EngineError),
        *(states.NoModel, states.ModelLoaded, states.NoSuchFile),
        *(RuntimeError, ValueError, MemoryError, TypeError),
    )


_ANOTHER = "Choose another run, or train again."
_OTHER_EXPORT = "Choose another run or export; a model.onnx goes with the model.json beside it."


def _is_damaged(model: Path) -> PoreguiError:
    return ProjectError(f"{model} is damaged and cannot be read.", _ANOTHER)


def _does_not_fit(model: Path, how: str) -> PoreguiError:
    what = f"{model} does not match {model.with_suffix('.json').name}: {how}."
    return ProjectError(what, _OTHER_EXPORT)


def _no_answer(model: Path, how: str) -> PoreguiError:
    return ProjectError(f"The network {model} {how}.", _OTHER_EXPORT)


def _checked(session: Any, spec: InputSpec, classes: int, model: Path) -> tuple[Any, int]:
    """Return a session whose inputs and outputs are those of its description, and the number of
    its features, 0 where it does not name them.

    Raises ProjectError for any other one.
    """
    wanted: dict[str, tuple[int, ...]] = {}
    if spec.sees_image:
        wanted["image"] = (spec.side, spec.side, spec.channels)
    if spec.sees_size:
        wanted["size"] = (2,)
    if spec.sees_shape:
        wanted["shape"] = (shape_width(spec.shape_version),)
    takes = {one.name: one for one in session.get_inputs()}
    if set(takes) != set(wanted):
        raise _does_not_fit(model, f"it takes {listed(sorted(takes))}")
    for name, shape in wanted.items():
        batch, *rest = takes[name].shape or [0]
        if isinstance(batch, int) or tuple(rest) != shape or takes[name].type != _NUMBERS:
            raise _does_not_fit(model, f"{name} has another shape")
    gives = {output.name: output for output in session.get_outputs()}
    if "probabilities" not in gives:
        raise _does_not_fit(model, "it gives no probabilities")
    for name, ranks in (("probabilities", 2), (PENULTIMATE, 2), ("activation_maps", 4)):
        one = gives.get(name)
        if one is not None and (len(one.shape) != ranks or one.type != _NUMBERS):
            raise _does_not_fit(model, f"{name} have another shape")
        if one is not None and name != PENULTIMATE and one.shape[1] != classes:
            raise _does_not_fit(model, f"{name} are not for {count(classes, 'class', 'classes')}")
    if PENULTIMATE not in gives:
        return session, 0
    features = gives[PENULTIMATE].shape[1]
    if not isinstance(features, int) or features < 1:
        raise _does_not_fit(model, f"{PENULTIMATE} has another shape")
    return session, features


_NUMBERS = "tensor(float)"


def why_no_network(run_folder: RunFolder) -> PoreguiError:
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
            f"{name} left no model: runs of the preset shape do since this version.",
            "Train it again.",
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
