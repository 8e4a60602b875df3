"""Write the report of what was applied from the window, in the background; changes with how it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from poregui.gui.base.messages import messages
from poregui.gui.services.jobs import Background
from poregui.gui.services.printing import write_pdf_of
from poregui.workflow.applying.field import FieldResult
from poregui.workflow.applying.inputs import AppliedModel
from poregui.workflow.applying.porosity_report import collect_applied
from poregui.workflow.applying.report import write_applied_report
from poregui.workflow.applying.result_table import PoreTable

KINDS = {"PDF (*.pdf)": ".pdf", "HTML (*.html)": ".html"}


@dataclass(frozen=True)
class Reported:
    """Hold what a report is made of: results at the confidence `least`, and the folders that they lie in."""

    model: AppliedModel
    results: Sequence[FieldResult]
    folders: Sequence[Path]
    tables: Sequence[PoreTable]
    least: float
    locked: str = ""


def ask_report(parent: QWidget, proposed: Path, wanted: Reported, background: Background) -> None:
    """Ask where to, and write the report there as HTML or PDF, whichever its name says."""
    where, kind = QFileDialog.getSaveFileName(parent, "Report per specimen", str(proposed), ";;".join(KINDS))
    if where:
        path = Path(where)
        write_report(path if path.suffix else path.with_suffix(KINDS.get(kind, ".pdf")), wanted, background)


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

    background.run(f"Writing {out.name}", work, lambda path: messages().note(f"Report written to {path}."))
