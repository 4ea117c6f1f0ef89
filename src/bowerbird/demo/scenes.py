"""Photographs drawn by code: six kinds of scene, each a pure function of size and seed."""

import colorsys
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bowerbird.demo.noise import Color, Floats, below, cloud, gradient, mask, ridge

Size = tuple[int, int]
Random = np.random.Generator
Scene = Callable[[Size, Random], Image.Image]

#: Top, horizon and ground of a day: dawn, noon haze, dusk, after rain.
SKIES: list[tuple[Color, Color, Color]] = [
    ((62, 84, 140), (250, 190, 150), (40, 36, 62)),
    ((98, 160, 208), (236, 240, 232), (24, 62, 74)),
    ((54, 38, 92), (255, 140, 96), (28, 18, 48)),
    ((110, 140, 150), (232, 226, 204), (30, 52, 48)),
]


def draw(kind: str, size: Size, seed: int) -> Image.Image:
    """A picture of that kind; the same seed gives the same picture."""
    return SCENES[kind](size, np.random.default_rng(seed))


def mountains(size: Size, random: Random) -> Image.Image:
    """Ranges behind ranges, each bluer and paler with the distance."""
    sky, haze, ground = SKIES[random.integers(len(SKIES))]
    picture = gradient(size, [(0, sky), (0.6, haze), (1, haze)])
    _glow(picture, (random.uniform(0.2, 0.8), random.uniform(0.32, 0.48)), 0.5, haze)
    ranges = 6
    for number in range(ranges):
        near = number / (ranges - 1)
        height = size[1] * (0.42 + 0.42 * near)
        line = height + size[1] * (0.13 - 0.03 * near) * ridge(random, size[0], 3 + number)
        top = _mix(haze, ground, 0.15 + 0.85 * near)
        body = gradient(size, [(0.35, top), (1, _mix(top, haze, 0.45 * (1 - near)))])
        picture.paste(body, mask=below(line, size))
    return picture


def dunes(size: Size, random: Random) -> Image.Image:
    """Smooth crests of sand; the side away from the sun lies in shadow."""
    sky, haze, _ = SKIES[random.integers(len(SKIES))]
    sand = _hue(random.uniform(0.06, 0.1), 0.55, 0.9)
    picture = gradient(size, [(0, sky), (0.5, haze), (1, haze)])
    _glow(picture, (random.uniform(0.15, 0.85), 0.3), 0.4, (255, 244, 220))
    for number in range(5):
        near = number / 4
        wave = ridge(random, size[0], 1 + number % 2, roughness=0.22)
        line = size[1] * (0.48 + 0.36 * near) + size[1] * 0.12 * wave
        light = _mix(haze, sand, 0.45 + 0.55 * near)
        shade = _mix(light, (70, 30, 40), 0.5)
        picture.paste(gradient(size, [(0.4, light), (1, shade)]), mask=below(line, size))
        picture.paste(shade, mask=mask(_lee(line, size)))
    return picture


def sea(size: Size, random: Random) -> Image.Image:
    """A low sun over water and its broken light."""
    sky, haze, ground = SKIES[random.choice([0, 2, 3])]
    horizon = random.uniform(0.5, 0.62)
    sun = random.uniform(0.25, 0.75)
    picture = gradient(
        size, [(0, sky), (horizon, haze), (horizon, _mix(haze, sky, 0.6)), (1, ground)]
    )
    _glow(picture, (sun, horizon - 0.06), 0.45, (255, 226, 180))
    _clouds(picture, random, horizon, _mix(haze, (255, 255, 255), 0.4))
    _disc(picture, (sun, horizon - 0.07), 0.055, (255, 246, 224))
    rows = np.linspace(0, 1, size[1], dtype=np.float32)[:, None]
    columns = np.linspace(0, 1, size[0], dtype=np.float32)[None, :]
    depth = ((rows - horizon) / (1 - horizon)).clip(0, 1)
    ripples = _ripples(size, random)
    path = np.exp(-(((columns - sun) / (0.03 + 0.16 * depth)) ** 2)) * (rows > horizon)
    picture.paste((255, 236, 200), mask=mask(path * (ripples - 0.42) * 3.2))
    picture.paste(ground, mask=mask((rows > horizon) * (0.5 - ripples) * 0.9 * depth))
    return picture


def night(size: Size, random: Random) -> Image.Image:
    """Stars, the band of the Milky Way, a moon, and hills below."""
    picture = gradient(size, [(0, (6, 8, 26)), (0.7, (24, 34, 78)), (1, (70, 66, 110))])
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    slant = (rows / size[1] - 0.45) - random.uniform(-0.6, 0.6) * (columns / size[0] - 0.5)
    band = np.exp(-((slant * 4) ** 2)) * cloud(random, size, 6) ** 1.5
    picture.paste((168, 160, 220), mask=mask(band * 0.75))
    stars = random.uniform(0, 1, (size[1], size[0])).astype(np.float32)
    picture.paste((255, 250, 240), mask=mask((stars - 0.9982 + band * 0.004) * 700))
    _bright_stars(picture, random)
    _disc(picture, (random.uniform(0.15, 0.85), 0.2), 0.045, (250, 246, 226))
    for depth, color in ((0.78, (18, 20, 48)), (0.88, (8, 9, 24))):
        line = size[1] * (depth + 0.07 * ridge(random, size[0], 4))
        picture.paste(color, mask=below(line, size))
    return picture


