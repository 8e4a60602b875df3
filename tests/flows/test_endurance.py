"""Labelling goes on for hundreds of keys and pages where few files may be open, and nothing piles
up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from _bench_label import make_project

from poregui.store.connections import MOST_READERS
from poregui.store.project import Project

ROOT = Path(__file__).resolve().parents[2]
CROPS, KEYS, PAGES = 400, 300, 60
SOON_NEEDED = MOST_READERS + 4
"""Descriptors that come with the first labels: other readers, and the process that suggests."""
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows does not limit descriptors"
)

LABELLING = """
import json, resource, sys, time
from pathlib import Path

sys.path[:0] = sys.argv[2:]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from _bench_keys import open_descriptors
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from poregui.gui.app import build_window
from poregui.gui.base.messages import messages

window = build_window(Path(sys.argv[1]))
window.resize(1200, 800)
window.show()
errors = []
messages().noted.connect(lambda text, kind: errors.append(text) if kind == "error" else None)
grid, thumbnails = window.label_page.crop_grid, window.services.thumbnails

def settled():
    until = time.monotonic() + 10
    while thumbnails.busy and time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.001)
    return not thumbnails.busy

def scroll(pages):
    bar = grid.verticalScrollBar()
    for page in range(pages):
        bar.setValue((page * bar.pageStep()) % max(bar.maximum(), 1))
        grid.viewport().repaint()
        QApplication.processEvents()

KEYS, PAGES = {keys}, {pages}
scroll(5)
QTest.keyClicks(grid, "1")
loaded, first = settled(), open_descriptors()
for number in range(1, KEYS):
    QTest.keyClicks(grid, "123"[number % 3])
    QApplication.processEvents()
    settled()
scroll(PAGES)
loaded = settled() and loaded
last = open_descriptors()
window.close()
window.deleteLater()
QApplication.processEvents()
print(json.dumps(dict(errors=errors, first=first, last=last, loaded=loaded)))
"""


@pytest.mark.soak
def test_hundreds_of_keys_and_pages_leave_no_file_open_and_store_every_label(
    tmp_path: Path,
) -> None:
    make_project(tmp_path / "p", CROPS, images=CROPS)
    program = LABELLING.replace("{keys}", str(KEYS)).replace("{pages}", str(PAGES))
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "p"), str(ROOT), str(ROOT / "scripts")],
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "settings")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    received = json.loads(done.stdout.splitlines()[-1])
    assert received["errors"] == []
    assert received["loaded"]
    assert received["last"] <= received["first"] + SOON_NEEDED
    with Project.open(tmp_path / "p") as project:
        assert sum(label is not None for label in project.labels().values()) == KEYS
