"""Find, measure and classify pores with scikit-image and Keras, as a notebook would; the peer of
the benchmark apply.

It leaves what applying leaves: a table, outlines and an image. Run as `_peer_apply.py IMAGE MODEL
SIDE OUT`.
"""

from __future__ import annotations

import csv
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = (
    "label", "bbox", "centroid", "area", "equivalent_diameter_area", "perimeter_crofton",
    "feret_diameter_max", "axis_major_length", "axis_minor_length", "orientation", "area_convex",
    "solidity", "mean_intensity",
)  # fmt: skip
Grey = NDArray[np.uint8]


class Clock:
    """Note wall and processor seconds of the steps of a work."""

    def __init__(self) -> None:
        self.steps: dict[str, list[float]] = {}
        self._at = (time.perf_counter(), time.process_time())

    def lap(self, name: str) -> None:
        """End a step."""
        now = (time.perf_counter(), time.process_time())
        self.steps[name] = [round(b - a, 3) for a, b in zip(self._at, now, strict=True)]
        self._at = now


def find(grey: Grey) -> tuple[NDArray[np.int32], dict[str, Any]]:
    """Return labels and one row of numbers a pore, with the distance to the nearest other one."""
    from scipy.spatial import cKDTree
    from skimage.filters import threshold_otsu
    from skimage.measure import label, regionprops_table

    labels = label(grey < threshold_otsu(grey))
    table = regionprops_table(labels, grey, NAMES)
    kept = table["area"] >= 20
    table = {name: values[kept] for name, values in table.items()}
    middles = np.stack([table["centroid-0"], table["centroid-1"]], axis=1)
    table["nearest"] = cKDTree(middles).query(middles, k=2)[0][:, 1]
    return labels, table


def cut(grey: Grey, table: dict[str, Any]) -> list[NDArray[np.float64]]:
    """Return a crop about each pore, greys from 0 to 1."""
    crops = []
    for top, left, bottom, right in _boxes(table):
        half = max(12, round(0.9 * max(bottom - top, right - left)))
        y, x = (top + bottom) // 2, (left + right) // 2
        crops.append(grey[max(0, y - half) : y + half, max(0, x - half) : x + half] / 255.0)
    return crops


def fit(crops: list[NDArray[np.float64]], side: int) -> dict[str, NDArray[np.float32]]:
    """Return the image and the size that the network is given."""
    from skimage.transform import resize

    images = np.stack([resize(crop, (side, side, 1)).astype("f4") for crop in crops])
    return {"image": images, "size": np.array([crop.shape[::-1] for crop in crops], "f4")}


def shape_numbers(crop: NDArray[np.float64]) -> list[float]:
    """Return what the network was taught to be told of the shape in a crop (`vision.shape_input`),
    15 numbers.
    """
    from scipy.ndimage import binary_erosion
    from skimage.filters import gaussian, sobel, threshold_otsu
    from skimage.measure import label, regionprops

    ground = float(np.median(np.concatenate([crop[0], crop[-1], crop[:, 0], crop[:, -1]])))
    smooth = gaussian(crop, 0.8)
    low, high = np.percentile(smooth, (2, 98))
    depth = ground - smooth if ground - low >= high - ground else smooth - ground
    size, top = math.log(math.sqrt(crop.size)), float(depth.max())
    above = depth > threshold_otsu(np.maximum(depth, 0))
    regions = regionprops(label(above), depth)
    if top < 0.02 or not regions:
        return [0.0] * 12 + [ground, size, 1.0]
    middle = np.array(crop.shape) / 2
    away = [
        np.hypot(*(np.array(region.centroid) - middle)) / np.hypot(*middle) for region in regions
    ]
    pore = max(zip(regions, away, strict=True), key=lambda one: one[0].area * (1.2 - one[1]))[0]
    pieces = sum(region.area >= 0.02 * pore.area for region in regions)
    area, around = pore.area_filled, max(pore.perimeter, 1.0)
    long, wide = max(pore.axis_major_length, 1.0), max(pore.axis_minor_length, 1.0)
    inside = pore.image_intensity[pore.image]
    rim = pore.image & ~binary_erosion(pore.image)
    return [
        math.log(pore.equivalent_diameter_area), math.log(long), math.log(wide),
        math.log(long / wide), min(1.0, 4 * math.pi * area / around**2), pore.solidity,
        area / (long * wide), pore.area / area, math.log(pieces), inside.mean(), inside.std() / top,
        sobel(depth)[pore.slice][rim].mean() / top, ground, size, 0.0,
    ]  # fmt: skip


def write(
    out: Path, labels: NDArray[np.int32], table: dict[str, Any], answers: NDArray[np.float32]
) -> None:
    """Write the table of pores."""
    out.mkdir(exist_ok=True)
    with open(out / "pores.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([*table, *(f"p{k}" for k in range(answers.shape[1]))])
        rows.writerows(zip(*table.values(), *answers.T, strict=True))


def outline(labels: NDArray[np.int32], table: dict[str, Any]) -> list[NDArray[np.float64]]:
    """Return the outline of each pore, x and y."""
    from skimage.measure import find_contours

    lines = []
    for name, (top, left, bottom, right) in zip(table["label"], _boxes(table), strict=True):
        own = np.pad(labels[top:bottom, left:right] == name, 1)
        line = max(find_contours(own, 0.5), key=len)
        lines.append(line[:, ::-1] + (left - 0.5, top - 0.5))
    return lines


def draw(
    out: Path, grey: Grey, lines: list[NDArray[np.float64]], answers: NDArray[np.float32]
) -> None:
    """Write the outlines as GeoJSON and an image of them."""
    from PIL import Image, ImageDraw

    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [line.round(3).tolist()]},
            "properties": {"class": int(kind)},
        }
        for line, kind in zip(lines, answers.argmax(axis=1), strict=True)
    ]
    (out / "pores.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features})
    )
    scale = 1600 / max(grey.shape)
    image = Image.fromarray(grey).resize(
        (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
    )
    image = image.convert("RGB")
    pen = ImageDraw.Draw(image)
    for line, kind in zip(lines, answers.argmax(axis=1), strict=True):
        pen.line(
            [tuple(point) for point in (line * scale).tolist()],
            ("red", "green", "blue")[kind % 3],
            2,
        )
    image.save(out / "overlay.png")


def _boxes(table: dict[str, Any]) -> list[list[int]]:
    return np.stack([table[f"bbox-{k}"] for k in range(4)], axis=1).astype(int).tolist()


def main(image: str, model: str, side: str, out: str) -> None:
    """Do all of it and print pores and seconds [wall, processor] of each step."""
    clock = Clock()
    import keras
    import tifffile

    network = keras.saving.load_model(model, compile=False)
    clock.lap("start_up")
    grey = tifffile.imread(image)
    labels, table = find(grey)
    clock.lap("label_and_measure")
    crops = cut(grey, table)
    given = fit(crops, int(side))
    clock.lap("cut_and_fit")
    if "shape" in {tensor.name for tensor in network.inputs}:
        given["shape"] = np.array([shape_numbers(crop) for crop in crops], "f4")
    clock.lap("tell_shapes")
    answers = network.predict(given, batch_size=256, verbose=0)
    clock.lap("predict")
    write(Path(out), labels, table, answers)
    clock.lap("table")
    draw(Path(out), grey, outline(labels, table), answers)
    clock.lap("outlines_and_picture")
    print(json.dumps({"pores": len(answers), "steps": clock.steps}))


if __name__ == "__main__":
    main(*sys.argv[1:])
