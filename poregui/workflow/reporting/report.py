"""Lay out the report of a run as one HTML file that needs nothing else; changes with how a report reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poregui.resources import resource
from poregui.store.files import explain_write_error, write_text
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.reporting.run_report import ReportFacts, collect_report

Picture = Callable[[str, int], str]
"""Takes an SVG and its width in px and returns the markup that shows it."""
_SPLITS = {
    "given": "by the folders that the crops came in",
    "specimen": "by specimen: no specimen stands on two sides",
    "micrograph": "by micrograph: no micrograph stands on two sides",
    "crop": "crop by crop: crops of one specimen can stand on both sides",
    "mixed": "by specimen, micrograph or crop, whatever is known",
}
_WIDTH = re.compile(r'<svg[^>]* width="(\d+)"')


def write_report(
    project: Project, run: RunFolder, out: Path, print_pdf: Callable[[str, Path], None] | None = None
) -> Path:
    """Write the report of a run as HTML or, by `print_pdf` (HTML, path), as PDF, and return its path.

    It is written whole or not at all; PDF is what ends in .pdf. Raises ProjectError when the run has no predictions or
    is damaged, PoreguiError when `out` cannot be written.
    """
    text = report_html(collect_report(project, run))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_write_error(error, out) from error
    if print_pdf is not None and out.suffix.lower() == ".pdf":
        print_pdf(text, out)
    else:
        write_text(out, text)
    return out


def report_html(facts: ReportFacts, picture: Picture | None = None) -> str:
    """Return the report as HTML: figures as SVG inside, or as whatever `picture` makes of them.

    The layout is of tables, so that Qt's rich text prints it too. Every name and note is escaped.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def figure(stem: str) -> Markup:
        svg = facts.figures.get(stem)
        if svg is None:
            return Markup("")
        found = _WIDTH.match(svg)
        # Ours, and escaped word by word where it was drawn.
        return Markup(picture(svg, int(found[1]) if found else 400) if picture else svg)

    # A block that is switched off leaves no blank lines, and an unknown name is an error instead of a gap.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(percent=_percent, ends=_ends, decimals=_decimals)
    template = environment.from_string(resource("report.html.j2").read_text(encoding="utf-8"))
    return template.render(facts=facts, figure=figure, **_words(facts))


def split_words(kind: str) -> str:
    """Return how a dataset was split, to stand behind the word "split"."""
    return _SPLITS.get(kind, kind)


def _words(facts: ReportFacts) -> dict[str, Any]:
    reviewed, found = facts.reviewed, facts.numbers
    as_trained = reviewed.accuracy_as_trained
    changed = ""
    if reviewed.relabelled:
        labels = "1 test label" if reviewed.relabelled == 1 else f"{reviewed.relabelled} test labels"
        was = f"; it was {_percent(as_trained)} when the run ended" if as_trained is not None else ""
        changed = f"{labels} changed since the run was trained{was}."
    return {
        "split": split_words(facts.data.split),
        "changed": changed,
        "breakdowns": [f"accuracy-by-{one.title.lower().replace(' ', '-')}" for one in found.breakdowns],
        "areas": {c.name: (c.roc.area if c.roc else None, _average(c)) for c in facts.curves},
        "kind": f"Cross-validation with {reviewed.folds} folds" if reviewed.folds else "Training with a test side",
    }


def _average(curves: Any) -> float | None:
    return curves.precision_recall.area if curves.precision_recall else None


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _ends(interval: tuple[float, float] | None) -> str:
    return "–" if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"


def _decimals(value: float | None, places: int = 3) -> str:
    return "–" if value is None else f"{value:.{places}f}"
