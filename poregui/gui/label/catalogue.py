"""Keep the project's records at hand for the label page and filter its crops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from poregui.domain.classes import PoreClass
from poregui.domain.errors import ProjectError
from poregui.domain.records import Changed, Crop, Micrograph
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.canvas.canvas_boxes import CanvasBox
from poregui.gui.lists.crop_list import CropRow
from poregui.gui.lists.micrograph_list import MicrographRow
from poregui.store.project import Project

READY_MADE = 0
"""In the place of a micrograph: crops that came without one."""


@dataclass(frozen=True)
class CropFilter:
    """Hold what to show; `label` may be `any`, None for unlabelled crops, `proposals`, or a label.

    None elsewhere means all.
    """

    label: int | Literal["any", "proposals"] | None = "any"
    specimen_id: int | None = None
    micrograph_id: int | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether everything is shown."""
        return self == CropFilter()

    def accepts(self, crop: Crop) -> bool:
        """Tell whether a crop is shown."""
        if self.label == "proposals":
            if not crop.is_candidate:
                return False
        elif self.label != "any" and crop.label != self.label:
            return False
        if self.specimen_id is not None and crop.specimen_id != self.specimen_id:
            return False
        return (
            self.micrograph_id is None or (crop.micrograph_id or READY_MADE) == self.micrograph_id
        )


_FEW = 500
"""Crops that are read one by one after an edit; for more, all are read anew."""


