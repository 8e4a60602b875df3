"""Test what file names tell of where crops are from, and what splits make of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import add_specimens, grey
from PIL import Image

from poregui.cli.main import main
from poregui.domain.recipe import recipe_for
from poregui.domain.statistics.splits import NamedCrop, find_sources
from poregui.store.project import Project
from poregui.workflow.editing.history import History
from poregui.workflow.exporting.export_labels import export_split_folders
from poregui.workflow.importing.images import ImportOptions, collect, settle
from poregui.workflow.training.grouping import set_sources
from poregui.workflow.training.prepare_dataset import freeze, prepare, summarise

MAIZE = Path(__file__).resolve().parents[3] / "shared" / "data" / "maize-stomata" / "crops"


def import_images(project: Project, paths: list[Path], kind: str = "auto") -> None:
    """Import pictures as a person does."""
    options = ImportOptions(known_classes=tuple(c.name for c in project.classes()), kind=kind)
    plan = settle(project, collect(paths, options, project.pixels), "ada")
    assert plan.edit is not None
    History(project).apply(plan.edit)


def named(names: dict[int, list[str]], text: str = "") -> list[NamedCrop]:
    """Return crops by label and name."""
    pairs = [(label, name) for label, found in names.items() for name in found]
    return [
        NamedCrop(i, label, name, frozenset(text.split())) for i, (label, name) in enumerate(pairs)
    ]


def sources(names: dict[int, list[str]], text: str = "") -> set[str]:
    found = find_sources(named(names, text))
    return set(found.of.values()) if found else set()


@pytest.mark.parametrize(
    ("form", "first"),
    [
        ("{0}_{1}.png", "{0}"),
        ("S{0:02d}_crop_{1:03d}.png", "S{0:02d}"),
        ("plate{0}-a-{1}.tif", "plate{0}"),
        ("plate {0} field b ({1}).tif", "plate {0}"),
        ("IMG-S{0}-{1}.jpeg", "IMG-S{0}"),
        ("gas_{0}_{1}.png", "{0}"),
        ("Gas/{0}_{1}.png", "{0}"),
    ],
)
def test_the_first_words_of_a_name_are_the_source(form, first):
    names = {
        label: [form.format(s, 10 * label + i) for s in (4, 5, 6, 7) for i in range(3)]
        for label in (1, 2)
    }
    assert sources(names, "gas") == {first.format(s) for s in (4, 5, 6, 7)}


@pytest.mark.parametrize(
    "names",
    [
        {
            1: [f"G.{i}.PNG" for i in range(20)],
            2: [f"K.{i}.PNG" for i in range(20)],
        },  # the class and a number
        {
            1: [f"IMG_{i}.png" for i in range(20)],
            2: [f"IMG_{i + 20}.png" for i in range(20)],
        },  # one source for all
        {
            1: [f"{i}_a.png" for i in range(20)],
            2: [f"{i + 20}_b.png" for i in range(20)],
        },  # each crop alone
        {
            1: [f"a{i}_{k}.png" for i in range(1) for k in range(9)],
            2: [f"b{i}_{k}.png" for i in range(3) for k in range(3)],
        },
        {1: [f"{i}.png" for i in range(20)], 2: [f"{i + 20}.png" for i in range(20)]},
        {
            1: [f"{s}_left.png" for s in range(20)],
            2: [f"{s}_right.png" for s in range(20)],
        },  # no number at the end
        {
            1: ["1_1.png", "1_2.png", "2_1.png"] + [f"pore{i}.png" for i in range(9)],
            2: ["1_3.png", "2_2.png", "3_1.png"],
        },
        {},
    ],
)
def test_names_that_tell_no_source_are_left_alone(names):
    assert sources(names) == set()


def test_a_pattern_that_was_settled_is_kept_when_it_is_no_longer_plausible():
    assert find_sources(named({1: ["7_1.png"], 2: ["7_2.png"]})) is None
    found = find_sources(named({1: ["7_1.png"], 2: ["7_2.png"]}), depth=1)
    assert found is not None
    assert set(found.of.values()) == {"7"}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return class folders with four crops of each class from each of eight sources."""
    for index, name in enumerate(("Gas", "Keyhole", "Lack of Fusion")):
        (tmp_path / "in" / name).mkdir(parents=True)
        for source in range(8):
            for i in range(4):
                number = 100 * index + 10 * source + i
                Image.fromarray(grey(number)).save(
                    tmp_path / "in" / name / f"{110 + source}_{number}.png"
                )
    return tmp_path / "in"


@pytest.fixture
def project(tmp_path: Path, images: Path):
    """Return a project with these crops."""
    with Project.create(tmp_path / "pores") as made:
        import_images(made, [images])
        yield made


