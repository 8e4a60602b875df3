"""Ask where the report of results is to be written, and write it in the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from poregui.gui.apply.applied_results import Known, results_folder
from poregui.gui.base.messages import messages
from poregui.gui.services.jobs import Background
from poregui.gui.services.printing import write_pdf_of
from poregui.store.run_folder import RunFolder
from poregui.workflow.applying.confidence import at_confidence
from poregui.workflow.applying.field import FieldResult
from poregui.workflow.applying.inputs import AppliedModel
from poregui.workflow.applying.locked_recipe import Lock
from poregui.workflow.applying.porosity_report import collect_applied, write_applied_report
from poregui.workflow.applying.result_table import PoreTable

KINDS = {"PDF (*.pdf)": ".pdf", "HTML (*.html)": ".html"}


@dataclass(frozen=True)
class Reported:
    """Hold what a report is made of: results at the confidence `least`, and the folders that they
    lie in.
    """

    model: AppliedModel
    results: Sequence[FieldResult]
    folders: Sequence[Path]
    tables: Sequence[PoreTable]
    least: float
    locked: str = ""


def reported(known: Known, model: AppliedModel, least: float, locked: str) -> Reported:
    """Return what a report of results at a confidence is made of; `locked` says who locked the
    recipe, empty where nobody did.
    """
    pairs = zip(known.results, known.tables, strict=True)
    kept = [at_confidence(result, table, least) for result, table in pairs]
    folders = [task.folder for task in known.tasks]
    return Reported(model, kept, folders, known.tables, least, locked)


def proposed_file(project: Path, run: RunFolder | None, lock: Lock | None) -> Path:
    """Return where a report is put unless a person chooses another place: beside the project."""
    made = results_folder(project, run, lock).name
    return project.with_name(f"{project.name}-{made}-porosity.pdf")


def ask_report(parent: QWidget, proposed: Path, wanted: Reported, background: Background) -> None:
    """Ask where to, and write the report there as HTML or PDF, whichever its name says."""
    where, kind = QFileDialog.getSaveFileName(
        parent, "Report per specimen", str(proposed), ";;".join(KINDS)
    )
    if where:
        path = Path(where)
        if not path.suffix:
            path = path.with_suffix(KINDS.get(kind, ".pdf"))
        write_report(path, wanted, background)


def write_report(out: Path, wanted: Reported, background: Background) -> None:
    """Write the report and tell when it is there."""

    def work(_control: object) -> Path:
        facts = collect_applied(
            wanted.model,
            wanted.results,
            wanted.folders,
            tables=wanted.tables,
            least=wanted.least,
            locked=wanted.locked,
        )
        return write_applied_report(facts, out, write_pdf_of)

    def tell(path: Path) -> None:
        messages().note(f"Report written to {path}.")

    background.run(f"Writing {out.name}", work, tell)
