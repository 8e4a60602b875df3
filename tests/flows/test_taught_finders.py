"""Hold how well finders find in real sections that they did not learn from; minutes of training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from poregui.cli.main import main

TEXTURED = Path(__file__).resolve().parents[3] / "shared" / "data" / "textured"
needs_textured = pytest.mark.skipif(
    not TEXTURED.is_dir(), reason="the shared textured sections are not there"
)


def say(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@needs_textured
@pytest.mark.parametrize(
    ("kind", "iou", "recall", "precision"),
    [("network", 0.75, 0.90, 0.80), ("instant", 0.65, 0.80, 0.65)],
)
def test_finders_find_in_sections_that_they_did_not_learn_from(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    iou: float,
    recall: float,
    precision: float,
) -> None:
    project = tmp_path / "p"
    images = [TEXTURED / f"sample_{number}.png" for number in (1, 2, 4)]
    say(capsys, "new", project)
    say(capsys, "import", project, *images, "--as", "micrographs")
    say(capsys, "detect", project)
    otsu = say(capsys, "score-detection", project, TEXTURED)["pooled"]
    assert otsu["iou"] < 0.1
    assert say(capsys, "import-outlines", project, TEXTURED, "--complete")["checked"] == 3
    taught = say(capsys, "train", project, "--finder", kind)
    finding = taught["finding"]
    assert (taught["by"], finding["truth"], len(taught["groups"])) == ("micrograph", 62, 3)
    assert finding["iou"] > iou
    assert finding["recall"] > recall
    assert finding["precision"] > precision
