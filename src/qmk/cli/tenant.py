"""``qmk tenant``: the operator's commands. They speak to the daemon where one runs, else to its data folder itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from qmk.cli import options, output, parameters, terminal
from qmk.cli.failure import call_error
from qmk.cli.operate import operate

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group(name="tenant")
def command() -> None:
    """Register tenants and make their tokens. Only the user who runs the daemon can."""


def _places(function: Command) -> Command:
    function = options.local_data_option()(function)
    return options.json_option(options.database_option(function, exposed=False))


def _policy(function: Command) -> Command:
    for option in (
        click.option(
            "--quota",
            "quotas",
            multiple=True,
            type=parameters.Limit(),
            metavar="NAME=LIMIT",
            help="A limit, such as running_jobs=4; may be given several times.",
        ),
        click.option(
            "--allow",
            type=parameters.Names(),
            metavar="CAP,CAP",
            help="Capabilities its sessions may ask for, instead of all.",
        ),
        click.option(
            "--isolation",
            metavar="LEVEL",
            help="Weakest isolation that its jobs may run at: process, jail, wasm, gvisor, microvm; auto: any.",
        ),
        click.option(
            "--weight", type=click.FloatRange(min=0, min_open=True), metavar="X", help="Its share of the machine."
        ),
    ):
        function = option(function)
    return function


@command.command()
@click.argument("name")
@_policy
@_places
def add(name: str, as_json: bool, data_dir: Path | None, **policy: Any) -> None:
    """Register the tenant NAME."""
    _show([_operate(data_dir, "op_tenant_add", tenant=name, **_wishes(**policy))], as_json, one=True)


@command.command(name="set")
@click.argument("name")
@_policy
@_places
def change(name: str, as_json: bool, data_dir: Path | None, **policy: Any) -> None:
    """Change what is given of the tenant NAME ("local" is whoever needs no token)."""
    wishes = _wishes(**policy)
    if not wishes:
        raise click.UsageError("nothing to change: give --weight, --allow, --isolation or --quota")
    _show([_operate(data_dir, "op_tenant_set", tenant=name, **wishes)], as_json, one=True)


@command.command(name="list")
@_places
def tenants(as_json: bool, data_dir: Path | None) -> None:
    """List the tenants. Whoever needs no token is the tenant "local", which is not registered and not listed."""
    rows = _operate(data_dir, "op_tenant_list").tenants
    if rows or as_json:
        _show(rows, as_json)
    else:
        terminal.say("no tenants; 'qmk tenant add NAME' registers one")


@command.command()
@click.argument("name")
@_places
def suspend(name: str, as_json: bool, data_dir: Path | None) -> None:
    """Stop serving the tenant NAME: calls are refused and queued jobs wait; running jobs end."""
    _show([_operate(data_dir, "op_tenant_suspend", tenant=name)], as_json, one=True)


@command.command()
@click.argument("name")
@_places
def resume(name: str, as_json: bool, data_dir: Path | None) -> None:
    """Serve the tenant NAME again."""
    _show([_operate(data_dir, "op_tenant_resume", tenant=name)], as_json, one=True)


@command.command()
@click.argument("name")
@options.token_bounds
@click.option("--never-expires", is_flag=True, help="Make a token that is good until it is revoked.")
@click.option(
    "--output",
    "file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write it to this new file, for its owner alone.",
)
@_places
def token(
    name: str, never_expires: bool, file: str | None, as_json: bool, data_dir: Path | None, **bounds: Any
) -> None:
    """Make a token of the tenant NAME and print it. It is good for 90 days unless --expires says otherwise."""
    wishes = {key: value for key, value in bounds.items() if value is not None}
    if never_expires and "expires" in wishes:
        raise click.UsageError("--expires and --never-expires exclude each other")
    if not never_expires:
        wishes.setdefault("expires", int(time.time()) + options.TOKEN_DAYS * 86_400)
    if bounds["rights"] == []:
        raise call_error("a token without any right is good for nothing", help="name rights, or leave --rights out")
    if file is not None and Path(file).exists():
        raise options.exists_already(file)
    made = _operate(data_dir, "op_token_issue", tenant=name, **wishes)
    if file is not None:
        options.write_secret(file, made.token)
    told = {"serial": made.serial, **({"file": file} if file else {"token": made.token})}
    output.show(as_json, told, made.serial if file else made.token)


@command.command(name="tokens")
@click.argument("name")
@_places
def tokens_of(name: str, as_json: bool, data_dir: Path | None) -> None:
    """List the live tokens of the tenant NAME."""
    rows = _operate(data_dir, "op_token_list", tenant=name).tokens
    table = [(row.serial, options.moment(row.issued), options.moment(row.expires), _names(row.rights)) for row in rows]
    output.show(as_json, rows, output.table(("serial", "issued", "expires", "rights"), table))


@command.command()
@click.argument("name")
@click.argument("serial", required=False)
@click.option("--all", "everything", is_flag=True, help="Every token of the tenant so far.")
@_places
def revoke(name: str, serial: str | None, everything: bool, as_json: bool, data_dir: Path | None) -> None:
    """Make the token SERIAL of the tenant NAME void, and end the sessions that were opened with it."""
    if (serial is None) == (not everything):
        raise click.UsageError("give either the SERIAL of a token or --all")
    reply = _operate(data_dir, "op_token_revoke", tenant=name, serial=serial or "")
    text = f"{_count(len(reply.revoked), 'token')} revoked, {_count(reply.sessions, 'session')} ended"
    output.show(as_json, reply, text)


def _operate(data_dir: Path | None, name: str, **params: Any) -> Any:
    return operate(data_dir, click.get_current_context().meta[options.DATABASE], name, **params)


def _wishes(
    weight: float | None, allow: list[str] | None, isolation: str | None, quotas: tuple[tuple[str, Any], ...]
) -> dict[str, Any]:
    given = {
        "weight": weight,
        "allowed": allow,
        "isolation": isolation,
        "quotas": parameters.collect_params(quotas, "--quota") or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _show(rows: list[Any], as_json: bool, one: bool = False) -> None:
    head = ("tenant", "state", "weight", "tokens", "sessions", "jobs", "capabilities")
    table = [
        (row.tenant, "suspended" if row.suspended else "active", f"{row.weight:g}", str(row.tokens), str(row.sessions),
         str(row.jobs), _names(row.allowed))
        for row in rows
    ]  # fmt: skip
    output.show(as_json, rows[0] if one else rows, output.table(head, table))


def _names(rights: list[str] | None) -> str:
    return "all" if rights is None else ", ".join(right.removeprefix("CAP_").lower() for right in rights) or "none"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
