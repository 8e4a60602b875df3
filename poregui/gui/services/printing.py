"""Turn drawings and reports into PNG and PDF: python -m poregui.gui.services.printing IN OUT."""

from __future__ import annotations

import base64
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QRectF, QSizeF
from PySide6.QtGui import (
    QImage,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
    QTextDocument,
)
from PySide6.QtSvg import QSvgRenderer

from poregui.domain.errors import PoreguiError
from poregui.store.files import export_target, replace_file, write_bytes

ImageTag = Callable[[str, int], str]
_SHARPNESS = 3
"""Px of an image for each px of its drawing."""
_DPI = 300
_PAGE_WIDTH = 1040
"""Px of a page: reports are laid out for a screen of that width, and their figures side by side
need it.
"""
_MARGIN_MM = 15
_SVG = re.compile(r'<svg [^>]*?width="(\d+)".*?</svg>', re.DOTALL)


def drawn(svg: str, width: int | None = None) -> QImage:
    """Return an SVG as an image on white, `width` px wide before it is made sharper.

    Raises PoreguiError when it is no drawing.
    """
    renderer = QSvgRenderer(QByteArray(svg.encode("utf-8")))
    size = renderer.defaultSize()
    if not renderer.isValid() or size.isEmpty():
        raise PoreguiError("This drawing cannot be read.", "Report it with the run's folder.")
    wide = (width or size.width()) * _SHARPNESS
    image = QImage(wide, round(wide * size.height() / size.width()), QImage.Format.Format_RGB32)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(image.rect()))
    painter.end()
    return image


def save_png(svg: str, path: Path) -> None:
    """Write an SVG as PNG.

    Raises PoreguiError when it is no drawing or the file cannot be written.
    """
    content = _png_bytes(drawn(svg))
    write_bytes(export_target(path), content)


def write_pdf(html: Callable[[ImageTag], str], path: Path) -> None:
    """Print HTML on A4, whole or not at all; `html` is given a function that turns an SVG and its
    width into markup.

    Raises PoreguiError when the file cannot be written.
    """

    def image_tag(svg: str, width: int) -> str:
        image = drawn(svg, width)
        coded = base64.b64encode(_png_bytes(image)).decode("ascii")
        height = round(width * image.height() / image.width())
        shown = f'<img width="{width}" height="{height}" src="data:image/png;base64,{coded}">'
        # Qt stretches a line by its image's height, too
        return f'<p style="line-height: 100%">{shown}</p>'

    text = html(image_tag)
    replace_file(export_target(path), lambda beside: _print(text, beside))


def write_pdf_of(html: str, path: Path) -> None:
    """Print a report on A4 whose drawings stand in it as SVG.

    Raises PoreguiError when the file cannot be written.
    """
    write_pdf(
        lambda image_tag: _SVG.sub(lambda found: image_tag(found[0], int(found[1])), html), path
    )


def _print(html: str, path: Path) -> None:
    writer = QPdfWriter(str(path))
    writer.setResolution(_DPI)
    margins = QMarginsF(_MARGIN_MM, _MARGIN_MM, _MARGIN_MM, _MARGIN_MM)
    writer.setPageLayout(
        QPageLayout(
            QPageSize(QPageSize.PageSizeId.A4),
            QPageLayout.Orientation.Portrait,
            margins,
            QPageLayout.Unit.Millimeter,
        )
    )
    writer.setTitle("Report")
    laid_out(html, QSizeF(_PAGE_WIDTH, _PAGE_WIDTH * writer.height() / writer.width())).print_(
        writer
    )
    del writer  # the file is complete when the writer is gone


def laid_out(html: str, page: QSizeF) -> QTextDocument:
    """Return HTML on pages of a size in px, so that no heading of the second level stands alone at
    the end of one.
    """
    document = QTextDocument()
    document.setPageSize(page)
    document.setHtml(html)
    for _ in range(html.count("<h2")):
        alone = heading_alone(document)
        if alone is None:
            break
        html = _broken_before(html, alone)
        document.setHtml(html)
    return document


def heading_alone(document: QTextDocument) -> int | None:
    """Return the number of the first heading of the second level whose text begins on the page
    after it.
    """
    layout = document.documentLayout()
    height = document.pageSize().height()
    block = document.begin()
    number = -1
    while block.isValid():
        following = block.next()
        if block.blockFormat().headingLevel() == 2:
            number += 1
            own = layout.blockBoundingRect(block)
            other = layout.blockBoundingRect(following)
            if own.top() // height != (other.bottom() - 1) // height:
                return number
        block = following
    return None


def _broken_before(html: str, number: int) -> str:
    """Return HTML with a page break before the heading of a number."""
    parts = html.split("<h2")
    head = "<h2".join(parts[: number + 1])
    return f'{head}<h2 style="page-break-before: always"' + "<h2".join(parts[number + 1 :])


def _png_bytes(image: QImage) -> bytes:
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(content.data())


OK = 0
REFUSED = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Print one HTML file as PDF and return 0, or 2 with a sentence on standard error."""
    source, out = (Path(word) for word in (sys.argv[1:] if argv is None else argv))
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtGui import QGuiApplication

    from poregui.gui.services.printing import write_pdf_of

    app = QGuiApplication.instance() or QGuiApplication([])
    try:
        write_pdf_of(source.read_text(encoding="utf-8"), out)
    except PoreguiError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    finally:
        del app
    return OK


if __name__ == "__main__":
    sys.exit(main())
