"""Run the verbs split, train and fit."""

from __future__ import annotations

import argparse
from typing import Any

from poregui.cli.output import Screen, evaluation_text, percent, table
from poregui.cli.training_output import follow
from poregui.domain.errors import PoreguiError, TrainingError
from poregui.domain.events import Finished
from poregui.domain.recipe import Recipe, parameters, recipe_for
from poregui.domain.wording import count
from poregui.store.finder_folder import FinderFolder, trainable
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder, is_finder
from poregui.workflow.detecting.learned_finder import area_bias_text
from poregui.workflow.evaluating.evaluate import evaluation_json
from poregui.workflow.training.grouping import set_sources
from poregui.workflow.training.test_split import (
    choose_test_split,
    groups,
    keys_of_names,
    warnings_for,
)

MOST_EPOCHS = 2000


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """Give a parser one option for each declared field of a recipe."""
    for parameter in parameters():
        option = "--" + parameter.name.replace("_", "-")
        unit = ""
        if parameter.unit:
            unit = f", in {parameter.unit}"
        text = f"{parameter.label}: {parameter.help}{unit} (default {parameter.default})".replace(
            "%", "%%"
        )
        if parameter.kind is bool:
            parser.add_argument(
                option, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text
            )
        else:
            parser.add_argument(
                option,
                type=parameter.kind,
                choices=parameter.choices or None,
                default=argparse.SUPPRESS,
                help=text,
                metavar=None if parameter.choices else parameter.kind.__name__.upper(),
            )


def add_train_options(parser: argparse.ArgumentParser) -> None:
    """Add what `train` understands."""
    add_recipe_options(parser)
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="cross-validate with K folds instead; leaves no network",
    )
    parser.add_argument(
        "--ungrouped",
        action="store_true",
        help="with --folds: also run a leaky split by crop, for comparison",
    )
    parser.add_argument(
        "--finder",
        choices=("network", "instant"),
        help="train what finds pores, from the checked areas of the project: network, a small "
        "U-Net in minutes, or instant, a classifier of pixels in seconds; only --epochs counts",
    )


def train(args: argparse.Namespace, screen: Screen) -> int:
    """Freeze the labelled crops, train on them, and say what the network is
    worth on unseen ones.
    """
    if args.finder:
        return train_finder(args, screen)
    names = {parameter.name for parameter in parameters()}
    chosen = {name: value for name, value in vars(args).items() if name in names}
    recipe = recipe_for(chosen.pop("preset", "default"), **chosen)
    if args.folds is not None and args.folds < 2:
        raise PoreguiError(
            f"{args.folds} folds are too few.", "Choose at least 2, such as --folds 5."
        )
    if args.ungrouped and not args.folds:
        raise PoreguiError(
            "--ungrouped compares two cross-validations.", "Add --folds, such as --folds 5."
        )
    if args.folds:
        # First, so that the newest run is the honest one.
        if args.ungrouped:
            ungrouped = _train_frozen(args, recipe, screen, grouped=False)[0]
        else:
            ungrouped = None
        return _tell_folds(args, screen, *_train_frozen(args, recipe, screen), ungrouped)
    run, finished = _train_frozen(args, recipe, screen)
    with Project.open(args.project, read_only=True) as project:
        values = evaluation_json(project, run)
    screen.result(
        {**values, **_facts(run, finished)},
        f"{_finished_text(run, finished)}\n\n{evaluation_text(values)}",
    )
    return 0


def train_finder(args: argparse.Namespace, screen: Screen) -> int:
    """Train what finds pores from the checked areas, and say how well it finds in others."""
    from poregui.workflow.training.finder_request import freeze_finder

    epochs = getattr(args, "epochs", None)
    if epochs is not None and not 1 <= epochs <= MOST_EPOCHS:
        raise PoreguiError(
            f"{epochs} is no number of epochs for a finder.", f"Choose 1 to {MOST_EPOCHS}."
        )
    with Project.open(args.project) as project:
        _check_idle(project)
        run, notes = freeze_finder(project, args.finder, epochs, screen.progress)
    for note in notes:
        screen.note(note)
    _tell_finder(run, notes, screen)
    return 0


