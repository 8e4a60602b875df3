"""Let a colleague rate a file: python -m poregui.gui.rating.rate_window FILE [NAME]."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QWidget

from poregui.domain.errors import PoreguiError
from poregui.gui.base.messages import messages
from poregui.gui.base.preferences import Preferences
from poregui.gui.base.theme import theme
from poregui.gui.rating.rating_dialog import RatingDialog
from poregui.store.rating_file import SUFFIX, RatingFile, label_text


class FileRating(QObject):
    """Ask for one crop of a file after the other; every answer is in the file at once."""

    def __init__(self, file: RatingFile, who: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._file = file
        self._who = who
        content = file.content()
        self._tokens = content.tokens
        self._uids = {c.id: uid for uid, c in content.classes}
        self.dialog = RatingDialog(f"Second opinion: {who}", parent)
        self.dialog.set_classes([pore_class for _, pore_class in content.classes])
        self.dialog.rated.connect(self._rate)
        self.dialog.undone.connect(self._take_back)
        self.dialog.finished.connect(self._end)
        self._show()

    def _show(self) -> None:
        left = self._file.content().left
        total = len(self._tokens)
        if not left:
            self.dialog.show_end(total)
            return
        image = QImage.fromData(self._file.image(left[0]))
        self.dialog.show_crop(image, 0, total - len(left), total)

    def _rate(self, label: int, seconds: float) -> None:
        left = self._file.content().left
        try:
            self._file.rate(left[0], label_text(label, self._uids), self._who, seconds)
        except PoreguiError as error:
            messages().error(error)
        self._show()

    def _take_back(self) -> None:
        try:
            self._file.take_back()
        except PoreguiError as error:
            messages().error(error)
        self._show()

    def _end(self) -> None:
        content = self._file.content()
        self._file.close()
        done = len(content.tokens) - len(content.left)
        messages().note(
            f"{done:,} of {len(content.tokens):,} rated in {self._file.path}; send the file back."
        )
        self.dialog.deleteLater()


def ask_to_rate(parent: QWidget) -> None:
    """Ask for a file and for the name of who rates it, and open it."""
    where, _ = QFileDialog.getOpenFileName(parent, "Rate a file", "", f"*{SUFFIX}")
    if not where:
        return
    file = RatingFile(Path(where))
    known = Preferences().annotator
    who, accepted = QInputDialog.getText(parent, "Rate a file", "Your name", text=known)
    if accepted and who.strip():
        FileRating(file, " ".join(who.split()), parent).dialog.open()
    else:
        file.close()


def main(arguments: list[str]) -> int:
    """Rate the file that is named until its window is closed, and return the exit code."""
    app = QApplication(sys.argv[:1])
    app.setApplicationName("poregui")
    app.setOrganizationName("poregui")
    preferences = Preferences()
    theme().set_mode(preferences.mode)
    theme().apply(app)
    who = " ".join(" ".join(arguments[1:]).split()) or preferences.annotator
    rating = FileRating(RatingFile(Path(arguments[0])), who)
    rating.dialog.show()
    return app.exec()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
