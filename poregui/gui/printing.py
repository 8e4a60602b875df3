"""Turn drawings and reports into PNG and PDF; fit for any thread, and changes with how paper looks."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QRectF, QSizeF
from PySide6.QtGui import QFont, QImage, QPageLayout, QPageSize, QPainter, QPdfWriter, QTextDocument
from PySide6.QtSvg import QSvgRenderer

from poregui.domain.errors import PoreguiError
from poregui.store.files import replace_file

Picture = Callable[[str, int], str]
_SHARPNESS = 3
"""Px of a picture for each px of its drawing."""
_DPI = 300
_MARGIN_MM = 15
_FONT_PT = 9


def drawn(svg: str, width: int | None = None) -> QImage:
    """Return an SVG as a picture on white, `width` px wide before it is made sharper.

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
    """Write an SVG as PNG. Raises PoreguiError when it is no drawing, OSError when the file cannot be written."""
    path.write_bytes(_png_bytes(drawn(svg)))


def write_pdf(html: Callable[[Picture], str], path: Path) -> None:
    """Print HTML on A4, whole or not at all; `html` is given a function that turns an SVG and its width into markup.

    Raises PoreguiError when the file cannot be written.
    """

    def picture(svg: str, width: int) -> str:
        coded = base64.b64encode(_png_bytes(drawn(svg, width))).decode("ascii")
        return f'<img width="{width}" src="data:image/png;base64,{coded}">'

    text = html(picture)
    replace_file(path, lambda beside: _print(text, beside))


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
    document = QTextDocument()
    font = QFont()
    font.setPointSizeF(_FONT_PT)
    document.setDefaultFont(font)
    document.documentLayout().setPaintDevice(writer)
    document.setPageSize(QSizeF(writer.width(), writer.height()))
    document.setHtml(html)
    document.print_(writer)
    del writer  # the file is complete when the writer is gone


def _png_bytes(image: QImage) -> bytes:
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(content.data())
