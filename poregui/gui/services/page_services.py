"""Name what pages share beside the session: background work, images and the trainer."""

from __future__ import annotations

from dataclasses import dataclass

from poregui.gui.services.jobs import Background
from poregui.gui.services.micrograph_images import MicrographImages
from poregui.gui.services.thumbnails import Thumbnails
from poregui.gui.services.trainer import Trainer


@dataclass(frozen=True)
class Services:
    """Hold the services of one open project."""

    background: Background
    thumbnails: Thumbnails
    micrograph_images: MicrographImages
    trainer: Trainer
