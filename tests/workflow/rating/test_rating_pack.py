"""Hold that a file for a second opinion tells nothing, and that what comes back counts once."""

from __future__ import annotations

import io
import shutil
import sqlite3
from pathlib import Path

import pytest
from builders import labelled_project
from PIL import Image

from poregui.cli.main import main
from poregui.domain.errors import PoreguiError
from poregui.store.project import Project
from poregui.store.rating_file import RatingFile
from poregui.workflow.editing.history import History
from poregui.workflow.rating.rating_pack import pack_for_rating, plan_rated


@pytest.fixture
def project(tmp_path: Path) -> Project:
    with labelled_project(tmp_path / "p", specimens=4, per_class=4) as made:
        yield made


def rate_all(path: Path, who: str, index: int = 0, most: int = 1000) -> None:
    """Give every item the same class."""
    with RatingFile(path) as file:
        content = file.content()
        for token in content.left[:most]:
            file.rate(token, content.classes[index][0], who, 1.5)


def test_a_file_holds_no_label_name_place_or_order_that_tells_anything(
    project: Project, tmp_path: Path
) -> None:
    pack_for_rating(project, tmp_path / "a.rating", seed=5)
    pack_for_rating(project, tmp_path / "b.rating", seed=6)
    content = (tmp_path / "a.rating").read_bytes()
    for crop in project.crops():
        assert crop.pixels.encode() not in content
        assert f"crop {crop.id}.png".encode() not in content
    for specimen in project.specimens():
        assert specimen.name.encode() not in content
    with RatingFile(tmp_path / "a.rating") as a, RatingFile(tmp_path / "b.rating") as b:
        first = a.content()
        assert not set(first.tokens) & set(b.content().tokens), "packs cannot be joined"
        assert len(first.tokens) == 30
        for token in first.tokens:
            image = Image.open(io.BytesIO(a.image(token)))
            assert image.info == {}
            assert image.size in ((32, 24), (24, 32))
        assert sorted(first.tokens) != list(first.tokens)
    rate_all(tmp_path / "a.rating", "Bea")
    plan = plan_rated(project, tmp_path / "a.rating")
    assert plan.edit is not None
    order = [one.crop_id for one in plan.edit.opinions]
    labels = [project.crop(crop_id).label for crop_id in order]
    assert order != sorted(order)
    assert labels != sorted(labels)  # type: ignore[type-var]


def test_two_packs_come_back_once_each_whoever_rated_twice_counts_once(
    project: Project, tmp_path: Path
) -> None:
    history = History(project)
    for name in ("a", "b"):
        pack_for_rating(project, tmp_path / f"{name}.rating")
    shutil.copy(tmp_path / "a.rating", tmp_path / "again.rating")
    rate_all(tmp_path / "a.rating", "Bea", most=20)
    rate_all(tmp_path / "b.rating", "Cleo", 1)
    rate_all(tmp_path / "again.rating", "Bea", 2)
    for name, new in (("a", 20), ("b", 30), ("a", 0)):
        plan = plan_rated(project, tmp_path / f"{name}.rating")
        assert (plan.new, plan.faults) == (new, ())
        if plan.edit is not None:
            history.apply(plan.edit)
    twice = plan_rated(project, tmp_path / "again.rating")
    assert (twice.new, twice.known) == (10, 20)
    assert twice.faults == ("Bea has rated this sample before: the first ratings count.",)
    by = [one.who for one in project.opinions.all()]
    assert (by.count("Bea"), by.count("Cleo")) == (20, 30)


def test_a_damaged_file_one_of_another_project_and_one_not_rated_are_each_a_sentence(
    project: Project, tmp_path: Path
) -> None:
    good = tmp_path / "good.rating"
    pack_for_rating(project, good)
    with pytest.raises(PoreguiError, match="was not rated yet"):
        plan_rated(project, good)
    rate_all(good, "Bea")
    damaged = tmp_path / "damaged.rating"
    damaged.write_bytes(good.read_bytes()[:5000])
    with pytest.raises(PoreguiError, match="damaged or no file for rating"):
        plan_rated(project, damaged)
    (tmp_path / "text.rating").write_text("crop,rater,label", encoding="utf-8")
    with pytest.raises(PoreguiError, match="damaged or no file for rating"):
        plan_rated(project, tmp_path / "text.rating")
    with pytest.raises(PoreguiError, match="not a file for rating"):
        RatingFile(project.folder / "project.db", read_only=True)
    with labelled_project(tmp_path / "other") as other:
        pack_for_rating(other, tmp_path / "other.rating")
        with pytest.raises(PoreguiError, match="was packed from another project"):
            plan_rated(other, good)
    with sqlite3.connect(good) as database:
        database.execute("UPDATE ratings SET label = 'gone' WHERE rowid = 1")
    database.close()
    plan = plan_rated(project, good)
    assert (plan.new, len(plan.faults)) == (29, 1)
    assert project.opinions.all() == []


def test_the_command_line_packs_a_sample_and_imports_what_came_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled_project(tmp_path / "p", specimens=4, per_class=4).close()
    file = tmp_path / "sample.rating"
    assert main(["pack", str(tmp_path / "p"), str(file), "--for-rating"]) == 0
    assert "Packed 30 crops for a second opinion" in capsys.readouterr().out
    assert main(["rate", str(tmp_path / "nowhere.rating")]) == 2
    assert "does not exist" in capsys.readouterr().err
    rate_all(file, "Bea")
    assert main(["import-ratings", str(tmp_path / "p"), str(file)]) == 0
    assert "30 ratings added, by Bea (30)." in capsys.readouterr().out
    assert main(["agreement", str(tmp_path / "p")]) == 0
    assert "33.3 %" in capsys.readouterr().out
