"""Hold the process that suggests to ending with its project: soon, and with what it measured."""

from __future__ import annotations

import sys
from pathlib import Path

from poregui.gui.services import suggester
from poregui.gui.services.suggester import SuggestProcess

MUTE = "import time; time.sleep(600)"
KEEPS = """
import sys
from pathlib import Path
sys.stdin.readline()
print('{"measured": 1, "of": 2}', flush=True)
sys.stdin.read()
Path(sys.argv[1], "kept").touch()
"""


def test_a_process_that_has_measured_nothing_yet_is_not_waited_for(
    qapp, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(suggester, "_GRACE_MS", 300_000)
    process = SuggestProcess(tmp_path, (sys.executable, "-c", MUTE))
    process.tell({"crops": []})
    assert process.running
    process.close()
    assert not process.running


def test_a_process_that_has_measured_keeps_it_before_it_ends(qtbot, tmp_path: Path) -> None:
    process = SuggestProcess(tmp_path, (sys.executable, "-c", KEEPS))
    with qtbot.waitSignal(process.measured, timeout=20_000) as heard:
        process.tell({"crops": []})
    assert heard.args == [1, 2]
    process.close()
    assert (tmp_path / "kept").exists()
