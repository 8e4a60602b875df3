"""Export a run as report, figures, predictions or network, beside the window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QFileDialog

from poregui.domain.wording import count
from poregui.gui.base.feature import Feature
from poregui.gui.base.messages import messages
from poregui.gui.review.review_state import ReviewState
from poregui.gui.review.run_column import RunColumn
from poregui.gui.services.jobs import Background
from poregui.gui.services.printing import save_png, write_pdf
from poregui.store.files import export_target, write_text
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder

Write = Callable[[Project, RunFolder, Path], str]
"""Writes something of a run to a path, fit for any thread, and says what."""


class RunExport(Feature):
    """Ask where to, and write."""

    def __init__(self, column: RunColumn, state: ReviewState, background: Background) -> None:
        super().__init__(state)
        self._column = column
        self._state = state
        self._background = background
        self.link(column.export_requested, self.export)

    def export(self, name: str) -> None:
        """Ask for a place and write what an export is named (see run_column.EXPORTS)."""
        run = self._state.run
        if run is None:
            messages().note("No run is selected.")
            return
        ending, kind, write = _KINDS[name]
        folder = self._state.project.folder
        proposed = folder.with_name(f"{folder.name}-run-{run.folder.path.name}{ending}")
        title = f"Export {kind}"
        if name.startswith("export_figures"):
            chosen = QFileDialog.getExistingDirectory(self._column, title, str(folder.parent))
        else:
            kinds = ""
            if ending.startswith("."):
                kinds = f"*{ending}"
            chosen, _ = QFileDialog.getSaveFileName(self._column, title, str(proposed), kinds)
        if chosen:
            self.write(write, run.folder, Path(chosen))

    def write(self, write: Write, run: RunFolder, out: Path) -> None:
        """Write beside the window, over a look at the project of its own."""
        folder = self._state.project.folder
        work = partial(_write, folder, write, run, out)
        self._background.run(f"Writing {out.name}", work, messages().note)


def _write(folder: Path, write: Write, run: RunFolder, out: Path, _control: object) -> str:
    with Project.open(folder, read_only=True) as project:
        return write(project, run, out)


def _html(project: Project, run: RunFolder, out: Path) -> str:
    from poregui.workflow.reporting.run_report import write_report

    return f"Report written to {write_report(project, run, out)}."


def _pdf(project: Project, run: RunFolder, out: Path) -> str:
    from poregui.workflow.reporting.run_report import collect_report, report_html

    write_pdf(lambda image: report_html(collect_report(project, run), image), out)
    return f"Report written to {out}."


def _predictions(project: Project, run: RunFolder, out: Path) -> str:
    from poregui.workflow.exporting.export_run import export_predictions

    return f"{count(export_predictions(project, run, out), 'prediction')} written to {out}."


def _figures(project: Project, run: RunFolder) -> dict[str, str]:
    from poregui.workflow.reporting.run_report import collect_report

    return dict(collect_report(project, run).figures)


def _svg(project: Project, run: RunFolder, out: Path) -> str:
    figures = _figures(project, run)
    for stem, svg in figures.items():
        write_text(export_target(_beside(out, run, stem, "svg")), svg)
    return f"{count(len(figures), 'figure')} written to {out}."


def _png(project: Project, run: RunFolder, out: Path) -> str:
    figures = _figures(project, run)
    for stem, svg in figures.items():
        save_png(svg, _beside(out, run, stem, "png"))
    return f"{count(len(figures), 'figure')} written to {out}."


def _model(project: Project, run: RunFolder, out: Path) -> str:
    from poregui.workflow.exporting.export_run import export_model

    files = count(export_model(project, run, out), "file")
    return f"{files} written to {out}: the network, its model.json and its model card."


def _beside(out: Path, run: RunFolder, stem: str, ending: str) -> Path:
    return out / f"run-{run.path.name}-{stem}.{ending}"


_KINDS: dict[str, tuple[str, str, Write]] = {
    "export_report": (".html", "report", _html),
    "export_report_pdf": (".pdf", "report", _pdf),
    "export_predictions": (".csv", "predictions", _predictions),
    "export_figures_svg": ("", "figures to a folder", _svg),
    "export_figures_png": ("", "figures to a folder", _png),
    "export_model": ("-model", "network to a new folder", _model),
}
