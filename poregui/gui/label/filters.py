"""Choose which crops the grid shows; changes with what crops can be filtered by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poregui.domain.records import Crop

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
            if not crop.is_proposal:
                return False
        elif self.label != "any" and crop.label != self.label:
            return False
        if self.specimen_id is not None and crop.specimen_id != self.specimen_id:
            return False
        return self.micrograph_id is None or (crop.micrograph_id or READY_MADE) == self.micrograph_id
