"""Build what all dialogs share: a form, number fields, a message for bad input, buttons."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from poregui.domain.errors import PoreguiError
from poregui.gui.base.theme import GAP, MARGIN


def scale_from(text: str) -> float | None:
    """Return um per px from a text; None for an empty one.

    A comma and a point both separate decimals, whatever the desktop's language. Raises PoreguiError
    for anything that is no number above 0.
    """
    cleaned = text.strip().replace(",", ".")
    if not cleaned:
        return None
    try:
        value = float(cleaned)
    except ValueError as error:
        raise PoreguiError(
            f"{text!r} is no scale.", "Write um per px as a number, such as 0.42."
        ) from error
    if not 0 < value < 1e6:
        raise PoreguiError(f"{text!r} is no scale.", "Write um per px as a number above 0.")
    return value


class FormDialog(QDialog):
    """Hold a form; `check` is called on OK and keeps the dialog open with its sentence when it
    raises.
    """

    def __init__(self, title: str, ok_text: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(480)
        self.form = QFormLayout()
        self.form.setVerticalSpacing(GAP)
        self.form.setHorizontalSpacing(2 * GAP)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._problem = QLabel()
        self._problem.setObjectName("dialog_problem")
        self._problem.setProperty("bad", True)
        self._problem.setWordWrap(True)
        self._problem.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.ok = self.buttons.addButton(ok_text, QDialogButtonBox.ButtonRole.AcceptRole)
        self.ok.setObjectName("dialog_ok")
        self.ok.setProperty("primary", True)
        self.ok.setDefault(True)
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * MARGIN, 2 * MARGIN, 2 * MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addLayout(self.form)
        layout.addWidget(self._problem)
        layout.addStretch()
        layout.addWidget(self.buttons)

    def check(self) -> None:
        """Read the form. Raises PoreguiError when something in it is unfit."""

    def _accept(self) -> None:
        try:
            self.check()
        except PoreguiError as error:
            self._problem.setText(str(error))
            self._problem.show()
            return
        self.accept()


def hint(text: str) -> QLabel:
    """Return a muted explanation under a field."""
    label = QLabel(text)
    label.setProperty("muted", True)
    label.setWordWrap(True)
    return label
