"""Smooth randomness and gradients, the raw material of the drawn photographs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Color = tuple[int, int, int]


def ridge(random: np.random.Generator, width: int, waves: int, roughness: float = 0.5) -> Floats:
    """A line of hills: `width` heights between about -1 and 1, octaves of smooth noise."""
    at = np.linspace(0, 1, width, dtype=np.float32)
    line: Floats = np.zeros(width, dtype=np.float32)
    strength = 1.0
    while waves < width / 3:
        line += strength * _smooth(random.uniform(-1, 1, waves + 2), at * waves)
        waves, strength = waves * 2, strength * roughness
    return line


def cloud(random: np.random.Generator, size: tuple[int, int], grain: int) -> Floats:
    """A soft two-dimensional noise, shape (height, width), 0 to 1; `grain` blobs across."""
    width, height = size
    field = np.zeros((height, width), dtype=np.float32)
    for octave in range(4):
        cells = grain << octave
        small = random.uniform(0, 1, (max(2, cells * height // width), cells)).astype(np.float32)
        enlarged = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
        field += np.asarray(enlarged) / 2**octave
    even: Floats = (field - field.min()) / np.ptp(field)
    return even


def gradient(size: tuple[int, int], stops: list[tuple[float, Color]]) -> Image.Image:
    """Colours from top (0.0) to bottom (1.0), dithered so that a sky shows no bands."""
    width, height = size
    rows = np.linspace(0, 1, height)
    places = [place for place, _ in stops]
    column = np.stack([np.interp(rows, places, [c[i] for _, c in stops]) for i in range(3)], axis=1)
    dither = np.random.default_rng(0).uniform(0, 1, (height, 64, 1))
    tile = (column[:, None, :] + dither).clip(0, 255).astype(np.uint8)
    return Image.fromarray(np.tile(tile, (1, -(-width // 64), 1))[:, :width])


def below(line: Floats, size: tuple[int, int]) -> Image.Image:
    """A mask of what lies below a line of y positions (pixels), with soft edges."""
    rows = np.arange(size[1], dtype=np.float32)[:, None]
    return mask((rows - line[None, :]) * 0.7)


def mask(strength: NDArray[Any]) -> Image.Image:
    """A mask from strengths of 0 to 1; what lies outside is cut off."""
    return Image.fromarray((strength.clip(0, 1) * 255).astype(np.uint8))


def _smooth(values: NDArray[np.float64], at: Floats) -> Floats:
    """Values at whole places, joined by smooth steps."""
    left = at.astype(np.int32)
    step = at - left
    step = step * step * (3 - 2 * step)
    joined: Floats = (values[left] * (1 - step) + values[left + 1] * step).astype(np.float32)
    return joined