def _tell_finder(run: FinderFolder, notes: tuple[str, ...], screen: Screen) -> None:
    """Train the folder of a finder and say how well it finds."""
    finished = follow(run, screen)
    metrics = run.read_finding()
    finding = metrics["finding"]
    values = {
        "run": run.number,
        "finder": metrics["kind"],
        "seconds": round(finished.seconds, 3),
        "epochs": finished.epochs,
        "stopped": finished.stopped,
        "by": metrics["by"],
        "finding": None if finding is None else {**finding, "by": metrics["by"]},
        "groups": metrics["groups"],
        "notes": list(notes),
    }
    screen.result(values, _finder_text(run, finished, metrics))


def _finder_text(run: RunFolder, finished: Finished, metrics: dict[str, Any]) -> str:
    lines = [f"Finder {run.path.name} was trained in {finished.seconds:.0f} s."]
    if metrics["finding"] is None:
        lines.append("How well it finds was not measured: that needs two checked micrographs.")
        return "\n".join(lines)
    rows = [[group["name"], *_finding_cells(group)] for group in metrics["groups"]]
    rows.append(["together", *_finding_cells(metrics["finding"])])
    names = [metrics["by"], "IoU", "recall", "precision", "area bias"]
    lines += ["", f"Score on each {metrics['by']} when trained on the others:", table(names, rows)]
    lines.append(f"Find pores with it: poregui detect PROJECT --finder {run.number}")
    return "\n".join(lines)


def _finding_cells(values: dict[str, Any]) -> list[str]:
    shares = [values[name] for name in ("iou", "recall", "precision")]
    cells = ["" if share is None else f"{share:.3f}" for share in shares]
    return [*cells, area_bias_text(values)]


def _train_frozen(
    args: argparse.Namespace, recipe: Recipe, screen: Screen, *, grouped: bool = True
) -> tuple[RunFolder, Finished]:
    """Freeze and train; the project is closed meanwhile, so that a window may open it."""
    from poregui.workflow.training.prepare_dataset import freeze

    with Project.open(args.project) as project:
        _check_idle(project)
        run = freeze(project, recipe, folds=args.folds or 0, grouped=grouped)
    return run, follow(run, screen)


def _check_idle(project: Project) -> None:
    """Raise PoreguiError where nothing can be trained now."""
    project.check_writable()
    busy = next((run for run in trainable(project.folder) if run.is_running()), None)
    if busy is not None:
        raise TrainingError(
            f"Run {busy.number} of this project is being trained.",
            "Wait until it ends, or stop it first.",
        )


def _facts(run: RunFolder, finished: Finished) -> dict[str, Any]:
    return {
        "run": run.number,
        "seconds": round(finished.seconds, 3),
        "epochs": finished.epochs,
        "best_epoch": finished.best_epoch,
        "stopped": finished.stopped,
    }


def _finished_text(run: RunFolder, finished: Finished) -> str:
    how = "ended after"
    if finished.stopped:
        how = "stopped after"
    if finished.best_epoch:
        kept = f"; the weights of epoch {finished.best_epoch} were kept"
    else:
        kept = ""
    epochs = count(finished.epochs, "epoch")
    return f"Run {run.path.name} {how} {epochs} and {finished.seconds:.0f} s{kept}."


