"""Show one judged crop large: picture, heat map, surroundings, probabilities; changes with what is told of a crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from poregui.domain.classes import PoreClass
from poregui.domain.dataset import DatasetCrop
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Crop, Micrograph, Remark
from poregui.gui.label.words import history_words, size_words
from poregui.gui.review.detail import OF_LABEL, OF_PREDICTION, DetailPanel
from poregui.gui.review.heat_maps import HeatMaps
from poregui.gui.review.more_about import MoreAbout
from poregui.gui.review.words import answer_words, change_words
from poregui.gui.services import Services
from poregui.gui.session import Session
from poregui.gui.widgets.class_marks import ClassMarks
from poregui.gui.widgets.heat_map import evidence_for
from poregui.gui.widgets.probability_bars import ClassProbability
from poregui.store.run_folder import RunFolder
from poregui.vision.pyramid import Pyramid
from poregui.workflow.evaluate import Judged, RunReview


@dataclass(frozen=True)
class Shown:
    """Hold the chosen crop: what the run said and saw (None: the run does not know it), and the crop as it is now.

    `crop` is None for one that was deleted.
    """

    crop_id: int
    judged: Judged | None
    frozen: DatasetCrop | None
    crop: Crop | None

    @property
    def picture(self) -> Crop:
        """Return a crop with the pixels that the run saw, or with those of now."""
        if self.frozen is not None:
            return seen_crop(self.frozen)
        assert self.crop is not None
        return self.crop


def seen_crop(frozen: DatasetCrop) -> Crop:
    """Return what a run saw of a crop, under the crop's id; pixels are kept even when the crop is deleted or moved."""
    return Crop(frozen.crop_id, frozen.pixels, frozen.width, frozen.height, um_per_px=frozen.um_per_px)


