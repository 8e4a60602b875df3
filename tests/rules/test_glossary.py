"""Hold the words of CONTEXT.md: those to avoid stand in no identifier and in no visible text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "poregui"
FORMATS = PACKAGE / "workflow" / "exporting" / "formats"
"""Formats of other programs have words of their own in their files."""

WRITTEN_IN_FILES = {"given_side", "unlike_kept"}
"""Names that stand in files people have."""


def avoided(marker: str) -> frozenset[str]:
    """Return the words that CONTEXT.md sets between two markers, in its last column."""
    lines = (ROOT / "CONTEXT.md").read_text(encoding="utf-8").splitlines()
    columns = [line.strip("| ").split("|")[-1] for line in lines if line.startswith("|")]
    escaped = re.escape(marker)
    return frozenset(
        word for column in columns for word in re.findall(f"{escaped}([a-z]+){escaped}", column)
    )


ANYWHERE = avoided("**")
IN_CODE = avoided("`")


@cache
def trees() -> dict[Path, ast.Module]:
    """Return the parsed files of the package."""
    return {p: ast.parse(p.read_text(encoding="utf-8")) for p in sorted(PACKAGE.rglob("*.py"))}


def defined(tree: ast.Module) -> Iterator[str]:
    """Return the names that a file defines: of modules, classes, functions, arguments, values."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def words_of(name: str) -> set[str]:
    """Return the words of an identifier, in lower case and singular."""
    parts = re.split(r"_|(?<=[a-z])(?=[A-Z])", name)
    return {part.lower() for part in parts} | {part.lower().removesuffix("s") for part in parts}


def docstrings(tree: ast.Module) -> set[int]:
    """Return the ids of the strings that document something."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(id(node.value))
    return found


def sentences(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Return the line and text of each string of several words that is not documentation."""
    silent = docstrings(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if id(node) not in silent and " " in node.value.strip():
            yield node.lineno, node.value


def visible(template: str) -> str:
    """Return the text of a template without its tags and expressions."""
    return re.sub(r"\{[{%#].*?[}%#]\}|<style.*?</style>|<[^>]*>", " ", template, flags=re.S)


def test_the_glossary_names_words_to_avoid() -> None:
    assert {"picture", "proposal", "suspect"} <= ANYWHERE
    assert {"told", "judged", "least"} <= IN_CODE


def test_no_identifier_has_a_word_to_avoid() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in trees().items()
        for name in sorted({path.stem, *defined(tree)} - WRITTEN_IN_FILES)
        if words_of(name) & (ANYWHERE | IN_CODE)
    ]
    assert wrong == []


def test_no_visible_text_has_a_word_to_avoid() -> None:
    unwanted = re.compile(rf"\b({'|'.join(sorted(ANYWHERE))})s?\b", re.IGNORECASE)
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {text[:70]}"
        for path, tree in trees().items()
        if FORMATS not in path.parents
        for line, text in sentences(tree)
        if unwanted.search(text)
    ]
    for path in sorted((ROOT / "resources").glob("*.j2")):
        found = unwanted.findall(visible(path.read_text(encoding="utf-8")))
        wrong += [f"{path.relative_to(ROOT)}: {word}" for word in found]
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("set_pictures", {"set", "picture", "pictures"}),
        ("PictureFlow", {"picture", "flow"}),
        ("_LEAST_PX", {"", "least", "px"}),
    ],
)
def test_the_words_of_an_identifier_are_told_apart(name: str, words: set[str]) -> None:
    assert words <= words_of(name)
