"""Hold that a person can choose in which micrographs pores are looked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton

from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Mask
from poregui.domain.records import Detection, Micrograph
from poregui.gui.dialogs.micrograph_choice import WhichMicrographsDialog
from poregui.workflow.detecting.find_pores import Searchable, recipe_text, searchable
from poregui.workflow.editing.micrograph_choice import micrographs_called

MANUAL = DetectionRecipe(method="manual", level=90.0)


def micrograph(number: int, specimen_id: int | None = 1) -> Micrograph:
    name = f"field_{number}.png"
    return Micrograph(
        number, name, name, f"{number:064d}", 60, 40, 8, 1, 0.5, specimen_id=specimen_id
    )


def searched_by(recipe: DetectionRecipe) -> Detection:
    return Detection("2026-01-01T00:00:00Z", recipe_text(recipe), 2400.0)


def choices() -> tuple[Searchable, ...]:
    fields = [micrograph(1), micrograph(2), micrograph(3, 2), micrograph(4, None)]
    done = {1: searched_by(MANUAL), 2: searched_by(DetectionRecipe())}
    return searchable(fields, done, {1: "S1", 2: "S2"}, {1: 12}, recipe_text(MANUAL))


def test_it_is_told_which_micrographs_were_searched_by_this_recipe_and_which_by_another() -> None:
    received = choices()
    assert [one.searched for one in received] == ["same", "otherwise", "never", "never"]
    assert [one.specimen for one in received] == ["S1", "S1", "S2", ""]
    assert [one.crops for one in received] == [12, 0, 0, 0]


def test_a_mask_that_came_later_asks_for_another_search() -> None:
    later = replace(micrograph(1), masks=(Mask.of_box(Box(0, 0, 9, 9)),))
    (received,) = searchable([later], {1: searched_by(MANUAL)}, {}, {}, recipe_text(MANUAL))
    assert received.searched == "otherwise"


def test_all_micrographs_are_ticked_at_first_and_a_specimen_is_unticked_with_one_click(
    qtbot,
) -> None:
    dialog = WhichMicrographsDialog(choices())
    qtbot.addWidget(dialog)
    assert dialog.ids == (1, 2, 3, 4)
    first = dialog.tree.topLevelItem(0)
    assert first is not None
    assert first.text(0) == "S1"
    first.setCheckState(0, Qt.CheckState.Unchecked)
    assert dialog.ids == (3, 4)
    assert dialog.summary.text() == "2 of 4 micrographs"


def test_those_not_searched_by_this_recipe_are_ticked_at_once_and_none_is_no_choice(qtbot) -> None:
    dialog = WhichMicrographsDialog(choices())
    qtbot.addWidget(dialog)
    button(dialog, "which_new").click()
    assert dialog.ids == (2, 3, 4)
    button(dialog, "which_none").click()
    assert dialog.ids == ()
    assert not dialog.ok.isEnabled()
    with pytest.raises(PoreguiError, match="No micrograph is ticked"):
        dialog.check()
    button(dialog, "which_all").click()
    assert dialog.ok.isEnabled()


def button(dialog: WhichMicrographsDialog, name: str) -> QAbstractButton:
    found = dialog.findChild(QAbstractButton, name)
    assert found is not None
    return found


def test_micrographs_are_called_by_name_and_a_misspelt_one_is_told_those_most_like_it() -> None:
    fields = [micrograph(number) for number in range(1, 9)]
    assert [
        one.id for one in micrographs_called(fields, ["field_3.png", "field_1.png", "field_3.png"])
    ] == [1, 3]
    with pytest.raises(
        PoreguiError, match=r"no micrograph 'fild_3.png'. The project has field_3.png"
    ):
        micrographs_called(fields, ["fild_3.png"])
