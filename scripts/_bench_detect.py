"""Compare detection and measuring with scikit-image and ImageJ on a large drawn image."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _environment import ROOT

SIDE, PORES = 2500, 1250
"""Side in px of the drawn square that the images repeat, and how many pores it has: 100 megapixels
hold 20,000.
"""
GRID = 36
_WARM = 600
"""Side in px of the corner that each side works on first, unmeasured: the first call of a library
is no part of it.
"""
COUNTS = (1250, 5000, 20000, 100_000)
PROPERTIES = (
    "label", "bbox", "centroid", "area", "equivalent_diameter_area", "perimeter_crofton",
    "feret_diameter_max", "solidity", "orientation", "intensity_mean",
)  # fmt: skip
OURS = (
    "Otsu's threshold, smoothing, holes filled, half level of each pore, sub-pixel outlines, box, "
    "centroid, area, equivalent diameter, perimeter, circularity, roundness, Feret maximum and "
    "minimum, aspect ratio, solidity, convexity, orientation, mean grey, nearest edge, edge flag, "
    "reliability flag"
)
THEIRS = (
    "threshold_otsu, label, regionprops_table of "
    + ", ".join(PROPERTIES)
    + ", and as extra_properties what it lacks: "
    "Feret minimum (narrowest width of the hull of its contour) and convexity (Crofton perimeter "
    "of the convex image); "
    "nearest edge with scipy (boundary pixels of the six pores with the nearest centroids); no "
    "sub-pixel outline, no "
    "half level of each pore"
)


IMAGEJ = (
    "Otsu's threshold, Analyze Particles with area, mean grey, centroid, perimeter, shape and "
    "Feret's diameters; outlines of whole pixels, no half level of each pore, no nearest edge"
)
_MACRO = """
setBatchMode(true);
open("{image}");
for (k = 0; k < {times}; k++) {{
  selectImage(1);
  run("Duplicate...", "title=w");
  began = getTime();
  setAutoThreshold("Otsu");
  run("Set Measurements...", "area mean centroid perimeter shape feret's redirect=None decimal=3");
  run("Analyze Particles...", "size=10-Infinity clear");
  print("time " + (getTime() - began) + " pores " + nResults);
  close("w");
}}
"""
_TIMES = 4


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the benchmark understands."""
    parser.add_argument(
        "--imagej",
        type=Path,
        default=Path("/usr/share/java/ij.jar"),
        help="the ij.jar of ImageJ 1, which java runs",
    )


