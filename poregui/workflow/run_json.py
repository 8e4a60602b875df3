"""Tell all that is known of a run as one dictionary, for `poregui evaluate --json`; changes with what is told."""

from __future__ import annotations

from typing import Any

from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.baseline import beside_baseline, read_baseline
from poregui.workflow.crossed import crossed, pooled_beside_grouped
from poregui.workflow.evaluate import evaluation_json, review
from poregui.workflow.grouping import group_names
from poregui.workflow.numbers import curves, numbers
from poregui.workflow.shapes import shape_table
from poregui.workflow.unseen import unseen


def run_json(project: Project, run: RunFolder) -> dict[str, Any]:
    """Return every number of a run with the labels as they are now, fit for JSON.

    Raises ProjectError when the run has no predictions or is damaged.
    """
    reviewed = review(project, run)
    found = numbers(reviewed, "test", shape_table(run), group_names(project))
    baseline, folds, pair = read_baseline(run), crossed(run), pooled_beside_grouped(project)
    seen = unseen(project, reviewed)
    areas = [
        {
            "class": one.name,
            "roc_area": one.roc.area if one.roc else None,
            "average_precision": one.precision_recall.area if one.precision_recall else None,
        }
        for one in curves(reviewed)
    ]
    return {
        **evaluation_json(project, run),
        **found.to_json(),
        "areas": areas,
        "shape_baseline": beside_baseline(reviewed, baseline).to_json() if baseline else None,
        "cross_validation": folds.to_json() if folds else None,
        "grouped_and_torn": pair.to_json() if pair else None,
        "test_side": {**seen.to_json(), "sentence": seen.sentence},
    }
