"""Hold the rules that keep the house in order: sizes, names, rooms, circles, tests."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from density import COLUMNS, counts, per_thousand_lines, statements

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "poregui"
TESTS = ROOT / "tests"
MOST_STATEMENTS = 30
MOST_LINES = 500
FEWEST_LINES = 80
MOST_FILES_A_FOLDER = 20
MOST_FILES = 420
"""345, and since then: finding by example, rooms for checking, for rating and for specimens."""
FLOORS = {
    "domain": 1,
    "vision": 2,
    "store": 2,
    "workflow": 3,
    "learning": 3,
    "cli": 4,
    "gui": 4,
}
PAGES = ("label", "train", "review", "apply", "start")
NOT_OF_THE_TREE = {"support", "rules", "flows", "reliability", "scripts"}
PRIVATE_ACCESSES = 91
"""How often tests reach into private attributes; this number may fall and never rise."""

TAKE_A_PAGE = {"LockFlow", "UnsureFlow"}
"""What still is constructed from a page, apart from presenters; no name may be added."""


@cache
def trees(folder: Path) -> dict[Path, ast.Module]:
    """Return the parsed Python files below a folder."""
    return {p: ast.parse(p.read_text(encoding="utf-8")) for p in sorted(folder.rglob("*.py"))}


def sources() -> dict[Path, ast.Module]:
    """Return the parsed files of the package, the tests and the scripts."""
    return trees(PACKAGE) | trees(TESTS) | trees(ROOT / "scripts")


def module_name(path: Path) -> str:
    """Return the dotted name of a file of the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports() -> dict[str, set[str]]:
    """Return for each module of the package those that it imports, for types only too."""
    names = {module_name(path) for path in trees(PACKAGE)}
    found: dict[str, set[str]] = {name: set() for name in names}
    for path, tree in trees(PACKAGE).items():
        for node in ast.walk(tree):
            for target in imported(node):
                if target in names and target != module_name(path):
                    found[module_name(path)].add(target)
    return found


def imported(node: ast.AST) -> Iterator[str]:
    """Yield what an import statement may name: the module, and each of its names as a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_line_is_longer_than_a_hundred_columns() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > COLUMNS
    ]
    assert long == []


def test_functions_have_few_statements() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} {statements(node)}"
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and statements(node) > MOST_STATEMENTS
    ]
    assert long == []


def test_files_are_short() -> None:
    lengths = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in sources()}
    assert {p.name: length for p, length in lengths.items() if length > MOST_LINES} == {}


def test_a_small_file_has_two_importers_or_says_why_it_stands_alone() -> None:
    importers = Counter(target for targets in imports().values() for target in targets)
    lonely = []
    for path in trees(PACKAGE):
        text = path.read_text(encoding="utf-8")
        reason = "alone" in text.splitlines()[0]
        small = len(text.splitlines()) < FEWEST_LINES and path.name != "__init__.py"
        top = path.parent == PACKAGE
        if small and not top and importers[module_name(path)] < 2 and not reason:
            lonely.append(module_name(path))
    assert lonely == []


def test_a_folder_holds_few_files_and_the_package_fewer_than_its_bound() -> None:
    folders = Counter(path.parent for path in trees(PACKAGE))
    assert {f.name: n for f, n in folders.items() if n > MOST_FILES_A_FOLDER} == {}
    assert folders.total() < MOST_FILES


def test_a_module_and_a_public_class_have_a_name_of_their_own_on_their_floor() -> None:
    named: dict[tuple[int, str], list[str]] = defaultdict(list)
    for path, tree in trees(PACKAGE).items():
        floor = FLOORS.get(path.relative_to(PACKAGE).parts[0], 0)
        if path.name != "__init__.py":
            named[floor, path.stem].append(module_name(path))
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                named[floor, node.name].append(module_name(path))
    assert [indices for indices in named.values() if len(indices) > 1] == []


def circles(edges: dict[str, set[str]]) -> list[set[str]]:
    """Return groups of modules that reach each other through imports."""
    reach = {start: _reachable(edges, start) for start in edges}
    found = []
    for start in edges:
        group = {other for other in reach[start] if start in reach[other]}
        if group and group not in found:
            found.append(group)
    return found


def _reachable(edges: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(edges.get(name, ()))
    return seen


def test_no_modules_import_each_other_in_a_circle_not_even_for_types() -> None:
    assert circles(imports()) == []


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [{"b", "c"}]


def constructed_from(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Yield each class with the names in the annotations of what it is constructed from.

    That is the parameters of `__init__`, and the fields of a dataclass.
    """
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        annotations: list[ast.AST | None] = []
        for part in node.body:
            if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                arguments = (*part.args.posonlyargs, *part.args.args, *part.args.kwonlyargs)
                annotations += [argument.annotation for argument in arguments]
            elif isinstance(part, ast.AnnAssign) and node.decorator_list:
                annotations.append(part.annotation)
        named = [one for a in annotations if a is not None for one in ast.walk(a)]
        yield node.name, {one.id for one in named if isinstance(one, ast.Name)}


