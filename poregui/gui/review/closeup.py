"""Show one crop of a run large: image, heat map, context, probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poregui.domain.classes import PoreClass
from poregui.domain.dataset import DatasetCrop
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Crop, Micrograph, Remark
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.feature import Feature
from poregui.gui.plots.heat_map import evidence_for
from poregui.gui.plots.probability_bars import ClassProbability
from poregui.gui.review.crop_detail import OF_LABEL, OF_PREDICTION, DetailPanel
from poregui.gui.review.crop_placement import MoreAbout
from poregui.gui.review.heat_maps import HeatMaps
from poregui.gui.review.review_state import ReviewState
from poregui.gui.review.review_text import change_text, prediction_text
from poregui.gui.services.page_services import Services
from poregui.gui.widgets.crop_text import history_text, size_text
from poregui.store.run_folder import RunFolder
from poregui.vision.io.pyramid import Pyramid
from poregui.workflow.evaluating.evaluate import NO_TRUTH, Predictions


@dataclass(frozen=True)
class CloseupCrop:
    """Hold the chosen crop: its row in the predictions and what the run saw of it (None: the run
    does not know it), and the crop as it is now (None: it was deleted).
    """

    crop_id: int
    row: int | None
    frozen: DatasetCrop | None
    crop: Crop | None

    @property
    def image(self) -> Crop:
        """Return a crop with the pixels that the run saw, or with those of now."""
        if self.frozen is not None:
            return seen_crop(self.frozen)
        assert self.crop is not None
        return self.crop


def seen_crop(frozen: DatasetCrop) -> Crop:
    """Return what a run saw of a crop, under the crop's id; pixels are kept even when the crop is
    deleted or moved.
    """
    return Crop(
        frozen.crop_id, frozen.pixels, frozen.width, frozen.height, um_per_px=frozen.um_per_px
    )


class CloseUp(Feature):
    """Fill the detail panel for one crop after the other."""

    def __init__(self, panel: DetailPanel, state: ReviewState, services: Services) -> None:
        super().__init__(state)
        self._panel = panel
        self._state = state
        self._services = services
        self._heat = HeatMaps(services.background, self)
        self._shown: CloseupCrop | None = None
        self._micrograph: Micrograph | None = None
        self._marks = ClassMarks(())
        self._no_heat = ""
        self._more = MoreAbout(panel, state, services.background)
        self._heat.ready.connect(self._heat_ready)
        self._heat.failed.connect(self._heat_failed)
        images = services.micrograph_images
        self.link(images.loaded, self.micrograph_loaded)
        self.link(images.failed, self.micrograph_failed)
        self.link(panel.heat_changed, self.show_heat)
        self.link(panel.more_chosen, self.show_more)

    # ---- what is shown ----------------------------------------------------------------------

    def set_run(self, run: RunFolder | None) -> None:
        """Ask this run for heat maps, or say that it has none."""
        self._heat.set_run(run)
        self._more.set_run(run)
        self._no_heat = self._heat.why_none()
        self._panel.set_no_heat(self._no_heat)

    def set_classes(
        self, names: Sequence[str], known: Sequence[PoreClass], active: Sequence[PoreClass]
    ) -> None:
        """Use these names of the run's classes and the project's classes from now on."""
        self._marks = ClassMarks(known)
        self._panel.set_classes(names, known, active)

    def show_remark(self, crop_id: int, remark: Remark) -> None:
        """Show what was noted at a crop."""
        self._panel.set_remark(crop_id, remark)

    def show_more(self) -> None:
        """Fill what is seen below the label."""
        if self._shown is not None:
            self._more.show(self._shown.crop_id)
        else:
            self._more.show(None)

    def show(self, shown: CloseupCrop | None) -> None:
        """Show a crop, or that none is chosen."""
        before = self._shown
        self._shown = shown
        predictions = self._state.predictions
        if shown is None or predictions is None:
            self._micrograph = None
            self._panel.set_shown(False)
            return
        image = shown.image
        if before is None or before.image != shown.image or not self._panel.heat_map.has_heat:
            self._panel.heat_map.set_crop(self._services.thumbnails.full(image), image.um_per_px)
        self._micrograph = self._micrograph_of(shown.crop)
        self._panel.set_shown(
            True, surroundings=self._micrograph is not None, findable=shown.crop is not None
        )
        if self._micrograph is not None:
            self._panel.show_button.setText("Show in micrograph")
        else:
            self._panel.show_button.setText("Show on Label page")
        self._show_texts(predictions, shown)
        self._show_surroundings()
        self.show_heat()
        self.show_more()

    def _show_texts(self, predictions: Predictions, shown: CloseupCrop) -> None:
        crop = shown.crop
        label: int | None = None
        moved = False
        size = size_text(shown.image)
        if crop is not None:
            label = crop.label
            moved = shown.frozen is not None and crop.pixels != shown.frozen.pixels
            size = size_text(crop)
        name = self._marks.name(label)
        if label is None or label < 0:
            name = name.lower()
        title = f"Crop {shown.crop_id}"
        if shown.frozen is not None:
            title = shown.frozen.name
        predicted = f"Labelled {name}; not part of this run"
        changes = ""
        bars: list[ClassProbability] = []
        if shown.row is not None:
            predicted = prediction_text(predictions, shown.row, name)
            changes = change_text(predictions, shown.row, moved=moved)
            values = predictions.probabilities[shown.row].tolist()
            columns = zip(predictions.class_ids, predictions.classes, values, strict=True)
            bars = [ClassProbability(*column) for column in columns]
        history = ""
        log = self._state.project.label_log(shown.crop_id)
        if log:
            history = f"Label: {history_text(log, self._marks)}"
        self._panel.set_texts(title, predicted, size, history, changes)
        self._panel.probability_bars.set_probabilities(bars, label)
        self._panel.label_strip.set_current(label)

    # ---- surroundings -----------------------------------------------------------------------

    def _micrograph_of(self, crop: Crop | None) -> Micrograph | None:
        if crop is None or crop.micrograph_id is None or crop.box is None:
            return None
        if self._micrograph is not None and self._micrograph.id == crop.micrograph_id:
            return self._micrograph
        known = self._state.project.micrographs()
        return next((one for one in known if one.id == crop.micrograph_id), None)

    def forget_micrograph(self) -> None:
        """Look the micrograph up again, because micrographs changed."""
        self._micrograph = None

    def _show_surroundings(self) -> None:
        if self._micrograph is None:
            return
        loaded = self._services.micrograph_images.get(self._micrograph)
        if loaded is not None:
            self.micrograph_loaded(self._micrograph.id, loaded.image)
        else:
            self._panel.context_view.clear(f"Loading {self._micrograph.shown_name} …")
            self._services.micrograph_images.request(self._micrograph)

    def micrograph_loaded(self, micrograph_id: int, image: Pyramid) -> None:
        """Show the surroundings in a micrograph that has come, where it is still wanted."""
        shown = self._shown
        if (
            shown is None
            or shown.crop is None
            or self._micrograph is None
            or self._micrograph.id != micrograph_id
        ):
            return
        label = shown.crop.label
        colour = "#ffffff"
        if label is not None:
            colour = self._marks.colour(label).name()
        self._panel.context_view.set_outline_colour(colour)
        full = self._services.thumbnails.full(shown.image)
        self._panel.context_view.set_surroundings(image, shown.crop.box, full, shown.crop.um_per_px)

    def micrograph_failed(self, micrograph_id: int, error: PoreguiError) -> None:
        """Say why there are no surroundings; the crop itself is kept."""
        if self._micrograph is not None and self._micrograph.id == micrograph_id:
            self._panel.context_view.clear(f"{error.what} The crop itself is kept in the project.")

    # ---- heat map ---------------------------------------------------------------------------

    def show_heat(self) -> None:
        """Show or hide the heat map as the switch says."""
        shown = self._shown
        wanted = self._panel.heat_wanted and not self._no_heat
        if shown is None or shown.frozen is None or not wanted:
            self._panel.heat_map.set_heat(None)
            return
        self._heat.request(shown.frozen)

    def _heat_ready(self, crop_id: int, maps: NDArray[np.float32]) -> None:
        index = self._heat_class()
        predictions = self._state.predictions
        if self._shown is None or crop_id != self._shown.crop_id or not self._panel.heat_wanted:
            return
        if index is None or predictions is None:
            self._panel.set_no_heat("")
            self._panel.heat_map.set_heat(None)
            return
        values = evidence_for(maps, index)
        name = predictions.classes[index]
        if values.any():
            text = f"Coloured: evidence for {name}"
        else:
            text = f"No evidence for {name} in this crop"
        self._panel.heat_map.set_heat(values, text)
        self._panel.heat_map.setToolTip(text)

    def _heat_failed(self, crop_id: int, error: PoreguiError) -> None:
        if self._shown is not None and crop_id == self._shown.crop_id:
            self._panel.heat_map.set_heat(None)
            self._no_heat = f"No heat map: {error}"
            self._panel.set_no_heat(self._no_heat)

    def _heat_class(self) -> int | None:
        """Return the index of the class that the heat map is of; None when the label is no class
        of the run.
        """
        predictions = self._state.predictions
        if predictions is None or self._shown is None or self._shown.row is None:
            return None
        chosen = self._panel.heat_class.currentData()
        if chosen in (None, OF_PREDICTION):
            return int(predictions.predicted[self._shown.row])
        if chosen == OF_LABEL:
            truth = int(predictions.truth[self._shown.row])
            if truth == NO_TRUTH:
                return None
            return truth
        return int(chosen)
