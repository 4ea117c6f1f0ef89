"""What a configuration file says becomes what would have been typed, or a message for people."""

import re
from pathlib import Path

import pytest

from bowerbird.cli.given import merged, settings_of
from bowerbird.errors import SettingsError
from bowerbird.settings import Mode, Secrets, Settings, changes, make_settings


def given_by(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / "c.toml"
    path.write_text(text)
    return merged({"config": path})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("proxy = true", "--proxy takes text, not True"),
        ("dashboard-token = true", "--dashboard-token takes text"),
        ("workers = true", "--workers takes a whole number, not True"),
        ("workers = 1.5", "--workers takes a whole number, not 1.5"),
        ("max-depth = '3'", "--max-depth takes a whole number, not '3'"),
        ("durable = 'yes'", "--durable takes true or false, not 'yes'"),
        ("json = 1", "--json takes true or false, not 1"),
        ("include = [3]", "--include takes text, not 3"),
        ("cookies = ['a']", "--cookies takes text"),
        ("delay = '1x'", "--delay: '1x' is no duration"),
        ("scope = 'galaxy'", "--scope is 'galaxy'; must be one of host, domain, prefix, any"),
        ("min-sizes = 3", "names unknown options: min_sizes. Did you mean min_size?"),
        ("max_dept = 3", "Did you mean max_depth?"),
    ],
)
def test_a_value_of_another_kind_is_no_traceback(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(word)):
        make_settings(settings_of(given_by(tmp_path, text)))


def test_numbers_lists_and_lone_flags_are_read_as_if_typed(tmp_path: Path) -> None:
    given = given_by(
        tmp_path,
        'max-bytes = 5000\ndelay = 0.5\nmin_size = 400\ntypes = ["png", "jpg"]\n'
        'include = "*a*"\ndashboard = true\nquiet = true\n',
    )

    assert given["dashboard"] == "127.0.0.1"  # as `--dashboard` alone
    assert settings_of(given) == {
        "max_bytes": 5_000, "delay": 0.5, "min_width": 400, "min_height": 400,
        "types": ["png", "jpeg"], "include": ["*a*"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"max_pagez": 3}, "no option max_pagez. Did you mean max_pages?"),
        ({"max_pages": "x"}, "--max-pages takes a whole number, not text"),
        ({"types": "png"}, "--types takes a list, not text"),
        ({"min_size": "4x4"}, "no option min_size. Here it is min_width and min_height."),
        ({"delay": "1"}, "--delay takes a number, not text"),
        ({"memory": 1}, "--memory is 1; must be at least 16,777,216"),
        ({"max_images": 10**20}, "must be between 0 and 9,007,199,254,740,992"),
        ({"delay": float("nan")}, "--delay is nan; must be"),
        ({"max_time": float("nan")}, "--max-time is nan; must be"),
        ({"types": []}, "--types names none"),
        ({"include": [""]}, "an empty one matches no URL"),
    ],
)
def test_settings_from_python_are_refused_in_words(options: dict[str, object], word: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(word)):
        make_settings(options)


def test_a_name_that_is_like_no_other_is_not_guessed_at() -> None:
    with pytest.raises(SettingsError, match=r"no option colour\.$"):
        make_settings({"colour": "red"})


def test_what_changed_is_told_by_the_options_that_were_typed() -> None:
    new = Settings(min_width=40, min_height=30, obey_robots=False, obey_tags=False)

    assert changes(Settings(), new) == [
        "--min-size: 0x0 -> 40x30",
        "--ignore-robots: no -> yes",
    ]
    assert changes(
        Settings(mode=Mode.DOWNLOAD, obey_robots=False), Settings(mode=Mode.DOWNLOAD)
    ) == ["--robots: no -> yes"]


def test_the_login_of_a_proxy_is_not_sent_to_another() -> None:
    kept = Secrets(headers=("X: 1",), proxy_login="me:word")

    assert kept.renewed(Secrets(), another_proxy=False) == kept
    renewed = kept.renewed(Secrets(cookies="jar"), another_proxy=True)
    assert renewed == Secrets(headers=("X: 1",), cookies="jar")
    assert kept.changes(renewed) == ["--cookies", "login of --proxy"]
