"""Print the contact sheets of the classes: the same pages that are exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget

from poregui.domain.errors import PoreguiError
from poregui.domain.wording import count
from poregui.gui.base.messages import messages
from poregui.gui.services.jobs import TaskControl
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.store.project import Project
from poregui.workflow.reporting.contact_sheets import draw_sheets, plan_sheets

_KEEP = Qt.AspectRatioMode.KeepAspectRatio

if TYPE_CHECKING:
    from PIL.Image import Image
    from PySide6.QtPrintSupport import QPrinter


class SheetPrinting(QObject):
    """Ask for a printer and print in the background, over a look of its own at the project."""

    def __init__(self, window: QWidget, session: Session, services: Services) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._services = services

    def ask(self) -> None:
        """Ask for a printer, how many copies and which pages, and print."""
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter

        sheets = plan_sheets(self._session.project)
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        dialog = QPrintDialog(printer, self._window)
        dialog.setWindowTitle("Print contact sheets")
        dialog.setMinMax(1, len(sheets))
        if dialog.exec() == QPrintDialog.DialogCode.Accepted:
            self.print(printer)

    def print(self, printer: QPrinter) -> None:
        """Print all pages, or those that the printer was told."""
        folder = self._session.project.folder

        def work(control: TaskControl) -> int:
            with Project.open(folder, read_only=True) as project:
                return paint_sheets(project, printer, control)

        self._services.background.run("Printing contact sheets", work, self._done)

    def _done(self, pages: int) -> None:
        messages().note(f"{count(pages, 'page')} printed.")


def paint_sheets(project: Project, printer: QPrinter, control: TaskControl) -> int:
    """Paint the pages of a project onto a printer, each as large as its paper, and return how many.

    Raises PoreguiError when the printer does not take them.
    """
    from PySide6.QtGui import QPageSize

    printer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    printer.setFullPage(True)  # the pages bring their own margins
    first = printer.fromPage()
    last = printer.toPage() or 10**9
    painter = QPainter()
    if not painter.begin(printer):
        raise PoreguiError(
            "The printer does not respond.", "Check it, or export the sheets as PDF."
        )
    printed = 0
    try:
        for sheet, page in draw_sheets(project, control.progress):
            if not first <= sheet.number <= last:
                continue
            if printed and not printer.newPage():
                raise PoreguiError(
                    "The printer stopped before the last page.",
                    "Check its paper and print the rest.",
                )
            image = _as_qimage(page)
            paper = QRectF(printer.pageLayout().fullRectPixels(printer.resolution()))
            size = image.size().scaled(paper.size().toSize(), _KEEP)
            target = QRectF(0, 0, size.width(), size.height())
            target.moveCenter(QRectF(0, 0, paper.width(), paper.height()).center())
            painter.drawImage(target, image)
            printed += 1
    finally:
        painter.end()
    return printed


def _as_qimage(page: Image) -> QImage:
    return QImage(
        page.tobytes(), page.width, page.height, 3 * page.width, QImage.Format.Format_RGB888
    ).copy()