def aurora(size: Size, random: Random) -> Image.Image:
    """Curtains of green and violet light over a dark wood."""
    picture = gradient(size, [(0, (4, 8, 24)), (1, (16, 44, 66))])
    stars = random.uniform(0, 1, (size[1], size[0])).astype(np.float32)
    picture.paste((240, 244, 255), mask=mask((stars - 0.9987) * 800))
    hues = random.permutation(np.array([0.40, 0.46, 0.78, 0.36]))
    for hue in hues[:3]:
        foot = size[1] * (random.uniform(0.45, 0.7) + 0.14 * ridge(random, size[0], 2, 0.35))
        folds = 0.55 + 0.45 * ridge(random, size[0], 24, 0.6)
        picture.paste(_hue(float(hue), 0.7, 1.0), mask=mask(_curtain(foot, folds, size)))
    line = size[1] * (0.9 + 0.03 * ridge(random, size[0], 60, 0.9))
    picture.paste((3, 8, 14), mask=below(line, size))
    return picture


def study(size: Size, random: Random) -> Image.Image:
    """Large translucent discs of neighbouring colours on paper."""
    hue = random.uniform(0, 1)
    picture = gradient(size, [(0, _hue(hue, 0.12, 0.98)), (1, _hue(hue + 0.08, 0.25, 0.9))])
    for number in range(16):
        color = _hue(hue + random.normal(0.12, 0.09), random.uniform(0.45, 0.85), 0.95)
        radius = int(size[0] * random.uniform(0.05, 0.24))
        at = (int(random.uniform(0, size[0])) - radius, int(random.uniform(0, size[1])) - radius)
        blur = 1 if number % 3 else 18
        shape = _soft_disc(radius, int(random.uniform(70, 170)), blur)
        picture.paste(color, (at[0] - 2 * blur, at[1] - 2 * blur), shape)
    return picture


SCENES: dict[str, Scene] = {
    "mountains": mountains,
    "dunes": dunes,
    "sea": sea,
    "night": night,
    "aurora": aurora,
    "study": study,
}


def _mix(one: Color, other: Color, share: float) -> Color:
    """`share` of the other colour in the one."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _hue(hue: float, saturation: float, value: float) -> Color:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _glow(picture: Image.Image, at: tuple[float, float], reach: float, color: Color) -> None:
    """Light around a place; place and reach in shares of width and height."""
    width, height = picture.size
    rows = (np.linspace(0, 1, height, dtype=np.float32)[:, None] - at[1]) * (height / width)
    columns = np.linspace(0, 1, width, dtype=np.float32)[None, :] - at[0]
    picture.paste(color, mask=mask(0.85 * np.exp(-(rows**2 + columns**2) / (reach / 2.5) ** 2)))


def _disc(picture: Image.Image, at: tuple[float, float], radius: float, color: Color) -> None:
    """A sun or a moon with a soft edge; the radius in shares of the height."""
    width, height = picture.size
    rows = np.arange(height, dtype=np.float32)[:, None] - at[1] * height
    columns = np.arange(width, dtype=np.float32)[None, :] - at[0] * width
    picture.paste(color, mask=mask((radius * height - np.hypot(rows, columns)) / 1.5))


def _soft_disc(radius: int, opacity: int, blur: int) -> Image.Image:
    """A mask with room around it for its blur."""
    room = 2 * blur
    shape = Image.new("L", (2 * (radius + room), 2 * (radius + room)))
    box = [room, room, room + 2 * radius, room + 2 * radius]
    ImageDraw.Draw(shape).ellipse(box, fill=opacity)
    return shape.filter(ImageFilter.BoxBlur(blur))


def _clouds(picture: Image.Image, random: Random, horizon: float, color: Color) -> None:
    """Long thin clouds above the horizon."""
    width, height = picture.size
    stretched = cloud(random, (width // 8, height), 3)
    field = np.asarray(Image.fromarray(stretched).resize(picture.size, Image.Resampling.BICUBIC))
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    picture.paste(color, mask=mask((field - 0.55) * 2.2 * (rows < horizon) * rows / horizon))


def _ripples(size: Size, random: Random) -> Floats:
    """Flat waves, finer towards the horizon; 0 to 1."""
    width, height = size
    fine = random.uniform(0, 1, (height // 2, width // 24)).astype(np.float32)
    enlarged = Image.fromarray(fine).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(enlarged, dtype=np.float32)


def _bright_stars(picture: Image.Image, random: Random) -> None:
    pen = ImageDraw.Draw(picture)
    for x, y, radius in random.uniform((0, 0, 0.6), (1, 0.7, 1.7), (40, 3)):
        x, y = x * picture.width, y * picture.height
        pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(255, 252, 244))


def _curtain(foot: Floats, folds: Floats, size: Size) -> Floats:
    """Light that is strong at its foot and fades upwards."""
    height = (foot[None, :] - np.arange(size[1], dtype=np.float32)[:, None]) / size[1]
    light = np.where(height > 0, np.exp(-height * 4.5), np.exp(height * 40))
    return light * folds[None, :] * 0.75


def _lee(line: Floats, size: Size) -> Floats:
    """The shadow below a crest that falls to the right: darkest at the crest, soon gone."""
    slope = np.convolve(np.gradient(line), np.ones(31) / 31, "same").astype(np.float32)
    depth = (np.arange(size[1], dtype=np.float32)[:, None] - line[None, :]) / size[1]
    fading: Floats = (1 - depth / 0.22).clip(0, 1) * (depth > 0.005)
    shadow: Floats = fading * (slope * 2.2).clip(0, 0.75)[None, :]
    return shadow
