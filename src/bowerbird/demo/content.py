"""What the gallery shows: names, words and the seeds of the pictures. No logic."""

from typing import NamedTuple


class Photo(NamedTuple):
    """One drawn photograph."""

    slug: str
    title: str
    kind: str  #: of scene
    seed: int
    year: int  #: of its EXIF capture date


class Room(NamedTuple):
    """One gallery page; its way of embedding photographs is a template of its own."""

    slug: str
    title: str
    words: str
    figure: str  #: template in pages/
    photos: tuple[Photo, ...]


ROOMS = (
    Room(
        "mountains",
        "Mountains",
        "Ranges behind ranges, each paler than the one before it.",
        "figure-srcset.html",
        (
            Photo("first-snow", "First snow", "mountains", 1, 2019),
            Photo("evening-ridge", "Evening ridge", "mountains", 4, 2020),
            Photo("morning-ridge", "Morning ridge", "mountains", 11, 2021),
            Photo("after-the-rain", "After the rain", "mountains", 3, 2021),
            Photo("the-long-way-home", "The long way home", "mountains", 5, 2022),
            Photo("clear-noon", "Clear noon", "mountains", 6, 2023),
        ),
    ),
    Room(
        "nights",
        "Nights",
        "Long exposures, far from any lamp.",
        "figure-lazy.html",
        (
            Photo("green-curtain", "Green curtain", "aurora", 3, 2018),
            Photo("river-of-stars", "River of stars", "night", 4, 2019),
            Photo("violet-hour", "Violet hour", "aurora", 4, 2020),
            Photo("moon-over-the-pass", "Moon over the pass", "night", 2, 2020),
            Photo("solar-wind", "Solar wind", "aurora", 1, 2022),
            Photo("still-awake", "Still awake", "night", 5, 2024),
        ),
    ),
    Room(
        "sand-and-sea",
        "Sand and sea",
        "Two kinds of waves. Every picture opens at full size.",
        "figure-link.html",
        (
            Photo("red-tide", "Red tide", "sea", 1, 2017),
            Photo("slip-face", "Slip face", "dunes", 11, 2018),
            Photo("low-sun", "Low sun", "sea", 21, 2019),
            Photo("last-light", "Last light", "dunes", 4, 2021),
            Photo("quiet-water", "Quiet water", "sea", 4, 2022),
            Photo("wind-at-rest", "Wind at rest", "dunes", 2, 2023),
        ),
    ),
    Room(
        "colours",
        "Colours",
        "Studies on paper, for days when it rains.",
        "figure-background.html",
        (
            Photo("blue-on-blue", "Blue on blue", "study", 1, 2020),
            Photo("apricot", "Apricot", "study", 4, 2020),
            Photo("garden", "Garden", "study", 2, 2021),
            Photo("lemon-tree", "Lemon tree", "study", 3, 2022),
            Photo("peony", "Peony", "study", 5, 2023),
            Photo("plum", "Plum", "study", 6, 2024),
        ),
    ),
)

#: No page links to it; the sitemap's image extension does.
HIDDEN = Photo("hidden-valley", "Hidden valley", "mountains", 14, 2024)

PHOTOS = (*(photo for room in ROOMS for photo in room.photos), HIDDEN)
