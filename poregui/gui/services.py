"""Name what pages share beside the session: background work, pictures and the trainer."""

from __future__ import annotations

from dataclasses import dataclass

from poregui.gui.background import Background
from poregui.gui.micrograph_images import MicrographImages
from poregui.gui.thumbnails import Thumbnails
from poregui.gui.training import Trainer


@dataclass(frozen=True)
class Services:
    """Hold the services of one open project."""

    background: Background
    thumbnails: Thumbnails
    micrograph_images: MicrographImages
    trainer: Trainer
