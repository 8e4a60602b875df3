"""Write table, outlines and picture of the pores of a micrograph; changes with what these files hold."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.domain.measurement import COLUMNS, SHAPE_NUMBERS, heading
from poregui.domain.outline import Outline
from poregui.store.csv_cells import harmless
from poregui.store.files import replace_file
from poregui.vision.detection import Detected
from poregui.vision.measurement import Measured
from poregui.vision.pyramid import Pyramid
from poregui.workflow.applying.table import UNLIKE
from poregui.workflow.formats.geojson import write_geojson_file
from poregui.workflow.formats.shapes import ImageShapes, PoreShape


def write_pores(
    folder: Path,
    measured: Measured,
    classes: Sequence[str],
    answers: NDArray[np.floating[Any]],
    chosen: NDArray[np.int64],
    unlike: NDArray[np.bool_] | None,
) -> None:
    """Write one line a pore: number, class (empty where `chosen` is -1), confidence, probabilities, measurements.

    The shape of pores too small for one stays empty. `unlike` (n,) tells which are unlike all training crops, None
    where nobody can tell.
    """
    named = [column for column in COLUMNS if column.name != "unit"]
    head = ["pore", "class", "confidence", *(f"p({name})" for name in classes), UNLIKE]
    names = [*map(harmless, classes), ""]
    columns = [
        map(str, range(1, len(answers) + 1)),
        [names[place] for place in chosen.tolist()],
        _texts(answers.max(axis=1, initial=0.0), "%.5f"),
        *(_texts(column, "%.5f") for column in answers.T),
        _texts(unlike) if unlike is not None else [""] * len(answers),
        *(_texts(_reliable(measured, column.name)) for column in named),
    ]

    def write(beside: Path) -> None:
        with open(beside, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow([harmless(cell) for cell in (*head, *(heading(c, measured.unit) for c in named))])
            table.writerows(zip(*columns, strict=True))

    replace_file(folder / "pores.csv", write)


def _reliable(measured: Measured, name: str) -> NDArray[Any]:
    """Return a column, NaN for the shape of pores that are too small to have one."""
    values = measured.columns[name]
    return np.where(measured.columns["shape_reliable"], values, np.nan) if name in SHAPE_NUMBERS else values


def _texts(values: NDArray[Any], form: str = "%.6g") -> list[str]:
    """Return the cells of a column, empty for what is not known."""
    if values.dtype.kind == "b":
        return ["yes" if value else "no" for value in values.tolist()]
    return ["" if value != value else form % value for value in values.tolist()]


def write_outlines(
    folder: Path,
    image: Pyramid,
    um_per_px: float | None,
    found: Detected,
    classes: Sequence[str],
    colours: Sequence[str],
    chosen: NDArray[np.int64],
    lines: Sequence[str],
) -> None:
    """Write the outlines as GeoJSON with class and colour ('#rrggbb'); `image` is the micrograph that they are of.

    `lines` are the outlines as text (see `closed_rings`).
    """
    kinds = [(name, colours[k] if k < len(colours) else "#808080") for k, name in enumerate(classes)]
    kinds.append(("", "#808080"))
    shapes = tuple(
        PoreShape(place + 1, Box(*box), Outline.of(found.outlines[place]), *kinds[chosen[place]])
        for place, box in enumerate(found.boxes.tolist())
    )
    whole = ImageShapes(image.name, image.width, image.height, um_per_px, shapes)
    write_geojson_file(whole, folder / "pores.geojson", lines)


def write_picture(folder: Path, picture: bytes) -> None:
    """Write the picture of a micrograph with its pores, PNG."""
    replace_file(folder / "overlay.png", partial(_write_bytes, content=picture))


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
