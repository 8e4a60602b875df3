"""Print HTML as PDF by a child process, for the command line knows no Qt; changes with how that is asked."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from poregui.domain.errors import PoreguiError
from poregui.launching import child_environment, python_command


def print_pdf(html: str, out: Path) -> None:
    """Write HTML as PDF, whole or not at all. Raises PoreguiError when it cannot be printed or written."""
    with tempfile.TemporaryDirectory(prefix="poregui-report-") as folder:
        page = Path(folder) / "report.html"
        page.write_text(html, encoding="utf-8")
        asked = python_command("-m", "poregui.gui.paper", str(page), str(out.absolute()))
        done = subprocess.run(asked, env=child_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        told = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise PoreguiError(f"{out} could not be printed: {told}", "Write the report as .html instead.")
