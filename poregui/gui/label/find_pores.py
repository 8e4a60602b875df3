"""Find pores from the label page: live preview, background work, one edit at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor

from poregui.domain.detection import DetectionRecipe
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed, Micrograph
from poregui.domain.wording import count
from poregui.gui.base.feature import Feature, Link
from poregui.gui.base.messages import messages
from poregui.gui.base.pieces import Tabbed
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.canvas.outline_layer import DrawnOutline, OutlineLayer
from poregui.gui.dialogs.micrograph_choice import ask_which_micrographs
from poregui.gui.label.catalogue import CropFilter
from poregui.gui.label.label_state import LabelState
from poregui.gui.label.outlines import Outlining
from poregui.gui.label.side_panels import FindPanel, porosity_text, result_text
from poregui.gui.label.stage import Stage
from poregui.gui.services.jobs import Latest, TaskControl, TaskHandle
from poregui.store.backups import make_backup
from poregui.store.finder_folder import FinderKind
from poregui.store.project import Project
from poregui.vision.pores.recipe_choice import Choice
from poregui.workflow.detecting.find_pores import (
    RECIPE_KEY,
    DetectedPores,
    DetectionPlan,
    Present,
    detection_recipe,
    find_in_file,
    plan_detection,
    recipe_text,
    searchable,
)
from poregui.workflow.detecting.learned_finder import (
    FINDER_KEY,
    finder_of_project,
    finder_or_none,
    finished_finders,
    name_in_search,
    name_of,
    open_finder,
)
from poregui.workflow.detecting.recipe_trials import Previewer, Seen, choose_automatically


def preview_text(seen: Seen) -> str:
    """Say what is found in the part that is seen."""
    where = "In view"
    if seen.partly:
        where = "In the centre of the view"
    pores = count(len(seen.detected.outlines), "pore")
    return f"{where}: {pores}, {porosity_text(seen.detected.area_percent)}"


TAB = "Find pores"
_PREVIEW = QColor("#ffd400")
_SOON_MS = 15


@dataclass(frozen=True)
class _Search:
    """Hold what a search brought, and of which state of the project its plan is."""

    found: tuple[DetectedPores, ...]
    failed: tuple[tuple[str, str], ...]
    plan: DetectionPlan | None
    revision: int


_HEARD = frozenset({"crops", "outlines", "settings", "micrographs", "runs"})


class Detecting(Feature):
    """Show what the recipe finds while it is tuned, and find pores when asked."""

    hears = _HEARD

    def __init__(
        self,
        panel: FindPanel,
        canvas: ImageCanvas,
        side: Tabbed,
        stage: Stage,
        outlining: Outlining,
        state: LabelState,
    ) -> None:
        super().__init__(state)
        self._panel = panel
        self._canvas = canvas
        self._side = side
        self._stage = stage
        self._outlining = outlining
        self._state = state
        self._layer = OutlineLayer(_PREVIEW)
        self._latest = Latest(self)
        self._previewer = Previewer()
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MS)
        self._soon.timeout.connect(self._preview)
        self._tuned = False
        self._previewed = False
        self._revision = 0
        self._running: TaskHandle | None = None
        self._stayed: tuple[int, ...] = ()
        self._unsure: tuple[int, ...] = ()
        self._kept_finder = ""

    # ---- life -------------------------------------------------------------------------------

    def links(self) -> Iterable[Link]:
        panel = self._panel
        return (
            (panel.form.changed, self._tune),
            (panel.form.refused, self._refuse),
            (panel.finder_chosen, self._choose_finder),
            (panel.teach_requested, self._teach),
            (panel.find_here_requested, self.find_here),
            (panel.find_everywhere_requested, self.find_everywhere),
            (panel.stayed_requested, self._show_stayed),
            (panel.mount_answered, self._answer_mount),
            (panel.automatic_requested, self.choose_automatically),
            (self._side.chosen, self._look),
            (self._state.micrograph_changed, self._micrograph_changed),
            (self._canvas.zoomed, self._look),
            (self._state.services.background.finished, self._ended),
        )

    def start(self) -> None:
        self._canvas.add_overlay(self._layer.paint)
        self._panel.set_result("")
        self._panel.set_preview("")
        self._show_recipe()
        self._show_finders()
        self._show_kept_finder()
        self._show_ready()

    def stop(self) -> None:
        """Remember the recipe and end what runs."""
        if self._running is not None:
            self._running.cancel()
        self._soon.stop()
        self._latest.close()
        self._canvas.remove_overlay(self._layer.paint)
        self._remember()

    def follow(self, changed: Changed) -> None:
        """Count what happens while a search goes on, and show a recipe that came back by undo."""
        if "runs" in changed.kinds:
            self._show_finders()
            return
        self._revision += 1
        if "settings" in changed.kinds:
            self._show_recipe()
            self._show_kept_finder()
        if "micrographs" in changed.kinds:
            self._show_finders()
            self._show_ready()
        if changed.kinds & {"outlines", "micrographs"}:
            self._look()

    def _show_recipe(self) -> None:
        """Show the project's recipe; where it is damaged the usual one, and why."""
        try:
            recipe = detection_recipe(self._state.project)
        except PoreguiError as error:
            recipe = DetectionRecipe()
            self._panel.set_result(str(error))
        self._panel.form.set_recipe(recipe)

    def _remember(self) -> None:
        project = self._state.project
        text = recipe_text(self._panel.form.recipe())
        if self._tuned and not project.read_only and project.meta(RECIPE_KEY) != text:
            with suppress(PoreguiError), project.transaction():
                project.put_meta(RECIPE_KEY, text)

    # ---- learned finders --------------------------------------------------------------------

    def _show_finders(self) -> None:
        """Offer the finders of the project, and to teach one where areas are checked."""
        project = self._state.project
        self._panel.set_finders([(one.number, name_of(one)) for one in finished_finders(project)])
        checked = sum(bool(one.checked_areas) for one in project.micrographs())
        idle = not self._state.services.trainer.running and not project.read_only
        self._panel.set_teaching(checked, idle=idle)

    def _show_kept_finder(self) -> None:
        """Choose how the project's pores were found last, where that is new."""
        kept = self._state.project.meta(FINDER_KEY)
        if kept == self._kept_finder:
            return
        self._kept_finder = kept
        try:
            found = finder_of_project(self._state.project)
        except PoreguiError as error:
            self._panel.set_result(str(error))
            return
        self._panel.choose_finder(0 if found is None else found.number)

    def _choose_finder(self) -> None:
        self._look()
        if self._panel.finder:
            self._panel.set_preview("Press Find pores here to see what it finds.")

    def _teach(self, kind: FinderKind) -> None:
        try:
            self._state.services.trainer.teach(kind)
        except PoreguiError as error:
            messages().error(error)
            return
        messages().note("Training a finder. The Train page shows its progress.")

    # ---- the preview ------------------------------------------------------------------------

    def _tune(self, _recipe: DetectionRecipe) -> None:
        self._tuned = True
        self._look()

    def _refuse(self, text: str) -> None:
        self._previewed = True
        self._panel.set_preview(text)

    def _micrograph_changed(self) -> None:
        self._show_ready()
        self._look()

    def _look(self, _what: object = None) -> None:
        """Have the part that is seen looked at soon, where a preview is wanted."""
        if self._wanted():
            self._previewed = True
            self._soon.start()
        elif self._previewed:
            self._drop_preview()

    def _wanted(self) -> bool:
        if self._side.current != TAB or self._stage.image is None or self._panel.finder:
            return False
        return self._tuned or not self._outlining.outlines

    def _drop_preview(self) -> None:
        self._previewed = False
        self._soon.stop()
        self._latest.forget()
        self._panel.set_preview("")
        self._draw(())

    def _preview(self) -> None:
        image = self._stage.image
        micrograph = self._state.micrograph
        view = self._canvas.view
        if image is None or micrograph is None or view is None:
            return
        self._panel.form.set_grey_top(image.grey_high)
        recipe = self._panel.form.recipe()
        part = view.visible()
        edges = (part.left(), part.top(), part.right(), part.bottom())
        self._latest.request(
            partial(self._previewer.look, image, micrograph, recipe, edges),
            self._show_preview,
            self._preview_failed,
        )

    def _show_preview(self, seen: Seen) -> None:
        if not self._wanted():
            return
        self._draw(
            [DrawnOutline(-1 - i, points, None) for i, points in enumerate(seen.detected.outlines)]
        )
        self._panel.set_preview(preview_text(seen))

    def _preview_failed(self, error: PoreguiError) -> None:
        self._draw(())
        self._panel.set_preview(str(error))

    def _draw(self, outlines: Sequence[DrawnOutline]) -> None:
        self._layer.set_outlines(outlines)
        self._outlining.hide_candidates(bool(outlines))
        self._canvas.update()

    # ---- finding ----------------------------------------------------------------------------

    def find_here(self) -> None:
        """Find the pores of the micrograph that is shown."""
        micrograph = self._state.micrograph
        if micrograph is not None:
            self._find([micrograph])

    def choose_automatically(self) -> None:
        """Choose the recipe on a sample of the micrograph that is shown, and show what it finds."""
        micrograph = self._state.micrograph
        if micrograph is None or self._running is not None:
            return
        project = self._state.project
        searched = [(micrograph, project.micrograph_file(micrograph))]
        start = self._panel.form.recipe()
        self._running = self._state.services.background.run(
            f"Trying thresholds on {micrograph.shown_name}",
            lambda control: choose_automatically(searched, project.folder, start, control.progress),
            self._chosen,
        )
        self._show_ready()

    def _chosen(self, choice: Choice) -> None:
        self._panel.form.set_recipe(choice.recipe)
        self._panel.set_result("\n".join(text for text in (choice.warning, choice.why) if text))
        self._tune(choice.recipe)

    def find_everywhere(self) -> None:
        """Ask in which micrographs, and find their pores."""
        project = self._state.project
        catalogue = self._state.catalogue
        micrographs = catalogue.micrographs
        if not micrographs:
            return
        crops = Counter(
            crop.micrograph_id
            for crop in catalogue.crops.values()
            if crop.micrograph_id is not None
        )
        try:
            how = self._how()
        except PoreguiError as error:
            messages().error(error)
            return
        known = searchable(
            micrographs.values(), project.detections(), catalogue.specimens, crops, how
        )
        chosen = ask_which_micrographs(known, self._panel.window())
        if chosen:
            self._find([micrographs[i] for i in chosen])

    def _how(self) -> str:
        """Return recipe and finder of the next search as one text."""
        learned = finder_or_none(self._state.project, self._panel.finder)
        finder = "" if learned is None else name_in_search(learned)
        return recipe_text(self._panel.form.recipe(), finder)

    def _answer_mount(self, is_mount: bool) -> None:
        """Search again where it was unsure what is mount, and keep the answer."""
        known = self._state.catalogue.micrographs
        micrographs = [known[i] for i in self._unsure if i in known]
        if micrographs:
            self._find(micrographs, is_mount)

    def _find(self, micrographs: list[Micrograph], is_mount: bool | None = None) -> None:
        project = self._state.project
        if self._running is not None or not self._state.apply(None):
            return
        recipe = self._panel.form.recipe()
        pixels = project.pixels
        folder = project.folder
        learned = finder_or_none(project, self._panel.finder)
        jobs = [(one, project.micrograph_file(one)) for one in micrographs]
        if len(jobs) == 1:
            title = f"Finding pores in {micrographs[0].shown_name}"
        else:
            title = "Finding pores"

        def search(control: TaskControl) -> _Search:
            found = []
            failed = []
            finder = None if learned is None else open_finder(learned)
            for index, (one, file) in enumerate(jobs):

                def tell(done: int, total: int, text: str, index: int = index) -> None:
                    if len(jobs) > 1:
                        done = index
                        total = len(jobs)
                    control.progress(done, total, text)

                tell(0, 1, one.shown_name)
                try:
                    found.append(
                        find_in_file(
                            one, file, folder, recipe, pixels, tell, finder, is_mount=is_mount
                        )
                    )
                except PoreguiError as error:
                    failed.append((one.shown_name, str(error)))
            return self._planned(tuple(found), tuple(failed), recipe)

        self._start(title, search, recipe)

    def _planned(
        self,
        found: tuple[DetectedPores, ...],
        failed: tuple[tuple[str, str], ...],
        recipe: DetectionRecipe,
    ) -> _Search:
        """Plan the edit from what is on disk now (in a worker's thread)."""
        revision = self._revision
        if not found:
            return _Search((), failed, None, revision)
        with Project.open(self._state.project.folder, read_only=True) as reader:
            present = Present.of(reader, [one.micrograph for one in found])
        plan = plan_detection(found, present, recipe, self._state.session.who)
        if plan.edit is not None:
            make_backup(self._state.project.folder, "before-detection")
        return _Search(found, failed, plan, revision)

    def _start(
        self, title: str, task: Callable[[TaskControl], _Search], recipe: DetectionRecipe
    ) -> None:
        background = self._state.services.background
        self._running = background.run(title, task, lambda search: self._found(search, recipe))
        self.hears = _HEARD | {"labels"}  # the plan depends on them
        self._show_ready()

    def _found(self, search: _Search, recipe: DetectionRecipe) -> None:
        """Bring in what was found, planned anew where the project changed meanwhile."""
        if search.plan is not None and search.revision != self._revision:
            self._start(
                "Finding pores",
                lambda _: self._planned(search.found, search.failed, recipe),
                recipe,
            )
            return
        if search.plan is not None and not (
            search.plan.edit is None or self._state.apply(search.plan.edit)
        ):
            return
        if self._panel.form.recipe() == recipe:
            self._tuned = False
        self._stayed = ()
        if search.plan is not None:
            self._stayed = search.plan.stayed
        self._unsure = tuple(one.micrograph.id for one in search.found if one.unsure_percent)
        text = result_text(search.found, search.failed, search.plan)
        self._panel.set_result(text, stayed=bool(self._stayed), unsure=bool(self._unsure))
        self._look()

    def _ended(self, handle: TaskHandle) -> None:
        if handle is self._running:
            self._running = None
            self.hears = _HEARD
            self._show_ready()

    def _show_stayed(self) -> None:
        there = [crop_id for crop_id in self._stayed if crop_id in self._state.catalogue.crops]
        if not there:
            messages().note("These crops no longer exist.")
            return
        self._state.set_filter(CropFilter())
        self._state.choose(there[0], also=there)

    def _show_ready(self) -> None:
        idle = self._running is None and not self._state.project.read_only
        here = self._state.micrograph is not None
        everywhere = idle and bool(self._state.catalogue.micrographs)
        self._panel.set_ready(here=idle and here, everywhere=everywhere)
