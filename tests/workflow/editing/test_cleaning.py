"""Hold specimens from names, refusal inside masks, and what the verb `micrographs` changes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from info_bars import with_bar
from label_desk import add_micrograph

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box, Mask
from poregui.domain.records import Display
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.vision.io.pixel_values import automatic, lookup
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import new_crop
from poregui.workflow.editing.micrograph_edits import set_display, set_masks, set_specimens
from poregui.workflow.importing.specimen_names import specimens_in_names


@pytest.fixture
def project(tmp_path: Path):
    with Project.create(tmp_path / "p") as made:
        yield made


def specimens(project: Project) -> list[str | None]:
    names = {s.id: s.name for s in project.specimens()}
    return [names.get(m.specimen_id or 0) for m in project.micrographs()]


@pytest.mark.parametrize("pattern", ["{specimen}_*.png", r"^(?P<specimen>[^_]+)_", r"^([^_]+)_\d"])
def test_specimens_come_from_names_in_one_step_and_others_stay(
    project: Project, pattern: str
) -> None:
    for name in ("A1_01.png", "A1_02.png", "B_1.png", "other.png"):
        add_micrograph(project, name)
    history = History(project)
    edit = set_specimens(project, specimens_in_names(project.micrographs(), pattern))
    assert edit is not None
    history.apply(edit)
    assert specimens(project) == ["A1", "A1", "B", None]
    assert set_specimens(project, specimens_in_names(project.micrographs(), pattern)) is None
    history.undo()
    assert specimens(project) == [None] * 4


@pytest.mark.parametrize("pattern", ["(", "abc", "{specimen}{specimen}"])
def test_an_unfit_pattern_gets_a_sentence(pattern: str) -> None:
    with pytest.raises(PoreguiError):
        specimens_in_names((), pattern)


def test_a_crop_whose_middle_is_masked_is_refused_and_one_beside_it_is_not(
    project: Project,
) -> None:
    micrograph = add_micrograph(project)
    History(project).apply(set_masks(micrograph, [Mask.of_box(Box(0, 200, 400, 100))]))
    (masked,) = project.micrographs()
    pixels = CropPixels(np.zeros((40, 40), np.uint8), 0, 255)
    with pytest.raises(PoreguiError, match="area is masked"):
        new_crop(project, masked, Box(100, 220, 40, 40), pixels, who="ada")
    assert new_crop(project, masked, Box(100, 170, 40, 40), pixels, who="ada").crops[0].box == Box(
        100, 170, 40, 40
    )


def test_a_contrast_window_is_kept_in_the_project_and_undone(project: Project) -> None:
    history, micrograph = History(project), add_micrograph(project)
    history.apply(set_display([micrograph], Display(40, 90, 1.5)))
    assert project.micrographs()[0].display == Display(40, 90, 1.5)
    history.undo()
    assert project.micrographs()[0].display is None


def test_the_lookup_goes_from_black_to_white_and_gamma_lifts_the_middle() -> None:
    plain, bent = lookup(Display(1000, 3000), 16), lookup(Display(1000, 3000, 2.0), 16)
    assert len(plain) == 65536
    assert (plain[1000], plain[2000], plain[3000], plain[60000]) == (0, 128, 255, 255)
    assert bent[2000] == round(255 * 0.5**0.5)


def test_automatic_contrast_leaves_out_a_few_extremes() -> None:
    values = np.full(10000, 500, np.uint16)
    values[:5000], values[:10], values[-10:] = 400, 0, 65535
    assert automatic(values) == Display(400, 500)


def test_automatic_contrast_of_an_even_picture_is_still_a_window() -> None:
    assert automatic(np.full((9, 9), 7, np.uint8)) == Display(7, 8)


def prediction(capsys, *arguments: object) -> dict:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_verb_lists_and_changes_scale_specimen_and_masks(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "q"
    with Project.create(folder):
        pass
    for name in ("A_1.png", "B_1.png"):
        PIL.Image.fromarray(np.roll(with_bar(0, 255), len(name), 1) + (name[0] == "B")).save(
            tmp_path / name
        )
    prediction(
        capsys, "import", folder, tmp_path / "A_1.png", tmp_path / "B_1.png", "--as", "micrographs"
    )
    received = prediction(
        capsys, "micrographs", folder, "--name", "A*", "--set-scale", "0,5", "--mask-info-bar"
    )
    (one,) = received["micrographs"]
    assert (one["um_per_px"], one["scale_source"], one["masks"][0]["kind"]) == (
        0.5,
        "set by hand",
        "bar",
    )
    received = prediction(capsys, "micrographs", folder, "--specimen-pattern", "{specimen}_*.png")
    assert [(m["specimen"], m["um_per_px"], len(m["masks"])) for m in received["micrographs"]] == [
        ("A", 0.5, 1),
        ("B", None, 0),
    ]
    received = prediction(capsys, "micrographs", folder, "--set-scale", "unknown")
    assert [m["um_per_px"] for m in received["micrographs"]] == [None, None]


def test_import_masks_info_bars_when_asked(tmp_path: Path, capsys) -> None:
    with Project.create(tmp_path / "q"):
        pass
    PIL.Image.fromarray(with_bar(0, 255)).save(tmp_path / "A.png")
    received = prediction(
        capsys,
        "import",
        tmp_path / "q",
        tmp_path / "A.png",
        "--as",
        "micrographs",
        "--mask-info-bar",
    )
    assert received["info_bars"] == ["A.png: the info bar is masked (48 px)."]
