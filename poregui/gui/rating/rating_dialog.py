"""Show one crop after the other, turned and alone, and take one key for each."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QTransform
from PySide6.QtWidgets import QDialog, QSizePolicy, QVBoxLayout, QWidget

from poregui.domain.classes import NOT_A_PORE, UNSURE, PoreClass
from poregui.domain.wording import count
from poregui.gui.base import pieces
from poregui.gui.base.key_map import key_map
from poregui.gui.base.theme import GAP, MARGIN
from poregui.gui.widgets.key_filter import LabelKeys

_MARGIN_PX = 8


class LoneCrop(QWidget):
    """Draw one crop as large as there is room, whatever its own size."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lone_crop")
        self.setAccessibleName("The crop to rate")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 240)
        self._image = QImage()

    def show_image(self, image: QImage) -> None:
        """Show an image; a null one shows nothing."""
        self._image = image
        self.update()

    @property
    def image(self) -> QImage:
        """Return what is shown, at its own size."""
        return self._image

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._image.isNull():
            return
        room = self.size().shrunkBy(self.contentsMargins())
        side = max(1, min(room.width(), room.height()) - 2 * _MARGIN_PX)
        scaled = self._image.scaled(
            side,
            side,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        painter = QPainter(self)
        left = (self.width() - scaled.width()) // 2
        painter.drawImage(left, (self.height() - scaled.height()) // 2, scaled)


class RatingDialog(QDialog):
    """Ask for the class of one crop after the other; nothing else is on it.

    `rated` carries the label and the seconds since the crop was shown, `undone` that the last
    answer is to be taken back.
    """

    rated = Signal(int, float)
    undone = Signal()

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rating_dialog")
        self.setWindowTitle(title)
        self.resize(640, 640)
        self.progress = pieces.heading("", name="rating_progress", strong=True)
        self.crop = LoneCrop(self)
        self.hint = pieces.muted("rating_hint")
        self.hint.setWordWrap(True)
        self.definitions = pieces.muted("rating_definitions")
        self.definitions.setWordWrap(True)
        self._labels: dict[str, int] = {}
        self._since = time.monotonic()
        keys = LabelKeys(self)
        keys.watch([self.crop])
        keys.pressed.connect(self._press)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(GAP)
        layout.addWidget(self.progress)
        layout.addWidget(self.crop, 1)
        layout.addWidget(self.hint)
        layout.addWidget(self.definitions)
        layout.addWidget(pieces.close_buttons(self, on_enter=False))
        self.crop.setFocus()

    def set_classes(self, classes: Sequence[PoreClass]) -> None:
        """Say which key gives which class, and what the classes are."""
        live = [one for one in classes if not one.retired]
        self._labels = labels_by_key(classes)
        self.hint.setText(key_texts(classes))
        defined = [f"{one.name}: {one.definition}" for one in live if one.definition]
        self.definitions.setText("\n".join(defined))
        self.definitions.setVisible(bool(defined))

    def show_crop(self, image: QImage, turn: int, done: int, total: int) -> None:
        """Show the next crop, turned; `done` of `total` have been rated."""
        self.progress.setText(f"Crop {done + 1:,} of {total:,}")
        self.crop.show_image(turned(image, turn))
        self._since = time.monotonic()

    def show_end(self, total: int) -> None:
        """Say that everything was rated."""
        self.progress.setText(f"All done: {count(total, 'crop')} rated.")
        self.crop.show_image(QImage())

    def _press(self, meant: str) -> None:
        if meant == "undo":
            self.undone.emit()
        elif meant in self._labels and not self.crop.image.isNull():
            self.rated.emit(self._labels[meant], time.monotonic() - self._since)


def labels_by_key(classes: Sequence[PoreClass]) -> dict[str, int]:
    """Return the label that each key means, by the name of what the key does."""
    live = [one for one in classes if not one.retired]
    labels = {f"class_{i}": one.id for i, one in enumerate(live[:9], start=1)}
    return {**labels, "not_a_pore": NOT_A_PORE, "unsure": UNSURE}


def key_texts(classes: Sequence[PoreClass]) -> str:
    """Return which key gives which class."""
    live = [one for one in classes if not one.retired]
    named = [(f"class_{i}", one.name) for i, one in enumerate(live[:9], start=1)]
    named += [("not_a_pore", "Not a pore"), ("unsure", "Unsure"), ("undo", "Undo")]
    return "   ".join(f"{key_map().text(key)} {text}" for key, text in named)


def turned(image: QImage, turn: int) -> QImage:
    """Return an image turned by quarters (0 to 3), and mirrored from 4 on."""
    found = image.transformed(QTransform().rotate(90.0 * (turn % 4)))
    if turn >= 4:
        return found.transformed(QTransform().scale(-1.0, 1.0))
    return found
