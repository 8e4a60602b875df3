"""Render matrix, scratches, light, noise and pores of one synthetic field of view."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from poregui.domain.geometry import Box
from poregui.vision.synthetic.pore_shapes import PoreShape
from poregui.vision.synthetic.scene import FloatArray, Look


def draw_matrix(look: Look, width: int, height: int, rng: np.random.Generator) -> FloatArray:
    """Return the reflectance of a polished field without pores, near 1, float64 (height, width)."""
    field = np.ones((height, width))
    for cell, weight in ((3, 0.5), (14, 0.6), (60, 0.8)):
        field += look.texture * weight * _clouds(width, height, cell, rng)
    field *= 1 + _scratches(look, width, height, rng)
    field *= 1 + _stains(look, width, height, rng)
    return field


def expose(field: FloatArray, look: Look, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the image that the camera takes of a reflectance, uint8."""
    height, width = field.shape
    y, x = np.mgrid[0:height, 0:width]
    across = (x - width / 2) / width
    down = (y - height / 2) / height
    along = across * math.cos(look.gradient_angle) + down * math.sin(look.gradient_angle)
    light = (
        look.level * (1 + look.gradient * along) * (1 - look.vignetting * 2 * (across**2 + down**2))
    )
    grey = field * light + 6.0 + look.noise * rng.standard_normal((height, width))
    image: NDArray[np.uint8] = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return image


