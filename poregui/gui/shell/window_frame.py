"""Draw the rail and the status bar around the pages."""

from __future__ import annotations

import os
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QStatusBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.wording import count

WIDTH = 76


class Rail(QFrame):
    """Show one button per page, driven by the actions of the window."""

    def __init__(self, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setFixedWidth(WIDTH)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 8)
        layout.setSpacing(2)
        for action in actions:
            button = QToolButton()
            button.setObjectName(f"rail_{action.text().lower()}")
            button.setAccessibleName(f"Page {action.text()}")
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setIconSize(QSize(24, 24))
            button.setFixedSize(WIDTH - 1, 64)
            layout.addWidget(button)
        layout.addStretch()


class StatusBar(QStatusBar):
    """Show the state of the project and of the work in the background."""

    cancel_requested = Signal()
    training_chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._project = QLabel()
        self._project.setObjectName("status_project")
        self._project.setProperty("title", True)
        self._counts = QLabel()
        self._counts.setObjectName("status_counts")
        self._saved = QLabel()
        self._saved.setObjectName("status_saved")
        self._saved.setProperty("muted", True)
        self.addWidget(self._build_state())
        self._training = QToolButton()
        self._training.setObjectName("status_training")
        self._training.setAutoRaise(True)
        self._training.setToolTip("Show training")
        self._training.clicked.connect(self.training_chosen)
        self._training.hide()
        self.addPermanentWidget(self._training)
        self._work = self._build_work()
        self.addPermanentWidget(self._work)
        machine = QLabel(count(os.cpu_count() or 1, "core"))
        machine.setObjectName("status_machine")
        machine.setProperty("muted", True)
        machine.setContentsMargins(8, 0, 10, 0)
        self.addPermanentWidget(machine)

    def _build_state(self) -> QWidget:
        state = QWidget()
        row = QHBoxLayout(state)
        row.setContentsMargins(10, 2, 0, 2)
        row.setSpacing(16)
        for label in (self._project, self._counts, self._saved):
            row.addWidget(label)
        return state

    def _build_work(self) -> QWidget:
        work = QWidget()
        row = QHBoxLayout(work)
        row.setContentsMargins(0, 0, 0, 0)
        self._work_text = QLabel()
        self._work_text.setObjectName("status_work")
        self._progress = QProgressBar()
        self._progress.setObjectName("status_progress")
        self._progress.setFixedWidth(140)
        self._progress.setTextVisible(False)
        cancel = QToolButton()
        cancel.setObjectName("status_cancel")
        cancel.setAccessibleName("Cancel background work")
        cancel.setText("Cancel")
        cancel.clicked.connect(self.cancel_requested)
        for widget in (self._work_text, self._progress, cancel):
            row.addWidget(widget)
        work.hide()
        return work

    def set_project(self, name: str, *, read_only: bool = False) -> None:
        """Show a project's name, or nothing for an empty one."""
        self._project.setText(name)
        if not name:
            self._counts.setText("")
            self._saved.setText("")
        elif read_only:
            self._saved.setText("Read-only")
        else:
            self._saved.setText("All changes saved")

    def set_counts(self, counts: Sequence[tuple[str, str, int]], unlabelled: int) -> None:
        """Show (letter, colour, crops) of each class and the crops without a label."""
        chips = [
            f'<span style="color:{colour}">■</span>&nbsp;{letter}&nbsp;<b>{number:,}</b>'
            for letter, colour, number in counts
        ]
        if unlabelled:
            chips.append(f"{unlabelled:,} unlabelled")
        self._counts.setText("&nbsp;&nbsp; ".join(chips))

    def set_training(self, text: str) -> None:
        """Say how far a training is; an empty text says that none goes on."""
        self._training.setText(text)
        self._training.setAccessibleName(text)
        self._training.setVisible(bool(text))

    def show_work(self, text: str, done: int = 0, total: int = 0) -> None:
        """Show what runs and how far it is; without a total the bar only moves."""
        self._work_text.setText(text)
        self._progress.setRange(0, total)
        self._progress.setValue(done)
        self._work.show()

    def hide_work(self) -> None:
        """Show that nothing runs."""
        self._work.hide()
