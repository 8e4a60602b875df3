"""Hold the rules of the code that a paragraph would not hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("tensorflow", "keras", "sklearn", "onnxruntime", "pandas", "scipy", "skimage")
QT = ("PySide6", "shiboken6", "pyqtgraph")


def modules(*folders: str) -> list[Path]:
    """Return the Python files below these folders of the checkout."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def offences(
    folders: tuple[str, ...], look: Callable[[ast.Module], Iterator[tuple[int, str]]]
) -> list[str]:
    """Return `file:line what` for all that a rule finds in these folders."""
    found = []
    for path in modules(*folders):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(ROOT).as_posix()}:{line} {what}" for line, what in look(tree)]
    return found


def swallowed_errors(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find handlers that catch everything, and those that catch any Exception to forget it."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield node.lineno, "bare except"
        elif _names(node.type) & {"Exception", "BaseException"} and all(
            _does_nothing(part) for part in node.body
        ):
            yield node.lineno, "an exception of any kind is forgotten"


def prints(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find calls of print."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
        ):
            yield node.lineno, "print"


def missing_docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find modules that do not begin with a sentence about themselves."""
    docstring = ast.get_docstring(tree)
    if not docstring or tree.body[0].lineno != 1 or len(docstring.splitlines()[0].split()) < 3:
        yield 1, "no sentence about the module in its first line"


def _names(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _does_nothing(node: ast.stmt) -> bool:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant or isinstance(node, ast.Pass | ast.Continue)


def test_no_error_is_swallowed() -> None:
    assert offences(("poregui", "tests", "scripts"), swallowed_errors) == []


def test_only_the_command_line_prints() -> None:
    folders = tuple(
        f"poregui/{path.name}"
        for path in (ROOT / "poregui").iterdir()
        if path.is_dir() and path.name != "cli"
    )
    alone = [
        path
        for path in (ROOT / "poregui").glob("*.py")
        if any(prints(ast.parse(path.read_text(encoding="utf-8"))))
    ]
    assert offences(folders, prints) == []
    assert alone == []


def test_every_module_says_in_its_first_line_what_it_does() -> None:
    assert offences(("poregui", "tests", "scripts"), missing_docstrings) == []


@pytest.mark.parametrize(
    ("rule", "guilty", "innocent"),
    [
        (
            swallowed_errors,
            "try:\n    f()\nexcept:\n    raise\n",
            "try:\n    f()\nexcept OSError:\n    pass\n",
        ),
        (
            swallowed_errors,
            "try:\n    f()\nexcept (OSError, Exception):\n    ...\n",
            "try:\n    f()\nexcept Exception:\n    tell()\n",
        ),
        (prints, "if a:\n    print(1)\n", "log.print(1)\nprint_later = 1\n"),
        (missing_docstrings, "import os\n", '"""Read images; changes with their formats."""\n'),
        (
            missing_docstrings,
            "# -*- comment -*-\n\n'''Too late a sentence.'''\n",
            '"""Read all images.\n\nMore."""\n',
        ),
    ],
)
def test_each_rule_finds_its_offence_and_nothing_else(
    rule: Callable[[ast.Module], Iterator[tuple[int, str]]], guilty: str, innocent: str
) -> None:
    assert len(list(rule(ast.parse(guilty)))) == 1
    assert list(rule(ast.parse(innocent))) == []


def test_floors_import_only_downwards() -> None:
    # In a process of its own, for it writes to the output that it found when it was first imported.
    program = (
        "import sys; from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(no_cache=True))"
    )
    checked = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def loaded_by(statements: str, unwanted: tuple[str, ...]) -> str:
    """Return which of these packages a fresh interpreter has loaded after some statements."""
    look = f"import sys; print(*[name for name in {unwanted!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{statements}\n{look}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[-2]


def test_the_window_is_built_without_the_packages_that_only_a_child_needs() -> None:
    build = (
        "from PySide6.QtWidgets import QApplication\n"
        "application = QApplication([])\n"
        "from poregui.gui.app import build_window\n"
        "window = build_window(None)\n"
    )
    assert loaded_by(build, HEAVY) == ""


def test_the_command_line_starts_without_qt_and_without_heavy_packages() -> None:
    assert loaded_by("import poregui.cli, poregui.__main__", HEAVY + QT) == ""


def test_the_domain_loads_neither_qt_nor_files() -> None:
    every = "import importlib, pkgutil, poregui.domain as d\n"
    every += (
        "for m in pkgutil.iter_modules(d.__path__): "
        "importlib.import_module('poregui.domain.' + m.name)\n"
    )
    assert loaded_by(every, (*HEAVY, *QT, "cv2", "PIL", "sqlite3", "tifffile")) == ""


def committed_text() -> Iterator[tuple[str, str]]:
    """Yield name and text of the files under version control."""
    if not (ROOT / ".git").exists():
        pytest.skip("This is no checkout: there is nothing under version control to look at.")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        data = path.read_bytes() if path.is_file() else b""
        if b"\0" not in data:
            yield name, data.decode("utf-8")


def test_no_committed_file_names_a_home_folder_or_a_registry() -> None:
    # In pieces, so that this file does not find itself.
    homes = "|".join(
        ["/" + "home/", "/" + "Users/", r"[A-Z]:\\+" + "Users", "/" + "root/", re.escape(str(ROOT))]
    )
    registries = "|".join(
        [
            "python" + "hosted",
            "--(extra-)?" + "index-url",
            "--find" + "-links",
            "://[^ /]+/" + "simple",
        ]
    )
    bad = re.compile(f"{homes}|{registries}")
    found = [
        f"{name}: {match[0]}" for name, text in committed_text() if (match := bad.search(text))
    ]
    assert found == []
