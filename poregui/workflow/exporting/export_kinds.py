"""List every way in which labels leave a project, for the menu and the command line alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from poregui.store.project import Project
from poregui.workflow.applying.inputs import run_with_network
from poregui.workflow.exporting.export_images import export_bars, export_overlays
from poregui.workflow.exporting.export_labels import (
    Progress,
    export_class_folders,
    export_csv,
    export_split_folders,
    new_folder,
    quiet,
)
from poregui.workflow.exporting.export_run import export_model
from poregui.workflow.exporting.formats.coco import write_coco
from poregui.workflow.exporting.formats.geojson import write_geojson
from poregui.workflow.exporting.formats.imagej import write_imagej
from poregui.workflow.exporting.formats.shapes import shapes_of
from poregui.workflow.reporting.contact_sheets import export_sheets_pdf, export_sheets_png


@dataclass(frozen=True)
class ExportFormat:
    """Hold one way out: its title, the suffix of its file (empty: a new folder), and what writes
    it.

    `write(project, out, progress)` returns how many crops or pores were written and raises
    PoreguiError.
    """

    title: str
    suffix: str
    write: Callable[[Project, Path, Progress], int]
    unit: str = "crop"


def _workbook(project: Project, out: Path, progress: Progress) -> int:
    from poregui.workflow.exporting.workbook import export_workbook

    return export_workbook(project, out, progress)


EXPORTS: dict[str, ExportFormat] = {
    "csv": ExportFormat(
        "labels as CSV", ".csv", lambda project, out, _progress: export_csv(project, out)
    ),
    "xlsx": ExportFormat("tables as Excel workbook", ".xlsx", _workbook, "pore"),
    "class-folders": ExportFormat("class folders", "", export_class_folders),
    "yolo": ExportFormat("class folders by split (YOLO)", "", export_split_folders),
    "coco": ExportFormat(
        "outlines as COCO",
        ".json",
        lambda project, out, _progress: write_coco(shapes_of(project), out),
        "pore",
    ),
    "geojson": ExportFormat(
        "outlines as GeoJSON (QuPath)",
        "",
        lambda project, out, _progress: new_folder(
            out, lambda beside: write_geojson(shapes_of(project), beside)
        ),
        "pore",
    ),
    "imagej": ExportFormat(
        "outlines as ImageJ ROIs",
        "",
        lambda project, out, _progress: new_folder(
            out, lambda beside: write_imagej(shapes_of(project), beside)
        ),
        "pore",
    ),
    "overlays": ExportFormat("micrographs with outlines as PNG", "", export_overlays, "micrograph"),
    "crops-with-bar": ExportFormat("crops with scale bar as PNG", "", export_bars),
    "contact-sheets": ExportFormat("contact sheets as PDF", ".pdf", export_sheets_pdf, "page"),
    "contact-sheets-png": ExportFormat("contact sheets as PNG", "", export_sheets_png, "page"),
    "model": ExportFormat(
        "network with its model card",
        "",
        lambda project, out, _progress: _newest(project, out),
        "file",
    ),
}
"""By the name that the command line knows."""


def _newest(project: Project, out: Path) -> int:
    return export_model(project, run_with_network(project, None), out)


def export(project: Project, name: str, out: Path, progress: Progress = quiet) -> int:
    """Write a project in a format of EXPORTS and return how much.

    Raises PoreguiError when that cannot be.
    """
    return EXPORTS[name].write(project, out, progress)
