"""Write a sample for a colleague to rate, and take in what came back."""

from __future__ import annotations

import hashlib
import hmac
import io
import random
import secrets
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.records import Opinion
from poregui.domain.wording import count
from poregui.store.files import export_target
from poregui.store.pixels import CropPixels
from poregui.store.project import Project
from poregui.store.rating_file import SUFFIX, RatingFile, create_rating_file, label_from
from poregui.workflow.editing.opinion_edits import new_opinions
from poregui.workflow.rating.blind_pass import SHARE, TURNS, references, sample
from poregui.workflow.rating.import_ratings import ImportedRatings

_KEY = "rating_key"


def pack_for_rating(
    project: Project, out: Path, *, share: float = SHARE, seed: int | None = None
) -> str:
    """Write a stratified sample into a new file for a second opinion; return what it holds.

    The key that turns the tokens back into crops stays in the project. Raises PoreguiError where
    nothing is labelled, the project is read-only or the file cannot be written.
    """
    if out.is_dir():
        raise PoreguiError(f"{out} is a folder.", f"Give the name of a {SUFFIX} file.")
    chance = random.Random(seed)
    crops = sample(project.crops(), chance, share, tuple(references(project)))
    if not crops:
        raise PoreguiError("No crop has a label yet.", "Label some crops first.")
    key = keep_rating_key(project)
    name = secrets.token_hex(8)
    items = [
        (_token(key, name, crop.id), _png(project.pixels.get(crop.pixels), chance.randrange(TURNS)))
        for crop in crops
    ]
    uids = project.class_uids()
    classes = [(uids[c.id], c) for c in project.classes()]
    create_rating_file(export_target(out), _project_mark(key), name, classes, items)
    return (
        f"Packed {count(len(items), 'crop')} for a second opinion into {out}: images and class "
        "definitions, and no labels, names or places."
    )


def plan_rated(project: Project, file: Path) -> ImportedRatings:
    """Return what a file that a colleague rated adds; nothing is changed yet.

    Who rated a pack twice, in two copies of the file, is counted once. Raises PoreguiError for a
    file that is damaged, of another project, or not rated yet.
    """
    with RatingFile(file, read_only=True) as opened:
        content = opened.content()
    key = project.meta(_KEY)
    if not key or content.project != _project_mark(key):
        raise PoreguiError(
            f"{file} was packed from another project.", "Open that project, and import it there."
        )
    if not content.rated:
        raise PoreguiError(f"{file} was not rated yet.", "Rate it first: poregui rate FILE.")
    crops = {_token(key, content.pack, crop_id): crop_id for crop_id in project.labels()}
    ids = {uid: class_id for class_id, uid in project.class_uids().items() if uid}
    session = f"pack:{content.pack}"
    before = {(one.crop_id, one.who): one for one in project.opinions.all(session=session)}
    opinions: list[Opinion] = []
    twice: set[str] = set()
    faults = []
    for number, one in enumerate(content.rated, start=1):
        crop_id = crops.get(one.token)
        label = label_from(one.label, ids)
        if crop_id is None or label is None:
            faults.append(f"Rating {number}: its crop or class is not in this project any more.")
            continue
        known = before.get((crop_id, one.who))
        if known is not None and known.when != one.when:
            twice.add(one.who)
        elif known is None:
            opinions.append(
                Opinion(
                    0, crop_id, label, one.who, one.when, one.seconds, blind=True, session=session
                )
            )
    faults += [
        f"{who} has rated this sample before: the first ratings count." for who in sorted(twice)
    ]
    found = new_opinions(project, opinions)
    known_ones = len(content.rated) - found.new
    return ImportedRatings(found.edit, found.new, known_ones, found.raters, tuple(faults))


def is_rating_file(file: Path) -> bool:
    """Tell by its name whether a file is one for rating, rather than a table."""
    return file.suffix.lower() == SUFFIX


def keep_rating_key(project: Project) -> str:
    """Return the secret of a project, which is made with its first pack."""
    known = project.meta(_KEY)
    if known:
        return known
    made = secrets.token_hex(32)
    with project.transaction():
        project.put_meta(_KEY, made)
    return made


def _project_mark(key: str) -> str:
    return hashlib.sha256(f"project {key}".encode()).hexdigest()[:32]


def _token(key: str, pack: str, crop_id: int) -> str:
    return hmac.new(key.encode(), f"{pack} {crop_id}".encode(), "sha256").hexdigest()[:24]


def _png(pixels: CropPixels, turn: int) -> bytes:
    """Return a crop as an 8-bit PNG, turned by quarters and mirrored from 4 on."""
    from PIL import Image

    image = _eight_bit(pixels.array, pixels.grey_low, pixels.grey_high)
    image = np.rot90(image, turn % 4)
    if turn >= 4:
        image = image[:, ::-1]
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, format="PNG")
    return file.getvalue()


def _eight_bit(array: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    shown = (array.astype(np.float32) - low) / max(high - low, 1e-9)
    return np.asarray((shown * 255).clip(0, 255).round().astype(np.uint8))
