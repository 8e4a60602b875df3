"""Run the verb that suggests labels, once for people or on and on for the window."""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from poregui.cli.output import Screen, percent, table
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.records import Crop
from poregui.domain.statistics.splits import group_of
from poregui.domain.wording import count
from poregui.store.project import Project
from poregui.store.run_check import sentence_of_lost_pixels
from poregui.store.run_folder import RunFolder

_MOST_ROWS = 20


def add_suggest_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb suggest its choice."""
    parser.add_argument(
        "--serve",
        action="store_true",
        help="keep running: read crops and labels as lines of JSON from standard input",
    )


_RESTORE = "Restore it from a copy of the project, or accept the micrograph files."


def suggest(args: argparse.Namespace, screen: Screen) -> int:
    """Suggest labels for the crops that have none, and say which to label next and what more labels
    would add.
    """
    if args.serve:
        return _serve(args.project)
    from poregui.workflow.suggesting.suggestion_model import FEWEST_LABELS
    from poregui.workflow.suggesting.suggestions import Suggestions

    answers: dict[str, Any] = {}

    def hear(answer: Mapping[str, Any]) -> None:
        answers.update(answer)
        if "measured" in answer:
            screen.progress(answer["measured"], answer["of"], "crops measured")

    with Project.open(args.project, read_only=True) as project:
        _look_for_pixels(project, screen)
        runs = project.runs()
        crops = project.crops()
        classes = {c.id: c.name for c in project.classes(retired=True)} | {-1: "Not a pore"}
        _work_through(project, crops, hear)
    if not answers.get("suggestions"):
        raise PoreguiError(
            "Too few labels to learn from.",
            f"Label at least {FEWEST_LABELS} crops of two classes or more.",
        )
    found = Suggestions.from_json(answers["suggestions"])
    _note_passed_over(runs, found.run, screen)
    free = [crop.id for crop in crops if crop.label is None]
    listed = [(crop_id, *answer) for crop_id in free if (answer := found.of(crop_id))]
    values = {
        "learnt_from": found.count,
        "run": found.run,
        "accuracy_for_other_groups": found.accuracy if found.groups > 1 else None,
        "judged": found.checked,
        "groups": found.groups,
        "chance": found.chance,
        "why_not_many_at_once": found.why_not_many,
        "suggestions": [
            {"crop": i, "label": classes.get(label), "probability": p} for i, label, p in listed
        ],
        "next": found.order.tolist(),
        "curve": answers.get("curve"),
    }
    screen.result(values, _text(found, listed, classes, answers.get("curve")))
    return 0


def _look_for_pixels(project: Project, screen: Screen) -> None:
    """Note that pixels are missing. Raises PoreguiError where all of them are."""
    lost = sentence_of_lost_pixels(project)
    if lost and not project.pixels.is_there:
        raise PoreguiError("pixels.db is missing, so nothing can be suggested.", _RESTORE)
    if lost:
        screen.note(lost)


def _work_through(
    project: Project, crops: Sequence[Crop], hear: Callable[[Mapping[str, Any]], None]
) -> None:
    """Let a worker measure all crops and suggest, until nothing is left to do."""
    from poregui.workflow.suggesting.suggestion_worker import SuggestWorker

    worker = SuggestWorker(project.folder, hear, lambda: False)
    try:
        worker.take({"labels": [[crop.id, crop.label] for crop in crops]})
        worker.take(
            {"crops": [[crop.id, crop.pixels, crop.um_per_px, group_of(crop)] for crop in crops]}
        )
        while worker.step():
            pass
    finally:
        worker.close()


def _note_passed_over(runs: Sequence[RunFolder], taken: int | None, screen: Screen) -> None:
    from poregui.workflow.evaluating.newest_run import passed_over_for

    for sentence in passed_over_for(runs, taken):
        screen.note(f"Note: {sentence} Its network is not used.")


def _text(
    found: Any, listed: list[tuple[int, int, float]], classes: Mapping[int, str], curve: Any
) -> str:
    from poregui.workflow.training.learning_curve import advice

    if found.run is not None:
        eyes = f" and the network of run {found.run}"
    else:
        eyes = ""
    own = " it had not learnt from" if eyes else ""
    finds = f"; classifies correctly {found.found_words}{own}" if found.found_words else ""
    lines = [f"Learnt from {count(found.count, 'label')}{eyes}{finds}."]
    lines.append(found.why_not_many)
    lines.append(advice(curve, classes))
    answers = {i: (label, p) for i, label, p in listed}
    rows = [
        [crop_id, classes.get(answers[crop_id][0]), percent(answers[crop_id][1])]
        for crop_id in found.order[:_MOST_ROWS].tolist()
        if crop_id in answers
    ]
    if rows:
        lines.append(f"\nLabel these next:\n{table(['crop', 'suggested', 'confidence'], rows)}")
    return "\n".join(line for line in lines if line)


def _serve(folder: Path) -> int:
    """Answer lines of JSON until standard input ends."""
    import cv2
    import sklearn.linear_model  # noqa: F401 - the first suggestion is not to wait for it

    from poregui.workflow.suggesting.suggestion_worker import SuggestWorker

    if not (folder / "project.db").exists():
        raise ProjectError(
            f"{folder} is not a poregui project.", "Choose a folder that holds project.db."
        )
    cv2.setNumThreads(1)
    messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=_listen, args=(messages,), name="messages", daemon=True).start()
    worker = SuggestWorker(folder, _say, lambda: not messages.empty())
    busy = False
    try:
        while True:
            while not messages.empty() or not busy:
                message = messages.get()
                if message is None:
                    return 0
                worker.take(message)
                busy = True
            busy = worker.step()
    except BrokenPipeError:
        return 0
    finally:
        worker.close()


def _listen(messages: queue.Queue[dict[str, Any] | None]) -> None:
    # A buffered reader would hold its lock when the interpreter ends and abort the process.
    rest = b""
    while content := os.read(0, 1 << 20):
        *lines, rest = (rest + content).split(b"\n")
        for line in lines:
            messages.put(json.loads(line))
    messages.put(None)


def _say(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer, default=_plain) + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value)} cannot be written as JSON")
