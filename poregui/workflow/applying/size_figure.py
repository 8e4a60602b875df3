"""Draw how large the pores of each class are, as cumulative curves on a log axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from poregui.workflow.applying.field import AppliedField
from poregui.workflow.reporting.svg import LIGHT, Axes, Drawing, Ink, cut, text_width

Floats = NDArray[np.float64]
_DASHES = ("", "7 3", "2 2.5", "9 3 2 3")
_LEFT = 58.0
_TOP = 30.0
_WIDTH = 400.0
_HEIGHT = 190.0
_MARKED = (0.1, 0.5, 0.9)
"""Shares at which D10, D50 and D90 are marked."""


def diameters_of(
    classes: Sequence[str], fields: Iterable[AppliedField], min_confidence: float, unit: str
) -> dict[str, Floats]:
    """Return the equivalent diameters of the pores of each class in fields, in `unit`, which is um
    or px.
    """
    found: dict[str, list[Floats]] = {name: [np.empty(0)] for name in classes}
    for field in fields:
        chosen = field.pores.chosen(min_confidence)
        scale = 1.0
        if unit == "um":
            scale = field.result.um_per_px or 1.0
        for index, name in enumerate(classes):
            found[name].append(scale * 2 * np.sqrt(field.pores.areas[chosen == index] / np.pi))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def sizes_svg(
    diameters: Mapping[str, Floats], colours: Mapping[str, str], unit: str, ink: Ink = LIGHT
) -> str | None:
    """Return the shares of pores, and of pore area, up to each equivalent diameter; None without a
    pore.

    `diameters` are (n,) of each class in `unit`, which is um or px; `colours` are `#rrggbb` by
    class. Dots mark D10, D50 and D90.
    """
    known = {name: np.sort(values) for name, values in diameters.items() if len(values)}
    if not known:
        return None
    low = min(v[0] for v in known.values())
    high = max(v[-1] for v in known.values())
    span = math.log10(low / 1.1), math.log10(high * 1.1)
    drawing = Drawing(2 * (_LEFT + _WIDTH) + 30, _TOP + _HEIGHT + 76, ink, "Size distributions")
    for number, (title, power) in enumerate(
        (("Share of the pores", 0), ("Share of the pore area", 2))
    ):
        left = _LEFT + number * (_WIDTH + _LEFT + 16)
        axes = Axes(left, _TOP, _WIDTH, _HEIGHT, span, (0.0, 1.0))
        _frame(drawing, axes, title, f"Equivalent diameter, {unit.replace('um', 'µm')}")
        for index, (name, sizes) in enumerate(known.items()):
            _curve(
                drawing,
                axes,
                sizes,
                sizes**power,
                colours.get(name, "#2166ac"),
                _DASHES[index % len(_DASHES)],
            )
    x = _LEFT
    for index, name in enumerate(known):
        text = f"{cut(name, 28)} ({len(known[name])})"
        y = _TOP + _HEIGHT + 64
        drawing.line(
            x,
            y - 4,
            x + 28,
            y - 4,
            colours.get(name, "#2166ac"),
            2.2,
            _DASHES[index % len(_DASHES)],
        )
        drawing.text(x + 34, y, text)
        x += 58 + text_width(text)
    return drawing.svg()


def _frame(drawing: Drawing, axes: Axes, title: str, x_title: str) -> None:
    ink = drawing.ink
    bottom = axes.top + axes.height
    drawing.text(axes.left, axes.top - 12, title, weight="bold")
    for decade in range(math.floor(axes.x_span[0]), math.ceil(axes.x_span[1]) + 1):
        for factor in (1, 2, 5):
            position = math.log10(factor) + decade
            if axes.x_span[0] <= position <= axes.x_span[1]:
                x, _ = axes.at(position, 0)
                drawing.line(x, axes.top, x, bottom, ink.grid)
                drawing.text(
                    x,
                    bottom + 16,
                    f"{factor * 10.0**decade:g}",
                    size=11,
                    colour=ink.faint,
                    anchor="middle",
                )
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        _, y = axes.at(axes.x_span[0], share)
        drawing.line(axes.left, y, axes.left + axes.width, y, ink.grid)
        drawing.text(
            axes.left - 6, y + 4, f"{100 * share:.0f} %", size=11, colour=ink.faint, anchor="end"
        )
    drawing.text(axes.left + axes.width / 2, bottom + 34, x_title, anchor="middle")


def _curve(
    drawing: Drawing, axes: Axes, sizes: Floats, weights: Floats, colour: str, dash: str
) -> None:
    """Draw the steps of a cumulative curve of ascending sizes, thinned to what can be seen."""
    shares = np.cumsum(weights) / weights.sum()
    kept = np.unique(
        np.round(np.linspace(0, len(sizes) - 1, min(len(sizes), 400))).astype(np.int64)
    )
    points = [axes.at(math.log10(sizes[0]), 0.0)]
    before = 0.0
    for size, share in zip(sizes[kept].tolist(), shares[kept].tolist(), strict=True):
        points += [axes.at(math.log10(size), before), axes.at(math.log10(size), share)]
        before = share
    points.append(axes.at(axes.x_span[1], 1.0))
    drawing.path(points, colour, 2.0, dash)
    for share in _MARKED:
        size = sizes[min(int(np.searchsorted(shares, share)), len(sizes) - 1)]
        drawing.dot(*axes.at(math.log10(size), share), colour)
