"""Set the Apply page up for tests: a project with discs and a run whose network judges by size."""

from __future__ import annotations

from pathlib import Path

from finished_runs import finished_run
from size_model import draw_discs, write_size_model

from poregui.domain.records import Micrograph
from poregui.gui.apply.apply_page import ApplyPage
from poregui.gui.shell.main_window import MainWindow
from poregui.store.files import file_hash
from poregui.store.project import Project
from poregui.workflow.editing.edits import AddMicrographs
from poregui.workflow.editing.history import History


def add_run(folder: Path, tmp_path: Path) -> Path:
    """Add two micrographs of discs and a run to a project with labels, and return its folder."""
    with Project.open(folder) as project:
        run = finished_run(project)
        model = write_size_model(tmp_path / "model")
        run.onnx_file.write_bytes(model.read_bytes())
        run.sidecar_file.write_bytes(model.with_suffix(".json").read_bytes())
        add_micrographs(project, tmp_path)
    return folder


def add_micrographs(project: Project, tmp_path: Path) -> None:
    """Add two micrographs of discs to a project."""
    specimen = project.specimens()[0]
    first = project.next_id("micrographs")
    added = []
    for number, sizes in enumerate(([12.0] * 4 + [34.0] * 2, [12.0, 34.0, 90.0, 19.2])):
        file = tmp_path / f"field_{number}.png"
        draw_discs(file, sizes, seed=number)
        path = project.path_for(file)
        added.append(
            Micrograph(
                first + number,
                path,
                file.name,
                file_hash(file),
                600,
                600,
                8,
                1,
                None,
                "",
                specimen.id,
            )
        )
    History(project).apply(AddMicrographs(tuple(added)))


def page_of(window: MainWindow, folder: Path) -> ApplyPage:
    """Open a project on its Apply page."""
    window.open_project(folder)
    window.show_page(window.apply_page)
    window.background.wait()
    return window.apply_page


def apply(window: MainWindow) -> None:
    """Find and classify the pores of the ticked micrographs."""
    window.apply_page.apply_button.click()
    window.background.wait()
