"""Keep suggestions up to date in a process of its own that is told of crops and labels.

Messages are dictionaries, one a line of JSON: `crops` ([id, hash of pixels, um per px, group] of
new or changed crops), `more` (whether more of them follow at once), `gone` (ids), `labels` ([id,
label]), `like` (an id). Answers: `measured`, `suggestions`, `curve`, `alike`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poregui.domain.classes import UNSURE
from poregui.domain.dataset import outline_in_crop
from poregui.domain.errors import PoreguiError
from poregui.store.pixels import PixelStore
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.suggesting.suggestion_features import (
    COUNT,
    FEWEST_UNSEEN,
    CropFeatures,
    RunFeatures,
    SeenCrop,
    feature_rows,
    networks,
)
from poregui.workflow.suggesting.suggestion_model import Suggester, fit, teaching_order
from poregui.workflow.suggesting.suggestions import Suggestions
from poregui.workflow.training.grouping import groups_of
from poregui.workflow.training.learning_curve import learning_curve

Tell = Callable[[Mapping[str, Any]], None]
_AT_ONCE = 50
"""Crops that are measured before messages are looked at again."""
_ORDERED = 200
_TELL_EVERY = 10_000
_SAY_EVERY = 500
_ALIKE_OF_EACH = 3


class _Known(NamedTuple):
    seen: SeenCrop
    group: str


class SuggestWorker:
    """Learn from what it is told and tell what it found; `step` does a part of the work and says
    whether any is left.

    `waiting` tells whether a message has come, for which long work makes room.
    """

    def __init__(self, folder: Path, tell: Tell, waiting: Callable[[], bool]) -> None:
        self._folder = folder
        self._grouped: dict[int, str] | None = None
        self._features = CropFeatures(folder)
        self._pixels = PixelStore(folder / "pixels.db", read_only=True)
        self._tell = tell
        self._waiting = waiting
        self._crops: dict[int, _Known] = {}
        self._labels: dict[int, int] = {}
        self._unmeasured: list[int] = []
        self._changed: set[int] = set()
        self._to_list = self._more = False
        self._rows: NDArray[np.float64] | None = None
        self._ids: NDArray[np.int64] = np.empty(0, np.int64)
        self._to_fit = self._to_draw = False
        self._since_report = 0
        self._like: int | None = None
        self._run: RunFeatures | None = None
        self._passed_over: set[Path] = set()
        self._unseen: list[int] = []

    def close(self) -> None:
        """Keep what was measured and close the pixels."""
        self._features.save()
        self._pixels.close()

    def take(self, message: Mapping[str, Any]) -> None:
        """Take in what changed, or answer at once what is asked."""
        for crop_id, pixels, um_per_px, group in message.get("crops", ()):
            self._crops[crop_id] = _Known(SeenCrop(pixels, um_per_px), group)
            self._changed.add(crop_id)
        for crop_id in message.get("gone", ()):
            self._crops.pop(crop_id, None)
        for crop_id, label in message.get("labels", ()):
            if label is None or label == UNSURE:
                self._labels.pop(crop_id, None)
            else:
                self._labels[crop_id] = label
        if message.keys() & {"crops", "gone"}:
            self._rows = None
            self._to_list = True
            self._grouped = None
            self._more = message.get("more", self._more)
        if message.keys() & {"crops", "gone", "labels"}:
            self._to_fit = True
            self._to_draw = False
        if "like" in message:
            self._like = int(message["like"])

    def step(self) -> bool:
        """Do a part of what is to be done; False when nothing is."""
        if self._more:
            return False
        if self._to_list:
            self._list_unmeasured()
        if self._like is not None and not self._is_unmeasured(self._like):
            crop_id = self._like
            self._like = None
            self._answer_alike(crop_id)
            return True
        labelled_missing = bool(self._unmeasured) and self._unmeasured[-1] in self._labels
        if self._to_fit and not labelled_missing:
            self._to_fit = False
            self._to_draw = self._suggest()
        elif self._unmeasured:
            self._measure()
        elif self._unseen:
            self._see()
        elif self._to_draw:
            self._to_draw = False
            self._draw()
        else:
            return False
        return True

    def _list_unmeasured(self) -> None:
        self._to_list = False
        self._take_outlines()
        missing = [
            crop_id for crop_id, crop in self._crops.items() if not self._features.has(crop.seen)
        ]
        self._unmeasured = sorted(
            missing, key=lambda crop_id: crop_id in self._labels
        )  # taken from the end
        self._list_unseen()

    def _take_outlines(self) -> None:
        """Read the outlines of the crops that were told of, by which they are measured."""
        new = self._changed & self._crops.keys()
        self._changed = set()
        if not new:
            return
        with suppress(PoreguiError), Project.open(self._folder, read_only=True) as project:
            outlines = project.outlines()
            for crop in project.crops() if outlines else ():
                if crop.id in new and crop.id in outlines:
                    known = self._crops[crop.id]
                    line = outline_in_crop(outlines[crop.id], crop.box, crop.width, crop.height)
                    seen = replace(known.seen, outline=line)
                    self._crops[crop.id] = known._replace(seen=seen)

    def _list_unseen(self) -> None:
        run = self._run
        if run is None:
            self._unseen = []
        else:
            self._unseen = [i for i, one in self._crops.items() if not run.has(one.seen)]

    def _is_unmeasured(self, crop_id: int) -> bool:
        """Tell whether a crop is still to be measured, or to be told of."""
        crop = self._crops.get(crop_id)
        if crop is None:
            return bool(self._unmeasured)
        return not self._features.has(crop.seen)

    def _measure(self) -> None:
        for _ in range(min(_AT_ONCE, len(self._unmeasured))):
            crop = self._crops.get(self._unmeasured.pop())
            if crop is not None:
                self._features.of(crop.seen, self._pixels)
        self._rows = None
        self._since_report += _AT_ONCE
        left = len(self._unmeasured)
        if not left or left % _SAY_EVERY < _AT_ONCE:
            self._tell({"measured": len(self._crops) - left, "of": len(self._crops)})
        if not left or self._since_report >= _TELL_EVERY:
            self._since_report = 0
            self._to_fit = True
        if not left:
            self._features.save()

    def _take_newest_run(self) -> None:
        """Look through the eyes of the newest network; one that cannot be read is passed over for
        an older one.
        """
        before = self._run.folder if self._run is not None else None
        found = before
        for run in networks(self._folder):
            found = run.path
            if found == before:
                return
            if found not in self._passed_over and self._look_through(run):
                break
        else:
            found = None
            self._run = None
        if found != before:
            self._list_unseen()

    def _look_through(self, run: RunFolder) -> bool:
        """Tell whether the network of a run can be looked through, and do so."""
        try:
            self._run = RunFeatures(run)
        except PoreguiError:
            self._passed_over.add(run.path)
            return False
        return True

    def _see(self) -> None:
        """Take the run's features of some crops; once all are there, all is learnt anew."""
        assert self._run is not None
        some = [self._crops[i] for i in self._unseen[-_AT_ONCE:] if i in self._crops]
        del self._unseen[-_AT_ONCE:]
        self._run.see([one.seen for one in some], self._pixels)
        self._to_fit = not self._unseen

    def _with_features(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rows with the features of the run beside them."""
        known = [self._crops[i].seen for i in self._ids.tolist()]
        if self._run is not None:
            return np.hstack([rows, self._run.rows(known)])
        return rows

    def _all_rows(self) -> NDArray[np.float64]:
        if self._rows is None:
            self._ids = np.array(sorted(self._crops), np.int64)
            blank = np.full(COUNT, np.nan, np.float32)
            known = [self._crops[i] for i in self._ids.tolist()]
            features = [
                self._features.of(crop.seen, self._pixels)
                if self._features.has(crop.seen)
                else blank
                for crop in known
            ]
            self._rows = feature_rows(
                np.array(features, np.float64), [crop.seen.um_per_px for crop in known]
            )
            self._measured = np.array([self._features.has(crop.seen) for crop in known], bool)
        return self._rows

    def _taught(self) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
        """Return rows of the table, labels and groups of the crops that are learnt from."""
        taught = sorted(crop_id for crop_id in self._labels if crop_id in self._crops)
        taught_rows = np.searchsorted(self._ids, np.array(taught, np.int64))
        labels = np.array([self._labels[i] for i in taught], np.int64)
        return taught_rows, labels, self._groups(taught)

    def _groups(self, taught: Sequence[int]) -> list[str]:
        """Return the groups of crops; one of itself alone belongs to its source, as in a training.

        Names are read when crops changed, and here, because a window with many crops has no time
        for it.
        """
        groups = [self._crops[i].group for i in taught]
        if self._grouped is None:
            self._grouped = {}
            if any(group.startswith("crop:") for group in groups):
                with suppress(PoreguiError), Project.open(self._folder, read_only=True) as project:
                    self._grouped = groups_of(project, project.crops())
        grouped = self._grouped
        return [
            grouped.get(i, group) if group.startswith("crop:") else group
            for i, group in zip(taught, groups, strict=True)
        ]

    def _suggest(self) -> bool:
        """Fit and tell; whether there was enough to learn from."""
        self._take_newest_run()
        rows = self._all_rows()
        taught_rows, labels, groups = self._taught()
        honest = self._not_learnt_from(taught_rows)
        joined = self._run is not None and not self._unseen and honest.sum() >= FEWEST_UNSEEN
        if joined:
            rows = self._with_features(rows)
        model = fit(rows[taught_rows], labels, groups, honest=honest if joined else None)
        if model is None:
            self._tell({"suggestions": None, "labelled": len(labels)})
            return False
        found = self._predictions(rows, taught_rows, model)
        self._tell(
            {
                "suggestions": replace(
                    found, run=self._run.run if joined and self._run else None
                ).to_json()
            }
        )
        return True

    def _not_learnt_from(self, taught_rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of the crops that are learnt from did not teach the run."""
        if self._run is not None:
            known = self._run.learnt_from
        else:
            known = frozenset()
        return np.array([crop_id not in known for crop_id in self._ids[taught_rows].tolist()], bool)

    def _predictions(
        self, rows: NDArray[np.float64], taught_rows: NDArray[np.int64], model: Suggester
    ) -> Suggestions:
        probabilities = model.probabilities(rows)
        passed_over = ~self._measured
        passed_over[taught_rows] = True
        passed_over |= np.isin(self._ids, np.array(list(self._labels), np.int64))
        order = teaching_order(rows, probabilities, passed_over, _ORDERED)
        probabilities[~self._measured] = np.nan
        return Suggestions(
            self._ids,
            model.labels,
            probabilities.astype(np.float32),
            self._ids[order],
            model.count,
            model.accuracy,
            checked=model.checked,
            groups=model.groups,
            over=model.over,
        )

    def _draw(self) -> None:
        rows = self._all_rows()
        taught_rows, labels, groups = self._taught()
        curve = learning_curve(rows[taught_rows], labels, groups, stop=self._waiting)
        if curve is not None:
            self._tell({"curve": curve.to_json()})
        elif self._waiting():
            self._to_draw = True

    def _answer_alike(self, crop_id: int) -> None:
        """Tell all crops by likeness to one, and of each label the most alike."""
        rows = self._all_rows()
        index = int(np.searchsorted(self._ids, crop_id))
        if index == len(self._ids) or self._ids[index] != crop_id or not self._measured[index]:
            return
        if not self._unseen:
            rows = self._with_features(rows)
        distances = np.where(self._measured, ((rows - rows[index]) ** 2).sum(axis=1), np.inf)
        order = self._ids[np.argsort(distances, kind="stable")]
        of_each: dict[int, list[int]] = {}
        for other in order.tolist():
            label = self._labels.get(other)
            if (
                other != crop_id
                and label is not None
                and len(of_each.setdefault(label, [])) < _ALIKE_OF_EACH
            ):
                of_each[label].append(other)
        self._tell({"alike": crop_id, "order": order.tolist(), "of_each": list(of_each.items())})
