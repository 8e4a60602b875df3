"""Read numbers as people write them, with a comma or a point."""

from __future__ import annotations

from poregui.domain.errors import PoreguiError


def scale_from(text: str) -> float | None:
    """Return um per px from a text; None for an empty one.

    A comma and a point both separate decimals, whatever the desktop's language. Raises PoreguiError for anything that
    is no number above 0.
    """
    cleaned = text.strip().replace(",", ".")
    if not cleaned:
        return None
    try:
        value = float(cleaned)
    except ValueError as error:
        raise PoreguiError(f"{text!r} is no scale.", "Write um per px as a number, such as 0.42.") from error
    if not 0 < value < 1e6:
        raise PoreguiError(f"{text!r} is no scale.", "Write um per px as a number above 0.")
    return value
