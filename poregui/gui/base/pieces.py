"""Make the small pieces that pages are laid out with, tabs among them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import (
    QLocale,
    QModelIndex,
    QPersistentModelIndex,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, QValidator
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.wording import decimal_from
from poregui.gui.base.theme import GAP, MARGIN

Index = QModelIndex | QPersistentModelIndex
"""What Qt gives to models and delegates to say which row and column is meant."""


class ElidedLabel(QLabel):
    """Show one line of plain text; what does not fit is in the tooltip."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("muted", True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumSize(QSize(1, 1))

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(text)
        self._update_tip()

    def shown(self) -> str:
        """Return what can be read in the room there is."""
        return self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, self.contentsRect().width()
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the tooltip in step with what can be read."""
        super().resizeEvent(event)
        self._update_tip()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw what fits."""
        painter = QPainter(self)
        self.style().drawItemText(
            painter,
            self.contentsRect(),
            int(self.alignment()),
            self.palette(),
            self.isEnabled(),
            self.shown(),
            self.foregroundRole(),
        )

    def _update_tip(self) -> None:
        tip = ""
        if self.shown() != self.text():
            tip = self.text()
        self.setToolTip(tip)


_DECIMALS = 6
_PARTIAL_NUMBER = re.compile(r"-?\d*[.,]?\d*", re.ASCII)
_PARTIAL_WHOLE = re.compile(r"-?\d*", re.ASCII)


