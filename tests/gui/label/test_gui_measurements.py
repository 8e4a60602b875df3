"""Hold what a person can do with measurements in the window: sort, filter, choose, plot, export."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from detect_bench import HEIGHT, WIDTH, Bench, disc, grid_of_pores
from detect_desk import detect_desk, idle, measured, settled
from label_desk import Desk
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from poregui.domain.classes import NOT_A_PORE
from poregui.domain.geometry import Outline
from poregui.domain.records import Micrograph
from poregui.gui.label.measurements import Measuring
from poregui.gui.lists.pore_table import PoreTable, PoreTableModel
from poregui.gui.plots.pore_plot import PlotAxis, PlotGroup, PorePlot
from poregui.workflow.detecting.measuring import CACHE
from poregui.workflow.editing.edits import AddMicrographs, ChangeMicrographs, SetSetting
from poregui.workflow.editing.micrograph_edits import set_project_build_direction

GAS, KEYHOLE = 1, 2
SMALL = (80.0, 80.0, 3.5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bench = Bench(tmp_path / "pores", [*grid_of_pores(), SMALL])
    bench.find()
    ids = [crop.id for crop in bench.project.crops()]
    bench.label(ids[:10], GAS)
    bench.label(ids[10:16], KEYHOLE)
    bench.project.close()
    return bench.project.folder


@pytest.fixture
def desk(qtbot, folder: Path) -> Iterator[Desk]:
    with detect_desk(qtbot, folder) as opened:
        yield opened


def column(model: PoreTableModel, name: str) -> list[str]:
    index = model.names.index(name)
    return [model.data(model.index(row, index)) for row in range(model.rowCount())]


def test_the_table_lists_every_outlined_pore_with_its_label(desk: Desk, qtbot) -> None:
    model = measured(desk, qtbot)
    assert model.rowCount() == 49
    assert column(model, "label").count("Gas") == 10
    assert "49 outlined pores · porosity" in desk.page.measure_panel.summary.text()


def test_lengths_are_in_um_only_where_the_scale_is_known(desk: Desk, qtbot) -> None:
    model = measured(desk, qtbot)
    titles = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    assert "Equivalent diameter (µm)" in titles
    before = desk.project.micrographs()
    desk.session.apply(ChangeMicrographs(before, (replace(before[0], um_per_px=None),)))
    settled(desk, qtbot)
    titles = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    assert "Equivalent diameter (px)" in titles
    assert "Area (px²)" in titles


def test_with_one_micrograph_without_scale_all_lengths_are_in_px(qtbot, folder: Path) -> None:
    from poregui.store.project import Project
    from poregui.workflow.editing.edits import OutlinedCrop, ReplacePores

    with Project.open(folder) as project, project.transaction():
        other = Micrograph(2, "field.png", "other.png", "b" * 64, WIDTH, HEIGHT, 8, 1)
        AddMicrographs((other,)).do(project)
        crop = replace(project.crops()[0], id=project.next_id("crops"), micrograph_id=2)
        ReplacePores((OutlinedCrop(crop, Outline.of(disc(300, 300, 10))),)).do(project)
    with detect_desk(qtbot, folder) as desk:
        model = measured(desk, qtbot)
        assert model.table.unit == "px"
        row = model.row(crop.id)
        assert row is not None
        assert model.table.columns["ecd"].max() == pytest.approx(28, rel=0.02)
        assert "lengths in px" in desk.page.measure_panel.summary.text()


def test_sorting_puts_numbers_in_order_and_what_is_unknown_last(qtbot) -> None:
    model = PoreTableModel()
    table = small_table(ecd=[3.0, np.nan, 20.0, 11.0])
    model.show(table, ("label", "ecd"), np.ones(4, bool))
    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert column(model, "ecd") == ["20", "11", "3", "–"]
    model.sort(1, Qt.SortOrder.AscendingOrder)
    assert column(model, "ecd") == ["3", "11", "20", "–"]
    model.sort(0, Qt.SortOrder.AscendingOrder)
    assert column(model, "label") == ["", "Gas", "Gas", "Keyhole"]


def small_table(**columns: list[float]) -> PoreTable:
    count = len(next(iter(columns.values())))
    base = {name: np.zeros(count) for name in PoreTable.empty().columns}
    base |= {name: np.array(values) for name, values in columns.items()}
    base["shape_reliable"] = np.nan_to_num(base["ecd"]) >= 10
    labels = (GAS, KEYHOLE, None, GAS)[:count]
    names = tuple({GAS: "Gas", KEYHOLE: "Keyhole", None: ""}[label] for label in labels)
    return PoreTable(
        np.arange(count) + 1, labels, names, np.ones(count, int), ("a.png",) * count, base, "um"
    )


def test_shapes_of_small_pores_are_grey_and_left_out_of_plots(qtbot) -> None:
    model = PoreTableModel()
    table = small_table(ecd=[3.0, 8.0, 20.0, 11.0], circularity=[0.9, 0.8, 0.7, 0.6])
    model.show(table, ("ecd", "circularity"), np.ones(4, bool))
    grey = [
        model.data(model.index(row, 1), Qt.ItemDataRole.ForegroundRole) is not None
        for row in range(4)
    ]
    assert grey == [True, True, False, False]
    assert "10 px" in model.data(model.index(0, 1), Qt.ItemDataRole.ToolTipRole)
    assert model.data(model.index(0, 0), Qt.ItemDataRole.ForegroundRole) is None
    assert np.isnan(table.plain("circularity")).tolist() == grey


def test_a_click_on_a_row_chooses_the_pore_everywhere(desk: Desk, qtbot) -> None:
    model = measured(desk, qtbot)
    panel = desk.page.measure_panel
    panel.table.selectRow(7)
    assert desk.presenter.current == model.crop_id(7)
    assert desk.page.crop_grid.current_id() == model.crop_id(7)


def test_the_row_follows_the_crop_that_is_chosen_elsewhere(desk: Desk, qtbot) -> None:
    model = measured(desk, qtbot)
    wanted = desk.project.crops()[20].id
    desk.presenter.choose(wanted)
    assert [
        model.crop_id(index.row())
        for index in desk.page.measure_panel.table.selectionModel().selectedRows()
    ] == [wanted]


def test_after_sorting_the_chosen_row_is_the_same_pore_and_in_sight(desk: Desk, qtbot) -> None:
    model = measured(desk, qtbot)
    table = desk.page.measure_panel.table
    table.selectRow(30)
    wanted = model.crop_id(30)
    for order in (Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder):
        table.sortByColumn(model.names.index("ecd"), order)
        (row,) = table.selectionModel().selectedRows()
        assert model.crop_id(row.row()) == model.crop_id(table.currentIndex().row()) == wanted
        assert table.viewport().rect().intersects(table.visualRect(row))
    assert desk.presenter.current == wanted


def test_pores_are_filtered_by_their_numbers_as_they_are_typed(desk: Desk, qtbot) -> None:
    model = measured(desk, qtbot)
    field = desk.page.measure_panel.number_field
    everything = model.rowCount()
    qtbot.keyClicks(field, "ECD > 5")
    some = model.rowCount()
    assert 0 < some < everything
    assert all(float(one) > 5 for one in column(model, "ecd"))
    qtbot.keyClicks(field, "; tempo")
    assert model.rowCount() == some
    assert "is no condition" in field.toolTip()
    field.clear()
    assert model.rowCount() == everything


def test_a_histogram_has_no_fewer_pores_than_none(qtbot) -> None:
    plot = PorePlot()
    qtbot.addWidget(plot)
    values = np.random.default_rng(1).lognormal(2, 0.5, 2000)
    group = PlotGroup(GAS, np.arange(2000), values, None)
    plot.show_groups([group], PlotAxis("Diameter", True), None)
    assert plot.getPlotItem().viewRange()[1][0] == 0
    plot.show_groups([replace(group, y=-values)], PlotAxis("a", False), PlotAxis("b", False))
    assert plot.getPlotItem().viewRange()[1][0] < 0


def test_pores_are_filtered_by_label_micrograph_and_reliability(desk: Desk, qtbot) -> None:
    model = measured(desk, qtbot)
    panel = desk.page.measure_panel
    panel.class_box.setCurrentIndex(panel.class_box.findData(GAS))
    assert model.rowCount() == 10
    panel.class_box.setCurrentIndex(0)
    panel.reliable_box.setChecked(True)
    assert model.rowCount() == 48
    panel.here_box.setChecked(True)
    assert model.rowCount() == 48


def test_a_new_label_is_in_the_table_once_typing_pauses_without_measuring_again(
    desk: Desk, qtbot
) -> None:
    model = measured(desk, qtbot)
    wanted = desk.project.crops()[30].id
    desk.presenter.choose(wanted)
    desk.presenter.label(KEYHOLE)
    assert not desk.services.background.busy
    row = model.row(wanted)
    assert row is not None
    qtbot.waitUntil(lambda: column(model, "label")[row] == "Keyhole")
    assert not desk.services.background.busy


def test_a_setting_that_is_not_measured_by_does_not_measure_again(desk: Desk, qtbot) -> None:
    measured(desk, qtbot)
    desk.presenter.state.apply(SetSetting("something", "", "else", "change something"))
    qtbot.wait(400)
    assert not desk.services.background.busy
    desk.presenter.state.apply(set_project_build_direction(desk.project, 90.0))
    qtbot.waitUntil(lambda: desk.services.background.busy)
    settled(desk, qtbot)


def test_what_is_no_pore_leaves_the_table(desk: Desk, qtbot) -> None:
    model = measured(desk, qtbot)
    desk.presenter.choose(desk.project.crops()[0].id)
    desk.presenter.label(NOT_A_PORE)
    settled(desk, qtbot)
    assert model.rowCount() == 48


def test_columns_are_chosen(desk: Desk, qtbot) -> None:
    model = measured(desk, qtbot)
    panel = desk.page.measure_panel
    assert "perimeter" not in model.names
    panel._choose_column("perimeter", True)
    panel._choose_column("solidity", False)
    assert "perimeter" in model.names
    assert "solidity" not in model.names


def test_the_plot_shows_one_curve_per_class_or_points_that_choose_a_pore(desk: Desk, qtbot) -> None:
    measured(desk, qtbot)
    panel = desk.page.measure_panel
    assert len(panel.plot.getPlotItem().listDataItems()) >= 3
    panel.y_box.setCurrentIndex(panel.y_box.findData("mean_grey"))
    groups = panel.plot._shown[0]
    assert sorted(len(group.crop_ids) for group in groups) == [6, 10, 33]
    panel.plot.chosen.emit(int(groups[0].crop_ids[0]))
    assert desk.presenter.current == groups[0].crop_ids[0]


def test_pores_in_a_lasso_are_labelled_by_one_key(desk: Desk, qtbot) -> None:
    measured(desk, qtbot)
    panel = desk.page.measure_panel
    panel.y_box.setCurrentIndex(panel.y_box.findData("mean_grey"))
    unlabelled = next(group for group in panel.plot._shown[0] if group.label is None)
    ids = unlabelled.crop_ids[:5].tolist()
    panel.lassoed.emit(ids)
    panel.plot.setFocus()
    QTest.keyClick(panel.plot, Qt.Key.Key_1)
    assert [desk.project.crop(crop_id).label for crop_id in ids] == [GAS] * 5
    desk.session.undo()
    assert [desk.project.crop(crop_id).label for crop_id in ids] == [None] * 5


def test_values_that_cannot_be_drawn_are_left_out_of_the_plot(qtbot) -> None:
    plot = PorePlot()
    qtbot.addWidget(plot)
    odd = np.array([0.0, -1.0, np.nan, 5.0])
    group = PlotGroup(None, np.arange(4), odd, odd)
    plot.show_groups([group], PlotAxis("x", True), PlotAxis("y", True))
    plot.show_groups([group], PlotAxis("x", True), None)
    plot.show_groups(
        [PlotGroup(GAS, np.arange(2), np.full(2, np.nan), None)], PlotAxis("x", False), None
    )


def test_without_outlines_the_panel_says_what_to_do(qtbot, tmp_path: Path) -> None:
    bench = Bench(tmp_path / "none", grid_of_pores())
    bench.project.close()
    with detect_desk(qtbot, bench.project.folder) as desk:
        measured(desk, qtbot)
        assert "Find pores" in desk.page.measure_panel._empty.text()
        assert not desk.page.measure_panel.export_button.isEnabled()


def test_the_numbers_are_kept_for_the_next_time(desk: Desk, qtbot) -> None:
    measured(desk, qtbot)
    assert list((desk.project.folder / CACHE).glob("numbers-*.npz"))


def test_the_table_is_exported_as_csv(desk: Desk, qtbot, tmp_path: Path) -> None:
    measured(desk, qtbot)
    one = next(one for one in desk.presenter.features if isinstance(one, Measuring))
    one.export(tmp_path / "pores.csv")
    idle(desk, qtbot)
    with open(tmp_path / "pores.csv", newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 49
    assert "49 pores written" in desk.notes[-1]
