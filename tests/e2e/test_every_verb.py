"""Every command that asks a daemon works by the URL of a server, and every one that works on its files says so."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import click
import pytest

from qmk.cli.main import cli

Qmk = Callable[..., subprocess.CompletedProcess[str]]
Kind = Literal["call", "account", "local", "own"]
HELD = 'OPENQASM 3.0; include "stdgates.inc"; qubit q; bit c; for int i in [0:9] { h q; } c = measure q;'
"""A program that runs until it is stopped."""


def verbs(command: click.Command = cli, name: str = "") -> Iterator[tuple[str, Kind]]:
    """Each command, and where it does its work: by a call of the daemon, by an operation of the service, on the
    daemon's own files, or in its own process."""
    if isinstance(command, click.Group):
        for each in command.list_commands(context := click.Context(command)):
            found = command.get_command(context, each)
            assert found is not None
            yield from verbs(found, f"{name} {each}".strip())
        return
    options: dict[str, Any] = {text: each for each in command.params for text in each.opts}
    server = options.get("--server")
    if server is None:
        yield name, "own"
    elif server.hidden:
        yield name, "local"
    else:
        yield name, "call" if "--socket" in options else "account"


def named(kind: Kind) -> set[str]:
    return {name for name, each in verbs() if each == kind}


class Place:
    """A command line on another machine: it has a URL and a token, and no socket. ``seen``: commands that worked."""

    def __init__(self, qmk: Qmk, url: str, token: Path) -> None:
        self._qmk, self._there = qmk, ("--server", url, "--token-file", str(token))
        self.seen: set[str] = set()

    def __call__(self, name: str, *arguments: str, stdin: str = "", fails: str = "") -> str:
        """What a command prints. ``fails``: how it is refused by the daemon, which it has then reached."""
        done = self._qmk(*name.split(), *arguments, *self._there, stdin=stdin)
        assert (done.returncode != 0) == bool(fails), (name, done.stdout, done.stderr)
        assert fails in done.stderr
        self.seen.add(name)
        return done.stdout.strip()


@pytest.fixture
def started(
    qmk: Qmk, start: Callable[..., subprocess.Popen[str]], folder: Path, environment: dict[str, str]
) -> Callable[[str], Place]:
    """``started(tenant)``: a place with a token of an operator who belongs to the tenant."""
    daemon, gateway = start("serve", "--require-token", "--workers", "1"), ("gateway", "--port", "0", "--require-token")
    assert daemon.stderr is not None
    assert "listening on" in daemon.stderr.readline()
    heard = start(*gateway, "--private-webhooks").stderr
    assert heard is not None
    url = heard.readline().removeprefix("listening on ").partition(";")[0]
    here = ("--data-dir", environment["QMK_STATE_DIR"])
    assert qmk("user", "add", "root", "--operator", *here).returncode == 0

    def enter(tenant: str) -> Place:
        assert qmk("org", "add", tenant, *here).returncode == 0
        assert qmk("org", "set-member", tenant, "root", "admin", *here).returncode == 0
        asked = ("token", "issue", tenant, "--organisation", tenant, "--user", "root", "--administers", "--json")
        made = qmk(*asked, *here)
        assert made.returncode == 0, made.stderr
        token = folder / f"{tenant}.token"
        token.write_text(json.loads(made.stdout)["token"])
        token.chmod(0o600)
        return Place(qmk, url, token)

    return enter


def test_every_call_of_a_daemon_is_made_at_a_server(started: Callable[[str], Place]) -> None:
    at, other = started("chem"), started("bio")
    at("doctor")
    at("quota")
    at("top", "--once", "--json")
    assert "100 shots" in at("run", "examples/bell.qasm", "--shots", "100", "--seed", "5")
    job = at("submit", "examples/bell.qasm", "--shots", "100", "--seed", "5")
    assert json.loads(at("watch", job, "--json").splitlines()[-1])["result"]["shots"] == 100
    assert json.loads(at("result", job, "--json"))["shots"] == 100
    assert "COMPLETED" in at("status", job)
    assert at("replay", job, "--compare").startswith(f"{job}: identical to job_")
    at("label", job, "--add", "old")
    assert job in at("jobs", "--tag", "old")
    held = at("submit", "-", "--engine", "reference", "--shots", "100000000", stdin=HELD)
    waiting = at("submit", "examples/bell.qasm", "--seed", "6")
    saved = json.loads(at("checkpoint", waiting, "--json"))
    assert saved["checkpoint_id"] in at("checkpoints")
    at("rollback", waiting, "0")
    at("restore", saved["checkpoint_id"])
    at("migrate", waiting, "nowhere", fails="region")
    at("cancel", held)
    at("delete", job)
    at("status", job, fails="JOB_NOT_FOUND")

    opened = at("channel open", "bio", "--pairs", "10", "--fidelity", "0.9", "--json")
    channel = json.loads(opened)["channel"]
    assert channel in other("channel list")
    other("channel approve", channel)
    assert channel in at("channel status", channel, "--json")
    at("channel close", channel)
    assert at.seen | other.seen == named("call")


def test_every_act_of_an_account_is_done_at_a_server(started: Callable[[str], Place], tmp_path: Path) -> None:
    at = started("chem")
    rates = tmp_path / "rates.json"
    rates.write_text(json.dumps({"*": {"shot": "0.01"}}))
    at("price set", "standard", str(rates), "--currency", "EUR")
    assert "standard" in at("price list")
    at("user add", "ann")
    at("user password", "ann", stdin="a long enough password\n" * 2)
    assert "ann" in at("user list")
    at("user show", "ann")
    at("user sessions", "ann")
    at("user sign-out", "ann")
    at("org add", "lab", "--prices", "standard")
    at("org set-member", "lab", "ann", "member")
    assert "ann" in at("org members", "lab")
    at("org remove-member", "lab", "ann")
    assert "lab" in at("org list")
    at("org show", "lab")
    at("org shares")
    assert "member.set" in at("org acts", "lab")
    at("org verify-acts", "lab")
    at("user remove", "ann")
    at("budget set", "lab", "20")
    assert "20" in at("budget show", "lab")
    at("budget remove", "lab")
    for name in ("show", "csv", "usage", "usage-csv"):
        at(f"invoice {name}", "lab", "2026-01")
    at("invoice list", "lab")
    made = json.loads(at("token issue", "more", "--organisation", "chem", "--user", "root", "--json"))
    assert made["serial"] in at("token list")
    at("token revoke", made["serial"])
    hook = json.loads(at("webhook add", "chem", "https://127.0.0.1:9/", "job.failed", "--json"))["webhook"]
    assert hook in at("webhook list", "chem")
    at("webhook test", hook)
    at("webhook deliveries", hook)
    at("webhook remove", hook)
    assert at.seen == named("account")


def test_what_works_on_the_daemons_files_says_so(qmk: Qmk) -> None:
    given = {"isolation policy": ("process", "--format", "seccomp")}
    for name in named("local"):
        words = given.get(name) or tuple("x" for each in _command(name).params if isinstance(each, click.Argument))
        refused = qmk(*name.split(), *words, "--server", "lab")
        assert (refused.returncode, "on the machine of the daemon" in refused.stderr) == (2, True), (name, refused)


def _command(name: str) -> click.Command:
    found: click.Command = cli
    for each in name.split():
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), each) or found
    return found
