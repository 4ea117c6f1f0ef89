"""examples/cluster: each file before its own validator, as far as that goes without a platform."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from tests.redis_fixtures import RedisServer, need_redis

from bowerbird.cli.commands import cli

HERE = Path(__file__).resolve().parents[2] / "examples/cluster"
MANIFESTS = HERE / "kubernetes/bowerbird.yaml"
#: What Kubernetes itself says of each kind; a field that it does not know is refused.
SCHEMAS = json.loads((HERE.parents[1] / "tests/fixtures/kubernetes/1.30.json").read_text())
#: What stands in the environment there.
STANDS_FOR = {
    "START": "https://example.org/", "ENGINE": "redis://redis:6379/0?crawl=photos",
    "BUCKET": "s3://our-photos/gallery", "REDIS_PASSWORD": "word",
}  # fmt: skip


def understood(arguments: list[str]) -> None:
    """Whether our command line takes these words: it would then begin to work."""
    command = cli.commands[arguments[0]]
    with command.make_context(arguments[0], arguments[1:]) as context:
        assert context.params


def filled(text: str) -> str:
    text = re.sub(r"\$\{(\w+)(:\?[^}]*)?\}|\$\((\w+)\)|\$(\w+)",
                  lambda found: STANDS_FOR[found[1] or found[3] or found[4]], text)  # fmt: skip
    return text.replace("%i", "photos")


def manifests() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(MANIFESTS.read_text()))


def test_a_redis_takes_the_configuration_and_is_fit_for_crawls(tmp_path: Path) -> None:
    need_redis()
    lines = (HERE / "redis.conf").read_text().splitlines()
    conf = tmp_path / "redis.conf"
    conf.write_text("\n".join(one for one in lines if not one.startswith(("port", "bind"))))
    server = RedisServer(tmp_path / "data")
    server.options = ()
    server.folder.mkdir()
    process = subprocess.Popen(
        ["redis-server", conf, "--port", str(server.port), "--bind", "127.0.0.1",
         "--dir", str(server.folder)], stdout=subprocess.DEVNULL,
    )  # fmt: skip
    server.process = process
    try:
        server._wait()
        from bowerbird.frontier.redis.client import RedisFrontier
        from bowerbird.frontier.rules import Rules

        frontier = RedisFrontier(server.address("tale"), Rules())
        assert frontier.warnings() == []
        frontier.close()
    finally:
        server.kill()


@pytest.mark.parametrize("unit", sorted((HERE / "systemd").iterdir()), ids=lambda unit: unit.stem)
def test_systemd_understands_the_units(unit: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze on this machine")
    ran = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    complaints = [
        line for line in ran.stderr.splitlines()
        if unit.stem.partition("@")[0] in line and "is not executable" not in line
    ]  # fmt: skip
    assert complaints == []
    (command,) = re.findall(r"^ExecStart=\S+/bowerbird (.+)$", unit.read_text(), re.MULTILINE)
    understood(shlex.split(filled(command)))


def test_compose_starts_a_redis_a_manager_and_workers() -> None:
    composed = yaml.safe_load((HERE / "compose.yaml").read_text())
    services = composed["services"]
    assert set(services) == {"redis", "manager", "worker"}
    for name in ("manager", "worker"):
        understood([filled(word) for word in services[name]["command"]])
        assert services[name]["depends_on"]["redis"]["condition"] == "service_healthy"
    mounted = {one.partition(":")[0] for each in services.values() for one in each["volumes"]}
    assert mounted - {"./redis.conf"} == set(composed["volumes"])


def test_manifests_fit_our_command_line_and_each_other() -> None:
    kinds = {one["kind"]: one for one in manifests()}
    assert set(kinds) == {"ConfigMap", "Job", "Deployment"}
    for kind in ("Job", "Deployment"):
        pod = kinds[kind]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        understood([filled(word) for word in container["args"]])
        assert {one["name"] for one in container["volumeMounts"]} == {
            one["name"] for one in pod["volumes"]
        }
    deployment = kinds["Deployment"]["spec"]
    assert deployment["selector"]["matchLabels"] == deployment["template"]["metadata"]["labels"]


def test_manifests_fit_their_schemas() -> None:
    for one in manifests():
        assert complaints_of(one) == []
        one["metadata"]["colour"] = "red"
        assert complaints_of(one) != []


def complaints_of(manifest: dict[str, Any]) -> list[str]:
    schema = {**SCHEMAS, "$ref": f"#/$defs/{manifest['kind']}"}
    return [error.message for error in Draft202012Validator(schema).iter_errors(manifest)]


def test_the_scaler_asks_for_what_managers_keep_in_redis() -> None:
    from bowerbird.frontier.redis.keys import Keys

    scaled = yaml.safe_load((HERE / "kubernetes/keda.yaml").read_text())
    (trigger,) = scaled["spec"]["triggers"]
    names = [one["metadata"]["name"] for one in manifests() if one["kind"] == "Deployment"]
    assert [scaled["spec"]["scaleTargetRef"]["name"]] == names
    assert trigger["metadata"]["listName"] == Keys("photos").of("load")


def test_help_names_what_the_examples_use() -> None:
    shown = CliRunner().invoke(cli, ["crawl", "--help"]).output
    assert "--engine" in shown
    assert "--backlog" in shown
