"""Hold which key does what, and let a person change that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QKeyCombination, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence

from poregui.domain.errors import PoreguiError
from poregui.gui.base.actions import ACTIONS, ActionSpec

LABEL = "label"
REVIEW = "review"
WINDOW = "window"
_BOTH = frozenset({LABEL, REVIEW})
_ON_BOTH = {"not_a_pore", "unsure", "clear", "undo", "redo", "next", "previous"}
_KEPT = ("Space", "Return", "Enter", "Esc", "Tab", "Up", "Down", "Home", "End", "PgUp", "PgDown")
"""Keys that move in lists, end what goes on or move the micrograph, whatever else is changed."""
_MODIFIERS = {
    Qt.Key.Key_Shift,
    Qt.Key.Key_Control,
    Qt.Key.Key_Alt,
    Qt.Key.Key_AltGr,
    Qt.Key.Key_Meta,
}


@dataclass(frozen=True)
class KeyEntry:
    """Hold one thing that a key does: its name in code, its text, its usual key and the pages
    where it acts.
    """

    name: str
    text: str
    group: str
    usual: str
    pages: frozenset[str]


def _portable(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)


def _entries() -> tuple[KeyEntry, ...]:
    """Return all that keys do; names of the label page are those of `LabelKeys.pressed`."""
    found = [
        KeyEntry(f"class_{i}", f"Label as class {i}", "Label", str(i), _BOTH) for i in range(1, 10)
    ]
    found += [KeyEntry("undo", "Undo", "Label", "Z", _BOTH)]
    found += [KeyEntry("redo", "Redo", "Label", "Y", _BOTH)]
    found += [_entry_of(spec) for spec in ACTIONS if spec.page_keys or spec.shortcuts]
    by_page = {"Label": 0, "Review": 1}
    return tuple(sorted(found, key=lambda entry: by_page.get(entry.group, len(by_page))))


def _entry_of(spec: ActionSpec) -> KeyEntry:
    text = spec.text.rstrip("…")
    if not spec.page_keys:
        group = spec.menu.partition("/")[0]
        key = _portable(spec.shortcuts[0])
        return KeyEntry(f"window_{spec.name}", text, group, key, frozenset({WINDOW}))
    name = spec.name.removeprefix("press_")
    pages = frozenset({LABEL})
    if name in _ON_BOTH:
        pages = _BOTH
    elif spec.menu == "Review":
        pages = frozenset({REVIEW})
    return KeyEntry(name, text, spec.menu, _portable(spec.page_keys.partition(",")[0]), pages)


ENTRIES = _entries()
_BY_NAME = {entry.name: entry for entry in ENTRIES}


class KeyMap(QObject):
    """Know the key of each entry; `changed` tells that one is another now."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._changes: dict[str, str] = {}

    @property
    def changes(self) -> Mapping[str, str]:
        """Return the keys that are not the usual ones, by name."""
        return dict(self._changes)

    def load(self, changes: Mapping[str, str]) -> None:
        """Take changed keys from the preferences; those that are unknown, unfit or taken keep their
        usual key.
        """
        self._changes = {}
        wanted = {name: _portable(key) for name, key in changes.items() if name in _BY_NAME}
        for name, key in wanted.items():
            if _unfit(_BY_NAME[name], key) is None:
                self._changes[name] = key
        while (clash := self._any_clash()) is not None:
            del self._changes[clash]
        self.changed.emit()

    def key(self, name: str) -> str:
        """Return the key of an entry as Qt writes it in files, such as `Shift+A`."""
        return self._changes.get(name, _BY_NAME[name].usual)

    def text(self, name: str) -> str:
        """Return the key of an entry as this desktop writes it."""
        return QKeySequence(self.key(name)).toString(QKeySequence.SequenceFormat.NativeText)

    def set(self, name: str, key: str) -> None:
        """Give an entry another key.

        Raises PoreguiError for a key that is unfit or taken; nothing changes then.
        """
        entry = _BY_NAME[name]
        key = _portable(key)
        problem = _unfit(entry, key)
        if problem is not None:
            raise problem
        taken = self._taken_by(entry, key)
        if taken is not None:
            shown = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
            raise PoreguiError(
                f"{shown} already means “{taken.text}”.",
                "Press another key, or change that one first.",
            )
        self._changes.pop(name, None)
        if key != entry.usual:
            self._changes[name] = key
        self.changed.emit()

    def reset(self) -> None:
        """Give all entries their usual keys."""
        self._changes = {}
        self.changed.emit()

    def meaning(self, event: QKeyEvent, page: str = LABEL) -> str | None:
        """Return what a key means on a page, or None.

        Some keyboards need Shift for digits, so it may be held there.
        """
        key = text_of(event)
        for entry in ENTRIES:
            if page in entry.pages and self.key(entry.name) == key:
                return entry.name
        if key.startswith("Shift+"):
            digit = Qt.Key.Key_0 <= event.key() <= Qt.Key.Key_9
            plain = key.removeprefix("Shift+")
            return next(
                (
                    e.name
                    for e in ENTRIES
                    if digit and page in e.pages and self.key(e.name) == plain
                ),
                None,
            )
        if key in ("Return", "Enter"):
            return "next"
        return None

    def _taken_by(self, entry: KeyEntry, key: str) -> KeyEntry | None:
        return next(
            (e for e in ENTRIES if e is not entry and _meet(e, entry) and self.key(e.name) == key),
            None,
        )

    def _any_clash(self) -> str | None:
        return next(
            (n for n, key in self._changes.items() if self._taken_by(_BY_NAME[n], key) is not None),
            None,
        )


def text_of(event: QKeyEvent) -> str:
    """Return the key of an event as Qt writes it in files, the number pad's like the others; empty
    for Shift alone.
    """
    if Qt.Key(event.key()) in _MODIFIERS:
        return ""
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return QKeySequence(QKeyCombination(held, Qt.Key(event.key()))).toString(
        QKeySequence.SequenceFormat.PortableText
    )


def key_map() -> KeyMap:
    """Return the one map of keys of this process."""
    global _key_map
    if _key_map is None:
        _key_map = KeyMap()
    return _key_map


_key_map: KeyMap | None = None


def _meet(one: KeyEntry, other: KeyEntry) -> bool:
    return WINDOW in one.pages or WINDOW in other.pages or bool(one.pages & other.pages)


def _unfit(entry: KeyEntry, key: str) -> PoreguiError | None:
    if not key or "," in key.removesuffix(","):
        return PoreguiError(
            "This key cannot be used.", "Press one key, alone or with Shift or Ctrl."
        )
    parts: Iterable[str] = key.split("+")[:-1]
    if key.rpartition("+")[2] in _KEPT:
        return PoreguiError(
            f"{key} is needed in lists and micrographs.", "Press a letter, digit or sign."
        )
    held = {part for part in parts if part in ("Ctrl", "Alt", "Meta")}
    if WINDOW not in entry.pages and held:
        return PoreguiError(f"{key} is a key of the window.", "Press a key without Ctrl or Alt.")
    if WINDOW in entry.pages and not held and not key.startswith("F") and key != entry.usual:
        return PoreguiError(
            f"{key} would act while you type.", "Hold Ctrl or Alt, or press F1 to F12."
        )
    return None
