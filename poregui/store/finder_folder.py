"""Lay out the folder of a learned finder: what it learned from, and what it became."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from poregui.domain.checked import mapping, number, text, whole
from poregui.domain.detection import DetectionRecipe, detection_recipe_from_json
from poregui.domain.errors import DamagedRunError, ProjectError
from poregui.store.files import replace_file, write_json
from poregui.store.run_files import BROKEN, parse_json, read_arrays
from poregui.store.run_folder import FINDER, RunFolder, folders_in, is_finder, runs_in

FinderKind = Literal["network", "instant"]
KINDS: tuple[FinderKind, ...] = ("network", "instant")


@dataclass(frozen=True)
class FinderImage:
    """Hold what is known of an image to learn from; `group` is its specimen or itself.

    `middle`, `spread`, `red` and `blue` bring its colours to the same range (see `Range`).
    """

    micrograph_id: int
    name: str
    group: str
    middle: float
    spread: float
    red: float = 0.0
    blue: float = 0.0
    um_per_px: float | None = None


@dataclass(frozen=True)
class FinderRequest:
    """Hold what a finder is to learn from, and how; `by` says what the groups are."""

    kind: FinderKind
    epochs: int
    by: str
    images: tuple[FinderImage, ...]
    recipe: DetectionRecipe
    seed: int = 0

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the names of the groups, each once, in the order of the images."""
        return tuple(dict.fromkeys(image.group for image in self.images))

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dictionary fit for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class MarkedImage:
    """Hold the colours (H, W, 3) float32 of a part of a micrograph (see `colours_of`), the number
    of the pore of each pixel (int32, 0 for none), and which pixels are checked.
    """

    colours: NDArray[np.float32]
    labels: NDArray[np.int32]
    checked: NDArray[np.bool_]


@dataclass(frozen=True)
class FinderDescription:
    """Hold what is to be known of a finder to apply it: `reach` is how many px around a pixel its
    answer depends on, `step` what its tiles begin at multiples of.
    """

    kind: FinderKind
    reach: int
    step: int
    channels: int
    recipe: Mapping[str, Any]


class FinderFolder(RunFolder):
    """Read and write the files of one finder: a kind of run, with the same door and seal."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.request_file = path / FINDER
        self.images_file = path / "images.npz"

    @property
    def _sealed(self) -> tuple[Path, ...]:
        return (
            *(self.request_file, self.images_file, self.onnx_file, self.sidecar_file),
            self.metrics_file,
        )

    def write_request(self, request: FinderRequest, images: Sequence[MarkedImage]) -> None:
        """Write what to learn from; finder.json last, as the seal."""
        arrays: dict[str, NDArray[Any]] = {}
        for place, image in enumerate(images):
            arrays[f"colours_{place}"] = image.colours
            arrays[f"labels_{place}"] = image.labels
            arrays[f"checked_{place}"] = image.checked

        def write(beside: Path) -> None:
            with open(beside, "wb") as out:
                np.savez(out, allow_pickle=False, **arrays)

        replace_file(self.images_file, write)
        write_json(self.request_file, request.to_json())

    def read_request(self) -> FinderRequest:
        """Return what the finder is to learn from, and how."""
        return self.read(self.request_file, lambda content: _request(parse_json(content)))

    def read_images(self, request: FinderRequest) -> list[MarkedImage]:
        """Return the images of a request, in their order."""
        self.require(self.images_file)
        try:
            arrays = read_arrays(self.images_file, _MOST_UNFOLDED)
            return [_image(arrays, place) for place in range(len(request.images))]
        except DamagedRunError:
            raise
        except BROKEN as error:
            raise self.damaged(self.images_file) from error

    def write_description(self, description: FinderDescription) -> None:
        """Write model.json beside model.onnx."""
        write_json(self.sidecar_file, asdict(description))

    def read_description(self) -> FinderDescription:
        """Return what model.json says. Raises ProjectError for a finder that is not complete."""
        if not self.has_network:
            raise ProjectError(
                f"Finder {self.path.name} is not complete.", "Let it finish, or train it again."
            )
        return self.read(self.sidecar_file, lambda content: _description(parse_json(content)))

    def read_finding(self) -> dict[str, Any]:
        """Return what metrics.json says of how well the finder finds."""
        return self.read(self.metrics_file, lambda content: mapping(parse_json(content)))


_MOST_UNFOLDED = 4 << 30


def _image(arrays: Mapping[str, NDArray[Any]], place: int) -> MarkedImage:
    colours = arrays[f"colours_{place}"]
    labels = arrays[f"labels_{place}"]
    checked = arrays[f"checked_{place}"]
    kinds = [part.dtype.str for part in (colours, labels, checked)]
    if kinds != ["<f4", "<i4", "|b1"] or colours.ndim != 3:
        raise ValueError("no image to learn from")
    if colours.shape[2] != 3 or not colours.shape[:2] == labels.shape == checked.shape:
        raise ValueError("no image to learn from")
    if not np.isfinite(colours).all():
        raise ValueError("no image to learn from")
    return MarkedImage(colours, labels, checked)


def _kind(value: Any) -> FinderKind:
    for kind in KINDS:
        if value == kind:
            return kind
    raise ValueError("no kind of finder")


def _request(received: Any) -> FinderRequest:
    values = mapping(received)
    images = tuple(_image_facts(mapping(one)) for one in values["images"])
    if not images:
        raise ValueError("nothing to learn from")
    return FinderRequest(
        _kind(values["kind"]),
        whole(values["epochs"], low=1),
        text(values["by"]),
        images,
        detection_recipe_from_json(mapping(values["recipe"])),
        whole(values["seed"]),
    )


def _image_facts(values: Mapping[str, Any]) -> FinderImage:
    scale = values["um_per_px"]
    return FinderImage(
        whole(values["micrograph_id"]),
        text(values["name"]),
        text(values["group"]),
        number(values["middle"]),
        number(values["spread"]),
        number(values["red"]),
        number(values["blue"]),
        None if scale is None else number(scale),
    )


def _description(received: Any) -> FinderDescription:
    values = mapping(received)
    return FinderDescription(
        _kind(values["kind"]),
        whole(values["reach"], low=0),
        whole(values["step"], low=1),
        whole(values["channels"], low=1),
        mapping(values["recipe"]),
    )


def finders_in(project: Path) -> list[FinderFolder]:
    """Return the finders of a project folder, oldest first; they lie among its runs."""
    return [FinderFolder(path) for path in folders_in(project) if is_finder(path)]


def trainable(project: Path) -> list[RunFolder]:
    """Return all runs of a project folder, finders among them, by their numbers."""
    return sorted([*runs_in(project), *finders_in(project)], key=lambda run: run.number)
