"""Hold that what is printed or drawn takes the place of a good file only when it is whole."""

from __future__ import annotations

import random
import string
import subprocess
import sys
from pathlib import Path

import pytest

from poregui.domain.errors import PoreguiError
from poregui.gui.services import printing
from poregui.launching import child_environment, python_command

PAGE = f"<html><body>{'<p>Words of a report</p>' * 300}</body></html>"
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="9" height="9"/>'
    "</svg>"
)
ROOM = 4096
WRITERS = {
    "out.pdf": "printing.write_pdf_of(text, out)",
    "out.png": "printing.save_png(drawing, out)",
    "out.html": "files.write_text(out, text)",
    "out.csv": "files.write_csv(out, [[text]])",
    "out.json": "files.write_json(out, [text])",
    "out.zip": "packing.write_zip(out, 'top', [packing.Member(Path(page), 'a')], print)",
}
SCRIPT = """
import resource, sys, zlib
from pathlib import Path
from PySide6.QtGui import QGuiApplication
from poregui.domain.errors import PoreguiError
from poregui.gui.services import printing
from poregui.store import files, packing
page, drawing, folder = sys.argv[1:]
text = Path(page).read_text(encoding="utf-8")
app = QGuiApplication([])
resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))
for name, write in WRITERS.items():
    out = Path(folder) / name
    try:
        exec(write)
    except PoreguiError as error:
        sys.stderr.write(f"{name}: {error}\\n")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="The limit of a file's size is one of POSIX.")
def test_a_full_disk_leaves_every_good_file_as_it_was(tmp_path: Path) -> None:
    noise = "".join(random.Random(1).choices(string.ascii_letters, k=30_000))
    page = tmp_path / "page.html"
    page.write_text(PAGE + noise + "</html>", encoding="utf-8")
    drawing = DRAWING.replace(
        "<rect", "".join(f'<circle cx="{i}" cy="{i * i % 31}" r="2"/>' for i in range(40)) + "<rect"
    ).replace('width="40" height="30"', 'width="900" height="700"')
    out = tmp_path / "out"
    out.mkdir()
    for name in WRITERS:
        (out / name).write_bytes(b"the good one")
    script = f"WRITERS = {WRITERS!r}\nROOM = {ROOM}\n{SCRIPT}"
    done = subprocess.run(
        python_command("-c", script, str(page), drawing, str(out)),
        env={**child_environment(), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in WRITERS:
        assert f"{name}: The disk that holds {out} is full." in done.stderr
        assert (out / name).read_bytes() == b"the good one"
    assert sorted(path.name for path in out.iterdir()) == sorted(WRITERS)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.7, 0.99])
def test_a_pdf_whose_writer_stopped_halfway_without_a_word_is_refused(
    qtbot: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: float
) -> None:
    out = tmp_path / "report.pdf"
    printing.write_pdf_of(PAGE, out)
    good = out.read_bytes()

    def stop_halfway(html: str, path: Path) -> None:
        path.write_bytes(good[: int(part * len(good))])

    monkeypatch.setattr(printing, "_print", stop_halfway)
    with pytest.raises(PoreguiError, match="was not written completely"):
        printing.write_pdf_of(PAGE, out)
    assert out.read_bytes() == good
