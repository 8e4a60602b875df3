"""Test the command line as scripts rely on it: keys, exit codes, one sentence for bad input."""

from __future__ import annotations

import csv
import importlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tifffile
from builders import add_crops, add_specimens, grey, labelled_project
from finished_runs import tell_finished
from PIL import Image

from poregui.cli.main import VERBS, main
from poregui.domain.evaluation import Prediction
from poregui.domain.recipe import recipe_for
from poregui.store.files import write_json
from poregui.store.project import Project
from poregui.workflow.exporting.export_kinds import EXPORTS
from poregui.workflow.training.prepare_dataset import freeze

ROOT = Path(__file__).resolve().parents[2]


def test_every_verb_names_a_function_that_is_there() -> None:
    for module, function, _ in VERBS.values():
        assert callable(getattr(importlib.import_module(f"poregui.cli.{module}"), function))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder of a closed project with 60 labelled crops of 5 specimens."""
    labelled_project(tmp_path / "steel").close()
    return tmp_path / "steel"


def said(capsys: pytest.CaptureFixture[str], *text: str | Path) -> Any:
    """Run a command that must succeed with --json and return its answer."""
    assert main([*map(str, text), "--json"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    return json.loads(out)


def refused(capsys: pytest.CaptureFixture[str], *text: str | Path) -> str:
    """Run a command that must be refused and return its sentence."""
    assert main([*map(str, text)]) == 2
    received = capsys.readouterr()
    assert received.out == ""
    lines = received.err.splitlines()
    assert lines[-1].startswith("poregui: ")
    assert lines[-1].endswith((".", ". "))
    assert "Traceback" not in received.err
    return lines[-1]


def command(*text: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run poregui as a process of its own."""
    more["env"] = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **more.get("env", {})}
    return subprocess.run(
        [sys.executable, "-P", "-m", "poregui", *text],
        capture_output=True, text=True, encoding="utf-8", timeout=60, check=False, **more,
    )  # fmt: skip


def finished_run(folder: Path, wrong: int = 0) -> None:
    """Give a project a run whose predictions are right but for the first `wrong` test crops."""
    with Project.open(folder) as project:
        run = freeze(project, recipe_for("default"))
        dataset = run.read_dataset()
        indices = {crop.crop_id: crop.label for crop in dataset.crops}
        for crop in dataset.split("test")[:wrong]:
            indices[crop.crop_id] = (crop.label + 1) % len(dataset.classes)
        predictions = [
            Prediction(i, tuple(0.8 if k == index else 0.1 for k in range(3)))
            for i, index in indices.items()
        ]
        run.write_predictions(
            dataset.classes, {crop.crop_id: crop.split for crop in dataset.crops}, predictions
        )
        write_json(run.metrics_file, {})
        tell_finished(run)


def test_a_new_project_has_the_classes_that_were_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = said(capsys, "new", tmp_path / "a", "--classes", "Crack, Void")
    assert [c["name"] for c in values["classes"]] == ["Crack", "Void"]
    values = said(capsys, "new", tmp_path / "b")
    assert [c["name"] for c in values["classes"]] == ["Gas", "Keyhole", "Lack of Fusion"]
    assert "holds a project already" in refused(capsys, "new", tmp_path / "a")
    assert "2 to 30 classes" in refused(capsys, "new", tmp_path / "c", "--classes", "One")
    assert not (tmp_path / "c").exists()


def test_info_counts_what_a_project_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Project.open(folder) as project:
        add_crops(project, [None, -1, -2], seed=9)
    values = said(capsys, "info", folder)
    assert [(c["name"], c["key"], c["count"]) for c in values["classes"]] == [
        ("Gas", "1", 20), ("Keyhole", "2", 20), ("Lack of Fusion", "3", 20),
    ]  # fmt: skip
    assert all(c["colour"].startswith("#") for c in values["classes"])
    numbers = {
        name: values[name] for name in ("micrographs", "crops", "labelled", "specimens", "runs")
    }
    assert numbers == {"micrographs": 0, "crops": 63, "labelled": 61, "specimens": 5, "runs": 0}
    assert main(["info", str(folder)]) == 0
    assert "Lack of Fusion    3" in capsys.readouterr().out


