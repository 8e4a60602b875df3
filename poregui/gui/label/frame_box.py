"""Lay out what is set about build direction and surface of a micrograph; changes with what can be said of them."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QVBoxLayout, QWidget

from poregui.gui.base import pieces
from poregui.gui.base.theme import GAP

_UNKNOWN = -1.0


class FrameBox(QWidget):
    """Show build direction and surface; `direction_set` carries degrees or None. The buttons are public."""

    direction_set = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("frame_box")
        self.angle_box = QDoubleSpinBox()
        self.angle_box.setObjectName("build_direction_box")
        self.angle_box.setAccessibleName("Build direction of this micrograph in degrees")
        self.angle_box.setToolTip("Counter-clockwise from the right; 90 is upwards. Orientations count against it.")
        self.angle_box.setRange(_UNKNOWN, 359.9)
        self.angle_box.setDecimals(1)
        self.angle_box.setSuffix("°")
        self.angle_box.setSpecialValueText("not its own")
        self.angle_box.setKeyboardTracking(False)
        self.draw_button = pieces.button("build_direction_draw", "Draw…", "Click two points along the build direction")
        self.all_button = pieces.button("build_direction_all", "For all", "Give it to all micrographs of the project")
        self.line_button = pieces.button("surface_draw", "Draw a line…", "Click along where the specimen ends")
        self.none_button = pieces.button("surface_none", "None in view", "Say that the specimen ends nowhere here")
        self.found_button = pieces.button("surface_found", "As found", "Take what detection found")
        self.direction_text, self.surface_text = (pieces.muted(n) for n in ("build_direction_text", "surface_text"))
        self.angle_box.valueChanged.connect(lambda value: self.direction_set.emit(None if value <= _UNKNOWN else value))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        for text in (self.direction_text, self.surface_text):
            text.setWordWrap(True)
        layout.addWidget(pieces.heading("Build direction"))
        layout.addWidget(self.direction_text)
        layout.addLayout(_box_row(self.angle_box))
        layout.addLayout(_box_row(self.draw_button, self.all_button))
        layout.addWidget(pieces.heading("Surface of the specimen"))
        layout.addWidget(self.surface_text)
        layout.addLayout(_box_row(self.line_button, self.none_button))
        layout.addLayout(_box_row(self.found_button))

    def set_facts(self, own: float | None, direction: str, surface: str) -> None:
        """Show the micrograph's own direction (None: it has none) and say what counts."""
        with QSignalBlocker(self.angle_box):
            self.angle_box.setValue(_UNKNOWN if own is None else own)
        self.direction_text.setText(direction)
        self.surface_text.setText(surface)


def _box_row(*widgets: QWidget) -> QHBoxLayout:
    layout = pieces.row(*widgets, None)
    layout.setContentsMargins(0, 0, 0, 0)
    return layout
