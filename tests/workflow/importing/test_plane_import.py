"""Test that micrographs remember which picture of a file they show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PySide6.QtWidgets import QSpinBox
from pytestqt.qtbot import QtBot

from poregui.cli.main import main
from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import ImageError, PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.records import Crop, Plane
from poregui.gui.app import build_window
from poregui.gui.dialogs.import_dialog import ImportDialog
from poregui.gui.dialogs.micrograph_dialogs import MicrographDialog
from poregui.gui.services.micrograph_images import MicrographImages
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.workflow.detecting.find_pores import find_in_file
from poregui.workflow.editing.edits import AddCrops
from poregui.workflow.editing.history import History
from poregui.workflow.editing.micrograph_edits import change_plane, with_plane
from poregui.workflow.importing.image_identity import pyramid_file
from poregui.workflow.importing.images import ImportOptions, collect, settle
from poregui.workflow.importing.import_report import ImportReport


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "project") as made:
        yield made


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Give a stack of three times and two channels whose grey is ten times the time, plus the
    channel.
    """
    pixels = np.zeros((3, 2, 40, 50), np.uint16)
    pixels += (10 * np.arange(1, 4)[:, None] + np.arange(1, 3))[..., None, None].astype(np.uint16)
    pixels[..., 0, 0] = 99
    tifffile.imwrite(tmp_path / "stack.tif", pixels, imagej=True, metadata={"axes": "TCYX"})
    return tmp_path / "stack.tif"


def bring_in(project: Project, file: Path, **options: Any) -> ImportReport:
    plan = settle(project, collect([file], ImportOptions(**options), project.pixels), "tester")
    if plan.edit is not None:
        History(project).apply(plan.edit)
    return plan.report


def test_two_pages_of_one_file_are_two_micrographs_and_each_comes_in_once(
    project: Project, stack: Path
) -> None:
    for plane in (Plane(), Plane(page=2, channel=1), Plane(page=2, channel=1)):
        bring_in(project, stack, plane=plane)
    first, second = project.micrographs()
    assert (first.plane, first.name) == ("", "stack.tif")
    assert (second.plane, second.name) == ("page=2;channel=1", "stack.tif, page 2, channel 1")
    assert first.sha256 == second.sha256
    assert pyramid_file(project.folder, first) != pyramid_file(project.folder, second)


def test_a_page_that_is_not_there_is_passed_over_with_its_sentence(
    project: Project, stack: Path
) -> None:
    report = bring_in(project, stack, plane=Plane(page=4))
    assert [one.reason for one in report.skipped] == [
        "has no page 4; it has 3 pages. Choose a page from 1 to 3."
    ]
    assert not project.micrographs()


def test_a_vanished_file_is_found_again_with_its_page(project: Project, stack: Path) -> None:
    bring_in(project, stack, plane=Plane(page=3))
    moved = stack.rename(stack.with_name("moved.tif"))
    bring_in(project, moved, plane=Plane(page=3))
    (micrograph,) = project.micrographs()
    assert (micrograph.name, micrograph.plane) == ("moved.tif, page 3", "page=3")
    assert project.micrograph_file(micrograph) == moved


def test_another_page_can_be_shown_and_undone_and_crops_keep_their_pixels(
    project: Project, stack: Path
) -> None:
    bring_in(project, stack)
    (micrograph,) = project.micrographs()
    key = project.pixels.add(CropPixels(np.full((8, 8), 11, np.uint16), 0, 99))
    history = History(project)
    history.apply(
        AddCrops((Crop(1, key, 8, 8, micrograph_id=micrograph.id, box=Box(2, 2, 8, 8)),), who="ada")
    )
    after = with_plane(stack, micrograph, Plane(page=2, channel=2))
    history.apply(change_plane(project, micrograph, after))
    assert project.micrographs()[0].plane == "page=2;channel=2"
    assert [crop.pixels for crop in project.crops()] == [key]
    history.undo()
    assert project.micrographs() == (micrograph,)


def test_a_page_of_another_size_is_refused_where_crops_would_not_fit(
    project: Project, tmp_path: Path
) -> None:
    with tifffile.TiffWriter(tmp_path / "pages.tif") as tiff:
        for side in (40, 60):
            tiff.write(np.zeros((side, side), np.uint8), metadata=None)
    bring_in(project, tmp_path / "pages.tif")
    (micrograph,) = project.micrographs()
    after = with_plane(tmp_path / "pages.tif", micrograph, Plane(page=2))
    assert (after.width, after.height) == (60, 60)
    assert change_plane(project, micrograph, after).after == (after,)
    key = project.pixels.add(CropPixels(np.full((8, 8), 11, np.uint8), 0, 255))
    crop = Crop(1, key, 8, 8, micrograph_id=micrograph.id, box=Box(2, 2, 8, 8))
    History(project).apply(AddCrops((crop,), who="ada"))
    with pytest.raises(
        PoreguiError,
        match=r"60 × 60 px, but the crops of pages\.tif are from an image of 40 × 40 px",
    ):
        change_plane(project, micrograph, after)


