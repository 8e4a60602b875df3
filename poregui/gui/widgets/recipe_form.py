"""Let a person fill in a recipe, folds included; follows domain/recipe.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.recipe import Parameter, Recipe, parameters, recipe_for
from poregui.gui.base.pieces import NumberBox, WholeNumberBox
from poregui.gui.base.theme import GAP

_FOLDS = 5
_MOST_FOLDS = 20


class CrossValidationBox(QWidget):
    """Offer the number of folds, and whether to run once more with groups split up."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cross_validation_box")
        self.setAccessibleName("Cross-validation")
        self.switch = QCheckBox("Cross-validate")
        self.switch.setObjectName("cross_validate_switch")
        self.switch.setAccessibleName("Cross-validate")
        self.switch.setToolTip(
            "Test every crop once with a network that has not seen its specimen. Gives predictions "
            "and accuracy, but no network."
        )
        self.number = WholeNumberBox()
        self.number.setObjectName("folds_number")
        self.number.setAccessibleName("Number of folds")
        self.number.setToolTip("One network is trained per fold, one after the other")
        self.number.setRange(2, _MOST_FOLDS)
        self.number.setValue(_FOLDS)
        self.number.setSuffix(" folds")
        self.number.setFixedWidth(112)
        self.number.lineEdit().setTextMargins(GAP // 2, 0, 0, 0)
        self.compare = QCheckBox("Also run a leaky split (for comparison)")
        self.compare.setObjectName("compare_by_crop_switch")
        self.compare.setAccessibleName(
            "Cross-validate again with crops of one specimen in training and test"
        )
        self.compare.setToolTip(
            "A second run with crops of one specimen in both training and test. How much better it "
            "looks is due to knowing the specimen. Review shows both runs."
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(GAP // 2)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self.switch, 0, 0)
        grid.addWidget(self.number, 0, 1)
        grid.addWidget(self.compare, 1, 0, 1, 2)
        self.switch.toggled.connect(self._follow)
        self._follow(False)

    @property
    def folds(self) -> int:
        """Return the number of folds, 0 for one network."""
        if self.switch.isChecked():
            return self.number.value()
        return 0

    @property
    def compares(self) -> bool:
        """Return whether to cross-validate crop by crop as well."""
        return self.switch.isChecked() and self.compare.isChecked()

    def _follow(self, on: bool) -> None:
        self.number.setEnabled(on)
        self.compare.setEnabled(on)


_FIELD_WIDTH = 112
_FIXED_BY_SEED = ("input_size",)
"""Fields without effect on the network of the original study."""
_OF_PRETRAINED = ("frozen_epochs", "fine_tuning_rate")
"""Fields that only a network which came with weights heeds."""
_CHOICES = {
    "um": "µm",
    "px": "px",
    "keep": "Include",
    "drop": "Exclude",
    "multiple": "× pore size",
}
"""How choices are written, where not as in files with a capital letter."""
_OF_A_FOREST = ("preset", "seed", "validation_share", "threads")
"""Fields that a run without a network heeds."""


class ParameterForm(QWidget):
    """Hold a field for each declared parameter.

    `edited` carries the name of one in which a person chose another value.
    """

    edited = Signal(str)

    def __init__(
        self, name: str, declared: Iterable[Parameter], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName(f"{name}_form")
        self._parameters = {parameter.name: parameter for parameter in declared}
        self._fields: dict[str, QWidget] = {}
        for parameter in self._parameters.values():
            self._fields[parameter.name] = self._field(name, parameter)

    def _field(self, prefix: str, parameter: Parameter) -> QWidget:
        field = make_field(parameter)
        field.setObjectName(f"{prefix}_{parameter.name}")
        field.setAccessibleName(parameter.label)
        limits = ""
        if parameter.low is not None:
            limits = f" {parameter.low:g} to {parameter.high:g}."
        field.setToolTip(parameter.help + limits)
        if not isinstance(field, QCheckBox):
            field.setFixedWidth(self._width(parameter))
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            field.installEventFilter(self)
        follow(field, partial(self._tell_edit, parameter.name))
        return field

    def _width(self, _parameter: Parameter) -> int:
        return _FIELD_WIDTH

    def _tell_edit(self, name: str, _value: object) -> None:
        self.edited.emit(name)

    def _value(self, name: str) -> Any:
        return value_of(self._fields[name])

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave the wheel to the panel where a field has no focus, or scrolling would change
        numbers unseen.
        """
        wheel = event.type() == QEvent.Type.Wheel
        if wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


class RecipeForm(ParameterForm):
    """Show a recipe and take its changes; what a person set by hand survives a change of the
    preset.

    `changed` carries the whole Recipe, which is always within its declared ranges.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("recipe", parameters(), parent)
        self.edited.connect(self._field_changed)
        self.setAccessibleName("Recipe")
        self._touched: set[str] = set()
        self._more = QWidget()
        self._more.setVisible(False)
        self._more_button = self._tool("more_button", "More", "Show more settings")
        self._more_button.setCheckable(True)
        self._more_button.setArrowType(Qt.ArrowType.RightArrow)
        self._more_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._more_button.toggled.connect(self._unfold)
        self._reset_button = self._tool("reset_button", "Reset", "Restore the values of the preset")
        self._reset_button.clicked.connect(self._reset)
        self._lay_out()
        self.set_recipe(recipe_for("default"))

    def recipe(self) -> Recipe:
        """Return the recipe that the form shows."""
        return Recipe(**{name: self._value(name) for name in self._parameters})

    def set_recipe(self, recipe: Recipe) -> None:
        """Show a recipe without telling of it; what differs from its preset
        counts as set by hand.
        """
        preset = recipe_for(recipe.preset)
        self._touched = {n for n in self._parameters if getattr(recipe, n) != getattr(preset, n)}
        self._show(recipe)

    def _show(self, recipe: Recipe) -> None:
        for name, field in self._fields.items():
            with QSignalBlocker(field):
                set_value(field, getattr(recipe, name))
        for name, field in self._fields.items():
            field.setEnabled(recipe.preset != "shape" or name in _OF_A_FOREST)
        if recipe.preset == "shape":
            self._reset_button.setEnabled(bool(self._touched))
            return
        for name in _FIXED_BY_SEED:
            self._fields[name].setEnabled(recipe.preset != "seed")
        for name in _OF_PRETRAINED:
            self._fields[name].setEnabled(recipe.preset == "pretrained")
        self._fields["early_stopping_patience"].setEnabled(recipe.early_stopping)
        plateau = recipe.schedule == "plateau"
        self._fields["reduce_on_plateau"].setEnabled(plateau)
        for name in ("plateau_patience", "plateau_factor"):
            self._fields[name].setEnabled(plateau and recipe.reduce_on_plateau)
        self._fields["smallest_learning_rate"].setEnabled(not plateau or recipe.reduce_on_plateau)
        self._reset_button.setEnabled(bool(self._touched))

    def _field_changed(self, name: str) -> None:
        if name == "preset":
            kept = {n: self._value(n) for n in self._touched if n != "preset"}
            self._show(recipe_for(self._value("preset"), **kept))
        else:
            self._touched.add(name)
            self._show(self.recipe())
        self.changed.emit(self.recipe())

    def _reset(self) -> None:
        self._touched.clear()
        self._show(recipe_for(self._value("preset")))
        self.changed.emit(self.recipe())

    def _unfold(self, open_: bool) -> None:
        self._more.setVisible(open_)
        self._more_button.setArrowType(fold_arrow(open_))

    # ---- building ---------------------------------------------------------------------------

    def _lay_out(self) -> None:
        main = [p for p in self._parameters.values() if p.main]
        others = [p for p in self._parameters.values() if not p.main]
        row = QHBoxLayout()
        row.addWidget(self._more_button)
        row.addStretch(1)
        row.addWidget(self._reset_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP // 2)
        layout.addLayout(self._grid(main))
        layout.addLayout(row)
        self._more.setLayout(self._grid(others))
        layout.addWidget(self._more)

    def _grid(self, chosen: Iterable[Parameter]) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(GAP // 2)
        grid.setColumnStretch(0, 1)
        for row, parameter in enumerate(chosen):
            field = self._fields[parameter.name]
            if isinstance(field, QCheckBox):
                grid.addWidget(field, row, 0, 1, 2)
                continue
            label = QLabel(parameter.label)
            label.setToolTip(parameter.help)
            label.setWordWrap(True)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        return grid

    def _tool(self, name: str, text: str, accessible: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setText(text)
        button.setAccessibleName(accessible)
        button.setToolTip(accessible)
        button.setAutoRaise(True)
        return button


def fold_arrow(unfolded: bool) -> Qt.ArrowType:
    """Return the arrow of a button that unfolds further fields."""
    if unfolded:
        return Qt.ArrowType.DownArrow
    return Qt.ArrowType.RightArrow


def make_field(parameter: Parameter) -> QWidget:
    """Return the widget in which the value of a declared field is chosen."""
    if parameter.choices:
        box = QComboBox()
        for choice in parameter.choices:
            box.addItem(_CHOICES.get(choice, choice.capitalize()), choice)
        return box
    if parameter.kind is bool:
        return QCheckBox(parameter.label)
    number: WholeNumberBox | NumberBox = WholeNumberBox()
    if parameter.kind is float:
        number = NumberBox()
        number.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
    number.lineEdit().setTextMargins(GAP // 2, 0, 0, 0)
    assert parameter.low is not None
    assert parameter.high is not None
    number.setRange(parameter.kind(parameter.low), parameter.kind(parameter.high))
    number.setKeyboardTracking(False)
    if parameter.unit:
        number.setSuffix(f" {parameter.unit}")
    if parameter.name == "threads":
        number.setSpecialValueText("all")
    return number


def value_of(field: QWidget) -> Any:
    """Return the value in a widget of `make_field`."""
    if isinstance(field, QCheckBox):
        return field.isChecked()
    if isinstance(field, QComboBox):
        return field.currentData()
    return field.value()


def follow(field: QWidget, slot: Callable[[Any], None]) -> None:
    """Call `slot` when the value in a widget of `make_field` changes."""
    if isinstance(field, QCheckBox):
        field.toggled.connect(slot)
    elif isinstance(field, QComboBox):
        field.currentIndexChanged.connect(slot)
    else:
        field.valueChanged.connect(slot)


def set_value(field: QWidget, value: Any) -> None:
    """Show a value in a widget of `make_field`."""
    if isinstance(field, QCheckBox):
        field.setChecked(value)
    elif isinstance(field, QComboBox):
        field.setCurrentIndex(field.findData(value))
    else:
        field.setValue(value)
