"""Measure applying: many pores found, measured and classified, against Keras and scikit-image in
the same run.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from _environment import ROOT

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
    for index in range(pores):
        x, y = ((index % across) + 0.5) * step, (index // across + 0.5) * step
        big = random.uniform(0.12, 0.3) * step
        axes = (round(big * 16), round(big * random.uniform(0.4, 1.0) * 16))
        centre = (round(x * 16), round(y * 16))
        cv2.ellipse(
            image,
            centre,
            axes,
            random.uniform(0, 180),
            0,
            360,
            int(random.uniform(40, 80)),
            -1,
            cv2.LINE_AA,
            4,
        )
    rows = 1000
    for top in range(0, side, rows):  # noise row by row, so that memory stays small
        band = image[top : top + rows]
        band[:] = np.clip(band + random.normal(0, 3, band.shape), 0, 255).astype(np.uint8)
    tifffile.imwrite(path, image, tile=(512, 512))


def peer(image: Path, model: Path, side: int, out: Path) -> dict[str, Any]:
    """Do the same with scikit-image and Keras at batch 256, in a process of its own, start-up
    included.
    """
    asked = [
        sys.executable,
        str(Path(__file__).with_name("_peer_apply.py")),
        str(image),
        str(model),
        str(side),
    ]
    return _measured([*asked, str(out)], {})


def ours(model: Path, images: list[Path], out: Path, cores: int = 0) -> dict[str, Any]:
    """Apply the exported network through the command line, start-up included, on all cores or on
    the first few.
    """
    shutil.rmtree(out, ignore_errors=True)
    asked = [
        sys.executable,
        "-m",
        "poregui",
        "apply",
        str(model),
        *map(str, images),
        "--out",
        str(out),
        "--json",
    ]
    return _measured(asked, {} if not cores else {"cores": cores})


def _quietest(model: Path, images: list[Path], out: Path, cores: int) -> dict[str, Any]:
    """Return the shorter of two runs on the first few cores: what else the machine does only adds
    to the time.
    """
    return min(
        (ours(model, images, out, cores) for _ in range(2)), key=lambda run: float(run["seconds"])
    )


def _measured(asked: list[str], limits: dict[str, int]) -> dict[str, Any]:
    """Run a command and return its pores, wall and processor seconds, and the memory of its largest
    process.
    """
    program = (
        "import json, os, resource, subprocess, sys, time\n"
        "limits = json.loads(sys.argv[1])\n"
        "if limits: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: limits['cores']])\n"
        "began = time.perf_counter()\n"
        "told = json.loads(subprocess.run(sys.argv[2:], stdout=-1, stderr=-3, "
        "check=True).stdout.splitlines()[-1])\n"
        "seconds = time.perf_counter() - began\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps({'pores': told['pores'], 'seconds': seconds, 'cpu_seconds': "
        "used.ru_utime + used.ru_stime,"
        " 'largest_process_mb': used.ru_maxrss / 1024, **({'steps': told['steps']} if 'steps' in "
        "told else {})}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(limits), *asked],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def network(folder: Path) -> Path:
    """Write an untrained default network as model.keras and model.onnx with its sidecar, as a run
    holds them.
    """
    program = (
        "import json, sys; from pathlib import Path; import numpy as np\n"
        "from poregui.domain.recipe import recipe_for; from poregui.learning import networks\n"
        "from poregui.learning.batches import Crops\n"
        "from poregui.learning.export_onnx import export\n"
        "from poregui.vision.shape.crop_measurement import shape_width\n"
        "out = Path(sys.argv[1]); recipe = recipe_for('default')\n"
        "spec = networks.input_spec(recipe, colour=False, calibrated=False)\n"
        "sizes = np.random.default_rng(0).uniform(20, 90, (64, 2)).astype('f4')\n"
        "wide = shape_width(spec.shape_version)\n"
        "shapes = np.random.default_rng(2).normal(1, 1, (64, wide)).astype('f4')\n"
        "model = networks.build(recipe, spec, 3, sizes, shapes); model.save(out / 'model.keras')\n"
        "images = np.random.default_rng(1).random((8, spec.side, spec.side, 1), 'f4')\n"
        "export(model, out / 'model.onnx', Crops(images, sizes[:8], np.zeros(8, 'i8'), "
        "np.arange(8), shapes[:8]))\n"
        "side = {'classes': ['Gas', 'Keyhole', 'Lack of Fusion'], 'class_ids': [1, 2, 3], "
        "'input': spec.to_json(),"
        " 'um_per_px': None}\n"
        "(out / 'model.json').write_text(json.dumps(side))\n"
    )
    subprocess.run([sys.executable, "-c", program, str(folder)], check=True, capture_output=True)
    return folder / "model.onnx"


def apply(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Apply to 20,000 pores of a 100-megapixel micrograph, and to eight smaller ones with one and
    two processes.
    """
    compileall.compile_dir(
        ROOT / "poregui", quiet=1
    )  # as installing does, for the peer's libraries were installed
    model = network(folder)
    large = folder / "large.tif"
    draw(large, SIDE, PORES)
    theirs = peer(large, folder / "model.keras", 64, folder / "peer")
    mine = ours(model, [large], folder / "out")
    fields = []
    for number in range(SMALL_FIELDS):
        fields.append(folder / f"field_{number}.tif")
        draw(fields[-1], SMALL_SIDE, 1800, seed=number)
    one, two = (_quietest(model, fields, folder / "fields", cores) for cores in (1, 2))
    half = ours(
        model, fields[: SMALL_FIELDS // 2], folder / "fields", 1
    )  # the first ones fill caches
    start_up, shapes = (theirs["steps"][step][0] for step in ("start_up", "tell_shapes"))
    return {
        "what": "both: find, measure, cut, classify, table, outlines, image, as programs with "
        "their start-up; ours "
        "also with half levels, 18 instead of 12 numbers a pore and shifted thresholds; both "
        "tell the network what it "
        "was taught to be told of the shape in each crop, the peer by scikit-image; the peer "
        "at batch 256",
        "megapixels": SIDE * SIDE / 1e6,
        "ours": mine,
        "peer": theirs,
        "times_faster": theirs["seconds"] / mine["seconds"],
        "times_faster_without_the_peers_start_up": (theirs["seconds"] - start_up) / mine["seconds"],
        "times_faster_than_a_peer_that_tells_no_shapes": (theirs["seconds"] - shapes)
        / mine["seconds"],
        "times_less_processor_time": theirs["cpu_seconds"] / mine["cpu_seconds"],
        "eight_fields": {"one_core": one, "two_cores": two},
        "speed_up_of_two_cores": one["seconds"] / two["seconds"],
        "memory_mb": {
            "four_fields": half["largest_process_mb"],
            "eight_fields": one["largest_process_mb"],
        },
        "load": os.getloadavg()[0],
    }
