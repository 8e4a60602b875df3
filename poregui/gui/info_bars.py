"""Look for info bars in the background and offer to mask those of imported micrographs; changes with that question."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.plane import Plane
from poregui.domain.records import Micrograph
from poregui.gui.background import Background, TaskControl
from poregui.gui.messages import messages
from poregui.gui.session import Session
from poregui.vision.info_bar import find_info_bar
from poregui.vision.large_images import open_pyramid
from poregui.workflow.cleaning import mask_info_bars
from poregui.workflow.same_picture import check_same

Bars = tuple[tuple[Micrograph, Box], ...]


def offer_masks(
    session: Session, background: Background, ids: Collection[int], when_free: Callable[[Callable[[], None]], None]
) -> None:
    """Look for info bars in micrographs and ask, through `when_free`, whether those that are found are masked."""
    wanted = [m for m in session.project.micrographs() if m.id in ids]
    files = [(m, session.project.micrograph_file(m)) for m in wanted]

    def found(answer: tuple[Bars, int]) -> None:
        bars = {one.id: box for one, box in answer[0]}
        if bars:
            when_free(lambda: _ask(session, bars))

    if files:
        background.run("Look for info bars", lambda control: look_for_bars(files, control), found)


def _ask(session: Session, bars: dict[int, Box]) -> None:
    bars_of = "the info bar of 1 micrograph" if len(bars) == 1 else f"the info bars of {len(bars)} micrographs"

    def mask() -> None:
        now = [(m, bars[m.id]) for m in session.project.micrographs() if m.id in bars]
        if now:
            session.apply(mask_info_bars(now))

    text = "Nothing is found or cropped under a mask. Undo takes it back, and so does the tab Picture."
    messages().offer(f"Mask {bars_of}?", text, "Mask", mask)


def look_for_bars(
    files: list[tuple[Micrograph, Path]], control: TaskControl
) -> tuple[tuple[tuple[Micrograph, Box], ...], int]:
    """Return the info bars that were found, and how many files could not be read."""
    found, unread = [], 0
    for number, (one, file) in enumerate(files):
        if control.cancelled():
            break
        control.progress(number, len(files), one.shown_name)
        try:
            check_same(one, file, None)
            with open_pyramid(file, None, Plane.parse(one.plane)) as image:
                bar = find_info_bar(image)
        except PoreguiError:
            unread += 1
            continue
        if bar is not None:
            found.append((one, bar))
    return tuple(found), unread
