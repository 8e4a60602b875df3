"""Let a person ask for a cross-validation in the place of one network; changes with what is chosen for it."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QGridLayout, QSpinBox, QWidget

from poregui.gui.base.theme import GAP

_FOLDS, _MOST_FOLDS = 5, 20


class CrossValidationBox(QWidget):
    """Offer the number of folds, and whether to measure once more with groups torn apart."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cross_validation_box")
        self.setAccessibleName("Cross-validation")
        self.switch = QCheckBox("Cross-validate")
        self.switch.setObjectName("cross_validate_switch")
        self.switch.setAccessibleName("Cross-validate")
        self.switch.setToolTip(
            "Test every crop once, by a network that has not seen its specimen. Leaves answers and numbers, no network."
        )
        self.number = QSpinBox()
        self.number.setObjectName("folds_number")
        self.number.setAccessibleName("Number of folds")
        self.number.setToolTip("As many networks are trained, one after the other")
        self.number.setRange(2, _MOST_FOLDS)
        self.number.setValue(_FOLDS)
        self.number.setSuffix(" folds")
        self.number.setFixedWidth(112)
        self.number.lineEdit().setTextMargins(GAP // 2, 0, 0, 0)
        self.compare = QCheckBox("Once more crop by crop, to compare")
        self.compare.setObjectName("compare_by_crop_switch")
        self.compare.setAccessibleName("Cross-validate once more with crops of one specimen on both sides")
        self.compare.setToolTip(
            "A second run, with crops of one specimen on both sides: how much better it looks is what knowing the "
            "specimen is worth. Review shows the two beside each other."
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
        return self.number.value() if self.switch.isChecked() else 0

    @property
    def compares(self) -> bool:
        """Return whether to cross-validate crop by crop as well."""
        return self.switch.isChecked() and self.compare.isChecked()

    def _follow(self, on: bool) -> None:
        self.number.setEnabled(on)
        self.compare.setVisible(on)
