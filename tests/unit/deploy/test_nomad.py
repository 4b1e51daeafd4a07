"""The job of Nomad and the Nix flake: read strictly. Neither was run here: the first needs a cluster, the second Nix's
packages."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest

from tests.unit.deploy.test_containers import refused_options

ROOT = Path(__file__).parents[3]
LABELLED = {"variable", "job", "group", "task", "port", "volume"}
"""Blocks with a name of their own after their kind."""
BLOCKS: dict[str, set[str]] = {
    "": {"variable", "job"},
    "variable": {"type", "description", "default", "validation"},
    "validation": {"condition", "error_message"},
    "job": {"type", "datacenters", "update", "group"},
    "update": {"max_parallel", "health_check", "min_healthy_time", "healthy_deadline", "auto_revert"},
    "group": {"count", "network", "volume", "restart", "service", "task"},
    "network": {"port", "mode"},
    "port": {"to", "static"},
    "volume": {"type", "source", "access_mode", "attachment_mode", "read_only"},
    "restart": {"attempts", "interval", "delay", "mode"},
    "service": {"name", "provider", "port", "check"},
    "check": {"type", "path", "interval", "timeout", "protocol"},
    "task": {
        *("driver", "user", "kill_signal", "kill_timeout", "config", "volume_mount", "template", "resources"),
    },
    "config": {"image", "ports", "readonly_rootfs", "cap_drop", "security_opt", "pids_limit", "args", "mount"},
    "mount": {"type", "target", "tmpfs_options"},
    "tmpfs_options": {"mode", "size"},
    "volume_mount": {"volume", "destination", "read_only"},
    "template": {"data", "destination", "perms", "uid", "gid", "change_mode"},
    "resources": {"cpu", "memory"},
}
"""What Nomad's reference lists of each block (https://developer.hashicorp.com/nomad/docs/job-specification, and its
Docker driver), as far as this job uses it."""


MARKS = {"__is_block__", "__comments__"}
"""What the parser adds."""


def unquoted(value: Any) -> Any:
    return value.strip('"') if isinstance(value, str) else value


def unknown(kind: str, block: dict[str, Any], place: str) -> list[str]:
    """Names in a block, and in those within, that Nomad does not read there."""
    if kind in LABELLED:
        return [line for name, inner in block.items() if name not in MARKS for line in within(kind, inner, name)]
    return within(kind, block, place)


def within(kind: str, block: dict[str, Any], place: str) -> list[str]:
    found = [f"{place}: {name}" for name in block if name not in BLOCKS[kind] | MARKS]
    for name, value in block.items():
        if isinstance(value, list) and value and isinstance(value[0], dict) and name in BLOCKS:
            found += [line for each in value for line in unknown(name, each, f"{place}.{name}")]
    return found


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    with (ROOT / "deploy" / "nomad" / "qmk.nomad.hcl").open() as file:
        return hcl2.load(file)


def test_every_name_is_one_that_nomad_reads(job: dict[str, Any]) -> None:
    assert not within("", job, "file")
    job["job"][0]['"qmk"']["group"][0]['"qmk"']["replicas"] = 2
    assert within("", job, "file") == ['"qmk": replicas']
    del job["job"][0]['"qmk"']["group"][0]['"qmk"']["replicas"]


@pytest.mark.parametrize("name", ["daemon", "gateway"])
def test_a_task_is_hardened_and_its_options_are_those_of_the_command(job: dict[str, Any], name: str) -> None:
    group = job["job"][0]['"qmk"']["group"][0]['"qmk"']
    (task,) = (each[f'"{name}"'] for each in group["task"] if f'"{name}"' in each)
    config = task["config"][0]
    assert config["image"] == "${var.image}"
    assert config["readonly_rootfs"] is True
    assert [unquoted(each) for each in config["cap_drop"]] == ["all"]
    assert [unquoted(each) for each in config["security_opt"]] == ["no-new-privileges:true"]
    assert unquoted(task["user"]) == "65532:65532"
    arguments = [unquoted(each) for each in config["args"]]
    assert not refused_options(arguments)
    assert {"--require-token", "--socket=/alloc/data/qmk/qmk.sock"} <= set(arguments)
    (port,) = (unquoted(each) for each in config["ports"])
    ports = {known.strip('"') for each in group["network"][0]["port"] for known in each}
    assert port in ports & {unquoted(each["port"]) for each in group["service"]}
    secrets = {unquoted(each["destination"]): unquoted(each["perms"]) for each in task["template"]}
    assert secrets == {"secrets/database": "0400", "secrets/observe": "0400"}
    named = {word.partition("=")[2].removeprefix("/") for word in arguments if "-file=" in word}
    assert named == set(secrets)
    mounted = {unquoted(each["volume"]) for each in task["volume_mount"]}
    assert mounted == {name.strip('"') for each in group["volume"] for name in each if name not in MARKS}


def test_an_image_without_a_digest_is_refused(job: dict[str, Any]) -> None:
    (image,) = (each['"image"'] for each in job["variable"] if '"image"' in each)
    assert "@sha256:[0-9a-f]{64}$" in image["validation"][0]["condition"]
    assert "default" not in image


def test_nix_reads_the_flake() -> None:
    if shutil.which("nix-instantiate") is None:
        pytest.skip("there is no nix-instantiate here; apt-get install nix-bin has it")
    done = subprocess.run(["nix-instantiate", "--parse", str(ROOT / "flake.nix")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "devShells" in done.stdout
