"""Print how dense the code is: what a reader must unfold, per 1,000 lines of poregui."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = 100


def statements(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many statements a function has, its docstring left out, nested ones counted."""
    found = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
    return found - (ast.get_docstring(function) is not None)


def is_tuple_assignment(node: ast.AST) -> bool:
    """Tell whether a node is an assignment of several values to several names at once."""
    if not isinstance(node, ast.Assign):
        return False
    return isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)


def counts(folder: Path) -> dict[str, int]:
    """Return the number of lines and of what makes them dense, below a folder."""
    found = dict.fromkeys(("files", "lines", "tuple_assignments", "conditionals", "lambdas"), 0)
    found["long_lines"] = 0
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found["files"] += 1
        found["lines"] += len(text.splitlines())
        found["long_lines"] += sum(len(line) > COLUMNS for line in text.splitlines())
        for node in ast.walk(ast.parse(text)):
            found["tuple_assignments"] += is_tuple_assignment(node)
            found["conditionals"] += isinstance(node, ast.IfExp)
            found["lambdas"] += isinstance(node, ast.Lambda)
    return found


def per_thousand_lines(found: dict[str, int]) -> Iterator[tuple[str, float]]:
    """Yield each kind of dense code with its number per 1,000 lines."""
    for name in ("tuple_assignments", "conditionals", "lambdas", "long_lines"):
        yield name, round(1000 * found[name] / found["lines"], 1)


def main() -> None:
    """Print the counts of the package as JSON."""
    found = counts(ROOT / "poregui")
    print(json.dumps({**found, "per_1000_lines": dict(per_thousand_lines(found))}, indent=2))


if __name__ == "__main__":
    main()
