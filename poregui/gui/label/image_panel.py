"""Lay out the panel that says how a micrograph is shown, scaled, oriented and masked."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
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
        self._build_direction()
        self._build_surface()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(pieces.heading("Build direction"))
        layout.addWidget(self.direction_text)
        layout.addLayout(_box_row(self.angle_box))
        layout.addLayout(_box_row(self.draw_button, self.all_button))
        layout.addWidget(pieces.heading("Specimen surface"))
        layout.addWidget(self.surface_text)
        layout.addLayout(_box_row(self.line_button))
        layout.addLayout(_box_row(self.none_button))
        layout.addLayout(_box_row(self.found_button))

    def _build_direction(self) -> None:
        self.direction_text = _text("build_direction_text")
        self.angle_box = pieces.NumberBox()
        self.angle_box.setObjectName("build_direction_box")
        self.angle_box.setAccessibleName("Build direction of this micrograph in degrees")
        self.angle_box.setToolTip(
            "Counter-clockwise from the right; 90° points up. Orientations are measured from it."
        )
        self.angle_box.setRange(_UNKNOWN, 359.9)
        self.angle_box.setDecimals(1)
        self.angle_box.setSuffix("°")
        self.angle_box.setSpecialValueText("project default")
        self.angle_box.setKeyboardTracking(False)
        self.angle_box.valueChanged.connect(self._set_direction)
        self.draw_button = pieces.button(
            "build_direction_draw", "Draw…", "Click two points along the build direction"
        )
        self.all_button = pieces.button(
            "build_direction_all",
            "Apply to all",
            "Use this build direction for all micrographs of the project",
        )

    def _build_surface(self) -> None:
        self.surface_text = _text("surface_text")
        self.line_button = pieces.button(
            "surface_draw", "Draw surface…", "Click along the surface of the specimen"
        )
        self.none_button = pieces.button(
            "surface_none", "No surface in image", "The specimen fills the whole image"
        )
        self.found_button = pieces.button(
            "surface_found", "Use detected surface", "Use the surface found by detection"
        )

    def _set_direction(self, degrees: float) -> None:
        if degrees <= _UNKNOWN:
            self.direction_set.emit(None)
        else:
            self.direction_set.emit(degrees)

    def set_facts(self, own: float | None, direction: str, surface: str) -> None:
        """Show the micrograph's own direction (None: it has none) and say what counts."""
        with QSignalBlocker(self.angle_box):
            if own is None:
                self.angle_box.setValue(_UNKNOWN)
            else:
                self.angle_box.setValue(own)
        self.direction_text.setText(direction)
        self.surface_text.setText(surface)


def _text(name: str) -> QLabel:
    label = pieces.muted(name)
    label.setWordWrap(True)
    return label


def _box_row(*widgets: QWidget) -> QHBoxLayout:
    layout = pieces.row(*widgets, None)
    layout.setContentsMargins(0, 0, 0, 0)
    return layout


_ONLY_SHOWN = "Changes the display only; crops and training use the stored values."