def parts_by_source(dataset) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for crop in dataset.crops:
        found.setdefault(crop.name.rpartition("/")[2].partition("_")[0], set()).add(crop.split)
    return found


def test_crops_of_one_source_are_on_one_side_and_it_is_said(project):
    summary = summarise(project, recipe_for("default"))
    assert summary.kind == "source"
    assert {row.name for row in summary.groups} == {str(110 + source) for source in range(8)}
    assert any("110_0.png with all others of 110" in warning for warning in summary.warnings)
    dataset = freeze(project, recipe_for("default")).read_dataset()
    found = parts_by_source(dataset)
    assert all(len(splits) == 1 for splits in found.values())
    assert set().union(*found.values()) == {"train", "validation", "test"}


def test_folds_keep_sources_together(project):
    run = freeze(project, recipe_for("default"), folds=4)
    fold_of = {crop_id: number for number, ids in enumerate(run.read_folds()) for crop_id in ids}
    of_source: dict[str, set[int]] = {}
    for crop in run.read_dataset().crops:
        of_source.setdefault(crop.group, set()).add(fold_of[crop.crop_id])
    assert len(of_source) == 8
    assert all(len(folds) == 1 for folds in of_source.values())


def test_grouping_by_names_is_switched_off_and_on_and_taken_back(project):
    history = History(project)
    history.apply(set_sources(project, together=False))
    assert summarise(project, recipe_for("default")).kind == "crop"
    history.undo()
    assert summarise(project, recipe_for("default")).kind == "source"
    history.redo()
    history.apply(set_sources(project, together=True))
    assert summarise(project, recipe_for("default")).kind == "source"


def test_named_specimens_come_before_names_of_files(project):
    from dataclasses import replace

    from poregui.workflow.editing.edits import ChangeCrop

    (specimen,) = add_specimens(project, "plate")
    history = History(project)
    for crop in project.crops()[::3]:
        history.apply(ChangeCrop(crop, replace(crop, specimen_id=specimen.id)))
    assert summarise(project, recipe_for("default")).kind == "mixed"


def test_the_test_side_stays_when_crops_of_further_sources_are_added(project, tmp_path):
    for source in range(8):  # from a hundred labels on the side is fixed
        for i in range(4):
            number = 1000 + 10 * source + i
            Image.fromarray(grey(number)).save(
                tmp_path / "in" / "Gas" / f"{110 + source}_{number}.png"
            )
    import_images(project, [tmp_path / "in"])
    first = freeze(project, recipe_for("default")).read_dataset()
    tested = {crop.crop_id for crop in first.crops if crop.split == "test"}
    for i in range(200):  # now one source has nearly everything, which alone would not be believed
        Image.fromarray(grey(5000 + i)).save(tmp_path / "in" / "Gas" / f"900_{i}.png")
    import_images(project, [tmp_path / "in"])
    again = freeze(project, recipe_for("default")).read_dataset()
    assert {crop.crop_id for crop in again.crops if crop.split == "test"} == tested


def test_sources_can_be_chosen_for_the_test(project, capsys):
    folder = project.folder
    project.close()
    assert main(["split", str(folder), "--test", "110,113"]) == 0
    received = capsys.readouterr().out
    assert "110" in received
    with Project.open(folder) as again:
        rows = summarise(again, recipe_for("default")).groups
        assert {row.name for row in rows if row.split == "test"} == {"110", "113"}
    assert main(["split", str(folder), "--no-by-file-name", "--json"]) == 0
    assert '"by": "crop"' in capsys.readouterr().out


def test_exported_sides_follow_the_sources(project, tmp_path):
    prepared = prepare(project, recipe_for("default"))
    tested = {crop_id for crop_id, split in prepared.splits.items() if split == "test"}
    export_split_folders(project, tmp_path / "out")
    written = {
        int(file.stem.rpartition("_")[2]) for file in (tmp_path / "out").rglob("test/*/*.png")
    }
    assert written == tested


@pytest.mark.slow
@pytest.mark.skipif(not MAIZE.is_dir(), reason="The maize crops are not beside this checkout.")
def test_the_crops_of_a_maize_micrograph_stay_together(tmp_path):
    with Project.create(tmp_path / "maize", ("stoma", "not_stoma")) as project:
        import_images(project, [MAIZE], kind="crops")
        summary = summarise(project, recipe_for("default"))
        assert summary.kind == "source"
        assert len({row.name for row in summary.groups}) > 90
        found = parts_by_source(freeze(project, recipe_for("default")).read_dataset())
        assert all(len(splits) == 1 for splits in found.values())
