"""Freeze labelled crops with their split into a run folder; preview that split."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from poregui.domain.classes import NOT_A_PORE, NOT_A_PORE_NAME, NOT_A_PORE_OUTPUT_FROM, PoreClass
from poregui.domain.dataset import Dataset, DatasetCrop, SplitName, outline_in_crop
from poregui.domain.errors import PoreguiError, ProjectError, TrainingError
from poregui.domain.geometry import Outline
from poregui.domain.recipe import Recipe
from poregui.domain.records import Crop
from poregui.domain.statistics.splits import (
    FIXED_FROM,
    TEST_SHARE,
    Item,
    Sources,
    Split,
    assign_folds,
    check_trainable,
    choose_or_fall_back,
    keys_of,
    kind_of,
    make_split,
)
from poregui.domain.wording import count, listed
from poregui.store.pixels import PixelsInHand, PixelStore
from poregui.store.pretrained_weights import check_installed
from poregui.store.project import Project
from poregui.store.run_folder import RunFolder
from poregui.workflow.training.grouping import (
    find_copies,
    group_names,
    keep_sources,
    sources_of,
    unknown_specimens,
    untangle_folds,
    untangle_splits,
    why_not_grouped,
)

_SPLIT_SEED = 0
"""The test set of a project does not depend on the seed of a recipe, so that
runs can be compared.
"""


@dataclass(frozen=True)
class GroupRow:
    """Hold how many crops of each class one specimen, micrograph or single crop brings, and to
    which split.
    """

    name: str
    split: SplitName
    counts: tuple[int, ...]


@dataclass(frozen=True)
class DatasetSummary:
    """Say what a training would use: `counts[split][i]` crops of `classes[i]`, the groups, and what
    is wrong with it.

    `class_ids` are those of `classes`.

    `problem` is None when training can start.
    """

    classes: tuple[str, ...]
    counts: dict[SplitName, tuple[int, ...]]
    groups: tuple[GroupRow, ...]
    kind: str
    warnings: tuple[str, ...]
    problem: PoreguiError | None
    class_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Labelled:
    classes: tuple[str, ...]
    class_ids: tuple[int, ...]
    crops: tuple[Crop, ...]
    notes: tuple[str, ...]
    sources: Sources | None
    class_uids: tuple[str, ...]

    @property
    def items(self) -> list[Item]:
        index = {class_id: i for i, class_id in enumerate(self.class_ids)}
        return [
            Item(c.id, index[c.label], self.keys_of(c)[0])
            for c in self.crops
            if c.label is not None
        ]

    def keys_of(self, crop: Crop) -> tuple[str, ...]:
        """Return the keys under which a crop can be on the test set, that of its group first."""
        return keys_of(crop, self.sources.of.get(crop.id, "") if self.sources else "")


def _labelled(project: Project) -> _Labelled:
    classes = project.classes()
    crops = project.crops()
    counts = Counter(crop.label for crop in crops)
    check_trainable({c.name: counts[c.id] for c in classes})
    outputs = [c for c in classes if counts[c.id]]
    ids = [c.id for c in outputs]
    names = [c.name for c in outputs]
    notes = [
        f"No crop is labelled {c.name}; the network will not know this class."
        for c in _unused(classes, counts)
    ]
    if counts[NOT_A_PORE] >= NOT_A_PORE_OUTPUT_FROM:
        ids.append(NOT_A_PORE)
        names.append(NOT_A_PORE_NAME)
    elif counts[NOT_A_PORE]:
        notes.append(
            f"{count(counts[NOT_A_PORE], 'crop')} labelled not a pore excluded; with "
            f"{NOT_A_PORE_OUTPUT_FROM} or more the network learns this class too."
        )
    kept = tuple(crop for crop in crops if crop.label in ids)
    known = project.class_uids()
    sources = sources_of(project, crops)
    uids = tuple(known.get(class_id, "") for class_id in ids)
    return _Labelled(tuple(names), tuple(ids), kept, tuple(notes), sources, uids)


def _unused(classes: Sequence[PoreClass], counts: Counter[int | None]) -> list[PoreClass]:
    return [c for c in classes if not counts[c.id]]


@dataclass(frozen=True)
class _TestSplit:
    ids: frozenset[int]
    kind: str
    keys: frozenset[str] | None
    """The groups to be written down, or None when what the project holds is used."""
    warnings: tuple[str, ...]


def _test_split(project: Project, labelled: _Labelled) -> _TestSplit:
    items = labelled.items
    given = frozenset(c.id for c in labelled.crops if c.given_split == "test")
    if given:
        return _TestSplit(given, "given", None, _thin_test(labelled, given))
    groups = sorted({item.group for item in items})
    if project.meta("test_side_fixed") == "1":
        keys = project.test_split()
        kept = frozenset(c.id for c in labelled.crops if keys.intersection(labelled.keys_of(c)))
        if kept and len(kept) < len(items):
            if keys:
                kind = kind_of([key for key in keys if key])
            else:
                kind = kind_of(groups)
            return _TestSplit(
                kept, kind, None, (*_leaks(labelled, kept), *_thin_test(labelled, kept))
            )
    chosen, whole = choose_or_fall_back(items, TEST_SHARE, _SPLIT_SEED)
    if whole:
        keys = frozenset(item.group for item in items if item.crop_id in chosen)
        return _TestSplit(
            chosen, kind_of(groups), keys, unknown_specimens(groups, labelled.sources)
        )
    warnings = (why_not_grouped(groups),)
    return _TestSplit(chosen, "crop", frozenset(f"crop:{i}" for i in chosen), warnings)


def _leaks(labelled: _Labelled, test: frozenset[int]) -> tuple[str, ...]:
    tested = {labelled.keys_of(c)[0] for c in labelled.crops if c.id in test}
    trained = {labelled.keys_of(c)[0] for c in labelled.crops if c.id not in test}
    shared = len(tested & trained)
    if not shared:
        return ()
    return (
        f"{count(shared, 'specimen, micrograph or source', 'specimens, micrographs or sources')} "
        "used for training and testing: the accuracy may be too high.",
    )


def _thin_test(labelled: _Labelled, test: frozenset[int]) -> tuple[str, ...]:
    counts = Counter(item.label for item in labelled.items if item.crop_id in test)
    missing = [name for i, name in enumerate(labelled.classes) if not counts[i]]
    if missing:
        return (f"No test crop of {listed(missing, 'or')}: recall cannot be measured.",)
    return ()


def _split(project: Project, labelled: _Labelled, recipe: Recipe) -> tuple[Split, _TestSplit]:
    test = _test_split(project, labelled)
    split = make_split(
        labelled.items,
        test.ids,
        kind=test.kind,
        validation_share=recipe.validation_share,
        seed=_SPLIT_SEED,
        warnings=(*labelled.notes, *test.warnings),
    )
    if not split.train or len({i.label for i in labelled.items if i.crop_id in split.train}) < len(
        labelled.classes
    ):
        raise TrainingError(
            "Some class has no crop left for training outside the test set.",
            "Label more crops of every class.",
        )
    return split, test


def summarise(project: Project, recipe: Recipe) -> DatasetSummary:
    """Return what `freeze` would put together now; changes nothing and raises nothing for unfit
    data.
    """
    try:
        labelled = _labelled(project)
        split, _ = _split(project, labelled, recipe)
    except PoreguiError as problem:
        classes = project.classes()
        counts = project.label_counts()
        return DatasetSummary(
            tuple(c.name for c in classes),
            {"train": tuple(counts[c.id] for c in classes)},
            (),
            "",
            (),
            problem,
            tuple(c.id for c in classes),
        )
    part_of = _split_of(split)
    names = group_names(project)
    by_split: dict[SplitName, Counter[int]] = {
        "train": Counter(),
        "validation": Counter(),
        "test": Counter(),
    }
    by_group: dict[tuple[str, SplitName], Counter[int]] = {}
    for item in labelled.items:
        split_name = part_of[item.crop_id]
        by_split[split_name][item.label] += 1
        by_group.setdefault((item.group, split_name), Counter())[item.label] += 1
    indices = range(len(labelled.classes))
    rows = [
        GroupRow(group_name(group, names), split_name, tuple(counted[i] for i in indices))
        for (group, split_name), counted in by_group.items()
        if not group.startswith("crop:")
    ]
    return DatasetSummary(
        classes=labelled.classes,
        counts={
            split_name: tuple(counted[i] for i in indices)
            for split_name, counted in by_split.items()
        },
        groups=tuple(sorted(rows, key=lambda row: row.name)),
        kind=split.kind,
        warnings=split.warnings,
        problem=None,
        class_ids=labelled.class_ids,
    )


def _split_of(split: Split) -> dict[int, SplitName]:
    splits: dict[int, SplitName] = dict.fromkeys(split.train, "train")
    splits |= dict.fromkeys(split.validation, "validation")
    splits |= dict.fromkeys(split.test, "test")
    return splits


def group_name(key: str, names: Mapping[str, str]) -> str:
    """Return how a group is called: its name, the source that its file names tell, or its key in
    words.
    """
    return names.get(key) or key.removeprefix("source:").replace(":", " ")


@dataclass(frozen=True)
class Frozen:
    """Hold what goes into a new run folder; `write` needs the crop pixels only and may run in any
    thread.
    """

    run: RunFolder
    recipe: Recipe
    labelled: _Labelled
    splits: dict[int, SplitName]
    tests: list[list[int]]
    kind: str
    groups_train: int
    groups_test: int
    warnings: tuple[str, ...]
    grouped: bool
    micrograph_names: dict[int, str]
    pixels: PixelStore
    outlines: Mapping[int, Outline]

    def write(self) -> RunFolder:
        """Write the folder and return it.

        Raises PoreguiError, with nothing left behind, when that is refused.
        """
        try:
            in_hand = PixelsInHand(self.pixels)
            splits, tests, notes = self._without_copies(in_hand)
            crops = _dataset_crops(self, splits)
            dataset = Dataset(
                self.labelled.classes,
                self.labelled.class_ids,
                crops,
                self.kind,
                self.groups_train,
                self.groups_test,
                (*self.warnings, *notes),
                self.labelled.class_uids,
            )
            if tests:
                self.run.write_folds(tests)
            self.run.write_dataset(self.recipe, dataset, _arrays(crops, in_hand))
        except BaseException:
            shutil.rmtree(self.run.path, ignore_errors=True)
            raise
        return self.run

    def _without_copies(
        self, in_hand: PixelsInHand
    ) -> tuple[dict[int, SplitName], list[list[int]], tuple[str, ...]]:
        """Return splits and folds in which no crop is tested whose copy was trained on, and what
        was done for it.
        """
        crops = self.labelled.crops
        pixels = (p.array for p in in_hand.get_many(c.pixels for c in crops))
        copies = find_copies([crop.id for crop in crops], pixels)
        if self.tests:
            tests, notes = untangle_folds(self.tests, copies)
            return self.splits, tests, notes
        splits, notes = untangle_splits(self.splits, copies)
        if {crop.label for crop in crops if splits.get(crop.id) == "train"} != {
            crop.label for crop in crops
        }:
            return (
                self.splits,
                [],
                ("Too many crops are copies of one another to keep copies in one split.",),
            )
        return splits, [], notes


def _arrays(crops: Sequence[DatasetCrop], in_hand: PixelsInHand) -> Iterator[NDArray[Any]]:
    """Yield the pixels of crops. Raises ProjectError for pixels of another size than their crop."""
    kept = in_hand.get_many(crop.pixels for crop in crops)
    for crop, pixels in zip(crops, kept, strict=True):
        if pixels.array.shape[:2] != (crop.height, crop.width):
            raise ProjectError(
                f"The pixels of {crop.name} are not of the size of their crop.",
                "Restore pixels.db from a copy, or delete the crop.",
            )
        yield pixels.array


def prepare(project: Project, recipe: Recipe, *, folds: int = 0, grouped: bool = True) -> Frozen:
    """Decide what `freeze` writes and make the run folder: all that needs project.db, and quick.

    With `folds` of two or more the run is a cross-validation: every crop is tested once, by whole
    groups unless `grouped` is False. The test set of the project is written down the first time,
    and fixed from 100 labelled crops on. Raises TrainingError, with nothing left behind, when the
    labels do not allow a training.
    """
    project.check_writable()
    check_installed(recipe)
    labelled = _labelled(project)
    if folds:
        splits, tests, kind, groups, warnings = _fold_splits(
            labelled, folds, recipe.seed, grouped=grouped
        )
        groups_train = groups_test = groups
    else:
        split, test = _split(project, labelled, recipe)
        _write_test_split(project, test, labelled)
        splits = _split_of(split)
        tests = []
        kind = split.kind
        warnings = split.warnings
        groups_train = split.groups_train
        groups_test = split.groups_test
    return Frozen(
        run=project.new_run_folder(),
        recipe=recipe,
        labelled=labelled,
        splits=splits,
        tests=tests,
        kind=kind,
        groups_train=groups_train,
        groups_test=groups_test,
        warnings=warnings,
        grouped=grouped,
        micrograph_names={m.id: m.shown_name for m in project.micrographs()},
        pixels=project.pixels,
        outlines=project.outlines(),
    )


def freeze(project: Project, recipe: Recipe, *, folds: int = 0, grouped: bool = True) -> RunFolder:
    """Write recipe, labelled crops, their pixels and their split into a new run folder, as
    `prepare` decided them.
    """
    return prepare(project, recipe, folds=folds, grouped=grouped).write()


def _write_test_split(project: Project, test: _TestSplit, labelled: _Labelled) -> None:
    if test.keys is None:
        return
    fixed = len(labelled.crops) >= FIXED_FROM
    with project.transaction():
        project.put_test_split(test.keys)
        project.put_meta("test_side_fixed", "1" if fixed else "0")
        if fixed:
            keep_sources(project, labelled.sources)


def _fold_splits(
    labelled: _Labelled, folds: int, seed: int, *, grouped: bool
) -> tuple[dict[int, SplitName], list[list[int]], str, int, tuple[str, ...]]:
    items = labelled.items
    if not grouped:
        items = [Item(item.crop_id, item.label, f"crop:{item.crop_id}") for item in items]
    groups = sorted({item.group for item in items})
    if not 2 <= folds <= len(groups):
        raise TrainingError(
            f"{folds} folds are not possible with {len(groups)} specimens or micrographs.",
            f"Choose 2 to {len(groups)} folds."
            if len(groups) > 1
            else "Add crops of other specimens.",
        )
    fold_of = assign_folds(items, folds, seed)
    tests = [
        [item.crop_id for item in items if fold_of[item.group] == fold] for fold in range(folds)
    ]
    warnings = [*labelled.notes, *(unknown_specimens(groups, labelled.sources) if grouped else ())]
    for index, name in enumerate(labelled.classes):
        if len({fold_of[item.group] for item in items if item.label == index}) < 2:
            warnings.append(
                f"All crops of {name} are in one fold: the network that is tested on it has not "
                "seen this class."
            )
    splits: dict[int, SplitName] = dict.fromkeys((item.crop_id for item in items), "test")
    return splits, [test for test in tests if test], kind_of(groups), len(groups), tuple(warnings)


def _dataset_crops(frozen: Frozen, splits: Mapping[int, SplitName]) -> tuple[DatasetCrop, ...]:
    index = {class_id: i for i, class_id in enumerate(frozen.labelled.class_ids)}
    rows: list[DatasetCrop] = []
    offset = 0
    for crop in frozen.labelled.crops:
        if crop.id not in splits:
            continue
        assert crop.label is not None
        channels, bits, low, high = frozen.pixels.form(crop.pixels)
        row = DatasetCrop(
            crop_id=crop.id,
            label=index[crop.label],
            split=splits[crop.id],
            group=frozen.labelled.keys_of(crop)[0] if frozen.grouped else f"crop:{crop.id}",
            name=crop_name(crop, frozen.micrograph_names),
            pixels=crop.pixels,
            width=crop.width,
            height=crop.height,
            channels=channels,
            bits=bits,
            offset=offset,
            grey_low=low,
            grey_high=high,
            um_per_px=crop.um_per_px,
            outline=outline_in_crop(
                frozen.outlines.get(crop.id), crop.box, crop.width, crop.height
            ),
        )
        rows.append(row)
        offset += row.nbytes
    return tuple(rows)


def crop_name(crop: Crop, micrograph_names: dict[int, str]) -> str:
    """Return how a crop is called in lists and tables: where it was cut, or its file."""
    if crop.micrograph_id is not None and crop.box is not None:
        return (
            f"{micrograph_names.get(crop.micrograph_id, 'micrograph')} at {crop.box.x}, "
            f"{crop.box.y}"
        )
    return crop.source or f"crop {crop.id}"
