"""Gather and lay out the report of applied micrographs, one page a specimen."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import poregui
from poregui.domain.errors import ProjectError
from poregui.domain.statistics.porosity import ClassEstimate
from poregui.domain.wording import count, with_micrometres
from poregui.store.files import export_target, file_hash, write_text
from poregui.store.run_files import BROKEN, parse_json, read_whole
from poregui.workflow.applying.field import AppliedField, FieldResult
from poregui.workflow.applying.inputs import AppliedModel
from poregui.workflow.applying.size_figure import diameters_of, sizes_svg
from poregui.workflow.applying.summary import (
    GroupSummary,
    Summary,
    groups_of,
    out_of_distribution_text,
)
from poregui.workflow.reporting.documents import check_ending, render

EXAMPLES = 3
_IMAGE_WIDTH = 640


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
    """Hold the image of a field with its outlines as a data URI of `width` x `height` px, and why
    it is shown.
    """

    name: str
    caption: str
    image: str
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
    min_confidence: float
    locked: str
    model: tuple[tuple[str, str], ...]
    recipe: tuple[tuple[str, str], ...]
    confusion: tuple[tuple[str, tuple[int, ...]], ...]


def collect_applied(
    model: AppliedModel,
    fields: Sequence[AppliedField],
    summary: Summary,
    *,
    min_confidence: float = 0.0,
    locked: str = "",
) -> AppliedFacts:
    """Return the facts of micrographs and what they sum up to at the confidence `min_confidence`;
    fit for any thread.

    `locked` is the sentence of a locked recipe, empty where it is not locked. Raises ProjectError
    when the files of the network are gone.
    """
    colours = dict(zip(model.classes, model.colours, strict=True))
    of_group: dict[str, list[AppliedField]] = {}
    for name, one in zip(groups_of([field.result for field in fields]), fields, strict=True):
        of_group.setdefault(name, []).append(one)
    pages = tuple(
        _page(group, of_group[group.name], summary, min_confidence, colours)
        for group in summary.specimens
    )
    if len(pages) > 1:
        whole = _page(summary.whole, fields, summary, min_confidence, colours, examples=0)
    else:
        whole = None
    confusion = () if model.confusion is None else model.confusion.tolist()
    return AppliedFacts(
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        summary=summary,
        whole=whole,
        pages=pages,
        colours=colours,
        min_confidence=min_confidence,
        locked=locked,
        model=_model(model),
        recipe=model.finding,
        confusion=tuple(
            (name, tuple(row)) for name, row in zip(model.classes, confusion, strict=False)
        ),
    )


def _page(
    group: GroupSummary,
    applied: Sequence[AppliedField],
    summary: Summary,
    min_confidence: float,
    colours: dict[str, str],
    examples: int = EXAMPLES,
) -> Page:
    fields = tuple(_field(one.result, group) for one in applied)
    names = [pore_class.name for pore_class in group.classes]
    diameters = diameters_of(names, applied, min_confidence, summary.size_unit)
    known = [field.mm2 for field in fields if field.mm2 is not None]
    return Page(
        group,
        fields,
        _examples(applied, fields, tuple(colours.values()), min_confidence) if examples else (),
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
    applied: Sequence[AppliedField],
    fields: Sequence[FieldFacts],
    colours: Sequence[str],
    min_confidence: float,
) -> tuple[Example, ...]:
    """Return the fields with the least, the middle and the greatest area per cent, so that nobody
    chooses them.
    """
    order = sorted(range(len(fields)), key=lambda k: (fields[k].percent, fields[k].name))
    caption = {order[0]: "lowest", order[len(order) // 2]: "middle", order[-1]: "highest"}
    if len(fields) < EXAMPLES:
        caption = dict.fromkeys(order, "")
    found = []
    for index in sorted(caption, key=lambda k: fields[k].percent):
        shown = _image(applied[index], colours, min_confidence)
        if shown is not None:
            which = f", the {caption[index]}" if caption[index] else ""
            text = f"porosity {fields[index].percent:.3g} %{which}"
            found.append(Example(fields[index].name, text, *shown))
    return tuple(found)


def _image(
    one: AppliedField, colours: Sequence[str], min_confidence: float
) -> tuple[str, int, int] | None:
    """Return an outlined micrograph as a data URI and its size; None where its image is gone."""
    from PIL import Image

    drawn = one.image()
    if drawn is None:
        return None
    image = Image.fromarray(drawn.of_table(one.pores, colours, min_confidence)[..., ::-1])
    high = max(1, round(image.height * _IMAGE_WIDTH / image.width))
    out = BytesIO()
    image.resize((_IMAGE_WIDTH, high), Image.Resampling.LANCZOS).save(out, "JPEG", quality=88)
    return (
        f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}",
        _IMAGE_WIDTH,
        high,
    )


def _model(model: AppliedModel) -> tuple[tuple[str, str], ...]:
    """Return what tells this network from every other one.

    Raises ProjectError when its files are gone.
    """
    try:
        sidecar = parse_json(read_whole(model.sidecar, follow=True))
        hashes = file_hash(model.model), file_hash(model.sidecar)
    except BROKEN as error:
        raise ProjectError(
            f"{model.sidecar} is missing or damaged.", "Restore it, then write the report again."
        ) from error
    rows = [("Network", model.name)]
    if "preset" in sidecar:
        rows.append(("Preset", str(sidecar["preset"])))
    rows += [("SHA-256 of model.onnx", hashes[0]), ("SHA-256 of model.json", hashes[1])]
    if "dataset_hash" in sidecar:
        rows.append(("Training dataset", str(sidecar["dataset_hash"])))
    return (*rows, ("poregui", poregui.__version__))


def write_applied_report(
    facts: AppliedFacts, out: Path, print_pdf: Callable[[str, Path], None]
) -> Path:
    """Write the report as HTML or, by `print_pdf` (HTML, path), as PDF, whole or not at all; return
    its path.

    Raises PoreguiError for another ending, or when the file cannot be written.
    """
    check_ending(out)
    target = export_target(out)
    text = applied_html(facts)
    if out.suffix.lower() == ".pdf":
        print_pdf(text, target)
    else:
        write_text(target, text)
    return out


def applied_html(facts: AppliedFacts) -> str:
    """Return the report as HTML with figures as SVG inside; names are escaped."""
    values = {
        "facts": facts,
        "unit": with_micrometres(facts.summary.size_unit),
        "count": count,
        "strange": out_of_distribution_text,
    }
    filters = {"num": _number, "ends": _ends, "relative": _relative, "triple": _triple}
    return render("specimens.html.j2", values, filters)


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
