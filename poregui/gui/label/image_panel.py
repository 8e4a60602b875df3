"""Lay out the panel that says how a micrograph is shown, scaled, oriented and masked."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, SignalInstance
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.records import Display
from poregui.gui.base import pieces
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.plots.histogram_plot import HistogramPlot

_UNKNOWN = -1.0


class FrameBox(QWidget):
    """Show build direction and surface; `direction_set` carries degrees or None.

    The buttons are public.
    """

    direction_set = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("frame_box")
        self.angle_box = QDoubleSpinBox()
        self.angle_box.setObjectName("build_direction_box")
        self.angle_box.setAccessibleName("Build direction of this micrograph in degrees")
        self.angle_box.setToolTip(
            "Counter-clockwise from the right; 90 is upwards. Orientations count against it."
        )
        self.angle_box.setRange(_UNKNOWN, 359.9)
        self.angle_box.setDecimals(1)
        self.angle_box.setSuffix("°")
        self.angle_box.setSpecialValueText("not its own")
        self.angle_box.setKeyboardTracking(False)
        self.draw_button = pieces.button(
            "build_direction_draw", "Draw…", "Click two points along the build direction"
        )
        self.all_button = pieces.button(
            "build_direction_all", "For all", "Give it to all micrographs of the project"
        )
        self.line_button = pieces.button(
            "surface_draw", "Draw a line…", "Click along where the specimen ends"
        )
        self.none_button = pieces.button(
            "surface_none", "None in view", "Say that the specimen ends nowhere here"
        )
        self.found_button = pieces.button("surface_found", "As found", "Take what detection found")
        self.direction_text, self.surface_text = (
            pieces.muted(n) for n in ("build_direction_text", "surface_text")
        )
        self.angle_box.valueChanged.connect(
            lambda value: self.direction_set.emit(None if value <= _UNKNOWN else value)
        )
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


_ONLY_SHOWN = (
    "Changes only what is seen. Crops keep the stored values, and so does what is trained on."
)


class PicturePanel(QScrollArea):
    """Show contrast, scale, masks, build direction and surface of one micrograph.

    `display_moved` carries the Display while it is dragged, `display_settled` when it is to be
    remembered. The buttons are public.
    """

    display_moved = Signal(object)
    display_settled = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("picture_panel")
        self.histogram = HistogramPlot(self)
        self.log_box = QCheckBox("Log counts")
        self.log_box.setObjectName("contrast_log_box")
        self.log_box.setAccessibleName("Logarithmic counts")
        self.log_box.setChecked(True)
        self.gamma_box = QDoubleSpinBox()
        self.gamma_box.setObjectName("contrast_gamma_box")
        self.gamma_box.setAccessibleName("Gamma")
        self.gamma_box.setToolTip(f"Above 1 middle greys become brighter. {_ONLY_SHOWN}")
        self.gamma_box.setRange(0.1, 10)
        self.gamma_box.setSingleStep(0.1)
        self.gamma_box.setValue(1)
        self.gamma_box.setKeyboardTracking(False)
        self.auto_button = pieces.button(
            "contrast_auto_button", "Automatic", f"Leave out extremes. {_ONLY_SHOWN}"
        )
        self.reset_button = pieces.button(
            "contrast_reset_button", "File's own", "The range that networks see too"
        )
        self.full_button = pieces.button(
            "contrast_full_button", "Full range", "From the darkest to the brightest value"
        )
        self.alike_button = pieces.button(
            "contrast_alike_button", "Same for all alike", "Use it for all of this depth and kind"
        )
        self.calibrate_button = pieces.button(
            "calibrate_button", "Measure a scale bar…", "Click both ends of a bar, give its length"
        )
        self.bar_button = pieces.button(
            "mask_bar_button", "Mask info bar", "Find the burned-in bar and mask it off"
        )
        self.bars_button = pieces.button(
            "mask_bars_button", "In all", "Find and mask the bars of all micrographs"
        )
        self.box_button = pieces.button(
            "mask_box_button", "Box", "Draw a box where nothing is found or cropped"
        )
        self.polygon_button = pieces.button(
            "mask_polygon_button", "Polygon", "Click the corners of a region"
        )
        self.unmask_button = pieces.button(
            "unmask_button", "Take away…", "Click a mask to take it away"
        )
        self.values, self.scale_text, self.masks_text = (
            pieces.muted(name) for name in ("contrast_values", "scale_text", "masks_text")
        )
        for label in (self.values, self.scale_text, self.masks_text):
            label.setWordWrap(True)
        self.frame_box = FrameBox(self)
        self._display = Display(0, 255)
        self._lay_out()
        self.log_box.toggled.connect(self.histogram.set_log)
        self.histogram.moved.connect(lambda low, high: self._change(low, high, self.display_moved))
        self.histogram.settled.connect(
            lambda low, high: self._change(low, high, self.display_settled)
        )
        self.gamma_box.valueChanged.connect(self._bend)

    def set_display(self, display: Display, *, own: bool) -> None:
        """Show a contrast window; `own` tells that it was chosen for this micrograph."""
        self._display = display
        self.histogram.set_ends(display.low, display.high)
        with QSignalBlocker(self.gamma_box):
            self.gamma_box.setValue(display.gamma)
        self.values.setText(
            f"{display.low:.6g} to {display.high:.6g}" + ("" if own else ", the file's own")
        )

    def set_contrast_enabled(self, enabled: bool) -> None:
        """Let contrast be changed only while a micrograph is seen."""
        for part in (
            self.histogram,
            self.gamma_box,
            self.auto_button,
            self.full_button,
            self.reset_button,
            self.alike_button,
        ):
            part.setEnabled(enabled)

    def set_facts(self, scale: str, masks: str) -> None:
        """Say the scale with its source, and which masks there are."""
        self.scale_text.setText(scale)
        self.masks_text.setText(masks)

    def _change(self, low: float, high: float, told: SignalInstance) -> None:
        self._display = Display(low, high, self._display.gamma)
        self.values.setText(f"{low:.6g} to {high:.6g}")
        told.emit(self._display)

    def _bend(self, gamma: float) -> None:
        self._display = Display(self._display.low, self._display.high, gamma)
        self.display_settled.emit(self._display)

    def _lay_out(self) -> None:
        held = pieces.panel()
        layout = QVBoxLayout(held)
        layout.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        layout.setSpacing(GAP)
        gamma = QLabel("Gamma")
        gamma.setBuddy(self.gamma_box)
        for part in (
            pieces.heading("Contrast"),
            self.histogram,
            self.values,
            _row(self.log_box, None, gamma, self.gamma_box),
            _row(self.auto_button, self.full_button),
            _row(self.reset_button, self.alike_button),
            pieces.heading("Scale"),
            self.scale_text,
            _row(self.calibrate_button),
            pieces.heading("Masks"),
            self.masks_text,
            _row(self.bar_button, self.bars_button),
            _row(self.box_button, self.polygon_button, self.unmask_button),
            self.frame_box,
        ):
            if isinstance(part, QWidget):
                layout.addWidget(part)
            else:
                layout.addLayout(part)
        layout.addStretch(1)
        layout.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(held)


def _row(*widgets: QWidget | None) -> QHBoxLayout:
    layout = QHBoxLayout()
    layout.setSpacing(GAP // 2)
    for widget in widgets:
        if widget is None:
            layout.addStretch(1)
        else:
            layout.addWidget(widget)
    if None not in widgets:
        layout.addStretch(1)
    return layout
