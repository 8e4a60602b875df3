"""Test how pictures come into a project and what the report says."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from poregui.domain.classes import NOT_A_PORE
from poregui.domain.errors import PoreguiError, ReadOnlyError
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.editing.label_edits import (
    change_class,
    label_crops,
    remove_crops,
    remove_micrographs,
)
from poregui.workflow.importing.images import ImportOptions, collect, settle
from poregui.workflow.importing.import_report import ImportReport
from poregui.workflow.importing.known_images import Collected

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/data with real images is absent"
)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Give a new project with the default classes."""
    with Project.create(tmp_path / "project") as made:
        yield made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Give an empty folder for pictures."""
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


def draw(*files: Path, size: tuple[int, int] = (12, 9)) -> None:
    """Write pictures that differ from each other, whatever their names."""
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        draw.count = getattr(draw, "count", 0) + 1  # type: ignore[attr-defined]
        random = np.random.default_rng(draw.count)  # type: ignore[attr-defined]
        pixels = random.integers(0, 256, size[::-1], np.uint8)
        Image.fromarray(pixels).save(file)


def bring_in(project: Project, paths: Sequence[Path] | Path, **options: Any) -> ImportReport:
    """Import and return the report."""
    known = tuple(c.name for c in project.classes())
    chosen = ImportOptions(known_classes=known, **options)
    plan = settle(
        project,
        collect([paths] if isinstance(paths, Path) else paths, chosen, project.pixels),
        "tester",
    )
    if plan.edit is not None:
        History(project).apply(plan.edit)
    return plan.report


def labels(project: Project) -> dict[str, int]:
    """Return the number of crops of each class that has some."""
    counts = project.label_counts()
    return {c.name: counts[c.id] for c in project.classes() if counts[c.id]}


def test_class_folders_become_labelled_crops_and_replace_classes_that_nobody_used(
    project: Project, source: Path
) -> None:
    draw(
        *(source / "granite" / f"{i}.png" for i in range(3)),
        *(source / "slate" / f"{i}.png" for i in range(2)),
    )
    report = bring_in(project, source)
    assert labels(project) == {"granite": 3, "slate": 2}
    assert [c.name for c in project.classes()] == ["granite", "slate"]
    assert [c.key for c in project.classes()] == ["1", "2"]
    assert report.replaced_classes == ("Gas", "Keyhole", "Lack of Fusion")
    assert (report.crops, report.micrographs, report.skipped) == (5, 0, ())
    assert {entry.how for entry in project.label_log()} == {"import"}


def test_files_whose_names_begin_with_the_class_need_no_folders(
    project: Project, source: Path
) -> None:
    draw(
        source / "LOF.139.PNG",
        source / "K.20.PNG",
        source / "G.148.PNG",
        source / "g_3.png",
        source / "keyhole7b.png",
    )
    bring_in(project, source)
    assert labels(project) == {"Gas": 2, "Keyhole": 2, "Lack of Fusion": 1}
    assert [c.id for c in project.classes()] == [1, 2, 3]


def test_names_of_the_projects_own_classes_count_as_well(project: Project, source: Path) -> None:
    draw(
        source / "a" / "Crack" / "1.png",
        source / "a" / "Void" / "1.png",
        source / "b" / "crack.2.png",
    )
    bring_in(project, source / "a")
    bring_in(project, source / "b")
    assert labels(project) == {"Crack": 2, "Void": 1}


@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("train_set", "test_set")])
def test_the_side_that_a_folder_above_names_is_kept(
    project: Project, source: Path, train: str, test: str
) -> None:
    for side, many in ((train, 3), (test, 1)):
        draw(*(source / side / name / f"{i}.png" for name in ("a", "b") for i in range(many)))
    report = bring_in(project, source)
    assert Counter(crop.given_split for crop in project.crops()) == {"train": 6, "test": 2}
    assert labels(project) == {"a": 4, "b": 4}
    assert report.test_crops == 2


def test_the_layout_of_the_original_study_is_understood(project: Project, source: Path) -> None:
    draw(
        *(source / "data" / name for name in ("G.1.PNG", "K.1.PNG", "LOF.1.PNG")),
        source / "test" / "LOF.2.PNG",
    )
    bring_in(project, source)
    assert labels(project) == {"Gas": 1, "Keyhole": 1, "Lack of Fusion": 2}
    assert [crop.source for crop in project.crops() if crop.given_split == "test"] == [
        "test/LOF.2.PNG"
    ]


def test_a_lone_folder_of_pictures_holds_micrographs(project: Project, source: Path) -> None:
    draw(source / "B 12.png", source / "B 13.jpg")
    tifffile.imwrite(source / "c.tif", np.zeros((20, 30, 3), np.uint16), photometric="rgb")
    report = bring_in(project, source, um_per_px=0.5)
    assert report.micrographs == 3
    last = project.micrographs()[2]
    assert (last.name, last.width, last.height, last.bits, last.channels) == (
        "c.tif",
        30,
        20,
        16,
        3,
    )
    assert (last.um_per_px, last.scale_source) == (0.5, "given at import")
    assert project.micrograph_file(last) == source / "c.tif"
    assert last.path == "../source/c.tif"


def test_folders_of_large_pictures_are_specimens_and_no_classes(
    project: Project, source: Path
) -> None:
    draw(source / "S1" / "a.png", source / "S2" / "a.png", size=(800, 750))
    assert bring_in(project, source).micrographs == 2
    assert bring_in(project, source, kind="crops").crops == 2
    assert labels(project) == {"S1": 1, "S2": 1}


def test_a_person_decides_what_pictures_are(project: Project, source: Path) -> None:
    draw(source / "a" / "1.png", source / "b" / "K.1.png", source / "loose.png")
    assert bring_in(project, source, kind="micrographs").micrographs == 3
    report = bring_in(project, source, kind="crops")
    assert dict(report.labels) == {"a": 1, "Keyhole": 1, "": 1}


def test_crops_keep_their_size_depth_and_scale(project: Project, source: Path) -> None:
    draw(source / "gas" / "1.png", size=(7, 31))
    deep = np.arange(12, dtype=np.uint16).reshape(3, 4) * 900
    tifffile.imwrite(
        source / "gas" / "2.tif", deep, imagej=True, resolution=(2, 2), metadata={"unit": "um"}
    )
    bring_in(project, source)
    first, second = project.crops()
    assert (first.width, first.height, first.um_per_px) == (7, 31, None)
    assert second.um_per_px == 0.5
    np.testing.assert_array_equal(project.pixels.get(second.pixels).array, deep)


def test_the_given_scale_goes_before_what_the_file_says(project: Project, source: Path) -> None:
    tifffile.imwrite(
        source / "a.tif",
        np.zeros((9, 9), np.uint8),
        imagej=True,
        resolution=(2, 2),
        metadata={"unit": "um"},
    )
    bring_in(project, source, um_per_px=0.125)
    assert project.micrographs()[0].um_per_px == 0.125


def test_importing_twice_adds_nothing_even_under_other_names(
    project: Project, source: Path
) -> None:
    draw(
        source / "crops" / "a" / "1.png",
        source / "crops" / "b" / "1.png",
        source / "micrographs" / "m.png",
    )
    first = bring_in(project, source)
    (source / "crops" / "a" / "1.png").rename(source / "crops" / "a" / "2.png")
    shutil.copytree(source, source.parent / "elsewhere")
    second = bring_in(project, source.parent / "elsewhere")
    assert (first.imported, second.imported, second.present) == (3, 0, 3)
    assert (len(project.crops()), len(project.micrographs())) == (2, 1)


def test_importing_again_leaves_renamed_classes_and_changed_labels_alone(
    project: Project, source: Path
) -> None:
    draw(source / "a" / "1.png", source / "b" / "1.png")
    bring_in(project, source)
    history = History(project)
    first, second = project.classes()
    history.apply(label_crops(project, [project.crops()[0].id], second.id, who="me"))
    history.apply(change_class(project, type(first)(**{**first.__dict__, "name": "Crack"})))
    report = bring_in(project, source)
    assert [c.name for c in project.classes()] == ["Crack", "b"]
    assert labels(project) == {"b": 2}
    assert report.notes == ("a/1.png is already in the project, labelled b; the label is kept.",)


def test_what_was_deleted_comes_in_again(project: Project, source: Path) -> None:
    draw(source / "gas" / "1.png", source / "m.png")
    bring_in(project, source)
    history = History(project)
    history.apply(remove_crops([project.crops()[0].id]))
    history.apply(remove_micrographs(project, [project.micrographs()[0].id]))
    report = bring_in(project, source)
    assert (report.crops, report.micrographs, report.present) == (1, 1, 0)
    assert (len(project.crops()), len(project.micrographs())) == (1, 1)


def test_equal_pictures_with_two_labels_are_reported_and_taken_once(
    project: Project, source: Path
) -> None:
    draw(source / "gas" / "1.png")
    (source / "keyhole").mkdir()
    shutil.copy(source / "gas" / "1.png", source / "keyhole" / "9.png")
    report = bring_in(project, source)
    assert labels(project) == {"Gas": 1}
    assert "keyhole/9.png is the same image as gas/1.png with another label" in report.notes[0]


def test_a_picture_on_both_sides_stays_on_the_test_side(project: Project, source: Path) -> None:
    draw(source / "train" / "gas" / "1.png", source / "test" / "gas" / "0.png")
    shutil.copy(source / "train" / "gas" / "1.png", source / "test" / "gas" / "1.png")
    bring_in(project, source)
    assert Counter(crop.given_split for crop in project.crops()) == {"test": 2}


def test_a_micrograph_that_moved_is_found_again(project: Project, source: Path) -> None:
    draw(source / "m.png")
    bring_in(project, source)
    (source / "m.png").rename(source / "n.png")
    report = bring_in(project, source)
    assert (report.imported, report.present) == (0, 1)
    assert [project.micrograph_file(m).name for m in project.micrographs()] == ["n.png"]
    assert report.notes == ("n.png was found again at its new location.",)


def test_the_whole_import_is_one_step_that_undo_takes_back(project: Project, source: Path) -> None:
    draw(source / "a" / "1.png", source / "b" / "1.png", source / "micrographs" / "m.png")
    before = project.classes()
    options = ImportOptions(specimen="S1")
    plan = settle(project, collect([source], options, project.pixels), "me")
    history = History(project)
    assert plan.edit is not None
    history.apply(plan.edit)
    assert history.undo_text == "import 3 images"
    history.undo()
    assert (project.classes(), project.crops(), project.micrographs(), project.specimens()) == (
        before,
        [],
        (),
        (),
    )
    history.redo()
    assert labels(project) == {"a": 1, "b": 1}


def test_used_classes_stay_and_new_ones_are_added(project: Project, source: Path) -> None:
    draw(
        source / "one" / "Gas" / "1.png",
        source / "two" / "Crack" / "1.png",
        source / "two" / "Void" / "1.png",
    )
    bring_in(project, source / "one")
    report = bring_in(project, source / "two")
    assert [c.name for c in project.classes()] == [
        "Gas",
        "Keyhole",
        "Lack of Fusion",
        "Crack",
        "Void",
    ]
    assert (report.new_classes, report.replaced_classes) == (("Crack", "Void"), ())


def test_a_folder_can_say_that_crops_show_no_pore(project: Project, source: Path) -> None:
    draw(source / "gas" / "1.png", source / "not_a_pore" / "1.png")
    bring_in(project, source)
    assert project.label_counts()[NOT_A_PORE] == 1
    assert len(project.classes()) == 3


def test_more_than_thirty_classes_are_refused_with_nothing_changed(
    project: Project, source: Path
) -> None:
    draw(*(source / f"class {i}" / "1.png" for i in range(31)))
    with pytest.raises(PoreguiError, match="31 new classes; a project has at most 30"):
        bring_in(project, source)
    assert project.crops() == []


def test_specimens_come_from_a_name_or_from_file_names(project: Project, source: Path) -> None:
    draw(
        source / "gas" / "12_1.png",
        source / "gas" / "12_2.png",
        source / "gas" / "7_1.png",
        source / "gas" / "x.png",
    )
    report = bring_in(project, source, specimen_pattern=r"^(\d+)_")
    assert report.new_specimens == ("7", "12")
    names = {s.id: s.name for s in project.specimens()}
    assert [names.get(c.specimen_id or 0) for c in project.crops()] == ["7", "12", "12", None]
    assert "1 of 4 file names do not match the pattern; their specimen is unknown." in report.notes
    draw(source / "more" / "gas" / "1.png")
    bring_in(project, source / "more", specimen="12")
    assert len(project.specimens()) == 2


def test_damaged_and_unknown_files_are_named_and_passed_over(
    project: Project, source: Path
) -> None:
    draw(source / "good.png")
    (source / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    (source / "notes.txt").write_text("no picture")
    report = bring_in(project, source)
    assert report.micrographs == 1
    assert [one.name for one in report.skipped] == ["bad.png", "notes.txt"]
    assert "damaged" in report.skipped[0].reason
    assert report.lines[-3] == "2 files skipped:"


def test_hidden_and_system_files_are_passed_over_silently(project: Project, source: Path) -> None:
    draw(source / "good.png", source / "._good.png", source / ".thumbnails" / "x.png")
    (source / "Thumbs.db").write_bytes(b"x")
    report = bring_in(project, source)
    assert (report.micrographs, report.skipped) == (1, ())


@pytest.mark.parametrize("made", ["empty", "only text", "missing"])
def test_nothing_to_import_gets_a_sentence(project: Project, source: Path, made: str) -> None:
    if made == "only text":
        (source / "a.txt").write_text("x")
    path = source / "missing" if made == "missing" else source
    with pytest.raises(PoreguiError) as caught:
        bring_in(project, path)
    assert str(path) in caught.value.what
    assert caught.value.remedy


def test_a_project_is_no_folder_of_pictures(project: Project, source: Path) -> None:
    with pytest.raises(PoreguiError, match="is a poregui project"):
        bring_in(project, project.folder)


def test_links_in_a_circle_end(project: Project, source: Path) -> None:
    draw(source / "deep" / "a.png")
    try:
        os.symlink(source, source / "deep" / "round", target_is_directory=True)
        os.symlink(source / "deep" / "a.png", source / "same.png")
        os.symlink(source / "gone.png", source / "dead.png")
    except OSError:
        pytest.skip("This system makes no links.")
    report = bring_in(project, source)
    assert report.micrographs == 1
    assert [(one.name, one.reason) for one in report.skipped] == [("dead.png", "leads nowhere.")]


def test_any_folder_name_will_do(project: Project, source: Path) -> None:
    draw(source / "Größe 🔬" / "-a b.png", source / "ünd" / "é.png")
    bring_in(project, source)
    assert labels(project) == {"Größe 🔬": 1, "ünd": 1}


def test_reading_can_be_cancelled_and_then_nothing_comes_in(project: Project, source: Path) -> None:
    draw(*(source / f"{i}.png" for i in range(5)))
    received: list[tuple[int, int, str]] = []
    collected = collect(
        [source],
        ImportOptions(),
        project.pixels,
        lambda *step: received.append(step),
        lambda: len(received) == 2,
    )
    plan = settle(project, collected, "me")
    assert received == [(1, 5, "0.png"), (2, 5, "1.png")]
    assert (plan.edit, plan.report.lines) == (
        None,
        ("The import was cancelled; nothing was imported.",),
    )


def test_reading_works_in_another_thread_while_the_project_is_used_here(
    project: Project, source: Path
) -> None:
    draw(*(source / name / f"{i}.png" for name in ("a", "b") for i in range(70)))
    read: list[Collected] = []
    thread = Thread(target=lambda: read.append(collect([source], ImportOptions(), project.pixels)))
    thread.start()
    while thread.is_alive():
        with project.transaction():
            project.put_meta("busy", "yes")
    thread.join()
    plan = settle(project, read[0], "me")
    assert plan.edit is not None
    History(project).apply(plan.edit)
    assert all(project.pixels.has(crop.pixels) for crop in project.crops())
    assert len(project.crops()) == 140


def test_a_project_that_is_open_elsewhere_takes_nothing_in(project: Project, source: Path) -> None:
    draw(source / "a.png")
    with Project.open(project.folder, read_only=True) as second:
        collected = collect([source], ImportOptions(), second.pixels)
        with pytest.raises(ReadOnlyError):
            settle(second, collected, "me")


@needs_shared
def test_rock_sections_keep_their_given_test_side(project: Project) -> None:
    report = bring_in(project, SHARED / "lithology")
    assert labels(project) == {"class0": 200, "class1": 200, "class2": 200}
    assert (report.test_crops, [one.name for one in report.skipped]) == (120, ["LICENSE"])
    assert len({(crop.width, crop.height) for crop in project.crops()}) > 10


@needs_shared
def test_maize_crops_and_micrographs_come_in_by_their_layout(project: Project) -> None:
    report = bring_in(project, SHARED / "maize-stomata", specimen_pattern=r"^(\d+)[_.]")
    assert labels(project) == {"not_stoma": 250, "stoma": 250}
    assert (report.micrographs, len(project.specimens())) == (10, 99)
    assert {(m.width, m.height, m.channels) for m in project.micrographs()} == {(3840, 2748, 3)}
