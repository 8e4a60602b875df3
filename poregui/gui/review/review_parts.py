"""Build the small widgets that the review page is made of, each with its name and its text."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poregui.gui.base.pieces import panel
from poregui.gui.base.theme import GAP, MARGIN


def column(of: QWidget, *, margin: int = MARGIN, spacing: int = GAP) -> QVBoxLayout:
    """Return the layout of a panel whose widgets stand below each other."""
    layout = QVBoxLayout(of)
    layout.setContentsMargins(margin, GAP if margin else 0, margin, margin)
    layout.setSpacing(spacing)
    return layout


def row(*widgets: QWidget | None, margin: int = 0) -> QHBoxLayout:
    """Return widgets side by side; None is the space that takes what is left."""
    layout = QHBoxLayout()
    layout.setContentsMargins(margin, GAP // 2 if margin else 0, margin, GAP // 2 if margin else 0)
    layout.setSpacing(GAP)
    for widget in widgets:
        if widget is None:
            layout.addStretch(1)
        else:
            layout.addWidget(widget)
    return layout


def text(name: str = "", *, kind: str = "muted", content: str = "", wrap: bool = False) -> QLabel:
    """Return a label; `kind` is a look of the style sheet such as `muted`, `heading`, `title` or
    `warning`.
    """
    label = QLabel(content)
    label.setObjectName(name)
    label.setProperty(kind, True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    if wrap:
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def primary(name: str, content: str) -> QPushButton:
    """Return the button that does what an empty page asks for."""
    made = QPushButton(content)
    made.setObjectName(name)
    made.setAccessibleName(content)
    made.setProperty("primary", True)
    return made


def say(label: QLabel, content: str) -> None:
    """Show a text, or hide the label where there are none."""
    label.setText(content)
    label.setVisible(bool(content))


def inset(grid: QWidget) -> QHBoxLayout:
    """Return a list of images whose first one stands below the text above it."""
    layout = QHBoxLayout()
    layout.setContentsMargins(GAP, 0, 0, 0)
    layout.addWidget(grid)
    return layout


def scrolled(inner: QWidget, name: str, narrowest: int) -> QScrollArea:
    """Return a panel that scrolls where the window is too low for what it holds."""
    area = QScrollArea()
    area.setObjectName(name)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    held = panel()
    column(held).addWidget(inner)
    area.setWidget(held)
    area.setMinimumWidth(narrowest)
    return area


def centred(*widgets: QWidget) -> QWidget:
    """Return widgets below each other in the middle of a panel."""
    held = panel()
    layout = column(held, margin=3 * MARGIN, spacing=MARGIN)
    layout.addStretch(2)
    for widget in widgets:
        if isinstance(widget, QToolButton) or widget.property("primary"):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        else:
            layout.addWidget(widget)
    layout.addStretch(3)
    return held