def detect(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Compare detection and all numbers of 20,000 pores in 100 megapixels with scikit-image and
    ImageJ, and the time per pore.
    """
    image = folder / "image.npy"
    np.save(image, np.tile(draw(), (4, 4)))
    ours, theirs = _apart("ours", image), _apart("theirs", image)
    return {
        "megapixels": 100,
        "pores_drawn": 20_000,
        "poregui": {"computes": OURS, **ours},
        "scikit_image": {"computes": THEIRS, **theirs},
        "imagej": {"computes": IMAGEJ, **_imagej(options.imagej, image)},
        "times_faster": round(theirs["seconds"] / ours["seconds"], 1),
        "times_faster_without_extra_properties": round(
            theirs["seconds_without_extra_properties"] / ours["seconds"], 1
        ),
        "per_pore": [_apart(str(count), image) for count in COUNTS],
    }


def _imagej(jar: Path, image: Path) -> dict[str, Any]:
    """Return how long ImageJ takes for the image, without reading it; the first time Java is cold.

    Says why where there is no ImageJ to compare with.
    """
    import tifffile

    java = shutil.which("java")
    screen = [] if os.environ.get("DISPLAY") else ["xvfb-run", "-a"]
    if java is None or not jar.is_file() or (screen and shutil.which(screen[0]) is None):
        return {"missing": "needs java, ij.jar (--imagej) and a display or xvfb-run"}
    tiff = image.with_suffix(".tif")
    tifffile.imwrite(tiff, np.load(image))
    macro = image.with_suffix(".ijm")
    macro.write_text(_MACRO.format(image=tiff, times=_TIMES), encoding="utf-8")
    command = [*screen, java, "-Xmx8g", "-cp", str(jar), "ij.ImageJ", "-batch", str(macro)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("time ")]
    seconds = [int(row[1]) / 1000 for row in rows]
    return {"pores": int(rows[0][3]), "seconds": min(seconds), "seconds_first": seconds[0]}


def draw() -> np.ndarray:
    """Return a square with dark pores of 5 to 60 px across, round and lobed, with soft edges and
    noise, uint8.
    """
    import cv2

    rng = np.random.default_rng(0)
    scale, image = 1 << 4, np.full((SIDE, SIDE), 215, np.uint8)
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    for index in rng.permutation(GRID * GRID)[:PORES]:
        radius = float(np.clip(rng.lognormal(np.log(9), 0.5), 2.5, 28))
        waves = [
            rng.normal(0, 0.12 / k) * np.cos(k * angles + rng.uniform(0, 6)) for k in (2, 3, 5)
        ]
        away = radius * (1 + np.sum(waves, axis=0))
        middle = (np.array(divmod(int(index), GRID)) + 0.5) * (SIDE / GRID) + rng.uniform(-2, 2, 2)
        line = np.stack([np.cos(angles), np.sin(angles)], axis=1) * away[:, None] + middle
        cv2.fillPoly(image, [np.rint(line * scale).astype(np.int32)], 50, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(
        image.astype(np.float32), (0, 0), 0.8, borderType=cv2.BORDER_REFLECT_101
    )
    return np.clip(np.rint(soft + rng.normal(0, 2, soft.shape)), 0, 255).astype(np.uint8)


def _apart(program: str, image: Path) -> dict[str, Any]:
    """Run one side in a process of its own, so that its memory is its own."""
    done = subprocess.run(
        [sys.executable, __file__, program, str(image)], stdout=subprocess.PIPE, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def ours(image: np.ndarray) -> dict[str, Any]:
    """Find and measure the pores of an image."""
    return _ours(image, (image.shape[1], image.shape[0]))


def _ours(pixels: Any, size: tuple[int, int]) -> dict[str, Any]:
    import scipy.spatial  # noqa: F401  the import is no part of the work

    from poregui.domain.detection import DetectionRecipe
    from poregui.vision.pores.detection import detect as find
    from poregui.vision.shape.measurement import measure

    began, cpu = time.perf_counter(), time.process_time()
    found = find(pixels, DetectionRecipe(smallest=3.0), 0.5, size=size)
    between = time.perf_counter()
    measured = measure(found.outlines, pixels, 0.5, size=size)
    ended = time.perf_counter()
    return {
        "pores": len(measured),
        "seconds": round(ended - began, 2),
        "detect_seconds": round(between - began, 2),
        "measure_seconds": round(ended - between, 2),
        "ms_per_pore": round(1000 * (ended - began) / len(measured), 3),
        "cpu_ms_per_pore": round(1000 * (time.process_time() - cpu) / len(measured), 3),
        "area_percent": round(found.area_percent, 3),
    }


def feret_min(mask: np.ndarray) -> float:
    """Return the narrowest width of a region over the directions of its hull's sides, on
    scikit-image's contour.
    """
    from scipy.spatial import ConvexHull
    from skimage.measure import find_contours

    points = np.vstack(find_contours(np.pad(mask, 2).astype(float), 0.5, fully_connected="high"))
    hull = ConvexHull(points)
    away = points[hull.vertices] @ hull.equations[:, :2].T
    return float((away.max(axis=0) - away.min(axis=0)).min())


def convexity(mask: np.ndarray) -> float:
    """Return the Crofton perimeter of the convex image over that of the region."""
    from skimage.measure import perimeter_crofton
    from skimage.morphology import convex_hull_image

    framed = np.pad(mask, 1)
    return float(perimeter_crofton(convex_hull_image(framed)) / perimeter_crofton(framed))


def _nearest(labels: np.ndarray, table: dict[str, np.ndarray], coords: np.ndarray) -> list[float]:
    """Return for each region the shortest distance of its boundary pixels to those of the six
    regions around.
    """
    from scipy.spatial import cKDTree
    from scipy.spatial.distance import cdist
    from skimage.segmentation import find_boundaries

    edge = find_boundaries(labels, mode="inner")
    rims = [pixels[edge[tuple(pixels.T)]] for pixels in coords]
    middles = np.stack([table["centroid-0"], table["centroid-1"]], axis=1)
    _, near = cKDTree(middles).query(middles, k=7)
    return [
        min(cdist(rims[one], rims[other]).min() for other in others[1:])
        for one, others in enumerate(near)
    ]


def theirs(image: np.ndarray) -> dict[str, Any]:
    """Do the same with scikit-image; what takes the time of properties that it has itself is told
    apart.
    """
    from skimage.filters import threshold_otsu
    from skimage.measure import label, regionprops_table

    began = time.perf_counter()
    labels = label(image < threshold_otsu(image))
    table = regionprops_table(labels, image, properties=PROPERTIES)
    own = time.perf_counter() - began
    more = regionprops_table(
        labels, properties=("coords",), extra_properties=(feret_min, convexity)
    )
    _nearest(labels, table, more["coords"])
    return {
        "pores": len(table["label"]),
        "seconds": round(time.perf_counter() - began, 2),
        "seconds_without_extra_properties": round(own, 2),
        "area_percent": round(100 * float(table["area"].sum()) / image.size, 3),
    }


def repeated(image: np.ndarray, count: int) -> dict[str, Any]:
    """Find and measure `count` pores in as many copies of the square as that takes, read part by
    part.
    """
    squares = count // PORES
    wide = next(n for n in range(int(squares**0.5), 0, -1) if squares % n == 0)
    size = (wide * SIDE, squares // wide * SIDE)
    square = image[:SIDE, :SIDE]

    def read(box: Any) -> np.ndarray:
        rows, columns = np.arange(box.y, box.bottom) % SIDE, np.arange(box.x, box.right) % SIDE
        return square.take(rows, axis=0).take(columns, axis=1)

    return {"megapixels": round(size[0] * size[1] / 1e6, 1), **_ours(read, size)}


def main() -> None:
    """Run one side on an image and print its numbers."""
    import resource

    sys.path.insert(0, str(ROOT))
    program, image = sys.argv[1], np.load(sys.argv[2])
    programs: dict[str, Callable[[np.ndarray], dict[str, Any]]] = {"ours": ours, "theirs": theirs}
    programs["theirs" if program == "theirs" else "ours"](image[:_WARM, :_WARM])
    began = time.process_time()
    result = programs[program](image) if program in programs else repeated(image, int(program))
    result["cpu_seconds"] = round(time.process_time() - began, 2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {
                **result,
                "peak_memory_mb": round(peak / (1024 if sys.platform == "linux" else 1024**2)),
            }
        )
    )


if __name__ == "__main__":
    main()
