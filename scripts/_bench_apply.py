"""Measure applying: many pores found, measured and classified, against Keras and scikit-image in the same run."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 10_000
PORES = 20_000
SMALL_SIDE, SMALL_FIELDS = 3000, 8


def draw(path: Path, side: int, pores: int, seed: int = 0) -> None:
    """Write a tiled 8-bit TIFF with round and long pores on a jittered grid."""
    import cv2
    import tifffile

    random = np.random.default_rng(seed)
    image = np.full((side, side), 185, np.uint8)
    across = int(np.ceil(np.sqrt(pores)))
    step = side / across
    for place in range(pores):
        x, y = ((place % across) + 0.5) * step, (place // across + 0.5) * step
        big = random.uniform(0.12, 0.3) * step
        axes = (round(big * 16), round(big * random.uniform(0.4, 1.0) * 16))
        centre = (round(x * 16), round(y * 16))
        cv2.ellipse(
            image, centre, axes, random.uniform(0, 180), 0, 360, int(random.uniform(40, 80)), -1, cv2.LINE_AA, 4
        )
    rows = 1000
    for top in range(0, side, rows):  # noise row by row, so that memory stays small
        band = image[top : top + rows]
        band[:] = np.clip(band + random.normal(0, 3, band.shape), 0, 255).astype(np.uint8)
    tifffile.imwrite(path, image, tile=(512, 512))


def peer(image: Path, model: Path, side: int) -> dict[str, Any]:
    """Label, measure with scikit-image, cut and classify with Keras at batch 256, as a notebook would."""
    program = (
        "import json, os, sys, time\n"
        "os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'\n"
        "import keras, numpy as np, tifffile\n"
        "from skimage.filters import threshold_otsu\n"
        "from skimage.measure import label, regionprops_table\n"
        "from skimage.transform import resize\n"
        "image, model, side = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
        "network = keras.saving.load_model(model, compile=False)\n"
        "began = time.perf_counter()\n"
        "grey = tifffile.imread(image)\n"
        "regions = label(grey < threshold_otsu(grey))\n"
        "names = ('area', 'bbox', 'perimeter_crofton', 'feret_diameter_max', 'solidity', 'orientation',"
        " 'eccentricity', 'equivalent_diameter_area')\n"
        "table = regionprops_table(regions, grey, names)\n"
        "measured = time.perf_counter()\n"
        "keep = np.flatnonzero(table['area'] >= 20)\n"
        "crops, sizes = [], []\n"
        "for k in keep:\n"
        "    top, left, bottom, right = (int(table[f'bbox-{i}'][k]) for i in range(4))\n"
        "    half = max(12, round(0.9 * max(bottom - top, right - left)))\n"
        "    y, x = (top + bottom) // 2, (left + right) // 2\n"
        "    cut = grey[max(0, y - half) : y + half, max(0, x - half) : x + half]\n"
        "    crops.append(resize(cut / 255.0, (side, side, 1)).astype('f4'))\n"
        "    sizes.append(cut.shape[::-1])\n"
        "cut_at = time.perf_counter()\n"
        "given = {'image': np.stack(crops), 'size': np.array(sizes, 'f4')}\n"
        "network.predict(given, batch_size=256, verbose=0)\n"
        "ended = time.perf_counter()\n"
        "print(json.dumps({'pores': len(keep), 'seconds': ended - began, 'label_and_measure_s': measured - began,"
        " 'cut_s': cut_at - measured, 'predict_s': ended - cut_at}))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(image), str(model), str(side)], capture_output=True, text=True, check=True
    )
    return dict(json.loads(told.stdout.strip().splitlines()[-1]))


def ours(model: Path, images: list[Path], out: Path, workers: int) -> dict[str, Any]:
    """Apply the exported network through the command line in a process of its own, start-up included."""
    shutil.rmtree(out, ignore_errors=True)
    program = (
        "import json, resource, subprocess, sys; "
        "asked = [sys.executable, '-m', 'poregui', *sys.argv[1:]]; "
        "told = subprocess.run(asked, capture_output=True, check=True).stdout; "
        "most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss; "
        "print(json.dumps([json.loads(told)['pores'], most / 1024]))"
    )
    asked = ["apply", str(model), *map(str, images), "--out", str(out), "--json", "--workers", str(workers)]
    began = time.perf_counter()
    told = subprocess.run([sys.executable, "-c", program, *asked], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - began
    pores, most = json.loads(told.stdout)
    return {"pores": pores, "seconds": seconds, "largest_process_mb": most}


def network(folder: Path) -> Path:
    """Write an untrained default network as model.keras and model.onnx with its sidecar, as a run holds them."""
    program = (
        "import json, sys; from pathlib import Path; import numpy as np\n"
        "from poregui.domain.recipe import Recipe; from poregui.learning import zoo\n"
        "from poregui.learning.data import Crops\n"
        "from poregui.learning.export_onnx import export\n"
        "out = Path(sys.argv[1]); recipe = Recipe(); spec = zoo.input_spec(recipe, colour=False, calibrated=False)\n"
        "sizes = np.random.default_rng(0).uniform(20, 90, (64, 2)).astype('f4')\n"
        "model = zoo.build(recipe, spec, 3, sizes); model.save(out / 'model.keras')\n"
        "images = np.random.default_rng(1).random((8, spec.side, spec.side, 1), 'f4')\n"
        "export(model, out / 'model.onnx', Crops(images, sizes[:8], np.zeros(8, 'i8'), np.arange(8)))\n"
        "side = {'classes': ['Gas', 'Keyhole', 'Lack of Fusion'], 'class_ids': [1, 2, 3], 'input': spec.to_json(),"
        " 'um_per_px': None}\n"
        "(out / 'model.json').write_text(json.dumps(side))\n"
    )
    subprocess.run([sys.executable, "-c", program, str(folder)], check=True, capture_output=True)
    return folder / "model.onnx"


def apply(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Apply to 20,000 pores of a 100-megapixel micrograph, and to eight smaller ones with one and two processes."""
    model = network(folder)
    large = folder / "large.tif"
    draw(large, SIDE, PORES)
    theirs = peer(large, folder / "model.keras", 64)
    mine = ours(model, [large], folder / "out", 1)
    fields = []
    for number in range(SMALL_FIELDS):
        fields.append(folder / f"field_{number}.tif")
        draw(fields[-1], SMALL_SIDE, 1800, seed=number)
    one, two = (ours(model, fields, folder / "fields", workers) for workers in (1, 2))
    first = ours(model, fields[:1], folder / "fields", 1)
    return {
        "what": "ours: detect, outline, measure 18 numbers, cut, classify by ONNX, tables, outlines and picture, with "
        "start-up; peer: Otsu, label, 8 numbers, cut, Keras predict at 256, without start-up",
        "megapixels": SIDE * SIDE / 1e6,
        "ours": mine,
        "peer": theirs,
        "times_faster": theirs["seconds"] / mine["seconds"],
        "eight_fields": {"one_process_s": one["seconds"], "two_processes_s": two["seconds"]},
        "speed_up_of_two": one["seconds"] / two["seconds"],
        "memory_mb": {"one_field": first["largest_process_mb"], "eight_fields": one["largest_process_mb"]},
    }
