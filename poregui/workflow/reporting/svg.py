"""Write SVG that browsers and Qt draw alike: attributes only, no styles, every text escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Ink:
    """Hold the colours of a figure."""

    ground: str
    text: str
    faint: str
    grid: str


LIGHT = Ink(ground="#ffffff", text="#1b1f24", faint="#59636e", grid="#dfe3e8")
DARK = Ink(ground="#1b1f24", text="#e8eaed", faint="#a0a8b2", grid="#39414b")


class Drawing:
    """Collect the elements of one figure of `width` x `height` px and return them as SVG."""

    def __init__(self, width: float, height: float, ink: Ink, title: str, font: str = FONT) -> None:
        self.width = width
        self.height = height
        self.ink = ink
        self.title = title
        self._font = escape(font, quote=True)
        self._elements: list[str] = []

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        tip: str = "",
        *,
        opacity: float = 1,
    ) -> None:
        """Draw a filled rectangle; `tip` appears where the mouse rests."""
        inner = ""
        if tip:
            inner = f"<title>{escape(tip)}</title>"
        if opacity < 1:
            fill = f'{fill}" fill-opacity="{opacity:g}'
        size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        self._elements.append(f'<rect {size} fill="{fill}">{inner}</rect>')

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        colour: str,
        width: float = 1,
        dash: str = "",
    ) -> None:
        """Draw a straight line."""
        self.path([(x1, y1), (x2, y2)], colour, width, dash)

    def path(
        self, points: Sequence[tuple[float, float]], colour: str, width: float = 1.8, dash: str = ""
    ) -> None:
        """Draw a line through points."""
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashes = ""
        if dash:
            dashes = f' stroke-dasharray="{dash}"'
        self._elements.append(
            f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="{width:g}"'
            f' stroke-linejoin="round"{dashes}/>'
        )

    def dot(self, x: float, y: float, colour: str, radius: float = 3) -> None:
        """Draw a filled circle."""
        self._elements.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}"/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 12,
        colour: str = "",
        anchor: str = "start",
        weight: str = "normal",
        turn: float = 0,
    ) -> None:
        """Write a text with its base line at (x, y), turned clockwise by `turn` degrees."""
        turned = ""
        if turn:
            turned = f' transform="rotate({turn:g} {x:.1f} {y:.1f})"'
        self._elements.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-family="{self._font}" font-size="{size:g}" '
            f'font-weight="{weight}"'
            f' text-anchor="{anchor}" '
            f'fill="{colour or self.ink.text}"{turned}>{escape(text)}</text>'
        )

    def svg(self) -> str:
        """Return the whole figure."""
        size = (
            f'width="{self.width:.0f}" height="{self.height:.0f}" '
            'viewBox="0 0 '
            f'{self.width:.0f} {self.height:.0f}"'
        )
        ground = (
            f'<rect width="{self.width:.0f}" height="{self.height:.0f}" fill="{self.ink.ground}"/>'
        )
        label = escape(self.title, quote=True)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">'
            f"<title>{escape(self.title)}</title>{ground}{''.join(self._elements)}</svg>"
        )


@dataclass(frozen=True)
class Axes:
    """Hold where a plot lies in its figure and what its axes span, both in px and in values."""

    left: float
    top: float
    width: float
    height: float
    x_span: tuple[float, float]
    y_span: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point in px."""
        across = (x - self.x_span[0]) / (self.x_span[1] - self.x_span[0])
        up = (y - self.y_span[0]) / (self.y_span[1] - self.y_span[0])
        return self.left + across * self.width, self.top + (1 - up) * self.height

    def draw(self, on: Drawing, x_title: str, y_title: str) -> None:
        """Draw grid, tick labels and titles."""
        for value in ticks(*self.x_span):
            x, _ = self.at(value, self.y_span[0])
            on.line(x, self.top, x, self.top + self.height, on.ink.grid)
            on.text(
                x,
                self.top + self.height + 16,
                short(value),
                size=11,
                colour=on.ink.faint,
                anchor="middle",
            )
        for value in ticks(*self.y_span):
            _, y = self.at(self.x_span[0], value)
            on.line(self.left, y, self.left + self.width, y, on.ink.grid)
            on.text(self.left - 6, y + 4, short(value), size=11, colour=on.ink.faint, anchor="end")
        on.text(self.left + self.width / 2, self.top + self.height + 34, x_title, anchor="middle")
        on.text(self.left - 38, self.top + self.height / 2, y_title, anchor="middle", turn=-90)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round values from `low` to `high`, about so many."""
    raw = (high - low) / about
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def short(value: float) -> str:
    """Return a number as a tick label."""
    return f"{round(value, 6):g}"


def mix(first: str, second: str, share: float) -> str:
    """Return the colour that lies `share` (0 to 1) of the way from one `#rrggbb` to another."""
    one, two = (_channels(colour) for colour in (first, second))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(one, two, strict=True))


def reads_on(colour: str) -> str:
    """Return black or white, whichever has the higher contrast on a `#rrggbb` colour."""
    return "#000000" if luminance(colour) > 0.179 else "#ffffff"


def luminance(colour: str) -> float:
    """Return the relative luminance of a `#rrggbb` colour, 0 to 1.

    Source: W3C, WCAG 2.2, definition of relative luminance.
    """
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (v / 255 for v in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def text_width(text: str, size: float = 12) -> float:
    """Return about how wide words are, in px."""
    return len(text) * size * 0.56


def cut(text: str, most: int = 22) -> str:
    """Return words, shortened in the middle when there are too many of them."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}…{text[-(most - most // 2 - 1) :]}"