def test_importing_says_what_came_in_and_what_did_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(("LOF.1.PNG", "K.1.PNG", "G.1.PNG")):
        Image.fromarray(grey(number)).save(tmp_path / name)
    (tmp_path / "G.2.PNG").write_bytes(b"\x89PNG\r\n\x1a\n")
    said(capsys, "new", tmp_path / "p")
    files = sorted(tmp_path.glob("*.PNG"))
    values = said(
        capsys, "import", tmp_path / "p", *files, "--specimen", "S1", "--um-per-px", "0,5"
    )
    assert (values["crops"], values["micrographs"], values["present"]) == (3, 0, 0)
    assert [one["path"] for one in values["skipped"]] == ["G.2.PNG"]
    assert said(capsys, "info", tmp_path / "p")["specimens"] == 1
    assert main(["import", str(tmp_path / "p"), *map(str, files)]) == 0
    assert "Nothing new was imported." in capsys.readouterr().out
    with Project.open(tmp_path / "p") as project:
        assert {crop.um_per_px for crop in project.crops()} == {0.5}


def test_a_picture_is_described_with_its_scale_and_who_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", grey(1), resolution=(20_000, 20_000), resolutionunit="CENTIMETER"
    )
    values = said(capsys, "image", tmp_path / "a.tif")
    assert values.pop("file").endswith("a.tif")
    assert values == {
        "width": 32, "height": 24, "dtype": "uint8", "bits": 8, "channels": 1, "pages": 1,
        "slices": 1, "levels": 1, "um_per_px": 0.5, "scale_source": "TIFF resolution",
        "warnings": [], "turned": 1,
    }  # fmt: skip
    assert main(["image", str(tmp_path / "a.tif")]) == 0
    assert "0.5 µm/px" in capsys.readouterr().out
    Image.fromarray(grey(1)).save(tmp_path / "a.png", dpi=(300, 300))
    assert said(capsys, "image", tmp_path / "a.png")["um_per_px"] is None
    assert main(["image", str(tmp_path / "a.png")]) == 0
    assert "unknown" in capsys.readouterr().out
    (tmp_path / "bad.tif").write_bytes(b"II*\0\x08\0\0\0")
    for name, sentence in {
        "bad.tif": "is damaged",
        "gone.tif": "no longer exists",
        ".": "is not a file",
    }.items():
        assert sentence in refused(capsys, "image", tmp_path / name)


def test_a_scale_that_was_given_goes_before_that_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", grey(1), resolution=(20_000, 20_000), resolutionunit="CENTIMETER"
    )
    tifffile.imwrite(
        tmp_path / "b.tif", grey(2), resolution=(20_000, 20_000), resolutionunit="CENTIMETER"
    )
    said(capsys, "new", tmp_path / "p")
    said(capsys, "import", tmp_path / "p", tmp_path / "a.tif", "--as", "micrographs")
    said(
        capsys,
        "import",
        tmp_path / "p",
        tmp_path / "b.tif",
        "--as",
        "micrographs",
        "--um-per-px",
        "0.7",
    )
    with Project.open(tmp_path / "p") as project:
        known = {m.name: (m.um_per_px, m.scale_source) for m in project.micrographs()}
    assert known == {"a.tif": (0.5, "TIFF resolution"), "b.tif": (0.7, "given at import")}


def test_bad_pictures_get_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "new", tmp_path / "p")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "film.mp4").write_bytes(b"moving")
    wanted = {
        "empty": "There is no image in",
        "bad.png": "bad.png is damaged",
        "film.mp4": "film.mp4 is not an image of a known format",
        "missing.png": "does not exist",
    }
    for name, sentence in wanted.items():
        assert sentence in refused(capsys, "import", tmp_path / "p", tmp_path / name)
    assert "not a regular expression" in refused(
        capsys, "import", tmp_path / "p", tmp_path / "empty", "--specimen-from", "("
    )
    assert said(capsys, "info", tmp_path / "p")["crops"] == 0


