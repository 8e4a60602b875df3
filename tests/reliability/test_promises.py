"""Hold that every promise of reliability, R1 to R15, has its tests here."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PROMISES = 15


def test_every_promise_has_a_file_that_bears_its_number() -> None:
    named = " ".join(path.name for path in HERE.glob("test_r*.py"))
    found = {int(number) for number in re.findall(r"_?r(\d\d)(?=_)", named)}
    assert found == set(range(1, PROMISES + 1))
