"""Keep the grid true to its filter while labels change, a row at a time; changes with what a label does to the list."""

from __future__ import annotations

from collections.abc import Sequence

from poregui.gui.label.catalogue import Catalogue
from poregui.gui.label.filters import CropFilter
from poregui.gui.label.grid_order import Ordering
from poregui.gui.lists.crop_grid import CropGrid

_FEW = 40
"""Crops that come and go one by one; for more the list is made anew."""


def follow_labels(
    grid: CropGrid, catalogue: Catalogue, ordering: Ordering, wanted: CropFilter, crop_ids: Sequence[int]
) -> bool:
    """Show crops whose labels changed anew, leave out and take in what the filter says; False: all is to be listed."""
    known = [catalogue.crops[crop_id] for crop_id in crop_ids if crop_id in catalogue.crops]
    if wanted.label == "any":
        grid.change_rows(catalogue.row(crop.id) for crop in known)
        return True
    if len(known) > _FEW:
        return False
    rows = grid.rows
    shown = [crop for crop in known if wanted.accepts(crop)]
    rows.take_out(crop.id for crop in known if not wanted.accepts(crop))
    grid.change_rows(catalogue.row(crop.id) for crop in shown)
    rows.put_in((catalogue.row(crop.id) for crop in shown if rows.place(crop.id) is None), ordering.rank)
    return True
