"""Print a report without a screen: python -m poregui.gui.services.paper IN.html OUT.pdf; changes with how the child is asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from poregui.domain.errors import PoreguiError

OK, REFUSED = 0, 2


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
