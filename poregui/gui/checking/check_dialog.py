"""Show the windows of a check one at a time, keep each answer at once, and say the result."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QSizeF, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Outline
from poregui.domain.records import Micrograph
from poregui.domain.wording import count
from poregui.gui.base.messages import messages
from poregui.gui.base.pieces import WholeNumberBox
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.canvas.canvas_view import CanvasView
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.checking.check_tools import MarkTool, PointTool, WindowTool
from poregui.gui.dialogs.base import FormDialog, hint
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.vision.io.pyramid import Pyramid
from poregui.vision.pores.edit import outline_near
from poregui.workflow.checking.finding_checks import Answer, CheckWindow, FindingCheck, save_check
from poregui.workflow.detecting.find_pores import detection_recipe
from poregui.workflow.detecting.measuring import outlined_pores

_AROUND = 1.25
"""How many times its side is seen of a window."""


class NewCheckDialog(FormDialog):
    """Ask whether to go on with a check or to draw windows, how many, and how to answer."""

    def __init__(self, unfinished: FindingCheck | None, parent: QWidget | None) -> None:
        super().__init__("Check the finding", "Start", parent)
        self.which = QComboBox()
        self.which.setObjectName("check_which_box")
        self.which.setAccessibleName("Windows")
        if unfinished is not None:
            windows = count(len(unfinished.windows), "window")
            self.which.addItem(f"Continue check {unfinished.number} ({windows})", True)
        self.which.addItem("Draw new windows", False)
        self.windows = WholeNumberBox()
        self.windows.setObjectName("check_windows_box")
        self.windows.setAccessibleName("Number of windows")
        self.windows.setRange(1, 500)
        self.windows.setValue(20)
        self.way = QComboBox()
        self.way.setObjectName("check_way_box")
        self.way.setAccessibleName("How to answer")
        self.way.addItem("Mark missed and false pores", False)
        self.way.addItem("Count points, without outlines", True)
        self.form.addRow("Windows", self.which)
        self.form.addRow("Number", self.windows)
        self.form.addRow("Answer by", self.way)
        self.form.addRow(
            hint(
                "Windows are drawn at random over all micrographs in which pores were looked for. "
                "Each answer is kept at once; close and continue whenever you like."
            )
        )
        self.which.currentIndexChanged.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.windows.setEnabled(not self.continues)

    @property
    def continues(self) -> bool:
        """Tell whether the check that is there goes on."""
        return bool(self.which.currentData())

    @property
    def by_points(self) -> bool:
        """Tell whether points are counted, instead of marking pores."""
        return bool(self.way.currentData())


class CheckDialog(QDialog):
    """Lead a person through the windows of a check; `check` is what is kept now."""

    def __init__(
        self,
        check: FindingCheck,
        session: Session,
        services: Services,
        parent: QWidget | None,
        *,
        by_points: bool,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Check the finding")
        self.resize(900, 640)
        self.check = check
        self._session = session
        self._images = services.micrograph_images
        self._by_points = by_points
        self._micrographs = {one.id: one for one in session.project.micrographs()}
        self._place = 0
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._look_at_window)
        self._build()
        self._images.loaded.connect(self._take)
        self._images.failed.connect(self._fail)
        self._place = self._next_place(0)
        self._show_window()

    def _build(self) -> None:
        self.title = QLabel()
        self.title.setObjectName("check_title")
        self.progress = QProgressBar()
        self.progress.setObjectName("check_progress")
        self.progress.setAccessibleName("Windows answered")
        self.progress.setRange(0, len(self.check.windows))
        self.progress.setMinimumWidth(180)
        self.progress.setFormat("%v of %m windows")
        self.canvas = ImageCanvas(self)
        self.result_text = QLabel()
        self.result_text.setObjectName("check_result")
        self.result_text.setWordWrap(True)
        self.back = _button("check_back_button", "Previous window", self._go_back)
        self.next = _button("check_next_button", "Done, next window", self._finish_window)
        self.closing = _button("check_close_button", "Close", self.accept)
        self.next.setToolTip("All missed and false pores of this window are marked (Return)")
        self._lay_out()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.progress)
        buttons = QHBoxLayout()
        buttons.addWidget(self.back)
        buttons.addWidget(self.next)
        buttons.addStretch(1)
        buttons.addWidget(self.closing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(GAP)
        layout.addLayout(top)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.result_text)
        layout.addLayout(buttons)

    @property
    def window_now(self) -> CheckWindow:
        """Return the window that is shown."""
        return self.check.windows[self._place]

    def _is_done(self, place: int) -> bool:
        window = self.check.windows[place]
        return self.check.is_done(window, self._session.who, by_points=self._by_points)

    def _next_place(self, start: int) -> int:
        """Return the first window from `start` on that is not answered, else where we are."""
        total = len(self.check.windows)
        order = [*range(start, total), *range(start)]
        return next((place for place in order if not self._is_done(place)), self._place)

    # ---- one window -------------------------------------------------------------------------

    def _show_window(self) -> None:
        window = self.window_now
        done = sum(self._is_done(place) for place in range(len(self.check.windows)))
        self.title.setText(f"Window {window.number} of {len(self.check.windows)}")
        self.progress.setValue(done)
        self.back.setEnabled(self._place > 0)
        self.next.setVisible(not self._by_points)
        result = self.check.result(self._session.who)
        self.result_text.setText(f"{result.sentence} {result.warning}" if result.windows else "")
        micrograph = self._micrographs.get(window.micrograph_id)
        if micrograph is None:
            self.canvas.show_message("Its micrograph is no longer in the project.")
            return
        self.canvas.show_message("Loading …")
        self._images.request(micrograph)

    def _take(self, micrograph_id: int, image: Pyramid) -> None:
        micrograph = self._micrographs.get(micrograph_id)
        if micrograph is None or micrograph_id != self.window_now.micrograph_id:
            return
        loaded = self._images.get(micrograph)
        if loaded is None:
            return
        self.canvas.set_tiles(loaded.tiles, um_per_px=micrograph.um_per_px, editable=False)
        tool = self._tool(micrograph, image)
        tool.changed_answer.connect(self._keep)
        tool.finished.connect(self._move_on)
        self.canvas.set_tool(tool)
        self._look_at_window()

    def _look_at_window(self) -> None:
        box = self.window_now.box
        view = self.canvas.view
        if view is None:
            return
        seen = QSizeF(box.width * _AROUND, box.height * _AROUND)
        scale = CanvasView.fitted(seen, view.window).scale
        self.canvas.zoom(scale / view.scale)
        self.canvas.centre_on(QPointF(*box.centre))

    def _fail(self, micrograph_id: int, error: PoreguiError) -> None:
        if micrograph_id == self.window_now.micrograph_id:
            self.canvas.show_message(str(error))

    def _tool(self, micrograph: Micrograph, image: Pyramid) -> WindowTool:
        window = self.window_now
        answer = window.answer_of(self._session.who)
        if self._by_points:
            return PointTool(window, answer, self.check.grid)
        project = self._session.project
        crops = project.crops(micrograph_id=micrograph.id)
        known = outlined_pores(crops, project.outlines(micrograph_id=micrograph.id))
        outlines = {
            crop_id: outline.points
            for crop_id, outline in known.items()
            if outline.bounds.overlap(window.box) > 0
        }
        polarity = detection_recipe(project).polarity

        def area_at(x: float, y: float, reach: float) -> float | None:
            points = outline_near(image, x, y, reach=reach, polarity=polarity)
            if points is None:
                return None
            return round(Outline.of(points).area, 2)

        return MarkTool(window, answer, outlines, area_at)

    def _keep(self, answer: Answer) -> None:
        """Keep an answer on disk; a project that refuses says so."""
        check = self.check.with_answer(self.window_now.number, answer)
        try:
            save_check(self._session.project, check)
        except PoreguiError as error:
            messages().error(error)
            return
        self.check = check

    # ---- steps ------------------------------------------------------------------------------

    def _move_on(self) -> None:
        self._place = self._next_place(self._place + 1)
        self._show_window()

    def _go_back(self) -> None:
        self._place = max(0, self._place - 1)
        self._show_window()

    def _finish_window(self) -> None:
        tool = self.canvas.tool
        if isinstance(tool, MarkTool):
            tool.finish()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._soon.start()

    def done(self, code: int) -> None:
        """Close; what is answered is kept."""
        self.canvas.set_tool(None)
        self._images.loaded.disconnect(self._take)
        self._images.failed.disconnect(self._fail)
        super().done(code)


def _button(name: str, text: str, slot: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAutoDefault(False)
    button.clicked.connect(lambda: slot())
    return button
