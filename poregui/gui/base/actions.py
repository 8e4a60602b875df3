"""Declare every action of the window once: menus, shortcuts and the sheet of
keys come from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from poregui.gui.base.icons import icon
from poregui.gui.services.warm_trainer import MEGABYTES


@dataclass(frozen=True)
class ActionSpec:
    """Hold one action: its name in code, its text, where it stands and which keys call it.

    `needs` names what has to be there for it (see menus.py; empty: nothing). `page_keys` are keys
    that a page holds itself, because they must not act while a person types into a field.
    """

    name: str
    text: str
    menu: str
    """Such as 'File', or 'File/Export' for a menu inside of it."""
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    needs: str = ""
    checkable: bool = False
    separated: bool = False
    page_keys: str = ""


ACTIONS = (
    ActionSpec("new_project", "New project…", "File", ("Ctrl+N",), "new"),
    ActionSpec("open_project", "Open project…", "File", ("Ctrl+O",), "open"),
    ActionSpec("try_sample", "Try sample project…", "File", (), "sample"),
    ActionSpec(
        "import_files",
        "Import images…",
        "File",
        ("Ctrl+I",),
        "import",
        "writable",
        separated=True,
    ),
    ActionSpec("import_folder", "Import folder…", "File", ("Ctrl+Shift+I",), "", "writable"),
    ActionSpec("import_outlines", "Import outlines…", "File", (), "", "writable"),
    ActionSpec("find_moved", "Find moved micrographs…", "File", (), "", "writable"),
    ActionSpec(
        "export_csv",
        "Export labels as CSV…",
        "File/Export",
        ("Ctrl+E",),
        "export",
        "project",
        separated=True,
    ),
    ActionSpec("export_xlsx", "Export tables as Excel workbook…", "File/Export", (), "", "project"),
    ActionSpec("export_class_folders", "Export class folders…", "File/Export", (), "", "project"),
    ActionSpec(
        "export_yolo", "Export class folders by split (YOLO)…", "File/Export", (), "", "project"
    ),
    ActionSpec(
        "export_coco", "Export outlines as COCO…", "File/Export", (), "", "project", separated=True
    ),
    ActionSpec(
        "export_geojson", "Export outlines as GeoJSON (QuPath)…", "File/Export", (), "", "project"
    ),
    ActionSpec(
        "export_imagej", "Export outlines as ImageJ ROIs…", "File/Export", (), "", "project"
    ),
    ActionSpec(
        "export_overlays",
        "Export micrographs with outlines as PNG…",
        "File/Export",
        (),
        "",
        "project",
        separated=True,
    ),
    ActionSpec(
        "export_crops_with_bar",
        "Export crops with scale bar as PNG…",
        "File/Export",
        (),
        "",
        "project",
    ),
    ActionSpec(
        "export_contact_sheets",
        "Export contact sheets as PDF…",
        "File/Export",
        (),
        "",
        "project",
        separated=True,
    ),
    ActionSpec(
        "export_contact_sheets_png",
        "Export contact sheets as PNG…",
        "File/Export",
        (),
        "",
        "project",
    ),
    ActionSpec(
        "export_model", "Export newest network…", "File/Export", (), "", "runs", separated=True
    ),
    ActionSpec("print_sheets", "Print contact sheets…", "File", ("Ctrl+P",), "", "project"),
    ActionSpec("pack", "Pack project…", "File", (), "", "project", separated=True),
    ActionSpec("merge_labels", "Merge labels from another copy…", "File", (), "", "writable"),
    ActionSpec(
        "pack_rating",
        "Pack for a second opinion…",
        "File/Second opinions",
        needs="writable",
        separated=True,
    ),
    ActionSpec("rate_file", "Rate a file…", "File/Second opinions"),
    ActionSpec("import_ratings", "Import ratings…", "File/Second opinions", needs="writable"),
    ActionSpec("backups", "Backups…", "File", (), "", "project"),
    ActionSpec("save", "Save", "File", ("Ctrl+S",), "", "project", separated=True),
    ActionSpec("close_project", "Close project", "File", ("Ctrl+W",), "", "project"),
    ActionSpec("quit", "Quit", "File", ("Ctrl+Q",), "", separated=True),
    ActionSpec("undo", "Undo", "Edit", ("Ctrl+Z",), "undo", "writable"),
    ActionSpec("redo", "Redo", "Edit", ("Ctrl+Y", "Ctrl+Shift+Z"), "redo", "writable"),
    ActionSpec(
        "edit_classes", "Classes…", "Edit", ("Ctrl+K",), "classes", "project", separated=True
    ),
    ActionSpec("name_specimens", "Specimens from file names…", "Edit", needs="writable"),
    ActionSpec(
        "group_by_file_name", "Group crops by file name", "Edit", needs="writable", checkable=True
    ),
    ActionSpec("edit_name", "Your name…", "Edit"),
    ActionSpec("edit_keys", "Keys…", "Edit"),
    ActionSpec("edit_tile_memory", "Memory for large micrographs…", "Edit"),
    ActionSpec(
        "keep_trainer_ready", f"Keep trainer ready (uses {MEGABYTES} MB)", "Edit", checkable=True
    ),
    ActionSpec("show_label", "Label", "View", ("Ctrl+1",), "label", "project", checkable=True),
    ActionSpec("show_train", "Train", "View", ("Ctrl+2",), "train", "project", checkable=True),
    ActionSpec("show_review", "Review", "View", ("Ctrl+3",), "review", "project", checkable=True),
    ActionSpec("show_apply", "Apply", "View", ("Ctrl+4",), "apply", "project", checkable=True),
    ActionSpec("zoom_in", "Zoom in", "View", ("Ctrl++", "Ctrl+="), "", "project", separated=True),
    ActionSpec("zoom_out", "Zoom out", "View", ("Ctrl+-",), "", "project"),
    ActionSpec("zoom_fit", "Whole micrograph", "View", ("Ctrl+0",), "", "project"),
    ActionSpec("zoom_actual", "100 %", "View", (), "", "project"),
    ActionSpec("theme_system", "System theme", "View", (), "", checkable=True, separated=True),
    ActionSpec("theme_light", "Light theme", "View", (), "", checkable=True),
    ActionSpec("theme_dark", "Dark theme", "View", (), "", checkable=True),
    ActionSpec("full_screen", "Full screen", "View", ("F11",), "", checkable=True, separated=True),
    ActionSpec("press_not_a_pore", "Not a pore", "Label", needs="labels", page_keys="0"),
    ActionSpec(
        "press_unsure", "Unsure (excluded from training)", "Label", needs="labels", page_keys="U"
    ),
    ActionSpec("press_clear", "Remove label", "Label", needs="labels", page_keys="Backspace"),
    ActionSpec(
        "press_accept",
        "Accept suggestion",
        "Label",
        needs="boxes",
        page_keys="A",
        separated=True,
    ),
    ActionSpec(
        "press_accept_page",
        "Accept all visible suggestions",
        "Label",
        needs="boxes",
        page_keys="Shift+A",
    ),
    ActionSpec(
        "press_next", "Next crop", "Label", needs="crops", page_keys="Right, Enter", separated=True
    ),
    ActionSpec("press_previous", "Previous crop", "Label", needs="crops", page_keys="Left"),
    ActionSpec(
        "press_fit", "Fit micrograph", "Label", (), "fit", "label", page_keys="F", separated=True
    ),
    ActionSpec(
        "press_outlines",
        "Outlines as lines, filled or hidden",
        "Label",
        needs="label",
        page_keys="H",
    ),
    ActionSpec("press_what_classes_are", "Class card", "Label", needs="label", page_keys="C"),
    ActionSpec(
        "press_draw_outline",
        "Draw outline",
        "Label",
        needs="boxes",
        page_keys="O",
        separated=True,
    ),
    ActionSpec("press_edit_outline", "Edit outline", "Label", needs="boxes", page_keys="E"),
    ActionSpec("press_merge", "Merge pores", "Label", needs="boxes", page_keys="M"),
    ActionSpec("press_split", "Split pore", "Label", needs="boxes", page_keys="S"),
    ActionSpec(
        "press_delete",
        "Delete selected crops",
        "Label",
        (),
        "delete",
        "boxes",
        page_keys="Delete",
    ),
    ActionSpec("blind_pass", "Blind second pass…", "Label", needs="writable", separated=True),
    ActionSpec("check_finding", "Check the finding…", "Label", needs="writable"),
    ActionSpec("train_start", "Train", "Train", ("Ctrl+T",), "play", "idle"),
    ActionSpec("train_stop", "Stop and keep best", "Train", ("Ctrl+.",), "stop", "running"),
    ActionSpec("train_cancel", "Discard training", "Train", needs="running"),
    ActionSpec("review_newest", "Newest run", "Review", ("Ctrl+R",), needs="runs"),
    ActionSpec(
        "review_errors", "All errors", "Review", needs="review", page_keys="E", separated=True
    ),
    ActionSpec("review_heat", "Heat map", "Review", needs="review", page_keys="H"),
    ActionSpec(
        "review_micrograph",
        "Show crop in micrograph",
        "Review",
        needs="review",
        page_keys="M",
    ),
    ActionSpec(
        "review_mark", "Mark as reviewed", "Review", needs="review", page_keys="R", separated=True
    ),
    ActionSpec("review_note", "Add note", "Review", needs="review", page_keys="N"),
    ActionSpec("review_keep", "Keep questioned label", "Review", needs="review", page_keys="K"),
    ActionSpec("review_change", "Change questioned label", "Review", needs="review", page_keys="C"),
    ActionSpec("agreement", "Agreement…", "Review", needs="project"),
    ActionSpec("review_report", "Export report…", "Review", needs="review", separated=True),
    ActionSpec("show_keys", "Keys", "Help", ("?",), "keys"),
    ActionSpec("show_about", "About poregui", "Help"),
)

PAGE_KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Micrograph",
        (
            ("Click", "crop the pore under the pointer"),
            ("Drag", "draw a crop, or move the selected one"),
            ("Wheel", "zoom under the pointer"),
            ("Space and drag", "move the micrograph"),
        ),
    ),
    (
        "Label and Review",
        (
            ("Ctrl and click", "select one more cell of the matrix"),
            ("Enter", "next crop"),
        ),
    ),
)
"""Keys and gestures of the pages that no action stands for."""


def build_actions(parent: QWidget) -> dict[str, QAction]:
    """Return an action for every declaration, owned by a window."""
    made = {}
    for spec in ACTIONS:
        action = QAction(spec.text, parent)
        action.setObjectName(f"{spec.name}_action")
        action.setShortcuts([QKeySequence(keys) for keys in spec.shortcuts])
        action.setCheckable(spec.checkable)
        parent.addAction(action)
        made[spec.name] = action
    return made


def name_keys(actions: Mapping[str, QAction], key: Callable[[str], str]) -> None:
    """Give the actions the keys of `key(name)`; names are those of key_map.py."""
    for spec in ACTIONS:
        action = actions[spec.name]
        if spec.page_keys:
            shown = QKeySequence(key(spec.name.removeprefix("press_"))).toString(
                QKeySequence.SequenceFormat.NativeText
            )
            action.setText(f"{spec.text}\t{shown}")
        elif spec.shortcuts:
            first = key(f"window_{spec.name}")
            if first == spec.shortcuts[0]:
                also = spec.shortcuts[1:]
            else:
                also = ()
            action.setShortcuts([QKeySequence(keys) for keys in (first, *also)])


def dress_actions(actions: Mapping[str, QAction]) -> None:
    """Give the actions icons in the colours of the theme."""
    for spec in ACTIONS:
        if spec.icon:
            actions[spec.name].setIcon(icon(spec.icon))


def fill_menus(bar: QMenuBar, actions: Mapping[str, QAction]) -> dict[str, QMenu]:
    """Put the actions into menus of a menu bar and return these by name."""
    menus: dict[str, QMenu] = {}
    for spec in ACTIONS:
        if spec.menu not in menus:
            outer, _, inner = spec.menu.partition("/")
            if inner:
                menus[outer].addSeparator()
            if inner:
                menus[spec.menu] = menus[outer].addMenu(f"&{inner}")
            else:
                menus[spec.menu] = bar.addMenu(f"&{outer}")
        elif spec.separated:
            menus[spec.menu].addSeparator()
        menus[spec.menu].addAction(actions[spec.name])
    return menus
