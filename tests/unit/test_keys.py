"""Authkeys: where they come from, and what is none."""

import stat

import pytest

from bowerbird.app.keys import VARIABLE, find_authkey, kept_authkey, need_authkey, read_authkey
from bowerbird.errors import UsageError

CHINESE = "痛点就是起点"


@pytest.mark.parametrize(
    ("written", "key"),
    [
        (b"qiye", b"qiye"),
        (b"qiye\n", b"qiye"),
        (b"qiye\r\n", b"qiye"),
        (b"qiye\n\n", b"qiye\n"),
        (b" two words ", b" two words "),
        (b"\xff\x00\n\xfe", b"\xff\x00\n\xfe"),
        (f"{CHINESE}\n".encode(), CHINESE.encode()),
    ],
)
def test_a_key_is_the_bytes_of_its_file_without_one_newline(tmp_path, written, key):
    path = tmp_path / "k"
    path.write_bytes(written)
    assert read_authkey(path) == find_authkey(path) == key


@pytest.mark.parametrize("written", [b"", b"\n", b"\r\n", b"x" * 5_000])
def test_what_is_no_key_is_refused_by_the_name_of_its_file(tmp_path, written):
    path = tmp_path / "the.key"
    path.write_bytes(written)
    with pytest.raises(UsageError, match=r"the\.key"):
        read_authkey(path)


def test_a_folder_is_no_key(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_authkey(tmp_path)


def test_a_key_in_the_environment_is_its_utf_8(monkeypatch):
    monkeypatch.setenv(VARIABLE, CHINESE)
    assert find_authkey() == need_authkey() == CHINESE.encode()


def test_what_is_said_on_the_command_line_wins_over_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, "of the environment")
    path = tmp_path / "k"
    path.write_text("of the file")
    assert find_authkey(path) == b"of the file"
    assert find_authkey(typed=CHINESE) == CHINESE.encode()
    with pytest.raises(UsageError, match="two keys"):
        find_authkey(path, "typed")


def test_a_variable_that_is_set_and_empty_is_a_mistake(monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    with pytest.raises(UsageError, match=VARIABLE):
        find_authkey()


def test_who_cannot_make_a_key_is_told_where_to_look(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert find_authkey() is None
    with pytest.raises(UsageError, match="--authkey-file"):
        need_authkey()


def test_a_kept_key_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "listen.key"
    key = kept_authkey(path)
    assert len(key) == 64
    assert kept_authkey(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kept_authkey(tmp_path / "another") != key
