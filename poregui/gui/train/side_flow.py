"""Ask which specimens are tested on and make it so; changes with the way from the question to the edit."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QWidget

from poregui.domain.errors import PoreguiError
from poregui.gui.base.messages import messages
from poregui.gui.dialogs.test_split_dialog import TestSideDialog
from poregui.gui.services.session import Session
from poregui.workflow.training.prepare_dataset import DatasetSummary
from poregui.workflow.training.test_split import choose_test_side, groups, warnings_for


def can_choose(summary: DatasetSummary) -> bool:
    """Tell whether there are specimens, or micrographs, among which the test side can be chosen."""
    return summary.kind not in ("", "given") and len({row.name for row in summary.groups}) > 1


def ask_test_side(session: Session, summary: DatasetSummary, parent: QWidget) -> None:
    """Let a person tick the test specimens; the change is one edit that can be undone."""
    project = session.project
    shown = groups(project, [(row.name, row.part) for row in summary.groups])

    def judge(keys: frozenset[str]) -> tuple[str, ...]:
        return warnings_for(project, choose_test_side(project, keys), shown)

    dialog = TestSideDialog(shown, [c.name for c in project.classes()], judge, parent)
    try:
        accepted = dialog.exec() == QDialog.DialogCode.Accepted
        if accepted and dialog.keys != {group.key for group in shown if group.tested}:
            session.apply(choose_test_side(project, dialog.keys))
    except PoreguiError as error:
        messages().error(error)
    finally:
        dialog.deleteLater()
