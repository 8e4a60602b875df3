"""Lay out the report of applied micrographs, one page a specimen, as HTML that Qt prints too; changes with looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poregui.domain.class_porosity import ClassEstimate
from poregui.domain.errors import PoreguiError
from poregui.resources import resource
from poregui.store.files import explain_write_error, write_text
from poregui.workflow.applying.porosity_report import AppliedFacts
from poregui.workflow.applying.telling import sensitivity_words, unlike_words

Picture = Callable[[str, int], str]
"""Takes an SVG and its width in px and returns the markup that shows it."""
_WIDTH = re.compile(r'<svg[^>]* width="(\d+)"')


def write_applied_report(facts: AppliedFacts, out: Path, print_pdf: Callable[[str, Path], None]) -> Path:
    """Write the report as HTML or, by `print_pdf` (HTML, path), as PDF, whole or not at all; return its path.

    Raises PoreguiError for another ending, or when the file cannot be written.
    """
    check_ending(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_write_error(error, out) from error
    text = applied_html(facts)
    if out.suffix.lower() == ".pdf":
        print_pdf(text, out)
    else:
        write_text(out, text)
    return out


def check_ending(out: Path) -> None:
    """Raise PoreguiError for a file that is neither HTML nor PDF by its name."""
    if out.suffix.lower() not in (".html", ".htm", ".pdf"):
        raise PoreguiError(f"{out} is no name of a report.", "Give a file that ends in .html or .pdf.")


def applied_html(facts: AppliedFacts, picture: Picture | None = None) -> str:
    """Return the report as HTML: figures as SVG inside, or as whatever `picture` makes of them. Names are escaped."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def figure(svg: str | None) -> Markup:
        if svg is None:
            return Markup("")
        found = _WIDTH.match(svg)
        # Ours, and escaped word by word where it was drawn.
        return Markup(picture(svg, int(found[1]) if found else 400) if picture else svg)

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(num=_number, ends=_ends, relative=_relative, triple=_triple)
    template = environment.from_string(resource("specimens.html.j2").read_text(encoding="utf-8"))
    unit = facts.summary.size_unit.replace("um", "µm")
    return template.render(facts=facts, figure=figure, unit=unit, moved=sensitivity_words, strange=unlike_words)


def _number(value: float | None, digits: int = 3) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


def _ends(one: Any) -> str:
    """Return the interval of anything with `low` and `high`."""
    return "–" if one is None or one.low is None else f"{_number(one.low)} to {_number(one.high)}"


def _relative(one: ClassEstimate) -> str:
    """Return half the width of an interval over its estimate in per cent."""
    if one.low is None or one.high is None or one.corrected <= 0:
        return "–"
    return f"{100 * (one.high - one.low) / 2 / one.corrected:.0f} %"


def _triple(values: tuple[float, float, float] | None) -> str:
    return "–" if values is None else "\u00a0/\u00a0".join(_number(value) for value in values)