class Catalogue:
    """Hold crops, micrographs, classes and specimens as they are now, so that 10,000 crops stay
    quick.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self.crops: dict[int, Crop] = {}
        self._rows: dict[int, CropRow] = {}
        self._tally = _Tally()
        self.read_all()

    def read_all(self) -> None:
        """Read everything."""
        self.read_facts()
        self.crops = {crop.id: crop for crop in self._project.crops()}
        self._rows = {crop.id: self._row(crop) for crop in self.crops.values()}
        self._tally = _Tally()
        for crop in self.crops.values():
            self._tally.add(crop)

    def read_facts(self) -> None:
        """Read all but the crops."""
        self.classes: tuple[PoreClass, ...] = self._project.classes()
        self.known_classes: tuple[PoreClass, ...] = self._project.classes(retired=True)
        self.marks = ClassMarks(self.known_classes)
        self.micrographs: dict[int, Micrograph] = {m.id: m for m in self._project.micrographs()}
        self.specimens: dict[int, str] = {s.id: s.name for s in self._project.specimens()}

    def follow(self, changed: Changed) -> None:
        """Read again what an edit changed."""
        if changed.kinds == {"labels"} and changed.crop_ids:
            self._read_labels(changed.crop_ids)
        elif (
            changed.kinds & {"classes", "micrographs", "specimens"} or len(changed.crop_ids) > _FEW
        ):
            self.read_all()
        elif changed.crop_ids:
            self._read_crops(changed.crop_ids)
        elif changed.kinds & {"crops", "labels"}:
            self.read_all()

    def _read_labels(self, crop_ids: tuple[int, ...]) -> None:
        if len(crop_ids) <= _FEW:
            labels = self._project.labels_of(crop_ids)
        else:
            labels = self._project.labels()
        for crop_id in crop_ids:
            old = self.crops.get(crop_id)
            if old is not None:
                self._put(replace(old, label=labels.get(crop_id)))

    def _put(self, crop: Crop) -> None:
        self._tally.remove(self.crops.get(crop.id))
        self._tally.add(crop)
        self.crops[crop.id] = crop
        self._rows[crop.id] = self._row(crop)

    def _read_crops(self, crop_ids: tuple[int, ...]) -> None:
        last = next(reversed(self.crops), 0)
        come_back = any(crop_id < last and crop_id not in self.crops for crop_id in crop_ids)
        for crop_id in crop_ids:
            try:
                crop = self._project.crop(crop_id)
            except ProjectError:
                self._tally.remove(self.crops.pop(crop_id, None))
                self._rows.pop(crop_id, None)
                continue
            self._put(crop)
        if come_back:
            self.crops = dict(sorted(self.crops.items()))

    def _row(self, crop: Crop) -> CropRow:
        source = self.micrographs.get(crop.micrograph_id or 0)
        if source:
            name = source.shown_name
        else:
            name = crop.source.rsplit("/", 1)[-1]
        return CropRow(
            crop.id,
            crop.label,
            self.marks.name(crop.label),
            f"{crop.width} × {crop.height} px, {name}",
        )

    def rows(self, wanted: CropFilter) -> list[CropRow]:
        """Return the rows of the crops that a filter shows."""
        if wanted.is_open:
            return [self._rows[crop_id] for crop_id in self.crops]
        among: Iterable[Crop] = self.crops.values()
        if wanted.micrograph_id is not None:
            among = self.crops_of(wanted.micrograph_id or None)
        return [self._rows[crop.id] for crop in among if wanted.accepts(crop)]

    def row(self, crop_id: int) -> CropRow:
        """Return the row of one crop."""
        return self._rows[crop_id]

    def counts(self) -> Counter[int | None]:
        """Return the number of crops per label."""
        return self._tally.labels.copy()

    def boxes(self, micrograph_id: int) -> list[CanvasBox]:
        """Return the boxes of a micrograph's crops."""
        return [
            CanvasBox(crop.id, crop.box, crop.label)
            for crop in self.crops_of(micrograph_id)
            if crop.box is not None
        ]

    def crops_of(self, micrograph_id: int | None) -> list[Crop]:
        """Return a micrograph's crops in their order; those that came without one for None."""
        return [
            self.crops[crop_id]
            for crop_id in sorted(self._tally.of_micrograph.get(micrograph_id, ()))
        ]

    def micrograph_rows(self) -> list[MicrographRow]:
        """Return the rows of the list of micrographs."""
        return [self._micrograph_row(m) for m in self.micrographs.values()]

    def micrograph_rows_of(self, crop_ids: Iterable[int]) -> list[MicrographRow]:
        """Return the rows of the micrographs that some crops come from."""
        ids = {
            crop.micrograph_id
            for crop_id in crop_ids
            if (crop := self.crops.get(crop_id)) is not None
        }
        return [
            self._micrograph_row(self.micrographs[i])
            for i in ids
            if i is not None and i in self.micrographs
        ]

    def _micrograph_row(self, m: Micrograph) -> MicrographRow:
        crops = len(self._tally.of_micrograph.get(m.id, ()))
        labelled = self._tally.labelled[m.id]
        specimen = self.specimens.get(m.specimen_id or 0, "")
        return MicrographRow(m.id, m.shown_name, specimen, crops, labelled, m.um_per_px)

    def micrograph_entries(self) -> list[tuple[str, int]]:
        """Return (name, id) for the filter, with an entry for crops that came
        without a micrograph.
        """
        entries = [(m.shown_name, m.id) for m in self.micrographs.values()]
        if entries and self._tally.of_micrograph.get(None):
            entries.append(("Ready-made crops", READY_MADE))
        return entries

    def specimen_entries(self) -> list[tuple[str, int]]:
        """Return (name, id) of the specimens for the filter."""
        return [(name, specimen_id) for specimen_id, name in self.specimens.items()]


class _Tally:
    """Count crops by label and by micrograph, one by one, so that a key costs the same however many
    there are.
    """

    def __init__(self) -> None:
        self.labels: Counter[int | None] = Counter()
        self.labelled: Counter[int | None] = Counter()
        self.of_micrograph: dict[int | None, set[int]] = {}

    def add(self, crop: Crop) -> None:
        """Count a crop."""
        self.labels[crop.label] += 1
        self.labelled[crop.micrograph_id] += crop.label is not None
        self.of_micrograph.setdefault(crop.micrograph_id, set()).add(crop.id)

    def remove(self, crop: Crop | None) -> None:
        """Count a crop no longer."""
        if crop is not None:
            self.labels[crop.label] -= 1
            self.labelled[crop.micrograph_id] -= crop.label is not None
            self.of_micrograph[crop.micrograph_id].discard(crop.id)
