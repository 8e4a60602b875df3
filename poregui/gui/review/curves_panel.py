"""Lay out the curves of a run: ROC, precision and recall, calibration, training; changes with which there are."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QWidget

from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.plots.figure_view import FigureView
from poregui.gui.review.review_parts import column, say, text


class CurvesPanel(QWidget):
    """Hold four figures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.roc = FigureView("roc_figure")
        self.precision_recall = FigureView("precision_recall_figure")
        self.calibration = FigureView("calibration_figure")
        self.training = FigureView("training_figure")
        self.curves_note = text("curves_note", wrap=True)
        layout = column(self, margin=MARGIN, spacing=GAP)
        grid = QGridLayout()
        grid.setSpacing(GAP)
        for place, figure in enumerate((self.roc, self.precision_recall, self.calibration, self.training)):
            grid.addWidget(figure, place // 2, place % 2)
        layout.addLayout(grid, 1)
        layout.addWidget(self.curves_note)
        say(self.curves_note, "")
