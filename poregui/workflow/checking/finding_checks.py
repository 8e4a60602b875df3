"""Hold checks of the finding: windows that were drawn blind, and what people say of them.

A check is one text in project.db, so that backups, copies and packed projects have it, and a file
of the same content, so that it can be answered elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from poregui.domain.checked import as_list, mapping, maybe, number, of_list, text, whole
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.statistics.finding_check import (
    CheckResult,
    Gauge,
    WindowCount,
    check_result,
    gauge,
)
from poregui.store.files import export_target, open_plain, write_json
from poregui.store.project import Project

POINTS: Mapping[str, float] = {"hit": 1.0, "half": 0.5, "miss": 0.0}
"""What a point of the grid may be, and what it counts."""
_KEY = "finding_check:"
_LARGEST_FILE = 64 << 20
_OTHER = "Give the file that poregui check wrote."


@dataclass(frozen=True)
class FoundPore:
    """Hold a pore that had an outline when the windows were drawn; x and y are its middle in px."""

    crop_id: int
    x: float
    y: float
    area_px: float


@dataclass(frozen=True)
class MissedPore:
    """Hold where a pore has no outline, in px of the micrograph, and its area, None where it is not
    known.
    """

    x: float
    y: float
    area_px: float | None = None


@dataclass(frozen=True)
class Answer:
    """Hold what a person says of one window, the `time`th time.

    `missed` is None until pores were marked. `false` are the crops of outlines that are no pores.
    `points` are keys of POINTS, row by row, and may be fewer than the grid has while it goes on.
    """

    who: str
    time: int = 1
    missed: tuple[MissedPore, ...] | None = None
    false: tuple[int, ...] = ()
    points: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is answered yet."""
        return self.missed is None and not self.points


@dataclass(frozen=True)
class CheckWindow:
    """Hold a square part of a micrograph, the pores found in it, and the answers."""

    number: int
    micrograph_id: int
    micrograph: str
    sha256: str
    specimen: str
    box: Box
    found: tuple[FoundPore, ...] = ()
    answers: tuple[Answer, ...] = ()

    def answer_of(self, who: str, time: int = 1) -> Answer:
        """Return what a person answered, an empty answer where there is none."""
        found = [one for one in self.answers if (one.who, one.time) == (who, time)]
        return found[0] if found else Answer(who, time)

    def with_answer(self, answer: Answer) -> CheckWindow:
        """Return the window with an answer in the place of that person's earlier one."""
        key = (answer.who, answer.time)
        others = tuple(one for one in self.answers if (one.who, one.time) != key)
        return replace(self, answers=(*others, answer))


