"""Run the verb that describes a picture file; changes with what it tells."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from poregui.cli.output import Screen, table
from poregui.domain.plane import Plane


def image(args: argparse.Namespace, screen: Screen) -> int:
    """Describe a picture by its header."""
    from poregui.vision.io.reader import read_header

    header = read_header(args.file, Plane(args.page, args.channel, args.z))
    scale = "unknown" if header.um_per_px is None else f"{header.um_per_px:.4g} um per px"
    rows = [
        ("size", f"{header.width} x {header.height} px"),
        ("values", f"{header.dtype}, {header.bits} bits"),
        ("channels", header.channels),
        ("pages", header.pages),
        ("slices", header.slices),
        ("levels", header.levels),
        ("scale", scale),
        ("source of the scale", header.scale_source or None),
    ]
    text = "\n".join([table([args.file.name, ""], rows), *(f"Note: {warning}" for warning in header.warnings)])
    screen.result({"file": str(args.file), **asdict(header)}, text)
    return 0