class NumberBox(QDoubleSpinBox):
    """Take a number with a point or a comma, whatever the locale, and show no needless zeros.

    Every field of the window for a number that may have decimals is one of these, for Qt's own
    takes one of both signs for a mark of thousands and makes 125 of 12.5.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setLocale(QLocale.c())
        self.setDecimals(_DECIMALS)

    def textFromValue(self, value: float) -> str:
        """Return a number with a point, as few digits as it has."""
        text = f"{value:.{self.decimals()}f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return text

    def valueFromText(self, text: str) -> float:
        """Return the number that was typed."""
        if text == self.specialValueText():
            return self.minimum()
        try:
            return decimal_from(_bare(self, text))
        except ValueError:
            return self.value()

    def validate(self, text: str, position: int) -> object:
        """Tell whether a text is a number in the range, or may become one."""
        return _state(self, text, _PARTIAL_NUMBER), text, position


class WholeNumberBox(QSpinBox):
    """Take a whole number, whatever the locale, and no sign that means a decimal to somebody."""

    def __init__(self) -> None:
        super().__init__()
        self.setLocale(QLocale.c())
        self.setGroupSeparatorShown(False)

    def valueFromText(self, text: str) -> int:
        """Return the number that was typed."""
        if text == self.specialValueText():
            return self.minimum()
        try:
            return int(_bare(self, text))
        except ValueError:
            return self.value()

    def validate(self, text: str, position: int) -> object:
        """Tell whether a text is a whole number in the range, or may become one."""
        return _state(self, text, _PARTIAL_WHOLE), text, position


def _bare(box: NumberBox | WholeNumberBox, text: str) -> str:
    return text.removeprefix(box.prefix()).removesuffix(box.suffix()).strip()


def _state(
    box: NumberBox | WholeNumberBox, text: str, partial: re.Pattern[str]
) -> QValidator.State:
    if text and text == box.specialValueText():
        return QValidator.State.Acceptable
    bare = _bare(box, text)
    if not partial.fullmatch(bare) or (bare.startswith("-") and box.minimum() >= 0):
        return QValidator.State.Invalid
    try:
        fits = box.minimum() <= decimal_from(bare) <= box.maximum()
    except ValueError:
        fits = False
    if fits:
        return QValidator.State.Acceptable
    return QValidator.State.Intermediate


def fill(box: QComboBox, entries: Sequence[tuple[str, object]]) -> None:
    """Offer entries (text, value) and keep the chosen value where it is still offered."""
    if [(box.itemText(i), box.itemData(i)) for i in range(box.count())] == list(entries):
        return
    kept = entries[0][1]
    if box.count():
        kept = box.currentData()
    with QSignalBlocker(box):
        box.clear()
        for text, value in entries:
            box.addItem(text, value)
        values = [value for _, value in entries]
        if kept in values:
            box.setCurrentIndex(values.index(kept))


def combo(name: str, accessible: str) -> QComboBox:
    """Return a combo box that gives way in a narrow row."""
    box = QComboBox()
    box.setObjectName(name)
    box.setAccessibleName(accessible)
    box.setToolTip(accessible)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    box.setMaximumWidth(170)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    box.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
    return box


def button(name: str, text: str, tip: str, *, checkable: bool = False) -> QToolButton:
    """Return a small framed button."""
    made = QToolButton()
    made.setObjectName(name)
    made.setText(text)
    made.setProperty("boxed", True)
    made.setCheckable(checkable)
    made.setAccessibleName(tip)
    made.setToolTip(tip)
    return made


def heading(text: str, *, name: str = "", strong: bool = False) -> QLabel:
    """Return a heading, or a stronger title."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setProperty("title", strong)
    label.setProperty("heading", not strong)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def muted(name: str) -> QLabel:
    """Return a quiet label."""
    label = QLabel()
    label.setObjectName(name)
    label.setProperty("muted", True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def steady(lines: int, *labels: QLabel) -> QScrollArea:
    """Return a place for texts that come, change and go: as high as `lines`, so that nothing around
    it moves; what is longer scrolls.
    """
    area = QScrollArea()
    area.setProperty("steady", True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    held = QWidget()
    column = QVBoxLayout(held)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    for label in labels:
        label.setWordWrap(True)
        label.setAlignment(Qt.AlignmentFlag.AlignTop)
        column.addWidget(label)
    column.addStretch(1)
    area.setWidget(held)
    area.setFixedHeight(lines * (labels[0].fontMetrics().lineSpacing() + 1) + 2 * len(labels))
    for widget in (held, area.viewport()):
        widget.setAutoFillBackground(False)
    return area


def keep_room(widget: QWidget) -> None:
    """Let a widget keep its room while it is hidden, so that its neighbours stay where they are."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def close_buttons(dialog: QDialog, *, on_enter: bool = True) -> QDialogButtonBox:
    """Return the Close button of a dialog; Enter presses it too, unless Enter means something else
    there.

    A default button counts only once it belongs to the dialog, so the box is made as its child.
    """
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
    box.rejected.connect(dialog.reject)
    close = box.button(QDialogButtonBox.StandardButton.Close)
    close.setAutoDefault(on_enter)
    close.setDefault(on_enter)
    return box


def panel() -> QWidget:
    """Return an area in the colour of panels."""
    made = QWidget()
    made.setProperty("panel", True)
    made.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    return made


def column(area: QWidget, spacing: int) -> QVBoxLayout:
    """Return a layout without margins on a panel."""
    layout = QVBoxLayout(area)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    return layout


def row(*widgets: QWidget | None) -> QHBoxLayout:
    """Return widgets side by side; None is the space that takes what is left."""
    layout = QHBoxLayout()
    layout.setContentsMargins(MARGIN, GAP // 2, MARGIN, GAP // 2)
    layout.setSpacing(GAP)
    for widget in widgets:
        if widget is None:
            layout.addStretch(0)
        else:
            layout.addWidget(widget)
    return layout


class Tabbed(QWidget):
    """Hold panels of which one is seen; `chosen` carries the title of another
    one that was chosen.
    """

    chosen = Signal(str)

    def __init__(self, name: str, accessible: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self._names = QWidget(self)
        self._row = QHBoxLayout(self._names)
        self._row.setContentsMargins(MARGIN, GAP // 2, MARGIN, 0)
        self._row.setSpacing(GAP // 2)
        self._row.addStretch(1)
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self._choose)
        self._stack = QStackedWidget(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._names)
        layout.addWidget(self._stack, 1)
        self._titles: list[str] = []
        self._beside: dict[str, QWidget] = {}
        self._names.hide()

    def add(self, title: str, panel: QWidget) -> None:
        """Add a panel; its name is a button `<name>_<title>_tab`."""
        button = QToolButton(self._names)
        button.setText(title)
        button.setObjectName(f"{self.objectName()}_{title.lower().replace(' ', '_')}_tab")
        button.setAccessibleName(f"Show {title}")
        button.setProperty("tab", True)
        button.setCheckable(True)
        button.setChecked(not self._titles)
        self._group.addButton(button, len(self._titles))
        self._row.insertWidget(len(self._titles), button)
        self._titles.append(title)
        self._stack.addWidget(panel)
        self._names.setVisible(len(self._titles) > 1)

    def add_beside(self, title: str, widgets: QWidget) -> None:
        """Put widgets at the far end of the row of names, seen while the panel of this title is."""
        self._beside[title] = widgets
        self._row.addWidget(widgets)
        widgets.setVisible(self.current == title)

    def show_panel(self, title: str) -> None:
        """Bring the panel of a title to the front."""
        self._choose(self._titles.index(title))

    @property
    def current(self) -> str:
        """Return the title of the panel that is seen."""
        return self._titles[self._stack.currentIndex()]

    def _choose(self, index: int) -> None:
        if index == self._stack.currentIndex():
            return
        self._group.button(index).setChecked(True)
        self._stack.setCurrentIndex(index)
        for title, widgets in self._beside.items():
            widgets.setVisible(title == self._titles[index])
        self.chosen.emit(self._titles[index])
