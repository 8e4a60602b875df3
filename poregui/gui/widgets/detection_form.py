"""Let a person choose how pores are found; the form follows the declared fields of
domain/detection.py.
"""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QLabel,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.detection import OF_THE_GREY, DetectionRecipe, detection_parameters
from poregui.domain.errors import PoreguiError
from poregui.domain.parameters import Parameter
from poregui.gui.base.theme import GAP
from poregui.gui.widgets.recipe_form import ParameterForm, fold_arrow, set_value

_STEPS = 1000
_SLID = {
    "level": 255.0,
    "offset": 60.0,
    "deviations": 20.0,
    "smoothing": 6.0,
    "smallest": 60.0,
    "contrast": 60.0,
    "split_strength": 1.0,
}
"""The numbers with a slider, and its upper end; larger ones are typed."""
_FIELD_WIDTH = 84
_UNIT_WIDTH = 68
_CHOICE_WIDTH = 112


class DetectionForm(ParameterForm):
    """Show a recipe of detection; fields that the other choices make meaningless are not there.

    `changed` carries a DetectionRecipe within its declared ranges, also while a slider moves;
    `refused` a sentence when two values do not go together.
    """

    changed = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        shown = [one for one in detection_parameters() if one.name != "chosen_by"]
        super().__init__("detection", shown, parent)
        self.edited.connect(self._field_changed)
        self.setAccessibleName("Pore detection settings")
        self._sliders: dict[str, QSlider] = {name: self._slider(name) for name in _SLID}
        self._tops = dict(_SLID)
        self._rows: dict[str, list[QWidget]] = {}
        self._more = QWidget()
        self._lay_out()
        self._recipe = DetectionRecipe()
        self._learned = False
        self.set_recipe(self._recipe)

    def recipe(self) -> DetectionRecipe:
        """Return the recipe that the form shows."""
        return self._recipe

    def set_recipe(self, recipe: DetectionRecipe) -> None:
        """Show a recipe without telling of it."""
        self._recipe = recipe
        for name, field in self._fields.items():
            with QSignalBlocker(field):
                set_value(field, getattr(recipe, name))
        for name in self._sliders:
            self._place_slider(name)
        self._show_rows()

    def set_learned(self, learned: bool) -> None:
        """Leave out what means nothing where a learned finder takes the place of a threshold."""
        self._learned = learned
        self._show_rows()

    def set_writable(self, writable: bool) -> None:
        """Offer or withhold the fields."""
        for widget in (*self._fields.values(), *self._sliders.values()):
            widget.setEnabled(writable)

    def set_grey_top(self, top: float) -> None:
        """Say what the largest grey of the micrograph is, for the slider of the level."""
        self._tops["level"] = max(1.0, top)
        self._place_slider("level")

    # ---- following --------------------------------------------------------------------------

    def _field_changed(self, name: str) -> None:
        if name in self._sliders:
            self._place_slider(name)
        self._announce()

    def _slid(self, name: str, _value: int) -> None:
        value = self._sliders[name].value() / _STEPS * self._tops[name]
        if self._tops[name] >= 255:
            coarse = 0
        elif self._tops[name] <= 10:
            coarse = 2
        else:
            coarse = 1
        with QSignalBlocker(self._fields[name]):
            set_value(self._fields[name], round(value, coarse))
        self._announce()

    def _announce(self) -> None:
        try:
            self._recipe = DetectionRecipe(**{name: self._value(name) for name in self._parameters})
        except PoreguiError as error:
            self.refused.emit(str(error))
            return
        self._show_rows()
        self.changed.emit(self._recipe)

    def _place_slider(self, name: str) -> None:
        slider = self._sliders[name]
        with QSignalBlocker(slider):
            slider.setValue(round(min(1.0, self._value(name) / self._tops[name]) * _STEPS))

    def _show_rows(self) -> None:
        recipe = self._recipe
        meant = {
            "level": recipe.method == "manual",
            "window": recipe.method == "local",
            "offset": recipe.method == "local",
            "deviations": recipe.method == "noise",
            "correction": recipe.flatten,
            "background_radius": recipe.flatten,
            "split_strength": recipe.split,
            "view_multiple": recipe.view == "multiple",
            "view_size": recipe.view == "fixed",
        }
        of_the_grey = [name for name in OF_THE_GREY if name in self._rows]
        meant |= dict.fromkeys(of_the_grey, True) | meant
        if self._learned:
            meant |= dict.fromkeys(of_the_grey, False)
        for name, shown in meant.items():
            for widget in self._rows[name]:
                widget.setVisible(shown)

    # ---- building ---------------------------------------------------------------------------

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        units = {
            "window": "window_unit",
            "background_radius": "background_unit",
            "view_size": "view_unit",
        }
        units |= {"smallest": "size_unit"}
        main: tuple[str, ...] = (
            "polarity",
            "method",
            "level",
            "window",
            "offset",
            "deviations",
            "smoothing",
            "flatten",
            "correction",
            "background_radius",
        )
        main += ("fill_holes", "split", "split_strength", "smallest")
        rest = ("largest", "contrast", "edge", "view", "view_multiple", "view_size")
        layout.addLayout(self._grid(main, units))
        self._more_button = QToolButton()
        self._more_button.setObjectName("detection_more_button")
        self._more_button.setAccessibleName("Show more detection settings")
        self._more_button.setText("Limits and crop margin")
        self._more_button.setCheckable(True)
        self._more_button.setAutoRaise(True)
        self._more_button.setArrowType(Qt.ArrowType.RightArrow)
        self._more_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._more_button.toggled.connect(self._unfold)
        layout.addWidget(self._more_button)
        self._more.setLayout(self._grid(rest, units))
        self._more.hide()
        layout.addWidget(self._more)

    def _unfold(self, unfolded: bool) -> None:
        self._more.setVisible(unfolded)
        self._more_button.setArrowType(fold_arrow(unfolded))

    def _grid(self, names: tuple[str, ...], units: dict[str, str]) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GAP // 2)
        grid.setVerticalSpacing(GAP // 2)
        grid.setColumnStretch(0, 1)
        for name in names:
            self._add_row(grid, name, units.get(name))
        return grid

    def _add_row(self, grid: QGridLayout, name: str, unit: str | None) -> None:
        row = grid.rowCount()
        field = self._fields[name]
        parameter = self._parameters[name]
        widgets = self._rows[name] = [field]
        if isinstance(field, QCheckBox):
            grid.addWidget(field, row, 0, 1, 3)
        else:
            label = QLabel(parameter.label)
            label.setToolTip(parameter.help)
            label.setBuddy(field)
            label.setWordWrap(True)
            label.setMinimumWidth(64)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1, 1, 2 - bool(unit))
            widgets.append(label)
        if unit:
            grid.addWidget(self._fields[unit], row, 2)
            widgets.append(self._fields[unit])
        if name in self._sliders:
            grid.addWidget(self._sliders[name], row + 1, 0, 1, 3)
            widgets.append(self._sliders[name])

    def _width(self, parameter: Parameter) -> int:
        if parameter.choices == ("um", "px"):
            return _UNIT_WIDTH
        if parameter.choices:
            return _CHOICE_WIDTH
        return _FIELD_WIDTH

    def _slider(self, name: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setObjectName(f"detection_{name}_slider")
        slider.setAccessibleName(self._parameters[name].label)
        slider.setToolTip(self._parameters[name].help)
        slider.setRange(0, _STEPS)
        slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        slider.installEventFilter(self)
        slider.valueChanged.connect(partial(self._slid, name))
        return slider