class CloseUp(QObject):
    """Fill the detail panel for one crop after the other."""

    def __init__(self, panel: DetailPanel, session: Session, services: Services, parent: QObject) -> None:
        super().__init__(parent)
        self._panel = panel
        self._session = session
        self._services = services
        self._heat = HeatMaps(services.background, self)
        self._review: RunReview | None = None
        self._shown: Shown | None = None
        self._micrograph: Micrograph | None = None
        self._marks = ClassMarks(())
        self._no_heat = ""
        self._more = MoreAbout(panel, session, services, self)
        self._heat.ready.connect(self._heat_ready)
        self._heat.failed.connect(self._heat_failed)

    # ---- what is shown -------------------------------------------------------------------------------------------

    def set_run(self, run: RunFolder | None) -> None:
        """Ask this run for heat maps, or say that it has none."""
        self._heat.set_run(run)
        self._more.set_run(run)
        self._no_heat = self._heat.why_none()
        self._panel.set_no_heat(self._no_heat)

    def set_review(self, reviewed: RunReview, known: tuple[PoreClass, ...], active: tuple[PoreClass, ...]) -> None:
        """Use the names and labels of a review from now on."""
        self._review = reviewed
        self._marks = ClassMarks(known)
        self._panel.set_classes(reviewed.classes, known, active)
        self._more.set_review(reviewed)

    def show_remark(self, crop_id: int, remark: Remark) -> None:
        """Show what was noted at a crop."""
        self._panel.set_remark(crop_id, remark)

    def show_more(self) -> None:
        """Fill what is seen below the label."""
        self._more.show(self._shown.crop_id if self._shown is not None else None)

    def show(self, shown: Shown | None) -> None:
        """Show a crop, or that none is chosen."""
        before, self._shown = self._shown, shown
        if shown is None or self._review is None:
            self._micrograph = None
            self._panel.set_shown(False)
            return
        picture = shown.picture
        if before is None or before.picture != shown.picture or not self._panel.heat_map.has_heat:
            self._panel.heat_map.set_crop(self._services.thumbnails.full(picture), picture.um_per_px)
        self._micrograph = self._micrograph_of(shown.crop)
        self._panel.set_shown(True, surroundings=self._micrograph is not None, findable=shown.crop is not None)
        self._panel.show_button.setText("Show in micrograph" if self._micrograph is not None else "Show on Label")
        self._show_words(self._review, shown)
        self._show_surroundings()
        self.show_heat()
        self.show_more()

    def _show_words(self, reviewed: RunReview, shown: Shown) -> None:
        judged, crop = shown.judged, shown.crop
        label = crop.label if crop is not None else None
        moved = crop is not None and shown.frozen is not None and crop.pixels != shown.frozen.pixels
        log = self._session.project.label_log(shown.crop_id)
        name = self._marks.name(label)
        name = name.lower() if label is None or label < 0 else name
        answer = f"Labelled {name}; this run did not see the crop"
        self._panel.set_words(
            shown.frozen.name if shown.frozen is not None else f"Crop {shown.crop_id}",
            answer_words(judged, reviewed.classes, name) if judged is not None else answer,
            size_words(crop if crop is not None else shown.picture),
            f"Label: {history_words(log, self._marks)}" if log else "",
            change_words(judged, reviewed.classes, moved=moved) if judged is not None else "",
        )
        answers = judged.prediction.probabilities if judged is not None else ()
        bars = [
            ClassProbability(class_id, class_name, probability)
            for class_id, class_name, probability in zip(
                reviewed.class_ids, reviewed.classes, answers, strict=judged is not None
            )
        ]
        self._panel.probability_bars.set_probabilities(bars, label)
        self._panel.label_strip.set_current(label)

    # ---- surroundings --------------------------------------------------------------------------------------------

    def _micrograph_of(self, crop: Crop | None) -> Micrograph | None:
        if crop is None or crop.micrograph_id is None or crop.box is None:
            return None
        if self._micrograph is not None and self._micrograph.id == crop.micrograph_id:
            return self._micrograph
        return next((m for m in self._session.project.micrographs() if m.id == crop.micrograph_id), None)

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
        if shown is None or shown.crop is None or self._micrograph is None or self._micrograph.id != micrograph_id:
            return
        label = shown.crop.label
        self._panel.context_view.set_outline_colour("#ffffff" if label is None else self._marks.colour(label).name())
        full = self._services.thumbnails.full(shown.picture)
        self._panel.context_view.set_surroundings(image, shown.crop.box, full, shown.crop.um_per_px)

    def micrograph_failed(self, micrograph_id: int, error: PoreguiError) -> None:
        """Say why there are no surroundings; the crop itself is kept."""
        if self._micrograph is not None and self._micrograph.id == micrograph_id:
            self._panel.context_view.clear(f"{error.what} The crop itself is kept in the project.")

    # ---- heat map ------------------------------------------------------------------------------------------------

    def show_heat(self) -> None:
        """Show or hide the heat map as the switch says."""
        frozen = self._shown.frozen if self._shown is not None else None
        if frozen is None or self._no_heat or not self._panel.heat_wanted:
            self._panel.heat_map.set_heat(None)
            return
        self._heat.request(frozen)

    def _heat_ready(self, crop_id: int, maps: NDArray[np.float32]) -> None:
        place = self._heat_place()
        if self._shown is None or crop_id != self._shown.crop_id or not self._panel.heat_wanted:
            return
        if place is None or self._review is None:
            self._panel.set_no_heat("")
            self._panel.heat_map.set_heat(None)
            return
        values = evidence_for(maps, place)
        name = self._review.classes[place]
        speaks = f"Coloured where the picture speaks for {name}" if values.any() else f"Nothing here speaks for {name}"
        self._panel.heat_map.set_heat(values, speaks)
        self._panel.heat_map.setToolTip(speaks)

    def _heat_failed(self, crop_id: int, error: PoreguiError) -> None:
        if self._shown is not None and crop_id == self._shown.crop_id:
            self._panel.heat_map.set_heat(None)
            self._no_heat = f"No heat map: {error}"
            self._panel.set_no_heat(self._no_heat)

    def _heat_place(self) -> int | None:
        """Return the place of the class that the heat map speaks of; None when the label is no class of the run."""
        if self._shown is None or self._shown.judged is None:
            return None
        chosen = self._panel.heat_class.currentData()
        if chosen in (None, OF_PREDICTION):
            return self._shown.judged.prediction.index
        return self._shown.judged.truth if chosen == OF_LABEL else int(chosen)