def _tell_folds(
    args: argparse.Namespace,
    screen: Screen,
    run: RunFolder,
    finished: Finished,
    ungrouped: RunFolder | None,
) -> int:
    metrics = run.read_metrics()
    folds = [{"accuracy": fold["accuracy"], "n": fold["n"]} for fold in metrics["folds"]]
    with Project.open(args.project, read_only=True) as project:
        values = evaluation_json(project, run)
    values |= {
        **_facts(run, finished),
        "best_epoch": None,
        "folds": folds,
        "mean_accuracy": metrics["mean_accuracy"],
        "pooled_accuracy": metrics["pooled_accuracy"],
    }
    text = table(
        ["fold", "accuracy", "crops"],
        [[i, percent(fold["accuracy"]), fold["n"]] for i, fold in enumerate(folds, start=1)],
    )
    text += (
        f"\n\nMean {percent(values['mean_accuracy'])}, pooled {percent(values['pooled_accuracy'])}"
    )
    if ungrouped is not None:
        leaky = ungrouped.read_metrics()["pooled_accuracy"]
        values["ungrouped_accuracy"] = leaky
        text += (
            f"; leaky split (crops of one group in training and test) {percent(leaky)}, too high "
            "where crops of a group resemble each other"
        )
    screen.result(values, f"{text}.\n\n{evaluation_text(values)}")
    return 0


def fit(args: argparse.Namespace, screen: Screen) -> int:
    """Train a run folder: as the child of a window or another command, or with a progress of its
    own.
    """
    if args.wait != (args.run_folder is None):
        raise PoreguiError(
            "Give a run folder, or --wait to read it from standard input.",
            "For example: poregui fit PROJECT/runs/001.",
        )
    if args.wait:
        from poregui.learning.warm_up import wait_and_fit

        return wait_and_fit()
    if args.events or args.control:
        from poregui.learning.child import fit as fit_here

        return fit_here(args.run_folder, events=args.events, control=args.control)
    if is_finder(args.run_folder):
        _tell_finder(FinderFolder(args.run_folder), (), screen)
        return 0
    run = RunFolder(args.run_folder)
    run.read_dataset()
    finished = follow(run, screen)
    values = {
        **run.read_metrics(),
        **_facts(run, finished),
        "accuracy": finished.accuracy,
        "n_test": finished.n_test,
    }
    accuracy = f"accuracy {percent(finished.accuracy)} on {count(finished.n_test, 'unseen crop')}"
    screen.result(values, f"{_finished_text(run, finished)}\n{accuracy}.")
    return 0


def split(args: argparse.Namespace, screen: Screen) -> int:
    """Show which specimens are tested on; with --test make them these."""
    from poregui.workflow.editing.history import History
    from poregui.workflow.training.prepare_dataset import summarise

    notes: tuple[str, ...] = ()
    with Project.open(
        args.project, read_only=args.test is None and args.by_file_name is None
    ) as project:
        if args.by_file_name is not None:
            project.check_writable()
            sources = set_sources(project, together=args.by_file_name)
            History(project).apply(sources, backup="scheduled")
        summary = summarise(project, Recipe())
        if args.test is not None:
            project.check_writable()
            shown = groups(project, [(row.name, row.split) for row in summary.groups])
            names = [name.strip() for name in args.test.split(",") if name.strip()]
            edit = choose_test_split(project, keys_of_names(shown, names))
            notes = warnings_for(project, edit, shown)
            History(project).apply(edit, backup="scheduled")
            summary = summarise(project, Recipe())
    rows = [
        {
            "name": g.name,
            "part": g.split,
            "crops": dict(zip(summary.classes, g.counts, strict=True)),
        }
        for g in summary.groups
    ]
    values: dict[str, Any] = {
        "by": summary.kind or None,
        "crops": {split_name: sum(counts) for split_name, counts in summary.counts.items()}
        if summary.kind
        else {},
        "groups": rows,
        "warnings": [*notes, *summary.warnings],
        "problem": str(summary.problem) if summary.problem else None,
    }
    screen.result(values, _text(values, summary.classes))
    return 0


def _text(values: dict[str, Any], classes: tuple[str, ...]) -> str:
    body = [[row["name"], row["part"], *row["crops"].values()] for row in values["groups"]]
    lines = []
    if body:
        lines = [table(["specimen", "split", *classes], body)]
    if values["crops"]:
        lines.append(
            ", ".join(
                f"{count(n, 'crop')} for {split_name}" for split_name, n in values["crops"].items()
            )
            + "."
        )
    lines += [f"Note: {warning}" for warning in values["warnings"]]
    if values["problem"]:
        lines += [values["problem"]]
    return "\n".join(lines)
