"""Gather and lay out the report of applied micrographs, one page a specimen."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import poregui
from poregui.domain.detection import DetectionRecipe, detection_parameters
from poregui.domain.errors import PoreguiError, ProjectError
from poregui.domain.porosity import ClassEstimate
from poregui.domain.wording import count, noun
from poregui.resources import resource
from poregui.store.files import file_hash, make_parent, write_text
from poregui.workflow.applying.field import FieldResult
from poregui.workflow.applying.inputs import AppliedModel
from poregui.workflow.applying.overlay import read_picture
from poregui.workflow.applying.result_table import PoreTable, read_pores
from poregui.workflow.applying.size_figure import diameters_of, sizes_svg
from poregui.workflow.applying.summary import GroupSummary, Summary, groups_of, summarise


def sensitivity_words(group: GroupSummary) -> str:
    """Say how the area of all pores moves with the threshold; empty where nobody looked."""
    if not group.sensitivity or group.porosity is None:
        return ""
    near = [one.total for one in group.sensitivity if abs(one.shift) == 5]
    far = [one.total for one in group.sensitivity]
    return (
        f"Porosity with the threshold shifted by up to ±5 %: {_span(near, group.porosity.mean)}; "
        f"by up to ±10 %: {_span(far, group.porosity.mean)}."
    )


def unlike_words(group: GroupSummary) -> str:
    """Say how many pores are unlike all that was trained on, or that nobody can tell; empty where
    there are none.
    """
    if group.unlike is None:
        return (
            "This network stores no training features, so unusual pores cannot be detected. Train "
            "again."
        )
    if not group.unlike:
        return ""
    look = noun(group.unlike, "looks", "look")
    what = f"{count(group.unlike, 'pore')} {look} unusual (outside the training data)"
    if group.unlike_kept:
        return f"{what}, but counted as predicted."
    return f"{what}, so left unclassified."


def calibration_words(summary: Summary) -> str:
    """Say where confidence is taken as the network gives it; empty where it is calibrated."""
    if summary.temperature is not None:
        return ""
    return (
        "Confidence is not calibrated: there were too few validation crops, or no errors among "
        "them."
    )


def _span(totals: list[float], middle: float) -> str:
    low, high = (f"{end:.4g}" for end in (min(*totals, middle), max(*totals, middle)))
    return f"{low} %" if low == high else f"{low} to {high} %"


EXAMPLES = 3
_PICTURE_WIDTH = 640


@dataclass(frozen=True)
class FieldFacts:
    """Hold one field: its scale in um per px, its area in mm2 (None: no scale), its pores and their
    area per cent.
    """

    name: str
    specimen: str
    um_per_px: float | None
    mm2: float | None
    pores: int
    percent: float
    sha256: str
    file: str = ""


@dataclass(frozen=True)
class Example:
    """Hold the picture of a field with its outlines as a data URI of `width` x `height` px, and why
    it is shown.
    """

    name: str
    words: str
    picture: str
    width: int
    height: int


@dataclass(frozen=True)
class Page:
    """Hold what one page says: the numbers of a specimen (or of all), its fields, examples and the
    figure as SVG.
    """

    group: GroupSummary
    fields: tuple[FieldFacts, ...]
    examples: tuple[Example, ...]
    sizes: str | None
    mm2: float | None


@dataclass(frozen=True)
class AppliedFacts:
    """Hold all that the report says; `whole` is None with one specimen, `locked` says whose recipe
    it is.
    """

    made: str
    summary: Summary
    whole: Page | None
    pages: tuple[Page, ...]
    colours: dict[str, str]
    least: float
    locked: str
    model: tuple[tuple[str, str], ...]
    recipe: tuple[tuple[str, str], ...]
    confusion: tuple[tuple[str, tuple[int, ...]], ...]


def collect_applied(
    model: AppliedModel,
    results: Sequence[FieldResult],
    folders: Sequence[Path],
    *,
    tables: Sequence[PoreTable] | None = None,
    least: float = 0.0,
    locked: str = "",
) -> AppliedFacts:
    """Return the facts of results and the folders that they lie in; fit for any thread, reads
    tables not given.

    `results` are those at the confidence `least`, in the order of `folders`. `locked` is the
    sentence of a locked recipe, empty where it is not locked. Raises PoreguiError when a table was
    changed, ValueError without a result.
    """
    if tables is None:
        tables = [read_pores(folder, len(model.classes)) for folder in folders]
    else:
        tables = tables
    summary = summarise(model, results, tables, least=least)
    rows = list(zip(results, tables, folders, strict=True))
    colours = dict(zip(model.classes, model.colours, strict=True))
    of_group: dict[str, list[tuple[FieldResult, PoreTable, Path]]] = {}
    for name, row in zip(groups_of(results), rows, strict=True):
        of_group.setdefault(name, []).append(row)
    pages = tuple(
        _page(group, of_group[group.name], summary, least, colours) for group in summary.specimens
    )
    if len(pages) > 1:
        whole = _page(summary.whole, rows, summary, least, colours, examples=0)
    else:
        whole = None
    return AppliedFacts(
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        summary=summary,
        whole=whole,
        pages=pages,
        colours=colours,
        least=least,
        locked=locked,
        model=_model(model),
        recipe=recipe_rows(model.recipe),
        confusion=()
        if model.confusion is None
        else tuple(
            (name, tuple(int(n) for n in row))
            for name, row in zip(model.classes, model.confusion, strict=True)
        ),
    )


def _page(
    group: GroupSummary,
    rows: Sequence[tuple[FieldResult, PoreTable, Path]],
    summary: Summary,
    least: float,
    colours: dict[str, str],
    examples: int = EXAMPLES,
) -> Page:
    fields = tuple(_field(result, group) for result, _, _ in rows)
    names = [one.name for one in group.classes]
    pairs = [(result, table) for result, table, _ in rows]
    diameters = diameters_of(names, pairs, least, summary.size_unit)
    known = [one.mm2 for one in fields if one.mm2 is not None]
    return Page(
        group,
        fields,
        _examples(rows, fields, tuple(colours.values()), least) if examples else (),
        sizes_svg(diameters, colours, summary.size_unit),
        sum(known) if len(known) == len(fields) else None,
    )


def _field(result: FieldResult, group: GroupSummary) -> FieldFacts:
    scale = result.um_per_px
    area = max(result.field_area_px, 1.0)
    own = (
        sum(part for part, one in zip(result.areas, group.classes, strict=True) if one.is_pore)
        + result.left_area
    )
    return FieldFacts(
        result.name,
        result.specimen,
        scale,
        None if scale is None else area * scale**2 / 1e6,
        result.pores,
        100 * own / area,
        result.sha256,
        result.file,
    )


def _examples(
    rows: Sequence[tuple[FieldResult, PoreTable, Path]],
    fields: Sequence[FieldFacts],
    colours: Sequence[str],
    least: float,
) -> tuple[Example, ...]:
    """Return the fields with the least, the middle and the greatest area per cent, so that nobody
    chooses them.
    """
    order = sorted(range(len(fields)), key=lambda k: (fields[k].percent, fields[k].name))
    words = {order[0]: "lowest", order[len(order) // 2]: "middle", order[-1]: "highest"}
    if len(fields) < EXAMPLES:
        words = dict.fromkeys(order, "")
    found = []
    for place in sorted(words, key=lambda k: fields[k].percent):
        _, table, folder = rows[place]
        shown = _picture(folder, table, colours, least)
        if shown is not None:
            which = f", the {words[place]}" if words[place] else ""
            text = f"porosity {fields[place].percent:.3g} %{which}"
            found.append(Example(fields[place].name, text, *shown))
    return tuple(found)


def _picture(
    folder: Path, table: PoreTable, colours: Sequence[str], least: float
) -> tuple[str, int, int] | None:
    """Return the outlined micrograph of a folder as a data URI and its size; None where what it
    shows is gone.
    """
    from PIL import Image

    drawn = read_picture(folder)
    if drawn is None or len(drawn.counts) != len(table.areas):
        return None
    image = Image.fromarray(drawn.of_table(table, colours, least)[..., ::-1])
    high = max(1, round(image.height * _PICTURE_WIDTH / image.width))
    out = BytesIO()
    image.resize((_PICTURE_WIDTH, high), Image.Resampling.LANCZOS).save(out, "JPEG", quality=88)
    return (
        f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}",
        _PICTURE_WIDTH,
        high,
    )


def recipe_rows(recipe: DetectionRecipe) -> tuple[tuple[str, str], ...]:
    """Return the detection recipe as labels and values."""
    told = []
    for parameter in detection_parameters():
        value = getattr(recipe, parameter.name)
        if parameter.kind is float:
            text = f"{value:g}"
        else:
            text = {True: "yes", False: "no"}.get(value, value)
        told.append((parameter.label, f"{text} {parameter.unit}".strip()))
    return tuple(told)


def _model(model: AppliedModel) -> tuple[tuple[str, str], ...]:
    """Return what tells this network from every other one.

    Raises ProjectError when its files are gone.
    """
    try:
        told = json.loads(model.sidecar.read_text(encoding="utf-8"))
        hashes = file_hash(model.model), file_hash(model.sidecar)
    except (OSError, ValueError) as error:
        raise ProjectError(
            f"{model.sidecar} is missing or damaged.", "Restore it, then write the report again."
        ) from error
    rows = [("Network", model.name)]
    if "preset" in told:
        rows.append(("Preset", str(told["preset"])))
    rows += [("SHA-256 of model.onnx", hashes[0]), ("SHA-256 of model.json", hashes[1])]
    if "dataset_hash" in told:
        rows.append(("Training dataset", str(told["dataset_hash"])))
    return (*rows, ("poregui", poregui.__version__))


Picture = Callable[[str, int], str]
"""Takes an SVG and its width in px and returns the markup that shows it."""
_WIDTH = re.compile(r'<svg[^>]* width="(\d+)"')


def write_applied_report(
    facts: AppliedFacts, out: Path, print_pdf: Callable[[str, Path], None]
) -> Path:
    """Write the report as HTML or, by `print_pdf` (HTML, path), as PDF, whole or not at all; return
    its path.

    Raises PoreguiError for another ending, or when the file cannot be written.
    """
    check_ending(out)
    make_parent(out)
    text = applied_html(facts)
    if out.suffix.lower() == ".pdf":
        print_pdf(text, out)
    else:
        write_text(out, text)
    return out


def check_ending(out: Path) -> None:
    """Raise PoreguiError for a file that is neither HTML nor PDF by its name."""
    if out.suffix.lower() not in (".html", ".htm", ".pdf"):
        raise PoreguiError(
            f"{out} is not a report file.", "Give a file name that ends in .html or .pdf."
        )


def applied_html(facts: AppliedFacts, picture: Picture | None = None) -> str:
    """Return the report as HTML: figures as SVG inside, or as whatever `picture` makes of them.

    Names are escaped.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def figure(svg: str | None) -> Markup:
        if svg is None:
            return Markup("")
        found = _WIDTH.match(svg)
        # Ours, and escaped word by word where it was drawn.
        return Markup(picture(svg, int(found[1]) if found else 400) if picture else svg)

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(num=_number, ends=_ends, relative=_relative, triple=_triple)
    template = environment.from_string(resource("specimens.html.j2").read_text(encoding="utf-8"))
    unit = facts.summary.size_unit.replace("um", "µm")
    return template.render(facts=facts, figure=figure, unit=unit, count=count, strange=unlike_words)


def _number(value: float | None, digits: int = 3) -> str:
    if value is None:
        return "–"
    if abs(value) >= 10**digits:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def _ends(one: Any) -> str:
    """Return the interval of anything with `low` and `high`."""
    if one is None or one.low is None:
        return "–"
    return f"{_number(one.low)} to {_number(one.high)}"


def _relative(one: ClassEstimate) -> str:
    """Return half the width of an interval over its estimate in per cent."""
    if one.low is None or one.high is None or one.corrected <= 0:
        return "–"
    return f"{100 * (one.high - one.low) / 2 / one.corrected:.0f} %"


def _triple(values: tuple[float, float, float] | None) -> str:
    if values is None:
        return "–"
    return "\u00a0/\u00a0".join(_number(value) for value in values)
