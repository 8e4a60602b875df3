"""Decide colours, spacing and the style sheet of the window, dark and light."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

from poregui.resources import resource

Mode = Literal["system", "light", "dark"]
GAP = 8
"""Distance between things that belong together, in px."""
MARGIN = 12
"""Distance to the edge of a panel, in px."""


@dataclass(frozen=True)
class Tokens:
    """Hold the colours of one theme as `#rrggbb`."""

    window: str
    panel: str
    raised: str
    text: str
    muted: str
    border: str
    accent: str
    accent_text: str
    good: str
    warning: str
    bad: str
    plot_background: str
    selection: str
    canvas: str


LIGHT = Tokens(
    window="#f3f4f6", panel="#ffffff", raised="#eceef1", text="#1b1f24", muted="#5d6672",
    border="#d5d9df",
    accent="#0b6bcb", accent_text="#ffffff", good="#1a7f4b", warning="#8a5a00", bad="#b3261e",
    plot_background="#ffffff", selection="#cfe3f8", canvas="#dfe2e6",
)  # fmt: skip
DARK = Tokens(
    window="#16191d", panel="#1e2227", raised="#2a2f36", text="#e6e9ed", muted="#9aa4b1",
    border="#353b44",
    accent="#4aa3f0", accent_text="#0c1116", good="#57c48a", warning="#e6b450", bad="#f2777a",
    plot_background="#1a1d22", selection="#27486b", canvas="#0f1114",
)  # fmt: skip


class Theme(QObject):
    """Hold which theme is on and tell when it changes."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._mode: Mode = "system"
        self._app: QApplication | None = None
        self.tokens = LIGHT
        """The colours that are on."""

    @property
    def mode(self) -> Mode:
        """Return what the person chose."""
        return self._mode

    @property
    def dark(self) -> bool:
        """Tell whether the dark colours are on."""
        if self._mode == "system":
            return QApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._mode == "dark"

    def apply(self, app: QApplication) -> None:
        """Dress an application, and follow the desktop from now on."""
        if self._app is not app:
            self._app = app
            app.setStyle("Fusion")
            app.styleHints().colorSchemeChanged.connect(self._follow_desktop)
        self._dress()

    def set_mode(self, mode: Mode) -> None:
        """Choose light, dark, or what the desktop says."""
        if mode != self._mode:
            self._mode = mode
            self._dress()

    def _follow_desktop(self) -> None:
        if self._mode == "system":
            self._dress()

    def _dress(self) -> None:
        self.tokens = DARK if self.dark else LIGHT
        if self._app is None:
            return
        self._app.setPalette(palette(self.tokens))
        self._app.setStyleSheet(style_sheet(self.tokens))
        self.changed.emit()


_THEME: list[Theme] = []


def theme() -> Theme:
    """Return the one theme of this process."""
    if not _THEME:
        _THEME.append(Theme())
    return _THEME[0]


def palette(tokens: Tokens) -> QPalette:
    """Return Qt's palette for a theme."""
    made = QPalette()
    roles = {
        QPalette.ColorRole.Window: tokens.window,
        QPalette.ColorRole.WindowText: tokens.text,
        QPalette.ColorRole.Base: tokens.panel,
        QPalette.ColorRole.AlternateBase: tokens.raised,
        QPalette.ColorRole.Text: tokens.text,
        QPalette.ColorRole.Button: tokens.raised,
        QPalette.ColorRole.ButtonText: tokens.text,
        QPalette.ColorRole.BrightText: tokens.bad,
        QPalette.ColorRole.Highlight: tokens.accent,
        QPalette.ColorRole.HighlightedText: tokens.accent_text,
        QPalette.ColorRole.ToolTipBase: tokens.raised,
        QPalette.ColorRole.ToolTipText: tokens.text,
        QPalette.ColorRole.PlaceholderText: tokens.muted,
        QPalette.ColorRole.Link: tokens.accent,
        QPalette.ColorRole.Mid: tokens.border,
        QPalette.ColorRole.Light: tokens.raised,
        QPalette.ColorRole.Dark: tokens.border,
    }
    for role, colour in roles.items():
        made.setColor(role, QColor(colour))
    for role in (
        QPalette.ColorRole.Text,
        QPalette.ColorRole.ButtonText,
        QPalette.ColorRole.WindowText,
    ):
        faded = QColor(tokens.muted)
        faded.setAlpha(150)
        made.setColor(QPalette.ColorGroup.Disabled, role, faded)
    for role in (QPalette.ColorRole.Highlight, QPalette.ColorRole.Accent):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.border))
    return made


def style_sheet(tokens: Tokens) -> str:
    """Return the style sheet, resources/style.qss with the colours of a theme put in."""
    text = resource("style.qss").read_text(encoding="utf-8")
    for token in fields(tokens):
        text = text.replace(f"@{token.name}@", getattr(tokens, token.name))
    scheme = "light"
    if tokens == DARK:
        scheme = "dark"
    text = text.replace("@scheme@", scheme)
    return text.replace("@icons@", resource("icons").as_posix())


def scaled_font(base: QFont, factor: float, *, bold: bool = False) -> QFont:
    """Return a font of the same family, `factor` times as large."""
    font = QFont(base)
    font.setPointSizeF(max(6.0, base.pointSizeF() * factor))
    font.setBold(bold)
    return font