@dataclass(frozen=True)
class FindingCheck:
    """Hold the windows of one check, of which so many were `asked` for; `grid` points lie along
    each side of a window.

    `area_percent` is what outlines covered of the micrographs when the windows were drawn, and
    `found_by` says how pores were found.
    """

    number: int
    seed: int
    grid: int
    asked: int
    area_percent: float
    found_by: str
    windows: tuple[CheckWindow, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def people(self) -> tuple[str, ...]:
        """Return who has answered, who answered most first."""
        tally: dict[str, int] = {}
        for window in self.windows:
            for answer in window.answers:
                if not answer.is_empty:
                    tally[answer.who] = tally.get(answer.who, 0) + 1
        return tuple(sorted(tally, key=lambda who: -tally[who]))

    def with_answer(self, window: int, answer: Answer) -> FindingCheck:
        """Return the check with an answer to the window of a number."""
        changed = tuple(
            one.with_answer(answer) if one.number == window else one for one in self.windows
        )
        return replace(self, windows=changed)

    def is_done(self, window: CheckWindow, who: str, *, by_points: bool) -> bool:
        """Tell whether a person has answered a window wholly, in one of both ways."""
        answer = window.answer_of(who)
        if by_points:
            return len(answer.points) == self.grid**2
        return answer.missed is not None

    def result(self, who: str | None = None) -> CheckResult:
        """Return what one person's answers say, those of who answered most where none is named."""
        people = self.people
        name = who if who is not None else next(iter(people), "")
        typical = self._typical_area()
        counts = [self._counted(one, one.answer_of(name), typical) for one in self.windows]
        return check_result(counts, self.area_percent)

    def _typical_area(self) -> float:
        areas = sorted(pore.area_px for window in self.windows for pore in window.found)
        return areas[len(areas) // 2] if areas else 0.0

    def _counted(self, window: CheckWindow, answer: Answer, typical: float) -> WindowCount:
        false = set(answer.false)
        missed = answer.missed or ()
        areas = [typical if one.area_px is None else one.area_px for one in missed]
        return WindowCount(
            window.specimen,
            f"#{window.micrograph_id}",
            float(window.box.area),
            found=len(window.found),
            false=sum(one.crop_id in false for one in window.found),
            missed=len(missed),
            found_px=sum(one.area_px for one in window.found),
            false_px=sum(one.area_px for one in window.found if one.crop_id in false),
            missed_px=sum(areas),
            points=len(answer.points),
            hits=sum(POINTS[point] for point in answer.points),
            marked=answer.missed is not None,
            counted=len(answer.points) == self.grid**2,
        )

    def gauge(self) -> dict[str, Gauge]:
        """Return how much people differ in the windows that all of them answered, by what was
        compared: `point_area_percent`, `pores`, `corrected_area_percent`.

        Each needs two people and two windows; times that not everybody answered are left out.
        """
        typical = self._typical_area()
        measures: dict[str, Any] = {
            "point_area_percent": lambda one: 100 * one.hits / one.points if one.counted else None,
            "pores": lambda one: one.found - one.false + one.missed if one.marked else None,
            "corrected_area_percent": lambda one: (
                100 * (one.found_px - one.false_px + one.missed_px) / one.area_px
                if one.marked
                else None
            ),
        }
        found = {}
        for name, measure in measures.items():
            table = self._table(measure, typical)
            one = gauge(table) if table is not None else None
            if one is not None:
                found[name] = one
        return found

    def _table(self, measure: Any, typical: float) -> np.ndarray[Any, Any] | None:
        """Return (windows, people, times) numbers without gaps, None where there are none."""
        people = self.people
        most = max((one.time for window in self.windows for one in window.answers), default=0)
        for times in range(most, 0, -1):
            rows = []
            for window in self.windows:
                row = [
                    [
                        measure(self._counted(window, window.answer_of(who, time), typical))
                        for time in range(1, times + 1)
                    ]
                    for who in people
                ]
                if all(value is not None for values in row for value in values):
                    rows.append(row)
            if len(rows) > 1 and len(people) > 1:
                return np.array(rows, np.float64)
        return None

    def to_json(self) -> dict[str, Any]:
        """Return the check as a dictionary fit for JSON."""
        return {
            "what": "poregui finding check",
            "number": self.number,
            "seed": self.seed,
            "grid": self.grid,
            "asked": self.asked,
            "area_percent": self.area_percent,
            "found_by": self.found_by,
            "windows": [_window_json(one) for one in self.windows],
        }


def same_windows(one: FindingCheck, other: FindingCheck) -> bool:
    """Tell whether two checks have the same windows."""
    places = [
        [(window.micrograph_id, window.box) for window in check.windows] for check in (one, other)
    ]
    return places[0] == places[1]


# ---- in the project -------------------------------------------------------------------------


def checks_of(project: Project) -> list[FindingCheck]:
    """Return the checks of a project, oldest first. Raises PoreguiError for a damaged one."""
    found = []
    number = 1
    while content := project.meta(f"{_KEY}{number}"):
        found.append(_parsed(content, f"Check {number} of {project.name}"))
        number += 1
    return found


def newest_check(project: Project) -> FindingCheck | None:
    """Return the check that was drawn last, None where there is none."""
    found = checks_of(project)
    return found[-1] if found else None


def checked_finding(project: Project) -> CheckResult | None:
    """Return what the newest check with answers says, None where there is none or it is damaged."""
    try:
        checks = checks_of(project)
    except PoreguiError:
        return None
    found = [one.result() for one in reversed(checks) if one.people]
    return found[0] if found else None


def save_check(project: Project, check: FindingCheck) -> None:
    """Keep a check, in one transaction. Raises PoreguiError where the project refuses."""
    with project.transaction():
        content = json.dumps(check.to_json(), ensure_ascii=False)
        project.put_meta(f"{_KEY}{check.number}", content)


# ---- as a file ------------------------------------------------------------------------------


def write_check(check: FindingCheck, file: Path, who: str) -> None:
    """Write a check as a file, with an empty answer in each window that a person has not answered.

    Raises PoreguiError where it cannot be written.
    """
    values = check.to_json()
    for window in values["windows"]:
        if not any(answer["who"] == who for answer in window["answers"]):
            window["answers"].append(_answer_json(Answer(who)))
    write_json(export_target(file), values)


def with_answers_of(check: FindingCheck, file: Path) -> FindingCheck:
    """Return a check with the answers that a file holds besides its own, those of the file first.

    Raises PoreguiError for a file that is no check, or one of other windows.
    """
    received = read_check(file)
    if not same_windows(check, received):
        raise PoreguiError(
            f"{file.name} has other windows than check {check.number}.",
            "Give the file that this check wrote, or a copy of it.",
        )
    for window, other in zip(check.windows, received.windows, strict=True):
        known = {one.crop_id for one in window.found}
        for answer in other.answers:
            wrong = set(answer.false) - known
            if wrong:
                raise PoreguiError(
                    f"{file.name}: no pore {min(wrong)} was found in window {window.number}.",
                    "Give numbers of crops that the window lists as found.",
                )
            if not answer.is_empty:
                check = check.with_answer(window.number, answer)
    return check


def read_check(file: Path) -> FindingCheck:
    """Return the check in a file. Raises PoreguiError for one that is none or cannot be read."""
    try:
        with open_plain(file, follow=True) as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise PoreguiError(
            f"{file} cannot be read: {error.strerror or error}.", "Check path and permissions."
        ) from error
    if len(content) > _LARGEST_FILE:
        raise PoreguiError(f"{file.name} is too large.", _OTHER)
    return _parsed(content, file.name)


def _parsed(content: str | bytes, name: str) -> FindingCheck:
    try:
        return _check(json.loads(content))
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        detail = str(error) if isinstance(error, ValueError) else "a field is missing"
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            detail = "it is not JSON"
        raise PoreguiError(
            f"{name} is not a check of the finding: {detail}.",
            "Write one with: poregui check PROJECT --windows N.",
        ) from error


_number = partial(number, low=-1e9, high=1e9)
_area = partial(number, low=0.0, high=1e15)


def _check(received: Any) -> FindingCheck:
    values = mapping(received)
    if values.get("what") != "poregui finding check":
        raise ValueError("it holds no windows")
    grid = whole(values["grid"], 1, 100)
    windows = tuple(_window(one, grid) for one in as_list(values["windows"], mapping))
    if [one.number for one in windows] != list(range(1, len(windows) + 1)):
        raise ValueError("its windows are not numbered from 1")
    return FindingCheck(
        whole(values["number"], 1),
        whole(values["seed"]),
        grid,
        whole(values["asked"], 1),
        number(values["area_percent"], 0.0, 100.0),
        text(values["found_by"]),
        windows,
    )


def _window(values: Mapping[str, Any], grid: int) -> CheckWindow:
    name = f"window {whole(values['number'], 1)}"
    box = Box(
        whole(values["x"]),
        whole(values["y"]),
        whole(values["width"], 1),
        whole(values["height"], 1),
    )
    found = tuple(
        FoundPore(whole(one["crop"]), _number(one["x"]), _number(one["y"]), _area(one["area_px"]))
        for one in as_list(values["found"], mapping)
    )
    answers = tuple(_answer(one, grid, name, box) for one in as_list(values["answers"], mapping))
    keys = [(one.who, one.time) for one in answers]
    if len(set(keys)) != len(keys):
        raise ValueError(f"{name} has two answers of one person and time")
    return CheckWindow(
        values["number"],
        whole(values["micrograph_id"], 1),
        text(values["micrograph"]),
        text(values["sha256"]),
        text(values["specimen"]),
        box,
        found,
        answers,
    )


def _answer(values: Mapping[str, Any], grid: int, name: str, box: Box) -> Answer:
    points = tuple(as_list(values.get("points", []), text))
    unknown = [one for one in points if one not in POINTS]
    if unknown:
        raise ValueError(f"in {name} {unknown[0]!r} is not hit, half or miss")
    if len(points) > grid**2:
        raise ValueError(f"{name} has more than {grid**2} points")
    missed = maybe(of_list(mapping))(values.get("missed"))
    marks = None
    if missed is not None:
        marks = tuple(_missed(one, name, box) for one in missed)
    return Answer(
        text(values["who"]),
        whole(values.get("time", 1), 1, 100),
        marks,
        tuple(as_list(values.get("false", []), whole)),
        points,
    )


def _missed(values: Mapping[str, Any], name: str, box: Box) -> MissedPore:
    x = _number(values["x"])
    y = _number(values["y"])
    if not box.contains(x, y):
        raise ValueError(f"in {name} a missed pore lies outside the window")
    return MissedPore(x, y, maybe(_area)(values.get("area_px")))


def _window_json(window: CheckWindow) -> dict[str, Any]:
    box = window.box
    return {
        "number": window.number,
        "micrograph_id": window.micrograph_id,
        "micrograph": window.micrograph,
        "sha256": window.sha256,
        "specimen": window.specimen,
        "x": box.x,
        "y": box.y,
        "width": box.width,
        "height": box.height,
        "found": [
            {"crop": one.crop_id, "x": one.x, "y": one.y, "area_px": one.area_px}
            for one in window.found
        ],
        "answers": [_answer_json(one) for one in window.answers],
    }


def _answer_json(answer: Answer) -> dict[str, Any]:
    missed = None
    if answer.missed is not None:
        missed = [{"x": one.x, "y": one.y, "area_px": one.area_px} for one in answer.missed]
    return {
        "who": answer.who,
        "time": answer.time,
        "missed": missed,
        "false": list(answer.false),
        "points": list(answer.points),
    }
