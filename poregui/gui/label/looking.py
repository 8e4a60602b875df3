"""Join the contrast window to the session: what is dragged is drawn at once and remembered as one undo step."""

from __future__ import annotations

from PySide6.QtCore import QObject

from poregui.domain.display import Display
from poregui.domain.errors import PoreguiError
from poregui.domain.records import Changed, Micrograph
from poregui.gui.label.companion import LabelDesk
from poregui.gui.messages import messages
from poregui.vision.contrast import automatic, histogram, lookup, value_range
from poregui.workflow.cleaning import set_display

TAB = "Picture"


class Looking(QObject):
    """Show each micrograph through its own contrast window, and change that."""

    def __init__(self, desk: LabelDesk) -> None:
        super().__init__(desk.owner)
        self._desk = desk
        self._panel = desk.page.picture_panel
        self._counted: object = None

    def _links(self) -> tuple:
        panel, desk = self._panel, self._desk
        return (
            (panel.display_moved, self._draw),
            (panel.display_settled, self._remember),
            (panel.auto_button.clicked, self._automatic),
            (panel.reset_button.clicked, self._reset),
            (panel.full_button.clicked, self._show_all_greys),
            (panel.alike_button.clicked, self._use_for_all),
            (desk.services.micrograph_images.loaded, self._show),
            (desk.stage.changed, self._show),
        )

    def attach(self) -> None:
        """Listen to the panel and show the micrograph that is there."""
        for signal, slot in self._links():
            signal.connect(slot)
        self._show()

    def detach(self) -> None:
        """Stop listening."""
        for signal, slot in self._links():
            signal.disconnect(slot)
        self._counted = None

    def follow(self, changed: Changed) -> None:
        """Show the contrast window that an edit or its undo left."""
        if "micrographs" in changed.kinds:
            self._show()

    def _show(self, *_: object) -> None:
        stage, picture = self._desk.stage, self._desk.page.image_canvas.picture
        shown = stage.micrograph is not None and stage.image is not None and picture is not None
        self._panel.set_contrast_enabled(shown)
        if stage.micrograph is None or stage.image is None or picture is None:
            return
        image, display = stage.image, stage.micrograph.display
        if self._counted is not picture:
            self._counted = picture
            low, high = value_range(picture.overview, image.grey_low, image.grey_high)
            self._panel.histogram.set_counts(histogram(picture.overview, low, high), low, high)
        usual = Display(image.grey_low, max(image.grey_high, image.grey_low + 1))
        self._panel.set_display(display or usual, own=display is not None)
        picture.set_mapping(lookup(display, image.bits) if display else None)

    def _draw(self, display: Display) -> None:
        stage, picture = self._desk.stage, self._desk.page.image_canvas.picture
        if stage.image is not None and stage.micrograph is not None and picture is not None:
            picture.set_mapping(lookup(display, stage.image.bits))

    def _remember(self, display: Display | None) -> None:
        micrograph = self._desk.stage.micrograph
        if micrograph is None or micrograph.display == display:
            return
        if not self._desk.apply(set_display([micrograph], display)):
            self._show()

    def _automatic(self) -> None:
        picture = self._desk.page.image_canvas.picture
        if picture is not None:
            self._remember(automatic(picture.overview))

    def _reset(self) -> None:
        self._remember(None)

    def _show_all_greys(self) -> None:
        """Show from the darkest to the brightest value that the overview holds."""
        image, picture = self._desk.stage.image, self._desk.page.image_canvas.picture
        if image is not None and picture is not None:
            low, high = value_range(picture.overview, image.grey_low, image.grey_high)
            self._remember(Display(low, max(high, low + 1)))

    def _use_for_all(self) -> None:
        now = self._desk.stage.micrograph
        if now is None:
            return
        others = [m for m in self._desk.catalogue.micrographs.values() if _alike(m, now) and m.display != now.display]
        if not others:
            messages().note("There is no other micrograph of this kind that is shown in another way.")
            return
        try:
            if self._desk.apply(set_display(others, now.display)):
                messages().note(f"{len(others)} more micrographs are shown like this one.")
        except PoreguiError as error:
            messages().note(str(error))


def _alike(one: Micrograph, other: Micrograph) -> bool:
    return (one.bits, one.channels) == (other.bits, other.channels)
