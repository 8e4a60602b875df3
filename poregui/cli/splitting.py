"""Run the verb split: show the test side of a project or choose it; changes with what is told of a split."""

from __future__ import annotations

import argparse
from typing import Any

from poregui.cli.output import Screen, table
from poregui.domain.recipe import Recipe
from poregui.store.project import Project
from poregui.workflow.training.grouping import set_sources
from poregui.workflow.training.test_split import choose_test_side, groups, keys_of_names, warnings_for


def split(args: argparse.Namespace, screen: Screen) -> int:
    """Show which specimens are tested on; with --test make them these."""
    from poregui.workflow.editing.history import History
    from poregui.workflow.training.prepare_dataset import summarise

    notes: tuple[str, ...] = ()
    with Project.open(args.project, read_only=args.test is None and args.by_file_name is None) as project:
        if args.by_file_name is not None:
            project.check_writable()
            History(project).apply(set_sources(project, together=args.by_file_name))
        summary = summarise(project, Recipe())
        if args.test is not None:
            project.check_writable()
            shown = groups(project, [(row.name, row.part) for row in summary.groups])
            names = [name.strip() for name in args.test.split(",") if name.strip()]
            edit = choose_test_side(project, keys_of_names(shown, names))
            notes = warnings_for(project, edit, shown)
            History(project).apply(edit)
            summary = summarise(project, Recipe())
    rows = [{"name": g.name, "part": g.part, "crops": dict(zip(summary.classes, g.counts, strict=True))}
            for g in summary.groups]  # fmt: skip
    values: dict[str, Any] = {
        "by": summary.kind or None,
        "crops": {part: sum(counts) for part, counts in summary.counts.items()} if summary.kind else {},
        "groups": rows,
        "warnings": [*notes, *summary.warnings],
        "problem": str(summary.problem) if summary.problem else None,
    }
    screen.result(values, _text(values, summary.classes))
    return 0


def _text(values: dict[str, Any], classes: tuple[str, ...]) -> str:
    body = [[row["name"], row["part"], *row["crops"].values()] for row in values["groups"]]
    lines = [table(["specimen", "part", *classes], body)] if body else []
    if values["crops"]:
        lines.append(", ".join(f"{n} crops for {part}" for part, n in values["crops"].items()) + ".")
    lines += [f"Note: {warning}" for warning in values["warnings"]]
    lines += [values["problem"]] if values["problem"] else []
    return "\n".join(lines)