def takes_a_page(names: set[str]) -> bool:
    """Tell whether a page or the window is among the names of types."""
    return any(name.endswith("Page") or name == "MainWindow" for name in names)


def test_only_a_presenter_is_constructed_from_a_page_and_nothing_from_the_window() -> None:
    found = set()
    for path, tree in trees(PACKAGE / "gui").items():
        for name, types in constructed_from(tree):
            own = name.endswith("Presenter") or "shell" in path.parts
            if "MainWindow" in types or (takes_a_page(types) and not own):
                found.add(name)
    assert found <= TAKE_A_PAGE


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class A:\n    def __init__(self, page: LabelPage | None) -> None: ...", True),
        ("class A:\n    def __init__(self, *, window: MainWindow) -> None: ...", True),
        ("@dataclass\nclass A:\n    page: ReviewPage", True),
        ("class A:\n    def __init__(self, parent: QWidget) -> None: ...", False),
        ("class A:\n    def show(self, page: LabelPage) -> None: ...", False),
    ],
)
def test_a_constructor_that_takes_a_page_is_found(source: str, found: bool) -> None:
    [(_, types)] = constructed_from(ast.parse(source))
    assert takes_a_page(types) == found


def test_pages_do_not_know_each_other() -> None:
    crossings = [
        (name, target)
        for name, targets in imports().items()
        for target in targets
        for page in PAGES
        if name.startswith(f"poregui.gui.{page}.")
        and target.startswith(tuple(f"poregui.gui.{p}." for p in PAGES if p != page))
    ]
    assert crossings == []


def test_tests_lie_in_folders_like_those_of_what_they_test() -> None:
    strange = []
    for path in trees(TESTS):
        folder = path.parent.relative_to(TESTS)
        top = folder.parts[0] if folder.parts else ""
        if path.name == "conftest.py" or top in NOT_OF_THE_TREE:
            continue
        if not top or not (PACKAGE / folder).is_dir():
            strange.append(path.relative_to(TESTS).as_posix())
    assert strange == []


def test_no_test_imports_a_test() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees(TESTS).items()
        for node in ast.walk(tree)
        if any(name.split(".")[0].startswith("test_") for name in imported(node))
    ]
    assert found == []


def test_tests_reach_into_private_attributes_ever_less_often() -> None:
    found = sum(
        is_private_access(node) for tree in trees(TESTS).values() for node in ast.walk(tree)
    )
    assert found <= PRIVATE_ACCESSES


def is_private_access(node: ast.AST) -> bool:
    """Tell whether a node takes a private attribute of something other than `self` or `cls`."""
    if not isinstance(node, ast.Attribute) or not node.attr.startswith("_"):
        return False
    if node.attr.startswith("__"):
        return False
    return not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))


BUDGET = {"tuple_assignments": 4, "conditionals": 12, "lambdas": 4, "long_lines": 0}


@pytest.mark.parametrize("kind", BUDGET)
def test_the_code_is_no_denser_than_its_budget(kind: str) -> None:
    measured = dict(per_thousand_lines(counts(PACKAGE)))
    assert measured[kind] <= BUDGET[kind]


WORDING = PACKAGE / "domain" / "wording.py"
HAND_MADE_PLURALS = 15
"""How many plurals are made outside of the wording module; this number may fall and never rise."""


def is_hand_made_plural(node: ast.AST) -> bool:
    """Tell whether an expression chooses between two texts that differ by the s of a plural."""
    if not isinstance(node, ast.IfExp):
        return False
    one, other = text(node.body), text(node.orelse)
    return any(f"{word}{end}" in other for word in one for end in ("s", "es")) or any(
        f"{word}{end}" in one for word in other for end in ("s", "es")
    )


def text(node: ast.AST) -> set[str]:
    """Return the words of a text in the code, with a sign in the place of what is put into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return set(node.value.split(" "))
    if isinstance(node, ast.JoinedStr):
        parts = [one.value if isinstance(one, ast.Constant) else "@" for one in node.values]
        return set("".join(parts).split(" "))
    return set()


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("'crop' if n == 1 else 'crops'", True),
        ("'' if n == 1 else 's'", True),
        ("'s' if many else ''", True),
        ("f'{n} crop' if n == 1 else f'{n} crops'", True),
        ("f'one {what}' if n == 1 else f'{n} {what}s'", True),
        ("a if n == 1 else b", False),
        ("'grey' if channels == 1 else 'colour'", False),
        ("'yes' if n else 'no'", False),
    ],
)
def test_a_hand_made_plural_is_found(code: str, found: bool) -> None:
    assert is_hand_made_plural(ast.parse(code, mode="eval").body) == found


def test_plurals_are_made_by_the_wording_module() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees(PACKAGE).items()
        for node in ast.walk(tree)
        if path != WORDING and is_hand_made_plural(node)
    ]
    assert len(found) <= HAND_MADE_PLURALS, found
