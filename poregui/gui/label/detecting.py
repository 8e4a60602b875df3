"""Join the panel that finds pores to the session: live preview, finding in the background, one edit at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QColor

from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed, Micrograph
from poregui.gui.background import TaskControl, TaskHandle
from poregui.gui.dialogs.which_micrographs import ask_which_micrographs
from poregui.gui.label.companion import LabelDesk
from poregui.gui.label.filters import CropFilter
from poregui.gui.label.find_words import preview_words, result_words
from poregui.gui.label.outlining import Outlining
from poregui.gui.label.previewing import Previewer, Seen
from poregui.gui.latest import Latest
from poregui.gui.messages import messages
from poregui.gui.widgets.outline_layer import DrawnOutline, OutlineLayer
from poregui.store.project import Project
from poregui.workflow.detect import (
    RECIPE_KEY,
    DetectionPlan,
    Found,
    Present,
    detection_recipe,
    find_in_file,
    plan_detection,
    recipe_text,
)
from poregui.workflow.searched import searchable

TAB = "Find pores"
_PREVIEW = QColor("#ffd400")
_SOON_MS = 15


@dataclass(frozen=True)
class _Search:
    """Hold what a search brought, and of which state of the project its plan is."""

    found: tuple[Found, ...]
    failed: tuple[tuple[str, str], ...]
    plan: DetectionPlan | None
    revision: int


class Detecting(QObject):
    """Show what the recipe finds while it is tuned, and find pores when asked."""

    def __init__(self, desk: LabelDesk, outlining: Outlining) -> None:
        super().__init__(desk.owner)
        self._desk = desk
        self._outlining = outlining
        self._panel = desk.page.find_panel
        self._canvas = desk.page.image_canvas
        self._layer = OutlineLayer(_PREVIEW)
        self._latest = Latest(self)
        self._previewer = Previewer()
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MS)
        self._soon.timeout.connect(self._preview)
        self._tuned = False
        self._revision = 0
        self._running: TaskHandle | None = None
        self._stayed: tuple[int, ...] = ()

    # ---- life ----------------------------------------------------------------------------------------------------

    def _links(self) -> tuple:
        panel, desk = self._panel, self._desk
        return (
            (panel.form.changed, self._tune),
            (panel.form.refused, panel.set_preview),
            (panel.find_here_requested, self.find_here),
            (panel.find_everywhere_requested, self.find_everywhere),
            (panel.stayed_requested, self._show_stayed),
            (desk.page.side.chosen, self._look),
            (desk.stage.changed, self._stage_changed),
            (self._canvas.zoomed, self._look),
        )

    def attach(self) -> None:
        """Show the project's recipe and listen."""
        for signal, slot in self._links():
            signal.connect(slot)
        if self._desk.services.background is not None:
            self._desk.services.background.finished.connect(self._ended)
        self._canvas.add_overlay(self._layer.paint)
        self._panel.form.set_recipe(detection_recipe(self._desk.session.project))
        self._panel.set_result("")
        self._panel.set_preview("")
        self._show_ready()

    def detach(self) -> None:
        """Remember the recipe, stop listening and end what runs."""
        for signal, slot in self._links():
            signal.disconnect(slot)
        if self._desk.services.background is not None:
            self._desk.services.background.finished.disconnect(self._ended)
        if self._running is not None:
            self._running.cancel()
        self._soon.stop()
        self._latest.close()
        self._canvas.remove_overlay(self._layer.paint)
        self._remember()
        self.deleteLater()

    def follow(self, changed: Changed) -> None:
        """Count what happens while a search goes on, and show a recipe that came back by undo."""
        if changed.kinds & {"crops", "labels", "outlines", "settings", "micrographs"}:
            self._revision += 1
        if "settings" in changed.kinds:
            self._panel.form.set_recipe(detection_recipe(self._desk.session.project))
        if "micrographs" in changed.kinds:
            self._show_ready()
        if changed.kinds & {"outlines", "micrographs"}:
            self._look()

    def _remember(self) -> None:
        project, text = self._desk.session.project, recipe_text(self._panel.form.recipe())
        if self._tuned and not project.read_only and project.meta(RECIPE_KEY) != text:
            with suppress(PoreguiError), project.transaction():
                project.put_meta(RECIPE_KEY, text)

    # ---- the preview ---------------------------------------------------------------------------------------------

    def _tune(self, _recipe: DetectionRecipe) -> None:
        self._tuned = True
        self._look()

    def _stage_changed(self) -> None:
        self._show_ready()
        self._look()

    def _look(self, _what: object = None) -> None:
        """Have the part that is seen looked at soon, where a preview is wanted."""
        if self._wanted():
            self._soon.start()
        else:
            self._drop_preview()

    def _wanted(self) -> bool:
        seen = self._desk.page.side.current == TAB and self._desk.stage.image is not None
        return seen and (self._tuned or not self._outlining.outlines)

    def _drop_preview(self) -> None:
        self._soon.stop()
        self._latest.forget()
        self._panel.set_preview("")
        self._draw(())

    def _preview(self) -> None:
        stage, view = self._desk.stage, self._canvas.view
        if stage.image is None or stage.micrograph is None or view is None:
            return
        self._panel.form.set_grey_top(stage.image.grey_high)
        image, micrograph, recipe, part = stage.image, stage.micrograph, self._panel.form.recipe(), view.visible()
        edges = (part.left(), part.top(), part.right(), part.bottom())
        self._latest.request(
            lambda: self._previewer.look(image, micrograph, recipe, edges), self._show_preview, self._preview_failed
        )

    def _show_preview(self, seen: Seen) -> None:
        if not self._wanted():
            return
        self._draw([DrawnOutline(-1 - i, points, None) for i, points in enumerate(seen.detected.outlines)])
        self._panel.set_preview(preview_words(seen))

    def _preview_failed(self, error: PoreguiError) -> None:
        self._draw(())
        self._panel.set_preview(str(error))

    def _draw(self, outlines: Sequence[DrawnOutline]) -> None:
        self._layer.set_outlines(outlines)
        self._outlining.hide_proposals(bool(outlines))
        self._canvas.update()

    # ---- finding -------------------------------------------------------------------------------------------------

    def find_here(self) -> None:
        """Find the pores of the micrograph that is shown."""
        micrograph = self._desk.stage.micrograph
        if micrograph is not None:
            self._find([micrograph])

    def find_everywhere(self) -> None:
        """Ask in which micrographs, and find their pores."""
        desk, project = self._desk, self._desk.session.project
        micrographs = desk.catalogue.micrographs
        if not micrographs:
            return
        crops = Counter(crop.micrograph_id for crop in desk.catalogue.crops.values() if crop.micrograph_id is not None)
        known = searchable(
            micrographs.values(), project.detections(), desk.catalogue.specimens, crops, self._panel.form.recipe()
        )
        chosen = ask_which_micrographs(known, desk.page.window())
        if chosen:
            self._find([micrographs[i] for i in chosen])

    def _find(self, micrographs: list[Micrograph]) -> None:
        project = self._desk.session.project
        if self._running is not None or not self._desk.apply(None):
            return
        recipe, pixels, folder = self._panel.form.recipe(), project.pixels, project.folder
        jobs = [(one, project.micrograph_file(one)) for one in micrographs]
        title = f"Finding pores in {micrographs[0].shown_name}" if len(jobs) == 1 else "Finding pores"

        def search(control: TaskControl) -> _Search:
            found, failed = [], []
            for place, (one, file) in enumerate(jobs):

                def tell(done: int, total: int, text: str, place: int = place) -> None:
                    control.progress(*((done, total) if len(jobs) == 1 else (place, len(jobs))), text)

                tell(0, 1, one.shown_name)
                try:
                    found.append(find_in_file(one, file, folder, recipe, pixels, tell))
                except PoreguiError as error:
                    failed.append((one.shown_name, str(error)))
            return self._planned(tuple(found), tuple(failed), recipe)

        self._start(title, search, recipe)

    def _planned(
        self, found: tuple[Found, ...], failed: tuple[tuple[str, str], ...], recipe: DetectionRecipe
    ) -> _Search:
        """Plan the edit from what is on disk now (in a worker's thread)."""
        revision = self._revision
        if not found:
            return _Search((), failed, None, revision)
        with Project.open(self._desk.session.project.folder, read_only=True) as reader:
            present = Present.of(reader, [one.micrograph for one in found])
        return _Search(found, failed, plan_detection(found, present, recipe, self._desk.session.who), revision)

    def _start(self, title: str, task: Callable[[TaskControl], _Search], recipe: DetectionRecipe) -> None:
        self._running = self._desk.services.background.run(title, task, lambda search: self._found(search, recipe))
        self._show_ready()

    def _found(self, search: _Search, recipe: DetectionRecipe) -> None:
        """Bring in what was found; where the project changed meanwhile, the plan is made anew first."""
        if search.plan is not None and search.revision != self._revision:
            self._start("Finding pores", lambda _: self._planned(search.found, search.failed, recipe), recipe)
            return
        if search.plan is not None and not (search.plan.edit is None or self._desk.apply(search.plan.edit)):
            return
        if self._panel.form.recipe() == recipe:
            self._tuned = False
        self._stayed = search.plan.stayed if search.plan is not None else ()
        self._panel.set_result(result_words(search.found, search.failed, search.plan), stayed=bool(self._stayed))
        self._look()

    def _ended(self, handle: TaskHandle) -> None:
        if handle is self._running:
            self._running = None
            self._show_ready()

    def _show_stayed(self) -> None:
        page = self._desk.page
        there = [crop_id for crop_id in self._stayed if crop_id in self._desk.catalogue.crops]
        if not there:
            messages().note("These crops are not there any more.")
            return
        page.set_filter(CropFilter())
        self._desk.choose(there[0])
        page.crop_grid.choose(there[0], also=there)

    def _show_ready(self) -> None:
        idle = self._running is None and not self._desk.session.project.read_only
        here = self._desk.stage.micrograph is not None
        self._panel.set_ready(here=idle and here, everywhere=idle and bool(self._desk.catalogue.micrographs))
