"""Put agreement into words and rows, for the report, the command line and the window."""

from __future__ import annotations

from dataclasses import dataclass

from poregui.domain.errors import PoreguiError
from poregui.domain.statistics.jackknife import Estimate, Over
from poregui.domain.wording import count, listed, noun, percent, percent_or_dash, percent_span
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.rating.agreement_report import Agreement, RaterPair, agreement_of


@dataclass(frozen=True)
class AgreementSection:
    """Hold a section of a report: `heads` and `rows` of its table, sentences, and how it was
    computed.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sentences: tuple[str, ...]
    methods: str


def agreement_section(project: Project, run: RunFolder) -> AgreementSection | None:
    """Return what a report says of agreement; None in a project without second opinions, and where
    no crop has two.
    """
    if not project.opinions.all():
        return None
    try:
        found = agreement_of(project, run)
    except PoreguiError:
        return None
    sentences = [one.sentence for one in found.beside]
    sentences += [ceiling_text(found), *found.notes]
    return AgreementSection(
        ("raters", "crops", "agreement", "95 % CI", "kappa (95 % CI)", "AC1 (95 % CI)"),
        tuple(map(_row, found.pairs)),
        tuple(sentence for sentence in sentences if sentence),
        _methods(found),
    )


def ceiling_text(found: Agreement) -> str:
    """Say what the labels' own noise allows; empty where nothing was learned of it."""
    value = found.ceiling.value
    if value is None:
        return ""
    ends = ""
    if found.ceiling.interval is not None:
        ends = f" (95 % CI {percent_span(found.ceiling.interval)})"
    source = "how often the same person gave the same label twice"
    if found.ceiling_from != "repeats":
        source = f"how far {found.ceiling_from} agree, if both err alike"
    return f"Label noise allows an accuracy of about {percent(value)}{ends}, judging by {source}."


def coefficient_text(one: Estimate) -> str:
    """Return a coefficient with its interval, a dash for none."""
    if one.value is None:
        return "–"
    if one.interval is None:
        return f"{one.value:.2f}"
    return f"{one.value:.2f} ({one.interval[0]:.2f} to {one.interval[1]:.2f})"


def _row(pair: RaterPair) -> tuple[str, ...]:
    numbers = pair.numbers
    return (
        f"{pair.a} – {pair.b}",
        f"{numbers.n:,}",
        percent_or_dash(numbers.agreement.value),
        percent_span(numbers.agreement.interval),
        coefficient_text(numbers.kappa),
        coefficient_text(numbers.ac1),
    )


def _methods(found: Agreement) -> str:
    """Return a paragraph fit for the methods of a paper."""
    table = found.table
    people = [table.raters[column] for column in table.people]
    every = found.of_all
    text = (
        f"{count(len(people), 'person', 'people')} ({listed(people)}) rated crops independently. "
    )
    if every.n:
        text += (
            f"On {count(every.n, 'crop')} rated by two or more of them, Krippendorff's alpha "
            f"(nominal) was {coefficient_text(every.alpha)}, Fleiss' kappa "
            f"{coefficient_text(every.fleiss_kappa)} and Gwet's AC1 {coefficient_text(every.ac1)}. "
        )
    blind = sum(one.opinion.blind for one in table.seconds)
    if blind:
        text += (
            f"{count(blind, 'second rating')} {noun(blind, 'was', 'were')} given blind: turned and "
            "mirrored, without label, name, neighbours or suggestion. "
        )
    return (
        f"{text}Ratings of unsure were left out, and labels that came by accepting a suggestion "
        f"were counted apart. Intervals are 95 % jackknife intervals over {_over(every.over)} on "
        "Fisher's scale with Student's t; those of kappa and alpha are widened by a studentised "
        "bootstrap where it reaches farther. Predictions are those of crops that the network was "
        "not trained on."
    )


def _over(over: Over) -> str:
    if not over.groups:
        return "specimens"
    return f"{over.groups:,} {over.kind}"
