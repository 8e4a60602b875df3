"""Choose micrographs by what a person writes, exactly one for each text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from poregui.domain.errors import PoreguiError
from poregui.domain.micrograph_names import full_name, micrographs_meant, names_with_ids, plain
from poregui.domain.records import Micrograph
from poregui.store.project import Project

_WILD = "*?["
_HOW = "Write more of its path, or its number such as #3; poregui micrographs PROJECT lists both."
FileOf = Callable[[Micrograph], Path]


def micrographs_called(
    micrographs: Iterable[Micrograph], texts: Iterable[str], file_of: FileOf | None = None
) -> list[Micrograph]:
    """Return the micrographs that texts mean, in the order of the project.

    See `one_called`, which raises for any of them.
    """
    there = list(micrographs)
    ids = {one_called(there, text, file_of).id for text in texts}
    return [one for one in there if one.id in ids]


def one_called(
    micrographs: Sequence[Micrograph], text: str, file_of: FileOf | None = None
) -> Micrograph:
    """Return the micrograph that a text means: an id, a path or the end of one, or a name.

    `file_of` tells the file of a micrograph, for paths as they are written at a prompt. Raises
    PoreguiError where several are meant, which it lists, or none, with the names most like it.
    """
    found = _at(micrographs, text, file_of) or micrographs_meant(micrographs, text)
    if len(found) == 1:
        return found[0]
    if found:
        raise PoreguiError(
            f"{text!r} can mean {len(found)} micrographs: {names_with_ids(found)}.", _HOW
        )
    raise _unknown(micrographs, text)


def _at(micrographs: Sequence[Micrograph], text: str, file_of: FileOf | None) -> list[Micrograph]:
    """Return the micrographs of the file at a path, where the text is a path that leads to one of
    theirs.
    """
    if file_of is None or not {"/", "\\"} & set(text):
        return []
    try:
        wanted = Path(text).absolute().resolve()
        return [micrograph for micrograph in micrographs if file_of(micrograph).resolve() == wanted]
    except (OSError, ValueError, RuntimeError):
        return []


def _unknown(micrographs: Sequence[Micrograph], text: str) -> PoreguiError:
    from difflib import get_close_matches

    known = [micrograph.shown_name for micrograph in micrographs]
    near = get_close_matches(text, known, n=3, cutoff=0.5) or known[:5]
    more = " and others" if len(known) > len(near) else ""
    if known:
        remedy = f"The project has {', '.join(near)}{more}."
    else:
        remedy = "Import some first."
    return PoreguiError(f"There is no micrograph {text!r}.", remedy)


def micrographs_like(project: Project, pattern: str) -> list[Micrograph]:
    """Return the micrographs that a pattern with `*` and `?` fits, or the one that a text without
    them means.

    A pattern with `/` is held against the end of the path, another one against the name. Raises
    PoreguiError for a text that means several or none, and for a pattern that fits none; `*` fits
    whatever there is.
    """
    there = list(project.micrographs())
    if pattern == "*":
        return there
    literal = _at(there, pattern, project.micrograph_file) or micrographs_meant(there, pattern)
    if not set(_WILD) & set(pattern) or len(literal) == 1:
        return [one_called(there, pattern, project.micrograph_file)]
    found = [one for one in there if _fits(one, pattern)]
    if not found:
        raise PoreguiError(
            f"No micrograph is named {pattern!r}.", "See: poregui micrographs PROJECT."
        )
    return found


def _fits(micrograph: Micrograph, pattern: str) -> bool:
    wanted = plain(pattern)
    parts = plain(full_name(micrograph)).split("/")
    end = "/".join(parts[-(wanted.count("/") + 1) :])
    return fnmatchcase(end, wanted)