def _clouds(width: int, height: int, cell: int, rng: np.random.Generator) -> FloatArray:
    """Return smooth noise whose features are about `cell` px across and whose
    spread is about 0.6.
    """
    coarse = rng.standard_normal((height // cell + 2, width // cell + 2))
    return np.asarray(
        cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float64
    )


def _scratches(look: Look, width: int, height: int, rng: np.random.Generator) -> FloatArray:
    """Return the relative grey of fine scratches, most of them along the last
    polishing direction.
    """
    layer = np.zeros((height, width), dtype=np.uint8)
    for _ in range(look.scratches):
        if rng.random() < 0.7:
            angle = look.scratch_angle + rng.normal(0, 0.12)
        else:
            angle = rng.uniform(0, math.pi)
        length = rng.uniform(0.1, 1.1) * width
        bend = rng.normal(0, 0.03)
        steps = np.linspace(-0.5, 0.5, 24)
        along = steps * length
        aside = bend * length * steps**2
        x = rng.uniform(0, width) + along * math.cos(angle) - aside * math.sin(angle)
        y = rng.uniform(0, height) + along * math.sin(angle) + aside * math.cos(angle)
        points = np.rint(np.stack([x, y], axis=1) * 16).astype(np.int32)
        depth = int(rng.integers(90, 256))
        cv2.polylines(layer, [points], False, depth, 1, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(layer.astype(np.float64), (0, 0), max(0.6, 0.7 * look.focus_px))
    return np.asarray(soft * (-2.2 * look.scratch_contrast / 255), dtype=np.float64)


def _stains(look: Look, width: int, height: int, rng: np.random.Generator) -> FloatArray:
    """Return the relative grey of soft stains and dried drops, smooth over tens of px."""
    part = 8
    y, x = np.mgrid[0 : -(-height // part), 0 : -(-width // part)] * float(part)
    total = np.zeros_like(x)
    for _ in range(look.stains):
        radius = rng.uniform(90, 320)
        squeeze = rng.uniform(0.6, 1.0)
        across = x - rng.uniform(0, width)
        down = (y - rng.uniform(0, height)) / squeeze
        away = np.hypot(across, down) / radius
        angle = np.arctan2(down, across)
        for order in (2, 3, 5):
            away = away * (1 + 0.12 * np.cos(order * angle + rng.uniform(0, 2 * math.pi)))
        body = 0.5 - 0.5 * np.tanh((away - 1) * 4)
        rim = np.exp(-(((away - 1) / 0.18) ** 2))
        total -= (
            look.stain_contrast * rng.uniform(0.3, 1.0) * (0.6 * body + rng.uniform(0, 0.6) * rim)
        )
    return np.asarray(
        cv2.resize(total, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float64
    )


@dataclass(frozen=True)
class Patch:
    """Hold a pore's pixels.

    `left`, `top` are the upper left corner and `x`, `y` the pore's origin, all in px of the
    micrograph; `distance` is the signed distance to the wall in px, negative inside.
    """

    left: int
    top: int
    x: float
    y: float
    distance: FloatArray
    area_px: float

    @property
    def window(self) -> tuple[slice, slice]:
        """Return the rows and columns of the micrograph that the patch covers."""
        height, width = self.distance.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def tight_box(self) -> Box:
        """Return the smallest box around the pixels inside."""
        rows, columns = np.nonzero(self.distance <= 0)
        left = int(columns.min())
        top = int(rows.min())
        return Box(
            self.left + left,
            self.top + top,
            int(columns.max()) - left + 1,
            int(rows.max()) - top + 1,
        )


def rasterise(shape: PoreShape, um_per_px: float, x: float, y: float) -> Patch:
    """Return the signed distance to a pore's wall at the pixel centres around it, its origin put at
    (x, y) in px.
    """
    outline = shape.outline / um_per_px + (x, y)
    low = outline.min(axis=0)
    high = outline.max(axis=0)
    extent = float((high - low).max())
    margin = math.ceil(min(14.0, 7 + extent / 8))
    left, top = (int(edge) for edge in np.floor(low) - margin)
    right, bottom = (int(edge) for edge in np.ceil(high) + margin)
    if extent < 20:
        fine = 16
    elif extent < 60:
        fine = 8
    elif extent < 140:
        fine = 4
    else:
        fine = 2
    inside = _fill((outline - (left, top)) * fine, (right - left) * fine, (bottom - top) * fine)
    outer = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    inner = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    distance = np.where(inside, 0.5 - inner, outer - 0.5).astype(np.float64) / fine
    coarse = distance.reshape(bottom - top, fine, right - left, fine).mean(axis=(1, 3))
    return Patch(left, top, x, y, coarse, float(np.count_nonzero(inside)) / fine**2)


def _fill(outline: FloatArray, width: int, height: int) -> NDArray[np.bool_]:
    """Return which pixel centres lie inside a polygon, by the even-odd rule along each row."""
    x0 = outline[:, 0]
    y0 = outline[:, 1]
    x1 = np.roll(x0, -1)
    y1 = np.roll(y0, -1)
    rows = np.arange(height) + 0.5
    crosses = (y0 <= rows[:, None]) != (y1 <= rows[:, None])
    row, edge = np.nonzero(crosses)
    x = x0[edge] + (rows[row] - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
    turns = np.zeros((height, width + 1), dtype=np.int32)
    np.add.at(turns, (row, np.ceil(x - 0.5).astype(np.int64)), 1)
    return np.asarray(np.cumsum(turns, axis=1)[:, :width] % 2 == 1)


def draw_pore(
    field: FloatArray, patch: Patch, shape: PoreShape, look: Look, rng: np.random.Generator
) -> None:
    """Draw a pore into the reflectance of a field (matrix near 1), its wall at the half level
    whatever the focus.
    """
    rows, columns = patch.window
    diameter_px = 2 * math.sqrt(patch.area_px / math.pi)
    # A blur would shrink small round pores; a profile over the distance keeps the half level on the
    # wall.
    soft = min(look.focus_px, 0.25 + 0.11 * diameter_px)
    dark = 0.5 - 0.5 * np.tanh(0.85 * patch.distance / soft)
    faint = 1 - 0.75 * math.exp(-diameter_px / 4)
    floor = 1 - (1 - _floor(patch, shape, look, rng)) * faint
    matrix = field[rows, columns]
    reach = max(1.5, min(4.0, diameter_px / 8))
    relief = 1 + shape.halo * np.exp(-np.maximum(patch.distance, 0) / reach) * (
        patch.distance < 3 * reach
    )
    field[rows, columns] = matrix * relief * (1 - dark) + floor * dark


def _floor(patch: Patch, shape: PoreShape, look: Look, rng: np.random.Generator) -> FloatArray:
    """Return the tone of a pore's floor: darkness, unevenness, the glint of a hollow's bottom,
    powder grains.
    """
    height, width = patch.distance.shape
    depth = np.maximum(0, -patch.distance)
    y, x = np.mgrid[0:height, 0:width] + 0.5
    deepest = float(depth.max())
    middle_x, middle_y = (float((axis * depth).sum() / depth.sum()) for axis in (x, y))
    floor = np.full((height, width), shape.tone)
    for part in (4, 10):
        cells = rng.standard_normal((part, part))
        floor += shape.roughness * cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
    if shape.glint > 0:
        offset_x, offset_y = (deepest * part for part in shape.glint_offset)
        away = ((x - middle_x - offset_x) ** 2 + (y - middle_y - offset_y) ** 2) / max(
            0.34 * deepest, 0.8
        ) ** 2
        floor = floor + shape.glint * np.exp(-away)
    wall = np.clip((depth - 1.2 - look.focus_px) / 2, 0, 1)
    centre_x = patch.x - patch.left
    centre_y = patch.y - patch.top
    for grain in shape.grains:
        radius = grain.radius / look.um_per_px
        away = np.hypot(
            x - centre_x - grain.x / look.um_per_px, y - centre_y - grain.y / look.um_per_px
        )
        body = 0.5 - 0.5 * np.tanh(0.85 * (away - radius) / look.focus_px)
        shade = grain.tone * (1 - 0.55 * np.clip(away / radius, 0, 1) ** 2)
        floor = floor + (shade - floor) * body * wall
    return np.asarray(np.clip(floor, 0.03, 1.0), dtype=np.float64)