def test_bad_projects_get_a_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is not a poregui project" in refused(capsys, "info", tmp_path / "nowhere")
    shutil.copytree(folder, tmp_path / "newer")
    with sqlite3.connect(tmp_path / "newer" / "project.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    assert "made by a newer poregui" in refused(capsys, "info", tmp_path / "newer")
    content = bytearray((folder / "project.db").read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    (folder / "project.db").write_bytes(content)
    assert "is damaged" in refused(capsys, "evaluate", folder)


def test_a_project_that_is_open_in_a_window_can_be_read_and_not_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(grey(1)).save(tmp_path / "a.png")
    with Project.open(folder):
        assert said(capsys, "info", folder)["crops"] == 60
        assert "open for reading only" in refused(capsys, "import", folder, tmp_path / "a.png")
        assert "open for reading only" in refused(capsys, "train", folder)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (["trian"], "invalid choice: 'trian'"),
        (["info"], "required: PROJECT"),
        (["info", "p", "--colour"], "nrecognized arguments: --colour"),
        (["import", "p", "x", "--as", "films"], "invalid choice: 'films'"),
        (["import", "p", "x", "--um-per-px", "tiny"], "invalid"),
        (["import", "p", "x", "--specimen", "a", "--specimen-from", "(b)"], "not allowed with"),
        (["export", "p", "out"], "required: --format"),
        (["train", "p", "--preset", "best"], "invalid choice: 'best'"),
        ([], "required: VERB"),
    ],
)
def test_wrong_words_get_a_sentence(
    text: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(capsys, *text)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    received = capsys.readouterr().out
    assert "--json" in received
    assert VERBS[verb][2][1:] in " ".join(received.split())


def test_evaluating_uses_the_labels_as_they_are_now(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "has no finished run" in refused(capsys, "evaluate", folder)
    finished_run(folder, wrong=3)
    values = said(capsys, "evaluate", folder)
    assert (values["run"], values["n_test"], values["accuracy"]) == (1, 12, 0.75)
    assert values["classes"] == ["Gas", "Keyhole", "Lack of Fusion"]
    assert [sum(row) for row in values["confusion_matrix"]] == [4, 4, 4]
    assert set(values["split"]) == {"kind", "groups_train", "groups_test"}
    assert {"accuracy_interval95", "per_class", "accuracy_as_trained"} < set(values)
    assert {"precision", "recall", "f1", "recall_interval95", "support"} < set(
        values["per_class"][0]
    )
    assert main(["evaluate", str(folder), "--run", "1"]) == 0
    assert "accuracy 75.0 % on 12 unseen crops" in capsys.readouterr().out
    assert "There is no run 7" in refused(capsys, "evaluate", folder, "--run", "7")


def test_exports_hold_every_crop(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "export", folder, tmp_path / "labels.csv", "--format", "csv")
    with open(tmp_path / "labels.csv", newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 60
    assert (
        said(capsys, "export", folder, tmp_path / "out", "--format", "class-folders")["crops"] == 60
    )
    assert len(list((tmp_path / "out" / "Keyhole").glob("*.png"))) == 20
    assert "is not empty" in refused(
        capsys, "export", folder, tmp_path / "out", "--format", "class-folders"
    )


def test_what_was_exported_can_be_imported(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "export", folder, tmp_path / "out", "--format", "class-folders")
    assert said(capsys, "import", folder, tmp_path / "out")["present"] == 60
    said(capsys, "new", tmp_path / "copy")
    said(capsys, "import", tmp_path / "copy", tmp_path / "out", "--specimen-from", "^(S[0-9]+)_")
    values = said(capsys, "info", tmp_path / "copy")
    assert ([c["count"] for c in values["classes"]], values["specimens"]) == ([20, 20, 20], 5)


def test_the_command_line_knows_every_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--help"]) == 0
    offered = capsys.readouterr().out
    assert "{" + ",".join(EXPORTS) + "}" in "".join(offered.split())


def test_folders_by_side_come_back_with_their_sides(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(folder) as project, project.transaction():
        project.put_test_split([f"specimen:{project.specimens()[0].id}"])
    assert said(capsys, "export", folder, tmp_path / "out", "--format", "yolo")["crops"] == 60
    assert len(list((tmp_path / "out" / "test").rglob("*.png"))) == 12
    said(capsys, "new", tmp_path / "copy")
    said(capsys, "import", tmp_path / "copy", tmp_path / "out")
    with Project.open(tmp_path / "copy") as project:
        sides = [crop.given_split for crop in project.crops()]
    assert (sides.count("train"), sides.count("test")) == (48, 12)


def test_outlines_of_ready_made_crops_are_refused_with_a_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("coco", "geojson", "imagej"):
        assert "nothing to export" in refused(
            capsys, "export", folder, tmp_path / name, "--format", name
        )
        assert not (tmp_path / name).exists()


def test_predicting_without_a_network_gets_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "has no finished run" in refused(capsys, "predict", folder, folder)
    finished_run(folder)
    assert "The network of run 001 is missing" in refused(capsys, "predict", folder, folder)


def test_names_with_a_dash_spaces_umlauts_and_emoji_work(tmp_path: Path) -> None:
    name = "-Härte 🔬 p"
    assert command("new", "--", name, cwd=tmp_path).returncode == 0
    received = command("info", "--json", "--", name, cwd=tmp_path)
    assert (received.returncode, received.stderr) == (0, "")
    assert json.loads(received.stdout)["project"].endswith(name)


def test_an_old_terminal_shows_what_it_can(folder: Path) -> None:
    folder = folder.rename(folder.with_name("Größe 🔬"))
    received = command("info", str(folder), env={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})
    assert (received.returncode, received.stderr) == (0, "")
    assert "Gr\\xf6\\xdfe" in received.stdout


def test_nobody_reading_is_no_error_to_talk_about(folder: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as out:
        text = [sys.executable, "-P", "-m", "poregui", "info", str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        received = subprocess.run(
            text, stdout=out, stderr=subprocess.PIPE, env=environment, text=True, check=False
        )
    assert (received.returncode, received.stderr) == (141, "")


def test_a_word_that_is_neither_verb_nor_project_opens_no_window() -> None:
    received = command("trian")
    assert (received.returncode, received.stdout) == (2, "")
    assert (
        received.stderr == "poregui: trian is neither a project nor a verb. See poregui --help.\n"
    )


def test_describing_a_project_loads_no_image_or_network_package(folder: Path) -> None:
    look = (
        "import sys; from poregui.cli.main import main; main(['info', sys.argv[1], '--json']); "
        "print([m for m in ('tensorflow', 'keras', 'onnxruntime', 'cv2', 'PIL', 'tifffile', "
        "'pandas', 'PySide6') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", look, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_ctrl_c_is_quiet(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("poregui.cli.project_verbs.info", interrupted)
    assert main(["info", str(folder)]) == 130
    assert capsys.readouterr() == ("", "")


def test_what_the_system_refuses_is_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> int:
        raise OSError(5, "Input/output error", "somewhere")

    monkeypatch.setattr("poregui.cli.project_verbs.info", broken)
    assert "somewhere: Input/output error" in refused(capsys, "info", folder)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([None] * 6, "No crop has a label yet"),
        ([1] * 9, "a network needs two classes"),
        ([1] * 9 + [2] * 4, "Too few labelled crops of Keyhole (4)"),
    ],
)
def test_labels_that_allow_no_training_get_a_sentence(
    tmp_path: Path, labels: list[int | None], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.create(tmp_path / "p") as project:
        (specimen,) = add_specimens(project, "S1")
        add_crops(project, labels, specimen_id=specimen.id)
    assert sentence in refused(capsys, "train", tmp_path / "p")
    assert list((tmp_path / "p" / "runs").iterdir()) == []