@pytest.mark.parametrize(("given", "expected"), [(None, 2.0), (3.0, 3.0)])
def test_the_scale_follows_the_page_unless_a_person_gave_it(
    project: Project, tmp_path: Path, given: float | None, expected: float
) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=True) as tiff:
        for um_per_px in (0.5, 2.0):
            sizes = {"PhysicalSizeX": um_per_px, "PhysicalSizeY": um_per_px}
            tiff.write(
                np.zeros((8, 9), np.uint8),
                metadata={"axes": "YX", **sizes},
                photometric="minisblack",
            )
    bring_in(project, tmp_path / "a.tif", um_per_px=given)
    after = with_plane(tmp_path / "a.tif", project.micrographs()[0], Plane(page=2))
    assert after.um_per_px == pytest.approx(expected)


def test_a_vanished_file_keeps_its_page(project: Project, stack: Path) -> None:
    bring_in(project, stack)
    (micrograph,) = project.micrographs()
    stack.unlink()
    with pytest.raises(ImageError, match="no longer exists"):
        with_plane(stack, micrograph, Plane(page=2))


def test_the_command_line_imports_and_describes_the_page_that_is_asked_for(
    tmp_path: Path, stack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "made"
    assert main(["new", str(folder)]) == 0
    assert (
        main(
            [
                "import",
                str(folder),
                str(stack),
                "--page",
                "2",
                "--channel",
                "1",
                "--um-per-px",
                "0.25",
            ]
        )
        == 0
    )
    with Project.open(folder, read_only=True) as project:
        (micrograph,) = project.micrographs()
    assert (micrograph.plane, micrograph.um_per_px) == ("page=2;channel=1", 0.25)
    capsys.readouterr()
    assert main(["image", str(stack), "--json"]) == 0
    received = json.loads(capsys.readouterr().out)
    assert (received["pages"], received["channels"], received["slices"], received["dtype"]) == (
        3,
        2,
        1,
        "uint16",
    )
    assert received["warnings"] == [
        "It has 2 channels; the first is used.",
        "It has several pages; the first is used.",
    ]
    assert main(["image", str(stack), "--page", "9"]) == 2
    assert "has no page 9; it has 3 pages" in capsys.readouterr().err
    assert main(["image", str(stack), "--page", "0"]) == 2
    assert "There is no page 0. Count from 1." in capsys.readouterr().err


def test_the_window_reads_the_chosen_page_and_its_small_picture_anew(
    project: Project, stack: Path, qtbot: QtBot
) -> None:
    bring_in(project, stack, plane=Plane(page=2, channel=2))
    images = MicrographImages(project)
    try:
        (micrograph,) = project.micrographs()
        for page, grey in ((2, 22), (3, 32)):
            micrograph = replace(micrograph, plane=f"page={page};channel=2")
            assert images.get(micrograph) is None
            with qtbot.waitSignal(images.loaded) as loaded:
                images.request(micrograph)
            assert int(loaded.args[1].read(0, Box(5, 5, 1, 1))[0, 0]) == grey
    finally:
        images.close()


def test_a_person_changes_the_page_of_a_micrograph_in_its_dialog(
    tmp_path: Path, stack: Path, qtbot: QtBot
) -> None:
    with Project.create(tmp_path / "shown") as made:
        bring_in(made, stack)
    window = build_window(tmp_path / "shown")
    try:
        assert window.session is not None
        window.workspace.micrographs.ask([window.session.project.micrographs()[0].id])
        dialog = window.findChild(MicrographDialog)
        window.background.wait()
        assert dialog.findChild(QSpinBox, "micrograph_z_box") is None
        dialog.findChild(QSpinBox, "micrograph_page_box").setValue(3)
        dialog.ok.click()
        window.background.wait()
        assert [m.plane for m in window.session.project.micrographs()] == ["page=3"]
        window.session.undo()
        assert [m.plane for m in window.session.project.micrographs()] == [""]
    finally:
        window.close()
        window.deleteLater()


def test_the_import_dialog_asks_for_the_page_of_stacks(stack: Path, qtbot: QtBot) -> None:
    dialog = ImportDialog([stack], [])
    qtbot.addWidget(dialog)
    dialog.check()
    assert dialog.options.plane == Plane()
    for part, number in (("page", 3), ("channel", 2)):
        dialog.findChild(QSpinBox, f"import_{part}_box").setValue(number)
    dialog.check()
    assert dialog.options.plane == Plane(page=3, channel=2)


def test_pores_are_found_on_the_page_that_a_micrograph_shows(
    project: Project, tmp_path: Path
) -> None:
    pages = np.full((2, 200, 300), 200, np.uint8)
    rows, columns = np.mgrid[:200, :300]
    pages[1][(columns - 90) ** 2 + (rows - 70) ** 2 <= 20**2] = 40
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    for page in (1, 2):
        bring_in(project, tmp_path / "a.tif", plane=Plane(page=page))
    recipe = DetectionRecipe(method="manual", level=120.0)
    found = [
        len(find_in_file(one, tmp_path / "a.tif", project.folder, recipe, project.pixels).pores)
        for one in project.micrographs()
    ]
    assert found == [0, 1]
