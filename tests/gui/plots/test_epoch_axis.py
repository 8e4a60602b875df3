"""Hold where the axis of epochs ends, and that each epoch has its step of the learning rate."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from poregui.domain.events import EpochEnded, Finished, Started
from poregui.gui.app import application
from poregui.gui.plots.live_plots import LivePlots
from poregui.gui.plots.training_curves import Curves

RATES = (0.0003, 0.0007, 0.001, 0.0008, 0.0003, 0.00001)


def curves(planned: int, *, ended: bool) -> Curves:
    """Return the curves of six epochs."""
    made = Curves()
    made.take(Started("001", ("A", "B"), 9, 3, 3, planned, 1))
    for epoch, rate in enumerate(RATES, start=1):
        made.take(EpochEnded(epoch, planned, 0.5, 0.8, 0.6, 0.7, rate, epoch, 0, 0, 1.0, 0.0))
    if ended:
        made.take(Finished(6, 6, 0.9, 3, 5.0))
    return made


@pytest.mark.parametrize(
    ("planned", "ended", "end"), [(6, False, 6), (60, False, 10), (60, True, 6), (6, True, 6)]
)
def test_the_axis_ends_where_the_epochs_do(
    qtbot: QtBot, planned: int, ended: bool, end: int
) -> None:
    application()
    plots = LivePlots()
    qtbot.addWidget(plots)
    plots.show_curves(curves(planned, ended=ended))
    low, high = plots.loss_plot.getPlotItem().viewRange()[0]
    assert (round(low), round(high)) == (0, end)


def test_the_learning_rate_has_a_step_for_each_epoch_from_the_first(qtbot: QtBot) -> None:
    application()
    plots = LivePlots()
    qtbot.addWidget(plots)
    plots.show_curves(curves(6, ended=True))
    x, y = plots.rate.getOriginalDataset()
    assert x.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert y.tolist() == [RATES[0], *RATES]
