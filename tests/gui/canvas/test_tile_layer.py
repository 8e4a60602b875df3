"""Hold how large micrographs are drawn and prepared: right in place, coarse first, bounded, never
in the way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import tifffile
from large_files import halves, take_for_large, textured, write_pyramid
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.domain.records import Micrograph
from poregui.gui.canvas.image_canvas import ImageCanvas
from poregui.gui.canvas.tile_layer import TileLayer, layer_of
from poregui.gui.canvas.tile_reader import TileCache, TileReader
from poregui.gui.label.label_state import LabelState
from poregui.gui.label.stage import Stage
from poregui.gui.services.jobs import Background
from poregui.gui.services.micrograph_images import MicrographImages
from poregui.gui.services.page_services import Services
from poregui.gui.services.session import Session
from poregui.gui.services.thumbnails import Thumbnails
from poregui.gui.widgets.context_view import ContextView
from poregui.store.files import file_hash
from poregui.store.project import Project
from poregui.vision.io.pyramid import open_pyramid
from poregui.workflow.editing.edits import AddMicrographs
from poregui.workflow.importing.image_identity import pyramid_file
from poregui.workflow.importing.images import ImportOptions, collect, settle

WIDTH, HEIGHT = 3200, 2400


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    take_for_large(monkeypatch, pixels=1_000_000, coarsest=1300)


@pytest.fixture
def reader(qapp) -> Iterator[TileReader]:
    made = TileReader()
    yield made
    made.close()


def blocks(dtype: type = np.uint8) -> np.ndarray:
    """Return squares of 100 px with greys of their own, which every smaller size shows too."""
    rng = np.random.default_rng(1)
    greys = rng.integers(0, 250, (HEIGHT // 100, WIDTH // 100))
    return np.kron(greys, np.ones((100, 100))).astype(dtype) * (
        dtype(200) if dtype == np.uint16 else dtype(1)
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_pyramid(tmp_path / "large.tif", halves(blocks(), 2), tile=256, compression="zlib")


def layer_for(file: Path, reader: TileReader, cache: TileCache | None = None) -> TileLayer:
    pyramid = open_pyramid(file)
    return TileLayer(pyramid, pyramid.overview(), cache, reader)


def drawn(layer: TileLayer, source: QRectF, width: int, height: int) -> np.ndarray:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    layer.draw(painter, QRectF(0, 0, width, height), source)
    painter.end()
    return np.asarray(image.constBits()).reshape(height, width, 4)[..., 0].astype(int)


def settled(layer: TileLayer, source: QRectF, width: int, height: int, qtbot) -> np.ndarray:
    drawn(layer, source, width, height)
    qtbot.waitUntil(lambda: not layer.busy)
    qtbot.wait(1)
    return drawn(layer, source, width, height)


@pytest.mark.parametrize(
    ("x", "y", "shrinks"),
    [
        (0, 0, 1),
        (333, 717, 1),
        (2400, 1900, 1),
        (100, 100, 2),
        (300, 50, 2.7),
        (0, 0, 3.9),
        (1000, 1000, 0.25),
    ],
)
def test_every_zoom_shows_the_right_part_in_the_right_place(file, reader, qtbot, x, y, shrinks):
    layer = layer_for(file, reader)
    wide, high = round(min(800, (WIDTH - x) / shrinks)), round(min(480, (HEIGHT - y) / shrinks))
    seen = settled(layer, QRectF(x, y, wide * shrinks, high * shrinks), wide, high, qtbot)
    rows = np.clip(np.round(y + (np.arange(high) + 0.5) * shrinks - 0.5).astype(int), 0, HEIGHT - 1)
    columns = np.clip(
        np.round(x + (np.arange(wide) + 0.5) * shrinks - 0.5).astype(int), 0, WIDTH - 1
    )
    expected = blocks()[np.ix_(rows, columns)].astype(int)
    margin = 5 + 5 * shrinks  # near the edge of a square the smaller sizes mix two of them
    inner = (rows % 100 > margin) & (rows % 100 < 99 - margin)
    inner_columns = (columns % 100 > margin) & (columns % 100 < 99 - margin)
    assert np.abs(seen - expected)[np.ix_(inner, inner_columns)].max() <= 2
    layer.close()


def test_what_is_not_read_yet_is_shown_blurred_and_in_place(file, reader, qtbot):
    layer = layer_for(file, reader)
    first = drawn(layer, QRectF(400, 300, 700, 500), 700, 500)
    expected = blocks()[300:800, 400:1100]
    assert abs(first[250, 350] - int(expected[250, 350])) < 3
    assert np.corrcoef(first.ravel(), expected.ravel())[0, 1] > 0.95
    with qtbot.waitSignal(layer.changed):
        pass
    qtbot.waitUntil(lambda: not layer.busy)
    assert np.array_equal(settled(layer, QRectF(400, 300, 700, 500), 700, 500, qtbot), expected)
    layer.close()


def test_the_whole_image_is_drawn_from_the_overview_and_nothing_is_read(file, reader):
    layer = layer_for(file, reader)
    seen = drawn(layer, QRectF(0, 0, WIDTH, HEIGHT), 640, 480)
    assert abs(seen[470, 630] - int(blocks()[-50, -50])) < 3
    assert not layer.busy
    layer.close()


def test_the_cache_lets_the_oldest_tiles_go(file, reader, qtbot):
    cache = TileCache(4 * 512 * 512)
    layer = layer_for(file, reader, cache)
    for x in range(0, 2400, 400):
        settled(layer, QRectF(x, 0, 800, 512), 800, 512, qtbot)
        assert 0 < cache.nbytes <= cache.most_bytes
    assert layer.value(10, 10) is None
    assert layer.value(2500, 100) == blocks()[100, 2500]
    cache.most_bytes = 512 * 512
    assert cache.nbytes <= 512 * 512
    layer.close()
    assert cache.nbytes == 0


def test_another_mapping_changes_what_is_shown_and_reads_nothing(tmp_path, reader, qtbot):
    array = blocks(np.uint16)
    file = write_pyramid(tmp_path / "deep.tif", halves(array, 2), tile=256)
    layer = layer_for(file, reader)
    part = QRectF(600, 400, 500, 400)
    before = settled(layer, part, 500, 400, qtbot)
    low, high = layer.pyramid.grey_low, layer.pyramid.grey_high
    expected = np.clip(
        np.rint((array[400:800, 600:1100].astype(float) - low) * 255 / (high - low)), 0, 255
    )
    assert np.abs(before - expected).max() <= 1
    layer.pyramid.close()  # whatever is read from now on fails
    lookup = (255 - np.arange(65536) // 256).astype(np.uint8)
    with qtbot.waitSignal(layer.changed):
        layer.set_mapping(lookup)
    assert np.array_equal(drawn(layer, part, 500, 400), lookup[array[400:800, 600:1100]])
    layer.set_mapping(None)
    assert np.array_equal(drawn(layer, part, 500, 400), before)
    assert not layer.busy


def test_a_mapping_holds_for_small_images_and_the_overview_too(qapp):
    array = textured(300, 200)
    layer = layer_of(array)
    assert np.array_equal(drawn(layer, QRectF(0, 0, 300, 200), 300, 200), array)
    layer.set_mapping(np.arange(255, -1, -1).astype(np.uint8))
    assert np.array_equal(drawn(layer, QRectF(0, 0, 300, 200), 300, 200), 255 - array)
    assert layer.overview_image().pixelColor(5, 7).red() == 255 - array[7, 5]
    assert layer.value(5, 7) == array[7, 5]


def test_a_damaged_tile_is_grey_and_told_once(tmp_path, reader, qtbot):
    array = blocks()
    file = write_pyramid(tmp_path / "large.tif", halves(array, 2), tile=256, compression="zlib")
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages[0]
        with open(file, "rb+") as stored:
            for number in (1, 2 * 13 + 1):
                stored.seek(page.dataoffsets[number])
                stored.write(b"\xff" * page.databytecounts[number])
    layer = layer_for(file, reader)
    received: list[str] = []
    layer.troubled.connect(received.append)
    seen = settled(layer, QRectF(0, 0, 1100, 1100), 1100, 1100, qtbot)
    assert (seen[:512, :512] == 128).all()
    assert np.array_equal(seen[:512, 512:1024], array[:512, 512:1024])
    assert len(received) == 1
    assert "large.tif is damaged" in received[0]
    layer.close()


# ---- in the window --------------------------------------------------------------------------


class Room:
    """Hold a project with one large micrograph, a canvas, and what opens it."""

    def __init__(
        self, folder: Path, file: Path, *, width: int = WIDTH, height: int = HEIGHT
    ) -> None:
        self.project = Project.create(folder)
        self.micrograph = Micrograph(1, str(file), file.name, file_hash(file), width, height, 8, 1)
        with self.project.transaction():
            AddMicrographs((self.micrograph,)).do(self.project)
        self.background = Background()
        self.images = MicrographImages(self.project, background=self.background)
        self.canvas, self.context = ImageCanvas(), ContextView()
        self.thumbnails = Thumbnails(self.project.pixels)
        services = Services(self.background, self.thumbnails, self.images, None)
        self.state = LabelState(Session(self.project, who="ada"), services)
        self.stage = Stage(self.canvas, self.context, self.state)
        self.stage.attach()

    def close(self) -> None:
        self.background.cancel_all()
        self.background.wait()
        self.images.close()
        self.thumbnails.close()
        self.project.close()


@pytest.fixture
def room_for(tmp_path, qtbot) -> Iterator:
    rooms: list[Room] = []

    def build(file: Path, **more: int) -> Room:
        rooms.append(Room(tmp_path / "project", file, **more))
        for widget in (rooms[-1].canvas, rooms[-1].context):
            qtbot.addWidget(widget)
        rooms[-1].canvas.resize(600, 400)
        return rooms[-1]

    yield build
    for room in rooms:
        room.close()


def shown(room: Room, qtbot) -> TileLayer:
    room.canvas.show()
    room.state.show_micrograph(room.micrograph.id)
    qtbot.waitUntil(lambda: room.canvas.tiles is not None)
    assert room.canvas.tiles is not None
    return room.canvas.tiles


def test_a_file_with_sizes_is_shown_cut_and_searched_without_a_cache(room_for, file, qtbot):
    room = room_for(file)
    layer = shown(room, qtbot)
    assert layer.pyramid.is_complete
    assert not layer.pyramid.instant
    cut = room.stage.cut(Box(3000, 2300, 128, 100))
    assert np.array_equal(cut.array, blocks()[2300:2400, 3000:3128])
    assert room.stage.box_at(1500, 1500, reach=5, usual=64) is not None
    assert not (room.project.folder / "cache").exists()
    qtbot.waitUntil(lambda: room.images.thumbnail(room.micrograph) is not None)
    assert room.images.thumbnail(room.micrograph).width() == 96


def test_a_box_drawn_over_half_a_large_micrograph_is_refused_with_a_sentence(
    room_for, file, qtbot, monkeypatch
):
    monkeypatch.setattr("poregui.gui.label.stage._LARGEST_CROP", 1000 * 1000)
    room = room_for(file)
    shown(room, qtbot)
    assert room.stage.cut(Box(0, 0, 1000, 1000)).array.shape == (1000, 1000)
    with pytest.raises(PoreguiError, match="too large to be one pore"):
        room.stage.cut(Box(0, 0, 1001, 1000))


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_what_a_file_lacks_is_prepared_in_the_background_and_the_view_stays(
    room_for, tmp_path, qtbot, suffix
):
    file = tmp_path / f"plain{suffix}"
    if suffix == ".png":
        PIL.Image.fromarray(blocks()).save(file)
    else:
        tifffile.imwrite(file, blocks(), rowsperstrip=16)
    room = room_for(file)
    received: list[str] = []
    room.background.started.connect(lambda handle: received.append(handle.title))
    layer = shown(room, qtbot)
    room.canvas.one_to_one()
    view = room.canvas.view
    assert np.array_equal(room.stage.cut(Box(10, 10, 50, 60)).array, blocks()[10:70, 10:60])
    qtbot.waitUntil(lambda: layer.pyramid.is_complete)
    assert received == [f"Preparing plain{suffix}"]
    assert room.canvas.tiles is layer
    assert room.canvas.view == view
    assert not layer.pyramid.instant
    assert len(list((room.project.folder / "cache").iterdir())) == 1
    assert np.array_equal(room.stage.cut(Box(10, 10, 50, 60)).array, blocks()[10:70, 10:60])


def test_prepared_sizes_are_used_again_and_made_anew_when_the_file_was_written_again(
    room_for, tmp_path, qtbot
):
    file = tmp_path / "plain.tif"
    tifffile.imwrite(file, blocks(), rowsperstrip=16)
    room = room_for(file)
    layer = shown(room, qtbot)
    qtbot.waitUntil(lambda: layer.pyramid.is_complete)
    (kept,) = (room.project.folder / "cache").iterdir()
    first = kept.stat().st_ino
    again = MicrographImages(room.project, background=room.background)
    with qtbot.waitSignal(again.loaded):
        again.request(room.micrograph)
    assert again.get(room.micrograph).image.is_complete
    again.close()
    tifffile.imwrite(file, blocks(), rowsperstrip=16)
    os.utime(file, ns=(5, 5))
    once_more = MicrographImages(room.project, background=room.background)
    with qtbot.waitSignal(once_more.loaded):
        once_more.request(room.micrograph)
    qtbot.waitUntil(lambda: once_more.get(room.micrograph).image.is_complete)
    assert kept.stat().st_ino != first
    assert once_more.get(room.micrograph).image.read(0, Box(0, 0, 1, 1))[0, 0] == blocks()[0, 0]
    once_more.close()
    tifffile.imwrite(file, 255 - blocks(), rowsperstrip=16)
    replaced = MicrographImages(room.project, background=room.background)
    with qtbot.waitSignal(replaced.failed):
        replaced.request(room.micrograph)
    replaced.close()


def test_cancelling_leaves_nothing_and_the_micrograph_stays_usable(room_for, tmp_path, qtbot):
    file = tmp_path / "plain.tif"
    tifffile.imwrite(file, blocks(), rowsperstrip=16)
    room = room_for(file)
    room.background.started.connect(lambda handle: handle.cancel())
    layer = shown(room, qtbot)
    qtbot.waitUntil(lambda: not room.background.busy)
    assert list((room.project.folder / "cache").iterdir()) == []
    assert not layer.pyramid.is_complete
    assert np.array_equal(room.stage.cut(Box(10, 10, 50, 60)).array, blocks()[10:70, 10:60])
    # what it wants to see when it paints would take the place of what is asked for here
    room.canvas.hide()
    seen = settled(layer, QRectF(0, 0, 600, 400), 600, 400, qtbot)
    assert np.array_equal(seen, blocks()[:400, :600])


def test_a_project_that_may_not_be_written_prepares_in_a_folder_that_goes_away(tmp_path, qtbot):
    file = tmp_path / "plain.tif"
    tifffile.imwrite(file, blocks(), rowsperstrip=16)
    room = Room(tmp_path / "project", file)
    room.close()
    project = Project.open(tmp_path / "project", read_only=True)
    background = Background()
    images = MicrographImages(project, background=background)
    with qtbot.waitSignal(images.loaded):
        images.request(project.micrographs()[0])
    qtbot.waitUntil(lambda: images.get(project.micrographs()[0]).image.is_complete)
    own = Path(images._own_folder.name)
    assert list(own.rglob("*.tif"))
    background.wait()
    images.close()
    project.close()
    assert not own.exists()
    assert not (tmp_path / "project" / "cache").exists()


def test_sizes_of_micrographs_that_are_gone_are_deleted(room_for, file):
    room = room_for(file)
    cache = room.project.folder / "cache"
    cache.mkdir()
    kept = pyramid_file(room.project.folder, room.micrograph)
    for path in (kept, cache / "gone.tif", cache / ".killed.1234.tif", cache / "notes.txt"):
        path.touch()
    MicrographImages(room.project).close()
    assert {path.name for path in cache.iterdir()} == {kept.name, "notes.txt"}


def test_a_file_of_another_size_is_refused_with_a_sentence(room_for, file, qtbot):
    room = room_for(file, width=WIDTH + 1)
    with qtbot.waitSignal(room.images.failed) as failed:
        room.state.show_micrograph(room.micrograph.id)
    assert "Its crops would not fit" in str(failed.args[1])


def test_a_large_file_is_imported_without_being_read_whole(tmp_path, file, monkeypatch):
    monkeypatch.setattr(
        "poregui.vision.io.pyramid.read_image", lambda path: pytest.fail("read as a whole")
    )
    project = Project.create(tmp_path / "project")
    collected = collect([file], ImportOptions(kind="micrographs"), project.pixels)
    plan = settle(project, collected, "ada")
    with project.transaction():
        plan.edit.do(project)
    (micrograph,) = project.micrographs()
    assert (micrograph.width, micrograph.height, micrograph.bits) == (WIDTH, HEIGHT, 8)
    project.close()
