"""Say of micrographs where the build direction points and where the specimen ends; changes with how that is known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed, Detection, How, Line, Micrograph
from poregui.store.project import Project
from poregui.workflow.editing.edits import ChangeMicrographs
from poregui.workflow.editing.side_edits import SetSetting

BUILD_DIRECTION_KEY = "build_direction_deg"
"""Under which the project keeps the build direction of micrographs that have none of their own."""


@dataclass(frozen=True)
class Frame:
    """Hold what orientation and distance to the surface rest on: degrees counter-clockwise from the right, and lines.

    `build_direction_deg` is None and `surfaces` empty where they are not known. `drawn` tells that a person drew the
    lines, or said that there are none.
    """

    build_direction_deg: float | None = None
    surfaces: tuple[Line, ...] = ()
    drawn: bool = False

    @property
    def lines(self) -> tuple[NDArray[np.float64], ...]:
        """Return the surfaces as arrays (M, 2)."""
        return tuple(np.array(line, dtype=np.float64) for line in self.surfaces)


def project_build_direction(project: Project) -> float | None:
    """Return the build direction that the project keeps, None where nobody gave one."""
    try:
        return checked_direction(float(project.meta(BUILD_DIRECTION_KEY)))
    except (ValueError, PoreguiError):
        return None


def frame_of(micrograph: Micrograph, detection: Detection | None, build_direction_deg: float | None) -> Frame:
    """Return the frame of a micrograph: its own words first, then what detection found and the project says."""
    own = micrograph.build_direction_deg
    direction = build_direction_deg if own is None else own
    if micrograph.surfaces is not None:
        return Frame(direction, micrograph.surfaces, drawn=True)
    return Frame(direction, () if detection is None else detection.surfaces)


def frames_of(project: Project, micrographs: Iterable[Micrograph]) -> dict[int, Frame]:
    """Return the frames of micrographs by id, read from the project."""
    detections, direction = project.detections(), project_build_direction(project)
    return {one.id: frame_of(one, detections.get(one.id), direction) for one in micrographs}


def checked_direction(degrees: float) -> float:
    """Return an angle as 0 to below 360 degrees. Raises PoreguiError for one that is none."""
    if not math.isfinite(degrees) or abs(degrees) > 360:
        raise PoreguiError(
            f"{degrees:g} degrees cannot be a direction.", "Give 0 (right) to 360; 90 is upwards in the picture."
        )
    return degrees % 360


def direction_of(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Return where a line from one point (x, y) in px to another points, in degrees as in `Frame`."""
    return round(math.degrees(math.atan2(start[1] - end[1], end[0] - start[0])) % 360, 1) % 360


def set_build_direction(micrographs: Sequence[Micrograph], degrees: float | None) -> ChangeMicrographs:
    """Return the edit that gives micrographs a build direction; None leaves them to the project's.

    Raises PoreguiError for an angle that is none.
    """
    wanted = None if degrees is None else checked_direction(degrees)
    after = tuple(replace(one, build_direction_deg=wanted) for one in micrographs)
    return ChangeMicrographs(tuple(micrographs), after, text="set build direction")


def set_project_build_direction(project: Project, degrees: float | None) -> SetSetting:
    """Return the edit that gives the project a build direction, None: unknown. Raises PoreguiError as above."""
    text = "" if degrees is None else f"{checked_direction(degrees):.10g}"
    return SetSetting(BUILD_DIRECTION_KEY, project.meta(BUILD_DIRECTION_KEY), text, "set build direction")


def set_surfaces(micrographs: Sequence[Micrograph], lines: Sequence[Line] | None) -> ChangeMicrographs:
    """Return the edit that says where the specimen ends: lines, none in view, or (None) what detection found.

    Raises PoreguiError for a line with fewer than two points, or with values that are no numbers.
    """
    for line in lines or ():
        if len(line) < 2 or not np.isfinite(np.array(line, dtype=np.float64)).all():
            raise PoreguiError("A line needs at least two points.", "Click both ends and the corners between them.")
    surfaces = None if lines is None else tuple(lines)
    after = tuple(replace(one, surfaces=surfaces) for one in micrographs)
    return ChangeMicrographs(tuple(micrographs), after, text="change surface")


@dataclass(frozen=True)
class SetDetections:
    """Note of micrographs (by id) that pores were looked for in them; None before: never."""

    before: tuple[tuple[int, Detection | None], ...]
    after: tuple[tuple[int, Detection | None], ...]
    text: str = "find pores"

    def do(self, project: Project, *, how: How | None = None) -> Changed:
        """Write what is said now."""
        return self._put(project, self.after)

    def undo(self, project: Project) -> Changed:
        """Write what was said before."""
        return self._put(project, self.before)

    def _put(self, project: Project, several: tuple[tuple[int, Detection | None], ...]) -> Changed:
        for micrograph_id, detection in several:
            project.put_detection(micrograph_id, detection)
        return Changed(frozenset({"detections"}))
