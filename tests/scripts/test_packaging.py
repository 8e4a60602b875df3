"""Test that what ships is whole: the wheel, its resources, the pinned versions."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import poregui
from poregui.domain.errors import PoreguiError
from poregui.resources import resource

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
# What an environment brings along; everything else in it must be pinned.
NOT_PINNED = {"pip", "poregui"}


def pins() -> list[Requirement]:
    """Return the lines of the constraints file."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def named(requirements: list[str]) -> set[str]:
    """Return the names of the packages that these requirements ask for."""
    return {canonicalize_name(Requirement(text).name) for text in requirements}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the pinned backend, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", build, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return next(folder.glob("poregui-*.whl"))


def test_a_resource_is_found_in_the_checkout() -> None:
    assert resource("README.md") == ROOT / "resources" / "README.md"


def test_a_missing_resource_says_what_to_do() -> None:
    with pytest.raises(PoreguiError, match=r"icons/none\.svg.*Reinstall"):
        resource("icons/none.svg")


def test_the_wheel_holds_every_resource_but_screenshots_and_every_module(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    screenshots = ROOT / "resources" / "screenshots"
    resources = {
        path
        for path in (ROOT / "resources").rglob("*")
        if path.is_file() and screenshots not in path.parents
    }
    modules = {
        path
        for path in (ROOT / "poregui").rglob("*")
        if path.is_file() and path.suffix in (".py", ".sql")
    }
    wanted = {
        f"poregui/_resources/{path.relative_to(ROOT / 'resources').as_posix()}"
        for path in resources
    }
    wanted |= {path.relative_to(ROOT).as_posix() for path in modules}
    assert wanted - held == set()
    assert not [name for name in held if name.startswith(("tests/", "scripts/"))]
    assert not [name for name in held if "screenshots" in name]


def test_an_installed_wheel_finds_its_resources_and_brings_the_command(
    wheel: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site-packages"
    zipfile.ZipFile(wheel).extractall(site)
    ask = "import poregui.resources as r; print(r.__file__); print(r.resource('README.md'))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {ask}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    module, found = map(Path, done.stdout.splitlines())
    assert module.is_relative_to(site)
    assert found == site / "poregui" / "_resources" / "README.md"
    commands = next(site.glob("*.dist-info/entry_points.txt")).read_text(encoding="utf-8")
    assert "poregui = poregui.__main__:main" in commands


def test_the_wheel_carries_the_version_of_the_package(wheel: Path) -> None:
    assert wheel.name.startswith(f"poregui-{poregui.__version__}-")


def test_extras_are_those_that_the_manual_names() -> None:
    assert set(PROJECT["optional-dependencies"]) == {
        "gpu",
        "formats",
        "cluster",
        "pretrained",
        "dev",
    }


def test_every_line_of_the_constraints_pins_one_version() -> None:
    loose = [str(pin) for pin in pins() if not re.fullmatch(r"==[^*,]+", str(pin.specifier))]
    assert loose == []
    names = [canonicalize_name(pin.name) for pin in pins()]
    assert sorted(set(names)) == names


def test_the_constraints_name_no_address() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|@ |^\s*-", text, re.MULTILINE)
    assert [str(pin) for pin in pins() if pin.url] == []


def test_the_constraints_pin_all_that_is_asked_for_and_agree_with_it() -> None:
    asked = [*PROJECT["dependencies"], *SETTINGS["build-system"]["requires"]]
    asked += [need for extra in PROJECT["optional-dependencies"].values() for need in extra]
    pinned = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins()}
    wrong = [
        text
        for text in asked
        if not Requirement(text).specifier.contains(
            pinned.get(canonicalize_name(Requirement(text).name), "0")
        )
    ]
    assert wrong == []


def test_the_constraints_pin_all_that_is_installed() -> None:
    if not Path(sys.prefix, "poregui-stamp.json").exists():
        pytest.skip("This environment was not made by scripts/test.py and may hold anything.")
    installed = {
        canonicalize_name(found.metadata["Name"]): found.version for found in distributions()
    }
    pinned = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins()}
    assert {name: version for name, version in installed.items() if name not in NOT_PINNED} == {
        name: pinned.get(name) for name in installed if name not in NOT_PINNED
    }


def test_pyside_stays_below_the_version_that_loses_references() -> None:
    (pyside,) = [
        Requirement(text) for text in PROJECT["dependencies"] if text.startswith("PySide6")
    ]
    assert not pyside.specifier.contains("6.12.0")
    assert not pyside.specifier.contains("6.13.1")
    (pin,) = [pin for pin in pins() if canonicalize_name(pin.name) == "pyside6-essentials"]
    assert pyside.specifier.contains(next(iter(pin.specifier)).version)


def test_no_requirement_names_a_second_build_of_the_same_files() -> None:
    asked = named(PROJECT["dependencies"]).union(
        *map(named, PROJECT["optional-dependencies"].values())
    )
    assert {"tensorflow-cpu", "opencv-python", "pyside6", "pyside6-addons"} & asked == set()


def test_python_versions_are_those_that_tensorflow_has_wheels_for() -> None:
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
