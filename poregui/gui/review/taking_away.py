"""Take a run away as report, figures, predictions or network, beside the window; changes with what can be taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from poregui.gui.messages import messages
from poregui.gui.printing import save_png, write_pdf
from poregui.gui.review.panel_presenter import Surroundings
from poregui.store.files import explain_write_error, write_text
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder

Write = Callable[[Project, RunFolder, Path], str]
"""Writes something of a run to a path, fit for any thread, and says what."""


class TakingAway(QObject):
    """Ask where to, and write."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around.owner)
        self._around = around

    def take(self, name: str) -> None:
        """Ask for a place and write what an export is named (see run_column.EXPORTS)."""
        run = self._around.desk.run
        if run is None:
            messages().note("No run is shown.")
            return
        ending, kind, write = _KINDS[name]
        folder = self._around.session.project.folder
        proposed = folder.with_name(f"{folder.name}-run-{run.folder.path.name}{ending}")
        title = f"Export {kind}"
        if name.startswith("export_figures"):
            chosen = QFileDialog.getExistingDirectory(self._around.page, title, str(folder.parent))
        else:
            kinds = f"*{ending}" if ending.startswith(".") else ""
            chosen, _ = QFileDialog.getSaveFileName(self._around.page, title, str(proposed), kinds)
        if chosen:
            self.write(write, run.folder, Path(chosen))

    def write(self, write: Write, run: RunFolder, out: Path) -> None:
        """Write beside the window, over a look at the project of its own."""
        folder = self._around.session.project.folder

        def work(_control: object) -> str:
            with Project.open(folder, read_only=True) as project:
                return write(project, run, out)

        self._around.services.background.run(f"Writing {out.name}", work, messages().note)


def _html(project: Project, run: RunFolder, out: Path) -> str:
    from poregui.workflow.report import write_report

    return f"Report written to {write_report(project, run, out)}."


def _pdf(project: Project, run: RunFolder, out: Path) -> str:
    from poregui.workflow.report import report_html
    from poregui.workflow.report_facts import collect_report

    write_pdf(lambda picture: report_html(collect_report(project, run), picture), out)
    return f"Report written to {out}."


def _predictions(project: Project, run: RunFolder, out: Path) -> str:
    from poregui.workflow.export_run import export_predictions

    return f"{export_predictions(project, run, out)} predictions written to {out}."


def _figures(project: Project, run: RunFolder) -> dict[str, str]:
    from poregui.workflow.report_facts import collect_report

    return dict(collect_report(project, run).figures)


def _svg(project: Project, run: RunFolder, out: Path) -> str:
    figures = _figures(project, run)
    for stem, svg in figures.items():
        write_text(_beside(out, run, stem, "svg"), svg)
    return f"{len(figures)} figures written to {out}."


def _png(project: Project, run: RunFolder, out: Path) -> str:
    figures = _figures(project, run)
    for stem, svg in figures.items():
        path = _beside(out, run, stem, "png")
        try:
            save_png(svg, path)
        except OSError as error:
            raise explain_write_error(error, path) from error
    return f"{len(figures)} figures written to {out}."


def _model(project: Project, run: RunFolder, out: Path) -> str:
    from poregui.workflow.export_model import export_model

    return f"{export_model(project, run, out)} files written to {out}: the network, its model.json and its model card."


def _beside(out: Path, run: RunFolder, stem: str, ending: str) -> Path:
    return out / f"run-{run.path.name}-{stem}.{ending}"


_KINDS: dict[str, tuple[str, str, Write]] = {
    "export_report": (".html", "report", _html),
    "export_report_pdf": (".pdf", "report", _pdf),
    "export_predictions": (".csv", "predictions", _predictions),
    "export_figures_svg": ("", "figures into a folder", _svg),
    "export_figures_png": ("", "figures into a folder", _png),
    "export_model": ("-model", "network into a new folder", _model),
}
