"""Hold that run-length masks of COCO come in as outlines, packed or listed, within bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from poregui.domain.errors import PoreguiError
from poregui.domain.geometry import Box
from poregui.workflow.exporting.formats.coco import read_coco
from poregui.workflow.exporting.formats.shapes import PoreShape


def coco(*masks: Any, width: int = 200, height: int = 150) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": "m.png", "width": width, "height": height}],
        "categories": [{"id": 1, "name": "Gas"}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 1, "segmentation": mask}
            for number, mask in enumerate(masks, start=1)
        ],
    }


def shapes_in(tmp_path: Path, value: dict[str, Any]) -> list[PoreShape]:
    (tmp_path / "c.json").write_text(json.dumps(value))
    (image,) = read_coco(tmp_path / "c.json")
    return list(image.shapes)


def areas(shapes: list[PoreShape]) -> list[float]:
    return sorted(shape.outline.area for shape in shapes if shape.outline is not None)


def mask_of(drawn: NDArray[np.bool_]) -> dict[str, Any]:
    """Return a mask as COCO lists it: down the columns, first how many pixels are not of it."""
    flat = drawn.T.reshape(-1)
    edges = np.flatnonzero(np.diff(flat, prepend=False, append=not flat[-1]))
    return {"size": list(drawn.shape), "counts": np.diff(edges, prepend=0).tolist()}


def packed(counts: list[int]) -> str:
    """Return counts as COCO's own tools pack them."""
    text = ""
    for index, count in enumerate(counts):
        left = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            bits = left & 31
            left >>= 5
            more = left != (-1 if bits & 16 else 0)
            text += chr(48 + bits + 32 * more)
    return text


def test_run_length_masks_are_outlines_of_as_many_pixels_with_holes_and_parts(
    tmp_path: Path,
) -> None:
    ring = np.zeros((150, 200), np.bool_)
    ring[20:60, 30:90] = True
    ring[30:50, 40:60] = False
    parts = np.zeros_like(ring)
    parts[0:10, 0:10] = True  # at the corner of the image
    parts[100:150, 195:200] = True
    parts[70, 100] = True
    listed = [mask_of(ring), mask_of(parts)]
    short = [{**one, "counts": packed(one["counts"])} for one in listed]
    for masks in (listed, short):
        shapes = shapes_in(tmp_path, coco(*masks))
        assert areas(shapes) == pytest.approx([1, 100, 250, 2000], rel=0.01)
        assert Box(30, 20, 60, 40) in [shape.box for shape in shapes]


def test_a_packed_mask_is_read_as_the_tools_of_coco_write_it(tmp_path: Path) -> None:
    counts = [6, 1, 40, 4, 5, 4, 5, 4, 21]  # of the tests of those tools
    assert packed(counts) == "61X13mN000`0"
    value = coco({"size": [9, 10], "counts": packed(counts)}, width=10, height=9)
    assert [round(area) for area in areas(shapes_in(tmp_path, value))] == [1, 12]


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        ({"counts": [30000]}, "has no size"),
        ({"counts": [30000], "size": [150, 200, 1]}, "has no size"),
        ({"counts": [30000], "size": ["150", 200]}, "has no size"),
        ({"counts": [30000], "size": [10**9, 10**9]}, "has no size"),
        ({"counts": [10**14], "size": [10**7, 10**7]}, "the image 200 x 150 px"),
        ({"counts": [30000], "size": [200, 150]}, "150 x 200 px and the image 200 x 150 px"),
        ({"counts": [30000], "size": [150, 200]}, "is empty"),
        ({"counts": [1, 2], "size": [150, 200]}, "does not fill"),
        ({"counts": [30001, -1], "size": [150, 200]}, "does not fill"),
        ({"counts": [1.5], "size": [150, 200]}, "no whole numbers"),
        ({"counts": None, "size": [150, 200]}, "has no counts"),
        ({"counts": "é", "size": [150, 200]}, "damaged"),
        ({"counts": "o" * 10**6, "size": [150, 200]}, "damaged"),
        ({"counts": "P", "size": [150, 200]}, "damaged"),
        ({"counts": [1] * 50_000, "size": [150, 200]}, "scattered"),
    ],
)
def test_a_mask_that_is_none_is_left_out_with_the_reason(
    tmp_path: Path, mask: dict[str, Any], reason: str
) -> None:
    with pytest.raises(PoreguiError, match=reason):
        shapes_in(tmp_path, coco(mask))


def test_a_mask_of_an_image_whose_size_nobody_says_is_bounded(tmp_path: Path) -> None:
    value = coco({"size": [30_000, 30_000], "counts": [0, 900_000_000]})
    value["images"] = [{"id": 1, "file_name": "m.png"}]
    with pytest.raises(PoreguiError, match="larger than a pore can be"):
        shapes_in(tmp_path, value)
