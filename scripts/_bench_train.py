"""Compare trainings with the method of the original study on the same crops."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from _bench_folds import SPECIMENS, Fold, cell_project, class_folders, deal, draw_project
from _environment import ROOT

PEER = "peer"
"""The preset that stands for the original study's own program."""
PRESETS = (PEER, "seed", "shape", "default", "pretrained")
_NETWORKS = ("seed", "default", "pretrained")
_BLEND = ("share_of_network", "accuracy_of_network", "accuracy_of_forest")
_POLL_S = 0.05
Cell = dict[str, Any]


def train(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Compare the presets with the original study's program: accuracy on unseen specimens, seconds
    to reach it.

    Every seed tests on a third of the specimens, so that three seeds test each once. A run is timed
    as a whole process, from its start to its end; which of its epochs first reaches the peer's
    final accuracy is found by training it once more. What is done is kept in the folder `--keep`,
    and a second call goes on from there.
    """
    kept: Path = options.keep or folder
    (kept / "cells").mkdir(parents=True, exist_ok=True)
    _check_settings(kept, options)
    if PEER in options.presets and not options.peer.exists():
        raise SystemExit(
            f"{options.peer} is missing: give its path with --peer, or choose --presets without "
            f"{PEER}."
        )
    source = options.project or kept / "project"
    if not source.exists():
        _say(f"Drawing {options.pores * len(SPECIMENS)} crops of {len(SPECIMENS)} specimens.")
        draw_project(source, options.pores)
    cells = list(_cells(options, kept, source, folder))
    return {
        "crops": str(
            options.project
            or f"{options.pores * len(SPECIMENS)} drawn, of {len(SPECIMENS)} specimens"
        ),
        "peer_epochs": options.peer_epochs,
        "table": _learning_curve(cells, options),
        "against_peer": [
            _against_peer(cells, preset, size) for preset, size in _pairs(options, PEER)
        ],
        "against_shape": [
            _against_shape(cells, preset, size) for preset, size in _pairs(options, "shape")
        ],
        "cells": cells,
    }


def _check_settings(kept: Path, options: argparse.Namespace) -> None:
    settings = {
        "project": str(options.project.resolve()) if options.project else None,
        "pores": options.pores,
        "epochs": options.epochs,
        "peer_epochs": options.peer_epochs,
    }
    file = kept / "settings.json"
    if not file.exists():
        file.write_text(json.dumps(settings), encoding="utf-8")
    elif json.loads(file.read_text(encoding="utf-8")) != settings:
        raise SystemExit(
            f"{kept} holds results of other settings ({file}): choose another folder, or the same "
            "settings."
        )


def _cells(options: argparse.Namespace, kept: Path, source: Path, folder: Path) -> Iterator[Cell]:
    """Yield the result of each cell, the peer first, for the time to its accuracy rests on it."""
    presets = sorted(options.presets, key=lambda preset: preset != PEER)
    for seed in options.seeds:
        for size in options.sizes:
            goal = None
            for preset in presets:
                file = kept / "cells" / f"{preset}-{size}-{seed}.json"
                if not file.exists():
                    _say(f"{preset}, {size} crops a class, seed {seed}")
                    shutil.rmtree(folder / "cell", ignore_errors=True)
                    cell = _run_cell(options, source, folder / "cell", preset, size, seed)
                    file.write_text(json.dumps(cell, indent=1), encoding="utf-8")
                cell = json.loads(file.read_text(encoding="utf-8"))
                goal = cell["accuracy"] if preset == PEER else goal
                yield cell | (
                    {"seconds_to_peer": seconds_to_reach(cell, goal)}
                    if goal and preset != PEER
                    else {}
                )


def _run_cell(
    options: argparse.Namespace, source: Path, folder: Path, preset: str, size: int, seed: int
) -> Cell:
    from poregui.store.project import Project

    with Project.open(source, read_only=True) as project:
        fold = deal(project, seed, size)
    cell = {
        "preset": preset,
        "size": size,
        "seed": seed,
        "n_train": len(fold.trained),
        "n_test": len(fold.tested),
    }
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    run = _run_peer if preset == PEER else _run_preset
    return {**cell, "load_before": load, **run(options, source, folder, fold, cell)}


def _run_peer(
    options: argparse.Namespace, source: Path, folder: Path, fold: Fold, cell: Cell
) -> Cell:
    class_folders(source, folder / "train", fold.trained)
    class_folders(source, folder / "test", fold.tested)
    command = [sys.executable, str(options.peer), str(folder / "train"), str(folder / "test")]
    command += ["--epochs", str(options.peer_epochs), "--seed", str(cell["seed"])]
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    seconds = round(time.perf_counter() - began, 2)
    result = json.loads(done.stdout.splitlines()[-1])
    return {"seconds": seconds, "accuracy": result["accuracy"], "curve": result["curve"]}


def _run_preset(
    options: argparse.Namespace, source: Path, folder: Path, fold: Fold, cell: Cell
) -> Cell:
    from poregui.store.run_folder import RunFolder

    cell_project(source, folder, fold)
    command = [sys.executable, "-m", "poregui", "train", str(folder), "--preset", cell["preset"]]
    command += ["--seed", str(cell["seed"]), "--json"]
    command += ["--epochs", str(options.epochs)] if options.epochs else []
    with open(folder / "said.txt", "wb") as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=said)
        stamps = _watch(process, folder / "runs" / "001" / "events.jsonl", began)
        seconds = round(time.perf_counter() - began, 2)
        assert process.stdout is not None
        output = process.stdout.read()
    if process.returncode:
        raise SystemExit((folder / "said.txt").read_text(encoding="utf-8")[-2000:])
    run = RunFolder(folder / "runs" / "001")
    result = json.loads(output)
    curve: list[Cell] = []
    if cell["preset"] in _NETWORKS and cell["size"] == max(options.sizes):
        curve = _replayed(run.path, folder / "again", stamps, result["accuracy"])
    kept = {name: result[name] for name in ("epochs", "best_epoch")}
    metrics = run.read_metrics()
    kept |= {name: metrics[name] for name in _BLEND if name in metrics}
    return {
        "seconds": seconds,
        "accuracy": result["accuracy"],
        **kept,
        "curve": curve,
        "specimens": _by_group(run),
    }


def _watch(process: subprocess.Popen[bytes], events: Path, began: float) -> list[float]:
    """Wait for a run and return the seconds after which each of its epochs was told."""
    stamps: list[float] = []
    offset, rest = 0, b""
    while process.poll() is None:
        time.sleep(_POLL_S)
        if events.exists():
            with open(events, "rb") as file:
                file.seek(offset)
                content = file.read()
            offset += len(content)
            *lines, rest = (rest + content).split(b"\n")
            now = round(time.perf_counter() - began, 2)
            stamps += [now for line in lines if b'"EpochEnded"' in line]
    return stamps


def _replayed(run: Path, again: Path, stamps: Sequence[float], accuracy: float) -> list[Cell]:
    """Return when each epoch ended and what share of the test crops the weights kept by then answer
    rightly.

    Empty when the second training did not end with the accuracy of the first.
    """
    again.mkdir()
    for name in ("recipe.json", "dataset.json", "crops.bin"):
        shutil.copy(run / name, again / name)
    out = again / "told.json"
    script = Path(__file__).with_name("_bench_replay.py")
    source = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, str(script), str(again), str(out)]
    subprocess.run(
        command, env={**os.environ, "PYTHONPATH": source}, capture_output=True, check=True
    )
    replay = json.loads(out.read_text(encoding="utf-8"))
    if replay["final"] != accuracy:
        _say(f"The run did not repeat: {replay['final']} after {accuracy}; only its end is timed.")
        return []
    rows = zip(range(1, len(stamps) + 1), stamps, replay["test"], strict=False)
    return [
        {"epoch": epoch, "seconds": at, "accuracy": round(share, 4)} for epoch, at, share in rows
    ]


def _by_group(run: Any) -> dict[str, list[int]]:
    """Return for each tested group how many of its crops were answered rightly, and how many there
    are.
    """
    dataset = run.read_dataset()
    crops = {crop.crop_id: crop for crop in dataset.crops if crop.split == "test"}
    found: dict[str, list[int]] = {crop.group: [0, 0] for crop in crops.values()}
    for answer in run.read_predictions():
        if crop := crops.get(answer.crop_id):
            found[crop.group][0] += answer.index == crop.label
            found[crop.group][1] += 1
    return found


def seconds_to_reach(cell: Cell, goal: float) -> float | None:
    """Return the seconds from the start of the process after which an accuracy was reached; None if
    it never was.
    """
    within = [row["seconds"] for row in cell["curve"] if row["accuracy"] >= goal]
    if within:
        return float(within[0])
    return float(cell["seconds"]) if cell["accuracy"] >= goal else None


def _pairs(options: argparse.Namespace, other: str) -> list[tuple[str, int]]:
    presets = [preset for preset in options.presets if preset not in (PEER, "shape")]
    return (
        [(preset, size) for preset in presets for size in options.sizes]
        if other in options.presets
        else []
    )


def _of(cells: Sequence[Cell], preset: str, size: int) -> dict[int, Cell]:
    return {
        cell["seed"]: cell for cell in cells if (cell["preset"], cell["size"]) == (preset, size)
    }


def _against_peer(cells: Sequence[Cell], preset: str, size: int) -> Cell:
    """Compare a preset with the peer, paired by seed: points of accuracy, and times sooner at the
    peer's accuracy.
    """
    ours, theirs = _of(cells, preset, size), _of(cells, PEER, size)
    gains = [ours[seed]["accuracy"] - theirs[seed]["accuracy"] for seed in ours]
    sooner = [
        theirs[s]["seconds"] / c["seconds_to_peer"]
        for s, c in ours.items()
        if c.get("seconds_to_peer")
    ]
    return {
        "preset": preset,
        "size": size,
        **_mean_and_interval(gains, "gain"),
        "times_sooner_at_its_accuracy": [round(times, 1) for times in sooner],
        "times_sooner_to_our_very_end": [
            round(theirs[s]["seconds"] / ours[s]["seconds"], 1) for s in ours
        ],
        "never_reached": len(ours) - len(sooner),
    }


def _against_shape(cells: Sequence[Cell], preset: str, size: int) -> Cell:
    """Compare a preset with shapes alone, paired by tested group; seeds that test the same group
    are averaged.
    """
    ours, theirs = _of(cells, preset, size), _of(cells, "shape", size)
    gains: dict[str, list[float]] = {}
    for seed, cell in ours.items():
        for group, (right, total) in cell["specimens"].items():
            gains.setdefault(group, []).append(
                (right - theirs[seed]["specimens"][group][0]) / total
            )
    values = [statistics.mean(found) for found in gains.values()]
    return {
        "preset": preset,
        "size": size,
        "groups": len(values),
        **_mean_and_interval(values, "gain"),
    }


def _mean_and_interval(values: Sequence[float], name: str) -> Cell:
    """Return the mean of paired differences and its 95 % interval by Student's t; none for a single
    one.
    """
    from poregui.domain.statistics.intervals import student_t_quantile

    summary: Cell = {f"{name}_mean": round(statistics.mean(values), 4), f"{name}_interval95": None}
    if len(values) > 1:
        reach = (
            student_t_quantile(0.975, len(values) - 1)
            * statistics.stdev(values)
            / math.sqrt(len(values))
        )
        summary[f"{name}_interval95"] = [
            round(statistics.mean(values) + sign * reach, 4) for sign in (-1, 1)
        ]
    return summary


def _mean(values: Sequence[float]) -> float:
    return round(statistics.mean(values), 4)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _learning_curve(cells: Sequence[Cell], options: argparse.Namespace) -> list[Cell]:
    """Return mean accuracy and seconds of each preset at each number of crops a class."""
    rows = []
    for preset in options.presets:
        for size in options.sizes:
            found = list(_of(cells, preset, size).values())
            accuracies = [cell["accuracy"] for cell in found]
            row = {
                "preset": preset,
                "size": size,
                "accuracy": _mean(accuracies),
                "accuracies": accuracies,
            }
            rows.append({**row, "seconds": _mean([cell["seconds"] for cell in found])})
    return rows


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `bench.py train` its options."""
    peer = ROOT.parent / "shared" / "peers" / "seed_method.py"
    parser.add_argument("--seeds", type=_numbers, default=[0, 1, 2], help="such as 0,1,2")
    parser.add_argument(
        "--sizes", type=_numbers, default=[20, 50, 100, 160], help="crops a class, such as 20,160"
    )
    parser.add_argument(
        "--presets",
        type=lambda text: text.split(","),
        default=list(PRESETS),
        help="such as peer,default",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        help="a folder for drawn crops and results, to go on from later; remove of its cells "
        "what is to be new",
    )
    parser.add_argument("--pores", type=int, default=250, help="drawn crops a specimen")
    parser.add_argument("--epochs", type=int, help="of our networks, for a short try")
    parser.add_argument("--peer", type=Path, default=peer, help="the original study's program")
    parser.add_argument("--peer-epochs", type=int, default=50, help="epochs of the peer")
