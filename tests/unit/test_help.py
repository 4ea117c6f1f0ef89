"""`--help` of every command, as a reader meets it."""

import pytest
from click.testing import CliRunner

from bowerbird.cli.commands import cli


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_what_a_command_is_for_comes_before_how_to_get_in(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"]).output
    own, _, way_in = shown.partition("To get in at an address:")

    assert "--help" in own
    if "--tls-fingerprint" in shown:
        assert "--authkey-file" not in own
        assert "--json" not in way_in
    assert "INTEGER" not in shown
