"""Let several panels share one place, chosen by names above them; one panel alone has no names."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poregui.gui.base.theme import GAP, MARGIN


class Tabbed(QWidget):
    """Hold panels of which one is seen; `chosen` carries the title of another
    one that was chosen.
    """

    chosen = Signal(str)

    def __init__(self, name: str, accessible: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self._names = QWidget(self)
        self._row = QHBoxLayout(self._names)
        self._row.setContentsMargins(MARGIN, GAP // 2, MARGIN, 0)
        self._row.setSpacing(GAP // 2)
        self._row.addStretch(1)
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self._choose)
        self._stack = QStackedWidget(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._names)
        layout.addWidget(self._stack, 1)
        self._titles: list[str] = []
        self._beside: dict[str, QWidget] = {}
        self._names.hide()

    def add(self, title: str, panel: QWidget) -> None:
        """Add a panel; its name is a button `<name>_<title>_tab`."""
        button = QToolButton(self._names)
        button.setText(title)
        button.setObjectName(f"{self.objectName()}_{title.lower().replace(' ', '_')}_tab")
        button.setAccessibleName(f"Show {title}")
        button.setProperty("tab", True)
        button.setCheckable(True)
        button.setChecked(not self._titles)
        self._group.addButton(button, len(self._titles))
        self._row.insertWidget(len(self._titles), button)
        self._titles.append(title)
        self._stack.addWidget(panel)
        self._names.setVisible(len(self._titles) > 1)

    def add_beside(self, title: str, widgets: QWidget) -> None:
        """Put widgets at the far end of the row of names, seen while the panel of this title is."""
        self._beside[title] = widgets
        self._row.addWidget(widgets)
        widgets.setVisible(self.current == title)

    def show_panel(self, title: str) -> None:
        """Bring the panel of a title to the front."""
        self._choose(self._titles.index(title))

    @property
    def current(self) -> str:
        """Return the title of the panel that is seen."""
        return self._titles[self._stack.currentIndex()]

    def _choose(self, index: int) -> None:
        if index == self._stack.currentIndex():
            return
        self._group.button(index).setChecked(True)
        self._stack.setCurrentIndex(index)
        for title, widgets in self._beside.items():
            widgets.setVisible(title == self._titles[index])
        self.chosen.emit(self._titles[index])