class ImagePanel(QScrollArea):
    """Show contrast, scale, masks, build direction and surface of one micrograph.

    `display_moved` carries the Display while it is dragged, `display_settled` when it is to be
    remembered. The buttons are public.
    """

    display_moved = Signal(object)
    display_settled = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("picture_panel")
        self._build_contrast()
        self._build_masks()
        self._build_checked()
        self.values = _text("contrast_values")
        self.scale_text = _text("scale_text")
        self.masks_text = _text("masks_text")
        self.frame_box = FrameBox(self)
        self._display = Display(0, 255)
        self._lay_out()

    def _build_contrast(self) -> None:
        self.histogram = HistogramPlot(self)
        self.log_box = QCheckBox("Log counts")
        self.log_box.setObjectName("contrast_log_box")
        self.log_box.setAccessibleName("Logarithmic counts")
        self.log_box.setChecked(True)
        self.gamma_box = pieces.NumberBox()
        self.gamma_box.setObjectName("contrast_gamma_box")
        self.gamma_box.setAccessibleName("Gamma")
        self.gamma_box.setToolTip(f"Above 1, mid-greys become brighter. {_ONLY_SHOWN}")
        self.gamma_box.setRange(0.1, 10)
        self.gamma_box.setSingleStep(0.1)
        self.gamma_box.setValue(1)
        self.gamma_box.setKeyboardTracking(False)
        self.gamma_box.setDecimals(2)
        self.auto_button = pieces.button(
            "contrast_auto_button", "Automatic", f"Ignore the extremes. {_ONLY_SHOWN}"
        )
        self.reset_button = pieces.button(
            "contrast_reset_button",
            "Original range",
            "The range stored in the file, which networks use too",
        )
        self.full_button = pieces.button(
            "contrast_full_button", "Full range", "From the darkest to the brightest value"
        )
        self.alike_button = pieces.button(
            "contrast_alike_button",
            "Apply to similar images",
            "Use this contrast for all images of the same depth and number of channels",
        )
        self.log_box.toggled.connect(self.histogram.set_log)
        self.histogram.moved.connect(self._move)
        self.histogram.settled.connect(self._settle)
        self.gamma_box.valueChanged.connect(self._bend)

    def _build_masks(self) -> None:
        self.calibrate_button = pieces.button(
            "calibrate_button",
            "Measure scale bar…",
            "Click both ends of the scale bar, then enter its length",
        )
        self.bar_button = pieces.button(
            "mask_bar_button", "Mask info bar", "Find the info bar and mask it"
        )
        self.bars_button = pieces.button(
            "mask_bars_button",
            "Mask info bars in all",
            "Find and mask the info bars of all micrographs",
        )
        self.box_button = pieces.button("mask_box_button", "Box", "Draw a box to ignore")
        self.polygon_button = pieces.button(
            "mask_polygon_button", "Polygon", "Click the corners of a region to ignore"
        )
        self.unmask_button = pieces.button("unmask_button", "Remove", "Click a mask to remove it")

    def _build_checked(self) -> None:
        self.checked_text = _text("checked_text")
        self.checked_button = pieces.button(
            "checked_button",
            "Whole micrograph",
            "Every pore of this micrograph has its outline, and nothing else has one",
        )
        self.checked_box_button = pieces.button(
            "checked_box_button", "Box", "Draw a box in which every pore has its outline"
        )
        self.checked_lasso_button = pieces.button(
            "checked_lasso_button",
            "Lasso",
            "Draw around an area in which every pore has its outline",
        )
        self.unchecked_button = pieces.button(
            "unchecked_button", "Remove", "Remove a checked area; click it where there are several"
        )

    def set_display(self, display: Display, *, own: bool) -> None:
        """Show a contrast window; `own` tells that it was chosen for this micrograph."""
        self._display = display
        self.histogram.set_ends(display.low, display.high)
        with QSignalBlocker(self.gamma_box):
            self.gamma_box.setValue(display.gamma)
        text = f"{display.low:.6g} to {display.high:.6g}"
        if not own:
            text += " (original range)"
        self.values.setText(text)

    def set_contrast_enabled(self, enabled: bool) -> None:
        """Let contrast be changed only while a micrograph is seen."""
        for widget in (
            self.histogram,
            self.gamma_box,
            self.auto_button,
            self.full_button,
            self.reset_button,
            self.alike_button,
        ):
            widget.setEnabled(enabled)

    def set_facts(self, scale: str, masks: str) -> None:
        """Say the scale with its source, and which masks there are."""
        self.scale_text.setText(scale)
        self.masks_text.setText(masks)

    def _move(self, low: float, high: float) -> None:
        self._take(low, high)
        self.display_moved.emit(self._display)

    def _settle(self, low: float, high: float) -> None:
        self._take(low, high)
        self.display_settled.emit(self._display)

    def _take(self, low: float, high: float) -> None:
        self._display = Display(low, high, self._display.gamma)
        self.values.setText(f"{low:.6g} to {high:.6g}")

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
            _row(self.reset_button),
            _row(self.alike_button),
            pieces.heading("Scale"),
            self.scale_text,
            _row(self.calibrate_button),
            pieces.heading("Masks"),
            self.masks_text,
            _row(self.bar_button),
            _row(self.bars_button),
            _row(self.box_button, self.polygon_button, self.unmask_button),
            pieces.heading("Checked areas"),
            self.checked_text,
            _row(self.checked_button),
            _row(self.checked_box_button, self.checked_lasso_button, self.unchecked_button),
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
