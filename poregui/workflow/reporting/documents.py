"""Write one document as Markdown and as HTML from the same blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from poregui.domain.errors import PoreguiError
from poregui.resources import resource

_STYLE = (
    "body{font-family:Helvetica,Arial,'Liberation Sans','DejaVu "
    "Sans',sans-serif;font-size:14px;line-height:1.45;"
    "color:#1b1f24;background:#fff;max-width:860px;margin:24px auto;padding:0 16px}"
    "h1{font-size:24px}h2{font-size:17px;margin:28px 0 8px;border-bottom:1px solid "
    "#dfe3e8;padding-bottom:4px}"
    "table{border-collapse:collapse;margin:4px 0 "
    "12px}th{color:#59636e;font-weight:normal;text-align:left}"
    "th,td{border-bottom:1px solid #eceff2;padding:3px 14px 3px "
    "0;vertical-align:top;overflow-wrap:anywhere}"
    "td:first-child{white-space:nowrap}"
)
_MARKED = "\\`*_{}[]<>#|~"


@dataclass(frozen=True)
class Heading:
    """Hold a heading of `level` 1 to 3."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Hold running text."""

    text: str


@dataclass(frozen=True)
class Table:
    """Hold a table; every row has as many cells as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Table


def as_markdown(blocks: Sequence[Block]) -> str:
    """Return a document as Markdown with the tables of GitHub; names and notes stay text."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_plain(block.text)}"
    if isinstance(block, Paragraph):
        return _plain(block.text)
    lines = [block.head, tuple("---" for _ in block.head), *block.rows]
    rows = [
        [cell if index == 1 else _plain(cell) for cell in row] for index, row in enumerate(lines)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _plain(text: str) -> str:
    """Return text with everything escaped that Markdown or HTML inside it could take for more than
    text.
    """
    return "".join(f"\\{c}" if c in _MARKED else c for c in " ".join(text.split()))


def as_html(title: str, blocks: Sequence[Block]) -> str:
    """Return a document as one HTML page that fetches nothing."""
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src '
        "'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    return head + "\n".join(_html(block) for block in blocks) + "\n</body>\n</html>\n"


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>"
    head = "".join(f"<th>{escape(cell)}</th>" for cell in block.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in block.rows
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def check_ending(out: Path) -> None:
    """Raise PoreguiError for a file that is neither HTML nor PDF by its name."""
    if out.suffix.lower() not in (".html", ".htm", ".pdf"):
        raise PoreguiError(
            f"{out} is not a report file.", "Give a file name that ends in .html or .pdf."
        )


ImageTag = Callable[[str, int], str]
"""Takes an SVG and its width in px and returns the markup that shows it."""
_WIDTH = re.compile(r'<svg[^>]* width="(\d+)"')


def render(
    template: str,
    values: Mapping[str, Any],
    filters: Mapping[str, Any],
    image: ImageTag | None = None,
) -> str:
    """Return a report as HTML from a template of ours; every name and note is escaped.

    `figure(svg)` in the template shows an SVG inside, or whatever `image` makes of it.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def figure(svg: str | None) -> Markup:
        # Ours, and escaped word by word where it was drawn.
        found = _WIDTH.match(svg or "")
        if svg is None or image is None or found is None:
            return Markup(svg or "")
        return Markup(image(svg, int(found[1])))

    # A block that is switched off leaves no blank lines, and an unknown name is an error instead of
    # a gap.
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(filters)
    text = resource(template).read_text(encoding="utf-8")
    return environment.from_string(text).render(figure=figure, **values)
