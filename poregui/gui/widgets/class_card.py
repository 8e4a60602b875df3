"""Show of each class what it is and what it looks like, above the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from poregui.domain.classes import PoreClass
from poregui.gui.base import pieces
from poregui.gui.base.class_marks import ClassMarks
from poregui.gui.base.theme import GAP, MARGIN, theme

_WIDTH = 720
_IMAGE = 64
_IN_ROW = 4


@dataclass(frozen=True)
class CardImages:
    """Hold the images of a class and the words that say where they come from."""

    text: str
    images: tuple[QImage, ...] = ()


class _Images(QWidget):
    """Draw images side by side."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(f"Images of {name}")
        self.images: tuple[QImage, ...] = ()
        self.setFixedSize(_IN_ROW * (_IMAGE + GAP // 2) - GAP // 2, _IMAGE)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for index, image in enumerate(self.images[:_IN_ROW]):
            square = QRect(index * (_IMAGE + GAP // 2), 0, _IMAGE, _IMAGE)
            painter.fillRect(square, QColor(theme().tokens.canvas))
            if not image.isNull():
                size = image.size().scaled(square.size(), Qt.AspectRatioMode.KeepAspectRatio)
                target = QRect(0, 0, size.width(), size.height())
                target.moveCenter(square.center())
                painter.drawImage(target, image)


class _Title(QWidget):
    """Draw the badge of a class and its name."""

    def __init__(self, one: PoreClass, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._one = one
        self._marks = ClassMarks((one,))
        self.setAccessibleName(one.name)
        self.setFixedHeight(self.fontMetrics().height() + GAP // 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._marks.draw_badge(painter, 0, self.height() - 2, self._one.id)
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(theme().tokens.text))
        where = self.rect().adjusted(self.height() + GAP, 0, 0, 0)
        name = painter.fontMetrics().elidedText(
            self._one.name, Qt.TextElideMode.ElideRight, where.width()
        )
        painter.drawText(where, int(Qt.AlignmentFlag.AlignVCenter), name)


class ClassCard(QFrame):
    """Lie over a widget of the page, a part for each class.

    `defined` carries the id of a class and the definition that a person wrote.

    Esc closes it, also while a definition is written; what was written is kept.
    """

    defined = Signal(int, str)

    def __init__(self, over: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = over
        self._page = parent
        self.setObjectName("class_card")
        self.setAccessibleName("Class card")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self._parts: dict[int, tuple[QPlainTextEdit, _Images, QLabel]] = {}
        self._classes: tuple[PoreClass, ...] = ()
        self._area = QScrollArea(self)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.close_button = pieces.button("class_card_close", "Close", "Close the class card")
        self.close_button.clicked.connect(self.fold)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addLayout(
            pieces.row(pieces.heading("Classes", strong=True), None, self.close_button)
        )
        layout.addWidget(self._area)
        self.hide()

    def show_classes(
        self, classes: Sequence[PoreClass], shown: Mapping[int, CardImages], *, writable: bool
    ) -> None:
        """Show name, colour, definition and images of these classes; a definition being written
        stays.
        """
        if tuple(classes) != self._classes:
            self._build(tuple(classes))
        for class_id, (text, images, caption) in self._parts.items():
            text.setReadOnly(not writable)
            images.images = shown[class_id].images
            caption.setText(shown[class_id].text)
            images.update()

    def unfold(self) -> None:
        """Show the card above the page, the keys staying where they are."""
        self._over.installEventFilter(self)
        self._arrange()
        self.show()
        self.raise_()

    def fold(self) -> None:
        """Close the card; the definition that is being written is kept."""
        self._announce()
        self._over.removeEventFilter(self)
        self.hide()

    def definition_of(self, class_id: int) -> QPlainTextEdit:
        """Return the field of a class's definition."""
        return self._parts[class_id][0]

    def _build(self, classes: tuple[PoreClass, ...]) -> None:
        self._announce()
        self._classes = classes
        self._parts = {}
        inside = QWidget()
        grid = QGridLayout(inside)
        grid.setContentsMargins(MARGIN, 0, MARGIN, MARGIN)
        grid.setHorizontalSpacing(MARGIN)
        grid.setVerticalSpacing(GAP // 2)
        for row, one in enumerate(classes):
            text = QPlainTextEdit(one.definition)
            images = _Images(one.name)
            caption = pieces.muted("class_card_words")
            text.setObjectName(f"class_card_definition_{one.id}")
            text.setAccessibleName(f"Definition of {one.name}")
            text.setPlaceholderText("How to tell this class from the others")
            text.setTabChangesFocus(True)
            text.setFixedHeight(_IMAGE)
            text.installEventFilter(self)
            grid.addWidget(_Title(one), 3 * row, 0)
            grid.addWidget(caption, 3 * row, 1)
            grid.addWidget(text, 3 * row + 1, 0)
            grid.addWidget(images, 3 * row + 1, 1)
            grid.setRowMinimumHeight(3 * row + 2, GAP // 2)
            self._parts[one.id] = (text, images, caption)
        grid.setColumnStretch(0, 1)
        grid.setRowStretch(3 * len(classes), 1)
        self._area.setWidget(inside)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._over:
            if event.type() == QEvent.Type.Resize:
                self._arrange()
        elif event.type() == QEvent.Type.FocusOut:
            self._announce()
        elif (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Escape
        ):
            self.fold()
            return True
        return False

    def _announce(self) -> None:
        for pore_class in self._classes:
            written = self._parts[pore_class.id][0].toPlainText().strip()
            if written != pore_class.definition.strip():
                self.defined.emit(pore_class.id, written)

    def _arrange(self) -> None:
        """Lie in the upper left of what is covered, as high as the parts need and there is room."""
        over = self._over
        inside = self._area.widget()
        high = 200
        if inside is not None:
            high = inside.sizeHint().height() + 56
        corner = over.mapTo(self._page, QPoint(0, 0))
        self.setGeometry(
            QRect(corner.x(), corner.y(), min(_WIDTH, over.width()), min(high, over.height()))
        )
