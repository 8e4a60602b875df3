"""Make the sample project: drawn micrographs of titanium with labelled crops, and specimens that
wait for labels.
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from PIL import Image

from poregui.domain.records import Crop, Micrograph, Specimen
from poregui.store.files import explain_write_error, replace_file, write_csv
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.vision.synthetic import SyntheticMicrograph, draw_sample, draw_unseen
from poregui.workflow.editing.edits import AddCrops, AddMicrographs, AddSpecimens, Combined

Progress = Callable[[int, int, str], None]
WHO = "sample"
_ABOUT = 33
"""Micrographs of the sample, for the progress; the exact number rests on the seed."""
SCALE_SOURCE = "drawn at this scale"
_TRUTH_COLUMNS = (
    "micrograph", "specimen", "pore", "class", "x", "y", "area_px", "area_um2", "diameter_um",
    "box_x", "box_y", "box_width", "box_height", "um_per_px",
)  # fmt: skip


def truth_folder(folder: Path) -> Path:
    """Return where the truth of the unlabelled specimens is written: beside the project, never
    inside.
    """
    folder = folder.absolute()
    return folder.with_name(f"{folder.name}-truth")


def make_sample(
    folder: Path, seed: int = 0, progress: Progress = lambda done, total, text: None
) -> Path:
    """Make the sample project in a new or empty folder and return the path of truth.csv.

    Ten specimens bring 600 labelled crops, 200 a class; four more have micrographs only, and
    truth.csv in `truth_folder` lists their pores. The same seed draws the same project. `progress`
    hears (done, total, name); an exception that it raises ends the work and leaves nothing behind.
    Raises PoreguiError when the folder cannot be used.
    """
    existed = folder.exists()
    unseen: list[SyntheticMicrograph] = []
    with Project.create(folder) as project:
        try:
            drawn = chain(draw_sample(seed), _kept(draw_unseen(seed), unseen))
            with project.pixels.batch(), project.transaction():
                project.put_meta("sample_seed", str(seed))
                _add_all(project, drawn, unseen, progress)
        except BaseException:
            project.close()
            shutil.rmtree(folder, ignore_errors=True)
            if existed:
                folder.mkdir()
            raise
    truth = truth_folder(folder) / "truth.csv"
    try:
        truth.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise explain_write_error(error, truth) from error
    write_truth(truth, unseen)
    return truth


def _kept(
    drawn: Iterable[SyntheticMicrograph], kept: list[SyntheticMicrograph]
) -> Iterator[SyntheticMicrograph]:
    for micrograph in drawn:
        kept.append(micrograph)
        yield micrograph


def _add_all(
    project: Project,
    drawn: Iterable[SyntheticMicrograph],
    unseen: list[SyntheticMicrograph],
    progress: Progress,
) -> None:
    folder = project.folder / "micrographs"
    try:
        folder.mkdir()
    except OSError as error:
        raise explain_write_error(error, folder) from error
    for done, micrograph in enumerate(drawn, start=1):
        file = folder / micrograph.name
        image = Image.fromarray(micrograph.image)
        replace_file(file, partial(image.save, format="PNG"))
        add_drawn(project, micrograph, file, labelled=micrograph not in unseen)
        progress(done, max(_ABOUT, done), micrograph.name)


def add_drawn(project: Project, drawn: SyntheticMicrograph, file: Path, *, labelled: bool) -> None:
    """Add a drawn micrograph that was written to `file`, its specimen and, when `labelled`, its
    crops with labels.
    """
    specimen = next((s for s in project.specimens() if s.name == drawn.specimen), None)
    if specimen is None:
        specimen = Specimen(project.next_id("specimens"), drawn.specimen)
        AddSpecimens((specimen,)).do(project)
    height, width = drawn.image.shape
    micrograph = Micrograph(
        id=project.next_id("micrographs"),
        path=project.path_for(file),
        name=drawn.name,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        width=width,
        height=height,
        bits=8,
        channels=1,
        um_per_px=drawn.um_per_px,
        scale_source=SCALE_SOURCE,
        specimen_id=specimen.id,
    )
    crops: tuple[Crop, ...] = ()
    if labelled:
        crops = _crops(project, drawn, micrograph.id)
    Combined(
        (AddMicrographs((micrograph,)), AddCrops(crops, who=WHO, how="import")), text="sample"
    ).do(project)


def _crops(project: Project, drawn: SyntheticMicrograph, micrograph_id: int) -> tuple[Crop, ...]:
    class_ids = {c.name: c.id for c in project.classes()}
    first = project.next_id("crops")
    crops = []
    for index, pore in enumerate(drawn.pores):
        box = pore.crop_box
        cut = drawn.image[box.y : box.bottom, box.x : box.right]
        crops.append(
            Crop(
                id=first + index,
                pixels=project.pixels.add(CropPixels(cut, 0.0, 255.0)),
                width=box.width,
                height=box.height,
                micrograph_id=micrograph_id,
                box=box,
                label=class_ids[pore.class_name],
                origin="import",
            )
        )
    return tuple(crops)


def write_truth(path: Path, drawn: Iterable[SyntheticMicrograph]) -> None:
    """Write one row per true pore: class, centre and box in px, area in px and
    um2, diameter in um.
    """
    rows = itertools.chain.from_iterable(map(_truth_rows, drawn))
    write_csv(path, itertools.chain([_TRUTH_COLUMNS], rows))


def _truth_rows(drawn: SyntheticMicrograph) -> Iterator[tuple[object, ...]]:
    for pore in drawn.pores:
        yield (
            drawn.name, drawn.specimen, pore.number, pore.class_name, round(pore.x, 3),
            round(pore.y, 3), round(pore.area_px, 3), round(pore.area_um2, 4),
            round(pore.diameter_um, 4), pore.box.x, pore.box.y, pore.box.width, pore.box.height,
            drawn.um_per_px,
        )  # fmt: skip
