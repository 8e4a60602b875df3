"""Run the verb that applies a network to micrographs; changes with what it takes and prints."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from poregui.cli.applied_model import Chosen, choose_model, name_specimens
from poregui.cli.output import Screen, table
from poregui.cli.paper import print_pdf
from poregui.cli.unsure import check_queue_options, see_to_queue
from poregui.domain.errors import PoreguiError
from poregui.workflow.applying.answered import answers_of_people, with_answers
from poregui.workflow.applying.cluster import Scheduler, apply_on_cluster
from poregui.workflow.applying.field import FieldTask
from poregui.workflow.applying.marking import mark_field
from poregui.workflow.applying.outcome import write_outcome
from poregui.workflow.applying.pool import Applied, apply_all
from poregui.workflow.applying.report import check_ending, write_applied_report
from poregui.workflow.applying.report_facts import collect_applied
from poregui.workflow.applying.source import ToApply, micrographs_of, task_of, tasks_of
from poregui.workflow.applying.summary import GroupSummary, Summary, summarise
from poregui.workflow.applying.table import read_pores
from poregui.workflow.applying.telling import calibration_words, sensitivity_words, unlike_words
from poregui.workflow.applying.unsure import unsure_pores


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Give the verb apply the machines that it may use."""
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="work on a dask cluster (extra cluster); its machines need the same files under the same paths",
    )
    for name, text in (("ca", "of the authority"), ("cert", "that you show"), ("key", "that belongs to yours")):
        what = "key" if name == "key" else "certificate"
        parser.add_argument(f"--tls-{name}", type=Path, metavar="FILE", help=f"the {what} {text}, for tls:// addresses")


def apply(args: argparse.Namespace, screen: Screen) -> int:
    """Find, measure and classify the pores of micrographs and sum up the porosity of each class."""
    if args.report is not None:
        check_ending(args.report)
    cluster = _cluster(args)
    with ExitStack() as stack:
        chosen = choose_model(args, stack, screen)
        fields = _fields(args, chosen, screen)
        check_queue_options(args, chosen.project)
        said = None if chosen.project is None else answers_of_people(chosen.project, chosen.model.class_ids)
    model, least, locked = chosen.model, chosen.least, chosen.lock.sentence if chosen.lock else ""
    out = args.out or Path(f"{args.project.stem}-porosity")
    tasks = tasks_of(model, fields, out.absolute(), least=least)
    applied = _applied(tasks, args.workers, cluster, screen)
    for problem in applied.problems:
        screen.note(f"{problem.name}: {problem.reason}")
    if not applied.results:
        raise PoreguiError("No micrograph could be worked on.", applied.problems[0].reason)
    done = [task_of(tasks, one) for one in applied.results]
    tables = with_answers(done, [read_pores(task.folder, len(model.classes)) for task in done], said)
    tables = [replace(table, keep_unlike=bool(args.keep_unlike)) for table in tables]
    rows = zip(done, applied.results, tables, strict=True)
    results = [mark_field(task.folder, one, table, model, least) for task, one, table in rows]
    summary = summarise(model, results, tables, least=least)
    values = write_outcome(out, applied, summary, least=least, lock=chosen.lock)
    if values["kept"]:
        screen.note(f"{out} held a summary of other micrographs; it is {values['kept']} now.")
    values |= see_to_queue(args, unsure_pores(done, tables, model.classes, least), screen)
    if args.report is not None:
        folders = [task.folder for task in done]
        facts = collect_applied(model, results, folders, tables=tables, least=least, locked=locked)
        write_applied_report(facts, args.report, print_pdf)
        values["report"] = str(args.report.absolute())
        screen.note(f"Wrote the report to {args.report}.")
    screen.result(values, _text(summary, out))
    return 0


def _fields(args: argparse.Namespace, chosen: Chosen, screen: Screen) -> list[ToApply]:
    """Return the micrographs that are asked for, with what is known of them."""
    paths = [path.absolute() for path in args.paths]
    fields = micrographs_of(paths, chosen.project, chosen.um_per_px, args.specimen)
    named, notes = name_specimens(fields, args.specimen_from)
    for note in notes:
        screen.note(note)
    return named


def _cluster(args: argparse.Namespace) -> Scheduler | None:
    """Return the cluster that was asked for, None for this machine."""
    files = (args.tls_ca, args.tls_cert, args.tls_key)
    if args.scheduler is None:
        if any(files):
            raise PoreguiError("TLS files are of use with --scheduler only.", "Give --scheduler, or leave them out.")
        return None
    if args.workers:
        raise PoreguiError("--workers counts processes on this machine.", "Leave it out with --scheduler.")
    return Scheduler(args.scheduler, *(None if one is None else one.absolute() for one in files)).checked()


def _applied(tasks: Sequence[FieldTask], workers: int, cluster: Scheduler | None, screen: Screen) -> Applied:
    progress = partial(screen.progress, counted=False)
    if cluster is None:
        return apply_all(tasks, workers=workers, progress=progress)
    return apply_on_cluster(tasks, cluster, progress=progress)


def _text(summary: Summary, out: Path) -> str:
    groups = summary.specimens if len(summary.specimens) == 1 else (*summary.specimens, summary.whole)
    rows = [[group.name, group.fields, *(_cell(one.area) for one in group.classes), _left(group)] for group in groups]
    head = ["specimen", "fields", *(f"{name} (area %)" for name in summary.classes), "left to you"]
    note = "corrected for confusion" if summary.corrected else f"not corrected for confusion: {summary.why_not}"
    over = "95 % intervals over fields" + ("" if len(groups) == 1 else ", in the last row over specimens")
    more = (sensitivity_words(summary.whole), unlike_words(summary.whole), calibration_words(summary))
    lines = [
        table(head, rows),
        f"{over}; {note}.",
        *(words for words in more if words),
        *summary.warnings,
        f"Tables and pictures are in {out}.",
    ]
    return "\n".join(lines)


def _cell(one: object) -> str:
    low, high, value = (getattr(one, name) for name in ("low", "high", "corrected"))
    return f"{value:.4f}" if low is None else f"{value:.4f} ({low:.4f} to {high:.4f})"


def _left(group: GroupSummary) -> str:
    return f"{group.left} pores, {group.left_percent:.4f} %" if group.left else "none"
