"""Draw the bars above the pages: read-only, notes, and the question for a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QWidget,
)

from poregui.gui.base.theme import GAP, MARGIN

NOTE_MS = 6_000
ERROR_MS = 20_000
_WIDEST = 720
"""Width in px beyond which a bar that floats breaks its sentence into lines."""


class Banner(QFrame):
    """Show one sentence until it is hidden.

    A click takes the keys away from the page, so that what is typed next neither labels nor draws,
    and the sentence stays until Esc, ✕ or a click elsewhere. `left` tells that it went with
    the keys.
    """

    left = Signal()

    def __init__(self, name: str, parent: QWidget | None = None, *, closable: bool = False) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 8, 6)
        self._text = QLabel()
        self._text.setObjectName(f"{name}_text")
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self._text, 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._time_out)
        self._then: Callable[[], object] = self.close_bar
        self._link = QToolButton()
        self._link.setObjectName(f"{name}_link")
        self._link.setProperty("boxed", True)
        self._link.clicked.connect(self._follow)
        self._link.hide()
        row.addWidget(self._link)
        if closable:
            self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            row.addWidget(_close_button(f"{name}_close", self.close_bar))
        self.hide()

    @property
    def text(self) -> str:
        """Return what is shown."""
        return self._text.text()

    def show_text(self, text: str, kind: str = "note") -> None:
        """Show a sentence for as long as `hide` is not called."""
        self._link.hide()
        self._text.setText(text)
        self._text.setProperty("bad", kind == "error")
        self._text.style().unpolish(self._text)
        self._text.style().polish(self._text)
        self.show()

    def show_for_a_while(self, text: str, kind: str) -> None:
        """Show a sentence that goes away by itself, errors later than notes."""
        self.show_text(text, kind)
        if kind == "error":
            self._timer.start(ERROR_MS)
        else:
            self._timer.start(NOTE_MS)

    def offer(self, text: str, link: str, then: Callable[[], object]) -> None:
        """Offer what a sentence leads to as a button beside it, while that sentence is shown."""
        if text == self.text:
            self._then = then
            self._link.setText(link)
            self._link.setAccessibleName(link)
            self._link.show()

    def close_bar(self) -> None:
        """Hide the sentence and say so where it had the keys."""
        had_keys = self._has_keys()
        self.hide()
        if had_keys:
            self.left.emit()

    def width_wanted(self) -> int:
        """Return the width in px that shows the sentence in one line."""
        metrics = self._text.fontMetrics()
        lines = (self._text.text() or " ").splitlines()
        beside = self.sizeHint().width() - self._text.sizeHint().width()
        return max(metrics.horizontalAdvance(line) for line in lines) + max(beside, 0) + 2 * MARGIN

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keep every key but Esc, which closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_bar()
        event.accept()

    def _has_keys(self) -> bool:
        focus = QApplication.focusWidget()
        return focus is not None and (focus is self or self.isAncestorOf(focus))

    def _time_out(self) -> None:
        if self._has_keys():
            self._timer.start(NOTE_MS)
        else:
            self.hide()

    def _follow(self) -> None:
        self.close_bar()
        self._then()


def _close_button(name: str, close: Callable[[], object]) -> QToolButton:
    button = QToolButton()
    button.setText("✕")
    button.setAutoRaise(True)
    button.setObjectName(name)
    button.setAccessibleName("Close this message")
    button.clicked.connect(close)
    return button


class PageStack(QStackedWidget):
    """Hold pages, one of which is seen; `resized` tells that there is more or less room."""

    resized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell of the new size."""
        super().resizeEvent(event)
        self.resized.emit()


class FloatingBars(QObject):
    """Lay bars over the lower edge of pages, the first one lowest, so that nothing in them moves
    when a bar comes or goes.
    """

    def __init__(self, over: PageStack, bars: Sequence[QFrame]) -> None:
        super().__init__(over)
        self._over = over
        self._bars = tuple(bars)
        for bar in self._bars:
            bar.setParent(over.parentWidget())
            bar.setProperty("floating", True)
            bar.hide()
            bar.installEventFilter(self)
        over.resized.connect(self._place)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow what the bars say."""
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show, QEvent.Type.Hide):
            self._place()
        return False

    def _place(self) -> None:
        below = self._over.geometry()
        bottom = below.bottom() - MARGIN
        for bar in self._bars:
            if bar.isHidden():
                continue
            wanted = bar.sizeHint().width()
            if isinstance(bar, Banner):
                wanted = min(bar.width_wanted(), _WIDEST)
            width = min(wanted, below.width() - 2 * MARGIN)
            height = max(bar.heightForWidth(width), bar.minimumSizeHint().height())
            left = below.left() + (below.width() - width) // 2
            bar.setGeometry(QRect(left, bottom - height, width, height))
            bar.raise_()
            bottom -= height + GAP


_WIDTH = 220


class NameBar(QFrame):
    """Ask for a name without being in the way; `named` carries it once, when the person has agreed.

    A click anywhere on it leads into its field.
    """

    named = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("name_bar")
        self._proposed = ""
        self._edit = QLineEdit()
        self._edit.setObjectName("name_bar_edit")
        self._edit.setAccessibleName("The name under which your labels are logged")
        self._edit.setFixedWidth(_WIDTH)
        self._edit.setMaxLength(80)
        question = QLabel("Your labels are logged under this name:")
        question.setBuddy(self._edit)
        later = QLabel("You can change it later in Edit > Your name.")
        later.setProperty("muted", True)
        self._agree = QPushButton("Use this name")
        self._agree.setObjectName("name_bar_agree")
        self._agree.setAccessibleName("Use this name for my labels")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 8, 6)
        row.setSpacing(GAP)
        for widget in (question, self._edit, self._agree, later):
            row.addWidget(widget)
        row.addWidget(_close_button("name_bar_close", self.hide))
        self._edit.returnPressed.connect(self._answer)
        self._agree.clicked.connect(self._answer)
        self.hide()

    def ask(self, proposed: str) -> None:
        """Show the line with a name to agree to; the keyboard stays where it is."""
        self._proposed = proposed
        self._edit.setText(proposed)
        self.show()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Lead into the field."""
        self._edit.setFocus(Qt.FocusReason.MouseFocusReason)
        event.accept()

    def _answer(self) -> None:
        name = " ".join(self._edit.text().split()) or self._proposed
        self.hide()
        self.named.emit(name)
